/*
 * runtimes.c - which runtimes a run compares: release and year, the stack of a task, the settings; what each cannot do; and
 * which of those that this build could have are not there.
 *
 * A number of a runtime without its version is worth little a year later, so a subject that tells the year of its release
 * carries both beside its name in every table (words_release). The settings are in one table, because nothing may be tuned
 * for one runtime alone and a reader has to be able to see that.
 */
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

const json_t *runtime_describe(const struct report *r, const char *subject)
{
	return json_object_get(json_by_id(json_object_get(r->run, "subjects"), subject), "describe");
}

/* The same of samples that enter no result: void ones tell their settings, too. */
static json_t *told_anywhere(const struct report *r, const char *subject, const char *key, const struct cell **where)
{
	json_t *sample, *told;
	size_t i;

	json_array_foreach (r->samples, i, sample) {
		told = json_object_get(sample, key);
		if (!json_object_size(told) || strcmp(field_text(sample, "subject", ""), subject) != 0)
			continue;
		for (size_t k = 0; k < r->n_cells; k++) {
			if (strcmp(r->cells[k].id, field_text(sample, "cell", "")) != 0)
				continue;
			if (where)
				*where = &r->cells[k];
			return told;
		}
	}
	return NULL;
}

/* The first timed sample of a subject that tells this. Borrowed, or NULL. */
json_t *runtime_told(const struct report *r, const char *subject, const char *key, const struct cell **where)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct series *s = cell_series(&r->cells[i], subject);
		json_t *told = s && s->timed.n ? json_object_get(s->timed.at[0].sample, key) : NULL;

		if (!json_object_size(told))
			continue;
		if (where)
			*where = &r->cells[i];
		return told;
	}
	return told_anywhere(r, subject, key, where);
}

void content_name(struct doc *d, const struct report *r, const char *subject)
{
	words_plain(d->text, subject);
	words_release(d->text, runtime_describe(r, subject));
}

static void stack_cell(struct doc *d, const json_t *stack)
{
	double bytes = field_number(stack, "bytes");
	char size[32];

	if (bytes > 0) {
		words_number(size, sizeof(size), bytes, UNIT_BYTES);
		doc_say(d, json_is_true(json_object_get(stack, "grows")) ? "%s, grows" : "%s", size);
	} else {
		words_record(d->text, field_text(stack, "why", SAID("not told")));
	}
	doc_cell(d, bytes > 0 ? CELL_NUMBER : CELL_MISSING);
}

void runtime_settings(struct doc *d, json_t *knobs)
{
	const char *key, *between = "";
	json_t *value;

	json_object_foreach (knobs, key, value) {
		doc_say(d, "%s", between);
		words_plain(d->text, key);
		doc_say(d, "=");
		words_plain(d->text, json_is_string(value) ? json_string_value(value) : "?");
		between = " ";
	}
}

static void runtime_row(struct doc *d, const struct report *r, const char *subject)
{
	const json_t *about = runtime_describe(r, subject);
	json_t *knobs = runtime_told(r, subject, "knobs", NULL);

	doc_row(d, false);
	content_name(d, r, subject);
	doc_cell(d, CELL_PLAIN);
	words_plain(d->text, field_text(about, "language", "?"));
	doc_cell(d, CELL_PLAIN);
	words_plain(d->text, field_text(about, "version", "?"));
	doc_cell(d, CELL_PLAIN);
	stack_cell(d, runtime_told(r, subject, "stack", NULL));
	if (json_object_size(knobs))
		runtime_settings(d, knobs);
	else
		doc_say(d, "–");
	doc_cell(d, CELL_PLAIN);
}

/* ---- what is absent ------------------------------------------------------------------------------------------ */

/* Why a subject has no body for the workload, in its own words; NULL: it does not say. */
static const char *lacks_why(const json_t *describe, const char *workload)
{
	const json_t *lacks = json_object_get(describe, "lacks");
	const char *why = field_text(lacks, workload, NULL);
	char family[64];

	snprintf(family, sizeof(family), "%.*s/*", (int)strcspn(workload, "/"), workload);
	return why ? why : field_text(lacks, family, NULL);
}

static bool takes_part(const struct report *r, const char *workload, const char *subject)
{
	for (size_t i = 0; i < r->n_cells; i++)
		if (strcmp(r->cells[i].workload, workload) == 0 && cell_series(&r->cells[i], subject))
			return true;
	return false;
}

