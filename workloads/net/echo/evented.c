/*
 * net/echo in the callback style: a record per connection that is interested either in reading or in writing.
 *
 *      READING   nothing to send: readable -> read once, write at once what came
 *      WRITING   the socket took only a part: writable -> write the rest; all gone -> READING
 *
 * A connection that is not drained reads nothing more, so a client that does not read is held back by TCP and not by
 * our memory. One read per readiness: the others have their turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/subject/evented.h"
#include "workloads/net/echo/echo.h"

struct server {
	struct bench *b;
	ex_io listener, stop;
	int listen_fd;
	bool stopping; /* no longer listening; ends when the last connection does */
	uint64_t open; /* connections */
	int status; /* of the first failure */
	const char *where; /* of that failure */
	uint64_t served, bytes_read, bytes_written;
};

struct connection {
	ex_io io;
	struct server *server;
	int fd;
	size_t begin, end; /* of what is in the buffer and has not been written; equal while READING */
	char buffer[ECHO_BUFFER];
};

static void note_failure(struct server *s, const char *where, int status)
{
	if (s->status == 0) {
		s->status = status;
		s->where = where;
	}
}

static void end_if_idle(struct server *s)
{
	struct bench *b = s->b;
	int status = s->status;

	if (!s->stopping || s->open > 0)
		return;
	echo_certify(b, s->served, s->bytes_read, s->bytes_written);
	if (status < 0)
		bench_fail(b, status, "%s: %s", s->where, strerror(-status));
	free(s);
	bench_done(b, status);
}

static void stop_listening(struct server *s)
{
	ex_loop *loop = ex_loop_of(s->b);

	if (s->stopping)
		return;
	s->stopping = true;
	ex_io_stop(loop, &s->stop);
	ex_io_stop(loop, &s->listener);
	close(s->listen_fd);
}

/* ---- a connection ------------------------------------------------------------------------------- */

static void end_connection(struct connection *c)
{
	struct server *s = c->server;

	ex_io_stop(ex_loop_of(s->b), &c->io);
	close(c->fd);
	free(c);
	s->open--;
	end_if_idle(s);
}

/* Write what is left. 1: all gone, 0: the socket is full, or -errno. */
static int drain(struct connection *c)
{
	while (c->begin < c->end) {
		ssize_t n = send(c->fd, c->buffer + c->begin, c->end - c->begin, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		c->begin += (size_t)n;
		c->server->bytes_written += (uint64_t)n;
	}
	return 1;
}

/* Read once. 1: something came, 0: nothing did, or -errno; -EPIPE at the end of the stream. */
static int fill(struct connection *c)
{
	ssize_t n;

	do
		n = recv(c->fd, c->buffer, sizeof c->buffer, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	c->begin = 0;
	c->end = (size_t)n;
	c->server->bytes_read += (uint64_t)n;
	return 1;
}

static void connection_ready(ex_io *io, unsigned events)
{
	struct connection *c = EX_CONTAINER(io, struct connection, io);
	ex_loop *loop = ex_loop_of(c->server->b);
	bool was_writing = c->begin < c->end;
	int status = was_writing ? 1 : fill(c);

	(void)events; /* the state knows what is awaited; an error shows in the call */
	if (status > 0)
		status = drain(c);
	if (status >= 0 && was_writing != (c->begin < c->end))
		status = ex_io_change(loop, io, was_writing ? EX_READ : EX_WRITE);
	if (status >= 0)
		return;
	if (!echo_is_hangup(status))
		note_failure(c->server, "a connection failed", status);
	end_connection(c);
}

/* ---- the server --------------------------------------------------------------------------------- */

static int add_connection(struct server *s, int fd)
{
	struct connection *c = malloc(sizeof *c);
	int status = -ENOMEM;

	if (c) {
		c->server = s;
		c->fd = fd;
		c->begin = c->end = 0;
		status = ex_io_start(ex_loop_of(s->b), &c->io, fd, EX_READ, connection_ready);
	}
	if (status < 0) {
		free(c);
		close(fd);
		return status;
	}
	s->open++;
	s->served++;
	return 0;
}

static void listener_ready(ex_io *io, unsigned events)
{
	struct server *s = EX_CONTAINER(io, struct server, listener);

	(void)events;
	for (;;) {
		int status, fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0 && errno == EAGAIN)
			return;
		status = fd < 0 ? -errno : add_connection(s, fd);
		if (status < 0) {
			note_failure(s, "a connection could not be accepted", status);
			stop_listening(s);
			end_if_idle(s);
			return;
		}
	}
}

static void stop_ready(ex_io *io, unsigned events)
{
	struct server *s = EX_CONTAINER(io, struct server, stop);

	(void)events;
	stop_listening(s);
	end_if_idle(s);
}

static int run_echo(struct bench *b)
{
	struct server *s = calloc(1, sizeof *s);
	ex_loop *loop = ex_loop_of(b);
	int status;

	if (!s)
		return bench_fail(b, -ENOMEM, "out of memory for the server's record");
	s->b = b;
	s->listen_fd = echo_take_listener(b);
	if (s->listen_fd < 0) {
		status = s->listen_fd;
		goto no_listener;
	}
	status = ex_io_start(loop, &s->listener, s->listen_fd, EX_READ, listener_ready);
	if (status < 0)
		goto no_io;
	status = ex_io_start(loop, &s->stop, bench_stop_fd(b), EX_READ, stop_ready);
	if (status < 0)
		goto no_stop;
	bench_serving(b, s->listen_fd);
	return 0;
no_stop:
	ex_io_stop(loop, &s->listener);
no_io:
	bench_fail(b, status, "the loop cannot watch the listening socket: %s", strerror(-status));
	close(s->listen_fd);
no_listener:
	free(s);
	return status;
}

const struct bench_body net_echo_evented = {.run = run_echo};
