#include "harness/plan/rigor.h"

#include <math.h>
#include <string.h>

#include "harness/plan/power.h"
#include "harness/stats/looks.h"
#include "harness/stats/verdict.h"

enum { MOST_ROUNDS = 120 };

/* The rounds in which both have a value. */
static size_t pairs_of(const struct rigor_cell *c, size_t a, size_t b, unsigned rounds, double *base, double *subject)
{
	size_t n = 0;

	for (unsigned r = 0; r < rounds && r < c->cell->rounds && n < MOST_ROUNDS; r++) {
		base[n] = c->values[a][r];
		subject[n] = c->values[b][r];
		n += base[n] > 0 && subject[n] > 0; /* false for NaN */
	}
	return n;
}

static int compare(const struct rigor_cell *c, size_t a, size_t b, const struct stats_look *look, unsigned m,
		   struct stats_comparison *out)
{
	double base[MOST_ROUNDS + 1], subject[MOST_ROUNDS + 1];
	size_t n = pairs_of(c, a, b, look->rounds, base, subject);

	return look_compare(look, m, base, subject, n, out);
}

static void measure_twin(struct rigor_cell *c, const struct stats_look *look)
{
	struct stats_comparison cmp;
	size_t twin = c->cell->n_subjects, original = 0;

	while (original < twin && c->cell->subjects[original] != c->cell->twin)
		original++;
	if (c->cell->twin && original < twin && compare(c, original, twin, look, 1, &cmp) == 0 && cmp.has_interval)
		c->twin_width = cmp.half_width;
}

static size_t family_length(const struct cell *c)
{
	return strcspn(c->workload->name, "/");
}

/* 3: the cell itself, 2: of its workload, 1: of its family, 0: neither. */
static int nearness(const struct cell *a, const struct cell *b)
{
	size_t n = family_length(a);

	if (a == b)
		return 3;
	if (a->workload == b->workload)
		return 2;
	return n == family_length(b) && strncmp(a->workload->name, b->workload->name, n) == 0;
}

/* The widest of the nearest twins; negative: none. */
static double floor_of(const struct rigor_cell *cells, size_t n, const struct cell *cell)
{
	double widest = -1;
	int best = 1;

	for (size_t i = 0; i < n; i++) {
		int near = nearness(cell, cells[i].cell);

		if (near < best || cells[i].twin_width < 0)
			continue;
		widest = near > best ? cells[i].twin_width : fmax(widest, cells[i].twin_width);
		best = near;
	}
	return widest;
}

static bool is_decided(const struct rigor_cell *c, const struct stats_look *look, double floor)
{
	struct power_pair pairs[POWER_MAX_PAIRS];
	unsigned m = power_pairs(c->cell, pairs);

	for (unsigned i = 0; i < m; i++) {
		struct stats_comparison cmp;
		struct verdict_input in = {.comparison = &cmp,
					   .margin = VERDICT_MARGIN,
					   .floor = floor,
					   .least_effect = VERDICT_LEAST_EFFECT};

		/* Who has no value at all cannot be waited for. */
		if (compare(c, pairs[i].base, pairs[i].subject, look, m, &cmp) == 0 &&
		    verdict_of(&in).kind == VERDICT_INCONCLUSIVE)
			return false;
	}
	return true;
}

void rigor_look(struct rigor_cell *cells, size_t n, unsigned rounds)
{
	const struct stats_look *look = looks_all;

	while (look < looks_all + LOOKS && look->rounds != rounds)
		look++;
	if (look == looks_all + LOOKS)
		return;
	for (size_t i = 0; i < n; i++)
		if (!cells[i].is_closed)
			measure_twin(&cells[i], look);
	for (size_t i = 0; i < n; i++)
		if (!cells[i].is_closed)
			cells[i].is_closed = is_decided(&cells[i], look, floor_of(cells, n, cells[i].cell));
}

unsigned rigor_next_look(unsigned rounds)
{
	size_t i = 0;

	while (i + 1 < LOOKS && looks_all[i].rounds <= rounds)
		i++;
	return looks_all[i].rounds;
}
