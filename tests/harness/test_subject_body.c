/*
 * test_subject_body.c - the subject's side of bench.h, with bodies that no honest workload has.
 *
 * The subject's own sources are compiled into this program, with a registry and a style of its own; the program
 * executes itself as the subject. So the bodies below can do what is forbidden: begin twice, return without an end,
 * ask from two tasks, stop serving unasked.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define SWITCHYARD_SUBJECT "test"
#define SWITCHYARD_STYLE_NAME "test"

int subject_main(int argc, char **argv);
#define main subject_main
#include "harness/subject/main.c"
#undef main
#include "harness/subject/bench.c"
#include "harness/subject/protocol.c"
#include "harness/subject/runner.c"
#include "harness/subject/talk.c"
#include "harness/subject/warmup.c"

#include "tests/harness/talk.h"

/* ---- the style: the serial one, with counters, knobs and a failure at will ----------------------------- */

const char *const style_model = "test";
const bool style_uses_workers = true;
const bool style_has_counters = true;

static _Atomic uint64_t runs_done;

unsigned style_loops(const struct bench *b, const char *knobs)
{
	(void)b;
	(void)knobs;
	return 1;
}

int style_start(struct bench *b, const char *knobs)
{
	if (strcmp(knobs, "broken=1") == 0)
		return bench_fail(b, -EAGAIN, "the model is broken with %u workers", b->workers);
	return 0;
}

void style_enter(struct bench *b, void (*root)(void *), void *arg)
{
	(void)b;
	root(arg);
}

int style_run(struct bench *b, const struct bench_body *body)
{
	return body->run(b);
}

void style_done(struct bench *b, int status)
{
	(void)b;
	(void)status;
}

void style_stop(struct bench *b)
{
	(void)b;
}

void style_read_counters(struct bench *b, struct style_counters *out)
{
	(void)b;
	out->n = 1;
	out->names[0] = "runs";
	out->values[0] = runs_done;
}

void style_read_knobs(struct bench *b, struct style_knobs *out)
{
	out->n = 1;
	out->names[0] = "workers";
	snprintf(out->values[0], STYLE_KNOB_BYTES, "%u", b->workers);
}

void style_default_knobs(struct style_knobs *out)
{
	out->n = 1;
	out->names[0] = "workers";
	snprintf(out->values[0], STYLE_KNOB_BYTES, "%s", "all");
}

/* ---- the bodies --------------------------------------------------------------------------------- */

enum { PARAM_MODE, PARAM_SIZE };
enum mode {
	GOOD,
	FAILS, /* with a sentence */
	FAILS_SILENTLY,
	BEGINS_TWICE,
	ENDS_FIRST,
	ENDS_TWICE,
	SNAPS_IN_REGION,
	NO_BEGIN,
	NO_END,
	SETUP_FAILS,
	NOT_HERE, /* unsupported */
	TOO_SLOW, /* by its own estimate */
	SERVES, /* a server that never listens */
	TWO_ASK, /* two threads ask at one time */
	BAD_PARAM, /* asks for a parameter that it does not have */
	DELAYS, /* 25 of them, each of a millisecond at least; and one thing that happens too early */
	DELAYS_OUTSIDE, /* of the region */
	FIGURES, /* two, of which one is said twice */
	FIGURES_EARLY, /* before the region is over */
	NO_FIGURE, /* what is told is no number */
	MANY_FIGURES, /* one more than there may be */
	LONG_FIRST, /* the first run alone takes more than half of what a warm-up may */
	EVER_LONGER, /* never at rest */
};
static const char *const modes[] = {
	"good",          "fails",     "fails_silently", "begins_twice", "ends_first",     "ends_twice",
	"snaps",         "no_begin",  "no_end",         "setup_fails",  "not_here",       "too_slow",
	"serves",        "two_ask",   "bad_param",      "delays",       "delays_outside", "figures",
	"figures_early", "no_figure", "many_figures",   "long_first",   "ever_longer",    NULL};
static const struct bench_param params[] = {
	[PARAM_MODE] = {.name = "mode", .unit = "", .help = "-", .kind = BENCH_CHOICE, .choices = modes},
	[PARAM_SIZE] = {.name = "size", .unit = "", .help = "-", .dflt = 5, .min = 1, .max = 1000, .smoke = 5},
};

