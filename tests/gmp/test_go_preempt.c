/*
 * test_go_preempt.c - pairs of Go's tests about preemption (see go_test.h). The hogs are marked: in Go everything is.
 */
#include "preempt_test.h"

static void start(unsigned procs, const char *knobs)
{
	const struct gr_config config = {.procs = procs, .knobs = knobs};

	atomic_store(&sync_failures, 0);
	assert_int_equal(gr_start(&config), 0);
}

static void stop(void)
{
	gr_stop();
	assert_int_equal(atomic_load(&sync_failures), 0);
}

static void run(unsigned procs, const char *knobs, void (*fn)(void *), void *arg)
{
	if (!has_preemption())
		skip();
	start(procs, knobs);
	gr_run(fn, arg);
	stop();
}

/* ---- TestPreemption ------------------------------------------------------------------------------------------------- */

enum { TURNS = 5 };
static _Atomic int turn;

/* Each of two waits for its turn without a call. */
GR_PREEMPTIBLE static void take_turns(int me)
{
	for (int i = 0; i < TURNS; i++) {
		while (load_relaxed(&turn) % 2 != me)
			;
		fetch_add_relaxed(&turn, 1);
	}
}

static void turn_of_one(void *arg)
{
	take_turns(1);
	gr_wg_done(arg);
}

static void two_take_turns(void *arg)
{
	gr_wg done = {0};

	(void)arg;
	store_relaxed(&turn, 0);
	gr_wg_add(&done, 1);
	spawn(turn_of_one, &done);
	take_turns(0);
	gr_wg_wait(&done);
	CHECK(load_relaxed(&turn) == 2 * TURNS);
}

/* Catches (hangs): one that waits in a loop on one P keeps the one that it waits for from running. */
static void go_TestPreemption(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++)
		run(procs, NULL, two_take_turns, NULL);
}

/* ---- TestAsyncPreempt ------------------------------------------------------------------------------------------------- */

/* Big frames, frames that are left out, and a leaf: in each a stop must be possible. */
static _Atomic int loops_end, loops_begun;

GR_PREEMPTIBLE static uint64_t with_big_frame(unsigned depth)
{
	volatile uint8_t frame[1500];
	uint64_t sum = 0;

	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * depth);
	fetch_add_relaxed(&loops_begun, 1);
	while (!load_relaxed(&loops_end))
		for (unsigned i = 0; i < sizeof(frame); i++)
			sum += frame[i];
	return sum;
}

GR_PREEMPTIBLE static void leaf_loop(void)
{
	fetch_add_relaxed(&loops_begun, 1);
	while (!load_relaxed(&loops_end))
		;
}

static void big(void *arg)
{
	with_big_frame(3);
	gr_wg_done(arg);
}

static void leaf(void *arg)
{
	leaf_loop();
	gr_wg_done(arg);
}

static void loops_of_all_kinds(void *arg)
{
	gr_wg done = {0};

	(void)arg;
	store_relaxed(&loops_end, 0);
	store_relaxed(&loops_begun, 0);
	for (int i = 0; i < 4; i++) {
		gr_wg_add(&done, 2);
		spawn(big, &done);
		spawn(leaf, &done);
	}
	while (load_relaxed(&loops_begun) < 8) /* each runs only if the others are stopped */
		gr_yield();
	CHECK(gr_set_procs(1) == 0); /* Go: a collection, which stops the world */
	store_relaxed(&loops_end, 1);
	gr_wg_wait(&done);
}

/* Catches (hangs): a tight loop, or one in a frame nearly as large as the stack, that is not stopped. */
static void go_TestAsyncPreempt(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 2; procs++)
		run(procs, NULL, loops_of_all_kinds, NULL);
}

/* ---- TestPreemptSplitBig ------------------------------------------------------------------------------------------------ */

enum { BIG_STACK = 256 * 1024 };

