/*
 * analyse.c - the statistics of a run: estimates, rank groups, A/A twins, comparisons; the rest is called from here.
 *
 * Which level where. Estimates and twins: 95 %. Comparisons: 95 % corrected for the m comparisons of their cell
 * (Bonferroni), because a reader looks at a cell's rows together. A reader who looks for "anything different
 * anywhere" in a report of many cells must expect one false separation in twenty cells; the report says so.
 *
 * Looks (run --rigorous, harness/stats/looks.h). Each comparison is judged over the rounds of the first look at which it
 * has a verdict, else of the last one that its cell came to, with what may be erred at that look; rounds behind the
 * last look wait for the next. Estimates and twins of such a cell are given at 1 - alpha of its last look, for the
 * look was what ended the cell.
 *
 * The noise floor. A twin is one subject entered twice: its interval shows what this machine does to identical
 * programs. A cell without a twin takes that of its workload, else of its family; of several the widest, because the
 * floor must hold for all cells that lean on it. A twin that differs from itself voids the verdicts of all those
 * cells. Whether it differs is asked at 95 % corrected for the number of twins: at 95 % each, one run in three would
 * be voided by chance.
 *
 * Which comparisons. Every subject against the cell's base (pthread where it was measured, else the first concurrent
 * model), and the event loop against every other concurrent model, since neither follows from the other's interval. A
 * subject of another build ("gmp@old") is compared with its namesake and with nobody else. Servers that were offered different
 * loads, each a percent of its own knee, are neither compared nor ranked.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model.h"

static const char old_build[] = "@old"; /* BESIDE_SUFFIX: the report knows the records, not the planner */

/* ---- looks ------------------------------------------------------------------------------------------------- */

static void read_looks(struct report *r)
{
	const json_t *look;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(r->run, "plan"), "looks"), i, look) {
		struct stats_look l = {(unsigned)field_whole(look, "rounds", 0), field_number(look, "alpha")};

		if (l.rounds > 0 && l.alpha > 0 && l.alpha < 1 && r->n_looks < sizeof(r->looks) / sizeof(*r->looks))
			r->looks[r->n_looks++] = l;
	}
}

const struct stats_look *cell_look(const struct report *r, const struct cell *c)
{
	const struct stats_look *last = NULL;
	long rounds = 0;

	for (size_t i = 0; i < c->n_series; i++) {
		const struct point_list *list = &c->series[i].timed;

		if (list->n && list->at[list->n - 1].round + 1 > rounds)
			rounds = list->at[list->n - 1].round + 1;
	}
	for (size_t i = 0; i < r->n_looks; i++)
		if ((long)r->looks[i].rounds <= rounds)
			last = &r->looks[i];
	return last;
}

/* Of what is said about a cell alone. */
static double level_of(const struct report *r, const struct cell *c)
{
	const struct stats_look *look = cell_look(r, c);

	return look ? 1 - look->alpha : VERDICT_LEVEL;
}

/* The series as it was before round `rounds`; NULL: as it is. The points are borrowed. */
static struct series until(const struct series *s, const struct stats_look *look)
{
	struct series cut = *s;

	while (look && cut.timed.n && cut.timed.at[cut.timed.n - 1].round >= (long)look->rounds)
		cut.timed.n--;
	return cut;
}

/* ---- estimates and ranks ------------------------------------------------------------------------------- */

int points_estimate(const struct point_list *list, enum quantity q, double level, struct stats_estimate *out)
{
	double *v = malloc((list->n + 1) * sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++)
		if (isfinite(list->at[i].q[q]))
			v[n++] = list->at[i].q[q];
	stats_estimate(v, n, level, out);
	free(v);
	return 0;
}

static int estimate_all(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++)
			for (int q = 0; q < Q_COUNT; q++) {
				struct series *s = &r->cells[i].series[j];

				if (points_estimate(&s->timed, q, level_of(r, &r->cells[i]), &s->est[q]))
					return -ENOMEM;
			}
	return 0;
}

/* Concurrent models among themselves; the baselines are shown beside them. */
static int rank_cell(struct cell *c)
{
	struct stats_span *spans = calloc(c->n_series + 1, sizeof(*spans));
	unsigned *group = calloc(c->n_series + 1, sizeof(*group));
	struct series **rows = calloc(c->n_series + 1, sizeof(*rows));
	bool is_open = false; /* somebody has values and no interval, or a load of its own: nobody can be called best */
	unsigned groups = 0;
	size_t n = 0;

	if (spans && group && rows) {
		for (size_t i = 0; i < c->n_series; i++) {
			struct series *s = &c->series[i];
			const struct stats_estimate *e = EST(s, Q_VALUE);

			if (s->is_twin || subject_is_baseline(s->subject) || e->n == 0)
				continue;
			spans[n] = (struct stats_span){e->median, e->lo, e->hi, e->has_interval};
			is_open |= !e->has_interval || (n > 0 && loads_differ(rows[0], s));
			rows[n++] = s;
		}
		if (is_open)
			n = 0;
		stats_rank_groups(spans, n, group);
		for (size_t i = 0; i < n; i++)
			groups = group[i] > groups ? group[i] : groups;
		for (size_t i = 0; i < n; i++) {
			rows[i]->rank_group = group[i];
			rows[i]->leads = group[i] == 1 && groups > 1;
		}
	}
	free(spans);
	free(group);
	free(rows);
	return spans && group && rows ? 0 : -ENOMEM;
}

