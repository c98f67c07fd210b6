/*
 * test_compare.c - two runs of report_fixture.h set side by side: doctored ones must get each verdict, and what differs
 * beside the subjects must be told.
 */
#include "harness/report/compare.h"
#include "tests/harness/report_fixture.h"

static const char ring[] = "switch/ring tasks=64 ws_kib=0 same w1", parked[] = "memory/parked tasks=1000 free w2";
static char other_dir[300];

/* ---- doctors --------------------------------------------------------------------------------------------- */

static bool is_sample_of(const json_t *sample, const char *cell, const char *subject)
{
	return strcmp(field_text(sample, "cell", ""), cell) == 0 &&
	       strcmp(field_text(sample, "subject", ""), subject) == 0;
}

static void scale(json_t *all, const char *cell, const char *subject, double factor)
{
	json_t *sample;
	size_t i;

	json_array_foreach (all, i, sample) {
		json_t *metric = json_object_get(sample, "metric");

		if (is_sample_of(sample, cell, subject) && json_is_number(json_object_get(metric, "value")))
			json_object_set_new(metric, "value", json_real(field_number(metric, "value") * factor));
	}
}

static void set_digest(json_t *run, const char *subject, const char *digest)
{
	json_t *s;
	size_t i;

	json_array_foreach (json_object_get(run, "subjects"), i, s)
		if (strcmp(field_text(s, "id", ""), subject) == 0)
			json_object_set_new(s, "sha256", json_string(digest));
}

static void make_slow(json_t *run, json_t *all)
{
	(void)run;
	scale(all, ring, "gmp", 1.5);
	scale(all, ring, "eventloop", 0.5);
	scale(all, parked, "pthread", 1.5);
}

/* One sample of serial did other work than it should. */
static void make_wrong(json_t *run, json_t *all)
{
	json_t *sample;
	size_t i;

	(void)run;
	json_array_foreach (all, i, sample)
		if (is_sample_of(sample, ring, "serial") && field_whole(sample, "round", -1) == 3)
			json_object_set_new(sample, "status", json_string("mismatch"));
}

/* Nobody touched pthread, and it is slower; gmp is another binary. */
static void make_drift(json_t *run, json_t *all)
{
	set_digest(run, "gmp", "1111");
	set_digest(run, "pthread", "aaaa");
	scale(all, ring, "pthread", 1.4);
	scale(all, ring, "gmp", 1.25);
}

static void know_digests(json_t *run, json_t *all)
{
	(void)all;
	set_digest(run, "gmp", "2222");
	set_digest(run, "pthread", "aaaa");
}

static void make_other_work(json_t *run, json_t *all)
{
	json_t *cells = json_object_get(json_object_get(run, "plan"), "cells"), *cell;
	size_t i;

	(void)all;
	json_object_set_new(run, "seed", json_string("0000000000000001"));
	json_object_set_new(json_object_get(run, "host"), "kernel", json_string("9.9"));
	json_array_remove(cells, 0);
	json_array_foreach (cells, i, cell)
		if (strcmp(field_text(cell, "id", ""), ring) == 0)
			json_object_set_new(cell, "version", json_integer(77));
}

/* ---- pieces ---------------------------------------------------------------------------------------------- */

static json_t *read_doctored(void (*by)(json_t *run, json_t *samples))
{
	struct err err = {""};
	json_t *report;

	doctor = by;
	write_run(other_dir, 1, false);
	doctor = NULL;
	if (report_read(other_dir, &report, &err))
		fail_msg("%s", err.why);
	return report;
}

static struct compare *compare_doctored(void (*a)(json_t *, json_t *), void (*b)(json_t *, json_t *))
{
	json_t *ra = read_doctored(a), *rb = read_doctored(b);
	struct err err = {""};
	struct compare *c;

	if (compare_reports(ra, rb, 0.05, false, &c, &err))
		fail_msg("%s", err.why);
	json_decref(ra);
	json_decref(rb);
	return c;
}

static const struct compare_row *row_of(const struct compare *c, const char *cell, const char *subject)
{
	for (size_t i = 0; i < c->n_rows; i++)
		if (strcmp(c->rows[i].id, cell) == 0 && strcmp(c->rows[i].subject, subject) == 0)
			return &c->rows[i];
	fail_msg("no row %s %s", cell, subject);
	return NULL;
}

static size_t count_kind(const struct compare *c, enum verdict_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_rows; i++)
		n += c->rows[i].verdict.kind == kind;
	return n;
}

static bool is_told(const json_t *list, const char *key, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (strstr(key ? field_text(item, key, "") : json_string_value(item), text))
			return true;
	return false;
}

