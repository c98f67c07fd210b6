/*
 * net/idle with nothing but blocking calls: one connection, so none that is idle.
 */
#include "workloads/net/idle/idle.h"
#include "workloads/net/tcp_serial.h"

static int serve(struct bench *b, int fd, struct tcp_totals *t)
{
	char buffer[IDLE_BUFFER];

	(void)b;
	return tcp_echo_serial(fd, buffer, sizeof buffer, t);
}

static int run_idle(struct bench *b)
{
	struct tcp_totals totals;
	int status = tcp_serve_serial(b, b->data, serve, &totals);

	idle_certify(b, &totals);
	return status;
}

const struct bench_body net_idle_serial = {.unsupported = tcp_one_at_a_time, .run = run_idle};
