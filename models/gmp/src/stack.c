/*
 * stack.c - where Gs live: slots with guard, stack and descriptor, in pools by size.
 *
 * Slabs of address space are cut into slots (16 KiB by default):
 *
 *	lo                                                                       lo + stride
 *	| guard page | never touched ... | frames, growing down | struct gr_g | colour |
 *
 * - A page is committed by its first touch. The descriptor lies on the page that the first frames touch anyway, so a
 *   parked G costs one page, and 32 bytes of page table at 16 KiB spacing (wider slots cost more).
 * - Colour: slots are a power of two apart, so all tops would fall into the same sets of the first-level cache; they
 *   are moved by (slot % 16) lines.
 * - Mapping a stack and faulting its page in costs 2-9 us, reusing one 30-150 ns. So slots are never unmapped before
 *   gr_stop, and free ones are reused newest first. Each P keeps up to two chains of 64; more than that is exchanged
 *   with the pool a chain at a time, which moves one pointer under the lock, whatever happens in batches.
 * - Beyond a pool's watermark the pages of free stacks go back (the slot becomes cold). Its descriptor goes with them,
 *   so cold slots are remembered in the slab's own table.
 * - A frame larger than the guard would step over it, so everything that runs on a G's stack is compiled with
 *   -fstack-clash-protection: such a frame touches each of its pages on the way down.
 * - Guards: in the page tables if the kernel can (no mapping used up), else mprotect() for as many as the limit of
 *   mappings allows, else none: then the lowest word of the slot, which nobody writes, is looked at when the G ends.
 * - Size classes: pool 0 has the slots that Gs usually get; each next pool has slots four times as large, for Gs that
 *   ask for it (gr_go_with). Those are rare, so they go without P's caches and are made when the G is created. Small
 *   stacks grow by them too (grow.c).
 * - Small stacks, less than a page, for code that asks before it goes beyond (grow.c): a pool of slots without a guard,
 *   with caches and credit of their own. What is different about them is in stack_small.c.
 * - Credit. A usual G gets its stack when it first runs, but whether there can be one is answered by gr_go. So slots
 *   are promised: each slab brings as many units of credit as it has slots, Ps take units in batches, a G holds one
 *   from its creation to its end. Units and slots are equal in number, so who holds a unit finds a free slot somewhere -
 *   unless all are in the caches of other Ps. Then there is one more slab than promised, or, if that is refused, the
 *   others' caches are emptied (look_for_stacks in find.c).
 *
 * Invariants:
 *   S1  a slot is in exactly one place: used by a G, in a P's chains or fresh range, in a pool's chain, cold, or not
 *       yet handed out (>= slab->used);
 *   S2  a descriptor below slab->used reads as FREE unless a G uses it: slabs start as zeros and release makes zeros.
 *   S3  for each of the two kinds: units of credit (the pool's, the Ps', one per G that is to be or is) = slots of the
 *       pool's slabs, but for slabs made without (get_slow).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/grow.h"
#include "grow.h"
#include "internal.h"
#include "os.h"
#include "san.h"
#include "stack_pool.h"

enum {
	CHAIN = 64, /* stacks that change hands at once; a P keeps up to two chains */
	LARGE_KEEP_BYTES = 64 * 1024, /* of a larger stack that is free; arbitrary */
	KEEP_STACKS =
		8192, /* watermark of pool 0: 32 MiB of touched pages, usually; a quarter as many in each next pool */
	KEEP_STACKS_MIN = 4,
	FRESH = 16, /* never used slots that a P takes at once; small ones by runs */
	CREDIT = 64, /* units that a P takes at once; it keeps up to gr__knobs_credit() */
	SLAB_BYTES = 16 << 20, /* address space, not memory */
	POOLS = 10, /* up to 256 MiB, four times as much each, from 8 KiB on */
	COLD_GUARDED = 0x8000, /* in cold[]: the slot still has its guard, which survives the release of pages */
	COLOURS = 16,
	SPARE_MAPPINGS = 8192, /* left to the rest of the process when guards are mappings; arbitrary */
};

