/*
 * plan_internal.h - what plan.c and plan_file.c share: a plan while it is being built.
 */
#ifndef PLAN_INTERNAL_H
#define PLAN_INTERNAL_H

#include "harness/plan/plan.h"

/* What plan_build works with. */
struct builder {
	const struct catalog *catalog;
	const struct topology *topology;
	const struct plan_options *options;
	struct filter *filter;
	struct plan *plan;
	struct err *err;
	size_t n_expanded; /* cells before the filter */
};

/* Put the variants that the file or the user names into the catalog, before anything points into it. */
int plan__add_variants(struct catalog *c, const json_t *file, const struct plan_options *o, struct err *err);

/* The file as a whole, without its groups. */
int plan__check_file(const json_t *file, struct err *err);

/* A group of the file, or (described false) one made up for a workload that no plan describes. */
int plan__add_group(struct builder *b, const json_t *file, bool described);

/*
 * Place, filter and keep one cell; takes over everything that it owns. `wanted` is the number of workers, 0 for as many
 * as the placement gives.
 */
int plan__add_cell(struct builder *b, struct cell cell, unsigned wanted);

#endif
