/*
 * topology_svg.c - a machine as nested boxes, and below it who gets which CPUs: a lane per placement and process.
 *
 * Boxes are laid out like text: children side by side until the line is full, so that 128 CPUs fit a page and two do not
 * fill one. The placements are not drawn into the boxes (five pictures of a large machine would be five pages): each is a
 * strip with one column per CPU in the order of the boxes, and says its CPUs in words beside it, which is what paper and a
 * screen reader have.
 *
 * Two passes: measure() gives every box its size from the leaves up, place() its position. Nothing is drawn over anything
 * because a box is as wide as the wider of its label and its children; the width of text is estimated from above.
 * Spelled as gnuplot spells SVG, so that svg.c gives it the page's ink.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/topology_draw.h"
#include "harness/report/words.h"

enum {
	CANVAS_W = 880, /* as the other figures, at most */
	CANVAS_LEAST = 620, /* a page stretches figures to its own width: text must not get larger than its own */
	EDGE = 16, /* around everything */
	PAD = 6, /* inside a box */
	GAP = 5, /* between boxes */
	LINE_H = 15, /* of text at 11 px */
	CHAR_W = 7, /* at least as wide as a character of it, on average */
	CPU_H = 20, /* of a CPU; a second line of text under it says its kind */
	CPUS_PER_LINE = 8, /* of one core */
	DEPTH_MAX = 16,
	LANE_H = 11,
	STRIP_X = 166, /* where the strips begin: names and lanes stand before */
	STRIP_W = 430,
	ROWS_MAX = 16,
	CPUS_MAX = 1024,
};

struct box {
	const json_t *node;
	bool is_core;
	int x, y, w, h;
	char label[100];
	struct box *of;
	size_t n;
};

struct drawing {
	FILE *out;
	const json_t *allowed, *kinds;
	int cpu_w, cpu_h;
	json_int_t cpus[CPUS_MAX]; /* in the order in which they are drawn */
	bool begins[CPUS_MAX]; /* the first of a top-level box */
	size_t n;
	int right; /* how far text and boxes reach */
};

/* ---- boxes --------------------------------------------------------------------------------------------- */

static void free_boxes(struct box *boxes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_boxes(boxes[i].of, boxes[i].n);
	free(boxes);
}

static void note_cpus(struct drawing *d, const json_t *core, bool *begins)
{
	json_t *cpu;
	size_t i;

	json_array_foreach (json_object_get(core, "cpus"), i, cpu) {
		if (d->n == CPUS_MAX || !json_is_integer(cpu))
			return;
		d->begins[d->n] = *begins;
		*begins = false;
		d->cpus[d->n++] = json_integer_value(cpu);
	}
}

/* The boxes of a list of nodes; *n of them. begins: whether the next CPU is the first of something that is shown apart. */
static struct box *make_boxes(struct drawing *d, const json_t *list, unsigned depth, size_t *n, bool *begins)
{
	struct box *boxes = calloc(json_array_size(list) + 1, sizeof *boxes);
	json_t *node;
	size_t i;

	*n = 0;
	if (!boxes || depth > DEPTH_MAX)
		return boxes;
	json_array_foreach (list, i, node) {
		struct box *b = &boxes[(*n)++];
		const char *type = field_text(node, "type", "");

		b->node = node;
		b->is_core = strcmp(type, "core") == 0;
		if (b->is_core) {
			note_cpus(d, node, begins);
			continue;
		}
		*begins = *begins || strcmp(type, "package") == 0 || strcmp(type, "numa") == 0;
		topology_label(b->label, sizeof b->label, node);
		b->of = make_boxes(d, json_object_get(node, "of"), depth + 1, &b->n, begins);
	}
	return boxes;
}

static void measure_core(const struct drawing *d, struct box *b)
{
	int n = (int)json_array_size(json_object_get(b->node, "cpus"));
	int lines = (n + CPUS_PER_LINE - 1) / CPUS_PER_LINE;

	b->w = (n < CPUS_PER_LINE ? n : CPUS_PER_LINE) * d->cpu_w + 6;
	b->h = lines * d->cpu_h + 6;
}