/* ---- pairs ----------------------------------------------------------------------------------------------- */

/*
 * Memory that came out at 0 bytes or less enters a ratio as one byte per task, which is below what system-wide readings
 * resolve. The interval goes by ranks: only one that ends at such a value depends on it, and then on its far side.
 */
static double for_ratio(double value)
{
	return value > 0 ? value : 1;
}

static double first(double a, double b)
{
	(void)b;
	return for_ratio(a);
}

static double second(double a, double b)
{
	(void)a;
	return for_ratio(b);
}

size_t paired_points(const struct series *a, const struct series *b, enum quantity q, double (*f)(double a, double b),
		     double *out, size_t *contaminated)
{
	size_t n = 0, i = 0, j = 0;

	*contaminated = 0;
	while (i < a->timed.n && j < b->timed.n) {
		const struct point *pa = &a->timed.at[i], *pb = &b->timed.at[j];

		if (pa->round < pb->round) {
			i++;
		} else if (pb->round < pa->round) {
			j++;
		} else {
			i++;
			j++;
			if (!isfinite(pa->q[q]) || !isfinite(pb->q[q]))
				continue;
			out[n++] = f(pa->q[q], pb->q[q]);
			*contaminated += pa->contaminated + pb->contaminated;
		}
	}
	return n;
}

int pair_series(const struct series *base, const struct series *subject, double level, double narrow_level,
		struct stats_comparison *out, double *contaminated_share)
{
	double *a = malloc((base->timed.n + 1) * sizeof(*a)), *b = malloc((base->timed.n + 1) * sizeof(*b));
	size_t n, contaminated;
	int rc = -ENOMEM;

	if (a && b) {
		n = paired_points(base, subject, Q_VALUE, first, a, &contaminated);
		paired_points(base, subject, Q_VALUE, second, b, &contaminated);
		rc = n == 0 ? -ENODATA : stats_compare_at(a, b, n, level, narrow_level, out);
		if (rc == 0 && contaminated_share)
			*contaminated_share = (double)contaminated / (2 * (double)n);
	}
	free(a);
	free(b);
	return rc;
}

static const struct series *twin_series(const struct cell *c)
{
	for (size_t i = 0; i < c->n_series; i++)
		if (c->series[i].is_twin)
			return &c->series[i];
	return NULL;
}

static int compare_twin(const struct report *r, const struct series *original, const struct series *t, size_t measured,
			struct twin *out)
{
	const struct stats_look *look = cell_look(r, out->cell);
	struct series a = until(original, look), b = until(t, look);
	double level = level_of(r, out->cell);
	int rc = pair_series(&a, &b, level, VERDICT_NARROW, &out->cmp, NULL);

	return rc ? rc : pair_series(&a, &b, 1 - (1 - level) / (double)measured, VERDICT_NARROW, &out->strict, NULL);
}

static int find_twins(struct report *r)
{
	size_t measured = 0;

	for (size_t i = 0; i < r->n_cells; i++) {
		const struct series *t = twin_series(&r->cells[i]);

		measured += t && t->timed.n > 0;
	}
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];
		const struct series *t = twin_series(c), *original = t ? cell_series(c, t->subject) : NULL;
		struct twin twin = {.cell = c}, *slot;

		if (!original || compare_twin(r, original, t, measured, &twin))
			continue;
		twin.subject = t->subject;
		twin.known = twin.strict.has_interval;
		twin.differs = twin.known && (twin.strict.lo > 1 || twin.strict.hi < 1) &&
			       fabs(log(twin.cmp.ratio)) > log1p(VERDICT_LEAST_EFFECT);
		slot = GROW(r->twins, r->n_twins);
		if (!slot)
			return -ENOMEM;
		*slot = twin;
	}
	return 0;
}

/* How near a twin stands to a cell: 3 its own, 2 the workload's, 1 the family's, 0 none of its business. */
static int nearness(const struct cell *c, const struct twin *t)
{
	if (t->cell == c)
		return 3;
	if (strcmp(t->cell->workload, c->workload) == 0)
		return 2;
	return strcmp(t->cell->family, c->family) == 0;
}

