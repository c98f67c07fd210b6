/*
 * stack_pool.c - what is never given back of a pool of stacks before gr_stop: its slabs, and the units of credit that they
 * bring. Everything else about stacks is in stack.c, with the invariants.
 */
#include "stack_pool.h"

#include <stdlib.h>

#include "os.h"

static struct gr__slab *add_slab_locked(struct gr__pool *pool)
{
	struct gr__slab *s;

	if (pool->n_slabs == pool->cap_slabs) {
		size_t cap = pool->cap_slabs ? pool->cap_slabs * 2 : 16;
		struct gr__slab **bigger = realloc(pool->slabs, cap * sizeof(bigger[0]));

		if (!bigger)
			return NULL;
		pool->slabs = bigger;
		pool->cap_slabs = cap;
	}
	s = calloc(1, sizeof(*s) + pool->slab_slots * sizeof(s->cold[0]));
	if (!s)
		return NULL;
	s->base = gr__os_reserve(pool->slab_bytes);
	if (!s->base) {
		free(s);
		return NULL;
	}
	s->pool = pool;
	s->n_slots = pool->slab_slots;
	pool->slabs[pool->n_slabs++] = s;
	s->older = load_relaxed(&pool->newest);
	store_release(&pool->newest, s); /* pairs with the acquire in gr__stacks_each */
	return s;
}

/* The slab with the next never used slots, NULL if there are none. */
static struct gr__slab *fresh_slab_locked(struct gr__pool *pool)
{
	for (; pool->fresh_i < pool->n_slabs; pool->fresh_i++) {
		struct gr__slab *s = pool->slabs[pool->fresh_i];

		if (load_relaxed(&s->used) < s->n_slots)
			return s;
	}
	return NULL;
}

uint32_t gr__pool_fresh(struct gr__pool *pool, uint32_t want, struct gr__slab **out, uint32_t *first)
{
	struct gr__slab *s;
	uint32_t end = 0;

	gr__lock(&pool->lock);
	s = fresh_slab_locked(pool);
	if (!s)
		s = add_slab_locked(pool);
	if (s) {
		*out = s;
		*first = load_relaxed(&s->used);
		end = *first + want < s->n_slots ? *first + want : s->n_slots;
		store_release(&s->used, end); /* pairs with the acquire in gr__stacks_each */
	}
	gr__unlock(&pool->lock);
	return end;
}

uint32_t gr__pool_take_credit(struct gr__pool *pool, uint32_t want)
{
	struct gr__slab *s;

	gr__lock(&pool->lock);
	if (pool->credit < want && (s = add_slab_locked(pool)))
		pool->credit += s->n_slots;
	if (pool->credit < want)
		want = (uint32_t)pool->credit;
	pool->credit -= want;
	gr__unlock(&pool->lock);
	return want;
}

void gr__pool_give_credit(struct gr__pool *pool, uint32_t n)
{
	gr__lock(&pool->lock);
	pool->credit += n;
	gr__unlock(&pool->lock);
}
