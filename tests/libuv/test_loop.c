/*
 * test_loop.c - what models/reference/libuv puts on libuv: the queue of posted callbacks, timers that are never early, and
 * handles that the evented contract does not close. Through evented.h, so that its contract checks are compiled here.
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

#define SWITCHYARD_BIND "models/reference/libuv/bind.h"
#include "harness/subject/evented.h"

enum { ROUNDS = 20 };

struct body {
	ex_loop *loop;
	ex_work a, b;
	ex_timer timer, soon;
	ex_io io;
	ex_file file;
	ex_call call;
	int fds[2];
	uint64_t begun_ns, turns;
	int step, early;
	char text[8];
	ssize_t result;
};

static ex_loop *start(void)
{
	ex_loop *loop;

	assert_int_equal(ex_runtime_start(1, "", &loop), 0);
	return loop;
}

static void a_came(ex_work *w);

static void b_came(ex_work *w)
{
	struct body *s = EX_CONTAINER(w, struct body, b);

	ex_post(s->loop, &s->a, a_came);
}

static void a_came(ex_work *w)
{
	struct body *s = EX_CONTAINER(w, struct body, a);

	ex_post(s->loop, &s->b, b_came);
}

static void end(ex_timer *t)
{
	ex_runtime_break(EX_CONTAINER(t, struct body, timer)->loop);
}

/* Two callbacks that post each other for ever starve no timer; what they have posted at the end is let go of. */
static void test_posting_starves_nobody(void **state)
{
	struct body s = {.loop = start()};

	(void)state;
	ex_post(s.loop, &s.a, a_came);
	ex_timer_start(s.loop, &s.timer, 2000000, end);
	ex_runtime_run(s.loop);
	ex_runtime_stop(s.loop);
}

static void woke(ex_timer *t)
{
	struct body *s = EX_CONTAINER(t, struct body, timer);

	s->early += uv_hrtime() < s->begun_ns + 300000;
	if (++s->step == ROUNDS) {
		ex_runtime_break(s->loop);
		return;
	}
	s->begun_ns = uv_hrtime();
	ex_timer_start(s->loop, t, 300000, woke);
}

/* A third of a millisecond, of a library that counts whole ones, started at whatever time the last one ran out. */
static void test_no_timer_is_early(void **state)
{
	struct body s = {.loop = start(), .begun_ns = uv_hrtime()};

	(void)state;
	ex_timer_start(s.loop, &s.timer, 300000, woke);
	assert_true(ex_timer_start(s.loop, &s.timer, 300000, woke)); /* moved */
	ex_runtime_run(s.loop);
	assert_int_equal(s.step, ROUNDS);
	assert_int_equal(s.early, 0);
	assert_false(ex_timer_stop(s.loop, &s.timer));
	ex_runtime_stop(s.loop);
}

static void is_ready(ex_io *io, unsigned events)
{
	struct body *s = EX_CONTAINER(io, struct body, io);

	s->step += events == EX_READ;
	ex_io_stop(s->loop, io);
	ex_io_stop(s->loop, io); /* a second one does nothing */
	ex_runtime_break(s->loop);
}

static void count_turn(ex_timer *t)
{
	struct body *s = EX_CONTAINER(t, struct body, soon);

	/* Turns of 0 ns look at descriptors in between: else this would never end. */
	if (++s->turns == 3 && write(s->fds[1], "x", 1) != 1)
		ex_runtime_break(s->loop);
	ex_timer_start(s->loop, t, 0, count_turn);
}

static void test_turns_and_descriptors(void **state)
{
	struct body s = {.loop = start()};

	(void)state;
	assert_int_equal(pipe(s.fds), 0);
	assert_int_equal(ex_io_start(s.loop, &s.io, s.fds[0], 0, is_ready), 0);
	assert_int_equal(ex_io_change(s.loop, &s.io, EX_READ), 0);
	ex_timer_start(s.loop, &s.soon, 0, count_turn);
	ex_runtime_run(s.loop);
	assert_int_equal(s.step, 1);
	assert_true(s.turns >= 3);
	assert_true(ex_timer_stop(s.loop, &s.soon));
	close(s.fds[0]);
	close(s.fds[1]);
	assert_int_equal(ex_io_start(s.loop, &s.io, s.fds[0], EX_READ, is_ready), -EBADF);
	ex_runtime_stop(s.loop);
}

static void done(ex_call *c)
{
	struct body *s = EX_CONTAINER(c, struct body, call);

	s->step += s->step == 2;
	ex_runtime_break(s->loop);
}

static void work(ex_call *c)
{
	struct body *s = EX_CONTAINER(c, struct body, call);

	s->step += s->step == 1;
}

static void is_read(ex_file *f, ssize_t result)
{
	struct body *s = EX_CONTAINER(f, struct body, file);

	s->result = result;
	s->step++;
	assert_int_equal(ex_call_start(s->loop, &s->call, work, done), 0);
}

static void test_pool(void **state)
{
	char path[] = "/tmp/switchyard-libuv-XXXXXX";
	struct body s = {.loop = start()};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, "0123456", 7), 7);
	assert_int_equal(ex_file_read(s.loop, &s.file, fd, s.text, sizeof s.text, 2, is_read), 0);
	ex_runtime_run(s.loop);
	assert_int_equal(s.step, 3);
	assert_int_equal(s.result, 5);
	assert_memory_equal(s.text, "23456", 5);
	close(fd);
	ex_runtime_stop(s.loop);
}

static void test_knobs(void **state)
{
	static const char *const wrong[] = {"speed=11",
					    "loops=",
					    "loops=0",
					    "loops=4097",
					    "loops=2x",
					    "pool_threads=0",
					    "pool_threads=-1",
					    "loops=1,"
					    "file=pool"};
	const char *names[8];
	char values[8][32];
	ex_loop *loop;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_int_equal(ex_runtime_start(1, wrong[i], &loop), -EINVAL);
		assert_int_equal(ex_runtime_loops(4, wrong[i]), 1);
	}
	assert_int_equal(ex_runtime_loops(4, ""), 1);
	assert_int_equal(ex_runtime_loops(4, "loops=3,pool_threads=2"), 3);
	assert_int_equal(ex_runtime_loops(4, "loops=cpus"), 4);
	assert_int_equal(ex_runtime_start(1, "loops=cpus,pool_threads=7", &loop), 0);
	assert_int_equal(ex_runtime_knobs(loop, names, values, 8), 6);
	assert_string_equal(names[0], "libuv");
	assert_int_equal(strncmp(values[0], uv_version_string(), strlen(uv_version_string())), 0);
	assert_string_equal(names[1], "loops");
	assert_string_equal(values[1], "cpus");
	assert_string_equal(names[3], "pool_threads");
	assert_string_equal(values[3], "7");
	assert_int_equal(ex_runtime_knobs(loop, names, values, 0), 0);
	ex_runtime_stop(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posting_starves_nobody),
		cmocka_unit_test(test_no_timer_is_early),
		cmocka_unit_test(test_turns_and_descriptors),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_knobs),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
