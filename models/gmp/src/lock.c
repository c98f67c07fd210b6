/*
 * lock.c - a lock for short critical sections that never switch.
 *
 * Taking it is one compare-and-swap, giving it back a plain store: a locked operation costs 5 to 6 ns on amd64, as much
 * as a short section, so there is one and not two. It spins for about a microsecond, which is longer than any section
 * that it protects, and then sleeps in the kernel: the holder's thread may have lost its CPU, and with more threads than
 * CPUs pure spinning would last for the rest of the spinner's time slice. Fairness is not needed.
 *
 *	who sleeps                                      who unlocks
 *	1 sleepers++                                    1 reads sleepers
 *	2 StoreLoad (the increment is a locked one)     2 held = 0
 *	3 held is 1 still: sleeps, 1 ms at most         3 wakes one if 1 saw any
 *
 * Without a StoreLoad on the right both may miss each other: `sleepers` is read before the increment is there, and 3 on
 * the left still sees the lock held, or sleeps just before it is given back. The holder would have had to be in its last
 * nanoseconds for the whole of the sleeper's entry into the kernel, and the price is a millisecond. So the sleep has a
 * limit, and the millions of unlocks in between do without the barrier.
 *
 * The unlocker touches the lock for the last time in 2: who gets it may free what it lies in. The wake-up of 3 needs the
 * address only.
 */
#include "internal.h"
#include "os.h"

enum {
	SPINS = 40, /* pauses; about 1 us on amd64; arbitrary beyond "longer than a section" */
	SLEEP_NS_MAX = 1000 * 1000, /* what a missed wake-up costs; arbitrary */
};

#if defined(GR_CHECK) && GR_CHECK
static _Thread_local int n_held;

__attribute__((noinline)) void gr__locks_count(int by)
{
	n_held += by;
}

__attribute__((noinline)) void gr__assert_no_locks(const char *invariant)
{
	if (n_held)
		gr__throw("%s: %d locks are held", invariant, n_held);
}
#endif

void gr__lock_slow(struct gr__lock *l)
{
	for (int i = 0; i < SPINS; i++) {
		if (gr__lock_try(l))
			return;
		gr_pause();
	}
	fetch_add_seq_cst(&l->sleepers, 1);
	while (!gr__lock_try(l))
		gr__os_futex_wait(&l->held, 1, gr__now_ns() + SLEEP_NS_MAX);
	fetch_sub_relaxed(&l->sleepers, 1);
}

void gr__lock_wake(struct gr__lock *l)
{
	gr__os_futex_wake(&l->held, 1);
}

void gr__lock(struct gr__lock *l)
{
	gr__lock_inline(l);
}

void gr__unlock(struct gr__lock *l)
{
	gr__unlock_inline(l);
}
