/*
 * plots_question.c - the figures that questions make of their own values: rows of values with their intervals, which need not
 * belong to one workload; a whole beside the parts that it is put together from, with what is left over; and lines through
 * values that lie along something, such as time.
 *
 * What is drawn is what the claims and sentences are about, by rounds and paired (question.h): no figure computes anything anew.
 * A value that the run has not measured has no row; one that has no end (a level that is never reached) has a row without a dot.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/question_file.h"
#include "harness/report/figure.h"
#include "harness/report/gnuplot.h"
#include "harness/report/parts.h"
#include "harness/report/question.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

enum { MAX_ROWS = 24, LINE_H = 26, CHAR_W = 8, LABEL_CHARS = 44 };

/* The language of the page that the figures are for. */
static const char *lang(void)
{
	return say_language() == SAY_CHINESE ? QUESTION_ZH : QUESTION_EN;
}

/* ---- what the kinds share ---------------------------------------------------------------------------------- */

/* Whose colour a value has: its first series'. */
static const char *subject_of(const struct asked *a)
{
	return a->subject ? a->subject : "";
}

static double low_of(const struct asked *a)
{
	return a->est.has_interval ? a->est.lo : a->est.median;
}

static double high_of(const struct asked *a)
{
	return a->est.has_interval ? a->est.hi : a->est.median;
}

static const char *label_of(const struct question *q, const struct asked *a)
{
	return question_text(json_object_get(json_object_get(json_object_get(q->json, "values"), a->name), "label"),
			     lang());
}

/* Characters as wide as one letter: a Chinese one is two of them. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) == 0xc0 && (unsigned char)*text >= 0xe0
			     ? 2
			     : ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* "LABEL\n12.3 ns [12.1, 12.5]" as the tic of a row; returns its width. */
static size_t put_label(FILE *gp, const struct question *q, const struct asked *a, double row)
{
	char *value = NULL;
	size_t size, wide, label = width_of(label_of(q, a));
	FILE *out = open_memstream(&value, &size);

	if (!out)
		return 0;
	question_value(out, a);
	fclose(out);
	fputs("set ytics add (", gp);
	gnuplot_string(gp, label_of(q, a));
	fputs(".\"\\n\".", gp);
	gnuplot_string(gp, value);
	fprintf(gp, " %g)\n", row);
	wide = width_of(value);
	free(value);
	return wide > label ? wide : label;
}

static void put_canvas(FILE *gp, size_t rows, size_t chars)
{
	chars = chars > LABEL_CHARS ? LABEL_CHARS : chars;
	fprintf(gp, "y_max = %zu\ncanvas_w = %d\ncanvas_h = %zu\nlabel_w = %zu\n", rows, CANVAS_WIDTH,
		130 + rows * LINE_H, chars * CHAR_W + 20);
}

static enum unit axis_unit(const char *unit)
{
	return strcmp(unit, "ns") == 0 ? UNIT_NS : strcmp(unit, "bytes") == 0 ? UNIT_BYTES : UNIT_PLAIN;
}

static const char *axis_name(const char *unit)
{
	return strcmp(unit, "ns") == 0      ? say("time")
	       : strcmp(unit, "bytes") == 0 ? say("memory")
	       : strcmp(unit, "x") == 0     ? say("ratio")
	       : strcmp(unit, "share") == 0 ? say("share of 1")
					    : say("number");
}

/* The figure's file, with the title of the question's figure. */
static int open_figure(struct figure *f, struct report *r, const struct question *q, const json_t *figure,
		       size_t number)
{
	char what[40];
	int rc;

	snprintf(what, sizeof(what), "values-%zu", number);
	rc = figure_open(f, r, q->id, what);
	if (rc)
		return rc;
	f->plot->workload = ""; /* of no one: it stands in the question alone */
	snprintf(f->plot->title, sizeof(f->plot->title), "%s: %.280s", q->id,
		 question_text(json_object_get(figure, "title"), lang()));
	provenance_comment(f->gp, r, NULL);
	provenance_comment(f->dat, r, NULL);
	return 0;
}

/* The value of this name, if it is measured and there is room for it. */
static const struct asked *find_value(const struct question *q, const json_t *name, size_t n)
{
	const struct asked *a = n < MAX_ROWS ? question_asked(q, json_string_value(name)) : NULL;

	return a && a->est.n ? a : NULL;
}

/* ---- rows of values ---------------------------------------------------------------------------------------------- */

struct rows {
	const struct asked *at[MAX_ROWS];
	size_t n;
};

