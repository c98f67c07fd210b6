/*
 * proc.c - switching between Gs, making them runnable, and waking Ms for them. Looking for work is in find.c.
 *
 * Switching. A G that parks, yields or ends takes the next G from its P's queue and switches straight to it; the
 * scheduler's stack (g0) is visited only when the local queue is empty or something is due. A G cannot finish its own
 * leaving: as long as it runs on its stack, nobody else may. So what is left to do (run the park's commit, re-queue
 * the yielder, free the stack) is noted in the M and done by whatever runs next there, first thing after the switch
 * (gr__switched_to, or gr__schedule on g0). A trip over g0 for every park, Go's way, costs a second switch.
 *
 *   P1  A G is on a queue, or its pointer is with somebody who may ready it, only after its registers are saved.
 *   P2  At most one action is pending per M, and it is done before anything else happens on that M.
 *   P3  After a switch nothing read before it (M, P, thread-local) is used: the G may be on another M.
 *   P4  An M without a P touches no queue but the global one.
 *
 * Waking. Work is published by one thread while another one goes idle; neither may miss the other:
 *
 *	publisher                               M that goes idle
 *	1 put the G into a ring or `global`,    1 make the P idle (n_idle_ps++), stop spinning (spinning--)
 *	  a birth into a nursery or the spill
 *	2 StoreLoad                             2 StoreLoad
 *	3 read n_idle_ps and spinning:          3 look at all rings, nurseries, `global` and the spill again:
 *	  an idle P and no spinner: wake an M     work and an idle P: go on
 *
 * If 3 on the left sees the old values, 1 on the right comes later, and 3 on the right sees the work. At most one M is
 * woken per publication and none while one spins; a spinner that finds work wakes the next, so wake-ups form a chain.
 *
 * Who decides to wake counts the spinner first and then takes sched.lock to get a P for it. If there is none, or no M
 * for it, the count has been a lie, and who published meanwhile has relied on it. That is in order as long as the lie
 * ends before the lock is released, in both cases (wake_p_slow, give_up_p):
 *
 *	wake_p_slow                  another publisher             an M that goes idle
 *	1 spinning 0 -> 1            1 queues a G                  1 lock: makes the P idle, unlock
 *	2 lock: no idle P            2 StoreLoad                   2 StoreLoad
 *	3 spinning--, unlock         3 reads spinning              3 looks at all rings and `global`
 *
 * If the publisher's 3 sees the 1, its G was queued before our 3, and every P that becomes idle does so after our unlock:
 * its M sees the G. Unlocking before 3 leaves a gap in which a P becomes idle, its M finds nothing and sleeps, and the
 * publisher that comes after that still sees the 1.
 *
 * A G in runnext is left out of both sides on purpose: the P that published it runs it as soon as its current G
 * blocks, which is usually within 100 ns, and waking a sleeping thread costs 5 us and more on two CPUs. Such a wake-up
 * would be work that the waker itself has consumed by the time somebody comes for it. If the current G computes on
 * instead, sysmon sees a P whose runnext stays put and wakes an M for it.
 *
 * A second exception is a yielding G's own re-queueing: its check for idle Ps is made without the StoreLoad, since the
 * next yield makes it again.
 */
#include <errno.h>
#include <stdlib.h>

#include "file_uring.h"
#include "grow.h"
#include "os.h"
#include "switch.h"
#include "trace.h"

GR__FITS_SMALL_STACKS;

/* Timers and I/O are looked at that often while Gs switch, if they switch that often: how late a G may be for a polite one. */
enum { LOOK_NS = 20 * 1000 };

_Thread_local struct gr_m *gr__tls_m __attribute__((tls_model("initial-exec")));

__attribute__((noinline)) struct gr_g *gr__self(void)
{
	return gr__m()->curg;
}

__attribute__((noinline)) struct gr_p *gr__self_p(void)
{
	return gr__m()->p;
}

/* ---- making Gs runnable ------------------------------------------------------------------------------ */

/* The caller counts as a spinner, until an M does. On g0: G's stacks may be small. */
static void wake_an_m(void *arg)
{
	struct gr_sched *s = &gr__sched;
	struct gr_p *p;

	(void)arg;
	gr__lock(&s->lock);
	p = gr__pidle_get_locked();
	if (!p) {
		/*
		 * Every P has an M; each of those looks at all queues before it makes its P idle. Uncounted under the
		 * lock: a P that becomes idle after the unlock must not meet a spinner that does not look (above).
		 */
		fetch_sub_seq_cst(&s->spinning, 1);
		gr__unlock(&s->lock);
		return;
	}
	gr__start_m_unlock(p, true);
}

