/*
 * nursery.c - Gs that have been created and have not run yet.
 *
 * gr_go makes no G: it notes what one will be - function, argument, name - in the nursery of its P. The G gets its
 * descriptor and stack when it is run for the first time. So
 *   - a thousand Gs that are created, run to their end and are joined use one stack, which stays in the first-level
 *     cache, and not a thousand pages;
 *   - a G that ends runs the next one of the nursery on its own stack, without a switch (gr__next_life in g.c).
 *
 * The owner takes the newest first. A tree of Gs that wait for their children is then walked depth first, with as many
 * stacks alive as it has levels times children, where the order of arrival has a whole level alive at once: a million
 * stacks for a million leaves. Thieves take the oldest, which are the roots of the largest subtrees. Rejected: creating
 * the G at once and taking the newest (the order alone saves the memory, but each G touches a page of its own, 40 ns
 * and more); running the child at once and the parent later (it breaks "gr_go does not block", and the parent must be
 * stealable in the middle of its function).
 *
 * Order. Newest first can starve the oldest, where each G creates the next. Two bounds: (1) after 64 takes of runnext
 * or the nursery in a row the ring has its turn (gr__runq_get); (2) sysmon looks at the oldest: if it is the same for
 * 10 ms, it has to be run next, then two, four, ... in each 10 ms that follow (is_oldest_starved). Bound by time, not by
 * count: every n-th take would, in a deep tree, begin a subtree from the wide end each time, and those are what costs
 * memory.
 *
 * The word. Owner and thieves change one 64-bit word by CAS: head (oldest), tail (newest + 1), count of insertions.
 *   N1  The owner alone writes slots, tail and count.
 *   N2  Anybody may take the n oldest: by a CAS of the word after reading the n slots. A slot is rewritten only after
 *       the head has passed it, or after the owner has taken it from the tail.
 *   N3  Each insertion counts. So a word that is equal is the same state: a thief that has read slots, was delayed, and
 *       finds head and tail as they were although the owner has taken and inserted meanwhile fails in its CAS (ABA). The
 *       count has 44 bits: more than a day of insertions of 5 ns each.
 *   N4  With one P there are no thieves, and the owner does without locked operations.
 * A deque with separate head and tail (Chase and Lev's) costs the owner a StoreLoad barrier per take instead of a CAS,
 * which is the same price, and lets thieves take one at a time only.
 *
 * The spill. A full nursery moves its older half to a list of chunks under sched.lock. Whoever finds nothing else takes
 * the newest chunk, so that a spawner that has run ahead is followed depth first too; about every 120th switch takes one
 * from the oldest end (take_shared).
 */
#include <errno.h>
#include <stdlib.h>

#include "nursery.h"
#include "os.h"
#include "runq.h"

enum {
	CHUNK = GR__NURSERY_SLOTS / 2,
	KEEP_CHUNKS = 32, /* empty chunks that are kept for the next spill: 100 KiB; arbitrary */
};

struct gr__chunk {
	struct list link;
	uint32_t lo, hi; /* what is in it: births[lo, hi), the oldest first */
	struct gr__birth births[CHUNK];
};

/* ---- the spill ------------------------------------------------------------------------------------------ */

static struct gr__chunk *chunk_get_locked(void)
{
	struct gr_sched *s = &gr__sched;
	struct list *link = list_pop_front(&s->spare_chunks);

	if (!link)
		return NULL;
	s->n_spare_chunks--;
	return container_of(link, struct gr__chunk, link);
}

static void chunk_put_locked(struct gr__chunk *c)
{
	struct gr_sched *s = &gr__sched;

	if (s->n_spare_chunks == KEEP_CHUNKS) {
		free(c);
		return;
	}
	list_push_front(&s->spare_chunks, &c->link);
	s->n_spare_chunks++;
}

