/*
 * test_looks.c - looking several times: what it costs in false alarms, and which cells are closed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/rng.h"
#include "harness/plan/power.h"
#include "harness/plan/rigor.h"
#include "harness/stats/looks.h"
#include "harness/stats/rate.h"

enum { MOST = 120, SUBJECTS = 4, CELLS = 3000 };

/* Skewed, as run times are. */
static double draw(struct rng *r)
{
	return 1 - 0.1 * log(rng_unit(r));
}

/* Whether a cell of identical subjects is ever called different, looking as long as nothing shows. */
static bool has_false_alarm(struct rng *r, const struct stats_look *looks, size_t n_looks)
{
	double v[SUBJECTS][MOST];

	for (size_t i = 0; i < SUBJECTS; i++)
		for (size_t k = 0; k < MOST; k++)
			v[i][k] = draw(r);
	for (size_t l = 0; l < n_looks; l++)
		for (size_t i = 1; i < SUBJECTS; i++) {
			struct stats_comparison c;

			assert_int_equal(look_compare(&looks[l], SUBJECTS - 1, v[0], v[i], looks[l].rounds, &c), 0);
			if (c.has_interval && (c.lo > 1 || c.hi < 1))
				return true;
		}
	return false;
}

static struct stats_rate false_alarms(const struct stats_look *looks, uint64_t seed)
{
	struct stats_rate rate;
	struct rng r;
	size_t hits = 0;

	rng_seed(&r, seed);
	for (size_t i = 0; i < CELLS; i++)
		hits += has_false_alarm(&r, looks, LOOKS);
	assert_int_equal(stats_rate(hits, CELLS, 0.99, &rate), 0);
	return rate;
}

/* With the split the whole cell errs in at most 5 %; without it the same looks do not hold that: the test can tell. */
static void false_alarms_stay_below_five_percent(void **state)
{
	struct stats_look unsplit[LOOKS];
	double sum = 0;

	(void)state;
	for (size_t i = 0; i < LOOKS; i++) {
		sum += looks_all[i].alpha;
		unsplit[i] = (struct stats_look){looks_all[i].rounds, 0.05};
	}
	assert_true(fabs(sum - 0.05) < 1e-12);
	assert_true(false_alarms(looks_all, 1).hi <= 0.05);
	assert_true(false_alarms(unsplit, 1).lo > 0.05);
}

/* ---- which cells are closed ------------------------------------------------------------------------------ */

struct bench {
	struct subject subjects[2];
	struct workload_def workload;
	struct cell cell;
	double values[3][MOST];
	struct rigor_cell rigor;
};

/* The second subject needs `factor` times as much, give or take `spread`; the third entry is the twin of the first. */
static void fill(struct bench *b, char *workload, double factor, double spread, uint64_t seed)
{
	struct rng r;

	memset(b, 0, sizeof(*b));
	b->subjects[0].id = "aa";
	b->subjects[1].id = "bb";
	b->workload.name = workload;
	b->cell = (struct cell){.workload = &b->workload, .n_subjects = 2, .rounds = MOST};
	b->cell.subjects[0] = b->cell.base = b->cell.twin = &b->subjects[0];
	b->cell.subjects[1] = &b->subjects[1];
	rng_seed(&r, seed);
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < MOST; k++)
			b->values[i][k] = (i == 1 ? factor : 1) * exp(spread * (rng_unit(&r) - 0.5));
	b->rigor = (struct rigor_cell){.cell = &b->cell, .twin_width = -1};
	for (size_t i = 0; i < 3; i++)
		b->rigor.values[i] = b->values[i];
}

static unsigned rounds_until_closed(struct bench *b)
{
	unsigned rounds = 0;

	while (!b->rigor.is_closed && rounds < MOST)
		rigor_look(&b->rigor, 1, ++rounds);
	return rounds;
}

static void decided_cells_are_closed(void **state)
{
	struct bench b;

	(void)state;
	fill(&b, "a/x", 2, 0.1, 1); /* twice as much: seen at once */
	assert_int_equal(rounds_until_closed(&b), 12);
	fill(&b, "a/x", 1, 0.02, 2); /* the same within 1 %: equivalent at once */
	assert_int_equal(rounds_until_closed(&b), 12);
	fill(&b, "a/x", 1.1, 0.6, 3); /* 10 % in much noise: takes its time */
	assert_in_range(rounds_until_closed(&b), 20, 120);
	fill(&b, "a/x", 1, 1.5, 4); /* nothing to see: to the end */
	assert_int_equal(rounds_until_closed(&b), MOST);
	b.rigor.is_closed = false;
	for (size_t k = 0; k < MOST; k++)
		b.values[1][k] = NAN; /* who has no values is not waited for */
	assert_int_equal(rounds_until_closed(&b), 12);
	assert_int_equal(rigor_next_look(0), 12);
	assert_int_equal(rigor_next_look(11), 12);
	assert_int_equal(rigor_next_look(12), 20);
	assert_int_equal(rigor_next_look(119), 120);
}

/* A difference below what identical programs show in the family is none yet. */
static void a_wide_twin_keeps_a_cell_open(void **state)
{
	struct bench b[2];
	struct rigor_cell cells[2];

	(void)state;
	fill(&b[0], "a/x", 1.1, 0.02, 1);
	b[0].cell.twin = NULL;
	fill(&b[1], "a/y", 1, 1.5, 2);
	for (size_t i = 0; i < 2; i++)
		cells[i] = b[i].rigor;
	rigor_look(cells, 2, 12);
	assert_true(cells[1].twin_width > 0.1);
	assert_false(cells[0].is_closed);
	rigor_look(cells, 1, 20); /* without the noisy neighbour */
	assert_true(cells[0].is_closed);
}

/* As the report compares them: subjects of another build are no rivals of each other, nor of anybody else. */
static void other_builds_have_one_partner_each(void **state)
{
	static struct subject s[] = {{.id = "gmp"},         {.id = "gmp@old"},   {.id = "pthread"},
				     {.id = "pthread@old"}, {.id = "eventloop"}, {.id = "serial"}};
	static const char *const expected[] = {"pthread gmp", "pthread eventloop",   "pthread serial",
					       "gmp@old gmp", "pthread@old pthread", "eventloop gmp"};
	const struct workload_def workload = {.scaling = SCALING_LINEAR};
	struct cell cell = {.workload = &workload, .n_subjects = 6, .base = &s[2]};
	struct power_pair pairs[POWER_MAX_PAIRS];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		cell.subjects[i] = &s[i];
	assert_int_equal(power_pairs(&cell, pairs), 6);
	for (size_t i = 0; i < 6; i++) {
		char text[60];

		snprintf(text, sizeof text, "%s %s", s[pairs[i].base].id, s[pairs[i].subject].id);
		assert_string_equal(text, expected[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(false_alarms_stay_below_five_percent),
		cmocka_unit_test(decided_cells_are_closed),
		cmocka_unit_test(a_wide_twin_keeps_a_cell_open),
		cmocka_unit_test(other_builds_have_one_partner_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
