/*
 * report_fixture.h - a run made by a small generator with a fixed seed, for the tests of harness/report.
 *
 * It has what real runs have: a model that is unsupported, one that is too slow, one that crashes once, rounds that
 * were repeated, a cell that others disturbed, counted samples that are slower than timed ones, counters that could
 * not be opened, a foreign subject whose texts are full of markup, and a torn last line. Medians, effects and defects
 * are known.
 */
#ifndef REPORT_FIXTURE_H
#define REPORT_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/report/parts.h"
#include "harness/report/report.h"
#include "harness/report/words.h"

enum { ROUNDS = 9 };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NASTY "<script>alert('x')</script> | *a* `b` \"c\" & d_e"

/* ---- the run ------------------------------------------------------------------------------------- */

static uint64_t rng_state;

static double rng_uniform(void)
{
	uint64_t z = rng_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

/* What a subject does in a cell. */
struct behaviour {
	const char *subject;
	double value; /* its median: ns per op or bytes per task; 0: it has no ok sample */
	double spread; /* relative: values lie evenly in [1 - spread, 1 + spread] of it */
	double switches; /* kernel switches per op */
	const char *status, *why;
};

struct spec {
	const char *workload, *params, *placement, *scaling, *metric, *unit;
	int workers;
	const char *twin;
	struct behaviour who[6];
};

static const char single[] = "single-threaded: a lock cannot contend";

static const struct spec specs[] = {
	{"null/empty", "{}", "same", "linear", "wall_per_op", "ns/op", 1, NULL, {{"null", 1.2, .02, 0, 0, 0}}},
	{"cpu/fib",
	 "{\"n\":30}",
	 "same",
	 "finite",
	 "wall_per_op",
	 "ns/op",
	 1,
	 "gmp",
	 {{"gmp", 61, .03, 1e-6, 0, 0},
	  {"pthread", 0, 0, 0, "too_slow", "estimated 40 s"},
	  {"eventloop", 58, .03, 1e-6, 0, 0},
	  {"serial", 3.1, .02, 1e-6, 0, 0}}},
	{"switch/ring",
	 "{\"tasks\":64,\"ws_kib\":0}",
	 "same",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 1,
	 "gmp",
	 {{"gmp", 41.2, .04, 3e-6, 0, 0},
	  {"pthread", 1650, .08, 1.02, 0, 0},
	  {"eventloop", 9.6, .03, 2e-6, 0, 0},
	  {"serial", 1.9, .02, 1e-6, 0, 0}}},
	{"switch/ring",
	 "{\"tasks\":64,\"ws_kib\":4}",
	 "same",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 1,
	 NULL,
	 {{"gmp", 250, .05, 3e-6, 0, 0},
	  {"pthread", 2950, .08, 1.02, 0, 0},
	  {"eventloop", 205, .04, 2e-6, 0, 0},
	  {"serial", 190, .02, 1e-6, 0, 0}}},
	{"switch/ring",
	 "{\"tasks\":64,\"ws_kib\":16}",
	 "same",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 1,
	 NULL,
	 {{"gmp", 1050, .06, 3e-6, 0, 0},
	  {"pthread", 3900, .08, 1.02, 0, 0},
	  {"eventloop", 1000, .04, 2e-6, 0, 0},
	  {"serial", 960, .02, 1e-6, 0, 0}}},
	{"switch/ring",
	 "{\"tasks\":64,\"ws_kib\":64}",
	 "same",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 1,
	 NULL,
	 {{"gmp", 9500, .2, 3e-6, 0, 0},
	  {"pthread", 13800, .25, 1.02, 0, 0},
	  {"eventloop", 9200, .2, 2e-6, 0, 0},
	  {"serial", 9000, .2, 1e-6, 0, 0}}},
	{"switch/ring",
	 "{\"tasks\":64,\"ws_kib\":512}",
	 "same",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 1,
	 NULL,
	 {{"gmp", 142000, .3, 3e-6, 0, 0},
	  {"pthread", 149000, .3, 1.02, 0, 0},
	  {"eventloop", 141000, .3, 2e-6, 0, 0},
	  {"serial", 140000, .3, 1e-6, 0, 0}}},
	{"switch/ring",
	 "{\"tasks\":64,\"ws_kib\":0}",
	 "cross",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 2,
	 NULL,
	 {{"gmp", 48, .1, 4e-3, 0, 0},
	  {"pthread", 23800, .4, 1.4, 0, 0},
	  {"eventloop", 0, 0, 0, "unsupported", "single-threaded"}}},
	{"switch/yield",
	 "{\"tasks\":2}",
	 "same",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 1,
	 NULL,
	 {{"gmp", 20, .04, 4e-6, 0, 0}, {"pthread", 2300, .05, .98, 0, 0}, {"eventloop", 7, .03, 2e-6, 0, 0}}},
	{"sync/mutex",
	 "{\"tasks\":2,\"hold\":\"short\"}",
	 "cross",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 2,
	 "pthread",
	 {{"gmp", 100.5, .02, .01, 0, 0},
	  {"pthread", 100, .02, .02, 0, 0},
	  {"eventloop", 0, 0, 0, "unsupported", single},
	  {"other<&>", 0, 0, 0, "failed", NASTY}}},
	{"sync/mutex",
	 "{\"tasks\":8,\"hold\":\"short\"}",
	 "cross",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 2,
	 NULL,
	 {{"gmp", 118, .3, .01, 0, 0},
	  {"pthread", 121, .35, .02, 0, 0},
	  {"eventloop", 0, 0, 0, "unsupported", single}}},
	{"disk/read",
	 "{\"in_flight\":8,\"cache\":\"cold\"}",
	 "free",
	 "linear",
	 "wall_per_op",
	 "ns/op",
	 2,
	 NULL,
	 {{"gmp", 105000, .2, 1.1, 0, 0}, {"pthread", 99000, .2, 1.2, 0, 0}, {"eventloop", 88000, .2, .4, 0, 0}}},
	{"net/echo",
	 "{\"connections\":1,\"bytes\":64}",
	 "cross",
	 "server",
	 "cpu_per_op",
	 "ns/op",
	 1,
	 NULL,
	 {{"gmp", 9800, .05, 1.01, 0, 0}, {"pthread", 9100, .05, 1.0, 0, 0}, {"eventloop", 9300, .05, 1.0, 0, 0}}},
	{"net/echo",
	 "{\"connections\":16,\"bytes\":64}",
	 "cross",
	 "server",
	 "cpu_per_op",
	 "ns/op",
	 1,
	 NULL,
	 {{"gmp", 6100, .05, .1, 0, 0}, {"pthread", 8200, .05, .9, 0, 0}, {"eventloop", 5200, .05, .06, 0, 0}}},
	{"net/echo",
	 "{\"connections\":128,\"bytes\":64}",
	 "cross",
	 "server",
	 "cpu_per_op",
	 "ns/op",
	 1,
	 NULL,
	 {{"gmp", 5600, .05, .02, 0, 0}, {"pthread", 8600, .05, .8, 0, 0}, {"eventloop", 4700, .05, .01, 0, 0}}},
	{"abuse/ready",
	 "{\"events\":1100}",
	 "same",
	 "finite",
	 "delay_p99",
	 "ns",
	 1,
	 NULL,
	 {{"gmp", 900000, .05, 1.0, 0, 0}, {"pthread", 9000, .05, 1.0, 0, 0}}},
	{"memory/parked",
	 "{\"tasks\":1000}",
	 "free",
	 "state",
	 "bytes_per_task",
	 "bytes/task",
	 2,
	 NULL,
	 {{"gmp", 4700, .01, 0, 0, 0}, {"pthread", 35600, .02, 0, 0, 0}, {"eventloop", 190, .02, 0, 0, 0}}},
	{"memory/parked",
	 "{\"tasks\":4000}",
	 "free",
	 "state",
	 "bytes_per_task",
	 "bytes/task",
	 2,
	 NULL,
	 {{"gmp", 4450, .01, 0, 0, 0}, {"pthread", 35000, .02, 0, 0, 0}, {"eventloop", 160, .02, 0, 0, 0}}},
	{"memory/parked",
	 "{\"tasks\":16000}",
	 "free",
	 "state",
	 "bytes_per_task",
	 "bytes/task",
	 2,
	 NULL,
	 {{"gmp", 4400, .01, 0, 0, 0}, {"pthread", 34900, .02, 0, 0, 0}, {"eventloop", 150, .02, 0, 0, 0}}},
};

/* Like the catalogue's: workload, parameters, placement, workers. */
static void cell_id(const struct spec *s, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s %s w%d", s->workload, s->params, s->placement, s->workers);
	for (char *p = buf; *p; p++) /* {"a":1,"b":2} -> a=1 b=2 */
		*p = *p == ':' ? '=' : *p == ',' ? ' ' : *p;
	for (char *from = buf, *to = buf;; from++) {
		if (!strchr("{}\"", *from) || !*from)
			*to++ = *from;
		if (!*from)
			break;
	}
}

static json_t *cell_json(const struct spec *s)
{
	json_t *subjects = json_array();
	char id[200];

	cell_id(s, id, sizeof(id));
	for (size_t i = 0; i < COUNT(s->who) && s->who[i].subject; i++)
		json_array_append_new(subjects, json_string(s->who[i].subject));
	return json_pack("{s:s,s:s,s:i,s:o,s:s,s:[i],s:i,s:o,s:s?,s:s,s:s,s:s,s:s}", "id", id, "workload", s->workload,
			 "version", 1, "params", json_loads(s->params, 0, NULL), "placement", s->placement, "cpus", 1,
			 "workers", s->workers, "subjects", subjects, "twin", s->twin, "metric", s->metric, "unit",
			 s->unit, "scaling", s->scaling, "group", s->workload);
}

/* What a subject says of itself; its body of the ring has so many lines, and calls one primitive (NULL: none). */
static json_t *describe_json(int lines, const char *primitive)
{
	json_t *source = json_pack("{s:i,s:i,s:[s*]}", "lines", lines, "shared_lines", primitive ? 48 : 0, "primitives",
				   primitive);
	return json_pack("{s:i,s:s,s:s,s:s,s:{s:s,s:s},s:["
			 "{s:s,s:s,s:s,s:s,s:b,s:o,s:[{s:s,s:s,s:s},{s:s,s:s,s:s}]},"
			 "{s:s,s:s,s:s,s:s,s:b,s:[{s:s,s:s,s:s}]},"
			 "{s:s,s:s,s:s,s:s,s:b}]}",
			 "protocol", 1, "id", "gmp", "language", "C", "version", "0.1.0", "build", "cc", "gcc 12.2.0",
			 "cflags", "-O2 -g", "workloads", "name", "switch/ring", "summary",
			 "A token goes round a ring of tasks, each reading its own buffer", "op",
			 "one hop of the token", "fairness",
			 "All bodies pass one word through a queue of one place; the loop posts a callback instead, "
			 "which favours it.",
			 "offered", 1, "source", source, "params", "name", "tasks", "unit", "tasks", "help",
			 "length of the ring", "name", "ws_kib", "unit", "KiB", "help",
			 "buffer that each task reads per hop", "name", "net/echo", "summary", "An echo server", "op",
			 "one request", "fairness", "Same bytes, same system calls.", "offered", 1, "params", "name",
			 "connections", "unit", "", "help", "connections with one request in flight", "name",
			 "memory/parked", "summary", "Tasks that wait", "op", "one parked task", "fairness",
			 "A " NASTY " text.", "offered", 1);
}

static json_t *host_json(void)
{
	return json_pack(
		"{s:s,s:s,s:i,s:i,s:[{s:i,s:s,s:i},{s:i,s:s,s:i}],s:I,s:s,s:s,s:s,s:s,s:n,s:{s:b,s:s},s:{s:s}}",
		"cpu_model", "Example CPU", "arch", "x86_64", "vcpus", 2, "cores", 2, "caches", "level", 1, "type",
		"data", "bytes", 32768, "level", 2, "type", "unified", "bytes", 524288, "mem_bytes",
		(json_int_t)8 << 30, "kernel", "6.1.0", "distro", "Debian GNU/Linux 12", "virt", "kvm", "clocksource",
		"tsc", "governor", "pmu", "available", 0, "why", "cycles: ENOENT, the virtual machine has no PMU",
		"why", "governor", "no cpufreq here");
}

static json_t *run_json(void)
{
	json_t *cells = json_array();

	for (size_t i = 0; i < COUNT(specs); i++)
		json_array_append_new(cells, cell_json(&specs[i]));
	return json_pack("{s:s,s:{s:s,s:s,s:s,s:b,s:s,s:s,s:s},s:s,s:[s,s,s,s],s:s,s:s,s:s,s:b,s:[],s:{s:s,s:i,s:i,s:o}"
			 ",s:[{s:s,s:s,s:s,s:o},{s:s,s:o},{s:s,s:s,s:o},{s:s,s:o}],s:o}",
			 "schema", "switchyard.run/1", "tool", "name", "switchyard", "version", "0.1.0", "git_rev",
			 "0123456789ab", "git_dirty", 1, "build_type", "Release", "cc", "gcc 12.2.0", "cflags",
			 "-O2 -g", "run_id", "20261123T161500Z-example", "command", "switchyard", "run", "-f",
			 "workload:ring subject:gmp", "seed", "00000000000000ff", "started", "2026-11-23T16:15:00Z",
			 "finished", "2026-11-23T16:24:00Z", "complete", 1, "resumed", "plan", "name", "default",
			 "rounds", ROUNDS, "budget_s", 540, "cells", cells, "subjects", "id", "gmp", "path",
			 "build/release/subjects/subject-gmp", "sha256", "00ff", "describe",
			 describe_json(56, "dx_send"), "id", "pthread", "describe", describe_json(56, "dx_send"), "id",
			 "gmp+steal=0", "knobs", "steal=0", "describe", describe_json(56, "dx_send"), "id", "serial",
			 "describe", describe_json(24, NULL), "host", host_json());
}

/* Where a sample stands in the run, and what is special about it. */
struct place {
	const struct spec *spec;
	const struct behaviour *who;
	const char *kind, *status, *why;
	int round, attempt;
	bool twin, disturbed;
	double factor; /* on the value */
};

static long seq;

static json_t *memory_json(const struct spec *s, double per_task)
{
	json_t *params = json_loads(s->params, 0, NULL);
	double tasks = field_number(params, "tasks");

	json_decref(params);
	return json_pack("{s:{s:i,s:b},s:{s:f,s:b},s:{s:f,s:f,s:f,s:f,s:f,s:f}}", "base", "live_tasks", 0, "settled", 1,
			 "live", "live_tasks", tasks, "settled", 1, "per_task", "rss_bytes", per_task * .4,
			 "pagetable_bytes", per_task * .1, "kstack_bytes", per_task * .3, "kstack_computed_bytes",
			 per_task * .3, "slab_bytes", per_task * .2, "total_bytes", per_task);
}

/* live_tasks is a whole number in the records. */
static void whole_live_tasks(json_t *memory)
{
	json_t *live = json_object_get(memory, "live");

	json_object_set_new(live, "live_tasks", json_integer((json_int_t)field_number(live, "live_tasks")));
}

/*
 * What cachegrind counted: 5 million instructions around 400 for each of 1000 operations (serial: 100), the second of a pair
 * with twice the operations; pairs differ by two instructions an operation.
 */
static void simulate(json_t *sample, const struct place *p)
{
	bool twice = p->round % 2 == 1, serial = strcmp(p->who->subject, "serial") == 0;
	json_int_t ops = twice ? 2000 : 1000, each = (serial ? 100 : 400) + p->round / 2 * 2;

	json_object_set_new(sample, "work", json_pack("{s:{s:I}}", "cert", "ops", ops));
	if (json_object_get(sample, "runtime"))
		json_object_set_new(sample, "runtime", json_pack("{s:I}", "switches", ops));
	json_object_set_new(
		sample, "simulation",
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:s,s:b,s:{s:o,s:o,s:o}}", "instructions", 5000000 + ops * each,
			  "data_refs", 700000 + ops * each / 2, "i1_misses", (json_int_t)3000, "d1_misses",
			  9000 + ops * (serial ? 64 : 70), "ll_misses", (json_int_t)8000, "tool", "valgrind-3.19.0",
			  "is_twice", twice, "caches", "i1",
			  json_pack("{s:i,s:i,s:i,s:i}", "bytes", 32768, "ways", 8, "line_bytes", 64, "machine_bytes",
				    32768),
			  "d1",
			  json_pack("{s:i,s:i,s:i,s:n}", "bytes", 32768, "ways", 8, "line_bytes", 64, "machine_bytes"),
			  "ll",
			  json_pack("{s:i,s:i,s:i,s:i}", "bytes", 35651584, "ways", 17, "line_bytes", 64,
				    "machine_bytes", 37486592)));
}

