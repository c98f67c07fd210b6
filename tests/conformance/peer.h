/*
 * peer.h - a process that speaks JSON lines, for the conformance tests: start it, talk to it, and await its end.
 *
 * Every failure is the running test's failure; a process that does not answer or end in time is killed. Functions are
 * `static inline` so that a test may use what it needs.
 */
#ifndef CONFORMANCE_PEER_H
#define CONFORMANCE_PEER_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "harness/base/jsonline.h"

enum {
	ANSWER_MS = 60 * 1000, /* for any one line of a process: far more than is needed on a loaded machine */
	EXIT_MS = 10 * 1000,
};

struct peer {
	pid_t pid;
	int to;
	int from;
	struct jsonline lines;
};

/* `address_bytes`: a limit on the process's address space; 0: none. */
static inline void peer_start(struct peer *p, const char *program, const char *argument, rlim_t address_bytes)
{
	char path[4096];
	int in[2], out[2];

	snprintf(path, sizeof path, "%s/%s", TEST_BINARY_DIR, program);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		struct rlimit limit = {address_bytes, address_bytes};

		if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0 ||
		    (address_bytes && setrlimit(RLIMIT_AS, &limit) < 0))
			_exit(126);
		execl(path, path, argument, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	p->to = in[1];
	p->from = out[0];
	assert_int_equal(jsonline_init(&p->lines, p->from, JSONLINE_DESCRIBE_MAX), 0);
}

/* Takes the reference. */
static inline void peer_say(struct peer *p, json_t *msg)
{
	assert_non_null(msg);
	assert_int_equal(jsonline_write(p->to, msg, ANSWER_MS), 0);
	json_decref(msg);
}

static inline void peer_command(struct peer *p, const char *name)
{
	peer_say(p, json_pack("{s:s}", "cmd", name));
}

static inline json_t *peer_hear(struct peer *p)
{
	struct err e = {0};
	json_t *msg = NULL;
	int status = jsonline_read_object(&p->lines, ANSWER_MS, &msg, &e);

	if (status <= 0) {
		kill(p->pid, SIGKILL);
		fail_msg("no answer: %s", status == 0 ? "the process has ended" : e.why);
	}
	return msg;
}

static inline const char *msg_of(const json_t *msg)
{
	const char *name = json_string_value(json_object_get(msg, "msg"));

	return name ? name : "";
}

/* Hear a message that must be `name`. */
static inline json_t *peer_expect(struct peer *p, const char *name)
{
	json_t *msg = peer_hear(p);

	if (strcmp(msg_of(msg), name) != 0) {
		char *text = json_dumps(msg, 0);

		kill(p->pid, SIGKILL);
		fail_msg("expected \"%s\", got %s", name, text);
	}
	return msg;
}

static inline void peer_expect_only(struct peer *p, const char *name)
{
	json_decref(peer_expect(p, name));
}

/* End it, whatever it is at. */
static inline void peer_kill(struct peer *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->to);
	close(p->from);
	jsonline_free(&p->lines);
}

/* Close its input and await its end. */
static inline void peer_end(struct peer *p, int expected_code)
{
	int status, waited_ms = 0;

	close(p->to);
	while (waitpid(p->pid, &status, WNOHANG) == 0) {
		if (waited_ms++ == EXIT_MS) {
			kill(p->pid, SIGKILL);
			fail_msg("the process does not end");
		}
		usleep(1000);
	}
	close(p->from);
	jsonline_free(&p->lines);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected_code)
		fail_msg("the process ended with status 0x%x, not with exit code %d", (unsigned)status, expected_code);
}

static inline void start_subject(struct peer *p, const char *model, const char *argument, rlim_t address_bytes)
{
	char program[64];

	snprintf(program, sizeof program, "subjects/subject-%s", model);
	peer_start(p, program, argument, address_bytes);
}

static inline json_t *describe(const char *model)
{
	struct peer p;
	json_t *description;

	start_subject(&p, model, "--describe", 0);
	description = peer_hear(&p);
	peer_end(&p, 0);
	return description;
}

static inline const char *name_of(const json_t *workload)
{
	return json_string_value(json_object_get(workload, "name"));
}

/* NULL: it has none of that name. */
static inline json_t *find_workload(const json_t *description, const char *name)
{
	json_t *workload;
	size_t i;

	json_array_foreach (json_object_get(description, "workloads"), i, workload)
		if (strcmp(name_of(workload), name) == 0)
			return workload;
	return NULL;
}

/* A reference subject is built where its toolchain is. */
static inline bool is_built(const char *model)
{
	char path[sizeof TEST_BINARY_DIR + 64];

	snprintf(path, sizeof path, TEST_BINARY_DIR "/subjects/subject-%s", model);
	return access(path, X_OK) == 0;
}

static inline bool has_go(void)
{
	return is_built("go");
}

/* One oracle process answers for all tests of a program, as it does in the harness. */
static struct peer oracle; /* subject-serial --certify */

/* The certificate that a correct run of this cell must give. */
static inline json_t *ask_oracle(const json_t *cell)
{
	json_t *answer, *cert;

	peer_say(&oracle, json_incref((json_t *)cell));
	answer = peer_hear(&oracle);
	cert = json_incref(json_object_get(answer, "cert"));
	json_decref(answer);
	assert_non_null(cert);
	return cert;
}

static inline void check_certificate(const json_t *sample, const json_t *cell)
{
	json_t *wanted = ask_oracle(cell), *found = json_object_get(sample, "cert");

	if (!json_equal(wanted, found))
		fail_msg("the certificate is\n%s\nand must be\n%s", json_dumps(found, 0), json_dumps(wanted, 0));
	json_decref(wanted);
}

static inline void run_command(struct peer *p, const char *kind, json_t *cell)
{
	peer_say(p, json_pack("{s:s,s:s,s:O,s:i}", "cmd", "run", "kind", kind, "cell", cell, "target_ns", 4000000));
}

#endif
