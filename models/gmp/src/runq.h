/*
 * runq.h - the fast paths of a P's run queue; the rest and the reasons are in runq.c.
 */
#ifndef GR_RUNQ_H
#define GR_RUNQ_H

#include "nursery.h"

/*
 * runnext may be taken that many times in a row while the ring holds work: long enough that a pair which readies and
 * parks runs as a unit, short enough that a ring member waits microseconds. Arbitrary within that.
 */
enum { GR__STREAK_MAX = 64 };

enum { GR__GLOBAL_EVERY = 61 }; /* switches between looks at the global queue; Go's number, prime */

/*
 * The next G of p: runnext, else the newest of the nursery, else the oldest of the ring. After GR__STREAK_MAX of the
 * first two in a row the others have a turn: the ring and, by turns with it, the nursery; where there are none the next
 * streak begins. Only the owner. gr__pick_local
 * (switch.h) has the usual cases inline: the two change together.
 */
struct gr_g *gr__runq_get(struct gr_p *p);
/* Half of p's full ring and g go to the global queue. Only the owner. Returns false if there was room after all. */
bool gr__runq_overflow(struct gr_p *p, struct gr_g *g);
/* Whether victim, which runs, really seems not to get at what it would run next. Waits for up to some microseconds. */
bool gr__runq_is_stuck(struct gr_p *victim);
/* Steal half of victim's ring (or its runnext, if that is allowed and all there is) into p's empty ring. */
struct gr_g *gr__runq_steal(struct gr_p *p, struct gr_p *victim, bool runnext_too);
/* Move everything that p has to the global queue. Under sched.lock; p's owner, or nobody owns it. */
void gr__runq_drain_locked(struct gr_p *p);
/* Take up to `max` Gs from the global queue: one is returned, the others go to p's ring. */
struct gr_g *gr__global_get(struct gr_p *p, uint32_t max);
/* Append to the global queue, or put before all that is there. Under sched.lock. */
void gr__global_put_locked(struct gr__glist *l);
void gr__global_put_first_locked(struct gr__glist *l);

/* An order in which every P comes once: start at `at`, step by `stride`, `left` times. */
struct gr__order {
	uint32_t at, stride, left;
};

/* The strides for n Ps into out (room for n); returns how many. */
unsigned gr__order_strides(unsigned n, uint16_t *out);
struct gr__order gr__order_begin(uint32_t random);
/* False when all have come; else *id is the next. */
static inline bool gr__order_next(struct gr__order *o, uint32_t *id)
{
	if (!o->left)
		return false;
	o->left--;
	*id = o->at;
	o->at += o->stride;
	if (o->at >= gr__nprocs())
		o->at -= gr__nprocs();
	return true;
}

/* xorshift; the state must not be 0. */
static inline uint32_t gr__random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

/*
 * Number of Gs in the ring. From outside only "none" or "some" can be concluded: head and tail are of different moments,
 * and a tail that has moved on since makes it more than the ring holds.
 */
static inline uint32_t gr__runq_len(struct gr_p *p)
{
	uint32_t head = load_acquire(&p->runq_head);

	/* acquire on head keeps the tail from being older than it: the difference is never negative */
	return load_acquire(&p->runq_tail) - head;
}

static inline bool gr__runq_empty(struct gr_p *p)
{
	return load_relaxed(&p->runq_tail) == load_relaxed(&p->runq_head);
}

/* Append to the ring. Only the owner. */
static inline void gr__runq_put(struct gr_p *p, struct gr_g *g)
{
	for (;;) {
		/* acquire: pairs with the release of a thief's CAS: it has read the slot that is written below */
		uint32_t head = load_acquire(&p->runq_head);
		uint32_t tail = load_relaxed(&p->runq_tail);

		if (likely(tail - head < GR__RUNQ_SLOTS)) {
			store_relaxed(&p->runq[tail % GR__RUNQ_SLOTS], g);
			/* release: pairs with the acquire of the tail by takers: they see the slot and the G */
			store_release(&p->runq_tail, tail + 1);
			return;
		}
		if (gr__runq_overflow(p, g))
			return;
	}
}

/* Put g into runnext; what was there goes to the ring: then true. Only the owner. */
static inline bool gr__runq_put_next(struct gr_p *p, struct gr_g *g)
{
	struct gr_g *old;

	if (gr__nprocs() == 1) { /* no thieves */
		old = load_relaxed(&p->runnext);
		store_relaxed(&p->runnext, g);
	} else {
		/* release: a thief that takes it sees the G. Only the owner fills it, so what is empty stays empty. */
		old = load_relaxed(&p->runnext);
		if (old)
			old = xchg_release(&p->runnext, g);
		else
			store_release(&p->runnext, g);
	}
	if (!old)
		return false;
	gr__runq_put(p, old);
	return true;
}

/* Take the oldest of the ring, NULL if it is empty. Only the owner. */
static inline struct gr_g *gr__runq_pop(struct gr_p *p)
{
	uint32_t head = load_acquire(&p->runq_head);
	struct gr_g *g;

	do {
		if (load_relaxed(&p->runq_tail) == head)
			return NULL;
		g = load_relaxed(&p->runq[head % GR__RUNQ_SLOTS]);
		if (gr__nprocs() == 1) { /* no thieves */
			store_relaxed(&p->runq_head, head + 1);
			break;
		}
		/* release: the slot has been read; pairs with the acquire in put */
	} while (!cas_weak_acq_rel(&p->runq_head, &head, head + 1));
	return g;
}

/* Whether p has nothing to run. The owner, or a hint. */
static inline bool gr__p_is_empty(struct gr_p *p)
{
	return gr__runq_empty(p) && !load_relaxed(&p->runnext) && !gr__nursery_len(p);
}

/* What is shared has its turn every GR__GLOBAL_EVERY switches: whether it has come; then the next one is fixed, and who
 * calls sees to due_at. Only the owner. */
static inline bool gr__is_shared_turn(struct gr_p *p)
{
	const uint64_t tick = load_relaxed(&p->tick);

	if (tick < p->shared_at)
		return false;
	p->shared_at = tick + GR__GLOBAL_EVERY;
	return true;
}

/* Whether the last batch of timers still is to run, so that the next one has to wait (find.c). Only the owner. */
static inline bool gr__has_batch(struct gr_p *p)
{
	return load_relaxed(&p->tick) < p->batch_until && !gr__p_is_empty(p);
}

/* Whether somebody waits for p. The owner, or a hint. */
static inline bool gr__p_is_wanted(struct gr_p *p)
{
	return !gr__p_is_empty(p) || load_relaxed(&gr__sched.global_n) || load_relaxed(&gr__sched.spill_n);
}

/* Whether, of all that p could run, it should be the newest of the nursery. Only the owner. */
static inline bool gr__may_take_newest(struct gr_p *p)
{
	if (load_relaxed(&p->runnext) || load_relaxed(&p->attention) || !gr__sched.knobs.plain_newest)
		return false;
	return (load_relaxed(&p->streak) < GR__STREAK_MAX || gr__runq_empty(p)) &&
	       load_relaxed(&p->tick) + 1 < p->due_at;
}

#endif
