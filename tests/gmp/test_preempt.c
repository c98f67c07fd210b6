/*
 * test_preempt.c - Gs that compute are stopped, where they may be and nowhere else, and do not notice.
 *
 * No bound on time is absolute but the alarm's: a G that is not stopped holds up the one that would end it, for ever.
 */
#include "preempt_stress.h"

#include <sys/resource.h>
#include <sys/socket.h>

/* Turned off, or not to be had here: then the test is skipped. */
#define NEEDS_PREEMPTION()                                                                                             \
	do {                                                                                                           \
		if (!has_preemption()) {                                                                               \
			printf("no preemption here: %s\n", gr__preempt_state());                                       \
			skip();                                                                                        \
		}                                                                                                      \
	} while (0)

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

/* ---- time and I/O ------------------------------------------------------------------------------------------------ */

enum { NAPS = 60 };

static int64_t lateness[NAPS], thread_lateness[NAPS];

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void nap_among_hogs(void *arg)
{
	start_hogs(*(unsigned *)arg);
	gr_sleep_ns(20 * MS); /* all Ps have one */
	for (int i = 0; i < NAPS; i++) {
		int64_t due = clock_ns() + (int64_t)MS;

		gr_sleep_ns(MS);
		lateness[i] = clock_ns() - due;
	}
	end_hogs();
}

/* What the machine does to a thread that sleeps as long, beside as many hogs. */
static void *nap_as_thread(void *arg)
{
	(void)arg;
	for (int i = 0; i < NAPS; i++) {
		struct timespec ms = {0, 1000000};
		int64_t due = clock_ns() + (int64_t)MS;

		nanosleep(&ms, NULL);
		thread_lateness[i] = clock_ns() - due;
	}
	return NULL;
}

/*
 * Hogs on every P, and more of them: a sleep of 1 ms. The bound is 15 ms; what the machine itself does to a thread
 * meanwhile comes on top.
 */
static void a_hog_on_every_p_does_not_hold_up_time(void **state)
{
	(void)state;
	NEEDS_PREEMPTION();
	for (unsigned procs = 1; procs <= 2; procs++) {
		for (unsigned n = procs; n <= 4 * procs; n *= 4) {
			pthread_t thread;

			start(procs, NULL);
			assert_int_equal(pthread_create(&thread, NULL, nap_as_thread, NULL), 0);
			gr_run(nap_among_hogs, &n);
			pthread_join(thread, NULL);
			stop();
			qsort(lateness, NAPS, sizeof(lateness[0]), by_value);
			qsort(thread_lateness, NAPS, sizeof(thread_lateness[0]), by_value);
			printf("%u Ps, %u hogs: 1 ms sleep late by %.3f ms (median), %.3f ms (max); a thread's: %.3f, "
			       "%.3f\n",
			       procs, n, (double)lateness[NAPS / 2] / 1e6, (double)lateness[NAPS - 1] / 1e6,
			       (double)thread_lateness[NAPS / 2] / 1e6, (double)thread_lateness[NAPS - 1] / 1e6);
			assert_true(lateness[NAPS / 2] < (int64_t)(15 * MS) + 4 * thread_lateness[NAPS - 1]);
		}
	}
}

static int fds[2];

static void *write_later(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++) {
		struct timespec ms = {0, 3000000};

		nanosleep(&ms, NULL);
		CHECK(write(fds[1], "x", 1) == 1);
	}
	return NULL;
}

static void read_among_hogs(void *arg)
{
	gr_sock *s;
	char c;

	(void)arg;
	start_hogs(3 * gr_procs());
	CHECK(gr_sock_adopt(fds[0], &s) == 0);
	for (int i = 0; i < 20; i++)
		CHECK(gr_sock_read(s, &c, 1) == 1);
	gr_sock_close(s);
	end_hogs();
}

static void a_hog_on_every_p_does_not_hold_up_io(void **state)
{
	(void)state;
	NEEDS_PREEMPTION();
	for (unsigned procs = 1; procs <= 2; procs++) {
		pthread_t thread;

		assert_int_equal(pipe(fds), 0);
		start(procs, NULL);
		assert_int_equal(pthread_create(&thread, NULL, write_later, NULL), 0);
		gr_run(read_among_hogs, NULL);
		pthread_join(thread, NULL);
		assert_true(preemptions() > 0);
		stop();
		close(fds[1]);
	}
}

/* ---- and busy ones are left in peace -------------------------------------------------------------------------------- */

enum {
	BUSY_MS = 200,
	POLLS_PER_MS = 3 /* one is the rule */,
	BUSY_TRIES = 3 /* on a machine that does other things, too */
};

