/*
 * scaling.c - the universal scalability law (harness/stats/usl.h) along axes that are numbers of things at once.
 *
 * Cells that differ in the number of connections, tasks or workers alone, at six values or more, are one curve per
 * subject: throughput, which is requests per second of servers and operations per second elsewhere, over that number.
 * What is fitted and where it would turn is said with its interval; a knee beyond the largest value that was measured is
 * an extrapolation and called one. A law that explains little of the spread is said not to describe the curve, and then
 * nothing is read off it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/curve.h"
#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"
#include "harness/stats/usl.h"

enum { RESAMPLES = 1000, SEED = 1 }; /* any seed: the same report from the same samples */
static const double GOOD_R2 = 0.9; /* below it the law is said not to fit; arbitrary */
#define LEVEL 0.95

static const char *const axes[] = {"connections", "tasks", CURVE_WORKERS};

/* ---- fitting --------------------------------------------------------------------------------------------- */

static bool may_begin(const struct cell *c, const char *axis)
{
	return curve_may_begin(c, axis) && !cell_is_memory(c) && !cell_is_delay(c) && !cell_is_null(c) &&
	       cell_param(c, axis) >= 1;
}

/* Throughput of each process of the series; malloc'd, NULL when out of memory. */
static double *rates_of(const struct cell *c, const struct series *s, size_t *n)
{
	double *x = malloc((s->timed.n + 1) * sizeof(*x));

	*n = 0;
	for (size_t i = 0; x && i < s->timed.n; i++) {
		const double *q = s->timed.at[i].q;
		double rate = cell_is_server(c) ? q[Q_RATE] : 1e9 / q[Q_WALL];

		if (isfinite(rate) && rate > 0)
			x[(*n)++] = rate;
	}
	return x;
}

/* The levels of a subject's curve: freed by the caller, each x. -ENOMEM or their number. */
static int levels_of(const struct report *r, const struct cell *first, const char *axis, const char *subject,
		     struct usl_level *out)
{
	int n = 0;

	for (size_t i = 0; i < r->n_cells && n < USL_MAX_LEVELS; i++) {
		const struct cell *c = &r->cells[i];
		const struct series *s = cell_series(c, subject);
		double *x;

		if (!s || s->timed.n == 0 || s->timed.n > USL_MAX_RUNS || !curve_has(first, axis, c))
			continue;
		x = rates_of(c, s, &out[n].runs);
		if (!x)
			return -ENOMEM;
		if (out[n].runs == 0) { /* samples without a time */
			free(x);
			continue;
		}
		out[n].n = cell_param(c, axis);
		out[n++].x = x;
	}
	return n;
}

static int fit_curve(struct report *r, const struct cell *first, const char *axis, const char *subject)
{
	struct usl_level levels[USL_MAX_LEVELS] = {{0}};
	struct scaling out = {.cell = first, .subject = subject, .axis = axis, .n_min = INFINITY}, *slot;
	int n = levels_of(r, first, axis, subject, levels), rc = n < 0 ? n : 0;

	if (n > 0) {
		rc = usl_estimate(levels, (size_t)n, LEVEL, RESAMPLES, SEED, &out.usl);
		for (int i = 0; i < n; i++) {
			out.n_min = fmin(out.n_min, levels[i].n);
			out.n_max = fmax(out.n_max, levels[i].n);
		}
	}
	for (size_t i = 0; i < USL_MAX_LEVELS; i++)
		free((double *)levels[i].x);
	if (n <= 0 || rc == -EINVAL) /* too few values: no curve */
		return rc == -EINVAL ? 0 : rc;
	if (rc)
		return rc;
	slot = GROW(r->scalings, r->n_scalings);
	if (!slot)
		return -ENOMEM;
	*slot = out;
	return 0;
}

int report_scaling(struct report *r)
{
	for (size_t a = 0; a < sizeof(axes) / sizeof(*axes); a++)
		for (size_t i = 0; i < r->n_cells; i++) {
			const struct cell *c = &r->cells[i];
			bool seen = false;

			if (!may_begin(c, axes[a]))
				continue;
			for (size_t j = 0; j < i; j++)
				seen |= may_begin(&r->cells[j], axes[a]) && curve_has(&r->cells[j], axes[a], c);
			for (size_t j = 0; j < c->n_series && !seen; j++)
				if (!c->series[j].is_twin && !subject_is_baseline(c->series[j].subject) &&
				    fit_curve(r, c, axes[a], c->series[j].subject))
					return -ENOMEM;
		}
	return 0;
}

/* ---- saying it ------------------------------------------------------------------------------------------- */

static void number_cell(struct doc *d, double v, const struct usl_range *range, bool has_interval)
{
	struct stats_estimate e = {.n = isfinite(v),
				   .median = v,
				   .has_interval = has_interval && isfinite(range->lo) && isfinite(range->hi),
				   .lo = range->lo,
				   .hi = range->hi};

	content_value(d, &e, UNIT_COUNT, false);
}

