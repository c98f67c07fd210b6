/*
 * Loads that are a percent of a knee, over servers of known capacity: the knee that is found is what the server can do and no
 * more, what is offered is that percent of it to the digit, and one measurement serves all cells that share the knee.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "harness/plan/engine.h"
#include "harness/plan/estimate.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/knee.h"
#include "harness/plan/power.h"
#include "harness/stats/stats.h"
#include "tests/harness/fakes.h"

#define LOADGEN TEST_BINARY_DIR "/switchyard-loadgen"

struct fixture {
	char folder[256], dir[300];
	struct catalog *catalog;
	struct topology *topology;
	struct plan *plan;
	double noise_limit;
};

static void make(struct fixture *f, const char *const *ways, const char *cells)
{
	static const struct plan_options none;
	char *text = xformat("{\"schema\":\"switchyard.plan/1\",\"region_ms\":60,\"rounds\":1,\"cells\":[%s]}", cells);
	json_t *file = json_loads(text, 0, NULL);
	struct err err = {{0}};

	memset(f, 0, sizeof *f);
	f->noise_limit = 1e9; /* what else runs on this machine is not what is tested */
	fakes_folder(f->folder, sizeof f->folder);
	snprintf(f->dir, sizeof f->dir, "%s/run", f->folder);
	for (; *ways; ways++)
		fakes_link(f->folder, FAKE_SERVER, *ways);
	if (catalog_load(f->folder, &f->catalog, &err) != 0 || topology_load(&f->topology, &err) != 0 ||
	    plan_build(file, f->catalog, f->topology, &none, &f->plan, &err) != 0)
		fail_msg("%s", ERR_TEXT(err));
	json_decref(file);
	free(text);
}

static void drop(struct fixture *f)
{
	plan_free(f->plan);
	topology_free(f->topology);
	catalog_free(f->catalog);
	session_remove_tree(f->folder);
}

/* Start the run, or go on with it: its samples. */
static json_t *run(const struct fixture *f)
{
	struct progress progress;
	struct engine_config config = {.plan = f->plan, .progress = &progress};
	json_t *about = json_pack("{s:s}", "schema", "switchyard.run/1"), *samples, *warnings;
	struct engine_result result;
	struct err err = {{0}};
	int rc = store_create(f->dir, about, &config.store, &err);

	json_decref(about);
	if (rc == -EEXIST)
		rc = store_resume(f->dir, &config.store, &err);
	assert_int_equal(rc, 0);
	progress_init(&progress, NULL, 1);
	sample_env_defaults(&config.env);
	config.env.run_id = "test";
	config.env.data_dir = f->folder;
	config.env.loadgen_path = LOADGEN;
	config.env.seed = 7;
	config.env.settle_ns = 0;
	config.env.noise_limit = f->noise_limit;
	assert_int_equal(engine_run(&config, &result, &err), 0);
	store_close(config.store);
	assert_int_equal(store_load(f->dir, &about, &samples, &warnings, NULL), 0);
	json_decref(about);
	json_decref(warnings);
	return samples;
}

static bool is(const json_t *sample, const char *key, const char *value)
{
	const char *v = jsonx_str(sample, key);

	return v && strcmp(v, value) == 0;
}

/*
 * The median of what the measurements of a subject's knee say, worked out from their records alone; *n of them in all. A void one
 * may stand beside another attempt at it, which counts then.
 */
static double knee_in(const json_t *samples, const char *subject, const char *cell, unsigned *n)
{
	double rates[KNEE_SAMPLES] = {0};
	unsigned ok = 0;
	const json_t *s;
	size_t i;

	*n = 0;
	json_array_foreach (samples, i, s) {
		const json_t *load = json_object_get(s, "load");
		int64_t number = jsonx_int(s, "round", -1);

		if (!is(s, "subject", subject) || !is(s, "kind", "calibrate"))
			continue;
		assert_in_range(number, 0, KNEE_SAMPLES - 1);
		assert_true(is(s, "cell", cell));
		assert_null(json_object_get(load, "rate")); /* a closed loop */
		*n += jsonx_int(s, "attempt", -1) == 0;
		if (is(s, "status", "ok"))
			rates[number] =
				1e9 * (double)jsonx_int(load, "requests", 0) / (double)jsonx_int(load, "wall_ns", 1);
	}
	for (size_t k = 0; k < KNEE_SAMPLES; k++)
		if (rates[k] > 0)
			rates[ok++] = rates[k];
	return ok ? stats_median(rates, ok) : 0;
}

