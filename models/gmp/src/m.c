/*
 * m.c - the runtime's life, its threads, and which M holds which P.
 *
 * Ms are made when a P needs one and none is idle. An M without work sleeps on its note, on a list where the last
 * one to sleep is the first to be woken (its caches are the warmest), and exits after reap_ns of sleep: a burst of
 * blocking calls leaves no threads behind. A thread that has exited is joined by sysmon or gr_stop.
 *
 *   M1  A P is on idle_ps (status IDLE, bit in idle_mask), or held by one M, or attached to an M in a blocking call, or
 *       in the hands of the thread that moves it between these. n_idle_ps is the length of idle_ps.
 *   M2  next_p is set before the note is signalled, and only for an M that has been taken off idle_ms.
 *   M3  n_unjoined counts threads from before their creation until their join; those on all_ms and dead_ms can be
 *       joined.
 *
 * Stopping. gr_stop sets `stopping`, asks all Ps for attention and wakes everybody; each M ends at its next scheduling
 * point. Gs are dropped where they are. A G that is in a blocking call is waited for; one that computes is preempted, or
 * waited for where that cannot be.
 *
 *	gr_stop                                 an M that answers an earlier call for attention (find_with_p)
 *	1 stopping = 1                          1 attention = 0
 *	2 StoreLoad                             2 StoreLoad
 *	3 attention = 1 on every P              3 reads stopping: ends
 *
 * If 1 on the right erases the 1 of step 3, it comes after it, and 3 on the right sees `stopping`. Without 2 and 3 on the
 * right an M that has read `stopping` before all this would erase the call and go on switching Gs among themselves, which
 * never looks at `stopping`. While it waits for the threads gr_stop repeats the call.
 *
 * Reading from outside (gr_stats_read, gr_count, gr_dump) may happen in any thread at any time, so gr_stop frees only
 * what nobody reads:
 *
 *	reader                                  gr_stop
 *	1 readers++ (seq_cst)                   1 readable = 0 (seq_cst)
 *	2 readable is 0: nothing to read        2 waits until readers is 0
 *	3 reads; readers--                      3 frees
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/ctx.h"
#include "file_uring.h"
#include "grow.h"
#include "knobs.h"
#include "os.h"
#include "preempt.h"
#include "runq.h"
#include "san.h"
#include "trace.h"

enum {
	M_STACK_BYTES = 64 * 1024, /* g0: the scheduler, the poller, thread creation */
	M_STACK_BYTES_SAN = 1024 * 1024,
	STOP_NAP_MAX_NS = 1000 * 1000, /* between signals to those that compute while gr_stop waits; arbitrary */
};

/* ---- Ps ------------------------------------------------------------------------------------------------ */

struct gr_p *gr__pidle_get_locked(void)
{
	struct gr_sched *s = &gr__sched;
	struct list *link = list_pop_front(&s->idle_ps);
	struct gr_p *p;

	if (!link)
		return NULL;
	p = container_of(link, struct gr_p, idle_link);
	fetch_and_relaxed(&s->idle_mask[p->id / 64], ~(1ull << (p->id % 64)));
	/* seq_cst: sysmon, about to sleep deeply, has announced that before it reads this (see sysmon.c) */
	fetch_sub_seq_cst(&s->n_idle_ps, 1);
	if (load_seq_cst(&s->sysmon_asleep))
		gr__sysmon_wake();
	return p;
}

void gr__pidle_put_locked(struct gr_p *p)
{
	struct gr_sched *s = &gr__sched;

	if (unlikely(load_relaxed(&s->world_stops))) {
		gr__p_stopped_locked(p);
		return;
	}
	store_release(&p->status, GR__P_IDLE);
	list_push_front(&s->idle_ps, &p->idle_link);
	fetch_or_relaxed(&s->idle_mask[p->id / 64], 1ull << (p->id % 64));
	fetch_add_seq_cst(&s->n_idle_ps, 1); /* step 1 of an M that goes idle */
}

