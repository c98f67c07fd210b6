/*
 * test_stats_fits.c - rates, quantile intervals, the scalability law, steady states and crossings: against published
 * values where there are some (each with its source), against what is known by construction elsewhere, and by
 * simulations with a fixed seed for the levels that are promised.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/stats/crossing.h"
#include "harness/stats/rate.h"
#include "harness/stats/stats.h"
#include "harness/stats/steady.h"
#include "harness/stats/usl.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_close(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.17g, want %.17g within %g", got, want, tolerance);
}

/* A normal deviate, by Box and Muller. */
static double normal(struct rng *r)
{
	return sqrt(-2 * log(rng_unit(r))) * cos(2 * 3.14159265358979323846 * rng_unit(r));
}

/* ---- quantiles ------------------------------------------------------------------------------------------- */

/*
 * Conover, "Practical Nonparametric Statistics", 3rd edition, section 3.2: the upper quartile of the times of 16
 * transistors lies between the 9th and the 15th with probability 0.9094.
 */
static void quantile_interval_of_conover(void **state)
{
	static const double times[] = {46.9, 47.2, 49.1, 56.5, 56.8, 59.2, 59.9, 63.2,
				       63.3, 63.4, 63.7, 64.1, 67.1, 67.7, 73.3, 78.5};
	double lo, hi, level;

	(void)state;
	assert_true(stats_quantile_interval(times, 16, 0.75, 0.87, &lo, &hi, &level));
	assert_close(lo, 63.3, 0);
	assert_close(hi, 73.3, 0);
	assert_close(level, 0.9094, 5e-5);
	/* At 90 % the 15th is passed too often: 0.0635. */
	assert_true(stats_quantile_interval(times, 16, 0.75, 0.90, &lo, &hi, &level));
	assert_close(lo, 63.3, 0);
	assert_close(hi, 78.5, 0);
	assert_false(stats_quantile_interval(times, 16, 0.99, 0.90, &lo, &hi, &level));
	assert_false(stats_quantile_interval(times, 0, 0.5, 0.90, &lo, &hi, &level));
}

/* The median is a quantile: the same ranks as the sign test's. */
static void quantile_interval_of_the_median(void **state)
{
	double v[120], lo, hi, level;
	size_t k_lo, k_hi;

	(void)state;
	for (size_t i = 0; i < COUNT(v); i++)
		v[i] = (double)i + 1;
	for (size_t n = 6; n <= COUNT(v); n++) {
		assert_true(stats_quantile_interval(v, n, 0.5, 0.95, &lo, &hi, &level));
		assert_true(stats_sign_interval(n, 0.05, &k_lo, &k_hi));
		assert_close(lo, (double)k_lo, 0);
		assert_close(hi, (double)k_hi, 0);
		assert_close(level, stats_sign_level(n, k_lo), 1e-12);
	}
}

/* ---- rates ----------------------------------------------------------------------------------------------- */

/* The help page of R's binom.test has Conover's 682 of 925: 0.7076683 to 0.7654066. The others are in closed form. */
static void rate_bounds_are_exact(void **state)
{
	struct stats_rate r;

	(void)state;
	assert_int_equal(stats_rate(682, 925, 0.95, &r), 0);
	assert_close(r.rate, 682.0 / 925, 1e-15);
	assert_close(r.lo, 0.7076683, 5e-8);
	assert_close(r.hi, 0.7654066, 5e-8);
	assert_int_equal(stats_rate(60, 60, 0.90, &r), 0); /* all of 60: at least 95 %, surely by 95 % */
	assert_close(r.lo, pow(0.05, 1.0 / 60), 1e-12);
	assert_close(r.hi, 1, 0);
	assert_int_equal(stats_rate(0, 10, 0.95, &r), 0);
	assert_close(r.lo, 0, 0);
	assert_close(r.hi, 1 - pow(0.025, 0.1), 1e-12);
	assert_int_equal(stats_rate(0, 0, 0.95, &r), 0);
	assert_true(isnan(r.rate) && r.lo == 0 && r.hi == 1);
	assert_int_equal(stats_rate(2, 1, 0.95, &r), -EINVAL);
	assert_int_equal(stats_rate(1, 2, 1, &r), -EINVAL);
}

