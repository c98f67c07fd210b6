/*
 * timeline_svg.c - a scene as a picture: a row for each P (which G ran) and for each M (which P it had, or what it did instead).
 *
 * Colour is the G, by its number: the same one in all pictures of a trace. There are more Gs than colours, so a slice has its G's
 * number as well, where it has room, and the legend names the first ones. Rows are no thinner than their text; what is shorter
 * than a third of a pixel is drawn as one with its neighbours, and counted.
 *
 * Text never covers text: what is said of a point stands in a line of its own above the rows, a slice's number is left out where it
 * is wider than the slice (the width is estimated from above), and the rest has columns and lines of its own.
 * Spelled as gnuplot spells SVG, so that svg.c gives it the page's ink.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/timeline.h"
#include "harness/report/words.h"

enum {
	CANVAS_W = 880, /* as the other figures */
	EDGE = 10,
	PLOT_X = 70, /* names of rows stand before */
	PLOT_W = CANVAS_W - PLOT_X - EDGE,
	LINE_H = 15, /* of text at 11 px */
	CHAR_W = 7, /* at least as wide as a character of it, on average */
	P_H = 24,
	M_H = 18,
	GAP = 5,
	ROWS_MOST = 20, /* of each kind */
	LEGEND_GS = 8, /* as many as there are colours */
	LEGEND_W = 210, /* of an entry */
	TICKS_MOST = 9,
};

static const char *const colours[] = {"#0072B2", "#E69F00", "#009E73", "#CC79A7",
				      "#56B4E9", "#D55E00", "#F0E442", "#8C6BB1"};

struct rows {
	long of[ROWS_MOST];
	size_t n;
	bool more; /* than there is room for */
};

struct drawing {
	FILE *out;
	const struct timeline *t;
	const struct scene *s;
	struct rows ps, ms;
	int ps_y, ms_y, bottom; /* of the rows */
	size_t merged; /* slices too short to be drawn for themselves */
	long gs[LEGEND_GS]; /* that are drawn, in order */
	const char *names[LEGEND_GS];
	size_t n_gs;
	bool more_gs;
};

/* ---- places -------------------------------------------------------------------------------------------------- */

static bool is_inside(const struct drawing *d, int64_t from, int64_t to)
{
	return to > d->s->from && from < d->s->to;
}

static double x_of(const struct drawing *d, int64_t at)
{
	const struct scene *s = d->s;
	int64_t in = at < s->from ? s->from : at > s->to ? s->to : at;

	return PLOT_X + (double)(in - s->from) / (double)(s->to - s->from) * PLOT_W;
}

/* In order; a row that there is no room for is left out, and said so. */
static void add_row(struct rows *rows, long row)
{
	size_t i = 0;

	while (i < rows->n && rows->of[i] < row)
		i++;
	if (i < rows->n && rows->of[i] == row)
		return;
	if (rows->n == ROWS_MOST) {
		rows->more = true;
		return;
	}
	memmove(&rows->of[i + 1], &rows->of[i], (rows->n - i) * sizeof(rows->of[0]));
	rows->of[i] = row;
	rows->n++;
}

static int index_of(const struct rows *rows, long row)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->of[i] == row)
			return (int)i;
	return -1;
}

/* The upper edge of a row; -1: it is not drawn. */
static int y_of(const struct drawing *d, bool is_p, long row)
{
	int i = index_of(is_p ? &d->ps : &d->ms, row);

	if (i < 0)
		return -1;
	return is_p ? d->ps_y + i * (P_H + GAP) : d->ms_y + i * (M_H + GAP);
}

