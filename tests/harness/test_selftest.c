/*
 * test_selftest.c - how many planted changes are found, on samples whose answer is known.
 *
 * A trial has 20 rounds of values that are exact, but for one thousandth of jitter that alternates: so that no interval is
 * a point, and each verdict follows from what was planted.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/selftest.h"

enum { ROUNDS = 20, TRIALS = 8 };

/* What a variant measures in a trial: times what the subject without it does; NaN: no sample. */
typedef double (*factor_of)(int trial, long permille, int round);

static const long sizes[] = {100, 0, 50, 20}; /* not in order: the answer is */
enum { SIZES = sizeof sizes / sizeof *sizes };

static void subject_name(char *buf, size_t size, long permille)
{
	snprintf(buf, size, permille < 0 ? "self" : "self+slow_permille=%ld", permille);
}

static bool is_contaminated; /* all samples, as by a busy machine */

static json_t *cell(int trial)
{
	char id[60], name[40];
	json_t *subjects = json_pack("[s]", "self");

	snprintf(id, sizeof id, "self/spin trial=%d same w1", trial);
	for (int i = 0; i < SIZES; i++) {
		subject_name(name, sizeof name, sizes[i]);
		json_array_append_new(subjects, json_string(name));
	}
	return json_pack("{s:s, s:s, s:{s:i}, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:o}", "id", id, "workload",
			 "self/spin", "params", "trial", trial, "placement", "same", "workers", 1, "group", "selftest",
			 "metric", "wall_per_op", "unit", "ns/op", "scaling", "linear", "base", "self", "subjects",
			 subjects);
}

static void add_sample(json_t *samples, int trial, long permille, int round, double value)
{
	char id[60], name[40];

	if (isnan(value))
		return;
	snprintf(id, sizeof id, "self/spin trial=%d same w1", trial);
	subject_name(name, sizeof name, permille);
	json_array_append_new(samples, json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:{s:s}, s:{s:s, s:s, s:f}}",
						 "cell", id, "workload", "self/spin", "subject", name, "kind", "timed",
						 "status", "ok", "round", round, "attempt", 0, "noise", "verdict",
						 is_contaminated ? "contaminated" : "clean", "metric", "name",
						 "wall_per_op", "unit", "ns/op", "value", value));
}

static int judge(factor_of factor, struct selftest *t)
{
	json_t *cells = json_array(), *samples = json_array(), *run;
	struct err err;
	int rc;

	for (int trial = 1; trial <= TRIALS; trial++) {
		json_array_append_new(cells, cell(trial));
		for (int round = 0; round < ROUNDS; round++) {
			add_sample(samples, trial, -1, round, round % 2 ? 1000 : 1001);
			for (int i = 0; i < SIZES; i++)
				add_sample(samples, trial, sizes[i], round,
					   1000 * factor(trial, sizes[i], round) + (round % 4 > 1));
		}
	}
	run = json_pack("{s:s, s:s, s:b, s:{s:s, s:i, s:o}}", "schema", "switchyard.run/1", "run_id", "r", "complete",
			1, "plan", "name", "selftest", "rounds", ROUNDS, "cells", cells);
	rc = selftest_judge(run, samples, t, &err);
	json_decref(run);
	json_decref(samples);
	return rc;
}

static double honest(int trial, long permille, int round)
{
	(void)trial;
	(void)round;
	return 1 + (double)permille / 1000;
}

