/*
 * net/echo with nothing but blocking calls: one connection is served to its end before the next is accepted.
 */
#include "workloads/net/echo/echo.h"
#include "workloads/net/tcp_serial.h"

/* static: a server is run once, and this is too much for a stack */
static char buffer[ECHO_BUFFER];

static int serve(struct bench *b, int fd, struct tcp_totals *t)
{
	(void)b;
	return tcp_echo_serial(fd, buffer, sizeof buffer, t);
}

static int run_echo(struct bench *b)
{
	struct tcp_totals totals;
	int status = tcp_serve_serial(b, b->data, serve, &totals);

	echo_certify(b, &totals);
	return status;
}

const struct bench_body net_echo_serial = {.unsupported = tcp_one_at_a_time, .run = run_echo};
