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

/*
 * Pairs at which an undecided comparison should have a verdict: its interval shrinks with the root of their number, and has to
 * leave 1, or to fit into the margin, whichever is nearer. 0: not known.
 */
static double pairs_needed(const struct stats_comparison *cmp, const struct verdict *v)
{
	double effect, wanted;

	if (!cmp->has_interval)
		return (double)(cmp->n + v->more_rounds);
	effect = fabs(log(cmp->ratio));
	wanted = fmax(effect, log1p(VERDICT_MARGIN) - effect);
	return (double)cmp->n * pow(log1p(cmp->half_width) / wanted, 2);
}

/* Does this look decide it? If not, c->needed. */
static bool look_decides(struct rigor_cell *c, const struct stats_look *look, double floor)
{
	struct power_pair pairs[POWER_MAX_PAIRS];
	unsigned m = power_pairs(c->cell, pairs);
	double most = 0;

	for (unsigned i = 0; i < m; i++) {
		struct stats_comparison cmp;
		struct verdict_input in = {.comparison = &cmp,
					   .margin = VERDICT_MARGIN,
					   .floor = floor,
					   .least_effect = VERDICT_LEAST_EFFECT};
		struct verdict v;

		/* Who has no value at all cannot be waited for. */
		if (compare(c, pairs[i].base, pairs[i].subject, look, m, &cmp) != 0)
			continue;
		v = verdict_of(&in);
		if (v.kind == VERDICT_INCONCLUSIVE)
			most = fmax(most, fmax(pairs_needed(&cmp, &v), (double)cmp.n + 1));
	}
	c->needed = most < MOST_ROUNDS + 1 ? (unsigned)ceil(most) : 0;
	return most == 0;
}

static const struct stats_look *look_at(unsigned rounds)
{
	for (size_t i = 0; i < LOOKS; i++)
		if (looks_all[i].rounds == rounds)
			return &looks_all[i];
	return NULL;
}

void rigor_look(struct rigor_cell *cells, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!cells[i].is_closed && look_at(cells[i].rounds))
			measure_twin(&cells[i], look_at(cells[i].rounds));
	for (size_t i = 0; i < n; i++) {
		struct rigor_cell *c = &cells[i];

		if (c->is_closed || !look_at(c->rounds))
			continue;
		c->is_decided = look_decides(c, look_at(c->rounds), floor_of(cells, n, c->cell));
		c->is_closed = c->is_decided || c->rounds >= c->cell->rounds;
	}
}

/* The open cell that is not chosen and costs least: to its verdict, or, of those that no look decides, to its next look. */
static struct rigor_cell *cheapest(struct rigor_cell *cells, size_t n, bool is_hopeful, int64_t at_most_ns)
{
	struct rigor_cell *best = NULL;
	int64_t best_ns = at_most_ns;

	for (size_t i = 0; i < n; i++) {
		struct rigor_cell *c = &cells[i];
		int64_t ns = is_hopeful ? c->decided_ns : c->next_ns;

		if (c->is_closed || c->is_chosen || (c->needed > 0) != is_hopeful || ns > best_ns ||
		    (best && ns == best_ns))
			continue;
		best = c;
		best_ns = ns;
	}
	return best;
}

/* Choose as many as fit. */
static int64_t choose(struct rigor_cell *cells, size_t n, bool is_hopeful, int64_t left_ns)
{
	struct rigor_cell *c;

	while ((c = cheapest(cells, n, is_hopeful, left_ns)) != NULL) {
		c->is_chosen = true;
		left_ns -= is_hopeful ? c->decided_ns : c->next_ns;
	}
	return left_ns;
}

void rigor_choose(struct rigor_cell *cells, size_t n, int64_t left_ns)
{
	struct rigor_cell *one;
	bool is_first = false, any = false;

	for (size_t i = 0; i < n; i++) {
		cells[i].is_chosen = false;
		is_first = is_first || (!cells[i].is_closed && cells[i].rounds < looks_all[0].rounds);
	}
	if (!is_first)
		(void)choose(cells, n, false, choose(cells, n, true, left_ns));
	for (size_t i = 0; i < n; i++) {
		if (is_first)
			cells[i].is_chosen = !cells[i].is_closed && cells[i].rounds < looks_all[0].rounds;
		any = any || cells[i].is_chosen;
	}
	if (any)
		return;
	one = cheapest(cells, n, true, INT64_MAX);
	if (!one)
		one = cheapest(cells, n, false, INT64_MAX);
	if (one)
		one->is_chosen = true;
}

unsigned rigor_next_look(unsigned rounds)
{
	size_t i = 0;

	while (i + 1 < LOOKS && looks_all[i].rounds <= rounds)
		i++;
	return looks_all[i].rounds;
}
