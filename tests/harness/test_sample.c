/*
 * One sample of each kind of subject that misbehaves: what is recorded, in which words.
 *
 * Time-outs are short only for those that are known to hang; everyone else has as long as a loaded machine needs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/plan.h"
#include "harness/plan/sample.h"
#include "tests/harness/fakes.h"

static const char *const ways[] = {"good",        "hang",        "hangregion",     "crash",  "crashregion", "leave",
				   "junk",        "hugeline",    "outoforder",     "lies",   "wrongcert",   "exit3",
				   "floodstderr", "unsupported", "tooslow",        "error",  "stays",       "snapshots",
				   "nocertify",   "nocalibrate", "badcalibration", "slow",   "grows",       "unsaid",
				   "state",       "delays",      "fewdelays",      "strays", "limited",     "warms",
				   "warmsodd",    "warmsshort"};
enum { N_WAYS = sizeof ways / sizeof *ways };

static char folder[256];
static struct catalog *catalog;
static struct topology *topology;
static struct plan *plan;
static struct oracle *oracle;

static int setup(void **state)
{
	static const struct plan_options none;
	json_t *file =
		json_loads("{\"schema\":\"switchyard.plan/1\",\"cells\":[{\"workload\":\"fake/work\"},"
			   "{\"workload\":\"fake/once\"},{\"workload\":\"fake/state\"},{\"workload\":\"fake/delay\"}]}",
			   0, NULL);
	struct err err = {{0}};

	(void)state;
	fakes_folder(folder, sizeof folder);
	for (size_t i = 0; i < N_WAYS; i++)
		fakes_add(folder, ways[i]);
	if (catalog_load(folder, &catalog, &err) != 0 || topology_load(&topology, &err) != 0 ||
	    plan_build(file, catalog, topology, &none, &plan, &err) != 0)
		fail_msg("%s", ERR_TEXT(err));
	json_decref(file);
	oracle = oracle_new(catalog_subject(catalog, "good")->path, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	oracle_free(oracle);
	plan_free(plan);
	topology_free(topology);
	catalog_free(catalog);
	session_remove_tree(folder);
	return 0;
}

static json_t *take_kind(const char *way, enum sample_kind kind, int64_t timeout_ns)
{
	struct sample_env env;
	struct sample_request r = {.cell = &plan->cells[0], .kind = kind, .ops = 100, .region_ns = 10000000};
	json_t *record;

	sample_env_defaults(&env);
	env.run_id = "test";
	env.data_dir = folder;
	env.oracle = oracle;
	env.settle_ns = 1000000;
	if (timeout_ns)
		env.setup_timeout_ns = env.region_timeout_ns = env.exit_timeout_ns = timeout_ns;
	r.subject = catalog_subject(catalog, way);
	assert_non_null(r.subject);
	record = sample_take(&env, &r);
	assert_non_null(record);
	return record;
}

/*
 * A loaded machine can make the clocks of an honest subject disagree: that is the rule at work, and not what is
 * tested.
 */
static json_t *take(const char *way, int64_t timeout_ns)
{
	for (int i = 0;; i++) {
		json_t *record = take_kind(way, SAMPLE_TIMED, timeout_ns);

		if (i == 50 || strcmp(way, "lies") == 0 || strcmp(jsonx_str(record, "status"), "void") != 0)
			return record;
		json_decref(record);
	}
}

static void assert_sample(const char *way, int64_t timeout_ns, const char *status, const char *says)
{
	json_t *record = take(way, timeout_ns);
	const char *why = jsonx_str(record, "why");

	if (strcmp(jsonx_str(record, "status"), status) != 0)
		fail_msg("%s: status %s (%s), not %s", way, jsonx_str(record, "status"), why ? why : "", status);
	if (says && (!why || !strstr(why, says)))
		fail_msg("%s: told '%s', not '%s'", way, why ? why : "", says);
	if (strcmp(status, "ok") != 0)
		assert_true(json_is_null(json_object_get(json_object_get(record, "metric"), "value")));
	json_decref(record);
}

