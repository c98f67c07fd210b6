/*
 * Counters on a child that does a known thing between begin and end. It is this program, called as `test child NAME`.
 * Nothing here needs a PMU or root: what the machine does not let us count is said and skipped, but must never be a 0.
 */
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

#include "harness/measure/measure.h"

#define LONG_NS INT64_C(20000000000)
#define SLEEPS 50

/* Run `test child NAME` with the events; the region is between its two messages. The result array. */
static json_t *count(const char *child, const char *const *names, size_t n, uint64_t ops)
{
	const char *const argv[] = {"test", "child", child, NULL};
	struct process_spec spec = {.path = "/proc/self/exe", .argv = argv};
	struct process_exit end;
	struct process *p = NULL;
	struct err err = {""};
	json_t *message, *ack = json_pack("{s:s}", "cmd", "ack"), *result;

	if (counters_new(names, n, &spec.counters, &err) != 0 || process_start(&spec, &p, &err) != 0)
		fail_msg("%s", err.why);
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), 0);
	json_decref(message);
	counters_begin(spec.counters);
	assert_int_equal(process_send(p, ack, &err), 0);
	json_decref(ack);
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), 0);
	json_decref(message);
	counters_end(spec.counters);
	process_finish(p, LONG_NS, &end);
	assert_int_equal(end.code, 0);
	result = counters_result(spec.counters, ops);
	counters_free(spec.counters);
	assert_non_null(result);
	assert_int_equal(json_array_size(result), n);
	return result;
}

/* Every entry: a value per operation or a reason, never both, never neither; a null is not a 0. */
static void check_form(const json_t *result)
{
	json_t *entry;
	size_t i;

	json_array_foreach (result, i, entry) {
		const json_t *value = json_object_get(entry, "value"), *why = json_object_get(entry, "why");
		const json_t *per_op = json_object_get(entry, "per_op");

		assert_true(json_is_string(json_object_get(entry, "name")));
		assert_true(json_is_integer(value) || json_is_null(value));
		assert_true(json_is_number(per_op) || json_is_null(per_op));
		assert_int_equal(json_is_null(per_op), json_is_string(why));
		assert_false(json_is_null(value) && json_is_number(per_op));
		if (json_is_integer(value))
			assert_true(json_is_string(json_object_get(entry, "scope")));
	}
}

/* The value of entry i, or -1 with the reason printed. */
static json_int_t value_or_skip(const json_t *result, size_t i)
{
	const json_t *entry = json_array_get(result, i);
	const json_t *value = json_object_get(entry, "value");

	if (json_is_integer(value))
		return json_integer_value(value);
	print_message("skipped: %s: %s\n", json_string_value(json_object_get(entry, "name")),
		      json_string_value(json_object_get(entry, "why")));
	return -1;
}

static void test_context_switches(void **state)
{
	static const char *const names[] = {"context-switches", "task-clock"};
	json_t *result = count("sleep", names, 2, SLEEPS);
	json_int_t switches, run_ns;

	(void)state;
	check_form(result);
	switches = value_or_skip(result, 0);
	if (switches >= 0) {
		const json_t *entry = json_array_get(result, 0);

		assert_true(switches >= SLEEPS);
		assert_true(json_real_value(json_object_get(entry, "per_op")) >= 1.0);
		assert_string_equal(json_string_value(json_object_get(entry, "scope")), "user+kernel");
	}
	run_ns = value_or_skip(result, 1);
	if (run_ns >= 0)
		assert_true(run_ns > 0);
	json_decref(result);
}

/* A thread that is created inside the region and has ended before the second read is in the sum. */
static void test_threads(void **state)
{
	static const char *const names[] = {"context-switches"};
	json_t *result = count("thread", names, 1, SLEEPS);
	json_int_t switches = value_or_skip(result, 0);

	(void)state;
	check_form(result);
	if (switches >= 0)
		assert_true(switches >= SLEEPS);
	json_decref(result);
}

