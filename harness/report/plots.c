/*
 * plots.c - which figures a run gives, and their data.
 *
 * No workload is known by name. Each workload gets a chart of dots with intervals, one row per cell and model. Where
 * a whole-number parameter takes three or more values while all else is equal, the metric is drawn against it, one
 * line per model (the ring's cost against the working set, a server's CPU time against connections); where the metric
 * is memory, total memory is drawn too. How a figure is made is in figure.c.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/report/curve.h"
#include "harness/report/figure.h"
#include "harness/report/gnuplot.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

enum { ROW_H = 17, MAX_VALUES = 64, CHAR_W = 9, LABEL_CHARS = 40 };
enum { CHART_CELLS = 12 }; /* in one chart of dots: about what a reader sees on one screen */

/* What the baseline is, where it is drawn. */
static const char *about_bare(const struct figure *f)
{
	for (size_t i = 0; i < f->n_drawn; i++)
		if (strcmp(f->drawn[i], "serial") == 0)
			return say("serial is the bare work, without tasks. ");
	return "";
}

/* With a capital letter; a Chinese one begins with what it is about, whose name stays as it is. */
static void begin_sentence(char *text)
{
	if (say_language() == SAY_ENGLISH)
		text[0] = (char)toupper((unsigned char)text[0]);
}

/* ---- dots -------------------------------------------------------------------------------------------------- */

static const char *metric_label(const struct cell *c)
{
	if (cell_is_memory(c))
		return say("memory per task");
	if (cell_is_server(c))
		return say("CPU time per request");
	if (cell_is_delay(c))
		return strcmp(c->metric, "delay_p50") == 0 ? say("delay, median") : say("delay, 99th percentile");
	return strcmp(c->metric, "cpu_per_op") == 0 ? say("CPU time per operation") : say("time per operation");
}

/* A memory interval that reaches 0 bytes has no place on a logarithmic axis: it is drawn to a tenth of the median. */
static double low_of(const struct stats_estimate *e)
{
	if (!e->has_interval)
		return e->median;
	return e->lo > 0 || e->median <= 0 ? e->lo : e->median / 10;
}

static double high_of(const struct stats_estimate *e)
{
	return e->has_interval ? e->hi : e->median;
}

static bool drawable(const struct series *s)
{
	return s && !s->is_twin && EST(s, Q_VALUE)->n > 0;
}

/* Too few samples give no interval: a reader must not take a bare dot for a narrow one. */
static const char *what_is_drawn(const struct report *r, const char *workload)
{
	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series && strcmp(r->cells[i].workload, workload) == 0; j++)
			if (drawable(&r->cells[i].series[j]) && !EST(&r->cells[i].series[j], Q_VALUE)->has_interval)
				return say("median and interval (none with fewer than six samples)");
	return say("median and interval");
}

/* The cells of one chart: of a workload with many, some. */
struct chart {
	const char *workload;
	size_t first, n; /* among the workload's cells that have anything to draw */
	size_t number, of; /* this one of how many charts */
	double lo, hi; /* of the workload, so that its charts have one axis */
};

static size_t drawable_series(const struct cell *c)
{
	size_t n = 0;

	for (size_t j = 0; j < c->n_series; j++)
		n += drawable(&c->series[j]);
	return n;
}

/* The next cell of the chart at or after *i, *nth counting the workload's; NULL at the end. */
static const struct cell *next_cell(const struct report *r, const struct chart *k, size_t *i, size_t *nth)
{
	while (*i < r->n_cells) {
		const struct cell *c = &r->cells[(*i)++];

		if (strcmp(c->workload, k->workload) != 0 || drawable_series(c) == 0)
			continue;
		if ((*nth)++ >= k->first)
			return *nth <= k->first + k->n ? c : NULL;
	}
	return NULL;
}

/* Where the name of a cell is broken into two lines: at the blank nearest to its middle; NULL: it fits in one. */
static const char *label_break(const char *name)
{
	const size_t n = strlen(name), middle = n / 2;
	const char *best = NULL;

	if (n <= LABEL_CHARS)
		return NULL;
	for (const char *p = strchr(name, ' '); p; p = strchr(p + 1, ' '))
		if (!best || labs(p - name - (long)middle) < labs(best - name - (long)middle))
			best = p;
	return best;
}

/* A row for each dot, and no fewer than its label has lines. */
static size_t cell_rows(const struct cell *c)
{
	size_t lines = label_break(c->name) ? 2 : 1, dots = drawable_series(c);

	return dots > lines ? dots : lines;
}

