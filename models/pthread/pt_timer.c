/*
 * pt_timer.c - timers that can be called off: one thread, one heap, one lock.
 *
 * The way of nearly every program that has many timers on threads: the pending ones are in a binary heap by time; a
 * thread sleeps on a condition variable until the first of them is due, takes it off and calls its function without the
 * lock. Starting and stopping a timer is an exchange of places in the heap, and no system call: the thread is woken only
 * when a timer is due before the time that it sleeps for. When the first timer is stopped or moved, the thread is left
 * asleep; it wakes for nothing at the old time and goes back to sleep.
 *
 * Rejected: a POSIX timer each (timer_create), which is a system call per start, a limited number (RLIMIT_SIGPENDING), and
 * with SIGEV_THREAD a new thread per expiry; a timer descriptor each, for the first two of these reasons. Rejected: a heap per
 * thread: threads of this model have no loop that could look at one.
 *
 * The thread exists from the first pt_timer_init to pt_stop, so that programs without timers have none.
 *
 * Invariants
 *  I1  heap[i].at_ns is not after that of its children, 2i + 1 and 2i + 2.
 *  I2  heap[i].timer->slot == i; a timer in no slot has SIZE_MAX.
 *  I3  room >= n_timers >= n: a start needs no memory, and cannot fail.
 *  I4  While the thread sleeps, sleeps_until is not after heap[0].at_ns, or a signal is on its way.
 */
#include "models/pthread/pt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_ROOM = 64 }; /* arbitrary */

#define FOREVER UINT64_MAX

struct slot {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	struct pt_timer *timer;
};

static struct {
	pthread_mutex_t lock;
	/* under lock, all of it */
	pthread_cond_t sooner; /* the thread sleeps here; exists while has_thread */
	pthread_t thread;
	bool has_thread, is_ending;
	uint64_t sleeps_until; /* 0: it is awake; FOREVER: no timer is pending */
	struct slot *heap;
	size_t n; /* pending */
	size_t n_timers; /* between init and destroy */
	size_t room;
} timers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail: the clock exists and t is ours */
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- the heap ------------------------------------------------------------------------------------ */

static void put_locked(size_t i, struct slot s)
{
	timers.heap[i] = s;
	s.timer->slot = i; /* I2 */
}

/* Slot i is free: put s there, or where I1 wants it. */
static void settle_locked(size_t i, struct slot s)
{
	while (i > 0 && s.at_ns < timers.heap[(i - 1) / 2].at_ns) {
		put_locked(i, timers.heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (size_t c; (c = 2 * i + 1) < timers.n; i = c) {
		c += c + 1 < timers.n && timers.heap[c + 1].at_ns < timers.heap[c].at_ns;
		if (s.at_ns <= timers.heap[c].at_ns)
			break;
		put_locked(i, timers.heap[c]);
	}
	put_locked(i, s);
}

static bool remove_locked(struct pt_timer *t)
{
	const size_t i = t->slot;

	if (i == SIZE_MAX)
		return false;
	t->slot = SIZE_MAX;
	if (i != --timers.n)
		settle_locked(i, timers.heap[timers.n]);
	return true;
}

/* ---- the thread ---------------------------------------------------------------------------------- */

static void sleep_locked(uint64_t until_ns)
{
	const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
				       .tv_nsec = (long)(until_ns % 1000000000)};

	timers.sleeps_until = until_ns;
	if (until_ns == FOREVER)
		pthread_cond_wait(&timers.sooner, &timers.lock);
	else
		pthread_cond_timedwait(&timers.sooner, &timers.lock, &until);
	timers.sleeps_until = 0;
}

static void *timers_main(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&timers.lock);
	while (!timers.is_ending) {
		struct pt_timer *first = timers.n ? timers.heap[0].timer : NULL;
		void (*fn)(void *);

		if (!first || timers.heap[0].at_ns > now_ns()) {
			sleep_locked(first ? timers.heap[0].at_ns : FOREVER);
			continue;
		}
		remove_locked(first);
		fn = first->fn;
		arg = first->arg;
		pthread_mutex_unlock(&timers.lock); /* the timer may be destroyed now */
		fn(arg);
		pthread_mutex_lock(&timers.lock);
	}
	pthread_mutex_unlock(&timers.lock);
	return NULL;
}

static int start_thread_locked(void)
{
	pthread_condattr_t attr;
	int rc = pthread_condattr_init(&attr);

	if (rc)
		return -rc;
	rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!rc)
		rc = pthread_cond_init(&timers.sooner, &attr);
	pthread_condattr_destroy(&attr);
	if (rc)
		return -rc;
	timers.is_ending = false;
	rc = pthread_create(&timers.thread, NULL, timers_main, NULL);
	if (rc)
		pthread_cond_destroy(&timers.sooner);
	timers.has_thread = rc == 0;
	return -rc;
}

void pt_timers_end(void)
{
	pthread_mutex_lock(&timers.lock);
	if (timers.n_timers)
		pt_fatal("pt_stop: %zu timers exist", timers.n_timers);
	timers.is_ending = true;
	pthread_mutex_unlock(&timers.lock);
	if (!timers.has_thread)
		return;
	pthread_cond_signal(&timers.sooner);
	pthread_join(timers.thread, NULL);
	pthread_cond_destroy(&timers.sooner);
	timers.has_thread = false;
	free(timers.heap);
	timers.heap = NULL;
	timers.room = 0;
}

/* ---- timers -------------------------------------------------------------------------------------- */

/* I3 */
static int make_room_locked(void)
{
	const size_t room = timers.room ? timers.room * 2 : FIRST_ROOM;
	struct slot *heap;

	if (timers.n_timers < timers.room)
		return 0;
	heap = reallocarray(timers.heap, room, sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	timers.heap = heap;
	timers.room = room;
	return 0;
}

int pt_timer_init(struct pt_timer *t, void (*fn)(void *), void *arg)
{
	int rc;

	*t = (struct pt_timer){.fn = fn, .arg = arg, .slot = SIZE_MAX};
	pthread_mutex_lock(&timers.lock);
	rc = make_room_locked();
	if (rc == 0 && !timers.has_thread)
		rc = start_thread_locked();
	if (rc == 0)
		timers.n_timers++;
	pthread_mutex_unlock(&timers.lock);
	return rc;
}

void pt_timer_destroy(struct pt_timer *t)
{
	pthread_mutex_lock(&timers.lock);
	remove_locked(t);
	timers.n_timers--;
	pthread_mutex_unlock(&timers.lock);
}

bool pt_timer_start(struct pt_timer *t, uint64_t ns)
{
	const uint64_t now = now_ns();
	const struct slot s = {.at_ns = ns < FOREVER - 1 - now ? now + ns : FOREVER - 1, .timer = t};
	bool was_pending, is_sooner;

	pthread_mutex_lock(&timers.lock);
	was_pending = t->slot != SIZE_MAX;
	settle_locked(was_pending ? t->slot : timers.n++, s);
	is_sooner = s.at_ns < timers.sleeps_until;
	if (is_sooner)
		timers.sleeps_until = 0; /* one signal is enough */
	pthread_mutex_unlock(&timers.lock);
	if (is_sooner)
		pthread_cond_signal(&timers.sooner); /* I4 */
	return was_pending;
}

bool pt_timer_stop(struct pt_timer *t)
{
	bool was_pending;

	pthread_mutex_lock(&timers.lock);
	was_pending = remove_locked(t);
	pthread_mutex_unlock(&timers.lock);
	return was_pending;
}
