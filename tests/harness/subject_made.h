/*
 * subject_made.h - for tests: a subject with bodies that no honest workload has, and the way it is driven.
 *
 * The subject's own sources are compiled into the program that includes this, with a registry and a style of its own; the
 * program executes itself as the subject (subject_made_tests). So the bodies below can do what is forbidden: begin twice,
 * return without an end, ask from two tasks, stop serving unasked.
 */
#ifndef SUBJECT_MADE_H
#define SUBJECT_MADE_H

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
const bool style_can_trace = true;

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

int style_trace(const char *path)
{
	(void)path;
	return -EOPNOTSUPP;
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

void style_read_stack(struct bench *b, struct style_stack *out)
{
	(void)b;
	*out = (struct style_stack){.why = "made for a test"};
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

static inline void start_ops(struct talk *t, const char *workload, const char *mode, int ops, const char *rest)
{
	char line[600];

	snprintf(line, sizeof(line),
		 "{\"cmd\":\"run\",\"kind\":\"timed\",\"cell\":{\"workload\":\"test/%s\",\"version\":1,\"ops\":%d,"
		 "\"params\":{\"mode\":\"%s\"}%s}}",
		 workload, ops, mode, rest);
	talk_start(t, self, "--run");
	talk_send(t, line);
}

static inline void start(struct talk *t, const char *workload, const char *mode, const char *rest)
{
	start_ops(t, workload, mode, 100, rest);
}

static inline void start_region(struct talk *t, const char *mode)
{
	start(t, "linear", mode, "");
	talk_expect_only(t, "ready");
	talk_send(t, "{\"cmd\":\"go\"}");
}

static inline void command(struct talk *t, const char *name)
{
	char line[100];

	snprintf(line, sizeof(line), "{\"cmd\":\"%s\"}", name);
	talk_send(t, line);
}

/* The process dies of the body's bug, with a sentence on standard error. */
static inline void expect_fatal(struct talk *t, const char *part)
{
	char text[4096], *line;

	while (jsonline_read(&t->in, TALK_TIMEOUT_MS, &line) == 1) /* to its end: a closed input would end it, too */
		;
	assert_int_equal(talk_wait(t, text, sizeof(text)), 1000 + SIGABRT);
	if (!strstr(text, part))
		fail_msg("standard error says \"%s\", without \"%s\"", text, part);
}

/* main() of such a program. */
#define subject_made_tests(argc, argv, tests)                                                                          \
	((argc) == 2 && strncmp((argv)[1], "--", 2) == 0                                                               \
		 ? subject_main(argc, argv)                                                                            \
		 : (self = "/proc/self/exe", cmocka_run_group_tests(tests, NULL, NULL)))

#endif
