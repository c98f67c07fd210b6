/*
 * syscall.c - brackets around calls that block the M.
 *
 * Most calls return before anybody notices, so the brackets must cost next to nothing: the P stays attached to the M
 * and one word tells who owns it.
 *
 *	M in the call                            sysmon (or the M itself, if it knows that it will block)
 *	enter: status = SYSCALL | own id         sees SYSCALL for more than one tick of its own:
 *	exit:  CAS SYSCALL | own id -> RUNNING   CAS SYSCALL | id -> IDLE, then hands the P to another M
 *
 * One of the two CASes wins. The id is in the word because a P that was taken may meanwhile be in a call of another
 * M, and that must not look like the old state. The store at enter is a release and the taker's CAS an acquire: what
 * the M did with the P's queues is seen by its next owner.
 *
 * An M whose P is gone takes back the old one if it is idle (its caches), or any idle one; else the G goes to the
 * global queue and the M sleeps.
 */
#include "grow.h"
#include "internal.h"
#include "runq.h"
#include "trace.h"

GR__FITS_SMALL_STACKS;

/* Has the way out fail in its fast part. */
static struct gr_p nobody;

static __attribute__((noinline)) void enter_noticed(struct gr_m *m, const struct gr_g *g)
{
	m->notices = gr__notices_that_stay();
	if (!(m->notices & GR__TRACED))
		return;
	gr__trace(GR__EV_CALL, GR__TRACE_NO_P, 0, load_relaxed(&g->id));
	m->syscall_p = &nobody;
}

/* `caller` and `frame`: where it was called, for back-traces. */
static inline __attribute__((always_inline)) void enter(void *caller, void *frame)
{
	struct gr_m *m = gr__m();
	struct gr_g *g;
	struct gr_p *p;

	if (unlikely(!m || !m->curg))
		gr__fatal("gr_syscall_enter: not called from a G");
	g = m->curg;
	p = m->p;
	if (unlikely(load_relaxed(&g->state) == GR__G_SYSCALL))
		gr__fatal("gr_syscall_enter: called twice");
	store_relaxed(&g->state, GR__G_SYSCALL);
	store_relaxed(&g->wait, GR__WAIT_SYSCALL);
	store_relaxed(&g->since_ns, load_relaxed(&gr__sched.coarse_now_ns));
	/* Volatile: two stores. Made into one of 16 bytes they wait for each other, which is 2 ns. */
	*(void *volatile *)&g->wait_data = frame;
	*(void *volatile *)&g->wake_param = caller;
	owner_add(&p->stats.syscalls, 1);
	owner_add(&p->syscall_tick, 1);
	m->syscall_p = p;
	store_release(&p->status, GR__P_IN_SYSCALL(m->id));
	if (unlikely(m->notices & ~GR__LIMITS))
		enter_noticed(m, g);
}

void gr_syscall_enter(void)
{
	enter(__builtin_return_address(0), *(void **)__builtin_frame_address(0));
}

static void hand_off(void *p)
{
	gr__handoff(p);
}

bool gr__retake(struct gr_p *p, uint64_t seen)
{
	struct gr_sched *s = &gr__sched;
	bool taken;

	gr__lock(&s->lock);
	taken = cas_strong_acq_rel(&p->status, &seen, GR__P_IDLE);
	if (taken) {
		if (gr__tracing())
			gr__trace(GR__EV_RETAKE, p->id, 0, seen >> 8);
		owner_add(&s->n_syscall_block, 1);
		owner_add(&s->gone.handoffs, 1);
		p->m = NULL;
	}
	gr__unlock(&s->lock);
	if (taken)
		gr__on_g0(hand_off, p); /* a G's stack may be small */
	return taken;
}

void gr_syscall_enter_blocking(void)
{
	struct gr_m *m;
	struct gr_p *p;

	enter(__builtin_return_address(0), *(void **)__builtin_frame_address(0));
	m = gr__m();
	p = m->p;
	/* Nobody waits for the P: leave it attached, and the way back stays short. */
	if (gr__p_is_empty(p) && !load_relaxed(&gr__sched.global_n) && !load_relaxed(&gr__sched.spill_n))
		return;
	gr__retake(p, GR__P_IN_SYSCALL(m->id));
}

static inline __attribute__((always_inline)) void back_with_p(struct gr_m *m)
{
	store_relaxed(&m->curg->state, GR__G_RUNNING);
	/* Others have waited for long (sysmon.c): a G that makes one short call after the other comes to no other point. */
	if (unlikely(load_relaxed(&m->p->attention)))
		gr_yield();
}

static __attribute__((noinline)) void exit_slow(struct gr_m *m)
{
	struct gr_sched *s = &gr__sched;
	struct gr_p *p = m->p;

	if (unlikely(m->syscall_p == &nobody)) {
		uint64_t word = GR__P_IN_SYSCALL(m->id);
		bool kept = cas_strong_acq_rel(&p->status, &word, GR__P_RUNNING);

		if (gr__tracing())
			gr__trace(GR__EV_CALL_END, GR__TRACE_NO_P, 0, load_relaxed(&m->curg->id));
		if (kept) {
			back_with_p(m);
			return;
		}
	}
	m->p = NULL;
	gr__lock(&s->lock);
	owner_add(&s->n_syscall_block, -1u);
	if (load_relaxed(&s->stopping))
		p = NULL;
	else if (!gr__pidle_take_locked(p))
		p = gr__pidle_get_locked();
	gr__unlock(&s->lock);
	if (!p) {
		gr__leave_to_global();
		return;
	}
	gr__acquire_p(m, p);
	if (gr__tracing())
		gr__trace(GR__EV_RESUME, p->id, 0, load_relaxed(&m->curg->id));
	store_relaxed(&m->curg->state, GR__G_RUNNING);
}

void gr_syscall_exit(void)
{
	struct gr_m *m = gr__m();
	uint64_t word;

	if (unlikely(!m || !m->curg || load_relaxed(&m->curg->state) != GR__G_SYSCALL))
		gr__fatal("gr_syscall_exit: without gr_syscall_enter");
	word = GR__P_IN_SYSCALL(m->id);
	if (unlikely(!cas_strong_acq_rel(&m->syscall_p->status, &word, GR__P_RUNNING))) {
		exit_slow(m);
		return;
	}
	back_with_p(m);
}
