/*
 * The engine over fakes: what it asks whom, what it stops asking, what is in the store at the end. Runs that end before they
 * are complete are in test_engine_stop.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "harness/plan/order.h"
#include "tests/harness/engine_run.h"

static void test_whole_run(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, two, SMALL);
	assert_int_equal(run(&f, &result), 0);
	assert_true(result.is_complete);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_int_equal(count(samples, "aa", false, "calibrate", -1), 2); /* fake/once needs none */
	assert_int_equal(count(samples, "bb", false, "calibrate", -1), 2);
	assert_int_equal(count(samples, "aa", true, "calibrate", -1), 0);
	assert_int_equal(count(samples, "aa", false, "timed", -1), 2 * 4 + 2);
	assert_int_equal(count(samples, "bb", false, "timed", -1), 2 * 4 + 2);
	assert_int_equal(count(samples, "aa", true, "timed", -1), 4);
	assert_int_equal(count(samples, "aa", false, "counted", -1), 2);
	json_decref(samples);
	drop(&f);
}

/* Running a complete run again does nothing. */
static void test_resume_of_complete_run(void **state)
{
	struct fixture f;
	struct engine_result result, again;
	json_t *before, *after;

	(void)state;
	make(&f, two, SMALL);
	assert_int_equal(run(&f, &result), 0);
	before = samples_of(&f);
	assert_int_equal(run(&f, &again), 0);
	after = samples_of(&f);
	assert_true(json_equal(before, after));
	assert_int_equal(result.ok, again.ok);
	assert_int_equal(result.requeued, again.requeued);
	json_decref(before);
	json_decref(after);
	drop(&f);
}

/* Positions are balanced in a block of as many rounds as there are entries. */
static void test_positions(void **state)
{
	static const char *const three[] = {"aa", "bb", "cc", NULL};
	unsigned at[3][3] = {{0}};
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const json_t *s;
	size_t i;

	(void)state;
	make(&f, three, "{\"workload\":\"fake/once\",\"rounds\":6}");
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	json_array_foreach (samples, i, s)
		if (!is(s, "status", "requeued"))
			at[jsonx_str(s, "subject")[0] - 'a'][jsonx_int(s, "position", 9)]++;
	for (i = 0; i < 3; i++)
		for (size_t p = 0; p < 3; p++)
			assert_int_equal(at[i][p], 2);
	json_decref(samples);
	drop(&f);
}

/* Who refuses is asked once; who fails twice without success is not asked a third time; the others go on. */
static void test_failures(void **state)
{
	static const char *const mixed[] = {"aa",          "crash", "unsupported", "wrongcert", "badcalibration",
					    "nocalibrate", NULL};
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, mixed, "{\"workload\":\"fake/work\",\"rounds\":4,\"counted\":1}");
	f.noise_limit = 1e9;
	assert_int_equal(run(&f, &result), 0);
	assert_true(result.is_complete);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_rounds(samples, "aa", false, 4);
	assert_rounds(samples, "nocalibrate", false, 4);
	assert_int_equal(count(samples, "nocalibrate", false, "calibrate", -1), 0);
	/* calibration succeeds for these two fakes, so their first timed sample is where they show */
	assert_true(count(samples, "crash", false, "timed", -1) >= 1);
	assert_int_equal(count(samples, "unsupported", false, "timed", -1), 1);
	assert_int_equal(count(samples, "unsupported", false, "counted", -1), 0);
	assert_int_equal(count(samples, "badcalibration", false, "calibrate", -1), 1);
	assert_int_equal(count(samples, "badcalibration", false, "timed", -1), 0);
	assert_int_equal(count(samples, "aa", false, "counted", -1), 1);
	assert_true(result.failed >= 2);
	assert_int_equal(result.unsupported, 1);
	json_decref(samples);
	drop(&f);
}

/* Sets of events take turns. */
static void test_event_sets_rotate(void **state)
{
	static const char *const one[] = {"aa", NULL}, *const sets[] = {"page-faults", "task-clock,page-faults"};
	struct plan_options o = {.event_sets = json_pack("[s, s]", sets[0], sets[1]), .filter = "kind:counted"};
	struct fixture f;
	struct engine_result result;
	json_t *samples, *s;
	unsigned n = 0;
	size_t i;

	(void)state;
	make_with(&f, one, "{\"workload\":\"fake/once\",\"counted\":3}", &o);
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	json_array_foreach (samples, i, s) {
		assert_string_equal(jsonx_str(s, "event_set"), sets[jsonx_int(s, "round", -1) % 2]);
		assert_int_equal(json_array_size(json_object_get(s, "counters")), 1 + jsonx_int(s, "round", -1) % 2);
		n++;
	}
	assert_int_equal(n, 3);
	json_decref(samples);
	json_decref((json_t *)o.event_sets);
	drop(&f);
}

/*
 * Simulated samples, with a script in valgrind's place that counts seven instructions, whatever its subject does:
 * pairs of one and twice the work, of all subjects the same, without times or noise.
 */
