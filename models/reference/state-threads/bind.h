/*
 * bind.h - State Threads (libst 1.9, 2009) as harness/subject/direct.h names it.
 *
 * The library of the early years of fast servers: threads in user space that take turns on one kernel thread, switch by
 * setjmp and longjmp of their own, and wait for descriptors through one epoll (or poll: Debian's is built without epoll; the
 * knob `events` tells which). Each name below is a call of it, or what its users write with it in a few lines; channels,
 * which it has not, are in stx.c. Fair because bodies are the same text as for our own models. Whom the differences favour:
 *
 *  - It: one kernel thread, so no call needs a lock or an atomic. No guard pages below stacks: one that is too small
 *    destroys its neighbour. Stacks of ended threads are kept for ever.
 *  - Us: more CPUs than one are of no use to it. To yield is st_usleep(0), as its manual has it: the thread goes into the
 *    queue of sleepers, and the library asks the kernel for events before it goes on. A descriptor is given to the kernel
 *    anew for each wait. A detached thread's function and argument go through the heap, because its start function must
 *    give back a pointer: 20 ns or so.
 *  - Nobody: a call that blocks in the kernel, as those of files do, stops all its threads.
 *
 * It has no timers that can be called off.
 */
#ifndef ST_BIND_H
#define ST_BIND_H

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "models/reference/files.h"
#include "models/reference/state-threads/stx.h"

#define DX_MODEL "state-threads"
#define DX_USES_WORKERS false
#define DX_HAS_COUNTERS false

/* ---- tasks -------------------------------------------------------------------------------------- */

typedef struct dx_task {
	void (*fn)(void *); /* immutable after dx_spawn */
	void *arg; /* likewise */
	st_thread_t thread;
} dx_task;

static inline void *dx_task_main(void *arg)
{
	dx_task *t = arg;

	t->fn(t->arg);
	return NULL;
}

static inline int dx_spawn(dx_task *t, void (*fn)(void *), void *arg)
{
	t->fn = fn;
	t->arg = arg;
	t->thread = st_thread_create(dx_task_main, t, 1, stx_stack_bytes());
	return t->thread ? 0 : -ENOMEM; /* the only thing that can be missing */
}

static inline void dx_join(dx_task *t)
{
	if (st_thread_join(t->thread, NULL) < 0)
		stx_fatal("dx_join: the task cannot be joined");
}

static inline int dx_go(void (*fn)(void *), void *arg)
{
	return stx_go((size_t)stx_stack_bytes(), fn, arg);
}

/* The library keeps its record of the thread on the same piece, and rounds up to pages. */
static inline int dx_go_sized(size_t stack_bytes, void (*fn)(void *), void *arg)
{
	return stack_bytes > 1 << 28 ? -EINVAL : stx_go(stack_bytes + 8192, fn, arg);
}

static inline void dx_yield(void)
{
	st_usleep(0);
}

/*
 * In whole microseconds, and one more since the clock's are cut off. The library counts from when it last looked at the
 * clock, which may be long ago: then it wakes too early, and there is a rest.
 */
static inline void dx_sleep_ns(uint64_t ns)
{
	st_utime_t now = st_utime(), until = now + (ns + 999) / 1000 + 1;

	for (; now < until; now = st_utime())
		st_usleep(until - now);
}

/* Nothing interrupts a thread. */
#define DX_PREEMPTIBLE

/* ---- mutexes ------------------------------------------------------------------------------------ */

typedef struct dx_mutex {
	st_mutex_t m;
} dx_mutex;

static inline int dx_mutex_init(dx_mutex *m)
{
	m->m = st_mutex_new();
	return m->m ? 0 : -ENOMEM;
}

static inline void dx_mutex_destroy(dx_mutex *m)
{
	st_mutex_destroy(m->m);
}

static inline void dx_lock(dx_mutex *m)
{
	if (__builtin_expect(st_mutex_lock(m->m) < 0, 0))
		stx_fatal("dx_lock: the task has the mutex already");
}

static inline void dx_unlock(dx_mutex *m)
{
	if (__builtin_expect(st_mutex_unlock(m->m) < 0, 0))
		stx_fatal("dx_unlock: the task has not the mutex");
}

/* ---- condition variables ------------------------------------------------------------------------ */