GR_PREEMPTIBLE static void big_split(_Atomic int *end)
{
	volatile uint8_t frame[BIG_STACK / 2];

	frame[0] = frame[sizeof(frame) - 1] = 1;
	while (!load_relaxed(end))
		frame[0] = (uint8_t)(frame[0] + 1);
}

static _Atomic int split_end;

static void big_split_main(void *arg)
{
	big_split(&split_end);
	gr_wg_done(arg);
}

static void stop_big_frames(void *arg)
{
	const struct gr_attr attr = {.stack_bytes = BIG_STACK};

	(void)arg;
	for (int i = 0; i < 5; i++) {
		gr_wg done = {0};

		store_relaxed(&split_end, 0);
		gr_wg_add(&done, 1);
		CHECK(gr_go_with(&attr, big_split_main, &done) == 0);
		gr_sleep_ns(2 * MS);
		CHECK(gr_set_procs(1 + gr_procs() % 2) == 0);
		store_relaxed(&split_end, 1);
		gr_wg_wait(&done);
	}
}

/* Catches (hangs): a G with a stack of another size that is taken for somebody else's. */
static void go_TestPreemptSplitBig(void **state)
{
	(void)state;
	run(2, NULL, stop_big_frames, NULL);
}

/* ---- TestPreemptionAfterSyscall ------------------------------------------------------------------------------------------ */

static _Atomic int after_end;

GR_PREEMPTIBLE static void spin_until(_Atomic int *end)
{
	while (!load_relaxed(end))
		;
}

/* A short call, then a loop without any. */
static void call_then_spin(void *arg)
{
	struct timespec t = {0, *(long *)arg};

	gr_syscall_enter();
	nanosleep(&t, NULL);
	gr_syscall_exit();
	spin_until(&after_end);
	gr_wg_done(&hogs);
}

static void stop_after_calls(void *arg)
{
	for (int round = 0; round < 3; round++) {
		store_relaxed(&after_end, 0);
		for (int i = 0; i < 4; i++) {
			gr_wg_add(&hogs, 1);
			spawn(call_then_spin, arg);
		}
		gr_sleep_ns(MS);
		CHECK(gr_set_procs(1 + gr_procs() % 2) == 0);
		store_relaxed(&after_end, 1);
		gr_wg_wait(&hogs);
	}
}

/* Catches (hangs): an M that got its P back, or another one, and is not known to who would send it a signal. */
static void go_TestPreemptionAfterSyscall(void **state)
{
	static long durations[] = {10 * 1000, 100 * 1000, 1000 * 1000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(durations); i++)
		run(2, NULL, stop_after_calls, &durations[i]);
}

/* ---- TestGCFairness, TestGCFairness2 --------------------------------------------------------------------------------------- */

/* The world is stopped again and again while all compute: in Go by collections. */
static _Atomic uint32_t counts[4]; /* they wrap */
static _Atomic int fair_end;

GR_PREEMPTIBLE static void count_until(_Atomic uint32_t *count, _Atomic int *end)
{
	while (!load_relaxed(end))
		store_relaxed(count, load_relaxed(count) + 1);
}

static void count_for_ever(void *arg)
{
	count_until(arg, &fair_end);
	gr_wg_done(&hogs);
}

static void all_of_them_get_on(void *arg)
{
	(void)arg;
	store_relaxed(&fair_end, 0);
	for (int i = 0; i < 4; i++) {
		store_relaxed(&counts[i], 0);
		gr_wg_add(&hogs, 1);
		spawn(count_for_ever, &counts[i]);
	}
	for (unsigned i = 0; i < 20; i++)
		CHECK(gr_set_procs(1 + i % 3) == 0);
	for (int i = 0; i < 4; i++) { /* hangs if one is starved */
		while (!load_relaxed(&counts[i]))
			gr_sleep_ns(MS);
		uint32_t before = load_relaxed(&counts[i]);

		while (load_relaxed(&counts[i]) == before)
			gr_sleep_ns(MS);
	}
	store_relaxed(&fair_end, 1);
	gr_wg_wait(&hogs);
}

