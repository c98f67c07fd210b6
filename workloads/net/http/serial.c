/*
 * net/http with nothing but blocking calls.
 */
#include "workloads/net/http/http.h"
#include "workloads/net/tcp_serial.h"

/* Answer the requests that end in these bytes. 1: the connection is to end, 0: go on, or -errno. */
static int answer(struct bench *b, int fd, struct http_parser *p, const char *bytes, size_t n, struct tcp_totals *t)
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
			status = tcp_write_all(fd, d->answer, d->answer_bytes, t);
			t->ops += status == 0;
			if (status == 0 && p->closes)
				return 1;
		}
	}
	return status;
}

static int serve(struct bench *b, int fd, struct tcp_totals *t)
{
	char buffer[HTTP_BUFFER];
	struct http_parser p = {0};
	ssize_t n;
	int status = 0;

	while (status == 0 && (n = tcp_read(fd, buffer, sizeof buffer, t)) != 0) {
		if (n < 0)
			return (int)n;
		status = answer(b, fd, &p, buffer, (size_t)n, t);
	}
	return status < 0 ? status : 0;
}

static int run_http(struct bench *b)
{
	struct http_data *d = b->data;
	struct tcp_totals totals;
	int status = tcp_serve_serial(b, &d->listen_fd, serve, &totals);

	http_certify(b, &totals);
	return status;
}

const struct bench_body net_http_serial = {.unsupported = tcp_one_at_a_time, .run = run_http};