/* Whatever the rate, it is outside of the bounds at most as often as promised: by summing over all outcomes. */
static void rate_bounds_hold(void **state)
{
	enum { N = 40 };
	struct stats_rate r[N + 1];

	(void)state;
	for (size_t k = 0; k <= N; k++)
		assert_int_equal(stats_rate(k, N, 0.95, &r[k]), 0);
	for (double p = 0.005; p < 1; p += 0.005) {
		double covered = 0;

		for (size_t k = 0; k <= N; k++)
			if (r[k].lo <= p && p <= r[k].hi)
				covered += stats_binomial_cdf((long)k, N, p) - stats_binomial_cdf((long)k - 1, N, p);
		assert_true(covered >= 0.95 - 1e-12);
	}
}

/* R: binom.test(3, 10)$p.value is 0.34375; p.adjust(p, "holm") and "bonferroni" by the definition. */
static void p_values_are_corrected(void **state)
{
	static const double p[] = {0.04, 0.01, 0.05, 0.02, 0.03}, holm[] = {0.09, 0.05, 0.09, 0.08, 0.09};
	double got[5];

	(void)state;
	assert_close(stats_sign_p(3, 10), 0.34375, 1e-14);
	assert_close(stats_sign_p(5, 10), 1, 0);
	assert_close(stats_sign_p(0, 0), 1, 0);
	assert_true(stats_holm(p, 5, got));
	for (size_t i = 0; i < 5; i++)
		assert_close(got[i], holm[i], 1e-15);
	stats_bonferroni(p, 5, got);
	assert_close(got[1], 0.05, 1e-15);
	assert_close(got[2], 0.25, 1e-15);
	stats_bonferroni((double[]){0.6, 0.7}, 2, got);
	assert_close(got[0], 1, 0);
}

/* ---- the scalability law --------------------------------------------------------------------------------- */

static void assert_usl(const double (*data)[2], size_t n, const struct usl *want, double tolerance)
{
	struct usl_point p[64];
	struct usl u;

	for (size_t i = 0; i < n; i++)
		p[i] = (struct usl_point){data[i][0], data[i][1], 1};
	assert_int_equal(usl_fit(p, n, &u), 0);
	assert_close(u.lambda / want->lambda, 1, tolerance);
	assert_close(u.sigma / want->sigma, 1, tolerance);
	if (want->kappa > 0) {
		assert_close(u.kappa / want->kappa, 1, 5 * tolerance); /* the sources give fewer digits */
		assert_close(u.knee, want->knee, 0.05);
	} else {
		assert_close(u.kappa, 0, 0);
		assert_true(isnan(u.knee) && isnan(u.x_at_knee));
	}
}

/*
 * Queries per second by threads on one server: B. Schwartz, "Practical Scalability Analysis with the Universal
 * Scalability Law" (2015): lambda 995.6486, sigma 0.02671591, kappa 7.690945e-4, peak near 35 with 12341 per second.
 */