__attribute__((noinline)) void gr__wake_p_slow(void)
{
	uint32_t none = 0;

	/* Whoever makes the transition from 0 wakes; the woken M counts as spinning from now on. */
	if (cas_strong_seq_cst(&gr__sched.spinning, &none, 1))
		gr__on_g0(wake_an_m, NULL);
}

void gr__wake_p(void)
{
	fence_seq_cst(); /* step 2; pairs with the one in go_idle */
	gr__wake_if_idle();
}

void gr__wake_p_after_rmw(void)
{
#if !defined(__x86_64__) /* there a locked operation is the barrier */
	fence_seq_cst();
#endif
	gr__wake_if_idle();
}

/* Queue a runnable G where the knobs want it. False: nobody need be woken for it. */
static __attribute__((noinline)) bool queue_by_knobs(struct gr_p *p, struct gr_g *g, bool next)
{
	const struct gr__knobs *k = &gr__sched.knobs;

	if (gr__tracing())
		gr__trace(GR__EV_WAKE, p->id, 0, load_relaxed(&g->id));
	if (k->global) {
		gr__inject(g);
		return false;
	}
	if (next && k->runnext && (!k->seed || (gr__random(&p->rng) & 1)))
		return gr__runq_put_next(p, g);
	gr__runq_put(p, g);
	return true;
}

/* Queue a runnable G on m's P: next, or last. */
static inline void queue_next(struct gr_p *p, struct gr_g *g)
{
	bool displaced;

	if (likely(load_relaxed(&gr__sched.is_plain)))
		displaced = gr__runq_put_next(p, g);
	else
		displaced = queue_by_knobs(p, g, true);
	if (gr__nprocs() == 1)
		return;
	if (displaced)
		gr__wake_p();
	else if (!gr__runq_empty(p))
		gr__wake_if_idle(); /* published earlier, with the barrier: only a hint */
}

void gr__ready(struct gr_g *g)
{
	struct gr_p *p = gr__m()->p;

	store_relaxed(&g->state, GR__G_RUNNABLE);
	owner_add(&p->stats.readies, 1);
	queue_next(p, g);
}

void gr__ready_tail(struct gr_g *g)
{
	struct gr_p *p = gr__m()->p;

	store_relaxed(&g->state, GR__G_RUNNABLE);
	owner_add(&p->stats.readies, 1);
	if (unlikely(!load_relaxed(&gr__sched.is_plain))) {
		queue_by_knobs(p, g, p->is_urgent);
		p->is_urgent = false;
	} else if (unlikely(p->is_urgent)) { /* the first of them */
		p->is_urgent = false;
		gr__runq_put_next(p, g);
	} else {
		gr__runq_put(p, g);
	}
	if (gr__nprocs() > 1)
		gr__wake_p();
}

void gr__inject(struct gr_g *g)
{
	struct gr__glist one = {NULL, NULL, 0};

	gr__glist_push(&one, g);
	gr__lock(&gr__sched.lock);
	gr__global_put_locked(&one);
	gr__unlock(&gr__sched.lock);
	gr__wake_p();
}

/* ---- after a switch ---------------------------------------------------------------------------------- */

__attribute__((noinline)) void gr__finish_exit(struct gr_m *m, struct gr_g *g)
{
	store_relaxed(&g->state, GR__G_FREE);
	owner_add(&m->p->exits, 1);
	if (unlikely(g->seg || g->dyn))
		gr__on_g0(gr__grow_drop, g);
	gr__stack_put(m->p, g);
}

/* The G came back from a blocking call and there was no P. Only on g0. */
__attribute__((noinline)) void gr__finish_syscall(struct gr_m *m, struct gr_g *g)
{
	struct gr_sched *s = &gr__sched;
	struct gr__glist one = {NULL, NULL, 0};
	struct gr_p *p;

	store_relaxed(&g->state, GR__G_RUNNABLE);
	if (gr__tracing())
		gr__trace(GR__EV_WAKE, GR__TRACE_NO_P, 0, load_relaxed(&g->id));
	gr__lock(&s->lock);
	/* Looked at again under the lock: a P made idle since would not be told of what we put on `global`. */
	p = gr__pidle_get_locked();
	if (!p) {
		gr__glist_push(&one, g);
		gr__global_put_locked(&one);
	}
	gr__unlock(&s->lock);
	if (p) {
		gr__acquire_p(m, p);
		if (unlikely(s->knobs.global))
			gr__inject(g);
		else
			gr__runq_put(p, g);
	}
}

__attribute__((noinline)) void gr__finish_yield_global(struct gr_g *g)
{
	store_relaxed(&g->state, GR__G_RUNNABLE);
	gr__inject(g);
}

/* A park's commit said no, after the G has left its stack. */
static void ready_on_g0(void *g)
{
	gr__ready(g);
}

