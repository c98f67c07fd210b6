/*
 * bind.h - Boost.Fiber (1.74, 2020) as harness/subject/direct.h names it.
 *
 * The library of C++ for tasks with stacks of their own that are switched in user space, with what the standard library has for
 * threads: mutexes, condition variables, barriers, channels. It is reached through the names of bf.h, since it is C++ and the
 * bodies are C. Fair because bodies are the same text as for our own models, and channels, mutexes and barriers are the
 * library's; what it lacks (locks for readers and writers, semaphores, groups) is written with its mutexes and condition
 * variables, as its manual does it. Whom the differences favour:
 *
 *  - Us: an operation is one call through bf.h more, and through a virtual function where it is a channel's. Measured beside the
 *    same loops in C++ alone a yield took as long, and a message of some 160 ns 2 % longer. Stacks come from malloc, 128 KiB each, as is the library's default: stack=pooled and
 *    stack_kib change that. A new fiber waits for its turn behind all that are ready, so a tree of tasks is all there at one time:
 *    launch=dispatch changes that (bf.cpp).
 *  - It: with one worker nothing runs in parallel, and its locks are spinlocks that nobody else wants. With several, a thread
 *    that finds nothing to do spins, as is the library's default: suspend=1 changes that.
 *  - Channels have at most the capacity that is asked for, for 64 one of 63: see bf.cpp.
 *
 * It has no I/O (its manual shows how to join it to Asio, in code that is no part of it), no timers that can be called off, and
 * nothing that waits for one of several channels.
 */
#ifndef BOOST_FIBER_BIND_H
#define BOOST_FIBER_BIND_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "models/reference/files.h"
#include "models/reference/boost-fiber/bf.h"

#define DX_MODEL "boost-fiber"
#define DX_HAS_COUNTERS false

/* ---- tasks -------------------------------------------------------------------------------------- */

typedef struct bf_fiber dx_task;

static inline int dx_spawn(dx_task *t, void (*fn)(void *), void *arg)
{
	return bf_spawn(t, fn, arg);
}

static inline void dx_join(dx_task *t)
{
	bf_join(t);
}

static inline int dx_go(void (*fn)(void *), void *arg)
{
	return bf_go(fn, arg);
}

static inline int dx_go_sized(size_t stack_bytes, void (*fn)(void *), void *arg)
{
	return bf_go_sized(stack_bytes, fn, arg);
}

static inline void dx_yield(void)
{
	bf_yield();
}

static inline void dx_sleep_ns(uint64_t ns)
{
	bf_sleep_ns(ns);
}

/* Nothing interrupts a fiber. */
#define DX_PREEMPTIBLE

/* ---- mutexes and condition variables ------------------------------------------------------------- */

typedef struct bf_mutex dx_mutex;
typedef struct bf_cond dx_cond;

static inline int dx_mutex_init(dx_mutex *m)
{
	bf_mutex_init(m);
	return 0;
}

static inline void dx_mutex_destroy(dx_mutex *m)
{
	bf_mutex_destroy(m);
}

static inline void dx_lock(dx_mutex *m)
{
	bf_lock(m);
}

static inline void dx_unlock(dx_mutex *m)
{
	bf_unlock(m);
}

static inline int dx_cond_init(dx_cond *c)
{
	bf_cond_init(c);
	return 0;
}

static inline void dx_cond_destroy(dx_cond *c)
{
	bf_cond_destroy(c);
}

static inline void dx_cond_wait(dx_cond *c, dx_mutex *m)
{
	bf_cond_wait(c, m);
}

static inline void dx_cond_broadcast(dx_cond *c)
{
	bf_cond_broadcast(c);
}

/* ---- what is written with them -------------------------------------------------------------------- */

/*
 * In each of these a wake-up is given with the lock held: who is woken needs the lock to leave, so the object is not touched any
 * more when it may be destroyed.
 */
typedef struct dx_guard {
	dx_mutex lock;
	dx_cond change;
} dx_guard;

static inline int dx_guard_init(dx_guard *g)
{
	bf_mutex_init(&g->lock);
	bf_cond_init(&g->change);
	return 0;
}

static inline void dx_guard_destroy(dx_guard *g)
{
	bf_lock(&g->lock); /* whoever woke the caller has left */
	bf_unlock(&g->lock);
	bf_cond_destroy(&g->change);
	bf_mutex_destroy(&g->lock);
}

typedef struct dx_rwlock {
	dx_guard guard; /* readers wait for its change */
	dx_cond may_write;
	unsigned readers, writers_waiting; /* under the guard's lock */
	bool is_written; /* likewise */
} dx_rwlock;

static inline int dx_rwlock_init(dx_rwlock *l)
{
	bf_cond_init(&l->may_write);
	l->readers = l->writers_waiting = 0;
	l->is_written = false;
	return dx_guard_init(&l->guard);
}

