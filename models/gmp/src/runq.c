/*
 * runq.c - run queues: each P's ring with thieves, and the global queue.
 *
 * A P's queue is a ring of 256 slots with free-running 32-bit indexes, and `runnext` before it.
 *   R1  The owner alone writes slots, the tail, and non-NULL values of runnext.
 *   R2  Anybody may take: by a CAS of the head from h to h + n after reading the n slots. A slot is rewritten only
 *       after the head has passed it, so if the CAS succeeds, what was read was the truth.
 *   R3  0 <= tail - head <= 256.
 *   R4  With one P there are no takers but the owner, who then does without locked operations.
 *
 * Why a FIFO ring and not a deque with LIFO for the owner: fairness among Gs that have begun. Newest-first is wanted for
 * hand-offs, which runnext gives for the newest one, and for depth (fork-join keeps few stacks alive), which is the
 * nursery's affair: Gs that have not begun are there.
 *
 * runnext is worth a rule of its own: the G there was readied by the G that runs now and will usually run within
 * 100 ns on the same P with warm caches. A thief takes it only if the ring was empty and the owner has not switched at
 * all for about two microseconds: that is what a computing G looks like, and what a ping-pong never looks like.
 */
#include "runq.h"

struct gr_sched gr__sched;

enum { RUNNEXT_PATIENCE = 60 }; /* pauses before runnext is stolen: 1-3 us on amd64; Go sleeps 3 us */

void gr__global_put_locked(struct gr__glist *l)
{
	struct gr_sched *s = &gr__sched;

	gr__glist_append(&s->global, l);
	store_relaxed(&s->global_n, (uint32_t)s->global.n);
}

void gr__global_put_first_locked(struct gr__glist *l)
{
	struct gr_sched *s = &gr__sched;
	uint32_t urgent = load_relaxed(&s->global_urgent) + (uint32_t)l->n;

	gr__glist_append(l, &s->global);
	s->global = *l;
	*l = (struct gr__glist){NULL, NULL, 0};
	store_relaxed(&s->global_urgent, urgent);
	store_relaxed(&s->global_n, (uint32_t)s->global.n);
}

/*
 * Of the streak one more was taken. One that is over while nobody else waits is followed by the next: two Gs that only wake
 * each other are no slice that lasts, for which the monitor would have to ask.
 */
static void count_streak(struct gr_p *p, bool over)
{
	store_relaxed(&p->streak, over ? 0 : load_relaxed(&p->streak) + 1);
}

struct gr_g *gr__runq_get(struct gr_p *p)
{
	struct gr_g *g;
	bool over;

again:
	g = load_relaxed(&p->runnext);
	over = load_relaxed(&p->streak) >= GR__STREAK_MAX;
	if (g && (!over || (gr__runq_empty(p) && !gr__nursery_len(p)))) {
		if (gr__nprocs() == 1) {
			store_relaxed(&p->runnext, NULL);
			count_streak(p, over);
			return g;
		}
		/* Fails only if a thief was faster: then runnext is NULL, as only the owner fills it. */
		if (cas_strong_acquire(&p->runnext, &g, NULL)) {
			count_streak(p, over);
			return g;
		}
	}
	if (gr__nursery_len(p)) {
		if (over)
			p->is_nurserys_turn = !p->is_nurserys_turn;
		if ((!over || p->is_nurserys_turn || gr__runq_empty(p)) && (g = gr__g_start_next(p))) {
			count_streak(p, over);
			return g;
		}
	}
	store_relaxed(&p->streak, 0);
	g = gr__runq_pop(p);
	if (unlikely(!g) && over) /* thieves have emptied the ring meanwhile: the others are in order again */
		goto again;
	return g;
}

bool gr__runq_overflow(struct gr_p *p, struct gr_g *g)
{
	uint32_t head = load_acquire(&p->runq_head);
	uint32_t n = load_relaxed(&p->runq_tail) - head;
	struct gr__glist list = {NULL, NULL, 0};

	if (n < GR__RUNQ_SLOTS)
		return false; /* thieves were there */
	n /= 2;
	if (!cas_strong_acq_rel(&p->runq_head, &head, head + n))
		return false;
	/* Read after they have been taken, unlike a thief: nobody but us, the owner, writes these slots again (R1). */
	for (uint32_t i = 0; i < n; i++)
		gr__glist_push(&list, load_relaxed(&p->runq[(head + i) % GR__RUNQ_SLOTS]));
	gr__glist_push(&list, g);
	gr__lock(&gr__sched.lock);
	gr__global_put_locked(&list);
	gr__unlock(&gr__sched.lock);
	return true;
}