/* Writes the label; returns the length of its longest line. */
static size_t put_label(FILE *gp, const char *name)
{
	const char *end = label_break(name);
	size_t first = end ? (size_t)(end - name) : strlen(name), second = strlen(name + first);
	char text[sizeof(((struct cell *)0)->name)];

	snprintf(text, sizeof(text), "%.*s", (int)first, name);
	gnuplot_string(gp, text);
	if (end) {
		fputs(".\"\\n\".", gp);
		gnuplot_string(gp, end + 1);
	}
	return first > second ? first : second;
}

/*
 * Rows are numbered downwards; between two cells one row stays empty, with a rule in it. A cell's label stands at its
 * middle, and so do its dots.
 */
static size_t dots_layout(struct figure *f, const struct report *r, const struct chart *k, size_t *label_chars)
{
	size_t row = 0, i = 0, nth = 0, chars;
	const struct cell *c;

	*label_chars = 8;
	while ((c = next_cell(r, k, &i, &nth))) {
		if (row)
			fprintf(f->gp,
				"set arrow from graph 0, first %zu to graph 1, first %zu nohead lc rgb \"#d9d9d9\"\n",
				row - 1, row - 1);
		fputs(row ? "set ytics add (" : "set ytics (", f->gp);
		chars = put_label(f->gp, c->name);
		fprintf(f->gp, " %g)\n", (double)row + (double)(cell_rows(c) - 1) / 2);
		row += cell_rows(c) + 1;
		if (chars > *label_chars)
			*label_chars = chars;
	}
	return row ? row - 1 : 0;
}

/* The rows of one subject. Returns how many. */
static size_t dots_of(struct figure *f, const struct report *r, const struct chart *k, const char *subject)
{
	size_t row = 0, n = 0, i = 0, nth = 0;
	const struct cell *c;

	for (; (c = next_cell(r, k, &i, &nth)); row += cell_rows(c) + 1) {
		double at = (double)row + (double)(cell_rows(c) - drawable_series(c)) / 2;

		for (size_t j = 0; j < c->n_series; j++) {
			const struct stats_estimate *e = EST(&c->series[j], Q_VALUE);

			if (!drawable(&c->series[j]))
				continue;
			if (strcmp(c->series[j].subject, subject) == 0) {
				if (n++ == 0)
					fprintf(f->dat, "# %s: row, median, low, high (ns or bytes)\n", subject);
				fprintf(f->dat, "%g %.9g %.9g %.9g # %s\n", at, e->median, low_of(e), high_of(e),
					c->id);
			}
			at++;
		}
	}
	if (n)
		fputs("\n\n", f->dat);
	return n;
}

static int draw_chart(struct report *r, const char *dir, const char *body, const struct chart *k,
		      const struct cell *like, struct err *err)
{
	char list[200], what[40] = "cells", part[40] = "", label[120];
	struct gnuplot_axis axis;
	size_t rows, chars;
	struct figure f;

	if (k->of > 1)
		snprintf(part, sizeof(part), say(" (%zu of %zu)"), k->number, k->of);
	if (k->number > 1)
		snprintf(what, sizeof(what), "cells-%zu", k->number);
	if (figure_open(&f, r, k->workload, what))
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < f.n_subjects; i++)
		if (dots_of(&f, r, k, f.subjects[i]) && figure_add(&f, f.subjects[i]))
			f.n_drawn = 0; /* out of memory: an empty figure, which gnuplot will refuse */
	figure_list(&f, list, sizeof(list));
	snprintf(f.plot->title, sizeof(f.plot->title), say("%s: %s%s"), k->workload, metric_label(like), part);
	snprintf(f.plot->alt, sizeof(f.plot->alt),
		 say("%s in %s%s, %s for each cell and model (%s). Further left is better. %sThe numbers "
		     "are in the table."),
		 metric_label(like), k->workload, part, what_is_drawn(r, k->workload), list, about_bare(&f));
	begin_sentence(f.plot->alt);
	provenance_comment(f.gp, r, f.plot->workload);
	provenance_comment(f.dat, r, f.plot->workload);
	figure_series(&f);
	rows = dots_layout(&f, r, k, &chars);
	axis = gnuplot_axis_make(k->lo, k->hi, words_unit(like));
	gnuplot_axis_tics(f.gp, 'x', &axis);
	snprintf(label, sizeof(label),
		 axis.log ? say("%s (lower is better; logarithmic)") : say("%s (lower is better)"), metric_label(like));
	figure_setting(f.gp, "value_label", label);
	chars = chars > LABEL_CHARS ? LABEL_CHARS : chars;
	fprintf(f.gp, "x_min = %.9g\nx_max = %.9g\nx_log = %d\ny_max = %g\n", axis.min, axis.max, axis.log,
		(double)rows - 0.1);
	fprintf(f.gp, "canvas_w = %d\ncanvas_h = %zu\nlabel_w = %zu\n", CANVAS_WIDTH, 130 + rows * ROW_H,
		chars * CHAR_W + 20);
	return figure_close(&f, r, dir, body, err);
}

