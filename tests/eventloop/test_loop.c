/*
 * test_loop.c - the run loop: order of posting, timers, break, fairness, settings. One thread, so that assertions may
 * stand in callbacks; each test makes a loop of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "models/eventloop/ev.h"

static struct ev_loop *loop;

static int start(void **state)
{
	(void)state;
	return ev_start("", &loop);
}

static int stop(void **state)
{
	(void)state;
	ev_stop(loop);
	return 0;
}

/* ---- posting ------------------------------------------------------------------------------------ */

struct numbered {
	struct ev_work work;
	int id;
};

static int order[4096], n_order;

static void note(struct ev_work *w)
{
	order[n_order++] = EV_CONTAINER(w, struct numbered, work)->id;
}

static void note_and_break(struct ev_work *w)
{
	note(w);
	ev_break(loop);
}

/* More than one ready batch, so that the order is seen to hold across turns. */
static void test_post_order(void **state)
{
	(void)state;
	enum { N = 1000 };
	static struct numbered item[N];

	n_order = 0;
	for (int i = 0; i < N; i++) {
		item[i].id = i;
		ev_post(loop, &item[i].work, i == N - 1 ? note_and_break : note);
	}
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(n_order, N);
	for (int i = 0; i < N; i++)
		assert_int_equal(order[i], i);
	assert_int_equal(ev_counters_of(loop).posted, N);
	assert_int_equal(ev_counters_of(loop).callbacks, N);
	assert_true(ev_counters_of(loop).turns > 1);
}

struct tree {
	struct ev_work work;
	int id;
	struct tree *child[2];
};

static struct tree nodes[127];
static int n_nodes;

/* Posts two children while others wait: first in, first out makes this a breadth-first walk, so ids come in order. */
static void visit(struct ev_work *w)
{
	struct tree *t = EV_CONTAINER(w, struct tree, work);

	order[n_order++] = t->id;
	for (int i = 0; i < 2 && n_nodes < 127; i++) {
		struct tree *c = &nodes[n_nodes];

		c->id = n_nodes++;
		ev_post(loop, &c->work, visit);
	}
	if (n_order == 127)
		ev_break(loop);
}

static void test_post_from_callbacks(void **state)
{
	(void)state;
	n_order = 0;
	n_nodes = 1;
	nodes[0].id = 0;
	ev_post(loop, &nodes[0].work, visit);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(n_order, 127);
	for (int i = 0; i < 127; i++)
		assert_int_equal(order[i], i);
}

static int reposts;

static void free_self(struct ev_work *w)
{
	struct numbered *n = EV_CONTAINER(w, struct numbered, work);

	free(n);
	if (--reposts == 0)
		ev_break(loop);
}

/* A callback may free its own object: the loop does not look at it any more. The sanitizers judge. */
static void test_callback_frees_its_work(void **state)
{
	(void)state;
	reposts = 300;
	for (int i = 0; i < 300; i++) {
		struct numbered *n = malloc(sizeof(*n));

		assert_non_null(n);
		ev_post(loop, &n->work, free_self);
	}
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(reposts, 0);
}

/* ---- break and the end of work ------------------------------------------------------------------ */

static void test_break_stops_after_this_callback(void **state)
{
	(void)state;
	struct numbered a = {.id = 1}, b = {.id = 2}, c = {.id = 3};

	n_order = 0;
	ev_post(loop, &a.work, note);
	ev_post(loop, &b.work, note_and_break);
	ev_post(loop, &c.work, note_and_break);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(n_order, 2); /* c has not run */
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(n_order, 3); /* and was not lost */
	assert_int_equal(order[2], 3);
}

static void test_break_before_run(void **state)
{
	(void)state;
	struct numbered a = {.id = 1};

	n_order = 0;
	ev_post(loop, &a.work, note_and_break);
	ev_break(loop);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(n_order, 0);
	assert_int_equal(ev_run(loop), 0); /* the break was used up */
	assert_int_equal(n_order, 1);
}

