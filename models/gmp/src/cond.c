/*
 * cond.c - condition variables.
 *
 * A FIFO of waiters on their Gs' stacks, under a short lock in the variable itself. What is hard is that between
 * "m is unlocked" and "the G waits" no signal may be lost, and that unlocking m may switch (starvation mode hands the
 * lock over), which must not happen under the short lock. Here both are done in the park's commit function, when the
 * G is off its stack: nothing can be lost because the waiter is queued before m is unlocked, and there is no state
 * "queued but not parked yet" that signal would have to know.
 *
 *      wait                                      signal
 *      ----                                      ------
 *      1 takes c->lock                           1 changes the condition, holding m (after 4)
 *      2 queues its waiter, switches away        2 takes c->lock (after 3)
 *      3 commit: releases c->lock                3 takes a waiter, releases c->lock
 *      4 commit: unlocks m                       4 gr__ready
 *
 * Signalling without holding m is allowed; then a signal before 1 finds no waiter, as in every such interface.
 *
 * With a time-out (timeout.h) the commit releases ts->lock before the two, and a G whose time is up takes c->lock, leaves the
 * list if it is still there, and then locks m like every other. A signal that finds it first, dead, serves the next waiter
 * instead. A broadcast takes the list away from c->lock, where the dead ones may not be any more: they are dropped before,
 * and only if any waiter has a time-out, because that is a walk with the lock held.
 *
 * Invariants:
 *   I1  a waiter on the list has a G that is parked or will be before c->lock is released.
 *   I2  in commit nothing of the waiter is read after c->lock is released: the G may run. m stays alive until it
 *       is unlocked, because the G that was woken locks it before it returns.
 */
#include "plock.h"
#include "sema.h"
#include "timeout.h"

#include <errno.h>

/* A G that waits; on its own stack. Under c->lock, then owned by who took it off. */
struct waiter {
	struct waiter *next, *prev; /* the first one's prev is meaningless */
	_Atomic uint32_t *won; /* immutable; whom somebody else may have won, or NULL: waits without a time-out */
	bool is_queued; /* of one with a time-out */
	struct gr_g *g; /* immutable */
	gr_cond *c; /* immutable */
	gr_mutex *m; /* immutable */
};

/* gr.h shows a plain word where a lock is, so that it need not show the lock. */
_Static_assert(sizeof(struct gr__lock) == sizeof(((gr_cond *)NULL)->lock), "gr_cond.lock holds a struct gr__lock");

static struct gr__lock *lock_of(gr_cond *c)
{
	return (struct gr__lock *)c->lock;
}

static void put_locked(gr_cond *c, struct waiter *w)
{
	w->next = NULL;
	w->prev = c->tail;
	if (w->prev)
		w->prev->next = w;
	else
		c->head = w;
	c->tail = w;
}

/* Take w out from wherever it is. */
static void remove_locked(gr_cond *c, struct waiter *w)
{
	if (w->next)
		w->next->prev = w->prev;
	else
		c->tail = c->head == w ? NULL : w->prev;
	if (c->head == w)
		c->head = w->next;
	else
		w->prev->next = w->next;
}

/* w has been taken off the list. False: it is dead. */
static bool win_locked(gr_cond *c, struct waiter *w)
{
	if (likely(!w->won))
		return true;
	c->timed--;
	w->is_queued = false;
	return gr__win(w->won, GR__WON);
}

/* The first one that is not dead. */
static struct waiter *take_first_locked(gr_cond *c)
{
	struct waiter *w;

	do {
		w = c->head;
		if (!w)
			return NULL;
		c->head = w->next;
		if (!c->head)
			c->tail = NULL;
	} while (!win_locked(c, w));
	return w;
}

/* All that are not dead. */
static struct waiter *take_all_locked(gr_cond *c)
{
	struct waiter *all = c->head, **link = &all;

	c->head = NULL;
	c->tail = NULL;
	while (unlikely(c->timed) && *link) {
		if (win_locked(c, *link))
			link = &(*link)->next;
		else
			*link = (*link)->next;
	}
	return all;
}

static bool unlock_both_after_park(struct gr_g *g, void *arg)
{
	struct waiter *w = arg;
	gr_mutex *m = w->m;

	(void)g;
	gr__punlock(lock_of(w->c));
	gr__mutex_unlock_no_switch(m); /* I2 */
	return true;
}

void gr_cond_wait(gr_cond *c, gr_mutex *m)
{
	struct waiter w = {.won = NULL, .g = gr__m()->curg, .c = c, .m = m};

	if (!gr__mutex_is_locked(m))
		gr__fatal("gr_cond_wait: the mutex is not locked");
	gr__plock(lock_of(c));
	put_locked(c, &w);
	w.g->wait_data = c;
	gr__park(unlock_both_after_park, &w, GR__WAIT_COND);
	gr_mutex_lock(m);
}

/* What the park of a wait with a time-out has to unlock. */
struct held {
	struct gr__timers *timers;
	struct waiter *w;
};

static bool unlock_all_after_park(struct gr_g *g, void *arg)
{
	const struct held *held = arg;
	struct waiter *w = held->w;
	gr_cond *c = w->c;
	gr_mutex *m = w->m;

	(void)g;
	gr__timers_unlock(held->timers); /* the G may run from here on, up to c->lock */
	gr__punlock(lock_of(c));
	gr__mutex_unlock_no_switch(m); /* I2 */
	return true;
}

/* False: the time is up. m is not locked on return. */
static bool wait_until(gr_cond *c, gr_mutex *m, int64_t until_ns)
{
	_Atomic uint32_t won = GR__NOBODY;
	struct waiter w = {.won = &won, .is_queued = true, .g = gr__m()->curg, .c = c, .m = m};
	struct gr__timeout t;
	struct held held = {NULL, &w};

	gr__plock(lock_of(c));
	put_locked(c, &w);
	c->timed++;
	w.g->wait_data = c;
	held.timers = gr__timeout_arm_lock(&t, &won, until_ns);
	gr__park(unlock_all_after_park, &held, GR__WAIT_COND);
	if (load_relaxed(&won) != GR__TIME_UP) {
		gr__timer_disarm(&t.timer);
		return true;
	}
	gr__plock(lock_of(c));
	if (w.is_queued) {
		remove_locked(c, &w);
		c->timed--;
	}
	gr__punlock(lock_of(c));
	return false;
}

int gr_cond_wait_timeout(gr_cond *c, gr_mutex *m, uint64_t timeout_ns)
{
	bool has_come;

	if (!gr__mutex_is_locked(m))
		gr__fatal("gr_cond_wait: the mutex is not locked");
	if (timeout_ns == UINT64_MAX) {
		gr_cond_wait(c, m);
		return 0;
	}
	if (timeout_ns == 0)
		return -ETIMEDOUT;
	has_come = wait_until(c, m, gr__timer_after(timeout_ns));
	gr_mutex_lock(m);
	return has_come ? 0 : -ETIMEDOUT;
}

void gr_cond_signal(gr_cond *c)
{
	struct waiter *w;
	struct gr_g *g;

	gr__plock(lock_of(c));
	w = take_first_locked(c);
	g = w ? w->g : NULL;
	gr__punlock(lock_of(c));
	if (g)
		gr__ready(g);
}

void gr_cond_broadcast(gr_cond *c)
{
	struct waiter *w, *next;

	gr__plock(lock_of(c));
	w = take_all_locked(c);
	gr__punlock(lock_of(c));
	for (; w; w = next) {
		next = w->next; /* the waiter is gone after gr__ready_tail */
		gr__ready_tail(w->g);
	}
}