static void usl_of_schwartz(void **state)
{
	static const double data[][2] = {{1, 955.16},    {2, 1878.91},   {3, 2688.01},   {4, 3548.68},   {5, 4315.54},
					 {6, 5130.43},   {7, 5931.37},   {8, 6531.08},   {9, 7219.8},    {10, 7867.61},
					 {11, 8278.71},  {12, 8646.7},   {13, 9047.84},  {14, 9426.55},  {15, 9645.37},
					 {16, 9897.24},  {17, 10097.6},  {18, 10240.5},  {19, 10532.39}, {20, 10798.52},
					 {21, 11151.43}, {22, 11518.63}, {23, 11806},    {24, 12089.37}, {25, 12075.41},
					 {26, 12177.29}, {27, 12211.41}, {28, 12158.93}, {29, 12155.27}, {30, 12118.04},
					 {31, 12140.4},  {32, 12074.39}};
	static const struct usl book = {.lambda = 995.6486, .sigma = 0.02671591, .kappa = 7.690945e-4, .knee = 35.574};
	struct usl_point p[COUNT(data)];
	struct usl u;

	(void)state;
	assert_usl(data, COUNT(data), &book, 2e-6);
	for (size_t i = 0; i < COUNT(data); i++)
		p[i] = (struct usl_point){data[i][0], data[i][1], 3}; /* equal weights change nothing */
	assert_int_equal(usl_fit(p, COUNT(data), &u), 0);
	assert_close(usl_at(&u, 35), 12341.745, 0.05);
	assert_true(u.r2 > 0.996 && u.r2 < 0.998);
}

/*
 * SPEC SDM91 on a SPARCcenter 2000, and a ray tracer by processors: data sets and results of the R package usl (S.
 * Moeding): gamma 89.9952382, alpha 0.0277285, beta 0.0001044, peak 96.5; and, on the bound, gamma 21.848843, alpha
 * 0.057771, beta 0.
 */
static void usl_of_the_r_package(void **state)
{
	static const double sdm[][2] = {{1, 64.9},     {18, 995.9}, {36, 1652.4}, {72, 1853.2},
					{108, 1828.9}, {144, 1775}, {216, 1702.2}};
	static const double rays[][2] = {{1, 20},   {4, 78},   {8, 130},  {12, 170}, {16, 190}, {20, 200},
					 {24, 210}, {28, 230}, {32, 260}, {48, 280}, {64, 310}};
	static const struct usl on_sdm = {.lambda = 89.9952382, .sigma = 0.0277285, .kappa = 0.0001044, .knee = 96.52},
				on_rays = {.lambda = 21.848843, .sigma = 0.057771};

	(void)state;
	assert_usl(sdm, COUNT(sdm), &on_sdm, 1e-4);
	assert_usl(rays, COUNT(rays), &on_rays, 1e-5);
}

/* Data made by the law give its parameters back; a weight of next to nothing takes a wild point out. */
static void usl_gives_back_what_it_made(void **state)
{
	static const struct usl made = {.lambda = 1e6, .sigma = 0.3, .kappa = 0.002};
	struct usl_point p[8];
	struct usl u;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		p[i] = (struct usl_point){ldexp(1, (int)i), usl_at(&made, ldexp(1, (int)i)), 1};
	p[7].x *= 100;
	p[7].weight = 1e-18;
	assert_int_equal(usl_fit(p, 8, &u), 0);
	assert_close(u.lambda, 1e6, 1);
	assert_close(u.sigma, 0.3, 1e-6);
	assert_close(u.kappa, 0.002, 1e-8);
	assert_close(u.knee, sqrt(0.7 / 0.002), 1e-3);
	p[7] = p[6];
	p[5] = p[6];
	assert_int_equal(usl_fit(p, 8, &u), 0); /* six different ones are left */
	p[4] = p[6];
	assert_int_equal(usl_fit(p, 8, &u), -EINVAL);
	p[4].x = 0;
	assert_int_equal(usl_fit(p, 8, &u), -EINVAL);
}

/* What grows in proportion has neither contention nor a knee, whatever noise pulls at the bounds. */
static void usl_without_contention(void **state)
{
	struct usl_point p[6];
	struct usl u;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		p[i] = (struct usl_point){(double)i + 1, 7 * ((double)i + 1) * (1 + 0.01 * (double)i), 1};
	assert_int_equal(usl_fit(p, 6, &u), 0);
	assert_close(u.sigma, 0, 0);
	assert_close(u.kappa, 0, 0);
	assert_true(isnan(u.knee));
}

