/*
 * Every workload in every subject, over the protocol alone: nothing of a model or a workload is linked here.
 *
 * For each (subject, workload) the smoke cell is run, with warm-up and once per worker count; then cells at the edges
 * of the parameters' ranges. The certificate must be the one that `subject-serial --certify` gives, and so the same in
 * every subject. A subject may answer `unsupported` only where the tables below say so: a body that is lost, or that
 * refuses more than it should, fails here. Servers are driven by the load generator; test_echo_bursts.c has another
 * client.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/conformance/cells.h"
#include "tests/conformance/peer.h"

/* gcc defines macros, clang has features; neither has the other's. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#define IS_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define IS_SANITIZED false
#endif

enum {
	MAX_TESTS = 2048,
	TRIES = 8, /* of a cell that wants CPUs at once */
};

static const char *const models[] = {"gmp", "pthread", "eventloop", "serial", "null"};
static char data_dir[] = TEST_BINARY_DIR "/conformance-XXXXXX";

/* NULL: it is ours, or Go. */
static const struct reference *find_reference(const char *model)
{
	for (size_t i = 0; i < N_REFERENCES; i++)
		if (strcmp(references[i].model, model) == 0)
			return &references[i];
	return NULL;
}

/* Which of ours the tables speak of. */
static const char *like(const char *model)
{
	for (size_t i = 0; i < sizeof foreigns / sizeof foreigns[0]; i++)
		if (strcmp(foreigns[i].model, model) == 0)
			return foreigns[i].like;
	return strcmp(model, "go") == 0 || strcmp(model, "gmp-grow") == 0 || find_reference(model) ? "gmp" : model;
}

/* NULL: no table says that it refuses the workload. */
static const struct refusal *find_refusal(const char *model, const char *workload)
{
	const char *who = find_reference(model) ? model : like(model);

	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		const char *name = refusals[i].workload, *family = strchr(name, '/') + 1;

		if (strcmp(refusals[i].model, who) == 0 &&
		    (*family ? strcmp(name, workload) == 0 : strncmp(name, workload, strlen(name)) == 0))
			return &refusals[i];
	}
	return NULL;
}

static bool is_refused_by_table(const char *model, const char *workload)
{
	if ((strncmp(workload, "null/", 5) == 0) != (strcmp(model, "null") == 0))
		return true;
	return find_refusal(model, workload) != NULL;
}

static const char *refusal_why(const char *model, const char *workload)
{
	const struct refusal *found = find_refusal(model, workload);

	return found ? found->why : NULL;
}

/* ---- cells --------------------------------------------------------------------------------------- */

struct test {
	const char *model;
	const json_t *workload; /* of the serial subject's description */
	const struct extra *extra; /* NULL: the smoke cell */
	const struct variant *variant; /* NULL: the model as it is */
	char name[64];
};

static bool has_scaling(const json_t *workload, const char *scaling)
{
	return strcmp(json_string_value(json_object_get(workload, "scaling")), scaling) == 0;
}

static json_t *smoke_params(const struct test *t)
{
	json_t *params = json_object(), *p;
	size_t i;

	json_array_foreach (json_object_get(t->workload, "params"), i, p) {
		const char *name = json_string_value(json_object_get(p, "name"));

		json_object_set(params, name, json_object_get(p, "smoke"));
		for (size_t k = 0; k < sizeof concurrency / sizeof concurrency[0]; k++)
			if (strcmp(t->model, "serial") == 0 && strcmp(name, concurrency[k]) == 0)
				json_object_set_new(params, name, json_integer(1));
	}
	return params;
}

static json_t *make_cell(const struct test *t, int workers)
{
	bool is_linear = has_scaling(t->workload, "linear");
	json_int_t ops = json_integer_value(json_object_get(t->workload, "smoke_ops"));
	json_t *params = t->extra ? json_loads(t->extra->params, 0, NULL) : smoke_params(t);

	if (t->extra)
		ops = (json_int_t)t->extra->ops;
	assert_non_null(params);
	return json_pack("{s:s,s:O,s:o,s:i,s:I,s:s,s:s,s:s,s:b}", "workload", name_of(t->workload), "version",
			 json_object_get(t->workload, "version"), "params", params, "workers", workers, "ops",
			 is_linear ? ops : (json_int_t)0, "seed", "00000000000000ff", "data_dir", data_dir, "knobs",
			 t->variant ? t->variant->knobs : "", "warmup", has_scaling(t->workload, "server") ? 0 : 1);
}