static json_t *sample_json(const struct place *p, double value)
{
	const struct spec *s = p->spec;
	bool ok = strcmp(p->status, "ok") == 0, timed = strcmp(p->kind, "timed") == 0;
	bool memory = strcmp(s->scaling, "state") == 0, server = strcmp(s->scaling, "server") == 0;
	double ops = memory ? 0 : floor(2e8 / value) + 1, wall = ops * value;
	char id[200], key[20];
	json_t *sample;

	cell_id(s, id, sizeof(id));
	snprintf(key, sizeof(key), "%016lx", ++seq);
	sample = json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:b,s:s,s:i,s:i,s:s,s:s?,s:s,s:i,s:I}", "schema",
			   "switchyard.sample/1", "key", key, "run_id", "20261123T161500Z-example", "seq",
			   (json_int_t)seq, "cell", id, "subject", p->who->subject, "is_twin", p->twin, "kind", p->kind,
			   "round", p->round, "attempt", p->attempt, "status", p->status, "why", p->why, "workload",
			   s->workload, "workers", s->workers, "ops", (json_int_t)(ops * 1.25));
	/* What was planned is not what was done: only the certificate says that, for servers the load generator. */
	json_object_set_new(sample, "work",
			    json_pack("{s:{s:I}}", "cert", "ops", (json_int_t)(server ? ops * 2 : ops)));
	if (strcmp(p->who->subject, "gmp") == 0)
		json_object_set_new(sample, "runtime", json_pack("{s:I}", "switches", (json_int_t)ops));
	json_object_set_new(sample, "metric",
			    json_pack("{s:s,s:s,s:o,s:s}", "name", s->metric, "unit", s->unit, "value",
				      ok && timed ? json_real(value) : json_null(), "better", "lower"));
	json_object_set_new(sample, "noise", json_pack("{s:s}", "verdict", p->disturbed ? "contaminated" : "clean"));
	json_object_set_new(sample, "knobs", json_pack("{s:s}", "procs", "1"));
	if (!ok)
		return sample;
	if (memory) {
		json_t *m = memory_json(s, value);

		whole_live_tasks(m);
		json_object_set_new(sample, "memory", m);
		return sample;
	}
	if (server) {
		wall = 3e8;
		json_object_set_new(sample, "load",
				    json_pack("{s:I,s:{s:f},s:{s:s,s:s,s:i,s:i,s:i,s:i}}", "requests", (json_int_t)ops,
					      "generator", "busy", strstr(s->params, "128") ? .99 : .5, "latency",
					      "kind", "response", "unit", "ns", "count", 30000, "p50", 21000 + p->round,
					      "p99", 95000 + p->round, "p99_9", 180000 + p->round));
	}
	if (strncmp(s->metric, "delay_", 6) == 0) {
		wall = 1e9;
		json_object_set_new(
			sample, "delays",
			json_pack("{s:i,s:i,s:f,s:n}", "count", 2200, "p50", 700 + p->round, "p99", value, "p99_9"));
		json_object_set_new(sample, "figures", json_pack("{s:f}", "jain", 0.5 + p->round * 0.01));
	}
	json_object_set_new(
		sample, "time",
		json_pack("{s:f,s:f,s:f}", "wall_ns", wall, "user_ns", ops * value * .7, "sys_ns", ops * value * .3));
	json_object_set_new(sample, "sched",
			    json_pack("{s:f,s:f,s:i}", "vcsw", ops * p->who->switches, "ivcsw", 0.0, "threads", 3));
	if (strcmp(p->kind, "simulated") == 0) {
		simulate(sample, p);
		return sample;
	}
	if (!timed && p->round == 2) /* the next set's turn */
		json_object_set_new(sample, "counters",
				    json_pack("[{s:s,s:f},{s:s,s:f},{s:s,s:f},{s:s,s:f}]", "name", "instructions:u",
					      "value", ops * 30, "name", "instructions:k", "value", ops * 10, "name",
					      "cycles:u", "value", ops * 20, "name", "cycles:k", "value", 0.0));
	else if (!timed)
		json_object_set_new(
			sample, "counters",
			json_pack("[{s:s,s:s,s:n,s:n,s:s},{s:s,s:s,s:f,s:f,s:i,s:i,s:s,s:n},{s:s,s:f,s:i,s:i,s:n}]",
				  "name", "cycles", "fstr", "perf::CYCLES", "value", "per_op", "why",
				  "ENOENT: no such event here", "name", "context-switches", "fstr",
				  "perf::CONTEXT-SWITCHES", "value", ops * p->who->switches, "per_op", p->who->switches,
				  "time_enabled_ns", 1000, "time_running_ns", 1000, "scope", "user+kernel", "why",
				  "name", "rarely", "per_op", 1.0, "time_enabled_ns", 1000, "time_running_ns", 200,
				  "why"));
	return sample;
}

