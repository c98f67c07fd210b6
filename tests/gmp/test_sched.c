/*
 * test_sched.c - starting, running and stopping; spawn, yield, park and ready; counters; settings.
 *
 * Asserts are made on the main thread only: a failing cmocka assert jumps, and must not jump between stacks.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "san.h"
#include "slow.h"

static const unsigned procs_tried[] = {1, 2, 4};

#define EACH_PROCS(p) for (unsigned p##_i = 0, p; p##_i < 3 && (p = procs_tried[p##_i], 1); p##_i++)

static void start(unsigned procs, const char *knobs)
{
	struct gr_config c = {.procs = procs, .knobs = knobs};

	assert_int_equal(gr_start(&c), 0);
}

static void set_flag(void *arg)
{
	*(int *)arg = 1;
}

static void runs_and_returns(void **state)
{
	(void)state;
	EACH_PROCS(procs)
	{
		int ran = 0;

		start(procs, NULL);
		gr_run(set_flag, &ran);
		assert_int_equal(ran, 1);
		gr_stop();
	}
}

static void cycles_without_work(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++) {
		int ran = 0;

		start(1 + (unsigned)i % 3, NULL);
		if (i % 2)
			gr_run(set_flag, &ran);
		gr_stop();
	}
}

static void refuses_nonsense(void **state)
{
	struct gr_config c = {.procs = 1};

	(void)state;
	c.knobs = "stael=0";
	assert_int_equal(gr_start(&c), -EINVAL);
	c.knobs = "steal=2";
	assert_int_equal(gr_start(&c), -EINVAL);
	c.knobs = "procs=0";
	assert_int_equal(gr_start(&c), -EINVAL);
	c.knobs = "seed";
	assert_int_equal(gr_start(&c), -EINVAL);
	c.knobs = NULL;
	c.procs = 5000;
	assert_int_equal(gr_start(&c), -EINVAL);
	c.procs = 1;
	c.stack_bytes = 100;
	assert_int_equal(gr_start(&c), -EINVAL);
	c.stack_bytes = 0;
	assert_int_equal(gr_start(&c), 0);
	assert_int_equal(gr_start(&c), -EBUSY);
	assert_int_equal(gr_go(set_flag, NULL), -EAGAIN);
	assert_int_equal(gr_id(), 0);
	gr_stop();
}

static void knobs_are_in_force(void **state)
{
	const char *names[16];
	char values[16][32];
	size_t n;
	int seen = 0;

	(void)state;
	setenv("GRDEBUG", "procs=3,steal=0", 1);
	start(2, "steal=1,runnext=0,reap_ms=77");
	unsetenv("GRDEBUG");
	n = gr_knobs(names, values, 16);
	for (size_t i = 0; i < n; i++) {
		seen += !strcmp(names[i], "procs") && !strcmp(values[i], "3");
		seen += !strcmp(names[i], "steal") && !strcmp(values[i], "0");
		seen += !strcmp(names[i], "runnext") && !strcmp(values[i], "0");
		seen += !strcmp(names[i], "reap_ms") && !strcmp(values[i], "77");
		seen += !strcmp(names[i], "spin") && !strcmp(values[i], "1");
		seen += !strcmp(names[i], "guard") && values[i][0] != '\0';
	}
	gr_stop();
	assert_int_equal(seen, 6);
}

static void exit_after(void *arg)
{
	*(int *)arg = 1;
	gr_exit();
}

static void exit_ends_a_run(void **state)
{
	(void)state;
	EACH_PROCS(procs)
	{
		int ran = 0, again = 0;

		start(procs, NULL);
		gr_run(exit_after, &ran);
		gr_run(set_flag, &again);
		gr_stop();
		assert_int_equal(ran + again, 2);
	}
}

/* Threads of this process that block SIGUSR1. */
static int count_deaf_threads(void)
{
	char path[300], line[256];
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	assert_non_null(tasks);
	while ((e = readdir(tasks))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			unsigned long long mask;

			if (sscanf(line, "SigBlk: %llx", &mask) == 1)
				n += mask >> (SIGUSR1 - 1) & 1;
		}
		if (f)
			fclose(f);
	}
	closedir(tasks);
	return n;
}

