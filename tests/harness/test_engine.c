/*
 * The engine over fakes: what it asks whom, what it stops asking, what is in the store at the end; and that a run that
 * is killed again and again ends with the same keys as one that is not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/measure/cachegrind.h"
#include "harness/plan/engine.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/order.h"
#include "tests/harness/fakes.h"

struct fixture {
	char folder[256], dir[300];
	struct catalog *catalog;
	struct topology *topology;
	struct plan *plan;
	double noise_limit;
	int64_t budget_ns;
	const struct cachegrind *cachegrind;
	FILE *terminal; /* where the progress line goes; NULL: nowhere */
};

static void make_with(struct fixture *f, const char *const *ways, const char *cells, const struct plan_options *options)
{
	char *text = xformat("{\"schema\":\"switchyard.plan/1\",\"region_ms\":10,\"cells\":[%s]}", cells);
	json_t *file = json_loads(text, 0, NULL);
	struct err err = {{0}};

	memset(f, 0, sizeof *f);
	f->noise_limit = 1e9; /* what else runs on this machine is not what is tested */
	fakes_folder(f->folder, sizeof f->folder);
	snprintf(f->dir, sizeof f->dir, "%s/run", f->folder);
	for (; *ways; ways++)
		fakes_add(f->folder, *ways);
	if (catalog_load(f->folder, &f->catalog, &err) != 0 || topology_load(&f->topology, &err) != 0 ||
	    plan_build(file, f->catalog, f->topology, options, &f->plan, &err) != 0)
		fail_msg("%s", ERR_TEXT(err));
	json_decref(file);
	free(text);
}

static void make(struct fixture *f, const char *const *ways, const char *cells)
{
	static const struct plan_options none;

	make_with(f, ways, cells, &none);
}

static void drop(struct fixture *f)
{
	plan_free(f->plan);
	topology_free(f->topology);
	catalog_free(f->catalog);
	session_remove_tree(f->folder);
}

/* Start or go on with the run in f->dir; 0 when it came to its end. */
static int run(const struct fixture *f, struct engine_result *result)
{
	struct progress progress;
	struct engine_config config = {.plan = f->plan, .progress = &progress, .budget_ns = f->budget_ns};
	json_t *about = json_pack("{s:s}", "schema", "switchyard.run/1");
	struct err err = {{0}};
	int rc = store_create(f->dir, about, &config.store, &err);

	json_decref(about);
	if (rc == -EEXIST)
		rc = store_resume(f->dir, &config.store, &err);
	if (rc)
		return rc;
	progress_init(&progress, f->terminal, 1);
	progress.is_tty = f->terminal != NULL;
	sample_env_defaults(&config.env);
	config.env.run_id = "test";
	config.env.data_dir = f->folder;
	config.env.seed = 7;
	config.env.settle_ns = 0;
	config.env.noise_limit = f->noise_limit;
	config.env.cachegrind = f->cachegrind;
	rc = engine_run(&config, result, &err);
	store_close(config.store);
	return rc;
}

static json_t *samples_of(const struct fixture *f)
{
	json_t *about, *samples, *warnings;

	assert_int_equal(store_load(f->dir, &about, &samples, &warnings, NULL), 0);
	assert_int_equal(json_array_size(warnings), 0);
	json_decref(about);
	json_decref(warnings);
	return samples;
}

static bool is(const json_t *sample, const char *key, const char *value)
{
	const char *v = jsonx_str(sample, key);

	return v && strcmp(v, value) == 0;
}

/* Samples of a subject and kind that stand (are not requeued); round < 0: of any. */
static unsigned count(const json_t *samples, const char *subject, bool is_twin, const char *kind, int round)
{
	unsigned n = 0;
	const json_t *s;
	size_t i;

	json_array_foreach (samples, i, s)
		n += is(s, "subject", subject) && jsonx_bool(s, "is_twin", false) == is_twin && is(s, "kind", kind) &&
		     (round < 0 || jsonx_int(s, "round", -1) == round) && !is(s, "status", "requeued");
	return n;
}

