/*
 * answers.c - the two questions that this suite was built for, answered in a few sentences from the run's samples.
 *
 *   Why fewer kernel switches?  Kernel switches per operation of gmp against pthread where tasks do nothing but switch,
 *                               and how many switches gmp's own scheduler made meanwhile.
 *   When cache-friendly?        What a hop of the ring costs beyond the same walk over the same memory by the serial
 *                               baseline, at the smallest and at the largest working set.
 *
 * Unlike the rest of the report this file knows workloads, models and a parameter by name: these are the questions, and
 * a run without those cells gets no answer, and no excuse either. Every clause is chosen by intervals: with other
 * samples the text says "more", "no difference" or "cannot be told". Rejected: subtracting medians. The difference is
 * taken within each round, so that what slows a whole round down cancels, and has its own sign-test interval.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/words.h"

#define LEVEL 0.95

static const char *const switching[] = {"switch/ring", "switch/yield", "sync/pingpong"};
enum { SWITCHING = sizeof(switching) / sizeof(switching[0]) };
static const char ring[] = "switch/ring", working_set[] = "ws_kib", own_model[] = "gmp", threads_model[] = "pthread",
		  bare[] = "serial";

static void say_value(struct doc *d, const struct stats_estimate *e, enum unit unit)
{
	char text[96];

	words_value(text, sizeof(text), e, unit);
	doc_say(d, "%s", text);
}

static void say_heading(struct doc *d, bool *opened)
{
	if (*opened)
		return;
	*opened = true;
	doc_say(d, "In short");
	doc_heading(d, 2, "in-short");
}

/* The samples that the sentences lean on. */
struct basis {
	size_t samples, contaminated;
};

static void say_doubt(struct doc *d, const struct basis *b)
{
	if ((double)b->contaminated > VERDICT_CONTAMINATED_LIMIT * (double)b->samples)
		doc_say(d, " %zu of the %zu samples behind this were disturbed by other programs: not to be relied on.",
			b->contaminated, b->samples);
}

/* ---- kernel switches ---------------------------------------------------------------------------------------- */

/* The cells of one workload in which both models were measured. */
struct switch_pair {
	const struct cell *cell;
	const struct series *own, *threads;
};

static bool switch_pair_of(const struct cell *c, const char *workload, struct switch_pair *out)
{
	const struct series *own = cell_series(c, own_model), *threads = cell_series(c, threads_model);

	if (strcmp(c->workload, workload) != 0 || !own || !threads || EST(own, Q_SWITCHES)->n == 0 ||
	    EST(threads, Q_SWITCHES)->n == 0)
		return false;
	*out = (struct switch_pair){c, own, threads};
	return true;
}

enum order { FEWER, MORE, OPEN };

static enum order order_of(const struct switch_pair *p)
{
	const struct stats_estimate *a = EST(p->own, Q_SWITCHES), *b = EST(p->threads, Q_SWITCHES);

	if (!a->has_interval || !b->has_interval)
		return OPEN;
	return a->hi < b->lo ? FEWER : a->lo > b->hi ? MORE : OPEN;
}

static void say_count(struct doc *d, const size_t count[3])
{
	size_t all = count[FEWER] + count[MORE] + count[OPEN];

	doc_say(d, "**Kernel switches.** Per operation `%s` makes ", own_model);
	if (count[FEWER] == all)
		doc_say(d, "fewer than `%s` in all %zu cells", threads_model, all);
	else if (count[MORE] == all)
		doc_say(d, "more than `%s` in all %zu cells", threads_model, all);
	else
		doc_say(d,
			"fewer than `%s` in %zu, more in %zu and a number that cannot be told from it in %zu of %zu "
			"cells",
			threads_model, count[FEWER], count[MORE], count[OPEN], all);
}

