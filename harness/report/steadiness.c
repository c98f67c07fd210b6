/*
 * steadiness.c - whether the processes of a row had come to rest when their region began: what their samples say under
 * time.steady, counted.
 *
 * It judges nothing. The region is long beside the epochs of the warm-up, and what disturbs these may be other programs: the
 * noise ledger covers the region alone. But a row most of whose processes never came to rest is marked, because its
 * median is of processes that were still changing.
 */
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/stats/steady.h"

enum { CLASSES = STEADY_TOO_FEW }; /* those before it */

struct steadiness {
	size_t of[CLASSES];
	size_t known; /* the sum of them */
	const char *why; /* of the first that is not known; NULL: all are */
};

static struct steadiness count(const struct series *s)
{
	struct steadiness out = {.why = NULL};

	for (size_t i = 0; i < s->timed.n; i++) {
		const json_t *time = json_object_get(s->timed.at[i].sample, "time");
		const char *class = field_text(time, "steady", "");
		size_t k = 0;

		while (k < CLASSES && strcmp(steady_name(k), class) != 0)
			k++;
		if (k < CLASSES)
			out.of[k]++, out.known++;
		else if (!out.why)
			out.why = field_text(json_object_get(time, "why"), "steady", "the samples do not tell");
	}
	return out;
}

static bool is_unsteady(const struct steadiness *s)
{
	return 2 * s->of[STEADY_NONE] > s->known;
}

json_t *steadiness_json(const struct series *series)
{
	struct steadiness s = count(series);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:s?}", "flat", (json_int_t)s.of[STEADY_FLAT], "warm_up",
			 (json_int_t)s.of[STEADY_WARM_UP], "slowdown", (json_int_t)s.of[STEADY_SLOWDOWN], "none",
			 (json_int_t)s.of[STEADY_NONE], "unknown", (json_int_t)(series->timed.n - s.known),
			 "no_steady_state", s.known ? json_boolean(is_unsteady(&s)) : json_null(), "why", s.why);
}

void content_unsteady(struct doc *d, const struct report *r, const char *workload)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		for (size_t j = 0; j < c->n_series && strcmp(c->workload, workload) == 0; j++) {
			struct steadiness s = count(&c->series[j]);

			if (!is_unsteady(&s))
				continue;
			doc_say(d, "**no-steady-state:** ");
			content_series(d, c, &c->series[j]);
			doc_say(d,
				": %zu of %zu processes had not come to rest when their region began. They were still "
				"changing, or other programs disturbed their warm-up.",
				s.of[STEADY_NONE], s.known);
			doc_para(d, PARA_NOTE);
		}
	}
}

static void steady_row(struct doc *d, const struct cell *c, const struct series *series, const struct steadiness *s)
{
	doc_row(d, false);
	words_plain(d->text, c->workload);
	doc_say(d, " ");
	content_series(d, c, series);
	doc_cell(d, CELL_PLAIN);
	for (size_t k = 0; k < CLASSES; k++) {
		doc_say(d, s->of[k] ? "%.0f %%" : "–", 100 * (double)s->of[k] / (double)s->known);
		doc_cell(d, s->of[k] ? CELL_NUMBER : CELL_MISSING);
	}
	doc_say(d, "%zu%s", s->known, is_unsteady(s) ? say(" **no-steady-state**") : "");
	doc_cell(d, CELL_NUMBER);
}

void content_steadiness(struct doc *d, const struct report *r)
{
	static const char *const names[] = {SAID("cell, model"),   SAID("flat"),        SAID("became faster"),
					    SAID("became slower"), SAID("not at rest"), SAID("processes")};
	bool open = false;

	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			const struct series *series = &r->cells[i].series[j];
			struct steadiness s = count(series);

			if (s.known == 0)
				continue;
			if (!open) {
				doc_say(d, "Steady state");
				doc_heading(d, 2, "steady-state");
				doc_say(d, "Before its region each process does the same work in epochs: what they "
					   "took per "
					   "operation says whether it had come to rest (the last five within 2 %%, or "
					   "without a trend), and how it got there. Shares of processes. Rows that are "
					   "not "
					   "here have one region and no epochs.");
				doc_table(d, true);
				CONTENT_HEADS(d, names);
				open = true;
			}
			steady_row(d, &r->cells[i], series, &s);
		}
	if (open)
		doc_table(d, false);
}