/* NULL: the subject can do the cell if it can do the workload. */
static const struct lack *find_lack(const struct test *t)
{
	for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++)
		if (strcmp(lacks[i].model, t->model) == 0 && strcmp(lacks[i].workload, name_of(t->workload)) == 0 &&
		    (t->extra ? lacks[i].params && strstr(t->extra->params, lacks[i].params) : !lacks[i].params))
			return &lacks[i];
	return NULL;
}

/* Must this subject refuse the cell, whatever the others do? */
static bool must_refuse(const struct test *t)
{
	if (t->variant && !strstr(t->variant->only, name_of(t->workload)))
		return true;
	return is_refused_by_table(t->model, name_of(t->workload)) || find_lack(t) ||
	       (t->extra && t->extra->only && !strstr(t->extra->only, like(t->model)));
}

/* Is this a filesystem of the machine's that has no device, or no direct reads? Not the subject's fault, then. */
static bool lacks_direct_reads(const json_t *answer)
{
	const char *why = json_string_value(json_object_get(answer, "why"));

	if (!why)
		return false;
	return strstr(why, "lies in memory") || strstr(why, "page cache") || strstr(why, "O_DIRECT");
}

/* The subject has refused the cell: may it? */
static void check_refusal(const struct test *t, const json_t *answer)
{
	const char *why = json_string_value(json_object_get(answer, "why"));
	bool is_variants = t->variant && !is_refused_by_table(t->model, name_of(t->workload));
	const char *expected = is_variants ? t->variant->why : refusal_why(t->model, name_of(t->workload));

	assert_non_null(why);
	assert_true(strlen(why) > 10);
	if (!must_refuse(t) && !lacks_direct_reads(answer))
		fail_msg("%s refuses %s: %s", t->model, name_of(t->workload), why);
	if (find_lack(t))
		expected = find_lack(t)->why;
	if (expected)
		assert_string_equal(why, expected);
}

/* ---- servers ------------------------------------------------------------------------------------- */

/* Did an open loop find no CPU? What else it says against a server is the server's fault. */
static bool is_overrun(const json_t *msg)
{
	const char *why = json_string_value(json_object_get(msg, "why"));

	return strcmp(msg_of(msg), "error") == 0 && why && strstr(why, "does not keep up");
}

/*
 * Let the load generator work, and pass its begin and end on. Gives the requests that it counted; -1: the machine was too
 * busy for an open loop, and the generator is gone.
 */
static json_int_t drive_with_loadgen(struct peer *server, const json_t *ready)
{
	json_t *listen = json_object_get(ready, "listen"), *msg, *line;
	json_int_t requests;
	struct peer gen;

	peer_start(&gen, "switchyard-loadgen", NULL, 0);
	line = json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:s}", "cmd", "load", "mode",
			 json_object_get(listen, "rate") ? "open" : "closed", "host", "127.0.0.1", "warmup_ns", 2000000,
			 "duration_ns", 20000000, "timeout_ms", ANSWER_MS, "seed", "0000000000000001");
	json_object_update(line, listen);
	peer_say(&gen, line);
	peer_expect_only(&gen, "begin");
	peer_command(server, "begin");
	peer_expect_only(server, "begin");
	peer_command(&gen, "ack");
	msg = peer_hear(&gen);
	if (is_overrun(msg)) {
		json_decref(msg);
		peer_kill(&gen);
		return -1;
	}
	assert_string_equal(msg_of(msg), "end");
	json_decref(msg);
	peer_command(server, "end");
	peer_expect_only(server, "end");
	peer_command(&gen, "ack");
	msg = peer_expect(&gen, "sample");
	requests = json_integer_value(json_object_get(msg, "requests_total"));
	json_decref(msg);
	peer_end(&gen, 0);
	assert_true(requests > 0);
	return requests;
}

