/*
 * spawn.c - fork, hold, exec: one child with three pipes, and a sentence about whatever went wrong on the way.
 *
 * What is hard: between fork and exec there are things to do to the child that only the parent can do (counters), and
 * things that only the child can do and the parent must hear about (affinity, exec). Both are settled by two pipes.
 *
 * Start, as two lists. The status pipe is close-on-exec: end of file on it means that exec has succeeded.
 *
 *      parent                                      child
 *      ------                                      -----
 *      fork                                 --->   own process group, dies with the parent
 *      own process group for the child             affinity: set, read back, compare
 *      opens counters on the child                 reads one byte from the gate (only with counters)
 *      writes the byte to the gate          --->   moves the pipes to 0, 1, 2; signals to default
 *      reads the status pipe                <---   exec closes the status pipe, or (step, errno) comes
 *
 * Rejected: posix_spawn (cannot hold the child before exec, cannot report which step failed), vfork (the parent would
 * sleep until exec, and could not open the counters).
 *
 * Invariants.
 *   S1  Between fork and exec the child calls only async-signal-safe functions: the harness may have threads.
 *   S2  Every descriptor is close-on-exec; the child's 0, 1, 2 are made by dup2, whose result is not.
 *   S3  On failure there is no child: it has been reaped.
 */
#include "harness/measure/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

extern char **environ;

/* What the child was doing when it failed; told through the status pipe. */
enum start_step { STEP_GROUP, STEP_AFFINITY, STEP_AFFINITY_DIFFERS, STEP_GATE, STEP_PIPES, STEP_EXEC };

struct start_failure {
	int step;
	int error;
};

/* ---- start: the child's side --------------------------------------------------------------------------- */

struct child_plan {
	const struct process_spec *spec;
	char **envp;
	int stdio[3]; /* what becomes 0, 1, 2: all of them >= 3 */
	int gate_fd; /* -1: do not wait */
	int status_fd; /* close-on-exec */
	pid_t parent;
};

static void __attribute__((noreturn)) child_fail(const struct child_plan *plan, enum start_step step, int error)
{
	struct start_failure failure = {.step = step, .error = error};
	ssize_t n;

	/* Less than PIPE_BUF: whole or not at all. If it cannot be told, the exit code tells. */
	do
		n = write(plan->status_fd, &failure, sizeof failure);
	while (n < 0 && errno == EINTR);
	_exit(127);
}

/* Pin the calling process. Reading back is the point: a cgroup's cpuset silently cuts the set down. */
static void child_pin(const struct child_plan *plan, const cpu_set_t *cpus)
{
	cpu_set_t got;

	if (sched_setaffinity(0, sizeof *cpus, cpus) != 0)
		child_fail(plan, STEP_AFFINITY, errno);
	if (sched_getaffinity(0, sizeof got, &got) != 0)
		child_fail(plan, STEP_AFFINITY, errno);
	if (!CPU_EQUAL(&got, cpus))
		child_fail(plan, STEP_AFFINITY_DIFFERS, 0);
}

/* Give the program the signal state of a fresh shell: ignored signals and masks would pass through exec. */
static void child_reset_signals(void)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &plain, NULL); /* fails for SIGKILL, SIGSTOP and libc's own: right so */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn)) child_run(const struct child_plan *plan)
{
	char byte;
	ssize_t n;

	if (setpgid(0, 0) != 0)
		child_fail(plan, STEP_GROUP, errno);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		child_fail(plan, STEP_GROUP, errno);
	if (getppid() != plan->parent)
		_exit(127); /* the parent died before the line above: nobody is left to tell */
	if (plan->spec->cpus)
		child_pin(plan, plan->spec->cpus);
	if (plan->gate_fd >= 0) {
		do
			n = read(plan->gate_fd, &byte, 1);
		while (n < 0 && errno == EINTR);
		if (n != 1)
			child_fail(plan, STEP_GATE, n < 0 ? errno : EPIPE);
	}
	for (int i = 0; i < 3; i++)
		if (dup2(plan->stdio[i], i) < 0)
			child_fail(plan, STEP_PIPES, errno);
	/* The harness opens everything close-on-exec; this covers what it inherited. Before Linux 5.11: nothing. */
	(void)syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
	child_reset_signals();
	execve(plan->spec->path, (char *const *)plan->spec->argv, plan->envp);
	child_fail(plan, STEP_EXEC, errno);
}

/* ---- start: the parent's side -------------------------------------------------------------------------- */

/* A close-on-exec pipe whose ends are >= 3, so that the child's dup2 to 0, 1, 2 never meets its own source. */
static int open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		int high;

		if (ends[i] >= 3)
			continue;
		high = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
		if (high < 0) {
			int error = -errno;

			close_fd(&ends[0]);
			close_fd(&ends[1]);
			return error;
		}
		(void)close(ends[i]);
		ends[i] = high;
	}
	return 0;
}

/* The environment of the child: ours, and SWITCHYARD_PAD. One block: the array, then the text. */
static char **make_environment(size_t pad_bytes)
{
	static const char name[] = "SWITCHYARD_PAD=";
	size_t n = 0, at = 0;
	char **envp, *pad;

	while (environ && environ[n])
		n++;
	envp = malloc((n + 2) * sizeof *envp + sizeof name + pad_bytes);
	if (!envp)
		return NULL;
	pad = (char *)(envp + n + 2);
	memcpy(pad, name, sizeof name - 1);
	memset(pad + sizeof name - 1, 'x', pad_bytes);
	pad[sizeof name - 1 + pad_bytes] = '\0';
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], name, sizeof name - 1) != 0)
			envp[at++] = environ[i];
	envp[at++] = pad;
	envp[at] = NULL;
	return envp;
}