static _Atomic uint32_t in_calls;

static void block_a_while(void *arg)
{
	(void)arg;
	gr_syscall_enter();
	usleep(20000);
	gr_syscall_exit();
	fetch_sub_release(&in_calls, 1);
}

/* The monitor makes the threads that go on meanwhile: they must not take after it. */
static void block_some(void *arg)
{
	store_relaxed(&in_calls, 6);
	for (int i = 0; i < 6; i++)
		if (gr_go(block_a_while, NULL))
			fetch_sub_release(&in_calls, 1);
	while (load_acquire(&in_calls))
		gr_yield();
	*(int *)arg = 1;
}

static void monitor_takes_no_signals(void **state)
{
	int before = count_deaf_threads(), while_running, ran = 0;

	(void)state;
	/* Threads that end block all signals for a moment too, those of the cases before this one. */
	for (int i = 0; i < 40; i++) {
		int now = count_deaf_threads();

		before = now < before ? now : before;
		usleep(5000);
	}
	start(1, NULL);
	gr_run(block_some, &ran);
	while_running = count_deaf_threads();
	/* A thread that is being created blocks all signals for a moment (pthread_create does that). */
	for (int i = 0; i < 400 && while_running > before + 1; i++) {
		usleep(5000);
		while_running = count_deaf_threads();
	}
	gr_stop();
	assert_int_equal(while_running, before + 1);
	for (int i = 0; i < 400 && count_deaf_threads() > before; i++)
		usleep(5000);
	assert_int_equal(count_deaf_threads(), before);
}

/* ---- reading from outside while the runtime comes and goes ------------------------------------------ */

static _Atomic uint32_t readers_stop;

static void *read_all_the_time(void *arg)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	while (!load_relaxed(&readers_stop)) {
		struct gr_stats s;

		gr_stats_read(&s);
		gr_dump(nowhere);
		if (gr_count() > 1000)
			*(int *)arg = 1;
	}
	close(nowhere);
	return NULL;
}

static void reading_while_it_starts_and_stops(void **state)
{
	pthread_t reader;
	int wrong = 0;

	(void)state;
	store_relaxed(&readers_stop, 0);
	assert_int_equal(pthread_create(&reader, NULL, read_all_the_time, &wrong), 0);
	for (int i = 0; i < (is_slow() && !IS_SANITIZED ? 10 : 100); i++) {
		int ran = 0;

		start(1 + (unsigned)i % 3, NULL);
		gr_run(set_flag, &ran);
		gr_stop();
	}
	store_relaxed(&readers_stop, 1);
	pthread_join(reader, NULL);
	assert_int_equal(wrong, 0);
}

/* ---- spawning --------------------------------------------------------------------------------------- */

enum { SPAWNED = GR_TSAN ? 100 : 700 }; /* ThreadSanitizer takes milliseconds to make a stack */

static _Atomic uint32_t ended;
static _Atomic uint64_t id_sum, errors;

static void count_end(void *arg)
{
	(void)arg;
	fetch_add_relaxed(&id_sum, gr_id());
	if ((uintptr_t)__builtin_frame_address(0) % 16)
		fetch_add_relaxed(&errors, 1); /* frame pointers are 16-aligned if the entry was */
	fetch_add_release(&ended, 1);
}

static void count_end_by_exit(void *arg)
{
	count_end(arg);
	gr_exit();
}

static void spawn_many(void *arg)
{
	uint64_t *first = arg;

	*first = gr_id();
	for (int i = 0; i < SPAWNED; i++)
		if (gr_go_named("child", i % 2 ? count_end : count_end_by_exit, NULL))
			fetch_add_relaxed(&errors, 1);
	while (load_acquire(&ended) < SPAWNED)
		gr_yield();
}

