/*
 * usl.c - the fit: Levenberg and Marquardt's steps on (lambda, sigma, kappa), once for each set of bounds.
 *
 * With two parameters that may stand on 0 there are four sets: both free, either at 0, both at 0. Each is fitted without
 * bounds; of those whose free parameters came out at 0 or above, the one with the smallest residual is the constrained
 * optimum where the residual has one valley, as it has here. Both at 0 always qualifies, so that there is always an
 * answer. lambda is scaled to the data and N to the largest one: the three columns of the normal equations are then of
 * like size.
 */
#include "harness/stats/usl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "harness/base/rng.h"
#include "harness/stats/stats.h"

enum { LAMBDA, SIGMA, KAPPA, PARAMETERS };
enum { MOST_STEPS = 200 };

struct problem {
	const struct usl_point *p;
	size_t n;
	bool is_free[PARAMETERS];
};

static double predict(const double *b, double n)
{
	return b[LAMBDA] * n / (1 + b[SIGMA] * (n - 1) + b[KAPPA] * n * (n - 1));
}

/* Weighted sum of squared residuals; infinite where the law has a pole within the data. */
static double residual(const struct problem *q, const double *b)
{
	double sum = 0;

	for (size_t i = 0; i < q->n; i++) {
		double n = q->p[i].n, divisor = 1 + b[SIGMA] * (n - 1) + b[KAPPA] * n * (n - 1);
		double r = q->p[i].x - b[LAMBDA] * n / divisor;

		if (!(divisor > 0))
			return INFINITY;
		sum += q->p[i].weight * r * r;
	}
	return sum;
}

/* Solve the symmetric a x = y of three unknowns, by elimination with the largest pivot. False: singular. */
static bool solve(double a[PARAMETERS][PARAMETERS], double y[PARAMETERS])
{
	for (int c = 0; c < PARAMETERS; c++) {
		int best = c;

		for (int r = c + 1; r < PARAMETERS; r++)
			if (fabs(a[r][c]) > fabs(a[best][c]))
				best = r;
		if (!(fabs(a[best][c]) > 0))
			return false;
		for (int k = 0; k < PARAMETERS; k++) {
			double t = a[c][k];

			a[c][k] = a[best][k];
			a[best][k] = t;
		}
		double t = y[c];

		y[c] = y[best];
		y[best] = t;
		for (int r = c + 1; r < PARAMETERS; r++) {
			double f = a[r][c] / a[c][c];

			for (int k = c; k < PARAMETERS; k++)
				a[r][k] -= f * a[c][k];
			y[r] -= f * y[c];
		}
	}
	for (int c = PARAMETERS - 1; c >= 0; c--) {
		for (int k = c + 1; k < PARAMETERS; k++)
			y[c] -= a[c][k] * y[k];
		y[c] /= a[c][c];
	}
	return true;
}

/* The normal equations at b: a = J'WJ, y = J'Wr. A parameter that is not free has the identity's row. */
static void normal_equations(const struct problem *q, const double *b, double a[PARAMETERS][PARAMETERS], double *y)
{
	for (int j = 0; j < PARAMETERS; j++) {
		y[j] = 0;
		for (int k = 0; k < PARAMETERS; k++)
			a[j][k] = 0;
	}
	for (size_t i = 0; i < q->n; i++) {
		double n = q->p[i].n, x = predict(b, n), divisor = b[LAMBDA] * n / x;
		double d[PARAMETERS] = {x / b[LAMBDA], -x * (n - 1) / divisor, -x * n * (n - 1) / divisor};

		for (int j = 0; j < PARAMETERS; j++) {
			if (!q->is_free[j])
				continue;
			y[j] += q->p[i].weight * d[j] * (q->p[i].x - x);
			for (int k = 0; k < PARAMETERS; k++)
				a[j][k] += q->is_free[k] ? q->p[i].weight * d[j] * d[k] : 0;
		}
	}
	for (int j = 0; j < PARAMETERS; j++)
		if (!q->is_free[j])
			a[j][j] = 1;
}

