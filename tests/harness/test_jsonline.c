/* test_jsonline.c - lines that come in pieces, late, too long, cut off or as nonsense. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/jsonline.h"
#include "harness/base/utf8.h"

enum { LONG_WAIT_MS = 20000 }; /* only ever reached by a failing test */

struct fixture {
	int fds[2]; /* -1: closed */
	struct jsonline in;
};

static void open_fixture(struct fixture *f, size_t max)
{
	assert_int_equal(pipe(f->fds), 0);
	assert_int_equal(jsonline_init(&f->in, f->fds[0], max), 0);
}

static void close_writer(struct fixture *f)
{
	if (f->fds[1] >= 0)
		close(f->fds[1]);
	f->fds[1] = -1;
}

static void close_fixture(struct fixture *f)
{
	close_writer(f);
	close(f->fds[0]);
	jsonline_free(&f->in);
}

static void feed(struct fixture *f, const char *text)
{
	assert_int_equal(write(f->fds[1], text, strlen(text)), strlen(text));
}

static void expect_line(struct fixture *f, const char *wanted)
{
	char *line;

	assert_int_equal(jsonline_read(&f->in, LONG_WAIT_MS, &line), 1);
	assert_string_equal(line, wanted);
}

static void test_lines_in_pieces(void **state)
{
	struct fixture f;
	char *line;

	(void)state;
	open_fixture(&f, 100);
	feed(&f, "one\ntwo\n\nthr");
	expect_line(&f, "one");
	assert_true(jsonline_pending(&f.in));
	expect_line(&f, "two");
	expect_line(&f, "");
	assert_false(jsonline_pending(&f.in));
	assert_int_equal(jsonline_read(&f.in, 0, &line), -ETIMEDOUT);
	feed(&f, "ee\n");
	expect_line(&f, "three");
	close_writer(&f);
	assert_int_equal(jsonline_read(&f.in, -1, &line), 0);
	assert_int_equal(jsonline_read(&f.in, -1, &line), 0);
	assert_true(jsonline_pending(&f.in));
	close_fixture(&f);
}

/* The deadline is the whole line's: bytes that keep dripping in do not extend it. */
static void *drip(void *arg)
{
	struct fixture *f = arg;

	for (int i = 0; i < 40; i++) {
		if (write(f->fds[1], "x", 1) != 1)
			break;
		usleep(10000);
	}
	return NULL;
}

static void test_deadline_is_for_the_line(void **state)
{
	struct fixture f;
	pthread_t thread;
	char *line;
	uint64_t start_ns;
	uint64_t took_ns;

	(void)state;
	open_fixture(&f, 1000);
	assert_int_equal(pthread_create(&thread, NULL, drip, &f), 0);
	start_ns = clock_now_ns();
	assert_int_equal(jsonline_read(&f.in, 50, &line), -ETIMEDOUT);
	took_ns = clock_now_ns() - start_ns;
	assert_true(took_ns >= 50 * CLOCK_NS_PER_MSEC);
	pthread_join(thread, NULL);
	feed(&f, "\n");
	assert_int_equal(jsonline_read(&f.in, LONG_WAIT_MS, &line), 1);
	assert_int_equal(strlen(line), 40); /* nothing was lost by the time-out */
	close_fixture(&f);
}

static void test_longest_line_and_one_more(void **state)
{
	struct fixture f;
	char *line;

	(void)state;
	open_fixture(&f, 10);
	feed(&f, "ab\n123456789\n123456789\n0123456789x\n");
	expect_line(&f, "ab");
	expect_line(&f, "123456789"); /* ten bytes with its newline, not at the buffer's start */
	expect_line(&f, "123456789");
	assert_int_equal(jsonline_read(&f.in, LONG_WAIT_MS, &line), -EMSGSIZE);
	assert_string_equal(line, "0123456789");
	close_fixture(&f);
}

static void test_end_in_the_middle(void **state)
{
	struct fixture f;
	char *line;

	(void)state;
	open_fixture(&f, 100);
	feed(&f, "{\"msg\":");
	close_writer(&f);
	assert_int_equal(jsonline_read(&f.in, LONG_WAIT_MS, &line), -EPIPE);
	assert_string_equal(line, "{\"msg\":");
	assert_int_equal(jsonline_read(&f.in, LONG_WAIT_MS, &line), 0);
	close_fixture(&f);
}

