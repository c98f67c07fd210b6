/*
 * rate.h - how often something happened, with exact bounds; and p values of several tests, corrected together.
 *
 * A selftest that finds 60 planted slow-downs of 60 has not shown that it finds all: the rate behind it may be 94 %.
 * The bounds are Clopper and Pearson's, which hold for every rate and every number of trials. Rejected: the normal
 * approximation (at 60 of 60 its interval has no width), Wilson's (right on average over rates, too short at some).
 */
#ifndef STATS_RATE_H
#define STATS_RATE_H

#include <stdbool.h>
#include <stddef.h>

struct stats_rate {
	size_t hits, of;
	double rate; /* NaN when nothing was tried */
	double lo, hi; /* each end is passed with probability (1 - level) / 2 at most */
	double level;
};

/* 0; -EINVAL when there are more hits than trials, or level is not inside (0, 1). Of no trials: [0, 1]. */
int stats_rate(size_t hits, size_t of, double level, struct stats_rate *out);

/* Two-sided p value of the sign test: `fewer` of the n untied pairs lie on the rarer side. 1 when n is 0. */
double stats_sign_p(size_t fewer, size_t n);

/*
 * p values corrected for their number, each at most 1, in the order given. Holm's are never larger than Bonferroni's
 * and hold the same family-wise error. False: out of memory.
 */
void stats_bonferroni(const double *p, size_t n, double *adjusted);
bool stats_holm(const double *p, size_t n, double *adjusted);

#endif
