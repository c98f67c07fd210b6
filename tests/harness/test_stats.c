/*
 * test_stats.c - harness/stats against exact values: tables of the binomial distribution, enumerations of all
 * arrangements, worked examples, and the coverage of the intervals in simulations with a fixed seed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/stats/stats.h"
#include "harness/stats/theil_sen.h"
#include "harness/stats/verdict.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_close(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.17g, want %.17g within %g", got, want, tolerance);
}

/* splitmix64: small, and the same on every machine. */
static uint64_t rng_state;

static uint64_t rng_next(void)
{
	uint64_t z = rng_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double rng_uniform(void)
{
	return ((double)(rng_next() >> 11) + 0.5) * 0x1p-53;
}

/* Skewed, as run times are: a floor and an exponential tail, median 1 + ln 2. */
static double rng_skewed(void)
{
	return 1 - log(rng_uniform());
}

/* ---- quantiles ---------------------------------------------------------------------------------- */

static void median_of_odd_and_even(void **state)
{
	double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 2}, one[] = {7}, huge[] = {1.7e308, 1.7e308};

	(void)state;
	assert_close(stats_median(odd, 3), 3, 0);
	assert_close(stats_median(even, 4), 2.5, 0);
	assert_close(stats_median(one, 1), 7, 0);
	assert_close(stats_median(huge, 2), 1.7e308, 0);
	assert_true(isnan(stats_median(one, 0)));
}

/* R: quantile(1:10, c(0, .25, .5, .9, 1)) = 1.00 3.25 5.50 9.10 10.00 */
static void quantiles_are_those_of_r(void **state)
{
	double v[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

	(void)state;
	assert_close(stats_quantile(v, 10, 0), 1, 0);
	assert_close(stats_quantile(v, 10, 0.25), 3.25, 1e-12);
	assert_close(stats_quantile(v, 10, 0.5), 5.5, 1e-12);
	assert_close(stats_quantile(v, 10, 0.9), 9.1, 1e-12);
	assert_close(stats_quantile(v, 10, 1), 10, 0);
	assert_close(stats_quantile(v, 1, 0.3), 1, 0);
	assert_true(isnan(stats_quantile(v, 0, 0.5)));
}

/* The textbook example: 1 1 2 2 4 6 9 has median 2 and deviations 0 0 1 1 2 4 7. */
static void mad_of_the_textbook(void **state)
{
	double v[] = {9, 2, 1, 6, 2, 4, 1};

	(void)state;
	assert_close(stats_mad(v, COUNT(v)), 1, 0);
}

/* ---- the sign test ------------------------------------------------------------------------------- */

static void binomial_is_exact(void **state)
{
	(void)state;
	assert_close(stats_binomial_cdf(2, 12, 0.5), 79.0 / 4096, 1e-14);
	assert_close(stats_binomial_cdf(0, 6, 0.5), 1.0 / 64, 1e-15);
	assert_close(stats_binomial_cdf(3, 10, 0.2), 0.8791261184, 1e-10);
	assert_close(stats_binomial_cdf(-1, 10, 0.5), 0, 0);
	assert_close(stats_binomial_cdf(10, 10, 0.5), 1, 0);
	assert_close(stats_binomial_cdf(4, 10, 0), 1, 0);
	assert_close(stats_binomial_cdf(4, 10, 1), 0, 0);
	/* Half of an odd number of tosses, where 2^-n is below the smallest double. */
	assert_close(stats_binomial_cdf(1000, 2001, 0.5), 0.5, 1e-9);
}

static void sign_interval_has_the_known_ranks(void **state)
{
	static const struct {
		size_t n, lo, hi;
	} table[] = {{6, 1, 6},    {7, 1, 7},    {8, 1, 8},    {9, 2, 8},    {12, 3, 10},  {20, 6, 15},
		     {30, 10, 21}, {40, 14, 27}, {52, 19, 34}, {80, 31, 50}, {120, 49, 72}};
	size_t lo, hi;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_true(stats_sign_interval(table[i].n, 0.05, &lo, &hi));
		assert_int_equal(lo, table[i].lo);
		assert_int_equal(hi, table[i].hi);
		assert_true(stats_sign_level(table[i].n, lo) >= 0.95);
		assert_true(stats_sign_level(table[i].n, lo + 1) < 0.95);
	}
	assert_close(stats_sign_level(9, 1), 1 - 2.0 / 512, 1e-12);
	assert_close(stats_sign_level(9, 2), 1 - 20.0 / 512, 1e-12);
}

