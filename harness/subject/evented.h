/*
 * evented.h - the callback style: what an evented body may call, whatever loop it is compiled against.
 *
 * The names are types and `static inline` functions of the bind.h that -DSWITCHYARD_BIND names, as direct.h's are of the
 * direct models'. One thread runs everything: no callback is ever interrupted by another one, and a callback
 * that computes long delays all others. Objects are embedded in the body's own state structs (EX_CONTAINER
 * gives the way back) and must stay where they are while they are active.
 *
 *   typedef ex_loop
 *   typedef ex_work    a callback to be run soon:     struct { void (*fn)(ex_work *); ... }
 *   typedef ex_timer   a callback to be run at a time
 *   typedef ex_io      interest in a descriptor's readiness, level-triggered
 *   typedef ex_file    one call on a file in flight
 *   typedef ex_call    one call in flight that blocks a thread of a pool
 *
 *   ex_loop *ex_loop_of(struct bench *)
 *   void ex_post(ex_loop *, ex_work *, void (*fn)(ex_work *))                 run fn after the callbacks posted before it
 *   bool ex_timer_start(ex_loop *, ex_timer *, uint64_t ns, void (*fn)(ex_timer *))   once, not before ns have passed; true:
 *                                                                             it was pending, and is moved
 *   bool ex_timer_stop(ex_loop *, ex_timer *)                                 true: it was pending
 *   int  ex_io_start(ex_loop *, ex_io *, int fd, unsigned events, void (*fn)(ex_io *, unsigned events))  EX_READ | EX_WRITE
 *   int  ex_io_change(ex_loop *, ex_io *, unsigned events)
 *   void ex_io_stop(ex_loop *, ex_io *)                                       before the descriptor is closed
 *   int  ex_file_read(ex_loop *, ex_file *, int fd, void *, size_t, off_t, void (*fn)(ex_file *, ssize_t result))
 *   int  ex_file_write(ex_loop *, ex_file *, int fd, const void *, size_t, off_t, void (*fn)(ex_file *, ssize_t result))
 *   int  ex_file_sync(ex_loop *, ex_file *, int fd, void (*fn)(ex_file *, ssize_t result))     fsync
 *   int  ex_file_open(ex_loop *, ex_file *, const char *path, int flags, mode_t, void (*fn)(ex_file *, ssize_t result))
 *   int  ex_file_close(ex_loop *, ex_file *, int fd, void (*fn)(ex_file *, ssize_t result))
 *   int  ex_call_start(ex_loop *, ex_call *, void (*work)(ex_call *), void (*done)(ex_call *))   work in a thread of the pool,
 *                                                                             which it may block, then done in the loop
 *   EX_CONTAINER(ptr, type, member)
 *
 * For harness/subject only: EX_MODEL (a string), EX_COUNTS (does ex_runtime_counters tell anything?), ex_runtime_loops(unsigned workers, const char *knobs) (how many loops
 * the knobs ask for), ex_runtime_start(unsigned workers, const char *knobs, ex_loop **out),
 * ex_runtime_run(ex_loop *), ex_runtime_break(ex_loop *) (from inside a callback: ex_runtime_run returns),
 * ex_runtime_stop(ex_loop *), ex_runtime_counters and ex_runtime_knobs as in direct.h with the loop in front.
 */
#ifndef EVENTED_H
#define EVENTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/subject/bench.h"

#ifndef SWITCHYARD_BIND
#error "compile evented bodies with -DSWITCHYARD_BIND=\"models/<m>/bind.h\""
#endif
#include SWITCHYARD_BIND

static inline ex_loop *ex_loop_of(struct bench *b)
{
	return b->model;
}

#define EX_HAS(name, type)                                                                                             \
	_Static_assert(__builtin_types_compatible_p(__typeof__(&name), type), #name " has another type")
EX_HAS(ex_post, void (*)(ex_loop *, ex_work *, void (*)(ex_work *)));
EX_HAS(ex_timer_start, bool (*)(ex_loop *, ex_timer *, uint64_t, void (*)(ex_timer *)));
EX_HAS(ex_timer_stop, bool (*)(ex_loop *, ex_timer *));
EX_HAS(ex_io_start, int (*)(ex_loop *, ex_io *, int, unsigned, void (*)(ex_io *, unsigned)));
EX_HAS(ex_io_change, int (*)(ex_loop *, ex_io *, unsigned));
EX_HAS(ex_io_stop, void (*)(ex_loop *, ex_io *));
EX_HAS(ex_file_read, int (*)(ex_loop *, ex_file *, int, void *, size_t, off_t, void (*)(ex_file *, ssize_t)));
EX_HAS(ex_file_write, int (*)(ex_loop *, ex_file *, int, const void *, size_t, off_t, void (*)(ex_file *, ssize_t)));
EX_HAS(ex_file_sync, int (*)(ex_loop *, ex_file *, int, void (*)(ex_file *, ssize_t)));
EX_HAS(ex_file_open, int (*)(ex_loop *, ex_file *, const char *, int, mode_t, void (*)(ex_file *, ssize_t)));
EX_HAS(ex_file_close, int (*)(ex_loop *, ex_file *, int, void (*)(ex_file *, ssize_t)));
EX_HAS(ex_call_start, int (*)(ex_loop *, ex_call *, void (*)(ex_call *), void (*)(ex_call *)));
EX_HAS(ex_runtime_loops, unsigned (*)(unsigned, const char *));
EX_HAS(ex_runtime_start, int (*)(unsigned, const char *, ex_loop **));
EX_HAS(ex_runtime_run, void (*)(ex_loop *));
EX_HAS(ex_runtime_break, void (*)(ex_loop *));
EX_HAS(ex_runtime_stop, void (*)(ex_loop *));
#undef EX_HAS

#endif
