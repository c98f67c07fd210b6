/*
 * sync_test.h - what the tests of the waiting primitives share: cases that are goroutines, and cases that must die.
 *
 * cmocka's assertions jump out of the test function, which must not happen on a G's stack. So a case uses CHECK,
 * which counts, and the test function asserts the count after the runtime has ended.
 */
#ifndef SYNC_TEST_H
#define SYNC_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gr.h"
#include "slow.h"

static _Atomic int sync_failures;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                      \
			atomic_fetch_add(&sync_failures, 1);                                                           \
		}                                                                                                      \
	} while (0)

struct sync_case {
	unsigned procs;
	void (*fn)(void *); /* a G; its argument is the struct sync_case */
};

static inline void run_case(void **state)
{
	struct sync_case *c = *state;
	const struct gr_config config = {.procs = c->procs};

	atomic_store(&sync_failures, 0);
	assert_int_equal(gr_start(&config), 0);
	gr_run(c->fn, c);
	gr_stop();
	assert_int_equal(atomic_load(&sync_failures), 0);
}

/* For the array of main: fn as a G on that many Ps. */
/* clang-format off */
#define ON(procs, fn) {#fn "/" #procs, run_case, NULL, NULL, &(struct sync_case){procs, fn}}
#define ON_1_AND_2(fn) ON(1, fn), ON(2, fn)
#define DIES(death) {(death).name, dies, NULL, NULL, (void *)(uintptr_t)&(death)}
/* clang-format on */

/* A G that does something wrong, and a part of the sentence with which the process must die. */
struct death {
	const char *name;
	void (*fn)(void *);
	const char *sentence;
};

/* main's beginning: in the process that `dies` has started, run that G. Also ends a test that hangs, with a dump. */
static void on_alarm(int sig)
{
	(void)sig;
	gr_dump(STDERR_FILENO);
	abort();
}

static inline void sync_test_begin(int argc, char **argv, const struct death *deaths, size_t n)
{
	const struct rlimit no_core = {0, 0};
	const struct gr_config config = {.procs = 2};

	signal(SIGALRM, on_alarm);
	alarm(110);
	if (argc < 2)
		return;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(argv[1], deaths[i].name) != 0)
			continue;
		setrlimit(RLIMIT_CORE, &no_core);
		if (gr_start(&config) != 0)
			exit(3);
		gr_run(deaths[i].fn, NULL);
		gr_stop();
		exit(0); /* survived: what the test is there to find */
	}
}

/* Become this program anew, with that argument. Under an emulator the kernel cannot: it has to be named (ctest does). */
static inline void exec_self(const char *arg)
{
	const char *emulator = getenv("TEST_EMULATOR");
	char self[4096] = "";

	if (!emulator)
		execl("/proc/self/exe", "test", arg, (char *)NULL);
	else if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		execlp(emulator, emulator, self, arg, (char *)NULL);
	_exit(4);
}

/* Test function: the state is a struct death. A process of its own, because it dies; by exec, for the sanitizers. */
static inline void dies(void **state)
{
	const struct death *d = *state;
	char said[4096];
	size_t n = 0;
	ssize_t r;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		exec_self(d->name);
	}
	close(fds[1]);
	while (n < sizeof(said) - 1 && (r = read(fds[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)r;
	said[n] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !strstr(said, d->sentence))
		fail_msg("%s: status %#x, said: %s", d->name, (unsigned)status, said);
}

#endif
