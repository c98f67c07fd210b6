/* The subject's side of bench.h with bodies that fail, refuse, or break its rules (bodies: subject_made.h). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/harness/subject_made.h"

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
		cmocka_unit_test(test_bodies_that_fail),  cmocka_unit_test(test_bodies_with_bugs),
		cmocka_unit_test(test_refusals),          cmocka_unit_test(test_calibration_of_what_has_no_ops),
		cmocka_unit_test(test_servers_that_fail),
	};

	return subject_made_tests(argc, argv, tests);
}