bool gr__pidle_take_locked(struct gr_p *p)
{
	struct gr_sched *s = &gr__sched;

	if (list_empty(&p->idle_link))
		return false;
	/* To the front, then as usual. */
	list_remove(&p->idle_link);
	list_push_front(&s->idle_ps, &p->idle_link);
	return gr__pidle_get_locked() == p;
}

void gr__acquire_p(struct gr_m *m, struct gr_p *p)
{
	m->p = p;
	p->m = m;
	store_relaxed(&p->strike_tid, m->altstack ? m->tid : 0);
	if (gr__tracing())
		gr__trace(GR__EV_P_GET, p->id, 0, 0);
	store_release(&p->status, GR__P_RUNNING);
}

struct gr_p *gr__release_p(struct gr_m *m)
{
	struct gr_p *p = m->p;

	m->p = NULL;
	p->m = NULL;
	if (gr__tracing())
		gr__trace(GR__EV_P_PUT, p->id, 0, 0);
	return p;
}

/* ---- Ms ------------------------------------------------------------------------------------------------ */

static void add_counters(struct gr__counters *to, const struct gr__counters *from)
{
#define ADD(name) owner_add(&to->name, load_relaxed(&from->name));
	GR__COUNTERS(ADD)
#undef ADD
}

/* Without one an overflow dies without its sentence, and nothing is preempted: no reason to refuse. */
static void arm_altstack(struct gr_m *m)
{
	m->altstack = gr__altstack_take();
	if (m->altstack && gr__os_altstack_set(m->altstack)) {
		gr__altstack_put(m->altstack);
		m->altstack = NULL;
	}
}

/* Who woke m may have counted it as a spinner already. */
static void take_over_spinning(struct gr_m *m)
{
	m->spinning = m->next_spinning;
	if (m->spinning && gr__tracing())
		gr__trace(GR__EV_SPIN, GR__TRACE_NO_P, 0, 1);
}

static void *m_main(void *arg)
{
	struct gr_sched *s = &gr__sched;
	struct gr_m *m = arg;
	struct gr_p *p = m->next_p;

	m->on_g0 = true;
	gr__tls_m = m;
	gr__os_signals_restore(&s->sigmask); /* not the creator's, which may be sysmon */
	gr__os_timer_slack_set(s->knobs.slack_ns); /* nor its slack */
	m->tid = gr__os_tid();
	arm_altstack(m);
	gr__os_thread_stack(&m->san_lo, &m->san_size);
	m->san_fiber = gr__san_fiber_self();
	gr__lock(&s->lock);
	m->thread = pthread_self();
	list_push_back(&s->all_ms, &m->all_link);
	s->n_making--;
	gr__unlock(&s->lock);

	m->next_p = NULL;
	take_over_spinning(m);
	if (p)
		gr__acquire_p(m, p);
	gr__schedule(m);

	gr__grow_m_ends(m);
	gr__tls_m = NULL;
	gr__limit_set(0);
	gr__os_altstack_set(NULL);
	gr__altstack_put(m->altstack);
	gr__altstack_put(m->spare_altstack);
	store_release(&m->has_left, true); /* pairs with the acquire in await_ms */
	return NULL;
}

struct new_m {
	struct gr_p *p;
	bool spinning;
	uint32_t id;
	int err;
};

/* Make a thread for an M. On g0 or a thread that is no M: it needs stack. */
static void new_m(void *arg)
{
	struct new_m *a = arg;
	struct gr_m *m = aligned_alloc(CACHE_LINE_BYTES, align_up(sizeof(*m), CACHE_LINE_BYTES));
	pthread_t thread;

	a->err = -ENOMEM;
	if (!m)
		return;
	memset(m, 0, sizeof(*m));
	m->id = a->id;
	m->next_p = a->p;
	m->next_spinning = a->spinning;
	m->rng = (uint32_t)(gr__sched.knobs.seed * 2654435761u + a->id * 40503u) | 1;
	m->notices = gr__grow_is_on() ? GR__LIMITS : 0;
	list_init(&m->idle_link);
	list_init(&m->all_link);
	a->err = gr__os_thread_start(&thread, m_main, m, GR_ASAN || GR_TSAN ? M_STACK_BYTES_SAN : M_STACK_BYTES);
	if (a->err)
		free(m);
}

