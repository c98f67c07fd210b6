/*
 * net/echo in the blocking style: a task per connection, which reads and writes.
 */
#include "workloads/net/echo/echo.h"
#include "workloads/net/tcp_direct.h"

static int run_echo(struct bench *b)
{
	struct tcp_totals totals;
	int status = tcp_serve_direct(b, b->data, ECHO_BUFFER, tcp_echo, &totals);

	echo_certify(b, &totals);
	return status;
}

const struct bench_body net_echo_direct = {.run = run_echo};