static void assign_twin(const struct report *r, struct cell *c)
{
	int best = 0;

	for (size_t i = 0; i < r->n_twins; i++) {
		const struct twin *t = &r->twins[i];
		int near = nearness(c, t);

		if (near == 0 || near < best || !t->cmp.has_interval)
			continue;
		if (near > best || t->differs > c->twin->differs ||
		    (t->differs == c->twin->differs && t->cmp.half_width > c->twin->cmp.half_width))
			c->twin = t;
		best = near;
	}
}

/* ---- comparisons ----------------------------------------------------------------------------------------- */

/* The series of another build of a subject: it is compared with that subject alone. */
static bool is_old_build(const struct series *s)
{
	size_t n = strlen(s->subject), suffix = strlen(old_build);

	return n > suffix && strcmp(s->subject + n - suffix, old_build) == 0;
}

const struct series *cell_old_build(const struct cell *c, const struct series *s)
{
	char name[300];

	snprintf(name, sizeof(name), "%s%s", s->subject, old_build);
	return s->is_twin ? NULL : cell_series(c, name);
}

static const struct series *base_of(const struct cell *c)
{
	const struct series *wanted = cell_series(c, field_text(c->json, "base", "pthread"));

	if (wanted && wanted->timed.n > 0)
		return wanted;
	for (size_t i = 0; i < c->n_series; i++)
		if (!c->series[i].is_twin && !subject_is_baseline(c->series[i].subject) &&
		    !is_old_build(&c->series[i]) && c->series[i].timed.n > 0)
			return &c->series[i];
	return NULL;
}

static bool is_candidate(const struct series *s)
{
	return !s->is_twin && !is_old_build(s) && s->timed.n > 0;
}

static int add_comparison(struct report *r, const struct cell *c, const struct series *base,
			  const struct series *subject)
{
	struct comparison *slot;

	if (loads_differ(base, subject))
		return 0;
	slot = GROW(r->comparisons, r->n_comparisons);
	if (!slot)
		return -ENOMEM;
	slot->cell = c;
	slot->base = base;
	slot->subject = subject;
	return 0;
}

static int list_comparisons(struct report *r, const struct cell *c)
{
	const struct series *base = base_of(c), *loop = cell_series(c, "eventloop");
	int rc = 0;

	for (size_t i = 0; base && i < c->n_series && rc == 0; i++)
		if (&c->series[i] != base && is_candidate(&c->series[i]))
			rc = add_comparison(r, c, base, &c->series[i]);
	for (size_t i = 0; i < c->n_series && rc == 0; i++) {
		const struct series *old = cell_old_build(c, &c->series[i]);

		if (old && old->timed.n > 0 && is_candidate(&c->series[i]))
			rc = add_comparison(r, c, old, &c->series[i]);
	}
	if (!base || !loop || !is_candidate(loop) || loop == base)
		return rc;
	for (size_t i = 0; i < c->n_series && rc == 0; i++) {
		const struct series *s = &c->series[i];

		if (s != base && s != loop && is_candidate(s) && !subject_is_baseline(s->subject))
			rc = add_comparison(r, c, loop, s);
	}
	return rc;
}

static struct verdict verdict_on(const struct report *r, const struct comparison *c, const struct stats_comparison *cmp,
				 double contaminated_share)
{
	const struct twin *twin = c->cell->twin;

	return verdict_of(&(struct verdict_input){
		.comparison = cmp,
		.margin = VERDICT_MARGIN,
		.floor = twin ? twin->cmp.half_width : -1,
		.least_effect = r->noisy ? VERDICT_MARGIN : VERDICT_LEAST_EFFECT,
		.contaminated_share = contaminated_share,
		.twin_differs = twin && twin->differs,
		.work_unequal = c->base->by_status[ST_MISMATCH] || c->subject->by_status[ST_MISMATCH],
	});
}

/* Over the rounds before the look; NULL: over all. */
static int judge_at(const struct report *r, struct comparison *c, const struct stats_look *look)
{
	struct series base = until(c->base, look), subject = until(c->subject, look);
	double alpha = look ? look->alpha : 1 - VERDICT_LEVEL;
	double level = 1 - alpha / c->m, narrow = look ? 1 - 2 * alpha : VERDICT_NARROW;
	bool is_early = !look && r->n_looks; /* the first look is still to come */
	int rc = pair_series(&base, &subject, level, narrow, &c->cmp, &c->contaminated_share);

	if (rc)
		return rc;
	c->look = look;
	if (is_early)
		c->cmp.has_interval = c->cmp.has_narrow = false;
	c->verdict = verdict_on(r, c, &c->cmp, c->contaminated_share);
	c->clean = (struct stats_comparison){.asked = level};
	if (c->contaminated_share > 0)
		rc = compare_clean_rounds(&base, &subject, level, narrow, &c->clean);
	if (is_early)
		c->clean.has_interval = c->clean.has_narrow = false;
	c->clean_verdict = verdict_on(r, c, &c->clean, 0);
	return rc == -ENODATA ? 0 : rc;
}

