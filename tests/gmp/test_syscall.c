/*
 * test_syscall.c - calls that block the M: the P goes to another M, and a way back is found.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* More than the stack that Ms ask for: the libc puts it there, and then wants a larger one. */
static _Thread_local volatile char large_tls[256 * 1024];

static int fds[2];
static _Atomic uint32_t entered, ended, woken;

static void start(unsigned procs, unsigned max_ms)
{
	struct gr_config c = {.procs = procs, .max_ms = max_ms};

	assert_int_equal(pipe(fds), 0);
	store_relaxed(&entered, 0);
	store_relaxed(&ended, 0);
	store_relaxed(&woken, 0);
	assert_int_equal(gr_start(&c), 0);
}

static void stop(void)
{
	gr_stop();
	close(fds[0]);
	close(fds[1]);
}

/* Blocks in the kernel until somebody writes. */
static void read_one(void *arg)
{
	char c;
	ssize_t n;

	fetch_add_relaxed(&entered, 1);
	if (arg)
		gr_syscall_enter_blocking();
	else
		gr_syscall_enter();
	do
		n = read(fds[0], &c, 1);
	while (n < 0 && errno == EINTR);
	gr_syscall_exit();
	if (n == 1)
		fetch_add_relaxed(&woken, 1);
	fetch_add_release(&ended, 1);
}

enum { BLOCKED = 8 };

/* All readers are in their calls, on fewer Ps, before the first is fed: the others' Ps have been handed on. */
static void feed_blocked(void *arg)
{
	for (int i = 0; i < BLOCKED; i++)
		gr_go(read_one, arg);
	while (load_relaxed(&entered) < BLOCKED)
		gr_yield();
	for (int i = 0; i < BLOCKED; i++)
		if (write(fds[1], "x", 1) != 1)
			return;
	while (load_acquire(&ended) < BLOCKED)
		gr_yield();
}

static void p_is_handed_off(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 3; procs++) {
		for (int blocking = 0; blocking <= 1; blocking++) {
			struct gr_stats s;

			start(procs, 0);
			gr_run(feed_blocked, blocking ? &fds : NULL);
			gr_stats_read(&s);
			stop();
			assert_int_equal(load_relaxed(&woken), BLOCKED);
			assert_int_equal(s.syscalls, BLOCKED);
			assert_true(s.handoffs >= BLOCKED - procs);
		}
	}
}

/* Only the main thread feeds: all Gs are in calls at times, and Ms without P come back to no work. */
static void read_many(void *arg)
{
	(void)arg;
	large_tls[sizeof(large_tls) - 1] = 1;
	for (int i = 0; i < 50; i++) {
		char c;
		ssize_t n;

		gr_syscall_enter();
		n = read(fds[0], &c, 1);
		gr_syscall_exit();
		if (n == 1)
			fetch_add_relaxed(&woken, 1);
		gr_yield();
	}
	fetch_add_release(&ended, 1);
}

static void start_readers(void *arg)
{
	(void)arg;
	for (int i = 0; i < 4; i++)
		gr_go(read_many, NULL);
}

static void wait_ended(void *arg)
{
	while (load_acquire(&ended) < (uintptr_t)arg)
		gr_yield();
}

static void fed_from_outside(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++) {
		start(procs, 0);
		gr_run(start_readers, NULL);
		for (int i = 0; i < 200; i++) {
			assert_int_equal(write(fds[1], "x", 1), 1);
			if (i % 10 == 0) {
				struct timespec t = {0, 200000};

				nanosleep(&t, NULL);
			}
		}
		gr_run(wait_ended, (void *)(uintptr_t)4);
		stop();
		assert_int_equal(load_relaxed(&woken), 200);
	}
}

/* With no thread left to hand a P to, work waits for the call instead of being lost. */
static void sleep_in_call(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		gr_syscall_enter();
		poll(NULL, 0, 5);
		gr_syscall_exit();
		gr_yield();
	}
	fetch_add_release(&ended, 1);
}