static void find_rows(const struct question *q, const json_t *names, struct rows *rows)
{
	json_t *name;
	size_t i;

	rows->n = 0;
	json_array_foreach (names, i, name) {
		const struct asked *a = find_value(q, name, rows->n);

		if (a)
			rows->at[rows->n++] = a;
	}
}

static struct gnuplot_axis axis_of(const struct rows *rows)
{
	double lo = INFINITY, hi = -INFINITY;

	for (size_t i = 0; i < rows->n; i++) {
		const double ends[] = {rows->at[i]->est.median, low_of(rows->at[i]), high_of(rows->at[i])};

		for (size_t k = 0; k < 3; k++)
			if (isfinite(ends[k])) {
				lo = fmin(lo, ends[k]);
				hi = fmax(hi, ends[k]);
			}
	}
	if (lo > hi)
		lo = hi = 1;
	return gnuplot_axis_make(lo, hi, axis_unit(rows->at[0]->unit));
}

/* Whether the value is one of the model's, be it of a variant (`gmp+steal=0`): a row's label says which. */
static bool is_of(const struct asked *a, const char *model)
{
	size_t n = strlen(model);
	const char *subject = subject_of(a);

	return strncmp(subject, model, n) == 0 && (subject[n] == '\0' || subject[n] == '+');
}

/* The dots of one model; what has no end reaches to the edge. */
static size_t put_dots(FILE *dat, const struct rows *rows, const char *model, const struct gnuplot_axis *axis)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const struct asked *a = rows->at[i];

		if (!is_of(a, model) || !isfinite(a->est.median))
			continue;
		if (n++ == 0)
			fprintf(dat, "# %s: row, median, low, high\n", model);
		fprintf(dat, "%zu %.9g %.9g %.9g # %s\n", 2 * i, a->est.median, fmax(low_of(a), axis->min),
			fmin(high_of(a), axis->max), a->name);
	}
	if (n)
		fputs("\n\n", dat);
	return n;
}

static int draw_rows(struct report *r, const char *dir, const char *body, const struct question *q,
		     const json_t *figure, size_t number, struct err *err)
{
	struct gnuplot_axis axis;
	struct rows rows;
	struct figure f;
	char list[200];
	size_t chars = 0;

	find_rows(q, json_object_get(figure, "values"), &rows);
	if (rows.n < 2) /* one dot compares nothing */
		return 0;
	if (open_figure(&f, r, q, figure, number))
		return err_set(err, -ENOMEM, "out of memory");
	axis = axis_of(&rows);
	for (size_t i = 0; i < f.n_subjects; i++)
		if (!strchr(f.subjects[i], '+') && put_dots(f.dat, &rows, f.subjects[i], &axis) &&
		    figure_add(&f, f.subjects[i]))
			f.n_drawn = 0; /* out of memory: an empty figure, which gnuplot will refuse */
	if (f.n_drawn == 0)
		body = NULL;
	figure_list(&f, list, sizeof(list));
	snprintf(f.plot->alt, sizeof(f.plot->alt),
		 say("%.300s: a row for each of %zu measured values, median and interval, coloured by model (%s). The "
		     "numbers stand beside the rows."),
		 f.plot->title, rows.n, list);
	figure_series(&f);
	fputs("set ytics ()\n", f.gp);
	for (size_t i = 0; i < rows.n; i++) {
		size_t wide = put_label(f.gp, q, rows.at[i], 2.0 * (double)i);

		chars = wide > chars ? wide : chars;
	}
	gnuplot_axis_tics(f.gp, 'x', &axis);
	fprintf(f.gp, "value_label = \"%s%s\"\n", axis_name(rows.at[0]->unit), axis.log ? say(" (logarithmic)") : "");
	fprintf(f.gp, "x_min = %.9g\nx_max = %.9g\nx_log = %d\n", axis.min, axis.max, axis.log);
	if (strcmp(rows.at[0]->unit, "x") == 0 && axis.min < 1 && axis.max > 1)
		fputs("set arrow from first 1, graph 0 to first 1, graph 1 nohead lw 2 lc rgb \"#555555\"\n", f.gp);
	put_canvas(f.gp, 2 * rows.n, chars);
	return figure_close(&f, r, dir, body, err);
}

/* ---- a whole and its parts --------------------------------------------------------------------------------------- */

/* A bar from `from` on, as far as the value goes, with its interval at its end. */
static void put_bar(FILE *dat, size_t row, double from, const struct asked *a)
{
	fprintf(dat, "%zu %.9g %.9g %.9g %.9g # %s\n", row, from, from + a->est.median, from + low_of(a),
		from + high_of(a), a->name);
}

