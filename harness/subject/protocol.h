/*
 * protocol.h - the messages of docs/subject-protocol.md, as a subject reads and writes them.
 *
 * Everything that is checked about a cell is checked here, once, for --run and for --certify: the oracle and the
 * runs must agree on what a cell means, down to the rounding of ops.
 */
#ifndef SUBJECT_PROTOCOL_H
#define SUBJECT_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/base/err.h"
#include "harness/base/usage.h"
#include "harness/subject/bench.h"
#include "harness/subject/mailbox.h"
#include "harness/subject/registry.h"
#include "harness/subject/style.h"

/* Doubles hold whole numbers exactly up to here, and so do all JSON readers. */
#define PROTOCOL_MAX_INT ((INT64_C(1) << 53) - 1)

enum run_kind {
	KIND_TIMED,
	KIND_COUNTED,
	KIND_TRACED,
	KIND_CALIBRATE,
	KIND_SMOKE,
};

/* A cell, checked. */
struct cell {
	const struct registry_entry *entry;
	struct bench bench; /* workload, param, ops (rounded), workers, seed and data_dir are set */
	char *data_dir; /* owned; bench.data_dir points to it */
	char *knobs; /* owned; "" for none */
	uint16_t (*nearness)[2]; /* owned; bench.nearness points to it */
	bool warmup;
};

/* The first line of --run. */
struct run_request {
	enum run_kind kind;
	uint64_t target_ns; /* KIND_CALIBRATE */
	char *trace_file; /* owned; KIND_TRACED: where the trace is to be; NULL: nowhere */
	struct cell cell;
};

/* Check a `cell` object. 0, or -EINVAL with a sentence; on success the caller calls cell_free. */
int protocol_parse_cell(const json_t *object, struct cell *out, struct err *e);
void cell_free(struct cell *cell);

/* Check a `run` object: `needs_ops` cells (linear, not calibrated) must have ops. Results as above. */
int protocol_parse_run(const json_t *object, struct run_request *out, struct err *e);
void run_request_free(struct run_request *r);

/* ops as the workload can do them: a multiple of its quantum, rounded down, but at least one quantum. */
uint64_t protocol_round_ops(const struct bench *b, uint64_t ops);

/* A subject of somebody else's runtime says in its build which version that is and what bodies are written in. */
#ifdef SWITCHYARD_MODEL_VERSION
#define PROTOCOL_VERSION_OF_MODEL SWITCHYARD_MODEL_VERSION
#else
#define PROTOCOL_VERSION_OF_MODEL BUILD_VERSION
#endif
/* And of which year; 0: not known, or it is ours. */
#ifdef SWITCHYARD_MODEL_YEAR
#define PROTOCOL_YEAR_OF_MODEL SWITCHYARD_MODEL_YEAR
#else
#define PROTOCOL_YEAR_OF_MODEL 0
#endif
/* What its bodies are written in. */
#ifndef SWITCHYARD_MODEL_LANGUAGE
#define SWITCHYARD_MODEL_LANGUAGE "C"
#endif

/* Why this subject has no body for that workload, in words of its style's own; NULL: it has none such. */
const char *protocol_lacks(const char *workload);

/* Messages and their parts; new references, NULL when out of memory. */
json_t *protocol_describe(void);
json_t *protocol_cert(const struct bench_cert *cert);
json_t *protocol_figures(const struct figures *figures); /* NULL, too, where none were told */
json_t *protocol_knobs(const struct style_knobs *knobs);
json_t *protocol_stack(const struct style_stack *stack);
/* later - earlier, by name. */
json_t *protocol_counters(const struct style_counters *later, const struct style_counters *earlier);

#endif
