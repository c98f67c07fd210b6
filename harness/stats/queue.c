#include "harness/stats/queue.h"

#include <math.h>
#include <stdlib.h>

/*
 * States beyond these are not looked at: they have less than 1e-9 of the weight where the CPUs are not overloaded. Where they are, and
 * there are more tasks than this, the answer is NaN: such loads are answered by bounds and not by this.
 */
enum { MOST_STATES = 20000 };

/*
 * Weights of the states 0..n of a system of `others` tasks: p[j + 1] / p[j] = (others - j) * service / (think * min(j + 1, cpus)).
 * Returns how many there are until they have become small beside their sum, 0 if there are too many.
 */
static size_t weigh(double *p, double others, double cpus, double ratio)
{
	double sum = 1;
	size_t n = 1;

	p[0] = 1;
	for (double j = 0; j < others; j++) {
		double next = p[n - 1] * (others - j) * ratio / fmin(j + 1, cpus);

		if (n == MOST_STATES)
			return 0;
		p[n++] = next;
		sum += next;
		if (sum > 1e200) { /* only their proportions matter */
			for (size_t i = 0; i < n; i++)
				p[i] *= 1e-200;
			sum *= 1e-200;
		}
		if (next < p[n - 2] && next < sum * 1e-12)
			break;
	}
	for (size_t i = 0; i < n; i++)
		p[i] /= sum;
	return n;
}

/* P(wait > x / (cpus / service)): the sum over k of P(k completions in x) * P(more than k - 1 wait before it). */
static double longer_than(const double *tail, size_t n_tails, double x)
{
	double sum = 0, log_x = log(x);

	for (size_t k = 0; k < n_tails; k++)
		sum += tail[k] * (x > 0 ? exp((double)k * log_x - x - lgamma((double)k + 1)) : k == 0);
	return sum;
}

double queue_wait(double tasks, double cpus, double service, double think, double q)
{
	double *p, result = NAN;
	size_t n, first = (size_t)cpus;

	if (!(tasks >= 1 && cpus >= 1 && service > 0 && think > 0 && q > 0 && q < 1))
		return NAN;
	p = malloc(MOST_STATES * sizeof(*p));
	n = p ? weigh(p, tasks - 1, cpus, service / think) : 0;
	if (n > 0 && n <= first)
		result = 0; /* never more work than CPUs */
	for (size_t i = n; i-- > first + 1;) /* from state c on: the weight of this state and all above it */
		p[i - 1] += p[i];
	if (n > first) {
		double below = 0, above = 1;

		while (longer_than(p + first, n - first, above) > 1 - q && above < 1e15)
			above *= 2;
		for (int i = 0; i < 80; i++) {
			double middle = (below + above) / 2;

			*(longer_than(p + first, n - first, middle) > 1 - q ? &below : &above) = middle;
		}
		result = above * service / cpus;
		if (p[first] <= 1 - q)
			result = 0; /* most of the work never waits */
	}
	free(p);
	return result;
}
