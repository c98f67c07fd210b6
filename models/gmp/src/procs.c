/*
 * procs.c - changing the number of Ps while Gs run.
 *
 * Half of the runtime relies on it that the number does not change while one holds a P: with one P there are no locks and
 * no thieves, the strides of stealing visit each P once, and so on. So the world is stopped for the change: every P but
 * the caller's is taken out of use, wherever it is.
 *
 *   a P that is                         is stopped by
 *   idle                                the caller, who takes all off the idle list
 *   attached to an M in a call          the caller, by the CAS that sysmon uses to retake it
 *   held by an M that runs or looks     that M: it is asked for attention, and gives up the P in find_with_p
 *   on its way between two Ms           the M that gets it, the same way; or whoever makes it idle instead
 *                                       (gr__pidle_put_locked)
 *
 *	the caller                          an M that holds a P
 *	1 world_stops = 1 (sched.lock)      1 attention = 0
 *	2 StoreLoad                         2 StoreLoad
 *	3 attention = 1 on every P          3 reads world_stops: gives up the P
 *
 * As in gr_stop (m.c), an answer to an earlier call for attention erases ours only if it comes to its 3 after our 1. An M
 * may go into a blocking call instead of coming to a scheduling point: the caller repeats both steps until all have
 * stopped. One that computes is preempted, where that can be.
 *
 * A G that has just been given the last word that it wrote under one P (no locked operations) reads it under several
 * afterwards: sched.lock, which every M has held between, orders that.
 *
 * Invariants:
 *   W1  n_to_stop = Ps in use that are not STOPPED, less the caller's; changed under sched.lock.
 *   W2  while world_stops no P is on idle_ps.
 *   W3  ps[i] with i >= nprocs is STOPPED and has nothing in its queues, nursery, timers and caches.
 */
#include <errno.h>

#include "os.h"
#include "preempt.h"
#include "runq.h"

enum {
	LOOK_AGAIN_NS = 100 * 1000, /* how soon Ps that have gone into a call are noticed; arbitrary */
	STRIKE_ROUNDS = 16, /* of those, between signals to who computes; the first come sooner; arbitrary */
};

void gr__p_stopped_locked(struct gr_p *p)
{
	struct gr_sched *s = &gr__sched;

	store_release(&p->status, GR__P_STOPPED);
	if (--s->n_to_stop == 0)
		gr__note_wake(&s->world_note);
}

void gr__stop_with_world(struct gr_m *m)
{
	struct gr_sched *s = &gr__sched;

	if (m->spinning) {
		m->spinning = false;
		fetch_sub_seq_cst(&s->spinning, 1);
	}
	gr__lock(&s->lock);
	if (load_relaxed(&s->world_stops)) /* else the call was an old one */
		gr__p_stopped_locked(gr__release_p(m));
	gr__unlock(&s->lock);
}

/* Take the Ps of Ms that are in blocking calls. */
static void take_from_calls(void)
{
	struct gr_sched *s = &gr__sched;

	for (unsigned i = 0; i < gr__nprocs(); i++) {
		struct gr_p *p = s->ps[i];
		uint64_t status = load_acquire(&p->status);

		if (GR__P_STATE(status) != GR__P_SYSCALL)
			continue;
		gr__lock(&s->lock);
		if (cas_strong_acq_rel(&p->status, &status, GR__P_STOPPED)) { /* syscall.c */
			owner_add(&s->n_syscall_block, 1);
			p->m = NULL;
			gr__p_stopped_locked(p);
		}
		gr__unlock(&s->lock);
	}
}

/* The world goes on: every P that is in use, but the caller's, becomes idle or gets an M for what it has to do. */
static void start_world(struct gr_p *own)
{
	struct gr_sched *s = &gr__sched;

	gr__lock(&s->lock);
	store_relaxed(&s->world_stops, 0);
	for (unsigned i = 0; i < gr__nprocs(); i++) {
		struct gr_p *p = s->ps[i];

		if (p == own || GR__P_STATE(load_relaxed(&p->status)) != GR__P_STOPPED)
			continue;
		if (gr__p_is_empty(p)) {
			gr__pidle_put_locked(p);
			continue;
		}
		store_relaxed(&p->status, GR__P_IDLE);
		gr__start_m_unlock(p, false);
		gr__lock(&s->lock);
	}
	gr__unlock(&s->lock);
	gr__wake_p(); /* what has been put on the global queue */
}