static uint64_t fixed_ops(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_SIZE] * 2;
}

static int test_setup(struct bench *b)
{
	if (b->param[PARAM_MODE] == SETUP_FAILS)
		return -ENOSPC; /* without a sentence: the subject finds one */
	return 0;
}

static void test_expect(const struct bench *b, struct bench_cert *out)
{
	out->ops = b->ops;
	out->messages = (uint64_t)bench_param(b, "size");
}

static void *ask(void *arg)
{
	bench_snapshot(arg, "base", 0);
	return NULL;
}

static void forbidden(struct bench *b)
{
	pthread_t thread;

	switch (b->param[PARAM_MODE]) {
	case BEGINS_TWICE:
		bench_begin(b);
		break;
	case ENDS_FIRST:
		bench_end(b);
		break;
	case SNAPS_IN_REGION:
		bench_begin(b);
		bench_snapshot(b, "live", 1);
		break;
	case SERVES:
		bench_serving(b, 0);
		break;
	case TWO_ASK: /* the harness does not answer the first one, so they meet for certain */
		pthread_create(&thread, NULL, ask, b);
		ask(b);
		break;
	case BAD_PARAM:
		bench_param(b, "nonesuch");
		break;
	}
}

static int make_delays(struct bench *b)
{
	for (int i = 0; i < 25; i++)
		if (bench_delay(b, bench_now_ns() - 1000000) < 1000000)
			return bench_fail(b, -EPROTO, "a delay is shorter than it was");
	if (bench_delay(b, bench_now_ns() + UINT64_C(3600000000000)) >= 0)
		return bench_fail(b, -EPROTO, "what comes in an hour has happened");
	return 0;
}

static void make_figures(struct bench *b)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};

	switch (b->param[PARAM_MODE]) {
	case FIGURES:
		bench_figure(b, "evenness", 7);
		bench_figure(b, "runs", runs_done);
		bench_figure(b, "evenness", 0.25);
		break;
	case NO_FIGURE:
		bench_figure(b, "evenness", NAN);
		break;
	case MANY_FIGURES:
		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
			bench_figure(b, names[i], 1);
		break;
	}
}

static void take_time(int64_t mode)
{
	static useconds_t us; /* of the run before */

	if (mode == LONG_FIRST)
		us = us ? 1 : 60000;
	else
		us = us ? 2 * us : 200; /* nine of them are 102 ms */
	usleep(us);
}

static int run_region(struct bench *b)
{
	int64_t mode = b->param[PARAM_MODE];

	runs_done++;
	if (mode == FAILS)
		return bench_fail(b, -ENOMEM, "no memory for %d things", 3);
	if (mode == FAILS_SILENTLY)
		return -EMFILE;
	if (mode == NO_BEGIN)
		return 0;
	if (mode == ENDS_FIRST || mode == SNAPS_IN_REGION || mode == SERVES || mode == TWO_ASK || mode == BAD_PARAM)
		forbidden(b);
	if (mode == DELAYS_OUTSIDE)
		make_delays(b);
	bench_begin(b);
	runs_done += 10;
	if (mode == LONG_FIRST || mode == EVER_LONGER)
		take_time(mode);
	if (mode == DELAYS && make_delays(b) < 0)
		return -EPROTO;
	if (mode == BEGINS_TWICE)
		forbidden(b);
	if (mode == NO_END)
		return 0;
	if (mode == FIGURES_EARLY)
		bench_figure(b, "evenness", 1);
	bench_end(b);
	runs_done += 100;
	make_figures(b);
	if (mode == ENDS_TWICE)
		bench_end(b);
	b->cert.ops = b->ops;
	b->cert.messages = (uint64_t)b->param[PARAM_SIZE];
	return 0;
}

/* Snapshots and no region. */
static int run_state(struct bench *b)
{
	bench_snapshot(b, "base", 0);
	runs_done += 7;
	bench_snapshot(b, "live", b->ops);
	b->cert.ops = b->ops;
	return 0;
}