static int draw_dots(struct report *r, const char *dir, const char *body, const char *workload, struct err *err)
{
	struct chart k = {.workload = workload, .n = SIZE_MAX, .lo = INFINITY, .hi = -INFINITY};
	const struct cell *like = NULL, *c;
	size_t dots = 0, cells = 0, i = 0, nth = 0;
	int rc = 0;

	while ((c = next_cell(r, &k, &i, &nth))) {
		like = like ? like : c;
		cells++;
		for (size_t j = 0; j < c->n_series; j++)
			if (drawable(&c->series[j])) {
				dots++;
				k.lo = fmin(k.lo, low_of(EST(&c->series[j], Q_VALUE)));
				k.hi = fmax(k.hi, high_of(EST(&c->series[j], Q_VALUE)));
			}
	}
	if (dots < 2) /* one dot compares nothing */
		return 0;
	k.of = (cells + CHART_CELLS - 1) / CHART_CELLS;
	k.n = (cells + k.of - 1) / k.of;
	for (; k.first < cells && rc == 0; k.first += k.n) {
		k.number++;
		rc = draw_chart(r, dir, body, &k, like, err);
	}
	return rc;
}

/* ---- curves -------------------------------------------------------------------------------------------------- */

/* A metric against one parameter, over the cells that are like `like` in everything else. */
struct curve {
	const struct cell *like;
	const char *key;
	bool total; /* memory of all tasks, not of one */
	double values[MAX_VALUES]; /* of the parameter, ascending */
	size_t n;
};

static void find_values(const struct report *r, struct curve *k)
{
	k->n = 0;
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];
		double v = cell_param(c, k->key);
		bool measured = false, seen = false;

		if (!isfinite(v) || k->n == MAX_VALUES || !curve_has(k->like, k->key, c))
			continue;
		for (size_t j = 0; j < c->n_series; j++)
			measured |= drawable(&c->series[j]);
		for (size_t j = 0; j < k->n; j++)
			seen |= k->values[j] == v;
		if (measured && !seen)
			k->values[k->n++] = v;
	}
	stats_sort(k->values, k->n);
}

/* Where a value stands: a logarithmic axis has no 0, so that 0 gets a place left of the smallest. */
static double place_of(const struct curve *k, double v, bool log)
{
	return log && v == 0 ? k->values[1] / 3 : v;
}

static bool wants_log(const struct curve *k)
{
	double smallest = k->values[0] > 0 ? k->values[0] : k->values[1];

	return k->values[0] >= 0 && k->values[k->n - 1] / smallest > 10;
}

static size_t curve_of(struct figure *f, const struct report *r, const struct curve *k, const char *subject)
{
	size_t n = 0;

	for (size_t v = 0; v < k->n; v++)
		for (size_t i = 0; i < r->n_cells; i++) {
			const struct cell *c = &r->cells[i];
			const struct series *s = cell_series(c, subject);
			double scale = k->total ? k->values[v] : 1;
			const struct stats_estimate *e;

			if (!drawable(s) || cell_param(c, k->key) != k->values[v] || !curve_has(k->like, k->key, c))
				continue;
			e = EST(s, Q_VALUE);
			if (n++ == 0)
				fprintf(f->dat, "# %s: %s, median, low, high (ns or bytes)\n", subject, k->key);
			fprintf(f->dat, "%.9g %.9g %.9g %.9g # %s\n", place_of(k, k->values[v], wants_log(k)),
				e->median * scale, low_of(e) * scale, high_of(e) * scale, c->id);
			if (wants_log(k) && k->values[v] == 0)
				fputc('\n', f->dat); /* its place is not to scale: no line leads there */
			break;
		}
	if (n)
		fputs("\n\n", f->dat);
	return n;
}

/* Whether an earlier cell lies on the same curve: then it has been drawn. */
static bool drawn_before(const struct report *r, const struct curve *k)
{
	for (const struct cell *c = r->cells; c < k->like; c++)
		if (curve_may_begin(c, k->key) && curve_has(k->like, k->key, c))
			return true;
	return false;
}

