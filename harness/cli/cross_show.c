#include "harness/cli/cross_show.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"
#include "harness/stats/stats.h"

/* ---- reading --------------------------------------------------------------------------------------------- */

/* The values of two subjects on one cell, by round. */
struct pairs {
	const char *cell, *a, *b;
	double *values[2]; /* [rounds]; NaN: none */
	unsigned rounds;
};

static bool has_text(const json_t *sample, const char *key, const char *text)
{
	const char *found = jsonx_str(sample, key);

	return found && strcmp(found, text) == 0;
}

static void take_sample(void *arg, const json_t *sample)
{
	struct pairs *p = arg;
	int64_t round = jsonx_int(sample, "round", -1);
	int which = has_text(sample, "subject", p->a) ? 0 : has_text(sample, "subject", p->b) ? 1 : -1;

	if (which < 0 || round < 0 || round >= p->rounds || !has_text(sample, "cell", p->cell) ||
	    !has_text(sample, "kind", "timed") || !has_text(sample, "status", "ok"))
		return;
	p->values[which][round] = jsonx_real(json_object_get(sample, "metric"), "value", NAN);
}

/* The rounds that have both, moved to the front. */
static size_t keep_pairs(struct pairs *p)
{
	size_t n = 0;

	for (unsigned r = 0; r < p->rounds; r++) {
		if (!(p->values[0][r] > 0) || !(p->values[1][r] > 0))
			continue;
		p->values[0][n] = p->values[0][r];
		p->values[1][n++] = p->values[1][r];
	}
	return n;
}

static int judge_point(struct pairs *p, double level, struct cross_point *out)
{
	struct stats_comparison cmp;
	size_t n = keep_pairs(p);
	int rc;

	out->pairs = n;
	if (n == 0)
		return 0;
	rc = stats_compare(p->values[0], p->values[1], n, level, &cmp);
	if (rc)
		return rc;
	out->p =
		(struct crossing_point){.x = (double)out->value, .d = log(cmp.ratio), .has_interval = cmp.has_interval};
	if (cmp.has_interval) {
		out->p.lo = log(cmp.lo);
		out->p.hi = log(cmp.hi);
	}
	out->a = stats_median(p->values[0], n);
	out->b = stats_median(p->values[1], n);
	return 0;
}

static int read_point(const struct store *s, const struct cell *cell, double level, const struct cross *c,
		      struct cross_point *out)
{
	struct pairs p = {.cell = cell->id, .a = c->a, .b = c->b, .rounds = cell->rounds};
	int rc;

	*out = (struct cross_point){.value = jsonx_int(cell->params, c->axis, 0), .a = NAN, .b = NAN};
	for (int i = 0; i < 2; i++) {
		p.values[i] = xcalloc(p.rounds, sizeof(double));
		for (unsigned r = 0; r < p.rounds; r++)
			p.values[i][r] = NAN;
	}
	store_each(s, take_sample, &p);
	rc = judge_point(&p, level, out);
	free(p.values[0]);
	free(p.values[1]);
	return rc;
}

static int by_value(const void *a, const void *b)
{
	long long x = ((const struct cross_point *)a)->value, y = ((const struct cross_point *)b)->value;

	return (x > y) - (x < y);
}

int cross_read(const struct store *s, const struct plan *p, double each_level, struct cross *c)
{
	struct crossing_point line[CROSS_MAX_POINTS];

	c->n = 0;
	c->cell = &p->cells[0];
	for (size_t i = 0; i < p->n_cells && c->n < CROSS_MAX_POINTS; i++) {
		int rc = read_point(s, &p->cells[i], each_level, c, &c->points[c->n]);

		if (rc)
			return rc;
		c->n += c->points[c->n].pairs > 0;
	}
	qsort(c->points, c->n, sizeof(*c->points), by_value);
	for (size_t i = 0; i < c->n; i++)
		line[i] = c->points[i].p;
	crossing_find(line, c->n, &c->found);
	return 0;
}

/* ---- text ------------------------------------------------------------------------------------------------ */

/* Who needs less at a point, for sure; NULL: not separated. */
static const char *winner_at(const struct cross *c, const struct crossing_point *p)
{
	if (!p->has_interval || (p->lo <= 0 && p->hi >= 0))
		return NULL;
	return p->lo > 0 ? c->b : c->a;
}

static const char *winner_below(const struct cross *c)
{
	return c->found.side > 0 ? c->b : c->a;
}

static const char *winner_above(const struct cross *c)
{
	return c->found.side > 0 ? c->a : c->b;
}

static void print_cell(FILE *out, const struct cross *c)
{
	const char *key;
	json_t *value;

	fprintf(out, "%s", c->cell->workload->name);
	json_object_foreach (c->cell->params, key, value) {
		char text[80];

		jsonx_scalar_text(value, text, sizeof text);
		if (strcmp(key, c->axis) != 0)
			fprintf(out, " %s=%s", key, text);
	}
	fprintf(out, " %s w%u: %s and %s along %s from %lld to %lld\n\n", placement_name(c->cell->placement),
		c->cell->placed.workers, c->a, c->b, c->axis, c->low, c->high);
}

