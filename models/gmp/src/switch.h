/*
 * switch.h - leaving a stack, inline: what proc.c describes, for those places where it has to be fast.
 *
 * Inline because of the return predictor, which is a stack of the calls that this thread has made. Each function that a
 * G is in when it is switched off was entered by a call on one stack and will be left by a return on another, which
 * finds the other's calls: a misprediction, some 20 cycles, for each. So a G that blocks should be in one function of
 * ours at most, and a G that ends in none: the slow path of an operation is called in tail position (a jump) and has the
 * park inlined (gr__park_inline).
 */
#ifndef GR_SWITCH_H
#define GR_SWITCH_H

#include "arch/ctx.h"
#include "grow.h"
#include "plock.h"
#include "runq.h"
#include "san.h"

/* The slow parts, in proc.c: never inlined, not there either, or the fast paths around them get worse. */
void gr__wake_p_slow(void);
void gr__finish_exit(struct gr_m *m, struct gr_g *g);
void gr__finish_syscall(struct gr_m *m, struct gr_g *g);
void gr__finish_preempt(struct gr_m *m, struct gr_g *g);
void gr__finish_yield_global(struct gr_g *g);
void gr__park_refused(struct gr_g *g);
void gr__look_after_notices(struct gr_m *m);
void gr__look_after_waiter(struct gr_m *m);
struct gr_g *gr__pick_slow(struct gr_p *p, bool due);

/* Step 3 of a publisher. */
static inline void gr__wake_if_idle(void)
{
	struct gr_sched *s = &gr__sched;

	if (unlikely(load_relaxed(&s->n_idle_ps) != 0) && load_relaxed(&s->spinning) == 0)
		gr__wake_p_slow();
}

/* Do what the previous owner of this M could not do itself (P2). */
static inline __attribute__((always_inline)) void gr__finish_switch(struct gr_m *m)
{
	struct gr_g *g = m->after_g;
	enum gr__after what = m->after;

	if (what == GR__AFTER_NOTHING)
		return;
	m->after = GR__AFTER_NOTHING;
	if (what == GR__AFTER_PARK) {
		bool (*commit)(struct gr_g *, void *) = m->after_commit;

		m->notices |= gr__wait_needs_poller(m->after_reason);
		store_relaxed(&g->state, GR__G_WAITING);
		/* Once commit has let go of the G, it may run elsewhere and end: g is not touched again. */
		if (commit && !commit(g, m->after_arg))
			gr__park_refused(g);
	} else if (what == GR__AFTER_YIELD) {
		store_relaxed(&g->state, GR__G_RUNNABLE);
		gr__runq_put(m->p, g);
		gr__wake_if_idle();
	} else if (what == GR__AFTER_EXIT) {
		gr__finish_exit(m, g);
	} else if (what == GR__AFTER_SYSCALL) {
		gr__finish_syscall(m, g);
	} else if (what == GR__AFTER_PREEMPT) {
		gr__finish_preempt(m, g);
	} else if (what == GR__AFTER_YIELD_GLOBAL) {
		gr__finish_yield_global(g);
	}
}

static inline __attribute__((always_inline)) void gr__switched_to_inline(struct gr_g *g)
{
	struct gr_m *m = gr__m();

	gr__san_arrive(g->san_fake);
	gr__finish_switch(m);
	if (unlikely(m->notices)) {
		gr__limit_set(g->stack_limit); /* with GR__LIMITS; else it is 0 and was */
		if (unlikely(m->notices & ~GR__LIMITS))
			gr__look_after_notices(m);
	}
	m->curg = g;
}

/* The next G of the own queue; NULL: there is none, or g0 has something to do first. As gr__runq_get, of which the two
 * usual cases are here: something in runnext, or nothing but the ring. */
static inline __attribute__((always_inline)) struct gr_g *gr__pick_local(struct gr_p *p)
{
	bool due = load_relaxed(&p->attention) || load_relaxed(&p->tick) >= p->due_at;
	struct gr_g *g = load_relaxed(&p->runnext);

	if (unlikely(due))
		return gr__pick_slow(p, true);
	/* unlikely: for the layout. A yield finds nothing there and is the shortest path; a park loses nothing by it. */
	if (unlikely(g != NULL) && load_relaxed(&p->streak) < GR__STREAK_MAX) {
		owner_add(&p->streak, 1);
		if (gr__nprocs() == 1) { /* no thieves */
			store_relaxed(&p->runnext, NULL);
			return g;
		}
		if (likely(cas_strong_acquire(&p->runnext, &g, NULL)))
			return g;
	}
	if (g || gr__nursery_len(p))
		return gr__pick_slow(p, false);
	store_relaxed(&p->streak, 0);
	return gr__runq_pop(p);
}

/* Leave g's stack for `next`'s or, if that is NULL, for g0. Returns when g runs again. */
static inline __attribute__((always_inline)) void gr__switch_off(struct gr_m *m, struct gr_g *g, struct gr_g *next,
								 bool dying)
{
	void **fake = dying ? NULL : &g->san_fake;

	m->curg = NULL;
	if (likely(next)) {
		owner_add(&m->p->tick, 1);
		store_relaxed(&next->state, GR__G_RUNNING);
		gr__san_leave(fake, next->stack_lo, (size_t)(next->stack_hi - next->stack_lo), next->san_fiber);
		gr__ctx_switch(&g->sp, next->sp);
	} else {
		gr__san_leave(fake, m->san_lo, m->san_size, m->san_fiber);
		gr__ctx_switch(&g->sp, m->g0_sp);
	}
	/* P3: m and everything else read before is another M's business now */
	gr__switched_to_inline(g);
}

/* gr__park, for slow paths that are called in tail position. */
static inline __attribute__((always_inline)) void gr__park_inline(bool (*commit)(struct gr_g *g, void *arg), void *arg,
								  enum gr__wait reason)
{
	struct gr_m *m = gr__m();
	struct gr_g *g = m->curg;
	struct gr_p *p = m->p;

	store_relaxed(&g->wait, reason);
	store_relaxed(&g->since_ns, load_relaxed(&gr__sched.coarse_now_ns));
	owner_add(&p->stats.parks, 1);
	m->after = GR__AFTER_PARK;
	m->after_g = g;
	m->after_commit = commit;
	m->after_arg = arg;
	m->after_reason = reason;
	gr__switch_off(m, g, gr__pick_local(p), false);
}

/* The usual commit of a park: releases the lock that arg is. */
static inline bool gr__punlock_commit(struct gr_g *g, void *lock)
{
	(void)g;
	gr__punlock(lock);
	return true;
}

/* Block the calling G, which has queued itself under the plock l; l is released once it is off its stack. */
static inline __attribute__((always_inline)) void gr__park_punlock_inline(struct gr__lock *l, enum gr__wait reason)
{
	gr__park_inline(gr__plock_is_real() ? gr__punlock_commit : NULL, l, reason);
}

/* The calling G, whose function has returned, leaves for good: its stack is freed by whoever runs next. */
static inline __attribute__((always_inline, noreturn)) void gr__leave_forever_inline(void)
{
	struct gr_m *m = gr__m();
	struct gr_g *g = m->curg;

	m->after = GR__AFTER_EXIT;
	m->after_g = g;
	gr__switch_off(m, g, gr__pick_local(m->p), true);
	__builtin_unreachable();
}

#endif