static void usl_interval_holds(void **state)
{
	enum { LEVELS = 7, RUNS = 9, TIMES = 200 };
	static const struct usl truth = {.lambda = 1000, .sigma = 0.05, .kappa = 0.002};
	struct usl_level levels[LEVELS];
	struct usl_estimate e, again;
	double x[LEVELS][RUNS], knee = sqrt(0.95 / 0.002);
	unsigned covered = 0, has_knee = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (unsigned t = 0; t < TIMES; t++) {
		for (size_t i = 0; i < LEVELS; i++) {
			double n = ldexp(1, (int)i);

			for (size_t k = 0; k < RUNS; k++)
				x[i][k] = usl_at(&truth, n) * exp(0.03 * normal(&rng));
			levels[i] = (struct usl_level){n, x[i], RUNS};
		}
		assert_int_equal(usl_estimate(levels, LEVELS, 0.95, 200, t, &e), 0);
		assert_true(e.has_interval);
		covered += e.sigma.lo <= truth.sigma && truth.sigma <= e.sigma.hi;
		has_knee += e.knee.lo <= knee && knee <= e.knee.hi;
	}
	/* A percentile bootstrap of nine runs promises 95 % about; half the misses more must not be. */
	assert_true(covered >= TIMES * 88 / 100);
	assert_true(has_knee >= TIMES * 88 / 100);
	assert_true(covered < TIMES); /* an interval that never misses says nothing */
	assert_int_equal(usl_estimate(levels, LEVELS, 0.95, 200, TIMES - 1, &again), 0);
	assert_memory_equal(&e, &again, sizeof(e));
	levels[2].runs = 2;
	assert_int_equal(usl_estimate(levels, LEVELS, 0.95, 200, 1, &e), 0);
	assert_false(e.has_interval);
	assert_int_equal(usl_estimate(levels, 5, 0.95, 200, 1, &e), -EINVAL);
}

/* ---- steady states --------------------------------------------------------------------------------------- */

#define REST(...) rest_is_reached((double[]){__VA_ARGS__})

/* Both rules at their edges: scatter of 2 %, with or without a trend; up to 10 %, without one. */
static void rest_has_two_rules(void **state)
{
	(void)state;
	assert_true(REST(10, 10.1, 10.2, 10.3, 10.4)); /* a trend of 5 % a window, and a scatter of 1.6 % */
	assert_false(REST(10, 10.2, 10.4, 10.6, 10.8)); /* 3 %, with a trend */
	assert_true(REST(10, 9.4, 10.6, 9.4, 10)); /* 5 %, without */
	assert_true(REST(100, 94, 106, 94, 100.95)); /* a line of 0.19 an epoch: 0.96 % over the window */
	assert_false(REST(100, 94, 106, 94, 101.05)); /* of 0.21: 1.06 % */
	assert_false(REST(100, 97, 103, 97, 99)); /* it falls by 1.01 % */
	assert_false(REST(10, 8, 12, 8, 10)); /* 17 %: no trend, and no rest */
}

static void assert_steady(const double *epochs, size_t n, enum steady_class class, size_t start)
{
	struct steady s = steady_classify(epochs, n);

	assert_string_equal(steady_name(s.class), steady_name(class));
	assert_int_equal(s.start, start);
}
#define STEADY(class, start, ...) assert_steady((double[]){__VA_ARGS__}, COUNT(((double[]){__VA_ARGS__})), class, start)

