/*
 * timeline.h - a trace of a scheduler, as the subject's model wrote it, and what is to be seen in it.
 *
 * The file is in the trace format of Chrome, which ui.perfetto.dev reads, with these meanings (docs/subject-protocol.md, "Traces"):
 *      process 1   a row for each P: slices, by G; where each left to
 *      process 2   a row for each M: slices, by what it does; marks: steal, hand-off, preempted...
 *      flows       from where a G was made runnable to where it then ran
 * Files come from subjects, foreign ones too: whatever is in them ends in a timeline or in a sentence.
 *
 * Times are ns since the trace began. Invariants of a timeline that was read: slices of a row do not overlap; all lists are in
 * order of time.
 */
#ifndef TIMELINE_H
#define TIMELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/base/err.h"

struct tl_slice {
	int64_t from, to;
	long row; /* the P, or the M */
	long g, m; /* on a P: who ran, and on which M */
	const char *name; /* of the G; on an M: "P 0", "call", "polling", "spinning", "asleep" */
	const char *left; /* on a P: "" (not known), "call", "end", "yield", "preempted", or what it waits for */
};

struct tl_wake {
	int64_t at, run; /* made runnable; runs */
	bool by_p; /* from: a P, or an M */
	long from, to; /* the waker's row; the P */
	long g;
};

struct tl_mark {
	int64_t at;
	long m, n;
	const char *what;
};

struct timeline {
	json_t *file; /* keeps the texts */
	struct tl_slice *ps, *ms;
	struct tl_wake *wakes;
	struct tl_mark *marks;
	size_t n_ps, n_ms, n_wakes, n_marks;
};

/* Read a trace; -EBADMSG and a sentence where it is none. A file of no events is a timeline, too. */
int timeline_read(const char *path, struct timeline *out, struct err *err);
void timeline_clear(struct timeline *t);

/* The slice of a row that contains this moment, or NULL; and the first one that begins no earlier. */
const struct tl_slice *timeline_slice_at(const struct tl_slice *list, size_t n, long row, int64_t at);
const struct tl_slice *timeline_slice_from(const struct tl_slice *list, size_t n, long row, int64_t at);

/* ---- scenes (timeline_scene.c): what a picture shows -------------------------------------------------------------- */

enum scene_kind { SCENE_HANDOFF, SCENE_STEAL, SCENE_WAKE, SCENE_KINDS };
enum { SCENE_POINTS = 3 };

struct scene {
	enum scene_kind kind;
	int64_t from, to; /* the window */
	struct {
		int64_t at;
		char text[120];
	} points[SCENE_POINTS]; /* what happens, in order; the first one is time 0 */
	size_t n_points;
	char text[900]; /* sentences, with the numbers of the trace */
};

/* "a hand-off" */
const char *scene_name(enum scene_kind kind);

/* The first scene of the kind; false: there is none. */
bool scene_find(const struct timeline *t, enum scene_kind kind, struct scene *out);

/* ---- the picture (timeline_svg.c) -------------------------------------------------------------------------------- */

/* A whole SVG file, spelled like gnuplot's so that plot_inline_svg() takes it into a page. */
void timeline_svg(FILE *out, const struct timeline *t, const struct scene *s, const char *title);

#endif
