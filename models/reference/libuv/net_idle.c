/*
 * net/idle on libuv: a stream per connection; most are never called.
 */
#include "models/reference/libuv/tcp.h"
#include "workloads/net/idle/idle.h"

static int run_idle(struct bench *b)
{
	return lv_serve_echo(b, IDLE_BUFFER, idle_certify);
}

const struct bench_body net_idle_evented = {.run = run_idle};