/*
 * A write to a child that has gone must give EPIPE, and a pipe has no MSG_NOSIGNAL: so SIGPIPE is ignored, in the
 * whole harness, from the first child on. A handler that somebody has installed stays.
 */
static void ignore_sigpipe(void)
{
	struct sigaction now, ignore = {.sa_handler = SIG_IGN};

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		(void)sigaction(SIGPIPE, &ignore, NULL);
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* The sentence for what the child reported. */
static int explain_failure(const struct process_spec *spec, const struct start_failure *failure, struct err *err)
{
	const char *text = strerror(failure->error);

	switch ((enum start_step)failure->step) {
	case STEP_EXEC:
		return err_set(err, -failure->error, "cannot run %s: %s", spec->path, text);
	case STEP_AFFINITY:
		return err_set(err, -failure->error, "cannot pin %s to its CPUs: %s (are they online and allowed?)",
			       spec->path, text);
	case STEP_AFFINITY_DIFFERS:
		return err_set(err, -EINVAL,
			       "cannot pin %s: the kernel granted other CPUs than those asked for (offline, or outside "
			       "this cgroup's cpuset)",
			       spec->path);
	case STEP_GROUP:
	case STEP_GATE:
	case STEP_PIPES:
		break;
	}
	return err_set(err, -failure->error, "cannot start %s: %s", spec->path, text);
}

/* Wait until exec has happened (0) or the child has said why not. */
static int await_exec(const struct process_spec *spec, int status_fd, struct err *err)
{
	struct start_failure failure;
	ssize_t n;

	do
		n = read(status_fd, &failure, sizeof failure);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n == (ssize_t)sizeof failure)
		return explain_failure(spec, &failure, err);
	return err_set(err, -EIO, "cannot start %s: its status could not be read", spec->path);
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The pipes of one start, each {read end, write end}. */
enum { PIPE_IN, PIPE_OUT, PIPE_ERR, PIPE_GATE, PIPE_STATUS, N_PIPES };

static int open_pipes(int pipes[N_PIPES][2])
{
	int rc = 0;

	for (int i = 0; i < N_PIPES; i++)
		pipes[i][0] = pipes[i][1] = -1;
	for (int i = 0; i < N_PIPES && rc == 0; i++)
		rc = open_pipe(pipes[i]);
	if (rc == 0)
		rc = set_nonblocking(pipes[PIPE_IN][1]);
	if (rc == 0)
		rc = set_nonblocking(pipes[PIPE_OUT][0]);
	if (rc == 0)
		rc = set_nonblocking(pipes[PIPE_ERR][0]);
	return rc;
}

static void close_pipes(int pipes[N_PIPES][2])
{
	for (int i = 0; i < N_PIPES; i++) {
		close_fd(&pipes[i][0]);
		close_fd(&pipes[i][1]);
	}
}

/* The parent's part of the two lists in the file head, up to the status. The child exists and is not yet reaped. */
static int lead_child(struct spawned *p, const struct process_spec *spec, int pipes[N_PIPES][2], struct err *err)
{
	ssize_t n;

	/* Both sides do it, so that it holds for each of them at once; EACCES: the child has exec'd already. */
	(void)setpgid(p->pid, p->pid);
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0U); /* close-on-exec by itself; -1 before Linux 5.3 */
	close_fd(&pipes[PIPE_STATUS][1]);
	close_fd(&pipes[PIPE_GATE][0]);
	if (spec->counters) {
		counters_open(spec->counters, p->pid);
		do
			n = write(pipes[PIPE_GATE][1], "g", 1);
		while (n < 0 && errno == EINTR);
		/* EPIPE: the child failed before the gate, and the status pipe says how. */
	}
	close_fd(&pipes[PIPE_GATE][1]);
	return await_exec(spec, pipes[PIPE_STATUS][0], err);
}

int process_spawn(const struct process_spec *spec, struct spawned *out, struct err *err)
{
	char **envp = make_environment(spec->pad_bytes);
	int pipes[N_PIPES][2];
	int rc = open_pipes(pipes);
	struct child_plan plan = {
		.spec = spec,
		.envp = envp,
		.stdio = {pipes[PIPE_IN][0], pipes[PIPE_OUT][1], pipes[PIPE_ERR][1]},
		.gate_fd = spec->counters ? pipes[PIPE_GATE][0] : -1,
		.status_fd = pipes[PIPE_STATUS][1],
		.parent = getpid(),
	};

	if (rc != 0 || !envp) {
		rc = rc ? rc : -ENOMEM;
		rc = err_set(err, rc, "cannot start %s: no pipes or memory: %s", spec->path, strerror(-rc));
		goto out;
	}
	ignore_sigpipe();
	out->started_ns = (int64_t)clock_now_ns();
	out->pid = fork();
	if (out->pid == 0) {
		/* Else the child would hold the gate's write end itself, and wait for ever on a dead parent. */
		close_fd(&pipes[PIPE_GATE][1]);
		child_run(&plan);
	}
	if (out->pid < 0) {
		rc = -errno;
		rc = err_set(err, rc, "cannot start %s: fork: %s", spec->path, strerror(-rc));
		goto out;
	}
	rc = lead_child(out, spec, pipes, err);
	if (rc != 0) {
		(void)kill(out->pid, SIGKILL); /* in _exit or there already; this makes the next line sure to return */
		reap(out->pid); /* S3 */
		close_fd(&out->pidfd);
		goto out;
	}
	out->in_fd = pipes[PIPE_IN][1];
	out->out_fd = pipes[PIPE_OUT][0];
	out->err_fd = pipes[PIPE_ERR][0];
	pipes[PIPE_IN][1] = pipes[PIPE_OUT][0] = pipes[PIPE_ERR][0] = -1;
out:
	close_pipes(pipes);
	free(envp);
	return rc;
}
