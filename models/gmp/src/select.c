/*
 * select.c - doing one of several channel operations.
 *
 * A select looks for a case that can be done at once; if there is none, it puts a waiter into the list of every case's
 * channel and parks. The first to come to any of these channels wins the select (chan.h), does that case's operation
 * and wakes the G, which takes its other waiters out of their lists. What is hard is that "no case can be done" must be
 * true of one moment, at which the waiters are in the lists: else a close of one channel and a send on another could
 * both fall between two looks. So the look that decides is made with all channels locked, and they stay locked until
 * the G is off its stack.
 *
 * Two things keep that from being the price of every select. A look without any lock comes first; it costs a load per
 * case, and if it finds a case, only that channel is locked. So a select that finds work never writes to the channels
 * that it does not use: a `done` channel that every select of a program has in it is not a point where all Ps meet,
 * unless they wait. And after a wake-up the lists are left one by one, without holding all locks a second time.
 *
 * Choosing. Of the ready cases each has to be chosen with the same probability. Go shuffles the order of looking before
 * it looks; here all cases are looked at and the n-th ready one found replaces the one chosen so far with probability
 * 1/n, which takes no memory, and no random number where only one is ready.
 *
 * Rejected: queueing with one lock at a time. A select that is in some lists already and finds a channel where another
 * select waits has to win both at once, and two such can make each other start again without end.
 *
 * Invariants (those of chan.c hold too):
 *   I1  locks are taken in the order of the channels' addresses, each once, and the timers' last.
 *   I2  a select looks at what it can do only while none of its waiters is in a list: so it never meets itself, and
 *       whoever wins it is somebody else.
 *   I3  all of a select's locks are held from its last look until it is parked, so whoever wins it finds a parked G.
 *   I4  a select returns when none of its waiters is in a list or armed.
 *
 * Winning against parking, with two channels (A below B), C being served while the park unlocks:
 *
 *      park's commit                         who comes to A                    the G, after that
 *      -------------                         --------------                    -----------------
 *      1 reads what comes after A            1 locks A (after step 2)          1 locks B (after step 3)
 *      2 unlocks A                           2 wins, does the operation        2 leaves B's list, unlocks B
 *      3 unlocks B, and touches nothing      3 unlocks A, gr__ready            3 returns: the cases are gone
 *
 * Between 2 and 3 the commit reads the cases, which lie on the G's stack: it may, because the G cannot get by the locks
 * that are still held. If the winner came to the last channel unlocked, nothing is read any more.
 *
 * With one P no lock is real (plock.h): there is one look, nothing is sorted, and the park has no commit, because from
 * the look to the park nobody else runs.
 */
#include "chan.h"
#include "runq.h"

#include <errno.h>
#include <string.h>

enum {
	SORT_BINS = 17, /* bin i holds 2^i cases: enough for the limit */
};

static const uint64_t no_limit = UINT64_MAX;

/* ---- looking --------------------------------------------------------------------------------------- */

/*
 * Whether c can be done now. With the channel's lock: false is right, true may be wrong if only dead waiters are there.
 * Without it both are hints.
 */
static inline bool looks_ready(const gr_case *c)
{
	struct gr_chan *ch = c->chan;

	if (!ch)
		return false;
	if (c->is_send) {
		if (ch->cap ? load_relaxed(&ch->count) < ch->cap : load_relaxed(&ch->recvq.first) != NULL)
			return true;
	} else if (ch->cap ? load_relaxed(&ch->count) > 0 : load_relaxed(&ch->sendq.first) != NULL) {
		return true;
	}
	return load_relaxed(&ch->closed);
}

static inline uint32_t random_below(uint32_t n)
{
	return (uint32_t)(((uint64_t)gr__random(&gr__m()->p->rng) * n) >> 32);
}

/* A random one of the cases that look ready, NULL if there is none. */
static gr_case *choose(gr_case *cases, size_t n)
{
	gr_case *chosen = NULL;
	uint32_t found = 0;

	for (size_t i = 0; i < n; i++) {
		if (!looks_ready(&cases[i]))
			continue;
		found++;
		if (found == 1 || random_below(found) == 0)
			chosen = &cases[i];
	}
	return chosen;
}