static inline void dx_rwlock_destroy(dx_rwlock *l)
{
	dx_guard_destroy(&l->guard);
	bf_cond_destroy(&l->may_write);
}

/* A writer that waits goes first. */
static inline void dx_rlock(dx_rwlock *l)
{
	bf_lock(&l->guard.lock);
	while (l->is_written || l->writers_waiting)
		bf_cond_wait(&l->guard.change, &l->guard.lock);
	l->readers++;
	bf_unlock(&l->guard.lock);
}

static inline void dx_rwlock_pass_on_locked(dx_rwlock *l)
{
	if (l->writers_waiting)
		bf_cond_signal(&l->may_write);
	else
		bf_cond_broadcast(&l->guard.change);
}

static inline void dx_runlock(dx_rwlock *l)
{
	bf_lock(&l->guard.lock);
	if (--l->readers == 0)
		dx_rwlock_pass_on_locked(l);
	bf_unlock(&l->guard.lock);
}

static inline void dx_wlock(dx_rwlock *l)
{
	bf_lock(&l->guard.lock);
	l->writers_waiting++;
	while (l->is_written || l->readers)
		bf_cond_wait(&l->may_write, &l->guard.lock);
	l->writers_waiting--;
	l->is_written = true;
	bf_unlock(&l->guard.lock);
}

static inline void dx_wunlock(dx_rwlock *l)
{
	bf_lock(&l->guard.lock);
	l->is_written = false;
	dx_rwlock_pass_on_locked(l);
	bf_unlock(&l->guard.lock);
}

typedef struct dx_sem {
	dx_guard guard;
	unsigned permits; /* under its lock */
} dx_sem;

static inline int dx_sem_init(dx_sem *s, unsigned permits)
{
	s->permits = permits;
	return dx_guard_init(&s->guard);
}

static inline void dx_sem_destroy(dx_sem *s)
{
	dx_guard_destroy(&s->guard);
}

static inline void dx_sem_acquire(dx_sem *s)
{
	bf_lock(&s->guard.lock);
	while (s->permits == 0)
		bf_cond_wait(&s->guard.change, &s->guard.lock);
	s->permits--;
	bf_unlock(&s->guard.lock);
}

static inline void dx_sem_release(dx_sem *s)
{
	bf_lock(&s->guard.lock);
	s->permits++;
	bf_cond_signal(&s->guard.change);
	bf_unlock(&s->guard.lock);
}

typedef struct dx_wg {
	dx_guard guard;
	long count; /* under its lock */
} dx_wg;

static inline int dx_wg_init(dx_wg *wg)
{
	wg->count = 0;
	return dx_guard_init(&wg->guard);
}

static inline void dx_wg_destroy(dx_wg *wg)
{
	dx_guard_destroy(&wg->guard);
}

static inline void dx_wg_add(dx_wg *wg, int n)
{
	bf_lock(&wg->guard.lock);
	wg->count += n;
	if (wg->count == 0)
		bf_cond_broadcast(&wg->guard.change);
	bf_unlock(&wg->guard.lock);
}

static inline void dx_wg_done(dx_wg *wg)
{
	dx_wg_add(wg, -1);
}

static inline void dx_wg_wait(dx_wg *wg)
{
	bf_lock(&wg->guard.lock);
	while (wg->count)
		bf_cond_wait(&wg->guard.change, &wg->guard.lock);
	bf_unlock(&wg->guard.lock);
}

/* ---- barriers and channels ------------------------------------------------------------------------ */

typedef struct bf_barrier dx_barrier;

static inline int dx_barrier_init(dx_barrier *b, unsigned n)
{
	bf_barrier_init(b, n);
	return 0;
}

static inline void dx_barrier_destroy(dx_barrier *b)
{
	bf_barrier_destroy(b);
}

static inline bool dx_barrier_wait(dx_barrier *b)
{
	return bf_barrier_wait(b);
}

typedef struct dx_chan {
	struct bf_chan *c;
} dx_chan;

static inline int dx_chan_init(dx_chan *ch, size_t elem_bytes, size_t capacity)
{
	return bf_chan_new(elem_bytes, capacity, &ch->c);
}

static inline void dx_chan_destroy(dx_chan *ch)
{
	bf_chan_free(ch->c);
	ch->c = NULL;
}

static inline void dx_send(dx_chan *ch, const void *elem)
{
	bf_send(ch->c, elem);
}

static inline bool dx_recv(dx_chan *ch, void *elem)
{
	return bf_recv(ch->c, elem);
}

static inline void dx_chan_close(dx_chan *ch)
{
	bf_close(ch->c);
}

/* ---- what there is not: these calls are never made, see dx_lacks ---------------------------------- */