static void sleep_and_compute(void *arg)
{
	(void)arg;
	for (int i = 0; i < 6; i++)
		gr_go(sleep_in_call, NULL);
	while (load_acquire(&ended) < 6)
		gr_yield();
}

static void cap_on_threads_delays_only(void **state)
{
	(void)state;
	for (unsigned max = 1; max <= 3; max++) {
		struct gr_stats s;

		start(2, max);
		gr_run(sleep_and_compute, NULL);
		gr_stats_read(&s);
		stop();
		assert_int_equal(load_relaxed(&ended), 6);
		assert_true(s.m_created <= max);
	}
}

/* The only M polls for a timer that is far away; work from outside must reach it all the same. */
static void sleep_for_good(void *arg)
{
	(void)arg;
	gr_sleep_ns(3600ull * 1000000000);
}

static void start_sleeper(void *arg)
{
	(void)arg;
	gr_go(sleep_for_good, NULL);
	gr_yield();
}

static void end_at_once(void *arg)
{
	(void)arg;
	fetch_add_release(&ended, 1);
}

static void poller_is_called_back_for_work(void **state)
{
	(void)state;
	for (unsigned max = 1; max <= 2; max++) {
		start(2, max);
		gr_run(start_sleeper, NULL);
		for (int i = 0; i < 50; i++) {
			struct timespec t = {0, i % 5 * 100000};

			nanosleep(&t, NULL);
			gr_run(end_at_once, NULL);
		}
		stop();
		assert_int_equal(load_relaxed(&ended), 50);
	}
}

static void short_calls(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		gr_syscall_enter();
		if (getppid() < 0)
			fetch_add_relaxed(&woken, 1);
		gr_syscall_exit();
		if (i % 64 == 0)
			gr_yield();
	}
	fetch_add_release(&ended, 1);
	(void)arg;
}

static void many_short_calls(void *arg)
{
	(void)arg;
	for (int i = 0; i < 6; i++)
		gr_go(short_calls, NULL);
	while (load_acquire(&ended) < 6)
		gr_yield();
}

static void short_calls_keep_order(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 3; procs++) {
		struct gr_stats s;

		start(procs, 0);
		gr_run(many_short_calls, NULL);
		gr_stats_read(&s);
		stop();
		assert_int_equal(load_relaxed(&ended), 6);
		assert_int_equal(s.syscalls, 6 * 20000);
	}
}

/* ---- a timer, a hand-off, and a poller that does not know of it ----------------------------------------- */

struct late {
	int pair[2], first[2], second[2];
	_Atomic bool slept, timed_out;
};

static void wait_for_input(void *arg)
{
	struct late *l = arg;
	gr_sock *s;
	char byte;

	assert_int_equal(gr_sock_adopt(l->pair[0], &s), 0);
	assert_int_equal(gr_sock_read(s, &byte, 1), 1);
	gr_sock_close(s);
}

static void sleep_briefly(void *arg)
{
	struct late *l = arg;

	gr_sleep_ns(1000000);
	store_release(&l->slept, true);
}

static void call_twice(void *arg)
{
	struct late *l = arg;
	char byte;

	gr_go(wait_for_input, l);
	gr_yield();
	/* The P is taken, another M becomes the poller and knows of no deadline. */
	assert_int_equal(gr_read_blocking(l->first[0], &byte, 1), 1);
	gr_go(sleep_briefly, l);
	gr_yield(); /* the sleeper parks while no P is idle */
	/* The P is handed off and becomes idle: the poller must hear of the timer now. */
	assert_int_equal(gr_read_blocking(l->second[0], &byte, 1), 1);
	assert_int_equal(write(l->pair[1], "x", 1), 1);
	while (!load_acquire(&l->slept))
		gr_yield();
}

