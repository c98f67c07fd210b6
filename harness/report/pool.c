/*
 * pool.c - the same pairs of several reports, found and shown (contract: pool.h).
 */
#include "harness/report/pool.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

/* ---- finding --------------------------------------------------------------------------------------------- */

static bool is_pair(const struct pool_row *row, const char *cell, json_int_t version, const json_t *comparison)
{
	return row->version == version && strcmp(row->cell, cell) == 0 &&
	       strcmp(row->base, field_text(comparison, "base", "")) == 0 &&
	       strcmp(row->subject, field_text(comparison, "subject", "")) == 0;
}

static int add_comparison(struct pool *p, size_t of, const json_t *comparison)
{
	const char *id = field_text(comparison, "cell", "");
	const json_t *cell = json_by_id(json_object_get(p->reports[of], "cells"), id);
	json_int_t version = field_whole(cell, "version", -1);
	struct pool_row *row = NULL;

	if (!cell || !(field_number(comparison, "ratio") > 0))
		return 0;
	for (size_t i = 0; i < p->n_rows && !row; i++)
		if (is_pair(&p->rows[i], id, version, comparison))
			row = &p->rows[i];
	if (!row) {
		row = GROW(p->rows, p->n_rows);
		if (!row)
			return -ENOMEM;
		*row = (struct pool_row){.cell = id,
					 .workload = field_text(cell, "workload", ""),
					 .base = field_text(comparison, "base", ""),
					 .subject = field_text(comparison, "subject", ""),
					 .version = version};
	}
	row->n_machines += !row->of[of];
	row->of[of] = comparison;
	return 0;
}

/* Where a row's workload first appears. */
static size_t rank_of(const struct pool *p, const struct pool_row *row)
{
	size_t i = 0;

	while (strcmp(p->rows[i].workload, row->workload) != 0)
		i++;
	return i;
}

/* Rows of one workload together. Insertion keeps the order of the reports among them. */
static void group_rows(struct pool *p)
{
	for (size_t i = 1; i < p->n_rows; i++)
		for (size_t j = i; j > 0 && rank_of(p, &p->rows[j]) < rank_of(p, &p->rows[j - 1]); j--) {
			struct pool_row swap = p->rows[j];

			if (strcmp(p->rows[j].workload, p->rows[j - 1].workload) == 0)
				break;
			p->rows[j] = p->rows[j - 1];
			p->rows[j - 1] = swap;
		}
}

static double ratio_of(const struct pool_row *row, size_t i)
{
	return field_number(row->of[i], "ratio"); /* NaN where there is none */
}

static bool is_trusted(const struct pool_row *row, size_t i)
{
	return row->of[i] && strcmp(field_text(row->of[i], "verdict", ""), "UNTRUSTED") != 0;
}

static void average(struct pool *p)
{
	for (size_t i = 0; i < p->n_rows; i++) {
		struct pool_row *row = &p->rows[i];
		double sum = 0;

		for (size_t k = 0; k < p->n_reports; k++) {
			row->n_trusted += is_trusted(row, k);
			sum += is_trusted(row, k) ? log(ratio_of(row, k)) : 0;
		}
		row->mean = row->n_trusted > 1 ? exp(sum / (double)row->n_trusted) : NAN;
	}
}

static bool has_common(const struct pool *p)
{
	for (size_t i = 0; i < p->n_rows; i++)
		if (p->rows[i].n_machines > 1)
			return true;
	return false;
}

int pool_reports(json_t *const *reports, size_t n, struct pool **out, struct err *err)
{
	struct pool *p;
	json_t *comparison;
	size_t i;

	*out = NULL;
	if (n < 2 || n > POOL_MAX_RUNS)
		return err_set(err, -EINVAL, "between 2 and %d runs can be pooled, not %zu", POOL_MAX_RUNS, n);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	p->n_reports = n;
	for (size_t k = 0; k < n; k++)
		p->reports[k] = json_incref(reports[k]);
	for (size_t k = 0; k < n; k++)
		json_array_foreach (json_object_get(reports[k], "comparisons"), i, comparison)
			if (add_comparison(p, k, comparison)) {
				pool_free(p);
				return err_set(err, -ENOMEM, "out of memory");
			}
	if (!has_common(p)) {
		pool_free(p);
		return err_set(err, -ENODATA,
			       "nothing can be pooled: no two of the runs compare the same subjects on the same cell");
	}
	group_rows(p);
	average(p);
	*out = p;
	return 0;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	for (size_t k = 0; k < p->n_reports; k++)
		json_decref(p->reports[k]);
	free(p->rows);
	free(p);
}

