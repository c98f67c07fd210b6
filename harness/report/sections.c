/*
 * sections.c - the rest of the report: one section per workload, memory, counters, twins, what was left out, how to
 * repeat it, and the facts about machine and subjects.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/words.h"

static void heads(struct doc *d, const char *const *names, size_t n)
{
	doc_row(d, true);
	for (size_t i = 0; i < n; i++) {
		doc_say(d, "%s", names[i]);
		doc_cell(d, i ? CELL_NUMBER : CELL_PLAIN);
	}
}
#define HEADS(d, names) heads(d, names, sizeof(names) / sizeof((names)[0]))

static void number_cell(struct doc *d, const struct stats_estimate *e, enum unit unit)
{
	char text[64];

	words_median(text, sizeof(text), e, unit);
	doc_say(d, "%s", e->n ? text : "–");
	doc_cell(d, e->n ? CELL_NUMBER : CELL_MISSING);
}

static void value_cell(struct doc *d, const struct stats_estimate *e, enum unit unit, bool best)
{
	char text[96];

	words_value(text, sizeof(text), e, unit);
	doc_say(d, "%s", text);
	doc_cell(d, best ? CELL_BEST : CELL_NUMBER);
}

static void series_label(struct doc *d, const struct cell *c, const struct series *s)
{
	words_code(d->text, c->name);
	doc_say(d, " ");
	words_plain(d->text, s->subject);
	if (s->is_twin)
		doc_say(d, "' (twin)");
}

static void rank_cell(struct doc *d, const struct series *s)
{
	if (s->rank_group && !s->ranked_alone)
		doc_say(d, "%u", s->rank_group);
	else
		doc_say(d, "–");
	doc_cell(d, s->rank_group ? CELL_NUMBER : CELL_MISSING);
}

/* ---- a workload ------------------------------------------------------------------------------------------- */

static void timed_row(struct doc *d, const struct cell *c, const struct series *s)
{
	value_cell(d, EST(s, Q_VALUE), words_unit(c), s->rank_group == 1 && !s->ranked_alone);
	number_cell(d, EST(s, Q_CPU), UNIT_NS);
	number_cell(d, EST(s, Q_SWITCHES), UNIT_PLAIN);
	number_cell(d, EST(s, Q_THREADS), UNIT_COUNT);
	rank_cell(d, s);
	doc_say(d, "%zu", EST(s, Q_VALUE)->n);
	doc_cell(d, CELL_NUMBER);
}

static void server_row(struct doc *d, const struct cell *c, const struct series *s)
{
	double busy = EST(s, Q_BUSY)->median;

	value_cell(d, EST(s, Q_VALUE), words_unit(c), s->rank_group == 1 && !s->ranked_alone);
	number_cell(d, EST(s, Q_SWITCHES), UNIT_PLAIN);
	doc_say(d, isfinite(busy) ? "%.0f %%" : "–", busy * 100);
	doc_cell(d, CELL_NUMBER);
	if (busy >= 0.95) {
		number_cell(d, EST(s, Q_RATE), UNIT_RATE);
	} else {
		doc_say(d, "n/a");
		doc_cell(d, CELL_MISSING);
	}
	number_cell(d, EST(s, Q_P50), UNIT_NS);
	number_cell(d, EST(s, Q_P99), UNIT_NS);
	number_cell(d, EST(s, Q_THREADS), UNIT_COUNT);
	doc_say(d, "%zu", EST(s, Q_VALUE)->n);
	doc_cell(d, CELL_NUMBER);
}

/* Median over processes of one part of the memory per task. */
static void memory_part_cell(struct doc *d, const struct series *s, const char *key)
{
	struct stats_estimate e;
	double *v = malloc((s->timed.n + 1) * sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; v && i < s->timed.n; i++) {
		const json_t *memory = json_object_get(s->timed.at[i].sample, "memory");
		double bytes = field_number(json_object_get(memory, "per_task"), key);

		if (isfinite(bytes))
			v[n++] = bytes;
	}
	stats_estimate(v, n, 0.95, &e);
	number_cell(d, &e, UNIT_BYTES);
	free(v);
}

static void memory_row(struct doc *d, const struct cell *c, const struct series *s)
{
	static const char *const keys[] = {"rss_bytes", "pagetable_bytes", "kstack_bytes", "kstack_computed_bytes",
					   "slab_bytes"};

	value_cell(d, EST(s, Q_VALUE), words_unit(c), s->rank_group == 1 && !s->ranked_alone);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		memory_part_cell(d, s, keys[i]);
	doc_say(d, "%zu", EST(s, Q_VALUE)->n);
	doc_cell(d, CELL_NUMBER);
}

