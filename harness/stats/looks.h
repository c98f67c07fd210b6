/*
 * looks.h - looking at a comparison before its end, without paying for it in false alarms.
 *
 * Who tests after every round and stops when something shows, finds something in the end: five looks at 5 % each are
 * wrong in one case of seven. Here the looks are fixed before the first sample, and each spends a part of the 5 % of its
 * own: whatever makes a cell stop at one of them, the chance that any of its looks errs is at most the sum (the union
 * bound; it needs no model of how the looks depend on each other). Rejected: spending functions that use the dependence
 * (they assume normal increments; sign tests of twelve pairs are far from it), one look at the end (the time of clear
 * cells is then missing where it is not clear).
 *
 * The equivalence test is two one-sided tests: at a look it uses the interval at 1 - 2 alpha of that look.
 */
#ifndef STATS_LOOKS_H
#define STATS_LOOKS_H

#include <stddef.h>

#include "harness/stats/stats.h"

struct stats_look {
	unsigned rounds;
	double alpha;
};

enum { LOOKS = 5 };
/* 12, 20, 40, 80, 120 rounds; 0.05 together. */
extern const struct stats_look looks_all[LOOKS];

/* As stats_compare, over the n pairs of the look's rounds, for one of m comparisons. */
int look_compare(const struct stats_look *look, unsigned m, const double *base, const double *subject, size_t n,
		 struct stats_comparison *out);

#endif