/* Lets the first call last a while, and the second one until the sleeper has woken: 10 s if it never does. */
static void *end_calls(void *arg)
{
	struct late *l = arg;

	usleep(100000);
	if (write(l->first[1], "a", 1) != 1)
		return NULL;
	for (int i = 0; i < 1000 && !load_acquire(&l->slept); i++)
		usleep(10000);
	store_release(&l->timed_out, !load_acquire(&l->slept));
	if (write(l->second[1], "b", 1) != 1)
		return NULL;
	return NULL;
}

static void handoff_tells_the_poller(void **state)
{
	struct late l = {.slept = false};
	pthread_t thread;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, l.pair), 0);
	assert_int_equal(pipe(l.first), 0);
	assert_int_equal(pipe(l.second), 0);
	start(1, 0);
	assert_int_equal(pthread_create(&thread, NULL, end_calls, &l), 0);
	gr_run(call_twice, &l);
	pthread_join(thread, NULL);
	stop();
	assert_false(load_relaxed(&l.timed_out));
	close(l.pair[1]);
	for (int i = 0; i < 2; i++) {
		close(l.first[i]);
		close(l.second[i]);
	}
}

/* ---- one short call after the other --------------------------------------------------------------------------- */

static void stop_the_caller(void *arg)
{
	(void)arg;
	store_relaxed(&entered, 1);
}

/* Never long enough for the monitor to take the P: it has to be given up at the end of a call. */
static void call_again_and_again(void *arg)
{
	const int64_t limit = gr__now_ns() + 20000000000;

	for (int i = 0; i < 3; i++)
		gr_go(stop_the_caller, NULL);
	while (!load_relaxed(&entered) && gr__now_ns() < limit) {
		gr_syscall_enter();
		usleep(10);
		gr_syscall_exit();
	}
	*(bool *)arg = load_relaxed(&entered);
}

static void short_calls_let_others_in(void **state)
{
	bool let_in = false;

	(void)state;
	start(1, 0);
	gr_run(call_again_and_again, &let_in);
	stop();
	assert_true(let_in);
}

/* ---- two that wake each other by calls that block -------------------------------------------------------------- */

enum { HOPS = 2000 };

static struct {
	int there[2], back[2];
	gr_wg wg;
	_Atomic uint32_t turns, playing; /* of who only yields meanwhile */
} pair;

static ssize_t read_in_bracket(int fd, char *byte)
{
	ssize_t n;

	gr_syscall_enter();
	n = read(fd, byte, 1);
	gr_syscall_exit();
	return n;
}

static void play(int from, int to, bool begins)
{
	char byte = 'x';

	for (int i = 0; i < HOPS; i++) {
		if (begins)
			assert_int_equal(write(to, &byte, 1), 1);
		assert_int_equal(read_in_bracket(from, &byte), 1);
		if (!begins)
			assert_int_equal(write(to, &byte, 1), 1);
	}
	fetch_sub_relaxed(&pair.playing, 1);
	gr_wg_done(&pair.wg);
}

static void ping(void *arg)
{
	(void)arg;
	play(pair.back[0], pair.there[1], true);
}

static void pong(void *arg)
{
	(void)arg;
	play(pair.there[0], pair.back[1], false);
}

static void take_turns(void *arg)
{
	(void)arg;
	while (load_relaxed(&pair.playing)) {
		fetch_add_relaxed(&pair.turns, 1);
		gr_yield();
	}
	gr_wg_done(&pair.wg);
}

static void play_and_wait(void *with_third)
{
	store_relaxed(&pair.playing, 2);
	store_relaxed(&pair.turns, 0);
	gr_wg_add(&pair.wg, with_third ? 3 : 2);
	gr_go(pong, NULL);
	gr_go(ping, NULL);
	if (with_third)
		gr_go(take_turns, NULL);
	gr_wg_wait(&pair.wg);
}

static void run_pair(void *with_third, struct gr_stats *s)
{
	assert_int_equal(pipe(pair.there), 0);
	assert_int_equal(pipe(pair.back), 0);
	start(1, 0);
	gr_run(play_and_wait, with_third);
	gr_stats_read(s);
	stop();
	for (int i = 0; i < 2; i++) {
		close(pair.there[i]);
		close(pair.back[i]);
	}
}

