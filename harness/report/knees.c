/*
 * knees.c - servers whose load was a percent of a knee (harness/plan/knee.h): the knees, with intervals over processes, and
 * what each model was offered and answered beside them.
 *
 * A knee is measured in the name of one cell and holds for all that differ from it in the load alone. What it is that ends
 * there is told by who was busy: the server's CPUs; the load generator, and then the server can do more than this; or neither,
 * and then it is the requests' own waiting, of which there can be no more than connections.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"

static const double SAME_LOAD = 0.01; /* rates are whole numbers of the same product: equal ones are equal; arbitrary */

static const char about_knees[] =
	SAID("Knees: the throughput of a closed loop on all connections, which is what an open loop gets beyond the "
	     "knee; median over processes [interval of at least 95 %]. A knee holds for all cells that differ from "
	     "its own in the load alone.");
static const char about_loads[] =
	SAID("Loads: an open loop at a percent of a knee. Where it is one model's knee for all, all have the same "
	     "requests at the same times. Where it is each one's own, they have not, and are neither compared nor "
	     "ranked. Response times count from when a request was due; beyond the knee they grow for as long as the "
	     "load lasts, and above 70 % of the base the slower side's queue is long: a verdict on CPU time there is "
	     "one on an overloaded server.");

bool loads_differ(const struct series *a, const struct series *b)
{
	double x = EST(a, Q_OFFERED)->median, y = EST(b, Q_OFFERED)->median;

	return series_knee_cell(a) && series_knee_cell(b) && fabs(x / y - 1) > SAME_LOAD;
}

static const json_t *knee_of(const struct series *s)
{
	return s->timed.n ? json_object_get(json_object_get(s->timed.at[0].sample, "load"), "knee") : NULL;
}

const char *series_knee_cell(const struct series *s)
{
	return field_text(knee_of(s), "cell", NULL);
}

/* ---- the knees ------------------------------------------------------------------------------------------- */

struct knee {
	struct stats_estimate rate, server_busy, generator_busy;
	size_t n_disturbed;
};

static bool estimate(const struct series *s, struct knee *out)
{
	out->n_disturbed = 0;
	for (size_t i = 0; i < s->knees.n; i++)
		out->n_disturbed += s->knees.at[i].contaminated;
	return s->knees.n > 0 && points_estimate(&s->knees, Q_RATE, VERDICT_LEVEL, &out->rate) == 0 &&
	       points_estimate(&s->knees, Q_BUSY, VERDICT_LEVEL, &out->server_busy) == 0 &&
	       points_estimate(&s->knees, Q_GENERATOR, VERDICT_LEVEL, &out->generator_busy) == 0;
}

/* The generator first: with it at its end nothing is known of the server's. NULL: others had the CPUs, so nobody can say. */
static const char *limit_of(const struct knee *k)
{
	if (k->generator_busy.median >= BUSY_SHARE)
		return "generator";
	if (k->server_busy.median >= BUSY_SHARE)
		return "cpu";
	return 2 * k->n_disturbed > k->rate.n ? NULL : "waiting";
}

static const char *limit_in_words(const struct knee *k)
{
	const char *limit = limit_of(k);

	if (!limit)
		return SAID("not known: other programs used the CPUs");
	return strcmp(limit, "generator") == 0 ? SAID("the load generator: it can do more")
	       : strcmp(limit, "cpu") == 0     ? SAID("its CPUs")
					       : SAID("neither CPU: requests wait, and connections are few");
}

static void knee_row(struct doc *d, const struct cell *c, const struct series *s, const struct knee *k)
{
	doc_row(d, false);
	content_series(d, c, s);
	doc_cell(d, CELL_PLAIN);
	content_value(d, &k->rate, UNIT_RATE, false);
	content_value(d, &k->server_busy, UNIT_SHARE, false);
	content_value(d, &k->generator_busy, UNIT_SHARE, false);
	doc_say(d, "%s", say(limit_in_words(k)));
	doc_cell(d, CELL_PLAIN);
	doc_say(d, "%zu", k->rate.n);
	if (k->n_disturbed)
		doc_say(d, " (%zu disturbed)", k->n_disturbed);
	doc_cell(d, CELL_NUMBER);
}

