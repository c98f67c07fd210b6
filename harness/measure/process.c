/*
 * process.c - run one child process that speaks JSON lines, and never be hurt by it.
 *
 * The child is a program under test. It may print 10 MB without a newline, write binary to its standard error until
 * the pipe is full, fork helpers that outlive it and hold its pipes, ignore SIGTERM, or say nothing for ever. The
 * harness must neither block nor grow nor leave anything behind, and must still do next to nothing between begin and
 * end, because it shares the machine with what it measures.
 *
 * The way: our ends of all three pipes are non-blocking, and one poll(2) waits for everything that can happen: a line
 * on standard output, text on standard error, the end of the process (pidfd). During a measured region that is one
 * sleeping system call. Standard error is drained in the same poll, so that a talkative child never blocks on it; a
 * quiet one never wakes us.
 *
 * Rejected: a thread that drains standard error (it would run on the machine while we measure), SIGCHLD and
 * self-pipes (global state of a process that may be a test program), waiting with alarm(2) (the same).
 *
 * Invariants.
 *   I1  The child is reaped exactly once, in process_finish (or in spawn.c, when it could not be started).
 *   I2  Its group is killed while it is not yet reaped: as a zombie it keeps the number from being used again.
 *   I3  line_len <= max_line: a longer line is reported once and skipped to its newline.
 */
#include "harness/measure/measure.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/utf8.h"
#include "harness/measure/spawn.h"

enum {
	LINE_MAX_DEFAULT = 64 * 1024, /* docs/subject-protocol.md */
	LINE_CHUNK = 4096, /* the buffer's first size; messages are a few hundred bytes */
	QUOTE_MAX = 200, /* bytes of an offending line that an error quotes */
	SEND_TIMEOUT_MS = 10000, /* for a child that does not read its standard input; arbitrary */
	POLL_STEP_MS = 2, /* without pidfd: how often the end of the child is looked for */
	LOOK_STEP_MS = 500, /* the same while a line is awaited: seldom, for the region must not be disturbed */
};

struct process {
	/* immutable after process_start */
	pid_t pid;
	int pidfd; /* readable when the child has ended; -1: the kernel has none */
	int64_t started_ns;
	size_t max_line;
	char name[64]; /* for error sentences: the last part of the path */

	/* the caller's thread only */
	int in_fd, out_fd, err_fd; /* the child's 0, 1, 2; -1 when closed */
	bool has_ended; /* the child is a zombie: whatever it wrote is in the pipes */
	char *line; /* bytes read and not yet given out */
	size_t line_len, line_space; /* line_len <= line_space <= max_line + 1 */
	bool is_skipping; /* inside the rest of a line that was too long */
	size_t tail_len; /* of the last bytes of standard error, not yet made valid */
	char tail[4095];
};

/* ---- text ---------------------------------------------------------------------------------------------- */

/*
 * Copy as valid, printable UTF-8: what is not becomes '?', byte for byte, so that the copy never grows. Line ends and
 * tabs stay only if keep_lines. dst gets at most size - 1 bytes, whole characters, and a NUL.
 */
static size_t copy_printable(char *dst, size_t size, const char *src, size_t n, bool keep_lines)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t at = 0;

	for (size_t i = 0; i < n;) {
		size_t len = utf8_length(src + i, n - i);
		bool is_control = s[i] < 0x20 || s[i] == 0x7f;
		bool is_kept = len > 0 && (!is_control || (keep_lines && (s[i] == '\n' || s[i] == '\t')));

		if (!is_kept)
			len = 1;
		if (at + len >= size)
			break;
		if (is_kept)
			memcpy(dst + at, s + i, len);
		else
			dst[at] = '?';
		at += len;
		i += len;
	}
	dst[at] = '\0';
	return at;
}

/* ---- start --------------------------------------------------------------------------------------------- */