static void all_spawned_run_once(void **state)
{
	(void)state;
	EACH_PROCS(procs)
	{
		struct gr_stats s;
		uint64_t main_id;

		store_relaxed(&ended, 0);
		store_relaxed(&errors, 0);
		store_relaxed(&id_sum, 0);
		start(procs, NULL);
		gr_run(spawn_many, &main_id);
		gr_stats_read(&s);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
		assert_int_equal(load_relaxed(&ended), SPAWNED);
		assert_true(main_id > 0);
		assert_true(load_relaxed(&id_sum) > 0);
		assert_int_equal(s.spawns, SPAWNED + 1);
		assert_true(s.switches >= SPAWNED);
	}
}

/* Each G starts the next one: depth in time, not in stacks. */
static void chain(void *arg)
{
	uintptr_t left = (uintptr_t)arg;

	if (left)
		gr_go(chain, (void *)(left - 1));
	else
		store_release(&ended, 1);
}

static void start_chain(void *arg)
{
	(void)arg;
	gr_go(chain, (void *)(uintptr_t)20000);
	while (!load_acquire(&ended))
		gr_yield();
}

static void chain_reuses_stacks(void **state)
{
	(void)state;
	EACH_PROCS(procs)
	{
		struct gr_stats s;

		store_relaxed(&ended, 0);
		start(procs, NULL);
		gr_run(start_chain, NULL);
		gr_stats_read(&s);
		gr_stop();
		assert_int_equal(load_relaxed(&ended), 1);
		assert_int_equal(s.spawns, 20002);
		assert_true(s.stacks_mapped < 1000);
	}
}

/* ---- yielding ------------------------------------------------------------------------------------------ */

static uint32_t order[64];
static unsigned n_order;

static void note_turns(void *arg)
{
	for (int i = 0; i < 3; i++) {
		order[n_order++] = (uint32_t)(uintptr_t)arg;
		gr_yield();
	}
}

static void take_turns(void *arg)
{
	(void)arg;
	for (uintptr_t i = 0; i < 4; i++)
		gr_go(note_turns, (void *)i);
	while (n_order < 12)
		gr_yield();
}

static void yield_is_round_robin_on_one_p(void **state)
{
	(void)state;
	n_order = 0;
	start(1, NULL);
	gr_run(take_turns, NULL);
	gr_stop();
	assert_int_equal(n_order, 12);
	/* They begin with the newest; from then on each turn has the same order. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(order[i], 3 - i);
	for (int i = 4; i < 12; i++)
		assert_int_equal(order[i], order[i - 4]);
}

static _Atomic uint32_t hog_stop;

static void hog(void *arg)
{
	(void)arg;
	while (!load_relaxed(&hog_stop))
		gr_yield();
	fetch_add_release(&ended, 1);
}

static void count_to(void *arg)
{
	for (uintptr_t i = 0; i < (uintptr_t)arg; i++)
		gr_yield();
	fetch_add_release(&ended, 1);
}

static void beside_hogs(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		gr_go(hog, NULL);
	gr_go(count_to, (void *)(uintptr_t)200);
	while (load_acquire(&ended) < 1)
		gr_yield();
	store_relaxed(&hog_stop, 1);
	while (load_acquire(&ended) < 6)
		gr_yield();
}

static void yielders_all_make_progress(void **state)
{
	(void)state;
	EACH_PROCS(procs)
	{
		store_relaxed(&ended, 0);
		store_relaxed(&hog_stop, 0);
		start(procs, NULL);
		gr_run(beside_hogs, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&ended), 6);
	}
}

/* ---- park and ready ----------------------------------------------------------------------------------------- */

/* A meeting place for two: who comes second wakes the first. */
struct meet {
	struct gr__lock lock;
	struct gr_g *waiter;
	uint64_t meetings;
};

static bool unlock_commit(struct gr_g *g, void *arg)
{
	(void)g;
	gr__unlock(arg);
	return true;
}

static void meet(struct meet *m)
{
	struct gr_g *other;

	gr__lock(&m->lock);
	other = m->waiter;
	if (other) {
		m->waiter = NULL;
		m->meetings++;
		gr__unlock(&m->lock);
		other->wake_param = m;
		gr__ready(other);
		return;
	}
	m->waiter = gr__self();
	gr__self()->wake_param = NULL;
	gr__park(unlock_commit, &m->lock, GR__WAIT_TEST);
	if (gr__self()->wake_param != m)
		fetch_add_relaxed(&errors, 1);
}

enum { MEETINGS = GR_TSAN ? 2000 : 20000 };

static struct meet place;

static void meet_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < MEETINGS; i++)
		meet(&place);
	fetch_add_release(&ended, 1);
}