/* Listens, and waits for the stop descriptor; looks at it twice, since it must stay readable. */
static int run_server(struct bench *b)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	uint64_t n;
	int fd, status = 0;

	if (b->param[PARAM_MODE] == NO_END)
		return 0;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		return bench_fail(b, -errno, "cannot listen");
	bench_serving(b, fd);
	if (b->param[PARAM_MODE] == FAILS)
		status = bench_fail(b, -EIO, "the server is broken");
	for (int i = 0; i < 2 && status == 0; i++)
		if (read(bench_stop_fd(b), &n, sizeof(n)) != (ssize_t)sizeof(n))
			status = bench_fail(b, -EIO, "read %d of the stop descriptor failed", i);
	close(fd);
	b->cert.ops = 77;
	return status;
}

static void server_load(const struct bench *b, struct bench_load *out)
{
	out->connections = (uint64_t)b->param[PARAM_SIZE];
	out->message_bytes = 64;
}

static const char *why_unsupported(const struct bench *b)
{
	return b->param[PARAM_MODE] == NOT_HERE ? "not here" : NULL;
}

static uint64_t estimate(const struct bench *b)
{
	return b->param[PARAM_MODE] == TOO_SLOW ? UINT64_C(6000000000) : 1;
}

#define COMMON                                                                                                         \
	.version = 1, .summary = "-", .op = "-", .fairness = "-", .params = params, .n_params = 2,                     \
	.setup = test_setup, .expect = test_expect
static const struct bench_workload linear = {
	.name = "test/linear", .scaling = BENCH_LINEAR, .ops_quantum = 3, .quantum_param = "size", COMMON};
static const struct bench_workload finite_one = {
	.name = "test/finite", .scaling = BENCH_FINITE, .finite_ops = fixed_ops, COMMON};
static const struct bench_workload state = {
	.name = "test/state", .scaling = BENCH_STATE, .finite_ops = fixed_ops, COMMON};
static const struct bench_workload server = {
	.name = "test/server", .scaling = BENCH_SERVER, .load = server_load, COMMON};
static const struct bench_body region_body = {
	.unsupported = why_unsupported, .run = run_region, .estimate_ns = estimate};
static const struct bench_body state_body = {.run = run_state};
static const struct bench_body server_body = {.run = run_server};
static const struct registry_entry entries[] = {
	{&linear, &region_body}, {&finite_one, &region_body}, {&state, &state_body}, {&server, &server_body}};

const struct registry_entry *registry_all(size_t *n)
{
	*n = sizeof(entries) / sizeof(entries[0]);
	return entries;
}

const struct registry_entry *registry_find(const char *name)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (strcmp(entries[i].workload->name, name) == 0)
			return &entries[i];
	return NULL;
}

/* ---- driving it --------------------------------------------------------------------------------- */

static const char *self;

static void start_ops(struct talk *t, const char *workload, const char *mode, int ops, const char *rest)
{
	char line[600];

	snprintf(line, sizeof(line),
		 "{\"cmd\":\"run\",\"kind\":\"timed\",\"cell\":{\"workload\":\"test/%s\",\"version\":1,\"ops\":%d,"
		 "\"params\":{\"mode\":\"%s\"}%s}}",
		 workload, ops, mode, rest);
	talk_start(t, self, "--run");
	talk_send(t, line);
}

static void start(struct talk *t, const char *workload, const char *mode, const char *rest)
{
	start_ops(t, workload, mode, 100, rest);
}

static void start_region(struct talk *t, const char *mode)
{
	start(t, "linear", mode, "");
	talk_expect_only(t, "ready");
	talk_send(t, "{\"cmd\":\"go\"}");
}

static void command(struct talk *t, const char *name)
{
	char line[100];

	snprintf(line, sizeof(line), "{\"cmd\":\"%s\"}", name);
	talk_send(t, line);
}

/* The process dies of the body's bug, with a sentence on standard error. */
static void expect_fatal(struct talk *t, const char *part)
{
	char text[4096], *line;

	while (jsonline_read(&t->in, TALK_TIMEOUT_MS, &line) == 1) /* to its end: a closed input would end it, too */
		;
	assert_int_equal(talk_wait(t, text, sizeof(text)), 1000 + SIGABRT);
	if (!strstr(text, part))
		fail_msg("standard error says \"%s\", without \"%s\"", text, part);
}

