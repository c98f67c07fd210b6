/*
 * lock.c - a lock for short critical sections that never switch.
 *
 * Taking it is one compare-and-swap, giving it back a plain store: a locked operation costs 5 to 6 ns on amd64, as much
 * as a short section, so there is one and not two. It spins, and then sleeps in the kernel: the holder's thread may have
 * lost its CPU, and with more threads than CPUs pure spinning would last for the rest of the spinner's time slice. Fairness
 * is not needed.
 *
 * Spinning is mostly waiting. Each look at the word fetches its cache line, on which the data lie that the lock protects,
 * from the holder, which then has to fetch it back: with 2 to 16 CPUs at one channel and a look every 60 ns, an operation
 * cost 2 to 6 times as much as with the pauses below, and twice what Go's did. So the pause between two looks doubles, up
 * to what a sleep and a wake-up would cost; meanwhile the holder makes dozens of operations on a line that stays with it.
 * And a spinner stays for several such pauses, because those who sleep cost a system call at each unlock. Times are turned
 * into numbers of pauses when the runtime starts: the instruction takes from 10 to 140 cycles.
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
	FIRST_NS = 250, /* of the first wait, longer than most sections */
	MOST_NS = 8000, /* of a wait; half of it was worse with 2 to 16 CPUs at one channel */
	SPIN_NS = 60000, /* of all waits together; then the holder has most likely lost its CPU */
	TIMED_PAUSES = 32,
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

/* In pauses; written by gr__locks_time while the runtime is not running, immutable otherwise. */
static struct {
	uint32_t first, most, total;
} spin = {4, 128, 1000}; /* of 60 ns, until they have been timed */

static uint32_t pauses_of(int64_t ns, int64_t timed_ns)
{
	return (uint32_t)(ns * TIMED_PAUSES / timed_ns) + 1;
}

void gr__locks_time(void)
{
	int64_t best_ns = INT64_MAX;

	for (int tries = 0; tries < 5; tries++) { /* the shortest: others include an interrupt */
		int64_t start_ns = gr__now_ns(), took_ns;

		for (int i = 0; i < TIMED_PAUSES; i++)
			gr_pause();
		took_ns = gr__now_ns() - start_ns;
		if (took_ns < best_ns)
			best_ns = took_ns;
	}
	if (best_ns < TIMED_PAUSES) /* a nanosecond each at least */
		best_ns = TIMED_PAUSES;
	spin.first = pauses_of(FIRST_NS, best_ns);
	spin.most = pauses_of(MOST_NS, best_ns);
	spin.total = gr__os_affinity() > 1 ? pauses_of(SPIN_NS, best_ns) : 0; /* on one CPU nobody unlocks meanwhile */
}

/* False: it did not come free. */
static bool spin_for(struct gr__lock *l)
{
	for (uint32_t done = 0, wait = spin.first; done < spin.total; done += wait) {
		for (uint32_t i = 0; i < wait; i++)
			gr_pause();
		if (gr__lock_try(l))
			return true;
		if (wait < spin.most)
			wait *= 2;
	}
	return false;
}

static void sleep_on(void *arg)
{
	struct gr__lock *l = arg;

	fetch_add_seq_cst(&l->sleepers, 1);
	while (!gr__lock_try(l))
		gr__os_futex_wait(&l->held, 1, gr__now_ns() + SLEEP_NS_MAX);
	fetch_sub_relaxed(&l->sleepers, 1);
}

void gr__lock_slow(struct gr__lock *l)
{
	if (!spin_for(l))
		gr__on_g0(sleep_on, l);
}

static void wake_sleeper(void *l)
{
	gr__os_futex_wake(&((struct gr__lock *)l)->held, 1); /* the lock may be gone: only its address is needed */
}

void gr__lock_wake(struct gr__lock *l)
{
	gr__on_g0(wake_sleeper, l);
}

void gr__lock(struct gr__lock *l)
{
	gr__lock_inline(l);
}

void gr__unlock(struct gr__lock *l)
{
	gr__unlock_inline(l);
}