static void test_simulated(void **state)
{
	static const char *const mixed[] = {"aa", "crash", NULL};
	static const char script[] =
		"#!/bin/sh\nfor a; do case $a in --cachegrind-out-file=*) f=${a#*=};; --run) break;; --*) ;; *) s=$a;; "
		"esac; done\n"
		"case $s in *crash) exec $s --run;; esac\n"
		"printf 'events: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw\\nsummary: 7 1 1 1 1 1 1 1 1\\n' >${f%%%p}$$\n"
		"exec $s --run\n";
	struct plan_options o = {.with_simulated = true, .filter = "kind:simulated"};
	struct cachegrind tool = {.version = "valgrind-0", .options = {"--I1=1,1,16", "--D1=1,1,16", "--LL=1,1,16"}};
	struct fixture f;
	struct engine_result result;
	json_t *samples, *s, *again;
	FILE *file;
	size_t i;

	(void)state;
	make_with(&f, mixed, "{\"workload\":\"fake/work\"},{\"workload\":\"fake/once\",\"subjects\":[\"aa\"]}", &o);
	snprintf(tool.path, sizeof tool.path, "%s/valgrind", f.folder);
	file = fopen(tool.path, "w");
	assert_non_null(file);
	fputs(script, file);
	assert_int_equal(fchmod(fileno(file), 0755), 0);
	fclose(file);
	f.cachegrind = &tool;
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_int_equal(count(samples, "aa", false, "calibrate", -1), 0);
	assert_int_equal(count(samples, "aa", false, "simulated", -1), 6 + 2);
	assert_int_equal(count(samples, "crash", false, "simulated", -1),
			 2); /* as often as anything else that never succeeds */
	json_array_foreach (samples, i, s) {
		const json_t *simulation = json_object_get(s, "simulation");
		bool twice = jsonx_int(s, "round", -1) % 2 == 1;

		if (!is(s, "subject", "aa")) {
			assert_false(is(s, "status", "ok"));
			assert_true(json_is_null(simulation));
			continue;
		}
		assert_string_equal(jsonx_str(s, "status"), "ok");
		assert_int_equal(jsonx_int(simulation, "instructions", -1), 7);
		assert_int_equal(jsonx_int(simulation, "ll_misses", -1), 3);
		assert_int_equal(jsonx_bool(simulation, "is_twice", !twice), twice);
		assert_true(json_is_null(json_object_get(s, "noise")));
		assert_true(json_is_null(json_object_get(json_object_get(s, "metric"), "value")));
		if (is(s, "workload", "fake/work")) /* eight smoke samples of ten, in quanta of 12 */
			assert_int_equal(jsonx_int(s, "ops", -1), twice ? 144 : 72);
	}
	assert_int_equal(run(&f, &result), 0); /* nothing is missing */
	again = samples_of(&f);
	assert_true(json_equal(samples, again));
	json_decref(again);
	json_decref(samples);
	drop(&f);
}

/* A finite problem has no calibration to vouch for a subject: two failures and no more. */
static void test_gives_up(void **state)
{
	static const char *const mixed[] = {"aa", "crash", NULL};
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, mixed, "{\"workload\":\"fake/once\",\"rounds\":5,\"counted\":1}");
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_rounds(samples, "aa", false, 5);
	assert_int_equal(count(samples, "crash", false, "timed", -1), 2);
	assert_int_equal(count(samples, "crash", false, "counted", -1), 0);
	assert_int_equal(result.failed, 2);
	json_decref(samples);
	drop(&f);
}

/*
 * With a limit below nothing every sample is contaminated: a quarter of the rounds is repeated, as whole rounds, and
 * what comes after that is kept.
 */
static void test_requeue_is_bounded(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const json_t *s;
	unsigned requeued = 0;
	size_t i;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/once\",\"rounds\":5}");
	f.noise_limit = -1e9;
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	json_array_foreach (samples, i, s)
		requeued += is(s, "status", "requeued");
	assert_int_equal(requeued, 2 * 2); /* ceil(5 / 4) rounds of two subjects */
	/* Those that stand, not those that were replaced. On a loaded machine a clock may void one or two instead. */
	assert_in_range(result.contaminated, 5 * 2 - 2, 5 * 2);
	assert_true(result.is_complete);
	json_decref(samples);
	drop(&f);
}

/* However many rounds there are: the same round is not repeated until the quarter of them is used up. */
static void test_round_is_repeated_three_times(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const json_t *s;
	size_t i;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/once\",\"rounds\":20}");
	f.noise_limit = -1e9;
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	json_array_foreach (samples, i, s)
		assert_in_range(jsonx_int(s, "attempt", -1), 0, 3);
	assert_int_equal(result.requeued, 5 * 2); /* three of the first round, two of the second */
	assert_rounds(samples, "aa", false, 20);
	json_decref(samples);
	drop(&f);
}

/* Operations are asked for in multiples of the quantum, so that those asked for are those done. */
static void test_quantum(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const json_t *s;
	size_t i;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/work\",\"rounds\":1,\"params\":{\"size\":[1,7]}}");
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	json_array_foreach (samples, i, s)
		if (is(s, "kind", "timed")) /* 200 fill the region; a multiple of 3 x size */
			assert_int_equal(jsonx_int(s, "ops", -1),
					 jsonx_int(json_object_get(s, "params"), "size", 0) == 7 ? 189 : 198);
	json_decref(samples);
	drop(&f);
}

/* A terminal of 80 columns shows the estimate, however long the cell's name is. */
static void test_progress_shows_the_estimate(void **state)
{
	struct fixture f;
	struct engine_result result;
	char *text = NULL;
	size_t size = 0;

	(void)state;
	make(&f, two,
	     "{\"workload\":\"fake/work\",\"rounds\":5,\"base\":\"aa\",\"params\":{\"size\":99,\"mode\":\"cold\"}}");
	f.terminal = open_memstream(&text, &size);
	assert_non_null(f.terminal);
	assert_int_equal(run(&f, &result), 0);
	fclose(f.terminal);
	assert_non_null(strstr(text, "round 5/5; bb needs "));
	assert_non_null(strstr(text, " rounds): fake/work"));
	free(text);
	drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_run),
		cmocka_unit_test(test_resume_of_complete_run),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_event_sets_rotate),
		cmocka_unit_test(test_simulated),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_requeue_is_bounded),
		cmocka_unit_test(test_round_is_repeated_three_times),
		cmocka_unit_test(test_quantum),
		cmocka_unit_test(test_progress_shows_the_estimate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
