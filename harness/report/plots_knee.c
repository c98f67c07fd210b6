/*
 * plots_knee.c - response times over the load, as a percent of each model's own knee.
 *
 * The one axis on which models with different knees can be seen together: how far each was from its end. Points come from all
 * cells that share a knee, whether the load was a percent of the slowest one's or of their own. They are a picture of each model
 * against its own utilisation; comparisons at the same load are in the tables. Beyond 100 % a response time is a matter of
 * how long the load lasted.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/figure.h"
#include "harness/report/gnuplot.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"

enum { LEAST_POINTS = 3, MAX_POINTS = 64 };

struct spot {
	double percent;
	const struct stats_estimate *latency;
	const char *cell;
};

static int by_percent(const void *a, const void *b)
{
	double x = ((const struct spot *)a)->percent, y = ((const struct spot *)b)->percent;

	return (x > y) - (x < y);
}

/* The points of a subject that share the knee of `knee_cell`, in order. */
static size_t spots_of(const struct report *r, const char *knee_cell, const char *subject, enum quantity q,
		       struct spot *out)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_cells && n < MAX_POINTS; i++) {
		const struct series *s = cell_series(&r->cells[i], subject);
		const char *cell = s ? series_knee_cell(s) : NULL;

		if (!cell || strcmp(cell, knee_cell) != 0 || EST(s, q)->n == 0 || EST(s, Q_OWN_SHARE)->n == 0)
			continue;
		out[n++] = (struct spot){EST(s, Q_OWN_SHARE)->median * 100, EST(s, q), r->cells[i].id};
	}
	if (n)
		qsort(out, n, sizeof(*out), by_percent);
	return n;
}

struct range {
	double x_max, lo, hi;
	size_t most; /* points of one subject */
};

static void widen(struct range *range, const struct spot *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct stats_estimate *e = at[i].latency;

		range->x_max = fmax(range->x_max, at[i].percent);
		range->lo = fmin(range->lo, e->has_interval ? e->lo : e->median);
		range->hi = fmax(range->hi, e->has_interval ? e->hi : e->median);
	}
	range->most = n > range->most ? n : range->most;
}

static void put_block(struct figure *f, const char *subject, const struct spot *at, size_t n)
{
	fprintf(f->dat, "# %s: percent of its own knee, median, low, high (ns)\n", subject);
	for (size_t i = 0; i < n; i++) {
		const struct stats_estimate *e = at[i].latency;

		fprintf(f->dat, "%.9g %.9g %.9g %.9g # %s\n", at[i].percent, e->median,
			e->has_interval ? e->lo : e->median, e->has_interval ? e->hi : e->median, at[i].cell);
	}
	fputs("\n\n", f->dat);
}

/* From 0, a tic at every tenth or so, and a line at the knee. */
static void put_x_axis(FILE *gp, double x_max)
{
	double end = fmax(x_max * 1.05, 110), step = end > 300 ? 50 : end > 150 ? 20 : 10;

	fprintf(gp, "x_log = 0\nx_min = 0\nx_max = %.9g\nset xtics %g format \"%%g %%%%\"\n", end, step);
	fputs("set arrow from first 100, graph 0 to first 100, graph 1 nohead lc rgb \"#777777\" dt 2\n", gp);
}

static void say_figure(struct figure *f, const struct cell *like, const char *which)
{
	char list[200];

	figure_list(f, list, sizeof(list));
	snprintf(f->plot->title, sizeof(f->plot->title),
		 say("%s: %s response time by load; placement %s, %ld worker%s"), like->workload, say(which),
		 like->placement, like->workers, like->workers == 1 ? "" : "s");
	snprintf(f->plot->alt, sizeof(f->plot->alt),
		 say("%s response time of %s against the load as a percent of each model's own knee, placement %s, one "
		     "line per model "
		     "(%s). Lower is better; at 100 %% a model can do no more, and beyond it response times grow with "
		     "the "
		     "length of the "
		     "load. Knees and rates are in the tables."),
		 strcmp(which, "median") == 0 ? say("Median") : say("99th percentile of"), like->workload,
		 like->placement, list);
}

static int draw(struct report *r, const char *dir, const char *body, const struct cell *like, enum quantity q,
		const struct range *range, struct err *err)
{
	const char *which = q == Q_P50 ? SAID("median") : "p99";
	struct gnuplot_axis axis = gnuplot_axis_make(range->lo, range->hi, UNIT_NS);
	struct spot at[MAX_POINTS];
	char what[200];
	struct figure f;

	snprintf(what, sizeof(what), "%s-by-load-%s", which, like->name);
	if (figure_open(&f, r, like->workload, what))
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < f.n_subjects; i++) {
		size_t n = spots_of(r, like->id, f.subjects[i], q, at);

		if (n == 0)
			continue;
		put_block(&f, f.subjects[i], at, n);
		if (figure_add(&f, f.subjects[i]))
			f.n_drawn = 0; /* out of memory: an empty figure, which gnuplot will refuse */
	}
	say_figure(&f, like, which);
	provenance_comment(f.gp, r, like->workload);
	provenance_comment(f.dat, r, like->workload);
	figure_series(&f);
	figure_setting(f.gp, "axis_label", say("load, of the model's own knee"));
	put_x_axis(f.gp, range->x_max);
	figure_setting(f.gp, "value_label",
		       q == Q_P50 ? say("response time, median") : say("response time, 99th percentile"));
	gnuplot_axis_tics(f.gp, 'y', &axis);
	fprintf(f.gp, "y_min = %.9g\ny_max = %.9g\ny_log = %d\ncanvas_w = %d\ncanvas_h = %d\n", axis.min, axis.max,
		axis.log, CANVAS_WIDTH, CURVE_HEIGHT);
	return figure_close(&f, r, dir, body, err);
}

static int draw_family(struct report *r, const char *dir, const char *body, const struct cell *like, enum quantity q,
		       struct err *err)
{
	struct range range = {.x_max = 0, .lo = INFINITY, .hi = -INFINITY};
	const char **subjects;
	size_t n_subjects = report_subjects(r, &subjects);
	struct spot at[MAX_POINTS];

	for (size_t i = 0; i < n_subjects; i++)
		widen(&range, at, spots_of(r, like->id, subjects[i], q, at));
	free(subjects);
	return range.most < LEAST_POINTS ? 0 : draw(r, dir, body, like, q, &range, err);
}

int plots_knee(struct report *r, const char *dir, const char *body, const char *workload, struct err *err)
{
	int rc = 0;

	/* Each family of cells by its first one: no other cell's id is the name of a knee. */
	for (size_t i = 0; i < r->n_cells && rc == 0; i++) {
		const struct cell *c = &r->cells[i];

		if (strcmp(c->workload, workload) != 0)
			continue;
		rc = draw_family(r, dir, body, c, Q_P50, err);
		if (rc == 0)
			rc = draw_family(r, dir, body, c, Q_P99, err);
	}
	return rc;
}