/*
 * No M could be had for p: what it has to do is left to the others. One may have become idle meanwhile; one that does
 * so later looks at `global` and the idle Ps under the lock, before it sleeps.
 */
static void give_up_p(struct gr_p *p, bool spinning)
{
	struct gr_sched *s = &gr__sched;

	gr__lock(&s->lock);
	if (!list_empty(&s->idle_ms)) {
		gr__start_m_unlock(p, spinning);
		return;
	}
	gr__runq_drain_locked(p);
	gr__pidle_put_locked(p);
	if (spinning)
		fetch_sub_seq_cst(&s->spinning, 1); /* under the lock: see "Waking" in proc.c */
	gr__unlock(&s->lock);
	fence_seq_cst(); /* pairs with the one in block_in_poller: it sees what is on `global`, or we see the poller */
	if (load_relaxed(&s->poller))
		gr__netpoll_break();
}

void gr__start_m_unlock(struct gr_p *p, bool spinning)
{
	struct gr_sched *s = &gr__sched;
	struct list *link = list_pop_front(&s->idle_ms);
	struct new_m a = {p, spinning, 0, 0};
	bool room = s->n_ms < s->knobs.max_ms && !load_relaxed(&s->stopping);

	owner_add(&s->gone.wakes, 1);
	if (link) {
		struct gr_m *m = container_of(link, struct gr_m, idle_link);

		s->n_idle_ms--;
		m->next_p = p; /* M2 */
		m->next_spinning = spinning;
		if (gr__tracing())
			gr__trace(GR__EV_WAKE_M, p->id, 0, m->id);
		gr__unlock(&s->lock);
		gr__note_wake(&m->note);
		return;
	}
	if (room) {
		s->n_ms++;
		s->n_making++;
		s->n_unjoined++;
		a.id = ++s->next_m_id;
		owner_add(&s->gone.m_created, 1);
	}
	gr__unlock(&s->lock);
	if (room && gr__tracing())
		gr__trace(GR__EV_WAKE_M, p->id, 0, a.id);
	if (room)
		gr__on_g0(new_m, &a);
	if (room && !a.err)
		return;
	give_up_p(p, spinning);
	if (!room)
		return;
	gr__lock(&s->lock);
	s->n_making--;
	s->n_unjoined--;
	owner_add(&s->gone.m_created, (uint64_t)-1);
	if (--s->n_ms == 0 && !load_relaxed(&s->stopping))
		gr__fatal("no thread can be created to run Gs on (error %d)", -a.err);
	gr__unlock(&s->lock);
}

/* The M leaves: its thread returns soon. Under sched.lock. */
static void retire_locked(struct gr_m *m)
{
	struct gr_sched *s = &gr__sched;

	list_remove(&m->all_link);
	list_push_back(&s->dead_ms, &m->all_link);
	s->n_ms--;
	add_counters(&s->gone, &m->stats);
	memset(&m->stats, 0, sizeof(m->stats));
	owner_add(&s->gone.m_reaped, 1);
}