static void workload_table(struct doc *d, const struct report *r, const struct cell *first)
{
	static const char *const timed[] = {"cell, model",
					    "per operation",
					    "CPU per operation",
					    "kernel switches per operation",
					    "threads",
					    "rank",
					    "n"};
	static const char *const server[] = {"cell, model", "CPU per request", "kernel switches per request",
					     "server busy", "throughput",      "p50",
					     "p99",         "threads",         "n"};
	static const char *const memory[] = {"cell, model",   "per task, all in",       "RSS",  "page tables",
					     "kernel stacks", "kernel stacks computed", "slab", "n"};

	if (cell_is_server(first))
		doc_say(d, "Median over processes [interval of at least 95 %%]; percentiles of latency are medians "
			   "over processes of "
			   "each process's percentile. Throughput is given only where the server's CPUs were at least "
			   "95 %% busy: "
			   "below that it is the load generator's.");
	else
		doc_say(d, "Median over processes [interval of at least 95 %%].");
	doc_table(d, true);
	if (cell_is_server(first))
		HEADS(d, server);
	else if (cell_is_memory(first))
		HEADS(d, memory);
	else
		HEADS(d, timed);
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		for (size_t j = 0; j < c->n_series && strcmp(c->workload, first->workload) == 0; j++) {
			const struct series *s = &c->series[j];

			if (EST(s, Q_VALUE)->n == 0)
				continue;
			doc_row(d, false);
			series_label(d, c, s);
			doc_cell(d, CELL_PLAIN);
			if (cell_is_server(first))
				server_row(d, c, s);
			else if (cell_is_memory(first))
				memory_row(d, c, s);
			else
				timed_row(d, c, s);
		}
	}
	doc_table(d, false);
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
			series_label(d, c, s);
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
		doc_say(d, " **%s**: ", verdict_name(c->verdict.kind));
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
	const char *summary = field_text(c->about, "summary", NULL);

	if (summary && *summary) {
		doc_say(d, "%s%c", strchr("\\`*<>[]_#|", summary[0]) ? "\\" : "", toupper((unsigned char)summary[0]));
		words_plain(d->text, summary + 1);
		doc_say(d, strchr(".!?", summary[strlen(summary) - 1]) ? " " : ". ");
	}
	doc_say(d, "One operation is ");
	words_plain(d->text, cell_op(c));
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
		{Q_AROUND, "from fork to waitpid, less the region"},
		{Q_SETTLE, "settle pause before it, apart"},
		{Q_SPIN, "calibration spins before and after it, apart"},
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
			doc_say(d, "%s: %s", parts[j].what, text);
			doc_item(d);
		}
		doc_list(d, false);
	}
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
	absences(d, r, workload);
	comparisons(d, r, workload);
	fairness = field_text(first->about, "fairness", NULL);
	if (fairness && *fairness) {
		doc_say(d, "**Fairness.** ");
		words_plain(d->text, fairness);
		doc_para(d, PARA_PLAIN);
	}
	doc_say(d, "To repeat this section:");
	doc_para(d, PARA_NOTE);
	snprintf(filter, sizeof(filter), "workload:%s", workload);
	words_command(d->text, r, filter);
	doc_para(d, PARA_CODE);
}

/* ---- memory ------------------------------------------------------------------------------------------------- */

static void fit_cell(struct doc *d, const struct slope *s, enum memory_part part)
{
	const struct theil_sen *f = &s->fit[part];
	struct stats_estimate e = {
		.n = s->ok[part], .median = f->slope, .has_interval = f->has_interval, .lo = f->lo, .hi = f->hi};

	if (!s->ok[part]) {
		doc_say(d, "–");
		doc_cell(d, CELL_MISSING);
		return;
	}
	value_cell(d, &e, UNIT_BYTES, false);
}

