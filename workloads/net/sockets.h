/*
 * sockets.h - the bound sockets of a server, one for each instance of its body, all of one port of 127.0.0.1.
 *
 * Several instances (eventloop+loops=N) share the port by SO_REUSEPORT: the kernel gives each connection, or all datagrams of
 * one client, to one of them by a hash of the addresses.
 */
#ifndef NET_SOCKETS_H
#define NET_SOCKETS_H

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/subject/bench.h"

/* Made by setup(). */
struct net_sockets {
	unsigned n;
	int fd[]; /* -1: the body has taken it over */
};

/*
 * A socket of that type that does not block, bound to the address: its descriptor, or -errno and b->why. To be called for each
 * instance with the port that the first was given.
 */
static inline int net_bind_at(struct bench *b, int type, const struct sockaddr_in *addr)
{
	int is_shared = b->loops > 1, status, fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return bench_fail(b, -errno, "cannot make a socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is_shared, sizeof is_shared) == 0 &&
	    bind(fd, (const struct sockaddr *)addr, sizeof *addr) == 0)
		return fd;
	status = bench_fail(b, -errno, "cannot bind to 127.0.0.1: %s", strerror(errno));
	close(fd);
	return status;
}

static inline void net_close_all(struct net_sockets *s)
{
	for (unsigned i = 0; s && i < s->n; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	free(s);
}

/* `open` makes one at an address; `size` is its own. 0, or -errno with b->why and nothing left. */
static inline int net_open_all(struct bench *b, int (*open)(struct bench *, const struct sockaddr_in *, uint64_t),
			       uint64_t size, struct net_sockets **out)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct net_sockets *s = malloc(sizeof *s + b->loops * sizeof s->fd[0]);
	socklen_t len = sizeof addr;
	int status = 0;

	if (!s)
		return bench_fail(b, -ENOMEM, "out of memory for %u sockets", b->loops);
	for (s->n = 0; s->n < b->loops; s->n++) {
		status = open(b, &addr, size);
		if (status < 0) {
			net_close_all(s);
			return status;
		}
		s->fd[s->n] = status;
		(void)getsockname(status, (struct sockaddr *)&addr, &len); /* cannot fail: the others take its port */
	}
	*out = s;
	return 0;
}

/* setup() and teardown() of servers that need nothing but the sockets. */
static inline int net_setup(struct bench *b, int (*open)(struct bench *, const struct sockaddr_in *, uint64_t),
			    uint64_t size)
{
	struct net_sockets *s = NULL;
	int status = net_open_all(b, open, size, &s);

	if (status == 0)
		b->data = s;
	return status;
}

static inline void net_teardown(struct bench *b)
{
	net_close_all(b->data);
	b->data = NULL;
}

/* An instance of the body takes its socket over, and leaves -1: a server is run once. */
static inline int net_take(struct bench *b, struct net_sockets *s)
{
	int fd = s->fd[b->loop];

	s->fd[b->loop] = -1;
	return fd >= 0 ? fd : bench_fail(b, -EBADF, "the server has been run and stopped already");
}

#endif