static void test_finds_all(void **state)
{
	struct selftest t;

	(void)state;
	assert_int_equal(judge(honest, &t), 0);
	assert_true(t.has_passed);
	assert_int_equal(t.n_sizes, SIZES);
	assert_int_equal(t.n_pairs, ROUNDS);
	for (int i = 0; i < SIZES; i++) {
		static const long in_order[] = {0, 20, 50, 100};
		const struct selftest_size *s = &t.sizes[i];

		assert_int_equal(s->permille, in_order[i]);
		assert_int_equal(s->trials, TRIALS);
		assert_int_equal(s->told.hits, s->permille ? TRIALS : 0);
		assert_int_equal(s->able.of, s->permille ? TRIALS : 0);
		assert_int_equal(s->wrong_side, 0);
		assert_int_equal(s->rounds_needed, 0);
		assert_true(fabs(s->ratio - (1 + (double)s->permille / 1000)) < 0.001);
		assert_true(fabs(s->alpha - 0.05 / SIZES) < 1e-12);
	}
	/* 2 % does not matter and is told all the same; 10 % is SLOWER. */
	assert_int_equal(t.sizes[0].by_verdict[VERDICT_EQUIVALENT], TRIALS);
	assert_int_equal(t.sizes[1].by_verdict[VERDICT_EQUIVALENT], TRIALS);
	assert_int_equal(t.sizes[3].by_verdict[VERDICT_SLOWER], TRIALS);
	/* 0 of 8 and 8 of 8: 1 - 0.025^(1/8) = 0.3694 (Clopper and Pearson 1934, closed form of no hits). */
	assert_true(fabs(t.sizes[0].told.hi - 0.3694) < 1e-4);
	assert_true(fabs(t.sizes[3].told.lo - 0.6306) < 1e-4);
}

/* The null change is slower by 2 % in trials 1 and 2, faster by 2 % in trial 3. */
static double alarms(int trial, long permille, int round)
{
	if (permille == 0)
		return trial <= 2 ? 1.02 : trial == 3 ? 0.98 : 1;
	return honest(trial, permille, round);
}

static void test_false_alarms_fail(void **state)
{
	struct selftest t;

	(void)state;
	assert_int_equal(judge(alarms, &t), 0);
	assert_int_equal(t.sizes[0].told.hits, 3); /* either side */
	/* 3 of 8: at least 8.52 % (exact bounds, R's binom.test(3, 8)); allowed are 1.25 %. */
	assert_true(fabs(t.sizes[0].told.lo - 0.0852) < 1e-4);
	assert_false(t.has_passed);
	assert_non_null(strstr(t.why, "nothing was planted, and 3 of 8"));
}

/* One of eight is within what may happen by chance: at least 0.3 %. */
static double alarm(int trial, long permille, int round)
{
	return permille == 0 && trial == 1 ? 1.02 : honest(trial, permille, round);
}

static void test_an_alarm_passes(void **state)
{
	struct selftest t;

	(void)state;
	assert_int_equal(judge(alarm, &t), 0);
	assert_int_equal(t.sizes[0].told.hits, 1);
	assert_true(t.has_passed);
}

/* 10 % that costs nothing; 5 % that makes faster. */
static double blind(int trial, long permille, int round)
{
	(void)trial;
	(void)round;
	return permille == 100 ? 1 : permille == 50 ? 0.8 : 1 + (double)permille / 1000;
}

static void test_missed_with_power_fails(void **state)
{
	struct selftest t;

	(void)state;
	assert_int_equal(judge(blind, &t), 0);
	assert_int_equal(t.sizes[3].told.hits, 0);
	assert_int_equal(t.sizes[3].able.of, TRIALS);
	assert_false(t.has_passed);
	assert_non_null(strstr(t.why, "8 trials could see a slow-down of 10.0 %, and 0 found it"));
	assert_int_equal(t.sizes[2].told.hits, 0); /* told different to the wrong side is not found */
	assert_int_equal(t.sizes[2].wrong_side, TRIALS);
}

/* So scattered that an interval is wider than 10 %: each third of the rounds goes its own way. */
static double scattered(int trial, long permille, int round)
{
	(void)trial;
	return (1 + (double)permille / 1000) * (round % 3 == 0 ? 1.3 : round % 3 == 1 ? 1 : 0.8);
}

static void test_missed_without_power_passes(void **state)
{
	struct selftest t;

	(void)state;
	assert_int_equal(judge(scattered, &t), 0);
	assert_int_equal(t.sizes[3].told.hits, 0);
	assert_int_equal(t.sizes[3].able.of, 0);
	assert_true(t.has_passed);
	/* All trials give the same, so that the half-width alone counts: it must come down to the change, by the root. */
	assert_int_equal(t.sizes[3].rounds_needed,
			 (size_t)ceil(ROUNDS * pow(log1p(t.sizes[3].half_width) / log1p(0.1), 2)));
	assert_true(t.sizes[3].rounds_needed > 2 * ROUNDS);
	assert_int_equal(t.sizes[0].rounds_needed, 0); /* there is nothing to find */
}