static char *text_of(const struct compare *c, void (*show)(FILE *, const struct compare *))
{
	static char *text; /* the stream keeps its address */
	static size_t size;
	FILE *f = open_memstream(&text, &size);

	show(f, c);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* ---- tests ----------------------------------------------------------------------------------------------- */

static void the_same_run_is_no_change(void **state)
{
	struct compare *c = compare_doctored(NULL, NULL);

	(void)state;
	assert_int_equal(count_kind(c, VERDICT_FASTER) + count_kind(c, VERDICT_SLOWER), 0);
	assert_true(count_kind(c, VERDICT_EQUIVALENT) > 5);
	assert_true(count_kind(c, VERDICT_INCONCLUSIVE) > 5); /* those with a wide spread */
	assert_int_equal(row_of(c, ring, "serial")->verdict.kind, VERDICT_EQUIVALENT);
	assert_true(row_of(c, ring, "serial")->cmp.level >= 1 - 0.05 / (double)c->n_rows);
	assert_int_equal(json_array_size(c->unmatched), 0);
	assert_true(is_told(c->warnings, NULL, "every subject is the same binary"));
	compare_free(c);
}

static void changes_get_their_verdicts(void **state)
{
	struct compare *c = compare_doctored(NULL, make_slow), *back = compare_doctored(make_slow, NULL);
	const struct compare_row *slow = row_of(c, ring, "gmp"), *fast = row_of(c, ring, "eventloop");
	char *text;

	(void)state;
	assert_int_equal(slow->verdict.kind, VERDICT_SLOWER);
	assert_float_equal(slow->cmp.ratio, 1 / 1.5, 0.001);
	assert_true(slow->verdict.near_edge > 1.3 && slow->verdict.near_edge < 1.5);
	assert_true(verdict_is_regression(&slow->verdict, &slow->cmp, 0.05));
	assert_false(verdict_is_regression(&slow->verdict, &slow->cmp, 0.6));
	assert_int_equal(fast->verdict.kind, VERDICT_FASTER);
	assert_float_equal(fast->cmp.ratio, 2, 0.001);
	assert_false(verdict_is_regression(&fast->verdict, &fast->cmp, 0.05));
	assert_int_equal(count_kind(c, VERDICT_SLOWER), 2);
	assert_int_equal(count_kind(c, VERDICT_FASTER), 1);
	/* (C2) */
	assert_int_equal(row_of(back, ring, "gmp")->verdict.kind, VERDICT_FASTER);
	assert_float_equal(row_of(back, ring, "gmp")->cmp.ratio * slow->cmp.ratio, 1, 1e-9);
	assert_float_equal(row_of(back, ring, "gmp")->cmp.lo * slow->cmp.hi, 1, 1e-9);
	text = text_of(c, compare_text);
	assert_non_null(strstr(text, "SLOWER, at least 1.4"));
	assert_non_null(strstr(text, "FASTER, at least 1.9"));
	assert_non_null(strstr(text, "MORE, at least 1.4")); /* memory is not slow */
	free(text);
	compare_free(c);
	compare_free(back);
}

static void wrong_work_is_not_judged(void **state)
{
	struct compare *c = compare_doctored(NULL, make_wrong);

	(void)state;
	assert_int_equal(row_of(c, ring, "serial")->verdict.kind, VERDICT_UNTRUSTED);
	assert_true(row_of(c, ring, "serial")->verdict.reasons & REASON_WORK_UNEQUAL);
	assert_true(count_kind(c, VERDICT_UNTRUSTED) < c->n_rows);
	compare_free(c);
}

static void untouched_subjects_are_the_floor(void **state)
{
	struct compare *c = compare_doctored(know_digests, make_drift);
	const struct compare_row *gmp = row_of(c, ring, "gmp"), *pthread = row_of(c, ring, "pthread");

	(void)state;
	assert_int_equal(gmp->binary, BINARY_CHANGED);
	assert_int_equal(pthread->binary, BINARY_SAME);
	assert_float_equal(gmp->drift, 0.4, 0.001);
	assert_true(gmp->cmp.hi < 1); /* separated: without the floor it would be a regression */
	assert_int_equal(gmp->verdict.kind, VERDICT_INCONCLUSIVE);
	assert_true(gmp->verdict.reasons & REASON_BELOW_FLOOR);
	assert_int_equal(pthread->verdict.kind, VERDICT_SLOWER); /* it is, and the text says whose doing it is */
	assert_true(pthread->drift < 0);
	assert_true(is_told(c->warnings, NULL, "another binary in A and in B: [\"gmp\"]"));
	compare_free(c);
}

static void other_surroundings_are_told(void **state)
{
	struct compare *c = compare_doctored(NULL, make_other_work);

	(void)state;
	assert_true(
		is_told(c->warnings, NULL, "run: seed differs: \"00000000000000ff\" in A, \"0000000000000001\" in B"));
	assert_true(is_told(c->warnings, NULL, "machine: kernel differs"));
	assert_true(is_told(c->unmatched, "why", "only in A"));
	assert_true(is_told(c->unmatched, "why", "the workload's version is another"));
	for (size_t i = 0; i < c->n_rows; i++)
		assert_string_not_equal(c->rows[i].id, ring);
	compare_free(c);
}

static void json_has_no_nan_and_all_rows(void **state)
{
	struct compare *c = compare_doctored(NULL, make_slow);
	json_t *json = compare_json(c), *again, *row = NULL;
	char *text = json_dumps(json, 0);
	size_t i;

	(void)state;
	assert_non_null(text);
	again = json_loads(text, 0, NULL);
	assert_non_null(again);
	assert_string_equal(field_text(again, "schema", ""), "switchyard.compare/1");
	assert_int_equal(json_array_size(json_object_get(again, "rows")), c->n_rows);
	json_array_foreach (json_object_get(again, "rows"), i, row)
		if (is_sample_of(row, ring, "gmp"))
			break;
	assert_string_equal(field_text(row, "verdict", ""), "SLOWER");
	assert_true(field_number(row, "ci_high") < 1);
	assert_int_equal(field_whole(row, "m", 0), (long)c->n_rows);
	json_decref(again);
	json_decref(json);
	free(text);
	compare_free(c);
}

static void benchstat_text_has_both_runs(void **state)
{
	struct compare *c = compare_doctored(NULL, make_slow);
	char *text = text_of(c, compare_benchstat), *line;
	size_t lines = 0, at_b;

	(void)state;
	assert_non_null(strstr(text, "run: A"));
	assert_non_null(strstr(text, "run: B"));
	at_b = (size_t)(strstr(text, "run: B") - text);
	for (line = text; (line = strstr(line, "subject=gmp-1\t1\t")) != NULL; line++)
		lines += (size_t)(line - text) < at_b;
	assert_true(lines > ROUNDS && lines % ROUNDS == 0);
	assert_non_null(strstr(text + at_b,
			       "BenchmarkSwitchRing/tasks=64/ws_kib=0/placement=same/subject=gmp-1\t1\t61.8 ns/op"));
	free(text);
	compare_free(c);
}

/* A report.json alone is enough, unless it is of a version that kept no values. */
static void a_file_is_enough(void **state)
{
	struct err err = {""};
	json_t *a, *b, *cell, *subject;
	struct compare *c;
	char path[400];
	size_t i, j;

	(void)state;
	snprintf(path, sizeof(path), "%s/report.json", run_dir);
	assert_int_equal(report_read(path, &a, &err), 0);
	b = read_doctored(make_slow);
	assert_int_equal(compare_reports(a, b, 0.05, false, &c, &err), 0);
	assert_int_equal(row_of(c, ring, "gmp")->verdict.kind, VERDICT_SLOWER);
	compare_free(c);
	json_array_foreach (json_object_get(a, "cells"), i, cell)
		json_array_foreach (json_object_get(cell, "subjects"), j, subject)
			json_object_del(subject, "values");
	assert_int_equal(compare_reports(a, b, 0.05, false, &c, &err), -ENODATA);
	assert_non_null(strstr(err.why, "older version"));
	json_decref(a);
	json_decref(b);
	snprintf(path, sizeof(path), "%s/run.json", run_dir);
	assert_int_equal(report_read(path, &a, &err), -EBADMSG);
	assert_int_equal(report_read("/nowhere/at/all", &a, &err), -ENOENT);
}

static int make_both(void **state)
{
	int rc = make_dirs(state);

	snprintf(other_dir, sizeof(other_dir), "%s/other", base_dir);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_run_is_no_change),    cmocka_unit_test(changes_get_their_verdicts),
		cmocka_unit_test(wrong_work_is_not_judged),     cmocka_unit_test(untouched_subjects_are_the_floor),
		cmocka_unit_test(other_surroundings_are_told),  cmocka_unit_test(json_has_no_nan_and_all_rows),
		cmocka_unit_test(benchstat_text_has_both_runs), cmocka_unit_test(a_file_is_enough),
	};

	return cmocka_run_group_tests(tests, make_both, remove_dirs);
}