/* Append c, which holds n, as the newest chunk; none may be left where thieves were faster. */
static void chunk_add_locked(struct gr__chunk *c, uint32_t n)
{
	struct gr_sched *s = &gr__sched;

	if (!n) {
		chunk_put_locked(c);
		return;
	}
	c->lo = 0;
	c->hi = n;
	list_push_back(&s->spill, &c->link);
	store_relaxed(&s->spill_n, load_relaxed(&s->spill_n) + n);
}

/* Move up to `max` of p's oldest into c; returns how many. Only the owner. */
static uint32_t move_oldest(struct gr_p *p, struct gr__chunk *c, uint32_t max)
{
	uint64_t word = load_acquire(&p->nursery);
	uint32_t n, head;

	do {
		n = gr__nursery_n(word);
		head = gr__nursery_head(word);
		if (n > max)
			n = max;
	} while (!cas_weak_acq_rel(&p->nursery, &word, gr__nursery_word(word, head + n, gr__nursery_tail(word))));
	/* Read after they have been taken, unlike a thief: nobody but us writes these slots again (N1). */
	for (uint32_t i = 0; i < n; i++)
		gr__nursery_read(p, head + i, &c->births[i]);
	return n;
}

struct spill {
	struct gr_p *p;
	int err;
};

static void spill(void *arg)
{
	struct gr_sched *s = &gr__sched;
	struct spill *a = arg;
	struct gr__chunk *c;

	gr__lock(&s->lock);
	c = chunk_get_locked();
	gr__unlock(&s->lock);
	if (!c)
		c = malloc(sizeof(*c));
	a->err = c ? 0 : -ENOMEM;
	if (!c)
		return;
	gr__lock(&s->lock);
	chunk_add_locked(c, move_oldest(a->p, c, CHUNK));
	gr__unlock(&s->lock);
}

int gr__nursery_spill(struct gr_p *p)
{
	struct spill a = {p, 0};

	gr__on_g0(spill, &a); /* the allocator wants more than a small stack has */
	return a.err;
}

void gr__nursery_drain_locked(struct gr_p *p)
{
	while (gr__nursery_len(p)) {
		struct gr__chunk *c = chunk_get_locked();

		if (!c)
			c = malloc(sizeof(*c));
		if (!c)
			return;
		chunk_add_locked(c, move_oldest(p, c, CHUNK));
	}
}

bool gr__spill_get(struct gr_p *p)
{
	struct gr_sched *s = &gr__sched;
	struct gr__birth b;
	struct gr__chunk *c;

	if (!load_relaxed(&s->spill_n))
		return false;
	gr__lock(&s->lock);
	c = list_empty(&s->spill) ? NULL : container_of(s->spill.prev, struct gr__chunk, link);
	if (c) {
		list_remove(&c->link);
		/* Before the unlock: an M that finds the spill empty under the lock must find them in the nursery. There is
		 * room, so nothing spills. */
		for (uint32_t i = c->lo; i < c->hi; i++) {
			b = c->births[i];
			gr__nursery_put(p, &b);
		}
		store_relaxed(&s->spill_n, load_relaxed(&s->spill_n) - (c->hi - c->lo));
		chunk_put_locked(c);
	}
	gr__unlock(&s->lock);
	return c != NULL;
}

bool gr__spill_get_oldest(struct gr__birth *out)
{
	struct gr_sched *s = &gr__sched;
	struct gr__chunk *c;

	if (!load_relaxed(&s->spill_n))
		return false;
	gr__lock(&s->lock);
	c = list_empty(&s->spill) ? NULL : container_of(s->spill.next, struct gr__chunk, link);
	if (c) {
		*out = c->births[c->lo++];
		store_relaxed(&s->spill_n, load_relaxed(&s->spill_n) - 1);
		if (c->lo == c->hi) {
			list_remove(&c->link);
			chunk_put_locked(c);
		}
	}
	gr__unlock(&s->lock);
	return c != NULL;
}

