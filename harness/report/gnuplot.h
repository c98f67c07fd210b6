/*
 * gnuplot.h - running gnuplot on a script, and writing the parts of scripts that are the same in every figure.
 */
#ifndef GNUPLOT_H
#define GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/base/err.h"
#include "harness/report/words.h"

enum { GNUPLOT_SECONDS = 30 };

/*
 * Run `gnuplot -d script` in the folder `dir`, at most GNUPLOT_SECONDS. 0; -ENOENT when there is no gnuplot;
 * -ETIMEDOUT;
 * -EIO when it failed, with its last words.
 */
int gnuplot_run(const char *dir, const char *script, struct err *err);

/* Whether a font is installed that has Chinese: PNGs are drawn here, where an SVG's text is drawn by who shows it. */
bool gnuplot_has_chinese(void);

/* The body of a figure's script, from scripts/<name> in the source tree or in $SWITCHYARD_SCRIPTS. Malloc'd. */
int gnuplot_template(const char *name, char **out, struct err *err);

/* A gnuplot string: double quotes, with what is special in them made literal. */
void gnuplot_string(FILE *out, const char *text);

/*
 * The range of an axis that shows min..max and its tics, `set <axis>tics (...)`: round values with their units. On a
 * logarithmic axis min and max are above 0.
 */
struct gnuplot_axis {
	double min, max; /* widened by gnuplot_axis_make */
	bool log;
	enum unit unit;
};
struct gnuplot_axis gnuplot_axis_make(double min, double max, enum unit unit);
void gnuplot_axis_tics(FILE *out, char axis, const struct gnuplot_axis *a);

#endif