/*
 * Size and place boxes side by side in lines of at most max_w, their corners relative to the first's; *w and *h is what
 * they take.
 */
static void flow(const struct drawing *d, struct box *boxes, size_t n, int max_w, int *w, int *h)
{
	int x = 0, y = 0, line_h = 0;

	*w = 0;
	for (size_t i = 0; i < n; i++) {
		struct box *b = &boxes[i];

		if (b->is_core) {
			measure_core(d, b);
		} else {
			int inner_w, inner_h, label_w = (int)strlen(b->label) * CHAR_W;

			flow(d, b->of, b->n, max_w - 2 * PAD, &inner_w, &inner_h);
			b->w = (inner_w > label_w ? inner_w : label_w) + 2 * PAD;
			b->h = LINE_H + inner_h + 2 * PAD;
		}
		if (x > 0 && x + b->w > max_w) {
			x = 0;
			y += line_h + GAP;
			line_h = 0;
		}
		b->x = x;
		b->y = y;
		x += b->w + GAP;
		*w = x - GAP > *w ? x - GAP : *w;
		line_h = b->h > line_h ? b->h : line_h;
	}
	*h = n ? y + line_h : 0;
}

/* ---- pieces of SVG ------------------------------------------------------------------------------------- */

static void reach(struct drawing *d, int x)
{
	d->right = x > d->right ? x : d->right;
}

/* anchor: start, middle, end. */
static void put_text(struct drawing *d, int x, int y, const char *anchor, const char *extra, const char *text)
{
	FILE *out = d->out;

	if (strcmp(anchor, "start") == 0)
		reach(d, x + (int)strlen(text) * CHAR_W);
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\"%s>", x, y, anchor, extra);
	for (; *text; text++)
		html_put(out, *text);
	fputs("</text>\n", out);
}

static void put_frame(FILE *out, int x, int y, int w, int h, const char *extra)
{
	fprintf(out,
		"<rect x=\"%d.5\" y=\"%d.5\" width=\"%d\" height=\"%d\" rx=\"3\" fill=\"none\" stroke='black' %s/>\n",
		x, y, w - 1, h - 1, extra);
}

/* Of kinds of CPUs, from the least able on; with the mark in its box, so that colour is not all that tells. */
static const char *const kind_fills[] = {"#56B4E9", "#E69F00", "#009E73", "#CC79A7"};

static int kind_of(const struct drawing *d, json_int_t cpu)
{
	json_t *kind;
	size_t i;

	json_array_foreach (d->kinds, i, kind)
		if (topology_has(json_object_get(kind, "cpus"), cpu))
			return (int)i;
	return -1;
}

static void put_cpu(struct drawing *d, int x, int y, json_int_t cpu)
{
	bool allowed = topology_has(d->allowed, cpu);
	int kind = kind_of(d, cpu), w = d->cpu_w - 2, h = d->cpu_h - 2;
	char text[32];

	if (kind >= 0)
		fprintf(d->out,
			"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\" fill-opacity=\"0.3\"/>\n", x, y,
			w, h, kind_fills[kind % 4]);
	else if (allowed)
		fprintf(d->out,
			"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#0072B2\" fill-opacity=\"0.15\"/>\n",
			x, y, w, h);
	put_frame(d->out, x, y, w, h,
		  allowed ? "stroke-opacity=\"0.6\"" : "stroke-opacity=\"0.6\" stroke-dasharray=\"2 3\"");
	snprintf(text, sizeof text, "%lld", (long long)cpu);
	put_text(d, x + w / 2, y + 13, "middle", allowed ? "" : " fill-opacity=\"0.5\"", text);
	if (kind >= 0) {
		snprintf(text, sizeof text, "k%d", kind);
		put_text(d, x + w / 2, y + 25, "middle", " font-size=\"9\"", text);
	}
}