/* Ps that run something, and the idle ones where there is room; Ms that do anything but sleep, or do something to others. */
static void choose_rows(struct drawing *d)
{
	const struct timeline *t = d->t;

	for (size_t i = 0; i < t->n_ps; i++)
		if (is_inside(d, t->ps[i].from, t->ps[i].to))
			add_row(&d->ps, t->ps[i].row);
	for (size_t i = 0; i < t->n_ms; i++)
		if (is_inside(d, t->ms[i].from, t->ms[i].to) && strcmp(t->ms[i].name, "asleep") != 0)
			add_row(&d->ms, t->ms[i].row);
	for (size_t i = 0; i < t->n_marks; i++)
		if (is_inside(d, t->marks[i].at, t->marks[i].at + 1))
			add_row(&d->ms, t->marks[i].m);
	for (size_t i = 0; i < t->n_ps && d->ps.n < ROWS_MOST; i++)
		add_row(&d->ps, t->ps[i].row);
}

/* ---- pieces of SVG ------------------------------------------------------------------------------------------- */

static void put_text(FILE *out, double x, int y, const char *anchor, const char *extra, const char *text)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\"%s>", x, y, anchor, extra);
	for (; *text; text++)
		html_put(out, *text);
	fputs("</text>\n", out);
}

static void put_box(FILE *out, double x, int y, double w, int h, const char *fill, const char *extra)
{
	fprintf(out, "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\" %s/>\n", x, y, w, h, fill,
		extra);
}

static void put_line(FILE *out, double x1, int y1, double x2, int y2, const char *extra)
{
	fprintf(out, "<path d=\"M%.2f,%d L%.2f,%d\" fill=\"none\" stroke='black' %s/>\n", x1, y1, x2, y2, extra);
}

/* The first of the texts that is no wider than the room; none: nothing. */
static void put_fitting(FILE *out, double x, int y, double w, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((double)(strlen(texts[i]) * CHAR_W) + 4 <= w) {
			put_text(out, x + w / 2, y, "middle", "", texts[i]);
			return;
		}
}

static const char *colour_of(long g)
{
	return colours[(unsigned long)g % (sizeof(colours) / sizeof(colours[0]))];
}