static void series_are_classified(void **state)
{
	struct steady s;

	(void)state;
	STEADY(STEADY_FLAT, 0, 10, 10.1, 9.9, 10, 10.2, 10, 9.95, 10.1);
	STEADY(STEADY_FLAT, 0, 10, 10.1, 9.9, 17, 10.2, 10, 9.95, 10.1, 10, 9.98); /* one wild epoch is none of these */
	STEADY(STEADY_WARM_UP, 1, 25, 10, 10.1, 9.9, 10, 10.2, 10);
	STEADY(STEADY_WARM_UP, 4, 40, 30, 20, 13, 10, 10, 10.1, 9.9, 10);
	STEADY(STEADY_SLOWDOWN, 6, 10, 10, 10, 10, 10, 10, 14, 14, 14, 14.1, 14, 14.1);
	STEADY(STEADY_NONE, 8, 10, 20, 10, 20, 10, 20, 10, 20); /* no trend, and no rest */
	STEADY(STEADY_NONE, 8, 10, 11, 12, 13, 14, 15, 16, 17);
	STEADY(STEADY_FLAT, 0, 10, 9.7, 10.4, 9.6, 10, 9.6, 10.4); /* noisy, and without a trend */
	STEADY(STEADY_TOO_FEW, 5, 10, 10, 10, 10, 10);
	STEADY(STEADY_TOO_FEW, 7, 10, 10, 0, 10, 10, 10, 10);
	s = steady_classify((double[]){40, 30, 20, 13, 10, 10, 10.1, 9.9, 10}, 9);
	assert_close(s.level, 10, 0);
	assert_close(s.first_over_level, 2.5, 1e-12);
}

/* ---- crossings ------------------------------------------------------------------------------------------- */

/* Costs 10 x and x^2 differ by ln 10 - ln x, a straight line over ln x: what lies between points is exact. */
static struct crossing_point at(double x, double half_width)
{
	double d = log(10) - log(x);

	return (struct crossing_point){x, d, true, d - half_width, d + half_width};
}

static void crossing_is_where_it_was_put(void **state)
{
	struct crossing_point p[] = {at(1, 0.5), at(5, 0.5), at(40, 0.5), at(100, 0.5)};
	struct crossing c;
	double x;

	(void)state;
	crossing_find(p, 4, &c);
	assert_int_equal(c.kind, CROSSING_FOUND);
	assert_int_equal(c.side, 1);
	assert_int_equal(c.changes, 1);
	assert_close(c.at, 10, 1e-9);
	assert_close(c.lo, 10 * exp(-0.5), 1e-9);
	assert_close(c.hi, 10 * exp(0.5), 1e-9);
	assert_true(crossing_next(p, 4, 0.1, &x));
	assert_close(x, 14, 0); /* the root of 5 times 40 */
	/* With the middle not separated the answer stays. */
	p[2] = at(10, 0.5);
	crossing_find(p, 4, &c);
	assert_close(c.at, 10, 1e-9);
	assert_close(c.lo, 10 * exp(-0.5), 1e-9);
	assert_close(c.hi, 10 * exp(0.5), 1e-9);
	assert_true(crossing_next(p, 4, 0.1, &x));
	assert_close(x, 32, 0); /* from 10 to 100 is the wider gap */
	assert_false(crossing_next((struct crossing_point[]){at(9, 0.01), at(10, 0.01), at(11, 0.01)}, 3, 0.01, &x));
	/* Upside down: the same. */
	for (size_t i = 0; i < 4; i++)
		p[i] = (struct crossing_point){p[i].x, -p[i].d, true, -p[i].hi, -p[i].lo};
	crossing_find(p, 4, &c);
	assert_int_equal(c.side, -1);
	assert_close(c.at, 10, 1e-9);
	assert_close(c.lo, 10 * exp(-0.5), 1e-9);
	assert_close(c.hi, 10 * exp(0.5), 1e-9);
}

static void crossing_that_is_not_there(void **state)
{
	struct crossing_point p[] = {at(1, 0.5), at(2, 0.5), at(4, 0.5)};
	struct crossing c;
	double x;

	(void)state;
	crossing_find(p, 3, &c);
	assert_int_equal(c.kind, CROSSING_NONE);
	assert_int_equal(c.side, 1);
	assert_false(crossing_next(p, 3, 0.1, &x));
	p[2] = at(9, 0.5); /* the end cannot be told: it may lie there */
	crossing_find(p, 3, &c);
	assert_int_equal(c.kind, CROSSING_OPEN);
	assert_int_equal(c.side, 1);
	p[2] = (struct crossing_point){.x = 9, .d = -3}; /* without an interval nothing is separated */
	crossing_find(p, 3, &c);
	assert_int_equal(c.kind, CROSSING_OPEN);
	crossing_find(p, 0, &c);
	assert_int_equal(c.kind, CROSSING_OPEN);
}

