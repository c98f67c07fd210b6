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
 * Time-outs. A sleeper that gives up cannot just go: it is counted, and the unlock that has claimed a sleeper (normal mode:
 * one less counted, a permit on its way) or gives the lock to one (starvation mode: LOCKED is off, a permit on its way)
 * does not know which it will be. Permits and sleepers have no names, though: all that must be true is that each permit on
 * its way has a sleeper to take it. So who gives up takes itself out of the count if another one is left for every permit,
 * and takes the permit if not; then it is what any woken sleeper is, and if it cannot have the lock it gives WOKEN back.
 *
 *      normal mode, one sleeper S             count   starvation mode, one sleeper S          count
 *      ------------------------               -----   ------------------------------          -----
 *      U unlocks: claims a sleeper    (CAS)   1 -> 0  U unlocks: LOCKED off           (CAS)   1
 *      S time is up; count is 0: waits        0       S time is up; count is 1, not LOCKED:   1
 *        for the permit                                 waits for the permit
 *      U releases the permit                          U releases the permit
 *      S takes it, owns WOKEN; the lock if            S takes it, books the lock      (CAS)   0
 *        it is free, else WOKEN off   (CAS)
 *
 * Had U come after S, S would have counted itself out first and U found nobody (normal), or S had ended the mode as the
 * last sleeper (I1). A newcomer N may take the permit that S waits for: then N was counted, S sees that one is counted, or
 * that LOCKED is on, and leaves by the first rule.
 *
 * Invariants:
 *   I1  STARVING implies at least one sleeper, who is counted.
 *   I2  while STARVING, LOCKED is only set by the sleeper that the lock was given to.
 *   I3  after the swap, unlock touches the mutex only if it has claimed a sleeper, which needs the mutex itself and
 *       sleeps until the release of the semaphore.
 *   I4  a sleeper that was woken in normal mode is not counted any more and owns WOKEN.
 *   I5  the count is the number of Gs that sleep, are on their way to it, or have given up and are still counted, less the
 *       permits of normal mode that nobody has taken yet.
 *
 * Costs: lock and unlock are one compare-and-swap each, when nobody competes and also when others sleep: the lock under
 * contention is fast if it stays with the CPU that has it (barging), and that must not cost more than it does alone. The
 * clock is only read by who sleeps.
 */
#include "grow.h"
#include "plock.h"
#include "sema.h"
#include "timeout.h"

#include <errno.h>

GR__FITS_SMALL_STACKS;

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

/* The lock has been given to the calling G in starvation mode: book it. By CAS: the last of the others may just give up. */
static void take_over(gr_mutex *m, uint32_t old, bool starving)
{
	uint32_t new;

	do {
		if ((old & LOCKED) || old < SLEEPER)
			gr__throw("mutex I1, I2: given while in state %#x", old);
		new = old + LOCKED - SLEEPER;
		/* Leave the mode: it costs a switch per unlock, and two Gs in lock step can keep each other in it. */
		if (!starving || new < SLEEPER)
			new &= ~(uint32_t)STARVING;
	} while (!cas_weak_acquire(&m->state, &old, new));
}

/* The calling G, which is counted as a sleeper, does not want to be any more. False: the permit is for it. */
static bool count_out(gr_mutex *m)
{
	uint32_t old = load_relaxed(&m->state), new;

	do {
		if (old < SLEEPER) /* all that were counted have been claimed: I5 */
			return false;
		new = old - SLEEPER;
		if (new < SLEEPER && (old & STARVING)) {
			if (!(old & LOCKED))
				return false; /* the lock is being given away, and nobody else is there */
			new &= ~(uint32_t)STARVING; /* I1 */
		}
	} while (!cas_weak_relaxed(&m->state, &old, new));
	return true;
}

/* The calling G's time is up while it slept. True: it is counted out. False: it has got a permit all the same. */
static __attribute__((noinline)) bool leave_sleepers(gr_mutex *m)
{
	for (unsigned n = 0; !count_out(m); n++) {
		if (gr_sema_try_acquire(&m->sema))
			return false;
		gr__pause_for_m(n); /* between its CAS and its release of the permit */
	}
	return true;
}

/* Who owns WOKEN and whose time is up. True: it has the lock after all. Else whoever has it wakes the next one. */
static bool take_or_pass_on(gr_mutex *m)
{
	uint32_t old = load_relaxed(&m->state), new;
	bool is_free;

	do {
		is_free = !(old & (LOCKED | STARVING));
		new = old & ~(uint32_t)WOKEN;
		new |= is_free ? LOCKED : 0;
	} while (!cas_weak_acquire(&m->state, &old, new));
	return is_free;
}

/* False: the time is up. until_ns is a constant where it is for good. */
static inline __attribute__((always_inline)) bool lock_until(gr_mutex *m, int64_t until_ns)
{
	int64_t asleep_since = 0; /* 0: has not slept yet */
	bool starving = false, owns_woken = false;
	unsigned spins = 0;
	uint32_t old = load_relaxed(&m->state);

	for (;;) {
		bool is_late = false;
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
			return true;

		/* Who has slept before goes to the front: it has been there. */
		const bool again = asleep_since != 0;
		if (!again)
			asleep_since = gr__now_ns();
		if (until_ns == INT64_MAX) {
			gr__sema_acquire(&m->sema, again, GR__WAIT_MUTEX);
		} else if (!gr__sema_acquire_until(&m->sema, again, GR__WAIT_MUTEX, until_ns)) {
			if (leave_sleepers(m))
				return false;
			is_late = true;
		}
		starving = starving || gr__now_ns() - asleep_since > STARVING_AFTER_NS;
		old = load_relaxed(&m->state);
		if (old & STARVING) {
			take_over(m, old, starving);
			return true;
		}
		if (is_late)
			return take_or_pass_on(m);
		owns_woken = true; /* I4 */
		spins = 0;
	}
}

static __attribute__((noinline)) void lock_slowly(gr_mutex *m)
{
	(void)lock_until(m, INT64_MAX);
}

static __attribute__((noinline)) bool lock_slowly_until(gr_mutex *m, int64_t until_ns)
{
	return lock_until(m, until_ns);
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

bool gr__mutex_lock_until(gr_mutex *m, int64_t until_ns)
{
	return gr_mutex_try_lock(m) || lock_slowly_until(m, until_ns);
}

int gr__mutex_lock_timeout(gr_mutex *m, uint64_t timeout_ns)
{
	if (gr_mutex_try_lock(m))
		return 0;
	if (timeout_ns == 0)
		return -ETIMEDOUT;
	return lock_slowly_until(m, gr__timer_after(timeout_ns)) ? 0 : -ETIMEDOUT;
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

bool gr__mutex_state(uint32_t word, uint32_t *sleepers)
{
	*sleepers = word / SLEEPER;
	return word & LOCKED;
}
