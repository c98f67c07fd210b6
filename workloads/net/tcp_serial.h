/*
 * tcp_serial.h - a TCP server with nothing but blocking calls: a connection is served to its end before the next is
 * accepted.
 */
#ifndef NET_TCP_SERIAL_H
#define NET_TCP_SERIAL_H

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workloads/net/tcp.h"

/* Read once: bytes, 0 at the end of the stream, or -errno. Adds to the totals. */
static inline ssize_t tcp_read(int fd, void *buffer, size_t bytes, struct tcp_totals *t)
{
	ssize_t n;

	do
		n = recv(fd, buffer, bytes, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	t->bytes_read += (uint64_t)n;
	return n;
}

/* Write all: 0, or -errno. Adds to the totals. */
static inline int tcp_write_all(int fd, const char *bytes, size_t n, struct tcp_totals *t)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = send(fd, bytes + done, n - done, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		done += (size_t)put;
		t->bytes_written += (uint64_t)put;
	}
	return 0;
}

/* The next connection, -ECANCELED when it is time to stop, or another -errno. The listener does not block. */
static inline int tcp_await_connection(int listen_fd, int stop_fd)
{
	struct pollfd awaited[] = {{.fd = listen_fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};

	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			return fd;
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			return -errno;
		if (poll(awaited, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (awaited[1].revents)
			return -ECANCELED;
	}
}

/* Serve until the word to stop. The instance's socket is taken over. 0 and *totals, or -errno with b->why. */
static inline int tcp_serve_serial(struct bench *b, struct net_sockets *listeners,
				   int (*serve)(struct bench *b, int fd, struct tcp_totals *t),
				   struct tcp_totals *totals)
{
	int fd, status = 0, listener = net_take(b, listeners);

	*totals = (struct tcp_totals){0};
	if (listener < 0)
		return listener;
	bench_serving(b, listener);
	while (status == 0 && (fd = tcp_await_connection(listener, bench_stop_fd(b))) >= 0) {
		status = serve(b, fd, totals);
		if (tcp_is_hangup(status))
			status = 0;
		close(fd);
		totals->connections++;
	}
	close(listener);
	if (status == 0 && fd != -ECANCELED)
		status = fd;
	return status < 0 ? bench_fail(b, status, "serving failed: %s", strerror(-status)) : 0;
}

/* Send back what comes, by way of this buffer, until the end of the stream. */
static inline int tcp_echo_serial(int fd, char *buffer, size_t bytes, struct tcp_totals *t)
{
	for (;;) {
		ssize_t n = tcp_read(fd, buffer, bytes, t);
		int status;

		if (n <= 0)
			return (int)n;
		status = tcp_write_all(fd, buffer, (size_t)n, t);
		if (status < 0)
			return status;
	}
}

static inline const char *tcp_one_at_a_time(const struct bench *b)
{
	return bench_param(b, "connections") > 1 ? "sequential: one connection is served at a time" : NULL;
}

#endif