static void assert_keys_unique(const json_t *samples)
{
	json_t *keys = json_object();
	const json_t *s;
	size_t i;

	json_array_foreach (samples, i, s) {
		assert_null(json_object_get(keys, jsonx_str(s, "key")));
		json_object_set_new(keys, jsonx_str(s, "key"), json_true());
		assert_int_equal(jsonx_int(s, "seq", -1), i);
	}
	json_decref(keys);
}

static void assert_rounds(const json_t *samples, const char *subject, bool is_twin, unsigned rounds)
{
	for (unsigned r = 0; r < rounds; r++)
		if (count(samples, subject, is_twin, "timed", (int)r) != 1)
			fail_msg("%s%s has %u samples in round %u", subject, is_twin ? "'" : "",
				 count(samples, subject, is_twin, "timed", (int)r), r);
}

static const char *const two[] = {"aa", "bb", NULL};
#define SMALL                                                                                                          \
	"{\"workload\":\"fake/work\",\"rounds\":4,\"counted\":1,\"twin\":true,\"base\":\"aa\","                        \
	"\"params\":{\"size\":[1,2]}},{\"workload\":\"fake/once\",\"rounds\":2}"

static void test_whole_run(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, two, SMALL);
	assert_int_equal(run(&f, &result), 0);
	assert_true(result.is_complete);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_int_equal(count(samples, "aa", false, "calibrate", -1), 2); /* fake/once needs none */
	assert_int_equal(count(samples, "bb", false, "calibrate", -1), 2);
	assert_int_equal(count(samples, "aa", true, "calibrate", -1), 0);
	assert_int_equal(count(samples, "aa", false, "timed", -1), 2 * 4 + 2);
	assert_int_equal(count(samples, "bb", false, "timed", -1), 2 * 4 + 2);
	assert_int_equal(count(samples, "aa", true, "timed", -1), 4);
	assert_int_equal(count(samples, "aa", false, "counted", -1), 2);
	json_decref(samples);
	drop(&f);
}

/* Running a complete run again does nothing. */
static void test_resume_of_complete_run(void **state)
{
	struct fixture f;
	struct engine_result result, again;
	json_t *before, *after;

	(void)state;
	make(&f, two, SMALL);
	assert_int_equal(run(&f, &result), 0);
	before = samples_of(&f);
	assert_int_equal(run(&f, &again), 0);
	after = samples_of(&f);
	assert_true(json_equal(before, after));
	assert_int_equal(result.ok, again.ok);
	assert_int_equal(result.requeued, again.requeued);
	json_decref(before);
	json_decref(after);
	drop(&f);
}

/* Positions are balanced in a block of as many rounds as there are entries. */
static void test_positions(void **state)
{
	static const char *const three[] = {"aa", "bb", "cc", NULL};
	unsigned at[3][3] = {{0}};
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const json_t *s;
	size_t i;

	(void)state;
	make(&f, three, "{\"workload\":\"fake/once\",\"rounds\":6}");
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	json_array_foreach (samples, i, s)
		if (!is(s, "status", "requeued"))
			at[jsonx_str(s, "subject")[0] - 'a'][jsonx_int(s, "position", 9)]++;
	for (i = 0; i < 3; i++)
		for (size_t p = 0; p < 3; p++)
			assert_int_equal(at[i][p], 2);
	json_decref(samples);
	drop(&f);
}

/* Who refuses is asked once; who fails twice without success is not asked a third time; the others go on. */
static void test_failures(void **state)
{
	static const char *const mixed[] = {"aa",          "crash", "unsupported", "wrongcert", "badcalibration",
					    "nocalibrate", NULL};
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, mixed, "{\"workload\":\"fake/work\",\"rounds\":4,\"counted\":1}");
	f.noise_limit = 1e9;
	assert_int_equal(run(&f, &result), 0);
	assert_true(result.is_complete);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_rounds(samples, "aa", false, 4);
	assert_rounds(samples, "nocalibrate", false, 4);
	assert_int_equal(count(samples, "nocalibrate", false, "calibrate", -1), 0);
	/* calibration succeeds for these two fakes, so their first timed sample is where they show */
	assert_true(count(samples, "crash", false, "timed", -1) >= 1);
	assert_int_equal(count(samples, "unsupported", false, "timed", -1), 1);
	assert_int_equal(count(samples, "unsupported", false, "counted", -1), 0);
	assert_int_equal(count(samples, "badcalibration", false, "calibrate", -1), 1);
	assert_int_equal(count(samples, "badcalibration", false, "timed", -1), 0);
	assert_int_equal(count(samples, "aa", false, "counted", -1), 1);
	assert_true(result.failed >= 2);
	assert_int_equal(result.unsupported, 1);
	json_decref(samples);
	drop(&f);
}

