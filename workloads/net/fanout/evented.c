/*
 * net/fanout in the callback style: a record per connection; the answer that completes an operation begins the next one.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/subject/evented.h"
#include "workloads/net/fanout/fanout.h"

struct request {
	ex_io io;
	int fd;
	struct client *client;
	struct fanout_get get;
};

struct client {
	struct run *run;
	struct request *requests; /* run->gets of them */
	uint64_t next, missing; /* its next operation; answers that the one under way lacks */
};

struct run {
	struct bench *b;
	uint64_t in_flight, gets;
	uint64_t running; /* clients with an operation under way */
	struct fanout_count count;
	int status; /* the first failure */
	struct client *clients;
	struct request *requests;
	char *buffers;
};

static void disconnect(struct run *r, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		ex_io_stop(ex_loop_of(r->b), &r->requests[i].io);
		close(r->requests[i].fd);
	}
}

static void free_run(struct run *r)
{
	free(r->clients);
	free(r->requests);
	free(r->buffers);
	free(r);
}

static void finish(struct run *r, int status)
{
	struct bench *b = r->b;

	bench_end(b);
	disconnect(r, r->in_flight * r->gets);
	fanout_certify(b, &r->count);
	if (status < 0)
		bench_fail(b, status, "an operation failed: %s", strerror(-status));
	free_run(r);
	bench_done(b, status);
}

/* The socket is empty, so that a request always fits. */
static int send_request(struct run *r, struct request *q, uint64_t number)
{
	char text[FANOUT_REQUEST_BYTES];
	ssize_t n;

	fanout_begin(&q->get, number, text);
	do
		n = send(q->fd, text, sizeof text, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof text)
		return n < 0 ? -errno : -EIO;
	r->count.bytes_written += (uint64_t)n;
	r->count.gets++;
	return 0;
}

/* 1: it has begun, 0: the client has done its share, or -errno. */
static int begin_operation(struct client *c)
{
	struct run *r = c->run;

	if (c->next >= r->b->ops)
		return 0;
	for (uint64_t i = 0; i < r->gets; i++) {
		int status = send_request(r, &c->requests[i], c->next * r->gets + i);

		if (status < 0)
			return status;
	}
	c->missing = r->gets;
	c->next += r->in_flight;
	return 1;
}

/* Read once what has come. 1: the answer is whole, 0: more is to come, or -errno. */
static int read_answer(struct request *q)
{
	ssize_t n;

	do
		n = recv(q->fd, q->get.buffer + q->get.got, fanout_room(&q->get), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n == 0 ? -ECONNRESET : fanout_take(&q->get, (size_t)n, &q->client->run->count);
}

static void request_ready(ex_io *io, unsigned events)
{
	struct request *q = EX_CONTAINER(io, struct request, io);
	struct client *c = q->client;
	struct run *r = c->run;
	int status = read_answer(q);

	(void)events; /* an error shows in the call */
	if (status == 1 && --c->missing == 0) {
		r->count.ops++;
		status = begin_operation(c);
		if (status == 0 && --r->running == 0) {
			finish(r, 0);
			return;
		}
	}
	if (status < 0)
		finish(r, status);
}

/* All connections, or none. */
static int connect_all(struct run *r, const struct backend *backend)
{
	size_t body_bytes = (size_t)bench_param(r->b, "body_bytes");
	uint64_t n = r->in_flight * r->gets;

	for (uint64_t i = 0; i < n; i++) {
		struct request *q = &r->requests[i];
		int status = 0;

		q->client = &r->clients[i / r->gets];
		q->get.body_bytes = body_bytes;
		q->get.buffer = r->buffers + i * fanout_buffer_bytes(body_bytes);
		q->fd = backend_connect(r->b, backend);
		if (q->fd >= 0) {
			status = fcntl(q->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
			if (status == 0)
				status = ex_io_start(ex_loop_of(r->b), &q->io, q->fd, EX_READ, request_ready);
			if (status == 0)
				continue;
			bench_fail(r->b, status, "the loop cannot watch a socket: %s", strerror(-status));
			close(q->fd);
		}
		disconnect(r, i);
		return status < 0 ? status : q->fd;
	}
	return 0;
}

static void begin_all(struct run *r)
{
	int status = 0;

	bench_begin(r->b);
	for (uint64_t i = 0; i < r->in_flight && status >= 0; i++) {
		r->clients[i].next = i;
		status = begin_operation(&r->clients[i]);
		r->running += status == 1;
	}
	if (status < 0 || r->running == 0)
		finish(r, status);
}

static int run_fanout(struct bench *b)
{
	const struct fanout_data *d = b->data;
	struct run *r = calloc(1, sizeof *r);
	uint64_t n;
	int status;

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory");
	r->b = b;
	r->in_flight = (uint64_t)bench_param(b, "in_flight");
	r->gets = (uint64_t)bench_param(b, "gets");
	n = r->in_flight * r->gets;
	r->clients = calloc(r->in_flight, sizeof r->clients[0]);
	r->requests = calloc(n, sizeof r->requests[0]);
	r->buffers = calloc(n, fanout_buffer_bytes((size_t)bench_param(b, "body_bytes")));
	if (!r->clients || !r->requests || !r->buffers) {
		free_run(r);
		return bench_fail(b, -ENOMEM, "out of memory for %llu connections", (unsigned long long)n);
	}
	for (uint64_t i = 0; i < r->in_flight; i++) {
		r->clients[i].run = r;
		r->clients[i].requests = r->requests + i * r->gets;
	}
	status = connect_all(r, &d->backend);
	if (status < 0) {
		free_run(r);
		return status;
	}
	begin_all(r);
	return 0;
}

const struct bench_body net_fanout_evented = {.run = run_fanout};
