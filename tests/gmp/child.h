/*
 * child.h - running something in a process of its own because it dies, and hearing what it says.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_CANNOT_EXEC = 126 };

/*
 * Run fn(arg) in a child process, which ends with 0 if fn returns; what it writes to stderr goes to `said`, cut at `cap`.
 * Its wait status. It leaves no core file.
 */
static inline int child_says(void (*fn)(const void *arg), const void *arg, char *said, size_t cap)
{
	const struct rlimit no_core = {0, 0};
	int fds[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		fn(arg);
		_exit(0);
	}
	close(fds[1]);
	while (n < cap - 1 && (got = read(fds[0], said + n, cap - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/*
 * Become this program anew with these arguments (b may be NULL): sanitizers want a process that was not forked. Under an
 * emulator the kernel cannot do it: TEST_EMULATOR names that.
 */
static inline void become_anew(const char *a, const char *b)
{
	const char *emulator = getenv("TEST_EMULATOR");
	char self[4096] = "";

	if (!emulator)
		execl("/proc/self/exe", "test", a, b, (char *)NULL);
	else if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		execlp(emulator, emulator, self, a, b, (char *)NULL);
	_exit(CHILD_CANNOT_EXEC);
}

#endif
