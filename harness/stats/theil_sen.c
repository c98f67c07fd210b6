/*
 * theil_sen.c - slope with an exact rank interval.
 *
 * The interval turns Kendall's test round: for the true slope b, the residuals y - b x carry no order, so the number
 * of pairs whose own slope is below b is distributed as the number of inversions of a random arrangement. With the
 * slopes sorted, [s_(k), s_(N+1-k)] then covers b with probability 1 - 2 P(inversions <= k - 1).
 *
 * Repeated x (several processes per N) are the rule here, so the textbook distribution for distinct x does not apply.
 * Between groups of equal x the inversions are a sum of independent Mann-Whitney counts: group j against all points
 * before it. The generating function is the Gaussian multinomial; its coefficients are built by multiplying by (1 -
 * q^a) and dividing by (1 - q^b). As power series both need lower coefficients only, so that the tail which decides
 * the interval is exact while its counts stay below 2^53, and good to 1e-12 beyond.
 *
 * Rejected: the usual normal approximation (with 5 points it names ranks that do not exist); least squares with a t
 * interval (one contaminated process moves it).
 *
 * The intercept's interval. Were the slope b known, the intercept would be the median of y - b x, with its sign-test
 * interval. It is known to lie in an interval; both intervals are taken at half the allowed error, so that both hold at
 * once with the level asked for (Bonferroni), and the ends of the second are sought over all b of the first: order
 * statistics of y - b x never grow with b where x >= 0, so that its ends are enough. It is wider than need be.
 *
 * What the interval does not know: noise that grows with x. It is then somewhat too narrow or too wide.
 */
#include "harness/stats/theil_sen.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "harness/stats/stats.h"

struct xy {
	double x, y;
};

static int by_x(const void *a, const void *b)
{
	double x = ((const struct xy *)a)->x, y = ((const struct xy *)b)->x;

	return (x > y) - (x < y);
}

/* coefficients *= [before + t choose t] in q: the Mann-Whitney counts of t points against `before` points. */
static void multiply_gaussian_binomial(double *c, size_t top, size_t before, size_t t)
{
	for (size_t i = 1; i <= t; i++) {
		for (size_t j = top + 1; j-- > before + i;)
			c[j] -= c[j - before - i];
		for (size_t j = i; j <= top; j++)
			c[j] += c[j - i];
	}
}

/* ln of the number of arrangements: n! / (t_1! t_2! ...). */
static double log_arrangements(const struct xy *p, size_t n)
{
	double sum = lgamma((double)n + 1);

	for (size_t i = 0, t; i < n; i += t) {
		for (t = 1; i + t < n && p[i + t].x == p[i].x; t++)
			;
		sum -= lgamma((double)t + 1);
	}
	return sum;
}

/* The largest rank k whose interval has at least `level`; 0 if none. p is sorted by x. */
static size_t interval_rank(const struct xy *p, size_t n, size_t pairs, double level, double *achieved)
{
	size_t top = pairs / 2, k = 0;
	double *c = calloc(top + 1, sizeof(*c)), total = log_arrangements(p, n), tail = 0;

	if (!c)
		return 0;
	c[0] = 1;
	for (size_t i = 0, t; i < n; i += t) {
		for (t = 1; i + t < n && p[i + t].x == p[i].x; t++)
			;
		if (i > 0)
			multiply_gaussian_binomial(c, top, i, t);
	}
	for (size_t j = 0; j < top; j++) {
		tail += exp(log(fmax(c[j], 0)) - total);
		if (2 * tail > (1 - level) * (1 + 1e-9))
			break;
		k = j + 1;
		*achieved = 1 - 2 * tail;
	}
	free(c);
	return k;
}

/* The slopes of all pairs with different x, into out; their number. */
static size_t pair_slopes(const struct xy *p, size_t n, double *out)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (p[j].x != p[i].x)
				out[count++] = (p[j].y - p[i].y) / (p[j].x - p[i].x);
	return count;
}

/* p[i].y - slope * p[i].x, sorted. */
static void residuals(const struct xy *p, size_t n, double slope, double *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = p[i].y - slope * p[i].x;
	stats_sort(out, n);
}

/* slopes holds the sorted slopes of all pairs; scratch holds n. */
static void fit_intercept(const struct xy *p, size_t n, double level, const double *slopes, double *scratch,
			  struct theil_sen *out)
{
	double half = (1 + level) / 2, ignored;
	size_t k = p[0].x >= 0 ? interval_rank(p, n, out->pairs, half, &ignored) : 0, lo, hi;

	residuals(p, n, out->slope, scratch);
	out->intercept = stats_median(scratch, n);
	if (k == 0 || !stats_sign_interval(n, 1 - half, &lo, &hi))
		return;
	out->intercept_has_interval = true;
	residuals(p, n, slopes[out->pairs - k], scratch);
	out->intercept_lo = scratch[lo - 1];
	residuals(p, n, slopes[k - 1], scratch);
	out->intercept_hi = scratch[hi - 1];
}

int theil_sen_fit(const double *x, const double *y, size_t n, double level, struct theil_sen *out)
{
	struct xy *p;
	double *slopes, *scratch;
	size_t k;
	int rc = -EINVAL;

	*out = (struct theil_sen){.slope = NAN, .intercept = NAN, .n = n};
	if (n < 2 || n > THEIL_SEN_MAX_POINTS)
		return -EINVAL;
	p = malloc(n * sizeof(*p));
	slopes = malloc(n * n / 2 * sizeof(*slopes));
	scratch = malloc(n * sizeof(*scratch));
	if (!p || !slopes || !scratch) {
		rc = -ENOMEM;
		goto done;
	}
	for (size_t i = 0; i < n; i++)
		p[i] = (struct xy){x[i], y[i]};
	qsort(p, n, sizeof(*p), by_x);
	out->pairs = pair_slopes(p, n, slopes);
	if (out->pairs == 0)
		goto done;
	out->slope = stats_median(slopes, out->pairs);
	k = interval_rank(p, n, out->pairs, level, &out->level);
	if (k > 0) {
		out->has_interval = true;
		out->lo = slopes[k - 1];
		out->hi = slopes[out->pairs - k];
	}
	fit_intercept(p, n, level, slopes, scratch, out);
	rc = 0;
done:
	free(p);
	free(slopes);
	free(scratch);
	return rc;
}
