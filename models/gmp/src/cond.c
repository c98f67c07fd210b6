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
 * Invariants:
 *   I1  a waiter on the list has a G that is parked or will be before c->lock is released.
 *   I2  in commit nothing of the waiter is read after c->lock is released: the G may run. m stays alive until it
 *       is unlocked, because the G that was woken locks it before it returns.
 */
#include "plock.h"
#include "sema.h"

/* A G that waits; on its own stack. Under c->lock, then owned by who took it off. */
struct waiter {
	struct waiter *next;
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

static struct waiter *take_first_locked(gr_cond *c)
{
	struct waiter *w = c->head;

	if (!w)
		return NULL;
	c->head = w->next;
	if (!c->head)
		c->tail = NULL;
	return w;
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
	struct waiter w = {.next = NULL, .g = gr__m()->curg, .c = c, .m = m};

	if (!gr__mutex_is_locked(m))
		gr__fatal("gr_cond_wait: the mutex is not locked");
	gr__plock(lock_of(c));
	if (c->tail)
		((struct waiter *)c->tail)->next = &w;
	else
		c->head = &w;
	c->tail = &w;
	w.g->wait_data = c;
	gr__park(unlock_both_after_park, &w, GR__WAIT_COND);
	gr_mutex_lock(m);
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
	w = c->head;
	c->head = NULL;
	c->tail = NULL;
	gr__punlock(lock_of(c));
	for (; w; w = next) {
		next = w->next; /* the waiter is gone after gr__ready_tail */
		gr__ready_tail(w->g);
	}
}
