/*
 * tcp_evented.h - a TCP server in the callback style: a record per connection. What a connection does when its
 * descriptor is ready is the body's function.
 */
#ifndef NET_TCP_EVENTED_H
#define NET_TCP_EVENTED_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/subject/evented.h"
#include "workloads/net/tcp.h"

struct tcp_connection;

struct tcp_server {
	struct bench *b; /* immutable, as all to the next line */
	size_t connection_bytes; /* of a record, which begins with a struct tcp_connection */
	size_t zeroed_bytes; /* of these the first that must be 0 */
	/* Read and write; 0: wait on (for `writes`, or else for input), or -errno: it is over. -EPIPE is no failure. */
	int (*ready)(struct tcp_connection *c);
	void (*certify)(struct bench *b, const struct tcp_totals *totals);
	/* ---- */
	ex_io listener, stop;
	int listen_fd;
	bool stopping; /* no longer listening; ends when the last connection does */
	uint64_t open; /* connections */
	int status; /* of the first failure */
	const char *where; /* of that failure */
	struct tcp_totals totals;
};

struct tcp_connection {
	ex_io io;
	struct tcp_server *server;
	int fd;
	bool writes; /* set by ready(): something is left to be written, and nothing is read before that */
	bool watches_writes; /* what the loop has been told */
};

static inline void tcp_note_failure(struct tcp_server *s, const char *where, int status)
{
	if (s->status == 0) {
		s->status = status;
		s->where = where;
	}
}

static inline void tcp_end_if_idle(struct tcp_server *s)
{
	struct bench *b = s->b;
	int status = s->status;

	if (!s->stopping || s->open > 0)
		return;
	s->certify(b, &s->totals);
	if (status < 0)
		bench_fail(b, status, "%s: %s", s->where, strerror(-status));
	free(s);
	bench_done(b, status);
}

static inline void tcp_stop_listening(struct tcp_server *s)
{
	ex_loop *loop = ex_loop_of(s->b);

	if (s->stopping)
		return;
	s->stopping = true;
	ex_io_stop(loop, &s->stop);
	ex_io_stop(loop, &s->listener);
	close(s->listen_fd);
}

static inline void tcp_end_connection(struct tcp_connection *c)
{
	struct tcp_server *s = c->server;

	ex_io_stop(ex_loop_of(s->b), &c->io);
	close(c->fd);
	free(c);
	s->open--;
	tcp_end_if_idle(s);
}

static inline void tcp_connection_ready(ex_io *io, unsigned events)
{
	struct tcp_connection *c = EX_CONTAINER(io, struct tcp_connection, io);
	int status = c->server->ready(c);

	(void)events; /* the state knows what is awaited; an error shows in the call */
	if (status == 0 && c->writes != c->watches_writes) {
		c->watches_writes = c->writes;
		status = ex_io_change(ex_loop_of(c->server->b), io, c->writes ? EX_WRITE : EX_READ);
	}
	if (status == 0)
		return;
	if (!tcp_is_hangup(status))
		tcp_note_failure(c->server, "a connection failed", status);
	tcp_end_connection(c);
}

/* Read once what has come. > 0: bytes, 0: nothing has, or -errno; -EPIPE at the end of the stream. */
static inline ssize_t tcp_read(struct tcp_connection *c, void *buffer, size_t bytes)
{
	ssize_t n;

	do
		n = recv(c->fd, buffer, bytes, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	c->server->totals.bytes_read += (uint64_t)n;
	return n;
}

/* Write what the socket takes: how much, 0 if it is full, or -errno. */
static inline ssize_t tcp_write(struct tcp_connection *c, const void *bytes, size_t n)
{
	ssize_t put;

	do
		put = send(c->fd, bytes, n, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return errno == EAGAIN ? 0 : -errno;
	c->server->totals.bytes_written += (uint64_t)put;
	return put;
}

static inline int tcp_add_connection(struct tcp_server *s, int fd)
{
	struct tcp_connection *c = malloc(s->connection_bytes);
	int status = -ENOMEM;

	if (c) {
		memset(c, 0, s->zeroed_bytes);
		c->server = s;
		c->fd = fd;
		status = ex_io_start(ex_loop_of(s->b), &c->io, fd, EX_READ, tcp_connection_ready);
	}
	if (status < 0) {
		free(c);
		close(fd);
		return status;
	}
	s->open++;
	s->totals.connections++;
	return 0;
}

static inline void tcp_listener_ready(ex_io *io, unsigned events)
{
	struct tcp_server *s = EX_CONTAINER(io, struct tcp_server, listener);

	(void)events;
	for (;;) {
		int status, fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0 && errno == EAGAIN)
			return;
		status = fd < 0 ? -errno : tcp_add_connection(s, fd);
		if (status < 0) {
			tcp_note_failure(s, "a connection could not be accepted", status);
			tcp_stop_listening(s);
			tcp_end_if_idle(s);
			return;
		}
	}
}

static inline void tcp_stop_ready(ex_io *io, unsigned events)
{
	struct tcp_server *s = EX_CONTAINER(io, struct tcp_server, stop);

	(void)events;
	tcp_stop_listening(s);
	tcp_end_if_idle(s);
}

/* Start serving: `like` has the body's four fields. The instance's socket is taken over. 0, or -errno with b->why. */
static inline int tcp_serve_evented(struct bench *b, struct net_sockets *listeners, const struct tcp_server *like)
{
	struct tcp_server *s = malloc(sizeof *s);
	ex_loop *loop = ex_loop_of(b);
	int status;

	if (!s)
		return bench_fail(b, -ENOMEM, "out of memory for the server's record");
	*s = *like;
	s->b = b;
	s->listen_fd = status = net_take(b, listeners);
	if (status < 0)
		goto no_listener;
	status = ex_io_start(loop, &s->listener, s->listen_fd, EX_READ, tcp_listener_ready);
	if (status < 0)
		goto no_io;
	status = ex_io_start(loop, &s->stop, bench_stop_fd(b), EX_READ, tcp_stop_ready);
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

#endif
