/*
 * engine.h - runs a plan: calibration, rounds in balanced random order, counted samples; into a store.
 *
 * The engine is resumable at any point because it has no state of its own that matters: what is to be done next is a
 * function of the plan, the seed and the keys that are in the store.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/base/err.h"
#include "harness/plan/plan.h"
#include "harness/plan/progress.h"
#include "harness/plan/sample.h"
#include "harness/results/store.h"

struct engine_config {
	const struct plan *plan;
	struct store *store;
	struct sample_env env;
	struct progress *progress;
	int64_t budget_ns; /* no round is started after it, but for the first with something to measure; 0: none */
	bool is_smoke;
	bool is_reversed; /* every order of cells and of subjects is turned round: the second batch of a gate */
	/*
	 * Not NULL: nothing is run and nothing is written. The samples that would be taken are counted in this object,
	 * cell -> {"calibrate","timed","counted","smoke"}, as if each of them would succeed.
	 */
	json_t *missing;
};

/* What became of the run, over all lines of the store. */
struct engine_result {
	unsigned ok, failed, unsupported, requeued, contaminated; /* contaminated: kept ones, not those repeated */
	unsigned measured; /* ok samples that are no calibration */
	unsigned pairs_ok, pairs_failed, pairs_skipped; /* smoke: (subject, workload) */
	bool is_complete;
	bool is_out_of_time;
	bool is_interrupted;
	unsigned rounds_done; /* of those planned, by the cell that has most */
	/* With looks: cells without a verdict; of them those that no look should decide; the fewest rounds in all at which one of
	 * the others should be, 0: none. */
	unsigned n_undecided, n_hopeless, needed;
	unsigned n_missing; /* with config.missing: samples that would be taken, and how long that would take */
	int64_t missing_ns;
};

/* 0; or -errno and a sentence when the store cannot be written. What subjects do is in the result, not an error. */
int engine_run(const struct engine_config *config, struct engine_result *out, struct err *err);

#endif
