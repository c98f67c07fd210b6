/*
 * test_subject.c - the subject protocol, driven against the two subjects that have no model: null and serial.
 *
 * Expectations about workloads are taken from --describe and --certify, not from the workloads' sources, as a harness
 * would take them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/harness/talk.h"

#define SUBJECT(id) TEST_BINARY_DIR "/subjects/subject-" id

enum { LINE_BYTES = 2000 };

/* ---- describe ----------------------------------------------------------------------------------- */

static json_t *describe(const char *path)
{
	struct talk t;
	json_t *answer;

	talk_start(&t, path, "--describe");
	answer = talk_read(&t);
	talk_expect_end(&t, 0);
	assert_int_equal(talk_int(answer, "protocol"), 1);
	return answer;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		fail_msg("\"%s\" is not a string", key);
	return text;
}

static const json_t *workload_of(const json_t *description, const char *name)
{
	const json_t *all = json_object_get(description, "workloads");

	for (size_t i = 0; i < json_array_size(all); i++)
		if (strcmp(text_of(json_array_get(all, i), "name"), name) == 0)
			return json_array_get(all, i);
	fail_msg("no workload %s", name);
	return NULL;
}

static void check_param(const json_t *p)
{
	const json_t *choices = json_object_get(p, "choices");
	unsigned found = 0;

	text_of(p, "unit");
	text_of(p, "help");
	if (strcmp(text_of(p, "kind"), "int") == 0) {
		int64_t min = talk_int(p, "min"), max = talk_int(p, "max");

		assert_true(min <= talk_int(p, "default") && talk_int(p, "default") <= max);
		assert_true(min <= talk_int(p, "smoke") && talk_int(p, "smoke") <= max);
		return;
	}
	assert_string_equal(text_of(p, "kind"), "choice");
	for (size_t i = 0; i < json_array_size(choices); i++) {
		found += json_equal(json_array_get(choices, i), json_object_get(p, "default"));
		found += json_equal(json_array_get(choices, i), json_object_get(p, "smoke"));
	}
	assert_int_equal(found, 2);
}

static void check_workload(const json_t *w)
{
	static const char *const texts[] = {"name", "summary", "op", "fairness", "scaling", "metric"};
	const json_t *params = json_object_get(w, "params");

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(text_of(w, texts[i])[0] != '\0');
	assert_true(talk_int(w, "version") >= 1);
	assert_true(json_is_boolean(json_object_get(w, "offered")));
	assert_true(json_is_array(params));
	for (size_t i = 0; i < json_array_size(params); i++)
		check_param(json_array_get(params, i));
}

static void test_describe(void **state)
{
	static const char *const paths[] = {SUBJECT("null"), SUBJECT("serial")};
	static const char *const ids[] = {"null", "serial"};

	(void)state;
	for (size_t s = 0; s < 2; s++) {
		json_t *d = describe(paths[s]);
		const json_t *workloads = json_object_get(d, "workloads");
		unsigned offered = 0;

		assert_string_equal(text_of(d, "id"), ids[s]);
		assert_string_equal(text_of(d, "model"), ids[s]);
		assert_true(text_of(json_object_get(d, "build"), "cc")[0] != '\0');
		for (size_t i = 0; i < json_array_size(workloads); i++) {
			check_workload(json_array_get(workloads, i));
			offered += json_is_true(json_object_get(json_array_get(workloads, i), "offered"));
		}
		if (s == 0)
			assert_int_equal(offered, 1);
		assert_int_equal(json_is_true(json_object_get(workload_of(d, "null/empty"), "offered")), s == 0);
		assert_int_equal(json_is_true(json_object_get(workload_of(d, "switch/ring"), "offered")), s == 1);
		json_decref(d);
	}
}