void gr__runq_drain_locked(struct gr_p *p)
{
	struct gr__glist list = {NULL, NULL, 0};
	struct gr_g *g = xchg_acq_rel(&p->runnext, NULL);

	if (g)
		gr__glist_push(&list, g);
	while ((g = gr__runq_pop(p)))
		gr__glist_push(&list, g);
	gr__global_put_locked(&list);
	gr__nursery_drain_locked(p);
}

struct gr_g *gr__global_get(struct gr_p *p, uint32_t max)
{
	struct gr_sched *s = &gr__sched;
	struct gr__glist list = {NULL, NULL, 0};
	struct gr_g *g;
	uint32_t n, taken, urgent, room = GR__RUNQ_SLOTS - gr__runq_len(p);

	if (!load_relaxed(&s->global_n))
		return NULL;
	gr__lock(&s->lock);
	/* A fair share, so that the other Ps find some too. */
	n = (uint32_t)s->global.n / gr__nprocs() + 1;
	if (n > max)
		n = max;
	if (n > room)
		n = room ? room : 1;
	/* One that has been preempted comes alone: in the ring what time or I/O makes ready would come behind it. */
	while (n-- && (g = s->global.head) && !(g->was_preempted && list.n)) {
		gr__glist_pop(&s->global);
		gr__glist_push(&list, g);
		if (g->was_preempted)
			n = 0;
		g->was_preempted = false;
	}
	taken = (uint32_t)list.n;
	urgent = load_relaxed(&s->global_urgent);
	store_relaxed(&s->global_urgent, urgent > taken ? urgent - taken : 0);
	owner_add(&s->global_takes, 1);
	g = gr__glist_pop(&list);
	/* Before the unlock: an M that finds `global` empty under the lock must find them in the ring (wake.pml, BATCH).
	 * There is room for all, so nothing overflows into `global`. */
	for (struct gr_g *next; (next = gr__glist_pop(&list));)
		gr__runq_put(p, next);
	store_relaxed(&s->global_n, (uint32_t)s->global.n);
	gr__unlock(&s->lock);
	return g;
}

unsigned gr__order_strides(unsigned n, uint16_t *out)
{
	unsigned count = 0;

	for (unsigned i = 1; i <= n; i++) {
		unsigned a = n, b = i;

		while (b) {
			unsigned t = a % b;

			a = b;
			b = t;
		}
		if (a == 1)
			out[count++] = (uint16_t)i;
	}
	return count;
}

struct gr__order gr__order_begin(uint32_t random)
{
	const struct gr_sched *s = &gr__sched;

	return (struct gr__order){random % gr__nprocs(), s->coprimes[random / gr__nprocs() % s->n_coprimes],
				  gr__nprocs()};
}

bool gr__runq_is_stuck(struct gr_p *victim)
{
	uint64_t tick = load_relaxed(&victim->tick);

	if (GR__P_STATE(load_relaxed(&victim->status)) != GR__P_RUNNING)
		return true;
	for (int i = 0; i < RUNNEXT_PATIENCE; i++)
		gr_pause();
	return load_relaxed(&victim->tick) == tick;
}

/* Take victim's runnext if it really seems to be stuck there. */
static struct gr_g *steal_runnext(struct gr_p *victim)
{
	struct gr_g *g = load_relaxed(&victim->runnext);

	if (!g || !gr__runq_is_stuck(victim))
		return NULL;
	/* acquire: pairs with the release in put_next. Another G may be there by now: not ours then. */
	return cas_strong_acquire(&victim->runnext, &g, NULL) ? g : NULL;
}

struct gr_g *gr__runq_steal(struct gr_p *p, struct gr_p *victim, bool runnext_too)
{
	uint32_t tail = load_relaxed(&p->runq_tail), head, n;

	for (;;) {
		head = load_acquire(&victim->runq_head);
		/* acquire: pairs with the release in put: the slots below the tail are written */
		n = load_acquire(&victim->runq_tail) - head;
		n -= n / 2;
		if (n == 0)
			return runnext_too ? steal_runnext(victim) : NULL;
		if (n > GR__RUNQ_SLOTS / 2)
			continue; /* head and tail of different moments */
		for (uint32_t i = 0; i < n; i++) {
			struct gr_g *g = load_relaxed(&victim->runq[(head + i) % GR__RUNQ_SLOTS]);

			store_relaxed(&p->runq[(tail + i) % GR__RUNQ_SLOTS], g);
		}
		if (cas_strong_acq_rel(&victim->runq_head, &head, head + n)) /* R2 */
			break;
	}
	owner_add(&p->stats.stolen, n);
	/* The last one stolen runs now; the others are published. */
	n--;
	if (n)
		store_release(&p->runq_tail, tail + n);
	return load_relaxed(&p->runq[(tail + n) % GR__RUNQ_SLOTS]);
}
