/*
 * content.c - the report's first page: what was measured where, the headline, and what may be concluded.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

/* ---- the machine ----------------------------------------------------------------------------------------- */

static void say_caches(struct doc *d, const json_t *host)
{
	json_t *cache;
	size_t i;

	json_array_foreach (json_object_get(host, "caches"), i, cache) {
		char size[32];
		const char *type = field_text(cache, "type", "");

		if (strcmp(type, "instruction") == 0)
			continue;
		words_number(size, sizeof(size), field_number(cache, "bytes"), UNIT_BYTES);
		doc_say(d, ", L%ld%s %s", field_whole(cache, "level", 0), strcmp(type, "data") == 0 ? "d" : "", size);
	}
}

/* "word value" or the reason why it is not known. */
static void say_known(struct doc *d, const json_t *host, const char *before, const char *key)
{
	const json_t *v = json_object_get(host, key);
	const char *why = field_text(json_object_get(host, "why"), key, NULL);

	doc_say(d, "%s", say(before));
	if (json_is_string(v)) {
		words_plain(d->text, json_string_value(v));
	} else if (json_is_integer(v)) {
		doc_say(d, "%lld", (long long)json_integer_value(v));
	} else {
		doc_say(d, "not known");
		if (why) {
			doc_say(d, " (");
			words_record(d->text, why);
			doc_say(d, ")");
		}
	}
}

static void say_machine(struct doc *d, const struct report *r)
{
	const json_t *host = json_object_get(r->run, "host"), *pmu = json_object_get(host, "pmu");
	const char *virt = field_text(host, "virt", NULL);
	char mem[32];

	doc_say(d, "**Machine.** ");
	say_known(d, host, "", "cpu_model");
	say_known(d, host, SAID(" ("), "arch");
	say_known(d, host, SAID("), "), "vcpus");
	say_known(d, host, SAID(" CPUs on "), "cores");
	doc_say(d, " cores");
	say_caches(d, host);
	words_number(mem, sizeof(mem), field_number(host, "mem_bytes"), UNIT_BYTES);
	doc_say(d, ", %s of memory", mem);
	if (json_is_true(json_object_get(host, "siblings_suspected")))
		doc_say(d, "; its CPUs behave like hardware threads of one core");
	doc_say(d, ".");
	doc_para(d, PARA_PLAIN);
	if (virt && strcmp(virt, "none") != 0) {
		doc_say(d, "Virtualised (");
		words_plain(d->text, virt);
		doc_say(d, ")");
	} else {
		doc_say(d, virt ? "Not virtualised" : "Whether it is virtualised is not known");
	}
	say_known(d, host, SAID(", kernel "), "kernel");
	say_known(d, host, SAID(", "), "distro");
	say_known(d, host, SAID(", clock source "), "clocksource");
	say_known(d, host, SAID(", governor "), "governor");
	if (json_is_true(json_object_get(pmu, "available"))) {
		doc_say(d, ", hardware counters available");
	} else {
		doc_say(d, ", no hardware counters (");
		words_record(d->text, field_text(pmu, "why", "reason not known"));
		doc_say(d, ")");
	}
	doc_say(d, ".");
	doc_para(d, PARA_PLAIN);
}

/* How much identical programs differ here, as far as the twins can tell. */
static void say_twins(struct doc *d, const struct report *r)
{
	double widest = -1;

	for (size_t i = 0; i < r->n_twins; i++)
		if (r->twins[i].cmp.has_interval)
			widest = fmax(widest, r->twins[i].cmp.half_width);
	if (widest >= 0)
		doc_say(d, "Identical programs differed by up to %.1f %% (half-width of the widest A/A interval).",
			widest * 100);
	else if (r->n_twins)
		doc_say(d, "The A/A twins have too few rounds to tell how much identical programs differ here.");
	else
		doc_say(d, "No A/A twin was measured: how much identical programs differ here is not known.");
}

static void say_stamp(struct doc *d, const struct report *r)
{
	json_t *reason;
	size_t i;

	if (r->noisy) {
		doc_say(d, "This run is stamped **NOISY**");
		json_array_foreach (r->noise_reasons, i, reason) {
			doc_say(d, i ? "; " : ": ");
			words_record(d->text, json_string_value(reason));
		}
		doc_say(d, ". Differences below 5 %% are not called differences in it. ");
		say_twins(d, r);
		doc_para(d, PARA_WARNING);
	} else {
		doc_say(d,
			"**Noise.** Clean: %zu of the %zu timed samples that count were disturbed by other programs; "
			"%zu "
			"samples of disturbed rounds were measured again. ",
			r->contaminated, r->timed, r->requeued);
		say_twins(d, r);
		doc_para(d, PARA_PLAIN);
	}
	if (!json_is_true(json_object_get(r->run, "complete"))) {
		doc_say(d, "The run is not complete: it was interrupted, or is still going on. What is here is what it "
			   "had measured.");
		doc_para(d, PARA_WARNING);
	}
}