static void test_usage(void **state)
{
	static const char *const wrong[] = {"--what", "run", "", NULL};
	struct talk t;
	char text[4096];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		talk_start(&t, SUBJECT("null"), wrong[i]);
		assert_int_equal(talk_wait(&t, text, sizeof(text)), 2);
		assert_non_null(strstr(text, "usage:"));
	}
	talk_start(&t, SUBJECT("null"), "--help");
	assert_int_equal(talk_wait(&t, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

/* ---- cells -------------------------------------------------------------------------------------- */

static json_t *cell_of(const json_t *description, const char *workload)
{
	const json_t *w = workload_of(description, workload);
	const json_t *params = json_object_get(w, "params");
	json_t *values = json_object();
	bool is_linear = strcmp(text_of(w, "scaling"), "linear") == 0;

	for (size_t i = 0; i < json_array_size(params); i++)
		json_object_set(values, text_of(json_array_get(params, i), "name"),
				json_object_get(json_array_get(params, i), "smoke"));
	return json_pack("{s:s,s:I,s:o,s:i,s:I,s:s,s:s,s:s,s:b}", "workload", workload, "version",
			 (json_int_t)talk_int(w, "version"), "params", values, "workers", 1, "ops",
			 (json_int_t)(is_linear ? talk_int(w, "smoke_ops") : 0), "seed", "00000000000000ff", "data_dir",
			 TEST_BINARY_DIR, "knobs", "", "warmup", 1);
}

static void send_json(struct talk *t, const json_t *msg)
{
	assert_int_equal(jsonline_write(t->to, msg, TALK_TIMEOUT_MS), 0);
}

/* Start a subject on a cell (the reference is taken). */
static void start_run(struct talk *t, const char *path, const char *kind, json_t *cell)
{
	json_t *line = json_pack("{s:s,s:s,s:I,s:o}", "cmd", "run", "kind", kind, "target_ns", (json_int_t)20000000,
				 "cell", cell);

	talk_start(t, path, "--run");
	send_json(t, line);
	json_decref(line);
}

/* The certificate that --certify gives for a cell; new reference. */
static json_t *certify(const json_t *cell)
{
	struct talk t;
	json_t *answer, *cert;

	talk_start(&t, SUBJECT("serial"), "--certify");
	send_json(&t, cell);
	answer = talk_read(&t);
	talk_close_input(&t);
	talk_expect_end(&t, 0);
	cert = json_incref(json_object_get(answer, "cert"));
	assert_non_null(cert);
	json_decref(answer);
	return cert;
}

/*
 * A whole timed sample: every message in its order, the stamps within the harness's own, the certificate as expected.
 * Takes the reference to the cell.
 */
static void run_timed(const char *path, json_t *cell)
{
	struct talk t;
	json_t *cert = certify(cell), *ready, *end, *sample;
	uint64_t acked_ns, wall_ns;

	start_run(&t, path, "timed", cell);
	ready = talk_expect(&t, "ready");
	assert_true(talk_int(ready, "threads") >= 2); /* the main thread and the runner; a sanitizer may have its own */
	talk_send(&t, "{\"cmd\":\"go\"}");
	talk_expect_only(&t, "begin");
	acked_ns = clock_now_ns();
	talk_send(&t, "{\"cmd\":\"ack\"}");
	end = talk_expect(&t, "end");
	wall_ns = clock_now_ns() - acked_ns;
	assert_true((uint64_t)talk_int(end, "wall_ns") <= wall_ns);
	assert_true(talk_int(end, "wall_ns") >= 0);
	assert_true(talk_int(json_object_get(end, "rusage"), "ivcsw") >= 0);
	talk_send(&t, "{\"cmd\":\"ack\"}");
	sample = talk_expect(&t, "sample");
	if (!json_equal(json_object_get(sample, "cert"), cert))
		talk_fail(&t, path, "the certificate is not the expected one");
	assert_true(talk_int(sample, "setup_ns") > 0);
	assert_int_equal(talk_int(sample, "threads"), talk_int(ready, "threads"));
	json_decref(ready);
	json_decref(end);
	json_decref(sample);
	json_decref(cert);
	talk_expect_end(&t, 0);
}

/* The smoke cell of a workload, with nothing at one time, so that a sequential subject can do it. */
static json_t *sequential_cell_of(const json_t *description, const char *workload)
{
	json_t *cell = cell_of(description, workload);
	json_t *params = json_object_get(cell, "params");

	if (json_object_get(params, "in_flight"))
		json_object_set_new(params, "in_flight", json_integer(1));
	if (json_object_get(params, "writers"))
		json_object_set_new(params, "writers", json_integer(1));
	return cell;
}

static void test_timed_samples(void **state)
{
	json_t *null = describe(SUBJECT("null")), *serial = describe(SUBJECT("serial"));
	const json_t *workloads = json_object_get(serial, "workloads");

	(void)state;
	run_timed(SUBJECT("null"), cell_of(null, "null/empty"));
	for (size_t i = 0; i < json_array_size(workloads); i++) {
		const json_t *w = json_array_get(workloads, i);
		bool is_timed =
			strcmp(text_of(w, "scaling"), "linear") == 0 || strcmp(text_of(w, "scaling"), "finite") == 0;

		if (is_timed && json_is_true(json_object_get(w, "offered")))
			run_timed(SUBJECT("serial"), sequential_cell_of(serial, text_of(w, "name")));
	}
	json_decref(null);
	json_decref(serial);
}

static void test_what_a_subject_cannot_do(void **state)
{
	json_t *d = describe(SUBJECT("null"));
	json_t *cell;
	struct talk t;

	(void)state;
	start_run(&t, SUBJECT("null"), "timed", cell_of(d, "switch/ring"));
	talk_expect_only(&t, "unsupported");
	talk_expect_end(&t, 0);
	cell = cell_of(d, "cpu/fib");
	json_object_set_new(json_object_get(cell, "params"), "n", json_integer(50));
	start_run(&t, SUBJECT("serial"), "timed", cell);
	talk_expect_only(&t, "too_slow");
	talk_expect_end(&t, 0);
	json_decref(d);
}

static void test_calibrate(void **state)
{
	json_t *d = describe(SUBJECT("serial")), *cell = cell_of(d, "switch/ring"), *sample, *cert;
	const json_t *c;
	struct talk t;
	int64_t ops;

	(void)state;
	json_object_set_new(cell, "ops", json_integer(0));
	start_run(&t, SUBJECT("serial"), "calibrate", json_incref(cell));
	sample = talk_expect(&t, "sample");
	c = json_object_get(sample, "calibration");
	ops = talk_int(c, "ops");
	assert_true(talk_int(c, "region_ns") >= 20000000 / 4);
	json_object_set_new(cell, "ops", json_integer(ops));
	cert = certify(cell);
	assert_int_equal(talk_int(cert, "ops"), ops); /* not rounded again: it is a multiple of the quantum */
	json_decref(cert);
	json_decref(cell);
	json_decref(sample);
	talk_expect_end(&t, 0);

	cell = cell_of(d, "cpu/fib");
	cert = certify(cell);
	start_run(&t, SUBJECT("serial"), "calibrate", cell);
	sample = talk_expect(&t, "sample");
	assert_int_equal(talk_int(json_object_get(sample, "calibration"), "ops"), talk_int(cert, "ops"));
	json_decref(cert);
	json_decref(sample);
	talk_expect_end(&t, 0);
	json_decref(d);
}

/* ---- certify ------------------------------------------------------------------------------------ */

static void test_certify_goes_on_after_errors(void **state)
{
	json_t *d = describe(SUBJECT("serial")), *cell = cell_of(d, "switch/ring"), *a, *b;
	struct talk t;

	(void)state;
	talk_start(&t, SUBJECT("serial"), "--certify");
	send_json(&t, cell);
	a = talk_read(&t);
	talk_send(&t, "nonsense");
	b = talk_read(&t);
	assert_non_null(json_object_get(b, "error"));
	json_decref(b);
	talk_send(&t, "{\"workload\":\"switch/ring\"}");
	b = talk_read(&t);
	assert_non_null(strstr(text_of(b, "error"), "\"version\" is missing"));
	json_decref(b);
	send_json(&t, cell);
	b = talk_read(&t);
	assert_non_null(json_object_get(a, "cert"));
	assert_true(json_equal(a, b));
	json_decref(a);
	json_decref(b);
	talk_send(&t, "{\"workload\":");
	b = talk_read(&t);
	assert_non_null(json_object_get(b, "error"));
	json_decref(b);
	json_decref(cell);
	json_decref(d);
	talk_close_input(&t);
	talk_expect_end(&t, 0);
}

static void test_certify_refuses_an_endless_line(void **state)
{
	struct talk t;
	char *text = malloc(JSONLINE_MAX + 1);
	json_t *answer;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', JSONLINE_MAX);
	text[JSONLINE_MAX] = '\0';
	talk_start(&t, SUBJECT("serial"), "--certify");
	/* The subject may end while this is being written. */
	signal(SIGPIPE, SIG_IGN);
	(void)jsonline_write_text(t.to, text, JSONLINE_MAX, TALK_TIMEOUT_MS);
	answer = talk_read(&t);
	assert_non_null(json_object_get(answer, "error"));
	json_decref(answer);
	free(text);
	talk_expect_end(&t, 1);
}

/* ---- wrong input -------------------------------------------------------------------------------- */

#define RUN(kind, cell) "{\"cmd\":\"run\",\"kind\":\"" kind "\",\"cell\":" cell "}"
#define RING(rest) "{\"workload\":\"switch/ring\",\"version\":1,\"ops\":100," rest "}"

static void test_wrong_input(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{"nonsense", "not JSON"},
		{"{\"cmd\":\"\xff\"}", "not JSON"}, /* what is quoted is no UTF-8 either */
		{"[]", "not a JSON object"},
		{"{}", "\"cmd\" is missing"},
		{"{\"cmd\":\"go\"}", "must be \"run\""},
		{"{\"cmd\":\"run\"}", "\"kind\" is missing"},
		{"{\"cmd\":\"run\",\"kind\":7}", "\"kind\" must be a string"},
		{RUN("fast", "{}"), "\"kind\" must be timed"},
		{"{\"cmd\":\"run\",\"kind\":\"timed\"}", "\"cell\" is missing"},
		{RUN("timed", "[]"), "a cell must be an object"},
		{RUN("timed", "{}"), "\"workload\" is missing"},
		{RUN("timed", "{\"workload\":\"no/such\",\"version\":1}"), "no workload \"no/such\""},
		{RUN("timed", "{\"workload\":\"switch/ring\"}"), "\"version\" is missing"},
		{RUN("timed", "{\"workload\":\"switch/ring\",\"version\":999}"), "version 999"},
		{RUN("timed", "{\"workload\":\"switch/ring\",\"version\":1}"), "\"ops\" must be at least 1"},
		{RUN("timed", "{\"workload\":\"switch/ring\",\"version\":1,\"ops\":-1}"), "\"ops\" is -1"},
		{RUN("timed", "{\"workload\":\"switch/ring\",\"version\":1,\"ops\":1.5}"), "\"ops\" must be a whole"},
		{RUN("calibrate", RING("\"workers\":1")), "\"target_ns\" is missing"},
		{RUN("timed", RING("\"params\":3")), "\"params\" must be an object"},
		{RUN("timed", RING("\"params\":{\"taks\":3}")), "no parameter \"taks\""},
		{RUN("timed", RING("\"params\":{\"tasks\":\"3\"}")), "\"tasks\" must be a whole number"},
		{RUN("timed", RING("\"params\":{\"tasks\":2000000000000}")), "\"tasks\" is 2000000000000"},
		{RUN("timed", RING("\"workers\":0")), "\"workers\" is 0"},
		{RUN("timed", RING("\"workers\":true")), "\"workers\" must be a whole"},
		{RUN("timed", RING("\"seed\":\"12\"")), "16 hexadecimal digits"},
		{RUN("timed", RING("\"seed\":12")), "\"seed\" must be a string"},
		{RUN("timed", RING("\"data_dir\":1")), "\"data_dir\" must be a string"},
		{RUN("timed", RING("\"warmup\":1")), "\"warmup\" must be true or false"},
		{RUN("timed", RING("\"nearness\":1")), "\"nearness\" must be a list"},
		{RUN("timed", RING("\"nearness\":[[0,0,0],[1,0]]")), "must hold [cpu, cache, node] each"},
		{RUN("timed", RING("\"nearness\":[[0,0,-1]]")), "must hold [cpu, cache, node] each"},
		{RUN("timed", RING("\"knobs\":\"speed=11\"")), "speed=11"},
	};
	struct talk t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		talk_start(&t, SUBJECT("serial"), "--run");
		talk_send(&t, cases[i].line);
		talk_expect_error(&t, cases[i].part);
	}
}

