/*
 * http_direct.h - an HTTP server in the blocking style: a task per connection reads, parses, works and writes.
 */
#ifndef NET_HTTP_DIRECT_H
#define NET_HTTP_DIRECT_H

#include "workloads/net/http_server.h"
#include "workloads/net/tcp_direct.h"

static inline int http_write(struct tcp_connection *c, const char *bytes, size_t n)
{
	ssize_t put = dx_sock_write(&c->sock, bytes, n);

	if (put < 0)
		return (int)put;
	c->bytes_written += (uint64_t)put;
	return 0;
}

/* Answer the requests that end in these bytes. 1: the connection is to end, 0: go on, or -errno. */
static inline int http_answer(struct tcp_connection *c, struct http_parser *p, const char *bytes, size_t n,
			      void (*work)(struct tcp_connection *c))
{
	const struct http_data *d = c->server->b->data;
	size_t at = 0, used;
	int status = 0;

	while (at < n && status == 0) {
		enum http_result result = http_parse(p, bytes + at, n - at, &used);

		at += used;
		if (result == HTTP_REFUSED) {
			const char *text = http_refusal(p->status);

			status = http_write(c, text, strlen(text));
			return status < 0 ? status : 1;
		}
		if (result == HTTP_REQUEST) {
			if (work)
				work(c);
			status = http_write(c, d->answer, d->answer_bytes);
			c->ops += status == 0;
			if (status == 0 && p->closes)
				return 1;
		}
	}
	return status;
}

/* Serve a connection until its end, for tcp_serve_direct: 0 or -errno. `work`: what a request needs before it is answered. */
static inline int http_serve(struct tcp_connection *c, void (*work)(struct tcp_connection *c))
{
	struct http_parser p = {0};
	ssize_t n;
	int status = 0;

	while (status == 0 && (n = dx_sock_read(&c->sock, c->buffer, HTTP_BUFFER)) != 0) {
		if (n < 0)
			return (int)n;
		c->bytes_read += (uint64_t)n;
		status = http_answer(c, &p, c->buffer, (size_t)n, work);
	}
	return status < 0 ? status : 0;
}

#endif
