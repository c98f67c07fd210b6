/*
 * stats.c - medians, sign-test intervals, paired comparisons, rank groups (contracts: stats.h).
 */
#include "harness/stats/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_sort(double *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), compare_doubles);
}

static double median_sorted(const double *v, size_t n)
{
	if (n == 0)
		return NAN;
	/* The sum is halved by parts: two values near DBL_MAX must not overflow. */
	return n % 2 ? v[n / 2] : v[n / 2 - 1] / 2 + v[n / 2] / 2;
}

double stats_median(double *v, size_t n)
{
	stats_sort(v, n);
	return median_sorted(v, n);
}

double stats_quantile(const double *sorted, size_t n, double q)
{
	double position, fraction;
	size_t below;

	if (n == 0)
		return NAN;
	position = (double)(n - 1) * fmin(fmax(q, 0), 1);
	below = (size_t)position;
	if (below + 1 >= n)
		return sorted[n - 1];
	fraction = position - (double)below;
	return sorted[below] + fraction * (sorted[below + 1] - sorted[below]);
}

double stats_mad(double *v, size_t n)
{
	double median = stats_median(v, n);

	for (size_t i = 0; i < n; i++)
		v[i] = fabs(v[i] - median);
	return stats_median(v, n);
}

double stats_binomial_cdf(long k, size_t n, double p)
{
	double sum = 0;

	if (k < 0)
		return 0;
	if ((size_t)k >= n || p <= 0)
		return 1;
	if (p >= 1)
		return 0;
	/* By logarithms: 2^-n underflows long before n is unusual. */
	for (long i = 0; i <= k; i++)
		sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) - lgamma((double)(n - (size_t)i) + 1) +
			   (double)i * log(p) + (double)(n - (size_t)i) * log1p(-p));
	return fmin(sum, 1);
}

bool stats_sign_interval(size_t n, double alpha, size_t *k_lo, size_t *k_hi)
{
	size_t k = 0;
	/* 2 * 2^-n is meant to reach an alpha that was computed as 0.05 / m: forgive the last bits. */
	double limit = alpha * (1 + 1e-9);

	if (n < 6)
		return false;
	while (2 * (k + 1) <= n && 2 * stats_binomial_cdf((long)k, n, 0.5) <= limit)
		k++;
	if (k == 0)
		return false;
	*k_lo = k;
	*k_hi = n + 1 - k;
	return true;
}

double stats_sign_level(size_t n, size_t k)
{
	return 1 - 2 * stats_binomial_cdf((long)k - 1, n, 0.5);
}

bool stats_median_interval(const double *sorted, size_t n, double level, double *lo, double *hi, double *achieved)
{
	size_t k_lo, k_hi;

	if (!stats_sign_interval(n, 1 - level, &k_lo, &k_hi))
		return false;
	*lo = sorted[k_lo - 1];
	*hi = sorted[k_hi - 1];
	*achieved = stats_sign_level(n, k_lo);
	return true;
}

bool stats_quantile_interval(const double *sorted, size_t n, double q, double level, double *lo, double *hi,
			     double *achieved)
{
	double tail = (1 - level) / 2 * (1 + 1e-9); /* the last bits, as in stats_sign_interval */
	size_t below = 0, above = n + 1; /* ranks, 1-based; 0 and n + 1 are none */

	/* x_(k) lies above the quantile when fewer than k values are below it. */
	while (below < n && stats_binomial_cdf((long)below, n, q) <= tail)
		below++;
	while (above > 1 && 1 - stats_binomial_cdf((long)above - 2, n, q) <= tail)
		above--;
	if (below == 0 || above == n + 1)
		return false;
	*lo = sorted[below - 1];
	*hi = sorted[above - 1];
	*achieved = stats_binomial_cdf((long)above - 1, n, q) - stats_binomial_cdf((long)below - 1, n, q);
	return true;
}

void stats_estimate_open(double *v, size_t n, double level, struct stats_estimate *out)
{
	*out = (struct stats_estimate){.n = n, .median = NAN, .min = NAN, .max = NAN, .mad = NAN};
	if (n == 0)
		return;
	out->median = stats_median(v, n);
	out->min = v[0];
	out->max = v[n - 1];
	out->has_interval = stats_median_interval(v, n, level, &out->lo, &out->hi, &out->level);
}

void stats_estimate(double *v, size_t n, double level, struct stats_estimate *out)
{
	stats_estimate_open(v, n, level, out);
	if (n)
		out->mad = stats_mad(v, n);
}

int stats_compare(const double *base, const double *subject, size_t n, double level, struct stats_comparison *out)
{
	return stats_compare_at(base, subject, n, level, 0.90, out);
}

int stats_compare_at(const double *base, const double *subject, size_t n, double level, double narrow_level,
		     struct stats_comparison *out)
{
	double *d, lo, hi;

	*out = (struct stats_comparison){.n = n, .asked = level, .ratio = NAN, .half_width = NAN};
	if (n == 0)
		return -EINVAL;
	d = malloc(n * sizeof(*d));
	if (!d)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!(base[i] > 0) || !(subject[i] > 0) || isinf(base[i]) || isinf(subject[i])) {
			free(d);
			return -EINVAL;
		}
		d[i] = log(base[i]) - log(subject[i]);
		out->ties += base[i] == subject[i];
	}
	out->ratio = exp(stats_median(d, n));
	out->has_interval = stats_median_interval(d, n, level, &lo, &hi, &out->level);
	if (out->has_interval) {
		out->lo = exp(lo);
		out->hi = exp(hi);
		out->half_width = expm1((hi - lo) / 2);
	}
	out->has_narrow = stats_median_interval(d, n, narrow_level, &lo, &hi, &out->narrow_level);
	if (out->has_narrow) {
		out->narrow_lo = exp(lo);
		out->narrow_hi = exp(hi);
	}
	free(d);
	return 0;
}

/* The row with the smallest median among those that have an interval and no rank yet; n when there is none. */
static size_t next_to_rank(const struct stats_span *spans, size_t n, const unsigned *group)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if (spans[i].has_interval && group[i] == 0 && (best == n || spans[i].median < spans[best].median))
			best = i;
	return best;
}

void stats_rank_groups(const struct stats_span *spans, size_t n, unsigned *group)
{
	double reach = 0; /* the upper end of what the current group covers */
	unsigned rank = 0;
	size_t i;

	for (i = 0; i < n; i++)
		group[i] = 0;
	while ((i = next_to_rank(spans, n, group)) < n) {
		if (rank == 0 || spans[i].lo > reach) {
			rank++;
			reach = spans[i].hi;
		}
		reach = fmax(reach, spans[i].hi);
		group[i] = rank;
	}
}
