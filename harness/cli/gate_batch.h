/*
 * gate_batch.h - the second batch of a gate, which `gate` and `compare --gate` share.
 */
#ifndef GATE_BATCH_H
#define GATE_BATCH_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/base/err.h"
#include "harness/report/gate.h"

/* Exit code of an outcome. */
int gate_code(enum gate_outcome o);

/* What a second batch repeats. */
struct gate_order {
	const char *of_run; /* folder whose request is repeated */
	const char *old; /* folder of the old build's subjects; NULL: as the request says */
	const json_t *suspects; /* [{"cell","subject"}] */
	const char *out; /* folder that is made */
	json_t *command;
	bool is_quiet;
	const char *budget; /* NULL: as the plan says */
};

/*
 * Measure the cells of the suspects once more, old and new side by side, with the seed of the run and every order turned
 * round. An exit code of `run`.
 */
int gate_measure_again(const struct gate_order *o, struct err *err);

/* Write DIR/gate.json: schema switchyard.gate/1. `second` may be NULL. */
int gate_write(const char *dir, const char *old, double margin, enum gate_outcome outcome,
	       const struct gate_batch *first, const struct gate_batch *second, struct err *err);

/* Say the outcome; its exit code. */
int gate_conclude(enum gate_outcome outcome);

#endif