static void each_of_nursery(struct gr_p *p, void (*fn)(const struct gr__birth *b, void *arg), void *arg)
{
	uint64_t word = load_acquire(&p->nursery);

	/* A picture with a long exposure: some may have begun before they are read. */
	for (uint32_t i = 0; i < gr__nursery_n(word); i++) {
		struct gr__birth b;

		gr__nursery_read(p, gr__nursery_head(word) + i, &b);
		if (b.fn) { /* else it is a G already */
			b.fn = gr__birth_fn(&b);
			fn(&b, arg);
		}
	}
}

void gr__births_each(void (*fn)(const struct gr__birth *b, void *arg), void *arg)
{
	struct gr_sched *s = &gr__sched;

	if (!gr__read_begin())
		return;
	for (unsigned i = 0; i < gr__nprocs(); i++)
		each_of_nursery(s->ps[i], fn, arg);
	/* A dump may be made by who holds the lock: then there is nothing to be done for these. */
	if (load_relaxed(&s->spill_n) && gr__lock_try(&s->lock)) {
		list_for_each (link, &s->spill) {
			struct gr__chunk *c = container_of(link, struct gr__chunk, link);

			for (uint32_t i = c->lo; i < c->hi; i++) {
				struct gr__birth b = c->births[i];

				b.fn = gr__birth_fn(&b);
				if (b.fn)
					fn(&b, arg);
			}
		}
		gr__unlock(&s->lock);
	}
	gr__read_end();
}

void gr__spill_destroy(void)
{
	struct gr_sched *s = &gr__sched;

	for (struct list *link; (link = list_pop_front(&s->spill)) || (link = list_pop_front(&s->spare_chunks));)
		free(container_of(link, struct gr__chunk, link));
	store_relaxed(&s->spill_n, 0);
	s->n_spare_chunks = 0;
}

/* ---- taking the oldest ------------------------------------------------------------------------------------ */

bool gr__nursery_take_oldest(struct gr_p *p, struct gr__birth *out)
{
	uint64_t word = load_acquire(&p->nursery);
	uint32_t head;

	do {
		head = gr__nursery_head(word);
		if (!gr__nursery_n(word))
			return false;
		gr__nursery_read(p, head, out);
	} while (!cas_weak_acq_rel(&p->nursery, &word, gr__nursery_word(word, head + 1, gr__nursery_tail(word))));
	return true;
}

/* Whether the only one of victim's nursery really seems to be stuck there; the same test as for runnext. */
static bool is_newest_stuck(struct gr_p *victim, uint64_t word)
{
	return gr__runq_is_stuck(victim) && load_acquire(&victim->nursery) == word;
}

bool gr__nursery_steal(struct gr_p *p, struct gr_p *victim, bool last)
{
	uint64_t word = load_acquire(&victim->nursery), own = load_relaxed(&p->nursery);
	uint32_t head, n, tail = gr__nursery_tail(own);
	struct gr__birth b;

	do {
		head = gr__nursery_head(word);
		n = gr__nursery_n(word);
		if (n == 0 || (n == 1 && !(last && is_newest_stuck(victim, word))))
			return false;
		n -= n / 2;
		if (n > GR__NURSERY_SLOTS / 2)
			n = GR__NURSERY_SLOTS / 2;
		for (uint32_t i = 0; i < n; i++) {
			gr__nursery_read(victim, head + i, &b);
			gr__nursery_write(p, tail + i, &b);
		}
	} while (!cas_weak_acq_rel(&victim->nursery, &word,
				   gr__nursery_word(word, head + n, gr__nursery_tail(word)))); /* N2 */
	/* Nobody steals from an empty one, so the word is as it was. release: the slots are written. */
	store_release(&p->nursery,
		      gr__nursery_word(own, gr__nursery_head(own), tail + n) + ((uint64_t)n << GR__NURSERY_COUNT));
	owner_add(&p->stats.stolen, n);
	return true;
}