/* Three blocks: the parts, each begun where the one before ends; what is left over; the whole. Returns where the parts end. */
static double put_bars(FILE *dat, const struct rows *parts, const struct asked *rest, const struct asked *whole)
{
	double from = 0;

	fputs("# parts: row, from, to, low, high (ns or bytes)\n", dat);
	for (size_t i = 0; i < parts->n; i++) {
		put_bar(dat, 2 * i, from, parts->at[i]);
		from += parts->at[i]->est.median;
	}
	fputs("\n\n# what is left over\n", dat);
	put_bar(dat, 2 * parts->n, from, rest);
	fputs("\n\n# the whole\n", dat);
	put_bar(dat, 2 * parts->n + 2, 0, whole);
	return from;
}

static int draw_parts(struct report *r, const char *dir, const char *body, const struct question *q,
		      const json_t *figure, size_t number, struct err *err)
{
	const struct asked *whole = question_asked(q, field_text(figure, "whole", "")),
			   *rest = question_asked(q, field_text(figure, "rest", ""));
	struct gnuplot_axis axis;
	struct rows parts;
	struct figure f;
	double end;
	size_t chars;

	find_rows(q, json_object_get(figure, "parts"), &parts);
	if (!whole || !whole->est.n || !rest || !rest->est.n ||
	    parts.n != json_array_size(json_object_get(figure, "parts")))
		return 0; /* a sum without one of its parts would be another one */
	if (open_figure(&f, r, q, figure, number))
		return err_set(err, -ENOMEM, "out of memory");
	end = put_bars(f.dat, &parts, rest, whole);
	if (figure_add(&f, subject_of(whole)))
		body = NULL;
	snprintf(f.plot->alt, sizeof(f.plot->alt),
		 say("%.300s: %zu parts, each a bar that begins where the one above ends, then what is left over "
		     "between "
		     "their sum and the whole, then the whole, with intervals. The numbers stand beside the bars."),
		 f.plot->title, parts.n);
	figure_series(&f);
	axis = gnuplot_axis_make(fmin(0, end + fmin(low_of(rest), 0)),
				 fmax(end + fmax(high_of(rest), 0), high_of(whole)), axis_unit(whole->unit));
	gnuplot_axis_tics(f.gp, 'x', &axis);
	fputs("set ytics ()\n", f.gp);
	chars = put_label(f.gp, q, whole, 2.0 * (double)parts.n + 2);
	for (size_t i = 0; i <= parts.n; i++) {
		size_t wide = put_label(f.gp, q, i < parts.n ? parts.at[i] : rest, 2.0 * (double)i);

		chars = wide > chars ? wide : chars;
	}
	fprintf(f.gp, "value_label = \"%s\"\nx_min = %.9g\nx_max = %.9g\n", axis_name(whole->unit), axis.min, axis.max);
	put_canvas(f.gp, 2 * parts.n + 4, chars);
	return figure_close(&f, r, dir, body, err);
}

/* ---- lines --------------------------------------------------------------------------------------------------------- */

/* The points of a line that were measured, with x; the subject that they belong to. */
struct line {
	const struct asked *at[MAX_ROWS];
	double x[MAX_ROWS];
	size_t n;
};

static void find_line(const struct question *q, const json_t *points, struct line *line)
{
	json_t *point;
	size_t i;

	line->n = 0;
	json_array_foreach (points, i, point) {
		const struct asked *a = find_value(q, json_array_get(point, 1), line->n);

		if (!a || !isfinite(low_of(a)) || !isfinite(high_of(a)))
			continue;
		line->x[line->n] = json_number_value(json_array_get(point, 0));
		line->at[line->n++] = a;
	}
}

static void put_line(FILE *dat, const struct line *line)
{
	fprintf(dat, "# %s: x, median, low, high\n", subject_of(line->at[0]));
	for (size_t i = 0; i < line->n; i++)
		fprintf(dat, "%.9g %.9g %.9g %.9g # %s\n", line->x[i], line->at[i]->est.median, low_of(line->at[i]),
			high_of(line->at[i]), line->at[i]->name);
	fputs("\n\n", dat);
}

/* What the lines of a figure have in common. */
struct extent {
	double x_least, x_most, lo, hi;
	const char *unit;
	size_t most; /* points on one of them */
};

static struct extent extent_of(const struct question *q, const json_t *lines)
{
	struct extent all = {INFINITY, -INFINITY, INFINITY, -INFINITY, "plain", 0};
	json_t *points;
	size_t i;

