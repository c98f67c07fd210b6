/*
 * test_report_rounds.c - what a report says of its rounds and processes: both verdicts where others disturbed some, and whether the
 * processes had come to rest.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"

enum { ROUNDS = 20 };

static json_t *sample(const char *subject, int round, double value, bool is_disturbed, const char *steady)
{
	json_t *s = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:{s:s, s:s, s:f}, s:{s:s}}", "cell", "a/x same w1",
			      "workload", "a/x", "subject", subject, "kind", "timed", "status", "ok", "round", round,
			      "attempt", 0, "metric", "name", "wall_per_op", "unit", "ns/op", "value", value, "noise",
			      "verdict", is_disturbed ? "contaminated" : "clean");

	if (steady)
		json_object_set_new(s, "time", json_pack("{s:s?}", "steady", *steady ? steady : NULL));
	if (steady && !*steady)
		json_object_set_new(json_object_get(s, "time"), "why", json_pack("{s:s}", "steady", "one region"));
	return s;
}

/* bb needs twice as much, but in its first `disturbed` rounds, which others disturbed, half as much. */
static struct report *report_of(int disturbed, const char *(*steady)(const char *subject, int round))
{
	json_t *run = json_pack("{s:s, s:s, s:b, s:{s:s, s:i, s:[{s:s, s:s, s:{}, s:s, s:i, s:s, s:s, s:s, s:s, s:s, "
				"s:[s,s]}]}}",
				"schema", "switchyard.run/1", "run_id", "r", "complete", 1, "plan", "name", "p",
				"rounds", ROUNDS, "cells", "id", "a/x same w1", "workload", "a/x", "params",
				"placement", "same", "workers", 1, "group", "x", "metric", "wall_per_op", "unit",
				"ns/op", "scaling", "linear", "base", "aa", "subjects", "aa", "bb");
	json_t *samples = json_array(), *warnings = json_array();
	struct report *r;
	struct err err;

	for (int i = 0; i < ROUNDS; i++) {
		json_array_append_new(samples, sample("aa", i, 1, false, steady ? steady("aa", i) : NULL));
		json_array_append_new(samples, sample("bb", i, (i < disturbed ? 0.5 : 2) * (1 + i * 1e-3),
						      i < disturbed, steady ? steady("bb", i) : NULL));
	}
	if (report_build(run, samples, warnings, &r, &err) != 0)
		fail_msg("%s", err.why);
	json_decref(run);
	json_decref(samples);
	json_decref(warnings);
	assert_int_equal(r->n_comparisons, 1);
	return r;
}

static char *sentence(const struct report *r)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	words_comparison(f, &r->comparisons[0]);
	fclose(f);
	return text;
}

static void both_verdicts_are_told(void **state)
{
	struct report *r = report_of(6, NULL);
	json_t *json = report_json(r), *c = json_array_get(json_object_get(json, "comparisons"), 0);
	json_t *clean = json_object_get(c, "without_contaminated");
	char *text = sentence(r);

	(void)state;
	assert_string_equal(field_text(c, "verdict", ""), "INCONCLUSIVE");
	assert_true(fabs(field_number(c, "contaminated_share") - 6.0 / 40) < 1e-9);
	assert_string_equal(field_text(clean, "verdict", ""), "SLOWER");
	assert_int_equal(field_whole(clean, "n_pairs", 0), 14);
	assert_true(field_number(clean, "ci_high") < 1);
	assert_non_null(strstr(text, "Without the disturbed rounds: SLOWER (median "));
	assert_non_null(strstr(text, ", 14 paired rounds)."));
	free(text);
	json_decref(json);
	report_free(r);

	r = report_of(0, NULL);
	json = report_json(r);
	c = json_array_get(json_object_get(json, "comparisons"), 0);
	text = sentence(r);
	assert_string_equal(field_text(c, "verdict", ""), "SLOWER");
	assert_true(json_is_null(json_object_get(c, "without_contaminated")));
	assert_null(strstr(text, "Without"));
	free(text);
	json_decref(json);
	report_free(r);

	r = report_of(ROUNDS, NULL);
	json = report_json(r);
	clean = json_object_get(json_array_get(json_object_get(json, "comparisons"), 0), "without_contaminated");
	text = sentence(r);
	assert_int_equal(field_whole(clean, "n_pairs", -1), 0);
	assert_true(json_is_null(json_object_get(clean, "ratio")));
	assert_string_equal(field_text(clean, "verdict", ""), "INCONCLUSIVE");
	assert_non_null(strstr(text, "No round is without a disturbed sample."));
	free(text);
	json_decref(json);
	report_free(r);
}

/* aa: 15 flat, 5 that became faster. bb: 11 that never rested, 9 flat. */
static const char *mixed(const char *subject, int round)
{
	if (strcmp(subject, "aa") == 0)
		return round < 15 ? "flat" : "warm-up";
	return round < 11 ? "none" : "flat";
}

static const char *untold(const char *subject, int round)
{
	(void)subject;
	(void)round;
	return "";
}

static json_t *steady_of(json_t *json, size_t i)
{
	json_t *cell = json_array_get(json_object_get(json, "cells"), 0);

	return json_object_get(json_array_get(json_object_get(cell, "subjects"), i), "steady");
}

static char *page_of(const struct report *r)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct doc d;

	assert_int_equal(doc_open(&d, &doc_markdown, ".", f), 0);
	content_write(&d, r);
	assert_int_equal(doc_close(&d), 0);
	fclose(f);
	return text;
}

static void steady_states_are_counted(void **state)
{
	struct report *r = report_of(0, mixed);
	json_t *json = report_json(r), *aa = steady_of(json, 0), *bb = steady_of(json, 1);
	char *page = page_of(r);

	(void)state;
	assert_int_equal(field_whole(aa, "flat", 0), 15);
	assert_int_equal(field_whole(aa, "warm_up", 0), 5);
	assert_true(json_is_false(json_object_get(aa, "no_steady_state")));
	assert_int_equal(field_whole(bb, "none", 0), 11);
	assert_true(json_is_true(json_object_get(bb, "no_steady_state")));
	assert_true(json_is_null(json_object_get(bb, "why")));
	assert_non_null(strstr(page, "| 75 % | 25 % | – | – | 20 |"));
	assert_non_null(strstr(page, "| 45 % | – | – | 55 % | 20 **no-steady-state** |"));
	assert_non_null(strstr(page, "bb: 11 of 20 processes had not come to rest when their region began."));
	assert_null(strstr(page, "aa: 15 of"));
	free(page);
	json_decref(json);
	report_free(r);

	r = report_of(0, untold);
	json = report_json(r);
	page = page_of(r);
	assert_int_equal(field_whole(steady_of(json, 0), "unknown", 0), 20);
	assert_true(json_is_null(json_object_get(steady_of(json, 0), "no_steady_state")));
	assert_string_equal(field_text(steady_of(json, 0), "why", ""), "one region");
	assert_null(strstr(page, "Steady state"));
	free(page);
	json_decref(json);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_verdicts_are_told),
		cmocka_unit_test(steady_states_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
