/*
 * traced.h - traced samples: how much work they do, and the file that they leave.
 *
 * A subject that can (`capabilities.trace`) writes what its scheduler did in the region into a file of the trace format that
 * ui.perfetto.dev reads. The file stays in the run's folder; the record has its name and digest, and the report draws pictures out
 * of it (harness/report/timeline.c). Noting everything down makes a model slower, each in its own way: a traced sample has no
 * times and no noise, and nothing of it is compared.
 *
 * A runtime that others have made may have a trace of a form of its own (`capabilities.native_trace` says what opens it). It is
 * kept in the same way, and not drawn.
 *
 * The work is a smoke sample's: a picture shows some dozens of events, and a file that is to be opened must stay small. The
 * subject bounds it (it keeps the last events); one that does not is refused.
 *
 * Rejected: the usual variable of the runtime (GRTRACE), which would trace set-up, warm-up and end as well, of one model alone.
 */
#ifndef TRACED_H
#define TRACED_H

#include <limits.h>

#include "harness/plan/plan.h"

struct take; /* sample_talk.h */
struct sample_request; /* sample.h */

enum {
	TRACED_SAMPLES = 1, /* of each subject and cell */
	TRACED_MOST_BYTES = 32 << 20, /* of a file; the report reads no larger ones either */
	TRACED_NAME_SIZE = NAME_MAX + 1,
};

/* NULL, or why cells of this workload are not traced. */
const char *traced_refused(const struct workload_def *w);

/* Operations of a linear cell's sample. */
uint64_t traced_ops(const struct cell *cell);

/* The name of the sample's file: trace-CELL-SUBJECT-KEY.json (.native: of the runtime's own form), of letters, digits, '.', '_', '=', '+' and '-'. */
void traced_name(const struct sample_request *r, char out[TRACED_NAME_SIZE]);

/* Into the message `run`, of a traced sample: where the file is to be. */
void traced_ask(const struct take *t, json_t *message);

/* The process has ended: look at the file, into t->trace. A failure where it is missing or too large; then it is removed. */
void traced_finish(struct take *t);

#endif