/* That cells have different numbers of rounds, and why that is no cheating. */
static void say_looks(struct doc *d, const struct report *r)
{
	size_t decided = 0, open = 0;

	if (r->n_looks == 0)
		return;
	for (size_t i = 0; i < r->n_comparisons; i++) {
		enum verdict_kind kind = r->comparisons[i].verdict.kind;

		*(kind == VERDICT_INCONCLUSIVE || kind == VERDICT_UNTRUSTED ? &open : &decided) += 1;
	}
	doc_say(d, "**Looks.** Comparisons were looked at after ");
	for (size_t i = 0; i < r->n_looks; i++)
		doc_say(d, "%s%u", i == 0 ? "" : i + 1 < r->n_looks ? say(", ") : say(" and "), r->looks[i].rounds);
	doc_say(d,
		" rounds; a cell ended when all of its had a verdict. Each look has a part of the 5 %% that a cell may "
		"err, so "
		"that its verdicts hold together whichever look they came from. Of %zu comparisons %zu were decided "
		"and %zu "
		"are open.",
		decided + open, decided, open);
	doc_para(d, PARA_PLAIN);
}

static void say_run(struct doc *d, const struct report *r)
{
	const json_t *plan = json_object_get(r->run, "plan");

	doc_say(d, "**Run.** Plan ");
	words_code(d->text, field_text(plan, "name", "?"));
	doc_say(d, ", %ld rounds, %zu cells, started ", field_whole(plan, "rounds", 0), r->n_cells);
	words_plain(d->text, field_text(r->run, "started", "?"));
	doc_say(d, "; %zu samples ok, %zu measured again, %zu void, %zu failed; %zu model and cell pairs unsupported.",
		r->samples_ok, r->requeued, r->voided, r->failed, r->unsupported);
	doc_para(d, PARA_PLAIN);
	say_looks(d, r);
}

/* ---- the headline ------------------------------------------------------------------------------------------ */

struct notes {
	char **text;
	size_t n;
};

/* The number of a footnote, one for each text. 0 when out of memory. */
static size_t note_number(struct notes *notes, const struct series *s)
{
	char *text = NULL, **slot;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return 0;
	words_absence(f, s);
	fclose(f);
	for (size_t i = 0; i < notes->n; i++)
		if (strcmp(notes->text[i], text) == 0) {
			free(text);
			return i + 1;
		}
	slot = GROW(notes->text, notes->n);
	if (!slot) {
		free(text);
		return 0;
	}
	*slot = text;
	return notes->n;
}

static void print_notes(struct doc *d, struct notes *notes)
{
	if (notes->n)
		doc_list(d, true);
	for (size_t i = 0; i < notes->n; i++) {
		doc_say(d, "(%zu) %s", i + 1, notes->text[i]);
		doc_item(d);
		free(notes->text[i]);
	}
	if (notes->n)
		doc_list(d, false);
	free(notes->text);
}

static void headline_cell(struct doc *d, const struct cell *c, const char *subject, struct notes *notes)
{
	const struct series *s = cell_series(c, subject);
	char text[96];

	if (!s) {
		doc_say(d, "·");
		doc_cell(d, CELL_MISSING);
	} else if (EST(s, Q_VALUE)->n == 0) {
		size_t number = note_number(notes, s);

		doc_say(d, "– (%zu)", number);
		doc_cell(d, CELL_MISSING);
	} else {
		words_value(text, sizeof(text), EST(s, Q_VALUE), words_unit(c));
		doc_say(d, "%s", text);
		if (!EST(s, Q_VALUE)->has_interval)
			doc_say(d, " (n=%zu)", EST(s, Q_VALUE)->n);
		doc_cell(d, s->leads ? CELL_BEST : CELL_NUMBER);
	}
}

static void table_heads(struct doc *d, const struct report *r, const char *first, const char **subjects, size_t n)
{
	doc_row(d, true);
	doc_say(d, "%s", say(first));
	doc_cell(d, CELL_PLAIN);
	for (size_t i = 0; i < n; i++) {
		content_name(d, r, subjects[i]);
		doc_cell(d, CELL_NUMBER);
	}
}