static void sign_interval_says_when_it_cannot(void **state)
{
	size_t lo, hi;

	(void)state;
	for (size_t n = 0; n < 6; n++)
		assert_false(stats_sign_interval(n, 0.2, &lo, &hi));
	/* 2 * 2^-9 = 0.0039: enough for 0.05 / 12, not for 0.05 / 13. */
	assert_true(stats_sign_interval(9, 0.05 / 12, &lo, &hi));
	assert_int_equal(lo, 1);
	assert_false(stats_sign_interval(9, 0.05 / 13, &lo, &hi));
	/* A level that is reached exactly counts as reached. */
	assert_true(stats_sign_interval(6, 2.0 / 64, &lo, &hi));
}

static void estimate_gives_interval_and_spread(void **state)
{
	double v[] = {9, 3, 7, 1, 5, 2, 8, 4, 6}, few[] = {2, 1};
	struct stats_estimate e;

	(void)state;
	stats_estimate(v, COUNT(v), 0.95, &e);
	assert_close(e.median, 5, 0);
	assert_true(e.has_interval);
	assert_close(e.lo, 2, 0);
	assert_close(e.hi, 8, 0);
	assert_close(e.level, 1 - 20.0 / 512, 1e-12);
	assert_close(e.min, 1, 0);
	assert_close(e.max, 9, 0);
	assert_close(e.mad, 2, 0);
	stats_estimate(few, 2, 0.95, &e);
	assert_close(e.median, 1.5, 0);
	assert_false(e.has_interval);
	stats_estimate(few, 0, 0.95, &e);
	assert_true(isnan(e.median));
}

/* Coverage of the median's interval on skewed data: its level, within three standard errors of 20000 trials. */
static void median_interval_covers(void **state)
{
	static const size_t sizes[] = {6, 9, 20};
	enum { TRIALS = 20000 };

	(void)state;
	rng_state = 1;
	for (size_t s = 0; s < COUNT(sizes); s++) {
		double v[20], lo, hi, level = 0, covered = 0;

		for (int t = 0; t < TRIALS; t++) {
			for (size_t i = 0; i < sizes[s]; i++)
				v[i] = rng_skewed();
			stats_sort(v, sizes[s]);
			assert_true(stats_median_interval(v, sizes[s], 0.95, &lo, &hi, &level));
			covered += lo <= 1 + M_LN2 && 1 + M_LN2 <= hi;
		}
		assert_close(covered / TRIALS, level, 3 * sqrt(level * (1 - level) / TRIALS));
	}
}

/* ---- paired comparison ---------------------------------------------------------------------------- */

static void comparison_is_the_median_of_ratios(void **state)
{
	double base[] = {2, 4, 6, 8, 10, 12, 14, 16, 18};
	double subject[] = {1, 2, 3, 4, 5, 6, 7, 16, 18}; /* ratios: 2 seven times, 1 twice */
	struct stats_comparison c, mirror;

	(void)state;
	assert_int_equal(stats_compare(base, subject, 9, 0.95, &c), 0);
	assert_close(c.ratio, 2, 1e-12);
	assert_int_equal(c.n, 9);
	assert_int_equal(c.ties, 2);
	assert_true(c.has_interval);
	assert_close(c.lo, 1, 1e-12); /* the second smallest of 1 1 2 2 2 2 2 2 2 */
	assert_close(c.hi, 2, 1e-12);
	assert_close(c.half_width, sqrt(2) - 1, 1e-12);
	assert_int_equal(stats_compare(subject, base, 9, 0.95, &mirror), 0);
	assert_close(mirror.ratio, 1 / c.ratio, 1e-12);
	assert_close(mirror.lo, 1 / c.hi, 1e-12);
	assert_close(mirror.hi, 1 / c.lo, 1e-12);
}