enum guard { GUARD_LIGHT, GUARD_MAPPING, GUARD_CANARY };

static struct {
	struct gr__pool pools[POOLS];
	unsigned n_pools; /* immutable */
	struct gr__pool small;
	struct gr__lock lock;
	/* under lock */
	size_t n_guard_mappings, max_guard_mappings;
	/* atomic: only ever gets worse */
	_Atomic uint32_t guard;
	/* immutable */
	size_t page;
} central;

const char *gr__stack_guard(void)
{
	static const char *const names[] = {"madvise", "mprotect", "canary"};

	return names[load_relaxed(&central.guard)];
}

static struct gr__pool *pool_of(enum gr__kind kind)
{
	return kind == GR__SMALL ? &central.small : &central.pools[0];
}

static void init_pool(struct gr__pool *pool, size_t stride, size_t keep)
{
	pool->stride = stride;
	pool->is_small = stride == GR__SMALL_BYTES;
	pool->colours = pool->is_small ? 1 : COLOURS;
	pool->keep = keep > KEEP_STACKS_MIN ? keep : KEEP_STACKS_MIN;
	pool->slab_slots = (uint32_t)(SLAB_BYTES / stride);
	if (pool->slab_slots > GR__SLAB_SLOTS_MAX)
		pool->slab_slots = GR__SLAB_SLOTS_MAX;
	if (pool->slab_slots < 1)
		pool->slab_slots = 1;
	pool->slab_bytes = pool->slab_slots * stride;
}

int gr__stacks_init(void)
{
	size_t maps = gr__os_max_mappings(), stride = gr__sched.knobs.stack_bytes, keep = KEEP_STACKS;

	memset(&central, 0, sizeof(central));
	central.page = gr__os_page_bytes();
	store_relaxed(&central.guard, gr__sched.knobs.guard);
	if (gr__sched.knobs.guard == GUARD_LIGHT && !gr__os_guard_light_works())
		store_relaxed(&central.guard, GUARD_MAPPING);
	central.max_guard_mappings = maps > SPARE_MAPPINGS ? (maps - SPARE_MAPPINGS) / 2 : 0;
	for (; central.n_pools < POOLS && stride <= GR__STACK_BYTES_MAX; stride *= 4, keep /= 4)
		init_pool(&central.pools[central.n_pools++], stride, keep);
	if (central.pools[central.n_pools - 1].stride < GR__STACK_BYTES_MAX) /* the last step is a smaller one */
		init_pool(&central.pools[central.n_pools++], GR__STACK_BYTES_MAX, keep);
	init_pool(&central.small, GR__SMALL_BYTES, KEEP_STACKS);
	return 0;
}

/* ---- slots ------------------------------------------------------------------------------------------- */

static struct gr_g *slot_descriptor(const struct gr__slab *s, uint32_t slot)
{
	char *top = s->base + ((size_t)slot + 1) * s->pool->stride;

	return (struct gr_g *)(top - (slot % s->pool->colours) * CACHE_LINE_BYTES -
			       align_up(sizeof(struct gr_g), CACHE_LINE_BYTES));
}

static bool guard_slot(char *lo)
{
	if (load_relaxed(&central.guard) == GUARD_LIGHT) {
		if (!gr__os_guard_light(lo, central.page))
			return true;
		store_relaxed(&central.guard, GUARD_MAPPING);
	}
	if (load_relaxed(&central.guard) == GUARD_MAPPING) {
		bool allowed;

		gr__lock(&central.lock);
		allowed = central.n_guard_mappings < central.max_guard_mappings;
		central.n_guard_mappings += allowed;
		gr__unlock(&central.lock);
		if (allowed && !gr__os_guard_mapping(lo, central.page))
			return true;
		store_relaxed(&central.guard, GUARD_CANARY);
	}
	return false;
}

