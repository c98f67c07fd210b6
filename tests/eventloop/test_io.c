/*
 * test_io.c - readiness: echo, change and pause, stopping inside a batch, hang-up, many descriptors, errors, misuse.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/eventloop/ev.h"

static struct ev_loop *loop;

static int start(void **state)
{
	(void)state;
	return ev_start("", &loop);
}

static int stop(void **state)
{
	(void)state;
	ev_stop(loop);
	return 0;
}

static void make_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

/* ---- echo --------------------------------------------------------------------------------------- */

enum { ECHO_BYTES = 300000 };

struct peer {
	struct ev_io io;
	size_t sent, received; /* client */
	char buf[4096]; /* server: read and not yet written */
	size_t at, end;
};

static struct peer client, server;
static unsigned char pattern[ECHO_BYTES], back[ECHO_BYTES];

/* Reads when it holds nothing, writes when it does: at each moment it wants exactly one event. */
static void server_ready(struct ev_io *io, unsigned events)
{
	struct peer *p = EV_CONTAINER(io, struct peer, io);

	if (events & EV_READ) {
		ssize_t n = read(io->fd, p->buf, sizeof(p->buf));

		if (n == 0) { /* the client has shut down its side */
			int fd = io->fd;

			ev_io_stop(loop, io);
			close(fd);
			return;
		}
		assert_true(n > 0);
		p->at = 0;
		p->end = (size_t)n;
		assert_int_equal(ev_io_change(loop, io, EV_WRITE), 0);
		return;
	}
	assert_int_equal(events, EV_WRITE);
	ssize_t n = write(io->fd, p->buf + p->at, p->end - p->at);
	assert_true(n > 0);
	p->at += (size_t)n;
	if (p->at == p->end)
		assert_int_equal(ev_io_change(loop, io, EV_READ), 0);
}

static void client_ready(struct ev_io *io, unsigned events)
{
	struct peer *p = EV_CONTAINER(io, struct peer, io);

	if (events & EV_WRITE) {
		ssize_t n = write(io->fd, pattern + p->sent, ECHO_BYTES - p->sent);

		assert_true(n > 0);
		p->sent += (size_t)n;
		if (p->sent == ECHO_BYTES) {
			assert_int_equal(ev_io_change(loop, io, EV_READ), 0);
			assert_int_equal(shutdown(io->fd, SHUT_WR), 0);
		}
	}
	if (events & EV_READ) {
		unsigned char end;
		ssize_t n = read(io->fd, p->received < ECHO_BYTES ? back + p->received : &end,
				 p->received < ECHO_BYTES ? ECHO_BYTES - p->received : 1);

		if (n == 0) {
			ev_io_stop(loop, io);
			ev_break(loop);
			return;
		}
		assert_true(n > 0);
		p->received += (size_t)n;
	}
}

static void test_echo(void **state)
{
	(void)state;
	int fds[2];

	make_pair(fds);
	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	memset(back, 0, sizeof(back));
	for (int i = 0; i < ECHO_BYTES; i++)
		pattern[i] = (unsigned char)(i * 31 + i / 255);
	assert_int_equal(ev_io_start(loop, &client.io, fds[0], EV_READ | EV_WRITE, client_ready), 0);
	assert_int_equal(ev_io_start(loop, &server.io, fds[1], EV_READ, server_ready), 0);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(client.received, ECHO_BYTES);
	assert_memory_equal(pattern, back, ECHO_BYTES);
	assert_int_equal(server.io.fd, -1);
	close(fds[0]);
}

/* ---- stopping inside a batch -------------------------------------------------------------------- */

enum { N_BATCH = 8 };

struct end {
	struct ev_io io;
	int id, calls;
};

static struct end *ends[N_BATCH];
static int fds_in[N_BATCH], fds_out[N_BATCH];
static int batch_calls;

static void break_now(struct ev_timer *t)
{
	(void)t;
	ev_break(loop);
}

/* Whichever is called first stops all the others, closes their descriptors and frees them. */
static void stop_the_others(struct ev_io *io, unsigned events)
{
	struct end *me = EV_CONTAINER(io, struct end, io);
	char c;

	assert_int_equal(events, EV_READ);
	batch_calls++;
	assert_int_equal(read(io->fd, &c, 1), 1);
	for (int i = 0; i < N_BATCH; i++) {
		if (i == me->id || !ends[i])
			continue;
		ev_io_stop(loop, &ends[i]->io);
		close(fds_in[i]);
		memset(ends[i], 0xa5, sizeof(*ends[i]));
		free(ends[i]);
		ends[i] = NULL;
	}
}

