/*
 * timer.c - what happens by time: two heaps per P, one of sleeping Gs and one of timers that can be called off.
 *
 * A sleeper pushes itself on the heap of the P that it runs on and parks. The heap belongs to nobody in particular:
 * find_runnable runs the timers of its own P each time, and those of other Ps before it goes idle, so a P whose G
 * computes for long does not delay the sleepers that fell asleep on it. `next`, the earliest deadline of both heaps, is
 * published so that asking "is anything due" takes one load.
 *
 * Sleepers: a 4-ary heap in an array of {deadline, G}: half the levels of a binary one, and the four children of an entry
 * lie on one cache line (the array is shifted for that). Nothing is ever taken out of the middle - a sleep cannot be
 * called off - so entries need no back pointer and the heap never touches the Gs' memory. Rejected: a pairing heap
 * through the Gs' stacks (no allocation, but a cache miss per comparison); a timing wheel (its win is cheap
 * cancellation, and it rounds deadlines).
 *
 * Timers (timer.h): time-outs of waits, deadlines of descriptors, public timers. Nearly all of them are called off or
 * moved before they fire, so they have the opposite heap: a pairing heap of nodes in their owners' memory, where arming
 * is O(1), and taking out of the middle needs no allocation, no search and O(log n) amortized; O(1) for one that has had
 * no later ones melded below it, which the latest of equally long time-outs have not. Rejected: Go's way, cancelled
 * entries that stay in the array as zombies until they are swept (the memory of a time-out is a stack that is gone by
 * then); back pointers in the array (every move of a sleeper would have to ask whether there is one).
 *
 * Invariants:
 *   I1  under ts->lock, next is the earlier of heap[0].when and root->when_ns, or INT64_MAX when both are empty.
 *   I2  a G in the array is parked, or ts->lock (on one P: the P) is held by its park until it is.
 *   I3  a G taken off a heap is made runnable by who took it, exactly once; one that `fire` returns too.
 *   I4  an armed timer's home is the heap that it is in. It changes while the timer is not armed, by its owner, or while
 *       the world is stopped. So a holder of a P that reads home, and locks it without switching in between, has locked
 *       the right one.
 *   I5  `acting` is raised under the lock that `fire` is called under, and lowered when act has returned, as the last that
 *       is done with the timer: an owner that has disarmed it and sees 0 may free it.
 *
 * Whose deadline is earlier than the one that a blocked poller waits for has to break it. That can only be one that is the
 * first of its P's: for a park it is noted in the M (GR__NEW_WAITER), which sees to it when it goes on; gr__timer_arm does it
 * itself.
 *
 * Costs: O(log n) with n sleepers on the P; falling asleep is O(1) when the deadlines come in rising order, as they
 * do where all sleep equally long.
 */
#include "grow.h"
#include "timeout.h"
#include "switch.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

GR__FITS_SMALL_STACKS;

enum {
	ARITY = 4,
	/* Unused entries before heap[0]: so the children of i, 4i + 1 .. 4i + 4, are one aligned cache line. */
	SHIFT = ARITY - 1,
	FIRST_CAP = 61, /* with the shift 64 entries: one page in 4; arbitrary */
	/* Gs made runnable per call; see gr__timers_run. Arbitrary: what is left waits for them, find.c: run_own_timers. */
	BATCH = 48,
	/* What a sleeper touches of its stack when it goes on: the frames from the switch up to its caller. Measured: with less
	 * than four lines nothing is gained over one, with more neither; four are a sixth of the time. */
	FRAME_LINES = 4,
};

_Static_assert(ARITY * sizeof(struct gr__sleeper) == CACHE_LINE_BYTES, "the children of an entry are one cache line");

/* ---- the sleepers' heap ----------------------------------------------------------------------------- */

static void free_heap(struct gr__sleeper *heap)
{
	if (heap)
		free(heap - SHIFT);
}

