/*
 * wg.c - wait groups: a counter that Gs wait on to become 0.
 *
 * One 64-bit word holds the counter (upper half, signed) and the number of Gs that wait (lower half), so that "the
 * counter has become 0 and there are waiters" is seen by exactly one G: the one whose addition made it so. That one
 * sets the word to 0 and gives each waiter a permit of the semaphore.
 *
 * A waiter whose time is up takes itself out of the lower half. If the counter has become 0 by then, it cannot: the one that
 * sets the word to 0 has counted it, or is about to (I2), and will give it a permit, which it waits for, a moment, and
 * takes; the wait has succeeded.
 *
 *      the last gr_wg_done                     the waiter
 *      -------------------                     ----------
 *      1 counter 1 -> 0, sees n waiters        1 time is up: leaves the semaphore's list
 *      2 word n -> 0                 (CAS)     2 counter > 0: waiters - 1        (CAS), gives up
 *      3 n permits                             3 counter 0: a permit is due; tries until it has it
 *
 * If 2 on the right comes before 1 on the left, n does not count it; after it, the counter is 0 and it is 3.
 *
 * Invariants:
 *   I1  the counter is never negative: fatal.
 *   I2  waiters > 0 implies counter > 0, but for the moment between the last gr_wg_done and its reset of the word.
 *       Nothing else may change the word in that moment: an addition there raced with the wait, which is fatal.
 *   I3  after gr_wg_done has made the counter 0 without waiters, it does not touch the group: who sees the 0 may
 *       free it. With waiters, it is not touched after the last permit.
 */
#include "grow.h"
#include "plock.h"
#include "sema.h"
#include "timeout.h"

#include <errno.h>

GR__FITS_SMALL_STACKS;

#define ONE_WAITER ((uint64_t)1)

static inline int32_t counter_of(uint64_t state)
{
	return (int32_t)(state >> 32);
}

static inline uint32_t waiters_of(uint64_t state)
{
	return (uint32_t)state;
}

/* The counter has become 0 and `state` has waiters: reset and let them go. */
static __attribute__((noinline)) void wake_all(gr_wg *wg, uint64_t state)
{
	uint32_t n = waiters_of(state);

	if (!gr__pcas64(&wg->state, &state, 0)) /* I2 */
		gr__fatal("gr_wg_add: called while gr_wg_wait was ending");
	if (n == 1) {
		gr__sema_release(&wg->sema, GR__SEMA_NEXT);
		return;
	}
	while (n-- > 0)
		gr__sema_release(&wg->sema, GR__SEMA_TAIL);
}

void gr_wg_add(gr_wg *wg, int n)
{
	const uint64_t delta = (uint64_t)(int64_t)n << 32;
	const uint64_t state = gr__padd64(&wg->state, delta) + delta;

	if (unlikely(counter_of(state) < 0))
		gr__fatal("gr_wg_add: the counter has become negative");
	if (waiters_of(state) == 0)
		return;
	if (unlikely(n > 0 && counter_of(state) == n))
		gr__fatal("gr_wg_add: called while gr_wg_wait was ending");
	if (counter_of(state) == 0)
		wake_all(wg, state);
}

void gr_wg_done(gr_wg *wg)
{
	gr_wg_add(wg, -1);
}

/* Become a waiter. False: there is nothing to wait for. */
static inline bool enter(gr_wg *wg)
{
	uint64_t state = load_acquire(&wg->state);

	do {
		if (counter_of(state) == 0)
			return false;
	} while (!gr__pcas64(&wg->state, &state, state + ONE_WAITER));
	return true;
}

/* A next round that has begun could take the permit of a waiter of this one that is still on its way. */
static inline void check_round(gr_wg *wg)
{
	if (unlikely(load_relaxed(&wg->state) != 0))
		gr__fatal("gr_wg_wait: the group was used again before all its waiters had returned");
}

void gr_wg_wait(gr_wg *wg)
{
	if (!enter(wg))
		return;
	gr__sema_acquire(&wg->sema, false, GR__WAIT_WG);
	check_round(wg);
}

/* The time is up. True: the waiter is not counted any more. False: the counter has become 0, and the permit is taken. */
static bool leave(gr_wg *wg)
{
	for (unsigned n = 0;; n++) {
		uint64_t state = load_acquire(&wg->state);

		while (counter_of(state) > 0 && waiters_of(state) > 0) {
			if (gr__pcas64(&wg->state, &state, state - ONE_WAITER))
				return true;
		}
		if (gr_sema_try_acquire(&wg->sema))
			return false;
		gr__pause_for_m(n); /* between steps 1 and 3 */
	}
}

int gr__wg_wait_timeout(gr_wg *wg, uint64_t timeout_ns)
{
	if (timeout_ns == 0)
		return counter_of(load_acquire(&wg->state)) == 0 ? 0 : -ETIMEDOUT;
	if (!enter(wg))
		return 0;
	if (!gr__sema_acquire_until(&wg->sema, false, GR__WAIT_WG, gr__timer_after(timeout_ns)) && leave(wg))
		return -ETIMEDOUT;
	check_round(wg);
	return 0;
}
