/*
 * test_pool.c - runs of report_fixture.h as runs of several machines: ratios stay what each report says, and the means are
 * geometric and over what all have.
 */
#include "harness/report/pool.h"
#include "tests/harness/report_fixture.h"

static const char ring[] = "switch/ring tasks=64 ws_kib=0 same w1";
static double factor;

/* Another machine: all is twice as slow, and gmp in the ring by `factor` more. */
static void other_machine(json_t *run, json_t *all)
{
	json_t *sample;
	size_t i;

	json_object_set_new(json_object_get(run, "host"), "cpu_model", json_string("Another | CPU"));
	json_array_foreach (all, i, sample) {
		json_t *metric = json_object_get(sample, "metric");
		double value = field_number(metric, "value");
		bool is_more = strcmp(field_text(sample, "cell", ""), ring) == 0 &&
			       strcmp(field_text(sample, "subject", ""), "gmp") == 0;

		if (isfinite(value))
			json_object_set_new(metric, "value", json_real(value * 2 * (is_more ? factor : 1)));
	}
}

/* A machine that has only the first workloads. */
static void small_machine(json_t *run, json_t *all)
{
	json_t *cells = json_object_get(json_object_get(run, "plan"), "cells");

	(void)all;
	while (json_array_size(cells) > 4)
		json_array_remove(cells, json_array_size(cells) - 1);
}

static void another_version(json_t *run, json_t *all)
{
	json_t *cell;
	size_t i;

	(void)all;
	json_array_foreach (json_object_get(json_object_get(run, "plan"), "cells"), i, cell)
		json_object_set_new(cell, "version", json_integer(99));
}

static json_t *report_by(void (*by)(json_t *run, json_t *samples))
{
	struct err err = {""};
	json_t *report;
	char dir[400];

	snprintf(dir, sizeof(dir), "%s/machine", base_dir);
	doctor = by;
	write_run(dir, 1, false);
	doctor = NULL;
	if (report_read(dir, &report, &err))
		fail_msg("%s", err.why);
	return report;
}

static const struct pool_row *row_of(const struct pool *p, const char *cell, const char *base, const char *subject)
{
	for (size_t i = 0; i < p->n_rows; i++)
		if (strcmp(p->rows[i].cell, cell) == 0 && strcmp(p->rows[i].base, base) == 0 &&
		    strcmp(p->rows[i].subject, subject) == 0)
			return &p->rows[i];
	fail_msg("no row %s %s %s", cell, base, subject);
	return NULL;
}

static void ratios_are_those_of_the_reports(void **state)
{
	json_t *reports[2];
	struct err err = {""};
	struct pool *p;
	const struct pool_row *row, *other;
	double a, b, product = 1;
	size_t n, cells = 0, untrusted = 0;

	(void)state;
	factor = 4;
	reports[0] = report_by(NULL);
	reports[1] = report_by(other_machine);
	assert_int_equal(pool_reports(reports, 2, &p, &err), 0);
	row = row_of(p, ring, "pthread", "gmp");
	a = field_number(row->of[0], "ratio");
	b = field_number(row->of[1], "ratio");
	assert_float_equal(a / b, 4, 1e-6); /* that all is twice as slow there is in no ratio */
	assert_float_equal(row->mean, sqrt(a * b), 1e-6);
	for (size_t i = 0; i < p->n_rows; i++) /* the fixture's disk was disturbed: shown, and in no mean */
		if (strcmp(p->rows[i].workload, "disk/read") == 0) {
			assert_int_equal(p->rows[i].n_machines, 2);
			assert_string_equal(field_text(p->rows[i].of[0], "verdict", ""), "UNTRUSTED");
			assert_true(isnan(p->rows[i].mean));
			untrusted++;
		}
	assert_true(untrusted > 0);
	other = row_of(p, ring, "pthread", "eventloop");
	assert_float_equal(field_number(other->of[0], "ratio"), field_number(other->of[1], "ratio"), 1e-6);
	for (size_t i = 0; i < p->n_rows; i++)
		if (strcmp(p->rows[i].workload, "switch/ring") == 0 && strcmp(p->rows[i].base, "pthread") == 0 &&
		    strcmp(p->rows[i].subject, "gmp") == 0) {
			product *= field_number(p->rows[i].of[1], "ratio");
			cells++;
		}
	assert_float_equal(pool_workload_mean(p, row, 1, &n), pow(product, 1 / (double)cells), 1e-6);
	assert_int_equal(n, cells);
	assert_true(cells > 3);
	for (size_t i = 1; i < p->n_rows; i++) /* workloads are in one piece each */
		for (size_t j = i + 1; j < p->n_rows; j++)
			assert_false(strcmp(p->rows[i - 1].workload, p->rows[j].workload) == 0 &&
				     strcmp(p->rows[i - 1].workload, p->rows[i].workload) != 0);
	pool_free(p);
	json_decref(reports[0]);
	json_decref(reports[1]);
}