static void cell_label(struct doc *d, const struct report *r, const struct cell *c)
{
	words_plain(d->text, c->workload);
	doc_say(d, " ");
	words_code(d->text, c->name);
	if (cell_is_server(c) && network_is_narrow(r))
		doc_say(d, " (%ld server CPU%s)", c->workers, c->workers == 1 ? "" : "s");
}

/* Whether a column of the headline has anything for this cell. */
static bool shown_in_headline(const struct cell *c, const char **subjects, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cell_series(c, subjects[i]))
			return true;
	return false;
}

/* More columns than this fit neither a telephone nor paper: variants then stand in the tables of their workloads alone. */
enum { MOST_COLUMNS = 8 };

static void headline(struct doc *d, const struct report *r, const char **subjects, size_t n, bool without_variants)
{
	struct notes notes = {NULL, 0};

	doc_say(d, "Results");
	doc_heading(d, 2, "results");
	doc_say(d,
		"Per operation (wall time; CPU time for servers; bytes per task for memory): median over processes and "
		"its interval [in brackets] of at least 95 %%. Marked, where not all overlap: the best group of models "
		"whose intervals overlap; `serial` is the baseline without concurrency and is not ranked. ·: not in "
		"the "
		"plan. Fewer than six samples give no interval and no rank. A cell is named by its parameters, where "
		"it "
		"ran (same: on one CPU; cross, cache and the like: on several) and w, the number of worker CPUs, as "
		"far "
		"as they vary.");
	if (without_variants)
		doc_say(d, " Variants, and cells of them alone, are in the sections of their workloads.");
	doc_table(d, true);
	table_heads(d, r, SAID("cell"), subjects, n);
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		if (!shown_in_headline(c, subjects, n))
			continue;
		doc_row(d, false);
		cell_label(d, r, c);
		doc_cell(d, CELL_PLAIN);
		for (size_t j = 0; j < n; j++)
			headline_cell(d, c, subjects[j], &notes);
	}
	doc_table(d, false);
	print_notes(d, &notes);
}

static bool any_switches(const struct cell *c)
{
	for (size_t i = 0; i < c->n_series; i++)
		if (EST(&c->series[i], Q_SWITCHES)->n && !cell_is_memory(c))
			return true;
	return false;
}

static void switches(struct doc *d, const struct report *r, const char **subjects, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < r->n_cells; i++)
		any |= any_switches(&r->cells[i]) && shown_in_headline(&r->cells[i], subjects, n);
	if (!any)
		return;
	doc_say(d, "How often the kernel switched");
	doc_heading(d, 3, "kernel-switches");
	doc_say(d, "Kernel context switches per operation, voluntary and involuntary, of all threads of the process "
		   "(getrusage), medians with their intervals. A model that switches between its tasks without the "
		   "kernel stays near 0.");
	doc_table(d, true);
	table_heads(d, r, SAID("cell"), subjects, n);
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		if (!any_switches(c) || !shown_in_headline(c, subjects, n))
			continue;
		doc_row(d, false);
		cell_label(d, r, c);
		doc_cell(d, CELL_PLAIN);
		for (size_t j = 0; j < n; j++) {
			const struct series *s = cell_series(c, subjects[j]);

			if (s) {
				content_value(d, EST(s, Q_SWITCHES), UNIT_PLAIN, false);
				continue;
			}
			doc_say(d, "·");
			doc_cell(d, CELL_MISSING);
		}
	}
	doc_table(d, false);
}

/* ---- what the comparisons say -------------------------------------------------------------------------------- */

/* The comparisons of one pair of subjects within one workload. */
struct tally {
	size_t count[VERDICT_UNTRUSTED + 1];
	double least[2], most[2]; /* near edges of FASTER and SLOWER */
};

static bool same_pair(const struct comparison *a, const struct comparison *b)
{
	return strcmp(a->cell->workload, b->cell->workload) == 0 && strcmp(a->base->subject, b->base->subject) == 0 &&
	       strcmp(a->subject->subject, b->subject->subject) == 0;
}

static struct tally tally_pair(const struct report *r, const struct comparison *like)
{
	struct tally t = {.least = {INFINITY, INFINITY}};

	for (size_t i = 0; i < r->n_comparisons; i++) {
		const struct comparison *c = &r->comparisons[i];
		enum verdict_kind kind = c->verdict.kind;

		if (!same_pair(c, like))
			continue;
		t.count[kind]++;
		if (kind == VERDICT_FASTER || kind == VERDICT_SLOWER) {
			t.least[kind] = fmin(t.least[kind], c->verdict.near_edge);
			t.most[kind] = fmax(t.most[kind], c->verdict.near_edge);
		}
	}
	return t;
}