static void two_who_meet(void *arg)
{
	(void)arg;
	gr_go(meet_often, NULL);
	meet_often(NULL);
	while (load_acquire(&ended) < 2)
		gr_yield();
}

static void park_and_ready_pair_up(void **state)
{
	static const char *const knobs[] = {NULL, "runnext=0", "seed=7", "steal=0", "spin=0"};

	(void)state;
	EACH_PROCS(procs)
	{
		for (unsigned k = 0; k < ARRAY_LEN(knobs); k++) {
			struct gr_stats s;

			memset(&place, 0, sizeof(place));
			store_relaxed(&ended, 0);
			store_relaxed(&errors, 0);
			start(procs, knobs[k]);
			gr_run(two_who_meet, NULL);
			gr_stats_read(&s);
			gr_stop();
			assert_int_equal(load_relaxed(&errors), 0);
			assert_int_equal(place.meetings, MEETINGS);
			assert_int_equal(s.parks, MEETINGS);
			assert_int_equal(s.readies, MEETINGS);
		}
	}
}

static bool refuse_commit(struct gr_g *g, void *arg)
{
	(void)g;
	(*(int *)arg)++;
	return false;
}

static void park_in_vain(void *arg)
{
	for (int i = 0; i < 100; i++)
		gr__park(refuse_commit, arg, GR__WAIT_TEST);
}

static void refused_park_goes_on(void **state)
{
	(void)state;
	EACH_PROCS(procs)
	{
		int refused = 0;

		start(procs, NULL);
		gr_run(park_in_vain, &refused);
		gr_stop();
		assert_int_equal(refused, 100);
	}
}

/* ---- stopping --------------------------------------------------------------------------------------------- */

enum { LEFT = GR_TSAN ? 20 : 100 };

static void park_for_good(void *arg)
{
	(void)arg;
	fetch_add_release(&ended, 1);
	gr__park(NULL, NULL, GR__WAIT_TEST);
	fetch_add_relaxed(&errors, 1);
}

static void leave_some_parked(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3 * LEFT; i++)
		gr_go(i % 3 ? park_for_good : hog, NULL);
	while (load_acquire(&ended) < 2 * LEFT)
		gr_yield();
}

static void stop_drops_what_is_left(void **state)
{
	(void)state;
	EACH_PROCS(procs)
	{
		for (int i = 0; i < 3; i++) {
			store_relaxed(&ended, 0);
			store_relaxed(&errors, 0);
			store_relaxed(&hog_stop, 0);
			start(procs, NULL);
			gr_run(leave_some_parked, NULL);
			assert_true(gr_count() >= 3 * LEFT);
			gr_stop();
			assert_int_equal(load_relaxed(&errors), 0);
			assert_int_equal(gr_count(), 0);
		}
	}
}

/* Gs that switch among themselves all the time, some timers that make sysmon call for attention, and a stop. */
static void nap_often(void *arg)
{
	(void)arg;
	for (;;)
		gr_sleep_ns(20000);
}

static void leave_some_napping(void *arg)
{
	(void)arg;
	for (int i = 0; i < 4; i++)
		gr_go(nap_often, NULL);
	for (int i = 0; i < 4; i++)
		gr_go(hog, NULL);
	for (int i = 0; i < 20; i++)
		gr_yield();
}

static void stop_is_heard_amid_calls_for_attention(void **state)
{
	(void)state;
	store_relaxed(&hog_stop, 0);
	for (int i = 0; i < (is_slow() ? 30 : 300); i++) {
		start(1 + (unsigned)i % 2, NULL);
		gr_run(leave_some_napping, NULL);
		gr_stop();
	}
}

