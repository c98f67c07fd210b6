/*
 * pt_wg.c - a counter under a mutex, and a condition variable for those who wait until it is 0.
 *
 * The one trap: a wait group often lives on the stack of the waiter, who returns as soon as the count is 0, while
 * the thread that made it 0 is still in here. It is met as in pt_chan.c, whose head has the reasons and the race:
 * the waking call is counted in n_waking before it releases the lock, and pt_wg_destroy waits until it has left,
 * and until all waiters that it woke have.
 *
 * Invariants
 *  I1  A call that touches the group after releasing the lock is counted in n_waking while it may do so.
 *  I2  The count is never negative.
 *  I3  A thread sleeps only with `sleepers` raised.
 */
#include "models/pthread/pt.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

int pt_wg_init(struct pt_wg *wg)
{
	int rc;

	memset(wg, 0, sizeof(*wg));
	rc = pthread_mutex_init(&wg->lock, NULL);
	if (rc)
		return -rc;
	rc = pthread_cond_init(&wg->is_zero, NULL);
	if (rc) {
		pthread_mutex_destroy(&wg->lock);
		return -rc;
	}
	return 0;
}

void pt_wg_destroy(struct pt_wg *wg)
{
	pthread_mutex_lock(&wg->lock);
	/* The acquire pairs with the release in pt_wg_add. */
	while (atomic_load_explicit(&wg->n_waking, memory_order_acquire) || wg->sleepers) {
		if (wg->count)
			pt_fatal("pt_wg_destroy: a task is waiting and the count is %ld", wg->count);
		pthread_mutex_unlock(&wg->lock);
		sched_yield();
		pthread_mutex_lock(&wg->lock);
	}
	pthread_mutex_unlock(&wg->lock);
	pthread_cond_destroy(&wg->is_zero);
	pthread_mutex_destroy(&wg->lock);
}

void pt_wg_add(struct pt_wg *wg, int n)
{
	bool wakes;

	pthread_mutex_lock(&wg->lock);
	wg->count += n;
	if (wg->count < 0)
		pt_fatal("pt_wg_add: the count fell to %ld", wg->count); /* I2 */
	wakes = wg->count == 0 && wg->sleepers;
	if (wakes)
		atomic_fetch_add_explicit(&wg->n_waking, 1, memory_order_relaxed); /* I1; the lock orders it */
	pthread_mutex_unlock(&wg->lock);
	if (wakes) {
		pthread_cond_broadcast(&wg->is_zero);
		atomic_fetch_sub_explicit(&wg->n_waking, 1, memory_order_release); /* the group may be gone now */
	}
}

void pt_wg_wait(struct pt_wg *wg)
{
	pthread_mutex_lock(&wg->lock);
	while (wg->count) {
		wg->sleepers++; /* I3 */
		pthread_cond_wait(&wg->is_zero, &wg->lock);
		wg->sleepers--;
	}
	pthread_mutex_unlock(&wg->lock);
}
