/*
 * tcp_direct.h - a TCP server in the blocking style: the root task accepts, each connection has a task of its own, and
 * one more task waits for the word to stop. What is served is the body's function.
 */
#ifndef NET_TCP_DIRECT_H
#define NET_TCP_DIRECT_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/direct.h"
#include "workloads/net/tcp.h"

struct tcp_server;

struct tcp_connection {
	struct tcp_server *server;
	dx_sock sock;
	uint64_t ops, bytes_read, bytes_written; /* the task's */
	char buffer[]; /* server->buffer_bytes */
};

struct tcp_server {
	struct bench *b; /* immutable while serving, as all to the next line */
	size_t buffer_bytes;
	int (*serve)(struct tcp_connection *c); /* until the end of the stream: 0, or -errno */
	int stop_fd;
	dx_sock listener;
	/* ---- */
	dx_wg open; /* connections */
	int stop_status; /* the stopper's until it is joined */
	_Atomic int status; /* of the first connection that failed */
	_Atomic uint64_t ops, bytes_read, bytes_written; /* of connections that have ended */
};

static inline void tcp_connection_main(void *arg)
{
	struct tcp_connection *c = arg;
	struct tcp_server *s = c->server;
	int none = 0, status = s->serve(c);

	dx_sock_close(&c->sock);
	if (status < 0 && !tcp_is_hangup(status))
		atomic_compare_exchange_strong(&s->status, &none, status);
	atomic_fetch_add_explicit(&s->ops, c->ops, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->bytes_read, c->bytes_read, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->bytes_written, c->bytes_written, memory_order_relaxed);
	free(c);
	dx_wg_done(&s->open);
}

/* The stop descriptor is an eventfd: it is read 8 bytes at a time. */
static inline void tcp_await_stop(void *arg)
{
	struct tcp_server *s = arg;
	uint64_t word;
	ssize_t n = dx_read_blocking(s->stop_fd, &word, sizeof word);

	s->stop_status = n < 0 ? (int)n : 0;
	dx_sock_shutdown(&s->listener);
}

/* Until the listener is shut down (0) or something fails. Counts the connections. */
static inline int tcp_accept_all(struct tcp_server *s, uint64_t *connections)
{
	for (;;) {
		struct tcp_connection *c = malloc(sizeof *c + s->buffer_bytes);
		int status;

		if (!c)
			return bench_fail(s->b, -ENOMEM, "out of memory for a connection");
		c->server = s;
		c->ops = c->bytes_read = c->bytes_written = 0;
		status = dx_accept(&s->listener, &c->sock);
		if (status < 0) {
			free(c);
			return status == -EINVAL ? 0 : bench_fail(s->b, status, "accept failed: %s", strerror(-status));
		}
		dx_wg_add(&s->open, 1);
		status = dx_go(tcp_connection_main, c);
		if (status < 0) {
			dx_wg_done(&s->open);
			dx_sock_close(&c->sock);
			free(c);
			return bench_fail(s->b, status, "cannot hold %llu connections: the model refused a task: %s",
					  (unsigned long long)*connections + 1, strerror(-status));
		}
		++*connections;
	}
}

static inline int tcp_start(struct tcp_server *s, int fd, dx_task *stopper)
{
	int status = dx_wg_init(&s->open);

	if (status < 0) {
		close(fd);
		return bench_fail(s->b, status, "the model refused a wait group: %s", strerror(-status));
	}
	status = dx_sock_adopt(&s->listener, fd);
	if (status < 0) {
		close(fd);
		bench_fail(s->b, status, "the model cannot take over the listening socket: %s", strerror(-status));
		goto no_listener;
	}
	status = dx_spawn(stopper, tcp_await_stop, s);
	if (status == 0)
		return 0;
	dx_sock_close(&s->listener);
	bench_fail(s->b, status, "the model refused the task that waits for the end: %s", strerror(-status));
no_listener:
	dx_wg_destroy(&s->open);
	return status;
}

/*
 * Serve connections, each with a buffer of buffer_bytes, until the word to stop and until all have ended. The instance's
 * socket is taken over. 0 and *totals, or -errno with b->why.
 */
static inline int tcp_serve_direct(struct bench *b, struct net_sockets *listeners, size_t buffer_bytes,
				   int (*serve)(struct tcp_connection *c), struct tcp_totals *totals)
{
	struct tcp_server s = {.b = b, .buffer_bytes = buffer_bytes, .serve = serve, .stop_fd = bench_stop_fd(b)};
	int status, fd = net_take(b, listeners);
	dx_task stopper;

	*totals = (struct tcp_totals){0};
	if (fd < 0)
		return fd;
	status = tcp_start(&s, fd, &stopper);
	if (status < 0)
		return status;
	bench_serving(b, fd);
	status = tcp_accept_all(&s, &totals->connections);
	dx_wg_wait(&s.open);
	dx_join(&stopper);
	dx_sock_close(&s.listener);
	dx_wg_destroy(&s.open);
	totals->ops = s.ops;
	totals->bytes_read = s.bytes_read;
	totals->bytes_written = s.bytes_written;
	if (status < 0)
		return status;
	if (s.stop_status < 0)
		return bench_fail(b, s.stop_status, "cannot wait for the end: %s", strerror(-s.stop_status));
	return s.status < 0 ? bench_fail(b, s.status, "a connection failed: %s", strerror(-s.status)) : 0;
}

/* ---- a server that sends back what it reads -------------------------------------------------------- */

static inline int tcp_echo(struct tcp_connection *c)
{
	ssize_t n;

	while ((n = dx_sock_read(&c->sock, c->buffer, c->server->buffer_bytes)) > 0) {
		c->bytes_read += (uint64_t)n;
		n = dx_sock_write(&c->sock, c->buffer, (size_t)n);
		if (n < 0)
			break;
		c->bytes_written += (uint64_t)n;
	}
	return (int)n;
}

#endif