static void test_describe(void **unused)
{
	struct talk t;
	json_t *d, *knob;

	(void)unused;
	talk_start(&t, self, "--describe");
	d = talk_read(&t);
	assert_int_equal(json_array_size(json_object_get(d, "knobs")), 1);
	knob = json_array_get(json_object_get(d, "knobs"), 0);
	assert_string_equal(json_string_value(json_object_get(knob, "name")), "workers");
	assert_string_equal(json_string_value(json_object_get(knob, "default")), "all");
	assert_int_equal(json_array_size(json_object_get(d, "workloads")), 4);
	json_decref(d);
	talk_expect_end(&t, 0);
}

/* Warm-up is silent; counters cover the region alone; knobs are those of the started model; ops are rounded down. */
static void test_good_body(void **unused)
{
	struct talk t;
	json_t *sample;

	(void)unused;
	start(&t, "linear", "good", ",\"warmup\":true");
	talk_expect_only(&t, "ready");
	command(&t, "go");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	talk_expect_only(&t, "end");
	command(&t, "ack");
	sample = talk_expect(&t, "sample");
	assert_int_equal(talk_int(json_object_get(sample, "cert"), "ops"), 90); /* 100 in multiples of 3 * 5 */
	assert_int_equal(talk_int(json_object_get(sample, "runtime"), "runs"), 10);
	assert_null(json_object_get(sample, "delays"));
	assert_null(json_object_get(sample, "figures"));
	assert_string_equal(json_string_value(json_object_get(json_object_get(sample, "knobs"), "workers")), "1");
	json_decref(sample);
	talk_expect_end(&t, 0);
}

/* The epochs of a whole sample with a warm-up; new reference, NULL: none were told. */
static json_t *epochs_of(const char *workload, const char *mode)
{
	struct talk t;
	json_t *sample, *epochs;

	start_ops(&t, workload, mode, 3000, ",\"warmup\":true");
	talk_expect_only(&t, "ready");
	command(&t, "go");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	talk_expect_only(&t, "end");
	command(&t, "ack");
	sample = talk_expect(&t, "sample");
	epochs = json_incref(json_object_get(sample, "epochs"));
	json_decref(sample);
	talk_expect_end(&t, 0);
	return epochs;
}

static json_int_t epoch_ops(const json_t *epochs, size_t i)
{
	return talk_int(json_array_get(epochs, i), "ops");
}

/*
 * Runs of equal size until they rest, or until they are too many; where the first takes too long no more than the rest of a
 * tenth. A machine that is busy can make any run long: then it is looked at again.
 */
static void test_warmup(void **unused)
{
	static const char *const cases[][2] = {{"linear", "ever_longer"}, {"linear", "good"}, {"finite", "good"}};
	json_t *epochs;

	(void)unused;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		for (int tries = 0; tries < 10; tries++) {
			epochs = epochs_of(cases[c][0], cases[c][1]);
			if (json_array_size(epochs) >= (c == 0 ? 7 : 6))
				break;
			json_decref(epochs);
			epochs = NULL;
		}
		assert_in_range(json_array_size(epochs), c == 0 ? 7 : 6, 30);
		for (size_t i = 0; i < json_array_size(epochs); i++)
			assert_int_equal(epoch_ops(epochs, i), c == 2 ? 10 : 45); /* 3000 / 60, in multiples of 15 */
		json_decref(epochs);
	}
	epochs = epochs_of("linear", "long_first");
	assert_int_equal(json_array_size(epochs), 2);
	assert_int_equal(epoch_ops(epochs, 0), 45);
	assert_int_equal(epoch_ops(epochs, 1), 255); /* with the first a tenth of 3000 */
	assert_true(talk_int(json_array_get(epochs, 0), "wall_ns") >= 60000000);
	json_decref(epochs);
	epochs = epochs_of("finite", "long_first");
	assert_int_equal(json_array_size(epochs), 1);
	json_decref(epochs);
}

