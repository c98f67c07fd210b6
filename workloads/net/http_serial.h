/*
 * http_serial.h - an HTTP server with nothing but blocking calls.
 */
#ifndef NET_HTTP_SERIAL_H
#define NET_HTTP_SERIAL_H

#include "workloads/net/http_server.h"
#include "workloads/net/tcp_serial.h"

/* Answer the requests that end in these bytes. 1: the connection is to end, 0: go on, or -errno. */
static inline int http_answer(struct bench *b, int fd, struct http_parser *p, const char *bytes, size_t n,
			      struct tcp_totals *t, void (*work)(struct bench *b))
{
	const struct http_data *d = b->data;
	size_t at = 0, used;
	int status = 0;

	while (at < n && status == 0) {
		enum http_result result = http_parse(p, bytes + at, n - at, &used);

		at += used;
		if (result == HTTP_REFUSED) {
			const char *text = http_refusal(p->status);

			status = tcp_write_all(fd, text, strlen(text), t);
			return status < 0 ? status : 1;
		}
		if (result == HTTP_REQUEST) {
			if (work)
				work(b);
			status = tcp_write_all(fd, d->answer, d->answer_bytes, t);
			t->ops += status == 0;
			if (status == 0 && p->closes)
				return 1;
		}
	}
	return status;
}

/* Serve a connection until its end, for tcp_serve_serial: 0 or -errno. `work`: what a request needs before it is answered. */
static inline int http_serve(struct bench *b, int fd, struct tcp_totals *t, void (*work)(struct bench *b))
{
	char buffer[HTTP_BUFFER];
	struct http_parser p = {0};
	ssize_t n;
	int status = 0;

	while (status == 0 && (n = tcp_read(fd, buffer, sizeof buffer, t)) != 0) {
		if (n < 0)
			return (int)n;
		status = http_answer(b, fd, &p, buffer, (size_t)n, t, work);
	}
	return status < 0 ? status : 0;
}

#endif
