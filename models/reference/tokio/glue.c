/*
 * glue.c - tokio as harness/subject/style.h wants it, and bench.h as Rust can call it.
 *
 * The bodies are Rust (lib.rs); the protocol, warm-up and calibration are the harness's, as of every subject that is linked
 * with it. What is inline in C has a name here. lib.rs says why this is fair.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/err.h"
#include "harness/subject/style.h"
#include "models/reference/files.h"
#include "workloads/block/call/call.h"
#include "workloads/disk/read/read.h"
#include "workloads/memory/parked/parked.h"
#include "workloads/net/churn/churn.h"
#include "workloads/net/echo/echo.h"
#include "workloads/net/fanout/fanout.h"
#include "workloads/net/http_server.h"
#include "workloads/net/idle/idle.h"
#include "workloads/net/udp/udp.h"
#include "workloads/spawn/flat/flat.h"
#include "workloads/switch/ring/ring.h"
#include "workloads/timer/sleepers/sleepers.h"

/* What the Rust files write down again. */
_Static_assert(sizeof(struct bench_cert) == 8 * sizeof(uint64_t), "Cert of bench.rs");
_Static_assert(sizeof(struct flat_record) == 2 * sizeof(uint64_t), "FlatRecord of spawn.rs");
_Static_assert(offsetof(struct ring_data, nodes) == 2 * sizeof(uint64_t), "RingData of switch.rs");
_Static_assert(offsetof(struct ring_node, value) == sizeof(void *), "RingNode of switch.rs");
_Static_assert(sizeof(struct tcp_totals) == 4 * sizeof(uint64_t), "TcpTotals of net.rs");
_Static_assert(ECHO_BUFFER == 65536, "ECHO_BUFFER of net.rs");
_Static_assert(CHURN_BUFFER == 4096 && IDLE_BUFFER == 4096 && HTTP_BUFFER == 4096, "SMALL_BUFFER of net.rs");
_Static_assert(UDP_BUFFER == 8192, "UDP_BUFFER of net.rs");
_Static_assert(offsetof(struct http_data, answer) == 2 * sizeof(void *), "HttpData of net.rs");
_Static_assert(sizeof(struct http_parser) <= 64, "HttpParser of net.rs");
_Static_assert(FANOUT_REQUEST_BYTES == 51, "REQUEST_BYTES of fanout.rs");
_Static_assert(offsetof(struct fanout_get, buffer) == 3 * sizeof(uint64_t), "Get of fanout.rs");
_Static_assert(sizeof(struct fanout_count) == 6 * sizeof(uint64_t), "Count of fanout.rs");
_Static_assert(CALL_PARTS == 6 && sizeof(struct call_threads) == 8 * sizeof(unsigned), "Threads of block.rs");
_Static_assert(DATAFILE_BLOCK == 4096, "BLOCK of block.rs");
_Static_assert(PARKED_LIBC_YES == 1 && PARKED_LIBC_BELOW == 2 && PARKED_TEXT == 64, "memory.rs");

/* ---- lib.rs ------------------------------------------------------------------------------------- */

void tokio_start(unsigned workers);
void tokio_stop(void);

/* ---- for bench.rs ------------------------------------------------------------------------------- */

uint64_t glue_ops(const struct bench *b);
uint64_t glue_seed(const struct bench *b);
void *glue_data(const struct bench *b);
void glue_certify(struct bench *b, const struct bench_cert *cert);
int glue_fail(struct bench *b, int status, const char *why);

uint64_t glue_ops(const struct bench *b)
{
	return b->ops;
}