static bool same_pair(const struct pool_row *a, const struct pool_row *b)
{
	return strcmp(a->workload, b->workload) == 0 && strcmp(a->base, b->base) == 0 &&
	       strcmp(a->subject, b->subject) == 0;
}

double pool_workload_mean(const struct pool *p, const struct pool_row *like, size_t i, size_t *n_cells)
{
	double sum = 0;

	*n_cells = 0;
	for (size_t k = 0; k < p->n_rows; k++)
		if (same_pair(&p->rows[k], like) && p->rows[k].n_trusted == p->n_reports) {
			sum += log(ratio_of(&p->rows[k], i));
			++*n_cells;
		}
	return *n_cells ? exp(sum / (double)*n_cells) : NAN;
}

/* ---- shown ----------------------------------------------------------------------------------------------- */

/* The two pages differ in how a cell of the table is set apart, and in nothing else. */
struct page {
	FILE *out;
	bool is_markdown;
};

static void put_text(const struct page *page, const char *text)
{
	if (page->is_markdown)
		words_plain(page->out, text);
	else
		fputs(text, page->out);
}

static void put_machines(const struct page *page, const struct pool *p)
{
	for (size_t i = 0; i < p->n_reports; i++) {
		const json_t *host = json_object_get(p->reports[i], "host"),
			     *run = json_object_get(p->reports[i], "run");
		const json_t *stamp = json_object_get(p->reports[i], "stamp");

		fprintf(page->out, "%s%c: ", page->is_markdown ? "- " : "", (char)('A' + i));
		put_text(page, field_text(run, "run_id", "?"));
		fputs(", ", page->out);
		put_text(page, field_text(host, "cpu_model", say("unknown CPU")));
		fprintf(page->out, say(", %ld CPUs, kernel "), field_whole(host, "vcpus", 0));
		put_text(page, field_text(host, "kernel", say("unknown")));
		fputs(strcmp(field_text(stamp, "state", ""), "noisy") == 0 ? say(", NOISY\n") : "\n", page->out);
	}
}

/* "1.23 [1.20, 1.26] FASTER", or a dash. */
static void ratio_text(char *buf, size_t size, const json_t *comparison)
{
	double lo = field_number(comparison, "ci_low"), hi = field_number(comparison, "ci_high");
	const char *verdict = field_text(comparison, "verdict", "");
	char r[32], l[32], h[32];

	if (!comparison) {
		snprintf(buf, size, "-");
		return;
	}
	words_ratio(r, sizeof(r), field_number(comparison, "ratio"));
	if (isfinite(lo) && isfinite(hi)) {
		words_ratio(l, sizeof(l), lo);
		words_ratio(h, sizeof(h), hi);
		snprintf(buf, size, "%s [%s, %s] %s", r, l, h, say(verdict));
	} else {
		snprintf(buf, size, "%s %s", r, say(verdict));
	}
}

static void mean_text(char *buf, size_t size, double mean)
{
	if (isfinite(mean))
		words_ratio(buf, size, mean);
	else
		snprintf(buf, size, "-");
}

enum { LABEL = 44, COLUMN = 34, MEAN = 10 };

static void put_label(const struct page *page, const char *first, const char *second, const char *third)
{
	char text[800];

	snprintf(text, sizeof(text), "%s%s%s%s", first, second, *third ? " / " : "", third);
	if (page->is_markdown) {
		fputs("| ", page->out);
		put_text(page, text);
	} else {
		fprintf(page->out, "  %-*s", LABEL + words_extra_bytes(text), text);
		if (strlen(text) > LABEL)
			fprintf(page->out, "\n  %*s", LABEL, "");
	}
}