/* False: the machine was too busy, and the server still runs. */
static bool run_server(struct peer *p, json_t *cell, const json_t *ready)
{
	json_int_t requests = drive_with_loadgen(p, ready);
	json_t *sample;

	if (requests < 0)
		return false;
	json_object_set_new(cell, "ops", json_integer(requests));
	peer_command(p, "stop");
	sample = peer_expect(p, "sample");
	check_certificate(sample, cell);
	json_decref(sample);
	return true;
}

/* ---- the tests ------------------------------------------------------------------------------------ */

static json_t *described[N_REFERENCES]; /* NULL: it is not built */

/* Workloads whose metric is a delay tell one per operation, of the recorded run alone; others tell none. */
static void check_delays(const struct test *t, const json_t *sample)
{
	const char *metric = json_string_value(json_object_get(t->workload, "metric"));
	const json_t *delays = json_object_get(sample, "delays");
	json_int_t count = json_integer_value(json_object_get(delays, "count"));

	if (strncmp(metric, "delay_", 6) != 0) {
		assert_null(delays);
		return;
	}
	assert_int_equal(count, json_integer_value(json_object_get(json_object_get(sample, "cert"), "ops")));
	assert_int_equal(json_is_null(json_object_get(delays, "p50")), count < 20);
	assert_int_equal(json_is_null(json_object_get(delays, "p99")), count < 1000);
	assert_true(json_integer_value(json_object_get(delays, "max")) > 0);
	assert_true(json_integer_value(json_object_get(delays, "min")) <=
		    json_integer_value(json_object_get(delays, "max")));
}

/* ready has been heard: the rest of a sample that is no server's. */
static void run_sample(const struct test *t, struct peer *p, json_t *cell)
{
	bool is_state = has_scaling(t->workload, "state");
	json_t *msg;

	peer_command(p, "go");
	for (int i = 0; i < 2; i++) {
		msg = peer_expect(p, is_state ? "snapshot" : i == 0 ? "begin" : "end");
		if (is_state && i == 1)
			assert_int_equal(json_integer_value(json_object_get(msg, "live_tasks")),
					 json_integer_value(json_object_get(json_object_get(cell, "params"), "tasks")));
		json_decref(msg);
		peer_command(p, "ack");
	}
	msg = peer_expect(p, "sample");
	if (json_integer_value(json_object_get(cell, "ops")) == 0)
		json_object_set(cell, "ops", json_object_get(json_object_get(msg, "cert"), "ops"));
	check_delays(t, msg);
	check_certificate(msg, cell);
	json_decref(msg);
}

enum outcome { HAS_RUN, IS_REFUSED, WAS_BUSY };

/* Run the cell once; a refusal has been judged. */
static enum outcome try_cell(const struct test *t, int workers)
{
	json_t *cell = make_cell(t, workers), *msg;
	bool is_refused, is_error = false, was_busy = false;
	struct peer p;

	start_subject(&p, t->model, "--run", 0);
	run_command(&p, "smoke", cell);
	msg = peer_hear(&p);
	is_refused = strcmp(msg_of(msg), "unsupported") == 0;
	if (is_refused) {
		check_refusal(t, msg);
	} else if (strcmp(msg_of(msg), "error") == 0 && lacks_direct_reads(msg)) {
		is_error = true;
	} else if (strcmp(msg_of(msg), "ready") != 0) {
		fail_msg("expected \"ready\", got %s", json_dumps(msg, 0));
	} else if (must_refuse(t)) {
		fail_msg("%s runs %s, which the tables of this test say it cannot", t->model, name_of(t->workload));
	} else if (has_scaling(t->workload, "server")) {
		was_busy = !run_server(&p, cell, msg);
	} else {
		run_sample(t, &p, cell);
	}
	json_decref(msg);
	json_decref(cell);
	if (was_busy) {
		peer_kill(&p);
		return WAS_BUSY;
	}
	peer_end(&p, is_error);
	return is_refused || is_error ? IS_REFUSED : HAS_RUN;
}

/* Whether the cell has run; open loops on a busy machine get several tries. */
static bool run_cell(const struct test *t, int workers)
{
	enum outcome outcome = WAS_BUSY;

	for (int tries = 0; outcome == WAS_BUSY && tries < TRIES; tries++)
		outcome = try_cell(t, workers);
	if (outcome == WAS_BUSY)
		fail_msg("%s does not keep up with the load, in none of %d tries", t->model, TRIES);
	return outcome == HAS_RUN;
}

