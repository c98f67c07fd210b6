/*
 * net/idle - a TCP server with many connections, of which few have anything to say.
 *
 * The load generator opens `connections`, has one message of message_bytes sent back on each, before the measurement,
 * and then uses the first `active` of them only. A server whose cost per request grows with the connections that it
 * merely holds (a list that is scanned, memory that falls out of the caches) shows it here: compare the same `active`
 * with few and with many connections.
 *
 * Both ends of the connections are on this machine: it holds 2 * connections sockets, in two processes.
 */
#include <stdlib.h>

#include "workloads/net/idle/idle.h"

enum { PARAM_CONNECTIONS, PARAM_ACTIVE, PARAM_MESSAGE_BYTES, PARAM_RATE };

static const struct bench_param params[] = {
	[PARAM_CONNECTIONS] = {.name = "connections",
			       .unit = "connections",
			       .help = "held open at one time",
			       .dflt = 1000,
			       .min = 1,
			       .max = 100000,
			       .smoke = 30},
	[PARAM_ACTIVE] = {.name = "active",
			  .unit = "connections",
			  .help = "of them, those that carry the load; more than there are: all",
			  .dflt = 16,
			  .min = 1,
			  .max = 10000,
			  .smoke = 2},
	[PARAM_MESSAGE_BYTES] = {.name = "message_bytes",
				 .unit = "bytes",
				 .help = "a request, and its answer",
				 .dflt = 64,
				 .min = 1,
				 .max = 4096,
				 .smoke = 64},
	[PARAM_RATE] = {.name = "rate",
			.unit = "requests/s",
			.help = "of an open loop, latency counted from when a request was due; 0: a closed loop",
			.dflt = 0,
			.min = 0,
			.max = 10000000,
			.smoke = 0},
};

static int idle_setup(struct bench *b)
{
	return tcp_setup(b, (uint64_t)b->param[PARAM_CONNECTIONS]);
}

void idle_certify(struct bench *b, const struct tcp_totals *t)
{
	tcp_certify_messages(b, t, (uint64_t)b->param[PARAM_MESSAGE_BYTES]);
}

static void idle_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t bytes = b->ops * (uint64_t)b->param[PARAM_MESSAGE_BYTES];

	*out = (struct bench_cert){.ops = b->ops,
				   .units = (uint64_t)b->param[PARAM_CONNECTIONS],
				   .bytes_read = bytes,
				   .bytes_written = bytes};
}

static void idle_load(const struct bench *b, struct bench_load *out)
{
	uint64_t active = (uint64_t)b->param[PARAM_ACTIVE];

	out->connections = (uint64_t)b->param[PARAM_CONNECTIONS];
	out->active = active < out->connections ? active : out->connections;
	out->message_bytes = (uint64_t)b->param[PARAM_MESSAGE_BYTES];
	out->rate = (uint64_t)b->param[PARAM_RATE];
}

const struct bench_workload net_idle_workload = {
	.name = "net/idle",
	.version = 1,
	.summary = "a TCP server on loopback with many connections, most of them idle",
	.op = "one request on an active connection: message_bytes received and sent back",
	.fairness = "Socket options, buffer size and load are the same for every body, and every connection, "
		    "idle or not, has its buffer, in one allocation with its record. What an idle connection "
		    "is differs, and is the point: a goroutine with a stack of its own, a thread with its "
		    "kernel part, or the record alone. The evented body is told when to read; a direct model "
		    "on a poller tries first, one failing read more per request; a thread sleeps in the read "
		    "itself. The load generator takes CPU time of the same machine: compare CPU time per "
		    "request. The serial body serves one connection at a time. Of several loops "
		    "(eventloop+loops=N) each has a thread and a socket of its own; the kernel gives each "
		    "connection to one of them by a hash, however busy that one is, so with few connections "
		    "some may idle.",
	.scaling = BENCH_SERVER,
	.metric = BENCH_CPU_PER_OP,
	.loops = true,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.setup = idle_setup,
	.teardown = net_teardown,
	.expect = idle_expect,
	.load = idle_load,
};