/* Delays are those of the recorded run: the warm-up's are forgotten. */
static void test_delays(void **unused)
{
	struct talk t;
	json_t *sample, *delays;

	(void)unused;
	start(&t, "linear", "delays", ",\"warmup\":true");
	talk_expect_only(&t, "ready");
	command(&t, "go");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	talk_expect_only(&t, "end");
	command(&t, "ack");
	sample = talk_expect(&t, "sample");
	delays = json_object_get(sample, "delays");
	assert_string_equal(json_string_value(json_object_get(delays, "kind")), "delay");
	assert_int_equal(talk_int(delays, "count"), 25);
	assert_in_range(talk_int(delays, "min"), 1000000, talk_int(delays, "p50") * 1001 / 1000);
	assert_true(json_is_null(json_object_get(delays, "p99")));
	json_decref(sample);
	talk_expect_end(&t, 0);
	start_region(&t, "delays_outside");
	expect_fatal(&t, "bench_delay: test/linear called it outside");
}

/* The last value of a name counts, and the recorded run's. */
static void test_figures(void **unused)
{
	struct talk t;
	json_t *sample, *figures;

	(void)unused;
	start_region(&t, "figures");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	talk_expect_only(&t, "end");
	command(&t, "ack");
	sample = talk_expect(&t, "sample");
	figures = json_object_get(sample, "figures");
	assert_int_equal(json_object_size(figures), 2);
	assert_true(json_real_value(json_object_get(figures, "evenness")) == 0.25);
	assert_true(json_real_value(json_object_get(figures, "runs")) == 111);
	json_decref(sample);
	talk_expect_end(&t, 0);
	start_region(&t, "figures_early");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	expect_fatal(&t, "bench_figure: test/linear called it before bench_end");
	start_region(&t, "no_figure");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	talk_expect_only(&t, "end");
	command(&t, "ack");
	expect_fatal(&t, "bench_figure: evenness of test/linear is no number");
	start_region(&t, "many_figures");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	talk_expect_only(&t, "end");
	command(&t, "ack");
	expect_fatal(&t, "bench_figure: test/linear has more than 8 figures");
}

static void test_bodies_that_fail(void **unused)
{
	struct talk t;

	(void)unused;
	start_region(&t, "fails");
	talk_expect_error(&t, "no memory for 3 things");
	start_region(&t, "fails_silently");
	talk_expect_error(&t, "Too many open files");
	start_region(&t, "no_begin");
	talk_expect_error(&t, "bench_begin was not called");
	start_region(&t, "no_end");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	talk_expect_error(&t, "bench_end was not called");
	start(&t, "linear", "setup_fails", "");
	talk_expect_error(&t, "No space left");
	start(&t, "linear", "good", ",\"workers\":3,\"knobs\":\"broken=1\"");
	talk_expect_error(&t, "broken with 3 workers");
	start(&t, "linear", "fails", ",\"warmup\":true"); /* in the warm-up: before ready */
	talk_expect_error(&t, "no memory for 3 things");
}

static void test_bodies_with_bugs(void **unused)
{
	struct talk t;

	(void)unused;
	start_region(&t, "begins_twice");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	expect_fatal(&t, "bench_begin: test/linear called it twice");
	start_region(&t, "ends_first");
	expect_fatal(&t, "before bench_begin");
	start_region(&t, "ends_twice");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	talk_expect_only(&t, "end");
	command(&t, "ack");
	expect_fatal(&t, "bench_end: test/linear called it twice");
	start_region(&t, "snaps");
	talk_expect_only(&t, "begin");
	command(&t, "ack");
	expect_fatal(&t, "between bench_begin and bench_end");
	start_region(&t, "serves");
	expect_fatal(&t, "not a server");
	start_region(&t, "two_ask");
	expect_fatal(&t, "two things at once");
	start_region(&t, "bad_param");
	expect_fatal(&t, "no parameter \"nonesuch\"");
}

static void test_refusals(void **unused)
{
	struct talk t;

	(void)unused;
	start(&t, "linear", "not_here", "");
	talk_expect_only(&t, "unsupported");
	talk_expect_end(&t, 0);
	start(&t, "finite", "too_slow", "");
	talk_expect_only(&t, "too_slow");
	talk_expect_end(&t, 0);
	start(&t, "linear", "no_such_mode", "");
	talk_expect_error(&t, "must be one of: good, fails,");
}

