/*
 * net/echo in the blocking style: the root task accepts, each connection has a task that reads and writes, and one more
 * task waits for the word to stop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/direct.h"
#include "workloads/net/echo/echo.h"

struct connection {
	struct connection *next; /* root's */
	dx_task task;
	dx_sock sock;
	/* the task's until it is joined */
	uint64_t bytes_read, bytes_written;
	int status;
	char buffer[ECHO_BUFFER];
};

struct server {
	dx_sock listener;
	struct connection *connections; /* accepted and not joined */
	int stop_fd;
	int stop_status; /* the stopper's until it is joined */
};

static void serve(void *arg)
{
	struct connection *c = arg;
	ssize_t n;

	while ((n = dx_sock_read(&c->sock, c->buffer, sizeof c->buffer)) > 0) {
		c->bytes_read += (uint64_t)n;
		n = dx_sock_write(&c->sock, c->buffer, (size_t)n);
		if (n < 0)
			break;
		c->bytes_written += (uint64_t)n;
	}
	if (n < 0 && !echo_is_hangup((int)n))
		c->status = (int)n;
	dx_sock_close(&c->sock);
}

/* The stop descriptor is an eventfd: it is read 8 bytes at a time. */
static void await_stop(void *arg)
{
	struct server *s = arg;
	uint64_t word;
	ssize_t n = dx_read_blocking(s->stop_fd, &word, sizeof word);

	s->stop_status = n < 0 ? (int)n : 0;
	dx_sock_shutdown(&s->listener);
}

/* Until the listener is shut down (0) or something fails. */
static int accept_all(struct bench *b, struct server *s)
{
	for (;;) {
		struct connection *c = malloc(sizeof *c);
		int status;

		if (!c)
			return bench_fail(b, -ENOMEM, "out of memory for a connection");
		c->bytes_read = c->bytes_written = 0;
		c->status = 0;
		status = dx_accept(&s->listener, &c->sock);
		if (status < 0) {
			free(c);
			return status == -EINVAL ? 0 : bench_fail(b, status, "accept failed: %s", strerror(-status));
		}
		status = dx_spawn(&c->task, serve, c);
		if (status < 0) {
			dx_sock_close(&c->sock);
			free(c);
			return bench_fail(b, status, "the model refused a task for a connection: %s",
					  strerror(-status));
		}
		c->next = s->connections;
		s->connections = c;
	}
}

/* Join the connections' tasks, each of which ends when its client does, and add up what they did. */
static int join_all(struct bench *b, struct server *s)
{
	uint64_t served = 0, bytes_read = 0, bytes_written = 0;
	int status = 0;

	while (s->connections) {
		struct connection *c = s->connections;

		s->connections = c->next;
		dx_join(&c->task);
		served++;
		bytes_read += c->bytes_read;
		bytes_written += c->bytes_written;
		if (c->status < 0 && status == 0)
			status = bench_fail(b, c->status, "a connection failed: %s", strerror(-c->status));
		free(c);
	}
	echo_certify(b, served, bytes_read, bytes_written);
	return status;
}

static int run_echo(struct bench *b)
{
	struct server s = {.stop_fd = bench_stop_fd(b)};
	int status, joined, fd = echo_take_listener(b);
	dx_task stopper;

	if (fd < 0)
		return fd;
	status = dx_sock_adopt(&s.listener, fd);
	if (status < 0) {
		close(fd);
		return bench_fail(b, status, "the model cannot take over the listening socket: %s", strerror(-status));
	}
	status = dx_spawn(&stopper, await_stop, &s);
	if (status < 0) {
		dx_sock_close(&s.listener);
		return bench_fail(b, status, "the model refused the task that waits for the end: %s",
				  strerror(-status));
	}
	bench_serving(b, fd);
	status = accept_all(b, &s);
	joined = join_all(b, &s);
	dx_join(&stopper);
	dx_sock_close(&s.listener);
	if (s.stop_status < 0)
		return bench_fail(b, s.stop_status, "cannot wait for the end: %s", strerror(-s.stop_status));
	return status < 0 ? status : joined;
}

const struct bench_body net_echo_direct = {.run = run_echo};
