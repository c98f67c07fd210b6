/*
 * test_report.c - the numbers of a report against those that its run was made from (report_fixture.h), and what becomes
 * of input that is wrong.
 */
#include "tests/harness/report_fixture.h"

/* ---- questions to report.json -------------------------------------------------------------------- */

static json_t *report(void)
{
	static json_t *cached;

	if (!cached) {
		char *text = get_file(run_dir, "report.json");

		cached = json_loads(text, 0, NULL);
		assert_non_null(cached);
		free(text);
	}
	return cached;
}

static json_t *find2(const char *list, const char *k1, const char *v1, const char *k2, const char *v2, const char *k3,
		     const char *v3)
{
	json_t *o;
	size_t i;

	json_array_foreach (json_object_get(report(), list), i, o)
		if (strstr(field_text(o, k1, ""), v1) && (!k2 || strcmp(field_text(o, k2, ""), v2) == 0) &&
		    (!k3 || strcmp(field_text(o, k3, ""), v3) == 0))
			return o;
	fail_msg("%s has no %s with %s", list, v1, v2 ? v2 : "");
	return NULL;
}

static bool lists(const char *list, const char *key, const char *text)
{
	json_t *o;
	size_t i;

	json_array_foreach (json_object_get(report(), list), i, o)
		if (strstr(field_text(o, key, ""), text))
			return true;
	return false;
}

static json_t *subject_in(const char *cell, const char *subject)
{
	json_t *s;
	size_t i;

	json_array_foreach (json_object_get(find2("cells", "id", cell, NULL, NULL, NULL, NULL), "subjects"), i, s)
		if (strcmp(field_text(s, "id", ""), subject) == 0 && !json_is_true(json_object_get(s, "is_twin")))
			return s;
	fail_msg("%s has no %s", cell, subject);
	return NULL;
}

static json_t *comparison(const char *cell, const char *base, const char *subject)
{
	return find2("comparisons", "cell", cell, "base", base, "subject", subject);
}

static void assert_close(double got, double want, double relative)
{
	if (!(fabs(got - want) <= fabs(want) * relative))
		fail_msg("got %.9g, want %.9g", got, want);
}

static bool has_text(const char *where, const char *what)
{
	return strstr(where, what) != NULL;
}

/* ---- tests: the numbers -------------------------------------------------------------------------- */

static void medians_use_ok_timed_samples_alone(void **state)
{
	json_t *s = subject_in("switch/ring tasks=64 ws_kib=0 same", "gmp");

	(void)state;
	assert_int_equal(field_whole(s, "n", 0), ROUNDS);
	assert_close(field_number(s, "median"), 41.2, 1e-6);
	assert_close(field_number(s, "ci_low"), 41.2 * .97, 1e-6); /* 2nd and 8th of 9 */
	assert_close(field_number(s, "ci_high"), 41.2 * 1.03, 1e-6);
	assert_close(field_number(s, "ci_level"), 1 - 20.0 / 512, 1e-6);
	assert_close(field_number(s, "max"), 41.2 * 1.04, 1e-6); /* the requeued sample had ten times this */
	assert_close(field_number(s, "cpu_per_op_ns"), 41.2, 1e-6);
	assert_close(field_number(s, "cpu_per_op_ns_ci_low"), 41.2 * .97, 1e-6);
	assert_close(field_number(s, "own_switches_per_op"), 1, 1e-6);
	s = subject_in("switch/ring tasks=64 ws_kib=0 same", "pthread");
	assert_close(field_number(s, "kernel_switches_per_op"), 1.02, 1e-6);
	assert_int_equal(field_whole(s, "n_requeued", 0), 1);
}

static void absent_numbers_are_null_with_a_reason(void **state)
{
	json_t *s = subject_in("cpu/fib", "pthread");

	(void)state;
	assert_true(json_is_null(json_object_get(s, "median")));
	assert_string_equal(field_text(s, "status", ""), "too_slow");
	assert_string_equal(field_text(s, "why", ""), "estimated 40 s");
	s = subject_in("sync/mutex tasks=2", "eventloop");
	assert_string_equal(field_text(s, "status", ""), "unsupported");
	assert_string_equal(field_text(s, "why", ""), single);
	assert_true(json_is_null(json_object_get(s, "rank_group")));
	s = subject_in("sync/mutex tasks=2", "other<&>");
	assert_string_equal(field_text(s, "status", ""), "failed");
}

