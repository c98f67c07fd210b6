/*
 * simulated.c - what cachegrind says of a cell's subjects: instructions and misses per operation, from pairs of samples.
 *
 * A pair is two processes of which the second did the same work twice (docs/records.md, `simulation`); what the one counted more
 * than the other is what the work took. It is simulated and called so wherever it stands: nothing of it is compared, ranked or
 * mixed with what was measured.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

/* By enum simulated_count. */
static const char *const keys[SIM_COUNT] = {"instructions", "data_refs", "i1_misses", "d1_misses", "ll_misses"};

/* By so many events two runs of the same work differ, in what starts and ends them. Seen: some dozens. */
#define WOBBLE 100.0

/* ---- pairs ----------------------------------------------------------------------------------------------- */

static const json_t *simulation_of(const struct point *p)
{
	return json_object_get(p->sample, "simulation");
}

static bool is_twice(const struct point *p)
{
	return json_is_true(json_object_get(simulation_of(p), "is_twice"));
}

/* The operations by which the second sample did more: of a finite problem it did the whole once more, as a warm-up. */
static double more_ops(const struct cell *c, const struct point *once, const struct point *twice)
{
	return strcmp(c->scaling, "finite") == 0 ? once->ops : twice->ops - once->ops;
}

/* Per operation, of one pair. */
static double slope(const struct cell *c, const struct point *once, const struct point *twice,
		    enum simulated_count what)
{
	double more = field_number(simulation_of(twice), keys[what]) - field_number(simulation_of(once), keys[what]);
	double ops = more_ops(c, once, twice);

	return ops > 0 ? more / ops : NAN;
}

/* Whether these two are a pair of samples, and the one of this number. Rounds may be any numbers. */
static bool is_pair(const struct point *once, const struct point *twice, long pair)
{
	return once->round % 2 == 0 && once->round / 2 == pair && twice->round % 2 == 1 && twice->round / 2 == pair &&
	       !is_twice(once) && is_twice(twice);
}

double simulated_per_op(const struct cell *c, const struct series *s, long pair, const char *name)
{
	const struct point *at = s->simulated.at;

	for (int what = 0; what < SIM_COUNT; what++)
		for (size_t i = 0; i + 1 < s->simulated.n; i++)
			if (strcmp(keys[what], name) == 0 && is_pair(&at[i], &at[i + 1], pair))
				return slope(c, &at[i], &at[i + 1], (enum simulated_count)what);
	return NAN;
}

/* Instructions for each switch that the model's own scheduler made. */
static double per_switch(const struct cell *c, const struct point *once, const struct point *twice)
{
	double switches = twice->q[Q_OWN_SWITCHES]; /* per operation, of the region */

	return switches >= 0.01 ? slope(c, once, twice, SIM_INSTRUCTIONS) / switches : NAN;
}

static int read_series(struct report *r, const struct cell *c, const struct series *s)
{
	struct simulation out = {.cell = c, .subject = s->subject, .ops = INFINITY}, *slot;
	size_t most = s->simulated.n / 2, n_switches = 0;
	double *v = calloc(most + 1, (SIM_COUNT + 1) * sizeof(*v)), *switches = v ? v + SIM_COUNT * (most + 1) : NULL;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < s->simulated.n; i++) {
		const struct point *once = &s->simulated.at[i], *twice = once + 1;
		double own;

		if (once->round % 2 != 0 || twice->round != once->round + 1 || is_twice(once) || !is_twice(twice) ||
		    !isfinite(slope(c, once, twice, SIM_INSTRUCTIONS)))
			continue;
		for (int what = 0; what < SIM_COUNT; what++)
			v[(size_t)what * (most + 1) + out.n] = slope(c, once, twice, (enum simulated_count)what);
		own = per_switch(c, once, twice);
		if (isfinite(own))
			switches[n_switches++] = own;
		out.ops = fmin(out.ops, more_ops(c, once, twice));
		out.n++;
		out.about = simulation_of(once);
	}
	for (int what = 0; what < SIM_COUNT; what++)
		stats_estimate(v + (size_t)what * (most + 1), out.n, VERDICT_LEVEL, &out.per_op[what]);
	stats_estimate(switches, n_switches, VERDICT_LEVEL, &out.per_switch);
	free(v);
	if (out.n == 0)
		return 0; /* half a pair says nothing: what went wrong stands among what was left out */
	slot = GROW(r->simulations, r->n_simulations);
	if (!slot)
		return -ENOMEM;
	*slot = out;
	return 0;
}

int report_simulations(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			const struct series *s = &r->cells[i].series[j];

			if (!s->is_twin && s->simulated.n && read_series(r, &r->cells[i], s))
				return -ENOMEM;
		}
	return 0;
}

/* ---- the page -------------------------------------------------------------------------------------------- */

/*
 * The median; where pairs differ by more than a hundredth, the least and the greatest, too. What is not above the wobble is
 * called about 0; report.json has the numbers.
 */
static void value(struct doc *d, const struct simulation *s, const struct stats_estimate *e)
{
	char text[64], least[64], greatest[64];

	if (e->n == 0) {
		doc_say(d, "–");
		doc_cell(d, CELL_MISSING);
		return;
	}
	if (fmax(fabs(e->min), fabs(e->max)) * s->ops < WOBBLE) {
		doc_say(d, "≈ 0");
		doc_cell(d, CELL_NUMBER);
		return;
	}
	words_number(text, sizeof(text), e->median, UNIT_PLAIN);
	doc_say(d, "%s", text);
	words_number(least, sizeof(least), e->min, UNIT_PLAIN);
	words_number(greatest, sizeof(greatest), e->max, UNIT_PLAIN);
	if (e->max - e->min > 0.01 * fabs(e->median) && strcmp(least, greatest) != 0)
		doc_say(d, " (%s to %s)", least, greatest);
	doc_cell(d, CELL_NUMBER);
}

