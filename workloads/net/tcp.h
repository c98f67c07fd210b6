/*
 * tcp.h - what the TCP servers of this family share besides a model: the listening sockets, and what a run counts.
 *
 * The socket is on a port of the kernel's choice of 127.0.0.1. TCP_NODELAY is set on it, and accepted connections
 * inherit that on Linux: no body spends a call on it, and none can forget it.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/subject/bench.h"
#include "workloads/descriptors.h"

enum { TCP_BACKLOG = 4096 }; /* as many as the kernel allows by default */

/* What a server has done in its life. */
struct tcp_totals {
	uint64_t connections, ops, bytes_read, bytes_written;
};

/*
 * A listening socket that does not block, for so many connections at one time: its descriptor, or -errno and b->why. Several
 * instances share a port by SO_REUSEPORT: the kernel gives each connection to one of them, by a hash of its addresses.
 */
static inline int tcp_listen_at(struct bench *b, const struct sockaddr_in *addr, uint64_t connections)
{
	int fd, one = 1, is_shared = b->loops > 1, status = descriptors_allow(b, connections);

	if (status < 0)
		return status;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return bench_fail(b, -errno, "cannot make a socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is_shared, sizeof is_shared) == 0 &&
	    bind(fd, (const struct sockaddr *)addr, sizeof *addr) == 0 && listen(fd, TCP_BACKLOG) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0)
		return fd;
	status = bench_fail(b, -errno, "cannot listen on 127.0.0.1: %s", strerror(errno));
	close(fd);
	return status;
}

/* Made by setup(): a listening socket for each instance of the body, all of one port. */
struct tcp_listeners {
	unsigned n;
	int fd[]; /* -1: the body has taken it over */
};

static inline void tcp_close_all(struct tcp_listeners *l)
{
	for (unsigned i = 0; l && i < l->n; i++)
		if (l->fd[i] >= 0)
			close(l->fd[i]);
	free(l);
}

static inline int tcp_listen_all(struct bench *b, uint64_t connections, struct tcp_listeners **out)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct tcp_listeners *l = malloc(sizeof *l + b->loops * sizeof l->fd[0]);
	socklen_t len = sizeof addr;
	int status = 0;

	if (!l)
		return bench_fail(b, -ENOMEM, "out of memory for %u listening sockets", b->loops);
	for (l->n = 0; l->n < b->loops; l->n++) {
		status = tcp_listen_at(b, &addr, connections);
		if (status < 0)
			break;
		l->fd[l->n] = status;
		(void)getsockname(status, (struct sockaddr *)&addr, &len); /* cannot fail: the others take its port */
	}
	if (l->n < b->loops) {
		tcp_close_all(l);
		return status;
	}
	*out = l;
	return 0;
}

/* setup() and teardown() of servers that need nothing but the sockets. */
static inline int tcp_setup(struct bench *b, uint64_t connections)
{
	struct tcp_listeners *l = NULL;
	int status = tcp_listen_all(b, connections, &l);

	if (status == 0)
		b->data = l;
	return status;
}

static inline void tcp_teardown(struct bench *b)
{
	tcp_close_all(b->data);
	b->data = NULL;
}

/* An instance of the body takes its socket over, and leaves -1: a server is run once. */
static inline int tcp_take(struct bench *b, struct tcp_listeners *l)
{
	int fd = l->fd[b->loop];

	l->fd[b->loop] = -1;
	return fd >= 0 ? fd : bench_fail(b, -EBADF, "the server has been run and stopped already");
}

/* Is a read's or write's error the peer's way of closing? Bytes that are lost by it are missing in the certificate. */
static inline bool tcp_is_hangup(int status)
{
	return status == -ECONNRESET || status == -EPIPE;
}

/* Of servers whose operations are messages of a fixed size, however the reads cut them. */
static inline void tcp_certify_messages(struct bench *b, const struct tcp_totals *t, uint64_t message_bytes)
{
	b->cert = (struct bench_cert){.ops = t->bytes_read / message_bytes,
				      .units = t->connections,
				      .bytes_read = t->bytes_read,
				      .bytes_written = t->bytes_written};
}

#endif
