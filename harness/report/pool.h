/*
 * pool.h - runs of several machines in one table: for each cell and pair of subjects the ratio that each machine shows.
 *
 * Times of two machines are not comparable; ratios of two subjects on one machine are, because both halves were measured
 * there in the same rounds. So nothing is averaged before it is a ratio, and every figure is one that a machine's own
 * report has, with its interval and verdict. Beside them stand geometric means (the mean that does not depend on which
 * subject is the base): over the machines of a row, and over the rows of a workload, of those rows that every machine has. A
 * figure that its own report does not trust is shown and is in no mean.
 * There is no mean over workloads: it would weigh them by how many parameters somebody gave each.
 *
 * Rejected: pooling the samples into one interval. It would be an interval for a mixture of these machines, of which
 * nobody has one.
 */
#ifndef POOL_H
#define POOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "harness/base/err.h"

enum { POOL_MAX_RUNS = 16 };

/* A pair of subjects on a cell. Texts are the reports'. */
struct pool_row {
	const char *cell, *workload, *base, *subject;
	json_int_t version;
	const json_t *of[POOL_MAX_RUNS]; /* the comparison in each report, NULL: it has none */
	size_t n_machines; /* that have it */
	size_t n_trusted; /* of them, those whose report trusts it */
	double mean; /* geometric, over those; NaN: fewer than two */
};

struct pool {
	json_t *reports[POOL_MAX_RUNS];
	size_t n_reports;
	struct pool_row *rows; /* grouped by workload, in the order in which they first appear */
	size_t n_rows;
};

/* Takes new references. -EINVAL for fewer than two or too many, -ENODATA when no pair is in two of them, -ENOMEM. */
int pool_reports(json_t *const *reports, size_t n, struct pool **out, struct err *err);
void pool_free(struct pool *p);

/* The geometric mean of a workload's rows on machine i, over the rows that all machines have, and trust, for that pair; NaN: none. */
double pool_workload_mean(const struct pool *p, const struct pool_row *like, size_t i, size_t *n_cells);

void pool_text(FILE *out, const struct pool *p);
void pool_markdown(FILE *out, const struct pool *p);

#endif