static void put_boxes(struct drawing *d, const struct box *boxes, size_t n, int x, int y)
{
	for (size_t i = 0; i < n; i++) {
		const struct box *b = &boxes[i];
		json_t *cpu;
		size_t j;

		put_frame(d->out, x + b->x, y + b->y, b->w, b->h,
			  b->is_core ? "stroke-opacity=\"0.25\"" : "stroke-opacity=\"0.45\"");
		if (!b->is_core) {
			put_text(d, x + b->x + PAD, y + b->y + LINE_H, "start", "", b->label);
			put_boxes(d, b->of, b->n, x + b->x + PAD, y + b->y + LINE_H + PAD);
			continue;
		}
		json_array_foreach (json_object_get(b->node, "cpus"), j, cpu)
			put_cpu(d, x + b->x + 4 + (int)(j % CPUS_PER_LINE) * d->cpu_w,
				y + b->y + 4 + (int)(j / CPUS_PER_LINE) * d->cpu_h, json_integer_value(cpu));
	}
}

/* ---- placements ---------------------------------------------------------------------------------------- */

static const struct lane {
	const char *key, *name, *fill;
} lanes[] = {
	{"cpus", SAID("subject"), "#0072B2"},
	{"load_cpus", SAID("load"), "#D55E00"},
	{"harness_cpus", SAID("harness"), "#808080"},
};
enum { N_LANES = sizeof lanes / sizeof *lanes };

/* Where column i of the strips begins; i = n: where they end. */
static int column_x(const struct drawing *d, size_t i)
{
	int max = STRIP_W / 12; /* few CPUs need not fill the width */
	double w = d->n ? (double)STRIP_W / (double)d->n : 0;

	return STRIP_X + (int)((w > max ? max : w) * (double)i + 0.5);
}

static void put_lane(struct drawing *d, int y, const struct lane *lane, const json_t *cpus)
{
	int end = column_x(d, d->n);
	char text[48];

	put_text(d, STRIP_X - 8, y + LANE_H - 2, "end", "", say(lane->name));
	put_frame(d->out, STRIP_X, y, end - STRIP_X, LANE_H, "stroke-opacity=\"0.25\"");
	for (size_t i = 0; i < d->n; i++) {
		int x = column_x(d, i), w = column_x(d, i + 1) - x;

		if (d->begins[i] && i > 0)
			fprintf(d->out, "<path d=\"M%d.5,%d v%d\" stroke='black' stroke-opacity=\"0.5\"/>\n", x, y,
				LANE_H);
		if (topology_has(cpus, d->cpus[i]))
			fprintf(d->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n",
				x + (w > 4), y + 1, w > 4 ? w - 1 : w, LANE_H - 2, lane->fill);
	}
	topology_ranges(text, 38, cpus);
	put_text(d, end + 10, y + LANE_H - 2, "start", "", text);
}

/* CPU numbers above the strips, as many as have room. */
static void put_numbers(struct drawing *d, int y)
{
	int last_end = 0;

	for (size_t i = 0; i < d->n; i++) {
		char text[24];
		int middle = (column_x(d, i) + column_x(d, i + 1)) / 2, half;

		half = snprintf(text, sizeof text, "%lld", (long long)d->cpus[i]) * CHAR_W / 2;
		if (middle - half < last_end + 10 && i > 0)
			continue;
		put_text(d, middle, y, "middle", " fill-opacity=\"0.75\"", text);
		last_end = middle + half;
	}
}

/* Returns the y below. */
static int put_row(struct drawing *d, int y, const json_t *row)
{
	const char *why = field_text(row, "why", NULL);
	char name[64], text[120];
	int start = y;

	topology_row_name(name, sizeof name, row);
	put_text(d, EDGE, y + LANE_H - 2, "start", " font-weight=\"bold\"", name);
	if (why) {
		snprintf(text, sizeof text, say("not here: %.98s"), why);
		put_text(d, STRIP_X, y + LANE_H - 2, "start", "", text);
		return y + LANE_H + 10;
	}
	for (int i = 0; i < N_LANES; i++) {
		const json_t *cpus = json_object_get(row, lanes[i].key);

		if (!json_is_array(cpus))
			continue;
		put_lane(d, y, &lanes[i], cpus);
		y += LANE_H + 2;
	}
	return (y > start ? y : start + LANE_H) + 10;
}