/* Sets of events take turns. */
static void test_event_sets_rotate(void **state)
{
	static const char *const one[] = {"aa", NULL}, *const sets[] = {"page-faults", "task-clock,page-faults"};
	struct plan_options o = {.event_sets = json_pack("[s, s]", sets[0], sets[1]), .filter = "kind:counted"};
	struct fixture f;
	struct engine_result result;
	json_t *samples, *s;
	unsigned n = 0;
	size_t i;

	(void)state;
	make_with(&f, one, "{\"workload\":\"fake/once\",\"counted\":3}", &o);
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	json_array_foreach (samples, i, s) {
		assert_string_equal(jsonx_str(s, "event_set"), sets[jsonx_int(s, "round", -1) % 2]);
		assert_int_equal(json_array_size(json_object_get(s, "counters")), 1 + jsonx_int(s, "round", -1) % 2);
		n++;
	}
	assert_int_equal(n, 3);
	json_decref(samples);
	json_decref((json_t *)o.event_sets);
	drop(&f);
}

/*
 * Simulated samples, with a script in valgrind's place that counts seven instructions, whatever its subject does:
 * pairs of one and twice the work, of all subjects the same, without times or noise.
 */
static void test_simulated(void **state)
{
	static const char *const mixed[] = {"aa", "crash", NULL};
	static const char script[] =
		"#!/bin/sh\nfor a; do case $a in --cachegrind-out-file=*) f=${a#*=};; --run) break;; --*) ;; *) s=$a;; "
		"esac; done\n"
		"case $s in *crash) exec $s --run;; esac\n"
		"printf 'events: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw\\nsummary: 7 1 1 1 1 1 1 1 1\\n' >${f%%%p}$$\n"
		"exec $s --run\n";
	struct plan_options o = {.with_simulated = true, .filter = "kind:simulated"};
	struct cachegrind tool = {.version = "valgrind-0", .options = {"--I1=1,1,16", "--D1=1,1,16", "--LL=1,1,16"}};
	struct fixture f;
	struct engine_result result;
	json_t *samples, *s, *again;
	FILE *file;
	size_t i;

	(void)state;
	make_with(&f, mixed, "{\"workload\":\"fake/work\"},{\"workload\":\"fake/once\",\"subjects\":[\"aa\"]}", &o);
	snprintf(tool.path, sizeof tool.path, "%s/valgrind", f.folder);
	file = fopen(tool.path, "w");
	assert_non_null(file);
	fputs(script, file);
	assert_int_equal(fchmod(fileno(file), 0755), 0);
	fclose(file);
	f.cachegrind = &tool;
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_int_equal(count(samples, "aa", false, "calibrate", -1), 0);
	assert_int_equal(count(samples, "aa", false, "simulated", -1), 6 + 2);
	assert_int_equal(count(samples, "crash", false, "simulated", -1),
			 2); /* as often as anything else that never succeeds */
	json_array_foreach (samples, i, s) {
		const json_t *simulation = json_object_get(s, "simulation");
		bool twice = jsonx_int(s, "round", -1) % 2 == 1;

		if (!is(s, "subject", "aa")) {
			assert_false(is(s, "status", "ok"));
			assert_true(json_is_null(simulation));
			continue;
		}
		assert_string_equal(jsonx_str(s, "status"), "ok");
		assert_int_equal(jsonx_int(simulation, "instructions", -1), 7);
		assert_int_equal(jsonx_int(simulation, "ll_misses", -1), 3);
		assert_int_equal(jsonx_bool(simulation, "is_twice", !twice), twice);
		assert_true(json_is_null(json_object_get(s, "noise")));
		assert_true(json_is_null(json_object_get(json_object_get(s, "metric"), "value")));
		if (is(s, "workload", "fake/work")) /* eight smoke samples of ten, in quanta of 12 */
			assert_int_equal(jsonx_int(s, "ops", -1), twice ? 144 : 72);
	}
	assert_int_equal(run(&f, &result), 0); /* nothing is missing */
	again = samples_of(&f);
	assert_true(json_equal(samples, again));
	json_decref(again);
	json_decref(samples);
	drop(&f);
}