static void ranks_leave_baselines_out(void **state)
{
	const char cell[] = "switch/ring tasks=64 ws_kib=0 same";

	(void)state;
	assert_true(json_is_null(json_object_get(subject_in(cell, "serial"), "rank_group")));
	assert_int_equal(field_whole(subject_in(cell, "eventloop"), "rank_group", 0), 1);
	assert_int_equal(field_whole(subject_in(cell, "gmp"), "rank_group", 0), 2);
	assert_int_equal(field_whole(subject_in(cell, "pthread"), "rank_group", 0), 3);
	assert_int_equal(field_whole(subject_in("sync/mutex tasks=2", "gmp"), "rank_group", 0),
			 field_whole(subject_in("sync/mutex tasks=2", "pthread"), "rank_group", -1));
}

static void verdicts_follow_from_the_data(void **state)
{
	json_t *c = comparison("switch/ring tasks=64 ws_kib=0 same", "pthread", "gmp");

	(void)state;
	assert_string_equal(field_text(c, "verdict", ""), "FASTER");
	assert_int_equal(field_whole(c, "m", 0), 4); /* three against pthread, the loop against gmp */
	assert_int_equal(field_whole(c, "n_pairs", 0), ROUNDS);
	assert_close(field_number(c, "ci_level"), 1 - 2.0 / 512, 1e-6);
	assert_true(field_number(c, "ratio") > 35 && field_number(c, "ratio") < 45);
	assert_true(field_number(c, "near_edge") == field_number(c, "ci_low"));
	c = comparison("switch/ring tasks=64 ws_kib=0 same", "eventloop", "gmp");
	assert_string_equal(field_text(c, "verdict", ""), "SLOWER");
	assert_close(field_number(c, "near_edge"), 1 / field_number(c, "ci_high"), 1e-6);
	c = comparison("sync/mutex tasks=2", "pthread", "gmp");
	assert_string_equal(field_text(c, "verdict", ""), "EQUIVALENT");
	c = comparison("sync/mutex tasks=8", "pthread", "gmp");
	assert_string_equal(field_text(c, "verdict", ""), "INCONCLUSIVE");
	assert_true(field_whole(c, "more_rounds_needed", 0) > 10);
	assert_true(field_number(c, "mde_pct") > 10);
	c = comparison("memory/parked tasks=1000", "pthread", "gmp");
	assert_string_equal(field_text(c, "verdict", ""), "FASTER");
}

static void disturbed_cells_are_not_trusted(void **state)
{
	json_t *c = comparison("disk/read", "pthread", "eventloop");

	(void)state;
	assert_string_equal(field_text(c, "verdict", ""), "UNTRUSTED");
	assert_close(field_number(c, "contaminated_share"), 4.0 / 9, 1e-6);
	assert_string_equal(json_string_value(json_array_get(json_object_get(c, "reasons"), 0)), "contaminated");
	/* Repeated rounds were disturbed too: their samples are in no share. */
	assert_true(field_number(comparison("ws_kib=0 same", "pthread", "gmp"), "contaminated_share") == 0);
	/* 12 of some 370 timed samples: the run as a whole is clean. */
	assert_string_equal(field_text(json_object_get(report(), "stamp"), "state", ""), "clean");
	assert_int_equal(field_whole(json_object_get(report(), "summary"), "contaminated", 0), 12);
}

static void twins_give_the_floor(void **state)
{
	json_t *t = find2("twins", "cell", "switch/ring", "subject", "gmp", NULL, NULL);

	(void)state;
	assert_int_equal(json_array_size(json_object_get(report(), "twins")), 3);
	assert_true(json_is_false(json_object_get(t, "differs")));
	assert_true(field_number(t, "half_width_pct") > 0.1 && field_number(t, "half_width_pct") < 2);
	/* The ring's twin stands for the other cells of its workload, the mutex's for its own. */
	assert_close(field_number(comparison("ws_kib=64 same", "pthread", "gmp"), "floor_pct"),
		     field_number(t, "half_width_pct"), 1e-9);
	assert_true(json_is_null(json_object_get(comparison("disk/read", "pthread", "gmp"), "floor_pct")));
}

