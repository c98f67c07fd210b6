#include "harness/stats/rate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "harness/stats/stats.h"

/* The rate at which at most k hits have probability `tail`: the probability falls as the rate grows. */
static double rate_where(long k, size_t of, double tail)
{
	double below = 0, above = 1;

	/* 60 halvings leave less than the last bit of any rate that matters. */
	for (int i = 0; i < 60; i++) {
		double middle = (below + above) / 2;

		if (stats_binomial_cdf(k, of, middle) > tail)
			below = middle;
		else
			above = middle;
	}
	return (below + above) / 2;
}

int stats_rate(size_t hits, size_t of, double level, struct stats_rate *out)
{
	double tail = (1 - level) / 2;

	*out = (struct stats_rate){.hits = hits, .of = of, .rate = NAN, .lo = 0, .hi = 1, .level = level};
	if (hits > of || !(level > 0 && level < 1))
		return -EINVAL;
	if (of == 0)
		return 0;
	out->rate = (double)hits / (double)of;
	if (hits > 0) /* at least `hits` has probability `tail`: at most hits - 1 has the rest */
		out->lo = rate_where((long)hits - 1, of, 1 - tail);
	if (hits < of)
		out->hi = rate_where((long)hits, of, tail);
	return 0;
}

double stats_sign_p(size_t fewer, size_t n)
{
	return n == 0 ? 1 : fmin(1, 2 * stats_binomial_cdf((long)fewer, n, 0.5));
}

void stats_bonferroni(const double *p, size_t n, double *adjusted)
{
	for (size_t i = 0; i < n; i++)
		adjusted[i] = fmin(1, p[i] * (double)n);
}

struct indexed {
	double p;
	size_t at;
};

static int by_p(const void *a, const void *b)
{
	double x = ((const struct indexed *)a)->p, y = ((const struct indexed *)b)->p;

	return (x > y) - (x < y);
}

bool stats_holm(const double *p, size_t n, double *adjusted)
{
	struct indexed *order = malloc((n + 1) * sizeof(*order));
	double reached = 0; /* a test is never called surer than one with a smaller p */

	if (!order)
		return false;
	for (size_t i = 0; i < n; i++)
		order[i] = (struct indexed){p[i], i};
	qsort(order, n, sizeof(*order), by_p);
	for (size_t i = 0; i < n; i++) {
		reached = fmax(reached, fmin(1, order[i].p * (double)(n - i)));
		adjusted[order[i].at] = reached;
	}
	free(order);
	return true;
}
