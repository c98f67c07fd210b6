/*
 * usl.h - Gunther's universal scalability law, fitted: how throughput grows with concurrency, and where it turns.
 *
 *      X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))
 *
 * lambda: throughput of one; sigma: the share that waits for its turn (contention); kappa: what agreeing costs each pair
 * (coherency). With kappa > 0 there is a knee N* = sqrt((1 - sigma) / kappa), beyond which more concurrency gives less.
 *
 * Weighted least squares on X with sigma, kappa >= 0. Rejected: fitting the parabola N / X alone (least squares of the
 * wrong thing: it weighs small throughputs most; it is the start of the search here); a bound on kappa by a penalty
 * (what lies on a bound is then never quite there, and "no knee" could not be said).
 *
 * The interval is a percentile bootstrap over processes: at each N as many processes are drawn again as there were. It
 * knows the spread between processes and not whether the law holds; r2 and the residuals are for that.
 */
#ifndef STATS_USL_H
#define STATS_USL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { USL_MIN_LEVELS = 6, USL_MAX_LEVELS = 64, USL_MAX_RUNS = 4096 };

struct usl_point {
	double n, x; /* concurrency; throughput: both above 0 */
	double weight; /* above 0 */
};

struct usl {
	double lambda, sigma, kappa;
	double knee; /* N*; NaN: throughput does not turn (kappa is 0), or turns below 1 */
	double x_at_knee; /* NaN where there is no knee */
	double r2; /* 1 - residual / total sum of squares, weighted; NaN where all x are equal */
	size_t n; /* points */
};

/* 0; -EINVAL when a value is out of range or there are fewer than USL_MIN_LEVELS different N. */
int usl_fit(const struct usl_point *p, size_t n, struct usl *out);

/* X(N) of a fit. */
double usl_at(const struct usl *u, double n);

/* The processes measured at one N. */
struct usl_level {
	double n;
	const double *x;
	size_t runs;
};

struct usl_range {
	double lo, hi;
};

struct usl_estimate {
	struct usl fit; /* through the medians of the levels, each with the weight of its runs */
	bool has_interval; /* at least three runs at every level */
	double level;
	struct usl_range lambda, sigma, kappa;
	double share_with_knee; /* of the resamples */
	struct usl_range knee; /* of those resamples; only where all but (1 - level) / 2 of them have one, else NaN */
};

/* 0, -EINVAL as usl_fit, or -ENOMEM. The same seed gives the same interval. */
int usl_estimate(const struct usl_level *levels, size_t n, double level, unsigned resamples, uint64_t seed,
		 struct usl_estimate *out);

#endif