static json_t *samples;

static void add(const struct place *p)
{
	/* Evenly spread over the rounds, in an order that differs between subjects: the median is known exactly. */
	int step = (p->round * 4 + (int)strlen(p->who->subject)) % ROUNDS - ROUNDS / 2;
	double value = p->who->value * (1 + p->who->spread * step / (ROUNDS / 2)) * p->factor;

	/* Identical programs differ a little, unsystematically. */
	if (p->twin)
		value *= 1 + .02 * (rng_uniform() - .5);
	json_array_append_new(samples, sample_json(p, value > 0 ? value : 1));
}

static void add_subject(const struct spec *s, const struct behaviour *who)
{
	struct place p = {.spec = s, .who = who, .factor = 1, .kind = "timed", .status = "ok"};
	bool disk = strcmp(s->workload, "disk/read") == 0;

	if (who->value == 0) {
		p.kind = strcmp(who->status, "failed") == 0 ? "timed" : "calibrate";
		p.status = who->status;
		p.why = who->why;
		add(&p);
		return;
	}
	for (p.round = 0; p.round < ROUNDS; p.round++) {
		p.attempt = 0;
		p.disturbed = disk && p.round < 4;
		if (p.round == 2 && strcmp(s->workload, "switch/ring") == 0) {
			/* Disturbed: ten times its time, measured again; using it would move medians. */
			struct place bad = p;

			bad.status = "requeued";
			bad.why = "others used the CPUs";
			bad.factor = 10;
			bad.disturbed = true;
			add(&bad);
			p.attempt = 1;
		}
		add(&p);
		if (s->twin && strcmp(s->twin, who->subject) == 0) {
			p.twin = true;
			add(&p);
			p.twin = false;
		}
	}
	if (strcmp(s->workload, "switch/ring") == 0 || strcmp(s->workload, "null/empty") == 0)
		for (p.round = 0, p.attempt = 0; p.round < 3; p.round++) {
			p.kind = "counted";
			p.factor = 1.5; /* the ruler costs something: these must not enter times */
			add(&p);
		}
	for (p.round = 0; strcmp(s->workload, "switch/ring") == 0 && p.round < 6; p.round++) {
		if (strcmp(who->subject, "eventloop") == 0 && p.round % 3 != 0) /* two halves of different pairs */
			continue;
		p.kind = "simulated";
		p.factor = 50; /* under valgrind: neither must these enter times */
		add(&p);
	}
	if (strcmp(s->workload, "cpu/fib") == 0 && strcmp(who->subject, "gmp") == 0) {
		p = (struct place){.spec = s,
				   .who = who,
				   .kind = "timed",
				   .status = "crashed",
				   .why = "signal 11",
				   .round = ROUNDS,
				   .factor = 1};
		add(&p);
	}
}