static void memory_is_a_slope(void **state)
{
	json_t *s = find2("memory_slopes", "workload", "memory/parked", "subject", "gmp", NULL, NULL);
	json_t *kstack = json_object_get(json_object_get(s, "parts"), "kstack");

	(void)state;
	assert_int_equal(field_whole(s, "n", 0), 3 * ROUNDS);
	/* 4700, 4450 and 4400 bytes at 1000, 4000 and 16000 tasks: about 4380 per task and 300 kB once. */
	assert_close(field_number(s, "bytes_per_task"), 4380, 0.01);
	assert_close(field_number(s, "intercept_bytes"), 3e5, 0.2);
	assert_true(field_number(s, "ci_low") < 4380 && field_number(s, "ci_high") > 4380);
	assert_true(field_number(s, "intercept_ci_low") < 3e5 && field_number(s, "intercept_ci_high") > 3e5);
	assert_close(field_number(subject_in("memory/parked tasks=1000", "gmp"), "rss_bytes"), 4700 * .4, 1e-6);
	assert_close(field_number(kstack, "bytes_per_task"), field_number(s, "bytes_per_task") * .3, 1e-6);
}

static void counters_are_apart_and_say_why(void **state)
{
	json_t *c = find2("counters", "cell", "ws_kib=0 same", "subject", "pthread", "name", "cycles");
	json_t *cost = find2("counted_over_timed", "subject", "gmp", NULL, NULL, NULL, NULL);

	(void)state;
	assert_true(json_is_null(json_object_get(c, "per_op")));
	assert_string_equal(field_text(c, "why", ""), "ENOENT: no such event here");
	c = find2("counters", "cell", "ws_kib=0 same", "subject", "pthread", "name", "context-switches");
	assert_close(field_number(c, "per_op"), 1.02, 1e-6);
	assert_true(json_is_null(json_object_get(c, "why")));
	c = find2("counters", "cell", "ws_kib=0 same", "subject", "pthread", "name", "rarely");
	assert_true(json_is_null(json_object_get(c, "per_op"))); /* it ran a fifth of the time */
	assert_close(field_number(cost, "ratio"), 1.5, 0.1);
	assert_true(json_object_get(cost, "ci_low") != NULL);
	assert_false(lists("counters", "cell", "null/empty")); /* the empty region concerns the harness */
	assert_false(lists("counted_over_timed", "subject", "null"));
}

/* A set has its samples, and a ratio both of its events from one of them. */
static void ratios_come_from_one_set(void **state)
{
	json_t *c = find2("counters", "cell", "ws_kib=0 same", "subject", "pthread", "name", "context-switches");
	json_t *ratio =
		find2("ratios", "cell", "ws_kib=0 same", "subject", "pthread", "name", "kernel share of instructions");

	(void)state;
	assert_int_equal(field_whole(c, "n", -1), 2); /* the third counted sample had the other set */
	assert_close(field_number(c, "per_kernel_switch"), 1, 1e-6);
	assert_true(json_is_null(json_object_get(c, "per_own_switch"))); /* threads have no scheduler of their own */
	c = find2("counters", "cell", "ws_kib=0 same", "subject", "gmp", "name", "instructions:u");
	assert_int_equal(field_whole(c, "n", -1), 1);
	assert_close(field_number(c, "per_op"), 30, 1e-6);
	assert_close(field_number(c, "per_own_switch"), 30, 1e-6);
	assert_close(field_number(ratio, "median"), 0.25, 1e-6);
	assert_int_equal(field_whole(ratio, "n", -1), 1);
	ratio = find2("ratios", "cell", "ws_kib=0 same", "subject", "pthread", "name", "kernel share of cycles");
	assert_close(field_number(ratio, "median"), 0, 1e-9); /* a 0 that was counted is a 0 */
	assert_false(lists("ratios", "name", "instructions per cycle")); /* no set had both */
}