/* Make the descriptor of a slot whose memory is zeros; a cold one may still have its guard, and a small one its frames. */
static struct gr_g *init_slot(struct gr__slab *s, uint32_t slot, bool guarded)
{
	struct gr_g *g = slot_descriptor(s, slot);

	g->slab = s;
	g->slot = (uint16_t)slot;
	g->stack_lo = s->base + slot * s->pool->stride;
	g->stack_hi = (char *)g;
	if (s->pool->is_small) {
		gr__small_init(g);
		return g;
	}
	g->guarded = guarded || guard_slot(g->stack_lo);
	g->san_fiber = gr__san_fiber_make();
	g->san_id = gr__san_stack_known(g->stack_lo + central.page, g->stack_hi);
	return g;
}

/* ---- credit ------------------------------------------------------------------------------------------ */

/* More than p may keep: half of that goes back, or all. */
static __attribute__((noinline)) void give_some_credit(struct gr__stack_cache *c, struct gr__pool *pool)
{
	uint32_t n = c->credit - load_relaxed(&gr__sched.credit_max) / 2;

	c->credit -= n;
	gr__pool_give_credit(pool, n);
}

void gr__stack_no_credit(struct gr_p *p)
{
	for (int k = 0; k < GR__KINDS; k++)
		if (p->stacks[k].credit > load_relaxed(&gr__sched.credit_max))
			give_some_credit(&p->stacks[k], pool_of(k));
}

static void reserve_on_g0(void *cache)
{
	struct gr__stack_cache *c = cache;
	struct gr_p *p = gr__m()->p;

	c->credit += gr__pool_take_credit(pool_of(c == &p->stacks[GR__SMALL] ? GR__SMALL : GR__PAGES), CREDIT);
}

bool gr__stack_reserve(struct gr_p *p, enum gr__kind kind)
{
	gr__on_g0(reserve_on_g0, &p->stacks[kind]);
	return p->stacks[kind].credit != 0;
}

/* ---- pools ------------------------------------------------------------------------------------------- */

/* Give the pages of a chain back and remember its slots as cold. */
static void release_chain(struct gr_g *g)
{
	while (g) {
		struct gr_g *next = g->link;
		struct gr__slab *s = g->slab;
		struct gr__pool *pool = s->pool;
		uint32_t slot = g->slot | (g->guarded ? COLD_GUARDED : 0);
		char *lo = g->stack_lo + central.page;

		gr__san_fiber_free(g->san_fiber);
		gr__san_stack_forgotten(g->san_id);
		g->san_fiber = NULL;
		g->slab = NULL; /* as the release makes it, which may be refused */
		gr__san_clean(lo, pool->stride - central.page);
		gr__os_release(lo, pool->stride - central.page);
		gr__lock(&pool->lock);
		gr__cold_put_locked(s, slot);
		gr__unlock(&pool->lock);
		g = next;
	}
}

static void pool_put(struct gr__pool *pool, struct gr__stack_chain *c)
{
	struct gr_g *head = c->head;
	bool keep;

	head->chain_n = c->n;
	c->head = NULL;
	c->n = 0;
	gr__lock(&pool->lock);
	keep = pool->n_free + head->chain_n <= pool->keep;
	if (keep) {
		head->chain_next = pool->chains;
		pool->chains = head;
		pool->n_free += head->chain_n;
	}
	gr__unlock(&pool->lock);
	if (keep)
		return;
	if (pool->is_small)
		gr__small_release(head);
	else
		release_chain(head);
}

/* Warm stacks into *c. False: none. */
static bool pool_get(struct gr__pool *pool, struct gr__stack_chain *c)
{
	gr__lock(&pool->lock);
	c->head = pool->chains;
	if (c->head) {
		pool->chains = c->head->chain_next;
		c->n = c->head->chain_n;
		pool->n_free -= c->n;
	}
	gr__unlock(&pool->lock);
	return c->head != NULL;
}

static struct gr_g *cold_get(struct gr__pool *pool)
{
	struct gr__slab *s;
	uint32_t slot = 0;