bool gr__stop_m_unlock(struct gr_m *m)
{
	struct gr_sched *s = &gr__sched;
	int64_t deadline = INT64_MAX;

	if (load_relaxed(&s->stopping)) {
		gr__unlock(&s->lock);
		return false;
	}
	list_push_front(&s->idle_ms, &m->idle_link);
	s->n_idle_ms++;
	gr__unlock(&s->lock);
	if (s->knobs.reap_ns < (uint64_t)INT64_MAX / 2)
		deadline = gr__now_ns() + (int64_t)s->knobs.reap_ns;

	if (gr__tracing())
		gr__trace(GR__EV_SLEEP, GR__TRACE_NO_P, 0, 1);
	while (!gr__note_sleep(&m->note, deadline)) {
		gr__lock(&s->lock);
		if (!list_empty(&m->idle_link) && s->n_making && s->n_ms - s->n_making <= 1) {
			/* If the new one is refused, this is the last: it stays until that is known. */
			gr__unlock(&s->lock);
			deadline = gr__now_ns() + (int64_t)s->knobs.reap_ns;
			continue;
		}
		if (!list_empty(&m->idle_link)) {
			list_remove(&m->idle_link);
			s->n_idle_ms--;
			retire_locked(m);
			gr__unlock(&s->lock);
			if (gr__tracing())
				gr__trace(GR__EV_SLEEP, GR__TRACE_NO_P, 0, 0);
			gr__sysmon_wake(); /* to be joined */
			return false;
		}
		gr__unlock(&s->lock);
		deadline = INT64_MAX; /* somebody is about to wake us */
	}
	if (gr__tracing())
		gr__trace(GR__EV_SLEEP, GR__TRACE_NO_P, 0, 0);
	take_over_spinning(m);
	if (m->next_p) {
		gr__acquire_p(m, m->next_p);
		m->next_p = NULL;
	}
	return true; /* without a P only when stopping */
}

bool gr__join_dead(void)
{
	struct gr_sched *s = &gr__sched;
	struct list *link;
	struct gr_m *m;

	gr__lock(&s->lock);
	link = list_pop_front(&s->dead_ms);
	gr__unlock(&s->lock);
	if (!link)
		return false;
	m = container_of(link, struct gr_m, all_link);
	pthread_join(m->thread, NULL);
	free(m);
	gr__lock(&s->lock);
	s->n_unjoined--;
	gr__unlock(&s->lock);
	return true;
}

/* ---- life ------------------------------------------------------------------------------------------------- */

static void free_ps(void)
{
	struct gr_sched *s = &gr__sched;

	for (unsigned i = 0, n = load_relaxed(&s->n_ps_made); i < n; i++) {
		gr__timers_destroy(s->ps[i]);
		free(s->ps[i]);
	}
	free(s->ps);
	free(s->coprimes);
	free((void *)(uintptr_t)s->cpus);
	s->ps = NULL;
	s->coprimes = NULL;
	s->cpus = NULL;
	store_relaxed(&s->n_ps_made, 0);
}

int gr__ps_make(unsigned n)
{
	struct gr_sched *s = &gr__sched;

	for (unsigned i = load_relaxed(&s->n_ps_made); i < n; i++) {
		struct gr_p *p = aligned_alloc(CACHE_LINE_BYTES, align_up(sizeof(*p), CACHE_LINE_BYTES));

		if (!p)
			return -ENOMEM;
		memset(p, 0, sizeof(*p));
		store_relaxed(&p->status, GR__P_STOPPED);
		p->id = i;
		p->rng = (uint32_t)(s->knobs.seed * 2246822519u + (i + 1) * 3266489917u) | 1;
		list_init(&p->idle_link);
		gr__timers_init(p);
		s->ps[i] = p;
		store_release(&s->n_ps_made, i + 1); /* pairs with the acquire in sum_counters */
	}
	return 0;
}

static int make_ps(void)
{
	struct gr_sched *s = &gr__sched;
	unsigned n = s->knobs.procs;

	/* Room for as many as there may ever be, so that who reads from outside never meets an array that moves. */
	s->ps = calloc(GR__MAX_PROCS, sizeof(s->ps[0]));
	s->coprimes = calloc(GR__MAX_PROCS, sizeof(s->coprimes[0]));
	if (!s->ps || !s->coprimes || gr__ps_make(n)) {
		free_ps();
		return -ENOMEM;
	}
	store_relaxed(&s->nprocs, n);
	s->n_coprimes = gr__order_strides(n, s->coprimes);
	for (unsigned i = n; i-- > 0;)
		gr__pidle_put_locked(s->ps[i]);
	return 0;
}

