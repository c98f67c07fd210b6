/*
 * power.h - whether a cell's rounds can carry the comparisons that will be made on it.
 *
 * A sign-test interval over n paired rounds misses the truth with probability 2 * 2^-n at the very least. With m
 * comparisons on a cell, each may miss with 0.05 / m (Bonferroni): below the n for which 2 * 2^-n <= 0.05 / m there is
 * no interval, whatever was measured. This is arithmetic, so it is known before the first sample is taken.
 */
#ifndef POWER_H
#define POWER_H

#include <stdio.h>

#include "harness/plan/plan.h"

/* At which all comparisons of a cell hold together. */
#define POWER_LEVEL 0.95

/*
 * How many comparisons the report makes on a cell: every subject against the base, and the event loop, which is what
 * people choose threads or goroutines against, with every other concurrent model; of another build (beside.h) each
 * subject with its namesake alone (harness/report/analyse.c).
 */
unsigned power_comparisons(const struct cell *cell);

/* serial and null are shown beside the others and no rivals of theirs. */
bool power_is_baseline(const struct subject *s);

/* Which ones: indices of the cell's subjects. `out` holds POWER_MAX_PAIRS; returns power_comparisons(). */
struct power_pair {
	size_t base, subject;
};
enum { POWER_MAX_PAIRS = 2 * ORDER_MAX };
unsigned power_pairs(const struct cell *cell, struct power_pair *out);

/* The fewest rounds with which m comparisons have intervals at 95 % together; m = 0: 6, for a median's own interval. */
unsigned power_rounds_needed(unsigned m);

/* Say on `out` which cells have too few rounds, in one line; nothing when none has. Returns how many. */
unsigned power_say_shortage(const struct plan *p, FILE *out);

#endif