static void comparison_refuses_what_has_no_logarithm(void **state)
{
	double good[] = {1, 2}, zero[] = {1, 0}, negative[] = {-1, 2}, nan_[] = {NAN, 1}, inf_[] = {1, INFINITY};
	struct stats_comparison c;

	(void)state;
	assert_int_equal(stats_compare(good, good, 0, 0.95, &c), -EINVAL);
	assert_int_equal(stats_compare(good, zero, 2, 0.95, &c), -EINVAL);
	assert_int_equal(stats_compare(negative, good, 2, 0.95, &c), -EINVAL);
	assert_int_equal(stats_compare(nan_, good, 2, 0.95, &c), -EINVAL);
	assert_int_equal(stats_compare(good, inf_, 2, 0.95, &c), -EINVAL);
}

/* What pairing is for: a drift of the machine by a factor of three, common to both, must not widen the interval. */
static void comparison_ignores_common_drift(void **state)
{
	double base[20], subject[20];
	struct stats_comparison c;

	(void)state;
	rng_state = 7;
	for (int i = 0; i < 20; i++) {
		double drift = 1 + 2 * rng_uniform();

		base[i] = 110 * drift * (1 + 0.01 * rng_uniform());
		subject[i] = 100 * drift * (1 + 0.01 * rng_uniform());
	}
	assert_int_equal(stats_compare(base, subject, 20, 0.95, &c), 0);
	assert_true(c.has_interval && c.lo > 1.08 && c.hi < 1.12);
}

/* ---- verdicts ---------------------------------------------------------------------------------------- */

/* Nine pairs whose log ratios are spread evenly by `spread` around ln(ratio). */
static struct stats_comparison pairs_of(double ratio, double spread)
{
	struct stats_comparison c;
	double base[9], subject[9];

	for (int i = 0; i < 9; i++) {
		base[i] = 100 * ratio * exp(spread * (i - 4) / 4.0);
		subject[i] = 100;
	}
	assert_int_equal(stats_compare(base, subject, 9, 0.95, &c), 0);
	return c;
}

static struct verdict judge(double ratio, double spread, double floor)
{
	struct stats_comparison c = pairs_of(ratio, spread);

	return verdict_of(
		&(struct verdict_input){.comparison = &c, .margin = 0.05, .floor = floor, .least_effect = 0.01});
}

static void verdict_of_each_kind(void **state)
{
	struct verdict v = judge(1.4, 0.05, 0.02);

	(void)state;
	assert_int_equal(v.kind, VERDICT_FASTER);
	assert_close(v.near_edge, 1.4 * exp(-0.05 * 3 / 4), 1e-9);
	assert_close(v.mde, expm1(0.05 * 3 / 4), 1e-9);
	v = judge(1 / 1.4, 0.05, 0.02);
	assert_int_equal(v.kind, VERDICT_SLOWER);
	assert_close(v.near_edge, 1.4 * exp(-0.05 * 3 / 4), 1e-9);
	v = judge(1.001, 0.02, 0.02);
	assert_int_equal(v.kind, VERDICT_EQUIVALENT);
	assert_int_equal(v.reasons, 0);
	v = judge(1.02, 0.01, 0.02); /* separated from 1, and inside 5 % */
	assert_int_equal(v.kind, VERDICT_EQUIVALENT);
	assert_int_equal(v.reasons, REASON_DOES_NOT_MATTER);
	v = judge(1.1, 0.5, 0.02);
	assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
	assert_int_equal(v.reasons, REASON_INTERVAL_HAS_ONE);
	/* The half-width is 3/4 of the spread in logarithms, the margin ln 1.05. */
	assert_int_equal(v.more_rounds, (size_t)ceil(9 * pow(0.375 / log(1.05), 2)) - 9);
	v = judge(1.2, 0.05, 0.25); /* clear of 1, but identical subjects differ by as much here */
	assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
	assert_int_equal(v.reasons, REASON_BELOW_FLOOR);
	v = judge(1.4, 0.05, -1);
	assert_int_equal(v.kind, VERDICT_FASTER);
	assert_int_equal(v.reasons, REASON_NO_TWIN);
}

static void verdict_distrusts_before_it_judges(void **state)
{
	struct stats_comparison c = pairs_of(40, 0.01);
	struct verdict_input in = {.comparison = &c, .margin = 0.05, .floor = 0.02, .least_effect = 0.01};

	(void)state;
	assert_int_equal(verdict_of(&in).kind, VERDICT_FASTER);
	in.contaminated_share = 0.20;
	assert_int_equal(verdict_of(&in).kind, VERDICT_FASTER);
	in.contaminated_share = 0.21;
	assert_int_equal(verdict_of(&in).kind, VERDICT_UNTRUSTED);
	assert_int_equal(verdict_of(&in).reasons, REASON_CONTAMINATED);
	in = (struct verdict_input){.comparison = &c, .margin = 0.05, .twin_differs = true, .work_unequal = true};
	assert_int_equal(verdict_of(&in).kind, VERDICT_UNTRUSTED);
	assert_int_equal(verdict_of(&in).reasons, REASON_TWIN_DIFFERS | REASON_WORK_UNEQUAL);
}

