/*
 * appendix.c - the report behind its workloads: memory per task, figures, counters, twins, what was left out, how to repeat it,
 * and the facts about machine and subjects.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

/* ---- memory ------------------------------------------------------------------------------------------------- */

static void fit_cell(struct doc *d, const struct slope *s, enum memory_part part)
{
	const struct theil_sen *f = &s->fit[part];
	struct stats_estimate e = {
		.n = s->ok[part], .median = f->slope, .has_interval = f->has_interval, .lo = f->lo, .hi = f->hi};

	content_value(d, &e, UNIT_BYTES, false);
}

/* What a program costs once: the line's height at no task. */
static void fixed_cell(struct doc *d, const struct slope *s)
{
	const struct theil_sen *f = &s->fit[MEM_TOTAL];
	struct stats_estimate e = {.n = s->ok[MEM_TOTAL],
				   .median = f->intercept,
				   .has_interval = f->intercept_has_interval,
				   .lo = f->intercept_lo,
				   .hi = f->intercept_hi};

	content_value(d, &e, UNIT_BYTES, false);
}

/* Where there could not be as many tasks as wanted: how many there were, and what was used up. */
static void say_limits(struct doc *d, const struct report *r)
{
	if (r->n_limits == 0)
		return;
	doc_list(d, true);
	for (size_t i = 0; i < r->n_limits; i++) {
		const struct limit *l = &r->limits[i];

		words_code(d->text, l->cell->id);
		doc_say(d, ", ");
		words_plain(d->text, l->subject);
		doc_say(d, ": %zu of %zu samples stopped", l->n, l->of);
		if (l->least_tasks < l->most_tasks)
			doc_say(d, " at %.0f to %.0f tasks", l->least_tasks, l->most_tasks);
		else if (l->least_tasks > 0)
			doc_say(d, " at %.0f tasks", l->least_tasks);
		doc_say(d, ". The limit: **");
		words_plain(d->text, l->name);
		doc_say(d, " = %.0f** (used %.0f; ", l->limit, l->used);
		words_code(d->text, l->where);
		doc_say(d, ").");
		doc_item(d);
	}
	doc_list(d, false);
}

void content_memory(struct doc *d, const struct report *r)
{
	static const char *const names[] = {SAID("model"),
					    SAID("bytes per task, all in"),
					    SAID("RSS"),
					    SAID("page tables"),
					    SAID("kernel stacks"),
					    SAID("slab"),
					    SAID("PSS"),
					    SAID("sockets' buffers"),
					    SAID("fixed cost"),
					    SAID("tasks"),
					    SAID("n")};

	if (r->n_slopes == 0 && r->n_limits == 0)
		return;
	doc_say(d, "Memory per task");
	doc_heading(d, 2, "memory-per-task");
	say_limits(d, r);
	if (r->n_slopes == 0)
		return;
	doc_say(d, "The slope of memory against the number of live tasks (Theil-Sen, with its rank interval): all in, "
		   "and its parts. "
		   "Kernel stacks, page tables and slab are read system-wide as differences. The slope leaves out what "
		   "a program costs "
		   "once; that is the fixed cost. PSS counts what processes share by shares; it and the buffers of "
		   "sockets are "
		   "not in the sum.");
	doc_table(d, true);
	CONTENT_HEADS(d, names);
	for (size_t i = 0; i < r->n_slopes; i++) {
		const struct slope *s = &r->slopes[i];

		doc_row(d, false);
		content_name(d, r, s->subject);
		if (s->params[0]) {
			doc_say(d, " ");
			words_code(d->text, s->params);
		}
		doc_cell(d, CELL_PLAIN);
		for (size_t part = 0; part < MEM_PARTS; part++)
			fit_cell(d, s, (enum memory_part)part);
		fixed_cell(d, s);
		doc_say(d, "%.0f-%.0f", s->x_min, s->x_max);
		doc_cell(d, CELL_NUMBER);
		doc_say(d, "%zu", s->fit[MEM_TOTAL].n);
		doc_cell(d, CELL_NUMBER);
	}
	doc_table(d, false);
}

/* ---- figures ------------------------------------------------------------------------------------------------- */

void content_row_head(struct doc *d, const struct cell *c, const char *subject)
{
	doc_row(d, false);
	words_plain(d->text, c->workload);
	doc_say(d, " ");
	words_code(d->text, c->name);
	doc_say(d, " ");
	words_plain(d->text, subject);
	words_release(d->text, cell_series(c, subject) ? cell_series(c, subject)->describe : NULL);
	doc_cell(d, CELL_PLAIN);
}

/* The text is the caption. */
static void figure_table(struct doc *d, const char *name, const struct side_figure *figures, size_t n)
{
	const char *const heads[] = {SAID("cell, model"), name,     SAID("median over processes"), SAID("least"),
				     SAID("greatest"),    SAID("n")};

	doc_table(d, true);
	CONTENT_HEADS(d, heads);
	for (size_t i = 0; i < n; i++) {
		const struct side_figure *f = &figures[i];
		char text[64];

		content_row_head(d, f->cell, f->subject);
		words_code(d->text, say(f->name));
		doc_cell(d, CELL_PLAIN);
		content_value(d, &f->value, UNIT_PLAIN, false);
		words_number(text, sizeof(text), f->value.min, UNIT_PLAIN);
		doc_say(d, "%s", text);
		doc_cell(d, CELL_NUMBER);
		words_number(text, sizeof(text), f->value.max, UNIT_PLAIN);
		doc_say(d, "%s", text);
		doc_cell(d, CELL_NUMBER);
		doc_say(d, "%zu", f->value.n);
		doc_cell(d, CELL_NUMBER);
	}
	doc_table(d, false);
}

