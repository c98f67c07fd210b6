/*
 * timer.c - sleeping Gs: one heap of deadlines per P.
 *
 * A sleeper pushes itself on the heap of the P that it runs on and parks. The heap belongs to nobody in particular:
 * find_runnable runs the timers of its own P each time, and those of other Ps before it goes idle, so a P whose G
 * computes for long does not delay the sleepers that fell asleep on it. `next`, the earliest deadline, is published
 * so that asking "is anything due" takes one load.
 *
 * A 4-ary heap in an array of {deadline, G}: half the levels of a binary one, and the four children of an entry lie
 * on one cache line (the array is shifted for that). Nothing is ever taken out of the middle - a sleep cannot be
 * cancelled - so entries need no back pointer and the heap never touches the Gs' memory. Rejected: a pairing heap
 * through the Gs' stacks (no allocation, but a cache miss per comparison); a timing wheel (its win is cheap
 * cancellation, and it rounds deadlines).
 *
 * Invariants:
 *   I1  under t->lock, next == heap[0].when, or INT64_MAX when it is empty.
 *   I2  a G in a heap is parked, or t->lock (on one P: the P) is held by its park until it is.
 *   I3  a G taken off a heap is made runnable by who took it, exactly once.
 *
 * A sleeper whose deadline is earlier than the one that a blocked poller waits for has to break it; proc.c does that
 * when it goes on after the park, by `next`, which is published before the park.
 *
 * Costs: O(log n) with n sleepers on the P; falling asleep is O(1) when the deadlines come in rising order, as they
 * do where all sleep equally long.
 */
#include "plock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ARITY = 4,
	/* Unused entries before heap[0]: so the children of i, 4i + 1 .. 4i + 4, are one aligned cache line. */
	SHIFT = ARITY - 1,
	FIRST_CAP = 61, /* with the shift 64 entries: one page in 4; arbitrary */
	/* Gs made runnable per call; see gr__timers_run. Fewer than the 61 switches between find_runnable's looks. */
	BATCH = 48,
};

struct entry {
	int64_t when; /* monotonic ns */
	struct gr_g *g;
};
_Static_assert(ARITY * sizeof(struct entry) == CACHE_LINE_BYTES, "the children of an entry are one cache line");

struct gr__timers {
	CACHE_ALIGNED struct gr__lock lock;
	_Atomic int64_t next; /* changed under lock, read without */
	/* under lock */
	struct entry *heap; /* heap[-SHIFT] is where the memory begins; NULL before the first sleeper */
	size_t n, cap;
};

/* ---- the heap -------------------------------------------------------------------------------------- */

static void free_heap(struct entry *heap)
{
	if (heap)
		free(heap - SHIFT);
}

/* Make room for one more; false when there is no memory. */
static bool grow_locked(struct gr__timers *t)
{
	size_t cap = t->cap ? (t->cap + SHIFT) * 2 - SHIFT : FIRST_CAP;
	struct entry *mem = aligned_alloc(CACHE_LINE_BYTES, (cap + SHIFT) * sizeof(*mem));

	if (!mem)
		return false;
	mem += SHIFT;
	if (t->n)
		memcpy(mem, t->heap, t->n * sizeof(*mem));
	free_heap(t->heap);
	t->heap = mem;
	t->cap = cap;
	return true;
}

/* Put e where it belongs on the way from the hole at i to the top. */
static inline void move_up(struct entry *heap, size_t i, struct entry e)
{
	while (i > 0) {
		size_t parent = (i - 1) / ARITY;

		if (heap[parent].when <= e.when)
			break;
		heap[i] = heap[parent];
		i = parent;
	}
	heap[i] = e;
}

static void push_locked(struct gr__timers *t, struct entry e)
{
	move_up(t->heap, t->n++, e);
}

/* Index of the earliest of i's children, all four of which exist. Without branches: they would be guessed wrong. */
static inline size_t earliest_of_four(const struct entry *heap, size_t first)
{
	size_t a = first + (heap[first + 1].when < heap[first].when);
	size_t b = first + 2 + (heap[first + 3].when < heap[first + 2].when);

	return heap[b].when < heap[a].when ? b : a;
}

/*
 * The hole at the top is moved down to the end of the heap along the earliest children, and then the last entry up
 * from there: it belongs near the end, so that comparing it on the way down would mostly be for nothing.
 */
static struct entry pop_locked(struct gr__timers *t)
{
	struct entry *heap = t->heap;
	const struct entry top = heap[0];
	const size_t n = --t->n;
	size_t i = 0, c;

