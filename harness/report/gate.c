/*
 * gate.c - the rows of a gate's batches, and what follows from them (contract: gate.h).
 */
#include "harness/report/gate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model.h"
#include "harness/report/parts.h"
#include "harness/report/report.h"
#include "harness/report/words.h"

/* ---- rows ------------------------------------------------------------------------------------------------ */

static bool is_asked(const json_t *only, const char *cell, const char *subject)
{
	json_t *item;
	size_t i;

	json_array_foreach (only, i, item)
		if (strcmp(field_text(item, "cell", ""), cell) == 0 &&
		    strcmp(field_text(item, "subject", ""), subject) == 0)
			return true;
	return !only;
}

static int list_rows(struct gate_batch *b, const json_t *only)
{
	for (size_t i = 0; i < b->report->n_cells; i++) {
		const struct cell *c = &b->report->cells[i];

		for (size_t j = 0; j < c->n_series; j++) {
			const struct series *s = &c->series[j], *old = cell_old_build(c, s);
			struct gate_row *row;

			if (!old || !is_asked(only, c->id, s->subject))
				continue;
			b->n_lost += s->timed.n == 0 && old->timed.n > 0;
			if (s->timed.n == 0 || old->timed.n == 0)
				continue;
			row = GROW(b->rows, b->n_rows);
			if (!row)
				return -ENOMEM;
			*row = (struct gate_row){.cell = c->id,
						 .subject = s->subject,
						 .metric = c->metric,
						 .old = old,
						 .fresh = s,
						 .twin = c->twin,
						 .median_old = EST(old, Q_VALUE)->median,
						 .median_new = EST(s, Q_VALUE)->median,
						 .unit = words_unit(c),
						 .floor = -1};
		}
	}
	return 0;
}

static double earlier_floor(const struct gate_batch *b, const struct gate_row *row)
{
	for (size_t i = 0; b && i < b->n_rows; i++)
		if (strcmp(b->rows[i].cell, row->cell) == 0 && strcmp(b->rows[i].subject, row->subject) == 0)
			return b->rows[i].floor;
	return -1;
}

static int judge_row(struct gate_row *row, size_t m, const struct gate_rule *rule)
{
	const struct twin *twin = row->twin;
	double contaminated;
	int rc = pair_series(row->old, row->fresh, 1 - (1 - VERDICT_LEVEL) / (double)m, VERDICT_NARROW, &row->cmp,
			     &contaminated);

	if (rc)
		return rc;
	row->floor = fmax(twin ? twin->cmp.half_width : -1, earlier_floor(rule->floors, row));
	row->verdict = verdict_of(&(struct verdict_input){
		.comparison = &row->cmp,
		.margin = rule->margin,
		.floor = row->floor,
		.least_effect = VERDICT_LEAST_EFFECT,
		.contaminated_share = rule->is_forced ? 0 : contaminated,
		.twin_differs = twin && twin->differs,
		.work_unequal = row->old->by_status[ST_MISMATCH] || row->fresh->by_status[ST_MISMATCH],
	});
	row->is_regression = verdict_is_regression(&row->verdict, &row->cmp, rule->margin);
	return 0;
}

int gate_read(const char *dir, const struct gate_rule *rule, struct gate_batch *out, struct err *err)
{
	size_t kept = 0;
	int rc;

	*out = (struct gate_batch){0};
	rc = report_load(dir, &out->report, err);
	if (rc)
		return rc;
	rc = list_rows(out, rule->only);
	for (size_t i = 0; i < out->n_rows && rc == 0; i++) {
		int of_row = judge_row(&out->rows[i], out->n_rows, rule);

		if (of_row == 0)
			out->rows[kept++] = out->rows[i];
		else if (of_row == -ENOMEM)
			rc = of_row;
	}
	out->n_rows = kept;
	out->is_noisy = out->report->timed &&
			(double)out->report->contaminated > VERDICT_CONTAMINATED_LIMIT * (double)out->report->timed;
	if (rc == 0 && kept == 0 && out->n_lost == 0)
		return err_set(err, -ENODATA, "%.300s has no subject that was measured beside another build", dir);
	return rc ? err_set(err, rc, "out of memory") : 0;
}

void gate_clear(struct gate_batch *b)
{
	report_free(b->report);
	free(b->rows);
	*b = (struct gate_batch){0};
}

json_t *gate_suspects(const struct gate_batch *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n_rows; i++)
		if (b->rows[i].is_regression)
			json_array_append_new(
				list, json_pack("{s:s, s:s}", "cell", b->rows[i].cell, "subject", b->rows[i].subject));
	return list;
}

