/*
 * stack.c - where Gs live: slots of one size with guard, stack and descriptor.
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
 *   with the central list a chain at a time, which moves one pointer under the lock, whatever happens in batches.
 * - Beyond KEEP_CHAINS central chains the pages go back (the slot becomes cold). Its descriptor goes with them, so
 *   cold slots are remembered in the slab's own table.
 * - A frame larger than the guard would step over it, so everything that runs on a G's stack is compiled with
 *   -fstack-clash-protection: such a frame touches each of its pages on the way down.
 * - Guards: in the page tables if the kernel can (no mapping used up), else mprotect() for as many as the limit of
 *   mappings allows, else none: then the lowest word of the slot, which nobody writes, is looked at when the G ends.
 *
 * Invariants:
 *   S1  a slot is in exactly one place: used by a G, in a P's chains or fresh range, in a central chain, cold, or not
 *       yet handed out (>= slab->used);
 *   S2  a descriptor below slab->used reads as FREE unless a G uses it: slabs start as zeros and release makes zeros.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "os.h"
#include "san.h"

enum {
	CHAIN = 64, /* stacks that change hands at once; a P keeps up to two chains */
	KEEP_CHAINS = 128, /* central chains whose pages are kept: 8192 stacks, 32 MiB of touched pages */
	FRESH = 16, /* never used slots that a P takes at once */
	SLAB_BYTES = 16 << 20, /* address space, not memory */
	SLAB_SLOTS_MIN = 16,
	SLAB_SLOTS_MAX = 1024,
	COLD_GUARDED = 0x8000, /* in cold[]: the slot still has its guard, which survives the release of pages */
	COLOURS = 16,
	SPARE_MAPPINGS = 8192, /* left to the rest of the process when guards are mappings; arbitrary */
};

enum guard { GUARD_LIGHT, GUARD_MAPPING, GUARD_CANARY };

struct gr__slab {
	char *base; /* immutable */
	uint32_t n_slots; /* immutable */
	_Atomic uint32_t used; /* slots handed out so far; written under central.lock */
	uint32_t n_cold; /* central.lock */
	struct gr__slab *cold_next; /* central.lock: next slab with cold slots */
	bool on_cold_list; /* central.lock */
	uint16_t cold[]; /* central.lock: n_cold slots whose pages have gone back */
};

static struct {
	struct gr__lock lock;
	/* under lock */
	struct gr__slab **slabs;
	size_t n_slabs, cap_slabs;
	struct gr_g *chains; /* linked by chain_next */
	size_t n_chains;
	struct gr__slab *cold; /* slabs with cold slots */
	size_t n_guard_mappings, max_guard_mappings;
	uint64_t n_mapped; /* slots made from fresh memory outside of a P */
	/* atomic: only ever gets worse */
	_Atomic uint32_t guard;
	/* immutable */
	size_t stride, page, slab_bytes;
	uint32_t slab_slots;
} central;

const char *gr__stack_guard(void)
{
	static const char *const names[] = {"madvise", "mprotect", "canary"};

	return names[load_relaxed(&central.guard)];
}

int gr__stacks_init(void)
{
	size_t maps = gr__os_max_mappings();

	memset(&central, 0, sizeof(central));
	central.page = gr__os_page_bytes();
	store_relaxed(&central.guard, gr__sched.knobs.guard);
	if (gr__sched.knobs.guard == GUARD_LIGHT && !gr__os_guard_light_works())
		store_relaxed(&central.guard, GUARD_MAPPING);
	central.stride = gr__sched.knobs.stack_bytes;
	central.slab_slots = (uint32_t)(SLAB_BYTES / central.stride);
	if (central.slab_slots > SLAB_SLOTS_MAX)
		central.slab_slots = SLAB_SLOTS_MAX;
	if (central.slab_slots < SLAB_SLOTS_MIN)
		central.slab_slots = SLAB_SLOTS_MIN;
	central.slab_bytes = central.slab_slots * central.stride;
	central.max_guard_mappings = maps > SPARE_MAPPINGS ? (maps - SPARE_MAPPINGS) / 2 : 0;
	return 0;
}

/* ---- slots ------------------------------------------------------------------------------------------- */

static struct gr_g *slot_descriptor(const struct gr__slab *s, uint32_t slot)
{
	char *top = s->base + ((size_t)slot + 1) * central.stride;