/* Catches (hangs): who stops the world all the time, or those who are stopped, starve one that computes. */
static void go_TestGCFairness(void **state)
{
	(void)state;
	run(2, NULL, all_of_them_get_on, NULL);
}

/* ---- TestTimerFairness, TestTimerFairness2 ------------------------------------------------------------------------------------ */

/* A timer that is always due, and one that computes without calls (2: that calls in brackets too). */
static void due_for_ever(void *arg)
{
	(void)arg;
	while (!load_relaxed(&fair_end))
		gr_sleep_ns(1);
	gr_wg_done(&hogs);
}

static void call_for_ever(void *arg)
{
	(void)arg;
	while (!load_relaxed(&fair_end)) {
		gr_syscall_enter();
		gr_syscall_exit();
	}
	gr_wg_done(&hogs);
}

static void timers_and_hogs(void *arg)
{
	void (*const others[])(void *) = {due_for_ever, count_for_ever, arg ? call_for_ever : due_for_ever};

	store_relaxed(&fair_end, 0);
	store_relaxed(&counts[0], 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		gr_wg_add(&hogs, 1);
		spawn(others[i], &counts[0]);
	}
	for (int i = 0; i < 20; i++)
		gr_sleep_ns(MS / 2);
	while (!load_relaxed(&counts[0])) /* hangs if the hog never runs */
		gr_sleep_ns(MS / 10);
	store_relaxed(&fair_end, 1);
	gr_wg_wait(&hogs);
}

/* Catches (hangs): timers that are always due starve one that computes, or that one them. */
static void go_TestTimerFairness(void **state)
{
	(void)state;
	run(1, NULL, timers_and_hogs, NULL);
	run(2, NULL, timers_and_hogs, NULL);
}

static void go_TestTimerFairness2(void **state)
{
	(void)state;
	run(1, NULL, timers_and_hogs, (void *)1);
	run(2, NULL, timers_and_hogs, (void *)1);
}

/* ---- PingPongHog, with a hog that makes no call ------------------------------------------------------------------------------------ */

static void bounce(void *arg)
{
	gr_chan **ends = arg;
	int v;

	while (gr_chan_recv(ends[0], &v)) {
		v++;
		gr_chan_send(ends[1], &v);
	}
	gr_wg_done(&hogs);
}

static void ping_pong_beside_a_hog(void *arg)
{
	gr_chan *ends[2] = {chan_of_ints(0), chan_of_ints(0)};

	(void)arg;
	store_relaxed(&fair_end, 0);
	store_relaxed(&counts[0], 0);
	gr_wg_add(&hogs, 2);
	spawn(count_for_ever, &counts[0]);
	spawn(bounce, ends);
	for (int i = 0; i < 20000; i++) {
		send_int(ends[0], i);
		CHECK(recv_int(ends[1]) == i + 1);
	}
	while (!load_relaxed(&counts[0]))
		gr_yield();
	store_relaxed(&fair_end, 1);
	gr_chan_close(ends[0]);
	gr_wg_wait(&hogs);
	gr_chan_free(ends[0]);
	gr_chan_free(ends[1]);
}

/* Catches (hangs): a pair that readies each other starves a hog, or is starved by it. */
static void go_TestPingPongHog_without_calls(void **state)
{
	(void)state;
	run(1, NULL, ping_pong_beside_a_hog, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_TestPreemption),      cmocka_unit_test(go_TestAsyncPreempt),
		cmocka_unit_test(go_TestPreemptSplitBig), cmocka_unit_test(go_TestPreemptionAfterSyscall),
		cmocka_unit_test(go_TestGCFairness),      cmocka_unit_test(go_TestTimerFairness),
		cmocka_unit_test(go_TestTimerFairness2),  cmocka_unit_test(go_TestPingPongHog_without_calls),
	};

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_preempt", tests, NULL, NULL);
}