static void calibrate(const struct test *t)
{
	json_t *cell = make_cell(t, 1), *msg, *calibration;
	struct peer p;

	start_subject(&p, t->model, "--run", 0);
	run_command(&p, "calibrate", cell);
	msg = peer_expect(&p, "sample");
	calibration = json_object_get(msg, "calibration");
	assert_true(json_integer_value(json_object_get(calibration, "ops")) > 0);
	json_decref(msg);
	json_decref(cell);
	peer_end(&p, 0);
}

/*
 * References share our subjects' side of the protocol: of them two workers are tried on smoke cells alone, and no calibration.
 * But with one worker a lock or a barrier that does nothing would pass, since tasks take turns: so all of sync/ with two.
 */
static void test_cell(void **state)
{
	const struct test *t = *state;
	const struct reference *reference = find_reference(t->model);
	bool uses_workers = reference ? reference->uses_workers
				      : strcmp(like(t->model), "gmp") == 0 || strcmp(like(t->model), "pthread") == 0;
	bool one_is_enough = reference && t->extra && strncmp(name_of(t->workload), "sync/", strlen("sync/")) != 0;
	bool has_run = run_cell(t, 1);

	if (has_run && uses_workers && !one_is_enough)
		run_cell(t, 2);
	if (has_run && !t->extra && !reference && has_scaling(t->workload, "linear"))
		calibrate(t);
}

/* Where is the one data file of 1 MiB? */
static void find_data_file(char *path, size_t bytes)
{
	DIR *dir = opendir(data_dir);
	struct dirent *entry;
	int found = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		assert_true(len < 5 || strcmp(entry->d_name + len - 5, ".part") != 0);
		if (!strstr(entry->d_name, "-1MiB.dat"))
			continue;
		snprintf(path, bytes, "%s/%s", data_dir, entry->d_name);
		found++;
	}
	closedir(dir);
	assert_int_equal(found, 1);
}

/* A data file that is cut short, altered, or was being written when its writer was killed, is made again. */
static void test_damaged_data_file(void **state)
{
	const struct extra small = {"disk/read", "{\"mode\":\"warm\",\"in_flight\":1,\"file_mib\":1}", 600, NULL};
	struct test t = {.model = "serial", .workload = *state, .extra = &small};
	char path[4096], part[4096 + 8];
	const char bad = 0x55;
	int fd;

	assert_true(run_cell(&t, 1));
	find_data_file(path, sizeof path);
	snprintf(part, sizeof part, "%s.part", path);

	assert_int_equal(truncate(path, 1 << 19), 0);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, &bad, 1), 1);
	close(fd);
	assert_true(run_cell(&t, 1));
	find_data_file(path, sizeof path);

	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, &bad, 1, 1), 1); /* in the index of the first block */
	close(fd);
	assert_true(run_cell(&t, 1));
	find_data_file(path, sizeof path);
}