static void verdict_needs_rounds(void **state)
{
	double base[] = {2, 2, 2, 2}, subject[] = {1, 1, 1, 1};
	struct stats_comparison c;
	struct verdict v;

	(void)state;
	assert_int_equal(stats_compare(base, subject, 4, 0.95, &c), 0);
	assert_false(c.has_interval);
	v = verdict_of(&(struct verdict_input){.comparison = &c, .margin = 0.05, .floor = 0.02, .least_effect = 0.01});
	assert_int_equal(v.kind, VERDICT_INCONCLUSIVE);
	assert_int_equal(v.reasons, REASON_TOO_FEW_ROUNDS);
	assert_int_equal(v.more_rounds, 2);
	assert_true(isnan(v.mde));
}

static void verdict_words_are_distinct(void **state)
{
	(void)state;
	for (int a = 1; a < REASON_MAX; a <<= 1) {
		assert_true(strlen(verdict_reason_text(a)) > 10);
		for (int b = 1; b < a; b <<= 1) {
			assert_string_not_equal(verdict_reason_text(a), verdict_reason_text(b));
			assert_string_not_equal(verdict_reason_code(a), verdict_reason_code(b));
		}
	}
	assert_string_equal(verdict_name(VERDICT_UNTRUSTED), "UNTRUSTED");
}

/* Identical subjects on a drifting, skewed machine: FASTER or SLOWER is said no more often than the level allows. */
static void verdict_rarely_errs_on_identical_subjects(void **state)
{
	enum { TRIALS = 4000, ROUNDS = 12 };
	int wrong = 0;

	(void)state;
	rng_state = 3;
	for (int t = 0; t < TRIALS; t++) {
		double base[ROUNDS], subject[ROUNDS];
		struct stats_comparison c;
		struct verdict v;

		for (int i = 0; i < ROUNDS; i++) {
			double drift = 1 + i * 0.2;

			base[i] = drift * rng_skewed();
			subject[i] = drift * rng_skewed();
		}
		assert_int_equal(stats_compare(base, subject, ROUNDS, 0.95, &c), 0);
		v = verdict_of(
			&(struct verdict_input){.comparison = &c, .margin = 0.05, .floor = 0, .least_effect = 0.01});
		wrong += v.kind == VERDICT_FASTER || v.kind == VERDICT_SLOWER;
	}
	/* 3rd of 12 has 96.1 %: 3.9 % expected, five standard errors above it allowed. */
	assert_true(wrong <= TRIALS * (0.0386 + 5 * sqrt(0.0386 * 0.9614 / TRIALS)));
	assert_true(wrong > 0);
}

/* ---- ranks --------------------------------------------------------------------------------------------- */

static void ranks_join_what_overlaps(void **state)
{
	struct stats_span rows[] = {
		{.median = 50, .lo = 45, .hi = 55, .has_interval = true}, /* alone, last */
		{.median = 10, .lo = 9, .hi = 12, .has_interval = true},
		{.median = 11, .lo = 10, .hi = 15, .has_interval = true},
		{.median = 16, .lo = 14, .hi = 17, .has_interval = true}, /* joined to 10 through 11 */
		{.median = 12}, /* no interval: no rank */
	};
	unsigned group[COUNT(rows)];

	(void)state;
	stats_rank_groups(rows, COUNT(rows), group);
	assert_int_equal(group[0], 2);
	assert_int_equal(group[1], 1);
	assert_int_equal(group[2], 1);
	assert_int_equal(group[3], 1);
	assert_int_equal(group[4], 0);
}

