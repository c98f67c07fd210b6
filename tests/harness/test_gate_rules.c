/*
 * test_gate_rules.c - what a gate says about doctored batches (report_fixture.h, with another build of gmp in one cell).
 */
#include "harness/report/gate.h"
#include "tests/harness/report_fixture.h"

static const char ring[] = "switch/ring tasks=64 ws_kib=0 same w1";

/* What the doctor does to the new build's samples. */
static struct {
	double factor;
	bool is_disturbed, is_mismatch, is_lost, is_forced, is_short;
} wanted;

static void treat(json_t *sample)
{
	json_t *metric = json_object_get(sample, "metric");

	if (json_is_number(json_object_get(metric, "value")))
		json_object_set_new(metric, "value", json_real(field_number(metric, "value") * wanted.factor));
	if (wanted.is_lost || (wanted.is_mismatch && field_whole(sample, "round", 0) == 4))
		json_object_set_new(sample, "status", json_string(wanted.is_lost ? "crashed" : "mismatch"));
	if (wanted.is_short && field_whole(sample, "round", 0) > 4)
		json_object_set_new(sample, "status", json_string("void"));
}

/* gmp@old is gmp as the fixture has it; gmp becomes what is wanted. */
static void add_old_build(json_t *run, json_t *all)
{
	json_t *cells = json_object_get(json_object_get(run, "plan"), "cells"), *item, *added = json_array();
	size_t i;

	json_array_foreach (cells, i, item)
		if (strcmp(field_text(item, "id", ""), ring) == 0)
			json_array_append_new(json_object_get(item, "subjects"), json_string("gmp@old"));
	json_array_foreach (all, i, item) {
		if (wanted.is_disturbed)
			json_object_set_new(json_object_get(item, "noise"), "verdict", json_string("contaminated"));
		if (strcmp(field_text(item, "cell", ""), ring) != 0 ||
		    strcmp(field_text(item, "subject", ""), "gmp") != 0)
			continue;
		if (json_is_true(json_object_get(item, "is_twin"))) { /* of the new build, too */
			treat(item);
			continue;
		}
		json_array_append_new(added, json_deep_copy(item));
		json_object_set_new(json_array_get(added, json_array_size(added) - 1), "subject",
				    json_string("gmp@old"));
		treat(item);
	}
	json_array_extend(all, added);
	json_decref(added);
}

static struct gate_batch batch_of(const char *name, const struct gate_batch *first, const json_t *only)
{
	struct err err = {""};
	struct gate_batch b;
	char dir[400];

	snprintf(dir, sizeof(dir), "%s/%s", base_dir, name);
	doctor = add_old_build;
	write_run(dir, 1, false);
	doctor = NULL;
	if (gate_read(dir, &(struct gate_rule){0.05, wanted.is_forced, only, first}, &b, &err))
		fail_msg("%s", err.why);
	return b;
}

static void a_slow_build_fails_when_it_is_so_twice(void **state)
{
	struct gate_batch first, slow, equal;
	json_t *suspects;

	(void)state;
	wanted = (__typeof__(wanted)){.factor = 1.5};
	first = batch_of("first", NULL, NULL);
	assert_int_equal(first.n_rows, 1);
	assert_float_equal(first.rows[0].cmp.ratio, 1 / 1.5, 1e-6);
	assert_true(first.rows[0].floor > 0); /* the cell has a twin */
	assert_int_equal(gate_outcome(&first, NULL, false), GATE_OPEN);
	suspects = gate_suspects(&first);
	assert_int_equal(json_array_size(suspects), 1);
	assert_string_equal(field_text(json_array_get(suspects, 0), "cell", ""), ring);
	slow = batch_of("slow", &first, suspects);
	assert_int_equal(gate_outcome(&first, &slow, false), GATE_REGRESSED);
	wanted.factor = 1;
	equal = batch_of("equal", &first, suspects);
	assert_int_equal(gate_outcome(&first, &equal, false), GATE_PASSED);
	json_decref(suspects);
	gate_clear(&first);
	gate_clear(&slow);
	gate_clear(&equal);
}

static void small_or_good_changes_pass(void **state)
{
	static const double factors[] = {1, 1.04, 0.5};

	(void)state;
	for (size_t i = 0; i < COUNT(factors); i++) {
		struct gate_batch b;

		wanted = (__typeof__(wanted)){.factor = factors[i]};
		b = batch_of("small", NULL, NULL);
		assert_int_equal(gate_outcome(&b, NULL, false), GATE_PASSED);
		gate_clear(&b);
	}
}