/* One damped step from b; true if it was downhill and more than rounding. */
static bool step(const struct problem *q, double *b, double *best, double *damping)
{
	double a[PARAMETERS][PARAMETERS], y[PARAMETERS], trial[PARAMETERS], at;

	normal_equations(q, b, a, y);
	for (int j = 0; j < PARAMETERS; j++)
		a[j][j] *= 1 + *damping;
	if (!solve(a, y)) {
		*damping *= 10;
		return true;
	}
	for (int j = 0; j < PARAMETERS; j++)
		trial[j] = b[j] + y[j];
	at = trial[LAMBDA] > 0 ? residual(q, trial) : INFINITY;
	if (!(at < *best)) {
		*damping *= 10;
		return *damping < 1e12;
	}
	for (int j = 0; j < PARAMETERS; j++)
		b[j] = trial[j];
	*damping = fmax(*damping / 10, 1e-12);
	y[0] = *best - at;
	*best = at;
	return y[0] > 1e-15 * at;
}

static double descend(const struct problem *q, double *b)
{
	double best = residual(q, b), damping = 1e-3;

	for (int i = 0; i < MOST_STEPS && step(q, b, &best, &damping); i++)
		;
	return best;
}

/*
 * Where to start: N / X is the parabola (1 - sigma + (sigma - kappa) N + kappa N^2) / lambda, so a line through it
 * would give lambda and sigma of a law without kappa. A rough one is enough: from the first point and the last.
 */
static void start(const struct problem *q, double *b)
{
	const struct usl_point *first = q->p, *last = q->p;
	double share;

	for (size_t i = 0; i < q->n; i++) {
		first = q->p[i].n < first->n ? &q->p[i] : first;
		last = q->p[i].n > last->n ? &q->p[i] : last;
	}
	share = fmin(fmax(1 - last->x / last->n / (first->x / first->n), 0), 1);
	b[LAMBDA] = first->x / first->n;
	b[SIGMA] = q->is_free[SIGMA] ? 0.5 * share / (1 - 0.9 * share) / last->n : 0;
	b[KAPPA] = q->is_free[KAPPA] ? 0.5 * share / (1 - 0.9 * share) / last->n / last->n : 0;
}

static double r_squared(const struct problem *q, double left)
{
	double weight = 0, mean = 0, total = 0;

	for (size_t i = 0; i < q->n; i++) {
		weight += q->p[i].weight;
		mean += q->p[i].weight * q->p[i].x;
	}
	mean /= weight;
	for (size_t i = 0; i < q->n; i++)
		total += q->p[i].weight * (q->p[i].x - mean) * (q->p[i].x - mean);
	return total > 0 ? 1 - left / total : NAN;
}

static int check(const struct usl_point *p, size_t n)
{
	size_t different = 0;

	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		if (!(p[i].n >= 1) || !(p[i].x > 0) || !(p[i].weight > 0) || isinf(p[i].n) || isinf(p[i].x))
			return -EINVAL;
		while (j < i && p[j].n != p[i].n)
			j++;
		different += j == i;
	}
	return different < USL_MIN_LEVELS ? -EINVAL : 0;
}

int usl_fit(const struct usl_point *p, size_t n, struct usl *out)
{
	static const bool sets[][2] = {{true, true}, {true, false}, {false, true}, {false, false}};
	double best = INFINITY;
	int rc = check(p, n);

	*out = (struct usl){.lambda = NAN, .sigma = NAN, .kappa = NAN, .knee = NAN, .x_at_knee = NAN, .r2 = NAN};
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct problem q = {p, n, {true, sets[i][0], sets[i][1]}};
		double b[PARAMETERS], left;

		start(&q, b);
		left = descend(&q, b);
		if (b[SIGMA] < 0 || b[KAPPA] < 0 || !(left < best))
			continue;
		best = left;
		*out = (struct usl){.lambda = b[LAMBDA],
				    .sigma = b[SIGMA],
				    .kappa = b[KAPPA],
				    .knee = NAN,
				    .x_at_knee = NAN,
				    .r2 = r_squared(&q, left),
				    .n = n};
	}
	if (out->kappa > 0 && out->sigma < 1 && sqrt((1 - out->sigma) / out->kappa) >= 1) {
		out->knee = sqrt((1 - out->sigma) / out->kappa);
		out->x_at_knee = usl_at(out, out->knee);
	}
	return 0;
}