/* A wide row below several narrow ones: what it reaches stays one group although its neighbours are apart. */
static void ranks_remember_the_widest(void **state)
{
	struct stats_span rows[] = {
		{.median = 10, .lo = 5, .hi = 30, .has_interval = true},
		{.median = 12, .lo = 11, .hi = 13, .has_interval = true},
		{.median = 20, .lo = 19, .hi = 21, .has_interval = true},
		{.median = 40, .lo = 39, .hi = 41, .has_interval = true},
	};
	unsigned group[COUNT(rows)];

	(void)state;
	stats_rank_groups(rows, COUNT(rows), group);
	assert_int_equal(group[0], 1);
	assert_int_equal(group[1], 1);
	assert_int_equal(group[2], 1);
	assert_int_equal(group[3], 2);
}

/* ---- Theil-Sen ----------------------------------------------------------------------------------------- */

/*
 * Five points: the ten slopes are -.15 -.13 -.08 -.07 -.0575 -.055 -.045 -.0333 .01 .04. With five distinct x the
 * inversions have counts 1 4 9 15 ... of 120: rank 1 has level 1 - 2/120, rank 2 has 1 - 10/120.
 */
static void theil_sen_worked_by_hand(void **state)
{
	double x[] = {1, 2, 3, 4, 5}, y[] = {1.26, 1.27, 1.12, 1.16, 1.03};
	struct theil_sen fit;

	(void)state;
	assert_int_equal(theil_sen_fit(x, y, 5, 0.9, &fit), 0);
	assert_int_equal(fit.pairs, 10);
	assert_close(fit.slope, -0.05625, 1e-12);
	assert_close(fit.intercept, 1.26 + 0.05625, 1e-12); /* the median residual is the first point's */
	assert_true(fit.has_interval);
	assert_close(fit.lo, -0.13, 1e-12);
	assert_close(fit.hi, 0.01, 1e-12);
	assert_close(fit.level, 1 - 10.0 / 120, 1e-12);
	assert_int_equal(theil_sen_fit(x, y, 5, 0.95, &fit), 0);
	assert_close(fit.lo, -0.15, 1e-12);
	assert_close(fit.hi, 0.04, 1e-12);
	assert_close(fit.level, 1 - 2.0 / 120, 1e-12);
	assert_int_equal(theil_sen_fit(x, y, 5, 0.999, &fit), 0);
	assert_false(fit.has_interval);
}

/* How many of the arrangements of values 0..n-1 over the groups x have at most `limit` discordant pairs. */
static void count_arrangements(const int *x, int n, int *value, int at, int limit, long *within, long *all)
{
	if (at == n) {
		int discordant = 0;

		for (int i = 0; i < n; i++)
			for (int j = i + 1; j < n; j++)
				discordant += x[i] < x[j] && value[i] > value[j];
		*all += 1;
		*within += discordant <= limit;
		return;
	}
	for (int i = at; i < n; i++) {
		int swap = value[at];

		value[at] = value[i];
		value[i] = swap;
		count_arrangements(x, n, value, at + 1, limit, within, all);
		value[i] = value[at];
		value[at] = swap;
	}
}

/* Repeated x: the level must be that of an enumeration of all 5040 arrangements. */
static void theil_sen_level_with_repeated_x(void **state)
{
	static const int groups[] = {1, 1, 2, 2, 2, 3, 4};
	double x[] = {1, 1, 2, 2, 2, 3, 4}, y[] = {1.0, 1.2, 2.1, 1.9, 2.4, 3.2, 3.9};
	struct theil_sen fit;
	double level = 0; /* of the largest rank that reaches 90 % */

	(void)state;
	assert_int_equal(theil_sen_fit(x, y, 7, 0.9, &fit), 0);
	assert_int_equal(fit.pairs, 21 - 1 - 3);
	assert_true(fit.has_interval);
	for (size_t k = 1; k <= fit.pairs / 2; k++) {
		int value[] = {0, 1, 2, 3, 4, 5, 6};
		long within = 0, all = 0;

		count_arrangements(groups, 7, value, 0, (int)k - 1, &within, &all);
		assert_int_equal(all, 5040);
		if (2.0 * (double)within / (double)all > 0.1)
			break;
		level = 1 - 2.0 * (double)within / (double)all;
	}
	assert_true(level >= 0.9);
	assert_close(fit.level, level, 1e-12);
}