static void test_stop_others_of_same_batch(void **state)
{
	(void)state;
	struct ev_timer end_timer = {0};

	batch_calls = 0;
	for (int i = 0; i < N_BATCH; i++) {
		int fds[2];

		make_pair(fds);
		fds_in[i] = fds[0];
		fds_out[i] = fds[1];
		ends[i] = calloc(1, sizeof(*ends[i]));
		assert_non_null(ends[i]);
		ends[i]->id = i;
		assert_int_equal(ev_io_start(loop, &ends[i]->io, fds[0], EV_READ, stop_the_others), 0);
		assert_int_equal(write(fds[1], "x", 1), 1); /* all are ready before the loop looks */
	}
	ev_timer_start(loop, &end_timer, 5000000, break_now);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(batch_calls, 1);
	for (int i = 0; i < N_BATCH; i++) {
		close(fds_out[i]);
		if (!ends[i])
			continue;
		ev_io_stop(loop, &ends[i]->io);
		close(fds_in[i]);
		free(ends[i]);
	}
}

static struct end first, second;
static int spare_fd;

static void fresh_is_ready(struct ev_io *io, unsigned events)
{
	(void)io;
	(void)events;
	second.calls++;
}

/*
 * The first closes the second's descriptor and starts the second on a new one, which the kernel gives the same number
 * and which is not readable. The event that lies in the batch is of the old life and must not reach the new one.
 */
static void replace_the_other(struct ev_io *io, unsigned events)
{
	struct end *me = EV_CONTAINER(io, struct end, io);
	struct end *other = me == &first ? &second : &first;
	int old = other->io.fd, number;

	(void)events;
	me->calls++;
	ev_io_stop(loop, io);
	ev_io_stop(loop, &other->io);
	number = dup2(spare_fd, old);
	assert_int_equal(number, old);
	second.calls = 0;
	assert_int_equal(ev_io_start(loop, &other->io, number, EV_READ, fresh_is_ready), 0);
}

static void test_restart_in_same_batch(void **state)
{
	(void)state;
	struct ev_timer end_timer = {0};
	int a[2], b[2], spare[2];

	make_pair(a);
	make_pair(b);
	make_pair(spare);
	spare_fd = spare[0];
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	assert_int_equal(ev_io_start(loop, &first.io, a[0], EV_READ, replace_the_other), 0);
	assert_int_equal(ev_io_start(loop, &second.io, b[0], EV_READ, replace_the_other), 0);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	ev_timer_start(loop, &end_timer, 5000000, break_now);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(second.calls, 0);
	ev_io_stop(loop, &first.io);
	ev_io_stop(loop, &second.io);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
		close(spare[i]);
	}
}

static void change_the_other(struct ev_io *io, unsigned events)
{
	struct end *me = EV_CONTAINER(io, struct end, io);
	struct end *other = me == &first ? &second : &first;

	(void)events;
	me->calls++;
	ev_io_change(loop, &other->io, 0);
	ev_io_change(loop, io, 0);
}

/* An event that is in the batch and not wanted any more is not delivered; a paused io is delivered after it resumes. */
static void test_pause_in_same_batch_and_resume(void **state)
{
	(void)state;
	struct ev_timer end_timer = {0};
	int a[2], b[2];

	make_pair(a);
	make_pair(b);
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	assert_int_equal(ev_io_start(loop, &first.io, a[0], EV_READ, change_the_other), 0);
	assert_int_equal(ev_io_start(loop, &second.io, b[0], EV_READ, change_the_other), 0);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	ev_timer_start(loop, &end_timer, 3000000, break_now);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(first.calls + second.calls, 1);
	struct end *paused = first.calls ? &second : &first;
	close(a[1]); /* a hang-up must not spin on, or reach, a paused io */
	close(b[1]);
	ev_timer_start(loop, &end_timer, 3000000, break_now);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(first.calls + second.calls, 1);
	assert_int_equal(ev_io_change(loop, &paused->io, EV_READ), 0);
	ev_timer_start(loop, &end_timer, 3000000, break_now);
	assert_int_equal(ev_run(loop), 0);
	assert_int_equal(paused->calls, 1);
	ev_io_stop(loop, &first.io);
	ev_io_stop(loop, &second.io);
	close(a[0]);
	close(b[0]);
}

/* ---- many descriptors --------------------------------------------------------------------------- */

enum { N_MANY = 400 }; /* more than one batch of the loop */

static struct end many[N_MANY];
static int many_left;

static void read_once(struct ev_io *io, unsigned events)
{
	struct end *e = EV_CONTAINER(io, struct end, io);
	char c;

	assert_int_equal(events, EV_READ);
	assert_int_equal(read(io->fd, &c, 1), 1);
	assert_int_equal(c, (char)e->id);
	if (++e->calls == 3 && --many_left == 0)
		ev_break(loop);
}