/* A model that cannot hold the tasks says how many it could, lets them go and fails; it neither hangs nor crashes. */
static const struct scarce {
	const char *test, *model, *workload, *params;
	bool gathers; /* the tasks are made before the region, so that it does not begin */
} scarce_cells[] = {
	{"gmp sync/mutex without memory", "gmp", "sync/mutex", "{\"tasks\":10000,\"hold\":1,\"think\":0}", true},
	{"gmp switch/ring without memory", "gmp", "switch/ring", "{\"tasks\":20000,\"ws_kib\":0}", true},
	{"gmp memory/parked without memory", "gmp", "memory/parked", "{\"tasks\":20000,\"touch_kib\":0}", false},
	{"pthread cpu/fib without memory", "pthread", "cpu/fib", "{\"n\":40,\"cutoff\":20}", false},
	{"pthread sync/mutex without memory", "pthread", "sync/mutex", "{\"tasks\":10000,\"hold\":1,\"think\":0}",
	 true},
	{"pthread switch/ring without memory", "pthread", "switch/ring", "{\"tasks\":20000,\"ws_kib\":0}", true},
	{"gmp timer/sleepers without memory", "gmp", "timer/sleepers", "{\"tasks\":20000,\"rounds\":1,\"sleep_ms\":1}",
	 true},
	{"pthread timer/sleepers without memory", "pthread", "timer/sleepers",
	 "{\"tasks\":20000,\"rounds\":1,\"sleep_ms\":1}", true},
	{"pthread block/call without memory", "pthread", "block/call", "{\"in_flight\":10000,\"call_us\":1,\"work\":0}",
	 true},
	{"pthread block/bystander without memory", "pthread", "block/bystander",
	 "{\"kind\":\"channel\",\"waiters\":1000,\"wait_us\":1}", true},
	{"pthread block/bystander rwlock without memory", "pthread", "block/bystander",
	 "{\"kind\":\"rwlock\",\"waiters\":1000,\"wait_us\":1}", true},
	{"pthread block/bystander barrier without memory", "pthread", "block/bystander",
	 "{\"kind\":\"barrier\",\"waiters\":1000,\"wait_us\":1}", true},
	{"pthread net/udp without memory", "pthread", "net/udp", "{\"clients\":1,\"message_bytes\":1,\"tasks\":1000}",
	 false},
	{"pthread net/fanout without memory", "pthread", "net/fanout",
	 "{\"in_flight\":1000,\"gets\":1,\"delay_ms\":0,\"body_bytes\":1}", true},
	{"pthread mix/hackbench without memory", "pthread", "mix/hackbench", "{\"groups\":10,\"tasks\":20,\"loops\":1}",
	 true},
	{"pthread spawn/flat without memory", "pthread", "spawn/flat", "{\"batch\":10000}", false},
	{"pthread spawn/skynet without memory", "pthread", "spawn/skynet", "{\"leaves\":\"10000\"}", false},
	{"pthread memory/parked without memory", "pthread", "memory/parked", "{\"tasks\":20000,\"touch_kib\":0}",
	 false},
	{"gmp memory/afterexit without memory", "gmp", "memory/afterexit", "{\"tasks\":20000,\"touch_kib\":0}", false},
	{"pthread memory/afterexit without memory", "pthread", "memory/afterexit", "{\"tasks\":20000,\"touch_kib\":0}",
	 false},
	{"pthread memory/alloc without memory", "pthread", "memory/alloc", "{\"tasks\":10000,\"reuse\":\"yes\"}", true},
	{"pthread memory/parked sized, without memory", "pthread", "memory/parked",
	 "{\"tasks\":20000,\"touch_kib\":64}", false},
	{"gmp memory/parked sized, without memory", "gmp", "memory/parked", "{\"tasks\":20000,\"touch_kib\":64}",
	 false},
	{"eventloop memory/parked without memory", "eventloop", "memory/parked", "{\"tasks\":1000000,\"touch_kib\":16}",
	 false},
};

/* Of the serial subject's description. */
static json_t *version_of(const char *workload)
{
	json_t *description = describe("serial"), *version;

	version = json_incref(json_object_get(find_workload(description, workload), "version"));
	json_decref(description);
	return version;
}

static void test_scarce(void **state)
{
	const struct scarce *s = *state;
	const rlim_t address_bytes = 96 << 20;
	const char *why;
	struct peer p;
	json_t *msg, *cell;

	if (IS_SANITIZED)
		skip(); /* their shadow memory does not fit any limit */
	cell = json_pack("{s:s,s:o,s:o,s:i,s:I,s:s,s:s,s:s}", "workload", s->workload, "version",
			 version_of(s->workload), "params", json_loads(s->params, 0, NULL), "workers", 2, "ops",
			 (json_int_t)20000, "seed", "0000000000000001", "data_dir", data_dir, "knobs", "");
	start_subject(&p, s->model, "--run", address_bytes);
	run_command(&p, "timed", cell);
	json_decref(cell);
	/* A server never says that it is ready: that would mean that it serves. */
	for (const char *command = "go"; msg = peer_hear(&p), strcmp(msg_of(msg), "error") != 0; command = "ack") {
		if (strcmp(msg_of(msg), "sample") == 0 || json_object_get(msg, "listen"))
			fail_msg("it holds more tasks than the memory that it was given");
		if (strcmp(msg_of(msg), "begin") == 0 && s->gathers)
			fail_msg("the region begins with fewer tasks than there have to be");
		json_decref(msg);
		peer_command(&p, command);
	}
	why = json_string_value(json_object_get(msg, "why"));
	if (!strstr(why, "cannot hold"))
		fail_msg("unexpected reason: %s", why);
	json_decref(msg);
	peer_end(&p, 1);
}

