/*
 * glue.c - tokio as harness/subject/style.h wants it, and bench.h as Rust can call it.
 *
 * The bodies are Rust (lib.rs); the protocol, warm-up and calibration are the harness's, as of every subject that is linked
 * with it. What is inline in C has a name here. lib.rs says why this is fair.
 */
#include <errno.h>
#include <stdio.h>

#include "harness/base/err.h"
#include "harness/subject/style.h"
#include "workloads/memory/parked/parked.h"
#include "workloads/net/echo/echo.h"
#include "workloads/spawn/flat/flat.h"
#include "workloads/switch/ring/ring.h"

/* What the Rust files write down again. */
_Static_assert(sizeof(struct bench_cert) == 8 * sizeof(uint64_t), "Cert of bench.rs");
_Static_assert(sizeof(struct flat_record) == 2 * sizeof(uint64_t), "FlatRecord of spawn.rs");
_Static_assert(offsetof(struct ring_data, nodes) == 2 * sizeof(uint64_t), "RingData of switch.rs");
_Static_assert(offsetof(struct ring_node, value) == sizeof(void *), "RingNode of switch.rs");
_Static_assert(sizeof(struct tcp_totals) == 4 * sizeof(uint64_t), "TcpTotals of net.rs");
_Static_assert(ECHO_BUFFER == 65536, "BUFFER of net.rs");
_Static_assert(PARKED_LIBC_YES == 1 && PARKED_LIBC_BELOW == 2 && PARKED_TEXT == 64, "memory.rs");

/* ---- lib.rs ------------------------------------------------------------------------------------- */

void tokio_start(unsigned workers);
void tokio_stop(void);

/* ---- for lib.rs --------------------------------------------------------------------------------- */

uint64_t glue_ops(const struct bench *b);
void *glue_data(const struct bench *b);
void glue_certify(struct bench *b, const struct bench_cert *cert);
int glue_fail(struct bench *b, int status, const char *why);
int glue_take_listener(struct bench *b);
void glue_certify_echo(struct bench *b, const struct tcp_totals *totals);
void glue_parked_write(char *text, uint64_t id);
uint64_t glue_parked_read(const char *text);

uint64_t glue_ops(const struct bench *b)
{
	return b->ops;
}

void *glue_data(const struct bench *b)
{
	return b->data;
}

void glue_certify(struct bench *b, const struct bench_cert *cert)
{
	b->cert = *cert;
}

int glue_fail(struct bench *b, int status, const char *why)
{
	return bench_fail(b, status, "%s", why);
}

void glue_parked_write(char *text, uint64_t id)
{
	parked_write(text, id);
}

uint64_t glue_parked_read(const char *text)
{
	return parked_read(text);
}

int glue_take_listener(struct bench *b)
{
	return net_take(b, b->data);
}

void glue_certify_echo(struct bench *b, const struct tcp_totals *totals)
{
	echo_certify(b, totals);
}

/* ---- the bodies --------------------------------------------------------------------------------- */

#define BODY(family, name, refuses)                                                                                    \
	int tokio_##family##_##name(struct bench *b);                                                                  \
	extern const struct bench_body family##_##name##_tokio;                                                        \
	const struct bench_body family##_##name##_tokio = {.unsupported = refuses, .run = tokio_##family##_##name}

static const char *refuse_rendezvous(const struct bench *b)
{
	return bench_param(b, "capacity") == 0 ? "a channel of tokio has room for a message at least" : NULL;
}

BODY(spawn, flat, NULL);
BODY(spawn, skynet, NULL);
BODY(spawn, chain, NULL);
BODY(switch, yield, NULL);
BODY(switch, ring, NULL);
BODY(sync, pingpong, refuse_rendezvous);
BODY(sync, mutex, NULL);
BODY(memory, parked, NULL);
BODY(net, echo, NULL);

/* ---- style.h ------------------------------------------------------------------------------------ */

const char *const style_model = SWITCHYARD_SUBJECT;
const bool style_uses_workers = true;
const bool style_has_counters = false;
const bool style_can_trace = false;

static unsigned n_workers;

unsigned style_loops(const struct bench *b, const char *knobs)
{
	(void)b, (void)knobs;
	return 1;
}

int style_start(struct bench *b, const char *knobs)
{
	if (knobs[0] != '\0')
		return bench_fail(b, -EINVAL, "%s has no knobs, not \"%s\"", style_model, knobs);
	n_workers = b->workers;
	tokio_start(b->workers);
	return 0;
}

/* Each body enters the runtime for itself: it is a future, which this cannot call. */
void style_enter(struct bench *b, void (*root)(void *), void *arg)
{
	(void)b;
	root(arg);
}

int style_run(struct bench *b, const struct bench_body *body)
{
	return body->run(b);
}

void style_done(struct bench *b, int status)
{
	(void)status;
	err_fatal("bench_done: %s has a body that returns its status", b->workload->name);
}

void style_stop(struct bench *b)
{
	(void)b;
	tokio_stop();
}

int style_trace(const char *path)
{
	(void)path;
	return -EOPNOTSUPP;
}

void style_read_counters(struct bench *b, struct style_counters *out)
{
	(void)b;
	out->n = 0;
}

void style_read_knobs(struct bench *b, struct style_knobs *out)
{
	(void)b;
	out->n = 2;
	out->names[0] = "runtime";
	snprintf(out->values[0], sizeof out->values[0], "%s", n_workers > 1 ? "multi_thread" : "current_thread");
	out->names[1] = "worker_threads";
	snprintf(out->values[1], sizeof out->values[1], "%u", n_workers);
}

void style_read_stack(struct bench *b, struct style_stack *out)
{
	(void)b;
	*out = (struct style_stack){.why = "tasks have no stacks: what they need across a wait is in their futures"};
}

void style_default_knobs(struct style_knobs *out)
{
	n_workers = 1;
	style_read_knobs(NULL, out);
}
