/*
 * stats.h - order statistics and exact intervals, for samples of a few to a few hundred process runs.
 *
 * Why nothing here assumes a distribution: run times are skewed, have two modes on virtual machines and come in
 * samples of nine. Means, standard deviations and t intervals are wrong there in the direction that flatters. The
 * median and the sign test need one assumption only, that rounds are independent of each other.
 *
 * Rejected: bootstrap of the median (its coverage collapses with ties and below 20 values); Wilcoxon's interval
 * (assumes symmetry: 91 % coverage at nominal 95 % on skewed data); averaging epochs of one process (they are not
 * independent evidence).
 *
 * Functions are pure; those that take a non-const array reorder or overwrite it, as said with each.
 */
#ifndef STATS_H
#define STATS_H

#include <stdbool.h>
#include <stddef.h>

/* Sort ascending, in place. */
void stats_sort(double *v, size_t n);

/* Median; sorts v in place. NaN when n is 0. */
double stats_median(double *v, size_t n);

/* Quantile q in [0, 1] of sorted values, by linear interpolation between order statistics (Hyndman-Fan type 7). */
double stats_quantile(const double *sorted, size_t n, double q);

/* Median absolute deviation from the median, not scaled; overwrites v. NaN when n is 0. */
double stats_mad(double *v, size_t n);

/* P(X <= k) for X ~ Binomial(n, p). 0 for k < 0, 1 for k >= n. */
double stats_binomial_cdf(long k, size_t n, double p);

/*
 * The ranks (1-based) of the two order statistics between which the median lies with probability at least 1 - alpha:
 * k_lo is the largest k with 2 * P(Binomial(n, 1/2) <= k - 1) <= alpha, k_hi = n + 1 - k_lo. False when n < 6 or when
 * even the extremes do not reach that level.
 */
bool stats_sign_interval(size_t n, double alpha, size_t *k_lo, size_t *k_hi);

/* The level that the interval from rank k to rank n + 1 - k really has: 1 - 2 * P(Binomial(n, 1/2) <= k - 1). */
double stats_sign_level(size_t n, size_t k);

/* Interval for the median of sorted values at `level` or more; *achieved is the level reached. */
bool stats_median_interval(const double *sorted, size_t n, double level, double *lo, double *hi, double *achieved);

/*
 * Interval for quantile q of sorted values at `level` or more: two order statistics, each of which is passed with
 * probability (1 - level) / 2 at most, whatever the distribution. False where the extremes do not reach that level: of
 * a p99 over processes it takes hundreds of them.
 */
bool stats_quantile_interval(const double *sorted, size_t n, double q, double level, double *lo, double *hi,
			     double *achieved);

/* A median with its interval and its spread. */
struct stats_estimate {
	size_t n;
	double median, min, max; /* NaN when n is 0 */
	double mad; /* median absolute deviation */
	bool has_interval;
	double lo, hi, level; /* valid if has_interval */
};
/* Sorts v, then overwrites it. */
void stats_estimate(double *v, size_t n, double level, struct stats_estimate *out);
/* The same of values that may be infinite, and so without mad: NAN. Sorts v. */
void stats_estimate_open(double *v, size_t n, double level, struct stats_estimate *out);

/* Two subjects measured in the same rounds. */
struct stats_comparison {
	size_t n; /* pairs */
	size_t ties; /* pairs with exactly equal values */
	double ratio; /* median over rounds of base / subject; above 1: the subject needs less */
	bool has_interval; /* of the ratio, at the level asked for */
	double lo, hi;
	double asked; /* the level asked for */
	double level; /* achieved, at least that */
	double half_width; /* of the interval, as a factor less one: sqrt(hi / lo) - 1 */
	bool has_narrow; /* the same at 90 %, for the equivalence test */
	double narrow_lo, narrow_hi, narrow_level;
};

/*
 * Compare by paired log ratios: d_i = ln(base_i) - ln(subject_i), median and sign-test interval of d. All values must
 * be above 0 (-EINVAL otherwise). 0, -EINVAL or -ENOMEM.
 */
int stats_compare(const double *base, const double *subject, size_t n, double level, struct stats_comparison *out);
/* The same with another level than 90 % for the equivalence test. */
int stats_compare_at(const double *base, const double *subject, size_t n, double level, double narrow_level,
		     struct stats_comparison *out);

/* One row to be ranked. */
struct stats_span {
	double median, lo, hi;
	bool has_interval;
};
/*
 * Ranks by median; rows whose intervals overlap, directly or through rows between them, share a rank. group[i] is 1
 * for the smallest. A row without an interval cannot be told from any other and gets 0, as does every row when all
 * lack one.
 */
void stats_rank_groups(const struct stats_span *spans, size_t n, unsigned *group);

#endif
