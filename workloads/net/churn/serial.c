/*
 * net/churn with nothing but blocking calls: one connection after the other, which is all that a client needs here.
 */
#include "workloads/net/churn/churn.h"
#include "workloads/net/tcp_serial.h"

static int serve(struct bench *b, int fd, struct tcp_totals *t)
{
	char buffer[CHURN_BUFFER];

	(void)b;
	return tcp_echo_serial(fd, buffer, sizeof buffer, t);
}

static int run_churn(struct bench *b)
{
	struct tcp_totals totals;
	int status = tcp_serve_serial(b, b->data, serve, &totals);

	churn_certify(b, &totals);
	return status;
}

const struct bench_body net_churn_serial = {.run = run_churn};
