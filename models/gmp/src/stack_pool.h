/*
 * stack_pool.h - what the files stack*.c share: slabs of slots, and pools of slabs. stack.c explains them.
 */
#ifndef GR_STACK_POOL_H
#define GR_STACK_POOL_H

#include "arch/grow.h"
#include "internal.h"

enum {
	GR__SLAB_SLOTS_MAX = 1024,
	GR__RUN_PAGES = 9, /* of small slots: so many pages hold a whole number of them */
	GR__RUN_SLOTS = GR__RUN_PAGES * 4096 / GR__SMALL_BYTES,
};

struct gr__slab {
	struct gr__pool *pool; /* immutable */
	struct gr__slab *older; /* immutable */
	char *base; /* immutable */
	uint32_t n_slots; /* immutable */
	_Atomic uint32_t used; /* slots handed out so far; written under the pool's lock */
	uint32_t n_cold; /* pool's lock */
	struct gr__slab *cold_next; /* pool's lock: next slab with cold slots */
	bool on_cold_list; /* pool's lock */
	uint8_t cold_in_run[GR__SLAB_SLOTS_MAX / GR__RUN_SLOTS]; /* pool's lock; of small slots */
	uint16_t cold[]; /* pool's lock: n_cold slots whose pages have gone back */
};

struct gr__pool {
	CACHE_ALIGNED struct gr__lock lock;
	_Atomic(struct gr__slab *)
		newest; /* of all, by `older`; pushed under lock, walked without: gr_dump in a handler */
	/* under lock */
	struct gr__slab **slabs;
	size_t n_slabs, cap_slabs;
	size_t fresh_i; /* the first slab with slots that have not been handed out */
	struct gr_g *chains; /* linked by chain_next */
	size_t n_free; /* stacks in the chains */
	struct gr__slab *cold; /* slabs with cold slots */
	uint64_t credit; /* of the two kinds: slots that nobody has been promised */
	/* immutable */
	size_t stride, slab_bytes, keep;
	uint32_t slab_slots, colours;
	bool is_small;
};

/* Remember a slot as cold. Under the pool's lock. */
static inline void gr__cold_put_locked(struct gr__slab *s, uint32_t slot)
{
	struct gr__pool *pool = s->pool;

	s->cold[s->n_cold++] = (uint16_t)slot;
	if (!s->on_cold_list) {
		s->on_cold_list = true;
		s->cold_next = pool->cold;
		pool->cold = s;
	}
}

/* ---- stack_pool.c ---- */

/* Up to `want` never used slots: [*first, result) of *out. 0: no memory. */
uint32_t gr__pool_fresh(struct gr__pool *pool, uint32_t want, struct gr__slab **out, uint32_t *first);
/* Up to `want` units of credit. 0: no memory. */
uint32_t gr__pool_take_credit(struct gr__pool *pool, uint32_t want);
void gr__pool_give_credit(struct gr__pool *pool, uint32_t n);

/* ---- stack_small.c ---- */

/* What g, in a small slot whose memory is zeros or has been used, has beside what all slots have. */
void gr__small_init(struct gr_g *g);
/* The slots [first, end), never used, are about to be. */
void gr__small_fresh(const struct gr__slab *s, uint32_t first, uint32_t end);
/* A cold slot is taken. Under the pool's lock. */
static inline void gr__small_warm_locked(struct gr__slab *s, uint32_t slot)
{
	s->cold_in_run[slot / GR__RUN_SLOTS]--;
}
/* A chain of small stacks that are free becomes cold. */
void gr__small_release(struct gr_g *chain);

#endif