/* 10 % that costs 3 %: the verdict is that it does not matter, which of 10 % is wrong. Of 2 % it is right. */
static double shrunk(int trial, long permille, int round)
{
	(void)trial;
	(void)round;
	return permille ? 1.03 : 1;
}

static void test_too_small_is_missed_above_the_margin(void **state)
{
	struct selftest t;

	(void)state;
	assert_int_equal(judge(shrunk, &t), 0);
	assert_int_equal(t.sizes[1].told.hits, TRIALS);
	assert_int_equal(t.sizes[3].by_verdict[VERDICT_EQUIVALENT], TRIALS);
	assert_int_equal(t.sizes[3].told.hits, 0);
	assert_false(t.has_passed);
}

/* Intervals of 7 %: more than half of 10 %, so that finding it was luck. */
static double swaying(int trial, long permille, int round)
{
	(void)trial;
	return (1 + (double)permille / 1000) * (round % 2 ? 1.07 : 0.94);
}

static void test_luck_is_no_power(void **state)
{
	struct selftest t;

	(void)state;
	assert_int_equal(judge(swaying, &t), 0);
	assert_true(t.sizes[3].half_width > 0.05 && t.sizes[3].half_width < 0.1);
	assert_int_equal(t.sizes[3].told.hits, TRIALS);
	assert_int_equal(t.sizes[3].able.of, 0);
}

/* Untrusted verdicts are no trials of the null change, and miss what is planted. */
static void test_untrusted_says_nothing(void **state)
{
	struct selftest t;

	(void)state;
	is_contaminated = true;
	assert_int_equal(judge(honest, &t), 0);
	is_contaminated = false;
	assert_int_equal(t.sizes[0].by_verdict[VERDICT_UNTRUSTED], TRIALS);
	assert_int_equal(t.sizes[0].told.of, 0);
	assert_int_equal(t.sizes[3].told.of, TRIALS);
	assert_int_equal(t.sizes[3].told.hits, 0);
	assert_int_equal(t.sizes[3].able.of, 0);
	assert_int_equal(t.sizes[3].rounds_needed, 0); /* no number of rounds would do */
	assert_false(t.is_known);
	assert_false(t.has_passed);
}

static double nothing(int trial, long permille, int round)
{
	(void)trial;
	(void)permille;
	(void)round;
	return NAN;
}

static void test_nothing_measured(void **state)
{
	struct selftest t;

	(void)state;
	assert_int_equal(judge(nothing, &t), -ENODATA);
}

static void test_json(void **state)
{
	json_t *run = json_pack("{s:s, s:{s:i}}", "run_id", "r", "plan", "rounds", ROUNDS), *answer, *null_change,
	       *slow;
	struct selftest t;

	(void)state;
	assert_int_equal(judge(honest, &t), 0);
	answer = selftest_json(&t, run);
	assert_non_null(answer);
	assert_string_equal(json_string_value(json_object_get(answer, "schema")), "switchyard.selftest/1");
	assert_true(json_is_true(json_object_get(answer, "passed")));
	assert_true(json_is_null(json_object_get(answer, "why")));
	assert_true(json_is_null(json_object_get(json_object_get(answer, "twin"), "half_width")));
	null_change = json_array_get(json_object_get(answer, "sizes"), 0);
	slow = json_array_get(json_object_get(answer, "sizes"), 3);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(null_change, "false_alarms"), "hits")), 0);
	assert_true(json_is_null(json_object_get(null_change, "found_with_power")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(slow, "found"), "hits")), TRIALS);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(slow, "verdicts"), "SLOWER")), TRIALS);
	json_decref(answer);
	json_decref(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_all),
		cmocka_unit_test(test_false_alarms_fail),
		cmocka_unit_test(test_an_alarm_passes),
		cmocka_unit_test(test_missed_with_power_fails),
		cmocka_unit_test(test_missed_without_power_passes),
		cmocka_unit_test(test_too_small_is_missed_above_the_margin),
		cmocka_unit_test(test_luck_is_no_power),
		cmocka_unit_test(test_untrusted_says_nothing),
		cmocka_unit_test(test_nothing_measured),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
