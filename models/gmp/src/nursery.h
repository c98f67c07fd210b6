/*
 * nursery.h - the fast paths of a P's nursery: the Gs that have been created there and have not run yet. The rest and
 * the reasons are in nursery.c.
 */
#ifndef GR_NURSERY_H
#define GR_NURSERY_H

#include "internal.h"

/* The nursery word, from the low end: 10 bits head, 10 bits tail, both free-running; the rest counts insertions. */
enum { GR__NURSERY_TAIL = 10, GR__NURSERY_COUNT = 20, GR__NURSERY_MASK = 1023 };
_Static_assert(GR__NURSERY_SLOTS <= GR__NURSERY_MASK / 2, "head and tail must tell full from empty");

static inline uint32_t gr__nursery_head(uint64_t word)
{
	return word & GR__NURSERY_MASK;
}

static inline uint32_t gr__nursery_tail(uint64_t word)
{
	return word >> GR__NURSERY_TAIL & GR__NURSERY_MASK;
}

static inline uint32_t gr__nursery_n(uint64_t word)
{
	return (gr__nursery_tail(word) - gr__nursery_head(word)) & GR__NURSERY_MASK;
}

/* The word with other indexes. */
static inline uint64_t gr__nursery_word(uint64_t word, uint32_t head, uint32_t tail)
{
	return word >> GR__NURSERY_COUNT << GR__NURSERY_COUNT |
	       (uint64_t)(tail & GR__NURSERY_MASK) << GR__NURSERY_TAIL | (head & GR__NURSERY_MASK);
}

/* How many there are; from any thread. One word: a true number of some moment. */
static inline uint32_t gr__nursery_len(struct gr_p *p)
{
	return gr__nursery_n(load_acquire(&p->nursery));
}

/*
 * How many of them thieves take without patience. The newest is left out, as runnext is: whoever made it is about to
 * block on it or to make the next one, and then runs it with warm caches.
 */
static inline uint32_t gr__nursery_offered(struct gr_p *p)
{
	uint32_t n = gr__nursery_len(p);

	return n > 1 ? n - 1 : 0;
}

static inline void gr__nursery_read(struct gr_p *p, uint32_t at, struct gr__birth *out)
{
	struct gr__birth_slot *slot = &p->births[at % GR__NURSERY_SLOTS];

	out->fn = load_relaxed(&slot->fn);
	out->arg = load_relaxed(&slot->arg);
	out->name = load_relaxed(&slot->name);
}

static inline void gr__nursery_write(struct gr_p *p, uint32_t at, const struct gr__birth *b)
{
	struct gr__birth_slot *slot = &p->births[at % GR__NURSERY_SLOTS];

	store_relaxed(&slot->fn, b->fn);
	store_relaxed(&slot->arg, b->arg);
	store_relaxed(&slot->name, b->name);
}

/* Make room in a full nursery: its older half goes to the spill. 0 or -ENOMEM. Only the owner. */
int gr__nursery_spill(struct gr_p *p);

/* Insert as the newest. Only the owner. The number that there are now, or -ENOMEM: then nothing has been done. */
static inline int gr__nursery_put(struct gr_p *p, const struct gr__birth *b)
{
	/* acquire: pairs with the release of a thief's CAS: it has read the slot that is written below */
	uint64_t word = load_acquire(&p->nursery), next;
	uint32_t tail = gr__nursery_tail(word);

	if (unlikely(gr__nursery_n(word) == GR__NURSERY_SLOTS)) {
		int err = gr__nursery_spill(p);

		if (err)
			return err;
		word = load_acquire(&p->nursery);
	}
	gr__nursery_write(p, tail, b);
	do {
		next = gr__nursery_word(word, gr__nursery_head(word), tail + 1) + (1ull << GR__NURSERY_COUNT); /* N3 */
		if (gr__nprocs() == 1) { /* no thieves */
			store_release(&p->nursery, next); /* for dumps */
			break;
		}
		/* release: who takes it sees the slot, and what the creator has written for the G. seq_cst: the publisher's
		 * StoreLoad, see gr__wake_p_after_rmw. */
	} while (!cas_weak_seq_cst(&p->nursery, &word, next));
	return (int)gr__nursery_n(next);
}

/* Take the newest. False: empty. Only the owner. */
static inline bool gr__nursery_take_newest(struct gr_p *p, struct gr__birth *out)
{
	uint64_t word = load_acquire(&p->nursery), next;
	uint32_t tail = gr__nursery_tail(word) - 1;

	if (gr__nursery_n(word) == 0)
		return false;
	gr__nursery_read(p, tail, out); /* N1: nobody but us writes slots */
	do {
		if (gr__nursery_n(word) == 0)
			return false; /* thieves were faster */
		next = gr__nursery_word(word, gr__nursery_head(word), tail);
		if (gr__nprocs() == 1) {
			store_relaxed(&p->nursery, next);
			break;
		}
	} while (!cas_weak_acq_rel(&p->nursery, &word, next));
	return true;
}

/* Take the oldest. False: empty. Only the owner. */
bool gr__nursery_take_oldest(struct gr_p *p, struct gr__birth *out);
/* Steal the older half of victim's into p's empty nursery; all of one only if `last` and it seems to be stuck. */
bool gr__nursery_steal(struct gr_p *p, struct gr_p *victim, bool last);

/* The spill: what did not fit into nurseries. Under sched.lock but for the count, sched.spill_n. */
/* Move all of p's there; what no memory is had for stays. p's owner, or nobody owns it. */
void gr__nursery_drain_locked(struct gr_p *p);
/* Take the newest ones of the spill into p's empty nursery. False: none. Takes the lock. */
bool gr__spill_get(struct gr_p *p);
/* Take the oldest one of the spill. False: none. Takes the lock. */
bool gr__spill_get_oldest(struct gr__birth *out);
/* Forget everything, at the end. */
void gr__spill_destroy(void);

#endif
