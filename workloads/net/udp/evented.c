/*
 * net/udp in the callback style: when the socket is readable, datagrams are received and sent back until there is none,
 * but not more than UDP_AT_ONCE, so that the word to stop is heard. One that the socket does not take is kept, and
 * nothing is received before it is gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/subject/evented.h"
#include "workloads/net/udp/udp.h"

enum { UDP_AT_ONCE = 64 }; /* arbitrary */

struct server {
	struct bench *b;
	ex_io io, stop;
	int fd;
	bool watches_writes;
	uint64_t received, bytes_read, bytes_written;
	struct sockaddr_in from; /* of what is in the buffer */
	size_t kept; /* bytes in the buffer that are to be sent */
	char buffer[UDP_BUFFER];
};

static void finish(struct server *s, int status)
{
	struct bench *b = s->b;

	ex_io_stop(ex_loop_of(b), &s->io);
	ex_io_stop(ex_loop_of(b), &s->stop);
	close(s->fd);
	udp_certify(b, s->received, s->bytes_read, s->bytes_written);
	if (status < 0)
		bench_fail(b, status, "a datagram failed: %s", strerror(-status));
	free(s);
	bench_done(b, status);
}

/* 1: received, 0: there is nothing, or -errno. */
static int receive(struct server *s)
{
	socklen_t len = sizeof s->from;
	ssize_t n;

	do
		n = recvfrom(s->fd, s->buffer, sizeof s->buffer, 0, (struct sockaddr *)&s->from, &len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	s->received++;
	s->bytes_read += (uint64_t)n;
	s->kept = (size_t)n;
	return 1;
}

/* 1: gone, 0: the socket is full, or -errno. */
static int send_back(struct server *s)
{
	ssize_t n;

	do
		n = sendto(s->fd, s->buffer, s->kept, MSG_NOSIGNAL, (struct sockaddr *)&s->from, sizeof s->from);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	s->bytes_written += (uint64_t)n;
	s->kept = 0;
	return 1;
}

static void socket_ready(ex_io *io, unsigned events)
{
	struct server *s = EX_CONTAINER(io, struct server, io);
	int status = s->kept ? send_back(s) : 1;
	bool is_full;

	(void)events; /* the state knows what is awaited; an error shows in the call */
	for (int i = 0; i < UDP_AT_ONCE && status > 0; i++) {
		status = receive(s);
		if (status > 0)
			status = send_back(s);
	}
	is_full = status == 0 && s->kept > 0;
	if (status >= 0 && is_full != s->watches_writes) {
		s->watches_writes = is_full;
		status = ex_io_change(ex_loop_of(s->b), io, is_full ? EX_WRITE : EX_READ);
	}
	if (status < 0)
		finish(s, status);
}

static void stop_ready(ex_io *io, unsigned events)
{
	(void)events;
	finish(EX_CONTAINER(io, struct server, stop), 0);
}

static int run_udp(struct bench *b)
{
	struct server *s = calloc(1, sizeof *s);
	ex_loop *loop = ex_loop_of(b);
	int status;

	if (!s)
		return bench_fail(b, -ENOMEM, "out of memory for the server's record");
	s->b = b;
	s->fd = status = net_take(b, b->data);
	if (status < 0)
		goto no_socket;
	status = ex_io_start(loop, &s->io, s->fd, EX_READ, socket_ready);
	if (status < 0)
		goto no_io;
	status = ex_io_start(loop, &s->stop, bench_stop_fd(b), EX_READ, stop_ready);
	if (status < 0)
		goto no_stop;
	bench_serving(b, s->fd);
	return 0;
no_stop:
	ex_io_stop(loop, &s->io);
no_io:
	bench_fail(b, status, "the loop cannot watch the socket: %s", strerror(-status));
	close(s->fd);
no_socket:
	free(s);
	return status;
}

const struct bench_body net_udp_evented = {.run = run_udp};
