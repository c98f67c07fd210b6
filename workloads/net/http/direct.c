/*
 * net/http in the blocking style: a task per connection.
 */
#include "workloads/net/http/http.h"
#include "workloads/net/http_direct.h"

static int serve(struct tcp_connection *c)
{
	return http_serve(c, NULL);
}

static int run_http(struct bench *b)
{
	struct http_data *d = b->data;
	struct tcp_totals totals;
	int status = tcp_serve_direct(b, d->listeners, HTTP_BUFFER, serve, &totals);

	http_certify(b, &totals);
	return status;
}

const struct bench_body net_http_direct = {.run = run_http};
