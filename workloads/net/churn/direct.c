/*
 * net/churn in the blocking style: a task per connection, and so per request.
 */
#include "workloads/net/churn/churn.h"
#include "workloads/net/tcp_direct.h"

static int run_churn(struct bench *b)
{
	struct tcp_totals totals;
	int status = tcp_serve_direct(b, b->data, CHURN_BUFFER, tcp_echo, &totals);

	churn_certify(b, &totals);
	return status;
}

const struct bench_body net_churn_direct = {.run = run_churn};
