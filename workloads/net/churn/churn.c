/*
 * net/churn - a TCP server whose clients come for one message each.
 *
 * The load generator connects, sends message_bytes, reads them back and closes; then it connects again. The server
 * accepts, makes what the model has for a connection (a task, a record), sends back what it reads until the end of the
 * stream, and closes. So this is what a connection costs, beside net/echo, where one lasts. `clients` of them are under
 * way at a time. The client closes first: TIME_WAIT is at its addresses, which vary over 127.0.0.0/8.
 *
 * The buffer is small, so that its allocation is not what is measured.
 */
#include <stdlib.h>

#include "workloads/net/churn/churn.h"

enum { PARAM_CLIENTS, PARAM_MESSAGE_BYTES, PARAM_RATE };

static const struct bench_param params[] = {
	[PARAM_CLIENTS] = {.name = "clients",
			   .unit = "clients",
			   .help = "that connect, ask once and close, over and over",
			   .dflt = 16,
			   .min = 1,
			   .max = 1000,
			   .smoke = 4},
	[PARAM_MESSAGE_BYTES] = {.name = "message_bytes",
				 .unit = "bytes",
				 .help = "a request, and its answer",
				 .dflt = 64,
				 .min = 1,
				 .max = 65536,
				 .smoke = 64},
	[PARAM_RATE] = {.name = "rate",
			.unit = "connections/s",
			.help = "of an open loop, latency counted from when a connection was due; 0: a closed loop",
			.dflt = 0,
			.min = 0,
			.max = 1000000,
			.smoke = 0},
};

static int churn_setup(struct bench *b)
{
	return tcp_setup(b, 2 * (uint64_t)b->param[PARAM_CLIENTS]);
}

void churn_certify(struct bench *b, const struct tcp_totals *t)
{
	tcp_certify_messages(b, t, (uint64_t)b->param[PARAM_MESSAGE_BYTES]);
}

static void churn_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t bytes = b->ops * (uint64_t)b->param[PARAM_MESSAGE_BYTES];

	*out = (struct bench_cert){.ops = b->ops, .units = b->ops, .bytes_read = bytes, .bytes_written = bytes};
}

static void churn_load(const struct bench *b, struct bench_load *out)
{
	out->connections = (uint64_t)b->param[PARAM_CLIENTS];
	out->message_bytes = (uint64_t)b->param[PARAM_MESSAGE_BYTES];
	out->rate = (uint64_t)b->param[PARAM_RATE];
	out->reconnects = true;
}

const struct bench_workload net_churn_workload = {
	.name = "net/churn",
	.version = 1,
	.summary = "a TCP server on loopback with a connection per request",
	.op = "one connection: accepted, one message sent back, closed",
	.fairness = "Socket options, buffer size and load are the same for every body, and each connection "
		    "has one allocation, with its buffer. Per connection each body makes one accept, one "
		    "read, one write, one read of the end, and one close. A model on a poller registers the "
		    "descriptor as well, one call more; a direct one tries to read and to accept before it "
		    "waits, and asks again after a failure. A thread per connection is created, and ends. "
		    "The load generator takes CPU time of the same machine, for connecting more than the "
		    "server for accepting: compare CPU time per connection. The serial body takes the "
		    "connections one after the other. Of several loops (eventloop+loops=N) each has a thread "
		    "and a socket of its own; the kernel gives each connection to one of them by a hash, "
		    "however busy that one is, so with few connections some may idle.",
	.scaling = BENCH_SERVER,
	.metric = BENCH_CPU_PER_OP,
	.pool_tasks = 2, /* one watches for the end */
	.loops = true,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.setup = churn_setup,
	.teardown = net_teardown,
	.expect = churn_expect,
	.load = churn_load,
};