/* A finite problem has no calibration to vouch for a subject: two failures and no more. */
static void test_gives_up(void **state)
{
	static const char *const mixed[] = {"aa", "crash", NULL};
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, mixed, "{\"workload\":\"fake/once\",\"rounds\":5,\"counted\":1}");
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_rounds(samples, "aa", false, 5);
	assert_int_equal(count(samples, "crash", false, "timed", -1), 2);
	assert_int_equal(count(samples, "crash", false, "counted", -1), 0);
	assert_int_equal(result.failed, 2);
	json_decref(samples);
	drop(&f);
}

/*
 * With a limit below nothing every sample is contaminated: a quarter of the rounds is repeated, as whole rounds, and
 * what comes after that is kept.
 */
static void test_requeue_is_bounded(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const json_t *s;
	unsigned requeued = 0;
	size_t i;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/once\",\"rounds\":5}");
	f.noise_limit = -1e9;
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	json_array_foreach (samples, i, s)
		requeued += is(s, "status", "requeued");
	assert_int_equal(requeued, 2 * 2); /* ceil(5 / 4) rounds of two subjects */
	/* Those that stand, not those that were replaced. On a loaded machine a clock may void one or two instead. */
	assert_in_range(result.contaminated, 5 * 2 - 2, 5 * 2);
	assert_true(result.is_complete);
	json_decref(samples);
	drop(&f);
}

/* However many rounds there are: the same round is not repeated until the quarter of them is used up. */
static void test_round_is_repeated_three_times(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const json_t *s;
	size_t i;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/once\",\"rounds\":20}");
	f.noise_limit = -1e9;
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	json_array_foreach (samples, i, s)
		assert_in_range(jsonx_int(s, "attempt", -1), 0, 3);
	assert_int_equal(result.requeued, 5 * 2); /* three of the first round, two of the second */
	assert_rounds(samples, "aa", false, 20);
	json_decref(samples);
	drop(&f);
}

static void test_budget(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/once\",\"rounds\":500}");
	f.budget_ns = 1; /* over before the first round: that one is done nevertheless */
	assert_int_equal(run(&f, &result), 0);
	assert_true(result.is_out_of_time);
	assert_false(result.is_complete);
	samples = samples_of(&f);
	assert_rounds(samples, "aa", false, 1);
	assert_rounds(samples, "bb", false, 1);
	assert_int_equal(count(samples, "aa", false, "timed", 1), 0);
	json_decref(samples);
	assert_int_equal(run(&f, &result), 0); /* going on makes progress, too */
	samples = samples_of(&f);
	assert_rounds(samples, "aa", false, 2);
	assert_int_equal(count(samples, "aa", false, "timed", 2), 0);
	json_decref(samples);
	drop(&f);
}

/* Calibration does not eat the budget: every cell has its first round, calibrated just before it. */
static void test_budget_and_calibration(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const char *last = "";
	const json_t *s;
	size_t i;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/work\",\"rounds\":50,\"params\":{\"size\":[1,2,3]}}");
	f.budget_ns = 1;
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_int_equal(count(samples, "aa", false, "timed", 0), 3);
	assert_int_equal(count(samples, "bb", false, "timed", 0), 3);
	assert_int_equal(count(samples, "aa", false, "timed", 1), 0); /* rounds are missing in all cells alike */
	assert_int_equal(count(samples, "aa", false, "calibrate", -1), 3);
	json_array_foreach (samples, i, s) {
		if (is(s, "kind", "calibrate"))
			last = jsonx_str(s, "cell");
		else if (jsonx_int(s, "attempt", 0) == 0)
			assert_string_equal(jsonx_str(s, "cell"), last);
	}
	json_decref(samples);
	drop(&f);
}

