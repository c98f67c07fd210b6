/*
 * check.c - a walk over the scheduler's structures that throws on what cannot be. In builds with GR_CHECK, before an M
 * sleeps; in others it is empty.
 */
#include "internal.h"
#include "runq.h"

#ifndef GR_CHECK
#define GR_CHECK 0
#endif

#if GR_CHECK
static void check_ps_locked(void)
{
	struct gr_sched *s = &gr__sched;
	unsigned n = 0, bits = 0;

	list_for_each (link, &s->idle_ps) {
		struct gr_p *p = container_of(link, struct gr_p, idle_link);

		n++;
		if (GR__P_STATE(load_relaxed(&p->status)) != GR__P_IDLE)
			gr__throw("M1: P %u is on the idle list in state %llu", p->id,
				  (unsigned long long)load_relaxed(&p->status));
		if (p->m)
			gr__throw("M1: P %u is idle and has an M", p->id);
	}
	for (unsigned i = 0; i < GR__MAX_PROCS / 64; i++)
		bits += (unsigned)__builtin_popcountll(load_relaxed(&s->idle_mask[i]));
	if (n != load_relaxed(&s->n_idle_ps) || n != bits)
		gr__throw("M1: %u idle Ps on the list, %u counted, %u in the mask", n, load_relaxed(&s->n_idle_ps),
			  bits);
}

static void check_ms_locked(void)
{
	struct gr_sched *s = &gr__sched;
	unsigned n = 0;

	list_for_each (link, &s->idle_ms) {
		struct gr_m *m = container_of(link, struct gr_m, idle_link);

		n++;
		if (m->next_p)
			gr__throw("M2: idle M %u has a P to run", m->id);
	}
	if (n != s->n_idle_ms || n > s->n_ms || s->n_ms > s->n_unjoined)
		gr__throw("M3: %u idle Ms on the list, %u counted of %u, %u to join", n, s->n_idle_ms, s->n_ms,
			  s->n_unjoined);
}

static void check_global_locked(void)
{
	struct gr_sched *s = &gr__sched;
	size_t n = 0;

	for (struct gr_g *g = s->global.head; g; g = g->link, n++)
		if (load_relaxed(&g->state) != GR__G_RUNNABLE)
			gr__throw("P1: goroutine %llu is on the global queue in state %u",
				  (unsigned long long)load_relaxed(&g->id), load_relaxed(&g->state));
	if (n != s->global.n || n != load_relaxed(&s->global_n))
		gr__throw("%zu Gs on the global queue, %zu and %u counted", n, s->global.n, load_relaxed(&s->global_n));
}

/* From outside, with the owner and thieves at work: a head that has not moved meanwhile belongs to the tail. */
static void check_ring(struct gr_p *p)
{
	uint32_t head = load_acquire(&p->runq_head);
	uint32_t n = load_acquire(&p->runq_tail) - head;

	if (load_acquire(&p->runq_head) == head && n > GR__RUNQ_SLOTS)
		gr__throw("R3: P %u has %u Gs in its ring", p->id, n);
}
#endif

void gr__check_locked(void)
{
#if GR_CHECK
	check_ps_locked();
	check_ms_locked();
	check_global_locked();
	for (unsigned i = 0; i < gr__nprocs(); i++)
		check_ring(gr__sched.ps[i]);
#endif
}