	while ((c = i * ARITY + 1) + ARITY <= n) {
		c = earliest_of_four(heap, c);
		heap[i] = heap[c];
		i = c;
	}
	if (c < n) { /* the one node with fewer children */
		size_t best = c;

		while (++c < n)
			best = heap[c].when < heap[best].when ? c : best;
		heap[i] = heap[best];
		i = best;
	}
	if (n)
		move_up(heap, i, heap[n]);
	return top;
}

static inline int64_t publish_next_locked(struct gr__timers *t)
{
	int64_t next = t->n ? t->heap[0].when : INT64_MAX;

	store_relaxed(&t->next, next);
	return next;
}

/* ---- for the scheduler ----------------------------------------------------------------------------- */

/* Without memory for it p->timers stays NULL, and who sleeps on that P blocks its M. */
void gr__timers_init(struct gr_p *p)
{
	struct gr__timers *t = aligned_alloc(CACHE_LINE_BYTES, sizeof(*t));

	if (t) {
		memset(t, 0, sizeof(*t));
		store_relaxed(&t->next, INT64_MAX);
	}
	p->timers = t;
}

void gr__timers_destroy(struct gr_p *p)
{
	if (!p->timers)
		return;
	free_heap(p->timers->heap);
	free(p->timers);
	p->timers = NULL;
}

int64_t gr__timers_next(const struct gr_p *p)
{
	return p->timers ? load_relaxed(&p->timers->next) : INT64_MAX;
}

/*
 * One batch of what is due, the earliest first; what is left stays due, and the scheduler comes back for it when the
 * batch has run. With a hundred thousand due at once that keeps them out of the run queue, from where they would spill
 * into the global one, and keeps what is touched here in the cache until it runs: the descriptors and stacks of long
 * sleepers are cold, so they are fetched while the rest of the batch is still being taken off (a third of the time).
 */
int64_t gr__timers_run(struct gr_p *p, int64_t now_ns, unsigned *ran)
{
	struct gr__timers *t = p->timers;
	struct gr_g *due[BATCH];
	int64_t next = gr__timers_next(p);
	unsigned n = 0;

	if (next > now_ns)
		return next;
	gr__plock(&t->lock);
	while (t->n && t->heap[0].when <= now_ns && n < BATCH) {
		due[n] = pop_locked(t).g;
		__builtin_prefetch(due[n++], 1);
	}
	next = publish_next_locked(t);
	gr__punlock(&t->lock);
	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(due[i]->sp, 1);
	for (unsigned i = 0; i < n; i++)
		gr__ready_tail(due[i]); /* I3 */
	*ran += n;
	return next;
}

int gr__timers_move(struct gr_p *from, struct gr_p *to)
{
	struct gr__timers *a = from->timers, *b = to->timers;
	int err = 0;

	if (!a || !a->n)
		return 0;
	if (!b)
		return -ENOMEM;
	gr__plock(&a->lock); /* nobody adds or runs timers; who reads `next` needs no lock */
	gr__plock(&b->lock);
	while (a->n && !err) {
		if (b->n == b->cap && !grow_locked(b))
			err = -ENOMEM;
		else
			push_locked(b, pop_locked(a));
	}
	publish_next_locked(a);
	publish_next_locked(b);
	gr__punlock(&b->lock);
	gr__punlock(&a->lock);
	return err;
}

/* ---- sleeping -------------------------------------------------------------------------------------- */

/* A heap could not grow: sleep all the same, at the price of a thread. */
static void sleep_on_thread(int64_t when)
{
	const struct timespec until = {.tv_sec = when / 1000000000, .tv_nsec = when % 1000000000};

	gr_syscall_enter();
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	gr_syscall_exit();
}

void gr_sleep_ns(uint64_t ns)
{
	struct gr__timers *t;
	struct entry e;
	int64_t now;

	if (ns == 0) {
		gr_yield();
		return;
	}
	if (unlikely(!gr__m() || !gr__m()->curg))
		gr__fatal("gr_sleep_ns: not called from a G");
	gr__not_in_call(gr__m()->curg);
	now = gr__now_ns();
	/* INT64_MAX means "no timer": the longest sleep ends just before. */
	e.when = ns < (uint64_t)(INT64_MAX - 1 - now) ? now + (int64_t)ns : INT64_MAX - 1;
	t = gr__self_p()->timers;
	if (!t) {
		sleep_on_thread(e.when);
		return;
	}
	gr__plock(&t->lock);
	if (t->n == t->cap && !grow_locked(t)) {
		gr__punlock(&t->lock);
		sleep_on_thread(e.when);
		return;
	}
	e.g = gr__self();
	e.g->wait_data = NULL;
	push_locked(t, e);
	publish_next_locked(t);
	gr__park_punlock(&t->lock, GR__WAIT_SLEEP); /* I2 */
}