static int copy_cpus(const struct gr_config *config)
{
	struct gr_sched *s = &gr__sched;
	struct gr_cpu *copy;

	if (!config || !config->n_cpus || !config->cpus)
		return 0;
	copy = calloc(config->n_cpus, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, config->cpus, config->n_cpus * sizeof(*copy));
	s->cpus = copy;
	s->n_cpus = config->n_cpus;
	return 0;
}

static void on_fault(const void *addr, uintptr_t pc, uintptr_t fp)
{
	struct gr_m *m = gr__m();
	struct gr_g *g = m ? m->curg : NULL;

	if (g && (gr__stack_guards(g, addr) || (g->seg && gr__stack_guards(g->seg, addr))))
		gr__stack_overflow(g, pc, fp);
	/* In the middle of a switch no G is current: it was the one that leaves, or the one that comes. */
	if (m && !g && (g = gr__stack_guarded_at(addr)))
		gr__stack_overflow(g, pc, fp);
}

static void reset_sched(void)
{
	struct gr_sched *s = &gr__sched;
	struct gr__knobs knobs = s->knobs;
	size_t from = offsetof(struct gr_sched, running), to = from + sizeof(s->running);

	/* All but `running`: it keeps other threads out, also during this. */
	memset(s, 0, from);
	memset((char *)s + to, 0, sizeof(*s) - to);
	s->knobs = knobs;
	list_init(&s->idle_ps);
	list_init(&s->idle_ms);
	list_init(&s->all_ms);
	list_init(&s->dead_ms);
	list_init(&s->spill);
	list_init(&s->spare_chunks);
	store_relaxed(&s->coarse_now_ns, gr__now_ns());
}

/* One M from the start, so that "no threads at all" is said here and not in the middle of work. */
static int first_m(void)
{
	struct gr_sched *s = &gr__sched;
	struct new_m a = {NULL, false, 1, 0};

	s->n_ms = s->n_making = s->n_unjoined = s->next_m_id = 1;
	owner_add(&s->gone.m_created, 1);
	new_m(&a);
	return a.err;
}

enum { STOPPED = 0, CHANGING, RUNNING };

/* The steps are in the file's head. Not in gr__sched, which is cleared. */
static _Atomic uint32_t readable, readers;

bool gr__read_begin(void)
{
	fetch_add_seq_cst(&readers, 1);
	if (load_seq_cst(&readable))
		return true;
	gr__read_end();
	return false;
}

void gr__read_end(void)
{
	fetch_sub_release(&readers, 1);
}

static void wait_for_readers(void)
{
	store_seq_cst(&readable, 0);
	while (load_seq_cst(&readers))
		gr__os_sleep_ns(50000);
}

int gr_start(const struct gr_config *config)
{
	struct gr_sched *s = &gr__sched;
	struct gr__knobs knobs;
	uint32_t was = STOPPED;
	int err = gr__knobs_make(config, &knobs);

	if (err)
		return err;
	if (!cas_strong_acq_rel(&s->running, &was, CHANGING))
		return -EBUSY;
	s->knobs = knobs;
	gr__locks_time();
	reset_sched();
	pthread_sigmask(SIG_SETMASK, NULL, &s->sigmask);
	store_relaxed(&s->is_plain, gr__knobs_are_plain());
	s->is_one_cpu = gr__os_affinity() == 1;
	store_relaxed(&s->credit_max, gr__knobs_credit());
	if ((err = gr__stacks_init()) || (gr__grow_start(), err = make_ps()))
		goto fail_stacks;
	if ((err = copy_cpus(config)))
		goto fail_ps;
	if ((err = gr__trace_from_env()))
		goto fail_ps;
	if ((err = gr__netpoll_init()))
		goto fail_trace;
	if (s->knobs.uring)
		s->uring_refused = -gr__uring_open(); /* then with threads: gr_knobs says so */
	if ((err = gr__os_fault_handler_on(on_fault)))
		goto fail_poll;
	if (knobs.sigquit)
		gr__os_quit_handler_on(gr__quit);
	if ((err = gr__preempt_start()))
		goto fail_handler;
	if ((err = gr__sysmon_start()))
		goto fail_preempt;
	if ((err = first_m()))
		goto fail_sysmon;
	store_seq_cst(&readable, 1);
	store_release(&s->running, RUNNING);
	return 0;

fail_sysmon:
	gr__sysmon_stop();
fail_preempt:
	gr__preempt_stop();
fail_handler:
	gr__os_quit_handler_off();
	gr__os_fault_handler_off();
fail_poll:
	gr__uring_close();
	gr__netpoll_destroy();
fail_trace:
	gr__trace_end();
	gr__trace_destroy();
fail_ps:
	free_ps();
fail_stacks:
	gr__stacks_destroy();
	store_release(&s->running, STOPPED);
	return err;
}

