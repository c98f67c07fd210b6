/*
 * main.c - the load generator: a process of its own, so that its CPU time is not the server's
 * (docs/subject-protocol.md, "The load generator").
 *
 * It reads one `load` line, connects, warms up, and owns begin and end of the region: both are said while every
 * connection is idle, and the clock starts after the ack of the one and has stopped before the other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
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
#include "harness/loadgen/http.h"
#include "harness/loadgen/load.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum {
	HARNESS_TIMEOUT_MS = 30 * 1000, /* for the harness's next line, and for its reading of ours */
	DEFAULT_TIMEOUT_MS = 10 * 1000, /* of the server, for the next byte */
	MAX_CONNECTIONS = 1000 * 1000,
	MAX_MESSAGE_BYTES = 16 * 1024 * 1024,
	MAX_DATAGRAM_BYTES = 65507, /* of IPv4 */
	MAX_RATE = 100 * 1000 * 1000,
	WARMUP_EPOCHS = 10,
};
#define MAX_PHASE_NS (UINT64_C(3600) * CLOCK_NS_PER_SEC)
#define MAX_MESSAGE_MEMORY (UINT64_C(1) << 30) /* connections * message_bytes */

struct request {
	struct load_config config;
	uint64_t warmup_ns, duration_ns;
	char hdr_file[PATH_MAX]; /* where the response times are written, too; "": nowhere */
};

/* What one sample measured, between begin and end. */
struct result {
	uint64_t requests, wall_ns;
	struct usage usage;
	struct load_times times;
	struct epochs epochs; /* of the warm-up */
};

/* ---- the load line ------------------------------------------------------------------------------ */

static int get_int(const json_t *object, const char *key, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	const json_t *v = json_object_get(object, key);
	json_int_t value = json_integer_value(v);

	if (!json_is_integer(v))
		return err_set(e, -EINVAL, "\"%s\" must be a whole number", key);
	if (value < 0 || (uint64_t)value < min || (uint64_t)value > max)
		return err_set(e, -EINVAL,
			       "\"%s\" is %" JSON_INTEGER_FORMAT ", and must be between %" PRIu64 " and %" PRIu64, key,
			       value, min, max);
	*out = (uint64_t)value;
	return 0;
}

static int get_string(const json_t *object, const char *key, const char **out, struct err *e)
{
	*out = json_string_value(json_object_get(object, key));
	return *out ? 0 : err_set(e, -EINVAL, "\"%s\" must be a string", key);
}

/* A field that may be left out. */
static int get_optional(const json_t *object, const char *key, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	return json_object_get(object, key) ? get_int(object, key, min, max, out, e) : 0;
}

static int get_protocol(const json_t *line, struct load_config *c, struct err *e)
{
	static const char *const names[] = {[LOAD_ECHO] = "echo", [LOAD_HTTP] = "http", [LOAD_UDP] = "udp"};
	const char *name;

	if (!json_object_get(line, "protocol"))
		return 0;
	if (get_string(line, "protocol", &name, e) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			c->protocol = (enum load_protocol)i;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "\"protocol\" must be \"echo\", \"http\" or \"udp\", not \"%.32s\"", name);
}

static int get_hdr_file(const json_t *line, struct request *out, struct err *e)
{
	const char *path;

	if (!json_object_get(line, "hdr_file"))
		return 0;
	if (get_string(line, "hdr_file", &path, e) < 0)
		return -EINVAL;
	if ((size_t)snprintf(out->hdr_file, sizeof(out->hdr_file), "%s", path) >= sizeof(out->hdr_file))
		return err_set(e, -EINVAL, "\"hdr_file\" is longer than a path may be");
	return 0;
}

