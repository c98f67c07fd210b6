/*
 * test_refused.c - the loop where the kernel, or a filter in front of it, refuses io_uring and epoll_pwait2.
 *
 * Containers do this with a seccomp filter, and so does this test, to itself: io_uring_setup gives EPERM and
 * epoll_pwait2 ENOSYS. A filter cannot be taken off again, hence a program of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "models/eventloop/ev.h"

/* The architecture is not looked at: the filter is there to refuse, not to protect. */
static int install_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 2, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static struct ev_loop *loop;

static void test_auto_falls_back_and_says_why(void **state)
{
	(void)state;
	struct ev_settings s;

	assert_int_equal(ev_start("", &loop), 0);
	ev_settings_of(loop, &s);
	assert_string_equal(s.file_backend, "pool");
	assert_string_equal(s.file_reason, "io_uring: EPERM (forbidden)");
	assert_int_equal(s.pool_threads, 4);
	assert_string_equal(s.poll_call, "epoll_wait");
	ev_stop(loop);
}

static void test_io_uring_by_name_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(ev_start("file=io_uring", &loop), -EPERM);
	assert_null(loop);
}

static ssize_t read_result;

static void is_read(struct ev_file *f, ssize_t result)
{
	(void)f;
	read_result = result;
	ev_break(loop);
}

static void test_reads_work_through_the_pool(void **state)
{
	(void)state;
	FILE *file = tmpfile();
	struct ev_file f;
	char buf[8];

	assert_non_null(file);
	assert_int_equal(write(fileno(file), "refused", 7), 7);
	assert_int_equal(ev_start("", &loop), 0);
	assert_int_equal(ev_file_read(loop, &f, fileno(file), buf, sizeof(buf), 2, is_read), 0);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(read_result, 5);
	assert_memory_equal(buf, "fused", 5);
	ev_stop(loop);
	fclose(file);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int fired;

static void is_due(struct ev_timer *t)
{
	(void)t;
	if (++fired == 3)
		ev_break(loop);
}

/* A time-out in milliseconds is rounded up: never early, and no turn spent on waiting for the rest of a millisecond. */
static void test_timers_are_rounded_up(void **state)
{
	(void)state;
	struct ev_timer t[3] = {0};
	uint64_t from;

	assert_int_equal(ev_start("", &loop), 0);
	from = now_ns();
	for (int i = 0; i < 3; i++)
		ev_timer_start(loop, &t[i], (uint64_t)(i + 1) * 1300000, is_due);
	assert_int_equal(ev_run(loop), 0);
	assert_true(now_ns() - from >= 3 * 1300000);
	assert_int_equal(fired, 3);
	assert_true(ev_counters_of(loop).polls <= 3);
	ev_stop(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auto_falls_back_and_says_why),
		cmocka_unit_test(test_io_uring_by_name_is_an_error),
		cmocka_unit_test(test_reads_work_through_the_pool),
		cmocka_unit_test(test_timers_are_rounded_up),
	};

	if (install_filter() < 0) {
		fprintf(stderr, "skipped: no seccomp filter here: %s\n", strerror(errno));
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