typedef struct dx_none {
	char nothing;
} dx_none;
typedef dx_none dx_set;
typedef dx_none dx_timer;
typedef dx_none dx_sock;

static inline int dx_set_init(dx_set *s, dx_chan *chans, size_t n, void *elem)
{
	(void)s, (void)chans, (void)n, (void)elem;
	return -EOPNOTSUPP;
}

static inline void dx_set_destroy(dx_set *s)
{
	(void)s;
}

static inline int dx_select(dx_set *s)
{
	(void)s;
	return -1;
}

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

static inline int dx_sock_adopt(dx_sock *s, int fd)
{
	(void)s, (void)fd;
	return -EOPNOTSUPP;
}

static inline int dx_accept(dx_sock *listener, dx_sock *out)
{
	(void)listener, (void)out;
	return -EOPNOTSUPP;
}

static inline ssize_t dx_sock_read(dx_sock *s, void *buf, size_t n)
{
	(void)s, (void)buf, (void)n;
	return -EOPNOTSUPP;
}

static inline ssize_t dx_sock_write(dx_sock *s, const void *buf, size_t n)
{
	(void)s, (void)buf, (void)n;
	return -EOPNOTSUPP;
}

static inline ssize_t dx_pipe_write(dx_sock *s, const void *buf, size_t n)
{
	(void)s, (void)buf, (void)n;
	return -EOPNOTSUPP;
}

static inline void dx_sock_shutdown(dx_sock *s)
{
	(void)s;
}

static inline void dx_sock_close(dx_sock *s)
{
	(void)s;
}

static inline ssize_t dx_recvfrom(dx_sock *s, void *buf, size_t n, struct sockaddr *from, socklen_t *len)
{
	(void)s, (void)buf, (void)n, (void)from, (void)len;
	return -EOPNOTSUPP;
}

static inline ssize_t dx_sendto(dx_sock *s, const void *buf, size_t n, const struct sockaddr *to, socklen_t len)
{
	(void)s, (void)buf, (void)n, (void)to, (void)len;
	return -EOPNOTSUPP;
}

/* The workloads that need one of these, and why there is no going on without. */
static inline const char *dx_lacks(const char *workload)
{
	static const char io[] = "Boost.Fiber has no I/O: its manual joins it to Asio by code that is no part of it";
	static const struct {
		const char *family, *why;
	} lacks[] = {
		{"net/", io},
		{"mix/", io},
		{"abuse/ready", io},
		{"block/overlap", io},
		{"block/bystander", io},
		{"switch/ladder", "Boost.Fiber's parts cannot be used by themselves"},
		{"timer/churn", "Boost.Fiber has no timers that can be called off"},
		{"sync/select", "Boost.Fiber has nothing that waits for one of several channels"},
		{"block/handoff", "a call that blocks stops all fibers of its thread, also the one that would end it"},
	};

	for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++)
		if (strncmp(workload, lacks[i].family, strlen(lacks[i].family)) == 0)
			return lacks[i].why;
	return NULL;
}
#define DX_LACKS(workload) dx_lacks(workload)

/* ---- files and calls: the library has nothing for them, so each stops the thread ------------------ */

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

static inline ssize_t dx_read_blocking(int fd, void *buf, size_t n)
{
	return plain_read(fd, buf, n);
}

static inline void dx_call(void (*fn)(void *), void *arg)
{
	fn(arg);
}

static inline void dx_call_blocking(void (*fn)(void *), void *arg)
{
	fn(arg);
}

/* ---- for harness/subject only --------------------------------------------------------------------- */

static inline int dx_runtime_start(unsigned workers, const char *knobs, const uint16_t (*nearness)[2], unsigned n)
{
	(void)nearness, (void)n;
	return bf_start(workers, knobs);
}

static inline unsigned dx_runtime_pool(void)
{
	return 0;
}

static inline void dx_runtime_run(void (*root)(void *), void *arg)
{
	bf_run(root, arg);
}

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

static inline size_t dx_runtime_stack(bool *grows)
{
	*grows = false;
	return bf_stack_bytes();
}

static inline size_t dx_runtime_knobs(const char *names[], char values[][32], size_t cap)
{
	if (cap < 5)
		return 0;
	names[0] = "stack_kib";
	snprintf(values[0], 32, "%zu", bf_stack_bytes() / 1024);
	names[1] = "stack";
	snprintf(values[1], 32, "%s", bf_stack());
	names[2] = "algorithm";
	snprintf(values[2], 32, "%s", bf_algorithm());
	names[3] = "suspend";
	snprintf(values[3], 32, "%d", bf_suspends());
	names[4] = "launch";
	snprintf(values[4], 32, "%s", bf_launch());
	return 5;
}

#endif