static const struct simulation *serial_of(const struct report *r, const struct cell *c)
{
	for (size_t i = 0; i < r->n_simulations; i++)
		if (r->simulations[i].cell == c && strcmp(r->simulations[i].subject, "serial") == 0)
			return &r->simulations[i];
	return NULL;
}

/* Misses of the first level that the same work without any task does not have. */
static void beyond_serial(struct doc *d, const struct report *r, const struct simulation *s)
{
	const struct simulation *serial = serial_of(r, s->cell);
	double beyond;
	char text[64];

	if (!serial || serial == s) {
		doc_say(d, "–");
		doc_cell(d, CELL_MISSING);
		return;
	}
	beyond = s->per_op[SIM_D1].median - serial->per_op[SIM_D1].median;
	words_number(text, sizeof(text), beyond, UNIT_PLAIN);
	doc_say(d, "%s", fabs(beyond) * fmin(s->ops, serial->ops) < WOBBLE ? "≈ 0" : text);
	doc_cell(d, CELL_NUMBER);
}

static void say_cache(struct doc *d, const json_t *caches, const char *key, const char *name)
{
	const json_t *cache = json_object_get(caches, key);
	double bytes = field_number(cache, "bytes"), machine = field_number(cache, "machine_bytes");
	char text[64];

	words_number(text, sizeof(text), bytes, UNIT_BYTES);
	doc_say(d, "%s %s, %ld ways, lines of %ld B", name, text, field_whole(cache, "ways", 0),
		field_whole(cache, "line_bytes", 0));
	if (isnan(machine))
		doc_say(d, " (usual: this machine does not tell its own)");
	else if (machine != bytes) {
		words_number(text, sizeof(text), machine, UNIT_BYTES);
		doc_say(d, " (the machine's has %s, which cachegrind cannot take)", text);
	}
}

static void introduce(struct doc *d, const struct report *r)
{
	const json_t *about = r->simulations[0].about, *caches = json_object_get(about, "caches");

	doc_say(d, "Simulated: instructions and cache misses");
	doc_heading(d, 2, "simulated");
	doc_say(d, "**Simulated, not measured** (");
	words_plain(d->text, field_text(about, "tool", "valgrind"));
	doc_say(d, ", cachegrind): ");
	say_cache(d, caches, "i1", "I1");
	doc_say(d, "; ");
	say_cache(d, caches, "d1", "D1");
	doc_say(d, "; ");
	say_cache(d, caches, "ll", "LL");
	doc_say(d,
		". Two levels, no prefetcher, no TLB. User mode alone: what a model has the kernel do is not in it. "
		"All threads "
		"take turns in the same caches, so that there is no sharing between cores either. Per operation, as "
		"the "
		"difference of a process that does the work twice and one that does it once: medians of n such "
		"pairs (least to greatest where they differ). ≈ 0: fewer than %.0f in all, by which start and end of a "
		"process vary.",
		WOBBLE);
	doc_para(d, PARA_PLAIN);
}

void content_simulated(struct doc *d, const struct report *r)
{
	static const char *const heads[] = {
		SAID("cell, model (simulated)"), SAID("instructions/op"), SAID("instructions per own switch"),
		SAID("data references/op"),      SAID("I1 misses/op"),    SAID("D1 misses/op"),
		SAID("D1 beyond serial"),        SAID("LL misses/op"),    SAID("n")};

	if (r->n_simulations == 0)
		return;
	introduce(d, r);
	doc_table(d, true);
	CONTENT_HEADS(d, heads);
	for (size_t i = 0; i < r->n_simulations; i++) {
		const struct simulation *s = &r->simulations[i];

		content_row_head(d, s->cell, s->subject);
		value(d, s, &s->per_op[SIM_INSTRUCTIONS]);
		value(d, s, &s->per_switch);
		value(d, s, &s->per_op[SIM_DATA_REFS]);
		value(d, s, &s->per_op[SIM_I1]);
		value(d, s, &s->per_op[SIM_D1]);
		beyond_serial(d, r, s);
		value(d, s, &s->per_op[SIM_LL]);
		doc_say(d, "%zu", s->n);
		doc_cell(d, CELL_NUMBER);
	}
	doc_table(d, false);
}

/* ---- report.json ----------------------------------------------------------------------------------------- */

static json_t *estimate_json(const struct stats_estimate *e)
{
	if (e->n == 0)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "median", json_number_or_null(e->median), "min",
			 json_number_or_null(e->min), "max", json_number_or_null(e->max));
}

json_t *simulated_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_simulations; i++) {
		const struct simulation *s = &r->simulations[i];
		json_t *per_op = json_object();

		for (int what = 0; what < SIM_COUNT; what++)
			json_object_set_new(per_op, keys[what], estimate_json(&s->per_op[what]));
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:O?}", "cell", s->cell->id,
						      "subject", s->subject, "tool", field_text(s->about, "tool", "?"),
						      "n", (int)s->n, "per_op", per_op, "instructions_per_own_switch",
						      estimate_json(&s->per_switch), "caches",
						      json_object_get(s->about, "caches")));
	}
	return list;
}