/* Operations are asked for in multiples of the quantum, so that those asked for are those done. */
static void test_quantum(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	const json_t *s;
	size_t i;

	(void)state;
	make(&f, two, "{\"workload\":\"fake/work\",\"rounds\":1,\"params\":{\"size\":[1,7]}}");
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	json_array_foreach (samples, i, s)
		if (is(s, "kind", "timed")) /* 200 fill the region; a multiple of 3 x size */
			assert_int_equal(jsonx_int(s, "ops", -1),
					 jsonx_int(json_object_get(s, "params"), "size", 0) == 7 ? 189 : 198);
	json_decref(samples);
	drop(&f);
}

/* What the engine would do, without doing it; the caller frees. */
static json_t *missing_of(const struct fixture *f, struct engine_result *result)
{
	struct progress progress;
	struct engine_config config = {.plan = f->plan, .progress = &progress, .missing = json_object()};
	struct err err = {{0}};

	progress_init(&progress, NULL, 0);
	config.env.seed = 7;
	assert_int_equal(store_peek(f->dir, &config.store, &err), 0);
	assert_int_equal(engine_run(&config, result, &err), 0);
	store_close(config.store);
	return config.missing;
}

/* What is missing is told, and nothing is run for it. */
static void test_missing(void **state)
{
	struct fixture f;
	struct engine_result result;
	json_t *before, *after, *missing, *of_cell;

	(void)state;
	make(&f, two, SMALL);
	f.budget_ns = 1;
	assert_int_equal(run(&f, &result), 0); /* the first round of the three cells, and four calibrations */
	before = samples_of(&f);
	missing = missing_of(&f, &result);
	assert_false(result.is_complete);
	/* timed: of the cell with the twin, of its neighbour, of the finite one; counted: two cells */
	assert_int_equal(result.n_missing, 3 * 3 + 3 * 2 + 1 * 2 + 2 * 2);
	assert_true(result.missing_ns > 0);
	of_cell = json_object_get(missing, f.plan->cells[0].id);
	assert_int_equal(jsonx_int(of_cell, "timed", 0), 3 * 3);
	assert_int_equal(jsonx_int(of_cell, "counted", 0), 2);
	assert_int_equal(jsonx_int(of_cell, "calibrate", 0), 0);
	json_decref(missing);
	after = samples_of(&f);
	assert_true(json_equal(before, after));
	json_decref(after);
	json_decref(before);
	f.budget_ns = 0;
	assert_int_equal(run(&f, &result), 0);
	missing = missing_of(&f, &result);
	assert_int_equal(result.n_missing, 0);
	assert_int_equal(json_object_size(missing), 0);
	assert_true(result.is_complete);
	json_decref(missing);
	drop(&f);
}

/* A terminal of 80 columns shows the estimate, however long the cell's name is. */
static void test_progress_shows_the_estimate(void **state)
{
	struct fixture f;
	struct engine_result result;
	char *text = NULL;
	size_t size = 0;

	(void)state;
	make(&f, two,
	     "{\"workload\":\"fake/work\",\"rounds\":5,\"base\":\"aa\",\"params\":{\"size\":99,\"mode\":\"cold\"}}");
	f.terminal = open_memstream(&text, &size);
	assert_non_null(f.terminal);
	assert_int_equal(run(&f, &result), 0);
	fclose(f.terminal);
	assert_non_null(strstr(text, "round 5/5; bb needs "));
	assert_non_null(strstr(text, " rounds): fake/work"));
	free(text);
	drop(&f);
}

static bool is_good(const json_t *samples, const char *subject, unsigned round)
{
	const json_t *s;
	size_t i;

	json_array_foreach (samples, i, s)
		if (is(s, "subject", subject) && is(s, "kind", "timed") && is(s, "status", "ok") &&
		    jsonx_int(s, "round", -1) == round)
			return true;
	return false;
}

/* The first look with enough pairs for an interval, of two that differ thirtyfold: a loaded machine voids some. */
static unsigned rounds_that_decide(const json_t *samples, const char *a, const char *b)
{
	static const struct {
		unsigned rounds, pairs;
	} looks[] = {{12, 9}, {20, 8}, {40, 8}, {80, 8}, {120, 8}};
	unsigned pairs = 0, round = 0, i = 0;

	for (;; i++) {
		for (; round < looks[i].rounds; round++)
			pairs += is_good(samples, a, round) && is_good(samples, b, round);
		if (pairs >= looks[i].pairs || looks[i].rounds == 120)
			return looks[i].rounds;
	}
}