/* Do c if it can be done; under its channel's lock. *woken as in gr__chan_send_locked. */
static bool do_case_locked(gr_case *c, struct gr__waiter **woken)
{
	struct gr_chan *ch = c->chan;

	c->ok = true;
	if (c->is_send) {
		if (unlikely(load_relaxed(&ch->closed)))
			gr__fatal("gr_select: the channel of a send case is closed");
		return gr__chan_send_locked(ch, c->elem, woken);
	}
	if (gr__chan_recv_locked(ch, c->elem, woken))
		return true;
	if (!load_relaxed(&ch->closed))
		return false;
	*woken = NULL;
	c->ok = false;
	if (ch->elem_bytes)
		memset(c->elem, 0, ch->elem_bytes);
	return true;
}

static inline int index_of(const gr_case *cases, const gr_case *c)
{
	return (int)(c - cases);
}

/* ---- all locks ------------------------------------------------------------------------------------- */

static gr_case *merge(gr_case *a, gr_case *b)
{
	gr_case *head = NULL, **link = &head;

	while (a && b) {
		gr_case **lower = (uintptr_t)a->chan <= (uintptr_t)b->chan ? &a : &b;

		*link = *lower;
		link = &(*lower)->lock_next;
		*lower = *link;
	}
	*link = a ? a : b;
	return head;
}

/* The cases that have a channel, as a list in the order of the channels' addresses. */
static gr_case *sort_by_channel(gr_case *cases, size_t n)
{
	gr_case *bins[SORT_BINS], *all = NULL;
	unsigned used = 0;

	for (size_t i = 0; i < n; i++) {
		gr_case *run = &cases[i];
		unsigned b = 0;

		if (!run->chan)
			continue;
		run->lock_next = NULL;
		for (; b < used && bins[b]; b++) {
			run = merge(bins[b], run);
			bins[b] = NULL;
		}
		if (b == used)
			used++;
		bins[b] = run;
	}
	for (unsigned b = 0; b < used; b++)
		all = all && bins[b] ? merge(bins[b], all) : all ? all : bins[b];
	return all;
}

/* Lock all channels of the cases (I1). Returns the list by which to unlock them; NULL where locks are not real. */
static gr_case *lock_all(gr_case *cases, size_t n)
{
	gr_case *order, *last = NULL;

	if (!gr__plock_is_real())
		return NULL;
	order = sort_by_channel(cases, n);
	for (gr_case *c = order; c; c = c->lock_next) {
		if (!last || last->chan != c->chan)
			gr__plock(&c->chan->lock);
		last = c;
	}
	return order;
}

/* With a parked G's cases, they may be gone as soon as the last lock is released. */
static void unlock_all(gr_case *order)
{
	while (order) {
		struct gr_chan *ch = order->chan;

		do {
			order = order->lock_next;
		} while (order && order->chan == ch);
		gr__punlock(&ch->lock);
	}
}

/* ---- waiting --------------------------------------------------------------------------------------- */

/* What a park's commit has to unlock. */
struct held {
	gr_case *order;
	struct gr__timers *timers; /* of the time-out, or NULL */
};

static bool unlock_after_park(struct gr_g *g, void *arg)
{
	const struct held *held = arg;
	gr_case *order = held->order;

	(void)g;
	/* First: whoever wins by the clock has a channel's lock to wait for, whose holder reads `order`. */
	if (held->timers)
		gr__timers_unlock(held->timers);
	unlock_all(order);
	return true;
}

static _Noreturn void block_forever(void)
{
	for (;;)
		gr__park(NULL, NULL, GR__WAIT_SELECT_NONE);
}

static inline struct gr__waitq *list_of(const gr_case *c)
{
	return c->is_send ? &c->chan->sendq : &c->chan->recvq;
}

/*
 * Put a waiter of s into the list of each case's channel; under their locks. From a random case on: where a channel has
 * several cases, who comes to it serves the one that is first in its list.
 */
static void enter_lists_locked(gr_case *cases, size_t n, struct gr__select *s, struct gr_g *g)
{
	size_t at = random_below((uint32_t)n);

	for (size_t left = n; left > 0; left--) {
		gr_case *c = &cases[at];

		at = at + 1 == n ? 0 : at + 1;
		if (!c->chan)
			continue;
		c->waiter.g = g;
		c->waiter.select = s;
		c->waiter.elem = c->elem;
		c->waiter.done = false;
		c->waiter.is_queued = true;
		gr__waitq_put(list_of(c), &c->waiter);
	}
}

