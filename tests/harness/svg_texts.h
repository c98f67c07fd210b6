/* svg_texts.h - the texts of a figure that we draw ourselves: none leaves it, none runs into another. */
#ifndef SVG_TEXTS_H
#define SVG_TEXTS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts of one line do not run into each other, at seven tenths of a font's height per character. */
static void svg_check_texts(const char *svg)
{
	enum { MOST = 4000 };
	struct {
		double from, to, y;
	} *t = calloc(MOST, sizeof *t);
	size_t n = 0;
	double canvas;

	assert_int_equal(sscanf(strstr(svg, "viewBox"), "viewBox=\"0 0 %lf", &canvas), 1);
	for (const char *p = svg; (p = strstr(p, "<text ")) && n < MOST; p++) {
		const char *body = strchr(p, '>') + 1, *end = strstr(body, "</text>");
		double width = (double)(end - body) * 6.0;
		char anchor[16];
		double x, y;

		assert_int_equal(sscanf(p, "<text x=\"%lf\" y=\"%lf\" text-anchor=\"%15[a-z]\"", &x, &y, anchor), 3);
		t[n].from = strcmp(anchor, "start") == 0 ? x : strcmp(anchor, "end") == 0 ? x - width : x - width / 2;
		t[n].to = t[n].from + width;
		t[n].y = y;
		if (t[n].from < 0 || t[n].to > canvas + 4)
			fail_msg("the text %.*s leaves the canvas", (int)(end - body), body);
		for (size_t i = 0; i < n; i++)
			if (t[i].y == y && t[i].from < t[n].to && t[n].from < t[i].to)
				fail_msg("the text %.*s runs into another at y=%g", (int)(end - body), body, y);
		n++;
	}
	assert_true(n > 5);
	free(t);
}

#endif