static void say_knees(struct doc *d, const struct report *r, const char *workload)
{
	static const char *const heads[] = {
		SAID("measured in cell, model"), SAID("knee"), SAID("server busy"), SAID("generator busy"),
		SAID("what ends there"),         SAID("n")};
	bool open = false;

	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series && strcmp(r->cells[i].workload, workload) == 0; j++) {
			struct knee k;

			if (!estimate(&r->cells[i].series[j], &k))
				continue;
			if (!open) {
				doc_say(d, "%s", say(about_knees));
				doc_table(d, true);
				CONTENT_HEADS(d, heads);
				open = true;
			}
			knee_row(d, &r->cells[i], &r->cells[i].series[j], &k);
		}
	if (open)
		doc_table(d, false);
}

/* ---- the loads ------------------------------------------------------------------------------------------- */

/* What was set, and so is the same in all processes. */
static void set_value(struct doc *d, const struct stats_estimate *e, enum unit unit)
{
	char text[64];

	words_number(text, sizeof(text), e->median, unit);
	doc_say(d, "%s", e->n ? text : "–");
	doc_cell(d, e->n ? CELL_NUMBER : CELL_MISSING);
}

static void load_row(struct doc *d, const struct cell *c, const struct series *s)
{
	const json_t *knee = knee_of(s);

	doc_row(d, false);
	content_series(d, c, s);
	doc_cell(d, CELL_PLAIN);
	doc_say(d, "%ld %% of %s", field_whole(knee, "percent", 0), field_text(knee, "base", "?"));
	doc_cell(d, CELL_PLAIN);
	set_value(d, EST(s, Q_OFFERED), UNIT_RATE);
	set_value(d, EST(s, Q_OWN_SHARE), UNIT_SHARE);
	content_value(d, EST(s, Q_RATE), UNIT_RATE, false);
	content_value(d, EST(s, Q_P50), UNIT_NS, false);
	content_value(d, EST(s, Q_P99), UNIT_NS, false);
}

static void say_loads(struct doc *d, const struct report *r, const char *workload)
{
	static const char *const heads[] = {SAID("cell, model"), SAID("load"), SAID("offered"), SAID("of its own knee"),
					    SAID("answered"),    SAID("p50"),  SAID("p99")};
	bool open = false;

	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series && strcmp(r->cells[i].workload, workload) == 0; j++) {
			const struct series *s = &r->cells[i].series[j];

			if (s->is_twin || !series_knee_cell(s))
				continue;
			if (!open) {
				doc_say(d, "%s", say(about_loads));
				doc_table(d, true);
				CONTENT_HEADS(d, heads);
				open = true;
			}
			load_row(d, &r->cells[i], s);
		}
	if (open)
		doc_table(d, false);
}

void content_knees(struct doc *d, const struct report *r, const char *workload)
{
	say_knees(d, r, workload);
	say_loads(d, r, workload);
}

static json_t *known(double v, bool is_known)
{
	return is_known ? json_number_or_null(v) : json_null();
}

json_t *knees_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			struct knee k;

			if (!estimate(&r->cells[i].series[j], &k))
				continue;
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:s?}", "cell",
						r->cells[i].id, "subject", r->cells[i].series[j].subject, "n",
						(int)k.rate.n, "requests_per_s", json_number_or_null(k.rate.median),
						"ci_low", known(k.rate.lo, k.rate.has_interval), "ci_high",
						known(k.rate.hi, k.rate.has_interval), "ci_level",
						known(k.rate.level, k.rate.has_interval), "server_busy",
						json_number_or_null(k.server_busy.median), "generator_busy",
						json_number_or_null(k.generator_busy.median), "limit", limit_of(&k)));
		}
	return list;
}