/* One pair in numbers, with what the model's own scheduler did. */
static void say_pair(struct doc *d, const struct switch_pair *p)
{
	const struct stats_estimate *own = EST(p->own, Q_OWN_SWITCHES);

	words_plain(d->text, p->cell->workload);
	doc_say(d, " ");
	words_code(d->text, p->cell->name);
	doc_say(d, ": ");
	say_value(d, EST(p->own, Q_SWITCHES), UNIT_PLAIN);
	doc_say(d, " against ");
	say_value(d, EST(p->threads, Q_SWITCHES), UNIT_PLAIN);
	if (own->n) {
		doc_say(d, ", while its own scheduler switched ");
		say_value(d, own, UNIT_PLAIN);
		doc_say(d, " times without the kernel");
	}
}

static void answer_switches(struct doc *d, const struct report *r, bool *opened)
{
	struct switch_pair first[SWITCHING] = {{NULL, NULL, NULL}}, p;
	struct basis basis = {0, 0};
	const char *between = " of ";
	size_t count[3] = {0};

	for (size_t w = 0; w < SWITCHING; w++)
		for (size_t i = 0; i < r->n_cells; i++) {
			if (!switch_pair_of(&r->cells[i], switching[w], &p))
				continue;
			count[order_of(&p)]++;
			basis.samples += p.own->timed.n + p.threads->timed.n;
			basis.contaminated += p.own->n_contaminated + p.threads->n_contaminated;
			if (!first[w].cell)
				first[w] = p;
		}
	if (basis.samples == 0)
		return;
	say_heading(d, opened);
	say_count(d, count);
	for (size_t w = 0; w < SWITCHING; w++) {
		if (!first[w].cell)
			continue;
		doc_say(d, "%s", between);
		words_code(d->text, switching[w]);
		between = ", ";
	}
	doc_say(d, ".");
	say_doubt(d, &basis);
	doc_say(d, " In the first cell of each, medians and their intervals of at least 95 %%:");
	doc_para(d, PARA_PLAIN);
	doc_list(d, true);
	for (size_t w = 0; w < SWITCHING; w++) {
		if (!first[w].cell)
			continue;
		say_pair(d, &first[w]);
		doc_item(d);
	}
	doc_list(d, false);
}

/* ---- the working set ------------------------------------------------------------------------------------------- */

static double working_set_of(const struct cell *c)
{
	return field_number(json_object_get(c->json, "params"), working_set);
}

static bool has_bare(const struct cell *c)
{
	const struct series *s = cell_series(c, bare);

	return strcmp(c->workload, ring) == 0 && isfinite(working_set_of(c)) && s && s->timed.n > 0;
}

/* The same but for the working set. */
static bool same_but_working_set(const struct cell *a, const struct cell *b)
{
	json_t *pa = json_copy(json_object_get(a->json, "params")), *pb = json_copy(json_object_get(b->json, "params"));
	bool same;

	json_object_del(pa, working_set);
	json_object_del(pb, working_set);
	same = strcmp(a->placement, b->placement) == 0 && a->workers == b->workers && json_equal(pa, pb);
	json_decref(pa);
	json_decref(pb);
	return same;
}

/* The row of ring cells with the most working sets: its ends. False when no row has two. */
static bool find_ends(const struct report *r, const struct cell **smallest, const struct cell **largest)
{
	size_t most = 1;

	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *a = &r->cells[i], *lo = a, *hi = a;
		size_t n = 0;

		if (!has_bare(a))
			continue;
		for (size_t j = 0; j < r->n_cells; j++) {
			const struct cell *b = &r->cells[j];

			if (!has_bare(b) || !same_but_working_set(a, b))
				continue;
			n++;
			lo = working_set_of(b) < working_set_of(lo) ? b : lo;
			hi = working_set_of(b) > working_set_of(hi) ? b : hi;
		}
		if (n > most) {
			most = n;
			*smallest = lo;
			*largest = hi;
		}
	}
	return most > 1;
}

static double beyond(double model, double serial)
{
	return model - serial;
}

static double share(double model, double serial)
{
	return (model - serial) / model;
}

/* False when no round has both, or there is no memory. */
static bool estimate_against_bare(const struct cell *c, const struct series *s, double (*f)(double, double),
				  struct stats_estimate *out, struct basis *basis)
{
	double *v = malloc((s->timed.n + 1) * sizeof(*v));
	size_t n, contaminated;