/* One item for each reason: the workloads of the run for which the subject has no body. */
static void say_lacking(struct doc *d, const struct report *r, const char *subject)
{
	const json_t *describe = runtime_describe(r, subject);

	for (size_t i = 0; i < r->n_workloads; i++) {
		const char *why = lacks_why(describe, r->workloads[i]), *between = "";
		bool is_first = true;

		for (size_t j = 0; j < i; j++) { /* its reason was said before */
			const char *other = lacks_why(describe, r->workloads[j]);

			if (!takes_part(r, r->workloads[j], subject) &&
			    (why == other || (why && other && strcmp(why, other) == 0)))
				is_first = false;
		}
		if (!is_first || takes_part(r, r->workloads[i], subject))
			continue;
		content_name(d, r, subject);
		doc_say(d, " has no body for ");
		for (size_t j = i; j < r->n_workloads; j++) {
			const char *other = lacks_why(describe, r->workloads[j]);

			if (takes_part(r, r->workloads[j], subject) ||
			    !(why == other || (why && other && strcmp(why, other) == 0)))
				continue;
			doc_say(d, "%s", between);
			words_code(d->text, r->workloads[j]);
			between = ", ";
		}
		doc_say(d, ": ");
		words_record(d->text, why ? why : SAID("it does not say why"));
		doc_say(d, ".");
		doc_item(d);
	}
}

static void say_not_built(struct doc *d, const struct report *r)
{
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(r->run, "not_built"), i, one) {
		words_code(d->text, field_text(one, "id", "?"));
		doc_say(d, " is not built: ");
		words_record(d->text, field_text(one, "why", "?"));
		doc_say(d, ". Install ");
		words_code(d->text, field_text(one, "packages", "?"));
		doc_say(d, " and build again.");
		doc_item(d);
	}
}

bool report_is_of_all(const struct report *r)
{
	const json_t *subjects = json_object_get(json_object_get(r->run, "request"), "subjects");
	json_t *one;
	size_t i;

	json_array_foreach (subjects, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), "all") == 0)
			return true;
	return false;
}

/* Whether any of them is a release that others have made. */
static bool has_release(const struct report *r, const char **subjects, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (json_is_integer(json_object_get(runtime_describe(r, subjects[i]), "year")))
			return true;
	return false;
}

void content_runtimes(struct doc *d, const struct report *r, const char **subjects, size_t n)
{
	static const char *const heads[] = {SAID("model"), SAID("language"), SAID("version"), SAID("stack of a task"),
					    SAID("settings")};

	if (!has_release(r, subjects, n) && !report_is_of_all(r))
		return;
	doc_say(d, "Runtimes");
	doc_heading(d, 3, "runtimes");
	doc_say(d, "Release (and its year, of those that others have made), the stack that a task begins with, and all "
		   "settings in force, as the first timed sample of each tells them.");
	doc_table(d, true);
	CONTENT_HEADS(d, heads);
	for (size_t i = 0; i < n; i++)
		runtime_row(d, r, subjects[i]);
	doc_table(d, false);
	if (!report_is_of_all(r))
		return;
	doc_list(d, true);
	for (size_t i = 0; i < n; i++)
		if (!subject_is_baseline(subjects[i])) /* what is not concurrent lacks most by what it is */
			say_lacking(d, r, subjects[i]);
	say_not_built(d, r);
	doc_list(d, false);
}

void summary_runtimes(FILE *out, const struct report *r, const char **subjects, size_t n)
{
	const char *between = say("Releases: ");
	json_t *one;
	size_t i;

	for (i = 0; i < n; i++) {
		const json_t *about = runtime_describe(r, subjects[i]);

		if (!json_is_integer(json_object_get(about, "year")))
			continue;
		fprintf(out, "%s%s %s (%ld)", between, subjects[i], field_text(about, "version", "?"),
			field_whole(about, "year", 0));
		between = ", ";
	}
	if (has_release(r, subjects, n))
		fputs(".\n", out);
	if (!report_is_of_all(r))
		return;
	json_array_foreach (json_object_get(r->run, "not_built"), i, one)
		fprintf(out, say("Not built: %s (%s; install %s).\n"), field_text(one, "id", "?"),
			say(field_text(one, "why", "?")), field_text(one, "packages", "?"));
}