	return (struct gr_g *)(top - (slot % COLOURS) * CACHE_LINE_BYTES -
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

/* Make the descriptor of a slot whose memory is zeros; a cold one may still have its guard. */
static struct gr_g *init_slot(struct gr__slab *s, uint32_t slot, bool guarded)
{
	struct gr_g *g = slot_descriptor(s, slot);

	g->slab = s;
	g->slot = (uint16_t)slot;
	g->stack_lo = s->base + slot * central.stride;
	g->stack_hi = (char *)g;
	g->guarded = guarded || guard_slot(g->stack_lo);
	g->san_fiber = gr__san_fiber_make();
	g->san_id = gr__san_stack_known(g->stack_lo + central.page, g->stack_hi);
	return g;
}

static struct gr__slab *add_slab_locked(void)
{
	struct gr__slab *s;

	if (central.n_slabs == central.cap_slabs) {
		size_t cap = central.cap_slabs ? central.cap_slabs * 2 : 16;
		struct gr__slab **bigger = realloc(central.slabs, cap * sizeof(bigger[0]));

		if (!bigger)
			return NULL;
		central.slabs = bigger;
		central.cap_slabs = cap;
	}
	s = calloc(1, sizeof(*s) + central.slab_slots * sizeof(s->cold[0]));
	if (!s)
		return NULL;
	s->base = gr__os_reserve(central.slab_bytes);
	if (!s->base) {
		free(s);
		return NULL;
	}
	s->n_slots = central.slab_slots;
	central.slabs[central.n_slabs++] = s;
	return s;
}

/* Up to `want` never used slots: [*first, result) of *out. 0: no memory. */
static uint32_t take_fresh(uint32_t want, struct gr__slab **out, uint32_t *first)
{
	struct gr__slab *s;
	uint32_t end = 0;

	gr__lock(&central.lock);
	s = central.n_slabs ? central.slabs[central.n_slabs - 1] : NULL;
	if (!s || load_relaxed(&s->used) == s->n_slots)
		s = add_slab_locked();
	if (s) {
		*out = s;
		*first = load_relaxed(&s->used);
		end = *first + want < s->n_slots ? *first + want : s->n_slots;
		store_release(&s->used, end); /* pairs with the acquire in gr__stacks_each */
	}
	gr__unlock(&central.lock);
	return end;
}

/* ---- central ----------------------------------------------------------------------------------------- */

/* Give the pages of a chain back and remember its slots as cold. */
static void release_chain(struct gr_g *g)
{
	while (g) {
		struct gr_g *next = g->link;
		struct gr__slab *s = g->slab;
		uint32_t slot = g->slot | (g->guarded ? COLD_GUARDED : 0);
		char *lo = g->stack_lo + central.page;

		gr__san_fiber_free(g->san_fiber);
		gr__san_stack_forgotten(g->san_id);
		gr__san_clean(lo, central.stride - central.page);
		gr__os_release(lo, central.stride - central.page);
		gr__lock(&central.lock);
		s->cold[s->n_cold++] = (uint16_t)slot;
		if (!s->on_cold_list) {
			s->on_cold_list = true;
			s->cold_next = central.cold;
			central.cold = s;
		}
		gr__unlock(&central.lock);
		g = next;
	}
}

static void central_put(struct gr__stack_chain *c)
{
	struct gr_g *head = c->head;
	bool keep;

	head->chain_n = c->n;
	c->head = NULL;
	c->n = 0;
	gr__lock(&central.lock);
	keep = central.n_chains < KEEP_CHAINS;
	if (keep) {
		head->chain_next = central.chains;
		central.chains = head;
		central.n_chains++;
	}
	gr__unlock(&central.lock);
	if (!keep)
		release_chain(head);
}

/* Warm stacks into *c. False: none. */
static bool central_get(struct gr__stack_chain *c)
{
	gr__lock(&central.lock);
	c->head = central.chains;
	if (c->head) {
		central.chains = c->head->chain_next;
		central.n_chains--;
		c->n = c->head->chain_n;
	}
	gr__unlock(&central.lock);
	return c->head != NULL;
}

static struct gr_g *cold_get(void)
{
	struct gr__slab *s;
	uint32_t slot = 0;

	gr__lock(&central.lock);
	s = central.cold;
	if (s) {
		slot = s->cold[--s->n_cold];
		if (!s->n_cold) {
			central.cold = s->cold_next;
			s->on_cold_list = false;
		}
	}
	gr__unlock(&central.lock);
	return s ? init_slot(s, slot & ~COLD_GUARDED, slot & COLD_GUARDED) : NULL;
}

/* ---- what a P does ------------------------------------------------------------------------------------ */

static __attribute__((noinline)) struct gr_g *get_slow(struct gr_p *p)
{
	struct gr_g *g;

	if (p->free_b.n) {
		p->free_a = p->free_b;
		p->free_b = (struct gr__stack_chain){NULL, 0};
	} else if (!central_get(&p->free_a)) {
		if ((g = cold_get()))
			return g;
		if (p->fresh_next == p->fresh_end) {
			p->fresh_end = take_fresh(FRESH, &p->fresh_slab, &p->fresh_next);
			if (!p->fresh_end) {
				p->fresh_next = 0;
				return NULL;
			}
		}
		owner_add(&p->stats.stacks_mapped, 1);
		return init_slot(p->fresh_slab, p->fresh_next++, false);
	}
	g = p->free_a.head;
	p->free_a.head = g->link;
	p->free_a.n--;
	return g;
}

/* For a thread without a P: rare (gr_run), so one slot at a time and no chain is broken up. */
static struct gr_g *get_outside(void)
{
	struct gr__slab *s;
	uint32_t slot;
	struct gr_g *g = cold_get();

	if (g)
		return g;
	if (!take_fresh(1, &s, &slot))
		return NULL;
	gr__lock(&central.lock);
	central.n_mapped++;
	gr__unlock(&central.lock);
	return init_slot(s, slot, false);
}

struct gr_g *gr__stack_get(struct gr_p *p)
{
	struct gr_g *g;

	if (unlikely(!p))
		return get_outside();
	g = p->free_a.head;
	if (unlikely(!g))
		return get_slow(p);
	p->free_a.head = g->link;
	p->free_a.n--;
	return g;
}

void gr__stack_put(struct gr_p *p, struct gr_g *g)
{
	if (unlikely(!g->guarded) && *(uint64_t *)(void *)g->stack_lo != 0)
		gr__fatal("stack overflow of goroutine %llu, found when it ended",
			  (unsigned long long)load_relaxed(&g->id));
	gr__san_clean(g->stack_lo + central.page, (size_t)(g->stack_hi - g->stack_lo) - central.page);
	if (unlikely(p->free_a.n == CHAIN)) {
		if (p->free_b.n)
			central_put(&p->free_b);
		p->free_b = p->free_a;
		p->free_a = (struct gr__stack_chain){NULL, 0};
	}
	g->link = p->free_a.head;
	p->free_a.head = g;
	p->free_a.n++;
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

/* The i-th slab, NULL behind the last. Slabs stay until gr_stop. */
static struct gr__slab *slab_at(size_t i)
{
	struct gr__slab *s;

	gr__lock(&central.lock);
	s = i < central.n_slabs ? central.slabs[i] : NULL;
	gr__unlock(&central.lock);
	return s;
}

void gr__stacks_each(void (*fn)(struct gr_g *g, void *arg), void *arg)
{
	struct gr__slab *s;

	if (!gr__read_begin())
		return;
	for (size_t i = 0; (s = slab_at(i)); i++) {
		uint32_t used = load_acquire(&s->used); /* pairs with the release in take_fresh */

		for (uint32_t slot = 0; slot < used; slot++) {
			struct gr_g *g = slot_descriptor(s, slot);

			if (load_relaxed(&g->state) != GR__G_FREE) /* S2 */
				fn(g, arg);
		}
	}
	gr__read_end();
}

bool gr__stack_guards(const struct gr_g *g, const void *addr)
{
	const char *a = addr;

	return a >= g->stack_lo && a < g->stack_lo + central.page;
}

struct gr_g *gr__stack_guarded_at(const void *addr)
{
	const char *a = addr;
	struct gr_g *found = NULL;
	uint32_t was = 0;

	/* In a signal handler: who holds the lock may be the thread that has been interrupted. */
	if (!cas_strong_acquire(&central.lock.word, &was, 1))
		return NULL;
	for (size_t i = 0; i < central.n_slabs && !found; i++) {
		const struct gr__slab *s = central.slabs[i];
		size_t at = (size_t)(a - s->base); /* wraps around below the base */

		if (at >= load_relaxed(&s->used) * central.stride || at % central.stride >= central.page)
			continue;
		found = slot_descriptor(s, (uint32_t)(at / central.stride));
	}
	gr__unlock(&central.lock);
	return found && load_relaxed(&found->state) != GR__G_FREE ? found : NULL; /* S2 */
}

void gr__stacks_destroy(void)
{
	for (size_t i = 0; i < central.n_slabs; i++) {
		struct gr__slab *s = central.slabs[i];
#if GR_TSAN || GR_VALGRIND
		for (uint32_t slot = 0; slot < load_relaxed(&s->used); slot++) {
			struct gr_g *g = slot_descriptor(s, slot);

			if (!g->slab)
				continue; /* cold, or never got as far as being used */
			gr__san_fiber_free(g->san_fiber);
			gr__san_stack_forgotten(g->san_id);
		}
#endif
		gr__san_clean(s->base, central.slab_bytes);
		gr__os_unreserve(s->base, central.slab_bytes);
		free(s);
	}
	free(central.slabs);
	memset(&central, 0, sizeof(central));
}
