/*
 * once.c - something that is done once.
 *
 * The word: DONE, RUNNING (a G is in the function), and the number of Gs that wait for it, which the runner lets go
 * with as many permits of the semaphore. Unlike with a mutex around a flag, the waiters need not take turns afterwards.
 *
 * Invariants:
 *   I1  waiters > 0 implies RUNNING.
 *   I2  `runner` is the runner's id while RUNNING; only the runner can find its own id there.
 */
#include "grow.h"
#include "sema.h"

GR__FITS_SMALL_STACKS;

enum {
	DONE = 1,
	RUNNING = 2,
	WAITER = 4, /* one of them; the count is the rest of the word */
};

static void run_it(gr_once *once, void (*fn)(void *), void *arg)
{
	uint32_t old;

	store_relaxed(&once->runner, gr_id());
	fn(arg);
	store_relaxed(&once->runner, 0);
	old = xchg_acq_rel(&once->state, DONE); /* release: pairs with the acquire of those who see DONE */
	for (uint32_t n = old / WAITER; n > 0; n--)
		gr__sema_release(&once->sema, GR__SEMA_TAIL);
}

static __attribute__((noinline)) void do_slowly(gr_once *once, void (*fn)(void *), void *arg)
{
	uint32_t old = load_acquire(&once->state);

	for (;;) {
		if (old & DONE)
			return;
		if (!(old & RUNNING)) {
			if (!cas_weak_acq_rel(&once->state, &old, RUNNING))
				continue;
			run_it(once, fn, arg);
			return;
		}
		if (load_relaxed(&once->runner) == gr_id()) /* I2 */
			gr__fatal("gr_once_do: called by the function that it runs");
		if (cas_weak_acq_rel(&once->state, &old, old + WAITER))
			break;
	}
	gr__sema_acquire(&once->sema, false, GR__WAIT_ONCE);
	/* The permit came after DONE. */
	if (!(load_acquire(&once->state) & DONE))
		gr__throw("once I1: let go in state %#x", load_relaxed(&once->state));
}

void gr_once_do(gr_once *once, void (*fn)(void *), void *arg)
{
	if (likely(load_acquire(&once->state) == DONE))
		return;
	do_slowly(once, fn, arg);
}