struct run {
	void (*fn)(void *);
	void *arg;
	struct gr__note done;
};

static void run_ends(struct run *r)
{
	fetch_sub_relaxed(&gr__sched.runs, 1);
	gr__note_wake(&r->done); /* r may be gone now */
}

static void run_main(void *arg)
{
	struct run *r = arg;

	r->fn(r->arg);
	run_ends(r);
}

void gr__exits(struct gr_g *g)
{
	if (g->fn == run_main)
		run_ends(g->arg);
}

void gr_run(void (*fn)(void *), void *arg)
{
	struct gr_sched *s = &gr__sched;
	struct run r = {fn, arg, {0}};
	struct gr__glist one = {NULL, NULL, 0};
	struct gr_g *g;

	if (gr__m())
		gr__fatal("gr_run: called from a G");
	if (load_acquire(&s->running) != RUNNING)
		gr__fatal("gr_run: the runtime does not run");
	if (gr__g_new(&(struct gr__birth){run_main, &r, "main"}, &g))
		gr__fatal("gr_run: no memory for a stack");
	gr__glist_push(&one, g);
	gr__lock(&s->lock);
	if (!s->has_runner)
		s->runner = pthread_self();
	else if (!pthread_equal(s->runner, pthread_self()))
		s->runners_differ = true;
	s->has_runner = true;
	/* Counted together with the push: else a deadlock could be seen between the two. */
	fetch_add_relaxed(&s->runs, 1);
	owner_add(&s->gone.spawns, 1);
	if (gr__tracing())
		gr__trace(GR__EV_SPAWN, GR__TRACE_NO_P, 0, load_relaxed(&g->id));
	gr__global_put_locked(&one);
	gr__unlock(&s->lock);
	gr__wake_p();
	gr__note_sleep(&r.done, INT64_MAX);
}

/* Wake all idle Ms; they see `stopping`. */
static void wake_idle_ms(void)
{
	struct gr_sched *s = &gr__sched;

	gr__lock(&s->lock);
	for (struct list *link; (link = list_pop_front(&s->idle_ms));) {
		struct gr_m *m = container_of(link, struct gr_m, idle_link);

		s->n_idle_ms--;
		m->next_p = NULL;
		m->next_spinning = false;
		gr__note_wake(&m->note);
	}
	gr__unlock(&s->lock);
}

/* Step 3 of gr_stop, after a StoreLoad. */
void gr__call_all_ps(void)
{
	for (unsigned i = 0, n = gr__nprocs(); i < n; i++)
		store_release(&gr__sched.ps[i]->attention, 1);
}

