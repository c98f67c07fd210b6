/*
 * The child process, with children that do everything wrong. They are shell scripts, or this program itself called as
 * `test child NAME`.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/measure/measure.h"

#define SEC INT64_C(1000000000)
#define LONG_NS (20 * SEC) /* a bound for what happens at once on a loaded machine, too */

static struct process *start(const char *const *argv, const char *path)
{
	struct process_spec spec = {.path = path, .argv = argv};
	struct process *p;
	struct err err = {""};

	if (process_start(&spec, &p, &err) != 0)
		fail_msg("%s", err.why);
	return p;
}

static struct process *start_shell(const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	return start(argv, "/bin/sh");
}

static json_t *receive(struct process *p)
{
	struct err err = {""};
	json_t *message = NULL;

	if (process_receive(p, LONG_NS, &message, &err) != 0)
		fail_msg("%s", err.why);
	return message;
}

static json_int_t receive_int(struct process *p, const char *key)
{
	json_t *message = receive(p);
	json_int_t value = json_integer_value(json_object_get(message, key));

	json_decref(message);
	return value;
}

static bool is_utf8(const char *text)
{
	json_t *value = json_string(text);
	bool ok = value != NULL;

	json_decref(value);
	return ok;
}

/* Gone, or a zombie that only waits for its parent. */
static bool is_dead(pid_t pid)
{
	char path[64], text[256] = "", *after;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return true;
	after = fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
	fclose(f);
	return !after || after[2] == 'Z' || after[2] == 'X';
}

static bool dies_soon(pid_t pid)
{
	uint64_t deadline_ns = clock_now_ns() + LONG_NS;

	while (!is_dead(pid) && clock_now_ns() < deadline_ns)
		usleep(5000);
	return is_dead(pid);
}

static void test_talk(void **state)
{
	struct process *p = start_shell("while read -r line; do echo \"$line\"; done; exit 3");
	struct process_exit end;
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		json_t *message = json_pack("{s:i, s:s}", "n", i, "text", "caf\xc3\xa9");

		assert_int_equal(process_send(p, message, &err), 0);
		json_decref(message);
		message = receive(p);
		assert_int_equal(json_integer_value(json_object_get(message, "n")), i);
		assert_string_equal(json_string_value(json_object_get(message, "text")), "caf\xc3\xa9");
		json_decref(message);
	}
	process_finish(p, LONG_NS, &end);
	assert_int_equal(end.code, 3); /* it left by itself at the end of its input */
	assert_int_equal(end.signal, 0);
	assert_false(end.killed);
	assert_string_equal(end.stderr_tail, "");
}

static void test_cannot_run(void **state)
{
	const char *const argv[] = {"x", NULL};
	struct process_spec spec = {.path = "/no/such/program", .argv = argv};
	struct process *p;
	struct err err;

	(void)state;
	assert_int_equal(process_start(&spec, &p, &err), -ENOENT);
	assert_null(p);
	assert_string_equal(err.why, "cannot run /no/such/program: No such file or directory");
	spec.path = "/";
	assert_int_equal(process_start(&spec, &p, &err), -EACCES);
}

static void test_affinity(void **state)
{
	const char *const argv[] = {"test", "child", "affinity", NULL};
	struct process_spec spec = {.path = "/proc/self/exe", .argv = argv};
	struct process_exit end;
	struct process *p;
	struct err err;
	cpu_set_t allowed, one;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		spec.cpus = &one;
		assert_int_equal(process_start(&spec, &p, &err), 0);
		assert_int_equal(receive_int(p, "cpu"), cpu);
		process_finish(p, LONG_NS, &end);
		assert_int_equal(end.code, 0);
	}
	/* Only a CPU that is not there: refused. One that is and one that is not: the kernel would cut it down. */
	CPU_ZERO(&one);
	CPU_SET(CPU_SETSIZE - 1, &one);
	if (CPU_ISSET(CPU_SETSIZE - 1, &allowed))
		return;
	assert_int_equal(process_start(&spec, &p, &err), -EINVAL);
	assert_non_null(strstr(err.why, "cannot pin"));
	CPU_OR(&one, &one, &allowed);
	assert_int_equal(process_start(&spec, &p, &err), -EINVAL);
	assert_non_null(strstr(err.why, "granted other CPUs"));
}

