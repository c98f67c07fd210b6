/*
 * timeout.c - deadlines of waiting Gs that are mostly cancelled.
 *
 * The sleepers of timer.c sleep to the end: nothing is ever taken out of its heaps. A time-out is the opposite; nearly
 * always what the G waits for comes first. So time-outs have heaps of their own, a few per runtime (by P), of nodes on
 * the waiters' stacks: pairing heaps, where arming is O(1) and taking out of the middle needs no allocation, no search
 * and O(log n) amortized. Somebody has to wake up when the first deadline comes; that is a *keeper*, a G that sleeps in
 * timer.c's way until then. It is started when a deadline is armed that is earlier than any keeper's, and it goes on
 * from deadline to deadline until there is none that another keeper does not cover. Time-outs that are all equally
 * long, the usual case, are armed in rising order and need one keeper for all, which wakes up once per time-out's
 * length, not once per time-out.
 *
 * Rejected: a G per time-out (4 KiB each, until the end, though the select has long returned). Cancelled entries left
 * in timer.c's heaps until they are due (the waiter's stack is gone by then, so they would have to be allocated). Back
 * pointers in timer.c's array (every move of a sleeper would have to ask whether there is one).
 *
 * How many keepers: each new one wakes earlier than all others, so there are as many as the deadlines have had new
 * minima: log n of n time-outs of random length. Only a program whose every time-out ends before the one armed before
 * it makes more.
 *
 * Invariants (under clock->lock):
 *   I1  `keepers` is sorted: the first wakes first.
 *   I2  an armed deadline exists: there is a keeper that wakes no later than the earliest one, or one that is awake or
 *       about to start (is_starting), which will look at the heap.
 *   I3  an armed node's G is parked, or the lock is held by its park until it is.
 *   I4  who wins a select here readies its G, exactly once.
 */
#include "timeout.h"
#include "chan.h"

#include <string.h>

enum {
	CLOCKS = 16, /* a power of two; arbitrary: enough that Ps rarely meet */
	BATCH = 32, /* Gs made runnable per hold of the lock; arbitrary */
};

/* A G that sleeps for a clock; on its own stack. */
struct keeper {
	struct keeper *next; /* under lock */
	int64_t wakes_ns; /* immutable while it is on the list */
};

struct gr__clock {
	CACHE_ALIGNED struct gr__lock lock;
	/* under lock */
	struct gr__timeout *root; /* of the heap: the earliest */
	struct keeper *keepers; /* asleep (I1) */
	bool is_starting; /* a keeper has been started and has not looked at the heap yet */
};

static struct gr__clock clocks[CLOCKS];

/* ---- the heap -------------------------------------------------------------------------------------- */

/* One heap of two; neither has siblings. */
static struct gr__timeout *meld(struct gr__timeout *a, struct gr__timeout *b)
{
	if (b->when_ns < a->when_ns) {
		struct gr__timeout *t = a;

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
static struct gr__timeout *meld_siblings(struct gr__timeout *first)
{
	struct gr__timeout *pairs = NULL, *all;

	while (first) {
		struct gr__timeout *a = first, *b = a->next;

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
		struct gr__timeout *rest = pairs->next;

		pairs->next = NULL;
		all = meld(all, pairs);
		pairs = rest;
	}
	return all;
}

static void insert_locked(struct gr__clock *c, struct gr__timeout *t)
{
	t->child = t->next = t->prev = NULL;
	t->is_armed = true;
	c->root = c->root ? meld(c->root, t) : t;
}

static void remove_locked(struct gr__clock *c, struct gr__timeout *t)
{
	struct gr__timeout *below = meld_siblings(t->child);

	t->is_armed = false;
	if (t == c->root) {
		c->root = below;
		return;
	}
	if (t->prev->child == t)
		t->prev->child = t->next;
	else
		t->prev->next = t->next;
	if (t->next)
		t->next->prev = t->prev;
	if (below)
		c->root = meld(c->root, below);
}

/* ---- keepers --------------------------------------------------------------------------------------- */

/* Take what is due, up to a batch, and win its selects; the Gs to be readied go to out. */
static unsigned take_due_locked(struct gr__clock *c, int64_t now_ns, struct gr_g *out[BATCH])
{
	unsigned n = 0;

	while (n < BATCH && c->root && c->root->when_ns <= now_ns) {
		struct gr__timeout *t = c->root;

		remove_locked(c, t);
		if (gr__select_win(t->select, NULL))
			out[n++] = t->g;
	}
	return n;
}

/* Fire all that is due. Takes the lock; it is held on return. */
static void fire_lock(struct gr__clock *c)
{
	struct gr_g *due[BATCH];
	unsigned n;

	for (;;) {
		int64_t now_ns = gr__now_ns();

		gr__plock(&c->lock);
		n = take_due_locked(c, now_ns, due);
		if (n == 0)
			return;
		gr__punlock(&c->lock);
		for (unsigned i = 0; i < n; i++)
			gr__ready_tail(due[i]); /* I4 */
		if (n == BATCH)
			gr_yield(); /* let them run before more fill the queue */
	}
}

/* A keeper that wakes before all others (I1). */
static void sleep_unlock(struct gr__clock *c, struct keeper *self, int64_t until_ns)
{
	int64_t left_ns;

	self->wakes_ns = until_ns;
	self->next = c->keepers;
	c->keepers = self;
	gr__punlock(&c->lock);
	left_ns = until_ns - gr__now_ns();
	if (left_ns > 0)
		gr_sleep_ns((uint64_t)left_ns);
}

static void forget_keeper_locked(struct gr__clock *c, const struct keeper *self)
{
	struct keeper **link = &c->keepers;

	while (*link != self)
		link = &(*link)->next;
	*link = self->next;
}

static void keep_time(void *arg)
{
	struct gr__clock *c = arg;
	struct keeper self = {NULL, 0};
	bool has_slept = false;

	for (;;) {
		fire_lock(c);
		if (has_slept)
			forget_keeper_locked(c, &self);
		else
			c->is_starting = false;
		has_slept = true;
		if (!c->root || (c->keepers && c->keepers->wakes_ns <= c->root->when_ns))
			break; /* I2: none, or covered */
		sleep_unlock(c, &self, c->root->when_ns);
	}
	gr__punlock(&c->lock);
}

/* ---- for who waits --------------------------------------------------------------------------------- */

int gr__timeout_arm_lock(struct gr__timeout *t)
{
	struct gr__clock *c = &clocks[gr__self_p()->id % CLOCKS];
	int err;

	t->clock = c;
	gr__plock(&c->lock);
	if (!c->is_starting && (!c->keepers || t->when_ns < c->keepers->wakes_ns)) {
		err = gr_go_named("select clock", keep_time, c);
		if (err) {
			gr__punlock(&c->lock);
			return err;
		}
		c->is_starting = true;
	}
	insert_locked(c, t);
	return 0;
}

void gr__timeout_unlock(struct gr__clock *c)
{
	gr__punlock(&c->lock);
}

void gr__timeout_disarm(struct gr__timeout *t)
{
	gr__plock(&t->clock->lock);
	if (t->is_armed)
		remove_locked(t->clock, t);
	gr__punlock(&t->clock->lock);
}

void gr__timeout_reset(void)
{
	memset(clocks, 0, sizeof(clocks));
}