/*
 * Each finds the P with the other's call. Who comes back while the other has not called yet (it depends on the kernel) has it
 * from that call as it begins. Seldom from the monitor.
 */
static void a_pair_passes_one_p(void **state)
{
	struct gr_stats s;

	(void)state;
	run_pair(NULL, &s);
	assert_int_equal(s.syscalls, 2 * HOPS);
	assert_true(s.handoffs_back + s.handoffs_early <= s.handoffs);
	assert_true(s.handoffs_back > 0);
	assert_true(s.m_created <= 4); /* one for each that calls, and one that the monitor may have had to start */
}

/* Who is runnable has a turn between: the P that is taken from a call is not for the taker alone. */
static void a_pair_lets_others_in(void **state)
{
	struct gr_stats s;

	(void)state;
	run_pair(&pair, &s);
	assert_true(load_relaxed(&pair.turns) >= HOPS / 10);
}

/* ---- calls that are expected to last ----------------------------------------------------------------------------- */

enum { LASTING = 50, SHORT = 2000 };

static _Atomic uint32_t is_waiting, is_over;

/* Always runnable, so that the P is always wanted; ends the calls. */
static void end_each_call(void *arg)
{
	(void)arg;
	while (!load_acquire(&is_over)) {
		if (load_acquire(&is_waiting)) {
			store_relaxed(&is_waiting, 0);
			assert_int_equal(write(fds[1], "x", 1), 1);
		}
		gr_yield();
	}
}

static void read_byte(void)
{
	char byte;

	assert_int_equal(read(fds[0], &byte, 1), 1);
}

static void do_nothing(void)
{
}

/* One place in the program for all: with a condition in it the compiler would make two of it. */
static void (*volatile call)(void);

static __attribute__((noinline)) void call_here(void)
{
	gr_syscall_enter();
	call();
	gr_syscall_exit();
	gr_yield();
}

static void call_at_one_place(struct gr_stats after[2])
{
	call = read_byte;
	for (int i = 0; i < LASTING; i++) {
		store_release(&is_waiting, 1);
		call_here();
	}
	gr_stats_read(&after[0]);
	call = do_nothing;
	for (int i = 0; i < SHORT; i++)
		call_here();
	gr_stats_read(&after[1]);
}

static void call_long_and_short(void *after)
{
	gr_go(end_each_call, NULL);
	gr_yield();
	call_at_one_place(after);
	store_release(&is_over, 1);
}

/* The monitor finds the first that lasts; the next ones give up their P by themselves. When they are short again they stop. */
static void calls_are_told_by_their_place(void **state)
{
	struct gr_stats after[2];

	(void)state;
	store_relaxed(&is_over, 0);
	store_relaxed(&is_waiting, 0);
	start(1, 0);
	gr_run(call_long_and_short, after);
	stop();
	assert_true(after[0].handoffs_early >= LASTING / 5);
	assert_true(after[0].handoffs >= after[0].handoffs_early + 1);
	/* Not more than are left of those that were expected to last, with some that the monitor met while the CPU was gone. */
	assert_true(after[1].handoffs_early - after[0].handoffs_early < SHORT / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_calls_let_others_in),
		cmocka_unit_test(a_pair_passes_one_p),
		cmocka_unit_test(a_pair_lets_others_in),
		cmocka_unit_test(calls_are_told_by_their_place),
		cmocka_unit_test(handoff_tells_the_poller),
		cmocka_unit_test(p_is_handed_off),
		cmocka_unit_test(fed_from_outside),
		cmocka_unit_test(cap_on_threads_delays_only),
		cmocka_unit_test(poller_is_called_back_for_work),
		cmocka_unit_test(short_calls_keep_order),
	};

	return cmocka_run_group_tests_name("gmp/syscall", tests, NULL, NULL);
}