/* What a body took to write is told where there is one, and is plausible: the table was made from this tree. */
static void check_source(const char *model, const json_t *workload)
{
	const json_t *source = json_object_get(workload, "source");
	bool is_serial = strcmp(model, "serial") == 0;

	if (!source) {
		assert_true(is_refused_by_table(model, name_of(workload)) || strcmp(model, "null") == 0);
		return;
	}
	assert_true(json_integer_value(json_object_get(source, "lines")) >= 5);
	assert_int_equal(json_integer_value(json_object_get(source, "calls")) > 0, !is_serial);
	assert_int_equal(json_array_size(json_object_get(source, "primitives")) > 0, !is_serial);
	assert_true(json_integer_value(json_object_get(source, "calls")) >=
		    (json_int_t)json_array_size(json_object_get(source, "primitives")));
}

static void check_description(const char *model, const json_t *reference)
{
	json_t *mine = describe(model), *workload;
	size_t i;

	json_array_foreach (json_object_get(mine, "workloads"), i, workload) {
		json_t *same = json_deep_copy(json_array_get(json_object_get(reference, "workloads"), i));
		bool is_offered = json_is_true(json_object_get(workload, "offered"));

		if (!is_offered)
			assert_true(is_refused_by_table(model, name_of(workload)));
		assert_non_null(same);
		json_object_set(same, "offered", json_object_get(workload, "offered"));
		check_source(model, workload);
		json_object_del(same, "source"); /* of each body its own */
		json_object_del(workload, "source");
		assert_true(json_equal(same, workload));
		json_decref(same);
	}
	assert_int_equal(i, json_array_size(json_object_get(reference, "workloads")));
	json_decref(mine);
}

/* Of the workloads that a reference does not offer it says why. Where bodies are ours there are all of them. */
static void check_lacks(const json_t *reference)
{
	const json_t *lacks = json_object_get(reference, "lacks"), *workload;
	size_t i;

	json_array_foreach (json_object_get(reference, "workloads"), i, workload)
		if (!json_is_true(json_object_get(workload, "offered")) && strncmp(name_of(workload), "null/", 5) != 0)
			assert_non_null(json_string_value(json_object_get(lacks, name_of(workload))));
}

/* Every subject describes the same workloads; they differ in what is offered, and offer what the tables allow. */
static void test_descriptions(void **state)
{
	json_t *reference = describe("serial");

	(void)state;
	for (size_t m = 0; m < sizeof models / sizeof models[0]; m++)
		check_description(models[m], reference);
	for (size_t f = 0; f < sizeof foreigns / sizeof foreigns[0]; f++)
		if (is_built(foreigns[f].model))
			check_description(foreigns[f].model, reference);
	for (size_t r = 0; r < N_REFERENCES; r++)
		if (described[r])
			check_lacks(described[r]);
	json_decref(reference);
}

/* A certificate says how much was done: that of another count must not be accepted. */
static void test_oracle_tells_cells_apart(void **state)
{
	const struct test *tests = *state;

	for (size_t i = 0; i < MAX_TESTS && tests[i].model; i++) {
		json_t *cell, *first, *second;

		if (tests[i].extra || strcmp(tests[i].model, "gmp") != 0 || !has_scaling(tests[i].workload, "linear"))
			continue;
		cell = make_cell(&tests[i], 1);
		first = ask_oracle(cell);
		json_object_set_new(cell, "ops", json_integer(json_integer_value(json_object_get(cell, "ops")) * 2));
		second = ask_oracle(cell);
		assert_false(json_equal(first, second));
		json_decref(first);
		json_decref(second);
		json_decref(cell);
	}
}

/* ---- the list -------------------------------------------------------------------------------------- */

static struct test tests[MAX_TESTS];
static struct CMUnitTest unit_tests[MAX_TESTS];
static size_t n_tests, n_units;