static void note_g(struct drawing *d, long g, const char *name)
{
	size_t i = 0;

	while (i < d->n_gs && d->gs[i] != g)
		i++;
	if (i < d->n_gs)
		return;
	if (d->n_gs == LEGEND_GS) {
		d->more_gs = true;
		return;
	}
	d->gs[d->n_gs] = g;
	d->names[d->n_gs++] = name;
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

/* A small circle where a G parks: it waits for something, and has not merely let others go first. */
static void put_park(FILE *out, const struct tl_slice *one, double end, double w, int y)
{
	static const char *const no_wait[] = {"", "call", "end", "yield", "preempted"};

	for (size_t i = 0; i < sizeof(no_wait) / sizeof(no_wait[0]); i++)
		if (strcmp(one->left, no_wait[i]) == 0)
			return;
	if (w >= 6)
		fprintf(out, "<circle cx=\"%.2f\" cy=\"%d\" r=\"2\" fill=\"none\" stroke='black'/>\n", end - 3,
			y + P_H - 4);
}

static void put_p_slice(struct drawing *d, const struct tl_slice *one, double *drawn_to)
{
	double x = x_of(d, one->from), w = x_of(d, one->to) - x;
	int y = y_of(d, true, one->row);
	char both[120], with_g[32], number[24];
	const char *texts[] = {both, with_g, number};

	if (x + w < *drawn_to + 0.3) {
		d->merged++;
		return;
	}
	*drawn_to = x + w;
	note_g(d, one->g, one->name);
	put_box(d->out, x, y, w < 0.6 ? 0.6 : w, P_H, colour_of(one->g),
		w >= 3 ? "fill-opacity=\"0.55\" stroke='black' stroke-opacity=\"0.35\" stroke-width=\"0.5\""
		       : "fill-opacity=\"0.55\"");

	snprintf(with_g, sizeof(with_g), "G %ld", one->g);
	snprintf(both, sizeof(both), "%s %.80s", with_g, strcmp(with_g, one->name) != 0 ? one->name : "");
	snprintf(number, sizeof(number), "%ld", one->g);
	put_fitting(d->out, x, y + 15, w, texts, 3);
	put_park(d->out, one, x + w, w, y);
}

static void put_ps(struct drawing *d)
{
	double drawn_to[ROWS_MOST];

	for (size_t i = 0; i < ROWS_MOST; i++)
		drawn_to[i] = 0;
	for (size_t i = 0; i < d->t->n_ps; i++) {
		const struct tl_slice *one = &d->t->ps[i];
		int row = index_of(&d->ps, one->row);

		if (row >= 0 && is_inside(d, one->from, one->to))
			put_p_slice(d, one, &drawn_to[row]);
	}
}

/* Whose call it is: who was the last to run on that M before it, or just runs there. -1: not known. */
static long caller(const struct timeline *t, const struct tl_slice *call)
{
	long g = -1;

	for (size_t i = 0; i < t->n_ps && t->ps[i].from <= call->from; i++)
		if (t->ps[i].m == call->row)
			g = t->ps[i].g;
	return g;
}

static void put_m_slice(struct drawing *d, const struct tl_slice *one)
{
	double x = x_of(d, one->from), w = x_of(d, one->to) - x;
	int y = y_of(d, false, one->row);
	bool is_call = strcmp(one->name, "call") == 0, has_p = strncmp(one->name, "P ", 2) == 0;
	long g = is_call ? caller(d->t, one) : -1;
	char both[48];
	const char *texts[] = {both, say(one->name)};

	if (strcmp(one->name, "asleep") == 0 || w < 0.3)
		return;
	if (is_call)
		put_box(d->out, x, y, w, M_H, g >= 0 ? colour_of(g) : "#999999",
			"fill-opacity=\"0.25\" stroke='black' stroke-opacity=\"0.6\" stroke-dasharray=\"3 2\"");
	else
		put_box(d->out, x, y, w, M_H, "#999999",
			has_p ? "fill-opacity=\"0.3\" stroke='black' stroke-opacity=\"0.3\" stroke-width=\"0.5\""
			      : "fill-opacity=\"0.08\" stroke='black' stroke-opacity=\"0.3\" stroke-width=\"0.5\"");
	if (g >= 0)
		snprintf(both, sizeof(both), say("call of G %ld"), g);
	else
		snprintf(both, sizeof(both), "%.40s", say(one->name));
	put_fitting(d->out, x, y + 13, w, texts, 2);
}

/* On the lower edge of the M's row, so that it covers no text. */
static void put_mark(struct drawing *d, const struct tl_mark *mark)
{
	int y = y_of(d, false, mark->m);
	double x = x_of(d, mark->at);

	if (y < 0)
		return;
	y += M_H;
	if (strcmp(mark->what, "steal") == 0)
		fprintf(d->out, "<path d=\"M%.2f,%d l4,7 l-8,0 z\" fill=\"black\"/>\n", x, y - 4);
	else if (strcmp(mark->what, "hand-off") == 0)
		fprintf(d->out, "<path d=\"M%.2f,%d l4,4 l-4,4 l-4,-4 z\" fill=\"black\"/>\n", x, y - 5);
	else if (strcmp(mark->what, "preempted") == 0)
		fprintf(d->out, "<path d=\"M%.2f,%d l6,6 m0,-6 l-6,6\" fill=\"none\" stroke='black'/>\n", x - 3, y - 4);
	else
		put_line(d->out, x, y - 5, x, y + 3, "");
}

static void put_ms(struct drawing *d)
{
	const struct timeline *t = d->t;

	for (size_t i = 0; i < t->n_ms; i++)
		if (index_of(&d->ms, t->ms[i].row) >= 0 && is_inside(d, t->ms[i].from, t->ms[i].to))
			put_m_slice(d, &t->ms[i]);
	for (size_t i = 0; i < t->n_marks; i++)
		if (is_inside(d, t->marks[i].at, t->marks[i].at + 1))
			put_mark(d, &t->marks[i]);
}

/* Arrows that are too short to be seen as such are left out. The scene's own is a thick one. */
static void put_wakes(struct drawing *d)
{
	for (size_t i = 0; i < d->t->n_wakes; i++) {
		const struct tl_wake *w = &d->t->wakes[i];
		int from_y = y_of(d, w->by_p, w->from), to_y = y_of(d, true, w->to);
		double from = x_of(d, w->at), to = x_of(d, w->run);
		bool is_it = w->at == d->s->points[0].at && w->run == d->s->points[d->s->n_points - 1].at;

		if (w->at < d->s->from || w->run > d->s->to || from_y < 0 || to_y < 0)
			continue;
		if (to - from < 4 && from_y == to_y && !is_it)
			continue;
		from_y += w->by_p ? P_H - 3 : 2;
		put_line(d->out, from, from_y, to, to_y + 4,
			 is_it ? "stroke-width=\"1.8\"" : "stroke-width=\"0.7\" stroke-opacity=\"0.7\"");
		fprintf(d->out, "<circle cx=\"%.2f\" cy=\"%d\" r=\"%s\" fill=\"black\"/>\n", to, to_y + 4,
			is_it ? "3" : "1.6");
	}
}

/* ---- around the rows ----------------------------------------------------------------------------------------- */

static void put_names(struct drawing *d)
{
	char text[32];

	for (size_t i = 0; i < d->ps.n; i++) {
		int y = y_of(d, true, d->ps.of[i]);

		snprintf(text, sizeof(text), "P %ld", d->ps.of[i]);
		put_text(d->out, PLOT_X - 8, y + 16, "end", " font-weight=\"bold\"", text);
		put_line(d->out, PLOT_X, y + P_H, PLOT_X + PLOT_W, y + P_H, "stroke-opacity=\"0.25\"");
	}
	for (size_t i = 0; i < d->ms.n; i++) {
		int y = y_of(d, false, d->ms.of[i]);

		snprintf(text, sizeof(text), "M %ld", d->ms.of[i]);
		put_text(d->out, PLOT_X - 8, y + 13, "end", "", d->ms.of[i] ? text : say("monitor"));
		put_line(d->out, PLOT_X, y + M_H, PLOT_X + PLOT_W, y + M_H, "stroke-opacity=\"0.25\"");
	}
}

/* What happens, a line of text each, with a thin line down to the last row. */
static int put_points(struct drawing *d, int y)
{
	for (size_t i = 0; i < d->s->n_points; i++) {
		double x = x_of(d, d->s->points[i].at);
		bool is_right = x > PLOT_X + PLOT_W / 2;

		put_text(d->out, is_right ? x - 4 : x + 4, y, is_right ? "end" : "start", "", d->s->points[i].text);
		put_line(d->out, x, y - 10, x, d->bottom, "stroke-opacity=\"0.55\" stroke-dasharray=\"2 3\"");
		y += LINE_H;
	}
	return y;
}

/* Ticks of 1, 2 or 5 times a power of ten, from the scene's first point on. Returns the y below. */
static int put_axis(struct drawing *d)
{
	const struct scene *s = d->s;
	int64_t step = 1, zero = s->points[0].at, k;
	const char *unit = s->to - s->from >= 10000000 ? "ms" : s->to - s->from >= 2000 ? "µs" : "ns";
	double factor = *unit == 'm' ? 1e6 : *unit == 'n' ? 1 : 1e3;
	char text[80];

	for (int i = 0; (s->to - s->from) / step > TICKS_MOST; i++)
		step = step * (i % 3 == 1 ? 5 : 4) / 2; /* 1, 2, 5, 10 */
	for (k = (s->from - zero) / step - 1; zero + k * step <= s->to; k++) {
		double x = x_of(d, zero + k * step);

		if (zero + k * step < s->from)
			continue;
		put_line(d->out, x, d->bottom, x, d->bottom + 4, "");
		if (x > PLOT_X + PLOT_W - 14)
			continue;
		snprintf(text, sizeof(text), "%g", (double)(k * step) / factor);
		put_text(d->out, x, d->bottom + 16, "middle", "", text);
	}
	snprintf(text, sizeof(text), say("%s from the first point on"), unit);
	put_text(d->out, PLOT_X, d->bottom + 16 + LINE_H, "start", " fill-opacity=\"0.75\"", text);
	return d->bottom + 16 + 2 * LINE_H + 4;
}

/* Returns the y below. */
static int put_gs(struct drawing *d, int y)
{
	const int columns = (CANVAS_W - 2 * EDGE) / LEGEND_W;
	char text[80];

	for (size_t i = 0; i < d->n_gs; i++) {
		int x = EDGE + (int)(i % (size_t)columns) * LEGEND_W, line = y + (int)(i / (size_t)columns) * LINE_H;

		put_box(d->out, x, line - 9, 12, 10, colour_of(d->gs[i]), "fill-opacity=\"0.55\"");
		snprintf(text, sizeof(text), "G %ld", d->gs[i]);
		if (strcmp(text, d->names[i]) != 0)
			snprintf(text, sizeof(text), "G %ld %.20s", d->gs[i], d->names[i]);
		put_text(d->out, x + 18, line, "start", "", text);
	}
	return y + (int)(d->n_gs + (size_t)columns - 1) / columns * LINE_H;
}

static int put_foot(struct drawing *d, int y)
{
	char text[240];

	y = put_gs(d, y);
	if (d->more_gs) {
		put_text(d->out, EDGE, y, "start", "", say("More Gs than these: a colour is the G's number modulo 8."));
		y += LINE_H;
	}
	put_text(d->out, EDGE, y, "start", "",
		 say("Lines: from where a G is made runnable to where it runs (dot). Circle: it parks. On Ms: triangle "
		     "= "
		     "steal, "
		     "diamond = hand-off,"));
	put_text(
		d->out, EDGE, y + LINE_H, "start", "",
		say("cross = preempted, tick = other (M woken, timers); broken outline: in a blocking call, in its G's "
		    "colour; "
		    "nothing: asleep."));
	y += 2 * LINE_H;
	if (d->merged || d->ps.more || d->ms.more) {
		snprintf(text, sizeof(text), say("%zu slices are too short to be drawn for themselves.%s"), d->merged,
			 d->ps.more || d->ms.more ? say(" More rows than these had something to do.") : "");
		put_text(d->out, EDGE, y, "start", "", text);
		y += LINE_H;
	}
	return y;
}

/* Returns the height. */
static int put_all(struct drawing *d, const char *title)
{
	char text[(CANVAS_W - 2 * EDGE) / CHAR_W + 1];
	int y = EDGE + 10;

	choose_rows(d);
	snprintf(text, sizeof(text), "%.*s", words_whole(title, sizeof(text) - 1), title);
	put_text(d->out, EDGE, y, "start", " font-weight=\"bold\"", text);
	y += LINE_H + 4;
	d->ps_y = y + (int)d->s->n_points * LINE_H;
	d->ms_y = d->ps_y + (int)d->ps.n * (P_H + GAP) + GAP;
	d->bottom = d->ms_y + (int)d->ms.n * (M_H + GAP);
	put_points(d, y);
	put_names(d);
	put_ps(d);
	put_ms(d);
	put_wakes(d);
	return put_foot(d, put_axis(d));
}

void timeline_svg(FILE *out, const struct timeline *t, const struct scene *s, const char *title)
{
	struct drawing *d = calloc(1, sizeof(*d));
	char *body = NULL;
	size_t size = 0;
	int height = 0;

	if (!d)
		return;
	d->t = t;
	d->s = s;
	d->out = open_memstream(&body, &size);
	if (d->out) {
		height = put_all(d, title);
		fclose(d->out);
		svg_write(out, CANVAS_W, height, body);
	}
	free(body);
	free(d);
}