double usl_at(const struct usl *u, double n)
{
	const double b[PARAMETERS] = {u->lambda, u->sigma, u->kappa};

	return predict(b, n);
}

/* ---- the interval ---------------------------------------------------------------------------------------- */

/* The levels' medians; with rng, of as many runs drawn again. */
static void take_medians(const struct usl_level *levels, size_t n, struct rng *rng, double *room, struct usl_point *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct usl_level *l = &levels[i];

		for (size_t k = 0; k < l->runs; k++)
			room[k] = l->x[rng ? rng_below(rng, l->runs) : k];
		out[i] = (struct usl_point){l->n, stats_median(room, l->runs), (double)l->runs};
	}
}

static struct usl_range range_of(double *v, size_t n, double level)
{
	stats_sort(v, n);
	return (struct usl_range){stats_quantile(v, n, (1 - level) / 2), stats_quantile(v, n, (1 + level) / 2)};
}

struct resamples {
	double *lambda, *sigma, *kappa, *knee;
	size_t n, with_knee;
};

static void resample(const struct usl_level *levels, size_t n, unsigned times, uint64_t seed, double *room,
		     struct usl_point *points, struct resamples *out)
{
	struct rng rng;

	rng_seed(&rng, seed);
	for (unsigned i = 0; i < times; i++) {
		struct usl u;

		take_medians(levels, n, &rng, room, points);
		if (usl_fit(points, n, &u))
			continue;
		out->lambda[out->n] = u.lambda;
		out->sigma[out->n] = u.sigma;
		out->kappa[out->n++] = u.kappa;
		if (!isnan(u.knee))
			out->knee[out->with_knee++] = u.knee;
	}
}

static void conclude(struct resamples *r, double level, struct usl_estimate *out)
{
	out->has_interval = r->n > 0;
	if (!out->has_interval)
		return;
	out->level = level;
	out->lambda = range_of(r->lambda, r->n, level);
	out->sigma = range_of(r->sigma, r->n, level);
	out->kappa = range_of(r->kappa, r->n, level);
	out->share_with_knee = (double)r->with_knee / (double)r->n;
	if (out->share_with_knee >= 1 - (1 - level) / 2)
		out->knee = range_of(r->knee, r->with_knee, level);
}

int usl_estimate(const struct usl_level *levels, size_t n, double level, unsigned resamples, uint64_t seed,
		 struct usl_estimate *out)
{
	struct usl_point points[USL_MAX_LEVELS];
	struct resamples r = {.n = 0};
	size_t fewest = SIZE_MAX, most = 0;
	double *room, *all;
	int rc;

	*out = (struct usl_estimate){.knee = {NAN, NAN}};
	if (n > USL_MAX_LEVELS)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		fewest = levels[i].runs < fewest ? levels[i].runs : fewest;
		most = levels[i].runs > most ? levels[i].runs : most;
	}
	if (fewest == 0 || most > USL_MAX_RUNS)
		return -EINVAL;
	room = malloc((most + 1) * sizeof(*room));
	all = malloc((resamples + 1) * 4 * sizeof(*all));
	rc = room && all ? 0 : -ENOMEM;
	if (rc == 0) {
		r.lambda = all;
		r.sigma = all + resamples;
		r.kappa = all + (size_t)2 * resamples;
		r.knee = all + (size_t)3 * resamples;
		take_medians(levels, n, NULL, room, points);
		rc = usl_fit(points, n, &out->fit);
	}
	if (rc == 0 && fewest >= 3) {
		resample(levels, n, resamples, seed, room, points, &r);
		conclude(&r, level, out);
	}
	free(room);
	free(all);
	return rc;
}
