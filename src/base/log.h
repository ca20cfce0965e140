/* SPDX-License-Identifier: MIT */
/*
 * Logging for programs; libraries return errors instead. One line an event on standard error: time, level, a stable
 * event name, then key=value, such as "serve.ready url=https://127.0.0.1:8443". Prompts, answers, keys, tokens and
 * bodies have no place in it.
 */
#ifndef PML_BASE_LOG_H
#define PML_BASE_LOG_H

#include "base/error.h"

enum pml_log_level { PML_LOG_DEBUG, PML_LOG_INFO, PML_LOG_WARN, PML_LOG_ERROR };

void pml_log_set_level(enum pml_log_level lowest); /* default PML_LOG_INFO */

/* EVENT is a literal; FMT gives "key=value key=value". Safe from any thread. */
void pml_log(enum pml_log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* For events that a stranger can cause: at most 10 a minute for each EVENT, then one line that counts those left out.
 */
void pml_log_limited(enum pml_log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "EVENT code=... error=\"...\"". */
void pml_log_error(enum pml_log_level level, const char *event, const struct pml_error *err);

#endif