typedef struct dx_cond {
	st_cond_t c;
} dx_cond;

static inline int dx_cond_init(dx_cond *c)
{
	c->c = st_cond_new();
	return c->c ? 0 : -ENOMEM;
}

static inline void dx_cond_destroy(dx_cond *c)
{
	st_cond_destroy(c->c);
}

/* Nobody runs between the unlock and the wait. */
static inline void dx_cond_wait(dx_cond *c, dx_mutex *m)
{
	dx_unlock(m);
	st_cond_wait(c->c);
	dx_lock(m);
}

static inline void dx_cond_broadcast(dx_cond *c)
{
	st_cond_broadcast(c->c);
}

/* ---- locks for many readers or one writer: a condition variable each ------------------------------ */

typedef struct dx_rwlock {
	dx_cond may_read, may_write;
	unsigned readers, writers_waiting;
	bool is_written;
} dx_rwlock;

static inline int dx_rwlock_init(dx_rwlock *l)
{
	*l = (dx_rwlock){.readers = 0};
	if (dx_cond_init(&l->may_read) < 0)
		return -ENOMEM;
	if (dx_cond_init(&l->may_write) == 0)
		return 0;
	dx_cond_destroy(&l->may_read);
	return -ENOMEM;
}

static inline void dx_rwlock_destroy(dx_rwlock *l)
{
	dx_cond_destroy(&l->may_read);
	dx_cond_destroy(&l->may_write);
}

/* A writer that waits goes first. */
static inline void dx_rlock(dx_rwlock *l)
{
	while (l->is_written || l->writers_waiting)
		st_cond_wait(l->may_read.c);
	l->readers++;
}

static inline void dx_rwlock_pass_on(dx_rwlock *l)
{
	if (l->writers_waiting)
		st_cond_signal(l->may_write.c);
	else
		st_cond_broadcast(l->may_read.c);
}

static inline void dx_runlock(dx_rwlock *l)
{
	if (--l->readers == 0)
		dx_rwlock_pass_on(l);
}

static inline void dx_wlock(dx_rwlock *l)
{
	l->writers_waiting++;
	while (l->is_written || l->readers)
		st_cond_wait(l->may_write.c);
	l->writers_waiting--;
	l->is_written = true;
}

static inline void dx_wunlock(dx_rwlock *l)
{
	l->is_written = false;
	dx_rwlock_pass_on(l);
}

/* ---- barriers ----------------------------------------------------------------------------------- */

typedef struct dx_barrier {
	dx_cond complete;
	unsigned n, missing; /* n: immutable; missing: of this phase */
} dx_barrier;

static inline int dx_barrier_init(dx_barrier *b, unsigned n)
{
	b->n = b->missing = n;
	return dx_cond_init(&b->complete);
}

static inline void dx_barrier_destroy(dx_barrier *b)
{
	dx_cond_destroy(&b->complete);
}

/* One wait and no loop: the broadcast is for those that wait now, and nothing else wakes them. */
static inline bool dx_barrier_wait(dx_barrier *b)
{
	bool is_last = --b->missing == 0;

	if (is_last) {
		b->missing = b->n;
		st_cond_broadcast(b->complete.c);
	} else {
		st_cond_wait(b->complete.c);
	}
	return is_last;
}

/* ---- semaphores --------------------------------------------------------------------------------- */

typedef struct dx_sem {
	dx_cond some;
	unsigned permits;
} dx_sem;

static inline int dx_sem_init(dx_sem *s, unsigned permits)
{
	s->permits = permits;
	return dx_cond_init(&s->some);
}

static inline void dx_sem_destroy(dx_sem *s)
{
	dx_cond_destroy(&s->some);
}

static inline void dx_sem_acquire(dx_sem *s)
{
	while (s->permits == 0)
		st_cond_wait(s->some.c);
	s->permits--;
}

static inline void dx_sem_release(dx_sem *s)
{
	s->permits++;
	st_cond_signal(s->some.c);
}

/* ---- channels and wait groups ------------------------------------------------------------------- */

typedef struct stx_chan dx_chan;
typedef struct stx_set dx_set;

static inline int dx_chan_init(dx_chan *c, size_t elem_bytes, size_t capacity)
{
	return stx_chan_init(c, elem_bytes, capacity);
}

