/*
 * net/churn in the callback style: a record per connection, and so per request.
 */
#include "workloads/net/churn/churn.h"
#include "workloads/net/tcp_echo_evented.h"

static int run_churn(struct bench *b)
{
	const struct tcp_server like = {.connection_bytes = sizeof(struct tcp_echo_connection) + CHURN_BUFFER,
					.zeroed_bytes = sizeof(struct tcp_echo_connection),
					.ready = tcp_echo_ready,
					.certify = churn_certify};

	return tcp_serve_evented(b, b->data, &like);
}

const struct bench_body net_churn_evented = {.run = run_churn};
