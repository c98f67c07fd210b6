/* Balance, reproducibility and range of the order of samples. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "harness/plan/order.h"

static void assert_permutation(const size_t *order, size_t n)
{
	bool seen[ORDER_MAX] = {false};

	for (size_t i = 0; i < n; i++) {
		assert_true(order[i] < n);
		assert_false(seen[order[i]]);
		seen[order[i]] = true;
	}
}

/* In each block of n rounds every subject stands in every position exactly once. */
static void test_latin_square(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 9; n++) {
		for (unsigned block = 0; block < 20; block++) {
			unsigned at[9][9] = {{0}};

			for (size_t k = 0; k < n; k++) {
				size_t order[ORDER_MAX];

				order_subjects(42, 7, (unsigned)(block * n + k), n, order);
				assert_permutation(order, n);
				for (size_t position = 0; position < n; position++)
					at[order[position]][position]++;
			}
			for (size_t s = 0; s < n; s++)
				for (size_t position = 0; position < n; position++)
					assert_int_equal(at[s][position], 1);
		}
	}
}

static unsigned equal_orders(uint64_t seed_a, uint64_t cell_a, uint64_t seed_b, uint64_t cell_b)
{
	unsigned equal = 0;

	for (unsigned round = 0; round < 100; round++) {
		size_t a[ORDER_MAX], b[ORDER_MAX];

		order_subjects(seed_a, cell_a, round, 5, a);
		order_subjects(seed_b, cell_b, round, 5, b);
		equal += memcmp(a, b, 5 * sizeof *a) == 0;
	}
	return equal;
}

static void test_depends_on_seed_and_cell_alone(void **state)
{
	(void)state;
	assert_int_equal(equal_orders(1, 2, 1, 2), 100);
	assert_in_range(equal_orders(1, 2, 3, 2), 0, 20); /* by chance one in 120 */
	assert_in_range(equal_orders(1, 2, 1, 4), 0, 20);
}

/* Blocks are redrawn: one subject does not always follow the same other one. */
static void test_neighbours_change(void **state)
{
	unsigned follows[4][4] = {{0}};

	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		size_t order[ORDER_MAX];

		order_subjects(9, 9, round, 4, order);
		for (size_t i = 1; i < 4; i++)
			follows[order[i - 1]][order[i]]++;
	}
	for (size_t a = 0; a < 4; a++)
		for (size_t b = 0; b < 4; b++)
			if (a != b)
				assert_in_range(follows[a][b], 50, 160); /* expected 100 of 1200 pairs in 12 kinds */
}

static void test_cells_are_shuffled(void **state)
{
	unsigned first[6] = {0};

	(void)state;
	for (unsigned round = 0; round < 600; round++) {
		size_t order[ORDER_MAX], again[ORDER_MAX];

		order_cells(5, round, 6, order);
		order_cells(5, round, 6, again);
		assert_memory_equal(order, again, 6 * sizeof *order);
		assert_permutation(order, 6);
		first[order[0]]++;
	}
	for (size_t i = 0; i < 6; i++)
		assert_in_range(first[i], 60, 140); /* expected 100, standard deviation 9 */
}

static void test_limits(void **state)
{
	size_t order[ORDER_MAX] = {77};

	(void)state;
	order_subjects(1, 1, 0, 0, order); /* nothing to order */
	assert_int_equal(order[0], 77);
	order_subjects(1, 1, 4000000000u, ORDER_MAX, order);
	assert_permutation(order, ORDER_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latin_square),
		cmocka_unit_test(test_depends_on_seed_and_cell_alone),
		cmocka_unit_test(test_neighbours_change),
		cmocka_unit_test(test_cells_are_shuffled),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
