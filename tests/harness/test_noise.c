/* Noise: the parser and the judge on made-up readings, then a busy child on a real CPU. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/measure/internal.h"
#include "harness/measure/measure.h"

#define MS INT64_C(1000000)
#define TICK (10 * MS)
#define LIMIT 0.05

static struct noise_point a, b; /* too large for comfort on a stack */

static cpu_set_t cpus(int first, int last)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = first; cpu <= last; cpu++)
		CPU_SET(cpu, &set);
	return set;
}

static void test_parse(void **state)
{
	static const char text[] = "cpu  100 0 100 9000 50 3 4 7 0 0\n"
				   "cpu0 10 20 30 4000 25 1 2 3 99 98\n"
				   "cpu1 1 2 3 4\n"
				   "cpu37 5 0 0 1 1 0 0 11 0 0\n"
				   "cpu4000 5 0 0 1 1 0 0 11 0 0\n"
				   "intr 123 cpu2 9 9 9 9\n";

	(void)state;
	memset(&a, 0, sizeof a);
	noise_parse_stat(text, TICK, &a);
	/* user + nice + system + irq + softirq; guests are in user, idle and iowait are not busy. */
	assert_int_equal(a.busy_ns[0], (10 + 20 + 30 + 1 + 2) * TICK);
	assert_int_equal(a.steal_ns[0], 3 * TICK);
	assert_int_equal(a.busy_ns[1], 6 * TICK);
	assert_int_equal(a.steal_ns[1], 0);
	assert_int_equal(a.busy_ns[37], 5 * TICK);
	assert_int_equal(a.steal_ns[37], 11 * TICK);
	assert_int_equal(a.busy_ns[2], 0);
}

/* The verdict for a wall time, and busy, own and stolen time on CPU 1 of a machine; CPU 0 is a decoy. */
static bool is_contaminated(int64_t wall_ms, int64_t busy_ms, int64_t own_ms, int64_t steal_ms)
{
	cpu_set_t set = cpus(1, 1);
	json_t *noise;
	bool result;

	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	b.mono_ns = wall_ms * MS;
	b.busy_ns[0] = wall_ms * MS;
	b.busy_ns[1] = busy_ms * MS;
	b.steal_ns[1] = steal_ms * MS;
	noise = noise_judge(&a, &b, &set, own_ms * MS, LIMIT);
	result = strcmp(json_string_value(json_object_get(noise, "verdict")), "contaminated") == 0;
	assert_int_equal(json_array_size(json_object_get(noise, "reasons")) > 0, result);
	assert_int_equal(json_integer_value(json_object_get(noise, "foreign_ns")), (busy_ms - own_ms + steal_ms) * MS);
	json_decref(noise);
	return result;
}

static void test_judge(void **state)
{
	(void)state;
	assert_false(is_contaminated(1000, 1000, 1000, 0)); /* all its own */
	assert_true(is_contaminated(1000, 1000, 0, 0)); /* all others' */
	assert_true(is_contaminated(1000, 1000, 900, 0)); /* a tenth */
	assert_false(is_contaminated(1000, 1000, 960, 0)); /* below the limit */
	assert_false(is_contaminated(1000, 0, 0, 0));
	assert_true(is_contaminated(1000, 800, 800, 200)); /* the hypervisor's */
	assert_false(is_contaminated(1000, 90, 120, 0)); /* resolution: a little less than its own */
	/* One tick in a short region is the ruler's own step, three are not. */
	assert_false(is_contaminated(100, 10, 0, 0));
	assert_true(is_contaminated(100, 30, 0, 0));
	/* A CPU that is half busy is sampled badly: 20 ms of 200 may be chance, 80 are not. */
	assert_false(is_contaminated(200, 120, 100, 0));
	assert_true(is_contaminated(200, 180, 100, 0));
	assert_false(is_contaminated(0, 0, 0, 0)); /* nothing to divide by */
}

/* The fields of docs/records.md, and what is unknown is null. */
static void test_record(void **state)
{
	static const char *const numbers[] = {"wall_ns",    "busy_ns", "own_ns", "steal_ns",
					      "foreign_ns", "rate",    "limit"};
	cpu_set_t set = cpus(0, 1);
	json_t *noise;

	(void)state;
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	b.mono_ns = 500 * MS;
	a.psi_some_us = -1;
	b.psi_some_us = 100;
	b.loadavg1 = 1.5;
	b.busy_ns[0] = b.busy_ns[1] = 250 * MS;
	noise = noise_judge(&a, &b, &set, 0, LIMIT);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		assert_true(json_is_number(json_object_get(noise, numbers[i])));
	assert_true(json_real_value(json_object_get(noise, "rate")) == 0.5);
	assert_true(json_is_null(json_object_get(noise, "psi_cpu_some_us")));
	assert_true(json_real_value(json_object_get(noise, "loadavg1")) == 1.5);
	json_decref(noise);
	a.psi_some_us = 40;
	noise = noise_judge(&a, &b, &set, 0, LIMIT);
	assert_int_equal(json_integer_value(json_object_get(noise, "psi_cpu_some_us")), 60);
	json_decref(noise);
}

