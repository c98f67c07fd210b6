/*
 * loop.c - the run loop. ev_run is the documentation of the order in which things happen.
 *
 * A turn has six phases. Whatever a callback starts is seen by a later phase or a later turn, never by the phase
 * that runs it, with one exception: a callback that is posted by a posted callback may run in the same turn. Posted
 * callbacks run in exactly the order of posting, so nobody can tell, and it is what makes posting cheap: two
 * callbacks that post each other need no turn of their own for each step.
 *
 * What is hard is fairness at a price. The ready queue needs no kernel, so a callback costs a few nanoseconds; one
 * poll costs some hundred. Polling after each callback would make posting a hundred times as expensive, and
 * polling only when the queue is empty would let two callbacks that post each other starve every descriptor
 * and timer for ever. So the ready phase ends after EV_READY_BATCH callbacks, and the poll of a turn that has
 * more of them asks without sleeping. A descriptor that is ready is called back after at most EV_READY_BATCH posted
 * callbacks and the events that were reported before it.
 *
 * Rejected: running only what was in the queue when the phase began (libuv's way with its pending queue). A queue of
 * a million callbacks would then delay everything by a million, and a pair of callbacks would need a turn per callback,
 * hence an exception that skips the poll in most turns. The fixed batch has one rule for both.
 * Rejected: a clock reading in each turn (20 ns). The clock is read where a timer is pending only.
 *
 * Invariants
 *  I1  Posted callbacks run in the order of posting.
 *  I2  No phase runs without bound: ready by EV_READY_BATCH, timers by those that were started before the phase, io by
 *      the batch, files by what was complete when the phase began.
 *  I3  The loop sleeps only if the ready queue is empty, no completion lies ready and no break is asked for.
 *  I4  After a callback has been called, its object is not touched: it may have been freed or started anew.
 *  I5  After ev_break no further callback runs; what is left stays queued or is reported again by the kernel.
 */
#include "models/eventloop/internal.h"

#include <errno.h>

void ev_post(struct ev_loop *loop, struct ev_work *w, void (*fn)(struct ev_work *))
{
	w->fn = fn;
	w->next = NULL;
	if (loop->ready_head)
		loop->ready_tail->next = w;
	else
		loop->ready_head = w;
	loop->ready_tail = w;
	ev__count(&loop->count.posted, 1);
}

static void run_ready(struct ev_loop *loop)
{
	unsigned n = 0;

	while (n < EV_READY_BATCH && loop->ready_head && !loop->is_broken) {
		struct ev_work *w = loop->ready_head;

		loop->ready_head = w->next;
		n++;
		w->fn(w); /* I4 */
	}
	ev__count(&loop->count.callbacks, n);
}

/* I3 */
static uint64_t sleep_limit_ns(const struct ev_loop *loop)
{
	uint64_t timer_ns, file_ns;

	if (loop->ready_head || loop->is_broken)
		return 0;
	file_ns = ev__file_wait_ns(loop);
	if (file_ns == 0)
		return 0;
	timer_ns = ev__timer_wait_ns(loop);
	return timer_ns < file_ns ? timer_ns : file_ns;
}

static bool has_anything_to_wait_for(const struct ev_loop *loop)
{
	return loop->ready_head || loop->n_timers || loop->n_ios || loop->ring_in_flight || loop->ring_wait.head ||
	       loop->pool_in_flight || loop->pool_wait.head;
}

int ev_run(struct ev_loop *loop)
{
	int status = 0;

	if (loop->is_running)
		ev__fatal("ev_run: called from inside a callback");
	loop->is_running = true;
	while (!loop->is_broken) {
		ev__count(&loop->count.turns, 1);
		ev__run_timers(loop); /* 1. timers that are due */
		run_ready(loop); /* 2. posted callbacks, EV_READY_BATCH at most */
		ev__submit_files(loop); /* 3. file reads go to the kernel, all together */
		if (!loop->is_broken && !has_anything_to_wait_for(loop)) {
			status = -EDEADLK;
			break;
		}
		ev__poll(loop, sleep_limit_ns(loop)); /* 4. epoll: ask, or sleep until something happens */
		ev__run_io(loop); /* 5. descriptors that are ready */
		ev__run_files(loop); /* 6. file reads that are complete */
	}
	loop->is_broken = false;
	loop->is_running = false;
	return status;
}

void ev_break(struct ev_loop *loop)
{
	loop->is_broken = true;
}
