/*
 * svg.c - a figure of gnuplot's made fit for standing inside a page.
 *
 * Several in one page share one name space, and gnuplot calls its markers gpPt0, gpPt1... in each: they get the
 * figure's own prefix, as does every other name: a question shows a figure once more, as a plot with another id. The XML head goes, the fixed size goes (the style sheet decides), the white background goes,
 * and black becomes the class `ink`, light grey the class `rule`, so that the figure follows the page into the dark.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/report/parts.h"

struct change {
	const char *from, *to;
};

/* gnuplot writes its own blanks inside rgb(); these are its spellings. */
static const struct change changes[] = {
	{"color=\"black\"", "class=\"ink\""},
	{"fill=\"black\"", "class=\"inkfill\""},
	{"stroke='black'", "stroke='currentColor' class='ink'"},
	{"stroke='rgb(  0,   0,   0)'", "stroke='currentColor' class='ink'"},
	{"stroke='rgb(217, 217, 217)'", "stroke='currentColor' class='rule'"}, /* the grid of scripts/ */
};

/* The background: the first rectangle that covers the canvas. */
static const char *skip_background(const char *p)
{
	const char *end;

	if (strncmp(p, "<rect x=\"0\" y=\"0\"", 17) != 0)
		return p;
	end = strstr(p, "/>");
	return end ? end + 2 : p;
}

static const char *copy_changed(FILE *out, const char *p, const struct plot *plot)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		size_t n = strlen(changes[i].from);

		if (strncmp(p, changes[i].from, n) == 0) {
			fputs(changes[i].to, out);
			return p + n;
		}
	}
	/* Names of parts that nothing in the figure refers to: only that no two of a page may be alike. */
	if (strncmp(p, "id=\"", 4) == 0 || strncmp(p, "id='greybox", 11) == 0 || strncmp(p, "id='textbox", 11) == 0) {
		fprintf(out, "%.4s%s-", p, plot->id);
		return p + 4;
	}
	if (strncmp(p, "'gp", 3) == 0 || strncmp(p, "'#gp", 4) == 0) {
		bool hash = p[1] == '#';

		fprintf(out, "'%s%s-", hash ? "#" : "", plot->id);
		return p + 1 + hash;
	}
	fputc(*p, out);
	return p + 1;
}

void svg_write(FILE *out, int width, int height, const char *body)
{
	/* What is outside <svg> or in its head, plot_inline_svg() replaces. */
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<svg width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
		"%d\" "
		"xmlns=\"http://www.w3.org/2000/svg\">\n<rect x=\"0\" y=\"0\" width=\"%d\" height=\"%d\" "
		"fill=\"#ffffff\"/>\n<g font-family=\"sans-serif\" font-size=\"11\">\n%s</g>\n</svg>\n",
		width, height, width, height, width, height, body ? body : "");
}

char *plot_inline_svg(const char *dir, const struct plot *plot)
{
	char *text, *out_text = NULL;
	size_t size, out_size;
	const char *p;
	FILE *out;

	if (report_file_read(dir, plot->svg, &text, &size, NULL))
		return NULL;
	out = open_memstream(&out_text, &out_size);
	p = strstr(text, "<svg");
	if (out && p) {
		const char *view = strstr(p, "viewBox="), *end = view ? strchr(view + 9, '"') : NULL;
		const char *body = end ? strchr(end, '>') : NULL;

		if (body) {
			fprintf(out, "<svg role=\"img\" aria-label=\"");
			for (const char *c = plot->title; *c; c++)
				fputc(strchr("\"&<", *c) ? ' ' : *c, out);
			fprintf(out,
				"\" xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
				"%.*s>",
				(int)(end - view + 1), view);
			for (p = body + 1; *p;)
				p = *p == '<' && skip_background(p) != p ? skip_background(p)
									 : copy_changed(out, p, plot);
		}
	}
	free(text);
	if (out && fclose(out) == 0 && out_size > 0)
		return out_text;
	free(out_text);
	return NULL;
}
