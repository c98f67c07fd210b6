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
	b->rigor.rounds = 0;
	while (!b->rigor.is_closed && b->rigor.rounds < MOST) {
		b->rigor.rounds++;
		rigor_look(&b->rigor, 1);
	}
	return b->rigor.rounds;
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
	assert_false(b.rigor.is_decided);
	assert_int_equal(b.rigor.needed, 0); /* no look will decide it */
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
	for (size_t i = 0; i < 2; i++) {
		cells[i] = b[i].rigor;
		cells[i].rounds = 12;
	}
	rigor_look(cells, 2);
	assert_true(cells[1].twin_width > 0.1);
	assert_false(cells[0].is_closed);
	cells[0].rounds = 20;
	rigor_look(cells, 1); /* without the noisy neighbour */
	assert_true(cells[0].is_closed);
}

static void assert_chosen(struct rigor_cell *cells, int64_t left_ns, const char *expected)
{
	char chosen[4] = "";

	rigor_choose(cells, 3, left_ns);
	for (size_t i = 0; i < 3; i++)
		chosen[i] = cells[i].is_chosen ? "abc"[i] : '-';
	assert_string_equal(chosen, expected);
}

/* a costs 100 to its verdict, b 10, and c none will decide. */
static void scarce_time_goes_where_verdicts_are_near(void **state)
{
	struct rigor_cell cells[3] = {
		{.rounds = 12, .needed = 40, .next_ns = 30, .decided_ns = 100},
		{.rounds = 20, .needed = 40, .next_ns = 10, .decided_ns = 10},
		{.rounds = 12, .needed = 0, .next_ns = 5, .decided_ns = 5},
	};

	(void)state;
	assert_chosen(cells, INT64_MAX, "abc");
	assert_chosen(cells, 115, "abc");
	assert_chosen(cells, 114, "ab-");
	assert_chosen(cells, 109, "-bc"); /* not enough for a's verdict: what b leaves goes to c */
	assert_chosen(cells, 14, "-b-");
	assert_chosen(cells, 9, "--c");
	assert_chosen(cells, 1, "-b-"); /* one goes on whatever is left: the run ends by the clock */
	cells[1].is_closed = true;
	assert_chosen(cells, 1, "a--");
	assert_chosen(cells, 50, "--c");
	cells[1].is_closed = false;
	cells[0].rounds = 5; /* the first look is reached side by side */
	assert_chosen(cells, 1, "a--");
	cells[1].rounds = cells[2].rounds = 5;
	assert_chosen(cells, 1, "abc");
}

enum { SIMULATED = 6 };

/*
 * A run of simulated cells with time for so many rounds: how many are decided at its end. A round costs 1 in each cell. `evenly`:
 * all that are open go on side by side, as they do when time is plenty.
 */
static unsigned decided_with(struct bench *b, unsigned time, bool evenly)
{
	struct rigor_cell cells[SIMULATED];
	unsigned decided = 0;

	for (size_t i = 0; i < SIMULATED; i++)
		cells[i] = b[i].rigor;
	while (time > 0) {
		bool is_open = false;

		for (size_t i = 0; i < SIMULATED; i++) {
			unsigned look = rigor_next_look(cells[i].rounds);

			is_open = is_open || !cells[i].is_closed;
			cells[i].target = look;
			cells[i].next_ns = look - cells[i].rounds;
			while (look < cells[i].needed)
				look = rigor_next_look(look);
			cells[i].decided_ns = look - cells[i].rounds;
		}
		rigor_choose(cells, SIMULATED, evenly ? INT64_MAX : (int64_t)time);
		if (!is_open)
			break;
		for (unsigned moved = 1; moved && time > 0;) {
			moved = 0;
			for (size_t i = 0; i < SIMULATED && time > 0; i++)
				if (!cells[i].is_closed && cells[i].is_chosen && cells[i].rounds < cells[i].target) {
					cells[i].rounds++;
					time--;
					moved++;
				}
		}
		rigor_look(cells, SIMULATED);
	}
	for (size_t i = 0; i < SIMULATED; i++)
		decided += cells[i].is_decided;
	return decided;
}

/* Three cells that twenty to forty rounds decide, and three that none will: the time must not be spread over all six. */
static void scarce_time_decides_more_than_spread_time(void **state)
{
	struct bench b[SIMULATED];

	(void)state;
	for (size_t i = 0; i < SIMULATED; i++)
		fill(&b[i], "a/x", i % 2 ? 1.02 : 1.16, i % 2 ? 3 : 0.3, 10 + i);
	for (size_t i = 0; i < SIMULATED; i += 2)
		assert_in_range(rounds_until_closed(&b[i]), 20, 40);
	for (size_t i = 0; i < SIMULATED; i++)
		b[i].rigor = (struct rigor_cell){
			.cell = &b[i].cell, .twin_width = -1, .values = {b[i].values[0], b[i].values[1]}};
	for (size_t i = 0; i < SIMULATED; i++)
		b[i].cell.twin = NULL;
	assert_int_equal(decided_with(b, 6 * 12 + 3 * 28, false), 3);
	assert_true(decided_with(b, 6 * 12 + 3 * 28, true) < 3);
	assert_int_equal(decided_with(b, 6 * 120, true), 3); /* with time enough both come to the same */
	assert_int_equal(decided_with(b, 6 * 120, false), 3);
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
		cmocka_unit_test(scarce_time_goes_where_verdicts_are_near),
		cmocka_unit_test(scarce_time_decides_more_than_spread_time),
		cmocka_unit_test(other_builds_have_one_partner_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