static _Atomic int busy_end;
static int64_t busy_ns;

static void yield_until_end(void *arg)
{
	while (!load_relaxed(&busy_end))
		gr_yield();
	gr_wg_done(arg);
}

static void read_until_end(void *arg)
{
	gr_sock *s;
	char buf[4096];

	CHECK(gr_sock_adopt(fds[0], &s) == 0);
	while (gr_sock_read(s, buf, sizeof(buf)) > 0)
		;
	gr_sock_close(s);
	gr_wg_done(arg);
}

/* An edge with each switch, for one that waits; who polls is not the P (poll_us). */
static void make_edges(void *arg)
{
	gr_wg wg = {0};
	int64_t begun = clock_ns();

	(void)arg;
	gr_wg_add(&wg, 2);
	CHECK(gr_go(yield_until_end, &wg) == 0);
	CHECK(gr_go(read_until_end, &wg) == 0);
	while (clock_ns() - begun < BUSY_MS * (int64_t)MS) {
		(void)!send(fds[1], "x", 1, MSG_DONTWAIT);
		gr_yield();
	}
	busy_ns = clock_ns() - begun;
	store_relaxed(&busy_end, 1);
	close(fds[1]);
	gr_wg_wait(&wg);
}

/* Catches: the monitor, on its way into the poller while all Ps are busy, though they switch, is woken by each edge. */
static void the_monitor_does_not_poll_beside_ps_that_switch(void **state)
{
	uint64_t fewest = UINT64_MAX;

	(void)state;
	for (int i = 0; i < BUSY_TRIES && fewest >= POLLS_PER_MS; i++) {
		struct gr_stats stats;

		store_relaxed(&busy_end, 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		start(1, "poll_us=1000000");
		gr_run(make_edges, NULL);
		gr_stats_read(&stats);
		stop();
		printf("%llu polls in %lld ms\n", (unsigned long long)stats.polls, (long long)(busy_ns / (int64_t)MS));
		assert_true(stats.polls > 0);
		if (stats.polls * MS / (uint64_t)busy_ns < fewest)
			fewest = stats.polls * MS / (uint64_t)busy_ns;
	}
	assert_true(fewest < POLLS_PER_MS);
}

enum { STUBBORN_MS = 200, WAKE_UPS_PER_MS = 3 /* one in 20 us would be 50, less what a machine takes for each */ };

static long wake_ups; /* beside the first of two: then one waits */
static gr_wg stubborn;

/* Not marked, and without a call: it is asked, and struck, and does not stop. */
static void compute_on_and_on(void *arg)
{
	int64_t begun = clock_ns();
	struct rusage before, after;

	(void)arg;
	CHECK(getrusage(RUSAGE_SELF, &before) == 0);
	while (clock_ns() - begun < STUBBORN_MS * (int64_t)MS)
		;
	CHECK(getrusage(RUSAGE_SELF, &after) == 0);
	if (wake_ups < 0)
		wake_ups = after.ru_nvcsw - before.ru_nvcsw;
	gr_wg_done(&stubborn);
}

static void be_stubborn_while_one_waits(void *arg)
{
	gr_wg_add(&stubborn, 2);
	for (int i = 0; i < 2; i++)
		CHECK(gr_go(compute_on_and_on, arg) == 0);
	gr_wg_wait(&stubborn);
}

/* Catches: a slice that lasts is something to do at each tick, so that the monitor takes the CPU from who computes. */
static void the_monitor_does_not_insist(void **state)
{
	(void)state;
	NEEDS_PREEMPTION();
	wake_ups = -1;
	start(1, NULL);
	gr_run(be_stubborn_while_one_waits, NULL);
	stop();
	printf("%ld wake-ups in %d ms\n", wake_ups, STUBBORN_MS);
	assert_true(wake_ups >= 0 && wake_ups < STUBBORN_MS * WAKE_UPS_PER_MS);
}

static _Atomic int late_end;

GR_PREEMPTIBLE static void compute_until_late_end(void)
{
	while (!load_relaxed(&late_end))
		;
}

/* As if sysmon had asked for the G before, but just after the P looked. */
static void hog_with_an_old_request(void *arg)
{
	fetch_or_relaxed(&gr__m()->p->urgent, GR__URGENT_READY);
	compute_until_late_end();
	gr_wg_done(arg);
}

static void nap_beside_an_old_request(void *arg)
{
	gr_wg wg = {0};

	(void)arg;
	for (int i = 0; i < 5; i++) {
		store_relaxed(&late_end, 0);
		gr_wg_add(&wg, 1);
		CHECK(gr_go(hog_with_an_old_request, &wg) == 0);
		gr_sleep_ns(MS); /* nobody but the sleeper wants the P */
		store_relaxed(&late_end, 1);
		gr_wg_wait(&wg);
	}
}

/* Catches (hangs): a request that has outlived the run that it was for is taken for one to the run of now. */
static void a_request_that_came_too_late_is_made_again(void **state)
{
	(void)state;
	NEEDS_PREEMPTION();
	start(1, NULL);
	gr_run(nap_beside_an_old_request, NULL);
	stop();
}

/* ---- the number of Ps, the end -------------------------------------------------------------------------------------- */

static void change_procs_among_hogs(void *arg)
{
	(void)arg;
	start_hogs(6);
	for (unsigned i = 0; i < 12; i++)
		CHECK(gr_set_procs(1 + i % 3) == 0);
	end_hogs();
}

static void hogs_do_not_hold_up_the_world(void **state)
{
	(void)state;
	NEEDS_PREEMPTION();
	start(3, "slice_us=1000000"); /* not because their slices end */
	gr_run(change_procs_among_hogs, NULL);
	stop();
}

static void leave_hogs(void *arg)
{
	(void)arg;
	start_hogs(5);
	gr_sleep_ns(5 * MS);
}

/* They are dropped where they are: some in a handler, some not. Then there is another runtime. */
static void hogs_do_not_hold_up_the_end(void **state)
{
	(void)state;
	NEEDS_PREEMPTION();
	for (unsigned i = 0; i < 6; i++) {
		start(1 + i % 3, i < 3 ? NULL : "slice_us=200");
		gr_run(leave_hogs, NULL);
		stop();
		memset(&hogs, 0, sizeof(hogs));
	}
}

/* ---- where it may be stopped ------------------------------------------------------------------------------------------ */

static _Atomic int others_ran;

static void runs(void *arg)
{
	(void)arg;
	store_relaxed(&others_ran, 1);
}

GR_PREEMPTIBLE static void compute_ns(int64_t rounds)
{
	for (volatile int64_t i = rounds; i > 0; i--)
		;
}

/* So that one who can be stopped would be: until sysmon has struck often, or for some slices at least. */
static void compute_marked(void)
{
	int64_t until = clock_ns() + 3 * (int64_t)MS;

	while (clock_ns() < until)
		compute_ns(10000);
}

static void with_depth(void *arg)
{
	(void)arg;
	gr_nopreempt_enter();
	gr_nopreempt_enter();
	gr_nopreempt_leave();
	CHECK(gr_go(runs, NULL) == 0);
	compute_marked();
	CHECK(!load_relaxed(&others_ran)); /* one P: it could have run only in our place */
	gr_yield(); /* the depth is the G's: it comes along */
	CHECK(load_relaxed(&others_ran));
	store_relaxed(&others_ran, 0);
	CHECK(gr_go(runs, NULL) == 0);
	compute_marked();
	CHECK(!load_relaxed(&others_ran));
	gr_nopreempt_leave();
	while (!load_relaxed(&others_ran))
		compute_ns(1000);
}

static void not_while_the_depth_is_raised(void **state)
{
	(void)state;
	NEEDS_PREEMPTION();
	store_relaxed(&others_ran, 0);
	start(1, "slice_us=100");
	gr_run(with_depth, NULL);
	stop();
}

/* The same loop, not marked. */
static void unmarked(void *arg)
{
	int64_t until = clock_ns() + 3 * (int64_t)MS;

	(void)arg;
	CHECK(gr_go(runs, NULL) == 0);
	while (clock_ns() < until)
		compute(10000);
	CHECK(!load_relaxed(&others_ran));
	/* It asks by itself whether others wait. */
	while (!load_relaxed(&others_ran)) {
		compute(1000);
		gr_checkpoint();
	}
}

static void unmarked_code_is_left_alone(void **state)
{
	(void)state;
	store_relaxed(&others_ran, 0);
	start(1, "slice_us=100");
	gr_run(unmarked, NULL);
	assert_int_equal(preemptions(), 0);
	stop();
}

static void marked_for_a_while(void *arg)
{
	(void)arg;
	CHECK(gr_go(runs, NULL) == 0);
	compute_marked();
	CHECK(!load_relaxed(&others_ran));
}

static void not_when_it_is_off(void **state)
{
	(void)state;
	store_relaxed(&others_ran, 0);
	start(1, "slice_us=100,preempt=0");
	gr_run(marked_for_a_while, NULL);
	assert_int_equal(preemptions(), 0);
	stop();
}

/* A handler of the program's, on the alternate stack, that calls marked code: not ours to switch from. */
static _Atomic uint32_t in_handler;

static void on_usr1(int sig)
{
	(void)sig;
	compute_ns(200000);
	fetch_add_relaxed(&in_handler, 1);
}

static void interrupt_myself(void *arg)
{
	(void)arg;
	start_hogs(1);
	for (int i = 0; i < 50; i++)
		raise(SIGUSR1);
	end_hogs();
}

static void not_in_a_handler(void **state)
{
	struct sigaction sa = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK}, old;
	struct striker s;

	(void)state;
	NEEDS_PREEMPTION();
	worker_fn = NULL;
	store_relaxed(&in_handler, 0);
	sigaction(SIGUSR1, &sa, &old);
	start(1, "slice_us=1000000");
	striker_start(&s, UINT64_MAX);
	gr_run(interrupt_myself, NULL);
	striker_end(&s);
	stop();
	gr__on_strike = NULL;
	sigaction(SIGUSR1, &old, NULL);
	assert_int_equal(load_relaxed(&in_handler), 50);
	assert_int_equal(load_relaxed(&bad_strikes), 0); /* judge_strike looks at the stack pointer */
}

