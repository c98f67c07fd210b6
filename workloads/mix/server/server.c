/*
 * mix/server - a server whose requests do what those of real ones do: they are parsed, need some CPU time, wait for
 * somebody, and now and then make a call that blocks a thread.
 *
 * Each request is a GET of HTTP/1.1 on a connection that is kept. Before it is answered it takes cpu_us of CPU time, waits
 * wait_us (a backend's answer; the model's own timer stands for it), and block_share of 1000 requests make a call that
 * blocks for block_us and that no runtime can turn into waiting (a library that resolves a name, say: here it sleeps in
 * the kernel). Which requests these are follows from their order of arrival.
 *
 * Load comes in an open loop: requests are due at times that the server cannot move. load_percent says how many, as a percent
 * of the knee, which is what the server can do at all: the harness measures that first (harness/plan/knee.h). By load_of it is
 * the knee of the slowest subject of the cell, so that all models get the same requests at the same times and may be compared
 * (where the slower one is at 70 % at most), or each one's own, up to 110 % and beyond: a picture of how each collapses, in which
 * they have different loads and are not compared. Beyond the knee the queue grows for as long as the load lasts, and response
 * times with it: what they are there is a matter of the region's length. `rate` gives the load in requests per second instead, and
 * where both are 0 it is a closed loop: as fast as the connections can.
 *
 * A microsecond of cpu_us is SERVER_STEPS_PER_US steps of arithmetic, which is what a CPU at 2.4 GHz does in one: the work
 * is fixed, not the time that it takes, and a faster CPU has its knee higher. The kernel's work for a request and the load
 * generator's time for it are not scaled.
 *
 * The metric is CPU time per request; response times are reported beside it, and are what to look at here.
 */
#include "workloads/mix/server/server.h"

enum {
	PARAM_CONNECTIONS,
	PARAM_CPU_US,
	PARAM_WAIT_US,
	PARAM_BLOCK_SHARE,
	PARAM_BLOCK_US,
	PARAM_LOAD,
	PARAM_LOAD_OF,
	PARAM_RATE,
};

enum { REQUEST_BYTES = 128, BODY_BYTES = 128 };

static const char *const knees[] = {"slowest", "own", NULL};

static const struct bench_param params[] = {
	[PARAM_CONNECTIONS] = {.name = "connections",
			       .unit = "connections",
			       .help = "held open at one time: the most requests that can be under way",
			       .dflt = 128,
			       .min = 1,
			       .max = 10000,
			       .smoke = 8},
	[PARAM_CPU_US] = {.name = "cpu_us",
			  .unit = "us",
			  .help = "of CPU time per request, at 2.4 GHz",
			  .dflt = 50,
			  .min = 1,
			  .max = 1000000,
			  .smoke = 20},
	[PARAM_WAIT_US] = {.name = "wait_us",
			   .unit = "us",
			   .help = "that a request waits",
			   .dflt = 1000,
			   .min = 0,
			   .max = 1000000,
			   .smoke = 500},
	[PARAM_BLOCK_SHARE] = {.name = "block_share",
			       .unit = "per mille",
			       .help = "of the requests make a call that blocks",
			       .dflt = 10,
			       .min = 0,
			       .max = 1000,
			       .smoke = 100},
	[PARAM_BLOCK_US] = {.name = "block_us",
			    .unit = "us",
			    .help = "that such a call lasts",
			    .dflt = 5000,
			    .min = 1,
			    .max = 1000000,
			    .smoke = 1000},
	[PARAM_LOAD] = {.name = "load_percent",
			.unit = "%",
			.help = "of the knee that load_of names, in an open loop; 0: as rate says",
			.dflt = 30,
			.min = 0,
			.max = 1000,
			.smoke = 0},
	[PARAM_LOAD_OF] = {.name = "load_of",
			   .unit = "",
			   .help = "whose knee: the slowest subject's of the cell, or each one's own",
			   .kind = BENCH_CHOICE,
			   .choices = knees},
	[PARAM_RATE] = {.name = "rate",
			.unit = "requests/s",
			.help = "of an open loop, instead of load_percent; 0 and load_percent 0: a closed loop",
			.dflt = 0,
			.min = 0,
			.max = 10000000,
			.smoke = 0},
};

