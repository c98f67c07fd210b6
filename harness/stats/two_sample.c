/*
 * two_sample.c - Mann-Whitney counts and the Hodges-Lehmann interval (contracts: two_sample.h).
 */
#include "harness/stats/two_sample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/*
 * In how many ways na of na + nb ranks give each count 0..limit, in `ways`, which holds limit + 1. The count is the sum of
 * the chosen ranks less its least value, so that choosing rank r as the k-th adds r - k. Only additions: no digit is lost
 * to cancellation. NULL when out of memory.
 */
static double *count_ways(size_t na, size_t nb, size_t limit)
{
	size_t width = limit + 1;
	double *ways = calloc((na + 1) * width, sizeof(*ways)), *last;

	if (!ways)
		return NULL;
	ways[0] = 1;
	for (size_t r = 1; r <= na + nb; r++)
		for (size_t k = r < na ? r : na; k >= 1; k--)
			for (size_t u = r - k; u <= limit; u++)
				ways[k * width + u] += ways[(k - 1) * width + u - (r - k)];
	last = malloc(width * sizeof(*last));
	for (size_t u = 0; last && u < width; u++)
		last[u] = ways[na * width + u];
	free(ways);
	return last;
}

/* The number of ways to choose na ranks, by logarithms: it is beyond integers soon. */
static double all_ways(size_t na, size_t nb)
{
	return exp(lgamma((double)(na + nb) + 1) - lgamma((double)na + 1) - lgamma((double)nb + 1));
}

static double normal_cdf(double z)
{
	return erfc(-z / sqrt(2)) / 2;
}

static double normal_u_cdf(long u, size_t na, size_t nb)
{
	double a = (double)na, b = (double)nb;

	return normal_cdf(((double)u + 0.5 - a * b / 2) / sqrt(a * b * (a + b + 1) / 12));
}

double two_sample_u_cdf(long u, size_t na, size_t nb)
{
	size_t all = na * nb;
	double *ways, sum = 0;

	if (u < 0 || na == 0 || nb == 0)
		return 0;
	if ((size_t)u >= all)
		return 1;
	if (all > TWO_SAMPLE_EXACT)
		return normal_u_cdf(u, na, nb);
	ways = count_ways(na, nb, (size_t)u);
	if (!ways)
		return NAN;
	for (size_t i = 0; i <= (size_t)u; i++)
		sum += ways[i];
	free(ways);
	return fmin(sum / all_ways(na, nb), 1);
}

static size_t normal_rank(size_t na, size_t nb, double limit, double *level)
{
	size_t lo = 0, hi = na * nb / 2;

	while (lo < hi) { /* the largest rank whose tail is within the limit */
		size_t mid = (lo + hi + 1) / 2;

		if (2 * normal_u_cdf((long)mid - 1, na, nb) <= limit)
			lo = mid;
		else
			hi = mid - 1;
	}
	if (lo < 2)
		return 0;
	*level = 1 - 2 * normal_u_cdf((long)lo - 2, na, nb);
	return lo - 1;
}

size_t two_sample_rank(size_t na, size_t nb, double alpha, double *level)
{
	/* Two tails of 1 / C(n, k) are meant to reach an alpha that was computed as 0.05 / m: forgive the last bits. */
	double limit = alpha * (1 + 1e-9), sum = 0, reached = 0, all, *ways;
	size_t k = 0, half = na * nb / 2;

	if (na == 0 || nb == 0)
		return 0;
	if (na * nb > TWO_SAMPLE_EXACT)
		return normal_rank(na, nb, limit, level);
	ways = count_ways(na, nb, half);
	if (!ways)
		return 0;
	all = all_ways(na, nb);
	while (k < half && 2 * (sum + ways[k]) <= limit * all) {
		sum += ways[k++];
		reached = 2 * sum / all;
	}
	free(ways);
	*level = 1 - reached;
	return k;
}

size_t two_sample_least(double level)
{
	size_t n = 1;

	while (2 / all_ways(n, n) > (1 - level) * (1 + 1e-9))
		n++;
	return n;
}

static int take_logs(const double *v, size_t n, double *out)
{
	for (size_t i = 0; i < n; i++) {
		if (!(v[i] > 0) || isinf(v[i]))
			return -EINVAL;
		out[i] = log(v[i]);
	}
	return 0;
}

static bool interval_of(const double *d, size_t na, size_t nb, double level, double *lo, double *hi, double *reached)
{
	size_t k = two_sample_rank(na, nb, 1 - level, reached);

	if (k == 0)
		return false;
	*lo = exp(d[k - 1]);
	*hi = exp(d[na * nb - k]);
	return true;
}

int two_sample_compare(const double *a, size_t na, const double *b, size_t nb, double level,
		       struct stats_comparison *out)
{
	double *logs = malloc((na + nb + 1) * sizeof(*logs)), *d = malloc((na * nb + 1) * sizeof(*d));
	int rc = logs && d ? 0 : -ENOMEM;

	*out = (struct stats_comparison){.n = na < nb ? na : nb, .asked = level, .ratio = NAN, .half_width = NAN};
	if (rc == 0)
		rc = out->n == 0 ? -EINVAL : take_logs(a, na, logs);
	if (rc == 0)
		rc = take_logs(b, nb, logs + na);
	if (rc == 0) {
		for (size_t i = 0; i < na; i++)
			for (size_t j = 0; j < nb; j++) {
				d[i * nb + j] = logs[i] - logs[na + j];
				out->ties += a[i] == b[j];
			}
		out->ratio = exp(stats_median(d, na * nb)); /* sorts */
		out->has_interval = interval_of(d, na, nb, level, &out->lo, &out->hi, &out->level);
		if (out->has_interval)
			out->half_width = sqrt(out->hi / out->lo) - 1;
		out->has_narrow = interval_of(d, na, nb, 0.90, &out->narrow_lo, &out->narrow_hi, &out->narrow_level);
	}
	free(logs);
	free(d);
	return rc;
}