static void test_unknown_keys_are_ignored(void **state)
{
	struct talk t;

	(void)state;
	talk_start(&t, SUBJECT("serial"), "--run");
	talk_send(&t, "{\"cmd\":\"run\",\"kind\":\"timed\",\"new\":[1],\"cell\":" RING("\"newer\":{}") "}");
	talk_expect_only(&t, "ready");
	talk_send(&t, "{\"cmd\":\"wait\"}");
	talk_expect_error(&t, "expected the command \"go\", not \"wait\"");
}

static void test_setup_error(void **state)
{
	json_t *d = describe(SUBJECT("serial")), *cell = sequential_cell_of(d, "disk/read");
	struct talk t;

	(void)state;
	json_object_set_new(cell, "data_dir", json_string("/proc/no/such/directory"));
	start_run(&t, SUBJECT("serial"), "timed", cell);
	talk_expect_error(&t, "/proc/no/such/directory");
	json_decref(d);
}

/* ---- the harness goes away ------------------------------------------------------------------------ */

/* `steps` of the conversation, then the pipe is closed; the region would last for hours. */
static void leave_after(unsigned steps)
{
	struct talk t;

	talk_start(&t, SUBJECT("serial"), "--run");
	if (steps >= 1) {
		talk_send(&t,
			  "{\"cmd\":\"run\",\"kind\":\"timed\",\"cell\":{\"workload\":\"switch/ring\",\"version\":1,"
			  "\"ops\":9000000000000}}");
		talk_expect_only(&t, "ready");
	}
	if (steps >= 2) {
		talk_send(&t, "{\"cmd\":\"go\"}");
		talk_expect_only(&t, "begin");
	}
	if (steps >= 3) {
		talk_send(&t, "{\"cmd\":\"ack\"}");
		usleep(5000); /* into the region, or not quite: both must end */
	}
	talk_close_input(&t);
	if (steps == 0)
		talk_expect_error(&t, "before the cell came");
	else
		talk_expect_end(&t, 1);
}