static void test_nothing_left(void **state)
{
	(void)state;
	struct numbered a = {.id = 1};

	assert_int_equal(ev_run(loop), -EDEADLK);
	n_order = 0;
	ev_post(loop, &a.work, note);
	assert_int_equal(ev_run(loop), -EDEADLK);
	assert_int_equal(n_order, 1);
}

/* ---- timers ------------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct alarm {
	struct ev_timer timer;
	uint64_t due_ns; /* not before */
	uint64_t due_most_ns; /* the loop read the clock between the test's two readings */
	int id, fired, rearm;
};

static int n_left;

static void ring(struct ev_timer *t)
{
	struct alarm *a = EV_CONTAINER(t, struct alarm, timer);

	assert_true(now_ns() >= a->due_ns);
	a->fired++;
	order[n_order++] = a->id;
	if (a->rearm-- > 0) {
		a->due_ns = now_ns() + 200000;
		ev_timer_start(loop, t, 200000, ring);
	} else if (--n_left == 0) {
		ev_break(loop);
	}
}

/* True: it was active. */
static bool set(struct alarm *a, uint64_t ns)
{
	bool was_active;

	a->due_ns = now_ns() + ns;
	was_active = ev_timer_start(loop, &a->timer, ns, ring);
	a->due_most_ns = now_ns() + ns;
	return was_active;
}

/* Whatever the machine does between two starts: nobody fired before one that was surely due earlier. */
static void assert_fired_in_order(const struct alarm *a, int n)
{
	uint64_t least_ns = 0;

	assert_int_equal(n_order, n);
	for (int i = 0; i < n; i++) {
		const struct alarm *next = &a[order[i]];

		assert_true(next->due_most_ns >= least_ns);
		if (next->due_ns > least_ns)
			least_ns = next->due_ns;
	}
}

static void timers_in_order(unsigned overdue_by_us)
{
	enum { N = 200 };
	static struct alarm a[N];
	unsigned seed = 1;

	memset(a, 0, sizeof(a));
	n_order = 0;
	n_left = N;
	for (int i = 0; i < N; i++) {
		a[i].id = i;
		set(&a[i], (uint64_t)(rand_r(&seed) % 20000) * 1000);
	}
	usleep(overdue_by_us);
	assert_int_equal(ev_run(loop), 0);
	assert_fired_in_order(a, N);
	assert_int_equal(ev_counters_of(loop).timers_fired, N);
}

static void test_timers_fire_in_order(void **state)
{
	(void)state;
	timers_in_order(0);
}

/* All due when the loop comes to them, in one phase: what decides is the time, not the order of start. */
static void test_overdue_timers_fire_in_order(void **state)
{
	(void)state;
	timers_in_order(25000);
}

static void test_timer_rearms_and_zero(void **state)
{
	(void)state;
	struct alarm a = {.id = 1, .rearm = 9}, zero = {.id = 2};

	n_order = 0;
	n_left = 2;
	set(&a, 0);
	set(&zero, 0);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(a.fired, 10);
	assert_int_equal(zero.fired, 1);
}

static void test_timer_stop_and_move(void **state)
{
	(void)state;
	enum { N = 300 };
	static struct alarm a[N];
	unsigned seed = 7;
	int stopped = 0;

	memset(a, 0, sizeof(a));
	n_order = 0;
	assert_false(ev_timer_stop(loop, &a[0].timer)); /* never started: nothing happens */
	for (int i = 0; i < N; i++) {
		a[i].id = i;
		assert_false(set(&a[i], (uint64_t)(rand_r(&seed) % 10000) * 1000));
	}
	for (int i = 0; i < N; i += 3) { /* out of the middle of the heap */
		assert_true(ev_timer_stop(loop, &a[i].timer));
		assert_false(ev_timer_stop(loop, &a[i].timer));
		stopped++;
	}
	for (int i = 1; i < N; i += 3) /* moved, half of them forward */
		assert_true(set(&a[i], (uint64_t)(rand_r(&seed) % 10000) * 1000));
	n_left = N - stopped;
	usleep(12000); /* all are due at once: the heap alone decides, not the clock */
	assert_int_equal(ev_run(loop), 0);
	assert_fired_in_order(a, N - stopped);
	for (int i = 0; i < N; i++)
		assert_int_equal(a[i].fired, i % 3 ? 1 : 0);
	assert_false(ev_timer_stop(loop, &a[1].timer)); /* fired already */
	assert_int_equal(ev_run(loop), -EDEADLK);
}