/* Who had the signal before keeps it: what is not the runtime's goes there, and after gr_stop everything does. */
static _Atomic int urgent_data;

static void on_urg(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	if (info->si_code == SI_QUEUE)
		fetch_add_relaxed(&urgent_data, info->si_value.sival_int);
	else
		fetch_add_relaxed(&urgent_data, 100);
}

static void queue_signal(void *arg)
{
	const union sigval v = {.sival_int = 1};

	(void)arg;
	start_hogs(2);
	gr_sleep_ns(5 * MS);
	CHECK(sigqueue(getpid(), SIGURG, v) == 0);
	while (!load_relaxed(&urgent_data))
		gr_sleep_ns(MS / 10);
	end_hogs();
}

static void a_handler_of_before_is_called(void **state)
{
	struct sigaction sa, old;

	(void)state;
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_urg;
	sa.sa_flags = SA_SIGINFO;
	store_relaxed(&urgent_data, 0);
	sigaction(SIGURG, &sa, &old);
	start(1, "slice_us=200");
	if (has_preemption())
		gr_run(queue_signal, NULL);
	stop();
	if (has_preemption())
		assert_int_equal(load_relaxed(&urgent_data), 1);
	raise(SIGURG);
	assert_true(load_relaxed(&urgent_data) >= 100);
	sigaction(SIGURG, &old, NULL);
}

