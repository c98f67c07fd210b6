/*
 * timer.c - pending timers in a 4-ary heap.
 *
 * The heap is an array of (time, timer); each timer knows its slot, so stopping one is as cheap as firing one. Four
 * children per node instead of two halve the depth, and the four times that are compared lie on one cache line.
 * The array doubles when it is full: the only memory that a running loop asks for.
 *
 * Times are of CLOCK_MONOTONIC in nanoseconds, read anew at each start. Rejected: one reading per turn, which saves
 * 20 ns per start; a timer that is started late in a long turn would fire early, and "not before" is the promise.
 * Rejected: a heap of linked nodes, which needs no array but follows three pointers per level to timers that lie
 * anywhere; and a timer wheel, which has no order below its tick, whereas these timers are exact to the nanosecond and
 * the kernel's wake-up is what limits them.
 *
 * Invariants
 *  I1  heap[i] is not after its children heap[4i + 1 .. 4i + 4], by (time, order of start).
 *  I2  heap[i].timer->slot == i; a timer for which no slot says so is not active.
 *  I3  A timer that a timer callback starts is never fired in the same phase, not even with 0 ns.
 */
#include "models/eventloop/internal.h"

#include <stdlib.h>

static bool is_before(const struct ev__timer_slot *a, const struct ev__timer_slot *b)
{
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns;
	return a->timer->seq < b->timer->seq;
}

static void place(struct ev_loop *loop, size_t i, struct ev__timer_slot s)
{
	loop->heap[i] = s;
	s.timer->slot = i; /* I2 */
}

/* Put s where slot i is free or holds what s replaces, moving parents down. */
static void sift_up(struct ev_loop *loop, size_t i, struct ev__timer_slot s)
{
	while (i > 0) {
		size_t parent = (i - 1) / 4;

		if (!is_before(&s, &loop->heap[parent]))
			break;
		place(loop, i, loop->heap[parent]);
		i = parent;
	}
	place(loop, i, s);
}

/* Put s where slot i is free, moving children up. */
static void sift_down(struct ev_loop *loop, size_t i, struct ev__timer_slot s)
{
	for (;;) {
		size_t first = 4 * i + 1, end = first + 4, least = first;

		if (first >= loop->n_timers)
			break;
		if (end > loop->n_timers)
			end = loop->n_timers;
		for (size_t c = first + 1; c < end; c++)
			if (is_before(&loop->heap[c], &loop->heap[least]))
				least = c;
		if (!is_before(&loop->heap[least], &s))
			break;
		place(loop, i, loop->heap[least]);
		i = least;
	}
	place(loop, i, s);
}

static bool is_active(const struct ev_loop *loop, const struct ev_timer *t)
{
	return t->slot < loop->n_timers && loop->heap[t->slot].timer == t; /* I2 */
}

static void remove_slot(struct ev_loop *loop, size_t i)
{
	struct ev__timer_slot last = loop->heap[--loop->n_timers];

	loop->heap[i].timer->slot = SIZE_MAX;
	if (i == loop->n_timers)
		return;
	if (i > 0 && is_before(&last, &loop->heap[(i - 1) / 4]))
		sift_up(loop, i, last);
	else
		sift_down(loop, i, last);
}

static void make_room(struct ev_loop *loop)
{
	size_t room = loop->timer_room ? loop->timer_room * 2 : 64;
	struct ev__timer_slot *heap = reallocarray(loop->heap, room, sizeof(*heap));

	if (!heap)
		ev__fatal("ev_timer_start: no memory for %zu timers", room);
	loop->heap = heap;
	loop->timer_room = room;
}

bool ev_timer_start(struct ev_loop *loop, struct ev_timer *t, uint64_t ns, void (*fn)(struct ev_timer *))
{
	struct ev__timer_slot s = {.at_ns = ev__now_ns(), .timer = t};
	bool was_active = is_active(loop, t);

	s.at_ns = ns < EV_FOREVER - s.at_ns ? s.at_ns + ns : EV_FOREVER;
	if (was_active)
		remove_slot(loop, t->slot);
	if (loop->n_timers == loop->timer_room)
		make_room(loop);
	t->fn = fn;
	t->seq = loop->timer_seq++;
	sift_up(loop, loop->n_timers++, s);
	return was_active;
}

bool ev_timer_stop(struct ev_loop *loop, struct ev_timer *t)
{
	if (!is_active(loop, t))
		return false;
	remove_slot(loop, t->slot);
	return true;
}

void ev__run_timers(struct ev_loop *loop)
{
	uint64_t now_ns, first_new = loop->timer_seq;

	if (!loop->n_timers)
		return;
	now_ns = ev__now_ns();
	while (loop->n_timers && !loop->is_broken) {
		struct ev_timer *t = loop->heap[0].timer;

		/*
		 * A timer that was started in this phase is due at the clock's reading of then or later, and loses
		 * a tie by its number: when it comes to the top, no older one is due (I3).
		 */
		if (loop->heap[0].at_ns > now_ns || t->seq >= first_new)
			break;
		remove_slot(loop, 0);
		ev__count(&loop->count.timers_fired, 1);
		ev__count(&loop->count.callbacks, 1);
		t->fn(t); /* may start t anew, or free it */
	}
}

uint64_t ev__timer_wait_ns(const struct ev_loop *loop)
{
	uint64_t now_ns;

	if (!loop->n_timers)
		return EV_FOREVER;
	now_ns = ev__now_ns();
	return loop->heap[0].at_ns > now_ns ? loop->heap[0].at_ns - now_ns : 0;
}
