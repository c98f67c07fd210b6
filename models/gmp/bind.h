/*
 * bind.h - the names of harness/subject/direct.h on the GMP runtime.
 *
 * Each is one call of gr.h, which the compiler sees through. What has no counterpart there is the joinable task: a
 * goroutine and a semaphore without permits, of which the goroutine gives one when its function has returned. That
 * release does not touch the word once the permit is there, so the storage may be used again as soon as dx_join
 * has returned.
 */
#ifndef GMP_BIND_H
#define GMP_BIND_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "models/gmp/gr.h"
#include "models/gmp/parts.h"

#define DX_MODEL "gmp"

/* ---- tasks ------------------------------------------------------------------------------------- */

typedef struct dx_task {
	void (*fn)(void *); /* immutable after dx_spawn */
	void *arg; /* likewise */
	_Atomic uint32_t returned; /* a semaphore: one permit when fn has returned */
} dx_task;

static inline void dx_task_main(void *arg)
{
	dx_task *t = arg;

	t->fn(t->arg);
	gr_sema_release(&t->returned);
}

static inline int dx_spawn(dx_task *t, void (*fn)(void *), void *arg)
{
	t->fn = fn;
	t->arg = arg;
	atomic_init(&t->returned, 0);
	return gr_go(dx_task_main, t);
}

static inline void dx_join(dx_task *t)
{
	gr_sema_acquire(&t->returned);
}

static inline int dx_go(void (*fn)(void *), void *arg)
{
	return gr_go(fn, arg);
}

/* Two pages beside what the caller asks for: the guard, and what the runtime needs. */
static inline int dx_go_sized(size_t stack_bytes, void (*fn)(void *), void *arg)
{
	const struct gr_attr attr = {.stack_bytes = stack_bytes + 8192};

	return gr_go_with(&attr, fn, arg);
}

static inline void dx_yield(void)
{
	gr_yield();
}

static inline void dx_sleep_ns(uint64_t ns)
{
	gr_sleep_ns(ns);
}

#ifdef GR_PREEMPTIBLE
#define DX_PREEMPTIBLE GR_PREEMPTIBLE
#else
#define DX_PREEMPTIBLE
#endif

/* ---- mutual exclusion ---------------------------------------------------------------------------- */

typedef gr_mutex dx_mutex;

static inline int dx_mutex_init(dx_mutex *m)
{
	atomic_init(&m->state, 0);
	atomic_init(&m->sema, 0);
	return 0;
}

static inline void dx_mutex_destroy(dx_mutex *m)
{
	(void)m;
}

static inline void dx_lock(dx_mutex *m)
{
	gr_mutex_lock(m);
}

static inline void dx_unlock(dx_mutex *m)
{
	gr_mutex_unlock(m);
}

/* ---- condition variables -------------------------------------------------------------------------- */

typedef gr_cond dx_cond;

static inline int dx_cond_init(dx_cond *c)
{
	*c = (gr_cond){.head = NULL};
	return 0;
}

static inline void dx_cond_destroy(dx_cond *c)
{
	(void)c;
}

static inline void dx_cond_wait(dx_cond *c, dx_mutex *m)
{
	gr_cond_wait(c, m);
}

static inline void dx_cond_broadcast(dx_cond *c)
{
	gr_cond_broadcast(c);
}

/* ---- locks for many readers or one writer --------------------------------------------------------- */

typedef struct dx_rwlock {
	gr_rwmutex *rw;
} dx_rwlock;

static inline int dx_rwlock_init(dx_rwlock *l)
{
	return gr_rwmutex_new(&l->rw);
}

static inline void dx_rwlock_destroy(dx_rwlock *l)
{
	gr_rwmutex_free(l->rw);
	l->rw = NULL;
}

static inline void dx_rlock(dx_rwlock *l)
{
	gr_rwmutex_rlock(l->rw);
}

static inline void dx_runlock(dx_rwlock *l)
{
	gr_rwmutex_runlock(l->rw);
}

