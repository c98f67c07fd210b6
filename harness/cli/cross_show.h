/*
 * cross_show.h - what `switchyard cross` found: from the samples of its run to points, and from these to text and JSON.
 */
#ifndef CROSS_SHOW_H
#define CROSS_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "harness/plan/plan.h"
#include "harness/results/store.h"
#include "harness/stats/crossing.h"

enum { CROSS_MAX_POINTS = 64 };

/* One value of the axis, measured. */
struct cross_point {
	long long value;
	size_t pairs; /* rounds in which both have a value */
	double a, b; /* medians of the cell's metric; NaN: none */
	struct crossing_point p; /* d = ln(a / b) */
};

struct cross {
	const char *axis, *axis_unit, *a, *b;
	const struct cell *cell; /* any of them: what they share */
	long long low, high; /* of the range */
	unsigned rounds;
	double level; /* of all intervals together */
	bool is_stopped; /* by time or a signal, before the search was done */
	struct cross_point points[CROSS_MAX_POINTS]; /* sorted by value */
	size_t n;
	struct crossing found;
};

/*
 * Fill points, n and found from the timed samples of the plan's cells. each_level: of the interval of one point. Values
 * at which no round has both are left out. 0, or -ENOMEM.
 */
int cross_read(const struct store *s, const struct plan *p, double each_level, struct cross *c);

void cross_print(FILE *out, const struct cross *c);
/* docs/records.md: switchyard.cross/1 (new reference). */
json_t *cross_json(const struct cross *c, const char *run_id);

#endif
