/*
 * test_timer.c - the pthread model's timers: not before their time, once, in order, and called off.
 *
 * The functions of timers run in another thread: they count in atomics, and the test's thread looks.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "models/pthread/pt.h"

#define MS UINT64_C(1000000)
#define NEVER (3600000 * MS)

static int start(void **state)
{
	(void)state;
	return pt_start("");
}

static int stop(void **state)
{
	(void)state;
	pt_stop();
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleep_ms(long ms)
{
	const struct timespec t = {.tv_nsec = ms * 1000000};

	nanosleep(&t, NULL);
}

struct probe {
	struct pt_timer timer;
	_Atomic uint64_t at_ns; /* when it fired last */
	_Atomic unsigned fired;
};

static _Atomic uint64_t n_fired;

static void note(void *arg)
{
	struct probe *p = arg;

	atomic_store(&p->at_ns, now_ns());
	atomic_fetch_add(&p->fired, 1);
	atomic_fetch_add(&n_fired, 1);
}

/* False: it has not come to so many within ten seconds. */
static bool has_fired(struct probe *p, unsigned times)
{
	for (int i = 0; i < 10000 && atomic_load(&p->fired) < times; i++)
		sleep_ms(1);
	return atomic_load(&p->fired) >= times;
}

static void test_fires_once_and_not_early(void **state)
{
	struct probe p = {0};
	uint64_t began_ns;

	(void)state;
	assert_int_equal(pt_timer_init(&p.timer, note, &p), 0);
	assert_false(pt_timer_stop(&p.timer));
	began_ns = now_ns();
	assert_false(pt_timer_start(&p.timer, 5 * MS));
	assert_true(has_fired(&p, 1));
	assert_true(atomic_load(&p.at_ns) - began_ns >= 5 * MS);
	assert_false(pt_timer_stop(&p.timer));
	sleep_ms(10);
	assert_int_equal(atomic_load(&p.fired), 1);
	pt_timer_destroy(&p.timer);
}

/* The thread sleeps for one that is far away, or for none: a sooner one must wake it, also one that was moved. */
static void test_a_sooner_one_wakes_the_thread(void **state)
{
	struct probe far = {0}, soon = {0};

	(void)state;
	assert_int_equal(pt_timer_init(&far.timer, note, &far), 0);
	assert_int_equal(pt_timer_init(&soon.timer, note, &soon), 0);
	sleep_ms(2); /* it is asleep without an end */
	assert_false(pt_timer_start(&far.timer, NEVER));
	sleep_ms(2);
	assert_false(pt_timer_start(&soon.timer, MS));
	assert_true(has_fired(&soon, 1));
	assert_true(pt_timer_start(&far.timer, MS));
	assert_true(has_fired(&far, 1));
	pt_timer_destroy(&soon.timer);
	pt_timer_destroy(&far.timer);
}

static void test_moved_and_stopped(void **state)
{
	struct probe p = {0};
	uint64_t began_ns;

	(void)state;
	assert_int_equal(pt_timer_init(&p.timer, note, &p), 0);
	pt_timer_start(&p.timer, 3 * MS);
	began_ns = now_ns();
	if (pt_timer_start(&p.timer, 30 * MS)) { /* unless this thread was held up for 3 ms */
		assert_true(has_fired(&p, 1));
		assert_true(atomic_load(&p.at_ns) - began_ns >= 30 * MS);
		assert_int_equal(atomic_load(&p.fired), 1);
	}
	pt_timer_start(&p.timer, NEVER);
	assert_true(pt_timer_stop(&p.timer));
	assert_false(pt_timer_stop(&p.timer));
	pt_timer_start(&p.timer, UINT64_MAX); /* a time that there is not */
	pt_timer_destroy(&p.timer); /* while it is pending */
}

struct again {
	struct probe p;
	unsigned left;
};

static void start_again(void *arg)
{
	struct again *a = arg;

	if (--a->left)
		pt_timer_start(&a->p.timer, 0);
	note(&a->p);
}

static void test_started_by_its_own_function(void **state)
{
	struct again a = {.left = 100};

	(void)state;
	assert_int_equal(pt_timer_init(&a.p.timer, start_again, &a), 0);
	pt_timer_start(&a.p.timer, 0);
	assert_true(has_fired(&a.p, 100));
	pt_timer_destroy(&a.p.timer);
}