static inline void dx_wlock(dx_rwlock *l)
{
	gr_rwmutex_lock(l->rw);
}

static inline void dx_wunlock(dx_rwlock *l)
{
	gr_rwmutex_unlock(l->rw);
}

/* ---- barriers ------------------------------------------------------------------------------------ */

/* The runtime has none, as Go has none: what its programmers write, on a mutex and a condition variable. */
typedef struct dx_barrier {
	gr_mutex lock;
	gr_cond complete;
	unsigned n; /* immutable */
	unsigned missing; /* under lock: of this phase */
	uint64_t phase; /* under lock */
} dx_barrier;

static inline int dx_barrier_init(dx_barrier *b, unsigned n)
{
	*b = (dx_barrier){.n = n, .missing = n};
	return 0;
}

static inline void dx_barrier_destroy(dx_barrier *b)
{
	(void)b;
}

static inline bool dx_barrier_wait(dx_barrier *b)
{
	bool is_last;

	gr_mutex_lock(&b->lock);
	is_last = --b->missing == 0;
	if (is_last) {
		b->missing = b->n;
		b->phase++;
		gr_cond_broadcast(&b->complete);
	} else {
		for (uint64_t mine = b->phase; b->phase == mine;)
			gr_cond_wait(&b->complete, &b->lock);
	}
	gr_mutex_unlock(&b->lock);
	return is_last;
}

/* ---- semaphores ---------------------------------------------------------------------------------- */

typedef struct dx_sem {
	gr_atomic32 permits;
} dx_sem;

static inline int dx_sem_init(dx_sem *s, unsigned permits)
{
	atomic_init(&s->permits, permits);
	return 0;
}

static inline void dx_sem_destroy(dx_sem *s)
{
	(void)s;
}

static inline void dx_sem_acquire(dx_sem *s)
{
	gr_sema_acquire(&s->permits);
}

static inline void dx_sem_release(dx_sem *s)
{
	gr_sema_release(&s->permits);
}

/* ---- channels ------------------------------------------------------------------------------------ */

typedef struct dx_chan {
	gr_chan *c;
} dx_chan;

static inline int dx_chan_init(dx_chan *ch, size_t elem_bytes, size_t capacity)
{
	return gr_chan_new(elem_bytes, capacity, &ch->c);
}

static inline void dx_chan_destroy(dx_chan *ch)
{
	gr_chan_free(ch->c);
	ch->c = NULL;
}

static inline void dx_send(dx_chan *ch, const void *elem)
{
	gr_chan_send(ch->c, elem);
}

static inline bool dx_recv(dx_chan *ch, void *elem)
{
	return gr_chan_recv(ch->c, elem);
}

static inline void dx_chan_close(dx_chan *ch)
{
	gr_chan_close(ch->c);
}

/* ---- select -------------------------------------------------------------------------------------- */

typedef struct dx_set {
	gr_case *cases;
	size_t n, n_open; /* n_open: channels not yet found closed and drained; the receiver's */
} dx_set;

static inline int dx_set_init(dx_set *s, dx_chan *chans, size_t n, void *elem)
{
	s->cases = calloc(n, sizeof s->cases[0]);
	if (!s->cases)
		return -ENOMEM;
	s->n = s->n_open = n;
	for (size_t i = 0; i < n; i++)
		gr_case_recv(&s->cases[i], chans[i].c, elem);
	return 0;
}

static inline void dx_set_destroy(dx_set *s)
{
	free(s->cases);
	s->cases = NULL;
}

/* A closed channel is left out from then on, as Go programmers set it to nil. */
static inline int dx_select(dx_set *s)
{
	while (s->n_open > 0) {
		int i = gr_select(s->cases, s->n);

		if (s->cases[i].ok)
			return i;
		s->cases[i].chan = NULL;
		s->n_open--;
	}
	return -1;
}

/* ---- wait groups --------------------------------------------------------------------------------- */

typedef gr_wg dx_wg;

