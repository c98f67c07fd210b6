/*
 * timeout.h - waits that may end by the clock: what channels, locks and semaphores share for their time-outs.
 */
#ifndef GR_TIMEOUT_H
#define GR_TIMEOUT_H

#include "timer.h"

/*
 * How a wait with a time-out ended: a word on the stack of the G that waits. Whoever wakes it is one of several, each
 * under a lock of its own; who turns the word from 0 to something has won, does what the G waits for, and readies it. For
 * everybody else it is a dead waiter, to be left alone or dropped.
 */
enum gr__won {
	GR__NOBODY = 0,
	GR__WON, /* what it waited for has come */
	GR__TIME_UP,
};

/* False: somebody else has won before. */
static inline bool gr__win(_Atomic uint32_t *won, enum gr__won how)
{
	uint32_t nobody = GR__NOBODY;

	/* Relaxed: who loses reads nothing of the winner's; the G gets to know it all through gr__ready. */
	if (gr__plock_is_real())
		return cas_strong_relaxed(won, &nobody, how);
	if (load_relaxed(won) != GR__NOBODY)
		return false;
	store_relaxed(won, how);
	return true;
}

/* The clock as one of those who may win. On the stack of the G that waits. */
struct gr__timeout {
	struct gr__timer timer;
	/* immutable while armed */
	_Atomic uint32_t *won;
	struct gr_g *g;
};

/*
 * Arm the clock for the calling G, which is about to park with other plocks held: as gr__timer_arm_lock. When the G is
 * awake, gr__timer_disarm it, unless it has won.
 */
struct gr__timers *gr__timeout_arm_lock(struct gr__timeout *t, _Atomic uint32_t *won, int64_t until_ns);

/*
 * Block the calling G, which has queued itself under the plock l, until somebody has won. l is released when the G is off
 * its stack, and is not held on return. False: the time is up. Then the waiter may still be where it has been queued: the
 * caller takes the lock again and sees to that before it returns.
 */
bool gr__park_until(struct gr__lock *l, _Atomic uint32_t *won, int64_t until_ns, enum gr__wait reason);

/*
 * A few instructions of another M, which has a P, away from what is waited for: the n-th look in vain. Not for what a G
 * does that may have been switched off.
 */
void gr__pause_for_m(unsigned n);

#endif
