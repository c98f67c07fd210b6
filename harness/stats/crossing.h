/*
 * crossing.h - where along an axis two subjects change places, and where to measure next to know it better.
 *
 * At each point of the axis the difference d = ln(cost of a / cost of b) is known by its median and an interval from
 * paired rounds. A point is separated where the interval does not hold 0: there one of them needs less, for sure. The
 * crossing lies between two separated points of different sides. Points between them that are not separated belong to
 * the answer: there the two cost the same as far as one can tell.
 *
 * The interval on the axis is where the band of the points' intervals holds 0, both drawn as straight lines over the
 * logarithm of the axis from point to point. It holds the crossing with the level at which all points' intervals hold
 * together (the caller's business: Bonferroni over the points that will be measured), as far as d itself is straight
 * between neighbours. Rejected: the spread of crossings interpolated in each round (where the two differ little, most
 * rounds have none, or one far outside of what was measured).
 */
#ifndef STATS_CROSSING_H
#define STATS_CROSSING_H

#include <stdbool.h>
#include <stddef.h>

struct crossing_point {
	double x; /* above 0 */
	double d;
	bool has_interval;
	double lo, hi; /* of d */
};

enum crossing_kind {
	CROSSING_FOUND,
	CROSSING_NONE, /* both ends are separated, to the same side, and so is all that is separated between them */
	CROSSING_OPEN, /* no change of side was seen, and an end is not separated: it may lie there, or beyond */
};

struct crossing {
	enum crossing_kind kind;
	int side; /* FOUND: the sign of d below it; NONE: everywhere; OPEN: where it is separated, 0: nowhere */
	double at, lo, hi; /* FOUND */
	size_t left, right; /* FOUND: the separated points around it */
	unsigned changes; /* of side, along all separated points; of several the first is told */
};

/* p is sorted by x, all different. */
void crossing_find(const struct crossing_point *p, size_t n, struct crossing *out);

/*
 * The whole number at which measuring would narrow the interval most: the middle, on the logarithm, of the wider gap
 * between a separated point and its neighbour inside. False: nothing was found to be narrowed, or both gaps are within
 * 1 + tolerance, or there is no whole number inside.
 */
bool crossing_next(const struct crossing_point *p, size_t n, double tolerance, double *x);

#endif