void content_memory(struct doc *d, const struct report *r)
{
	static const char *const names[] = {
		"model", "bytes per task, all in", "RSS", "page tables", "kernel stacks", "slab", "fixed cost", "tasks",
		"n"};

	if (r->n_slopes == 0)
		return;
	doc_say(d, "Memory per task");
	doc_heading(d, 2, "memory-per-task");
	doc_say(d, "The slope of memory against the number of live tasks (Theil-Sen, with its rank interval): all in, "
		   "and its parts. "
		   "Kernel stacks, page tables and slab are read system-wide as differences. The slope leaves out what "
		   "a program costs "
		   "once; that is the fixed cost.");
	doc_table(d, true);
	HEADS(d, names);
	for (size_t i = 0; i < r->n_slopes; i++) {
		const struct slope *s = &r->slopes[i];
		static const enum memory_part order[] = {MEM_TOTAL, MEM_RSS, MEM_PAGETABLE, MEM_KSTACK, MEM_SLAB};
		char text[64];

		doc_row(d, false);
		words_plain(d->text, s->subject);
		if (s->params[0]) {
			doc_say(d, " ");
			words_code(d->text, s->params);
		}
		doc_cell(d, CELL_PLAIN);
		for (size_t part = 0; part < MEM_PARTS; part++)
			fit_cell(d, s, order[part]);
		words_number(text, sizeof(text), s->fit[MEM_TOTAL].intercept, UNIT_BYTES);
		doc_say(d, "%s", s->ok[MEM_TOTAL] ? text : "–");
		doc_cell(d, CELL_NUMBER);
		doc_say(d, "%.0f-%.0f", s->x_min, s->x_max);
		doc_cell(d, CELL_NUMBER);
		doc_say(d, "%zu", s->fit[MEM_TOTAL].n);
		doc_cell(d, CELL_NUMBER);
	}
	doc_table(d, false);
}

/* ---- counters ------------------------------------------------------------------------------------------------ */

/* Where all cells give the same reason for an event, one line says it; the table holds what was counted. */
static void counter_reasons(struct doc *d, const struct report *r)
{
	bool open = false;

	for (size_t i = 0; i < r->n_counters; i++) {
		const struct counter *c = &r->counters[i];
		size_t j = 0, same = 0;

		if (!c->why)
			continue;
		while (!(r->counters[j].why && strcmp(r->counters[j].name, c->name) == 0 &&
			 strcmp(r->counters[j].why, c->why) == 0))
			j++;
		if (j < i)
			continue;
		for (j = i; j < r->n_counters; j++)
			same += r->counters[j].why && strcmp(r->counters[j].name, c->name) == 0 &&
				strcmp(r->counters[j].why, c->why) == 0;
		if (!open)
			doc_list(d, true);
		open = true;
		words_code(d->text, c->name);
		doc_say(d, " not counted (%zu cell and model pairs): ", same);
		words_plain(d->text, c->why);
		doc_say(d, ".");
		doc_item(d);
	}
	if (open)
		doc_list(d, false);
}

/* The events that were counted anywhere, in the order of their first appearance; at most max of them. */
static size_t counted_events(const struct report *r, const char **names, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_counters; i++) {
		size_t j = 0;

		while (j < n && strcmp(names[j], r->counters[i].name) != 0)
			j++;
		if (!r->counters[i].why && j == n && n < max)
			names[n++] = r->counters[i].name;
	}
	return n;
}

/* One row: the counters from `first` on that belong to its cell and model. Returns where the next row begins. */
static size_t counter_row(struct doc *d, const struct report *r, size_t first, const char **names, size_t n)
{
	const struct counter *c = &r->counters[first];
	size_t end = first;

	while (end < r->n_counters && r->counters[end].cell == c->cell && r->counters[end].subject == c->subject)
		end++;
	doc_row(d, false);
	words_plain(d->text, c->cell->workload);
	doc_say(d, " ");
	words_code(d->text, c->cell->name);
	doc_say(d, " ");
	words_plain(d->text, c->subject);
	doc_cell(d, CELL_PLAIN);
	for (size_t i = 0; i < n; i++) {
		char text[96] = "–";

		for (size_t j = first; j < end; j++)
			if (strcmp(r->counters[j].name, names[i]) == 0 && !r->counters[j].why)
				words_value(text, sizeof(text), &r->counters[j].per_op, UNIT_PLAIN);
		doc_say(d, "%s", text);
		doc_cell(d, CELL_NUMBER);
	}
	doc_say(d, "%zu", c->n);
	doc_cell(d, CELL_NUMBER);
	return end;
}