	if (!v)
		return false;
	n = paired_points(s, cell_series(c, bare), Q_VALUE, f, v, &contaminated);
	stats_estimate(v, n, LEVEL, out);
	free(v);
	if (basis) {
		basis->samples += 2 * n;
		basis->contaminated += contaminated;
	}
	return n > 0;
}

/* "0 is inside" is what a reader must know of a difference. */
static void say_beyond(struct doc *d, const struct cell *c, const struct series *s, struct basis *basis)
{
	struct stats_estimate cost, part;

	if (!estimate_against_bare(c, s, beyond, &cost, basis))
		return;
	words_code(d->text, s->subject);
	doc_say(d, " ");
	if (!cost.has_interval) {
		say_value(d, &cost, words_unit(c));
		doc_say(d, " (%zu rounds: no interval)", cost.n);
	} else if (cost.lo <= 0 && cost.hi >= 0) {
		doc_say(d, "nothing that could be told from 0 (");
		say_value(d, &cost, words_unit(c));
		doc_say(d, ")");
	} else {
		say_value(d, &cost, words_unit(c));
		if (cost.hi < 0)
			doc_say(d, ", less than the bare walk");
		else if (estimate_against_bare(c, s, share, &part, NULL)) {
			doc_say(d, ", ");
			say_value(d, &part, UNIT_SHARE);
			doc_say(d, " of the hop");
		}
	}
}

/* Models with samples in a cell, baselines left out. */
static bool is_model(const struct series *s)
{
	return !s->is_twin && !subject_is_baseline(s->subject) && s->timed.n > 0;
}

static void say_end(struct doc *d, const struct cell *c, struct basis *basis)
{
	const char *between = "";

	words_code(d->text, c->name);
	doc_say(d, ": ");
	for (size_t i = 0; i < c->n_series; i++) {
		if (!is_model(&c->series[i]))
			continue;
		doc_say(d, "%s", between);
		say_beyond(d, c, &c->series[i], basis);
		between = "; ";
	}
	doc_say(d, ".");
}

static bool any_model(const struct cell *c)
{
	for (size_t i = 0; i < c->n_series; i++)
		if (is_model(&c->series[i]))
			return true;
	return false;
}

/* How many models have a cost at the largest working set that is told from 0. */
static void say_conclusion(struct doc *d, const struct cell *c)
{
	size_t models = 0, open = 0, costly = 0;

	for (size_t i = 0; i < c->n_series; i++) {
		struct stats_estimate e;

		if (!is_model(&c->series[i]) || !estimate_against_bare(c, &c->series[i], beyond, &e, NULL))
			continue;
		models++;
		open += !e.has_interval;
		costly += e.has_interval && e.lo > 0;
	}
	if (open || models == 0)
		return;
	if (costly == 0)
		doc_say(d, " There the memory decides: no model's switch can be told from the walk itself.");
	else
		doc_say(d, " There %zu of %zu model%s still cost%s something beyond the walk itself.", costly, models,
			models == 1 ? "" : "s", costly == 1 ? "s" : "");
}

static void answer_cache(struct doc *d, const struct report *r, bool *opened)
{
	const struct cell *smallest = NULL, *largest = NULL;
	struct basis basis = {0, 0};

	if (!find_ends(r, &smallest, &largest) || !any_model(smallest) || !any_model(largest))
		return;
	say_heading(d, opened);
	doc_say(d,
		"**Working set.** What a hop of the ring costs beyond the same walk over the same memory by `%s`, "
		"paired by "
		"rounds, at the smallest and at the largest working set:",
		bare);
	doc_para(d, PARA_PLAIN);
	doc_list(d, true);
	say_end(d, smallest, &basis);
	doc_item(d);
	say_end(d, largest, &basis);
	say_conclusion(d, largest);
	doc_item(d);
	doc_list(d, false);
	say_doubt(d, &basis);
	doc_para(d, PARA_PLAIN);
}

void content_answers(struct doc *d, const struct report *r)
{
	bool opened = false;

	answer_switches(d, r, &opened);
	answer_cache(d, r, &opened);
}