/* A child that keeps one CPU busy for 400 ms is noise as long as nobody says that it is ours. */
static void test_busy_child(void **state)
{
	const char *const argv[] = {"test", "child", "busy", NULL};
	struct process_spec spec = {.path = "/proc/self/exe", .argv = argv};
	bool is_clean = false;
	cpu_set_t allowed, one;
	int last = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			last = cpu;
	if (last >= 512) {
		print_message("skipped: no CPU below 512 is allowed\n");
		skip();
	}
	one = cpus(last, last);
	spec.cpus = &one;
	/* Another program may really disturb it; it need not do so five times. */
	for (int i = 0; i < 5 && !is_clean; i++) {
		struct process_exit end;
		struct process *p;
		struct err err = {""};
		json_t *noise;

		noise_read(&a);
		assert_true(a.mono_ns > 0);
		if (process_start(&spec, &p, &err) != 0)
			fail_msg("%s", err.why);
		process_finish(p, 20000 * MS, &end);
		noise_read(&b);
		noise = noise_judge(&a, &b, &one, 0, LIMIT);
		assert_string_equal(json_string_value(json_object_get(noise, "verdict")), "contaminated");
		json_decref(noise);
		noise = noise_judge(&a, &b, &one, end.user_ns + end.sys_ns, LIMIT);
		is_clean = strcmp(json_string_value(json_object_get(noise, "verdict")), "clean") == 0;
		if (!is_clean)
			print_message("disturbed: rate %.3f\n", json_real_value(json_object_get(noise, "rate")));
		json_decref(noise);
	}
	if (!is_clean && b.loadavg1 > 1)
		print_message("skipped: load average %.1f, this machine is not quiet for 400 ms\n", b.loadavg1);
	else
		assert_true(is_clean);
}

static void test_spin(void **state)
{
	int64_t best = INT64_MAX;

	(void)state;
	for (int i = 0; i < 5; i++) {
		int64_t ns = noise_spin();

		best = ns < best ? ns : best;
	}
	/* Nothing here is faster than one step per 0.1 ns: the compiler has not removed it. */
	assert_true(best > 70000);
	print_message("spin: %.2f ms\n", (double)best / 1e6);
}

static void *burn(void *arg)
{
	while (clock() < CLOCKS_PER_SEC * 3 / 10)
		;
	return arg;
}

/* A thread that waits for another of its own process has not been disturbed: the CPU was the process's all the time. */
static void test_waiting_for_others(void **state)
{
	(void)state;
	assert_int_equal(noise_waited_for_others_ns(3200000, 127000), 127000); /* the slice of one thread of its own */
	assert_int_equal(noise_waited_for_others_ns(3200000, 3300000), 3200000); /* somebody had the CPU meanwhile */
	assert_int_equal(noise_waited_for_others_ns(3200000, -5000), 0); /* clocks that differ by a little */
	assert_int_equal(noise_waited_for_others_ns(-1, 5000), -1); /* not known */
}

/* Two threads on one CPU wait for each other; a thread that sleeps waits for nobody. */
static void test_run_delay(void **state)
{
	cpu_set_t allowed, one;
	pthread_t threads[2];
	int64_t before, after;

	(void)state;
	assert_int_equal(noise_run_delay_ns(999999999), -1);
	before = noise_run_delay_ns(getpid());
	if (before < 0) {
		print_message("skipped: this kernel has no schedstat\n");
		skip();
	}
	assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && CPU_COUNT(&one) == 0)
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	assert_int_equal(pthread_create(&threads[0], NULL, burn, NULL), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, burn, NULL), 0);
	/* The values of a thread are gone with it: read while they run. */
	do {
		struct timespec step = {.tv_nsec = 10 * MS};

		nanosleep(&step, NULL);
		after = noise_run_delay_ns(getpid());
	} while (after - before < 20 * MS && clock() < CLOCKS_PER_SEC * 3 / 10);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_int_equal(sched_setaffinity(0, sizeof allowed, &allowed), 0);
	assert_true(after - before >= 20 * MS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),     cmocka_unit_test(test_judge),
		cmocka_unit_test(test_record),    cmocka_unit_test(test_waiting_for_others),
		cmocka_unit_test(test_run_delay), cmocka_unit_test(test_busy_child),
		cmocka_unit_test(test_spin),
	};

	if (argc == 3 && strcmp(argv[2], "busy") == 0) {
		while (clock() < CLOCKS_PER_SEC * 4 / 10)
			;
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
