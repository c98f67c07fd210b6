/*
 * net/http on libuv: a stream per connection.
 */
#include "models/reference/libuv/http.h"
#include "workloads/net/http/http.h"

static int run_http(struct bench *b)
{
	const struct lv_server like = {.connection_bytes = sizeof(struct lv_http), .certify = http_certify};
	struct http_data *d = b->data;

	return lv_serve_http(b, d->listeners, &like);
}

const struct bench_body net_http_evented = {.run = run_http};
