/*
 * test_two_sample.c - harness/stats/two_sample.c against published tables and a textbook's example, against enumeration,
 * and its error rate in simulations with a fixed seed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "harness/base/rng.h"
#include "harness/stats/two_sample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_close(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.17g, want %.17g within %g", got, want, tolerance);
}

/* Critical values of U, two-sided, as in the tables after Mann and Whitney (1947) and Auble (1953). */
static void ranks_are_those_of_the_tables(void **state)
{
	static const struct {
		size_t na, nb;
		double alpha;
		size_t critical;
	} table[] = {{4, 4, .05, 0},    {5, 5, .05, 2},     {8, 8, .05, 13},    {9, 9, .05, 17},
		     {10, 5, .05, 8},   {5, 10, .05, 8},    {10, 10, .05, 23},  {12, 12, .05, 37},
		     {15, 15, .05, 64}, {20, 20, .05, 127}, {5, 5, .01, 0},     {8, 8, .01, 7},
		     {10, 10, .01, 16}, {15, 15, .01, 51},  {20, 20, .01, 105}, {20, 10, .05, 55}};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		double level;
		size_t k = two_sample_rank(table[i].na, table[i].nb, table[i].alpha, &level);

		assert_int_equal(k, table[i].critical + 1);
		assert_true(level >= 1 - table[i].alpha);
	}
}

/* All choices of 3 of 7 ranks, counted one by one. */
static void counts_are_those_of_enumeration(void **state)
{
	size_t seen[13] = {0}, all = 0, sum = 0;

	(void)state;
	for (size_t a = 1; a <= 7; a++)
		for (size_t b = a + 1; b <= 7; b++)
			for (size_t c = b + 1; c <= 7; c++, all++)
				seen[a + b + c - 6]++;
	for (size_t u = 0; u < COUNT(seen); u++) {
		sum += seen[u];
		assert_close(two_sample_u_cdf((long)u, 3, 4), (double)sum / (double)all, 1e-14);
		assert_close(two_sample_u_cdf((long)u, 4, 3), (double)sum / (double)all, 1e-14);
	}
	assert_close(two_sample_u_cdf(-1, 3, 4), 0, 0);
	assert_close(two_sample_u_cdf(12, 3, 4), 1, 0);
}

/*
 * Hollander and Wolfe, Nonparametric Statistical Methods (1973), pages 69-75: permeability of human membranes at term
 * and early. One-sided p = 0.1272 for a count of 35, shift 0.305, 96 % interval [-0.15, 0.76]; R's wilcox.test gives the
 * same of its own example.
 */
static const double at_term[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46},
		    early[] = {1.15, 0.88, 0.90, 0.74, 1.21};

static void example_of_the_textbook(void **state)
{
	double a[COUNT(at_term)], b[COUNT(early)];
	struct stats_comparison c, mirror;

	(void)state;
	assert_close(two_sample_u_cdf(15, 10, 5), 0.1272, 5e-5);
	for (size_t i = 0; i < COUNT(a); i++) /* the factor of the powers is the shift of the values */
		a[i] = exp(at_term[i]);
	for (size_t i = 0; i < COUNT(b); i++)
		b[i] = exp(early[i]);
	assert_int_equal(two_sample_compare(a, COUNT(a), b, COUNT(b), 0.95, &c), 0);
	assert_close(log(c.ratio), 0.305, 1e-9);
	assert_true(c.has_interval);
	assert_close(log(c.lo), -0.15, 1e-9);
	assert_close(log(c.hi), 0.76, 1e-9);
	assert_close(c.level, 0.96, 0.005);
	assert_int_equal(c.n, 5);
	assert_int_equal(c.ties, 0);
	assert_int_equal(two_sample_compare(b, COUNT(b), a, COUNT(a), 0.95, &mirror), 0);
	assert_close(mirror.ratio * c.ratio, 1, 1e-12);
	assert_close(mirror.lo * c.hi, 1, 1e-12);
}

static void says_when_it_cannot(void **state)
{
	double three[] = {1, 2, 3}, zero[] = {1, 0, 2}, level = 0;
	struct stats_comparison c;

	(void)state;
	assert_int_equal(two_sample_compare(three, 3, three, 0, 0.95, &c), -EINVAL);
	assert_int_equal(two_sample_compare(three, 3, zero, 3, 0.95, &c), -EINVAL);
	assert_int_equal(two_sample_compare(three, 3, three, 3, 0.95, &c), 0);
	assert_false(c.has_interval); /* 2 / C(6, 3) = 0.1 */
	assert_int_equal(c.ties, 3);
	assert_int_equal(two_sample_least(0.95), 4);
	assert_int_equal(two_sample_rank(9, 9, 2.0 / 48620, &level), 1); /* 2 / C(18, 9), to the last bit */
	assert_close(level, 1 - 2.0 / 48620, 1e-12);
	assert_int_equal(two_sample_rank(9, 9, 1.9 / 48620, &level), 0);
}

/* Where both can be had, the approximation is never less careful than the exact rank, and not much more. */
static void approximation_is_careful(void **state)
{
	static const double alphas[] = {.1, .05, .01, .001, 1e-5};

	(void)state;
	for (size_t i = 0; i < COUNT(alphas); i++) {
		double exact_level, level;
		size_t exact = two_sample_rank(50, 50, alphas[i], &exact_level);
		size_t wider = two_sample_rank(51, 50, alphas[i], &level);
		double scale = 2550.0 / 2500; /* products; the ranks grow a little less */

		assert_true(level >= 1 - alphas[i]);
		assert_true((double)wider <= (double)exact * scale + 2);
		assert_true((double)wider >= (double)exact * scale - 25);
	}
}

/* Of samples of one skewed distribution with ties, at most alpha are called different. */
static void false_alarms_keep_their_level(void **state)
{
	enum { TRIALS = 4000, N = 9 };
	struct rng r;
	size_t alarms = 0, found = 0;

	(void)state;
	rng_seed(&r, 7);
	for (size_t t = 0; t < TRIALS; t++) {
		double a[N], b[N], slower[N];
		struct stats_comparison c;

		for (size_t i = 0; i < N; i++) {
			a[i] = floor(20 * (1 - log(rng_unit(&r)))) + 1;
			b[i] = floor(20 * (1 - log(rng_unit(&r)))) + 1;
			slower[i] = 3 * b[i];
		}
		assert_int_equal(two_sample_compare(a, N, b, N, 0.95, &c), 0);
		alarms += c.lo > 1 || c.hi < 1;
		assert_int_equal(two_sample_compare(a, N, slower, N, 0.95, &c), 0);
		found += c.hi < 1;
	}
	assert_in_range(alarms, TRIALS / 100, TRIALS / 20); /* between 1 and 5 % */
	assert_in_range(found, TRIALS * 9 / 10, TRIALS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_are_those_of_the_tables), cmocka_unit_test(counts_are_those_of_enumeration),
		cmocka_unit_test(example_of_the_textbook),       cmocka_unit_test(says_when_it_cannot),
		cmocka_unit_test(approximation_is_careful),      cmocka_unit_test(false_alarms_keep_their_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