static void test_many(void **state)
{
	(void)state;
	static int out[N_MANY];

	memset(many, 0, sizeof(many));
	many_left = N_MANY;
	for (int i = 0; i < N_MANY; i++) {
		int fds[2];
		char c[3] = {(char)i, (char)i, (char)i};

		make_pair(fds);
		out[i] = fds[1];
		many[i].id = i;
		assert_int_equal(ev_io_start(loop, &many[i].io, fds[0], EV_READ, read_once), 0);
		/* three bytes and one read per call: level-triggered means three calls */
		assert_int_equal(write(fds[1], c, 3), 3);
	}
	assert_int_equal(ev_run(loop), 0);
	for (int i = 0; i < N_MANY; i++) {
		int fd = many[i].io.fd;

		assert_int_equal(many[i].calls, 3);
		ev_io_stop(loop, &many[i].io);
		close(fd);
		close(out[i]);
	}
	assert_int_equal(ev_counters_of(loop).callbacks, 3 * N_MANY);
}

/* ---- hang-up, errors, misuse -------------------------------------------------------------------- */

static unsigned seen_events;

static void note_events(struct ev_io *io, unsigned events)
{
	seen_events = events;
	ev_io_stop(loop, io);
	ev_break(loop);
}

static void test_hang_up_reaches_writers_and_readers(void **state)
{
	(void)state;
	static const unsigned wants[] = {EV_READ, EV_WRITE, EV_READ | EV_WRITE};

	for (size_t i = 0; i < 3; i++) {
		struct ev_io io;
		int fds[2];

		make_pair(fds);
		close(fds[1]);
		seen_events = 0;
		assert_int_equal(ev_io_start(loop, &io, fds[0], wants[i], note_events), 0);
		assert_int_equal(ev_run(loop), 0);
		assert_int_equal(seen_events, wants[i]);
		close(fds[0]);
	}
}

static void test_errors(void **state)
{
	(void)state;
	char path[] = "/tmp/switchyard-io-XXXXXX";
	struct ev_io io, same;
	int fds[2], file;

	make_pair(fds);
	assert_int_equal(ev_io_start(loop, &io, -1, EV_READ, note_events), -EBADF);
	assert_int_equal(ev_io_start(loop, &io, fds[0], 2, note_events), -EINVAL);
	assert_int_equal(ev_io_start(loop, &io, fds[0], EV_READ, note_events), 0);
	assert_int_equal(ev_io_change(loop, &io, 64), -EINVAL);
	assert_int_equal(ev_io_start(loop, &same, fds[0], EV_WRITE, note_events), -EEXIST);
	ev_io_stop(loop, &same); /* a start that failed leaves a stopped io */
	ev_io_stop(loop, &io);
	ev_io_stop(loop, &io);
	close(fds[0]);
	assert_int_equal(ev_io_start(loop, &io, fds[0], EV_READ, note_events), -EBADF);
	file = mkstemp(path);
	assert_true(file >= 0);
	unlink(path);
	assert_int_equal(ev_io_start(loop, &io, file, EV_READ, note_events), -EPERM);
	close(file);
	close(fds[1]);
	assert_int_equal(ev_run(loop), -EDEADLK); /* nothing of all this is counted as waiting */
}

static void misuse_close_before_stop(void)
{
	struct ev_io io;
	int fds[2];

	if (ev_start("file=pool", &loop) || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ||
	    ev_io_start(loop, &io, fds[0], EV_READ, note_events))
		return;
	close(fds[0]);
	ev_io_stop(loop, &io);
}

static void run_again(struct ev_work *w)
{
	(void)w;
	ev_run(loop);
}

static void misuse_nested_run(void)
{
	struct ev_work w;

	if (ev_start("file=pool", &loop))
		return;
	ev_post(loop, &w, run_again);
	ev_run(loop);
}

static void dies_saying(void (*misuse)(void), const char *sentence)
{
	char text[512] = "";
	size_t n = 0;
	ssize_t got;
	int fds[2], status;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit no_core = {0, 0};

		setrlimit(RLIMIT_CORE, &no_core);
		dup2(fds[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL); /* cmocka's handler would jump back into the test */
		misuse();
		_exit(0);
	}
	close(fds[1]);
	while (n < sizeof(text) - 1 && (got = read(fds[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(text, sentence));
}

static void test_misuse(void **state)
{
	(void)state;
	dies_saying(misuse_close_before_stop, "closed before it was stopped?");
	dies_saying(misuse_nested_run, "ev_run: called from inside a callback");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_misuse), /* first: a fork is simplest while there is one thread */
		cmocka_unit_test_setup_teardown(test_echo, start, stop),
		cmocka_unit_test_setup_teardown(test_stop_others_of_same_batch, start, stop),
		cmocka_unit_test_setup_teardown(test_restart_in_same_batch, start, stop),
		cmocka_unit_test_setup_teardown(test_pause_in_same_batch_and_resume, start, stop),
		cmocka_unit_test_setup_teardown(test_many, start, stop),
		cmocka_unit_test_setup_teardown(test_hang_up_reaches_writers_and_readers, start, stop),
		cmocka_unit_test_setup_teardown(test_errors, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