/* What the child does before begin is not counted: the same child sleeps 50 times before it, and never inside. */
static void test_region_only(void **state)
{
	static const char *const names[] = {"context-switches"};
	json_t *result = count("before", names, 1, 0);
	json_int_t switches = value_or_skip(result, 0);

	(void)state;
	check_form(result);
	if (switches >= 0)
		assert_true(switches < SLEEPS);
	assert_true(json_is_null(json_object_get(json_array_get(result, 0), "per_op"))); /* 0 operations: not told */
	json_decref(result);
}

static void test_faults(void **state)
{
	static const char *const names[] = {"page-faults"};
	json_t *result = count("touch", names, 1, 1000);
	json_int_t faults = value_or_skip(result, 0);

	(void)state;
	check_form(result);
	if (faults >= 0)
		assert_true(faults >= 1000);
	json_decref(result);
}

/* Hardware events, unknown ones, tracepoints, and software events that cannot be seen from user mode. */
static void test_absent(void **state)
{
	static const char *const names[] = {"cycles",        "no-such-event",      "sched:no_such_point",
					    "../etc:passwd", "sched:sched_switch", "context-switches:u"};
	json_t *result = count("sleep", names, sizeof names / sizeof *names, 1);
	char why[200];

	(void)state;
	check_form(result);
	if (counters_pmu_available(why, sizeof why)) {
		assert_true(value_or_skip(result, 0) != 0);
	} else {
		assert_true(json_is_null(json_object_get(json_array_get(result, 0), "value")));
		print_message("no PMU: %s\n", why);
		assert_true(strlen(why) > 10);
	}
	for (size_t i = 1; i <= 3; i++)
		assert_true(json_is_null(json_object_get(json_array_get(result, i), "value")));
	assert_true(value_or_skip(result, 4) != 0);
	assert_true(value_or_skip(result, 5) != 0); /* null, whatever the reason: user-only it would read 0 */
	json_decref(result);
}

/* A set can be used for one child after another, and starts anew each time. */
static void test_without_child(void **state)
{
	static const char *const names[] = {"context-switches"};
	struct counters *c;
	struct err err;
	json_t *result;

	(void)state;
	assert_int_equal(counters_new(names, 1, &c, &err), 0);
	result = counters_result(c, 1);
	check_form(result);
	json_decref(result);
	counters_open(c, getpid());
	counters_begin(c);
	result = counters_result(c, 1);
	check_form(result);
	assert_true(json_is_null(json_object_get(json_array_get(result, 0), "value"))); /* never read at its end */
	json_decref(result);
	counters_open(c, getpid());
	counters_free(c);
}

/* ---- the child ----------------------------------------------------------------------------------------- */

static void *sleep_often(void *arg)
{
	struct timespec short_while = {.tv_nsec = 500000};

	for (int i = 0; i < SLEEPS; i++)
		nanosleep(&short_while, NULL);
	return arg;
}

static int run_child(const char *name)
{
	static const size_t page = 4096;
	pthread_t thread;
	char line[64];

	if (strcmp(name, "before") == 0)
		sleep_often(NULL);
	printf("{\"msg\":\"begin\"}\n");
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		return 1;
	if (strcmp(name, "sleep") == 0)
		sleep_often(NULL);
	if (strcmp(name, "thread") == 0 &&
	    (pthread_create(&thread, NULL, sleep_often, NULL) != 0 || pthread_join(thread, NULL) != 0))
		return 1;
	if (strcmp(name, "touch") == 0) {
		volatile char *p = aligned_alloc(page, 4000 * page);

		/* Every fourth page, so that faults of a few pages at once cannot hide the others. */
		for (size_t i = 0; p && i < 1000; i++)
			p[i * 4 * page] = 1;
		free((char *)p);
	}
	printf("{\"msg\":\"end\"}\n");
	fflush(stdout);
	return fgets(line, sizeof line, stdin) ? 1 : 0; /* until the harness closes the pipe */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_context_switches), cmocka_unit_test(test_threads),
		cmocka_unit_test(test_region_only),      cmocka_unit_test(test_faults),
		cmocka_unit_test(test_absent),           cmocka_unit_test(test_without_child),
	};

	if (argc == 3 && strcmp(argv[1], "child") == 0)
		return run_child(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