static int put_rows(struct drawing *d, int y, const json_t *rows)
{
	char text[64];
	json_t *row;
	size_t i;

	put_text(d, EDGE, y, "start", "", say("who runs where"));
	put_numbers(d, y);
	y += 6;
	json_array_foreach (rows, i, row) {
		if (i == ROWS_MAX) {
			snprintf(text, sizeof text, say("and %zu more"), json_array_size(rows) - i);
			put_text(d, EDGE, y + LANE_H, "start", "", text);
			return y + LANE_H + 10;
		}
		y = put_row(d, y, row);
	}
	return y;
}

/* ---- all ----------------------------------------------------------------------------------------------- */

/* Text in lines of the canvas' width, broken at ", " or its Chinese mark. Returns the y below. */
static int put_wrapped(struct drawing *d, int y, const char *text)
{
	const size_t max = (CANVAS_W - 2 * EDGE) / CHAR_W;
	char line[256];

	while (*text) {
		size_t n = strlen(text), cut = n;

		if (n > max)
			for (cut = max;
			     cut > 3 && memcmp(text + cut - 2, ", ", 2) != 0 && memcmp(text + cut - 3, "、", 3) != 0;
			     cut--)
				;
		cut = cut <= 3 ? (size_t)words_whole(text, max) : cut;
		snprintf(line, sizeof line, "%.*s", (int)cut, text);
		put_text(d, EDGE, y, "start", "", line);
		y += LINE_H;
		text += cut;
	}
	return y;
}

static int put_head(struct drawing *d, const json_t *summary)
{
	int y = EDGE + 10;
	char text[400];

	topology_counts(text, sizeof text, summary);
	put_text(d, EDGE, y, "start", " font-weight=\"bold\"", text);
	y += LINE_H;
	topology_caches(text, sizeof text, summary);
	return put_wrapped(d, y, text);
}

static int put_foot(struct drawing *d, int y)
{
	size_t disallowed = 0;
	char text[300];

	for (size_t i = 0; i < d->n; i++)
		disallowed += !topology_has(d->allowed, d->cpus[i]);
	if (disallowed)
		y = put_wrapped(d, y, say("Broken outline: a CPU that may not be used here."));
	topology_kinds(text, sizeof text, d->kinds);
	return put_wrapped(d, y, text);
}

static void put_body(struct drawing *d, const json_t *summary, const json_t *map, const json_t *rows, int *height)
{
	bool begins = true;
	size_t n;
	struct box *boxes = make_boxes(d, json_object_get(map, "tree"), 0, &n, &begins);
	json_int_t most = 0;
	int w, h, y;

	for (size_t i = 0; i < d->n; i++)
		most = d->cpus[i] > most ? d->cpus[i] : most;
	d->cpu_w = most > 999 ? 34 : most > 99 ? 29 : 22;
	d->cpu_h = json_array_size(d->kinds) > 1 ? CPU_H + 10 : CPU_H;
	y = put_head(d, summary);
	if (boxes) {
		flow(d, boxes, n, CANVAS_W - 2 * EDGE, &w, &h);
		put_boxes(d, boxes, n, EDGE, y);
		reach(d, EDGE + w);
		y = put_foot(d, y + h + LINE_H + 4);
		free_boxes(boxes, n);
	}
	*height = put_rows(d, y + 12, rows) + 6;
}

void topology_svg(FILE *out, const json_t *summary, const json_t *map, const json_t *rows)
{
	struct drawing *d = calloc(1, sizeof *d);
	char *body = NULL;
	size_t size = 0;
	int height = 0, width;

	if (!d)
		return;
	d->allowed = json_object_get(map, "allowed");
	d->kinds = json_object_get(map, "kinds");
	d->out = open_memstream(&body, &size);
	if (d->out) {
		put_body(d, summary, map, rows, &height);
		fclose(d->out);
		width = d->right + EDGE < CANVAS_LEAST ? CANVAS_LEAST
			: d->right + EDGE > CANVAS_W   ? CANVAS_W
						       : d->right + EDGE;
		svg_write(out, width, height, body);
	}
	free(body);
	free(d);
}