/*
 * With looks the rounds go where verdicts are open: a cell in which one needs thirty times as much ends at the first
 * look; one in which two are alike and noisy goes on. A tree of both in one plan; then the same once more finds nothing
 * to do: resuming comes to the same decisions.
 */
static void test_looks(void **state)
{
	static const char *const ways[] = {"aa", "slow", "jitter", "jitter2", NULL};
	static const struct plan_options rigorous = {.is_rigorous = true};
	struct fixture f;
	struct engine_result result, again;
	json_t *samples, *after;
	unsigned n;

	(void)state;
	make_with(&f, ways,
		  "{\"workload\":\"fake/once\",\"subjects\":[\"aa\",\"slow\"],\"base\":\"aa\",\"counted\":1},"
		  "{\"workload\":\"fake/work\",\"subjects\":[\"jitter\",\"jitter2\"],\"base\":\"jitter\"}",
		  &rigorous);
	assert_int_equal(f.plan->cells[0].rounds, 120);
	assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	n = rounds_that_decide(samples, "aa", "slow");
	assert_rounds(samples, "aa", false, n);
	assert_rounds(samples, "slow", false, n);
	assert_int_equal(count(samples, "aa", false, "timed", -1), n);
	assert_int_equal(count(samples, "slow", false, "timed", -1), n);
	assert_int_equal(count(samples, "slow", false, "counted", -1), 1);
	n = count(samples, "jitter", false, "timed", -1);
	assert_true(n == 20 || n == 40 || n == 80 || n == 120); /* 12 in one of two thousand: 2 x 2^-12 */
	assert_int_equal(count(samples, "jitter2", false, "timed", -1), n);
	assert_true(result.is_complete);
	assert_int_equal(run(&f, &again), 0);
	after = samples_of(&f);
	assert_true(json_equal(samples, after));
	json_decref(samples);
	json_decref(after);
	drop(&f);
}

/* Time that is up in the middle leaves a run that is gone on with, and that ends as one in one piece. */
/* A round that was void when the time was up stands: who goes on does not measure it again. */
static void test_void_and_budget(void **state)
{
	static const char *const ways[] = {"lies", NULL};
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make(&f, ways, "{\"workload\":\"fake/once\",\"rounds\":3}");
	f.budget_ns = 1;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(run(&f, &result), 0);
	samples = samples_of(&f);
	assert_true(is(json_array_get(samples, 0), "status", "void"));
	assert_rounds(samples, "lies", false, 2);
	assert_int_equal(json_array_size(samples), 2);
	json_decref(samples);
	drop(&f);
}

static void test_looks_and_budget(void **state)
{
	static const char *const ways[] = {"aa", "slow", NULL};
	static const struct plan_options rigorous = {.is_rigorous = true};
	struct fixture f;
	struct engine_result result;
	json_t *samples;

	(void)state;
	make_with(&f, ways, "{\"workload\":\"fake/once\",\"base\":\"aa\"}", &rigorous);
	f.budget_ns = 1;
	for (unsigned i = 1; i <= 12; i++) { /* a round each time */
		assert_int_equal(run(&f, &result), 0);
		samples = samples_of(&f);
		assert_rounds(samples, "aa", false, i);
		assert_int_equal(count(samples, "aa", false, "timed", i), 0);
		json_decref(samples);
		assert_int_equal(result.n_undecided, i < 12 || !result.is_complete);
	}
	f.budget_ns = 0;
	assert_int_equal(run(&f, &result), 0);
	assert_true(result.is_complete);
	assert_int_equal(result.n_undecided, 0);
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_int_equal(count(samples, "aa", false, "timed", -1), rounds_that_decide(samples, "aa", "slow"));
	json_decref(samples);
	drop(&f);
}

/* The end is never told later than the budget allows. */
static void test_deadline(void **state)
{
	struct progress p;

	(void)state;
	progress_init(&p, NULL, INT64_C(1000000000000));
	assert_true(progress_left_s(&p) == 1000);
	p.deadline_ns = clock_now_ns() + UINT64_C(20000000000);
	assert_true(progress_left_s(&p) <= 20);
	p.deadline_ns = 1;
	assert_true(progress_left_s(&p) == 0);
}

