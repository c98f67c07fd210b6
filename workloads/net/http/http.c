/*
 * net/http - an HTTP/1.1 server with keep-alive that answers every GET request with the same bytes.
 *
 * The server parses each request whole (parser.h), and writes an answer that setup() has made: a head, and a body of
 * body_bytes. Requests may come in pieces, and several at a time (pipelining): they are answered in their order, one
 * write each. A request that is not understood, or that brings a body, is answered 4xx or 5xx, and the connection ended.
 * So a real client can drive the server: scripts/http_server starts one for wrk, curl or a browser.
 *
 * The load generator sends requests of request_bytes and compares each answer. With a rate it sends when a request is
 * due (an open loop). As in net/echo, begin, end and latency are its own.
 *
 * Rejected: an answer with a Date field, which would be formatting text once a second in one body and per request in
 * another; writev of head and body, which Go's servers do not do for small answers either.
 */
#include "workloads/net/http/http.h"
#include "workloads/net/http_server.h"

enum { PARAM_CONNECTIONS, PARAM_REQUEST_BYTES, PARAM_BODY_BYTES, PARAM_RATE, PARAM_LOAD };

static const struct bench_param params[] = {
	[PARAM_CONNECTIONS] = {.name = "connections",
			       .unit = "connections",
			       .help = "held open at one time",
			       .dflt = 64,
			       .min = 1,
			       .max = 10000,
			       .smoke = 4},
	[PARAM_REQUEST_BYTES] = {.name = "request_bytes",
				 .unit = "bytes",
				 .help = "a request, its empty line included",
				 .dflt = 128,
				 .min = 64,
				 .max = 8192,
				 .smoke = 100},
	[PARAM_BODY_BYTES] = {.name = "body_bytes",
			      .unit = "bytes",
			      .help = "the body of an answer",
			      .dflt = 128,
			      .min = 0,
			      .max = 1048576,
			      .smoke = 128},
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

static int http_setup(struct bench *b)
{
	struct http_data *d = malloc(sizeof *d);
	int status;

	if (!d)
		return bench_fail(b, -ENOMEM, "out of memory");
	status = http_open(b, d, (uint64_t)b->param[PARAM_CONNECTIONS], (uint64_t)b->param[PARAM_BODY_BYTES]);
	if (status < 0) {
		free(d);
		return status;
	}
	b->data = d;
	return 0;
}

static void http_teardown(struct bench *b)
{
	if (!b->data)
		return;
	http_close(b->data);
	free(b->data);
	b->data = NULL;
}

static void http_certificate(const struct bench *b, struct bench_cert *out)
{
	http_expect(b, (uint64_t)b->param[PARAM_CONNECTIONS], (uint64_t)b->param[PARAM_REQUEST_BYTES],
		    (uint64_t)b->param[PARAM_BODY_BYTES], out);
}

static void http_load(const struct bench *b, struct bench_load *out)
{
	out->protocol = "http";
	out->connections = (uint64_t)b->param[PARAM_CONNECTIONS];
	out->message_bytes = (uint64_t)b->param[PARAM_REQUEST_BYTES];
	out->response_bytes = (uint64_t)b->param[PARAM_BODY_BYTES];
	out->rate = (uint64_t)b->param[PARAM_RATE];
}

const struct bench_workload net_http_workload = {
	.name = "net/http",
	.version = 1,
	.summary = "an HTTP/1.1 server on loopback, with keep-alive",
	.op = "one request: read, parsed, and answered",
	.fairness = "Parser, answer, socket options and buffer size are the same code and bytes for every "
		    "body: what differs is how a connection waits. A direct connection is a task that blocks "
		    "in read and write; an evented one is a record that keeps the parser and how many bytes "
		    "of an answer are left. Each reads once for a request that comes whole, and writes once; "
		    "a direct model on a poller asks again when there is nothing, one failing read more per "
		    "request, and a thread sleeps in the read itself. The load generator takes CPU time of "
		    "the same machine: compare CPU time per request. The serial body serves one connection "
		    "at a time. Of several loops (eventloop+loops=N) each has a thread and a socket of its "
		    "own; the kernel gives each connection to one of them by a hash, however busy that one "
		    "is, so with few connections some may idle. subject-go serves by the standard library's "
		    "net/http, as one does in Go: a server that can do far more, and does more for each "
		    "request.",
	.scaling = BENCH_SERVER,
	.metric = BENCH_CPU_PER_OP,
	.loops = true,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.setup = http_setup,
	.teardown = http_teardown,
	.expect = http_certificate,
	.load = http_load,
	.knee = {.percent = "load_percent", .rate = "rate"},
};
