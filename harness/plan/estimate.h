/*
 * estimate.h - how long a plan will take, said before it is run.
 *
 * Constants are medians measured on a 2-CPU virtual machine (estimate.c); they are not learnt from the run, so that
 * --dry-run and the test of the default plan's size give the same answer everywhere. What cannot be known beforehand
 * (how long a finite problem takes) is taken from the sample that says how long it may take at most.
 */
#ifndef ESTIMATE_H
#define ESTIMATE_H

#include <stdint.h>

#include "harness/plan/plan.h"

struct estimate {
	unsigned calibrate, timed, counted, simulated, traced; /* samples */
	int64_t total_ns; /* all of them, pauses included */
};

/* Samples and time of one cell, or of the whole plan. */
void estimate_cell(const struct plan *p, const struct cell *cell, struct estimate *out);
void estimate_plan(const struct plan *p, struct estimate *out);

/* Time of one sample of the cell with nothing before it. */
int64_t estimate_sample_ns(const struct plan *p, const struct cell *cell);
/* The same of a simulated one. */
int64_t estimate_simulated_ns(const struct cell *cell);
/* And of a traced one. */
int64_t estimate_traced_ns(const struct cell *cell);
/* All samples of the cell that are in no round: counted, traced, simulated. */
int64_t estimate_apart_ns(const struct plan *p, const struct cell *cell);

#endif