/* Every load of the cell's subject is this percent of the base: how many there were. */
static unsigned check_loads(const json_t *samples, const struct plan *p, size_t cell, const char *subject, double base,
			    const char *base_id, double own)
{
	const struct cell *c = &p->cells[cell];
	unsigned n = 0;
	const json_t *s;
	size_t i;

	json_array_foreach (samples, i, s) {
		const json_t *load = json_object_get(s, "load"), *knee = json_object_get(load, "knee");

		if (!is(s, "cell", c->id) || !is(s, "subject", subject) || !is(s, "kind", "timed") ||
		    !json_is_object(load))
			continue;
		n++;
		assert_int_equal(jsonx_int(load, "rate", 0),
				 lround(base * (double)jsonx_int(c->params, "percent", 0) / 100));
		assert_int_equal(jsonx_int(knee, "percent", 0), jsonx_int(c->params, "percent", 0));
		assert_true(fabs(json_number_value(json_object_get(knee, "base_per_s")) / base - 1) < 1e-9);
		assert_true(fabs(json_number_value(json_object_get(knee, "own_per_s")) / own - 1) < 1e-9);
		assert_true(is(knee, "base", base_id));
		assert_true(is(knee, "of", knee_is_own(c) ? "own" : "slowest"));
		assert_true(is(knee, "cell", p->cells[0].id));
	}
	return n;
}

static const char *const two[] = {"serves1000", "serves3000", NULL};

static void test_offers_the_percent(void **state)
{
	struct fixture f;
	json_t *samples, *again;
	const char *first;
	double fast, slow;
	unsigned n;

	(void)state;
	make(&f, two,
	     "{\"workload\":\"fake/server\",\"params\":{\"percent\":[50,110]}},"
	     "{\"workload\":\"fake/server\",\"params\":{\"percent\":70,\"of\":\"own\"}}");
	assert_int_equal(f.plan->n_cells, 3);
	first = f.plan->cells[0].id;
	samples = run(&f);
	fast = knee_in(samples, "serves1000", first, &n);
	assert_int_equal(n, KNEE_SAMPLES); /* once for three cells */
	slow = knee_in(samples, "serves3000", first, &n);
	assert_int_equal(n, KNEE_SAMPLES);
	/* What a sleep takes is never less than was asked. How much more it takes is the machine's, so there is no other bound. */
	assert_true(fast > 0 && fast <= 1000);
	assert_true(slow > 0 && slow <= 1000.0 / 3);
	for (size_t c = 0; c < 3; c++) {
		const struct cell *cell = &f.plan->cells[c];
		bool own = knee_is_own(cell), is_slower = slow < fast;

		assert_int_equal(own, c == 2);
		assert_true(check_loads(samples, f.plan, c, "serves1000", own || !is_slower ? fast : slow,
					own || !is_slower ? "serves1000" : "serves3000", fast) > 0);
		assert_true(check_loads(samples, f.plan, c, "serves3000", own || is_slower ? slow : fast,
					own || is_slower ? "serves3000" : "serves1000", slow) > 0);
	}
	again = run(&f); /* what is there is found again, knees too, and nothing is measured anew */
	assert_int_equal(json_array_size(again), json_array_size(samples));
	json_decref(again);
	json_decref(samples);
	drop(&f);
}

