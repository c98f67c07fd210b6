/*
 * mutex.c - the mutual exclusion lock.
 *
 * Two modes, Go's. In normal mode a G that finds the lock held spins a little, then sleeps; unlock wakes the first
 * sleeper, which has to compete with newcomers that are on a CPU already and mostly win. That is several times
 * faster than handing over, because the lock never waits for a G to be scheduled, and it can starve a sleeper. So a
 * sleeper that has waited for more than 1 ms turns on starvation mode: unlock then gives the lock to the first
 * sleeper and steps aside for it; newcomers neither try nor spin but queue. The mode ends with a sleeper that is the
 * last one or waited less than that.
 *
 * The word: LOCKED, WOKEN (a G that is awake is after the lock: wake nobody), STARVING, and the number of sleepers.
 * The second word is the semaphore on which they sleep.
 *
 * Lifetime. The last user of an object may lock its mutex, find that it is the last one, unlock and free the object
 * while another G is still returning from its unlock. So unlock is one compare-and-swap that releases the lock and
 * takes the responsibility for waking a sleeper at the same time (I3). Go drops the lock first and looks then; it
 * has a garbage collector.
 *
 * Invariants:
 *   I1  STARVING implies at least one sleeper, who is counted.
 *   I2  while STARVING, LOCKED is only set by the sleeper that the lock was given to.
 *   I3  after the swap, unlock touches the mutex only if it has claimed a sleeper, which needs the mutex itself and
 *       sleeps until the release of the semaphore.
 *   I4  a sleeper that was woken in normal mode is not counted any more and owns WOKEN.
 *
 * Costs: lock and unlock are one compare-and-swap each, when nobody competes and also when others sleep: the lock under
 * contention is fast if it stays with the CPU that has it (barging), and that must not cost more than it does alone. The
 * clock is only read by who sleeps.
 */
#include "plock.h"
#include "sema.h"

enum {
	LOCKED = 1,
	WOKEN = 2,
	STARVING = 4,
	SLEEPER = 8, /* one of them; the count is the rest of the word */
};

enum {
	STARVING_AFTER_NS = 1000 * 1000, /* Go's choice: far above what a sleeper waits for in a sound program */
	SPIN_PAUSES = 30, /* per round; about a cache line's way to another core and back */
};

/* Spin for one round if that can help. `owns_woken` becomes true when unlock has been told not to wake anybody. */
static bool spin_once(gr_mutex *m, uint32_t seen, unsigned round, bool *owns_woken)
{
	if ((seen & (LOCKED | STARVING)) != LOCKED || !gr__can_spin(round))
		return false;
	if (!*owns_woken && !(seen & WOKEN) && seen >= SLEEPER)
		*owns_woken = cas_strong_relaxed(&m->state, &seen, seen | WOKEN);
	for (unsigned i = 0; i < SPIN_PAUSES; i++)
		gr_pause();
	return true;
}

/* The lock has been given to the calling G in starvation mode: book it. */
static void take_over(gr_mutex *m, uint32_t seen, bool starving)
{
	uint32_t delta = LOCKED - SLEEPER;

	if ((seen & LOCKED) || seen < SLEEPER)
		gr__throw("mutex I1, I2: given while in state %#x", seen);
	/* Leave the mode: it costs a switch per unlock, and two Gs in lock step can keep each other in it. */
	if (!starving || seen / SLEEPER == 1)
		delta -= STARVING;
	fetch_add_acquire(&m->state, delta);
}

static __attribute__((noinline)) void lock_slowly(gr_mutex *m)
{
	int64_t asleep_since = 0; /* 0: has not slept yet */
	bool starving = false, owns_woken = false;
	unsigned spins = 0;
	uint32_t old = load_relaxed(&m->state);

	for (;;) {
		uint32_t new;

		if (spin_once(m, old, spins, &owns_woken)) {
			spins++;
			old = load_relaxed(&m->state);
			continue;
		}
		new = owns_woken ? old & ~(uint32_t)WOKEN : old;
		if (old & (LOCKED | STARVING))
			new += SLEEPER;
		else
			new |= LOCKED;
		if (starving && (old & LOCKED))
			new |= STARVING;
		if (!cas_weak_acquire(&m->state, &old, new))
			continue;
		if (!(old & (LOCKED | STARVING)))
			return;

		/* Who has slept before goes to the front: it has been there. */
		const bool again = asleep_since != 0;
		if (!again)
			asleep_since = gr__now_ns();
		gr__sema_acquire(&m->sema, again, GR__WAIT_MUTEX);
		starving = starving || gr__now_ns() - asleep_since > STARVING_AFTER_NS;
		old = load_relaxed(&m->state);
		if (old & STARVING) {
			take_over(m, old, starving);
			return;
		}
		owns_woken = true; /* I4 */
		spins = 0;
	}
}

/* Release it, knowing that it is not just locked and nothing else. */
static __attribute__((noinline)) void unlock_slowly(gr_mutex *m, uint32_t old, bool may_switch)
{
	bool wakes;
	uint32_t new;

	do {
		if (!(old & LOCKED))
			gr__fatal("gr_mutex_unlock: the mutex is not locked");
		new = old & ~(uint32_t)LOCKED;
		wakes = old >= SLEEPER && !(old & (WOKEN | STARVING));
		if (wakes)
			new = (new - SLEEPER) | WOKEN; /* I4 */
	} while (!cas_weak_release(&m->state, &old, new));
	/* I3 */
	if (old & STARVING)
		gr__sema_release(&m->sema, may_switch ? GR__SEMA_HANDOFF : GR__SEMA_NEXT);
	else if (wakes)
		gr__sema_release(&m->sema, GR__SEMA_NEXT);
}

void gr_mutex_lock(gr_mutex *m)
{
	uint32_t old = load_relaxed(&m->state);

	/* With sleepers too: see "barging" above. */
	if (likely(!(old & (LOCKED | STARVING))) && likely(gr__pcas32(&m->state, &old, old | LOCKED)))
		return;
	lock_slowly(m);
}

bool gr_mutex_try_lock(gr_mutex *m)
{
	uint32_t old = load_relaxed(&m->state);

	/* Not in starvation mode either: the lock is somebody's by then. */
	while (!(old & (LOCKED | STARVING))) {
		if (cas_weak_acquire(&m->state, &old, old | LOCKED))
			return true;
	}
	return false;
}

void gr_mutex_unlock(gr_mutex *m)
{
	uint32_t old = load_relaxed(&m->state);

	/* Nobody sleeps, or somebody who was woken is after the lock already. */
	if (likely((old & (LOCKED | STARVING)) == LOCKED) && (old < SLEEPER || (old & WOKEN)) &&
	    likely(gr__pcas32(&m->state, &old, old & ~(uint32_t)LOCKED)))
		return;
	unlock_slowly(m, old, true);
}

void gr__mutex_unlock_no_switch(gr_mutex *m)
{
	unlock_slowly(m, load_relaxed(&m->state), false);
}

bool gr__mutex_is_locked(const gr_mutex *m)
{
	return load_relaxed(&m->state) & LOCKED;
}