static void test_good(void **state)
{
	json_t *record = take("good", 0);
	double value = jsonx_real(json_object_get(record, "metric"), "value", -1);
	const json_t *time = json_object_get(record, "time");

	(void)state;
	assert_string_equal(jsonx_str(record, "status"), "ok");
	assert_true(value >= 2e6 / 100 * 0.5); /* 2 ms for 100 operations */
	assert_true(value == (double)jsonx_int(time, "wall_ns", -1) / 100);
	assert_true(jsonx_bool(json_object_get(record, "work"), "ok", false));
	assert_int_equal(jsonx_int(record, "exit_code", -1), 0);
	assert_true(jsonx_int(time, "process_ns", -1) > jsonx_int(time, "wall_ns", -1));
	assert_true(jsonx_int(time, "settle_ns", -1) >= 1000000);
	assert_true(json_is_object(json_object_get(record, "noise")));
	assert_string_equal(jsonx_str(record, "schema"), "switchyard.sample/1");
	assert_int_equal(strlen(jsonx_str(record, "key")), 16);
	assert_true(json_is_null(json_object_get(record, "memory")));
	assert_true(json_is_null(json_object_get(record, "load")));
	json_decref(record);
}

/* The threads are those at the end of the region; those at ready only where the sample does not tell. */
static void test_threads(void **state)
{
	json_t *grown = take("grows", 0), *unsaid = take("unsaid", 0);

	(void)state;
	assert_int_equal(jsonx_int(json_object_get(grown, "sched"), "threads", -1), 10);
	assert_int_equal(jsonx_int(json_object_get(unsaid, "sched"), "threads", -1), 1);
	json_decref(grown);
	json_decref(unsaid);
}

/* One sample with nothing but what the caller sets: no pause, no certificate, no second try. */
static json_t *take_plain(struct sample_env *env, size_t cell, const char *way, enum sample_kind kind)
{
	struct sample_request r = {.cell = &plan->cells[cell],
				   .kind = kind,
				   .ops = cell == 0 ? 12 : 0,
				   .event_set = kind == SAMPLE_COUNTED ? "page-faults,nosuch" : NULL};
	json_t *record;

	env->run_id = "test";
	env->data_dir = folder;
	env->settle_ns = 0;
	r.subject = catalog_subject(catalog, way);
	assert_non_null(r.subject);
	record = sample_take(env, &r);
	assert_non_null(record);
	return record;
}

/* A finite problem plans no operations: what is counted is divided by those of its certificate. */
static void test_counted_per_op(void **state)
{
	const json_t *counter;
	struct sample_env env;
	json_t *record;
	size_t i;

	(void)state;
	sample_env_defaults(&env);
	record = take_plain(&env, 1, "good", SAMPLE_COUNTED);
	assert_int_equal(json_array_size(json_object_get(record, "counters")), 2);
	assert_string_equal(jsonx_str(record, "event_set"), "page-faults,nosuch");
	json_array_foreach (json_object_get(record, "counters"), i, counter) {
		const json_t *value = json_object_get(counter, "value"), *per_op = json_object_get(counter, "per_op");

		assert_int_equal(json_is_number(value), json_is_number(per_op));
		if (json_is_number(value))
			assert_true(fabs(json_real_value(per_op) * 7 - json_number_value(value)) <
				    1); /* it is rounded */
		else
			assert_non_null(jsonx_str(counter, "why"));
	}
	json_decref(record);
}

/* Snapshots that had no time to settle contaminate their sample, and say so. */
static void test_unsettled(void **state)
{
	struct sample_env env;
	json_t *record, *noise, *memory;
	bool settled;

	(void)state;
	sample_env_defaults(&env);
	env.snapshot_wait_ns = 1;
	record = take_plain(&env, 2, "state", SAMPLE_TIMED);
	noise = json_object_get(record, "noise");
	assert_string_equal(jsonx_str(record, "status"), "ok");
	assert_string_equal(jsonx_str(noise, "verdict"), "contaminated");
	assert_non_null(strstr(json_string_value(json_array_get(json_object_get(noise, "reasons"), 0)),
			       "did not come to rest before the snapshots base and live"));
	assert_non_null(jsonx_str(noise, "why"));
	json_decref(record);
	env.snapshot_wait_ns = INT64_C(2000000000);
	record = take_plain(&env, 2, "state", SAMPLE_TIMED);
	memory = json_object_get(record, "memory");
	settled = jsonx_bool(json_object_get(memory, "base"), "settled", false) &&
		  jsonx_bool(json_object_get(memory, "live"), "settled", false); /* not on a busy machine */
	assert_string_equal(jsonx_str(json_object_get(record, "noise"), "verdict"), settled ? "clean" : "contaminated");
	json_decref(record);
}

/* As take(): not what a loaded machine did to the clocks. */
static json_t *take_plain_not_void(size_t cell, const char *way)
{
	struct sample_env env;

	for (int i = 0;; i++) {
		json_t *record;

		sample_env_defaults(&env);
		record = take_plain(&env, cell, way, SAMPLE_TIMED);
		if (i == 50 || strcmp(jsonx_str(record, "status"), "void") != 0)
			return record;
		json_decref(record);
	}
}

