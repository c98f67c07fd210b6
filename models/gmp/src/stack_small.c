/*
 * stack_small.c - what is different about the slots of small stacks (grow.c). The rest is in stack.c.
 *
 * They have no guard, but a canary, as code asks before it goes beyond, and no colour, as their tops lie anywhere in a page.
 * Several share a page. So pages go back by runs, the slots that fill whole pages, when the last slot of the run has become cold;
 * until then a cold slot keeps its memory, but reads as FREE like all that are cold (S2).
 */
#include "grow.h"
#include "os.h"
#include "stack_pool.h"

_Static_assert(GR__RUN_SLOTS *GR__SMALL_BYTES == GR__RUN_PAGES * 4096 && GR__SLAB_SLOTS_MAX % GR__RUN_SLOTS == 0,
	       "runs of small slots");
_Static_assert(GR__SMALL_BYTES - (sizeof(struct gr_g) + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES ==
		       960,
	       "GR_GROW_FIRST_BYTES in gr_grow.h, which cannot be included here");

void gr__small_init(struct gr_g *g)
{
	g->guarded = false;
	*(uint64_t *)(void *)g->stack_lo = 0; /* the canary */
	g->stack_limit = gr__grow_limit(g);
}

/* Their pages at once: one call costs less than a fault for each (HACKING.md). All are needed for the next 32. */
void gr__small_fresh(const struct gr__slab *s, uint32_t first, uint32_t end)
{
	char *lo = s->base + (size_t)first * GR__SMALL_BYTES / 4096 * 4096;

	gr__os_populate(lo, (size_t)(s->base + (size_t)end * GR__SMALL_BYTES - lo));
}

/* Pages go back under the lock, or a slot of the run might be taken meanwhile. */
void gr__small_release(struct gr_g *g)
{
	struct gr__pool *pool = g->slab->pool;

	gr__lock(&pool->lock);
	while (g) {
		struct gr_g *next = g->link;
		struct gr__slab *s = g->slab;
		uint32_t slot = g->slot, run = slot / GR__RUN_SLOTS;

		g->slab = NULL;
		gr__cold_put_locked(s, slot);
		if (++s->cold_in_run[run] == GR__RUN_SLOTS)
			gr__os_release(s->base + (size_t)run * GR__RUN_PAGES * 4096, GR__RUN_PAGES * 4096);
		g = next;
	}
	gr__unlock(&pool->lock);
}