static void counter_table(struct doc *d, const struct report *r)
{
	enum { EVENTS_MAX = 16 };
	const char *names[EVENTS_MAX];
	size_t n = counted_events(r, names, EVENTS_MAX);

	if (n == 0)
		return;
	doc_say(d, "Events per operation, median over n counted processes. An event that shared a hardware register is "
		   "scaled "
		   "by the time in which it had one, and left out below a quarter of the time; report.json has scopes "
		   "and shares.");
	doc_table(d, true);
	doc_row(d, true);
	doc_say(d, "cell, model");
	doc_cell(d, CELL_PLAIN);
	for (size_t i = 0; i < n; i++) {
		words_plain(d->text, names[i]);
		doc_cell(d, CELL_NUMBER);
	}
	doc_say(d, "n");
	doc_cell(d, CELL_NUMBER);
	for (size_t i = 0; i < r->n_counters;)
		i = counter_row(d, r, i, names, n);
	doc_table(d, false);
}

void content_counters(struct doc *d, const struct report *r)
{
	if (r->n_counters == 0 && r->n_costs == 0)
		return;
	doc_say(d, "Counters");
	doc_heading(d, 2, "counters");
	doc_say(d, "Counted samples are processes of their own: no time above comes from them.");
	if (r->n_costs)
		doc_say(d, " What counting costs, as wall time per operation of counted over timed samples:");
	doc_para(d, PARA_PLAIN);
	if (r->n_costs)
		doc_list(d, true);
	for (size_t i = 0; i < r->n_costs; i++) {
		const struct stats_estimate *e = &r->costs[i].ratio;

		words_code(d->text, r->costs[i].subject);
		doc_say(d, ": %.2f (median of %zu cell%s, %.2f to %.2f)", e->median, e->n, e->n == 1 ? "" : "s", e->min,
			e->max);
		doc_item(d);
	}
	if (r->n_costs)
		doc_list(d, false);
	counter_reasons(d, r);
	counter_table(d, r);
}

/* ---- twins, exclusions ------------------------------------------------------------------------------------------ */

void content_twins(struct doc *d, const struct report *r)
{
	static const char *const names[] = {"cell, model", "ratio", "interval", "half-width", "rounds", "differs"};

	doc_say(d, "A/A twins: what identical programs show here");
	doc_heading(d, 2, "twins");
	if (r->n_twins == 0) {
		doc_say(d, "No twin was measured in this run.");
		doc_para(d, PARA_PLAIN);
		return;
	}
	doc_say(d, "One subject entered twice in the same rounds. The half-width is the noise floor of the cells of "
		   "its family.");
	doc_table(d, true);
	HEADS(d, names);
	for (size_t i = 0; i < r->n_twins; i++) {
		const struct twin *t = &r->twins[i];

		doc_row(d, false);
		words_code(d->text, t->cell->id);
		doc_say(d, " ");
		words_plain(d->text, t->subject);
		doc_cell(d, CELL_PLAIN);
		doc_say(d, "%.3f", t->cmp.ratio);
		doc_cell(d, CELL_NUMBER);
		if (t->cmp.has_interval)
			doc_say(d, "%.3f-%.3f (%.1f %%)", t->cmp.lo, t->cmp.hi, floor(t->cmp.level * 1000) / 10);
		else
			doc_say(d, "none: too few rounds");
		doc_cell(d, CELL_NUMBER);
		doc_say(d, t->cmp.has_interval ? "%.1f %%" : "–", t->cmp.half_width * 100);
		doc_cell(d, CELL_NUMBER);
		doc_say(d, "%zu", t->cmp.n);
		doc_cell(d, CELL_NUMBER);
		doc_say(d, t->differs ? "**yes**" : "no");
		doc_cell(d, CELL_NUMBER);
	}
	doc_table(d, false);
}

void content_excluded(struct doc *d, const struct report *r)
{
	json_t *warning;
	size_t i;

	doc_say(d, "What was left out, and why");
	doc_heading(d, 2, "left-out");
	if (r->n_excluded == 0 && json_array_size(r->warnings) == 0) {
		doc_say(d, "Nothing: every planned sample is in the results.");
		doc_para(d, PARA_PLAIN);
		return;
	}
	doc_list(d, true);
	for (i = 0; i < r->n_excluded; i++) {
		words_code(d->text, r->excluded[i].what);
		doc_say(d, ": ");
		words_plain(d->text, r->excluded[i].why);
		doc_say(d, ".");
		doc_item(d);
	}
	json_array_foreach (r->warnings, i, warning) {
		words_plain(d->text,
			    json_is_string(warning) ? json_string_value(warning) : "a line that does not parse");
		doc_item(d);
	}
	doc_list(d, false);
}