	json_array_foreach (lines, i, points) {
		struct line line;

		find_line(q, points, &line);
		for (size_t k = 0; k < line.n; k++) {
			all.x_least = fmin(all.x_least, line.x[k]);
			all.x_most = fmax(all.x_most, line.x[k]);
			all.lo = fmin(all.lo, low_of(line.at[k]));
			all.hi = fmax(all.hi, high_of(line.at[k]));
			all.unit = line.at[k]->unit;
		}
		all.most = line.n > all.most ? line.n : all.most;
	}
	return all;
}

static void put_line_axes(FILE *gp, const json_t *figure, const struct extent *all)
{
	bool log = all->x_least > 0 && all->x_most / all->x_least > 10;
	double margin = (all->x_most - all->x_least) * 0.04;
	bool is_count = strcmp(all->unit, "count") == 0; /* from none on */
	struct gnuplot_axis axis =
		gnuplot_axis_make(is_count ? fmin(0, all->lo) : all->lo, all->hi, axis_unit(all->unit));
	json_t *point;
	size_t i;

	fputs("set xtics (", gp);
	json_array_foreach (json_array_get(json_object_get(figure, "lines"), 0), i, point)
		fprintf(gp, "%s%.9g", i ? ", " : "", json_number_value(json_array_get(point, 0)));
	fputs(")\n", gp);
	gnuplot_axis_tics(gp, 'y', &axis);
	figure_setting(gp, "axis_label", question_text(json_object_get(figure, "axis"), lang()));
	fprintf(gp, "value_label = \"%s\"\n", axis_name(all->unit));
	fprintf(gp, "x_log = %d\nx_min = %.9g\nx_max = %.9g\n", log, log ? all->x_least / 1.3 : all->x_least - margin,
		log ? all->x_most * 1.3 : all->x_most + margin);
	fprintf(gp, "y_min = %.9g\ny_max = %.9g\ny_log = %d\ncanvas_w = %d\ncanvas_h = %d\n", axis.min, axis.max,
		axis.log, CANVAS_WIDTH, CURVE_HEIGHT);
}

static int draw_lines(struct report *r, const char *dir, const char *body, const struct question *q,
		      const json_t *figure, size_t number, struct err *err)
{
	struct extent all = extent_of(q, json_object_get(figure, "lines"));
	json_t *points;
	struct figure f;
	char list[200];
	size_t i;

	if (all.most < 2)
		return 0;
	if (open_figure(&f, r, q, figure, number))
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach (json_object_get(figure, "lines"), i, points) {
		struct line line;

		find_line(q, points, &line);
		if (line.n == 0)
			continue;
		put_line(f.dat, &line);
		if (figure_add(&f, subject_of(line.at[0])))
			f.n_drawn = 0;
	}
	figure_list(&f, list, sizeof(list));
	snprintf(f.plot->alt, sizeof(f.plot->alt),
		 say("%.300s: lines, one per model (%s), median and interval at each point."), f.plot->title, list);
	figure_series(&f);
	put_line_axes(f.gp, figure, &all);
	return figure_close(&f, r, dir, body, err);
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

int plots_questions(struct report *r, const char *dir, struct err *err)
{
	char *dots = NULL, *bars = NULL, *curve = NULL;
	struct err why = {""};
	int rc = 0;

	if ((gnuplot_template("dots.gp", &dots, &why) || gnuplot_template("parts.gp", &bars, &why) ||
	     gnuplot_template("curve.gp", &curve, &why)) &&
	    !r->plots_why[0])
		snprintf(r->plots_why, sizeof(r->plots_why), "%.*s", (int)sizeof(r->plots_why) - 1, why.why);
	for (size_t i = 0; i < r->n_questions; i++) {
		const struct question *q = &r->questions[i];
		json_t *figure;
		size_t number;

		if (!q->is_answered) /* the page does not show them */
			continue;
		json_array_foreach (json_object_get(q->json, "figures"), number, figure) {
			if (rc == 0 && json_object_get(figure, "values"))
				rc = draw_rows(r, dir, dots, q, figure, number + 1, err);
			if (rc == 0 && json_object_get(figure, "parts"))
				rc = draw_parts(r, dir, bars, q, figure, number + 1, err);
			if (rc == 0 && json_object_get(figure, "lines"))
				rc = draw_lines(r, dir, curve, q, figure, number + 1, err);
		}
	}
	free(dots);
	free(bars);
	free(curve);
	return rc;
}