/* The slope of pairs; half a pair gives nothing, and nothing of it gets into times. */
static void simulations_are_slopes_of_pairs(void **state)
{
	json_t *s = find2("simulated", "cell", "ws_kib=0 same", "subject", "gmp", NULL, NULL), *per_op;
	json_t *measured = subject_in("switch/ring tasks=64 ws_kib=0", "gmp");

	(void)state;
	assert_int_equal(field_whole(s, "n", -1), 3);
	per_op = json_object_get(s, "per_op");
	assert_close(field_number(json_object_get(per_op, "instructions"), "median"), 402, 1e-6);
	assert_close(field_number(json_object_get(per_op, "instructions"), "min"), 400, 1e-6);
	assert_close(field_number(json_object_get(per_op, "instructions"), "max"), 404, 1e-6);
	assert_close(field_number(json_object_get(per_op, "d1_misses"), "median"), 70, 1e-6);
	assert_close(field_number(json_object_get(per_op, "ll_misses"), "median"), 0, 1e-6);
	assert_string_equal(field_text(s, "tool", ""), "valgrind-3.19.0");
	assert_false(lists("simulated", "subject", "eventloop"));
	assert_true(field_number(measured, "median") < 1000); /* 50 times as much would be more */
}

static void servers_say_how_busy_they_were(void **state)
{
	json_t *s = subject_in("net/echo connections=16", "gmp");

	(void)state;
	assert_close(field_number(s, "server_busy"), 2.0 / 3, 0.01); /* 200 ms of CPU time in 300 ms */
	assert_close(field_number(s, "generator_busy"), 0.5, 1e-9);
	assert_close(field_number(s, "cpu_per_op_ns"), 6100, 0.01); /* per request: the certificate has twice as many */
	assert_close(field_number(s, "latency_p99_ns"), 95004, 1e-6);
	assert_close(field_number(s, "latency_p99_9_ns"), 180004, 1e-6);
	assert_close(field_number(s, "latency_p99_9_ns_ci_high"), 180007, 1.5);
	assert_close(field_number(s, "requests_per_s"), 2e8 / 6100 / 0.3, 0.01);
}

static void delays_are_no_times_per_operation(void **state)
{
	json_t *s = subject_in("abuse/ready", "gmp");

	(void)state;
	assert_close(field_number(s, "median"), 900000, 1e-6);
	assert_close(field_number(s, "latency_p99_ns"), 900000, 1e-6);
	assert_close(field_number(s, "latency_p50_ns"), 704, 1e-6);
	assert_null(json_object_get(s, "latency_p99_9_ns")); /* of 2200 delays too few lie beyond it */
	assert_close(field_number(s, "wall_per_op_ns"), 1e9 / 223, 0.1); /* 2e8 / 900000 operations */
}

static void figures_stand_beside_the_metric(void **state)
{
	json_t *f = find2("figures", "cell", "abuse/ready", "subject", "pthread", "name", "jain");

	(void)state;
	assert_close(field_number(f, "median"), 0.54, 1e-9); /* of rounds 0 to 8 */
	assert_close(field_number(f, "min"), 0.50, 1e-9);
	assert_close(field_number(f, "max"), 0.58, 1e-9);
	assert_int_equal(field_whole(f, "n", 0), 9);
	assert_false(lists("figures", "cell", "switch/ring"));
}

static void what_is_left_out_is_said(void **state)
{
	json_t *summary = json_object_get(report(), "summary");

	(void)state;
	assert_true(has_text(
		field_text(find2("excluded", "what", "cpu/fib n=30 same w1: gmp", NULL, NULL, NULL, NULL), "why", ""),
		"1 of 10 samples failed: signal 11"));
	assert_true(has_text(
		field_text(find2("excluded", "what", "switch/ring tasks=64 ws_kib=4 same w1", NULL, NULL, NULL, NULL),
			   "why", ""),
		"4 samples of disturbed rounds"));
	assert_int_equal(field_whole(summary, "failed", 0), 2);
	assert_int_equal(field_whole(summary, "unsupported", 0), 3);
	assert_int_equal(json_array_size(json_object_get(report(), "warnings")), 1); /* the torn line */
}

/* ---- tests: bad input ---------------------------------------------------------------------------- */

static int report_of(const char *name, const char *run, const char *lines, struct err *err)
{
	char dir[320];

	snprintf(dir, sizeof(dir), "%s/%s", base_dir, name);
	mkdir(dir, 0777);
	if (run)
		put_file(dir, "run.json", run);
	if (lines)
		put_file(dir, "samples.jsonl", lines);
	err->why[0] = 0;
	return report_write(dir, err);
}

