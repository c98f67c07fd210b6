/* test_pacer.c - intended start times and the generator of random numbers below them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "harness/base/pacer.h"
#include "harness/base/rng.h"

#define NS_PER_SEC UINT64_C(1000000000)

/* Known outputs of both algorithms for these states: another constant or shift would change them. */
static void test_rng_reference_values(void **state)
{
	static const uint64_t splitmix[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
					    UINT64_C(9817491932198370423)};
	static const uint64_t xoshiro[] = {11520, 0, 1509978240, UINT64_C(1215971899390074240)};
	uint64_t s = 1234567;
	struct rng rng = {.s = {1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(splitmix) / sizeof(splitmix[0]); i++)
		assert_true(rng_splitmix64(&s) == splitmix[i]);
	for (size_t i = 0; i < sizeof(xoshiro) / sizeof(xoshiro[0]); i++)
		assert_true(rng_next(&rng) == xoshiro[i]);
}

static void test_rng_below_is_even(void **state)
{
	enum { CELLS = 7, N = 70000 };
	unsigned count[CELLS] = {0};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 0);
	for (int i = 0; i < N; i++)
		count[rng_below(&rng, CELLS)]++;
	for (int i = 0; i < CELLS; i++) /* 10000 each; the standard deviation is 93 */
		assert_in_range(count[i], 9500, 10500);
	for (int i = 0; i < N; i++) {
		double u = rng_unit(&rng);

		assert_true(u > 0 && u <= 1);
	}
}

/* I3: after any number of steps the time is the index times the gap, rounded down once. */
static void test_fixed_does_not_drift(void **state)
{
	struct pacer p;

	(void)state;
	pacer_init(&p, PACER_FIXED, 3, 1000, 0); /* a third of a second is no whole number of ns */
	for (uint64_t i = 0; i < 3000000; i++)
		assert_true(pacer_next(&p) == 1000 + i * NS_PER_SEC / 3);
}

/* Mean and variance of exponential gaps, and the share of gaps above the mean (1/e). */
static void test_exponential_has_its_shape(void **state)
{
	enum { N = 200000 };
	const uint64_t rate = 1000;
	const double mean_ns = 1e6;
	double sum = 0, squares = 0;
	unsigned above = 0;
	struct pacer p;
	uint64_t before = 5000;

	(void)state;
	pacer_init(&p, PACER_EXPONENTIAL, rate, before, 42);
	for (int i = 0; i < N; i++) {
		uint64_t t = pacer_next(&p);
		double gap;

		assert_true(t >= before); /* I1 */
		gap = (double)(t - before);
		sum += gap;
		squares += gap * gap;
		above += gap > mean_ns;
		before = t;
	}
	/* Standard errors are 0.22 %, about 0.63 % and 0.11 points: six of each. */
	assert_true(fabs(sum / N / mean_ns - 1) < 0.0135);
	assert_true(fabs((squares / N - (sum / N) * (sum / N)) / (mean_ns * mean_ns) - 1) < 0.04);
	assert_true(fabs((double)above / N - exp(-1)) < 0.007);
}

/* I2: the same seed gives the same times however late they are asked for; another seed gives others. */
static void test_times_depend_on_the_seed_alone(void **state)
{
	struct pacer a, b, c, later;
	unsigned equal = 0;

	(void)state;
	pacer_init(&a, PACER_EXPONENTIAL, 5000, 0, 7);
	pacer_init(&b, PACER_EXPONENTIAL, 5000, 0, 7);
	pacer_init(&c, PACER_EXPONENTIAL, 5000, 0, 8);
	pacer_init(&later, PACER_EXPONENTIAL, 5000, NS_PER_SEC, 7);
	for (int i = 0; i < 1000; i++) {
		uint64_t t = pacer_next(&a);

		assert_true(t == pacer_next(&b));
		assert_true(t + NS_PER_SEC == pacer_next(&later));
		equal += t == pacer_next(&c);
	}
	assert_true(equal < 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rng_reference_values),           cmocka_unit_test(test_rng_below_is_even),
		cmocka_unit_test(test_fixed_does_not_drift),           cmocka_unit_test(test_exponential_has_its_shape),
		cmocka_unit_test(test_times_depend_on_the_seed_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