static inline void dx_chan_destroy(dx_chan *c)
{
	stx_chan_destroy(c);
}

static inline void dx_send(dx_chan *c, const void *elem)
{
	stx_chan_send(c, elem);
}

static inline bool dx_recv(dx_chan *c, void *elem)
{
	return stx_chan_recv(c, elem);
}

static inline void dx_chan_close(dx_chan *c)
{
	stx_chan_close(c);
}

static inline int dx_set_init(dx_set *s, dx_chan *chans, size_t n, void *elem)
{
	return stx_set_init(s, chans, n, elem);
}

static inline void dx_set_destroy(dx_set *s)
{
	stx_set_destroy(s);
}

static inline int dx_select(dx_set *s)
{
	return stx_select(s);
}

typedef struct dx_wg {
	dx_cond is_zero;
	long count;
} dx_wg;

static inline int dx_wg_init(dx_wg *wg)
{
	wg->count = 0;
	return dx_cond_init(&wg->is_zero);
}

static inline void dx_wg_destroy(dx_wg *wg)
{
	dx_cond_destroy(&wg->is_zero);
}

static inline void dx_wg_add(dx_wg *wg, int n)
{
	wg->count += n;
	if (wg->count < 0)
		stx_fatal("dx_wg_add: the count fell below 0");
	if (wg->count == 0)
		st_cond_broadcast(wg->is_zero.c);
}

static inline void dx_wg_done(dx_wg *wg)
{
	dx_wg_add(wg, -1);
}

/* No loop, as above: the group may be gone when the one that waits runs again. */
static inline void dx_wg_wait(dx_wg *wg)
{
	if (wg->count)
		st_cond_wait(wg->is_zero.c);
}

/* ---- timers: none ------------------------------------------------------------------------------- */

typedef struct dx_timer {
	char none;
} dx_timer;

static inline int dx_timer_init(dx_timer *t, void (*fn)(void *), void *arg)
{
	(void)t, (void)fn, (void)arg;
	return -EOPNOTSUPP;
}

static inline void dx_timer_destroy(dx_timer *t)
{
	(void)t;
}

static inline bool dx_timer_start(dx_timer *t, uint64_t ns)
{
	(void)t, (void)ns;
	return false;
}

static inline bool dx_timer_stop(dx_timer *t)
{
	(void)t;
	return false;
}

/* ---- sockets and files -------------------------------------------------------------------------- */

typedef struct dx_sock {
	st_netfd_t fd;
	bool is_shut;
} dx_sock;

static inline int dx_sock_adopt(dx_sock *s, int fd)
{
	s->is_shut = false;
	s->fd = st_netfd_open(fd);
	return s->fd ? 0 : -errno;
}

/* A connection that died in the queue is nobody's error. */
static inline int dx_accept(dx_sock *listener, dx_sock *out)
{
	out->is_shut = false;
	do
		out->fd = st_accept(listener->fd, NULL, NULL, ST_UTIME_NO_TIMEOUT);
	while (!out->fd && errno == ECONNABORTED);
	return out->fd ? 0 : -errno;
}

static inline ssize_t dx_sock_read(dx_sock *s, void *buf, size_t n)
{
	ssize_t got = st_read(s->fd, buf, n, ST_UTIME_NO_TIMEOUT);

	return got < 0 ? -errno : got;
}

static inline ssize_t dx_sock_write(dx_sock *s, const void *buf, size_t n)
{
	ssize_t put = st_write(s->fd, buf, n, ST_UTIME_NO_TIMEOUT);

	return put < 0 ? -errno : put;
}

static inline ssize_t dx_pipe_write(dx_sock *s, const void *buf, size_t n)
{
	return dx_sock_write(s, buf, n);
}

/*
 * Not st_recvfrom: a socket of datagrams that has been shut down is ready for ever and gives EAGAIN, and that call would
 * ask again and again.
 */
static inline ssize_t dx_recvfrom(dx_sock *s, void *buf, size_t n, struct sockaddr *from, socklen_t *len)
{
	while (!s->is_shut) {
		ssize_t got = recvfrom(st_netfd_fileno(s->fd), buf, n, 0, from, len);

		if (got >= 0)
			return got;
		if (errno != EINTR && (errno != EAGAIN || st_netfd_poll(s->fd, POLLIN, ST_UTIME_NO_TIMEOUT) < 0))
			return -errno;
	}
	return 0;
}

