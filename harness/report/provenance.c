/*
 * provenance.c - where a figure comes from: command, seed, commit, uncommitted changes, and the digest of each binary. In
 * the page below the figures of a section, and as comments in the files that draw them, because those travel alone.
 */
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

enum { DIGEST_SHOWN = 12 };

static const char *commit_of(const struct report *r)
{
	const char *rev = field_text(json_object_get(r->run, "tool"), "git_rev", "");

	return *rev ? rev : SAID("unknown");
}

static const char *changes_of(const struct report *r)
{
	const json_t *dirty = json_object_get(json_object_get(r->run, "tool"), "git_dirty");

	return json_is_true(dirty)    ? SAID("with uncommitted changes")
	       : json_is_false(dirty) ? SAID("without uncommitted changes")
				      : SAID("perhaps with uncommitted changes");
}

/* Whether a subject takes part in any cell of the workload (NULL, "": of the run). */
static bool takes_part(const struct report *r, const char *workload, const char *subject)
{
	for (size_t i = 0; i < r->n_cells; i++)
		if ((!workload || !*workload || strcmp(r->cells[i].workload, workload) == 0) &&
		    cell_series(&r->cells[i], subject))
			return true;
	return false;
}

void provenance_comment(FILE *out, const struct report *r, const char *workload)
{
	json_t *subject;
	size_t i;

	fprintf(out, "# Run %s, ", field_text(r->run, "run_id", "?"));
	words_command(out, r, NULL);
	fprintf(out, "\n# Seed %s, commit %s %s.\n", field_text(r->run, "seed", "?"), commit_of(r), changes_of(r));
	json_array_foreach (json_object_get(r->run, "subjects"), i, subject)
		if (takes_part(r, workload, field_text(subject, "id", "?")))
			fprintf(out, "# %s: SHA-256 %s\n", field_text(subject, "id", "?"),
				field_text(subject, "sha256", "not known"));
}

void provenance_note(struct doc *d, const struct report *r, const char *workload)
{
	const struct cell *first = NULL;
	const char *between = "";
	json_t *subject;
	char word[400];
	size_t i;

	for (i = 0; i < r->n_cells && !first; i++)
		first = strcmp(r->cells[i].workload, workload) == 0 ? &r->cells[i] : NULL;
	doc_say(d, "From run ");
	words_code(d->text, field_text(r->run, "run_id", "?"));
	doc_say(d, ", seed `%s`, commit ", field_text(r->run, "seed", "?"));
	words_code(d->text, say(commit_of(r)));
	doc_say(d, " %s; SHA-256 of the binaries: ", say(changes_of(r)));
	json_array_foreach (json_object_get(r->run, "subjects"), i, subject) {
		const char *id = field_text(subject, "id", "?");

		if (!takes_part(r, workload, id))
			continue;
		doc_say(d, "%s", say(between));
		words_plain(d->text, id);
		snprintf(word, sizeof(word), "%.*s", DIGEST_SHOWN, field_text(subject, "sha256", "not known"));
		doc_say(d, " ");
		words_code(d->text, word);
		between = ", ";
	}
	doc_say(d, ". One cell again: ");
	snprintf(word, sizeof(word), "switchyard replay RUN --cell '%.300s'", first ? first->id : "");
	words_code(d->text, word);
	doc_say(d, ".");
	doc_para(d, PARA_NOTE);
}
