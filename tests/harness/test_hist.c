/* test_hist.c - the histogram against the sorted list of everything that was recorded. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/hist.h"
#include "harness/base/rng.h"

enum { N = 20000 };

static const uint32_t quantiles[] = {0, 1, 1000, 10000, 250000, 500000, 900000, 990000, 999000, 999900, 1000000};
#define N_QUANTILES (sizeof(quantiles) / sizeof(quantiles[0]))

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Nearest rank, written another way than in hist.c. */
static uint64_t brute_quantile(const uint64_t *sorted, size_t n, uint32_t per_million)
{
	size_t i = 0;

	while (i + 1 < n && (unsigned __int128)(i + 1) * 1000000 < (unsigned __int128)n * per_million)
		i++;
	return sorted[i];
}

static void assert_three_digits(uint64_t got, uint64_t exact)
{
	uint64_t off = got > exact ? got - exact : exact - got;

	if (off > exact / 1000)
		fail_msg("%llu instead of %llu", (unsigned long long)got, (unsigned long long)exact);
}

/* Values of every magnitude: the number of bits is random as well. */
static uint64_t any_value(struct rng *rng)
{
	return rng_next(rng) >> rng_below(rng, 64);
}

static uint64_t *record_random(struct hist *h, uint64_t seed, size_t n)
{
	uint64_t *values = malloc(n * sizeof(*values));
	struct rng rng;

	assert_non_null(values);
	rng_seed(&rng, seed);
	for (size_t i = 0; i < n; i++) {
		values[i] = any_value(&rng);
		hist_record(h, values[i]);
	}
	return values;
}

static void check_against(const struct hist *h, uint64_t *values, size_t n)
{
	unsigned __int128 sum = 0;
	double mean;

	qsort(values, n, sizeof(*values), compare);
	assert_int_equal(h->count, n);
	assert_true(h->min == values[0]);
	assert_true(h->max == values[n - 1]);
	for (size_t i = 0; i < N_QUANTILES; i++)
		assert_three_digits(hist_quantile(h, quantiles[i]), brute_quantile(values, n, quantiles[i]));
	for (size_t i = 0; i < n; i++)
		sum += values[i];
	mean = (double)sum / (double)n;
	assert_true(hist_mean(h) > mean * (1 - 1e-12) && hist_mean(h) < mean * (1 + 1e-12));
}

static void test_against_brute_force(void **state)
{
	struct hist h;

	(void)state;
	for (size_t n = 1; n <= N; n = n * 3 + 1) {
		uint64_t *values;

		assert_int_equal(hist_init(&h), 0);
		values = record_random(&h, n, n);
		check_against(&h, values, n);
		free(values);
		hist_free(&h);
	}
}

static void test_small_values_are_exact(void **state)
{
	struct hist h;

	(void)state;
	assert_int_equal(hist_init(&h), 0);
	for (uint64_t v = 0; v < 2048; v++)
		hist_record(&h, v);
	for (uint32_t i = 1; i <= 2048; i++) /* rank i is the value i - 1 */
		assert_int_equal(hist_quantile(&h, (uint32_t)(((uint64_t)i * 1000000) / 2048)), i - 1);
	hist_free(&h);
}

static void test_buckets_tile_the_range(void **state)
{
	uint64_t low = 0;

	(void)state;
	for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
		uint64_t width = hist_bucket_width(i);

		assert_true(hist_bucket_low(i) == low);
		assert_int_equal(hist_index(low), i);
		assert_int_equal(hist_index(low + width - 1), i);
		assert_true(i < 2048 || width <= low / 1000);
		low += width;
	}
	assert_true(low == 0); /* the last bucket ends at 2^64 */
	assert_int_equal(hist_index(UINT64_MAX), HIST_BUCKETS - 1);
}

static void test_merge_is_recording_together(void **state)
{
	struct hist a, b, empty;
	uint64_t *of_a, *of_b, *both;

	(void)state;
	assert_int_equal(hist_init(&a), 0);
	assert_int_equal(hist_init(&b), 0);
	assert_int_equal(hist_init(&empty), 0);
	of_a = record_random(&a, 1, N);
	of_b = record_random(&b, 2, N / 7);
	both = malloc((N + N / 7) * sizeof(*both));
	assert_non_null(both);
	for (size_t i = 0; i < N + N / 7; i++)
		both[i] = i < N ? of_a[i] : of_b[i - N];
	hist_merge(&a, &empty);
	hist_merge(&a, &b);
	check_against(&a, both, N + N / 7);
	hist_merge(&empty, &b);
	check_against(&empty, of_b, N / 7);
	free(of_a);
	free(of_b);
	free(both);
	hist_free(&a);
	hist_free(&b);
	hist_free(&empty);
}

static void test_empty_and_reset(void **state)
{
	struct hist h;

	(void)state;
	assert_int_equal(hist_init(&h), 0);
	assert_int_equal(hist_quantile(&h, 500000), 0);
	assert_true(hist_mean(&h) == 0);
	hist_record(&h, 77);
	hist_reset(&h);
	assert_int_equal(h.count, 0);
	hist_record(&h, 5);
	assert_int_equal(hist_quantile(&h, 0), 5);
	assert_int_equal(hist_quantile(&h, 1000000), 5);
	hist_free(&h);
}

/* At least ten values beyond the quantile, counted without rounding. */
static void test_known_quantiles(void **state)
{
	struct hist h;

	(void)state;
	assert_int_equal(hist_init(&h), 0);
	for (int i = 1; i <= 10000; i++) {
		hist_record(&h, 1);
		assert_int_equal(hist_quantile_known(&h, 500000), i >= 20);
		assert_int_equal(hist_quantile_known(&h, 990000), i >= 1000);
		assert_int_equal(hist_quantile_known(&h, 999000), i >= 10000);
	}
	hist_free(&h);
}

