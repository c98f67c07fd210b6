/*
 * sections.c - one section per workload: its figures, all its numbers, what is missing and what may be concluded.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

#define LITTLE_RESIDUAL 0.10 /* of the connections, above which the audit says so; arbitrary */

void content_heads(struct doc *d, const char *const *names, size_t n)
{
	doc_row(d, true);
	for (size_t i = 0; i < n; i++) {
		doc_say(d, "%s", say(names[i]));
		doc_cell(d, i ? CELL_NUMBER : CELL_PLAIN);
	}
}

void content_value(struct doc *d, const struct stats_estimate *e, enum unit unit, bool best)
{
	char text[96];

	words_value(text, sizeof(text), e, unit);
	doc_say(d, "%s", e->n ? text : "–");
	doc_cell(d, !e->n ? CELL_MISSING : best ? CELL_BEST : CELL_NUMBER);
}

void content_count(struct doc *d, const struct series *s)
{
	doc_say(d, "%zu", EST(s, Q_VALUE)->n);
	if (s->n_contaminated)
		doc_say(d, " (%zu disturbed)", s->n_contaminated);
	doc_cell(d, CELL_NUMBER);
}

void content_series(struct doc *d, const struct cell *c, const struct series *s)
{
	words_code(d->text, c->name);
	doc_say(d, " ");
	words_plain(d->text, s->subject);
	words_release(d->text, s->describe);
	if (s->is_twin)
		doc_say(d, "' (twin)");
}

static void rank_cell(struct doc *d, const struct series *s)
{
	if (s->rank_group)
		doc_say(d, "%u", s->rank_group);
	else
		doc_say(d, "–");
	doc_cell(d, s->rank_group ? CELL_NUMBER : CELL_MISSING);
}

/* ---- a workload ------------------------------------------------------------------------------------------- */

static void timed_row(struct doc *d, const struct cell *c, const struct series *s)
{
	content_value(d, EST(s, Q_VALUE), words_unit(c), s->leads);
	content_value(d, EST(s, Q_CPU), UNIT_NS, false);
	content_value(d, EST(s, Q_SWITCHES), UNIT_PLAIN, false);
	content_value(d, EST(s, Q_THREADS), UNIT_COUNT, false);
	rank_cell(d, s);
	content_count(d, s);
}

/* A percentile that only many values show; where they are too few, how many there are. */
static void tail_cell(struct doc *d, const struct series *s, enum quantity q)
{
	const struct point_list *timed = &s->timed;
	const json_t *latencies = timed->n ? sample_latencies(timed->at[timed->n - 1].sample) : NULL;
	long count = field_whole(latencies, "count", 0);

	if (EST(s, q)->n || count <= 0) {
		content_value(d, EST(s, q), UNIT_NS, false);
		return;
	}
	doc_say(d, "– (of %ld)", count);
	doc_cell(d, CELL_MISSING);
}

static void server_row(struct doc *d, const struct cell *c, const struct series *s)
{
	content_value(d, EST(s, Q_VALUE), words_unit(c), s->leads);
	content_value(d, EST(s, Q_SWITCHES), UNIT_PLAIN, false);
	content_value(d, EST(s, Q_BUSY), UNIT_SHARE, false);
	content_value(d, EST(s, Q_GENERATOR), UNIT_SHARE, false);
	if (EST(s, Q_BUSY)->median >= BUSY_SHARE) {
		content_value(d, EST(s, Q_RATE), UNIT_RATE, false);
	} else {
		doc_say(d, "n/a");
		doc_cell(d, CELL_MISSING);
	}
	content_value(d, EST(s, Q_P50), UNIT_NS, false);
	tail_cell(d, s, Q_P99);
	tail_cell(d, s, Q_P99_9);
	content_value(d, EST(s, Q_LITTLE), UNIT_SHARE, false);
	content_value(d, EST(s, Q_THREADS), UNIT_COUNT, false);
	content_count(d, s);
}

static void delay_row(struct doc *d, const struct cell *c, const struct series *s)
{
	content_value(d, EST(s, Q_VALUE), words_unit(c), s->leads);
	content_value(d, EST(s, Q_P50), UNIT_NS, false);
	tail_cell(d, s, Q_P99);
	tail_cell(d, s, Q_P99_9);
	content_value(d, EST(s, Q_CPU), UNIT_NS, false);
	content_value(d, EST(s, Q_SWITCHES), UNIT_PLAIN, false);
	content_value(d, EST(s, Q_THREADS), UNIT_COUNT, false);
	rank_cell(d, s);
	content_count(d, s);
}

