/*
 * timeout.c - waits that may end by the clock.
 *
 * A G that waits with a time-out is known in two places: in the list of what it waits for, under that one's lock, and in
 * a P's heap of timers. Both may want to wake it at the same time; the word `won` (timeout.h) says who does. It costs the
 * waits without a time-out nothing but a look at a pointer where a waiter is taken off its list.
 *
 *      who comes (under l)                 the clock (under ts->lock)          the G
 *      -------------------                 --------------------------          -----
 *      1 takes the waiter off the list     1 takes the timer off the heap      1 is awake
 *      2 won 0 -> WON; if not: a dead      2 won 0 -> TIME_UP; if not:         2 WON: ts->lock, disarms, unlocks
 *        one, the next waiter's turn         nothing                             TIME_UP: l, leaves the list if it is
 *      3 unlocks, readies the G            3 unlocks, readies the G              in it, unlocks
 *                                                                              3 returns: waiter and timer are gone
 *
 * Step 2 of the G waits for whoever may still look at its stack: the loser of step 2 holds the lock that the G takes.
 *
 * What a loser under l must not do is keep the list for later: a dead waiter is good as long as l is held and no longer. So
 * who takes a whole list (close, broadcast) drops the dead ones before it unlocks.
 *
 * The park. Both locks are held until the G is off its stack, so nobody wins before. The commit releases them in this
 * order: ts->lock, then l. After the first the clock may win and the G run elsewhere, up to its step 2, where it waits for
 * l; so the commit may hold l and must not read the G's stack any more. It has read what it needs before.
 */
#include "timeout.h"
#include "os.h"

struct held {
	struct gr__timers *timers;
	struct gr__lock *lock;
};

static struct gr_g *time_is_up(struct gr__timer *timer, int64_t now_ns)
{
	struct gr__timeout *t = container_of(timer, struct gr__timeout, timer);
	struct gr_g *g = t->g;

	(void)now_ns;
	return gr__win(t->won, GR__TIME_UP) ? g : NULL;
}

struct gr__timers *gr__timeout_arm_lock(struct gr__timeout *t, _Atomic uint32_t *won, int64_t until_ns)
{
	*t = (struct gr__timeout){.timer = {.fire = time_is_up}, .won = won, .g = gr__m()->curg};
	return gr__timer_arm_lock(&t->timer, until_ns);
}

static bool unlock_after_park(struct gr_g *g, void *arg)
{
	const struct held *held = arg;
	struct gr__lock *lock = held->lock;

	(void)g;
	gr__timers_unlock(held->timers);
	gr__punlock(lock);
	return true;
}

bool gr__park_until(struct gr__lock *l, _Atomic uint32_t *won, int64_t until_ns, enum gr__wait reason)
{
	struct gr__timeout t;
	struct held held = {gr__timeout_arm_lock(&t, won, until_ns), l};

	gr__park(gr__plock_is_real() ? unlock_after_park : NULL, &held, reason);
	if (load_relaxed(won) == GR__TIME_UP)
		return false;
	gr__timer_disarm(&t.timer);
	return true;
}

void gr__pause_for_m(unsigned n)
{
	if (n < 1000)
		gr_pause();
	else
		gr__os_yield(); /* its thread has lost its CPU */
}
