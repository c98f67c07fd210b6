/*
 * test_report_looks.c - at which look a report judges, and with what error.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "harness/base/rng.h"
#include "harness/report/model.h"

static json_t *sample(const char *subject, int round, double value)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:{s:s, s:s, s:f}}", "cell", "a/x same w1", "workload",
			 "a/x", "subject", subject, "kind", "timed", "status", "ok", "round", round, "attempt", 0,
			 "metric", "name", "wall_per_op", "unit", "ns/op", "value", value);
}

static struct report *report_of(int rounds, double factor, double spread, int early)
{
	json_t *run = json_pack("{s:s, s:s, s:b, s:{s:s, s:i, s:[{s:i, s:f}, {s:i, s:f}], s:[{s:s, s:s, s:{}, s:s, "
				"s:i, s:s, s:s, s:s, s:s, "
				"s:s, s:[s,s]}]}}",
				"schema", "switchyard.run/1", "run_id", "r", "complete", 1, "plan", "name", "p",
				"rounds", 20, "looks", "rounds", 12, "alpha", 0.005, "rounds", 20, "alpha", 0.045,
				"cells", "id", "a/x same w1", "workload", "a/x", "params", "placement", "same",
				"workers", 1, "group", "x", "metric", "wall_per_op", "unit", "ns/op", "scaling",
				"linear", "base", "aa", "subjects", "aa", "bb");
	json_t *samples = json_array(), *warnings = json_array();
	struct report *r;
	struct err err;
	struct rng rng;

	rng_seed(&rng, 1);
	for (int i = 0; i < rounds; i++) {
		double f = i < early ? 1 : factor;

		json_array_append_new(samples, sample("aa", i, exp(spread * (rng_unit(&rng) - 0.5))));
		json_array_append_new(samples, sample("bb", i, f * exp(spread * (rng_unit(&rng) - 0.5))));
	}
	if (report_build(run, samples, warnings, &r, &err) != 0)
		fail_msg("%s", err.why);
	json_decref(run);
	json_decref(samples);
	json_decref(warnings);
	assert_int_equal(r->n_comparisons, 1);
	return r;
}

static void assert_judged(int rounds, double factor, int early, const char *verdict, unsigned look, size_t pairs)
{
	struct report *r = report_of(rounds, factor, 0.4, early);
	const struct comparison *c = &r->comparisons[0];

	assert_string_equal(verdict_name(c->verdict.kind), verdict);
	assert_int_equal(c->look ? c->look->rounds : 0, look);
	assert_int_equal(c->cmp.n, pairs);
	report_free(r);
}

static void reports_judge_at_the_look(void **state)
{
	struct report *r;

	(void)state;
	assert_judged(12, 2, 0, "SLOWER", 12, 12);
	assert_judged(20, 2, 0, "SLOWER", 12, 12); /* decided at the first look: what came later changes nothing */
	assert_judged(20, 1, 0, "INCONCLUSIVE", 20, 20);
	assert_judged(19, 1, 0, "INCONCLUSIVE", 12, 12); /* seven rounds wait for the next look */
	assert_judged(19, 9, 3, "INCONCLUSIVE", 12, 12); /* though by now they would show it */
	assert_judged(20, 9, 3, "SLOWER", 20, 20);
	assert_judged(11, 2, 0, "INCONCLUSIVE", 0, 11);
	/* At what the look may err: 2 x P(at most 1 of 12) is 0.0063, above 0.005, so that the ends are the extremes. */
	r = report_of(12, 2, 0.4, 0);
	assert_true(r->comparisons[0].cmp.level > 0.999);
	assert_true(r->cells[0].series[0].est[Q_VALUE].level >= 0.995);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_judge_at_the_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
