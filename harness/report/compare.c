/*
 * compare.c - matching two reports, judging the rows, and what to be warned of (contract: compare.h).
 */
#include "harness/report/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model.h"
#include "harness/report/parts.h"
#include "harness/stats/two_sample.h"

/* ---- finding the partner --------------------------------------------------------------------------------- */

static json_t *find_cell(const json_t *report, const char *id)
{
	return json_by_id(json_object_get(report, "cells"), id);
}

/* Of a cell's subjects: not its twin. */
static json_t *find_subject(const json_t *list, const char *id)
{
	json_t *subject;
	size_t i;

	json_array_foreach (list, i, subject)
		if (strcmp(field_text(subject, "id", ""), id) == 0 &&
		    !json_is_true(json_object_get(subject, "is_twin")))
			return subject;
	return NULL;
}

static const char *digest_of(const json_t *report, const char *subject)
{
	return field_text(json_by_id(json_object_get(report, "subjects"), subject), "sha256", NULL);
}

static void note_unmatched(struct compare *c, const char *cell, const char *subject, const char *why)
{
	json_array_append_new(c->unmatched,
			      json_pack("{s:s, s:s?, s:s}", "cell", cell, "subject", subject, "why", why));
}

/* Why two cells of one name are not the same work, or NULL. */
static const char *why_other_work(const json_t *a, const json_t *b)
{
	if (!json_equal(json_object_get(a, "version"), json_object_get(b, "version")))
		return "the workload's version is another: it is other work";
	if (strcmp(field_text(a, "metric", ""), field_text(b, "metric", "")) != 0 ||
	    strcmp(field_text(a, "unit", ""), field_text(b, "unit", "")) != 0)
		return "the metric is another";
	return NULL;
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

static enum compare_binary binary_of(const struct compare *c, const char *subject)
{
	const char *a = digest_of(c->a, subject), *b = digest_of(c->b, subject);

	if (!a || !b)
		return BINARY_UNKNOWN;
	return strcmp(a, b) == 0 ? BINARY_SAME : BINARY_CHANGED;
}

static double floor_of(const json_t *cell)
{
	double pct = field_number(cell, "floor_pct");

	return isfinite(pct) ? pct / 100 : -1;
}

static int add_row(struct compare *c, const json_t *cell_a, const json_t *cell_b, const json_t *of_a,
		   const json_t *of_b)
{
	struct compare_row *row = GROW(c->rows, c->n_rows);

	if (!row)
		return -ENOMEM;
	*row = (struct compare_row){
		.cell = cell_b,
		.of_a = of_a,
		.of_b = of_b,
		.id = field_text(cell_b, "id", ""),
		.subject = field_text(of_b, "id", ""),
		.floor_a = floor_of(cell_a),
		.floor_b = floor_of(cell_b),
		.drift = -1,
		.twin_differs = json_is_true(json_object_get(cell_a, "twin_differs")) ||
				json_is_true(json_object_get(cell_b, "twin_differs")),
	};
	row->binary = binary_of(c, row->subject);
	return 0;
}

static bool has_values(const json_t *subject)
{
	return json_array_size(json_object_get(subject, "values")) > 0;
}

static int match_subjects(struct compare *c, const json_t *cell_a, const json_t *cell_b)
{
	const char *id = field_text(cell_b, "id", "");
	json_t *of_b, *of_a;
	size_t i;

	json_array_foreach (json_object_get(cell_b, "subjects"), i, of_b) {
		const char *subject = field_text(of_b, "id", "");

		if (json_is_true(json_object_get(of_b, "is_twin")))
			continue;
		of_a = find_subject(json_object_get(cell_a, "subjects"), subject);
		if (!of_a)
			note_unmatched(c, id, subject, "only in B");
		else if (has_values(of_a) != has_values(of_b))
			note_unmatched(c, id, subject, has_values(of_b) ? "no value in A" : "no value in B");
		else if (has_values(of_a) && add_row(c, cell_a, cell_b, of_a, of_b))
			return -ENOMEM;
	}
	json_array_foreach (json_object_get(cell_a, "subjects"), i, of_a)
		if (!find_subject(json_object_get(cell_b, "subjects"), field_text(of_a, "id", "")))
			note_unmatched(c, id, field_text(of_a, "id", ""), "only in A");
	return 0;
}

static int match_cells(struct compare *c)
{
	json_t *cell_a, *cell_b;
	size_t i;

	json_array_foreach (json_object_get(c->b, "cells"), i, cell_b) {
		const char *why, *id = field_text(cell_b, "id", "");

		cell_a = find_cell(c->a, id);
		why = cell_a ? why_other_work(cell_a, cell_b) : "only in B";
		if (why)
			note_unmatched(c, id, NULL, why);
		else if (match_subjects(c, cell_a, cell_b))
			return -ENOMEM;
	}
	json_array_foreach (json_object_get(c->a, "cells"), i, cell_a)
		if (!find_cell(c->b, field_text(cell_a, "id", "")))
			note_unmatched(c, field_text(cell_a, "id", ""), NULL, "only in A");
	return 0;
}

/* ---- judging --------------------------------------------------------------------------------------------- */

/* As in analyse.c: memory at 0 bytes or less enters a ratio as one byte per task. */
static double *take_values(const json_t *subject, size_t *n)
{
	const json_t *list = json_object_get(subject, "values");
	double *v = malloc((json_array_size(list) + 1) * sizeof(*v));
	json_t *value;
	size_t i;

	*n = 0;
	json_array_foreach (list, i, value)
		if (v && json_is_number(value))
			v[(*n)++] = json_number_value(value) > 0 ? json_number_value(value) : 1;
	return v;
}

static int compare_row(struct compare_row *row, double level)
{
	size_t na, nb;
	double *a = take_values(row->of_a, &na), *b = take_values(row->of_b, &nb);
	int rc = a && b ? two_sample_compare(a, na, b, nb, level, &row->cmp) : -ENOMEM;

	free(a);
	free(b);
	return rc;
}

/* What the subjects that were not touched show in the row's cell. */
static double drift_of(const struct compare *c, const struct compare_row *row)
{
	double drift = -1;

	for (size_t i = 0; i < c->n_rows && row->binary == BINARY_CHANGED; i++)
		if (c->rows[i].cell == row->cell && c->rows[i].binary == BINARY_SAME)
			drift = fmax(drift, expm1(fabs(log(c->rows[i].cmp.ratio))));
	return drift;
}

static double share_contaminated(const struct compare_row *row)
{
	double bad = field_number(row->of_a, "n_contaminated") + field_number(row->of_b, "n_contaminated");

	return bad / (field_number(row->of_a, "n") + field_number(row->of_b, "n"));
}

static bool is_noisy(const json_t *report)
{
	return strcmp(field_text(json_object_get(report, "stamp"), "state", ""), "noisy") == 0;
}

static void judge_row(const struct compare *c, struct compare_row *row)
{
	size_t least;

	row->drift = drift_of(c, row);
	row->verdict = verdict_of(&(struct verdict_input){
		.comparison = &row->cmp,
		.margin = c->margin,
		.floor = fmax(row->drift, fmax(row->floor_a, row->floor_b)),
		.least_effect =
			is_noisy(c->a) || is_noisy(c->b) ? fmax(c->margin, VERDICT_LEAST_EFFECT) : VERDICT_LEAST_EFFECT,
		.contaminated_share = c->is_forced ? 0 : share_contaminated(row),
		.twin_differs = row->twin_differs,
		.work_unequal = field_number(row->of_a, "n_mismatch") > 0 || field_number(row->of_b, "n_mismatch") > 0,
	});
	if (row->cmp.has_interval || row->verdict.kind != VERDICT_INCONCLUSIVE)
		return;
	least = two_sample_least(row->cmp.asked); /* the verdict's own number is that of pairs */
	row->verdict.more_rounds = least > row->cmp.n ? least - row->cmp.n : 1;
}

static int judge(struct compare *c, struct err *err)
{
	for (size_t i = 0; i < c->n_rows; i++) {
		int rc = compare_row(&c->rows[i], 1 - (1 - VERDICT_LEVEL) / (double)c->n_rows);

		if (rc == -ENOMEM)
			return err_set(err, rc, "out of memory");
		if (rc)
			return err_set(err, -EBADMSG, "%s of %s has values that are no numbers", c->rows[i].subject,
				       c->rows[i].id);
	}
	for (size_t i = 0; i < c->n_rows; i++)
		judge_row(c, &c->rows[i]);
	return 0;
}

static bool is_disturbed(const json_t *report)
{
	const json_t *summary = json_object_get(report, "summary");

	return field_number(summary, "contaminated") > VERDICT_CONTAMINATED_LIMIT * field_number(summary, "timed");
}

bool compare_is_disturbed(const struct compare *c)
{
	return is_disturbed(c->a) || is_disturbed(c->b);
}

/* ---- warnings -------------------------------------------------------------------------------------------- */

static void warn(struct compare *c, const char *what, const json_t *a, const json_t *b)
{
	char *of_a = a ? json_dumps(a, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char *of_b = b ? json_dumps(b, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	json_array_append_new(c->warnings, json_sprintf("%s: %.200s in A, %.200s in B", what, of_a ? of_a : "not known",
							of_b ? of_b : "not known"));
	free(of_a);
	free(of_b);
}

/* Members of an object of both reports. */
static void warn_of_members(struct compare *c, const char *object, const char *const *keys, const char *what)
{
	const json_t *a = json_object_get(c->a, object), *b = json_object_get(c->b, object);

	for (size_t i = 0; keys[i]; i++) {
		const json_t *of_a = json_object_get(a, keys[i]), *of_b = json_object_get(b, keys[i]);
		char text[80];

		snprintf(text, sizeof(text), "%s %s differs", what, keys[i]);
		if (!json_equal(of_a, of_b))
			warn(c, text, of_a, of_b);
	}
}

static bool knows_digests(const json_t *report)
{
	json_t *subject;
	size_t i;

	json_array_foreach (json_object_get(report, "subjects"), i, subject)
		if (field_text(subject, "sha256", NULL))
			return true;
	return false;
}

/* Which subjects were touched: the first question to a difference. */
static void warn_of_binaries(struct compare *c)
{
	size_t same = 0, changed = 0, i;
	json_t *subject, *names = json_array();

	json_array_foreach (json_object_get(c->b, "subjects"), i, subject) {
		enum compare_binary binary = binary_of(c, field_text(subject, "id", ""));

		same += binary == BINARY_SAME;
		changed += binary == BINARY_CHANGED;
		if (binary == BINARY_CHANGED)
			json_array_append(names, json_object_get(subject, "id"));
	}
	if (changed) {
		char *list = json_dumps(names, JSON_COMPACT);

		json_array_append_new(c->warnings,
				      json_sprintf("another binary in A and in B: %.400s", list ? list : ""));
		free(list);
	} else if (same) {
		json_array_append_new(c->warnings, json_string("every subject is the same binary in A and in B: what "
							       "differs is the machine's doing"));
	}
	if (!knows_digests(c->a) || !knows_digests(c->b))
		json_array_append_new(c->warnings, json_string("a report does not say which binaries were measured"));
	json_decref(names);
}

static void warn_of_state(struct compare *c, const json_t *report, const char *name)
{
	if (is_noisy(report))
		json_array_append_new(c->warnings,
				      json_sprintf("%s is stamped noisy: differences within the margin are "
						   "not told",
						   name));
	if (!json_is_true(json_object_get(json_object_get(report, "run"), "complete")))
		json_array_append_new(c->warnings, json_sprintf("%s is not complete", name));
}

/* Cells whose twins were far less alike in one of the runs. */
static void warn_of_floors(struct compare *c)
{
	size_t other = 0, both = 0;

	for (size_t i = 0; i < c->n_rows; i++) {
		const struct compare_row *r = &c->rows[i];

		if (r->floor_a < 0 || r->floor_b < 0)
			continue;
		both++;
		other += fmax(r->floor_a, r->floor_b) > 2 * fmin(r->floor_a, r->floor_b);
	}
	if (other)
		json_array_append_new(c->warnings,
				      json_sprintf("noise floors differ by more than a factor of two in %zu "
						   "of %zu rows",
						   other, both));
}

static void warn_of_all(struct compare *c)
{
	static const char *const host[] = {"hostname", "cpu_model", "vcpus",        "cores",       "mem_bytes",
					   "kernel",   "cmdline",   "virt",         "container",   "governor",
					   "turbo",    "thp",       "aslr",         "mitigations", "clocksource",
					   "libc",     "cpu_quota", "allowed_cpus", NULL};
	static const char *const tool[] = {"version", "build_type", "cc", "cflags", "sanitize", NULL};
	static const char *const run[] = {"seed", "plan", "rounds", NULL};

	warn_of_members(c, "host", host, "machine:");
	warn_of_members(c, "tool", tool, "build:");
	warn_of_members(c, "run", run, "run:");
	warn_of_binaries(c);
	warn_of_state(c, c->a, "A");
	warn_of_state(c, c->b, "B");
	warn_of_floors(c);
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

int compare_reports(json_t *a, json_t *b, double margin, bool is_forced, struct compare **out, struct err *err)
{
	struct compare *c = calloc(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (!c)
		return err_set(err, -ENOMEM, "out of memory");
	*c = (struct compare){.a = json_incref(a),
			      .b = json_incref(b),
			      .margin = margin,
			      .is_forced = is_forced,
			      .warnings = json_array(),
			      .unmatched = json_array()};
	rc = match_cells(c);
	if (rc)
		err_set(err, rc, "out of memory");
	else if (c->n_rows == 0)
		rc = err_set(err, -ENODATA,
			     "nothing can be compared: no subject has values in a cell of both (a report.json of an "
			     "older version has none: give the run's folder)");
	else
		rc = judge(c, err);
	if (rc) {
		compare_free(c);
		return rc;
	}
	warn_of_all(c);
	*out = c;
	return 0;
}

void compare_free(struct compare *c)
{
	if (!c)
		return;
	json_decref(c->a);
	json_decref(c->b);
	json_decref(c->warnings);
	json_decref(c->unmatched);
	free(c->rows);
	free(c);
}