static struct alarm victim;

static void stop_victim(struct ev_timer *t)
{
	(void)t;
	ev_timer_stop(loop, &victim.timer);
}

/* Both are due when the phase begins; the first one stops the second. */
static void test_timer_stopped_by_other_in_same_phase(void **state)
{
	(void)state;
	struct ev_timer killer = {0};

	memset(&victim, 0, sizeof(victim));
	n_left = -1;
	ev_timer_start(loop, &killer, 0, stop_victim);
	set(&victim, 0);
	usleep(1000);
	assert_int_equal(ev_run(loop), -EDEADLK);
	assert_int_equal(victim.fired, 0);
}

static int zero_fired;

static void rearm_zero(struct ev_timer *t)
{
	zero_fired++;
	ev_timer_start(loop, t, 0, rearm_zero);
}

/* A timer that starts itself anew with 0 ns keeps nobody else from running. */
static void test_zero_timer_starves_nobody(void **state)
{
	(void)state;
	struct ev_timer t = {0};
	struct numbered n = {.id = 5};

	zero_fired = 0;
	n_order = 0;
	ev_timer_start(loop, &t, 0, rearm_zero);
	ev_post(loop, &n.work, note_and_break);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(n_order, 1);
	assert_true(zero_fired <= 1);
	ev_timer_stop(loop, &t);
}

/* ---- fairness ----------------------------------------------------------------------------------- */

struct pair {
	struct ev_work a, b;
	uint64_t steps;
	uint64_t limit; /* the test's own end, where the loop is not fair */
};

static struct pair pair;

static void ping(struct ev_work *w);

static void pong(struct ev_work *w)
{
	(void)w;
	if (++pair.steps >= pair.limit)
		ev_break(loop);
	ev_post(loop, &pair.a, ping);
}

static void ping(struct ev_work *w)
{
	(void)w;
	if (++pair.steps >= pair.limit)
		ev_break(loop);
	ev_post(loop, &pair.b, pong);
}

static uint64_t steps_when_served;

static void serve_and_break(struct ev_io *io, unsigned events)
{
	assert_int_equal(events, EV_READ);
	steps_when_served = pair.steps;
	ev_io_stop(loop, io);
	ev_break(loop);
}

/* Two callbacks that post each other do not keep a readable descriptor waiting for longer than one ready batch. */
static void test_posting_pair_does_not_starve_io(void **state)
{
	(void)state;
	struct ev_settings settings;
	struct ev_io io;
	int fds[2];

	ev_settings_of(loop, &settings);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	pair = (struct pair){.limit = 100 * settings.ready_batch};
	steps_when_served = UINT64_MAX;
	ev_post(loop, &pair.a, ping);
	assert_int_equal(ev_io_start(loop, &io, fds[0], EV_READ, serve_and_break), 0);
	assert_int_equal(ev_run(loop), 0);
	assert_true(steps_when_served <= settings.ready_batch);
	close(fds[0]);
	close(fds[1]);
}

static void timer_break(struct ev_timer *t)
{
	(void)t;
	steps_when_served = pair.steps;
	ev_break(loop);
}

static void test_posting_pair_does_not_starve_timers(void **state)
{
	(void)state;
	struct ev_settings settings;
	struct ev_timer t = {0};

	ev_settings_of(loop, &settings);
	pair = (struct pair){.limit = 100 * settings.ready_batch};
	steps_when_served = UINT64_MAX;
	ev_post(loop, &pair.a, ping);
	ev_timer_start(loop, &t, 0, timer_break);
	assert_int_equal(ev_run(loop), 0);
	assert_true(steps_when_served <= settings.ready_batch);
}

