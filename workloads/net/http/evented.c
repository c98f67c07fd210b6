/*
 * net/http in the callback style: a record per connection.
 */
#include "workloads/net/http/http.h"
#include "workloads/net/http_evented.h"

static int ready(struct tcp_connection *c)
{
	return http_ready(c, NULL);
}

static int run_http(struct bench *b)
{
	const struct tcp_server like = {.connection_bytes = sizeof(struct http_connection),
					.zeroed_bytes = HTTP_ZEROED,
					.ready = ready,
					.certify = http_certify};
	struct http_data *d = b->data;

	return tcp_serve_evented(b, d->listeners, &like);
}

const struct bench_body net_http_evented = {.run = run_http};
