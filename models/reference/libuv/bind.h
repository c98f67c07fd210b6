/*
 * bind.h - libuv as harness/subject/evented.h names it. What it binds and what has bodies of its own, lv.h says.
 */
#ifndef LV_BIND_H
#define LV_BIND_H

#include <stdio.h>

#include "models/reference/libuv/lv.h"

#define EX_MODEL "libuv"
#define EX_COUNTS false /* libuv 1.44 counts nothing of itself, unless it is told to read the clock twice a turn */

#define EX_READ UV_READABLE
#define EX_WRITE UV_WRITABLE
#define EX_CONTAINER(ptr, type, member) LV_CONTAINER(ptr, type, member)

typedef struct lv_loop ex_loop;
typedef struct lv_work ex_work;
typedef struct lv_timer ex_timer;
typedef struct lv_io ex_io;
typedef struct lv_file ex_file;
typedef struct lv_call ex_call;

static inline void ex_post(ex_loop *loop, ex_work *w, void (*fn)(ex_work *))
{
	lv_post(loop, w, fn);
}

static inline bool ex_timer_start(ex_loop *loop, ex_timer *t, uint64_t ns, void (*fn)(ex_timer *))
{
	return lv_timer_start(loop, t, ns, fn);
}

static inline bool ex_timer_stop(ex_loop *loop, ex_timer *t)
{
	return lv_timer_stop(loop, t);
}

static inline int ex_io_start(ex_loop *loop, ex_io *io, int fd, unsigned events, void (*fn)(ex_io *, unsigned events))
{
	return lv_io_start(loop, io, fd, events, fn);
}

static inline int ex_io_change(ex_loop *loop, ex_io *io, unsigned events)
{
	(void)loop;
	return lv_io_change(io, events);
}

static inline void ex_io_stop(ex_loop *loop, ex_io *io)
{
	(void)loop;
	lv_io_stop(io);
}

static inline int ex_file_read(ex_loop *loop, ex_file *f, int fd, void *buf, size_t n, off_t offset,
			       void (*fn)(ex_file *, ssize_t result))
{
	uv_buf_t to = uv_buf_init(buf, (unsigned)n);

	f->fn = fn;
	return uv_fs_read(&loop->uv, &f->req, fd, &to, 1, offset, lv_file_done);
}

static inline int ex_file_write(ex_loop *loop, ex_file *f, int fd, const void *buf, size_t n, off_t offset,
				void (*fn)(ex_file *, ssize_t result))
{
	uv_buf_t from = {.base = (char *)buf, .len = n}; /* it is only read */

	f->fn = fn;
	return uv_fs_write(&loop->uv, &f->req, fd, &from, 1, offset, lv_file_done);
}

static inline int ex_file_sync(ex_loop *loop, ex_file *f, int fd, void (*fn)(ex_file *, ssize_t result))
{
	f->fn = fn;
	return uv_fs_fsync(&loop->uv, &f->req, fd, lv_file_done);
}

static inline int ex_file_open(ex_loop *loop, ex_file *f, const char *path, int flags, mode_t mode,
			       void (*fn)(ex_file *, ssize_t result))
{
	f->fn = fn;
	return uv_fs_open(&loop->uv, &f->req, path, flags, (int)mode, lv_file_done);
}

static inline int ex_file_close(ex_loop *loop, ex_file *f, int fd, void (*fn)(ex_file *, ssize_t result))
{
	f->fn = fn;
	return uv_fs_close(&loop->uv, &f->req, fd, lv_file_done);
}

static inline int ex_call_start(ex_loop *loop, ex_call *c, void (*work)(ex_call *), void (*done)(ex_call *))
{
	return lv_call_start(loop, c, work, done);
}

/* ---- for harness/subject only ------------------------------------------------------------------- */

static inline unsigned ex_runtime_loops(unsigned workers, const char *knobs)
{
	return lv_loops_of(knobs, workers);
}

static inline int ex_runtime_start(unsigned workers, const char *knobs, ex_loop **out)
{
	(void)workers; /* a loop is one thread */
	return lv_start(knobs, out);
}

static inline void ex_runtime_run(ex_loop *loop)
{
	lv_run(loop);
}

static inline void ex_runtime_break(ex_loop *loop)
{
	lv_break(loop);
}

static inline void ex_runtime_stop(ex_loop *loop)
{
	lv_stop(loop);
}

static inline size_t ex_runtime_counters(ex_loop *loop, const char *names[], uint64_t values[], size_t cap)
{
	(void)loop;
	(void)names;
	(void)values;
	(void)cap;
	return 0;
}

static inline size_t ex_runtime_knobs(ex_loop *loop, const char *names[], char values[][32], size_t cap)
{
	static const char *const all[] = {"libuv", "loops", "file", "pool_threads", "poll", "ready_batch"};
	size_t n = 0;

	for (; n < sizeof all / sizeof all[0] && n < cap; n++)
		names[n] = all[n];
	if (n > 0)
		snprintf(values[0], 32, lv_year() ? "%s (%u)" : "%s", uv_version_string(), lv_year());
	if (n > 1)
		snprintf(values[1], 32, loop->loops ? "%u" : "cpus", loop->loops);
	if (n > 2) /* from 1.45 on it may use io_uring for files, as its version and UV_USE_IO_URING say */
		snprintf(values[2], 32, "%s", uv_version() < 0x012d00 ? "pool" : "pool, or io_uring");
	if (n > 3)
		snprintf(values[3], 32, "%u", lv_pool_threads());
	if (n > 4)
		snprintf(values[4], 32, "epoll_wait, ms");
	if (n > 5)
		snprintf(values[5], 32, "%d", LV_READY_BATCH);
	return n;
}

#endif