static void bad_input_is_an_error_with_a_sentence(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(report_write("/nonexistent/run", &err), -ENOENT);
	assert_true(strlen(err.why) > 10);
	assert_true(report_of("empty", NULL, NULL, &err) < 0);
	assert_true(strlen(err.why) > 10);
	assert_true(report_of("nonsense", "{\"schema\":", "", &err) < 0);
	assert_true(strlen(err.why) > 10);
	assert_int_equal(report_of("no-plan", "{\"schema\":\"switchyard.run/1\"}", "", &err), -EBADMSG);
	assert_true(has_text(err.why, "no cells"));
	assert_int_equal(report_of("no-id", "{\"schema\":\"switchyard.run/1\",\"plan\":{\"cells\":[{}]}}", "", &err),
			 -EBADMSG);
	assert_true(has_text(err.why, "no id"));
	assert_true(report_summary("/nonexistent/run", stdout, 80, &err) < 0);
}

/* A run that was killed before its first sample, and samples whose fields have other types than they should. */
static void odd_input_gives_a_report(void **state)
{
	static const char run[] = "{\"schema\":\"switchyard.run/1\",\"run_id\":7,\"plan\":{\"cells\":[{\"id\":\"a/b "
				  "x=1\",\"workload\":\"a/b\","
				  "\"params\":{\"x\":1},\"subjects\":[\"gmp\",\"gmp\",3],\"twin\":\"other\"}]}}";
	static const char lines[] =
		"{\"schema\":\"switchyard.sample/1\",\"key\":\"1\",\"cell\":\"a/b "
		"x=1\",\"subject\":\"gmp\",\"kind\":\"timed\",\"status\":\"ok\","
		"\"metric\":{\"value\":\"fast\"},\"time\":[],\"noise\":3,\"round\":\"x\"}\n"
		"{\"schema\":\"switchyard.sample/"
		"1\",\"key\":\"2\",\"cell\":\"elsewhere\",\"subject\":null,\"kind\":\"timed\",\"status\":\"ok\"}\n"
		"{\"schema\":\"switchyard.sample/1\",\"key\":\"3\",\"cell\":\"a/b "
		"x=1\",\"subject\":\"gmp\",\"kind\":\"counted\",\"status\":\"ok\","
		"\"counters\":[1,{\"name\":5}]}\n";
	struct err err;
	char dir[320], *md;

	(void)state;
	assert_int_equal(report_of("unstarted", run, "", &err), 0);
	assert_int_equal(report_of("odd", run, lines, &err), 0);
	snprintf(dir, sizeof(dir), "%s/odd", base_dir);
	md = get_file(dir, "report.md");
	assert_true(has_text(md, "is ok and has no value"));
	assert_true(has_text(md, "is not in the plan"));
	assert_true(has_text(md, "The run is not complete"));
	free(md);
}

