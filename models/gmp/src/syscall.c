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
#include "internal.h"
#include "runq.h"

void gr_syscall_enter(void)
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
	owner_add(&p->stats.syscalls, 1);
	owner_add(&p->syscall_tick, 1);
	m->syscall_p = p;
	store_release(&p->status, GR__P_IN_SYSCALL(m->id));
	if (unlikely(m->new_waiter))
		m->new_waiter = false;
}

bool gr__retake(struct gr_p *p, uint64_t seen)
{
	struct gr_sched *s = &gr__sched;
	bool taken;

	gr__lock(&s->lock);
	taken = cas_strong_acq_rel(&p->status, &seen, GR__P_IDLE);
	if (taken) {
		owner_add(&s->n_syscall_block, 1);
		owner_add(&s->gone.handoffs, 1);
		p->m = NULL;
	}
	gr__unlock(&s->lock);
	if (taken)
		gr__handoff(p);
	return taken;
}

void gr_syscall_enter_blocking(void)
{
	struct gr_m *m;
	struct gr_p *p;

	gr_syscall_enter();
	m = gr__m();
	p = m->p;
	/* Nobody waits for the P: leave it attached, and the way back stays short. */
	if (gr__p_is_empty(p) && !load_relaxed(&gr__sched.global_n) && !load_relaxed(&gr__sched.spill_n))
		return;
	gr__retake(p, GR__P_IN_SYSCALL(m->id));
}

static __attribute__((noinline)) void exit_slow(struct gr_m *m)
{
	struct gr_sched *s = &gr__sched;
	struct gr_p *p = m->syscall_p;

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
	store_relaxed(&m->curg->state, GR__G_RUNNING);
	/* Others have waited for long (sysmon.c): a G that makes one short call after the other comes to no other point. */
	if (unlikely(load_relaxed(&m->p->attention)))
		gr_yield();
}
