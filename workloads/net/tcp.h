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
#include "workloads/net/sockets.h"

enum { TCP_BACKLOG = 4096 }; /* as many as the kernel allows by default */

/* What a server has done in its life. */
struct tcp_totals {
	uint64_t connections, ops, bytes_read, bytes_written;
};

/* A listening socket that does not block, for so many connections at one time: its descriptor, or -errno and b->why. */
static inline int tcp_listen_at(struct bench *b, const struct sockaddr_in *addr, uint64_t connections)
{
	int fd, one = 1, status = descriptors_allow(b, connections);

	if (status < 0)
		return status;
	fd = net_bind_at(b, SOCK_STREAM, addr);
	if (fd < 0)
		return fd;
	if (listen(fd, TCP_BACKLOG) == 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0)
		return fd;
	status = bench_fail(b, -errno, "cannot listen on 127.0.0.1: %s", strerror(errno));
	close(fd);
	return status;
}

static inline int tcp_listen_all(struct bench *b, uint64_t connections, struct net_sockets **out)
{
	return net_open_all(b, tcp_listen_at, connections, out);
}

/* setup() of servers that need nothing but the sockets. */
static inline int tcp_setup(struct bench *b, uint64_t connections)
{
	return net_setup(b, tcp_listen_at, connections);
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