static void grow_on_g0(void *arg)
{
	struct gr__timers *ts = arg;
	size_t cap = ts->cap ? (ts->cap + SHIFT) * 2 - SHIFT : FIRST_CAP;
	struct gr__sleeper *mem = aligned_alloc(CACHE_LINE_BYTES, (cap + SHIFT) * sizeof(*mem));

	if (!mem)
		return;
	mem += SHIFT;
	if (ts->n)
		memcpy(mem, ts->heap, ts->n * sizeof(*mem));
	free_heap(ts->heap);
	ts->heap = mem;
	ts->cap = cap;
}

/* Make room for one more; false when there is no memory. */
static bool grow_locked(struct gr__timers *ts)
{
	gr__on_g0(grow_on_g0, ts); /* the allocator wants more than a small stack has */
	return ts->n < ts->cap;
}

/* Put e where it belongs on the way from the hole at i to the top. */
static inline void move_up(struct gr__sleeper *heap, size_t i, struct gr__sleeper e)
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

static void push_locked(struct gr__timers *ts, struct gr__sleeper e)
{
	move_up(ts->heap, ts->n++, e);
}

/* Index of the earliest of i's children, all four of which exist. Without branches: they would be guessed wrong. */
static inline size_t earliest_of_four(const struct gr__sleeper *heap, size_t first)
{
	size_t a = first + (heap[first + 1].when < heap[first].when);
	size_t b = first + 2 + (heap[first + 3].when < heap[first + 2].when);

	return heap[b].when < heap[a].when ? b : a;
}

/*
 * The hole at the top is moved down to the end of the heap along the earliest children, and then the last entry up
 * from there: it belongs near the end, so that comparing it on the way down would mostly be for nothing.
 */
static struct gr__sleeper pop_locked(struct gr__timers *ts)
{
	struct gr__sleeper *heap = ts->heap;
	const struct gr__sleeper top = heap[0];
	const size_t n = --ts->n;
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

/* ---- the timers' heap --------------------------------------------------------------------------------- */

/* One heap of two; neither has siblings. */
static struct gr__timer *meld(struct gr__timer *a, struct gr__timer *b)
{
	if (b->when_ns < a->when_ns) {
		struct gr__timer *t = a;

		a = b;
		b = t;
	}
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	b->prev = a;
	a->child = b;
	a->next = NULL;
	a->prev = NULL;
	return a;
}

/* One heap of a list of siblings: pairs from the left, then the pairs from the right. NULL of an empty list. */
static struct gr__timer *meld_siblings(struct gr__timer *first)
{
	struct gr__timer *pairs = NULL, *all;

	while (first) {
		struct gr__timer *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b) {
			b->next = b->prev = NULL;
			a = meld(a, b);
		}
		a->next = pairs;
		pairs = a;
	}
	all = pairs;
	if (!all)
		return NULL;
	pairs = all->next;
	all->next = NULL;
	while (pairs) {
		struct gr__timer *rest = pairs->next;

		pairs->next = NULL;
		all = meld(all, pairs);
		pairs = rest;
	}
	return all;
}

static void insert_locked(struct gr__timers *ts, struct gr__timer *t)
{
	t->child = t->next = t->prev = NULL;
	t->is_armed = true;
	ts->root = ts->root ? meld(ts->root, t) : t;
}

static void remove_locked(struct gr__timers *ts, struct gr__timer *t)
{
	struct gr__timer *below = meld_siblings(t->child);

	t->is_armed = false;
	if (t == ts->root) {
		ts->root = below;
		return;
	}
	if (t->prev->child == t)
		t->prev->child = t->next;
	else
		t->prev->next = t->next;
	if (t->next)
		t->next->prev = t->prev;
	if (below)
		ts->root = meld(ts->root, below);
}

/* ---- for the scheduler ----------------------------------------------------------------------------- */

static inline int64_t publish_next_locked(struct gr__timers *ts)
{
	int64_t next = ts->n ? ts->heap[0].when : INT64_MAX;

	if (ts->root && ts->root->when_ns < next)
		next = ts->root->when_ns;
	store_relaxed(&ts->next, next);
	return next;
}

void gr__timers_init(struct gr_p *p)
{
	store_relaxed(&p->timers.next, INT64_MAX);
}

void gr__timers_destroy(struct gr_p *p)
{
	free_heap(p->timers.heap);
	p->timers.heap = NULL;
}