static void test_json(void **state)
{
	struct hist h;
	json_t *j;

	(void)state;
	assert_int_equal(hist_init(&h), 0);
	j = hist_json(&h, "delay");
	assert_int_equal(json_integer_value(json_object_get(j, "count")), 0);
	assert_int_equal(json_integer_value(json_object_get(j, "min")), 0);
	assert_true(json_is_null(json_object_get(j, "p50")));
	json_decref(j);
	for (uint64_t i = 1; i <= 1000; i++)
		hist_record(&h, i);
	j = hist_json(&h, "delay");
	assert_string_equal(json_string_value(json_object_get(j, "kind")), "delay");
	assert_string_equal(json_string_value(json_object_get(j, "unit")), "ns");
	assert_int_equal(json_integer_value(json_object_get(j, "min")), 1);
	assert_int_equal(json_integer_value(json_object_get(j, "p50")), 500);
	assert_int_equal(json_integer_value(json_object_get(j, "p90")), 900);
	assert_int_equal(json_integer_value(json_object_get(j, "p99")), 990);
	assert_true(json_is_null(json_object_get(j, "p99_9")));
	assert_int_equal(json_integer_value(json_object_get(j, "max")), 1000);
	assert_int_equal(json_integer_value(json_object_get(j, "mean")), 501); /* 500.5 */
	json_decref(j);
	hist_free(&h);
}

/* ---- several threads at one time -------------------------------------------------------------------- */

enum { SHARERS = 4 };

struct sharer {
	pthread_t thread;
	pthread_barrier_t *start;
	struct hist *h;
	uint64_t *values; /* N of them */
};

static void *record_shared(void *arg)
{
	struct sharer *s = arg;

	pthread_barrier_wait(s->start);
	for (size_t i = 0; i < N; i++)
		hist_record_shared(s->h, s->values[i]);
	return NULL;
}

/* Nothing is lost when threads meet in a word, the carry of the sum included: many values are above 2^60. */
static void test_shared(void **state)
{
	uint64_t *all = malloc(SHARERS * N * sizeof(*all));
	struct sharer sharers[SHARERS];
	pthread_barrier_t start;
	struct hist h;
	struct rng rng;

	(void)state;
	assert_non_null(all);
	assert_int_equal(hist_init(&h), 0);
	rng_seed(&rng, 7);
	for (size_t i = 0; i < SHARERS * N; i++)
		all[i] = any_value(&rng);
	pthread_barrier_init(&start, NULL, SHARERS);
	for (size_t i = 0; i < SHARERS; i++) {
		sharers[i] = (struct sharer){.start = &start, .h = &h, .values = all + i * N};
		assert_int_equal(pthread_create(&sharers[i].thread, NULL, record_shared, &sharers[i]), 0);
	}
	for (size_t i = 0; i < SHARERS; i++)
		pthread_join(sharers[i].thread, NULL);
	pthread_barrier_destroy(&start);
	assert_true(h.sum[1] > 0);
	check_against(&h, all, SHARERS * N);
	free(all);
	hist_free(&h);
}

/* The text form, read back: every line is a true statement about the values 1 .. 1000 ms. */
static void test_percentiles_text(void **state)
{
	char *text = NULL, *rest;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);
	double value, share, inverse, last = -1;
	unsigned long long count;
	struct hist h;
	int lines = 0;

	(void)state;
	assert_int_equal(hist_init(&h), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		hist_record(&h, i * 1000000);
	assert_int_equal(hist_write_percentiles(&h, f), 0);
	fclose(f);
	rest = strstr(text, "\n\n");
	assert_non_null(rest);
	for (rest += 2; *rest != '#'; rest = strchr(rest, '\n') + 1, lines++) {
		int fields = sscanf(rest, "%lf %lf %llu %lf", &value, &share, &count, &inverse);

		assert_true(fields >= 3 && share > last);
		assert_true(fabs(value - (double)count) <= value / 1000 + 0.001);
		assert_true(fabs(share - (double)count / 1000) < 1e-9);
		if (share < 1)
			assert_true(fields == 4 && fabs(inverse - 1 / (1 - share)) < 0.01);
		last = share;
	}
	assert_true(lines > 30 && lines < 60); /* five per halving: 1000 values have about ten halvings */
	assert_true(last == 1 && value == 1000);
	assert_non_null(strstr(rest, "#[Mean    =      500.500, StdDeviation   =      288."));
	assert_non_null(strstr(rest, "Total count    =         1000]"));
	free(text);
	hist_free(&h);
}

/* Nothing recorded: a head and a foot, and no line between. */
static void test_percentiles_of_nothing(void **state)
{
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);
	struct hist h;

	(void)state;
	assert_int_equal(hist_init(&h), 0);
	assert_int_equal(hist_write_percentiles(&h, f), 0);
	fclose(f);
	assert_non_null(strstr(text, "\n\n#[Mean"));
	free(text);
	hist_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_brute_force),
		cmocka_unit_test(test_small_values_are_exact),
		cmocka_unit_test(test_buckets_tile_the_range),
		cmocka_unit_test(test_merge_is_recording_together),
		cmocka_unit_test(test_empty_and_reset),
		cmocka_unit_test(test_known_quantiles),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_percentiles_text),
		cmocka_unit_test(test_percentiles_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