static void test_pad(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo \"{\\\"pad\\\":${#SWITCHYARD_PAD}}\"", NULL};
	struct process_spec spec = {.path = "/bin/sh", .argv = argv, .pad_bytes = 1234};
	struct process_exit end;
	struct process *p;
	struct err err;

	(void)state;
	assert_int_equal(setenv("SWITCHYARD_PAD", "an inherited one must not win", 1), 0);
	assert_int_equal(process_start(&spec, &p, &err), 0);
	assert_int_equal(receive_int(p, "pad"), 1234);
	process_finish(p, LONG_NS, &end);
}

/* 10 MB without a newline: reported once, quoted briefly, skipped; the line after it is received. */
static void test_long_line(void **state)
{
	struct process *p = start_shell("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo '{\"after\":1}'; "
					"head -c 65535 /dev/zero | tr '\\0' y; echo; echo '{\"after\":2}'");
	struct process_exit end;
	json_t *message;
	struct err err;

	(void)state;
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EBADMSG);
	assert_non_null(strstr(err.why, "xxxxxxxx"));
	assert_true(strlen(err.why) < 300);
	assert_int_equal(receive_int(p, "after"), 1);
	/* One byte below the limit with its newline: looked at as JSON, and found not to be. */
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EBADMSG);
	assert_non_null(strstr(err.why, "not JSON"));
	assert_int_equal(receive_int(p, "after"), 2);
	process_finish(p, LONG_NS, &end);
	assert_int_equal(end.code, 0);
}

static void test_endless_line(void **state)
{
	struct process *p = start_shell("exec cat /dev/zero");
	struct process_exit end;
	json_t *message;
	struct err err;
	int rc;

	(void)state;
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EBADMSG);
	rc = process_receive(p, SEC / 10, &message, &err);
	assert_int_equal(rc, -ETIMEDOUT);
	process_finish(p, SEC / 10, &end);
	assert_true(end.killed);
}

static void test_nonsense(void **state)
{
	static const char *const lines[] = {"\\377\\000\\001{", "", "[1,2]", "{\"a\":", "{\"a\":1} x", "\\303"};
	struct process_exit end;
	char script[200];

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct process *p;
		json_t *message;
		struct err err;

		snprintf(script, sizeof script, "printf '%s\\n'; echo '{\"after\":1}'", lines[i]);
		p = start_shell(script);
		assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EBADMSG);
		assert_null(message);
		assert_true(is_utf8(err.why));
		assert_int_equal(receive_int(p, "after"), 1);
		assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EPIPE);
		process_finish(p, LONG_NS, &end);
		assert_int_equal(end.code, 0);
	}
}

static void test_cut_off(void **state)
{
	struct process *p = start_shell("printf '{\"msg\":\"beg'");
	struct process_exit end;
	json_t *message;
	struct err err;

	(void)state;
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EBADMSG);
	assert_non_null(strstr(err.why, "{\"msg\":\"beg"));
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EPIPE);
	assert_int_equal(process_receive(p, 0, &message, &err), -EPIPE);
	process_finish(p, LONG_NS, &end);
}

/* A child that is stopped by nothing: ignores what it can and never leaves. */
static void test_timeout(void **state)
{
	struct process *p = start_shell("trap '' TERM INT HUP; while :; do sleep 1000; done");
	pid_t pid = process_pid(p);
	uint64_t before_ns = clock_now_ns();
	struct process_exit end;
	json_t *message;
	struct err err;

	(void)state;
	assert_int_equal(process_receive(p, SEC / 5, &message, &err), -ETIMEDOUT);
	assert_true(clock_now_ns() - before_ns >= (uint64_t)SEC / 5);
	process_finish(p, SEC / 5, &end);
	assert_true(clock_now_ns() - before_ns >= (uint64_t)SEC * 2 / 5);
	assert_true(end.killed);
	assert_int_equal(end.signal, SIGKILL);
	assert_int_equal(end.code, -1);
	assert_int_equal(kill(pid, 0), -1); /* reaped: the number is free */
}

