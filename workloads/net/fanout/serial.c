/*
 * net/fanout with nothing but blocking calls: one request after the other on one connection.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workloads/net/fanout/fanout.h"

static int send_request(int fd, struct fanout_get *g, uint64_t number, struct fanout_count *c)
{
	char text[FANOUT_REQUEST_BYTES];
	ssize_t n;

	fanout_begin(g, number, text);
	for (size_t done = 0; done < sizeof text; done += (size_t)n) {
		do
			n = send(fd, text + done, sizeof text - done, MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
		c->bytes_written += (uint64_t)n;
	}
	c->gets++;
	return 0;
}

static int get(int fd, struct fanout_get *g, uint64_t number, struct fanout_count *c)
{
	int status = send_request(fd, g, number, c);

	while (status == 0) {
		ssize_t n = recv(fd, g->buffer + g->got, fanout_room(g), 0);

		if (n > 0)
			status = fanout_take(g, (size_t)n, c);
		else if (n == 0)
			status = -ECONNRESET;
		else if (errno != EINTR)
			status = -errno;
	}
	return status < 0 ? status : 0;
}

static int run_fanout(struct bench *b)
{
	const struct fanout_data *d = b->data;
	struct fanout_get g = {.body_bytes = (size_t)bench_param(b, "body_bytes")};
	uint64_t gets = (uint64_t)bench_param(b, "gets");
	struct fanout_count count = {0};
	int fd, status = 0;

	g.buffer = malloc(fanout_buffer_bytes(g.body_bytes));
	if (!g.buffer)
		return bench_fail(b, -ENOMEM, "out of memory for an answer");
	fd = backend_connect(b, &d->backend);
	if (fd < 0) {
		free(g.buffer);
		return fd;
	}
	bench_begin(b);
	for (uint64_t op = 0; op < b->ops && status == 0; op++) {
		for (uint64_t i = 0; i < gets && status == 0; i++)
			status = get(fd, &g, op * gets + i, &count);
		count.ops += status == 0;
	}
	bench_end(b);
	close(fd);
	free(g.buffer);
	fanout_certify(b, &count);
	return status < 0 ? bench_fail(b, status, "an operation failed: %s", strerror(-status)) : 0;
}

static const char *unsupported(const struct bench *b)
{
	return bench_param(b, "in_flight") > 1 ? "sequential: one operation at a time" : NULL;
}

const struct bench_body net_fanout_serial = {.run = run_fanout, .unsupported = unsupported};
