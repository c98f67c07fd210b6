/* The subject's side of bench.h: what a body tells, and when it is asked (bodies: subject_made.h). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/harness/subject_made.h"

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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describe), cmocka_unit_test(test_good_body), cmocka_unit_test(test_warmup),
		cmocka_unit_test(test_delays),   cmocka_unit_test(test_figures),   cmocka_unit_test(test_state),
		cmocka_unit_test(test_server),
	};

	return subject_made_tests(argc, argv, tests);
}
