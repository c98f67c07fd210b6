#include "harness/stats/crossing.h"

#include <math.h>

/* Side on which a point is for sure; 0: not separated. */
static int side_of(const struct crossing_point *p)
{
	if (!p->has_interval || (p->lo <= 0 && p->hi >= 0))
		return 0;
	return p->lo > 0 ? 1 : -1;
}

/* Where the line from (x0, y0) to (x1, y1) over ln x is 0; y0 and y1 are of different signs, or one is 0. */
static double zero_between(double x0, double y0, double x1, double y1)
{
	double share = y0 == y1 ? 0.5 : y0 / (y0 - y1);

	return exp(log(x0) + share * (log(x1) - log(x0)));
}

/* The end of the interval that is nearer to the other side, and the one that is farther; both turned so that the
 * crossing goes from above 0 to below. */
static double near_end(const struct crossing_point *p, int side)
{
	return side > 0 ? p->lo : -p->hi;
}

static double far_end(const struct crossing_point *p, int side)
{
	return side > 0 ? p->hi : -p->lo;
}

/*
 * The crossing of the medians between the separated points. Noise may make several among those that are not separated:
 * then the middle one, and there is one, for their number is odd.
 */
static double median_crossing(const struct crossing_point *p, const struct crossing *c)
{
	size_t count = 0, seen = 0;

	for (int pass = 0; pass < 2; pass++) {
		int side = c->side;

		for (size_t i = c->left; i < c->right; i++) {
			int next = p[i + 1].d * c->side > 0 ? c->side : -c->side;

			if (next == side)
				continue;
			side = next;
			if (pass == 0)
				count++;
			else if (seen++ == count / 2)
				return zero_between(p[i].x, p[i].d, p[i + 1].x, p[i + 1].d);
		}
	}
	return NAN; /* not reached: the ends are on different sides */
}

static void place(const struct crossing_point *p, struct crossing *c)
{
	const struct crossing_point *l = &p[c->left], *in = l + 1, *r = &p[c->right], *out = r - 1;

	c->at = median_crossing(p, c);
	c->lo = in->has_interval ? zero_between(l->x, near_end(l, c->side), in->x, near_end(in, c->side)) : l->x;
	c->hi = out->has_interval ? zero_between(out->x, far_end(out, c->side), r->x, far_end(r, c->side)) : r->x;
}

void crossing_find(const struct crossing_point *p, size_t n, struct crossing *out)
{
	size_t last = n; /* the last separated point so far */

	*out = (struct crossing){.kind = CROSSING_OPEN, .at = NAN, .lo = NAN, .hi = NAN};
	for (size_t i = 0; i < n; i++) {
		int side = side_of(&p[i]);

		if (side == 0)
			continue;
		if (last < n && side != side_of(&p[last]) && out->changes++ == 0) {
			out->kind = CROSSING_FOUND;
			out->side = side_of(&p[last]);
			out->left = last;
			out->right = i;
		}
		last = i;
		if (out->kind != CROSSING_FOUND)
			out->side = side;
	}
	if (out->kind == CROSSING_FOUND)
		place(p, out);
	else if (n > 0 && side_of(&p[0]) && side_of(&p[n - 1]))
		out->kind = CROSSING_NONE;
}

static bool middle_of(double x0, double x1, double *x)
{
	*x = round(sqrt(x0) * sqrt(x1));
	return *x > x0 && *x < x1;
}

bool crossing_next(const struct crossing_point *p, size_t n, double tolerance, double *x)
{
	struct crossing c;
	const struct crossing_point *l, *r;
	bool left_first;

	crossing_find(p, n, &c);
	if (c.kind != CROSSING_FOUND)
		return false;
	l = &p[c.left];
	r = &p[c.right];
	left_first = l[1].x / l->x >= r->x / r[-1].x;
	for (int turn = 0; turn < 2; turn++) {
		double x0 = left_first ? l->x : r[-1].x, x1 = left_first ? l[1].x : r->x;

		if (x1 / x0 > 1 + tolerance && middle_of(x0, x1, x))
			return true;
		left_first = !left_first;
	}
	return false;
}