/* What one hold of the lock has taken off. */
struct due {
	struct gr_g *gs[BATCH];
	struct gr__timer *acts[BATCH];
	unsigned n_gs, n_acts;
};

static bool is_due(const struct gr__timers *ts, int64_t now_ns)
{
	return (ts->n && ts->heap[0].when <= now_ns) || (ts->root && ts->root->when_ns <= now_ns);
}

/* The earlier of the two tops, which is due. */
static void take_locked(struct gr__timers *ts, int64_t now_ns, struct due *due)
{
	struct gr__timer *t = ts->root;
	struct gr_g *g;

	if (ts->n && (!t || ts->heap[0].when <= t->when_ns)) {
		g = pop_locked(ts).g;
		__builtin_prefetch(g, 1);
		due->gs[due->n_gs++] = g;
		return;
	}
	remove_locked(ts, t);
	if (t->act) {
		fetch_add_relaxed(&t->acting, 1); /* I5 */
		due->acts[due->n_acts++] = t;
	}
	g = t->fire(t, now_ns);
	if (g)
		due->gs[due->n_gs++] = g;
}

static inline void prefetch_frames(const struct gr_g *g)
{
	for (unsigned i = 0; i < FRAME_LINES; i++)
		__builtin_prefetch((char *)g->sp + (size_t)i * CACHE_LINE_BYTES, 1);
}

/*
 * One batch of what is due, the earliest first; what is left stays due, and the scheduler comes back for it when the
 * batch has run. With a hundred thousand due at once that keeps them out of the run queue, from where they would spill
 * into the global one, and keeps what is touched here in the cache until it runs: the descriptors and stacks of long
 * sleepers are cold, so they are fetched while the rest of the batch is still being taken off (a third of the time).
 */
int64_t gr__timers_run(struct gr_p *p, int64_t now_ns, unsigned *ran)
{
	struct gr__timers *ts = &p->timers;
	struct due due;
	int64_t next = gr__timers_next(p);
	unsigned n = 0;

	if (next > now_ns)
		return next;
	due.n_gs = due.n_acts = 0;
	gr__plock(&ts->lock);
	while (n < BATCH && is_due(ts, now_ns)) {
		take_locked(ts, now_ns, &due);
		n++;
	}
	next = publish_next_locked(ts);
	gr__punlock(&ts->lock);
	for (unsigned i = 0; i < due.n_gs; i++)
		prefetch_frames(due.gs[i]);
	/*
	 * I3. One by itself runs next, Go's way: who is due is late already. Of many the order is what was asked for. Those of
	 * an earlier pass that are still in the ring are overtaken: to have this one wait behind all that they wait for
	 * would make it late too, and them earlier by its one turn.
	 */
	if (due.n_gs == 1 && !load_relaxed(&gr__self_p()->runnext))
		gr__ready(due.gs[0]);
	else
		for (unsigned i = 0; i < due.n_gs; i++)
			gr__ready_tail(due.gs[i]);
	for (unsigned i = 0; i < due.n_acts; i++) {
		due.acts[i]->act(due.acts[i]);
		fetch_sub_release(&due.acts[i]->acting, 1); /* I5 */
	}
	*ran += n;
	return next;
}

/* Takes the tree apart: a walk down it could be as deep as it has nodes. */
static void move_all_locked(struct gr__timers *from, struct gr__timers *to)
{
	struct gr__timer *list = from->root;

	from->root = NULL;
	while (list) {
		struct gr__timer *t = list, *child = t->child;

		list = t->next;
		while (child) { /* to the front of the list: each node is moved there once */
			struct gr__timer *next = child->next;

			child->next = list;
			list = child;
			child = next;
		}
		t->home = to;
		insert_locked(to, t);
	}
}

