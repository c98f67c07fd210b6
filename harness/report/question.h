/*
 * question.h - the questions that a run answers: values measured, claims judged, sentences chosen.
 *
 * A value is an expression over the samples of one round (harness/plan/question_file.h), taken in every round that has all of
 * its samples; its median and sign-test interval are those of these numbers. So a ratio or a difference is paired by rounds
 * and never one of medians. Values that claims are about get an interval of level 1 - alpha/m, m being the claims of their
 * question: those intervals hold together at 1 - alpha. The others have 1 - alpha each. alpha is 5 %; of a run with looks,
 * the least that one of them may err.
 *
 * A claim is supported where the whole interval keeps its limit, refuted where the whole interval breaks it, inconclusive
 * where the limit lies inside, where there is no interval, or where samples cannot be relied on (disturbed, or an A/A twin
 * that differs from itself), and unmeasured where the run has not what it takes.
 */
#ifndef REPORT_QUESTION_H
#define REPORT_QUESTION_H

#include "harness/report/model.h"

enum claim_verdict { CLAIM_UNMEASURED, CLAIM_SUPPORTED, CLAIM_REFUTED, CLAIM_INCONCLUSIVE, CLAIM_VERDICTS };

/* One value of a question. */
struct asked {
	const char *name, *unit;
	const json_t *of;
	struct stats_estimate est; /* infinite where the base of a ratio was 0, or a level was not reached */
	const char *subject; /* of its first series that the run has; NULL: it has none of them */
	size_t samples, contaminated; /* behind it */
	const struct cell *differing; /* one of its cells, where the A/A twin differs from itself; or NULL */
	bool is_absent; /* the run did not ask for it: a run of the question would */
	bool is_simulated; /* in part at least: said with it wherever it stands */
	char why[320]; /* where est.n is 0 */
};

struct claim {
	const json_t *json;
	const char *id;
	const struct asked *value;
	enum claim_verdict verdict;
	char why[320]; /* of those that are neither supported nor refuted */
	double reach; /* half of the interval: what these rounds could tell from the limit; NaN: no interval */
	size_t more_rounds; /* that would about decide; 0: not known, or none */
};

struct question {
	const json_t *json;
	const char *id;
	struct asked *values;
	size_t n_values;
	struct claim *claims;
	size_t n_claims;
	size_t count[CLAIM_VERDICTS];
	bool is_answered; /* a claim was measured, and there is something to say; or all were */
	size_t samples, contaminated; /* behind the claims */
};

/*
 * Fills r->questions from these files (questions_load(); a new reference is taken). Called again, it starts anew. 0 or
 * -ENOMEM.
 */
int report_questions(struct report *r, json_t *files, struct err *err);
void report_questions_free(struct report *r);

/* The series that a leaf of an expression reads; NULL: the run has none. */
const struct series *question_series(const struct report *r, const json_t *leaf);
/* An expression in one round; NaN: the round has not all that it takes. */
double question_at(const struct report *r, const json_t *expr, long round);
/* question_along.c: one along a parameter (ASK_FALLS_BELOW, ASK_CROSSES, ASK_FIT), likewise. */
double question_along(const struct report *r, const json_t *expr, long round);
/* The value of this name; NULL: none. */
const struct asked *question_asked(const struct question *q, const char *name);
const char *claim_verdict_name(enum claim_verdict v);
/* The first alternative of sentence i that holds in this run and whose values it has all measured; NULL: none. */
const json_t *question_sentence(const struct question *q, size_t i);
/* A text of the question with its placeholders filled, as markup. */
void question_say(FILE *out, const struct question *q, const char *text);
/* A value with its interval; its median alone; a number in its unit. */
void question_value(FILE *out, const struct asked *a);
void question_median(FILE *out, const struct asked *a);
void question_number(FILE *out, double v, const char *unit);

#endif
