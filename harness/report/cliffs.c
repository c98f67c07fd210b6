/*
 * cliffs.c - steps in what an operation costs, between neighbours along one parameter.
 *
 * A mean over sizes hides a cost that jumps: a queue that overflows at 256 tasks, a table that grows at a power of two. So
 * a plan can put cells close to each other on both sides of a suspected edge, and here the report says where there is a
 * step and where there is none. Neighbours are cells that differ in one whole-number parameter alone, by at most an
 * eighth: over so short a way a cost that follows the parameter moves little, and what is larger is an edge. A step is told
 * when the two medians differ by a tenth and their intervals do not overlap. "No step" is said of axes that have
 * neighbours, with the largest difference that the intervals leave open, since not seen is not the same as not there.
 */
#include <math.h>
#include <string.h>

#include "harness/report/curve.h"
#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/words.h"

static const double NEAR = 1.125, STEP = 1.1; /* arbitrary; docs/method.md names them */

static bool has_interval(const struct series *s)
{
	return s && EST(s, Q_VALUE)->n && EST(s, Q_VALUE)->has_interval && EST(s, Q_VALUE)->lo > 0;
}

/* The cell with the next larger value of the parameter, if it is near; NULL otherwise. */
static const struct cell *neighbour(const struct report *r, const struct cell *c, const char *key)
{
	double at = cell_param(c, key), best = INFINITY;
	const struct cell *next = NULL;

	for (size_t i = 0; i < r->n_cells; i++) {
		double v = cell_param(&r->cells[i], key);

		if (v > at && v < best && curve_has(c, key, &r->cells[i])) {
			best = v;
			next = &r->cells[i];
		}
	}
	return next && best <= at * NEAR ? next : NULL;
}

/* What was found along one parameter. */
struct found {
	size_t pairs; /* of neighbours, over subjects */
	size_t steps;
	double open; /* the largest ratio of a pair without a step that its intervals leave open */
	double from, to; /* the values between which there were neighbours */
};

static void say_step(struct doc *d, const struct cell *a, const struct cell *b, const char *key, const char *subject,
		     double ratio)
{
	doc_say(d, ratio > 1 ? "**Cliff.** " : "**Drop.** ");
	words_code(d->text, subject);
	doc_say(d, ": from ");
	words_code(d->text, a->name);
	doc_say(d, " to %s=%.0f an operation costs %.2f times as much.", key, cell_param(b, key), ratio);
	doc_para(d, PARA_PLAIN);
}

static void compare(struct doc *d, const struct cell *a, const struct cell *b, const char *key, struct found *f)
{
	for (size_t i = 0; i < a->n_series; i++) {
		const struct series *x = &a->series[i], *y = cell_series(b, x->subject);
		const struct stats_estimate *p, *q;
		double ratio;

		if (x->is_twin || !has_interval(x) || !has_interval(y))
			continue;
		p = EST(x, Q_VALUE);
		q = EST(y, Q_VALUE);
		ratio = q->median / p->median;
		f->pairs++;
		if ((ratio >= STEP && q->lo > p->hi) || (ratio <= 1 / STEP && q->hi < p->lo)) {
			f->steps++;
			say_step(d, a, b, key, x->subject, ratio);
		} else {
			f->open = fmax(f->open, fmax(q->hi / p->lo, p->hi / q->lo));
		}
	}
}

static void along(struct doc *d, const struct report *r, const char *workload, const char *key)
{
	struct found f = {.from = INFINITY, .to = -INFINITY, .open = 1};

	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i], *next;

		if (strcmp(c->workload, workload) != 0 || isnan(cell_param(c, key)))
			continue;
		next = neighbour(r, c, key);
		if (!next)
			continue;
		f.from = fmin(f.from, cell_param(c, key));
		f.to = fmax(f.to, cell_param(next, key));
		compare(d, c, next, key, &f);
	}
	if (f.pairs == 0)
		return;
	doc_say(d, "**Cliffs** along ");
	words_code(d->text, key);
	doc_say(d, ": %zu steps among %zu pairs of neighbours between %.0f and %.0f", f.steps, f.pairs, f.from, f.to);
	if (f.steps < f.pairs)
		doc_say(d, "; where there is none, the intervals leave open up to %.2fx", f.open);
	doc_say(d, ".");
	doc_para(d, PARA_PLAIN);
}

void content_cliffs(struct doc *d, const struct report *r, const char *workload, const json_t *about)
{
	json_t *p;
	size_t i;

	json_array_foreach (json_object_get(about, "params"), i, p)
		along(d, r, workload, field_text(p, "name", ""));
}
