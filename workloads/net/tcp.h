/*
 * tcp.h - what the TCP servers of this family share besides a model: the listening socket, and what a run counts.
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

/* A listening socket that does not block, for so many connections at one time: its descriptor, or -errno and b->why. */
static inline int tcp_listen(struct bench *b, uint64_t connections)
{
	struct sockaddr_in any_port = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd, one = 1, status = descriptors_allow(b, connections);

	if (status < 0)
		return status;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return bench_fail(b, -errno, "cannot make a socket: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&any_port, sizeof any_port) == 0 && listen(fd, TCP_BACKLOG) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0)
		return fd;
	status = bench_fail(b, -errno, "cannot listen on 127.0.0.1: %s", strerror(errno));
	close(fd);
	return status;
}

/* The body takes the socket over from setup's data, where -1 is left: a server is run once. */
static inline int tcp_take(struct bench *b, int *listen_fd)
{
	int fd = *listen_fd;

	*listen_fd = -1;
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