static void add_unit(const char *name, CMUnitTestFunction fn, void *state)
{
	if (n_units == MAX_TESTS) {
		fprintf(stderr, "more than %d tests: raise MAX_TESTS\n", MAX_TESTS);
		exit(1);
	}
	unit_tests[n_units++] = (struct CMUnitTest){.name = name, .test_func = fn, .initial_state = state};
}

static struct test *add_cell(const char *model, const json_t *workload, const struct extra *extra)
{
	struct test *t = &tests[n_tests++];

	*t = (struct test){.model = model, .workload = workload, .extra = extra};
	snprintf(t->name, sizeof t->name, "%s %s %.30s", model, name_of(workload), extra ? extra->params : "smoke");
	add_unit(t->name, test_cell, t);
	return t;
}

static void add_variant(const struct variant *v, const json_t *workload)
{
	struct test *t = add_cell(v->model, workload, NULL);

	t->variant = v;
	snprintf(t->name, sizeof t->name, "%s+%s %s smoke", v->model, v->knobs, name_of(workload));
}

static void add_cells(const char *model, const json_t *workload)
{
	add_cell(model, workload, NULL);
	for (size_t i = 0; i < sizeof extras / sizeof extras[0]; i++)
		if (strcmp(extras[i].workload, name_of(workload)) == 0 &&
		    !is_refused_by_table(model, name_of(workload)))
			add_cell(model, workload, &extras[i]);
}

static void add_workload(const json_t *workload)
{
	for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++)
		if (is_built(variants[v].model))
			add_variant(&variants[v], workload);
	for (size_t v = 0; v < sizeof settings / sizeof settings[0]; v++)
		if (is_built(settings[v].model) && strcmp(settings[v].only, name_of(workload)) == 0)
			add_variant(&settings[v], workload);
	for (size_t m = 0; m < sizeof models / sizeof models[0]; m++)
		add_cells(models[m], workload);
	for (size_t f = 0; f < sizeof foreigns / sizeof foreigns[0]; f++)
		if (is_built(foreigns[f].model))
			add_cells(foreigns[f].model, workload);
	if (is_built("gmp-grow")) /* the same bodies on stacks that grow: one cell of each is enough */
		add_cell("gmp-grow", workload, NULL);
	/* Of what Go does not know it says nothing but that there is no such workload. */
	if (has_go() && !strstr(GO_WITHOUT, name_of(workload)))
		add_cells("go", workload);
	for (size_t r = 0; r < N_REFERENCES; r++)
		if (described[r] &&
		    json_is_true(json_object_get(find_workload(described[r], name_of(workload)), "offered")))
			add_cells(references[r].model, workload);
}

static int start_oracle(void **state)
{
	(void)state;
	start_subject(&oracle, "serial", "--certify", 0);
	return 0;
}

static int clean_up(void **state)
{
	DIR *dir = opendir(data_dir);
	struct dirent *entry;

	(void)state;
	peer_end(&oracle, 0);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	return rmdir(data_dir);
}

int main(void)
{
	json_t *description, *workload;
	size_t i;
	int failures;

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(data_dir)) {
		fprintf(stderr, "cannot make %s: %s\n", data_dir, strerror(errno));
		return 1;
	}
	description = describe("serial");
	for (size_t r = 0; r < N_REFERENCES; r++)
		described[r] = is_built(references[r].model) ? describe(references[r].model) : NULL;
	json_array_foreach (json_object_get(description, "workloads"), i, workload)
		add_workload(workload);
	for (i = 0; i < sizeof scarce_cells / sizeof scarce_cells[0]; i++)
		add_unit(scarce_cells[i].test, test_scarce, (void *)&scarce_cells[i]);
	json_array_foreach (json_object_get(description, "workloads"), i, workload)
		if (strcmp(name_of(workload), "disk/read") == 0)
			add_unit("serial disk/read damaged file", test_damaged_data_file, workload);
	add_unit("descriptions", test_descriptions, NULL);
	add_unit("the oracle tells cells apart", test_oracle_tells_cells_apart, tests);
	failures = _cmocka_run_group_tests("workloads", unit_tests, n_units, start_oracle, clean_up);
	json_decref(description);
	for (size_t r = 0; r < N_REFERENCES; r++)
		json_decref(described[r]);
	return failures;
}
