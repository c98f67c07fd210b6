/*
 * net/churn on libuv: a stream per connection, and so per request.
 */
#include "models/reference/libuv/tcp.h"
#include "workloads/net/churn/churn.h"

static int run_churn(struct bench *b)
{
	return lv_serve_echo(b, CHURN_BUFFER, churn_certify);
}

const struct bench_body net_churn_evented = {.run = run_churn};