int process_start(const struct process_spec *spec, struct process **out, struct err *err)
{
	struct process *p = calloc(1, sizeof *p);
	const char *slash = strrchr(spec->path, '/');
	struct spawned child;
	int rc;

	*out = NULL;
	if (p)
		p->line = malloc(LINE_CHUNK);
	if (!p || !p->line) {
		free(p);
		return err_set(err, -ENOMEM, "cannot start %s: out of memory", spec->path);
	}
	rc = process_spawn(spec, &child, err);
	if (rc != 0) {
		free(p->line);
		free(p);
		return rc;
	}
	p->line_space = LINE_CHUNK;
	p->max_line = spec->max_line ? spec->max_line : LINE_MAX_DEFAULT;
	snprintf(p->name, sizeof p->name, "%s", slash ? slash + 1 : spec->path);
	p->pid = child.pid;
	p->pidfd = child.pidfd;
	p->started_ns = child.started_ns;
	p->in_fd = child.in_fd;
	p->out_fd = child.out_fd;
	p->err_fd = child.err_fd;
	*out = p;
	return 0;
}

pid_t process_pid(const struct process *p)
{
	return p->pid;
}

int64_t process_started_ns(const struct process *p)
{
	return p->started_ns;
}

/* ---- talking ------------------------------------------------------------------------------------------- */

/* Keep the last bytes of the child's standard error; close it at its end. Never blocks. */
static void drain_stderr(struct process *p)
{
	char chunk[4096];

	/* Bounded: a child that writes faster than we read must not keep us here. */
	for (int i = 0; i < 64 && p->err_fd >= 0; i++) {
		ssize_t n = read(p->err_fd, chunk, sizeof chunk);
		size_t keep, got;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_fd(&p->err_fd);
			return;
		}
		got = (size_t)n < sizeof p->tail ? (size_t)n : sizeof p->tail;
		keep = p->tail_len + got > sizeof p->tail ? sizeof p->tail - got : p->tail_len;
		memmove(p->tail, p->tail + p->tail_len - keep, keep);
		memcpy(p->tail + keep, chunk + n - got, got);
		p->tail_len = keep + got;
	}
}

int process_send(struct process *p, const json_t *message, struct err *err)
{
	char *text = json_dumps(message, JSON_COMPACT);
	uint64_t deadline_ns = clock_now_ns() + SEND_TIMEOUT_MS * CLOCK_NS_PER_MSEC;
	size_t len, at = 0;
	int rc = 0;

	if (!text)
		return err_set(err, -ENOMEM, "cannot send to %s: the message cannot be written as JSON", p->name);
	len = strlen(text);
	text[len++] = '\n'; /* in the NUL's place: one write for the whole line */
	while (at < len && rc == 0) {
		ssize_t n = p->in_fd >= 0 ? write(p->in_fd, text + at, len - at) : -1;
		struct pollfd fds[2] = {{p->in_fd, POLLOUT, 0}, {p->err_fd, POLLIN, 0}};

		if (n >= 0) {
			at += (size_t)n;
		} else if (p->in_fd < 0 || errno == EPIPE) {
			rc = err_set(err, -EPIPE, "%s no longer reads its standard input", p->name);
		} else if (errno == EAGAIN) {
			int left_ms = clock_ms_until(deadline_ns);

			/* It may be blocked on its standard error itself. */
			if (left_ms == 0)
				rc = err_set(err, -ETIMEDOUT, "%s did not read its standard input within %d s", p->name,
					     SEND_TIMEOUT_MS / 1000);
			else if (poll(fds, 2, left_ms) > 0 && fds[1].revents)
				drain_stderr(p);
		} else if (errno != EINTR) {
			rc = -errno;
			rc = err_set(err, rc, "cannot send to %s: %s", p->name, strerror(-rc));
		}
	}
	free(text);
	return rc;
}

/* Read what is there into the line buffer, as far as it has room. Closes out_fd at its end. -ENOMEM only. */
static int fill_line(struct process *p)
{
	while (p->out_fd >= 0) {
		ssize_t n;

		if (p->line_len == p->line_space) {
			size_t space = p->line_space * 4 < p->max_line + 1 ? p->line_space * 4 : p->max_line + 1;
			char *line;

			if (p->line_len > p->max_line)
				return 0; /* I3: full; the caller looks at it first */
			line = realloc(p->line, space);
			if (!line)
				return -ENOMEM;
			p->line = line;
			p->line_space = space;
		}
		n = read(p->out_fd, p->line + p->line_len, p->line_space - p->line_len);
		if (n > 0)
			p->line_len += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			close_fd(&p->out_fd);
		else if (errno == EAGAIN)
			return 0;
	}
	return 0;
}