static void memory_row(struct doc *d, const struct cell *c, const struct series *s)
{
	content_value(d, EST(s, Q_VALUE), words_unit(c), s->leads);
	for (int q = Q_MEM_RSS; q <= Q_MEM_SLAB; q++)
		content_value(d, EST(s, q), UNIT_BYTES, false);
	content_count(d, s);
}

static void workload_table(struct doc *d, const struct report *r, const struct cell *first)
{
	static const char *const timed[] = {SAID("cell, model"),
					    SAID("per operation"),
					    SAID("CPU per operation"),
					    SAID("kernel switches per operation"),
					    SAID("threads"),
					    SAID("rank"),
					    SAID("n")};
	static const char *const server[] = {SAID("cell, model"),
					     SAID("CPU per request"),
					     SAID("kernel switches per request"),
					     SAID("server busy"),
					     SAID("generator busy"),
					     SAID("throughput"),
					     SAID("p50"),
					     SAID("p99"),
					     SAID("p99.9"),
					     SAID("Little's law"),
					     SAID("threads"),
					     SAID("n")};
	static const char *const delay[] = {SAID("cell, model"),
					    SAID("delay (what is ranked)"),
					    SAID("p50"),
					    SAID("p99"),
					    SAID("p99.9"),
					    SAID("CPU per operation"),
					    SAID("kernel switches per operation"),
					    SAID("threads"),
					    SAID("rank"),
					    SAID("n")};
	static const char *const memory[] = {
		SAID("cell, model"),   SAID("per task, all in"),       SAID("RSS"),  SAID("page tables"),
		SAID("kernel stacks"), SAID("kernel stacks computed"), SAID("slab"), SAID("n")};

	doc_say(d, "Median over processes [interval of at least 95 %%; none with fewer than six].");
	if (cell_is_server(first))
		doc_say(d,
			" Percentiles of latency are medians over processes of each process's percentile; one is known "
			"where "
			"at least ten latencies lie beyond it, and else it says of how many. Throughput "
			"is given only where the server's CPUs were at least %d %% busy: below that it is the load "
			"generator's. Little's law: throughput times mean response time over the connections of a "
			"closed loop, which our own figures must bring to 100 %%.",
			(int)(BUSY_SHARE * 100));
	if (cell_is_delay(first))
		doc_say(d, " Percentiles of the delay are medians over processes of each process's percentile; one is "
			   "known where at least ten delays lie beyond it, and else it says of how many.");
	doc_table(d, true);
	if (cell_is_server(first))
		CONTENT_HEADS(d, server);
	else if (cell_is_memory(first))
		CONTENT_HEADS(d, memory);
	else if (cell_is_delay(first))
		CONTENT_HEADS(d, delay);
	else
		CONTENT_HEADS(d, timed);
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		for (size_t j = 0; j < c->n_series && strcmp(c->workload, first->workload) == 0; j++) {
			const struct series *s = &c->series[j];

			if (EST(s, Q_VALUE)->n == 0)
				continue;
			doc_row(d, false);
			content_series(d, c, s);
			doc_cell(d, CELL_PLAIN);
			if (cell_is_server(first))
				server_row(d, c, s);
			else if (cell_is_memory(first))
				memory_row(d, c, s);
			else if (cell_is_delay(first))
				delay_row(d, c, s);
			else
				timed_row(d, c, s);
		}
	}
	doc_table(d, false);
}

/* Cells in which the load generator had nothing left to give: then it, and not the server, sets the pace. */
static void generator_bound(struct doc *d, const struct report *r, const char *workload)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		for (size_t j = 0; j < c->n_series && strcmp(c->workload, workload) == 0; j++) {
			const struct series *s = &c->series[j];
			char busy[64];

			if (!(EST(s, Q_GENERATOR)->median >= BUSY_SHARE))
				continue;
			words_value(busy, sizeof(busy), EST(s, Q_GENERATOR), UNIT_SHARE);
			doc_say(d, "**Bound by the load generator:** ");
			content_series(d, c, s);
			doc_say(d,
				": the generator was %s busy. Requests per second and latency are its own there; CPU "
				"time "
				"per request is not concerned.",
				busy);
			doc_para(d, PARA_NOTE);
		}
	}
}

/* Little's law as an audit of our own figures: what rate and response time make of the connections that there are. */
static void say_little(struct doc *d, const struct report *r, const char *workload)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		for (size_t j = 0; j < c->n_series && strcmp(c->workload, workload) == 0; j++) {
			const struct series *s = &c->series[j];
			double share = EST(s, Q_LITTLE)->median;

			if (!(fabs(share - 1) > LITTLE_RESIDUAL))
				continue;
			doc_say(d, "**Audit:** ");
			content_series(d, c, s);
			doc_say(d,
				": throughput times mean response time leaves %+.0f %% of its connections unexplained. "
				"Below: "
				"they were idle at the beginning and the end of the region, or waited for the "
				"generator; "
				"above: a figure is wrong.",
				(share - 1) * 100);
			doc_para(d, PARA_NOTE);
		}
	}
}

