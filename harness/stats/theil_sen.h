/*
 * theil_sen.h - a straight line through (x, y) pairs that a few wild points cannot bend.
 */
#ifndef THEIL_SEN_H
#define THEIL_SEN_H

#include <stdbool.h>
#include <stddef.h>

struct theil_sen {
	double slope; /* median of the slopes of all pairs with different x */
	double intercept; /* median of y - slope * x */
	bool has_interval;
	double lo, hi, level; /* of the slope; level is the one achieved */
	bool intercept_has_interval;
	double intercept_lo, intercept_hi; /* at `level` asked for or more, see theil_sen.c */
	size_t n, pairs; /* points; pairs with different x */
};

enum { THEIL_SEN_MAX_POINTS = 600 };

/*
 * 0; -EINVAL when there are fewer than two different x or more than THEIL_SEN_MAX_POINTS points; -ENOMEM. An interval
 * is given when one at `level` exists for that many points.
 */
int theil_sen_fit(const double *x, const double *y, size_t n, double level, struct theil_sen *out);

#endif
