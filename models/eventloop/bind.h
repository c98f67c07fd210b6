/*
 * bind.h - the event-loop model as harness/subject/evented.h names it. Every name is one call of ev.h.
 */
#ifndef EV_BIND_H
#define EV_BIND_H

#include <stdio.h>

#include "models/eventloop/ev.h"

#define EX_MODEL "eventloop"
#define EX_COUNTS true

#define EX_READ EV_READ
#define EX_WRITE EV_WRITE
#define EX_CONTAINER(ptr, type, member) EV_CONTAINER(ptr, type, member)

typedef struct ev_loop ex_loop;
typedef struct ev_work ex_work;
typedef struct ev_timer ex_timer;
typedef struct ev_io ex_io;
typedef struct ev_file ex_file;
typedef struct ev_call ex_call;

static inline void ex_post(ex_loop *loop, ex_work *w, void (*fn)(ex_work *))
{
	ev_post(loop, w, fn);
}

static inline bool ex_timer_start(ex_loop *loop, ex_timer *t, uint64_t ns, void (*fn)(ex_timer *))
{
	return ev_timer_start(loop, t, ns, fn);
}

static inline bool ex_timer_stop(ex_loop *loop, ex_timer *t)
{
	return ev_timer_stop(loop, t);
}

static inline int ex_io_start(ex_loop *loop, ex_io *io, int fd, unsigned events, void (*fn)(ex_io *, unsigned events))
{
	return ev_io_start(loop, io, fd, events, fn);
}

static inline int ex_io_change(ex_loop *loop, ex_io *io, unsigned events)
{
	return ev_io_change(loop, io, events);
}

static inline void ex_io_stop(ex_loop *loop, ex_io *io)
{
	ev_io_stop(loop, io);
}

static inline int ex_file_read(ex_loop *loop, ex_file *f, int fd, void *buf, size_t n, off_t offset,
			       void (*fn)(ex_file *, ssize_t result))
{
	return ev_file_read(loop, f, fd, buf, n, offset, fn);
}

static inline int ex_file_write(ex_loop *loop, ex_file *f, int fd, const void *buf, size_t n, off_t offset,
				void (*fn)(ex_file *, ssize_t result))
{
	return ev_file_write(loop, f, fd, buf, n, offset, fn);
}

static inline int ex_file_sync(ex_loop *loop, ex_file *f, int fd, void (*fn)(ex_file *, ssize_t result))
{
	return ev_file_sync(loop, f, fd, fn);
}

static inline int ex_file_open(ex_loop *loop, ex_file *f, const char *path, int flags, mode_t mode,
			       void (*fn)(ex_file *, ssize_t result))
{
	return ev_file_open(loop, f, path, flags, mode, fn);
}

static inline int ex_file_close(ex_loop *loop, ex_file *f, int fd, void (*fn)(ex_file *, ssize_t result))
{
	return ev_file_close(loop, f, fd, fn);
}

static inline int ex_call_start(ex_loop *loop, ex_call *c, void (*work)(ex_call *), void (*done)(ex_call *))
{
	return ev_call_start(loop, c, work, done);
}

/* ---- for harness/subject only ------------------------------------------------------------------- */

static inline unsigned ex_runtime_loops(unsigned workers, const char *knobs)
{
	return ev_loops_of(knobs, workers);
}

/* `workers` has no use here: a loop is one thread, however many CPUs it may use. */
static inline int ex_runtime_start(unsigned workers, const char *knobs, ex_loop **out)
{
	(void)workers;
	return ev_start(knobs, out);
}

/*
 * Returns when ex_runtime_break was called. It returns as well when nothing is left that could call back, which is a
 * bug of the body: the subject sees it by bench_done() not having been called.
 */
static inline void ex_runtime_run(ex_loop *loop)
{
	(void)ev_run(loop);
}

static inline void ex_runtime_break(ex_loop *loop)
{
	ev_break(loop);
}

static inline void ex_runtime_stop(ex_loop *loop)
{
	ev_stop(loop);
}

static inline size_t ex_runtime_counters(ex_loop *loop, const char *names[], uint64_t values[], size_t cap)
{
	const struct ev_counters c = ev_counters_of(loop);
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{"turns", c.turns},
		{"polls", c.polls},
		{"callbacks", c.callbacks},
		{"posted", c.posted},
		{"timers_fired", c.timers_fired},
		{"file_reads", c.file_reads},
	};
	size_t n = 0;

	for (; n < sizeof(all) / sizeof(all[0]) && n < cap; n++) {
		names[n] = all[n].name;
		values[n] = all[n].value;
	}
	return n;
}

static inline size_t ex_runtime_knobs(ex_loop *loop, const char *names[], char values[][32], size_t cap)
{
	static const char *const all[] = {"loops", "file", "file_reason", "pool_threads", "poll", "ready_batch"};
	struct ev_settings s;
	size_t n = 0;

	ev_settings_of(loop, &s);
	for (; n < sizeof(all) / sizeof(all[0]) && n < cap; n++)
		names[n] = all[n];
	if (n > 0)
		snprintf(values[0], 32, "%s", s.loops);
	if (n > 1)
		snprintf(values[1], 32, "%s", s.file_backend);
	if (n > 2)
		snprintf(values[2], 32, "%s", s.file_reason);
	if (n > 3)
		snprintf(values[3], 32, "%u", s.pool_threads);
	if (n > 4)
		snprintf(values[4], 32, "%s", s.poll_call);
	if (n > 5)
		snprintf(values[5], 32, "%u", s.ready_batch);
	return n;
}

#endif