/* Remove the first n bytes of the buffer. */
static void drop_front(struct process *p, size_t n)
{
	p->line_len -= n;
	memmove(p->line, p->line + n, p->line_len);
}

static int bad_line(const struct process *p, const char *what, size_t len, struct err *err)
{
	char quote[QUOTE_MAX + 1];

	copy_printable(quote, sizeof quote, p->line, len, false);
	return err_set(err, -EBADMSG, "%s wrote a line that is %s: %s%s", p->name, what, quote,
		       len > QUOTE_MAX ? "..." : "");
}

/* Parse the first len bytes of the buffer as a message. */
static int parse_line(const struct process *p, size_t len, json_t **out, struct err *err)
{
	json_t *value = json_loadb(p->line, len, 0, NULL);

	if (!value)
		return bad_line(p, len ? "not JSON" : "empty", len, err);
	if (!json_is_object(value)) {
		json_decref(value);
		return bad_line(p, "not a JSON object", len, err);
	}
	*out = value;
	return 0;
}

/* Give out the next line if the buffer has one. 0, -EBADMSG, or -EAGAIN: there is none yet. */
static int take_line(struct process *p, json_t **out, struct err *err)
{
	char *newline = memchr(p->line, '\n', p->line_len);
	int rc;

	if (p->is_skipping) {
		drop_front(p, newline ? (size_t)(newline - p->line) + 1 : p->line_len);
		if (!newline)
			return -EAGAIN;
		p->is_skipping = false;
		newline = memchr(p->line, '\n', p->line_len);
	}
	if (newline && (size_t)(newline - p->line) < p->max_line) {
		rc = parse_line(p, (size_t)(newline - p->line), out, err);
		drop_front(p, (size_t)(newline - p->line) + 1);
		return rc;
	}
	if (p->line_len < p->max_line)
		return -EAGAIN;
	rc = bad_line(p, "longer than the protocol allows", p->line_len, err);
	p->is_skipping = true; /* I3 */
	return rc;
}

/* End of the child's standard output: a piece without its newline is nonsense, and said once. */
static int end_of_stream(struct process *p, struct err *err)
{
	int rc = -EPIPE;

	if (p->line_len > 0 && !p->is_skipping)
		rc = bad_line(p, "cut off at the end of its output", p->line_len, err);
	else
		err_set(err, rc, "%s closed its standard output", p->name);
	p->line_len = 0;
	return rc;
}

/* Has the child ended? It stays a zombie (I2). */
static bool is_zombie(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};
	int rc;

	do
		rc = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
	while (rc != 0 && errno == EINTR);
	return rc != 0 || info.si_pid == pid; /* ECHILD cannot be (I1), and would otherwise mean waiting for ever */
}

/* One poll for everything that can happen, until deadline_ns. False when the time is up. */
static bool await_something(struct process *p, uint64_t deadline_ns)
{
	struct pollfd fds[3] = {
		{p->out_fd, POLLIN, 0}, {p->err_fd, POLLIN, 0}, {p->has_ended ? -1 : p->pidfd, POLLIN, 0}};
	int left_ms = clock_ms_until(deadline_ns);

	if (left_ms == 0)
		return false;
	if (p->pidfd < 0 && left_ms > LOOK_STEP_MS)
		left_ms = LOOK_STEP_MS;
	if (poll(fds, 3, left_ms) <= 0) {
		if (p->pidfd < 0)
			p->has_ended = is_zombie(p->pid);
		return true; /* EINTR, or the time: the next call tells */
	}
	if (fds[1].revents)
		drain_stderr(p);
	if (fds[2].revents)
		p->has_ended = true;
	return true;
}