static void test_what_is_no_object(void **state)
{
	static const char *const bad[] = {"nonsense", "[1]", "3", "{\"a\":1,\"a\":2}", "{} {}", "{\"a\":\"\xff\"}", ""};
	struct fixture f;
	char quoted[40];
	json_t *value;
	struct err e;

	(void)state;
	open_fixture(&f, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		feed(&f, bad[i]);
		feed(&f, "\n");
		e.why[0] = '\0';
		assert_int_equal(jsonline_read_object(&f.in, LONG_WAIT_MS, &value, &e), -EBADMSG);
		snprintf(quoted, sizeof(quoted), "%s", bad[i]);
		utf8_clean(quoted);
		assert_non_null(strstr(e.why, quoted)); /* the line is quoted, as text */
	}
	feed(&f, "{\"a\":1}\n");
	assert_int_equal(jsonline_read_object(&f.in, LONG_WAIT_MS, &value, &e), 1);
	assert_int_equal(json_integer_value(json_object_get(value, "a")), 1);
	json_decref(value);
	close_fixture(&f);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A timer interrupts every read, poll and write; nothing of it may be seen. */
static void start_interrupting(bool on)
{
	struct sigaction sa = {.sa_handler = on ? on_alarm : SIG_IGN}; /* without SA_RESTART */
	struct itimerval every = {.it_interval.tv_usec = on ? 500 : 0, .it_value.tv_usec = on ? 500 : 0};

	if (on)
		assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
	if (!on)
		assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
}

static void *read_slowly(void *arg)
{
	struct fixture *f = arg;
	static json_t *value;
	struct err e;

	usleep(20000);
	value = NULL;
	if (jsonline_read_object(&f->in, LONG_WAIT_MS, &value, &e) != 1)
		return NULL;
	return value;
}

/* An object that is larger than a pipe: many short writes, on a blocking and on a non-blocking descriptor. */
static void write_large(bool is_nonblocking)
{
	enum { BYTES = 300000 };
	struct fixture f;
	pthread_t thread;
	char *text = malloc(BYTES + 1);
	json_t *msg;
	void *value;

	assert_non_null(text);
	memset(text, 'x', BYTES);
	text[BYTES] = '\0';
	msg = json_pack("{s:s}", "text", text);
	open_fixture(&f, BYTES + 100);
	if (is_nonblocking)
		assert_int_equal(fcntl(f.fds[1], F_SETFL, O_NONBLOCK), 0);
	start_interrupting(true);
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &f), 0);
	assert_int_equal(jsonline_write(f.fds[1], msg, LONG_WAIT_MS), 0);
	pthread_join(thread, &value);
	start_interrupting(false);
	assert_non_null(value);
	assert_true(json_equal(value, msg));
	json_decref(value);
	json_decref(msg);
	free(text);
	close_fixture(&f);
}

static void test_large_objects(void **state)
{
	(void)state;
	write_large(false);
	write_large(true);
}

static void test_writing_to_nobody(void **state)
{
	struct fixture f;
	json_t *msg = json_pack("{s:s}", "text", "x");
	int status = 0;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	open_fixture(&f, 100);
	assert_int_equal(fcntl(f.fds[1], F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 1000000 && status == 0; i++) /* until the pipe is full: nobody reads */
		status = jsonline_write(f.fds[1], msg, 10);
	assert_int_equal(status, -ETIMEDOUT);
	close(f.fds[0]);
	assert_int_equal(jsonline_write(f.fds[1], msg, 10), -EPIPE);
	json_decref(msg);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_in_pieces),           cmocka_unit_test(test_deadline_is_for_the_line),
		cmocka_unit_test(test_longest_line_and_one_more), cmocka_unit_test(test_end_in_the_middle),
		cmocka_unit_test(test_what_is_no_object),         cmocka_unit_test(test_large_objects),
		cmocka_unit_test(test_writing_to_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