void content_figures(struct doc *d, const struct report *r)
{
	if (r->n_figures == 0)
		return;
	doc_say(d, "Figures beside the metric");
	doc_heading(d, 2, "figures");
	doc_say(d, "What workloads tell beside their metric; what each means stands in the workload's "
		   "paragraph on fairness. Nothing is judged by them.");
	figure_table(d, SAID("figure"), r->figures, r->n_figures);
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
		words_record(d->text, c->why);
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
	content_row_head(d, c->cell, c->subject);
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
	doc_say(d, "Events per operation, median over those of n counted processes whose set had the event [interval; "
		   "none "
		   "with fewer than six]. An "
		   "event that shared a hardware register is "
		   "scaled "
		   "by the time in which it had one, and left out below a quarter of the time; report.json has scopes, "
		   "shares, and events per switch.");
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

static void value_or_dash(struct doc *d, const struct stats_estimate *e)
{
	if (e->n) {
		content_value(d, e, UNIT_PLAIN, false);
		return;
	}
	doc_say(d, "–");
	doc_cell(d, CELL_MISSING);
}

static void switch_table(struct doc *d, const struct report *r)
{
	static const char *const heads[] = {SAID("cell, model"), SAID("event"), SAID("per kernel switch"),
					    SAID("per switch of the model's own")};
	bool open = false;

	for (size_t i = 0; i < r->n_counters; i++) {
		const struct counter *c = &r->counters[i];

		if (c->per_kernel_switch.n == 0 && c->per_own_switch.n == 0)
			continue;
		if (!open) {
			doc_say(d, "Events per switch: kernel switches by getrusage, own ones by the model's count, "
				   "both of the "
				   "counted process.");
			doc_table(d, true);
			CONTENT_HEADS(d, heads);
			open = true;
		}
		content_row_head(d, c->cell, c->subject);
		words_code(d->text, c->name);
		doc_cell(d, CELL_PLAIN);
		value_or_dash(d, &c->per_kernel_switch);
		value_or_dash(d, &c->per_own_switch);
	}
	if (open)
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
		char text[96];

		words_code(d->text, r->costs[i].subject);
		words_value(text, sizeof(text), e, UNIT_PLAIN);
		doc_say(d, ": %s (median of %zu cell%s, %.2f to %.2f)", text, e->n, e->n == 1 ? "" : "s", e->min,
			e->max);
		doc_item(d);
	}
	if (r->n_costs)
		doc_list(d, false);
	counter_reasons(d, r);
	counter_table(d, r);
	switch_table(d, r);
	if (r->n_ratios == 0)
		return;
	doc_say(d, "Ratios of counters, each of one process and one set, which was counted at one time.");
	figure_table(d, SAID("ratio"), r->ratios, r->n_ratios);
}

/* ---- twins, exclusions ------------------------------------------------------------------------------------------ */

void content_twins(struct doc *d, const struct report *r)
{
	static const char *const names[] = {SAID("cell, model"), SAID("ratio"),  SAID("interval"),
					    SAID("half-width"),  SAID("rounds"), SAID("differs")};

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
	CONTENT_HEADS(d, names);
	for (size_t i = 0; i < r->n_twins; i++) {
		const struct twin *t = &r->twins[i];

		doc_row(d, false);
		words_code(d->text, t->cell->id);
		doc_say(d, " ");
		content_name(d, r, t->subject);
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
		doc_say(d, !t->known ? "not known" : t->differs ? "**yes**" : "no");
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
		words_record(d->text, r->excluded[i].why);
		doc_say(d, ".");
		doc_item(d);
	}
	json_array_foreach (r->warnings, i, warning) {
		words_record(d->text,
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
	words_code(d->text, *field_text(tool, "git_rev", "") ? field_text(tool, "git_rev", "") : say("unknown"));
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
	const struct cell *where;
	json_t *knobs = runtime_told(r, subject, "knobs", &where);

	if (!knobs)
		return;
	doc_say(d, "; settings in ");
	words_code(d->text, where->id);
	doc_say(d, ": ");
	runtime_settings(d, knobs);
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
	static const char *const names[] = {SAID("fact"), SAID("value")};
	json_t *host = json_object_get(r->run, "host"), *value;
	const char *key;

	doc_say(d, "Machine and subjects in full");
	doc_heading(d, 2, "facts");
	say_subjects(d, r);
	doc_say(d, "All facts about the machine");
	doc_fold(d, true);
	doc_say(d, "As measured at the start of the run.");
	doc_table(d, true);
	CONTENT_HEADS(d, names);
	json_object_foreach (host, key, value) {
		char *text;

		if (strcmp(key, "topology") == 0) /* drawn above */
			continue;
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

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