static inline int dx_wg_init(dx_wg *wg)
{
	atomic_init(&wg->state, 0);
	atomic_init(&wg->sema, 0);
	return 0;
}

static inline void dx_wg_destroy(dx_wg *wg)
{
	(void)wg;
}

static inline void dx_wg_add(dx_wg *wg, int n)
{
	gr_wg_add(wg, n);
}

static inline void dx_wg_done(dx_wg *wg)
{
	gr_wg_done(wg);
}

static inline void dx_wg_wait(dx_wg *wg)
{
	gr_wg_wait(wg);
}

/* ---- timers -------------------------------------------------------------------------------------- */

typedef struct dx_timer {
	gr_timer *t;
} dx_timer;

static inline int dx_timer_init(dx_timer *t, void (*fn)(void *), void *arg)
{
	return gr_timer_new(fn, arg, &t->t);
}

static inline void dx_timer_destroy(dx_timer *t)
{
	gr_timer_free(t->t);
	t->t = NULL;
}

static inline bool dx_timer_start(dx_timer *t, uint64_t ns)
{
	return gr_timer_start(t->t, ns, 0);
}

static inline bool dx_timer_stop(dx_timer *t)
{
	return gr_timer_stop(t->t);
}

/* ---- sockets and files --------------------------------------------------------------------------- */

typedef struct dx_sock {
	gr_sock *s;
} dx_sock;

static inline int dx_sock_adopt(dx_sock *so, int fd)
{
	return gr_sock_adopt(fd, &so->s);
}

static inline int dx_accept(dx_sock *listener, dx_sock *out)
{
	return gr_sock_accept(listener->s, &out->s);
}

static inline ssize_t dx_sock_read(dx_sock *so, void *buf, size_t n)
{
	return gr_sock_read(so->s, buf, n);
}

static inline ssize_t dx_sock_write(dx_sock *so, const void *buf, size_t n)
{
	return gr_sock_write(so->s, buf, n);
}

static inline ssize_t dx_recvfrom(dx_sock *so, void *buf, size_t n, struct sockaddr *from, socklen_t *len)
{
	return gr_sock_recvfrom(so->s, buf, n, 0, from, len);
}

static inline ssize_t dx_sendto(dx_sock *so, const void *buf, size_t n, const struct sockaddr *to, socklen_t len)
{
	return gr_sock_sendto(so->s, buf, n, 0, to, len);
}

static inline void dx_sock_shutdown(dx_sock *so)
{
	gr_sock_shutdown(so->s);
}

static inline void dx_sock_close(dx_sock *so)
{
	gr_sock_close(so->s);
	so->s = NULL;
}

static inline ssize_t dx_pipe_write(dx_sock *so, const void *buf, size_t n)
{
	return gr_sock_write(so->s, buf, n);
}

static inline ssize_t dx_pread(int fd, void *buf, size_t n, off_t off)
{
	return gr_pread(fd, buf, n, off);
}

static inline ssize_t dx_pwrite(int fd, const void *buf, size_t n, off_t off)
{
	return gr_pwrite(fd, buf, n, off);
}

static inline int dx_fsync(int fd)
{
	return gr_fsync(fd);
}

static inline int dx_open(const char *path, int flags, mode_t mode)
{
	return gr_open(path, flags, mode);
}

static inline int dx_close(int fd)
{
	return gr_close(fd);
}

static inline void dx_call_blocking(void (*fn)(void *), void *arg)
{
	gr_syscall_enter_blocking();
	fn(arg);
	gr_syscall_exit();
}

static inline ssize_t dx_read_blocking(int fd, void *buf, size_t n)
{
	return gr_read_blocking(fd, buf, n);
}

static inline void dx_call(void (*fn)(void *), void *arg)
{
	gr_syscall_enter();
	fn(arg);
	gr_syscall_exit();
}

/* ---- for harness/subject ------------------------------------------------------------------------- */

/* ---- parts of the runtime, by themselves ---------------------------------------------------------- */

#define DX_HAS_PARTS

typedef struct gr__parts *dx_parts;

