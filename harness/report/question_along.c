/*
 * question_along.c - expressions along a parameter, in one round: where one comes below a level, where two change places, what
 * a line or a law of scalability through it says (contract: question.h).
 *
 * All is taken in each round by itself, like every other expression, and the interval over the rounds is what is claimed about:
 * a fit's own interval would know the spread within a round and nothing of that between processes.
 */
#include <math.h>
#include <stdlib.h>

#include "harness/plan/question_file.h"
#include "harness/report/question.h"
#include "harness/stats/theil_sen.h"
#include "harness/stats/usl.h"

enum { MAX_POINTS = 64 };

static double at_value(const struct report *r, const json_t *of, const char *param, const json_t *value, long round)
{
	json_t *at = question_with(of, param, value);
	double y = question_at(r, at, round);

	json_decref(at);
	return y;
}

/* Where a straight line over the logarithm of the axis, from (x0, y0) to (x1, y1), has the level. */
static double between(double x0, double y0, double x1, double y1, double level)
{
	return isinf(y0) ? x1 : x0 * pow(x1 / x0, (y0 - level) / (y0 - y1));
}

/* The first value where it is below from the start; infinite where it never is. */
static double falls_at(const struct report *r, const json_t *expr, long round)
{
	double level = field_number(expr, "falls_below"), before = NAN, x_before = NAN;
	json_t *value;
	size_t i;

	json_array_foreach (json_object_get(expr, "values"), i, value) {
		double y = at_value(r, json_object_get(expr, "of"), field_text(expr, "along", ""), value, round);
		double x = json_number_value(value);

		if (isnan(y))
			return NAN;
		if (y < level)
			return i == 0 ? x : between(x_before, before, x, y, level);
		before = y;
		x_before = x;
	}
	return INFINITY;
}

/* Two amounts by their order and distance; of equal ones 0, also of nothing and nothing. */
static double order_of(double a, double b)
{
	return a == b ? 0 : a > 0 && b > 0 ? log(a / b) : a - b;
}

/* Infinite where the one that is more at first is never less; values at which both are the same decide nothing. */
static double crosses_at(const struct report *r, const json_t *expr, long round)
{
	const json_t *both = json_object_get(expr, "crosses");
	const char *param = field_text(expr, "along", "");
	double before = 0, x_before = NAN;
	json_t *value;
	size_t i;

	json_array_foreach (json_object_get(expr, "values"), i, value) {
		double d = order_of(at_value(r, json_array_get(both, 0), param, value, round),
				    at_value(r, json_array_get(both, 1), param, value, round));
		double x = json_number_value(value);

		if (isnan(d))
			return NAN;
		if (d == 0)
			continue;
		if (before != 0 && (d > 0) != (before > 0))
			return between(x_before, before, x, d, 0);
		before = d;
		x_before = x;
	}
	return INFINITY;
}

static double told_by_usl(const double *x, const double *y, size_t n, enum question_fit fit)
{
	struct usl_point p[MAX_POINTS];
	struct usl u;

	for (size_t i = 0; i < n; i++)
		p[i] = (struct usl_point){x[i], y[i], 1};
	if (usl_fit(p, n, &u) != 0)
		return NAN;
	if (fit == FIT_PEAK)
		return isnan(u.knee) ? INFINITY : u.knee;
	return fit == FIT_CONTENTION ? u.sigma : u.kappa;
}

static double fit_of(const struct report *r, const json_t *expr, long round)
{
	enum question_fit fit = question_fit(field_text(expr, "fit", ""));
	double x[MAX_POINTS], y[MAX_POINTS];
	struct theil_sen line;
	json_t *value;
	size_t i, n = 0;

	json_array_foreach (json_object_get(expr, "values"), i, value) {
		if (n == MAX_POINTS)
			return NAN;
		x[n] = json_number_value(value);
		y[n] = at_value(r, json_object_get(expr, "of"), field_text(expr, "along", ""), value, round);
		if (!isfinite(y[n++]))
			return NAN;
	}
	if (fit != FIT_SLOPE)
		return told_by_usl(x, y, n, fit);
	return theil_sen_fit(x, y, n, VERDICT_LEVEL, &line) == 0 ? line.slope : NAN;
}

double question_along(const struct report *r, const json_t *expr, long round)
{
	const json_t *args;
	enum question_op op = question_op(expr, &args);

	return op == ASK_FALLS_BELOW ? falls_at(r, expr, round)
	       : op == ASK_CROSSES   ? crosses_at(r, expr, round)
				     : fit_of(r, expr, round);
}