/* A thread that ran where it should not: the sample is void, and tells which thread and where it may run. */
static void test_strays(void **state)
{
	json_t *record, *outside;
	struct sample_env env;

	(void)state;
	if (topology_pus(topology) < 2)
		skip();
	sample_env_defaults(&env);
	record = take_plain(&env, 0, "strays", SAMPLE_TIMED);
	outside = json_array_get(json_object_get(json_object_get(record, "sched"), "outside"), 0);
	assert_non_null(outside);
	assert_int_equal(jsonx_int(outside, "threads", 0), 1);
	assert_int_equal(json_array_size(json_object_get(outside, "cpus")), 1);
	assert_true(jsonx_bool(outside, "ran_outside", false));
	assert_string_equal(jsonx_str(record, "status"), "void");
	assert_non_null(strstr(jsonx_str(record, "why"), "ran on other CPUs than the cell's"));
	json_decref(record);
	record = take_plain(&env, 0, "strays", SAMPLE_SMOKE); /* which claims no time */
	assert_string_equal(jsonx_str(record, "status"), "ok");
	json_decref(record);
	record = take("good", 0);
	outside = json_object_get(json_object_get(record, "sched"), "outside");
	assert_true(json_is_array(outside));
	assert_int_equal(json_array_size(outside), 0);
	json_decref(record);
}

/* It could not have as many as wanted: the record names the limit that it was at before it let go. */
static void test_limited(void **state)
{
	struct sample_env env;
	json_t *record, *hit;

	(void)state;
	sample_env_defaults(&env);
	env.snapshot_wait_ns = 1;
	record = take_plain(&env, 2, "limited", SAMPLE_TIMED);
	hit = json_object_get(json_object_get(record, "memory"), "limit_hit");
	assert_string_equal(jsonx_str(record, "status"), "failed");
	assert_string_equal(jsonx_str(record, "why"), "cannot hold 100 tasks; at the limit RLIMIT_NOFILE = 40");
	assert_string_equal(jsonx_str(hit, "name"), "RLIMIT_NOFILE");
	assert_int_equal(jsonx_int(hit, "limit", 0), 40);
	assert_int_equal(jsonx_int(hit, "used", 0), 40);
	assert_true(jsonx_int(hit, "live_tasks", 0) > 20);
	json_decref(record);
	record = take("error", 0); /* an error that no limit has to do with */
	assert_string_equal(jsonx_str(record, "why"), "cannot open the file: No space left on device");
	assert_true(json_is_null(json_object_get(record, "memory")));
	json_decref(record);
}

/* The metric is the quantile that the subject tells; who does not tell one delay per operation has no result. */
static void test_delays(void **state)
{
	json_t *record, *metric;

	(void)state;
	record = take_plain_not_void(3, "delays");
	metric = json_object_get(record, "metric");
	assert_string_equal(jsonx_str(metric, "name"), "delay_p99");
	assert_string_equal(jsonx_str(metric, "unit"), "ns");
	assert_int_equal(jsonx_int(metric, "value", 0), 99);
	assert_int_equal(jsonx_int(json_object_get(record, "delays"), "p50", 0), 50);
	assert_true(json_real_value(json_object_get(json_object_get(record, "figures"), "evenness")) == 0.5);
	json_decref(record);
	record = take_plain_not_void(3, "fewdelays");
	assert_string_equal(jsonx_str(record, "status"), "failed");
	assert_string_equal(jsonx_str(record, "why"), "it did 7 operations and tells 6 delays");
	assert_true(json_is_null(json_object_get(json_object_get(record, "metric"), "value")));
	json_decref(record);
	record = take_plain_not_void(0, "good");
	assert_true(json_is_null(json_object_get(record, "delays")));
	assert_true(json_is_null(json_object_get(record, "figures")));
	json_decref(record);
}

/* A subject gets its knobs and nobody else's, and the record tells which. */
/* What a subject tells of its warm-up is classified; what it does not tell, or tells wrongly, is null with the reason. */
static void test_warmup(void **state)
{
	static const struct {
		size_t cell;
		const char *way, *why;
		json_int_t epochs;
	} cases[] = {
		{0, "good", "no epochs were told", -1},
		{0, "warmsodd", "its epochs are no list of ops and wall_ns", -1},
		{0, "warmsshort", "one run takes too long: 1 of them", 1},
		{2, "state", "a state sample is not timed", -1},
	};
	json_t *record = take("warms", 0), *time = json_object_get(record, "time");

	(void)state;
	assert_string_equal(jsonx_str(time, "steady"), "warm-up");
	assert_int_equal(jsonx_int(time, "warmup_epochs", 0), 7);
	assert_int_equal(jsonx_int(json_array_get(json_object_get(time, "epochs"), 1), "wall_ns", 0), 300000);
	assert_int_equal(json_object_size(json_object_get(time, "why")), 0);
	json_decref(record);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		record = take_plain_not_void(cases[i].cell, cases[i].way);
		time = json_object_get(record, "time");
		assert_true(json_is_null(json_object_get(time, "steady")));
		assert_string_equal(jsonx_str(json_object_get(time, "why"), "steady"), cases[i].why);
		assert_int_equal(jsonx_int(time, "warmup_epochs", -1), cases[i].epochs);
		json_decref(record);
	}
}

