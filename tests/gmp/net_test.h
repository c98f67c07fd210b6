/*
 * net_test.h - what the tests of descriptors share: adopted sockets on the loopback device and their far ends.
 */
#ifndef NET_TEST_H
#define NET_TEST_H

#include "go_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static inline gr_sock *adopt(int fd)
{
	gr_sock *s = NULL;

	CHECK(fd >= 0);
	CHECK(gr_sock_adopt(fd, &s) == 0);
	return s;
}

/* A number that the system chooses, in *addr. */
static inline gr_sock *listen_on_loopback_for(struct sockaddr_in *addr, int backlog)
{
	socklen_t len = sizeof(*addr);
	gr_sock *s = NULL;

	*addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CHECK(gr_sock_listen((struct sockaddr *)addr, sizeof(*addr), backlog, &s) == 0);
	CHECK(getsockname(gr_sock_fd(s), (struct sockaddr *)addr, &len) == 0);
	return s;
}

static inline gr_sock *listen_on_loopback(struct sockaddr_in *addr)
{
	return listen_on_loopback_for(addr, 256);
}

/* Connecting to a loopback listener with room in its backlog does not wait for the other side. */
static inline int connect_plain(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0);
	return fd;
}

/* Two connected TCP sockets; the first is adopted already. */
static inline void tcp_pair(gr_sock **ours, int *theirs)
{
	struct sockaddr_in addr;
	gr_sock *l = listen_on_loopback(&addr);

	*theirs = connect_plain(&addr);
	CHECK(gr_sock_accept(l, ours) == 0);
	gr_sock_close(l);
}

static inline ssize_t read_full(gr_sock *s, void *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = gr_sock_read(s, (char *)buf + done, n - done);

		if (r <= 0)
			return r < 0 ? r : (ssize_t)done;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

/* A call in a G of its own, and what came of it. */
struct call {
	gr_sock *s;
	void *buf;
	size_t n;
	_Atomic bool has_returned;
	_Atomic ssize_t result;
	gr_wg done;
};

static inline void call_returned(struct call *c, ssize_t result)
{
	atomic_store(&c->result, result);
	atomic_store(&c->has_returned, true);
	gr_wg_done(&c->done);
}

static inline void call_accept(void *arg)
{
	struct call *c = arg;
	gr_sock *s = NULL;
	int err = gr_sock_accept(c->s, &s);

	if (err == 0)
		gr_sock_close(s);
	call_returned(c, err);
}

static inline void call_read(void *arg)
{
	struct call *c = arg;
	char byte;

	call_returned(c, gr_sock_read(c->s, &byte, 1));
}

/* c->n bytes of c->buf. */
static inline void call_write(void *arg)
{
	struct call *c = arg;

	call_returned(c, gr_sock_write(c->s, c->buf, c->n));
}

static inline void call_receive(void *arg)
{
	struct call *c = arg;
	char byte;

	call_returned(c, gr_sock_recvfrom(c->s, &byte, 1, 0, NULL, NULL));
}

/* Begin fn (one of the above) on s. */
static inline void begin_call(struct call *c, void (*fn)(void *), gr_sock *s)
{
	c->s = s;
	atomic_store(&c->has_returned, false);
	gr_wg_add(&c->done, 1);
	CHECK(gr_go_named("call", fn, c) == 0);
}

static inline ssize_t end_call(struct call *c)
{
	gr_wg_wait(&c->done);
	return atomic_load(&c->result);
}

#endif