int gr__timers_move(struct gr_p *from, struct gr_p *to)
{
	struct gr__timers *a = &from->timers, *b = &to->timers;
	int err = 0;

	if (!a->n && !a->root)
		return 0;
	gr__plock(&a->lock); /* nobody adds or runs timers; who reads `next` needs no lock */
	gr__plock(&b->lock);
	while (a->n && !err) {
		if (b->n == b->cap && !grow_locked(b))
			err = -ENOMEM;
		else
			push_locked(b, pop_locked(a));
	}
	if (!err)
		move_all_locked(a, b);
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
	struct gr__timers *ts;
	struct gr__sleeper e;

	if (ns == 0) {
		gr_yield();
		return;
	}
	if (unlikely(!gr__m() || !gr__m()->curg))
		gr__fatal("gr_sleep_ns: not called from a G");
	gr__not_in_call(gr__m()->curg);
	e.when = gr__timer_after(ns);
	if (unlikely(e.when == INT64_MAX))
		e.when--; /* it means "no timer" */
	ts = &gr__self_p()->timers;
	gr__plock(&ts->lock);
	if (ts->n == ts->cap && !grow_locked(ts)) {
		gr__punlock(&ts->lock);
		sleep_on_thread(e.when);
		return;
	}
	e.g = gr__self();
	e.g->wait_data = (void *)(uintptr_t)e.when; /* for dumps */
	push_locked(ts, e);
	if (e.when < load_relaxed(&ts->next)) {
		store_relaxed(&ts->next, e.when); /* I1 */
		gr__m()->notices |= GR__NEW_WAITER;
		gr__look_soon(gr__self_p());
	}
	gr__park_punlock(&ts->lock, GR__WAIT_SLEEP); /* I2 */
}

/* ---- timers -------------------------------------------------------------------------------------------- */

/* Put t into the caller's P's heap. True: nothing there is earlier. */
static bool arm_lock(struct gr__timer *t, int64_t when_ns)
{
	struct gr__timers *ts = &gr__self_p()->timers;
	bool is_first;

	gr__plock(&ts->lock);
	t->home = ts;
	t->when_ns = when_ns;
	insert_locked(ts, t);
	is_first = when_ns < load_relaxed(&ts->next);
	if (is_first) {
		store_relaxed(&ts->next, when_ns);
		gr__look_soon(gr__self_p());
	}
	return is_first;
}

struct gr__timers *gr__timer_arm_lock(struct gr__timer *t, int64_t when_ns)
{
	if (arm_lock(t, when_ns))
		gr__m()->notices |= GR__NEW_WAITER; /* the park's end sees to the poller */
	return t->home;
}

void gr__timers_unlock(struct gr__timers *ts)
{
	gr__punlock(&ts->lock);
}

void gr__timer_arm(struct gr__timer *t, int64_t when_ns)
{
	bool is_first;

	if (when_ns == INT64_MAX)
		return;
	is_first = arm_lock(t, when_ns);
	gr__punlock(&t->home->lock);
	if (is_first)
		gr__look_after_waiter(gr__m());
}

void gr__timer_again_locked(struct gr__timer *t, int64_t when_ns)
{
	if (when_ns == INT64_MAX)
		return;
	t->when_ns = when_ns;
	insert_locked(t->home, t);
}

bool gr__timer_disarm(struct gr__timer *t)
{
	struct gr__timers *ts = t->home;
	bool was_armed;

	if (!ts)
		return false;
	gr__plock(&ts->lock); /* I4 */
	was_armed = t->is_armed;
	if (was_armed) {
		remove_locked(ts, t);
		publish_next_locked(ts);
	}
	gr__punlock(&ts->lock);
	return was_armed;
}

void gr__timer_move(struct gr__timer *t, int64_t *wanted, int64_t when_ns)
{
	struct gr__timers *ts = t->home;
	bool stays = false;

	if (ts) {
		gr__plock(&ts->lock); /* I4 */
		*wanted = when_ns;
		/* A timer that is not wanted at all leaves at once: left behind it would look like something to wait for. */
		stays = t->is_armed && when_ns >= t->when_ns && when_ns != INT64_MAX;
		if (t->is_armed && !stays) {
			remove_locked(ts, t);
			publish_next_locked(ts);
		}
		gr__punlock(&ts->lock);
	} else {
		*wanted = when_ns;
	}
	if (!stays)
		gr__timer_arm(t, when_ns);
}

void gr__timer_wait_acts(struct gr__timer *t)
{
	for (unsigned n = 0; load_acquire(&t->acting); n++)
		gr__pause_for_m(n);
}