	gr__lock(&pool->lock);
	s = pool->cold;
	if (s) {
		slot = s->cold[--s->n_cold];
		if (!s->n_cold) {
			pool->cold = s->cold_next;
			s->on_cold_list = false;
		}
		if (pool->is_small)
			gr__small_warm_locked(s, slot);
	}
	gr__unlock(&pool->lock);
	return s ? init_slot(s, slot & ~COLD_GUARDED, slot & COLD_GUARDED) : NULL;
}

/* One warm stack, off the head of a chain. NULL: none. */
static struct gr_g *warm_get(struct gr__pool *pool)
{
	struct gr_g *g, *rest;

	gr__lock(&pool->lock);
	g = pool->chains;
	if (g) {
		rest = g->link;
		pool->chains = rest ? rest : g->chain_next;
		if (rest) {
			rest->chain_n = g->chain_n - 1;
			rest->chain_next = g->chain_next;
		}
		pool->n_free--;
	}
	gr__unlock(&pool->lock);
	return g;
}

/* One stack without a P's caches. */
static struct gr_g *get_single(struct gr__pool *pool)
{
	struct gr__slab *s;
	uint32_t slot;
	struct gr_g *g;

	if ((g = warm_get(pool)) || (g = cold_get(pool)))
		return g;
	if (!gr__pool_fresh(pool, 1, &s, &slot))
		return NULL;
	return init_slot(s, slot, false);
}

/* ---- what a P does ------------------------------------------------------------------------------------ */

static struct gr_g *get_slow(struct gr_p *p, enum gr__kind kind)
{
	struct gr__stack_cache *c = &p->stacks[kind];
	struct gr__pool *pool = pool_of(kind);
	struct gr_g *g;

	if (c->b.n) {
		c->a = c->b;
		c->b = (struct gr__stack_chain){NULL, 0};
	} else if (!pool_get(pool, &c->a)) {
		if ((g = cold_get(pool)))
			return g;
		if (c->fresh_next == c->fresh_end) {
			c->fresh_end = gr__pool_fresh(pool, kind == GR__SMALL ? GR__RUN_SLOTS : FRESH, &c->fresh_slab,
						      &c->fresh_next);
			if (!c->fresh_end) {
				c->fresh_next = 0;
				return NULL;
			}
			if (kind == GR__SMALL)
				gr__small_fresh(c->fresh_slab, c->fresh_next, c->fresh_end);
		}
		owner_add(&p->stats.stacks_mapped, 1);
		return init_slot(c->fresh_slab, c->fresh_next++, false);
	}
	g = c->a.head;
	c->a.head = g->link;
	c->a.n--;
	return g;
}

static struct gr_g *get_new(enum gr__kind kind)
{
	struct gr_g *g;

	if (!gr__pool_take_credit(pool_of(kind), 1))
		return NULL;
	g = get_single(pool_of(kind));
	if (!g)
		gr__pool_give_credit(pool_of(kind), 1);
	return g;
}

struct get_slow {
	struct gr_p *p; /* NULL: without its caches, and with credit */
	enum gr__kind kind;
	struct gr_g *g; /* the result */
};

static void get_slow_on_g0(void *arg)
{
	struct get_slow *a = arg;

	a->g = a->p ? get_slow(a->p, a->kind) : get_new(a->kind);
}

/* The caller may be on a small stack. */
static __attribute__((noinline)) struct gr_g *get_elsewhere(struct gr_p *p, enum gr__kind kind)
{
	struct get_slow a = {p, kind, NULL};

	gr__on_g0(get_slow_on_g0, &a);
	return a.g;
}

struct gr_g *gr__stack_get_new(enum gr__kind kind)
{
	return get_elsewhere(NULL, kind);
}

struct gr_g *gr__stack_get(struct gr_p *p, enum gr__kind kind)
{
	struct gr__stack_cache *c = &p->stacks[kind];
	struct gr_g *g = c->a.head;

	if (unlikely(!g))
		return get_elsewhere(p, kind);
	c->a.head = g->link;
	c->a.n--;
	return g;
}

