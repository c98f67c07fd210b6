/*
 * compare.h - two runs of other days, or of other builds, set side by side: what changed from A to B.
 *
 *   report.json of A, of B --compare_reports--> rows (one per subject and cell that both have) --compare_show.c--> text,
 *                                               JSON, Go benchmark text
 *
 * Rounds of different runs have nothing in common, so nothing is paired: the interval is that of two samples
 * (two_sample.h), corrected for all rows of the table (Bonferroni), because whoever asks "did anything change?" looks at
 * all of them.
 *
 * The floor of a row is the largest of three: what identical programs showed in A, what they showed in B, and, for a
 * subject whose binary changed, what the subjects whose binary did not change show in the same cell between A and B. The
 * last is the only thing in two records that knows whether the machine was the same: a subject that was not touched and is
 * 8 % slower is not slower. It is a floor and no correction: the machine need not be kinder to one program than to
 * another.
 *
 * Invariants. (C1) Only cells of the same id, workload version, metric and unit are compared. (C2) Swapping A and B swaps
 * FASTER and SLOWER and inverts the ratios. (C3) What could make the runs differ beside the subjects is told
 * (warnings), never used to hide a row.
 */
#ifndef COMPARE_H
#define COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "harness/base/err.h"
#include "harness/stats/verdict.h"

enum compare_binary { BINARY_UNKNOWN, BINARY_SAME, BINARY_CHANGED };

/* One subject on one cell in both runs. Pointers are into the two reports. */
struct compare_row {
	const json_t *cell, *of_a, *of_b; /* the cell (of B), the subject in A and in B */
	const char *id, *subject;
	enum compare_binary binary;
	double floor_a, floor_b; /* half-widths of the twins, as factors less one; negative: no twin */
	double drift; /* of subjects with an unchanged binary, as a factor less one; negative: there is none */
	bool twin_differs; /* in A or in B */
	struct stats_comparison cmp; /* ratio is A / B: above 1, B needs less */
	struct verdict verdict;
};

struct compare {
	json_t *a, *b; /* the reports */
	double margin;
	bool is_forced; /* that others disturbed samples is no reason not to judge */
	struct compare_row *rows; /* in the order of B's cells */
	size_t n_rows;
	json_t *warnings; /* sentences: what else differs */
	json_t *unmatched; /* [{"cell","subject"|null,"why"}] */
};

/* Takes new references to both. 0, or -ENODATA when nothing can be compared, -ENOMEM. */
int compare_reports(json_t *a, json_t *b, double margin, bool is_forced, struct compare **out, struct err *err);
void compare_free(struct compare *c);

/* Whether too many samples of A or of B were disturbed by other programs. */
bool compare_is_disturbed(const struct compare *c);

void compare_text(FILE *out, const struct compare *c);
json_t *compare_json(const struct compare *c);
/* Both runs as Go benchmark text: `benchstat -col run FILE`. */
void compare_benchstat(FILE *out, const struct compare *c);

#endif