static void test_state(void **unused)
{
	struct talk t;
	json_t *msg;
	int64_t threads;

	(void)unused;
	start(&t, "state", "good", "");
	msg = talk_expect(&t, "ready");
	threads = talk_int(msg, "threads");
	json_decref(msg);
	command(&t, "go");
	msg = talk_expect(&t, "snapshot");
	assert_string_equal(json_string_value(json_object_get(msg, "name")), "base");
	json_decref(msg);
	command(&t, "ack");
	msg = talk_expect(&t, "snapshot");
	assert_string_equal(json_string_value(json_object_get(msg, "name")), "live");
	assert_int_equal(talk_int(msg, "live_tasks"), 10);
	json_decref(msg);
	command(&t, "ack");
	msg = talk_expect(&t, "sample");
	assert_int_equal(talk_int(json_object_get(msg, "runtime"), "runs"), 7);
	assert_int_equal(talk_int(msg, "threads"), threads);
	json_decref(msg);
	talk_expect_end(&t, 0);
}

static void test_calibration_of_what_has_no_ops(void **unused)
{
	static const char *const names[] = {"state", "server"};
	char line[300];
	struct talk t;

	(void)unused;
	for (int i = 0; i < 2; i++) {
		snprintf(line, sizeof(line),
			 "{\"cmd\":\"run\",\"kind\":\"calibrate\",\"target_ns\":1000,\"cell\":{\"workload\":"
			 "\"test/%s\",\"version\":1}}",
			 names[i]);
		talk_start(&t, self, "--run");
		talk_send(&t, line);
		talk_expect_error(&t, "cannot be calibrated");
	}
}

static void test_server(void **unused)
{
	struct talk t;
	json_t *msg;
	const json_t *listen;

	(void)unused;
	start(&t, "server", "good", "");
	msg = talk_expect(&t, "ready");
	listen = json_object_get(msg, "listen");
	assert_in_range(talk_int(listen, "port"), 1, 65535);
	assert_int_equal(talk_int(listen, "connections"), 5);
	assert_int_equal(talk_int(listen, "message_bytes"), 64);
	json_decref(msg);
	command(&t, "begin");
	talk_expect_only(&t, "begin");
	command(&t, "end");
	msg = talk_expect(&t, "end");
	assert_true(talk_int(msg, "wall_ns") > 0);
	json_decref(msg);
	command(&t, "stop");
	msg = talk_expect(&t, "sample");
	assert_int_equal(talk_int(json_object_get(msg, "cert"), "ops"), 77);
	json_decref(msg);
	talk_expect_end(&t, 0);
}

static void test_servers_that_fail(void **unused)
{
	struct talk t;

	(void)unused;
	start(&t, "server", "no_end", "");
	talk_expect_error(&t, "ended before it was told to stop");
	start(&t, "server", "fails", "");
	for (;;) { /* ready may come first: serving and failing race, as they may in a real server */
		json_t *msg = talk_read(&t);
		bool is_ready = strcmp(json_string_value(json_object_get(msg, "msg")), "ready") == 0;

		if (!is_ready)
			assert_string_equal(json_string_value(json_object_get(msg, "why")), "the server is broken");
		json_decref(msg);
		if (!is_ready)
			break;
	}
	talk_expect_end(&t, 1);
	start(&t, "server", "good", "");
	talk_expect_only(&t, "ready");
	command(&t, "end"); /* without a begin */
	talk_expect_error(&t, "cannot do \"end\"");
	start(&t, "server", "good", "");
	talk_expect_only(&t, "ready");
	talk_close_input(&t);
	talk_expect_end(&t, 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_good_body),
		cmocka_unit_test(test_warmup),
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_bodies_that_fail),
		cmocka_unit_test(test_bodies_with_bugs),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_calibration_of_what_has_no_ops),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_servers_that_fail),
	};

	if (argc == 2 && strncmp(argv[1], "--", 2) == 0)
		return subject_main(argc, argv);
	self = "/proc/self/exe";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