/* A floor of the first batch is the second's too. */
static void a_floor_is_remembered(void **state)
{
	struct gate_batch first, second;

	(void)state;
	wanted = (__typeof__(wanted)){.factor = 1.5};
	first = batch_of("first", NULL, NULL);
	first.rows[0].floor = 0.6;
	second = batch_of("second", &first, NULL);
	assert_float_equal(second.rows[0].floor, 0.6, 0);
	assert_false(second.rows[0].is_regression);
	gate_clear(&first);
	gate_clear(&second);
}

static void a_noisy_machine_is_not_judged(void **state)
{
	struct gate_batch b;

	(void)state;
	wanted = (__typeof__(wanted)){.factor = 1.5, .is_disturbed = true};
	b = batch_of("noisy", NULL, NULL);
	assert_int_equal(gate_outcome(&b, NULL, false), GATE_NOISY);
	assert_int_equal(gate_outcome(&b, NULL, true), GATE_UNTRUSTED); /* its own samples were disturbed */
	gate_clear(&b);
	wanted.is_forced = true;
	b = batch_of("forced", NULL, NULL);
	assert_int_equal(gate_outcome(&b, NULL, true), GATE_OPEN); /* judged all the same */
	gate_clear(&b);
}

static void other_work_and_failures_have_their_own_outcomes(void **state)
{
	struct gate_batch b;

	(void)state;
	wanted = (__typeof__(wanted)){.factor = 1.5, .is_mismatch = true};
	b = batch_of("mismatch", NULL, NULL);
	assert_int_equal(gate_outcome(&b, NULL, false), GATE_UNTRUSTED);
	gate_clear(&b);
	wanted = (__typeof__(wanted)){.factor = 1, .is_lost = true};
	b = batch_of("lost", NULL, NULL);
	assert_int_equal(b.n_rows, 0);
	assert_int_equal(b.n_lost, 1);
	assert_int_equal(gate_outcome(&b, NULL, false), GATE_LOST);
	gate_clear(&b);
}

static void a_run_without_pairs_is_refused(void **state)
{
	struct err err = {""};
	struct gate_batch b;

	(void)state;
	assert_int_equal(gate_read(run_dir, &(struct gate_rule){.margin = 0.05}, &b, &err), -ENODATA);
	assert_non_null(strstr(err.why, "no subject that was measured beside another build"));
	gate_clear(&b);
}

/* Rounds that can show nothing are no reason to pass. */
static void too_few_rounds_are_no_pass(void **state)
{
	struct gate_batch b;

	(void)state;
	wanted = (__typeof__(wanted)){.factor = 3, .is_short = true};
	b = batch_of("short", NULL, NULL);
	assert_int_equal(b.rows[0].cmp.n, 5);
	assert_int_equal(gate_outcome(&b, NULL, false), GATE_UNTRUSTED);
	gate_clear(&b);
}

/* The other build is compared with its namesake and with nobody else. */
static void the_report_pairs_the_builds(void **state)
{
	struct err err = {""};
	json_t *report, *c;
	char dir[400];
	size_t i, pairs = 0, others = 0;

	(void)state;
	wanted = (__typeof__(wanted)){.factor = 1.5};
	doctor = add_old_build;
	snprintf(dir, sizeof(dir), "%s/paired", base_dir);
	write_run(dir, 1, false);
	doctor = NULL;
	assert_int_equal(report_read(dir, &report, &err), 0);
	json_array_foreach (json_object_get(report, "comparisons"), i, c) {
		bool old = strcmp(field_text(c, "base", ""), "gmp@old") == 0;

		pairs += old && strcmp(field_text(c, "subject", ""), "gmp") == 0;
		others += (old && strcmp(field_text(c, "subject", ""), "gmp") != 0) ||
			  strcmp(field_text(c, "subject", ""), "gmp@old") == 0;
	}
	assert_int_equal(pairs, 1);
	assert_int_equal(others, 0);
	json_decref(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_build_fails_when_it_is_so_twice),
		cmocka_unit_test(small_or_good_changes_pass),
		cmocka_unit_test(a_floor_is_remembered),
		cmocka_unit_test(a_noisy_machine_is_not_judged),
		cmocka_unit_test(other_work_and_failures_have_their_own_outcomes),
		cmocka_unit_test(a_run_without_pairs_is_refused),
		cmocka_unit_test(too_few_rounds_are_no_pass),
		cmocka_unit_test(the_report_pairs_the_builds),
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
