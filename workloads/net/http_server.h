/*
 * http_server.h - what HTTP servers share besides a model: the listening socket and the answer, made by setup(), and what
 * a run must have done. How a connection is served is in http_direct.h, http_evented.h and http_serial.h.
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include <stdio.h>
#include <stdlib.h>

#include "workloads/net/http/parser.h"
#include "workloads/net/tcp.h"

/* Bytes that a connection reads at most at one time, in every body. */
enum { HTTP_BUFFER = 4096 };

/* What b->data points to: the workload's own data may follow it. */
struct http_data {
	struct net_sockets *listeners;
	size_t answer_bytes;
	char *answer; /* head and body of every answer 200; immutable */
};

/* Write the head of the answers to bodies of so many bytes: its length. */
static inline size_t http_write_head(char *out, size_t cap, uint64_t body_bytes)
{
	return (size_t)snprintf(out, cap, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %llu\r\n\r\n",
				(unsigned long long)body_bytes);
}

/* 0, or -errno with b->why and nothing left. */
static inline int http_open(struct bench *b, struct http_data *d, uint64_t connections, uint64_t body_bytes)
{
	char head[128];
	size_t n = http_write_head(head, sizeof head, body_bytes);
	int status;

	d->answer_bytes = n + body_bytes;
	d->answer = malloc(d->answer_bytes);
	if (!d->answer)
		return bench_fail(b, -ENOMEM, "out of memory for an answer of %zu bytes", d->answer_bytes);
	memcpy(d->answer, head, n);
	for (size_t i = 0; i < body_bytes; i++) /* the pattern that the load generator expects */
		d->answer[n + i] = (char)('a' + i % 26);
	status = tcp_listen_all(b, connections, &d->listeners);
	if (status < 0) {
		free(d->answer);
		return status;
	}
	return 0;
}

static inline void http_close(struct http_data *d)
{
	net_close_all(d->listeners);
	free(d->answer);
}

/* An operation is a request that was answered 200. */
static inline void http_certify(struct bench *b, const struct tcp_totals *t)
{
	b->cert = (struct bench_cert){
		.ops = t->ops, .units = t->connections, .bytes_read = t->bytes_read, .bytes_written = t->bytes_written};
}

static inline void http_expect(const struct bench *b, uint64_t connections, uint64_t request_bytes, uint64_t body_bytes,
			       struct bench_cert *out)
{
	char head[128];

	*out = (struct bench_cert){.ops = b->ops,
				   .units = connections,
				   .bytes_read = b->ops * request_bytes,
				   .bytes_written =
					   b->ops * (http_write_head(head, sizeof head, body_bytes) + body_bytes)};
}

#endif
