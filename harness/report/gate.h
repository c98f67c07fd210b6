/*
 * gate.h - is a build slower than another one? Answered from one or two batches in which both were measured in the same
 * rounds (`switchyard run --old`: subject and subject@old).
 *
 *      first batch   ->  rows that look slower by more than the margin  ->  second batch of their cells, every order
 *      turned round  ->  a regression is what both batches show
 *
 * Why two: a table of many rows has a false separation now and then, whatever its level, and a gate that cries wolf is
 * switched off. What is asked of a row in each batch: its paired interval (95 % for all rows of the batch together) lies
 * on the slow side of 1, the estimate is beyond the margin and the noise floor, and the measurement is trusted. The orders
 * are turned round so that what favours the one that comes first cannot show twice.
 *
 * The floor of the second batch is at least that of the first: the twin of a family need not be among the cells that are
 * measured again.
 *
 * Rejected: measuring until it is significant (the number of rounds is fixed, nobody looks in between); a baseline of
 * another day as the old side of the first batch (it is what `compare --gate` does, with its warnings, and the second
 * batch is measured side by side even there).
 */
#ifndef GATE_H
#define GATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "harness/base/err.h"
#include "harness/stats/verdict.h"

struct report;
struct series;
struct twin;

struct gate_row {
	const char *cell, *subject, *metric; /* of the report, as are the next */
	const struct series *old, *fresh;
	const struct twin *twin; /* of the cell, or NULL */
	double median_old, median_new;
	int unit; /* enum unit of words.h */
	struct stats_comparison cmp; /* ratio is old / new: below 1, the new build needs more */
	struct verdict verdict;
	double floor; /* as a factor less one; negative: no twin */
	bool is_regression; /* as far as this batch shows */
};

/* One batch: the rows that are asked about, of a run's records. */
struct gate_batch {
	struct report *report;
	struct gate_row *rows;
	size_t n_rows;
	bool is_noisy; /* too many samples were disturbed by others */
	size_t n_lost; /* pairs in which the new build has no sample and the old one has */
};

/* How a batch is judged. */
struct gate_rule {
	double margin;
	bool is_forced; /* that others disturbed samples is no reason not to judge */
	const json_t *only; /* cells and subjects to ask about: [{"cell","subject"}]; NULL: all pairs */
	const struct gate_batch *floors; /* an earlier batch, or NULL */
};
int gate_read(const char *dir, const struct gate_rule *rule, struct gate_batch *out, struct err *err);
void gate_clear(struct gate_batch *b);

/* The rows that look like regressions, as [{"cell","subject"}] (new reference). */
json_t *gate_suspects(const struct gate_batch *b);

enum gate_outcome { GATE_PASSED, GATE_REGRESSED, GATE_NOISY, GATE_UNTRUSTED, GATE_LOST, GATE_OPEN };
/*
 * What the batches say. `second` is NULL before it was measured: then GATE_OPEN asks for it. With `is_forced` a noisy
 * machine is no reason not to judge.
 */
enum gate_outcome gate_outcome(const struct gate_batch *first, const struct gate_batch *second, bool is_forced);
const char *gate_outcome_text(enum gate_outcome o);

void gate_text(FILE *out, const struct gate_batch *b, const char *title);
json_t *gate_rows_json(const struct gate_batch *b);

#endif