/* Beyond its knee a server gets all the same what was due, and its answers are late by what it is behind. */
static void test_overload(void **state)
{
	static const char *const one[] = {"serves3000", NULL};
	const json_t *s, *load;
	struct fixture f;
	json_t *samples;
	unsigned n = 0;
	size_t i;

	(void)state;
	make(&f, one, "{\"workload\":\"fake/server\",\"params\":{\"percent\":300}}");
	samples = run(&f);
	json_array_foreach (samples, i, s) {
		load = json_object_get(s, "load");
		if (!is(s, "kind", "timed") || !json_is_object(load))
			continue;
		n++;
		assert_true(jsonx_int(load, "wall_ns", 0) > 60000000); /* the queue outlasts the region */
		assert_true(jsonx_int(json_object_get(load, "latency"), "max", 0) >
			    jsonx_int(json_object_get(load, "service"), "max", 0)); /* from when it was due */
	}
	assert_true(n > 0);
	json_decref(samples);
	drop(&f);
}

/* Who cannot serve has no knee and moves nobody's load; where nobody has one, samples say so. */
static void test_no_knee(void **state)
{
	static const char *const some[] = {"refuses", "serves1000", NULL}, *const none[] = {"dies", NULL};
	struct fixture f;
	json_t *samples;
	const json_t *s;
	double knee;
	unsigned n;
	size_t i;

	(void)state;
	make(&f, some, "{\"workload\":\"fake/server\",\"params\":{\"percent\":60}}");
	samples = run(&f);
	knee = knee_in(samples, "serves1000", f.plan->cells[0].id, &n);
	assert_true(check_loads(samples, f.plan, 0, "serves1000", knee, "serves1000", knee) > 0);
	assert_true(knee_in(samples, "refuses", f.plan->cells[0].id, &n) <= 0);
	assert_int_equal(n, 1); /* E4: it is asked once */
	json_decref(samples);
	drop(&f);
	make(&f, none, "{\"workload\":\"fake/server\",\"params\":{\"percent\":60}}");
	samples = run(&f);
	json_array_foreach (samples, i, s)
		assert_true(is(s, "kind", "calibrate") && is(s, "status", "failed"));
	assert_int_equal(json_array_size(samples), 2); /* E4: twice, and then no more */
	json_decref(samples);
	drop(&f);
}

/* What others disturbed is measured once more, and that counts: then, and also when the run is gone on with. */
static void test_disturbed(void **state)
{
	static const char *const one[] = {"serves1000", NULL};
	struct fixture f;
	json_t *samples, *again;
	unsigned n, attempts[KNEE_ATTEMPTS] = {0};
	const json_t *s;
	double knee;
	size_t i;

	(void)state;
	make(&f, one, "{\"workload\":\"fake/server\",\"params\":{\"percent\":60}}");
	f.noise_limit = -1e9; /* everything is disturbed */
	samples = run(&f);
	json_array_foreach (samples, i, s)
		if (is(s, "kind", "calibrate")) {
			assert_in_range(jsonx_int(s, "attempt", -1), 0, KNEE_ATTEMPTS - 1);
			attempts[jsonx_int(s, "attempt", 0)]++;
		}
	assert_int_equal(attempts[0], KNEE_SAMPLES);
	assert_int_equal(attempts[1], KNEE_SAMPLES);
	knee = knee_in(samples, "serves1000", f.plan->cells[0].id, &n);
	assert_true(check_loads(samples, f.plan, 0, "serves1000", knee, "serves1000", knee) > 0);
	again = run(&f);
	assert_int_equal(json_array_size(again), json_array_size(samples));
	json_decref(again);
	json_decref(samples);
	drop(&f);
}

/* A rate that is given comes first: nothing is measured, and what the subject says is offered. */
static void test_rate_comes_first(void **state)
{
	static const char *const one[] = {"serves1000", NULL};
	struct fixture f;
	json_t *samples;
	const json_t *s;
	size_t i;

	(void)state;
	make(&f, one, "{\"workload\":\"fake/server\",\"params\":{\"percent\":60,\"rate\":200}}");
	assert_false(knee_is_asked(&f.plan->cells[0]));
	samples = run(&f);
	json_array_foreach (samples, i, s) {
		assert_true(is(s, "kind", "timed"));
		assert_int_equal(jsonx_int(json_object_get(s, "load"), "rate", 0), 200);
		assert_null(json_object_get(json_object_get(s, "load"), "knee"));
	}
	json_decref(samples);
	drop(&f);
}

