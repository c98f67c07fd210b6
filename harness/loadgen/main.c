/*
 * main.c - the load generator: a process of its own, so that its CPU time is not the server's
 * (docs/subject-protocol.md, "The load generator").
 *
 * It reads one `load` line, connects, warms up, and owns begin and end of the region: both are said while every
 * connection is idle, and the clock starts after the ack of the one and has stopped before the other.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/epochs.h"
#include "harness/base/err.h"
#include "harness/base/hist.h"
#include "harness/base/jsonline.h"
#include "harness/base/usage.h"
#include "harness/loadgen/load.h"
#include "harness/loadgen/request.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum {
	HARNESS_TIMEOUT_MS = 30 * 1000, /* for its next line, and for its reading of ours */
	WARMUP_EPOCHS = 10,
};

/* What one sample measured, between begin and end. */
struct result {
	uint64_t requests, wall_ns;
	struct usage usage;
	struct load_times times;
	struct epochs epochs; /* of the warm-up */
};

/* ---- talking to the harness ----------------------------------------------------------------------- */

/* Takes the reference. 0 or -errno with a sentence. */
static int say(json_t *msg, struct err *e)
{
	int status = msg ? jsonline_write(STDOUT_FILENO, msg, HARNESS_TIMEOUT_MS) : -ENOMEM;

	json_decref(msg);
	return status < 0 ? err_sys(e, status, "cannot write to standard output") : 0;
}

static int expect_ack(struct jsonline *in, struct err *e)
{
	json_t *line = NULL;
	const char *cmd;
	int status = jsonline_read_object(in, HARNESS_TIMEOUT_MS, &line, e);

	if (status == 0)
		return err_set(e, -EPIPE, "the harness has closed the pipe");
	if (status < 0)
		return status;
	cmd = json_string_value(json_object_get(line, "cmd"));
	status = cmd && strcmp(cmd, "ack") == 0 ? 0 : err_set(e, -EPROTO, "expected the command \"ack\"");
	json_decref(line);
	return status;
}

/* How the generator itself did: the CPU time that it took, and the requests that it was late with. */
static json_t *generator_json(const struct load *l, const struct result *r)
{
	uint64_t cpu_ns = r->usage.user_ns + r->usage.sys_ns, late = r->times.late;
	uint64_t busy_per_10k = cpu_ns * 10000 / r->wall_ns; /* four digits say all that microseconds of CPU time do */

	return json_pack("{s:I,s:f,s:I,s:I,s:I,s:I,s:b}", "cpu_ns", (json_int_t)cpu_ns, "busy",
			 busy_per_10k > 10000 ? 1.0 : (double)busy_per_10k / 10000, "late", (json_int_t)late,
			 "late_limit_ns", (json_int_t)LOAD_LATE_NS, "latest_ns", (json_int_t)r->times.latest_ns, "lost",
			 (json_int_t)l->lost, "void", l->lost > 0 || load_is_late(late, r->requests));
}

static int say_sample(const struct load *l, const struct result *r, struct err *e)
{
	json_t *sample = json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o*}", "msg", "sample", "requests_total",
				   (json_int_t)l->requests, "opened", (json_int_t)l->opened, "bytes_sent",
				   (json_int_t)l->bytes_sent, "bytes_received", (json_int_t)l->bytes_received,
				   "requests", (json_int_t)r->requests, "wall_ns", (json_int_t)r->wall_ns, "rusage",
				   usage_json(&r->usage), "latency", hist_json(&r->times.response, "response"),
				   "generator", generator_json(l, r), "epochs", epochs_json(&r->epochs));

	if (sample && !l->config.rate) /* closed: each of these connections has one under way all the time */
		json_object_set_new(sample, "in_flight", json_integer((json_int_t)l->config.active));
	if (sample && l->config.rate) {
		json_object_set_new(sample, "rate", json_integer((json_int_t)l->config.rate));
		json_object_set_new(sample, "service", hist_json(&r->times.service, "service"));
	}
	return say(sample, e);
}

/* The response times in a file of their own, for those who ask. */
static int write_hdr(const char *path, const struct hist *h, struct err *e)
{
	FILE *f = fopen(path, "we");
	int status = f ? hist_write_percentiles(h, f) : -errno;

	if (f && fclose(f) != 0 && status == 0)
		status = -errno;
	return status < 0 ? err_sys(e, status, "cannot write %.200s", path) : 0;
}