static int get_strings(const json_t *line, struct load_config *c, struct err *e)
{
	const char *cmd, *mode, *host, *seed;

	if (get_string(line, "cmd", &cmd, e) < 0 || get_string(line, "mode", &mode, e) < 0 ||
	    get_string(line, "host", &host, e) < 0 || get_string(line, "seed", &seed, e) < 0)
		return -EINVAL;
	if (strcmp(cmd, "load") != 0)
		return err_set(e, -EINVAL, "the first command must be \"load\", not \"%.32s\"", cmd);
	if (strcmp(mode, "closed") != 0 && strcmp(mode, "open") != 0)
		return err_set(e, -EINVAL, "\"mode\" must be \"closed\" or \"open\", not \"%.32s\"", mode);
	if (strcmp(mode, "open") == 0 && get_int(line, "rate", 1, MAX_RATE, &c->rate, e) < 0)
		return -EINVAL;
	if (get_protocol(line, c, e) < 0)
		return -EINVAL;
	if (inet_pton(AF_INET, host, &c->host) != 1)
		return err_set(e, -EINVAL, "\"host\" must be an IPv4 address, not \"%.64s\"", host);
	if (strlen(seed) != 16 || strspn(seed, "0123456789abcdefABCDEF") != 16)
		return err_set(e, -EINVAL, "\"seed\" must be 16 hexadecimal digits, not \"%.32s\"", seed);
	c->seed = strtoull(seed, NULL, 16);
	return 0;
}

/* What a message of the protocol can be. */
static int check_sizes(const struct load_config *c, uint64_t message_bytes, struct err *e)
{
	if (c->protocol == LOAD_HTTP && message_bytes < LOAD_HTTP_MIN_REQUEST)
		return err_set(e, -EINVAL, "an HTTP request of %" PRIu64 " bytes is too short: %d at least",
			       message_bytes, LOAD_HTTP_MIN_REQUEST);
	if (c->protocol == LOAD_UDP && message_bytes > MAX_DATAGRAM_BYTES)
		return err_set(e, -EINVAL, "a datagram of %" PRIu64 " bytes is too long: %d at most", message_bytes,
			       MAX_DATAGRAM_BYTES);
	if (c->protocol == LOAD_UDP && c->reconnects)
		return err_set(e, -EINVAL, "datagrams have no connections to be made anew");
	if (c->connections * message_bytes > MAX_MESSAGE_MEMORY)
		return err_set(e, -EINVAL,
			       "%" PRIu32 " connections of %" PRIu64 " bytes need more than 1 GiB of messages",
			       c->connections, message_bytes);
	return 0;
}

static int parse_request(const json_t *line, struct request *out, struct err *e)
{
	struct load_config *c = &out->config;
	uint64_t port, connections, message_bytes, active, response_bytes = 0, timeout_ms = DEFAULT_TIMEOUT_MS;

	*out = (struct request){0};
	if (get_strings(line, c, e) < 0 || get_int(line, "port", 1, UINT16_MAX, &port, e) < 0 ||
	    get_int(line, "connections", 1, MAX_CONNECTIONS, &connections, e) < 0 ||
	    get_int(line, "message_bytes", 1, MAX_MESSAGE_BYTES, &message_bytes, e) < 0 ||
	    get_int(line, "warmup_ns", 0, MAX_PHASE_NS, &out->warmup_ns, e) < 0 ||
	    get_int(line, "duration_ns", 1, MAX_PHASE_NS, &out->duration_ns, e) < 0)
		return -EINVAL;
	active = connections;
	if (get_optional(line, "timeout_ms", 1, INT32_MAX, &timeout_ms, e) < 0 ||
	    get_optional(line, "active", 1, connections, &active, e) < 0 ||
	    get_optional(line, "response_bytes", 0, MAX_MESSAGE_BYTES, &response_bytes, e) < 0 ||
	    get_hdr_file(line, out, e) < 0)
		return -EINVAL;
	c->port = (uint16_t)port;
	c->connections = (uint32_t)connections;
	c->active = (uint32_t)active;
	c->message_bytes = (uint32_t)message_bytes;
	c->response_bytes = (uint32_t)response_bytes;
	c->reconnects = json_is_true(json_object_get(line, "reconnects"));
	c->timeout_ns = timeout_ms * CLOCK_NS_PER_MSEC;
	return check_sizes(c, message_bytes, e);
}

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

static int run(const struct request *q, struct jsonline *in, struct err *e)
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
	struct request request;
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
		status = parse_request(line, &request, &e);
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