/* ---- many strikes ------------------------------------------------------------------------------------------------------- */

static void strikes_hit_nothing_but_marked_code(void **state)
{
	(void)state;
	NEEDS_PREEMPTION();
	for (unsigned procs = 1; procs <= 3; procs++) {
		stress(procs, is_slow() ? 500 : 5000);
		assert_int_equal(load_relaxed(&bad_strikes), 0);
	}
}

/* The control: what the test above could not see would not be seen here either. */
static void the_check_sees_a_strike_in_qsort(void **state)
{
	(void)state;
	NEEDS_PREEMPTION();
	is_qsort_unprotected = true;
	for (int i = 0; i < 20 && (i == 0 || !load_relaxed(&bad_strikes)); i++)
		stress(2, is_slow() ? 500 : 3000);
	is_qsort_unprotected = false;
	assert_true(load_relaxed(&bad_strikes) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hog_on_every_p_does_not_hold_up_time),
		cmocka_unit_test(a_hog_on_every_p_does_not_hold_up_io),
		cmocka_unit_test(the_monitor_does_not_poll_beside_ps_that_switch),
		cmocka_unit_test(the_monitor_does_not_insist),
		cmocka_unit_test(a_request_that_came_too_late_is_made_again),
		cmocka_unit_test(hogs_do_not_hold_up_the_world),
		cmocka_unit_test(hogs_do_not_hold_up_the_end),
		cmocka_unit_test(not_while_the_depth_is_raised),
		cmocka_unit_test(unmarked_code_is_left_alone),
		cmocka_unit_test(not_when_it_is_off),
		cmocka_unit_test(not_in_a_handler),
		cmocka_unit_test(a_handler_of_before_is_called),
		cmocka_unit_test(strikes_hit_nothing_but_marked_code),
		cmocka_unit_test(the_check_sees_a_strike_in_qsort),
	};

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/preempt", tests, NULL, NULL);
}