size_t gr__stack_bytes_max(void)
{
	return central.pools[central.n_pools - 1].stride;
}

size_t gr__stack_bytes(const struct gr_g *g)
{
	return g->slab->pool->stride;
}

static struct gr_g *get_large(size_t bytes)
{
	for (unsigned i = 1; i < central.n_pools; i++)
		if (central.pools[i].stride >= bytes) {
			struct gr_g *g = get_single(&central.pools[i]);

			if (g)
				g->stack_limit = 0; /* it may have been a segment */
			return g;
		}
	return NULL;
}

struct get_large {
	size_t bytes;
	struct gr_g *g; /* the result */
};

static void get_large_on_g0(void *arg)
{
	struct get_large *a = arg;

	a->g = get_large(a->bytes);
}

struct gr_g *gr__stack_get_large(size_t bytes)
{
	struct get_large a = {bytes, NULL};

	gr__on_g0(get_large_on_g0, &a);
	return a.g;
}

static void is_overwritten(void *g)
{
	gr__fatal("stack overflow of goroutine %llu, found when it ended",
		  (unsigned long long)load_relaxed(&((struct gr_g *)g)->id));
}

void gr__stack_check(const struct gr_g *g)
{
	if (unlikely(!g->guarded) && *(uint64_t *)(void *)g->stack_lo != 0)
		gr__on_g0(is_overwritten, (void *)(uintptr_t)g); /* who looks may be on a small stack */
}

/* Few are kept, but each may have been used to its depth: all but the top of it goes back. On g0. */
static void put_large(void *arg)
{
	struct gr_g *g = arg;
	struct gr__stack_chain one = {g, 1};
	char *lo = g->stack_lo + central.page, *hi = g->stack_hi - LARGE_KEEP_BYTES;

	if (lo < hi) {
		size_t bytes = (size_t)(hi - lo) / central.page * central.page;

		gr__os_release(lo, bytes);
	}
	pool_put(g->slab->pool, &one);
}

/* The caller may be on a small stack. */
static void put_chain(void *chain)
{
	struct gr__stack_chain *c = chain;

	pool_put(c->head->slab->pool, c);
}

static inline __attribute__((always_inline)) void put_cached(struct gr__stack_cache *c, struct gr__pool *pool,
							     struct gr_g *g)
{
	if (unlikely(++c->credit > load_relaxed(&gr__sched.credit_max)))
		give_some_credit(c, pool);
	if (unlikely(c->a.n == CHAIN)) {
		if (c->b.n)
			gr__on_g0(put_chain, &c->b);
		c->b = c->a;
		c->a = (struct gr__stack_chain){NULL, 0};
	}
	g->link = c->a.head;
	c->a.head = g;
	c->a.n++;
}

/* One that is not of pool 0. */
static __attribute__((noinline)) void put_other(struct gr_p *p, struct gr_g *g)
{
	if (g->slab->pool->is_small)
		put_cached(&p->stacks[GR__SMALL], &central.small, g);
	else
		gr__on_g0(put_large, g);
}

void gr__stack_put(struct gr_p *p, struct gr_g *g)
{
	gr__stack_check(g);
	gr__san_clean(g->stack_lo + central.page, (size_t)(g->stack_hi - g->stack_lo) - central.page);
	g->san_fiber = gr__san_fiber_next(g->san_fiber, &g->san_id);
	g->link = NULL;
	if (likely(g->slab->pool == &central.pools[0]))
		put_cached(&p->stacks[GR__PAGES], &central.pools[0], g);
	else
		put_other(p, g);
}

static void flush(struct gr__stack_cache *c, struct gr__pool *pool)
{
	struct gr__stack_chain one;

	if (c->a.n)
		pool_put(pool, &c->a);
	if (c->b.n)
		pool_put(pool, &c->b);
	while (c->fresh_next < c->fresh_end) {
		one = (struct gr__stack_chain){init_slot(c->fresh_slab, c->fresh_next++, false), 1};
		one.head->link = NULL;
		pool_put(pool, &one);
	}
	if (c->credit) {
		gr__pool_give_credit(pool, c->credit);
		c->credit = 0;
	}
}

