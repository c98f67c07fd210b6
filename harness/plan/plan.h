/*
 * plan.h - what a run will measure: cells, expanded from a plan file, checked against what the subjects offer.
 *
 * A plan file holds groups. A group names one workload and lists values for its parameters, its placements and its
 * workers; every list is an axis and the group stands for the product. From a file to the cells of a run:
 *
 *      read and check the file  ->  expand  ->  --param, --placement  ->  place on this machine's CPUs  ->  filter
 *      ->  give each group its twin
 *
 * A cell that two groups name is one cell, with the subjects of both and the more rounds.
 *
 * What this machine cannot place (no SMT siblings, one CPU) is left out with a sentence, never replaced.
 */
#ifndef PLAN_H
#define PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/measure/measure.h"
#include "harness/plan/catalog.h"
#include "harness/plan/filter.h"
#include "harness/plan/order.h"

/* One cell: immutable after plan_build. */
struct cell {
	char *id; /* unique in a run: workload, parameters in declared order, placement, workers */
	const struct workload_def *workload;
	json_t *params;
	enum placement placement;
	struct placed placed;
	const struct subject *subjects[ORDER_MAX - 1]; /* room for the twin in an order */
	size_t n_subjects;
	const struct subject *base; /* what the others are compared with; NULL: no comparison */
	const struct subject *twin; /* the subject that enters twice (A/A), or NULL */
	char *group;
	unsigned rounds; /* timed samples of each subject */
	unsigned counted; /* counted samples of each subject */
	json_t *event_sets; /* they take turns over the counted samples (event_sets.h); one at least */
	unsigned simulated; /* simulated samples of each subject (simulate.h) */
	unsigned traced; /* traced samples of each subject that can be (traced.h) */
	int64_t region_ns; /* its group's; 0: the plan's. Of a finite problem, how long it is expected to take: an estimate */
	bool wants_twin; /* its group asks for one; the first selected cell of the group gets it */
};

struct plan {
	char *name;
	unsigned rounds; /* the default of its cells */
	int64_t budget_ns; /* for measuring, as the plan was sized */
	int64_t region_ns; /* the length that calibrated regions aim at */
	struct cell *cells;
	size_t n_cells;
	unsigned claims; /* of the question that makes the most of them, among those that it is for; 0: for none */
	bool is_rigorous; /* its cells end at a look (harness/stats/looks.h), at the last one at the latest */
	json_t *skipped; /* array of {"cell","why"}: what this machine cannot place */
};

/* What a user may change; zero or NULL: as the plan says. */
struct plan_options {
	const char *filter; /* filter.h */
	const char *const *params; /* "name=value", each for all cells whose workload has the parameter */
	size_t n_params;
	const enum placement *placements; /* instead of the plan's */
	size_t n_placements;
	const char *const *subjects; /* only these */
	size_t n_subjects;
	unsigned rounds;
	bool is_rigorous; /* rounds as the last look has, for all cells that are timed */
	const json_t
		*event_sets; /* every cell gets a counted sample of each of them; NULL or empty: as the plan says */
	bool with_simulated; /* every cell that can be gets its simulated samples */
	bool with_traced; /* and its traced ones */
	bool smoke; /* one cell per workload with its smoke parameters; the file is not used */
};

/* The length that the cell's calibrated regions, or its load, aim at. */
int64_t plan_region_ns(const struct plan *p, const struct cell *cell);

/* Read a plan file; -EINVAL and a sentence when it is not JSON. */
int plan_read(const char *path, json_t **out, struct err *err);

/* Expand and check; the variants that the file or the options name are added to the catalog. `file` is the plan's JSON (NULL with smoke). -EINVAL: wrong input; -ENOENT: nothing is selected. */
int plan_build(const json_t *file, struct catalog *c, const struct topology *t, const struct plan_options *o,
	       struct plan **out, struct err *err);
/* Keep only these cells, as they are. -ENOENT and a sentence, with nothing changed, when one is not there. */
int plan_keep(struct plan *p, const char *const *ids, size_t n, struct err *err);
void plan_free(struct plan *p);

/* Entries of a cell in an order: its subjects, then the twin. */
size_t cell_entries(const struct cell *cell);
const struct subject *cell_entry(const struct cell *cell, size_t i, bool *is_twin);

/* docs/records.md: a cell; and the `plan` object of run.json. */
json_t *cell_json(const struct cell *cell);
json_t *plan_json(const struct plan *p, const char *filter, double estimate_s);

#endif
