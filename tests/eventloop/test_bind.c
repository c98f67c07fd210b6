/*
 * test_bind.c - the event-loop model as workloads see it: through evented.h, whose contract checks are compiled here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SWITCHYARD_BIND "models/eventloop/bind.h"
#include "harness/subject/evented.h"

/* A little body: a post, a timer, a descriptor and a file read, one after the other. */
struct body {
	struct bench *bench;
	ex_work work;
	ex_timer timer;
	ex_io io;
	ex_file file;
	int pipe[2], fd;
	char text[8];
	ssize_t got;
	int step;
};

static void is_read(ex_file *f, ssize_t result)
{
	struct body *s = EX_CONTAINER(f, struct body, file);

	s->step += s->step == 3;
	s->got = result;
	ex_runtime_break(ex_loop_of(s->bench));
}

static void is_ready(ex_io *io, unsigned events)
{
	struct body *s = EX_CONTAINER(io, struct body, io);

	s->step += s->step == 2 && events == EX_READ;
	ex_io_stop(ex_loop_of(s->bench), io);
	if (ex_file_read(ex_loop_of(s->bench), &s->file, s->fd, s->text, sizeof(s->text), 2, is_read) < 0)
		ex_runtime_break(ex_loop_of(s->bench));
}

static void is_due(ex_timer *t)
{
	struct body *s = EX_CONTAINER(t, struct body, timer);

	s->step += s->step == 1;
	if (write(s->pipe[1], "x", 1) != 1 || ex_io_change(ex_loop_of(s->bench), &s->io, EX_READ) < 0)
		ex_runtime_break(ex_loop_of(s->bench));
}

static void is_posted(ex_work *w)
{
	struct body *s = EX_CONTAINER(w, struct body, work);

	s->step += s->step == 0;
	ex_timer_start(ex_loop_of(s->bench), &s->timer, 100000, is_due);
}

static void test_body(void **state)
{
	(void)state;
	char path[] = "/tmp/switchyard-bind-XXXXXX";
	const char *names[8];
	uint64_t values[8];
	struct bench bench = {0};
	struct body s = {.bench = &bench};
	ex_loop *loop;

	assert_int_equal(ex_runtime_start(4, "", &loop), 0);
	bench.model = loop;
	assert_int_equal(pipe(s.pipe), 0);
	s.fd = mkstemp(path);
	assert_true(s.fd >= 0);
	unlink(path);
	assert_int_equal(write(s.fd, "0123456", 7), 7);
	assert_int_equal(ex_io_start(loop, &s.io, s.pipe[0], 0, is_ready), 0);
	ex_post(loop, &s.work, is_posted);
	ex_runtime_run(loop);
	assert_int_equal(s.step, 4);
	assert_int_equal(s.got, 5);
	assert_memory_equal(s.text, "23456", 5);
	assert_int_equal(ex_runtime_counters(loop, names, values, 8), 6);
	for (int i = 0; i < 6; i++) {
		static const char *const expected[] = {"turns",  "polls",        "callbacks",
						       "posted", "timers_fired", "file_reads"};
		assert_string_equal(names[i], expected[i]);
		assert_true(values[i] > 0);
	}
	assert_int_equal(values[2], 4);
	assert_int_equal(ex_runtime_counters(loop, names, values, 2), 2);
	close(s.pipe[0]);
	close(s.pipe[1]);
	close(s.fd);
	ex_runtime_stop(loop);
}

static void test_knobs(void **state)
{
	(void)state;
	const char *names[8];
	char values[8][32];
	ex_loop *loop;

	assert_int_equal(ex_runtime_start(1, "speed=11", &loop), -EINVAL);
	assert_int_equal(ex_runtime_start(1, "file=pool,pool_threads=2", &loop), 0);
	assert_int_equal(ex_runtime_knobs(loop, names, values, 8), 6);
	assert_string_equal(names[0], "loops");
	assert_string_equal(values[0], "1");
	assert_string_equal(names[1], "file");
	assert_string_equal(values[1], "pool");
	assert_string_equal(names[2], "file_reason");
	assert_string_equal(values[2], "asked for");
	assert_string_equal(names[3], "pool_threads");
	assert_string_equal(values[3], "2");
	assert_string_equal(names[4], "poll");
	assert_true(strncmp(values[4], "epoll_", 6) == 0);
	assert_string_equal(names[5], "ready_batch");
	assert_int_equal(ex_runtime_knobs(loop, names, values, 0), 0);
	assert_int_equal(ex_runtime_knobs(loop, names, values, 3), 3);
	ex_runtime_stop(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_knobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