static void tally_cells(struct doc *d, const struct tally *t)
{
	for (int kind = VERDICT_FASTER; kind <= VERDICT_UNTRUSTED; kind++) {
		doc_say(d, t->count[kind] ? "%zu" : "–", t->count[kind]);
		if (kind <= VERDICT_SLOWER && t->count[kind]) {
			char least[32], most[32];

			words_at_least(least, sizeof(least), t->least[kind]);
			words_at_least(most, sizeof(most), t->most[kind]);
			doc_say(d, t->count[kind] == 1 ? " (at least %sx)" : " (at least %sx to %sx)", least, most);
		}
		doc_cell(d, t->count[kind] ? CELL_NUMBER : CELL_MISSING);
	}
}

static void tallies(struct doc *d, const struct report *r)
{
	static const char *const heads[] = {SAID("workload: model against model"),
					    SAID("less (faster)"),
					    SAID("more (slower)"),
					    SAID("same within 5 %"),
					    SAID("not separated"),
					    SAID("not trusted")};

	if (r->n_comparisons == 0)
		return;
	doc_say(d, "What may be concluded");
	doc_heading(d, 3, "conclusions");
	doc_say(d, "Cells in which the first model needs less (or more) of the metric than the second, by paired "
		   "rounds, with the "
		   "near edges of the intervals: the smallest and the largest of the differences that are certain.");
	doc_table(d, true);
	doc_row(d, true);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		doc_say(d, "%s", say(heads[i]));
		doc_cell(d, CELL_PLAIN);
	}
	for (size_t i = 0; i < r->n_comparisons; i++) {
		const struct comparison *c = &r->comparisons[i];
		struct tally t;
		size_t j = 0;

		while (!same_pair(&r->comparisons[j], c))
			j++;
		if (j < i)
			continue;
		t = tally_pair(r, c);
		doc_row(d, false);
		words_plain(d->text, c->cell->workload);
		doc_say(d, ": ");
		words_code(d->text, c->subject->subject);
		words_release(d->text, c->subject->describe);
		doc_say(d, " against ");
		words_code(d->text, c->base->subject);
		words_release(d->text, c->base->describe);
		doc_cell(d, CELL_PLAIN);
		tally_cells(d, &t);
	}
	doc_table(d, false);
	doc_say(d, "Intervals are corrected for the comparisons of their own cell, not for the whole report: of twenty "
		   "cells in "
		   "which nothing differs, one may show a difference. A difference below what identical programs show, "
		   "or below "
		   "1 %%, is never called one.");
	doc_para(d, PARA_NOTE);
}

void content_write(struct doc *d, const struct report *r)
{
	const char **subjects;
	size_t n = report_subjects(r, &subjects), kept = 0;
	const char *id = field_text(r->run, "run_id", "");

	for (size_t i = 0; i < n; i++) /* null measures the harness: it has its own section and no column */
		if (strcmp(subjects[i], "null") != 0 && !(n > MOST_COLUMNS && strchr(subjects[i], '+')))
			subjects[kept++] = subjects[i];
	d->format->begin(d->out, id);
	doc_say(d, "Switchyard report ");
	words_plain(d->text, id);
	doc_heading(d, 1, NULL);
	say_machine(d, r);
	doc_figure(d, &r->topology);
	say_run(d, r);
	say_stamp(d, r);
	content_short(d, r);
	content_questions(d, r);
	if (r->plots_why[0]) {
		doc_say(d, "Figures are missing: ");
		words_record(d->text, r->plots_why);
		doc_say(d, ".");
		doc_para(d, PARA_NOTE);
	}
	if (r->without_png) {
		doc_say(d,
			"No font is installed here that has Chinese characters: figures are drawn as SVG alone, whose "
			"text is drawn by the program that shows them. The PNG files beside them are the English "
			"ones.");
		doc_para(d, PARA_NOTE);
	}
	if (kept) {
		headline(d, r, subjects, kept, n > MOST_COLUMNS);
		content_runtimes(d, r, subjects, kept);
		switches(d, r, subjects, kept);
	}
	tallies(d, r);
	for (size_t i = 0; i < r->n_workloads; i++)
		content_workload(d, r, r->workloads[i]);
	content_memory(d, r);
	content_figures(d, r);
	content_steadiness(d, r);
	content_counters(d, r);
	content_simulated(d, r);
	content_timelines(d, r);
	content_twins(d, r);
	content_excluded(d, r);
	content_repeat(d, r);
	content_host(d, r);
	d->format->end(d->out);
	free(subjects);
}
