/*
 * test_report_knee.c - servers at a percent of a knee: knees with intervals and what ends there, loads beside them, latency over
 * each one's own knee; nobody is judged by a model that had another load.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/report_made.h"

static const double knees[] = {8000, 5000}; /* of gmp and of pthread */
static const char *const subjects[] = {"gmp", "pthread"};
enum { KNEES = 6 };

static void cell_name(char *id, size_t size, int percent, const char *of)
{
	snprintf(id, size, "mix/server load_percent=%d load_of=%s same w1", percent, of);
}

/* A sample with a load of `rate` a second (0: a closed loop that reaches `reached`), and what must be known of any. */
static json_t *sample_of(const char *cell, size_t who, const char *kind, int round, double rate, double reached,
			 double busy)
{
	double wall = 1e9, cpu = wall * busy;
	json_t *load = json_pack("{s:f, s:{s:f}, s:{s:f, s:f}}", "requests", reached, "generator", "busy",
				 who == 1 ? 0.97 : 0.3, "latency", "p50", 1e6 + rate, "p99", 3e6 + rate);

	if (rate > 0)
		json_object_set_new(load, "rate", json_real(rate));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:i, s:{s:f, s:f, s:f}, s:{s:o}, s:o}", "cell", cell,
			 "workload", "mix/server", "subject", subjects[who], "kind", kind, "status", "ok", "round",
			 round, "attempt", 0, "ops", reached, "workers", 1, "time", "wall_ns", wall, "user_ns", cpu,
			 "sys_ns", 0.0, "metric", "value",
			 strcmp(kind, "timed") == 0 ? json_real(cpu / reached) : json_null(), "load", load);
}

static void add(struct made *m, int percent, const char *of, bool measures_knees)
{
	char id[100], first[100];

	cell_name(id, sizeof id, percent, of);
	cell_name(first, sizeof first, 10, "slowest");
	json_array_append_new(m->cells,
			      json_pack("{s:s, s:s, s:{s:i, s:s}, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:[s,s]}", "id",
					id, "workload", "mix/server", "params", "load_percent", percent, "load_of", of,
					"placement", "same", "workers", 1, "group", "g", "metric", "cpu_per_op", "unit",
					"ns/op", "scaling", "server", "base", "gmp", "subjects", "gmp", "pthread"));
	for (size_t who = 0; who < 2; who++) {
		double base = strcmp(of, "own") == 0 ? knees[who] : knees[1], rate = base * percent / 100;

		for (int k = 0; measures_knees && k < KNEES; k++)
			json_array_append_new(m->samples,
					      sample_of(id, who, "calibrate", k, 0, knees[who] + k * 10 - 25, 0.99));
		for (int round = 0; round < RUNS; round++) {
			json_t *s = sample_of(id, who, "timed", round, rate, rate,
					      0.1 + 0.02 * (double)who + 0.0001 * round);

			json_object_set_new(json_object_get(s, "load"), "knee",
					    json_pack("{s:i, s:s, s:f, s:f, s:s, s:s}", "percent", percent, "of", of,
						      "own_per_s", knees[who], "base_per_s", base, "base",
						      subjects[strcmp(of, "own") == 0 ? who : 1], "cell", first));
			json_array_append_new(m->samples, s);
		}
	}
}

static struct report *made_report(void)
{
	struct made m = {json_array(), json_array()};

	add(&m, 10, "slowest", true);
	add(&m, 50, "slowest", false);
	add(&m, 90, "own", false);
	add(&m, 110, "own", false);
	return build(&m);
}

static bool near(double a, double b)
{
	return fabs(a / b - 1) < 1e-9;
}

static void test_numbers(void **state)
{
	struct report *r = made_report();
	json_t *list = knees_json(r), *first = json_array_get(list, 0), *second = json_array_get(list, 1);

	(void)state;
	assert_int_equal(json_array_size(list), 2); /* where they were measured, and nowhere else */
	assert_true(near(field_number(first, "requests_per_s"), knees[0]));
	assert_true(near(field_number(first, "ci_low"), knees[0] - 25));
	assert_true(near(field_number(first, "ci_high"), knees[0] + 25));
	assert_string_equal(field_text(first, "limit", ""), "cpu");
	assert_string_equal(field_text(second, "limit", ""), "generator");
	for (size_t c = 0; c < 4; c++)
		assert_int_equal(r->cells[c].series[0].timed.n, RUNS); /* knees are in no result */
	/* The same load, of which the faster one has more in hand. */
	assert_true(near(EST(&r->cells[1].series[0], Q_OFFERED)->median, 2500));
	assert_true(near(EST(&r->cells[1].series[0], Q_OWN_SHARE)->median, 2500.0 / 8000));
	assert_true(near(EST(&r->cells[1].series[1], Q_OWN_SHARE)->median, 0.5));
	assert_true(near(EST(&r->cells[3].series[0], Q_OFFERED)->median, 8800));
	assert_true(near(EST(&r->cells[3].series[0], Q_OWN_SHARE)->median, 1.1));
	json_decref(list);
	report_free(r);
}

static void test_who_is_judged(void **state)
{
	struct report *r = made_report();

	(void)state;
	assert_int_equal(r->n_comparisons, 2); /* of the two cells in which both had one load */
	for (size_t i = 0; i < r->n_comparisons; i++)
		assert_true(r->comparisons[i].cell == &r->cells[i]);
	for (size_t c = 0; c < 4; c++)
		for (size_t j = 0; j < 2; j++)
			assert_int_equal(r->cells[c].series[j].rank_group != 0, c < 2);
	assert_true(loads_differ(&r->cells[2].series[0], &r->cells[2].series[1]));
	assert_false(loads_differ(&r->cells[1].series[0], &r->cells[1].series[1]));
	report_free(r);
}

static void test_page(void **state)
{
	struct report *r = made_report();
	char *page = page_of(r, "mix/server");

	(void)state;
	assert_non_null(strstr(page, "Knees: "));
	assert_non_null(strstr(page, "the load generator: it can do more"));
	assert_non_null(strstr(page, "50 % of pthread"));
	assert_non_null(strstr(page, "110 % of gmp"));
	assert_non_null(strstr(page, "110 % of pthread"));
	free(page);
	report_free(r);
}

/* The figure's data: a block per model, its points in the order of its own load whichever cell they are from. */
static void test_figure(void **state)
{
	char dir[] = "/tmp/switchyard-knee-XXXXXX", path[200], line[300], command[200];
	const double shares[2][4] = {{6.25, 31.25, 90, 110}, {10, 50, 90, 110}};
	struct report *r = made_report();
	struct err err = {""};
	const char *dat = NULL;
	size_t who = 0, n = 0;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(report_plots(r, dir, &err), 0);
	for (size_t i = 0; i < r->n_plots; i++)
		if (strstr(r->plots[i].id, "p99_by_load"))
			dat = r->plots[i].dat;
	assert_non_null(dat);
	snprintf(path, sizeof path, "%s/%s", dir, dat);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		double x, y;

		if (strncmp(line, "# pthread: ", 11) == 0)
			who = 1, n = 0;
		if (sscanf(line, "%lf %lf", &x, &y) != 2)
			continue;
		assert_true(n < 4 && near(x, shares[who][n]));
		assert_true(near(y, 3e6 + knees[who] * shares[who][n] / 100));
		n++;
	}
	assert_true(who == 1 && n == 4);
	fclose(f);
	snprintf(command, sizeof command, "rm -r '%s'", dir);
	assert_int_equal(system(command), 0);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_who_is_judged),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_figure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
