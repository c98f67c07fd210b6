#include "harness/stats/steady.h"

#include <math.h>
#include <string.h>

#include "harness/stats/stats.h"
#include "harness/stats/verdict.h"

#define SAME VERDICT_MARGIN /* an epoch within this of the end's level is as the end is */

static double median_of(const double *v, size_t n)
{
	double copy[STEADY_MAX_EPOCHS];

	memcpy(copy, v, n * sizeof(*v));
	return stats_median(copy, n);
}

static bool is_same(double value, double level)
{
	return fabs(log(value / level)) <= log1p(SAME);
}

/*
 * Back over windows whose median is that of the end, so that one wild epoch does not end the search; then forward over
 * the epochs that a median of five still covered.
 */
static size_t find_start(const double *epochs, size_t n, double level)
{
	size_t start = n - STEADY_WINDOW;

	while (start > 0 && is_same(median_of(epochs + start - 1, STEADY_WINDOW), level))
		start--;
	while (!is_same(epochs[start], level) && start < n - STEADY_WINDOW)
		start++;
	return start;
}

struct steady steady_classify(const double *epochs, size_t n)
{
	struct steady s = {.class = STEADY_TOO_FEW, .start = n, .level = NAN, .first_over_level = NAN};
	double level;

	if (n <= STEADY_WINDOW || n > STEADY_MAX_EPOCHS)
		return s;
	for (size_t i = 0; i < n; i++)
		if (!(epochs[i] > 0) || isinf(epochs[i]))
			return s;
	s.class = STEADY_NONE;
	if (!rest_is_reached(epochs + n - STEADY_WINDOW))
		return s;
	level = median_of(epochs + n - STEADY_WINDOW, STEADY_WINDOW);
	s.start = find_start(epochs, n, level);
	s.level = median_of(epochs + s.start, n - s.start);
	if (s.start > 0)
		s.first_over_level = median_of(epochs, s.start) / s.level;
	s.class = s.start == 0 ? STEADY_FLAT : s.first_over_level > 1 ? STEADY_WARM_UP : STEADY_SLOWDOWN;
	return s;
}

const char *steady_name(enum steady_class class)
{
	static const char *const names[] = {"flat", "warm-up", "slowdown", "none", "too-few"};

	return names[class];
}