/* ---- a sample ----------------------------------------------------------------------------------- */

/* The region: begin, traffic, end. All connections are idle before and after. */
static int measure(struct load *l, struct jsonline *in, uint64_t duration_ns, struct result *out, struct err *e)
{
	struct usage before, after;
	uint64_t requests_before = l->requests;
	int status = say(json_pack("{s:s}", "msg", "begin"), e);

	if (status == 0)
		status = expect_ack(in, e);
	if (status < 0)
		return status;
	usage_now(&before);
	status = load_phase(l, duration_ns, &out->times, &out->wall_ns, e);
	usage_now(&after);
	if (status < 0)
		return status;
	out->usage = usage_diff(&after, &before);
	out->requests = l->requests - requests_before;
	if (out->requests == 0)
		return err_set(e, -ENODATA,
			       "no request was due in the region: %" PRIu64 " per second are too few for %" PRIu64
			       " ms",
			       l->config.rate, duration_ns / CLOCK_NS_PER_MSEC);
	status = say(json_pack("{s:s,s:I,s:I}", "msg", "end", "wall_ns", (json_int_t)out->wall_ns, "requests",
			       (json_int_t)out->requests),
		     e);
	return status < 0 ? status : expect_ack(in, e);
}

/*
 * Also with no time to warm up each connection does one request: then the server has accepted all of them. A closed loop warms
 * up in windows of time, and what it did in each is told (`out`): whether the server had come to rest shows in that. What
 * an open loop does in a time is what was asked of it.
 */
static int warm_up(struct load *l, uint64_t warmup_ns, struct result *out, struct err *e)
{
	bool touches_all = !l->config.rate && l->config.active == l->config.connections;
	uint64_t end_ns = clock_now_ns() + warmup_ns, wall_ns;
	int status = touches_all ? 0 : load_touch(l, e);

	if (status < 0 || l->config.rate)
		return status < 0 ? status : load_phase(l, warmup_ns, NULL, &wall_ns, e);
	do {
		uint64_t before = l->requests;

		status = load_phase(l, warmup_ns / WARMUP_EPOCHS, NULL, &wall_ns, e);
		epochs_add(&out->epochs, l->requests - before, wall_ns);
	} while (status == 0 && out->epochs.n < WARMUP_EPOCHS && clock_now_ns() < end_ns);
	return status;
}

static int run(const struct load_request *q, struct jsonline *in, struct err *e)
{
	struct load load;
	struct result result = {0};
	int status = load_times_init(&result.times);

	if (status < 0)
		return err_set(e, status, "out of memory for the histograms");
	status = load_open(&load, &q->config, e);
	if (status < 0)
		goto out;
	status = warm_up(&load, q->warmup_ns, &result, e);
	if (status == 0)
		status = measure(&load, in, q->duration_ns, &result, e);
	load_close(&load); /* before the sample: the harness may stop the server when it has read that */
	if (status == 0 && q->hdr_file[0])
		status = write_hdr(q->hdr_file, &result.times.response, e);
	if (status == 0)
		status = say_sample(&load, &result, e);
out:
	load_times_free(&result.times);
	return status;
}

int main(int argc, char **argv)
{
	struct load_request request;
	struct jsonline in;
	json_t *line = NULL;
	struct err e, unsaid;
	int status;

	(void)argv;
	if (argc != 1) {
		fputs("usage: switchyard-loadgen\nReads one load line from standard input; see "
		      "docs/subject-protocol.md, \"The "
		      "load generator\".\n",
		      stderr);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN); /* a harness that has gone is EPIPE */
	status = jsonline_init(&in, STDIN_FILENO, JSONLINE_MAX);
	if (status < 0)
		err_set(&e, status, "out of memory");
	else
		status = jsonline_read_object(&in, HARNESS_TIMEOUT_MS, &line, &e);
	if (status == 0)
		status = err_set(&e, -EPIPE, "standard input ended before the load line came");
	if (status > 0)
		status = load_request_parse(line, &request, &e);
	json_decref(line);
	if (status == 0)
		status = run(&request, &in, &e);
	jsonline_free(&in);
	if (status == 0)
		return EXIT_DONE;
	/* Where this cannot be said, nobody listens. */
	(void)say(json_pack("{s:s,s:s}", "msg", "error", "why", e.why), &unsaid);
	return EXIT_FAILED;
}