static void knee_cell(struct doc *d, const struct scaling *s)
{
	const struct usl *u = &s->usl.fit;

	if (isnan(u->knee)) {
		doc_say(d, "none: throughput does not turn");
		doc_cell(d, CELL_PLAIN);
		return;
	}
	doc_say(d, "%.3g", u->knee);
	if (s->usl.has_interval && isfinite(s->usl.knee.lo))
		doc_say(d, " [%.3g, %.3g]", s->usl.knee.lo, s->usl.knee.hi);
	else if (s->usl.has_interval)
		doc_say(d, " (in %.0f %% of resamples)", s->usl.share_with_knee * 100);
	if (u->knee > s->n_max)
		doc_say(d, ", extrapolated");
	doc_cell(d, CELL_PLAIN);
}

static void row(struct doc *d, const struct scaling *s)
{
	const struct usl_estimate *e = &s->usl;

	doc_row(d, false);
	words_code(d->text, s->subject);
	words_release(d->text, cell_series(s->cell, s->subject) ? cell_series(s->cell, s->subject)->describe : NULL);
	doc_say(d, " over %s %.0f to %.0f, ", s->axis, s->n_min, s->n_max);
	words_plain(d->text, s->cell->placement);
	doc_say(d, " (");
	words_code(d->text, s->cell->name);
	doc_say(d, " and on)");
	doc_cell(d, CELL_PLAIN);
	if (!(e->fit.r2 >= GOOD_R2)) {
		doc_say(d, "the law does not describe it");
		doc_cell(d, CELL_MISSING);
		for (int i = 0; i < 3; i++)
			doc_say(d, "–"), doc_cell(d, CELL_MISSING);
	} else {
		struct stats_estimate one = {.n = 1,
					     .median = e->fit.lambda,
					     .has_interval = e->has_interval,
					     .lo = e->lambda.lo,
					     .hi = e->lambda.hi};

		content_value(d, &one, UNIT_RATE, false);
		number_cell(d, e->fit.sigma, &e->sigma, e->has_interval);
		number_cell(d, e->fit.kappa, &e->kappa, e->has_interval);
		knee_cell(d, s);
	}
	if (isfinite(e->fit.r2))
		doc_say(d, "%.3f", e->fit.r2);
	else
		doc_say(d, "n/a");
	doc_cell(d, CELL_NUMBER);
}

void content_scaling(struct doc *d, const struct report *r, const char *workload)
{
	static const char *const heads[] = {SAID("model and axis"), SAID("of one"), SAID("contention"),
					    SAID("coherency"),      SAID("knee"),   SAID("R²")};
	bool open = false;

	for (size_t i = 0; i < r->n_scalings; i++) {
		const struct scaling *s = &r->scalings[i];

		if (strcmp(s->cell->workload, workload) != 0)
			continue;
		if (!open) {
			doc_say(d, "Scaling: the universal scalability law, throughput(N) = N × of one / (1 + "
				   "contention × (N − 1) + "
				   "coherency × N (N − 1)), fitted to medians, with bootstrap intervals over processes "
				   "(95 %%). N is the "
				   "number on the axis; only where it is the workers is it a number of CPUs.");
			doc_table(d, true);
			CONTENT_HEADS(d, heads);
			open = true;
		}
		row(d, s);
	}
	if (open)
		doc_table(d, false);
}

static json_t *range_json(const struct usl_range *range, bool has)
{
	return has && isfinite(range->lo) ? json_pack("[f,f]", range->lo, range->hi) : json_null();
}

json_t *scaling_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_scalings; i++) {
		const struct scaling *s = &r->scalings[i];
		const struct usl_estimate *e = &s->usl;
		bool has = e->has_interval;

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:[f,f], s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, "
				  "s:o}, s:o, s:b}",
				  "cell", s->cell->id, "subject", s->subject, "axis", s->axis, "range", s->n_min,
				  s->n_max, "lambda", json_number_or_null(e->fit.lambda), "sigma",
				  json_number_or_null(e->fit.sigma), "kappa", json_number_or_null(e->fit.kappa),
				  "n_star", json_number_or_null(e->fit.knee), "x_at_n_star",
				  json_number_or_null(e->fit.x_at_knee), "r2", json_number_or_null(e->fit.r2), "ci",
				  "lambda", range_json(&e->lambda, has), "sigma", range_json(&e->sigma, has), "kappa",
				  range_json(&e->kappa, has), "n_star", range_json(&e->knee, has), "ci_level",
				  has ? json_real(e->level) : json_null(), "fits", e->fit.r2 >= GOOD_R2));
	}
	return list;
}