/* A workload's mean is over the cells that all machines have, so that columns can be compared. */
static void means_are_over_what_all_have(void **state)
{
	json_t *reports[3];
	struct err err = {""};
	struct pool *p;
	const struct pool_row *row;
	size_t n;

	(void)state;
	factor = 1;
	reports[0] = report_by(small_machine);
	reports[1] = report_by(other_machine);
	reports[2] = report_by(NULL);
	assert_int_equal(pool_reports(reports, 3, &p, &err), 0);
	row = row_of(p, ring, "pthread", "gmp");
	assert_int_equal(row->n_machines, 3);
	(void)pool_workload_mean(p, row, 2, &n);
	assert_int_equal(n, 2);
	row = row_of(p, "switch/yield tasks=2 same w1", "pthread", "gmp");
	assert_int_equal(row->n_machines, 2);
	assert_null(row->of[0]);
	assert_true(isnan(pool_workload_mean(p, row, 1, &n)));
	pool_free(p);
	for (size_t i = 0; i < 3; i++)
		json_decref(reports[i]);
}

static void pages_have_all_columns(void **state)
{
	json_t *reports[2] = {report_by(NULL), NULL};
	struct err err = {""};
	struct pool *p;
	char *text, *line, *save = NULL;
	size_t size, rows = 0;
	FILE *f;

	(void)state;
	factor = 4;
	reports[1] = report_by(other_machine);
	assert_int_equal(pool_reports(reports, 2, &p, &err), 0);
	f = open_memstream(&text, &size);
	pool_text(f, p);
	fclose(f);
	assert_non_null(strstr(text, "B: 20261123T161500Z-example, Another | CPU"));
	assert_non_null(strstr(text, "FASTER"));
	assert_non_null(strstr(text, "geometric mean of 6 cells, pthread / gmp"));
	assert_null(strstr(text, "nan"));
	free(text);
	f = open_memstream(&text, &size);
	pool_markdown(f, p);
	fclose(f);
	assert_non_null(strstr(text, "Another \\| CPU"));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t bars = 0;

		if (line[0] != '|')
			continue;
		for (const char *c = line; *c; c++)
			bars += *c == '|' && (c == line || c[-1] != '\\');
		assert_int_equal(bars, 5);
		rows++;
	}
	assert_true(rows > p->n_rows);
	free(text);
	pool_free(p);
	json_decref(reports[0]);
	json_decref(reports[1]);
}

static void what_cannot_be_pooled_is_refused(void **state)
{
	json_t *reports[2] = {report_by(NULL), report_by(another_version)};
	struct err err = {""};
	struct pool *p;

	(void)state;
	assert_int_equal(pool_reports(reports, 2, &p, &err), -ENODATA);
	assert_int_equal(pool_reports(reports, 1, &p, &err), -EINVAL);
	assert_int_equal(pool_reports(reports, POOL_MAX_RUNS + 1, &p, &err), -EINVAL);
	json_decref(reports[0]);
	json_decref(reports[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ratios_are_those_of_the_reports),
		cmocka_unit_test(means_are_over_what_all_have),
		cmocka_unit_test(pages_have_all_columns),
		cmocka_unit_test(what_cannot_be_pooled_is_refused),
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