/* 0; -ECANCELED: gr_stop is at work, and the world is as it was. */
static int stop_world(struct gr_p *own)
{
	struct gr_sched *s = &gr__sched;
	unsigned left, rounds = 0;

	gr__lock(&s->lock);
	store_relaxed(&s->world_note.word, 0); /* whoever woke it the last time has left the lock since */
	s->n_to_stop = gr__nprocs(); /* the caller's too, or the last of the idle ones would end it */
	store_seq_cst(&s->world_stops, 1);
	for (struct gr_p *p; (p = gr__pidle_get_locked());)
		gr__p_stopped_locked(p);
	left = --s->n_to_stop;
	gr__unlock(&s->lock);
	while (left) {
		if (load_relaxed(&s->stopping)) {
			start_world(own);
			return -ECANCELED;
		}
		fence_seq_cst(); /* step 2 */
		gr__call_all_ps();
		take_from_calls();
		if (rounds && ((rounds & (rounds - 1)) == 0 || rounds % STRIKE_ROUNDS == 0))
			gr__strike_all(own); /* the first call was not answered */
		rounds++;
		gr__note_sleep(&s->world_note, gr__now_ns() + LOOK_AGAIN_NS);
		gr__lock(&s->lock);
		left = s->n_to_stop;
		gr__unlock(&s->lock);
	}
	return 0;
}

/* Move what p has to the global queue and to `heir`. 0 or -ENOMEM: what has not been moved is where it was. */
static int empty_p(struct gr_p *p, struct gr_p *heir)
{
	int err = gr__timers_move(p, heir);

	if (err)
		return err;
	gr__lock(&gr__sched.lock);
	gr__runq_drain_locked(p);
	gr__unlock(&gr__sched.lock);
	if (gr__nursery_len(p))
		return -ENOMEM;
	gr__stacks_flush(p);
	return 0;
}

/* With the world stopped. The caller's M may hold another P afterwards. */
static int change(struct gr_m *m, unsigned n)
{
	struct gr_sched *s = &gr__sched;
	struct gr_p *own = m->p, *heir = own->id < n ? own : s->ps[0];

	for (unsigned i = n; i < gr__nprocs(); i++) {
		int err = empty_p(s->ps[i], heir);

		if (err)
			return err;
	}
	if (heir != own) {
		store_relaxed(&own->attention, 0);
		store_release(&gr__release_p(m)->status, GR__P_STOPPED);
		gr__acquire_p(m, heir);
	}
	s->n_coprimes = gr__order_strides(n, s->coprimes);
	store_release(&s->nprocs, n);
	return 0;
}

/* The default of gr_start; on g0: it reads files. */
static void count_cpus(void *n)
{
	unsigned cpus = gr__os_cpus();

	*(unsigned *)n = cpus < GR__MAX_PROCS ? cpus : GR__MAX_PROCS;
}

int gr_set_procs(unsigned n)
{
	struct gr_sched *s = &gr__sched;
	uint32_t nobody = 0;
	struct gr_m *m = gr__m();
	int err;

	if (!m || !m->curg)
		gr__fatal("gr_set_procs: not called from a G");
	gr__not_in_call(m->curg);
	if (!n)
		gr__on_g0(count_cpus, &n);
	if (n > GR__MAX_PROCS)
		return -EINVAL;
	while (!cas_strong_acq_rel(&s->procs_change, &nobody, 1)) {
		gr_sleep_ns(LOOK_AGAIN_NS);
		nobody = 0;
	}
	m = gr__m();
	err = gr__ps_make(n);
	if (!err && n != gr__nprocs()) {
		err = stop_world(m->p);
		if (!err) {
			err = change(m, n);
			start_world(m->p);
		}
	}
	store_release(&s->procs_change, 0);
	gr_yield(); /* who does nothing but change it must be stoppable too */
	return err;
}

unsigned gr_procs(void)
{
	return gr__nprocs();
}
