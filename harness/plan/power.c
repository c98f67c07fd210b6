#include "harness/plan/power.h"

#include <stdio.h>
#include <string.h>

#define FAMILY_ALPHA (1 - POWER_LEVEL)

static bool is_baseline(const struct subject *s)
{
	return strcmp(s->id, "serial") == 0 || strcmp(s->id, "null") == 0;
}

static bool offers(const struct cell *cell, const char *id)
{
	for (size_t i = 0; i < cell->n_subjects; i++)
		if (strcmp(cell->subjects[i]->id, id) == 0)
			return true;
	return false;
}

unsigned power_comparisons(const struct cell *cell)
{
	unsigned m = 0;

	if (cell->n_subjects < 2 || !cell->base)
		return 0;
	m = (unsigned)cell->n_subjects - 1;
	if (strcmp(cell->base->id, "eventloop") == 0 || !offers(cell, "eventloop"))
		return m;
	for (size_t i = 0; i < cell->n_subjects; i++) {
		const struct subject *s = cell->subjects[i];

		m += s != cell->base && !is_baseline(s) && strcmp(s->id, "eventloop") != 0;
	}
	return m;
}

unsigned power_rounds_needed(unsigned m)
{
	double miss = 2.0;
	unsigned n = 0;

	for (; miss > FAMILY_ALPHA / (m ? m : 1); n++)
		miss /= 2;
	return n;
}

unsigned power_say_shortage(const struct plan *p, FILE *out)
{
	const struct cell *worst = NULL;
	unsigned n = 0, worst_needed = 0;

	for (size_t i = 0; i < p->n_cells; i++) {
		unsigned needed = power_rounds_needed(power_comparisons(&p->cells[i]));

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
			"note: %u of %zu cells have too few rounds for intervals at 95 %%: their comparisons will be "
			"inconclusive (%s has %u, %u comparisons need %u)\n",
			n, p->n_cells, worst->id, worst->rounds, power_comparisons(worst), worst_needed);
	return n;
}
