/*
 * net/echo on libuv: a stream per connection that sends back what it reads.
 */
#include "models/reference/libuv/tcp.h"
#include "workloads/net/echo/echo.h"

static int run_echo(struct bench *b)
{
	return lv_serve_echo(b, ECHO_BUFFER, echo_certify);
}

const struct bench_body net_echo_evented = {.run = run_echo};