/* ---- how to repeat it ----------------------------------------------------------------------------------------- */

void content_repeat(struct doc *d, const struct report *r)
{
	const json_t *tool = json_object_get(r->run, "tool"), *dirty = json_object_get(tool, "git_dirty");

	doc_say(d, "How to repeat this run");
	doc_heading(d, 2, "repeat");
	words_command(d->text, r, NULL);
	doc_para(d, PARA_CODE);
	doc_say(d, "Seed `%s`; ", field_text(r->run, "seed", "?"));
	words_plain(d->text, field_text(tool, "name", "switchyard"));
	doc_say(d, " ");
	words_plain(d->text, field_text(tool, "version", "?"));
	doc_say(d, ", commit ");
	words_code(d->text, *field_text(tool, "git_rev", "") ? field_text(tool, "git_rev", "") : "unknown");
	doc_say(d, json_is_true(dirty)    ? " **with uncommitted changes**"
		   : json_is_false(dirty) ? " without uncommitted changes"
					  : "");
	doc_say(d, "; built by ");
	words_plain(d->text, field_text(tool, "cc", "?"));
	doc_say(d, " with ");
	words_code(d->text, field_text(tool, "cflags", "?"));
	doc_say(d, " (");
	words_plain(d->text, field_text(tool, "build_type", "?"));
	doc_say(d, ").");
	doc_para(d, PARA_PLAIN);
	doc_say(d, "The pages are made from `run.json` and `samples.jsonl` alone; each figure can be drawn again with "
		   "`gnuplot` from its "
		   "`.gp` and `.dat` files in `plots/`.");
	doc_para(d, PARA_PLAIN);
}

/* The settings of a subject as its first timed sample says them. */
static void say_knobs(struct doc *d, const struct report *r, const char *subject)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct series *s = cell_series(&r->cells[i], subject);
		json_t *value, *knobs;
		const char *key;

		if (!s || s->timed.n == 0)
			continue;
		knobs = json_object_get(s->timed.at[0].sample, "knobs");
		if (!json_object_size(knobs))
			continue;
		doc_say(d, "; settings in ");
		words_code(d->text, r->cells[i].id);
		doc_say(d, ":");
		json_object_foreach (knobs, key, value) {
			doc_say(d, " ");
			words_plain(d->text, key);
			doc_say(d, "=");
			words_plain(d->text, json_is_string(value) ? json_string_value(value) : "?");
		}
		return;
	}
}

static void say_subjects(struct doc *d, const struct report *r)
{
	json_t *subject;
	size_t i;

	doc_list(d, true);
	json_array_foreach (json_object_get(r->run, "subjects"), i, subject) {
		const json_t *about = json_object_get(subject, "describe"), *build = json_object_get(about, "build");
		const char *id = field_text(subject, "id", "?");

		doc_say(d, "Subject ");
		words_code(d->text, id);
		doc_say(d, ": ");
		words_plain(d->text, field_text(about, "language", "?"));
		doc_say(d, ", version ");
		words_plain(d->text, field_text(about, "version", "?"));
		doc_say(d, ", ");
		words_plain(d->text, field_text(build, "cc", "?"));
		doc_say(d, " ");
		words_code(d->text, field_text(build, "cflags", ""));
		doc_say(d, ", SHA-256 ");
		words_code(d->text, field_text(subject, "sha256", "?"));
		say_knobs(d, r, id);
		doc_item(d);
	}
	doc_list(d, false);
}

void content_host(struct doc *d, const struct report *r)
{
	static const char *const names[] = {"fact", "value"};
	json_t *host = json_object_get(r->run, "host"), *value;
	const char *key;

	doc_say(d, "Machine and subjects in full");
	doc_heading(d, 2, "facts");
	say_subjects(d, r);
	doc_say(d, "All facts about the machine");
	doc_fold(d, true);
	doc_say(d, "As measured at the start of the run.");
	doc_table(d, true);
	HEADS(d, names);
	json_object_foreach (host, key, value) {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		doc_row(d, false);
		words_code(d->text, key);
		doc_cell(d, CELL_PLAIN);
		words_code(d->text, text ? text : "?");
		doc_cell(d, CELL_PLAIN);
		free(text);
	}
	doc_table(d, false);
	doc_fold(d, false);
}