__attribute__((noinline)) void gr__park_refused(struct gr_g *g)
{
	gr__on_g0(ready_on_g0, g);
}

/* This M goes on with other Gs although one just began to wait for the poller: see to it that somebody polls. */
void gr__look_after_waiter(struct gr_m *m)
{
	struct gr_sched *s = &gr__sched;

	m->notices &= (uint8_t)~GR__NEW_WAITER;
	fence_seq_cst(); /* pairs with the one in block_in_poller */
	if (!load_relaxed(&s->n_idle_ps))
		return; /* all Ps are busy: they poll by time */
	if (!load_relaxed(&s->poller))
		gr__wake_p();
	else if (gr__timers_earliest() < load_relaxed(&s->poll_until_ns))
		gr__netpoll_break(); /* all Ps: m may have changed its P since the G put its timer on the old one's heap */
}

uint8_t gr__notices_that_stay(void)
{
	return (uint8_t)((gr__tracing() ? GR__TRACED : 0) | (gr__grow_is_on() ? GR__LIMITS : 0));
}

__attribute__((noinline)) void gr__look_after_notices(struct gr_m *m)
{
	bool new_waiter = m->notices & GR__NEW_WAITER;

	m->notices = gr__notices_that_stay();
	if (new_waiter)
		gr__look_after_waiter(m);
}

void gr__switched_to(struct gr_g *g)
{
	gr__switched_to_inline(g);
}

/* ---- switching ------------------------------------------------------------------------------------------ */

/*
 * The number of switches to the next look at timers and I/O. A look costs a reading of the clock, some tens of
 * nanoseconds: far more than a switch, and nothing beside a G that ran for a while. So by what the switches since the last
 * look have taken: as many as fit into LOOK_NS, one at least, and no more than between two looks at what is shared.
 */
static uint64_t switches_to_look(struct gr_p *p, uint64_t tick, int64_t now)
{
	uint64_t n = tick - p->looked_tick, took = (uint64_t)(now - p->looked_ns);

	p->looked_tick = tick;
	p->looked_ns = now;
	if (took <= n * LOOK_NS / GR__GLOBAL_EVERY)
		return GR__GLOBAL_EVERY;
	n = n * LOOK_NS / took;
	return n ? n : 1;
}

static void look_again(struct gr_p *p, uint64_t tick, uint64_t every)
{
	p->look_every = every;
	p->look_at = tick + every;
}

/*
 * P has switched so many times without find_runnable: whether timers or I/O are due, and when to look again. What waits to
 * be given to io_uring is a reason of its own only at each 61st switch, however long that takes: it is worth more in a batch.
 */
static bool is_time_due(struct gr_p *p, uint64_t tick, bool is_61st)
{
	struct gr_sched *s = &gr__sched;
	int64_t timer = gr__timers_next(p), now;
	bool io = gr__netpoll_has_waiters();

	/* Where nobody waits for time or I/O the clock is not read, and what was known of the switches grows old. */
	if (timer == INT64_MAX && !io) {
		look_again(p, tick, p->look_every < GR__GLOBAL_EVERY / 2 ? 2 * p->look_every + 1 : GR__GLOBAL_EVERY);
		return load_relaxed(&s->timers_late);
	}
	now = gr__now_ns();
	look_again(p, tick, switches_to_look(p, tick, now));
	if (load_relaxed(&s->timers_late) || (is_61st && gr__uring_on && io && gr__uring_is_due(p)))
		return true;
	if (timer <= now && !gr__has_batch(p)) /* g0 would run none */
		return true;
	return io && !load_relaxed(&s->poller) && now - load_relaxed(&s->last_poll_ns) >= s->knobs.poll_ns;
}

/* Whether g0 has something to do before the next G runs. */
static __attribute__((noinline)) bool is_g0_wanted(struct gr_p *p)
{
	bool is_61st;

	if (load_relaxed(&p->attention))
		return true;
	gr__set_due_at(p);
	if (gr__tracing())
		return true;
	is_61st = gr__is_shared_turn(p);
	if (is_61st)
		p->is_shared_due = load_relaxed(&gr__sched.global_n) || load_relaxed(&gr__sched.spill_n);
	p->is_due = is_time_due(p, load_relaxed(&p->tick), is_61st) || p->is_shared_due;
	gr__set_due_at(p);
	return p->is_due;
}

/* The rest of pick_local: not just the ring, or something may be due. */
__attribute__((noinline)) struct gr_g *gr__pick_slow(struct gr_p *p, bool due)
{
	if (due && is_g0_wanted(p))
		return NULL;
	if (unlikely(gr__limit())) /* a small stack: beginning a G takes more of it than all else that leads away */
		return NULL;
	return gr__runq_get(p);
}