static bool is_decided(const struct verdict *v)
{
	return v->kind == VERDICT_FASTER || v->kind == VERDICT_SLOWER || v->kind == VERDICT_EQUIVALENT;
}

/* Look by look until there is a verdict, as far as the cell came. -ENODATA: no round has both. */
static int judge(const struct report *r, struct comparison *c)
{
	const struct stats_look *last = cell_look(r, c->cell);
	int rc = -ENODATA;

	if (!last)
		return judge_at(r, c, NULL);
	for (const struct stats_look *look = r->looks; look <= last; look++) {
		rc = judge_at(r, c, look);
		if (rc == -ENOMEM || (rc == 0 && is_decided(&c->verdict)))
			break;
	}
	return rc;
}

/* Compare and judge all entries from `first` on: those of one cell. Entries without a common round are removed. */
static int judge_comparisons(struct report *r, size_t first)
{
	unsigned m = (unsigned)(r->n_comparisons - first);
	size_t kept = first;

	for (size_t i = first; i < r->n_comparisons; i++) {
		struct comparison *c = &r->comparisons[i];
		int rc;

		c->m = m;
		rc = judge(r, c);
		if (rc == -ENOMEM)
			return rc;
		if (rc == 0)
			r->comparisons[kept++] = *c;
	}
	r->n_comparisons = kept;
	return 0;
}

static int compare_all(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		size_t first = r->n_comparisons;
		int rc = list_comparisons(r, &r->cells[i]);

		if (rc == 0)
			rc = judge_comparisons(r, first);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- figures ------------------------------------------------------------------------------------------------- */

static int read_figure(struct report *r, const struct cell *c, const struct series *s, const char *name)
{
	struct side_figure *slot = GROW(r->figures, r->n_figures);
	double *v = malloc(s->timed.n * sizeof(*v));
	size_t n = 0;

	if (!slot || !v) {
		free(v);
		return -ENOMEM;
	}
	*slot = (struct side_figure){.cell = c, .subject = s->subject, .name = name};
	for (size_t i = 0; i < s->timed.n; i++) {
		double value = field_number(json_object_get(s->timed.at[i].sample, "figures"), name);

		if (isfinite(value))
			v[n++] = value;
	}
	stats_estimate(v, n, VERDICT_LEVEL, &slot->value);
	free(v);
	return 0;
}

/* The names are those of the first sample: every run of a workload tells the same. */
static int read_figures(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			const struct series *s = &r->cells[i].series[j];
			json_t *figures, *value;
			const char *name;

			if (s->is_twin || s->timed.n == 0)
				continue;
			figures = json_object_get(s->timed.at[0].sample, "figures");
			json_object_foreach (figures, name, value)
				if (read_figure(r, &r->cells[i], s, name))
					return -ENOMEM;
		}
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

/* Clean, or noisy with its reasons. Comparisons need the stamp, so that it comes first; twins are judged by then. */
static void stamp(struct report *r)
{
	if (r->timed && (double)r->contaminated > VERDICT_CONTAMINATED_LIMIT * (double)r->timed)
		json_array_append_new(
			r->noise_reasons,
			json_sprintf(
				"%d of %d timed samples were disturbed by other programs and could not be replaced",
				(int)r->contaminated, (int)r->timed));
	for (size_t i = 0; i < r->n_twins; i++)
		if (r->twins[i].differs)
			json_array_append_new(r->noise_reasons,
					      json_sprintf("the A/A twin of %s in %s differs from itself",
							   r->twins[i].subject, r->twins[i].cell->id));
	r->noisy = json_array_size(r->noise_reasons) > 0;
}

int report_analyse(struct report *r, struct err *err)
{
	int rc;

	read_looks(r);
	rc = estimate_all(r);
	for (size_t i = 0; i < r->n_cells && rc == 0; i++)
		rc = rank_cell(&r->cells[i]);
	if (rc == 0)
		rc = find_twins(r);
	for (size_t i = 0; i < r->n_cells && rc == 0; i++)
		assign_twin(r, &r->cells[i]);
	if (rc == 0) {
		stamp(r);
		rc = compare_all(r);
	}
	if (rc == 0)
		rc = report_slopes(r);
	if (rc == 0)
		rc = report_limits(r);
	if (rc == 0)
		rc = report_scaling(r);
	if (rc == 0)
		rc = report_counters(r);
	if (rc == 0)
		rc = report_ratios(r);
	if (rc == 0)
		rc = report_simulations(r);
	if (rc == 0)
		rc = read_figures(r);
	if (rc == 0)
		rc = report_counting_cost(r);
	return rc ? err_set(err, rc, "out of memory") : 0;
}