static void second_run_goes_on_with_the_rest(void **state)
{
	(void)state;
	start(2, NULL);
	store_relaxed(&ended, 0);
	store_relaxed(&hog_stop, 0);
	for (int i = 0; i < 20; i++) {
		int ran = 0;

		gr_run(set_flag, &ran);
		assert_int_equal(ran, 1);
	}
	gr_run(leave_some_parked, NULL);
	store_relaxed(&ended, 0);
	gr_run(leave_some_parked, NULL);
	assert_int_equal(load_relaxed(&ended), 2 * LEFT);
	assert_true(gr_count() >= 6 * LEFT);
	gr_stop();
}

/* ---- all Ps work -------------------------------------------------------------------------------------------- */

enum { TEAM = 4 };

static _Atomic uint32_t present;

/* Computes without ever calling the runtime until all the others do too. */
static void wait_for_team(void *arg)
{
	(void)arg;
	fetch_add_relaxed(&present, 1);
	while (load_relaxed(&present) % TEAM)
		gr_pause();
	fetch_add_release(&ended, 1);
}

static void gather(void *arg)
{
	(void)arg;
	for (uint32_t round = 1; round <= 10; round++) {
		for (int i = 0; i < TEAM - 1; i++)
			gr_go(wait_for_team, NULL);
		wait_for_team(NULL);
		while (load_acquire(&ended) < round * TEAM)
			gr_yield();
	}
}

static void as_many_run_at_once_as_there_are_ps(void **state)
{
	static const char *const knobs[] = {NULL, "spin=0", "runnext=0", "seed=3"};

	(void)state;
	for (unsigned k = 0; k < ARRAY_LEN(knobs); k++) {
		store_relaxed(&present, 0);
		store_relaxed(&ended, 0);
		start(TEAM, knobs[k]);
		gr_run(gather, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&ended), 10 * TEAM);
	}
}

/* ---- one computes, the others' time and I/O go on ---------------------------------------------------------- */

static int pipe_fds[2];
static gr_sock *reader;

static void sleep_often(void *arg)
{
	for (int i = 0; i < 20; i++) {
		gr_sleep_ns(100000);
		fetch_add_relaxed(&present, 1);
	}
	fetch_add_release(&ended, 1);
	(void)arg;
}

static void read_often(void *arg)
{
	char c;

	(void)arg;
	while (gr_sock_read(reader, &c, 1) == 1)
		fetch_add_relaxed(&present, 1);
	gr_sock_close(reader);
	fetch_add_release(&ended, 1);
}

/* Holds its P without ever calling the runtime until the others are through. */
static void compute_until_they_end(void *arg)
{
	(void)arg;
	if (gr_sock_adopt(pipe_fds[0], &reader)) {
		fetch_add_relaxed(&errors, 1);
		return;
	}
	gr_go(sleep_often, NULL);
	gr_go(read_often, NULL);
	gr_yield();
	while (!load_acquire(&ended)) /* the sleeper */
		gr_pause();
	for (uint32_t i = 1; i <= 20; i++) {
		if (write(pipe_fds[1], "x", 1) != 1)
			fetch_add_relaxed(&errors, 1);
		while (load_relaxed(&present) < 20 + i)
			gr_pause();
	}
	close(pipe_fds[1]);
	while (load_acquire(&ended) < 2)
		gr_pause();
}

