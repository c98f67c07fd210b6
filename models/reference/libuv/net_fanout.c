/*
 * net/fanout on libuv: a stream per connection; the answer that completes an operation begins the next one.
 *
 * An answer is read into its own buffer as it comes; a request always fits into an empty socket, so uv_try_write takes it whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/subject/evented.h"
#include "workloads/net/fanout/fanout.h"

struct request {
	uv_tcp_t tcp;
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
	uint64_t handles; /* that exist */
	bool has_begun; /* where not, nobody waits to hear how it ended */
	int status; /* the first failure */
	struct fanout_count count;
	struct client *clients;
	struct request *requests;
	char *buffers;
};

static void free_run(struct run *r)
{
	free(r->clients);
	free(r->requests);
	free(r->buffers);
	free(r);
}

static void closed(uv_handle_t *h)
{
	struct run *r = LV_CONTAINER(h, struct request, tcp)->client->run;
	struct bench *b = r->b;
	int status = r->status;
	bool has_begun = r->has_begun;

	if (--r->handles > 0)
		return;
	free_run(r);
	if (has_begun)
		bench_done(b, status);
}

static void disconnect(struct run *r)
{
	const uint64_t n = r->handles;

	for (uint64_t i = 0; i < n; i++)
		uv_close((uv_handle_t *)&r->requests[i].tcp, closed);
}

static void finish(struct run *r, int status)
{
	struct bench *b = r->b;

	bench_end(b);
	fanout_certify(b, &r->count);
	r->status = status;
	if (status < 0)
		bench_fail(b, status, "an operation failed: %s", uv_strerror(status));
	disconnect(r);
}

static int send_request(struct run *r, struct request *q, uint64_t number)
{
	char text[FANOUT_REQUEST_BYTES];
	uv_buf_t buf = uv_buf_init(text, sizeof text);
	int n;

	fanout_begin(&q->get, number, text);
	n = uv_try_write((uv_stream_t *)&q->tcp, &buf, 1);
	if (n != (int)sizeof text)
		return n < 0 ? n : -EIO;
	r->count.bytes_written += (uint64_t)n;
	r->count.gets++;
	return 0;
}

/* 1: it has begun, 0: the client has done its share, or < 0. */
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

static void alloc(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
	struct request *q = LV_CONTAINER(h, struct request, tcp);

	(void)wanted;
	buf->base = q->get.buffer + q->get.got;
	buf->len = fanout_room(&q->get);
}

static void came(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct request *q = LV_CONTAINER(stream, struct request, tcp);
	struct client *c = q->client;
	struct run *r = c->run;
	int status = (int)n;

	(void)buf; /* it is behind what there was */
	if (n == 0) /* nothing was there */
		return;
	if (n > 0)
		status = fanout_take(&q->get, (size_t)n, &r->count);
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

/* The next connection: 0, or < 0 and b->why. */
static int connect_one(struct run *r, const struct backend *backend)
{
	struct request *q = &r->requests[r->handles];
	size_t body_bytes = (size_t)bench_param(r->b, "body_bytes");
	int fd, status;

	q->client = &r->clients[r->handles / r->gets];
	q->get.body_bytes = body_bytes;
	q->get.buffer = r->buffers + r->handles * fanout_buffer_bytes(body_bytes);
	fd = backend_connect(r->b, backend);
	if (fd < 0)
		return fd;
	lv_must(uv_tcp_init(&ex_loop_of(r->b)->uv, &q->tcp), "uv_tcp_init"); /* it makes no descriptor */
	r->handles++;
	status = uv_tcp_open(&q->tcp, fd); /* from here on the socket does not block */
	if (status < 0)
		close(fd);
	else
		status = uv_read_start((uv_stream_t *)&q->tcp, alloc, came);
	return status < 0 ? bench_fail(r->b, status, "the loop cannot watch a socket: %s", uv_strerror(status)) : 0;
}

static void begin_all(struct run *r)
{
	int status = 0;

	bench_begin(r->b);
	r->has_begun = true;
	for (uint64_t i = 0; i < r->in_flight && status >= 0; i++) {
		r->clients[i].next = i;
		status = begin_operation(&r->clients[i]);
		r->running += status == 1;
	}
	if (status < 0 || r->running == 0)
		finish(r, status);
}

static struct run *new_run(struct bench *b, uint64_t n)
{
	struct run *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->b = b;
	r->in_flight = (uint64_t)bench_param(b, "in_flight");
	r->gets = (uint64_t)bench_param(b, "gets");
	r->clients = calloc(r->in_flight, sizeof r->clients[0]);
	r->requests = calloc(n, sizeof r->requests[0]);
	r->buffers = calloc(n, fanout_buffer_bytes((size_t)bench_param(b, "body_bytes")));
	if (!r->clients || !r->requests || !r->buffers) {
		free_run(r);
		return NULL;
	}
	for (uint64_t i = 0; i < r->in_flight; i++) {
		r->clients[i].run = r;
		r->clients[i].requests = r->requests + i * r->gets;
	}
	return r;
}

static int run_fanout(struct bench *b)
{
	const struct fanout_data *d = b->data;
	uint64_t n = (uint64_t)bench_param(b, "in_flight") * (uint64_t)bench_param(b, "gets");
	struct run *r = new_run(b, n);
	int status = 0;

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %llu connections", (unsigned long long)n);
	while (r->handles < n && status == 0)
		status = connect_one(r, &d->backend);
	if (status == 0)
		begin_all(r);
	else if (r->handles > 0)
		disconnect(r); /* and free it */
	else
		free_run(r);
	return status;
}

const struct bench_body net_fanout_evented = {.run = run_fanout};
