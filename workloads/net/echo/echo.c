/*
 * net/echo - a TCP server that sends back what it receives.
 *
 * The load generator, a process of its own, holds `connections` connections and sends messages of message_bytes on
 * them; it waits for each message to come back whole before it sends the next on that connection. With a rate it sends
 * when a message is due (an open loop). The server knows nothing of messages: it reads what there is (up to ECHO_BUFFER
 * bytes), writes it back, and ends a connection at its end of stream. Begin, end and latency are the load generator's;
 * the bodies call neither bench_begin nor bench_end.
 *
 * The certificate covers the life of the server, warm-up included: requests are the bytes read over message_bytes.
 */
#include <stdlib.h>

#include "workloads/net/echo/echo.h"

enum { PARAM_CONNECTIONS, PARAM_MESSAGE_BYTES, PARAM_RATE, PARAM_LOAD };

static const struct bench_param params[] = {
	[PARAM_CONNECTIONS] = {.name = "connections",
			       .unit = "connections",
			       .help = "held open at one time",
			       .dflt = 64,
			       .min = 1,
			       .max = 10000,
			       .smoke = 4},
	[PARAM_MESSAGE_BYTES] = {.name = "message_bytes",
				 .unit = "bytes",
				 .help = "a request, and its answer",
				 .dflt = 64,
				 .min = 1,
				 .max = 65536,
				 .smoke = 64},
	[PARAM_RATE] = {.name = "rate",
			.unit = "requests/s",
			.help = "of an open loop, latency counted from when a request was due; 0: a closed loop",
			.dflt = 0,
			.min = 0,
			.max = 10000000,
			.smoke = 0},
	[PARAM_LOAD] =
		{.name = "load_percent",
		 .unit = "%",
		 .help = "of the knee of the cell's slowest subject, in an open loop, where rate is 0; 0: not so",
		 .dflt = 0,
		 .min = 0,
		 .max = 1000,
		 .smoke = 0},
};

static int echo_setup(struct bench *b)
{
	return tcp_setup(b, (uint64_t)b->param[PARAM_CONNECTIONS]);
}

void echo_certify(struct bench *b, const struct tcp_totals *t)
{
	tcp_certify_messages(b, t, (uint64_t)b->param[PARAM_MESSAGE_BYTES]);
}

static void echo_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t bytes = b->ops * (uint64_t)b->param[PARAM_MESSAGE_BYTES];

	*out = (struct bench_cert){.ops = b->ops,
				   .units = (uint64_t)b->param[PARAM_CONNECTIONS],
				   .bytes_read = bytes,
				   .bytes_written = bytes};
}

static void echo_load(const struct bench *b, struct bench_load *out)
{
	out->connections = (uint64_t)b->param[PARAM_CONNECTIONS];
	out->message_bytes = (uint64_t)b->param[PARAM_MESSAGE_BYTES];
	out->rate = (uint64_t)b->param[PARAM_RATE];
}

const struct bench_workload net_echo_workload = {
	.name = "net/echo",
	.version = 1,
	.summary = "a TCP server on loopback that sends back what it receives",
	.op = "one request: message_bytes received and sent back",
	.fairness = "Socket options, buffer size and load are the same for every body, and each buffer is on "
		    "the heap. A direct connection is a task that blocks in read and write; an evented one "
		    "is a record that keeps what could not be written yet. The evented body makes one read "
		    "and one write per readiness and is told when to; a direct model on a poller tries first "
		    "and asks the poller when there is nothing, one failing read more per request; a thread "
		    "sleeps in the read itself. The load generator takes CPU time of the same machine: "
		    "compare CPU time per request. The serial body serves one connection at a time. Of "
		    "several loops (eventloop+loops=N) each has a thread and a socket of its own; the kernel "
		    "gives each connection to one of them by a hash, however busy that one is, so with few "
		    "connections some may idle.",
	.scaling = BENCH_SERVER,
	.metric = BENCH_CPU_PER_OP,
	.loops = true,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.setup = echo_setup,
	.teardown = net_teardown,
	.expect = echo_expect,
	.load = echo_load,
	.knee = {.percent = "load_percent", .rate = "rate"},
};