static void test_knobs(void **state)
{
	json_t *knobs = json_pack("{s:s}", "good", "speed=2,colour=blue"), *record;
	struct sample_env env;

	(void)state;
	sample_env_defaults(&env);
	env.knobs = knobs;
	record = take_plain(&env, 0, "good", SAMPLE_SMOKE);
	assert_string_equal(jsonx_str(json_object_get(record, "notes"), "asked"), "speed=2,colour=blue");
	assert_string_equal(jsonx_str(record, "knobs_set"), "speed=2,colour=blue");
	json_decref(record);
	record = take_plain(&env, 0, "slow", SAMPLE_SMOKE);
	assert_string_equal(jsonx_str(json_object_get(record, "notes"), "asked"), "");
	assert_string_equal(jsonx_str(record, "knobs_set"), "");
	json_decref(record);
	json_decref(knobs);
}

static const int64_t SHORT_NS = 1500000000;

static void test_hangs(void **state)
{
	(void)state;
	assert_sample("hang", SHORT_NS, "timeout", "the subject did not say 'ready' within 1 s");
	assert_sample("hangregion", SHORT_NS, "timeout", "the subject did not say 'end' within 1 s");
	assert_sample("stays", SHORT_NS, "failed", "it did not end within 1 s of its last message");
}

static void test_deaths(void **state)
{
	json_t *record;

	(void)state;
	assert_sample("crash", 0, "crashed",
		      "it died of signal 6 (Aborted) before it said 'ready'; its last words: fake: about");
	assert_sample("crashregion", 0, "crashed", "it died of signal 6 (Aborted) before it said 'end'");
	assert_sample("leave", 0, "failed", "it exited with code 0 before it said 'ready'");
	assert_sample("exit3", 0, "failed", "it exited with code 3 after its sample");
	record = take("crash", 0);
	assert_int_equal(jsonx_int(record, "signal", 0), 6);
	assert_string_equal(jsonx_str(record, "stderr_tail"), "fake: about to die\n");
	json_decref(record);
}

static void test_nonsense(void **state)
{
	(void)state;
	assert_sample("junk", 0, "failed", "printed what is no message");
	assert_sample("hugeline", 0, "failed", "printed what is no message");
	assert_sample("outoforder", 0, "failed", "where 'ready' was expected");
	assert_sample("snapshots", 0, "failed", "where 'snapshot of base, live or limit' was expected");
	assert_sample("error", 0, "failed", "cannot open the file: No space left on device");
}

static void test_lies(void **state)
{
	(void)state;
	assert_sample("lies", 0, "void", "the clocks disagree: the subject says that its region took 20");
	assert_sample("wrongcert", 0, "mismatch", "checksum is 00000000000000bb where 00000000000000aa is expected");
}

static void test_refusals(void **state)
{
	(void)state;
	assert_sample("unsupported", 0, "unsupported", "single-threaded: a lock cannot contend");
	assert_sample("tooslow", 0, "too_slow", "estimated 40 s");
}

/* It must not block on a full pipe, and the end of what it said is kept. */
static void test_stderr_flood(void **state)
{
	json_t *record = take("floodstderr", 0);
	const char *tail = jsonx_str(record, "stderr_tail");

	(void)state;
	assert_string_equal(jsonx_str(record, "status"), "ok");
	assert_non_null(tail);
	assert_in_range(strlen(tail), 1000, 4096);
	assert_non_null(strstr(tail, "the last line\n"));
	json_decref(record);
}

static void test_calibration(void **state)
{
	json_t *record = take_kind("good", SAMPLE_CALIBRATE, 0);

	(void)state;
	assert_string_equal(jsonx_str(record, "status"), "ok");
	assert_int_equal(jsonx_int(record, "ops", 0), 1000);
	assert_int_equal(jsonx_int(json_object_get(record, "time"), "wall_ns", 0), 50000000);
	json_decref(record);
	record = take_kind("badcalibration", SAMPLE_CALIBRATE, 0);
	assert_string_equal(jsonx_str(record, "status"), "failed");
	assert_string_equal(jsonx_str(record, "why"), "its calibration has no ops and region_ns");
	json_decref(record);
}