/* In whatever order timers are started, moved and stopped, they fire by their times. */
static void test_order(void **state)
{
	enum { N = 500 };
	struct probe *p = calloc(N, sizeof *p);
	uint64_t x = 12345, last_ns = 0;
	const uint64_t begin_ns = now_ns();

	(void)state;
	assert_non_null(p);
	for (int i = 0; i < N; i++)
		assert_int_equal(pt_timer_init(&p[i].timer, note, &p[i]), 0);
	for (int i = 0; i < 20 * N; i++) {
		x = x * UINT64_C(6364136223846793005) + 1;
		if (x >> 63)
			pt_timer_start(&p[(x >> 32) % N].timer, NEVER + (x >> 40));
		else
			pt_timer_stop(&p[(x >> 32) % N].timer);
	}
	/* Timer i is due 60 us after timer i - 1; far enough away that all are started before the first is due. */
	for (int i = 0; i < N; i++) {
		const unsigned k = (unsigned)(i * 211) % N;
		const uint64_t due_ns = begin_ns + 200 * MS + k * UINT64_C(60000), now = now_ns();

		pt_timer_start(&p[k].timer, due_ns > now ? due_ns - now : 0);
	}
	for (int i = 0; i < N; i++) {
		assert_true(has_fired(&p[i], 1));
		assert_true(atomic_load(&p[i].at_ns) >= last_ns);
		last_ns = atomic_load(&p[i].at_ns);
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(atomic_load(&p[i].fired), 1);
		pt_timer_destroy(&p[i].timer);
	}
	free(p);
}

enum { CROWD_TIMERS = 50, CROWD_OPS = 20000 };

struct crowd {
	struct pt_task task;
	struct probe probes[CROWD_TIMERS];
	uint64_t starts, called_off;
	int status;
};

static void churn(void *arg)
{
	struct crowd *c = arg;
	uint64_t x = (uintptr_t)c;

	for (int i = 0; i < CROWD_TIMERS; i++)
		c->status |= pt_timer_init(&c->probes[i].timer, note, &c->probes[i]);
	for (int i = 0; i < CROWD_OPS && !c->status; i++) {
		struct pt_timer *t;

		x = x * UINT64_C(6364136223846793005) + 1;
		t = &c->probes[(x >> 32) % CROWD_TIMERS].timer;
		if (x >> 62) {
			c->called_off += pt_timer_start(t, x >> 44); /* up to a millisecond */
			c->starts++;
		} else {
			c->called_off += pt_timer_stop(t);
		}
		if (i % (CROWD_OPS / 8) == 0)
			sleep_ms(2); /* some fire: a fast machine is through before any is due */
	}
	for (int i = 0; i < CROWD_TIMERS && !c->status; i++)
		c->called_off += pt_timer_stop(&c->probes[i].timer);
}

/* Several threads at once: each start is called off in time or fires, once. */
static void test_nothing_lost_or_doubled(void **state)
{
	struct crowd *crowd = calloc(4, sizeof *crowd);
	uint64_t starts = 0, called_off = 0;

	(void)state;
	assert_non_null(crowd);
	atomic_store(&n_fired, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pt_spawn(&crowd[i].task, churn, &crowd[i]), 0);
	for (int i = 0; i < 4; i++) {
		pt_join(&crowd[i].task);
		assert_int_equal(crowd[i].status, 0);
		starts += crowd[i].starts;
		called_off += crowd[i].called_off;
	}
	for (int i = 0; i < 10000 && atomic_load(&n_fired) < starts - called_off; i++)
		sleep_ms(1);
	assert_int_equal(atomic_load(&n_fired), starts - called_off);
	assert_true(atomic_load(&n_fired) > 0 && called_off > 0);
	for (int i = 0; i < 4 * CROWD_TIMERS; i++)
		pt_timer_destroy(&crowd[i / CROWD_TIMERS].probes[i % CROWD_TIMERS].timer);
	free(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fires_once_and_not_early, start, stop),
		cmocka_unit_test_setup_teardown(test_a_sooner_one_wakes_the_thread, start, stop),
		cmocka_unit_test_setup_teardown(test_moved_and_stopped, start, stop),
		cmocka_unit_test_setup_teardown(test_started_by_its_own_function, start, stop),
		cmocka_unit_test_setup_teardown(test_order, start, stop),
		cmocka_unit_test_setup_teardown(test_nothing_lost_or_doubled, start, stop),
	};

	return cmocka_run_group_tests_name("pthread timers", tests, NULL, NULL);
}