static void range_of(const struct report *r, const struct curve *k, double *lo, double *hi)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];
		double scale = k->total ? cell_param(c, k->key) : 1;

		if (!isfinite(cell_param(c, k->key)) || !curve_has(k->like, k->key, c))
			continue;
		for (size_t j = 0; j < c->n_series; j++) {
			if (!drawable(&c->series[j]))
				continue;
			*lo = fmin(*lo, low_of(EST(&c->series[j], Q_VALUE)) * scale);
			*hi = fmax(*hi, high_of(EST(&c->series[j], Q_VALUE)) * scale);
		}
	}
}

/* Of all curves of the workload against this parameter, so that figures side by side have one axis. */
static void value_range(const struct report *r, const struct curve *k, double *lo, double *hi)
{
	*lo = INFINITY;
	*hi = -INFINITY;
	for (size_t i = 0; i < r->n_cells; i++) {
		struct curve other = {.like = &r->cells[i], .key = k->key, .total = k->total};

		if (strcmp(other.like->workload, k->like->workload) != 0 || !curve_may_begin(other.like, k->key) ||
		    drawn_before(r, &other))
			continue;
		find_values(r, &other);
		if (other.n >= 3)
			range_of(r, &other, lo, hi);
	}
}

/* "working set (KiB)": the parameter as the workload describes it. */
static void param_label(const struct curve *k, bool log, char *buf, size_t size)
{
	json_t *p;
	size_t i;
	const char *unit = "", *help = strcmp(k->key, CURVE_WORKERS) == 0 ? SAID("CPUs that the model may use") : "";
	char *said;

	json_array_foreach (json_object_get(k->like->about, "params"), i, p)
		if (strcmp(field_text(p, "name", ""), k->key) == 0) {
			unit = field_text(p, "unit", "");
			help = field_text(p, "help", "");
		}
	said = say_record(help);
	snprintf(buf, size, "%s%s%.*s%s%s%s%s%s", k->key, *help ? say(": ") : "", words_whole(said ? said : "", 70),
		 said ? said : "", *unit ? " (" : "", say(unit), *unit ? ")" : "", log ? say(", logarithmic") : "",
		 log && k->values[0] == 0 ? say(", 0 not to scale") : "");
	free(said);
}

static const char *unsaid(const char *english)
{
	return english;
}

/*
 * The parameters that are fixed on the curve and vary elsewhere, and where it ran; `in` is say() for readers and unsaid() for
 * the names of files, which are the same in all languages.
 */
static void fixed_label(const struct report *r, const struct curve *k, const char *(*in)(const char *english),
			char *buf, size_t size)
{
	json_t *value;
	const char *key;
	size_t used = 0;

	json_object_foreach (json_object_get(k->like->json, "params"), key, value) {
		bool differs = false;

		for (size_t i = 0; i < r->n_cells; i++)
			differs |=
				strcmp(r->cells[i].workload, k->like->workload) == 0 &&
				!json_equal(value, json_object_get(json_object_get(r->cells[i].json, "params"), key));
		if (strcmp(key, k->key) == 0 || !differs || used >= size)
			continue;
		if (json_is_string(value))
			used += (size_t)snprintf(buf + used, size - used, "%s=%s%s", key, json_string_value(value),
						 in(SAID(", ")));
		else
			used += (size_t)snprintf(buf + used, size - used, "%s=%lld%s", key,
						 (long long)json_integer_value(value), in(SAID(", ")));
	}
	if (used >= size)
		return;
	used += (size_t)snprintf(buf + used, size - used, "%s%s", in(SAID("placement ")), k->like->placement);
	if (used >= size || strcmp(k->key, CURVE_WORKERS) == 0)
		return;
	snprintf(buf + used, size - used, "%s%ld%s", in(SAID(", ")), k->like->workers,
		 in(k->like->workers == 1 ? SAID(" worker") : SAID(" workers")));
}

/* With few values each gets its tic; x_min and x_max leave room beside them. */
static void x_axis(FILE *gp, const struct curve *k)
{
	bool log = wants_log(k);
	double first = place_of(k, k->values[0], log), last = k->values[k->n - 1], margin = (last - first) * 0.04;

	fprintf(gp, "x_log = %d\nx_min = %.9g\nx_max = %.9g\n", log, log ? first / 1.3 : first - margin,
		log ? last * 1.3 : last + margin);
	fputs("set xtics (", gp);
	for (size_t i = 0, step = k->n > 14 ? k->n / 8 : 1; i < k->n; i += step)
		fprintf(gp, "%s\"%.9g\" %.9g", i ? ", " : "", k->values[i], place_of(k, k->values[i], log));
	fputs(")\n", gp);
}