/* A subject that crashes on every question is asked twice and no more; the oracle is there for the next cell. */
static void test_oracle(void **state)
{
	struct oracle *broken = oracle_new(catalog_subject(catalog, "good")->path, NULL);
	json_t *cell = json_pack("{s:i}", "ops", 5), *cert;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(oracle_expect(broken, cell, &cert, &err), 0);
	assert_int_equal(jsonx_int(cert, "ops", 0), 5);
	json_decref(cert);
	oracle_free(broken);
	broken = oracle_new("/nonexistent/subject", NULL);
	assert_int_not_equal(oracle_expect(broken, cell, &cert, &err), 0);
	assert_non_null(strstr(ERR_TEXT(err), "the certifying process gives no answer"));
	oracle_free(broken);
	json_decref(cell);
}

static void test_scale_ops(void **state)
{
	(void)state;
	assert_int_equal(sample_scale_ops(1000, 50000000, 200000000), 4000);
	assert_int_equal(sample_scale_ops(1000, 400000000, 200000000), 500);
	assert_int_equal(sample_scale_ops(123457, 200000000, 200000000), 123000); /* three digits */
	assert_int_equal(sample_scale_ops(5, 100, 200000000), 5); /* a region that does not grow */
	assert_int_equal(sample_scale_ops(0, 0, 200000000), 1);
	assert_int_equal(sample_scale_ops(1, INT64_C(4000000000), 200000000), 1);
}

/* What the subject had of it: the length of SWITCHYARD_PAD, in round `round` of a run with this seed. */
static int64_t pad_of(uint64_t seed, unsigned round)
{
	struct sample_env env;
	struct sample_request r = {.cell = &plan->cells[1], .kind = SAMPLE_SMOKE, .round = round};
	json_t *record;
	int64_t pad;

	sample_env_defaults(&env);
	env.run_id = "test";
	env.data_dir = folder;
	env.settle_ns = 0;
	env.seed = seed;
	r.subject = catalog_subject(catalog, "good");
	record = sample_take(&env, &r);
	assert_non_null(record);
	pad = jsonx_int(json_object_get(record, "notes"), "pad", -1);
	assert_int_equal(pad, jsonx_int(record, "env_pad_bytes", -2));
	json_decref(record);
	return pad;
}

/* The environment is of another length in each sample, and of the same one again for the same seed. */
static void test_pads(void **state)
{
	enum { SAMPLES = 8 };
	int64_t pads[SAMPLES];
	unsigned same = 0, equal = 0;

	(void)state;
	for (unsigned i = 0; i < SAMPLES; i++) {
		pads[i] = pad_of(1, i);
		for (unsigned k = 0; k < i; k++)
			equal += pads[k] == pads[i];
	}
	assert_in_range(equal, 0, 1); /* of 28 pairs, by chance one in 1024 */
	assert_int_equal(pad_of(1, 3), pads[3]);
	for (unsigned i = 0; i < SAMPLES; i++)
		same += pad_of(2, i) == pads[i];
	assert_in_range(same, 0, 1);
}

static void test_keys_differ(void **state)
{
	struct sample_request r = {
		.cell = &plan->cells[0], .subject = catalog_subject(catalog, "good"), .kind = SAMPLE_TIMED};
	char keys[6][17];

	(void)state;
	sample_key(&r, keys[0]);
	r.round = 1;
	sample_key(&r, keys[1]);
	r.attempt = 1;
	sample_key(&r, keys[2]);
	r.is_twin = true;
	sample_key(&r, keys[3]);
	r.kind = SAMPLE_COUNTED;
	sample_key(&r, keys[4]);
	r.subject = catalog_subject(catalog, "lies");
	sample_key(&r, keys[5]);
	for (int i = 0; i < 6; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(keys[i], keys[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),           cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_deaths),         cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_lies),           cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_stderr_flood),   cmocka_unit_test(test_calibration),
		cmocka_unit_test(test_oracle),         cmocka_unit_test(test_scale_ops),
		cmocka_unit_test(test_keys_differ),    cmocka_unit_test(test_threads),
		cmocka_unit_test(test_counted_per_op), cmocka_unit_test(test_unsettled),
		cmocka_unit_test(test_knobs),          cmocka_unit_test(test_delays),
		cmocka_unit_test(test_strays),         cmocka_unit_test(test_limited),
		cmocka_unit_test(test_warmup),         cmocka_unit_test(test_pads),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