uint64_t glue_seed(const struct bench *b)
{
	return b->seed;
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

/* ---- for memory.rs ------------------------------------------------------------------------------ */

void glue_parked_write(char *text, uint64_t id);
uint64_t glue_parked_read(const char *text);

void glue_parked_write(char *text, uint64_t id)
{
	parked_write(text, id);
}

uint64_t glue_parked_read(const char *text)
{
	return parked_read(text);
}

/* ---- for net.rs --------------------------------------------------------------------------------- */

int glue_take(struct bench *b, struct net_sockets *sockets);
void glue_certify_http(struct bench *b, const struct tcp_totals *totals);
unsigned glue_parse_http(struct http_parser *p, const char *bytes, size_t n, size_t *used);
bool glue_http_closes(const struct http_parser *p);
const char *glue_http_refusal(const struct http_parser *p);

int glue_take(struct bench *b, struct net_sockets *sockets)
{
	return net_take(b, sockets);
}

void glue_certify_http(struct bench *b, const struct tcp_totals *totals)
{
	http_certify(b, totals);
}

/* 0: more is to come; 1: a request; 2: refused. */
unsigned glue_parse_http(struct http_parser *p, const char *bytes, size_t n, size_t *used)
{
	switch (http_parse(p, bytes, n, used)) {
	case HTTP_MORE:
		return 0;
	case HTTP_REQUEST:
		return 1;
	default:
		return 2;
	}
}

bool glue_http_closes(const struct http_parser *p)
{
	return p->closes;
}

const char *glue_http_refusal(const struct http_parser *p)
{
	return http_refusal(p->status);
}

/* ---- for fanout.rs ------------------------------------------------------------------------------ */

int glue_connect(struct bench *b);
size_t glue_fanout_buffer_bytes(size_t body_bytes);
void glue_fanout_begin(struct fanout_get *g, uint64_t number, char *out);
int glue_fanout_take(struct fanout_get *g, size_t n, struct fanout_count *c);

int glue_connect(struct bench *b)
{
	const struct fanout_data *d = b->data;

	return backend_connect(b, &d->backend);
}

size_t glue_fanout_buffer_bytes(size_t body_bytes)
{
	return fanout_buffer_bytes(body_bytes);
}

void glue_fanout_begin(struct fanout_get *g, uint64_t number, char *out)
{
	fanout_begin(g, number, out);
}

int glue_fanout_take(struct fanout_get *g, size_t n, struct fanout_count *c)
{
	return fanout_take(g, n, c);
}

/* ---- for block.rs ------------------------------------------------------------------------------- */

uint64_t glue_call_settle_ns(const struct bench *b);
bool glue_nap(uint64_t ns);
int glue_pipe(int fds[2]);
int glue_read_byte(int fd);
bool glue_write_byte(int fd, unsigned char byte);
void glue_close(int fd);
struct reader *glue_reader(const struct bench *b, uint64_t i, uint64_t n);
int glue_read_next(struct reader *r);
int glue_read_check(const struct reader *r, uint64_t *sum);
void glue_reader_free(struct reader *r);

uint64_t glue_call_settle_ns(const struct bench *b)
{
	return call_settle_ns(b);
}

/* Did it sleep? */
bool glue_nap(uint64_t ns)
{
	struct nap call = {.ns = ns};

	nap(&call);
	return call.failed == 0;
}

int glue_pipe(int fds[2])
{
	return pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0;
}

/* The byte, or -errno. */
int glue_read_byte(int fd)
{
	unsigned char byte;
	ssize_t n = plain_read(fd, &byte, 1);

	return n == 1 ? byte : n < 0 ? (int)n : -EIO;
}

bool glue_write_byte(int fd, unsigned char byte)
{
	return write(fd, &byte, 1) == 1;
}

void glue_close(int fd)
{
	close(fd);
}

/* Of disk/read: of the task's, or of the thread that reads for it. */
struct reader {
	int fd;
	struct read_order order;
	uint64_t asked; /* the number of the block that was read */
	uint64_t *block; /* DATAFILE_BLOCK bytes, aligned to it */
};

struct reader *glue_reader(const struct bench *b, uint64_t i, uint64_t n)
{
	const struct read_data *d = b->data;
	struct reader *r = malloc(sizeof *r);

	if (!r)
		err_fatal("out of memory for a reader");
	*r = (struct reader){.fd = d->fd,
			     .order = read_order_of(d, b->seed, i, n),
			     .block = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK)};
	if (!r->block)
		err_fatal("out of memory for a block");
	return r;
}

/* Read the next block: 0, or -errno. */
int glue_read_next(struct reader *r)
{
	ssize_t n;

	r->asked = read_next(&r->order);
	n = plain_pread(r->fd, r->block, DATAFILE_BLOCK, (off_t)(r->asked * DATAFILE_BLOCK));
	if (n < 0)
		return (int)n;
	return n == DATAFILE_BLOCK ? 0 : -EIO;
}

/* Whether it is the right block: 0 and its digest, or -EIO. */
int glue_read_check(const struct reader *r, uint64_t *sum)
{
	return datafile_verify(r->block, r->asked, sum) ? 0 : -EIO;
}

void glue_reader_free(struct reader *r)
{
	free(r->block);
	free(r);
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
BODY(switch, grain, NULL);
BODY(switch, ring, NULL);
BODY(sync, pingpong, refuse_rendezvous);
BODY(sync, stream, refuse_rendezvous);
BODY(sync, queue, refuse_rendezvous);
BODY(sync, pipeline, refuse_rendezvous);
BODY(sync, select, refuse_rendezvous);
BODY(sync, mutex, NULL);
BODY(sync, rwlock, NULL);
BODY(sync, semaphore, NULL);
BODY(sync, barrier, NULL);
BODY(memory, parked, NULL);
BODY(memory, afterexit, NULL);
BODY(memory, alloc, NULL);
int tokio_timer_sleepers(struct bench *b);
extern const struct bench_body timer_sleepers_tokio;
const struct bench_body timer_sleepers_tokio = {.run = tokio_timer_sleepers, .estimate_ns = sleepers_least_ns};
BODY(timer, accuracy, NULL);
BODY(timer, churn, NULL);
BODY(block, call, NULL);
BODY(block, handoff, NULL);
BODY(disk, read, NULL);
BODY(net, echo, NULL);
BODY(net, http, NULL);
BODY(net, churn, NULL);
BODY(net, idle, NULL);
BODY(net, udp, NULL);
BODY(net, fanout, NULL);

/* ---- style.h ------------------------------------------------------------------------------------ */

const char *const style_model = SWITCHYARD_SUBJECT;
const bool style_uses_workers = true;
const bool style_has_counters = false;
const bool style_can_trace = false;

static unsigned n_workers;

const char *style_lacks(const char *workload)
{
	static const char computes[] = "nothing interrupts a task of tokio: it is not for tasks that compute for long";
	static const struct {
		const char *name, *why;
	} lacks[] = {
		{"cpu/", "tokio's manual sends computations to other crates (rayon)"},
		{"abuse/hog", computes},
		{"abuse/ready", computes},
		{"abuse/blocker", "a call that is not given to the pool stops a worker of tokio: nobody writes that"},
		{"block/bystander", computes},
		{"switch/ladder", "tokio's parts cannot be used by themselves"},
	};

	for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++)
		if (strncmp(workload, lacks[i].name, strlen(lacks[i].name)) == 0)
			return lacks[i].why;
	return NULL;
}

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
	out->n = 3;
	out->names[0] = "runtime";
	snprintf(out->values[0], sizeof out->values[0], "%s", n_workers > 1 ? "multi_thread" : "current_thread");
	out->names[1] = "worker_threads";
	snprintf(out->values[1], sizeof out->values[1], "%u", n_workers);
	out->names[2] = "max_blocking_threads"; /* as it is when nobody says anything */
	snprintf(out->values[2], sizeof out->values[2], "512");
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
