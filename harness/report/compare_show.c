/*
 * compare_show.c - a comparison of two runs for people (text), programs (JSON) and benchstat.
 */
#include <math.h>
#include <string.h>

#include "harness/report/compare.h"
#include "harness/report/parts.h"
#include "harness/report/words.h"

/* ---- text ------------------------------------------------------------------------------------------------ */

static const char *run_name(const json_t *report)
{
	return field_text(json_object_get(report, "run"), "run_id", "?");
}

static void put_run(FILE *out, const char *letter, const json_t *report)
{
	const json_t *tool = json_object_get(report, "tool"), *run = json_object_get(report, "run");

	fprintf(out, "%s  %s: commit %s%s, seed %s, started %s\n", letter, run_name(report),
		*field_text(tool, "git_rev", "") ? field_text(tool, "git_rev", "") : "unknown",
		json_is_true(json_object_get(tool, "git_dirty")) ? " with uncommitted changes" : "",
		field_text(run, "seed", "?"), field_text(run, "started", "?"));
}

static enum unit unit_of(const struct compare_row *row)
{
	struct cell c = {.metric = field_text(row->cell, "metric", ""), .unit = field_text(row->cell, "unit", "")};

	return words_unit(&c);
}

/* "0.90 [0.88, 0.93]", or the ratio alone. */
static void put_ratio(char *buf, size_t size, const struct stats_comparison *c)
{
	char r[32], lo[32], hi[32];

	words_ratio(r, sizeof(r), c->ratio);
	if (!c->has_interval) {
		snprintf(buf, size, "%s", r);
		return;
	}
	words_ratio(lo, sizeof(lo), c->lo);
	words_ratio(hi, sizeof(hi), c->hi);
	snprintf(buf, size, "%s [%s, %s]", r, lo, hi);
}

static void put_row(FILE *out, const struct compare_row *row, int width)
{
	char a[48], b[48], ratio[112], edge[32];

	words_number(a, sizeof(a), field_number(row->of_a, "median"), unit_of(row));
	words_number(b, sizeof(b), field_number(row->of_b, "median"), unit_of(row));
	put_ratio(ratio, sizeof(ratio), &row->cmp);
	fprintf(out, "    %-*s %10s %10s  %-22s %s", width, row->subject, a, b, ratio,
		words_kind(row->verdict.kind, field_text(row->cell, "metric", "")));
	if (row->verdict.kind == VERDICT_FASTER || row->verdict.kind == VERDICT_SLOWER) {
		words_at_least(edge, sizeof(edge), row->verdict.near_edge);
		fprintf(out, ", at least %sx", edge);
	}
	if (row->binary == BINARY_SAME)
		fputs(" (same binary)", out);
	if (row->verdict.reasons & ~REASON_NO_TWIN) {
		fputs(": ", out);
		words_reasons(out, &row->verdict);
	}
	if (row->verdict.kind == VERDICT_INCONCLUSIVE && isfinite(row->verdict.mde))
		fprintf(out, " (could have seen %.1f %%)", row->verdict.mde * 100);
	fputc('\n', out);
}

static void put_totals(FILE *out, const struct compare *c)
{
	static const enum verdict_kind kinds[] = {VERDICT_FASTER, VERDICT_SLOWER, VERDICT_EQUIVALENT,
						  VERDICT_INCONCLUSIVE, VERDICT_UNTRUSTED};
	const char *between = "";

	fprintf(out, "\n%zu rows: ", c->n_rows);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		size_t n = 0;

		for (size_t i = 0; i < c->n_rows; i++)
			n += c->rows[i].verdict.kind == kinds[k];
		if (n == 0)
			continue;
		fprintf(out, "%s%zu %s", between, n, verdict_name(kinds[k]));
		between = ", ";
	}
	fprintf(out,
		".\nRatio is A / B: above 1 means that B needs less. Intervals of at least 95 %% for all %zu rows "
		"together\n"
		"(unpaired, Mann-Whitney); equivalent means shown to differ by less than %.3g %%.\n",
		c->n_rows, c->margin * 100);
}

static void put_lists(FILE *out, const struct compare *c)
{
	json_t *item;
	size_t i;

	json_array_foreach (c->unmatched, i, item) {
		const char *subject = field_text(item, "subject", NULL);

		fprintf(out, "not compared: %s%s%s: %s\n", field_text(item, "cell", "?"), subject ? " " : "",
			subject ? subject : "", field_text(item, "why", "?"));
	}
	json_array_foreach (c->warnings, i, item)
		fprintf(out, "warning: %s\n", json_string_value(item));
	fputs("A and B were not measured side by side: what the machine did between them is in every row.\n", out);
}