static void theil_sen_is_not_bent(void **state)
{
	double x[36], y[36];
	struct theil_sen fit;

	(void)state;
	rng_state = 11;
	for (int i = 0; i < 36; i++) {
		static const double n[] = {1000, 2000, 5000, 10000};

		x[i] = n[i / 9];
		y[i] = 1e6 + 2700 * x[i] + 2e5 * rng_uniform();
	}
	y[3] *= 50; /* what a contaminated process looks like */
	y[30] /= 10;
	assert_int_equal(theil_sen_fit(x, y, 36, 0.95, &fit), 0);
	assert_int_equal(fit.pairs, 6 * 81);
	assert_close(fit.slope, 2700, 20);
	assert_close(fit.intercept, 1.1e6, 1e5);
	assert_true(fit.has_interval && fit.lo < 2700 && fit.hi > 2700 && fit.hi - fit.lo < 60);
}

static void theil_sen_covers(void **state)
{
	enum { TRIALS = 3000, POINTS = 12 };
	double covered = 0, level = 0, intercepts = 0;

	(void)state;
	rng_state = 5;
	for (int t = 0; t < TRIALS; t++) {
		double x[POINTS], y[POINTS];
		struct theil_sen fit;

		for (int i = 0; i < POINTS; i++) {
			x[i] = i / 3;
			y[i] = 2 * x[i] + rng_skewed();
		}
		assert_int_equal(theil_sen_fit(x, y, POINTS, 0.95, &fit), 0);
		assert_true(fit.has_interval);
		covered += fit.lo <= 2 && 2 <= fit.hi;
		level = fit.level;
		assert_true(fit.intercept_has_interval && fit.intercept_lo <= fit.intercept &&
			    fit.intercept <= fit.intercept_hi);
		intercepts += fit.intercept_lo <= 1 + log(2) && 1 + log(2) <= fit.intercept_hi;
	}
	assert_true(level >= 0.95);
	assert_close(covered / TRIALS, level, 4 * sqrt(level * (1 - level) / TRIALS));
	assert_true(intercepts / TRIALS >= 0.95 - 4 * sqrt(0.95 * 0.05 / TRIALS));
	assert_true(intercepts < TRIALS); /* an interval that never misses says nothing */
}

static void theil_sen_says_when_it_cannot(void **state)
{
	static double many[THEIL_SEN_MAX_POINTS + 1];
	double same[] = {3, 3, 3}, y[] = {1, 2, 3}, two[] = {1, 2};
	struct theil_sen fit;

	(void)state;
	assert_int_equal(theil_sen_fit(same, y, 3, 0.95, &fit), -EINVAL);
	assert_int_equal(theil_sen_fit(two, y, 1, 0.95, &fit), -EINVAL);
	assert_int_equal(theil_sen_fit(many, many, COUNT(many), 0.95, &fit), -EINVAL);
	assert_int_equal(theil_sen_fit(two, y, 2, 0.95, &fit), 0);
	assert_close(fit.slope, 1, 0);
	assert_false(fit.has_interval);
	assert_false(fit.intercept_has_interval);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_of_odd_and_even),
		cmocka_unit_test(quantiles_are_those_of_r),
		cmocka_unit_test(mad_of_the_textbook),
		cmocka_unit_test(binomial_is_exact),
		cmocka_unit_test(sign_interval_has_the_known_ranks),
		cmocka_unit_test(sign_interval_says_when_it_cannot),
		cmocka_unit_test(estimate_gives_interval_and_spread),
		cmocka_unit_test(median_interval_covers),
		cmocka_unit_test(comparison_is_the_median_of_ratios),
		cmocka_unit_test(comparison_refuses_what_has_no_logarithm),
		cmocka_unit_test(comparison_ignores_common_drift),
		cmocka_unit_test(verdict_of_each_kind),
		cmocka_unit_test(verdict_distrusts_before_it_judges),
		cmocka_unit_test(verdict_needs_rounds),
		cmocka_unit_test(verdict_words_are_distinct),
		cmocka_unit_test(verdict_rarely_errs_on_identical_subjects),
		cmocka_unit_test(ranks_join_what_overlaps),
		cmocka_unit_test(ranks_remember_the_widest),
		cmocka_unit_test(theil_sen_worked_by_hand),
		cmocka_unit_test(theil_sen_level_with_repeated_x),
		cmocka_unit_test(theil_sen_is_not_bent),
		cmocka_unit_test(theil_sen_covers),
		cmocka_unit_test(theil_sen_says_when_it_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