/* Memory of tasks that need next to nothing: differences of readings fall on both sides of 0, and all of them count. */
static void memory_below_zero_is_kept(void **state)
{
	static const double bytes[2][6] = {{-8, 41, 41, -8, -8, 45}, {400, 401, 402, 403, 404, 405}};
	static const char run[] =
		"{\"schema\":\"switchyard.run/1\",\"plan\":{\"cells\":[{\"id\":\"m\",\"workload\":\"a/m\","
		"\"params\":{\"tasks\":500},\"metric\":\"bytes_per_task\",\"unit\":\"bytes/task\","
		"\"scaling\":\"state\",\"subjects\":[\"gmp\",\"pthread\"]}]}}";
	char *lines = NULL, *text, dir[320];
	size_t size;
	FILE *f = open_memstream(&lines, &size);
	json_t *json, *gmp, *comparison;
	struct err err;

	(void)state;
	for (int i = 0; i < 12; i++)
		fprintf(f,
			"{\"schema\":\"switchyard.sample/"
			"1\",\"key\":\"%d\",\"cell\":\"m\",\"subject\":\"%s\",\"round\":%d,"
			"\"kind\":\"timed\",\"status\":\"ok\",\"metric\":{\"name\":\"bytes_per_task\",\"value\":%g}}\n",
			i, i < 6 ? "gmp" : "pthread", i % 6, bytes[i / 6][i % 6]);
	fclose(f);
	assert_int_equal(report_of("below", run, lines, &err), 0);
	free(lines);
	snprintf(dir, sizeof(dir), "%s/below", base_dir);
	text = get_file(dir, "report.json");
	json = json_loads(text, 0, NULL);
	gmp = json_array_get(json_object_get(json_array_get(json_object_get(json, "cells"), 0), "subjects"), 0);
	assert_string_equal(field_text(gmp, "id", ""), "gmp");
	assert_int_equal(field_whole(gmp, "n", 0), 6);
	assert_close(field_number(gmp, "median"), 16.5, 1e-9);
	assert_close(field_number(gmp, "min"), -8, 1e-9);
	comparison = json_array_get(json_object_get(json, "comparisons"), 0);
	assert_string_equal(field_text(comparison, "base", ""), "pthread");
	assert_int_equal(field_whole(comparison, "n_pairs", 0), 6);
	assert_close(field_number(comparison, "near_edge"), 405.0 / 45, 1e-6);
	assert_string_equal(field_text(comparison, "verdict", ""), "FASTER");
	json_decref(json);
	free(text);
}

/* ---- tests: words -------------------------------------------------------------------------------- */

static void values_have_as_many_digits_as_they_deserve(void **state)
{
	static const struct {
		double median, lo, hi;
		enum unit unit;
		const char *text;
	} table[] = {
		{41.234, 39.84, 44.14, UNIT_NS, "41.2 ns [39.8, 44.1]"},
		{41.234, 41.20, 41.26, UNIT_NS, "41.23 ns [41.20, 41.26]"},
		{812.4, 500.2, 1200.9, UNIT_NS, "812 ns [500, 1201]"},
		{1650, 1518, 1782, UNIT_NS, "1.65 us [1.52, 1.78]"},
		{23.8e6, 14e6, 33e6, UNIT_NS, "24 ms [14, 33]"},
		{4700, 4653, 4747, UNIT_BYTES, "4.590 KiB [4.544, 4.636]"},
		{0.5, 0.4, 0.6, UNIT_PLAIN, "0.50 [0.40, 0.60]"},
		{100, 100, 100, UNIT_NS, "100 ns [100, 100]"},
	};
	char buf[96];

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct stats_estimate e = {
			.n = 9, .median = table[i].median, .lo = table[i].lo, .hi = table[i].hi, .has_interval = true};

		words_value(buf, sizeof(buf), &e, table[i].unit);
		assert_string_equal(buf, table[i].text);
	}
	words_number(buf, sizeof(buf), NAN, UNIT_NS);
	assert_string_equal(buf, "n/a");
	words_number(buf, sizeof(buf), 999.9, UNIT_NS);
	assert_string_equal(buf, "1000 ns");
	words_number(buf, sizeof(buf), 34567, UNIT_RATE);
	assert_string_equal(buf, "34.6 k/s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians_use_ok_timed_samples_alone),
		cmocka_unit_test(absent_numbers_are_null_with_a_reason),
		cmocka_unit_test(ranks_leave_baselines_out),
		cmocka_unit_test(verdicts_follow_from_the_data),
		cmocka_unit_test(disturbed_cells_are_not_trusted),
		cmocka_unit_test(twins_give_the_floor),
		cmocka_unit_test(memory_is_a_slope),
		cmocka_unit_test(counters_are_apart_and_say_why),
		cmocka_unit_test(ratios_come_from_one_set),
		cmocka_unit_test(simulations_are_slopes_of_pairs),
		cmocka_unit_test(servers_say_how_busy_they_were),
		cmocka_unit_test(delays_are_no_times_per_operation),
		cmocka_unit_test(figures_stand_beside_the_metric),
		cmocka_unit_test(what_is_left_out_is_said),
		cmocka_unit_test(bad_input_is_an_error_with_a_sentence),
		cmocka_unit_test(odd_input_gives_a_report),
		cmocka_unit_test(memory_below_zero_is_kept),
		cmocka_unit_test(values_have_as_many_digits_as_they_deserve),
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