/* Memory that was read before the kernel's figures had come to rest. */
static void say_unsettled(struct doc *d, const struct report *r, const char *workload)
{
	size_t unsettled = 0, all = 0;

	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series && strcmp(r->cells[i].workload, workload) == 0; j++) {
			unsettled += r->cells[i].series[j].n_unsettled;
			all += r->cells[i].series[j].timed.n;
		}
	if (unsettled == 0)
		return;
	doc_say(d,
		"In %zu of %zu samples a snapshot of memory did not wait until the kernel's figures had come to rest: "
		"something else was allocating. They count as disturbed.",
		unsettled, all);
	doc_para(d, PARA_WARNING);
}

static void absences(struct doc *d, const struct report *r, const char *workload)
{
	bool open = false;

	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		for (size_t j = 0; j < c->n_series && strcmp(c->workload, workload) == 0; j++) {
			const struct series *s = &c->series[j];

			if (EST(s, Q_VALUE)->n || s->is_twin)
				continue;
			if (!open)
				doc_list(d, true);
			open = true;
			content_series(d, c, s);
			doc_say(d, ": ");
			words_absence(d->text, s);
			doc_say(d, ".");
			doc_item(d);
		}
	}
	if (open)
		doc_list(d, false);
}

/* From where on a difference counts, for the cells of a workload. */
static void say_floor(struct doc *d, const struct report *r, const struct cell *c)
{
	if (c->twin)
		doc_say(d, "Noise floor: identical programs differ by %.1f %% here (A/A twin of `%s` in `%s`).",
			c->twin->cmp.half_width * 100, c->twin->subject, c->twin->cell->id);
	else
		doc_say(d,
			"No A/A twin with enough rounds was measured for this family of cells: differences count from "
			"%d %% on.",
			r->noisy ? 5 : 1);
	doc_para(d, PARA_NOTE);
}

static void comparisons(struct doc *d, const struct report *r, const char *workload)
{
	bool open = false;

	for (size_t i = 0; i < r->n_comparisons; i++) {
		const struct comparison *c = &r->comparisons[i];

		if (strcmp(c->cell->workload, workload) != 0)
			continue;
		if (!open) {
			doc_say(d, "Comparisons");
			doc_heading(d, 3, NULL);
			say_floor(d, r, c->cell);
			doc_list(d, true);
			open = true;
		}
		words_code(d->text, c->cell->name);
		doc_say(d, " **%s**: ", say(words_verdict(c)));
		words_comparison(d->text, c);
		doc_item(d);
	}
	if (open)
		doc_list(d, false);
}

static void figures(struct doc *d, const struct report *r, const char *workload)
{
	for (size_t i = 0; i < r->n_plots; i++)
		if (strcmp(r->plots[i].workload, workload) == 0)
			doc_figure(d, &r->plots[i]);
}

static void say_intro(struct doc *d, const struct report *r, const struct cell *c)
{
	char *summary = say_record(field_text(c->about, "summary", ""));

	if (summary && *summary) {
		if (say_language() == SAY_ENGLISH)
			summary[0] = (char)toupper((unsigned char)summary[0]);
		words_plain(d->text, summary);
		doc_say(d, strchr(".!?", summary[strlen(summary) - 1]) ? " " : ". ");
	}
	free(summary);
	doc_say(d, "One operation is ");
	words_record(d->text, cell_op(c));
	doc_say(d, ".");
	doc_para(d, PARA_PLAIN);
	if (cell_is_server(c) && network_is_narrow(r)) {
		doc_say(d,
			"**%ld server CPU%s.** With fewer than 4 CPUs the load generator takes one and the server has "
			"what is left; "
			"compare CPU time per request first.",
			c->workers, c->workers == 1 ? "" : "s");
		doc_para(d, PARA_PLAIN);
	}
}

