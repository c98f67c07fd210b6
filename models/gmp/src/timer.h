/*
 * timer.h - things that happen at a time and can be called off: time-outs of waits, deadlines of descriptors, the
 * public timers. timer.c has the heaps, and the sleepers, which cannot be called off.
 */
#ifndef GR_TIMER_H
#define GR_TIMER_H

#include "plock.h"

/*
 * A timer. The memory is its owner's: it must stay until the timer is not armed and, if it has an `act`, not acting.
 * All zero but for `fire` and `act` is one that is not armed. Only holders of a P touch one.
 */
struct gr__timer {
	/* immutable while armed */
	/*
	 * Its time has come, and it is not armed any more. Under the heap's lock: it must be short, may take no lock, and may
	 * arm t again by gr__timer_again_locked(). Returns a G that it has won and that is to be made runnable, or NULL.
	 */
	struct gr_g *(*fire)(struct gr__timer *t, int64_t now_ns);
	/* What is too much for `fire`, or NULL: called after it without a lock, on g0 of some M, once per `fire`. */
	void (*act)(struct gr__timer *t);

	/* under the lock of home */
	int64_t when_ns; /* monotonic */
	struct gr__timer *child, *next, *prev; /* in the heap; prev of a first child is its parent */
	struct gr__timers
		*home; /* whose heap; changed by the holder of a P while not armed, and while the world is stopped */
	bool is_armed; /* in the heap */

	_Atomic uint32_t acting; /* calls of act that have been decided under the lock and have not returned */
};

/* Arm t, which is not armed, on the caller's P. At INT64_MAX it does nothing. Does not block. */
void gr__timer_arm(struct gr__timer *t, int64_t when_ns);
/*
 * The same, with the heap's lock taken, which nothing fires under: for a park whose commit calls gr__timers_unlock().
 * May be called with other plocks held.
 */
struct gr__timers *gr__timer_arm_lock(struct gr__timer *t, int64_t when_ns);
void gr__timers_unlock(struct gr__timers *ts);
/* From `fire` only. */
void gr__timer_again_locked(struct gr__timer *t, int64_t when_ns);
/* See to it that t, armed before on any P, does not fire. True: it was armed. `act` may still be under way. */
bool gr__timer_disarm(struct gr__timer *t);
/*
 * Move t to when_ns (INT64_MAX: nowhere), armed or not. An armed one that moves later stays where it is in the heap:
 * `fire` is called at the old time, and has to look at what the owner wants and arm it again. So what is moved again and
 * again, mostly later, costs a lock and no work in the heap. *wanted is where the owner keeps when_ns: stored under the
 * lock, so that `fire` sees it. The owner sees to it that nobody else arms, moves or disarms t meanwhile.
 */
void gr__timer_move(struct gr__timer *t, int64_t *wanted, int64_t when_ns);
/* Wait until no act is under way. It is on another M, which has a P: spins. */
void gr__timer_wait_acts(struct gr__timer *t);

/* now + ns, saturating below INT64_MAX, which means never; UINT64_MAX is never. */
static inline int64_t gr__timer_after(uint64_t ns)
{
	int64_t now;

	if (ns == UINT64_MAX)
		return INT64_MAX;
	now = gr__now_ns();
	return ns < (uint64_t)(INT64_MAX - 1 - now) ? now + (int64_t)ns : INT64_MAX - 1;
}

#endif