/* ---- killing --------------------------------------------------------------------------------------------- */

static void sleep_ms(unsigned ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

/* Run in a child, killed after so many ms (0: not). True if it came to its end. */
static bool run_and_kill(const struct fixture *f, unsigned after_ms)
{
	struct engine_result result;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run(f, &result) == 0 && result.is_complete ? 0 : 1);
	if (after_ms) {
		sleep_ms(after_ms);
		kill(pid, SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The complete lines of the file. */
static char *complete_lines(const struct fixture *f)
{
	char *path = xformat("%s/samples.jsonl", f->dir), *text = xcalloc(1, 1 << 22), *end;
	FILE *file = fopen(path, "r");
	size_t n = file ? fread(text, 1, (1 << 22) - 1, file) : 0;

	text[n] = '\0';
	end = strrchr(text, '\n');
	text[end ? end + 1 - text : 0] = '\0';
	if (file)
		fclose(file);
	free(path);
	return text;
}

static void test_kills(void **state)
{
	struct fixture f;
	json_t *samples;
	struct rng rng;
	bool is_done = false;

	(void)state;
	make(&f, two, SMALL);
	rng_seed(&rng, (uint64_t)getpid()); /* any moment is a good one */
	for (unsigned i = 0; i < 10 && !is_done; i++) {
		char *before = complete_lines(&f), *after;

		is_done = run_and_kill(&f, 5 + (unsigned)rng_below(&rng, 80));
		after = complete_lines(&f);
		assert_int_equal(strncmp(before, after, strlen(before)),
				 0); /* nothing that was there is lost or changed */
		free(before);
		free(after);
	}
	assert_true(run_and_kill(&f, 0));
	samples = samples_of(&f);
	assert_keys_unique(samples);
	assert_int_equal(count(samples, "aa", false, "calibrate", -1), 2);
	assert_int_equal(count(samples, "bb", false, "calibrate", -1), 2);
	assert_int_equal(count(samples, "aa", false, "timed", -1), 2 * 4 + 2);
	assert_int_equal(count(samples, "bb", false, "timed", -1), 2 * 4 + 2);
	assert_int_equal(count(samples, "aa", true, "timed", -1), 4);
	assert_int_equal(count(samples, "aa", false, "counted", -1), 2);
	json_decref(samples);
	drop(&f);
}

static void on_alarm(int signo)
{
	(void)signo;
	sample_interrupt();
}

/* An interrupt in the middle of a hanging sample ends the run at once and leaves no record of it. */
static void test_interrupt(void **state)
{
	static const char *const hanging[] = {"hangregion", NULL};
	struct fixture f;
	struct engine_result result;
	json_t *samples;
	struct timespec a, b;

	(void)state;
	make(&f, hanging, "{\"workload\":\"fake/once\",\"rounds\":3}");
	signal(SIGALRM, on_alarm);
	alarm(1);
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(run(&f, &result), 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	sample_reset_interrupt();
	assert_true(result.is_interrupted);
	assert_false(result.is_complete);
	assert_true(b.tv_sec - a.tv_sec < 25); /* its own time-out is 30 s */
	samples = samples_of(&f);
	assert_int_equal(json_array_size(samples), 0);
	json_decref(samples);
	drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_run), cmocka_unit_test(test_resume_of_complete_run),
		cmocka_unit_test(test_positions), cmocka_unit_test(test_failures),
		cmocka_unit_test(test_gives_up),  cmocka_unit_test(test_event_sets_rotate),
		cmocka_unit_test(test_simulated), cmocka_unit_test(test_requeue_is_bounded),
		cmocka_unit_test(test_budget),    cmocka_unit_test(test_kills),
		cmocka_unit_test(test_interrupt), cmocka_unit_test(test_budget_and_calibration),
		cmocka_unit_test(test_quantum),   cmocka_unit_test(test_round_is_repeated_three_times),
		cmocka_unit_test(test_looks),     cmocka_unit_test(test_looks_and_budget),
		cmocka_unit_test(test_deadline),  cmocka_unit_test(test_void_and_budget),
		cmocka_unit_test(test_missing),   cmocka_unit_test(test_progress_shows_the_estimate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