/* There and back: the first is told, and that there is another. */
static void crossing_twice(void **state)
{
	struct crossing_point p[] = {{1, 1, true, 0.5, 1.5},
				     {10, -1, true, -1.5, -0.5},
				     {100, 1, true, 0.5, 1.5},
				     {1000, 1, true, 0.5, 1.5}};
	struct crossing c;

	(void)state;
	crossing_find(p, 4, &c);
	assert_int_equal(c.kind, CROSSING_FOUND);
	assert_int_equal(c.changes, 2);
	assert_close(c.at, sqrt(10), 1e-9);
	assert_int_equal(c.right, 1);
}

enum { SEARCH_ROUNDS = 12, SEARCH_POINTS = 12 };

static struct crossing_point measure(double x, struct rng *rng)
{
	double d[SEARCH_ROUNDS], level;
	struct crossing_point p = {.x = x};

	for (size_t i = 0; i < SEARCH_ROUNDS; i++)
		d[i] = 0.7 * (log(310) - log(x)) + 0.1 * normal(rng);
	p.d = stats_median(d, SEARCH_ROUNDS);
	p.has_interval = stats_median_interval(d, SEARCH_ROUNDS, 1 - 0.05 / SEARCH_POINTS, &p.lo, &p.hi, &level);
	return p;
}

static void insert(struct crossing_point *p, size_t n, struct crossing_point one)
{
	size_t i = n;

	for (; i > 0 && p[i - 1].x > one.x; i--)
		p[i] = p[i - 1];
	p[i] = one;
}

/* The search as a whole: it ends, it is near, and its interval holds the truth as often as it says. */
static void crossing_search_finds_it(void **state)
{
	enum { TIMES = 500 };
	unsigned covered = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 9);
	for (unsigned t = 0; t < TIMES; t++) {
		struct crossing_point p[SEARCH_POINTS];
		struct crossing c;
		size_t n = 0;
		double x;

		insert(p, n++, measure(1, &rng));
		insert(p, n++, measure(100000, &rng));
		while (n < SEARCH_POINTS && crossing_next(p, n, 0.1, &x))
			insert(p, n++, measure(x, &rng));
		crossing_find(p, n, &c);
		assert_int_equal(c.kind, CROSSING_FOUND);
		assert_true(c.at > 200 && c.at < 480);
		assert_true(c.lo <= c.at && c.at <= c.hi);
		assert_true(c.hi / c.lo < 4); /* 0.7 ln x against a spread of 0.1 and tails beyond */
		covered += c.lo <= 310 && 310 <= c.hi;
	}
	assert_true(covered >= TIMES * 95 / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantile_interval_of_conover),
		cmocka_unit_test(quantile_interval_of_the_median),
		cmocka_unit_test(rate_bounds_are_exact),
		cmocka_unit_test(rate_bounds_hold),
		cmocka_unit_test(p_values_are_corrected),
		cmocka_unit_test(usl_of_schwartz),
		cmocka_unit_test(usl_of_the_r_package),
		cmocka_unit_test(usl_gives_back_what_it_made),
		cmocka_unit_test(usl_without_contention),
		cmocka_unit_test(usl_interval_holds),
		cmocka_unit_test(rest_has_two_rules),
		cmocka_unit_test(series_are_classified),
		cmocka_unit_test(crossing_is_where_it_was_put),
		cmocka_unit_test(crossing_that_is_not_there),
		cmocka_unit_test(crossing_twice),
		cmocka_unit_test(crossing_search_finds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
