/*
 * note.c - one-shot wake-ups for threads.
 *
 * The word is 0 (nothing happened), SLEEPS (0 and the sleeper is, or is about to be, in the kernel) or WOKEN.
 *   sleeper: (1) CAS 0 -> SLEEPS, or WOKEN: done   (2) futex wait while SLEEPS
 *   waker:   (1) exchange to WOKEN                 (2) futex wake only if SLEEPS was there
 * Either the waker sees SLEEPS, or the sleeper's CAS or the kernel's check sees WOKEN. The waker does not touch the
 * word after the exchange, so the sleeper may free it as soon as it has seen WOKEN.
 */
#include "internal.h"
#include "os.h"

enum { SLEEPS = 1, WOKEN = 2 };

void gr__note_wake(struct gr__note *n)
{
	/* release: what the waker wrote before is seen by the sleeper; pairs with the acquire in note_sleep */
	if (xchg_release(&n->word, WOKEN) == SLEEPS)
		gr__os_futex_wake(&n->word, 1);
}

bool gr__note_sleep(struct gr__note *n, int64_t deadline_ns)
{
	for (;;) {
		uint32_t was = 0;

		/* The failure order of acq_rel is acquire: pairs with the release in note_wake. */
		if (!cas_strong_acq_rel(&n->word, &was, SLEEPS) && was == WOKEN)
			break;
		gr__os_futex_wait(&n->word, SLEEPS, deadline_ns);
		if (load_acquire(&n->word) == WOKEN)
			break;
		if (deadline_ns != INT64_MAX && gr__now_ns() >= deadline_ns) {
			was = SLEEPS;
			if (cas_strong_acq_rel(&n->word, &was, 0))
				return false;
			break; /* woken at the last moment */
		}
	}
	store_relaxed(&n->word, 0);
	return true;
}
