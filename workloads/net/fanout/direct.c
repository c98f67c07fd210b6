/*
 * net/fanout in the blocking style: a task per operation that is in flight, which starts a task per request and joins
 * them.
 */
#include <stdlib.h>
#include <unistd.h>

#include "harness/subject/direct.h"
#include "workloads/crew.h"
#include "workloads/net/fanout/fanout.h"

struct request {
	dx_task task;
	dx_sock sock;
	struct fanout_get get;
	/* the task's until it is joined */
	struct fanout_count count;
	int status;
};

/* A cache line pair each: a client counts while its neighbours do. */
struct client {
	_Alignas(128) struct crew_task crew;
	struct run *run; /* immutable, as the next two */
	uint64_t index;
	struct request *requests; /* run->gets of them */
	/* the task's until it is joined */
	struct fanout_count count;
	int status;
};

struct run {
	struct bench *b; /* immutable while clients run, as all of it */
	uint64_t in_flight, gets;
	struct client *clients;
	struct request *requests;
	char *buffers;
};

static int get(struct request *r)
{
	char text[FANOUT_REQUEST_BYTES];
	ssize_t n;
	int status = 0;

	fanout_begin(&r->get, r->get.number, text);
	n = dx_sock_write(&r->sock, text, sizeof text);
	if (n < 0)
		return (int)n;
	r->count.bytes_written += (uint64_t)n;
	while (status == 0) {
		n = dx_sock_read(&r->sock, r->get.buffer + r->get.got, fanout_room(&r->get));
		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
		status = fanout_take(&r->get, (size_t)n, &r->count);
	}
	return status;
}

static void request_main(void *arg)
{
	struct request *r = arg;
	int status = get(r);

	if (status < 0)
		r->status = status;
}

static int operate(struct client *c, uint64_t op)
{
	uint64_t gets = c->run->gets, started;
	int status = 0;

	for (started = 0; started < gets; started++) {
		struct request *r = &c->requests[started];

		r->get.number = op * gets + started;
		status = dx_spawn(&r->task, request_main, r);
		if (status < 0)
			break;
	}
	c->count.gets += started;
	for (uint64_t i = 0; i < started; i++) {
		dx_join(&c->requests[i].task);
		if (c->requests[i].status < 0 && status == 0)
			status = c->requests[i].status;
	}
	c->count.ops += status == 0;
	return status;
}

static void client_main(void *arg)
{
	struct client *c = arg;
	struct run *r = c->run;
	uint64_t n = bench_share(r->b->ops, r->in_flight, c->index);

	if (!crew_start(&c->crew))
		return;
	for (uint64_t i = 0; i < n && c->status == 0; i++)
		c->status = operate(c, i * r->in_flight + c->index);
}

static void disconnect(struct run *r, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		dx_sock_close(&r->requests[i].sock);
}

/* All connections, or none. */
static int connect_all(struct run *r, const struct backend *backend)
{
	size_t body_bytes = (size_t)bench_param(r->b, "body_bytes");
	uint64_t n = r->in_flight * r->gets;

	for (uint64_t i = 0; i < n; i++) {
		struct request *q = &r->requests[i];
		int status, fd = backend_connect(r->b, backend);

		if (fd < 0) {
			disconnect(r, i);
			return fd;
		}
		q->get.body_bytes = body_bytes;
		q->get.buffer = r->buffers + i * fanout_buffer_bytes(body_bytes);
		status = dx_sock_adopt(&q->sock, fd);
		if (status < 0) {
			close(fd);
			disconnect(r, i);
			return bench_fail(r->b, status, "the model cannot take over a socket: %s", strerror(-status));
		}
	}
	return 0;
}

/* The region. 0, or -errno with b->why; *count in any case. */
static int run_clients(struct run *r, struct fanout_count *count)
{
	int status;

	for (uint64_t i = 0; i < r->in_flight; i++)
		r->clients[i] = (struct client){.run = r, .index = i, .requests = r->requests + i * r->gets};
	status = crew_run(r->b, r->clients, sizeof r->clients[0], r->in_flight, client_main);
	if (status < 0)
		return status;
	for (uint64_t i = 0; i < r->in_flight; i++) {
		fanout_add(count, &r->clients[i].count);
		if (r->clients[i].status < 0 && status == 0)
			status = r->clients[i].status;
	}
	for (uint64_t i = 0; i < r->in_flight * r->gets; i++)
		fanout_add(count, &r->requests[i].count);
	return status < 0 ? bench_fail(r->b, status, "an operation failed: %s", strerror(-status)) : 0;
}

static int run_fanout(struct bench *b)
{
	const struct fanout_data *d = b->data;
	struct run r = {
		.b = b, .in_flight = (uint64_t)bench_param(b, "in_flight"), .gets = (uint64_t)bench_param(b, "gets")};
	uint64_t n = r.in_flight * r.gets;
	struct fanout_count count = {0};
	int status;

	r.clients = aligned_alloc(_Alignof(struct client), r.in_flight * sizeof r.clients[0]);
	r.requests = calloc(n, sizeof r.requests[0]);
	r.buffers = calloc(n, fanout_buffer_bytes((size_t)bench_param(b, "body_bytes")));
	if (!r.clients || !r.requests || !r.buffers) {
		status = bench_fail(b, -ENOMEM, "out of memory for %llu connections", (unsigned long long)n);
		goto out;
	}
	status = connect_all(&r, &d->backend);
	if (status == 0) {
		status = run_clients(&r, &count);
		disconnect(&r, n);
	}
	fanout_certify(b, &count);
out:
	free(r.clients);
	free(r.requests);
	free(r.buffers);
	return status;
}

const struct bench_body net_fanout_direct = {.run = run_fanout};