static void computing_holds_up_neither_time_nor_io(void **state)
{
	(void)state;
	for (unsigned procs = 2; procs <= 3; procs++) {
		assert_int_equal(pipe(pipe_fds), 0);
		store_relaxed(&present, 0);
		store_relaxed(&ended, 0);
		store_relaxed(&errors, 0);
		start(procs, NULL);
		gr_run(compute_until_they_end, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
		assert_int_equal(load_relaxed(&present), 40);
	}
}

static void idle_threads_end(void **state)
{
	struct gr_config c = {.procs = 4, .reap_ns = 1000000};
	struct gr_stats s;

	(void)state;
	store_relaxed(&present, 0);
	store_relaxed(&ended, 0);
	assert_int_equal(gr_start(&c), 0);
	gr_run(gather, NULL);
	for (int i = 0; i < 5000; i++) {
		gr_stats_read(&s);
		if (s.m_reaped == s.m_created)
			break;
		struct timespec ms = {0, 1000000};

		nanosleep(&ms, NULL);
	}
	assert_true(s.m_created >= 4);
	assert_int_equal(s.m_reaped, s.m_created);
	store_relaxed(&ended, 0);
	gr_run(gather, NULL); /* new ones are made */
	assert_int_equal(load_relaxed(&ended), 10 * TEAM);
	gr_stop();
}

/* ---- the slice of a pair ------------------------------------------------------------------------------------------ */

enum { WAITS = 4 };

static gr_chan *ball;
static _Atomic uint32_t turns, longest_wait, game_over;

/* Two that wake each other through runnext and compute 2 ms per turn: together they have one slice. */
static void pass_on(void *arg)
{
	int v;

	(void)arg;
	while (gr_chan_recv(ball, &v)) {
		const int64_t until = gr__now_ns() + 2000000;

		while (gr__now_ns() < until)
			;
		fetch_add_relaxed(&turns, 1);
		if (load_relaxed(&game_over)) {
			gr_chan_close(ball);
			return;
		}
		gr_chan_send(ball, &v);
	}
}

/* In the ring while they play: how many of their turns does it wait for its own? */
static void wait_in_ring(void *arg)
{
	uint32_t before;

	(void)arg;
	while ((before = load_relaxed(&turns)) == 0)
		gr_yield();
	for (int i = 0; i < WAITS; i++) {
		uint32_t now;

		gr_yield();
		now = load_relaxed(&turns);
		if (now - before > load_relaxed(&longest_wait))
			store_relaxed(&longest_wait, now - before);
		before = now;
	}
	store_release(&game_over, 1);
}

static void let_them_play(void *arg)
{
	int v = 1;

	(void)arg;
	gr_go(wait_in_ring, NULL);
	gr_go(pass_on, NULL);
	gr_go(pass_on, NULL);
	gr_chan_send(ball, &v);
	while (!load_acquire(&game_over))
		gr_sleep_ns(1000000);
}

/* By the bound on the streak alone it would be 64 turns, and under valgrind, where the monitor gets few turns, it may be. */
static void runnext_inherits_the_slice(void **state)
{
	struct gr_config c = {.procs = 1};

	(void)state;
	store_relaxed(&turns, 0);
	store_relaxed(&longest_wait, 0);
	store_relaxed(&game_over, 0);
	assert_int_equal(gr_chan_new(sizeof(int), 0, &ball), 0);
	assert_int_equal(gr_start(&c), 0);
	gr_run(let_them_play, NULL);
	gr_stop();
	assert_true(load_relaxed(&longest_wait) > 0);
	assert_true(load_relaxed(&longest_wait) < (is_slow() ? 70 : 40));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runnext_inherits_the_slice),
		cmocka_unit_test(runs_and_returns),
		cmocka_unit_test(cycles_without_work),
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(knobs_are_in_force),
		cmocka_unit_test(exit_ends_a_run),
		cmocka_unit_test(monitor_takes_no_signals),
		cmocka_unit_test(reading_while_it_starts_and_stops),
		cmocka_unit_test(all_spawned_run_once),
		cmocka_unit_test(chain_reuses_stacks),
		cmocka_unit_test(yield_is_round_robin_on_one_p),
		cmocka_unit_test(yielders_all_make_progress),
		cmocka_unit_test(park_and_ready_pair_up),
		cmocka_unit_test(refused_park_goes_on),
		cmocka_unit_test(stop_drops_what_is_left),
		cmocka_unit_test(stop_is_heard_amid_calls_for_attention),
		cmocka_unit_test(second_run_goes_on_with_the_rest),
		cmocka_unit_test(as_many_run_at_once_as_there_are_ps),
		cmocka_unit_test(computing_holds_up_neither_time_nor_io),
		cmocka_unit_test(idle_threads_end),
	};

	return cmocka_run_group_tests_name("gmp/sched", tests, NULL, NULL);
}
