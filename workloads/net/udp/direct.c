/*
 * net/udp in the blocking style: tasks that receive and send on the one socket, until it is shut down.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/direct.h"
#include "workloads/net/udp/udp.h"

struct server {
	dx_sock sock;
	int stop_fd;
	int stop_status; /* the stopper's until it is joined */
};

struct worker {
	struct server *server;
	dx_task task;
	/* the task's until it is joined */
	uint64_t received, bytes_read, bytes_written;
	int status;
	char buffer[UDP_BUFFER];
};

static void serve(void *arg)
{
	struct worker *w = arg;
	dx_sock *sock = &w->server->sock;
	struct sockaddr_in from;
	ssize_t n;

	for (;;) {
		socklen_t len = sizeof from;

		n = dx_recvfrom(sock, w->buffer, sizeof w->buffer, (struct sockaddr *)&from, &len);
		if (n <= 0)
			break;
		w->received++;
		w->bytes_read += (uint64_t)n;
		n = dx_sendto(sock, w->buffer, (size_t)n, (struct sockaddr *)&from, len);
		if (n < 0)
			break;
		w->bytes_written += (uint64_t)n;
	}
	w->status = (int)n;
}

/* The stop descriptor is an eventfd: it is read 8 bytes at a time. */
static void await_stop(void *arg)
{
	struct server *s = arg;
	uint64_t word;
	ssize_t n = dx_read_blocking(s->stop_fd, &word, sizeof word);

	s->stop_status = n < 0 ? (int)n : 0;
	dx_sock_shutdown(&s->sock);
}

/* Start the workers: how many there are. Fewer than n: *status says why. */
static uint64_t start_workers(struct server *s, struct worker *workers, uint64_t n, int *status)
{
	uint64_t started;

	*status = 0;
	for (started = 0; started < n; started++) {
		workers[started].server = s;
		*status = dx_spawn(&workers[started].task, serve, &workers[started]);
		if (*status < 0)
			break;
	}
	return started;
}

static int join_workers(struct bench *b, struct worker *workers, uint64_t n)
{
	uint64_t received = 0, bytes_read = 0, bytes_written = 0;
	int status = 0;

	for (uint64_t i = 0; i < n; i++) {
		struct worker *w = &workers[i];

		dx_join(&w->task);
		received += w->received;
		bytes_read += w->bytes_read;
		bytes_written += w->bytes_written;
		if (w->status < 0 && status == 0)
			status = bench_fail(b, w->status, "a datagram failed: %s", strerror(-w->status));
	}
	udp_certify(b, received, bytes_read, bytes_written);
	return status;
}

static int serve_all(struct bench *b, struct server *s, struct worker *workers, int fd)
{
	uint64_t n = (uint64_t)bench_param(b, "tasks"), started;
	int joined, status = dx_sock_adopt(&s->sock, fd);
	dx_task stopper;

	if (status < 0) {
		close(fd);
		return bench_fail(b, status, "the model cannot take over the socket: %s", strerror(-status));
	}
	started = start_workers(s, workers, n, &status);
	if (status == 0)
		status = dx_spawn(&stopper, await_stop, s);
	if (status == 0)
		bench_serving(b, fd);
	else
		dx_sock_shutdown(&s->sock); /* not all exist: nobody is served */
	joined = join_workers(b, workers, started);
	if (status == 0)
		dx_join(&stopper);
	dx_sock_close(&s->sock);
	if (status < 0)
		return bench_fail(b, status,
				  "cannot hold %llu tasks and one that waits for the end: the model refused the one "
				  "after %llu: %s",
				  (unsigned long long)n, (unsigned long long)started, strerror(-status));
	if (s->stop_status < 0)
		return bench_fail(b, s->stop_status, "cannot wait for the end: %s", strerror(-s->stop_status));
	return joined;
}

static int run_udp(struct bench *b)
{
	struct server s = {.stop_fd = bench_stop_fd(b)};
	struct worker *workers = calloc((size_t)bench_param(b, "tasks"), sizeof *workers);
	int fd, status;

	if (!workers)
		return bench_fail(b, -ENOMEM, "out of memory for the tasks' buffers");
	fd = net_take(b, b->data);
	status = fd < 0 ? fd : serve_all(b, &s, workers, fd);
	free(workers);
	return status;
}

const struct bench_body net_udp_direct = {.run = run_udp};
