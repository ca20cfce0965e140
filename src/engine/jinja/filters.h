/* SPDX-License-Identifier: MIT */
/* Filters come in two files: those over lists and mappings, and the rest. */
#ifndef PML_ENGINE_JINJA_FILTERS_H
#define PML_ENGINE_JINJA_FILTERS_H

#include "engine/jinja/value.h"

const struct jinja_builtin *jinja_find_list_filter(const char *name, size_t size);

#endif
