/*
 * test_report_scaling.c - curves made by the scalability law are found along each axis and give it back; Little's law
 * is computed from the load's own figures and told where it does not hold.
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

#include "tests/harness/report_made.h"

static const struct usl law = {.lambda = 1000, .sigma = 0.05, .kappa = 0.004};
static const double knee = 15.411; /* the root of 0.95 / 0.004 */

static void add_cell(struct made *m, const char *workload, const char *axis, int value, const char *placement,
		     int workers, const char *scaling)
{
	char id[100];

	snprintf(id, sizeof(id), "%s %s=%d %s w%d", workload, axis, value, placement, workers);
	json_array_append_new(m->cells,
			      json_pack("{s:s, s:s, s:{s:i}, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:[s]}", "id", id,
					"workload", workload, "params", axis, value, "placement", placement, "workers",
					workers, "group", "g", "metric", "wall_per_op", "unit", "ns/op", "scaling",
					scaling, "base", "gmp", "subjects", "gmp"));
}

/* Processes of the last cell, with the throughput of the law at n, a per cent apart; `share`: Little's law, with load. */
static void add_samples(struct made *m, const char *workload, double n, int in_flight, double share)
{
	const json_t *cell = json_array_get(m->cells, json_array_size(m->cells) - 1);

	for (int i = 0; i < RUNS; i++) {
		double rate = usl_at(&law, n) * (1 + 0.01 * (i - RUNS / 2)), wall = 1e9, ops = round(rate);
		json_t *s =
			json_pack("{s:O, s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:i, s:{s:f, s:i, s:i}, s:{s:f}}", "cell",
				  json_object_get(cell, "id"), "workload", workload, "subject", "gmp", "kind", "timed",
				  "status", "ok", "round", i, "attempt", 0, "ops", ops, "workers", 1, "time", "wall_ns",
				  wall, "user_ns", 5, "sys_ns", 5, "metric", "value", wall / ops);

		if (in_flight)
			json_object_set_new(s, "load",
					    json_pack("{s:f, s:i, s:{s:f}}", "requests", ops, "in_flight", in_flight,
						      "latency", "mean", share * in_flight / ops * 1e9));
		json_array_append_new(m->samples, s);
	}
}

static void assert_law(const struct scaling *s, const char *axis)
{
	assert_string_equal(s->axis, axis);
	assert_true(fabs(s->usl.fit.lambda / law.lambda - 1) < 0.01);
	assert_true(fabs(s->usl.fit.sigma - law.sigma) < 0.002);
	assert_true(fabs(s->usl.fit.kappa - law.kappa) < 0.0002);
	assert_true(fabs(s->usl.fit.knee - knee) < 0.3);
	assert_true(s->usl.has_interval && s->usl.knee.lo < knee && knee < s->usl.knee.hi);
}

static void connections_of_a_server(void **state)
{
	struct made m = {json_array(), json_array()};
	struct report *r;
	json_t *scaling, *ends;
	char *page;

	(void)state;
	for (int n = 1; n <= 32; n *= 2) {
		add_cell(&m, "net/echo", "connections", n, "same", 1, "server");
		add_samples(&m, "net/echo", n, n, n == 32 ? 0.8 : 0.995);
	}
	r = build(&m);
	assert_int_equal(r->n_scalings, 1);
	assert_law(&r->scalings[0], "connections");
	assert_true(r->scalings[0].n_max == 32);
	assert_true(fabs(EST(&r->cells[0].series[0], Q_LITTLE)->median - 0.995) < 1e-9);
	scaling = scaling_json(r);
	ends = json_object_get(json_object_get(json_array_get(scaling, 0), "ci"), "n_star");
	assert_true(json_number_value(json_array_get(ends, 0)) < knee);
	assert_true(json_is_true(json_object_get(json_array_get(scaling, 0), "fits")));
	json_decref(scaling);
	page = page_of(r, "net/echo");
	assert_non_null(strstr(page, "`gmp` over connections 1 to 32, same"));
	assert_null(strstr(page, "extrapolated"));
	assert_non_null(strstr(page, "leaves -20 % of its connections unexplained"));
	assert_null(strstr(strstr(page, "**Audit:**") + 1, "**Audit:**")); /* of one cell alone */
	free(page);
	report_free(r);
}

/* On one CPU a cell's placement is `same`: it is the first point of the others' curve. Its knee lies beyond them. */
static void workers_of_a_pool(void **state)
{
	struct made m = {json_array(), json_array()};
	struct report *r;
	char *page;

	(void)state;
	for (int n = 1; n <= 12; n += n < 4 ? 1 : 4) {
		add_cell(&m, "cpu/fib", "n", 30, n == 1 ? "same" : "free", n, "linear");
		add_samples(&m, "cpu/fib", n, 0, 0);
	}
	r = build(&m);
	assert_int_equal(r->n_scalings, 1);
	assert_law(&r->scalings[0], "workers");
	assert_true(r->scalings[0].n_min == 1 && r->scalings[0].n_max == 12);
	page = page_of(r, "cpu/fib");
	assert_non_null(strstr(page, ", extrapolated"));
	free(page);
	report_free(r);
}

/* Five values are no curve, nor are cells that differ in something else; a straw man is said not to fit. */
static void what_is_no_curve(void **state)
{
	struct made m = {json_array(), json_array()};
	struct report *r;
	char *page;

	(void)state;
	for (int n = 1; n <= 16; n *= 2) {
		add_cell(&m, "switch/ring", "tasks", n, "same", 1, "linear");
		add_samples(&m, "switch/ring", n, 0, 0);
	}
	add_cell(&m, "switch/ring", "tasks", 32, "cross", 2, "linear");
	add_samples(&m, "switch/ring", 32, 0, 0);
	for (int n = 1; n <= 32; n *= 2) {
		add_cell(&m, "sync/mutex", "tasks", n, "same", 1, "linear");
		add_samples(&m, "sync/mutex", n == 4 || n == 16 ? 40 : 10, 0, 0); /* up and down */
	}
	r = build(&m);
	assert_int_equal(r->n_scalings, 1);
	assert_string_equal(r->scalings[0].cell->workload, "sync/mutex");
	page = page_of(r, "sync/mutex");
	assert_non_null(strstr(page, "the law does not describe it"));
	free(page);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_of_a_server),
		cmocka_unit_test(workers_of_a_pool),
		cmocka_unit_test(what_is_no_curve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