static void print_points(FILE *out, const struct cross *c)
{
	fprintf(out, "%12s %14s %14s %8s  %-19s %s\n", c->axis, c->a, c->b, "ratio", "interval", "needs less");
	for (size_t i = 0; i < c->n; i++) {
		const struct cross_point *p = &c->points[i];
		const char *winner = winner_at(c, &p->p);
		char interval[40] = "none";

		if (p->p.has_interval)
			snprintf(interval, sizeof interval, "%.3g to %.3g", exp(p->p.lo), exp(p->p.hi));
		fprintf(out, "%12lld %14.4g %14.4g %8.3f  %-19s %s\n", p->value, p->a, p->b, exp(p->p.d), interval,
			winner ? winner : "not separated");
	}
	fprintf(out,
		"\nMedians in %s; ratio: %s / %s, median over paired rounds (%u asked), intervals at %.0f %% all "
		"together.\n",
		metric_unit(c->cell->workload->metric), c->a, c->b, c->rounds, c->level * 100);
}

/* Where it is not known: what the ends say. */
static void print_not_found(FILE *out, const struct cross *c)
{
	const char *low = c->n ? winner_at(c, &c->points[0].p) : NULL;
	const char *high = c->n ? winner_at(c, &c->points[c->n - 1].p) : NULL;

	if (c->n == 0) {
		fprintf(out, "Nothing was measured: there is no round in which both have a value.\n");
	} else if (c->found.kind == CROSSING_NONE) {
		fprintf(out,
			"They do not cross between %lld and %lld: %s needs less at both ends, and at every point "
			"between "
			"them\nthat is separated. Two crossings between neighbouring points would not be seen.\n",
			c->points[0].value, c->points[c->n - 1].value, low);
	} else {
		fprintf(out,
			"No change of places was seen, and none is ruled out: they are not separated at the %s. More "
			"--rounds, or\nanother --range, may tell.\n",
			low    ? "upper end"
			: high ? "lower end"
			       : "ends");
	}
}

void cross_print(FILE *out, const struct cross *c)
{
	print_cell(out, c);
	print_points(out, c);
	if (c->found.kind == CROSSING_FOUND) {
		fprintf(out,
			"%s needs less below %s = %.4g, %s above it: they change places between %.4g and %.4g (%.0f "
			"%%).\n",
			winner_below(c), c->axis, c->found.at, winner_above(c), c->found.lo, c->found.hi,
			c->level * 100);
		if (c->found.changes > 1)
			fprintf(out, "They change places %u times in this range; this is the first of them.\n",
				c->found.changes);
	} else {
		print_not_found(out, c);
	}
	if (c->is_stopped)
		fputs("The search was stopped before it was done: the interval is wider than it could be.\n", out);
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *points_json(const struct cross *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++) {
		const struct cross_point *p = &c->points[i];
		const struct crossing_point *q = &p->p;

		json_array_append_new(list,
				      json_pack("{s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:s?}", "value",
						(json_int_t)p->value, "n_pairs", (int)p->pairs, "a_median",
						number(p->a), "b_median", number(p->b), "ratio", number(exp(q->d)),
						"ci_low", q->has_interval ? number(exp(q->lo)) : json_null(), "ci_high",
						q->has_interval ? number(exp(q->hi)) : json_null(), "needs_less",
						winner_at(c, q)));
	}
	return list;
}

json_t *cross_json(const struct cross *c, const char *run_id)
{
	bool found = c->found.kind == CROSSING_FOUND;
	json_t *params = json_deep_copy(c->cell->params), *crosses;
	const char *why = NULL;

	json_object_del(params, c->axis);
	crosses = found ? json_true() : c->found.kind == CROSSING_NONE ? json_false() : json_null();
	if (!found)
		why = c->n == 0                        ? "nothing was measured"
		      : c->found.kind == CROSSING_NONE ? "the same subject needs less at all points that are separated"
						       : "no change of places was seen and an end is not separated";
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:[I,I], s:i, s:f, s:o, s:o, s:s?, "
			 "s:o, s:o, s:o, s:s?, s:s?, s:i, s:b}",
			 "schema", "switchyard.cross/1", "run_id", run_id, "workload", c->cell->workload->name,
			 "params", params, "placement", placement_name(c->cell->placement), "workers",
			 (int)c->cell->placed.workers, "axis", c->axis, "unit", c->axis_unit, "a", c->a, "b", c->b,
			 "metric_unit", metric_unit(c->cell->workload->metric), "range", (json_int_t)c->low,
			 (json_int_t)c->high, "rounds", (int)c->rounds, "ci_level", c->level, "points", points_json(c),
			 "crosses", crosses, "why", why, "at", number(c->found.at), "ci_low", number(c->found.lo),
			 "ci_high", number(c->found.hi), "needs_less_below", found ? winner_below(c) : NULL,
			 "needs_less_above", found ? winner_above(c) : NULL, "changes", (int)c->found.changes,
			 "complete", !c->is_stopped);
}