static void test_stopped(void **state)
{
	struct process *p = start_shell("kill -STOP $$; exit 0");
	struct process_exit end;

	(void)state;
	process_finish(p, SEC / 5, &end);
	assert_true(end.killed);
	assert_int_equal(end.signal, SIGKILL);
}

/* A megabyte on standard error before the first line: it must neither block the child nor be kept. */
static void test_stderr_flood(void **state)
{
	struct process *p =
		start_shell("head -c 1000000 /dev/zero | tr '\\0' z >&2; printf 'last\\001 w\\303\\251 \\377\\n' >&2; "
			    "echo '{\"after\":1}'; printf 'the end\\n' >&2");
	struct process_exit end;
	const char *tail;

	(void)state;
	assert_int_equal(receive_int(p, "after"), 1);
	process_finish(p, LONG_NS, &end);
	assert_int_equal(end.code, 0);
	assert_int_equal(strlen(end.stderr_tail), sizeof end.stderr_tail - 1);
	assert_true(is_utf8(end.stderr_tail));
	tail = strstr(end.stderr_tail, "zlast");
	assert_non_null(tail);
	assert_string_equal(tail, "zlast? w\xc3\xa9 ?\nthe end\n");
}

/* The cut through the middle of a character leaves no half of it. */
static void test_stderr_cut(void **state)
{
	struct process *p = start_shell("i=0; while [ $i -lt 3000 ]; do printf '\\303\\251'; i=$((i+1)); done >&2");
	struct process_exit end;

	(void)state;
	process_finish(p, LONG_NS, &end);
	assert_true(is_utf8(end.stderr_tail));
	assert_int_equal(strlen(end.stderr_tail), 4095);
	assert_int_equal(end.stderr_tail[0], '?');
}

/* A helper that the child leaves behind holds both pipes: it must neither keep us waiting nor survive. */
static void test_left_behind(void **state)
{
	struct process *p = start_shell("sleep 1000 & echo \"{\\\"pid\\\":$!}\"; exit 0");
	pid_t helper = (pid_t)receive_int(p, "pid");
	uint64_t before_ns = clock_now_ns();
	struct process_exit end;
	json_t *message;
	struct err err;

	(void)state;
	assert_true(helper > 1);
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EPIPE);
	process_finish(p, LONG_NS, &end);
	assert_true(clock_now_ns() - before_ns < (uint64_t)LONG_NS);
	assert_int_equal(end.code, 0);
	assert_false(end.killed);
	assert_true(dies_soon(helper));
}

static void test_crash(void **state)
{
	struct process *p = start_shell("kill -SEGV $$");
	struct process_exit end;
	json_t *message;
	struct err err;

	(void)state;
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EPIPE);
	process_finish(p, LONG_NS, &end);
	assert_int_equal(end.signal, SIGSEGV);
	assert_int_equal(end.code, -1);
	assert_false(end.killed);
}

/* Writing to a child that has gone is an error, and not our death by SIGPIPE. */
static void test_send_to_the_dead(void **state)
{
	struct process *p = start_shell("exit 0");
	uint64_t deadline_ns = clock_now_ns() + LONG_NS;
	json_t *note = json_object(), *message;
	struct process_exit end;
	struct err err;

	(void)state;
	assert_int_equal(process_receive(p, LONG_NS, &message, &err), -EPIPE);
	json_object_set_new(note, "n", json_integer(1));
	/* Its descriptors are closed one after the other: standard input may still be open for a moment. */
	while (process_send(p, note, &err) == 0 && clock_now_ns() < deadline_ns)
		usleep(1000);
	assert_int_equal(process_send(p, note, &err), -EPIPE);
	json_decref(note);
	process_finish(p, LONG_NS, &end);
}