/* The price of fairness is bounded too: the kernel is asked once per batch, and not at all if nobody waits for it. */
static void test_polls_are_amortised(void **state)
{
	(void)state;
	struct ev_settings settings;
	struct ev_io io;
	int fds[2];

	ev_settings_of(loop, &settings);
	pair = (struct pair){.limit = 100 * settings.ready_batch};
	ev_post(loop, &pair.a, ping);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(ev_counters_of(loop).polls, 0);

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(ev_io_start(loop, &io, fds[0], EV_READ, serve_and_break), 0); /* never readable */
	pair.limit = 200 * settings.ready_batch;
	assert_int_equal(ev_run(loop), 0);
	assert_in_range(ev_counters_of(loop).polls, 99, 101);
	ev_io_stop(loop, &io);
	close(fds[0]);
	close(fds[1]);
}

/* ---- settings ----------------------------------------------------------------------------------- */

static void test_knobs(void **state)
{
	(void)state;
	static const char *const wrong[] = {"file",           "file=",           "file=disk",      "pool_threads=0",
					    "pool_threads=x", "pool_threads=65", "pool_threads=",  "threads=1",
					    "file=pool,x=1",  "pool_threads=-1", "file=pool,bogus"};
	struct ev_settings s;
	struct ev_loop *l;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(ev_start(wrong[i], &l), -EINVAL);
		assert_null(l);
	}
	assert_int_equal(ev_loops_of("", 8), 1);
	assert_int_equal(ev_loops_of("loops=3,file=pool", 8), 3);
	assert_int_equal(ev_loops_of("loops=cpus", 8), 8);
	assert_int_equal(ev_loops_of("loops=nine", 8), 1);
	assert_int_equal(ev_start("file=pool,pool_threads=3", &l), 0);
	ev_settings_of(l, &s);
	assert_string_equal(s.file_backend, "pool");
	assert_string_equal(s.file_reason, "asked for");
	assert_int_equal(s.pool_threads, 3);
	ev_stop(l);
	assert_int_equal(ev_start(NULL, &l), 0);
	ev_settings_of(l, &s);
	if (strcmp(s.file_backend, "io_uring") == 0) {
		assert_string_equal(s.file_reason, "default");
		assert_int_equal(s.pool_threads, 0);
	} else { /* a machine that refuses io_uring is named, and served by the pool */
		assert_string_equal(s.file_backend, "pool");
		assert_memory_equal(s.file_reason, "io_uring:", 9);
		assert_int_equal(s.pool_threads, 4);
	}
	ev_stop(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knobs),
		cmocka_unit_test_setup_teardown(test_post_order, start, stop),
		cmocka_unit_test_setup_teardown(test_post_from_callbacks, start, stop),
		cmocka_unit_test_setup_teardown(test_callback_frees_its_work, start, stop),
		cmocka_unit_test_setup_teardown(test_break_stops_after_this_callback, start, stop),
		cmocka_unit_test_setup_teardown(test_break_before_run, start, stop),
		cmocka_unit_test_setup_teardown(test_nothing_left, start, stop),
		cmocka_unit_test_setup_teardown(test_timers_fire_in_order, start, stop),
		cmocka_unit_test_setup_teardown(test_overdue_timers_fire_in_order, start, stop),
		cmocka_unit_test_setup_teardown(test_timer_rearms_and_zero, start, stop),
		cmocka_unit_test_setup_teardown(test_timer_stop_and_move, start, stop),
		cmocka_unit_test_setup_teardown(test_timer_stopped_by_other_in_same_phase, start, stop),
		cmocka_unit_test_setup_teardown(test_zero_timer_starves_nobody, start, stop),
		cmocka_unit_test_setup_teardown(test_posting_pair_does_not_starve_io, start, stop),
		cmocka_unit_test_setup_teardown(test_posting_pair_does_not_starve_timers, start, stop),
		cmocka_unit_test_setup_teardown(test_polls_are_amortised, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