static void test_harness_goes(void **state)
{
	(void)state;
	for (unsigned steps = 0; steps <= 3; steps++)
		leave_after(steps);
}

static void test_nobody_reads(void **state)
{
	struct talk t;
	char text[4096];

	(void)state;
	talk_start(&t, SUBJECT("serial"), "--run");
	close(t.from);
	talk_send(&t, RUN("timed", RING("\"workers\":1")));
	t.from = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(talk_wait(&t, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "closed the pipe"));
}

/* All of the harness's lines at once and the end of the pipe behind them: a person at a shell does that. */
static void test_all_lines_at_once(void **state)
{
	struct talk t;

	(void)state;
	talk_start(&t, SUBJECT("serial"), "--run");
	talk_send(&t, RUN("timed", RING("\"workers\":1")));
	talk_send(&t, "{\"cmd\":\"go\"}\n{\"cmd\":\"ack\"}\n{\"cmd\":\"ack\"}");
	talk_close_input(&t);
	talk_expect_only(&t, "ready");
	talk_expect_only(&t, "begin");
	talk_expect_only(&t, "end");
	talk_expect_only(&t, "sample");
	talk_expect_end(&t, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_timed_samples),
		cmocka_unit_test(test_what_a_subject_cannot_do),
		cmocka_unit_test(test_calibrate),
		cmocka_unit_test(test_certify_goes_on_after_errors),
		cmocka_unit_test(test_certify_refuses_an_endless_line),
		cmocka_unit_test(test_wrong_input),
		cmocka_unit_test(test_unknown_keys_are_ignored),
		cmocka_unit_test(test_setup_error),
		cmocka_unit_test(test_harness_goes),
		cmocka_unit_test(test_nobody_reads),
		cmocka_unit_test(test_all_lines_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
