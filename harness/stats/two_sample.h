/*
 * two_sample.h - two samples that were not taken in common rounds: the factor between them, with an exact interval.
 *
 * Within a run subjects are paired by rounds (stats_compare). Process runs of different runs have no partner, and to
 * pair them by number would only throw a coin over their order. What is left is that, if nothing changed, each value
 * could as well have come from the other run: the distribution of the Mann-Whitney count is then known exactly, whatever
 * the distribution of the values. The interval inverts that test on logarithms: the estimate is the median of all
 * na * nb ratios a/b (Hodges and Lehmann 1963), its ends are order statistics of them.
 *
 * What is exact: the probability of calling two runs different when they are not, with ties too (they can only lower
 * it). As an interval for "the" ratio it supposes that a change multiplies all values by one factor; where it changes
 * their shape as well, it is an interval for the median of the ratio of one process of A to one of B.
 *
 * Rejected: two sign-test intervals put together (they need no common shape, but nine rounds a side reach a level of
 * 99.2 % at best, and a table of forty rows asks for 99.9 %); bootstrap (coverage collapses below twenty values);
 * Welch's t (run times are skewed, see stats.h).
 *
 * What it cannot see: that the machine was another on the other day. The caller compares the surroundings and says so.
 */
#ifndef TWO_SAMPLE_H
#define TWO_SAMPLE_H

#include <stddef.h>

#include "harness/stats/stats.h"

/* P(U <= u) for the Mann-Whitney count of na and nb values without ties, when both are of one distribution. */
double two_sample_u_cdf(long u, size_t na, size_t nb);

/*
 * The rank k (1-based) so that the k-th smallest and the k-th largest of the na * nb differences hold the shift with
 * probability 1 - alpha at least, and in *level the probability that they really reach. 0: no interval at that level.
 * Exact up to TWO_SAMPLE_EXACT products na * nb; above, by the normal distribution, whose tails are heavier than U's, and
 * one rank further out.
 */
size_t two_sample_rank(size_t na, size_t nb, double alpha, double *level);
enum { TWO_SAMPLE_EXACT = 2500 };

/* How many values a side are needed for an interval at that level. */
size_t two_sample_least(double level);

/*
 * The factor a / b, as a comparison like a paired one: n is the smaller of the two numbers, ties the pairs of equal
 * values. All values must be above 0. 0, -EINVAL or -ENOMEM.
 */
int two_sample_compare(const double *a, size_t na, const double *b, size_t nb, double level,
		       struct stats_comparison *out);

#endif
