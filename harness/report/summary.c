/*
 * summary.c - a run on one terminal page: a table of medians, what is marked best, and what to be careful about.
 *
 * ASCII only (in English), no colour: it is read in logs too. Columns that do not fit the width are put below one another in
 * blocks.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

enum { LABEL_MIN = 20, COLUMN_MIN = 12, COLUMN_MAX = 24, INDENT = 2 };

/* As wide as the longest name: a cut one would not say which cell it is. Two columns must fit beside it. */
static size_t label_width(const struct report *r, unsigned width)
{
	size_t widest = LABEL_MIN, room = width > LABEL_MIN + 2 * COLUMN_MIN ? width - 2 * COLUMN_MIN : LABEL_MIN;

	for (size_t i = 0; i < r->n_cells; i++) {
		size_t n = strlen(r->cells[i].name) + INDENT;

		if (n > widest && n <= room)
			widest = n;
	}
	return widest;
}

/* A column holds a subject's name, with a blank and the mark; of a longer one its end is cut. */
static int column_width(const char *subject)
{
	size_t n = strlen(subject) + 2;

	return (int)(n < COLUMN_MIN ? COLUMN_MIN : n > COLUMN_MAX ? COLUMN_MAX : n);
}

/* How many of n subjects stand side by side in `room` characters; one at least. */
static size_t columns_that_fit(const char **subjects, size_t n, size_t room)
{
	size_t fit = 0, used = 0;

	while (fit < n && used + (size_t)column_width(subjects[fit]) <= room)
		used += (size_t)column_width(subjects[fit++]);
	return fit ? fit : 1;
}

/* A name that does not fit gets a line of its own. */
static void put_label(FILE *out, const char *name, size_t label)
{
	fprintf(out, "%*s%s", INDENT, "", name);
	if (strlen(name) + INDENT > label)
		fprintf(out, "\n%*s", (int)label, "");
	else
		fprintf(out, "%*s", (int)(label - INDENT - strlen(name)), "");
}

static void put_cell(FILE *out, const struct cell *c, const char *subject)
{
	static const struct {
		const char *status, *text;
	} absent[] = {{"unsupported", SAID("unsupp.")},
		      {"too_slow", SAID("too slow")},
		      {"failed", SAID("FAILED")},
		      {"void", SAID("void")},
		      {"smoke", SAID("certified")}};
	const struct series *s = cell_series(c, subject);
	char text[64] = "-", marked[68];

	if (!s) {
		text[0] = 0;
	} else if (EST(s, Q_VALUE)->n) {
		words_median(text, sizeof(text), EST(s, Q_VALUE), words_unit(c));
	} else {
		for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
			if (strcmp(s->status, absent[i].status) == 0)
				snprintf(text, sizeof(text), "%s", say(absent[i].text));
	}
	snprintf(marked, sizeof(marked), "%s%c", text, s && s->leads ? '*' : ' ');
	fprintf(out, "%*s", column_width(subject) + words_extra_bytes(marked), marked);
}

static bool in_block(const struct cell *c, const char **subjects, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cell_series(c, subjects[i]))
			return true;
	return false;
}

/* A table of n subjects, with the cells that have any of them. */
static void put_block(FILE *out, const struct report *r, const char **subjects, size_t n, size_t label)
{
	fprintf(out, "%-*s", (int)label, "");
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%*.*s ", column_width(subjects[i]) - 1, column_width(subjects[i]) - 2, subjects[i]);
	fputc('\n', out);
	for (size_t w = 0; w < r->n_workloads; w++) {
		bool named = false;

		for (size_t i = 0; i < r->n_cells; i++) {
			const struct cell *c = &r->cells[i];

			if (strcmp(c->workload, r->workloads[w]) != 0 || !in_block(c, subjects, n))
				continue;
			if (!named)
				fprintf(out, "%s\n", r->workloads[w]);
			named = true;
			put_label(out, c->name, label);
			for (size_t j = 0; j < n; j++)
				put_cell(out, c, subjects[j]);
			fputc('\n', out);
		}
	}
}

/* What measures the harness comes last. */
static void null_last(const char **subjects, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (strcmp(subjects[i], "null") == 0) {
			const char *null = subjects[i];

			memmove(subjects + i, subjects + i + 1, (n - i - 1) * sizeof(*subjects));
			subjects[n - 1] = null;
			return;
		}
}

static void put_verdicts(FILE *out, const struct report *r)
{
	static const char *const words[] = {"FASTER",     "SLOWER",       "LESS",     "MORE",
					    "EQUIVALENT", "INCONCLUSIVE", "UNTRUSTED"};
	const char *between = "";

	if (r->n_comparisons == 0)
		return;
	fputs(say("Comparisons: "), out);
	for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++) {
		size_t count = 0;

		for (size_t i = 0; i < r->n_comparisons; i++)
			count += strcmp(words_verdict(&r->comparisons[i]), words[k]) == 0;
		if (count) {
			fprintf(out, "%s%zu %s", between, count, say(words[k]));
			between = say(", ");
		}
	}
	fprintf(out, "%s\n", say("."));
}

static void put_reason(FILE *out, bool joined, const char *reason)
{
	char *said = say_record(reason);

	fprintf(out, "%s %s", joined ? say(";") : "", said ? said : reason);
	free(said);
}

void summary_write(FILE *out, const struct report *r, const char *dir, unsigned width)
{
	const char **subjects;
	size_t n = report_subjects(r, &subjects), label = label_width(r, width);
	json_t *reason;
	size_t i;

	null_last(subjects, n);
	fprintf(out, "%s\n\n", field_text(r->run, "run_id", ""));
	for (size_t first = 0, fit; first < n; first += fit) {
		fit = columns_that_fit(subjects + first, n - first, width > label ? width - label : 0);
		put_block(out, r, subjects + first, fit, label);
		fputc('\n', out);
	}
	fputs(say("Medians per operation (memory: per task); their intervals are in the report. * best group among "
		  "models\n"
		  "that the intervals separate.\n"),
	      out);
	put_verdicts(out, r);
	summary_runtimes(out, r, subjects, n);
	fprintf(out, say("Samples: %zu ok, %zu measured again, %zu void, %zu failed, %zu pairs unsupported.\n"),
		r->samples_ok, r->requeued, r->voided, r->failed, r->unsupported);
	if (r->n_simulations)
		fprintf(out,
			say("Simulated, not measured: instructions and cache misses of %zu cell and model pairs, in "
			    "the "
			    "report.\n"),
			r->n_simulations);
	if (r->noisy)
		fputs(say("NOISY:"), out);
	json_array_foreach (r->noise_reasons, i, reason)
		put_reason(out, i > 0, json_string_value(reason));
	if (r->noisy)
		fprintf(out, "%s\n", say("."));
	if (!json_is_true(json_object_get(r->run, "complete")))
		fputs(say("The run is not complete.\n"), out);
	if (say_language() == SAY_CHINESE)
		fprintf(out,
			say("Report: %s/report.zh-CN.html (also report.zh-CN.md; in English report.html, report.md)\n"),
			dir);
	else
		fprintf(out, "Report: %s/report.html (also report.md, report.json, benchstat.txt)\n", dir);
	free(subjects);
}
