/*
 * net/idle in the blocking style: a task per connection; most of them are blocked in a read.
 */
#include "workloads/net/idle/idle.h"
#include "workloads/net/tcp_direct.h"

static int run_idle(struct bench *b)
{
	struct tcp_totals totals;
	int status = tcp_serve_direct(b, b->data, IDLE_BUFFER, tcp_echo, &totals);

	idle_certify(b, &totals);
	return status;
}

const struct bench_body net_idle_direct = {.run = run_idle};
