/*
 * net/http with nothing but blocking calls.
 */
#include "workloads/net/http/http.h"
#include "workloads/net/http_serial.h"

static int serve(struct bench *b, int fd, struct tcp_totals *t)
{
	return http_serve(b, fd, t, NULL);
}

static int run_http(struct bench *b)
{
	struct http_data *d = b->data;
	struct tcp_totals totals;
	int status = tcp_serve_serial(b, d->listeners, serve, &totals);

	http_certify(b, &totals);
	return status;
}

const struct bench_body net_http_serial = {.unsupported = tcp_one_at_a_time, .run = run_http};