static int draw_curve(struct report *r, const char *dir, const char *body, const struct curve *k, struct err *err)
{
	char what[200], fixed[120], axis_label[240], list[200];
	double lo, hi;
	struct gnuplot_axis axis;
	struct figure f;

	fixed_label(r, k, unsaid, fixed, sizeof(fixed));
	snprintf(what, sizeof(what), "%s-by-%s-%s", k->total ? "total" : "metric", k->key, fixed);
	if (figure_open(&f, r, k->like->workload, what))
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < f.n_subjects; i++)
		if (curve_of(&f, r, k, f.subjects[i]) && figure_add(&f, f.subjects[i]))
			f.n_drawn = 0;
	figure_list(&f, list, sizeof(list));
	fixed_label(r, k, say, fixed, sizeof(fixed));
	snprintf(f.plot->title, sizeof(f.plot->title), say("%s: %s by %s; %s"), k->like->workload,
		 k->total ? say("memory of all tasks") : metric_label(k->like), k->key, fixed);
	snprintf(f.plot->alt, sizeof(f.plot->alt),
		 say("%s of %s against %s (%s), %s, one line per model (%s). Lower is better. %s"),
		 k->total ? say("Memory of all tasks") : metric_label(k->like), k->like->workload, k->key, fixed,
		 what_is_drawn(r, k->like->workload), list, about_bare(&f));
	begin_sentence(f.plot->alt);
	provenance_comment(f.gp, r, f.plot->workload);
	provenance_comment(f.dat, r, f.plot->workload);
	figure_series(&f);
	param_label(k, wants_log(k), axis_label, sizeof(axis_label));
	figure_setting(f.gp, "axis_label", axis_label);
	x_axis(f.gp, k);
	value_range(r, k, &lo, &hi);
	axis = gnuplot_axis_make(lo, hi, words_unit(k->like));
	figure_setting(f.gp, "value_label", k->total ? say("memory of all tasks") : metric_label(k->like));
	gnuplot_axis_tics(f.gp, 'y', &axis);
	fprintf(f.gp, "y_min = %.9g\ny_max = %.9g\ny_log = %d\ncanvas_w = %d\ncanvas_h = %d\n", axis.min, axis.max,
		axis.log, CANVAS_WIDTH, CURVE_HEIGHT);
	return figure_close(&f, r, dir, body, err);
}

/* The curve that the cell begins along `key`, if it has three points and was not drawn before. */
static int draw_curve_of(struct report *r, const char *dir, const char *body, const struct cell *like, const char *key,
			 struct err *err)
{
	struct curve k = {.like = like, .key = key};
	int rc = 0;

	if (!curve_may_begin(like, key) || drawn_before(r, &k))
		return 0;
	find_values(r, &k);
	if (k.n < 3)
		return 0;
	k.total = cell_is_memory(k.like) && strcmp(key, "tasks") == 0;
	if (k.total)
		rc = draw_curve(r, dir, body, &k, err);
	k.total = false;
	return rc ? rc : draw_curve(r, dir, body, &k, err);
}

static int draw_curves(struct report *r, const char *dir, const char *body, const char *workload, struct err *err)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];
		json_t *value;
		const char *key;
		int rc = 0;

		if (strcmp(c->workload, workload) != 0)
			continue;
		json_object_foreach (json_object_get(c->json, "params"), key, value)
			if (rc == 0)
				rc = draw_curve_of(r, dir, body, c, key, err);
		if (rc == 0)
			rc = draw_curve_of(r, dir, body, c, CURVE_WORKERS, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- all figures ------------------------------------------------------------------------------------------------ */

int report_plots(struct report *r, const char *dir, struct err *err)
{
	char path[4096], *dots = NULL, *curve = NULL;
	struct err why = {""};
	int rc = 0;

	snprintf(path, sizeof(path), "%s/plots", dir);
	if (mkdir(path, 0777) && errno != EEXIST) {
		rc = -errno;
		return err_set(err, rc, "cannot make %s: %s", path, strerror(-rc));
	}
	if (gnuplot_template("dots.gp", &dots, &why) || gnuplot_template("curve.gp", &curve, &why))
		snprintf(r->plots_why, sizeof(r->plots_why), "%.*s", (int)sizeof(r->plots_why) - 1, why.why);
	r->without_png = say_language() == SAY_CHINESE && !gnuplot_has_chinese();
	for (size_t i = 0; i < r->n_workloads && rc == 0; i++) {
		rc = draw_dots(r, dir, dots, r->workloads[i], err);
		if (rc == 0)
			rc = plots_knee(r, dir, curve, r->workloads[i], err);
		if (rc == 0)
			rc = draw_curves(r, dir, curve, r->workloads[i], err);
	}
	free(dots);
	free(curve);
	return rc;
}