static void make_samples(void)
{
	rng_state = 42;
	seq = 0;
	samples = json_array();
	for (size_t i = 0; i < COUNT(specs); i++)
		for (size_t j = 0; j < COUNT(specs[i].who) && specs[i].who[j].subject; j++)
			add_subject(&specs[i], &specs[i].who[j]);
}

/* ---- files --------------------------------------------------------------------------------------- */

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

__attribute__((unused)) static char *get_file(const char *dir, const char *name)
{
	struct err err = {""};
	char *text;
	size_t size;

	if (report_file_read(dir, name, &text, &size, &err))
		fail_msg("%s", err.why);
	assert_int_equal(strlen(text), size);
	return text;
}

static size_t divisor(size_t a, size_t b)
{
	return b ? divisor(b, a % b) : a;
}

/* Set by a test that wants another run than this one: changes it before it is written. */
static void (*doctor)(json_t *run, json_t *samples);

/* The run in `dir`; `step` decides in which order the samples stand, torn adds half a line. */
static void write_run(const char *dir, size_t step, bool torn)
{
	json_t *run = run_json();
	char *text, *lines = NULL;
	size_t n, size;
	FILE *f = open_memstream(&lines, &size);

	make_samples();
	if (doctor)
		doctor(run, samples);
	text = json_dumps(run, 0);
	n = json_array_size(samples);
	while (divisor(n, step) > 1) /* else some samples would be written twice and others never */
		step++;
	for (size_t i = 0; i < n; i++) {
		char *line = json_dumps(json_array_get(samples, i * step % n), JSON_COMPACT);

		fprintf(f, "%s\n", line);
		free(line);
	}
	if (torn)
		fputs("{\"schema\":\"switchyard.sam", f);
	fclose(f);
	mkdir(dir, 0777);
	put_file(dir, "run.json", text);
	put_file(dir, "samples.jsonl", lines);
	free(text);
	free(lines);
	json_decref(run);
	json_decref(samples);
}

static char base_dir[] = "/tmp/switchyard-report-XXXXXX";
static char run_dir[300];

static int make_dirs(void **state)
{
	struct err err = {""};

	(void)state;
	if (!mkdtemp(base_dir))
		return -1;
	snprintf(run_dir, sizeof(run_dir), "%s/run", base_dir);
	write_run(run_dir, 1, true);
	if (report_write(run_dir, &err)) {
		print_error("%s\n", err.why);
		return -1;
	}
	return 0;
}

static int remove_dirs(void **state)
{
	char command[400];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", base_dir);
	return system(command) ? -1 : 0;
}

#endif