static inline int dx_parts_make(dx_parts *p)
{
	return gr__parts_make(p);
}

static inline void dx_parts_free(dx_parts *p)
{
	gr__parts_free(*p);
}

static inline void dx_part_swap(dx_parts *p, uint64_t ops, uint64_t done[2])
{
	gr__part_swap(*p, ops, done);
}

static inline void dx_part_queue(dx_parts *p, uint64_t ops, uint64_t done[2])
{
	gr__part_queue(*p, ops, done);
}

static inline void dx_part_runnext(dx_parts *p, uint64_t ops, uint64_t done[2])
{
	gr__part_runnext(*p, ops, done);
}

#define DX_CAN_TRACE true
#define DX_TRACE_KB                                                                                                    \
	"64" /* 4096 events of each M, the last ones: half a MB of a trace's file. No room until one is taken */

static inline int dx_runtime_start(unsigned workers, const char *knobs, const uint16_t (*nearness)[2], unsigned n)
{
	struct gr_config config = {.procs = workers, .n_cpus = n};
	struct gr_cpu *cpus = NULL;
	char *all;
	int status;

	if (asprintf(&all, "trace_kb=" DX_TRACE_KB ",%s", knobs) < 0)
		return -ENOMEM;
	config.knobs = all;
	if (n)
		config.cpus = cpus = calloc(n, sizeof *cpus);
	if (n && !cpus) {
		free(all);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < n; i++)
		cpus[i] = (struct gr_cpu){.cache = nearness[i][0], .node = nearness[i][1]};
	status = gr_start(&config);
	free(cpus);
	free(all);
	return status;
}

static inline unsigned dx_runtime_pool(void)
{
	return 0;
}

static inline void dx_runtime_run(void (*root)(void *), void *arg)
{
	gr_run(root, arg);
}

static inline void dx_runtime_stop(void)
{
	gr_stop();
}

static inline size_t dx_runtime_counters(const char *names[], uint64_t values[], size_t cap)
{
	struct gr_stats s;
	size_t n = 0;

	gr_stats_read(&s);
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{"switches", s.switches},
		{"parks", s.parks},
		{"readies", s.readies},
		{"spawns", s.spawns},
		{"steals", s.steals},
		{"stolen", s.stolen},
		{"handoffs", s.handoffs},
		{"handoffs_early", s.handoffs_early},
		{"handoffs_back", s.handoffs_back},
		{"wakes", s.wakes},
		{"spins", s.spins},
		{"m_created", s.m_created},
		{"m_reaped", s.m_reaped},
		{"syscalls", s.syscalls},
		{"polls", s.polls},
		{"timers_fired", s.timers_fired},
		{"timers_put_off", s.timers_put_off},
		{"preemptions", s.preemptions},
		{"stacks_mapped", s.stacks_mapped},
	};
	_Static_assert(sizeof(s) == sizeof(all) / sizeof(all[0]) * sizeof(uint64_t), "a counter is missing");
	for (; n < sizeof(all) / sizeof(all[0]) && n < cap; n++) {
		names[n] = all[n].name;
		values[n] = all[n].value;
	}
	return n;
}

static inline int dx_runtime_trace(const char *path)
{
	return path ? gr_trace_start(path) : gr_trace_stop();
}

/* The usual stack of a goroutine, as the settings in force have it. */
static inline size_t dx_runtime_stack(bool *grows)
{
	const char *names[64];
	char values[64][32];
	size_t n = gr_knobs(names, values, 64);

	*grows = false;
#ifdef GR_STACKS_GROW
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], "grow") == 0 && strcmp(values[i], "1") == 0) {
			*grows = true;
			return GR_GROW_FIRST_BYTES;
		}
#endif
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], "stack_bytes") == 0)
			return strtoull(values[i], NULL, 10);
	return 0;
}

static inline size_t dx_runtime_knobs(const char *names[], char values[][32], size_t cap)
{
	return gr_knobs(names, values, cap);
}

#endif