/* ---- the outcome ----------------------------------------------------------------------------------------- */

static bool has_regression(const struct gate_batch *b)
{
	for (size_t i = 0; i < b->n_rows; i++)
		if (b->rows[i].is_regression)
			return true;
	return false;
}

/* A row without an interval could not have shown a regression: to pass it would be no answer. */
static bool has_untrusted(const struct gate_batch *b)
{
	for (size_t i = 0; i < b->n_rows; i++)
		if (b->rows[i].verdict.kind == VERDICT_UNTRUSTED || !b->rows[i].cmp.has_interval)
			return true;
	return false;
}

enum gate_outcome gate_outcome(const struct gate_batch *first, const struct gate_batch *second, bool is_forced)
{
	bool suspect = has_regression(first);

	if (!is_forced && (first->is_noisy || (second && second->is_noisy)))
		return GATE_NOISY;
	if (suspect && !second)
		return GATE_OPEN;
	if (suspect && has_regression(second)) /* it was asked about the suspects alone */
		return GATE_REGRESSED;
	if (first->n_lost || (second && second->n_lost))
		return GATE_LOST;
	if (has_untrusted(first) || (second && has_untrusted(second)))
		return GATE_UNTRUSTED;
	return GATE_PASSED;
}

const char *gate_outcome_text(enum gate_outcome o)
{
	static const char *const texts[] = {
		"passed: no regression was shown twice",
		"failed: both batches show a regression",
		"refused: more than 20 % of the samples were disturbed by other programs (--force judges all the same)",
		"untrusted: rows could not be judged (see each, or measure more rounds)",
		"failed samples: the new build has no sample where the old one has",
		"open",
	};

	return texts[o];
}

/* ---- shown ----------------------------------------------------------------------------------------------- */

static void put_row(FILE *out, const struct gate_row *row)
{
	const struct stats_comparison *s = &row->cmp;
	char old[48], fresh[48], ratio[32], lo[32] = "-", hi[32] = "-";

	words_median(old, sizeof(old), EST(row->old, Q_VALUE), (enum unit)row->unit);
	words_median(fresh, sizeof(fresh), EST(row->fresh, Q_VALUE), (enum unit)row->unit);
	words_ratio(ratio, sizeof(ratio), s->ratio);
	if (s->has_interval) {
		words_ratio(lo, sizeof(lo), s->lo);
		words_ratio(hi, sizeof(hi), s->hi);
	}
	fprintf(out, "  %s %s: %s -> %s, ratio %s [%s, %s], %s%s", row->cell, row->subject, old, fresh, ratio, lo, hi,
		words_kind(row->verdict.kind, row->metric), row->is_regression ? ", REGRESSION" : "");
	if (row->verdict.kind == VERDICT_UNTRUSTED) {
		fputs(": ", out);
		words_reasons(out, &row->verdict);
	}
	fputc('\n', out);
}

void gate_text(FILE *out, const struct gate_batch *b, const char *title)
{
	double widest = 0;
	size_t blind = 0;

	fprintf(out, "%s: %zu rows, old against new in the same rounds\n", title, b->n_rows);
	for (size_t i = 0; i < b->n_rows; i++) {
		put_row(out, &b->rows[i]);
		blind += !b->rows[i].cmp.has_interval;
		widest = fmax(widest, b->rows[i].verdict.mde);
	}
	if (widest > 0)
		fprintf(out, "  The widest row could have hidden %.1f %%.\n", widest * 100);
	if (blind)
		fprintf(out, "  %zu rows have too few rounds for an interval: they could show nothing.\n", blind);
}

json_t *gate_rows_json(const struct gate_batch *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n_rows; i++) {
		const struct gate_row *r = &b->rows[i];
		const struct stats_comparison *s = &r->cmp;

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:s, s:o, s:b}", "cell",
				  r->cell, "subject", r->subject, "median_old", json_number_or_null(r->median_old),
				  "median_new", json_number_or_null(r->median_new), "ratio",
				  json_number_or_null(s->ratio), "ci_low",
				  json_number_or_null(s->has_interval ? s->lo : NAN), "ci_high",
				  json_number_or_null(s->has_interval ? s->hi : NAN), "ci_level",
				  json_number_or_null(s->has_interval ? s->level : NAN), "n_pairs", (json_int_t)s->n,
				  "floor_pct", r->floor < 0 ? json_null() : json_number_or_null(r->floor * 100),
				  "mde_pct", json_number_or_null(r->verdict.mde * 100), "verdict",
				  verdict_name(r->verdict.kind), "reasons", verdict_reasons_json(&r->verdict),
				  "is_regression", r->is_regression));
	}
	return list;
}