static int server_setup(struct bench *b)
{
	struct server_data *d = aligned_alloc(alignof(struct server_data), sizeof *d);
	struct server_part *parts = aligned_alloc(alignof(struct server_part), b->loops * sizeof *parts);
	int status = -ENOMEM;

	if (!d || !parts) {
		bench_fail(b, status, "out of memory");
		goto fail;
	}
	memset(d, 0, sizeof *d);
	memset(parts, 0, b->loops * sizeof *parts);
	status = http_open(b, &d->http, (uint64_t)b->param[PARAM_CONNECTIONS], BODY_BYTES);
	if (status < 0)
		goto fail;
	d->parts = parts;
	d->steps = (uint64_t)b->param[PARAM_CPU_US] * SERVER_STEPS_PER_US;
	d->wait_ns = (uint64_t)b->param[PARAM_WAIT_US] * 1000;
	d->block_share = (uint64_t)b->param[PARAM_BLOCK_SHARE];
	for (unsigned i = 0; i < b->loops; i++)
		parts[i].block_ns = (uint64_t)b->param[PARAM_BLOCK_US] * 1000;
	b->data = d;
	return 0;
fail:
	free(parts);
	free(d);
	return status;
}

static void server_teardown(struct bench *b)
{
	struct server_data *d = b->data;

	if (!d)
		return;
	http_close(&d->http);
	free(d->parts);
	free(d);
	b->data = NULL;
}

void server_certify(struct bench *b, const struct tcp_totals *totals)
{
	const struct server_part *p = server_part_of(b);

	http_certify(b, totals);
	b->cert.messages = atomic_load(&p->blocked);
	b->cert.checksum = atomic_load(&p->sum);
}

static void server_expect(const struct bench *b, struct bench_cert *out)
{
	http_expect(b, (uint64_t)b->param[PARAM_CONNECTIONS], REQUEST_BYTES, BODY_BYTES, out);
	out->messages = b->ops * (uint64_t)b->param[PARAM_BLOCK_SHARE] / SERVER_SHARE_UNIT;
	out->checksum = steps_sum((uint64_t)b->param[PARAM_CPU_US] * SERVER_STEPS_PER_US, b->ops);
}

static void server_load(const struct bench *b, struct bench_load *out)
{
	out->protocol = "http";
	out->connections = (uint64_t)b->param[PARAM_CONNECTIONS];
	out->message_bytes = REQUEST_BYTES;
	out->response_bytes = BODY_BYTES;
	out->rate = (uint64_t)b->param[PARAM_RATE];
}

const struct bench_workload mix_server_workload = {
	.name = "mix/server",
	.version = 2,
	.summary = "a server whose requests compute, wait, and sometimes block: latency under load",
	.op = "one request: read, parsed, worked on, waited for, and answered",
	.fairness =
		"Parser, computation, blocking call, answer and socket options are the same code and bytes in all "
		"bodies. With load_of=slowest the requests are due at the same times for all: as many as load_percent "
		"of the "
		"lowest of the measured knees, which are printed beside each other, so that a faster model has more in "
		"hand "
		"at the same load. With load_of=own each has a percent of its own knee: how its latency grows with its "
		"own "
		"utilisation, at rates that differ, so that nobody is judged against another. `rate` gives all an "
		"absolute "
		"one. A direct connection is a task that does one thing "
		"after the other: it sleeps for the wait, and makes the blocking call as its model has it (a goroutine "
		"hands its P on first: it is told beforehand that the call blocks, which saves it from finding out). "
		"An "
		"evented one computes in its callback, starts a timer (also for a wait of 0, where a direct "
		"connection does nothing and the loop turns once more), and gives the "
		"blocking "
		"call to the pool of threads that event loops keep for such calls: 4 of them, as in libuv, so that "
		"more "
		"than 4 blocked requests wait for a thread there and nowhere else. The event loop computes in one "
		"thread "
		"however many workers the cell has; of several loops (eventloop+loops=N) each has a thread, a socket "
		"and a "
		"pool of its own, and the kernel gives each connection to one of them by a hash, however busy that one "
		"is. "
		"The load generator takes CPU time of the same "
		"machine. The serial body serves one connection at a time and sleeps in the kernel for the wait. The "
		"Go subject serves by net/http, with another parser and more done per request; nobody tells its "
		"runtime "
		"that a call will block, so that a processor stays with the blocked thread until that is noticed: this "
		"favours the C goroutines.",
	.scaling = BENCH_SERVER,
	.metric = BENCH_CPU_PER_OP,
	.loops = true,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.setup = server_setup,
	.teardown = server_teardown,
	.expect = server_expect,
	.load = server_load,
	.knee = {.percent = "load_percent", .of = "load_of", .rate = "rate"},
};
