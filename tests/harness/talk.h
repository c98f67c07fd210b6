/*
 * talk.h - a child process at two pipes that speaks JSON lines, for the tests of subjects and of the load generator.
 *
 * Every wait is bounded: a child that says nothing fails the test and is killed, by its pid.
 */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/jsonline.h"

enum { TALK_TIMEOUT_MS = 20000 }; /* only ever reached by a failing test */

struct talk {
	pid_t pid;
	int to; /* its standard input; -1 when closed */
	int from, errors;
	struct jsonline in;
};

static inline void talk_pipe(int fds[2])
{
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
}

static inline void talk_start(struct talk *t, const char *path, const char *argument)
{
	int to[2], from[2], errors[2];

	talk_pipe(to);
	talk_pipe(from);
	talk_pipe(errors);
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (t->pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		dup2(errors[1], STDERR_FILENO);
		execl(path, path, argument, (char *)NULL);
		fprintf(stderr, "cannot execute %s: %s\n", path, strerror(errno));
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	close(errors[1]);
	t->to = to[1];
	t->from = from[0];
	t->errors = errors[0];
	assert_int_equal(jsonline_init(&t->in, t->from, JSONLINE_DESCRIBE_MAX), 0);
}

static inline void talk_close_input(struct talk *t)
{
	if (t->to >= 0)
		close(t->to);
	t->to = -1;
}

static inline void talk_send(struct talk *t, const char *line)
{
	assert_int_equal(jsonline_write_text(t->to, line, strlen(line), TALK_TIMEOUT_MS), 0);
	assert_int_equal(jsonline_write_text(t->to, "\n", 1, TALK_TIMEOUT_MS), 0);
}

/* Wait for its end: the exit code, or 1000 + the signal that ended it. Its standard error goes to `text`. */
static inline int talk_wait(struct talk *t, char *text, size_t cap)
{
	uint64_t deadline_ns = clock_now_ns() + TALK_TIMEOUT_MS * CLOCK_NS_PER_MSEC;
	size_t used = 0;
	ssize_t n;
	int status = 0;

	talk_close_input(t);
	while (waitpid(t->pid, &status, WNOHANG) == 0) {
		if (clock_now_ns() > deadline_ns) {
			kill(t->pid, SIGKILL);
			waitpid(t->pid, &status, 0);
			fail_msg("the child did not end");
		}
		usleep(500);
	}
	while (used + 1 < cap && (n = read(t->errors, text + used, cap - used - 1)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(t->from);
	close(t->errors);
	jsonline_free(&t->in);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The child has failed the test: show why it did, and end. */
static inline void talk_fail(struct talk *t, const char *what, const char *why)
{
	char text[4096];

	kill(t->pid, SIGKILL);
	talk_wait(t, text, sizeof(text));
	fail_msg("%s: %s\nits standard error: %s", what, why, text);
}

/* The next line, an object; the caller releases it. */
static inline json_t *talk_read(struct talk *t)
{
	json_t *msg = NULL;
	struct err e;
	int status = jsonline_read_object(&t->in, TALK_TIMEOUT_MS, &msg, &e);

	if (status != 1)
		talk_fail(t, "no line", status == 0 ? "end of file" : e.why);
	return msg;
}

/* The next line must be this message. */
static inline json_t *talk_expect(struct talk *t, const char *name)
{
	json_t *msg = talk_read(t);
	const char *got = json_string_value(json_object_get(msg, "msg"));

	if (!got || strcmp(got, name) != 0) {
		char *text = json_dumps(msg, JSON_COMPACT);

		talk_fail(t, name, text);
	}
	return msg;
}

static inline void talk_expect_only(struct talk *t, const char *name)
{
	json_decref(talk_expect(t, name));
}

static inline int64_t talk_int(const json_t *msg, const char *key)
{
	const json_t *v = json_object_get(msg, key);

	if (!json_is_integer(v))
		fail_msg("\"%s\" is not a whole number", key);
	return json_integer_value(v);
}

/* Nothing more is said, and the process ends with this code. */
static inline void talk_expect_end(struct talk *t, int exit_code)
{
	char *line, text[4096];
	int status = jsonline_read(&t->in, TALK_TIMEOUT_MS, &line);

	if (status != 0)
		talk_fail(t, "expected the end", status == 1 ? line : "time-out or read error");
	status = talk_wait(t, text, sizeof(text));
	if (status != exit_code)
		fail_msg("exit code %d instead of %d; standard error: %s", status, exit_code, text);
}

/* An error whose sentence contains `part`, then the end with code 1. */
static inline void talk_expect_error(struct talk *t, const char *part)
{
	json_t *msg = talk_expect(t, "error");
	const char *why = json_string_value(json_object_get(msg, "why"));

	if (!why || !strstr(why, part))
		fail_msg("the error says \"%s\", without \"%s\"", why ? why : "nothing", part);
	json_decref(msg);
	talk_expect_end(t, 1);
}

#endif