/* Leave the lists again (I4). The winner's waiter has been taken out, and its channel may be gone. */
static void leave_lists(gr_case *cases, size_t n, const struct gr__waiter *winner)
{
	for (size_t i = 0; i < n; i++) {
		gr_case *c = &cases[i];

		if (!c->chan || &c->waiter == winner)
			continue;
		gr__plock(&c->chan->lock);
		if (c->waiter.is_queued)
			gr__waitq_remove(list_of(c), &c->waiter);
		gr__punlock(&c->chan->lock);
	}
}

/* No case can be done: wait until one has been. All channels are locked, and are released. */
static int wait_unlock(gr_case *cases, size_t n, gr_case *order, int64_t until_ns)
{
	struct gr_g *g = gr__m()->curg;
	struct gr__select s = {GR__NOBODY, NULL, cases, n};
	struct gr__timeout timeout;
	struct held held = {order, NULL};
	gr_case *winner;

	if (until_ns != INT64_MAX)
		held.timers = gr__timeout_arm_lock(&timeout, &s.won, until_ns);
	enter_lists_locked(cases, n, &s, g);
	g->wait_data = &s;
	gr__park(gr__plock_is_real() ? unlock_after_park : NULL, &held, GR__WAIT_SELECT); /* I3 */
	leave_lists(cases, n, s.winner);
	if (!s.winner)
		return -ETIMEDOUT;
	if (until_ns != INT64_MAX)
		gr__timer_disarm(&timeout.timer);
	winner = container_of(s.winner, gr_case, waiter);
	winner->ok = winner->waiter.done;
	if (unlikely(winner->is_send && !winner->ok))
		gr__fatal("gr_select: the channel of a send case was closed while the goroutine waited");
	return index_of(cases, winner);
}

/* ---- select ---------------------------------------------------------------------------------------- */

/* The look without locks. NULL: nothing was done, which proves nothing. Only where locks are real: else look once. */
static gr_case *try_unlocked(gr_case *cases, size_t n)
{
	gr_case *c = gr__plock_is_real() ? choose(cases, n) : NULL;
	struct gr__waiter *woken;
	struct gr_g *g;

	if (!c)
		return NULL;
	gr__plock(&c->chan->lock);
	if (!do_case_locked(c, &woken)) {
		gr__punlock(&c->chan->lock);
		return NULL;
	}
	g = woken ? woken->g : NULL;
	gr__punlock(&c->chan->lock);
	if (g)
		gr__ready(g);
	return c;
}

/* The look with all locks, which are held if nothing was done. */
static gr_case *try_locked_all(gr_case *cases, size_t n, gr_case *order)
{
	struct gr__waiter *woken;
	struct gr_g *g;
	gr_case *c;

	/* A case that only looked ready does not any more: its dead waiters are out of the list. */
	do {
		c = choose(cases, n);
		if (!c)
			return NULL;
	} while (!do_case_locked(c, &woken));
	g = woken ? woken->g : NULL;
	unlock_all(order);
	if (g)
		gr__ready(g);
	return c;
}

static void check_cases(size_t n)
{
	if (unlikely(n > GR__CASES_MAX))
		gr__fatal("gr_select: %zu cases are more than %d", n, GR__CASES_MAX);
}

static bool have_channel(const gr_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (cases[i].chan)
			return true;
	}
	return false;
}

int gr_select_try(gr_case *cases, size_t n)
{
	gr_case *order, *c;

	check_cases(n);
	c = try_unlocked(cases, n);
	if (c)
		return index_of(cases, c);
	order = lock_all(cases, n);
	c = try_locked_all(cases, n, order);
	if (c)
		return index_of(cases, c);
	unlock_all(order);
	return -EAGAIN;
}

int gr_select_timeout(gr_case *cases, size_t n, uint64_t timeout_ns)
{
	int64_t until_ns;
	gr_case *order, *c;

	if (timeout_ns == 0) {
		int done = gr_select_try(cases, n);

		return done == -EAGAIN ? -ETIMEDOUT : done;
	}
	check_cases(n);
	c = try_unlocked(cases, n);
	if (c)
		return index_of(cases, c);
	if (!have_channel(cases, n)) {
		if (timeout_ns == no_limit)
			block_forever();
		gr_sleep_ns(timeout_ns);
		return -ETIMEDOUT;
	}
	until_ns = gr__timer_after(timeout_ns);
	order = lock_all(cases, n);
	c = try_locked_all(cases, n, order);
	if (c)
		return index_of(cases, c);
	return wait_unlock(cases, n, order, until_ns);
}

int gr_select(gr_case *cases, size_t n)
{
	return gr_select_timeout(cases, n, no_limit);
}