/* The child starts with the signal state of a fresh shell, whatever the harness has done. */
static void test_signals(void **state)
{
	const char *const argv[] = {"test", "child", "signals", NULL};
	struct process_exit end;
	struct process *p;
	sigset_t usr1, old;

	(void)state;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &usr1, &old), 0);
	p = start(argv, "/proc/self/exe");
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	assert_int_equal(receive_int(p, "sigpipe_ignored"), 0);
	assert_int_equal(receive_int(p, "blocked"), 0);
	assert_int_equal(receive_int(p, "own_group"), 1);
	process_finish(p, LONG_NS, &end);
}

static void test_usage(void **state)
{
	const char *const argv[] = {"test", "child", "busy", NULL};
	struct process *p = start(argv, "/proc/self/exe");
	int64_t started_ns = process_started_ns(p);
	struct process_exit end;

	(void)state;
	process_finish(p, LONG_NS, &end);
	assert_int_equal(end.code, 0);
	assert_true(end.user_ns + end.sys_ns >= 50000000); /* it works until it has used 50 ms */
	assert_true(end.ended_ns - started_ns >= end.user_ns + end.sys_ns - 20000000);
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_no_leaks(void **state)
{
	const char *const argv[] = {"x", NULL};
	struct process_spec bad = {.path = "/no/such/program", .argv = argv};
	unsigned before = open_descriptors();
	uint64_t best_ns = UINT64_MAX;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct process *p = start_shell("echo '{}'");
		struct process_exit end;
		struct err err;
		int64_t started_ns = process_started_ns(p);

		process_finish(p, LONG_NS, &end);
		assert_int_equal(end.code, 0); /* its output was drained, so it could leave */
		if ((uint64_t)(end.ended_ns - started_ns) < best_ns)
			best_ns = (uint64_t)(end.ended_ns - started_ns);
		assert_int_equal(process_start(&bad, &p, &err), -ENOENT);
	}
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and no children */
	print_message("fork to reaped, sh: %.1f ms at best\n", (double)best_ns / 1e6);
}

/* When the harness dies, so does the child: here a process in between plays the harness. */
static void test_dies_with_harness(void **state)
{
	int fds[2];
	pid_t middle, child = 0;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	middle = fork();
	assert_true(middle >= 0);
	if (middle == 0) {
		struct process *p = start_shell("sleep 1000; exit 0");

		child = process_pid(p);
		_exit(write(fds[1], &child, sizeof child) == (ssize_t)sizeof child ? 0 : 1);
	}
	assert_int_equal(read(fds[0], &child, sizeof child), sizeof child);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	close(fds[0]);
	close(fds[1]);
	assert_true(dies_soon(child));
	(void)kill(-child, SIGKILL); /* the sleep, which has only its shell as a parent */
}

/* ---- the children -------------------------------------------------------------------------------------- */

static int child_affinity(void)
{
	cpu_set_t set;
	int only = -1;

	if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) != 1)
		return 1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			only = cpu;
	printf("{\"cpu\":%d}\n", only);
	return 0;
}

static int child_signals(void)
{
	struct sigaction now;
	sigset_t mask;

	if (sigaction(SIGPIPE, NULL, &now) != 0 || sigprocmask(SIG_BLOCK, NULL, &mask) != 0)
		return 1;
	printf("{\"sigpipe_ignored\":%d}\n", now.sa_handler == SIG_IGN);
	printf("{\"blocked\":%d}\n", sigismember(&mask, SIGUSR1));
	printf("{\"own_group\":%d}\n", getpgrp() == getpid());
	return 0;
}

static int child_busy(void)
{
	while (clock() < CLOCKS_PER_SEC / 20)
		;
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_cannot_run),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_pad),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_stderr_flood),
		cmocka_unit_test(test_stderr_cut),
		cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_send_to_the_dead),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_no_leaks),
		cmocka_unit_test(test_dies_with_harness),
	};

	if (argc == 3 && strcmp(argv[2], "affinity") == 0)
		return child_affinity();
	if (argc == 3 && strcmp(argv[2], "signals") == 0)
		return child_signals();
	if (argc == 3 && strcmp(argv[2], "busy") == 0)
		return child_busy();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
