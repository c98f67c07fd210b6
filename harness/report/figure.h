/*
 * figure.h - one figure in the making: a .dat (numbers in ns and bytes), a .gp that stands alone (settings, then the body out of
 * scripts/), and what gnuplot makes of them. A model has one colour and one marker everywhere: the palette of Okabe and Ito,
 * which readers with any colour vision can tell apart.
 */
#ifndef FIGURE_H
#define FIGURE_H

#include <stdio.h>

#include "harness/report/model.h"

enum { CANVAS_WIDTH = 880, CURVE_HEIGHT = 480 };

struct figure {
	struct plot *plot;
	FILE *gp, *dat;
	char *gp_text, *dat_text;
	size_t gp_size, dat_size;
	const char **subjects; /* of the report */
	size_t n_subjects;
	const char **drawn; /* those that have points here */
	size_t n_drawn;
};

/* Begin it: `what` and the workload name its files. -ENOMEM. */
int figure_open(struct figure *f, struct report *r, const char *workload, const char *what);
/* A subject whose block of data has been written. */
int figure_add(struct figure *f, const char *subject);
void figure_setting(FILE *gp, const char *name, const char *value);
/* What all bodies need: who is drawn and how; after the last figure_add and with the title set. */
void figure_series(struct figure *f);
/* "gmp, pthread": who is drawn. */
void figure_list(const struct figure *f, char *buf, size_t size);
/* Write both files and draw; gnuplot's failure is noted in the report and is no error. `body` NULL: nothing is drawn. */
int figure_close(struct figure *f, struct report *r, const char *dir, const char *body, struct err *err);

/* plots_knee.c: latency over percent of the knee, for a workload whose load was given so. */
int plots_knee(struct report *r, const char *dir, const char *body, const char *workload, struct err *err);

/* plots_question.c: the figures that questions make of their own values. */
int plots_questions(struct report *r, const char *dir, struct err *err);

#endif