void compare_text(FILE *out, const struct compare *c)
{
	const char *id = "";
	size_t width = 10;

	put_run(out, "A", c->a);
	put_run(out, "B", c->b);
	for (size_t i = 0; i < c->n_rows; i++)
		width = strlen(c->rows[i].subject) > width ? strlen(c->rows[i].subject) : width;
	fprintf(out, "\n    %-*s %10s %10s  %-22s\n", (int)width, "", "A", "B", "ratio");
	for (size_t i = 0; i < c->n_rows; i++) {
		if (strcmp(id, c->rows[i].id) != 0)
			fprintf(out, "%s\n", c->rows[i].id);
		id = c->rows[i].id;
		put_row(out, &c->rows[i], (int)width);
	}
	put_totals(out, c);
	put_lists(out, c);
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

static json_t *factor_pct(double factor)
{
	return factor < 0 ? json_null() : json_number_or_null(factor * 100);
}

static json_t *row_json(const struct compare_row *row, size_t m)
{
	static const char *const binaries[] = {NULL, "same", "changed"};
	const struct stats_comparison *s = &row->cmp;
	json_t *o = json_pack("{s:s, s:s, s:s?, s:o, s:o, s:o, s:o}", "cell", row->id, "subject", row->subject,
			      "binary", binaries[row->binary], "n_a", json_incref(json_object_get(row->of_a, "n")),
			      "n_b", json_incref(json_object_get(row->of_b, "n")), "median_a",
			      json_number_or_null(field_number(row->of_a, "median")), "median_b",
			      json_number_or_null(field_number(row->of_b, "median")));
	json_t *more = json_pack(
		"{s:o, s:o, s:o, s:o, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "ratio",
		json_number_or_null(s->ratio), "ci_low", json_number_or_null(s->has_interval ? s->lo : NAN), "ci_high",
		json_number_or_null(s->has_interval ? s->hi : NAN), "ci_level",
		json_number_or_null(s->has_interval ? s->level : NAN), "adj", "bonferroni", "m", (json_int_t)m, "ties",
		(json_int_t)s->ties, "floor_a_pct", factor_pct(row->floor_a), "floor_b_pct", factor_pct(row->floor_b),
		"drift_pct", factor_pct(row->drift), "mde_pct", json_number_or_null(row->verdict.mde * 100),
		"near_edge", json_number_or_null(row->verdict.near_edge), "verdict", verdict_name(row->verdict.kind),
		"reasons", verdict_reasons_json(&row->verdict), "more_rounds_needed",
		row->verdict.more_rounds ? json_integer((json_int_t)row->verdict.more_rounds) : json_null());

	json_object_update(o, more);
	json_decref(more);
	return o;
}

static json_t *side_json(const json_t *report)
{
	json_t *o = json_object();
	static const char *const keys[] = {"run", "tool", "stamp"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_set_new(o, keys[i], json_copy(json_object_get(report, keys[i])));
	json_object_del(json_object_get(o, "run"), "request");
	return o;
}

json_t *compare_json(const struct compare *c)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < c->n_rows; i++)
		json_array_append_new(rows, row_json(&c->rows[i], c->n_rows));
	return json_pack("{s:s, s:o, s:o, s:s, s:f, s:o, s:O, s:O}", "schema", "switchyard.compare/1", "a",
			 side_json(c->a), "b", side_json(c->b), "method",
			 "unpaired: Hodges-Lehmann ratio, Mann-Whitney interval", "margin", c->margin, "rows", rows,
			 "unmatched", c->unmatched, "warnings", c->warnings);
}

/* ---- benchstat ------------------------------------------------------------------------------------------- */

/* benchstat's word for the metric; its values are already per operation, so that each line counts one. */
static void put_values(FILE *out, const json_t *cell, const json_t *subject)
{
	json_t *value;
	size_t i;

	json_array_foreach (json_object_get(subject, "values"), i, value) {
		benchstat_name(out, cell, field_text(subject, "id", ""), false);
		fprintf(out, "\t1\t%.9g %s\n", json_number_value(value), field_text(cell, "unit", "ns/op"));
	}
}

void compare_benchstat(FILE *out, const struct compare *c)
{
	for (int side = 0; side < 2; side++) {
		const json_t *report = side ? c->b : c->a;

		benchstat_head(out, json_object_get(report, "host"));
		fprintf(out, "run: %s %s\n", side ? "B" : "A", run_name(report));
		for (size_t i = 0; i < c->n_rows; i++)
			put_values(out, c->rows[i].cell, side ? c->rows[i].of_b : c->rows[i].of_a);
	}
}
