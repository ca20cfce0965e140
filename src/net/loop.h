/* SPDX-License-Identifier: MIT */
/*
 * The event loop: one thread that owns every connection and all mutable state of a server, so there is nothing to lock.
 * What may take over a millisecond runs on workers (base/queue.h) and comes back through pml_loop_post, carrying a
 * handle rather than a pointer to anything the loop owns. Except for pml_loop_post and pml_loop_stop, everything here
 * is called on the loop's thread, or before it runs.
 */
#ifndef PML_NET_LOOP_H
#define PML_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct event_base;
struct pml_loop;
struct pml_timer;

/* Ignores SIGPIPE for the process: a peer that has gone is an error of a write. memory, io. */
PML_CHECKED
struct pml_loop *pml_loop_new(struct pml_error *err);
/* Functions posted and not yet run are run first, so that what they own is released. NULL is allowed. */
void pml_loop_free(struct pml_loop *loop);

/* Runs until pml_loop_stop. io. */
PML_CHECKED
bool pml_loop_run(struct pml_loop *loop, struct pml_error *err);
/* Ends pml_loop_run once the callbacks at hand have returned; also before it began. From any thread. */
void pml_loop_stop(struct pml_loop *loop);

/* Runs FN(ARG) on the loop's thread, in the order posted. From any thread. False: memory is out, ARG is still the
 * caller's. */
PML_CHECKED
bool pml_loop_post(struct pml_loop *loop, void (*fn)(void *arg), void *arg);

/* Runs FN(ARG, SIGNAL_NUMBER) on the loop's thread when the signal arrives, until the loop is freed. io. */
PML_CHECKED
bool pml_loop_on_signal(struct pml_loop *loop, int signal_number, void (*fn)(void *arg, int signal_number), void *arg,
                        struct pml_error *err);

/* A timer that is not running. pml_timer_start (re)arms it to fire once; free it before its loop. memory. */
PML_CHECKED
struct pml_timer *pml_timer_new(struct pml_loop *loop, void (*fn)(void *arg), void *arg, struct pml_error *err);
void pml_timer_start(struct pml_timer *timer, unsigned timeout_ms);
void pml_timer_stop(struct pml_timer *timer);
void pml_timer_free(struct pml_timer *timer); /* NULL is allowed */

/* For the other files of net/ and for those that watch descriptors of their own. */
struct event_base *pml_loop_base(struct pml_loop *loop);

#endif
