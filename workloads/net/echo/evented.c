/*
 * net/echo in the callback style: a record per connection, called when there is something to read, or room for what
 * could not be written.
 */
#include "workloads/net/echo/echo.h"
#include "workloads/net/tcp_echo_evented.h"

static int run_echo(struct bench *b)
{
	const struct tcp_server like = {.connection_bytes = sizeof(struct tcp_echo_connection) + ECHO_BUFFER,
					.zeroed_bytes = sizeof(struct tcp_echo_connection),
					.ready = tcp_echo_ready,
					.certify = echo_certify};

	return tcp_serve_evented(b, b->data, &like);
}

const struct bench_body net_echo_evented = {.run = run_echo};
