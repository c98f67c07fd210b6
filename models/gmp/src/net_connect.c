/*
 * net_connect.c - sockets made by the runtime: opening, connecting, listening.
 *
 * Connecting is the rule of netpoll.c with connect(2) as what is tried: clear the word, call it, wait while it says that
 * the connection is under way. Linux answers each further call with EALREADY, then once with 0 or with what has gone
 * wrong. So no question about SO_ERROR is needed, and a wake-up for another reason costs a call and nothing else.
 *
 * A stream socket that is not connected makes an edge of its own (OUT with HUP) when it is registered. It may come at any
 * time later: the word is READY then without a cause, which is what the rule allows for; and it is not taken for the
 * peer's end (netpoll_epoll.c).
 *
 * A Unix stream socket is never under way: if the listener's backlog is full the kernel says EAGAIN, and no edge says when
 * there is room. The caller gets to know it.
 */
#include "netpoll.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* A non-blocking descriptor or -errno. */
static int make_socket(int domain, int type, int protocol)
{
	int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}

/* gr__np_open, and close fd if that fails. */
static int open_or_close(int fd, gr_sock **out)
{
	int err = gr__np_open(fd, true, gr__np_is_tcp(fd), out);

	if (err)
		close(fd);
	return err;
}

int gr_sock_open(int domain, int type, int protocol, gr_sock **out)
{
	int fd = make_socket(domain, type, protocol);

	return fd < 0 ? fd : open_or_close(fd, out);
}

/* 0 or -errno. */
static int bind_and_listen(int fd, const struct sockaddr *addr, socklen_t len, int backlog)
{
	const int on = 1;

	/* So that a server can be started again while connections of the last one linger. */
	if (addr->sa_family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return -errno;
	if (bind(fd, addr, len) != 0 || listen(fd, backlog) != 0)
		return -errno;
	return 0;
}

int gr_sock_listen(const struct sockaddr *addr, socklen_t len, int backlog, gr_sock **out)
{
	int fd = make_socket(addr->sa_family, SOCK_STREAM, 0), err;

	if (fd < 0)
		return fd;
	err = bind_and_listen(fd, addr, len, backlog > 0 ? backlog : SOMAXCONN);
	if (err) {
		close(fd);
		return err;
	}
	return open_or_close(fd, out);
}

/* 0 or -errno. */
static __attribute__((noinline)) int try_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	int r;

	do {
		r = connect(fd, addr, len);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int connect_it(struct gr_sock *s, const struct sockaddr *addr, socklen_t len)
{
	const uint32_t cancels = gr__np_begin(s, GR__NP_WRITE);
	bool is_under_way = false;

	for (;;) {
		int r = gr__np_clear(s, GR__NP_WRITE, cancels);

		if (r)
			return r;
		r = try_connect(s->fd, addr, len);
		if (r == -EISCONN && is_under_way)
			r = 0; /* established between two calls */
		if (r != -EINPROGRESS && r != -EALREADY)
			return r;
		if (gr__np_is_shut(s, GR__NP_WRITE))
			return -EINVAL;
		is_under_way = true;
		gr__np_wait(s, GR__NP_WRITE, GR__WAIT_IO_CONNECT);
	}
}

int gr_sock_connect(gr_sock *s, const struct sockaddr *addr, socklen_t len)
{
	int err;

	if (!gr__np_ref(s))
		return -ECANCELED;
	err = connect_it(s, addr, len);
	gr__np_unref(s);
	return err;
}