static void put_column(const struct page *page, int width, const char *text)
{
	if (page->is_markdown)
		fprintf(page->out, " | %s", text);
	else
		fprintf(page->out, " %-*s", width + words_extra_bytes(text), text);
}

static void end_row(const struct page *page)
{
	fputs(page->is_markdown ? " |\n" : "\n", page->out);
}

static void put_heads(const struct page *page, const struct pool *p)
{
	put_label(page, page->is_markdown ? say("cell, base / subject") : "", "", "");
	for (size_t i = 0; i < p->n_reports; i++)
		put_column(page, COLUMN, (char[]){(char)('A' + i), '\0'});
	put_column(page, MEAN, say("geometric mean"));
	end_row(page);
	for (size_t i = 0; page->is_markdown && i < p->n_reports + 2; i++)
		fputs(i ? "---|" : "|---|", page->out);
	fputs(page->is_markdown ? "\n" : "", page->out);
}

/* The part of a cell's name behind its workload. */
static const char *name_in_workload(const struct pool_row *row)
{
	size_t n = strlen(row->workload);

	return strncmp(row->cell, row->workload, n) == 0 && row->cell[n] == ' ' ? row->cell + n + 1 : row->cell;
}

static void put_row(const struct page *page, const struct pool *p, const struct pool_row *row)
{
	char text[160], cell[600];

	snprintf(cell, sizeof(cell), "%s, ", name_in_workload(row));
	put_label(page, cell, row->base, row->subject);
	for (size_t i = 0; i < p->n_reports; i++) {
		ratio_text(text, sizeof(text), row->of[i]);
		put_column(page, COLUMN, text);
	}
	mean_text(text, sizeof(text), row->mean);
	put_column(page, MEAN, text);
	end_row(page);
}

/* Means of a pair over the workload's rows, behind the last of them; for two rows and more. */
static void put_means(const struct page *page, const struct pool *p, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		const struct pool_row *row = &p->rows[i];
		char text[160], label[120];
		size_t n, before = first;

		while (before < i && !same_pair(&p->rows[before], row))
			before++;
		(void)pool_workload_mean(p, row, 0, &n);
		if (before < i || n < 2)
			continue;
		snprintf(label, sizeof(label), say("geometric mean of %zu cells, "), n);
		put_label(page, label, row->base, row->subject);
		for (size_t k = 0; k < p->n_reports; k++) {
			mean_text(text, sizeof(text), pool_workload_mean(p, row, k, &n));
			put_column(page, COLUMN, text);
		}
		put_column(page, MEAN, "");
		end_row(page);
	}
}

static void put_page(const struct page *page, const struct pool *p)
{
	fputs(page->is_markdown ? say("# Runs of several machines\n\n") : "", page->out);
	put_machines(page, p);
	fputs(say("\nRatios are base / subject, paired by rounds on each machine: above 1 the subject needs less. "
		  "Intervals and\n"
		  "verdicts are those of each run's own report. Nothing is averaged but ratios that their reports "
		  "trust.\n"),
	      page->out);
	for (size_t first = 0, end; first < p->n_rows; first = end) {
		for (end = first; end < p->n_rows && strcmp(p->rows[end].workload, p->rows[first].workload) == 0; end++)
			;
		fputs(page->is_markdown ? "\n## " : "\n", page->out);
		put_text(page, p->rows[first].workload);
		fputs(page->is_markdown ? "\n\n" : "\n", page->out);
		put_heads(page, p);
		for (size_t i = first; i < end; i++)
			put_row(page, p, &p->rows[i]);
		put_means(page, p, first, end);
	}
}

void pool_text(FILE *out, const struct pool *p)
{
	put_page(&(struct page){out, false}, p);
}

void pool_markdown(FILE *out, const struct pool *p)
{
	put_page(&(struct page){out, true}, p);
}
