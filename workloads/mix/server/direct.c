/*
 * mix/server in the blocking style: a task per connection, which does one thing after the other.
 */
#include "workloads/mix/server/server.h"
#include "workloads/net/http_direct.h"

/* Of its own, because it may be long: it is where a model may have to interrupt a task. */
static DX_PREEMPTIBLE uint64_t compute(uint64_t x, uint64_t steps)
{
	return steps_work(x, steps);
}

static void work(struct tcp_connection *c)
{
	struct bench *b = c->server->b;
	struct server_data *d = b->data;
	uint64_t request = server_begin(d);

	server_add(server_part_of(b), compute(request, d->steps));
	if (d->wait_ns)
		dx_sleep_ns(d->wait_ns);
	if (server_blocks(d, request))
		dx_call_blocking(server_block, server_part_of(b));
}

static int serve(struct tcp_connection *c)
{
	return http_serve(c, work);
}

static int run_server(struct bench *b)
{
	struct server_data *d = b->data;
	struct tcp_totals totals;
	int status = tcp_serve_direct(b, d->http.listeners, HTTP_BUFFER, serve, &totals);

	server_certify(b, &totals);
	return status;
}

const struct bench_body mix_server_direct = {.run = run_server};