void gr__park(bool (*commit)(struct gr_g *g, void *arg), void *arg, enum gr__wait reason)
{
	gr__park_inline(commit, arg, reason);
}

void gr__park_punlock(struct gr__lock *l, enum gr__wait reason)
{
	gr__park_punlock_inline(l, reason);
}

void gr_yield(void)
{
	struct gr_m *m = gr__m();
	struct gr_g *g, *next;
	struct gr_p *p;

	if (unlikely(!m || !m->curg))
		gr__fatal("gr_yield: not called from a G");
	g = m->curg;
	p = m->p;
	next = gr__pick_local(p);
	if (unlikely(!next)) {
		if (!load_relaxed(&p->attention) && !p->is_due && !gr__p_is_wanted(p)) {
			/* Nobody else: go on, but let timers and I/O through by count. */
			owner_add(&p->tick, 1);
			if (load_relaxed(&p->tick) < p->due_at)
				return;
			/* Whose call has ended may need this CPU to come back to us, and we are only waiting for somebody. */
			if (load_relaxed(&gr__sched.n_syscall_block))
				gr__os_yield();
			if (!is_g0_wanted(p))
				return;
		}
	}
	if (likely(next) && gr__nprocs() == 1) {
		/* P1 is about thieves. Without any, nobody can take g before it is off its stack, and there is nothing left
		 * to do after the switch. */
		store_relaxed(&g->state, GR__G_RUNNABLE);
		gr__runq_put(p, g);
	} else {
		m->after = unlikely(!next) && gr__sched.knobs.global ? GR__AFTER_YIELD_GLOBAL : GR__AFTER_YIELD;
		m->after_g = g;
	}
	gr__switch_off(m, g, next, false);
}

void gr__yield_to_next(void)
{
	gr_yield();
}

void gr__leave_forever(void)
{
	gr__leave_forever_inline();
}

void gr__leave_to_global(void)
{
	struct gr_m *m = gr__m();

	m->after = GR__AFTER_SYSCALL;
	m->after_g = m->curg;
	gr__switch_off(m, m->curg, NULL, false);
}

/* No clone for a caller of this file, or fn would be part of that, on the caller's stack. */
#if defined(__clang__)
__attribute__((noinline))
#else
__attribute__((noipa))
#endif
void gr__on_g0(void (*fn)(void *), void *arg)
{
	struct gr_m *m = gr__m();

	/* Sanitizers give Gs big stacks, and would have to be told of one more kind of switch. */
	if (!m || m->on_g0 || GR_ASAN || GR_TSAN) {
		fn(arg);
		return;
	}
	m->on_g0 = true;
	gr__ctx_call(m->g0_sp, fn, arg, &m->call_sp);
	gr__m()->on_g0 = false;
}

struct block {
	size_t align, bytes;
	void *mem;
};

static void alloc_block(void *arg)
{
	struct block *b = arg;

	b->mem = b->align ? aligned_alloc(b->align, b->bytes) : malloc(b->bytes);
}

__attribute__((noinline)) void *gr__alloc(size_t align, size_t bytes)
{
	struct block b = {align, bytes, NULL};

	if (gr__limit())
		gr__on_g0(alloc_block, &b);
	else
		alloc_block(&b);
	return b.mem;
}

__attribute__((noinline)) void gr__free(void *mem)
{
	if (gr__limit())
		gr__on_g0(free, mem);
	else
		free(mem);
}

/* Run g from g0 until something comes back here. */
static void run(struct gr_m *m, struct gr_g *g)
{
	if (unlikely(m->notices & ~GR__LIMITS))
		gr__look_after_notices(m);
	if (gr__tracing())
		gr__trace_run(m, g);
	owner_add(&m->p->tick, 1);
	store_relaxed(&g->state, GR__G_RUNNING);
	gr__san_leave(&m->san_fake, g->stack_lo, (size_t)(g->stack_hi - g->stack_lo), g->san_fiber);
	m->on_g0 = false;
	gr__ctx_switch(&m->g0_sp, g->sp);
	m->on_g0 = true;
	gr__san_arrive(m->san_fake);
	if (gr__tracing())
		gr__trace_leave(m);
	gr__finish_switch(m);
}

bool gr__can_spin(unsigned iteration)
{
	struct gr_sched *s = &gr__sched;
	struct gr_p *p = gr__m()->p;

	/* Somebody else must be running, who could give up what we want, and nobody must wait for our P. */
	return iteration < 4 && gr__nprocs() > 1 &&
	       load_relaxed(&s->n_idle_ps) + load_relaxed(&s->spinning) + 1 < gr__nprocs() && gr__p_is_empty(p);
}

void gr__schedule(struct gr_m *m)
{
	struct gr_g *g;

	m->on_g0 = true;
	while ((g = gr__find_runnable(m)))
		run(m, g);
}