/* Measurements are planned and counted once for cells that share a knee; a percent of each one's own compares nobody. */
static void test_plan(void **state)
{
	struct fixture f;
	struct estimate e[4], all;

	(void)state;
	make(&f, two,
	     "{\"workload\":\"fake/server\",\"base\":\"serves1000\",\"params\":{\"percent\":[50,110]}},"
	     "{\"workload\":\"fake/server\",\"base\":\"serves1000\",\"params\":{\"percent\":70,\"of\":\"own\"}},"
	     "{\"workload\":\"fake/server\",\"base\":\"serves1000\",\"params\":{\"percent\":70,\"size\":2}}");
	assert_int_equal(f.plan->n_cells, 4);
	for (size_t c = 0; c < 4; c++)
		estimate_cell(f.plan, &f.plan->cells[c], &e[c]);
	assert_int_equal(e[0].calibrate, 2 * KNEE_SAMPLES);
	assert_int_equal(e[1].calibrate, 0);
	assert_int_equal(e[2].calibrate, 0);
	assert_int_equal(e[3].calibrate, 2 * KNEE_SAMPLES); /* another work */
	assert_true(e[0].total_ns >= e[1].total_ns + 2 * KNEE_SAMPLES * (int64_t)90000000); /* warm-up and region */
	estimate_plan(f.plan, &all);
	assert_int_equal(all.calibrate, 4 * KNEE_SAMPLES);
	assert_true(knee_is_shared(&f.plan->cells[0], &f.plan->cells[2]));
	assert_false(knee_is_shared(&f.plan->cells[0], &f.plan->cells[3]));
	assert_int_equal(power_comparisons(&f.plan->cells[0]), 1);
	assert_int_equal(power_comparisons(&f.plan->cells[2]), 0);
	drop(&f);
}

static void test_rate(void **state)
{
	(void)state;
	assert_int_equal(knee_rate(&(struct knee_load){.percent = 70, .base_per_s = 12345.6}), 8642);
	assert_int_equal(knee_rate(&(struct knee_load){.percent = 110, .base_per_s = 1000}), 1100);
	assert_int_equal(knee_rate(&(struct knee_load){.percent = 1, .base_per_s = 3}), 1); /* never none */
	assert_int_equal(knee_rate(&(struct knee_load){.percent = 70}), 0); /* not known */
	assert_int_equal(knee_region_ns(200000000), 200000000);
	assert_int_equal(knee_region_ns(INT64_C(10000000000)), 300000000);
}

static int check(const char *scaling, const char *knee)
{
	char *text = xformat("{\"name\":\"a/b\",\"scaling\":\"%s\",\"params\":[{\"name\":\"p\",\"kind\":\"int\"},"
			     "{\"name\":\"c\",\"kind\":\"choice\"}]%s}",
			     scaling, knee);
	json_t *w = json_loads(text, 0, NULL);
	struct err err = {{0}};
	int rc = knee_check(w, &err);

	assert_true((rc == 0) == (err.why[0] == '\0'));
	json_decref(w);
	free(text);
	return rc;
}

static void test_description_is_checked(void **state)
{
	(void)state;
	assert_int_equal(check("server", ""), 0);
	assert_int_equal(check("server", ",\"knee\":{\"percent\":\"p\"}"), 0);
	assert_int_equal(check("server", ",\"knee\":{\"percent\":\"p\",\"of\":\"c\",\"rate\":\"p\"}"), 0);
	assert_int_equal(check("linear", ",\"knee\":{\"percent\":\"p\"}"), -EPROTO);
	assert_int_equal(check("server", ",\"knee\":{\"of\":\"c\"}"), -EPROTO);
	assert_int_equal(check("server", ",\"knee\":{\"percent\":\"q\"}"), -EPROTO);
	assert_int_equal(check("server", ",\"knee\":{\"percent\":\"c\"}"), -EPROTO);
	assert_int_equal(check("server", ",\"knee\":{\"percent\":\"p\",\"of\":\"p\"}"), -EPROTO);
	assert_int_equal(check("server", ",\"knee\":7"), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers_the_percent),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_no_knee),
		cmocka_unit_test(test_disturbed),
		cmocka_unit_test(test_rate_comes_first),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_description_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