/* What a sample costs beside its region, where that is what the workload is for. */
static void say_around(struct doc *d, const struct report *r, const char *workload)
{
	static const struct {
		enum quantity q;
		const char *what;
	} parts[] = {
		{Q_AROUND, SAID("from fork to waitpid, less the region")},
		{Q_SETTLE, SAID("settle pause before it, apart")},
		{Q_SPIN, SAID("calibration spins before and after it, apart")},
	};

	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		if (strcmp(c->workload, workload) != 0 || c->n_series == 0 || EST(&c->series[0], Q_AROUND)->n == 0)
			continue;
		doc_say(d,
			"What a sample costs the harness, medians of %zu processes:", EST(&c->series[0], Q_AROUND)->n);
		doc_para(d, PARA_PLAIN);
		doc_list(d, true);
		for (size_t j = 0; j < sizeof(parts) / sizeof(*parts); j++) {
			char text[96];

			words_value(text, sizeof(text), EST(&c->series[0], parts[j].q), UNIT_NS);
			doc_say(d, "%s: %s", say(parts[j].what), text);
			doc_item(d);
		}
		doc_list(d, false);
	}
}

/* What a subject tells of its body's source, or NULL; of a variant nothing, its model says the same. */
static json_t *subject_source(const json_t *subject, const char *workload)
{
	json_t *w, *all = json_object_get(json_object_get(subject, "describe"), "workloads");
	size_t i;

	if (strcmp(field_text(subject, "knobs", ""), "") != 0)
		return NULL;
	json_array_foreach (all, i, w)
		if (strcmp(field_text(w, "name", ""), workload) == 0)
			return json_object_get(w, "source");
	return NULL;
}

/* Models whose bodies are the same source, with the first of them: "gmp, pthread". */
static void say_sharers(struct doc *d, const struct report *r, const char *workload, const json_t *source)
{
	json_t *subject, *same;
	const char *between = "";
	size_t i;

	json_array_foreach (json_object_get(r->run, "subjects"), i, subject) {
		same = subject_source(subject, workload);
		if (same && json_equal(same, source)) {
			doc_say(d, "%s", say(between));
			words_code(d->text, field_text(subject, "id", "?"));
			between = ", ";
		}
	}
}

/* What each body took to write, one entry for the models that share it. */
static void say_source(struct doc *d, const struct report *r, const char *workload)
{
	json_t *subject, *source, *name;
	json_t *told = json_array();
	size_t i, j;

	json_array_foreach (json_object_get(r->run, "subjects"), i, subject) {
		source = subject_source(subject, workload);
		for (j = 0; source && j < json_array_size(told); j++)
			if (json_equal(json_array_get(told, j), source))
				source = NULL;
		if (!source || isnan(field_number(source, "lines")))
			continue;
		doc_say(d, json_array_size(told) ? "; " : "**Source.** Lines of code, without comments: ");
		json_array_append(told, source);
		say_sharers(d, r, workload, source);
		doc_say(d, " %.0f", field_number(source, "lines"));
		if (field_number(source, "shared_lines") > 0)
			doc_say(d, " and %.0f shared with other workloads", field_number(source, "shared_lines"));
		json_array_foreach (json_object_get(source, "primitives"), j, name) {
			doc_say(d, j ? ", " : " (");
			words_code(d->text, json_string_value(name) ? json_string_value(name) : "?");
		}
		doc_say(d, j ? ")" : "");
	}
	if (json_array_size(told)) {
		doc_say(d, ".");
		doc_para(d, PARA_PLAIN);
	}
	json_decref(told);
}

void content_workload(struct doc *d, const struct report *r, const char *workload)
{
	const struct cell *first = NULL;
	const char *fairness;
	char id[80], filter[100];

	for (size_t i = 0; i < r->n_cells && !first; i++)
		if (strcmp(r->cells[i].workload, workload) == 0)
			first = &r->cells[i];
	snprintf(id, sizeof(id), "%s", workload);
	for (char *p = id; *p; p++)
		if (*p == '/' || *p == ' ')
			*p = '-';
	words_plain(d->text, workload);
	doc_heading(d, 2, id);
	say_intro(d, r, first);
	if (strcmp(first->family, "null") == 0)
		say_around(d, r, workload);
	figures(d, r, workload);
	workload_table(d, r, first);
	content_knees(d, r, workload);
	generator_bound(d, r, workload);
	say_little(d, r, workload);
	say_unsettled(d, r, workload);
	content_unsteady(d, r, workload);
	absences(d, r, workload);
	comparisons(d, r, workload);
	content_cliffs(d, r, workload, first->about);
	content_scaling(d, r, workload);
	fairness = field_text(first->about, "fairness", NULL);
	if (fairness && *fairness) {
		doc_say(d, "**Fairness.** ");
		words_record(d->text, fairness);
		doc_para(d, PARA_PLAIN);
	}
	say_source(d, r, workload);
	provenance_note(d, r, workload);
	doc_say(d, "To repeat this section:");
	doc_para(d, PARA_NOTE);
	snprintf(filter, sizeof(filter), "workload:%s", workload);
	words_command(d->text, r, filter);
	doc_para(d, PARA_CODE);
}
