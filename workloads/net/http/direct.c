/*
 * net/http in the blocking style: a task per connection reads, parses and writes.
 */
#include "workloads/net/http/http.h"
#include "workloads/net/tcp_direct.h"

static int write_bytes(struct tcp_connection *c, const char *bytes, size_t n)
{
	ssize_t put = dx_sock_write(&c->sock, bytes, n);

	if (put < 0)
		return (int)put;
	c->bytes_written += (uint64_t)put;
	return 0;
}

/* Answer the requests that end in these bytes. 1: the connection is to end, 0: go on, or -errno. */
static int answer(struct tcp_connection *c, struct http_parser *p, const char *bytes, size_t n)
{
	const struct http_data *d = c->server->b->data;
	size_t at = 0, used;
	int status = 0;

	while (at < n && status == 0) {
		enum http_result result = http_parse(p, bytes + at, n - at, &used);

		at += used;
		if (result == HTTP_REFUSED) {
			const char *text = http_refusal(p->status);

			status = write_bytes(c, text, strlen(text));
			return status < 0 ? status : 1;
		}
		if (result == HTTP_REQUEST) {
			status = write_bytes(c, d->answer, d->answer_bytes);
			c->ops += status == 0;
			if (status == 0 && p->closes)
				return 1;
		}
	}
	return status;
}

static int serve(struct tcp_connection *c)
{
	struct http_parser p = {0};
	ssize_t n;
	int status = 0;

	while (status == 0 && (n = dx_sock_read(&c->sock, c->buffer, HTTP_BUFFER)) != 0) {
		if (n < 0)
			return (int)n;
		c->bytes_read += (uint64_t)n;
		status = answer(c, &p, c->buffer, (size_t)n);
	}
	return status < 0 ? status : 0;
}

static int run_http(struct bench *b)
{
	struct http_data *d = b->data;
	struct tcp_totals totals;
	int status = tcp_serve_direct(b, &d->listen_fd, HTTP_BUFFER, serve, &totals);

	http_certify(b, &totals);
	return status;
}

const struct bench_body net_http_direct = {.run = run_http};