void gr__stacks_flush(struct gr_p *p)
{
	for (struct gr_g *seg; (seg = p->segs.head); p->segs.n--) {
		p->segs.head = seg->link;
		gr__stack_put(p, seg);
	}
	for (int k = 0; k < GR__KINDS; k++)
		flush(&p->stacks[k], pool_of(k));
}

bool gr__stack_is_small(const struct gr_g *g)
{
	return g->slab->pool->is_small;
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

static void each_of_slab(struct gr__slab *s, void (*fn)(struct gr_g *g, void *arg), void *arg)
{
	uint32_t used = load_acquire(&s->used); /* pairs with the release in gr__pool_fresh */

	for (uint32_t slot = 0; slot < used; slot++) {
		struct gr_g *g = slot_descriptor(s, slot);

		if (load_relaxed(&g->state) != GR__G_FREE) /* S2 */
			fn(g, arg);
	}
}

void gr__stacks_each(void (*fn)(struct gr_g *g, void *arg), void *arg)
{
	if (!gr__read_begin())
		return;
	for (unsigned k = 0; k < central.n_pools; k++)
		for (struct gr__slab *s = load_acquire(&central.pools[k].newest); s; s = s->older)
			each_of_slab(s, fn, arg);
	for (struct gr__slab *s = load_acquire(&central.small.newest); s; s = s->older)
		each_of_slab(s, fn, arg);
	gr__read_end();
}

bool gr__stack_guards(const struct gr_g *g, const void *addr)
{
	const char *a = addr;

	return g->guarded && a >= g->stack_lo && a < g->stack_lo + central.page;
}

static struct gr_g *guarded_at(struct gr__pool *pool, const char *addr)
{
	struct gr_g *found = NULL;
	/* In a signal handler: who holds the lock may be the thread that has been interrupted. */
	if (!gr__lock_try(&pool->lock))
		return NULL;
	for (size_t i = 0; i < pool->n_slabs && !found; i++) {
		const struct gr__slab *s = pool->slabs[i];
		size_t at = (size_t)(addr - s->base); /* wraps around below the base */

		if (at >= load_relaxed(&s->used) * pool->stride || at % pool->stride >= central.page)
			continue;
		found = slot_descriptor(s, (uint32_t)(at / pool->stride));
	}
	gr__unlock(&pool->lock);
	if (found && load_relaxed(&found->state) == GR__G_FREE) /* S2 */
		found = gr__grow_owner(found);
	return found;
}

struct gr_g *gr__stack_guarded_at(const void *addr)
{
	struct gr_g *g = NULL;

	for (unsigned k = 0; k < central.n_pools && !g; k++)
		g = guarded_at(&central.pools[k], addr);
	return g;
}

static void destroy_slab(struct gr__slab *s)
{
#if GR_TSAN || GR_VALGRIND
	for (uint32_t slot = 0; slot < load_relaxed(&s->used); slot++) {
		struct gr_g *g = slot_descriptor(s, slot);

		if (!g->slab)
			continue; /* cold, or never got as far as being used */
		gr__san_fiber_free(g->san_fiber);
		gr__san_stack_forgotten(g->san_id);
	}
#endif
	gr__san_clean(s->base, s->pool->slab_bytes);
	gr__os_unreserve(s->base, s->pool->slab_bytes);
	free(s);
}

static void destroy_pool(struct gr__pool *pool)
{
	for (size_t i = 0; i < pool->n_slabs; i++)
		destroy_slab(pool->slabs[i]);
	free(pool->slabs);
}

void gr__stacks_destroy(void)
{
	for (unsigned k = 0; k < central.n_pools; k++)
		destroy_pool(&central.pools[k]);
	destroy_pool(&central.small);
	memset(&central, 0, sizeof(central));
}