static inline ssize_t dx_sendto(dx_sock *s, const void *buf, size_t n, const struct sockaddr *to, socklen_t len)
{
	int put = st_sendto(s->fd, buf, (int)n, to, (int)len, ST_UTIME_NO_TIMEOUT);

	return put < 0 ? -errno : put;
}

/* ENOTCONN: nobody is there to be told, or it is a socket of datagrams, whose readers are woken all the same. */
static inline void dx_sock_shutdown(dx_sock *s)
{
	s->is_shut = true;
	if (shutdown(st_netfd_fileno(s->fd), SHUT_RDWR) < 0 && errno != ENOTCONN)
		stx_fatal("dx_sock_shutdown: not a socket");
}

static inline void dx_sock_close(dx_sock *s)
{
	if (st_netfd_close(s->fd) < 0 && errno == EBADF)
		stx_fatal("dx_sock_close: not open");
	s->fd = NULL;
}

/* Files: the library has nothing for them, so each call stops everybody. */
static inline ssize_t dx_pread(int fd, void *buf, size_t n, off_t offset)
{
	return plain_pread(fd, buf, n, offset);
}

static inline ssize_t dx_pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	return plain_pwrite(fd, buf, n, offset);
}

static inline int dx_fsync(int fd)
{
	return plain_fsync(fd);
}

static inline int dx_open(const char *path, int flags, mode_t mode)
{
	return plain_open(path, flags, mode);
}

static inline int dx_close(int fd)
{
	return plain_close(fd);
}

static inline void dx_call(void (*fn)(void *), void *arg)
{
	fn(arg);
}

static inline void dx_call_blocking(void (*fn)(void *), void *arg)
{
	fn(arg);
}

/* The one read that need not stop the others: what it waits for can be polled. The descriptor's flags stay as they are. */
static inline ssize_t dx_read_blocking(int fd, void *buf, size_t n)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	return st_poll(&ready, 1, ST_UTIME_NO_TIMEOUT) < 0 ? -errno : plain_read(fd, buf, n);
}

/* ---- for harness/subject only ------------------------------------------------------------------- */

static inline const char *dx_lacks(const char *workload)
{
	if (strcmp(workload, "timer/churn") == 0)
		return "the library has no timers that can be called off";
	if (strcmp(workload, "switch/ladder") == 0)
		return "the library's parts cannot be used by themselves";
	if (strcmp(workload, "block/handoff") == 0)
		return "a call that blocks stops all threads of the library, also the one that would end it";
	return NULL;
}
#define DX_LACKS(workload) dx_lacks(workload)

static inline int dx_runtime_start(unsigned workers, const char *knobs, const uint16_t (*nearness)[2], unsigned n)
{
	(void)workers, (void)nearness, (void)n;
	return stx_start(knobs);
}

static inline unsigned dx_runtime_pool(void)
{
	return 0;
}

static inline void dx_runtime_run(void (*root)(void *), void *arg)
{
	root(arg); /* the kernel thread that called st_init is one of the library's threads */
}

/* There is no way to end the library. */
static inline void dx_runtime_stop(void)
{
}

static inline size_t dx_runtime_counters(const char *names[], uint64_t values[], size_t cap)
{
	(void)names, (void)values, (void)cap;
	return 0;
}

#define DX_CAN_TRACE false

static inline int dx_runtime_trace(const char *path)
{
	(void)path;
	return -EOPNOTSUPP;
}

/* 0 is the library's own size: 64 KiB, says its manual. */
static inline size_t dx_runtime_stack(bool *grows)
{
	*grows = false;
	return stx_stack_bytes() ? (size_t)stx_stack_bytes() : 65536;
}

static inline size_t dx_runtime_knobs(const char *names[], char values[][32], size_t cap)
{
	size_t n = 0;

	if (n < cap) {
		bool grows;

		names[n] = "stack_kib";
		snprintf(values[n++], 32, "%zu", dx_runtime_stack(&grows) / 1024);
	}
	if (n < cap) {
		names[n] = "events";
		snprintf(values[n++], 32, "%s", st_get_eventsys_name());
	}
	return n;
}

#endif