int process_receive(struct process *p, int64_t timeout_ns, json_t **out, struct err *err)
{
	uint64_t deadline_ns = clock_now_ns() + (uint64_t)(timeout_ns > 0 ? timeout_ns : 0);
	bool is_last_look = timeout_ns <= 0;

	*out = NULL;
	for (;;) {
		/* Looked at before the read: all that the child wrote before its end is in the pipe by now. */
		bool had_ended = p->has_ended;
		int rc = fill_line(p);

		if (rc != 0)
			return err_set(err, rc, "cannot read from %s: out of memory", p->name);
		do
			rc = take_line(p, out, err);
		while (rc == -EAGAIN && p->is_skipping && clock_now_ns() < deadline_ns && fill_line(p) == 0 &&
		       p->line_len > 0);
		if (rc != -EAGAIN)
			return rc;
		/* had_ended: a helper of the child's may hold the pipe open; nobody speaks the protocol any more. */
		if (p->out_fd < 0 || had_ended)
			return end_of_stream(p, err);
		if (is_last_look)
			return err_set(err, -ETIMEDOUT, "%s said nothing within %.3g s", p->name,
				       (double)timeout_ns / 1e9);
		is_last_look = !await_something(p, deadline_ns);
	}
}

/* ---- the end ------------------------------------------------------------------------------------------- */

/* Read and forget what the child still writes, so that it is not stopped by a full pipe on its way out. */
static void drain_stdout(struct process *p)
{
	char chunk[4096];

	for (int i = 0; i < 64 && p->out_fd >= 0; i++) {
		ssize_t n = read(p->out_fd, chunk, sizeof chunk);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n == 0 || (n < 0 && errno != EINTR))
			close_fd(&p->out_fd);
	}
}

/* Wait until the child is a zombie; false when the time is up. Both pipes are drained meanwhile. */
static bool await_end(struct process *p, uint64_t deadline_ns)
{
	while (!is_zombie(p->pid)) {
		struct pollfd fds[3] = {{p->out_fd, POLLIN, 0}, {p->err_fd, POLLIN, 0}, {p->pidfd, POLLIN, 0}};
		int left_ms = clock_ms_until(deadline_ns);

		if (left_ms == 0)
			return false;
		if (p->pidfd < 0 && left_ms > POLL_STEP_MS)
			left_ms = POLL_STEP_MS;
		if (poll(fds, 3, left_ms) <= 0)
			continue;
		if (fds[0].revents)
			drain_stdout(p);
		if (fds[1].revents)
			drain_stderr(p);
	}
	return true;
}

static int64_t timeval_ns(struct timeval tv)
{
	return (int64_t)tv.tv_sec * 1000000000 + (int64_t)tv.tv_usec * 1000;
}

void process_finish(struct process *p, int64_t timeout_ns, struct process_exit *out)
{
	struct rusage usage;
	int status = 0;
	pid_t got;

	memset(&usage, 0, sizeof usage);
	memset(out, 0, sizeof *out);
	out->code = -1;
	close_fd(&p->in_fd); /* end of file: the child's word to leave */
	out->killed = !await_end(p, clock_now_ns() + (uint64_t)(timeout_ns > 0 ? timeout_ns : 0));
	/* Always: helpers that the child left behind would disturb the next sample. I2. */
	(void)kill(-p->pid, SIGKILL);
	if (out->killed)
		(void)kill(p->pid, SIGKILL); /* in case it made itself a group of its own */
	do
		got = wait4(p->pid, &status, 0, &usage);
	while (got < 0 && errno == EINTR);
	out->ended_ns = (int64_t)clock_now_ns();
	if (got == p->pid && WIFEXITED(status))
		out->code = WEXITSTATUS(status);
	if (got == p->pid && WIFSIGNALED(status))
		out->signal = WTERMSIG(status);
	out->user_ns = timeval_ns(usage.ru_utime);
	out->sys_ns = timeval_ns(usage.ru_stime);
	drain_stderr(p);
	/* The cut may have halved a character: its remains become '?'. All of it fits: the field has one byte more. */
	copy_printable(out->stderr_tail, sizeof out->stderr_tail, p->tail, p->tail_len, true);
	close_fd(&p->out_fd);
	close_fd(&p->err_fd);
	close_fd(&p->pidfd);
	free(p->line);
	free(p);
}
