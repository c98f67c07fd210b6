/*
 * net/fanout - a client that puts its page together from several answers of a slow server.
 *
 * An operation makes `gets` GET requests at the same time and waits for all answers, as a web service does that asks
 * others. Nearly all of it is waiting: what the models differ in is what it costs to have that many waits. `in_flight`
 * operations go on at one time, each with connections of its own, which are made before the region and kept.
 *
 * The backend is a process of its own (backend.h) on the same CPUs, and answers after delay_ms. Its CPU time is not in the
 * metric, but in the wall time.
 *
 * Rejected: a connection per request, which is net/churn from the other side. A server under load that asks a backend:
 * three processes on the CPUs and two things measured in one.
 * Known: samples that count perf events count the backend's too, because it is a child of the subject.
 */
#include <stdlib.h>

#include "workloads/net/fanout/fanout.h"

enum { PARAM_IN_FLIGHT, PARAM_GETS, PARAM_DELAY_MS, PARAM_BODY_BYTES };

enum { MAX_CONNECTIONS = 8192 }; /* in_flight * gets: what the backend's backlog takes twice; arbitrary */

static const struct bench_param params[] = {
	[PARAM_IN_FLIGHT] = {.name = "in_flight",
			     .unit = "operations",
			     .help = "at one time",
			     .dflt = 8,
			     .min = 1,
			     .max = 1000,
			     .smoke = 3},
	[PARAM_GETS] = {.name = "gets",
			.unit = "requests",
			.help = "that an operation makes at the same time",
			.dflt = 8,
			.min = 1,
			.max = 1000,
			.smoke = 4},
	[PARAM_DELAY_MS] = {.name = "delay_ms",
			    .unit = "ms",
			    .help = "that the backend waits before it answers",
			    .dflt = 5,
			    .min = 0,
			    .max = 1000,
			    .smoke = 1},
	[PARAM_BODY_BYTES] = {.name = "body_bytes",
			      .unit = "bytes",
			      .help = "the body of an answer",
			      .dflt = 1024,
			      .min = 1,
			      .max = 65536,
			      .smoke = 100},
};

static int fanout_setup(struct bench *b)
{
	uint64_t connections = (uint64_t)(b->param[PARAM_IN_FLIGHT] * b->param[PARAM_GETS]);
	struct fanout_data *d;
	int status;

	if (connections > MAX_CONNECTIONS)
		return bench_fail(b, -EINVAL,
				  "%lld operations of %lld requests need %llu connections, and %d is the most",
				  (long long)b->param[PARAM_IN_FLIGHT], (long long)b->param[PARAM_GETS],
				  (unsigned long long)connections, (int)MAX_CONNECTIONS);
	d = calloc(1, sizeof *d);
	if (!d)
		return bench_fail(b, -ENOMEM, "out of memory");
	status = backend_start(b, connections, (uint64_t)b->param[PARAM_DELAY_MS] * 1000000,
			       (size_t)b->param[PARAM_BODY_BYTES], &d->backend);
	if (status < 0) {
		free(d);
		return status;
	}
	b->helper_pid = d->backend.pid;
	b->data = d;
	return 0;
}

static void fanout_teardown(struct bench *b)
{
	struct fanout_data *d = b->data;

	if (!d)
		return;
	b->helper_pid = 0;
	backend_stop(&d->backend);
	free(d);
	b->data = NULL;
}

void fanout_certify(struct bench *b, const struct fanout_count *c)
{
	b->cert = (struct bench_cert){.ops = c->ops,
				      .units = c->gets,
				      .messages = c->answers,
				      .bytes_read = c->bytes_read,
				      .bytes_written = c->bytes_written,
				      .checksum = c->checksum};
}

static void fanout_expect(const struct bench *b, struct bench_cert *out)
{
	size_t body_bytes = (size_t)b->param[PARAM_BODY_BYTES];
	uint64_t gets = b->ops * (uint64_t)b->param[PARAM_GETS];
	char head[BACKEND_HEAD_MAX];

	*out = (struct bench_cert){.ops = b->ops,
				   .units = gets,
				   .messages = gets,
				   .bytes_read = gets * (backend_head(head, body_bytes) + body_bytes),
				   .bytes_written = gets * FANOUT_REQUEST_BYTES};
	for (uint64_t i = 0; i < gets; i++)
		out->checksum += backend_sum_of(i, body_bytes) * (2 * i + 1);
}

const struct bench_workload net_fanout_workload = {
	.name = "net/fanout",
	.version = 1,
	.summary = "an HTTP client that makes several requests at a time to a slow server",
	.op = "one group of GET requests, made at the same time, and all their answers",
	.fairness =
		"Connections, requests, buffers, the check of an answer and the backend are the same for every body, "
		"and each answer costs one send and, where it comes in one piece, one receive. A direct body has a "
		"task "
		"for each request, as one writes it with goroutines or threads: creating and joining them is a part of "
		"the operation, and dear where a task is a thread. The evented body has a record per connection, which "
		"it had before: it creates nothing. A direct model on a poller may try to read before there is "
		"something, which is one call more. The backend runs on the same CPUs: its work is in the wall time "
		"of every model, not in the CPU time. The serial body makes one request after the other.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_CPU_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 10,
	.setup = fanout_setup,
	.teardown = fanout_teardown,
	.expect = fanout_expect,
};
