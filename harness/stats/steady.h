/*
 * steady.h - whether a process that did the same work again and again came to rest, and how it got there.
 *
 * Classes as in Barrett et al., "Virtual Machine Warmup Blows Hot and Cold" (2017): flat, warm-up (it became faster and
 * stayed so), slowdown (it became slower and stayed so), none (the end of the series is not at rest). Theirs are found
 * by change points over thousands of iterations; a few dozen epochs do not carry that. Here the end is looked at
 * first, and then how far back things were as at the end.
 * What rest is, harness/base/rest.h says.
 */
#ifndef STATS_STEADY_H
#define STATS_STEADY_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/rest.h"

enum { STEADY_WINDOW = REST_WINDOW, STEADY_MAX_EPOCHS = 4096 };

enum steady_class { STEADY_FLAT, STEADY_WARM_UP, STEADY_SLOWDOWN, STEADY_NONE, STEADY_TOO_FEW };

struct steady {
	enum steady_class class;
	size_t start; /* the first epoch that is as the end is; NONE, TOO_FEW: the number of epochs */
	double level; /* median of the epochs from start on; NaN: none */
	double first_over_level; /* what the epochs before took, over that: their median; NaN: none before */
};

/* Time per operation of each epoch, in order. Fewer than STEADY_WINDOW + 1, or one that is not above 0: TOO_FEW. */
struct steady steady_classify(const double *epochs, size_t n);
const char *steady_name(enum steady_class class);

#endif
