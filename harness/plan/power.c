#include "harness/plan/power.h"

#include <stdio.h>
#include <string.h>

#include "harness/plan/beside.h"
#include "harness/plan/knee.h"

#define FAMILY_ALPHA (1 - POWER_LEVEL)

bool power_is_baseline(const struct subject *s)
{
	return strcmp(s->id, "serial") == 0 || strcmp(s->id, "null") == 0;
}

/* Place of a subject in the cell; n_subjects: it takes no part. */
static size_t place_of(const struct cell *cell, const char *id)
{
	size_t i = 0;

	while (i < cell->n_subjects && strcmp(cell->subjects[i]->id, id) != 0)
		i++;
	return i;
}

static bool is_old(const struct cell *cell, size_t i)
{
	return beside_is_old(cell->subjects[i]->id);
}

/* Whether `old` is the other build of `id`. */
static bool is_namesake(const char *id, const char *old)
{
	size_t n = strlen(id);

	return beside_is_old(old) && strncmp(old, id, n) == 0 && strcmp(old + n, BESIDE_SUFFIX) == 0;
}

/* Each subject beside its other build: it is compared with nobody else. */
static unsigned pair_old_builds(const struct cell *cell, struct power_pair *out)
{
	unsigned m = 0;

	for (size_t i = 0; i < cell->n_subjects; i++)
		for (size_t j = 0; j < cell->n_subjects; j++)
			if (is_namesake(cell->subjects[i]->id, cell->subjects[j]->id))
				out[m++] = (struct power_pair){j, i};
	return m;
}

unsigned power_pairs(const struct cell *cell, struct power_pair *out)
{
	size_t base = cell->base ? place_of(cell, cell->base->id) : 0, loop = place_of(cell, "eventloop");
	unsigned m = 0;

	if (cell->n_subjects < 2 || !cell->base || knee_is_own(cell) /* each has a load of its own */)
		return 0;
	for (size_t i = 0; i < cell->n_subjects; i++)
		if (i != base && !is_old(cell, i))
			out[m++] = (struct power_pair){base, i};
	m += pair_old_builds(cell, out + m);
	if (loop == base || loop == cell->n_subjects)
		return m;
	for (size_t i = 0; i < cell->n_subjects; i++)
		if (i != base && i != loop && !power_is_baseline(cell->subjects[i]) && !is_old(cell, i))
			out[m++] = (struct power_pair){loop, i};
	return m;
}

unsigned power_comparisons(const struct cell *cell)
{
	struct power_pair pairs[POWER_MAX_PAIRS];

	return power_pairs(cell, pairs);
}

unsigned power_rounds_needed(unsigned m)
{
	double miss = 2.0;
	unsigned n = 0;

	for (; miss > FAMILY_ALPHA / (m ? m : 1); n++)
		miss /= 2;
	return n;
}

/* Statements that are made together about the cell: its comparisons, or the claims of a question that it serves. */
static unsigned statements(const struct plan *p, const struct cell *cell)
{
	unsigned m = power_comparisons(cell);

	return m > p->claims ? m : p->claims;
}

unsigned power_say_shortage(const struct plan *p, FILE *out)
{
	const struct cell *worst = NULL;
	unsigned n = 0, worst_needed = 0;

	for (size_t i = 0; i < p->n_cells; i++) {
		unsigned needed = power_rounds_needed(statements(p, &p->cells[i]));

		if (p->cells[i].rounds == 0 || p->cells[i].rounds >= needed)
			continue;
		n++;
		if (needed > worst_needed) {
			worst = &p->cells[i];
			worst_needed = needed;
		}
	}
	if (n)
		fprintf(out,
			"note: %u of %zu cells have too few rounds for intervals at 95 %%: their comparisons%s will be "
			"inconclusive (%s has %u, %u comparisons%s need %u)\n",
			n, p->n_cells, p->claims ? ", or the claims," : "", worst->id, worst->rounds,
			statements(p, worst), p->claims ? " or claims" : "", worst_needed);
	return n;
}
