/*
 * lock.c - a lock for short critical sections that never switch.
 *
 * Word: 0 free, 1 held, 2 held and somebody may sleep on it. It spins for about a microsecond, which is longer than
 * any section that it protects, and then sleeps in the kernel: the holder's thread may have lost its CPU, and with
 * more threads than CPUs pure spinning would last for the rest of the spinner's time slice. Fairness is not needed.
 */
#include "internal.h"
#include "os.h"

enum { SPINS = 40 }; /* pauses; about 1 us on amd64; arbitrary beyond "longer than a section" */

static __attribute__((noinline)) void lock_slow(struct gr__lock *l)
{
	for (int i = 0; i < SPINS; i++) {
		uint32_t was = 0;

		if (load_relaxed(&l->word) == 0 && cas_weak_acquire(&l->word, &was, 1))
			return;
		gr_pause();
	}
	/* From here on it is taken as 2: we cannot know whether others sleep too. */
	while (xchg_acquire(&l->word, 2) != 0)
		gr__os_futex_wait(&l->word, 2, INT64_MAX);
}

void gr__lock(struct gr__lock *l)
{
	uint32_t was = 0;

	/* acquire: pairs with the release in gr__unlock */
	if (unlikely(!cas_strong_acquire(&l->word, &was, 1)))
		lock_slow(l);
}

void gr__unlock(struct gr__lock *l)
{
	if (unlikely(xchg_release(&l->word, 0) == 2))
		gr__os_futex_wake(&l->word, 1);
}
