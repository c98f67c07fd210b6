/*
 * net/idle in the callback style: a record per connection; most are never called.
 */
#include "workloads/net/idle/idle.h"
#include "workloads/net/tcp_echo_evented.h"

static int run_idle(struct bench *b)
{
	const struct tcp_server like = {.connection_bytes = sizeof(struct tcp_echo_connection) + IDLE_BUFFER,
					.zeroed_bytes = sizeof(struct tcp_echo_connection),
					.ready = tcp_echo_ready,
					.certify = idle_certify};

	return tcp_serve_evented(b, b->data, &like);
}

const struct bench_body net_idle_evented = {.run = run_idle};