/* Until every M that has a thread has left. Who computes is struck again and again, more and more rarely. */
static void await_ms(void)
{
	struct gr_sched *s = &gr__sched;
	int64_t nap = 50000;
	bool all;

	do {
		all = true;
		gr__call_all_ps();
		gr__lock(&s->lock);
		list_for_each (link, &s->all_ms)
			all &= load_acquire(&container_of(link, struct gr_m, all_link)->has_left);
		gr__unlock(&s->lock);
		if (all)
			return;
		gr__os_sleep_ns(nap);
		gr__strike_all(NULL);
		nap = nap < STOP_NAP_MAX_NS ? nap * 2 : STOP_NAP_MAX_NS;
	} while (!all);
}

/* Join every M. */
static void join_all(void)
{
	struct gr_sched *s = &gr__sched;

	for (;;) {
		unsigned left;
		struct list *link;

		await_ms();
		gr__call_all_ps();
		gr__lock(&s->lock);
		link = list_pop_front(&s->all_ms);
		if (link) {
			list_push_back(&s->dead_ms, link);
			s->n_ms--;
		}
		left = s->n_unjoined;
		gr__unlock(&s->lock);
		if (!left)
			return;
		if (!gr__join_dead())
			gr__os_sleep_ns(50000); /* one is being created just now */
	}
}

void gr_stop(void)
{
	struct gr_sched *s = &gr__sched;
	uint32_t was = RUNNING;

	if (gr__m())
		gr__fatal("gr_stop: called from a G");
	if (!cas_strong_acq_rel(&s->running, &was, CHANGING))
		gr__fatal("gr_stop: the runtime does not run");
	if (load_relaxed(&s->runs))
		gr__fatal("gr_stop: a gr_run has not returned");
	gr__lock(&s->lock);
	/* Under the lock: nobody goes to sleep or makes an M after having missed it. */
	store_seq_cst(&s->stopping, 1);
	gr__unlock(&s->lock);
	fence_seq_cst(); /* 2; pairs with the one in find_with_p */
	gr__call_all_ps();
	fence_seq_cst(); /* pairs with the one in block_in_poller: it sees `stopping`, or we break it */
	gr__sysmon_stop();
	wake_idle_ms();
	gr__netpoll_break();
	join_all();
	wait_for_readers();
	gr__preempt_stop();
	gr__altstacks_destroy();
	gr__trace_end();
	gr__trace_destroy();
	gr__os_quit_handler_off();
	gr__os_fault_handler_off();
	gr__uring_close(); /* the kernel may still write to stacks */
	gr__netpoll_destroy();
	free_ps();
	gr__spill_destroy();
	gr__stacks_destroy();
	store_release(&s->running, STOPPED);
}

/* ---- counters ------------------------------------------------------------------------------------------------ */

/* Sum into one set; *exits: Gs that ended. */
static void sum_counters(struct gr__counters *sum, uint64_t *exits)
{
	struct gr_sched *s = &gr__sched;

	memset(sum, 0, sizeof(*sum));
	*exits = 0;
	if (!gr__read_begin())
		return;
	gr__lock(&s->lock);
	add_counters(sum, &s->gone);
	list_for_each (link, &s->all_ms)
		add_counters(sum, &container_of(link, struct gr_m, all_link)->stats);
	gr__unlock(&s->lock);
	for (unsigned i = 0, n = load_acquire(&s->n_ps_made); i < n; i++) {
		add_counters(sum, &s->ps[i]->stats);
		owner_add(&sum->switches, load_relaxed(&s->ps[i]->tick));
		*exits += load_relaxed(&s->ps[i]->exits);
	}
	gr__read_end();
}

void gr_stats_read(struct gr_stats *out)
{
	struct gr__counters sum;
	uint64_t exits;

	sum_counters(&sum, &exits);
#define COPY(name) out->name = load_relaxed(&sum.name);
	GR__COUNTERS(COPY)
#undef COPY
}

uint64_t gr_count(void)
{
	struct gr__counters sum;
	uint64_t exits;

	sum_counters(&sum, &exits);
	/* Not one moment's values: an end may be seen without its beginning. */
	return load_relaxed(&sum.spawns) > exits ? load_relaxed(&sum.spawns) - exits : 0;
}
