/*
 * question_file.h - the questions that the suite answers: harness/questions/QNN-slug.json, one file each. Those that it was
 * made for are the Qs; what came up on the way is asked in the SNNs, which are the same in all else and stand behind them.
 *
 * A file holds a question in two languages, the cells that it needs (groups, as in a plan), named values (expressions over
 * the samples of one round), claims about them that samples can refute, sentences of the answer with what decides which of
 * them is said, a figure, and what could mislead (docs/add-a-question.md). All that can be wrong with a file is found when it
 * is read: a report then meets no claim about a value that nobody defined. Whether its cells exist only a catalog knows;
 * a test asks the subjects.
 *
 * Reading replaces, in the expressions, every `at` by what the place of that name holds and every name of a value by its
 * expression: what uses a question afterwards sees numbers, operations and complete leaves (question_leaf_*) alone.
 */
#ifndef QUESTION_FILE_H
#define QUESTION_FILE_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/base/err.h"

/* The languages of all texts; every text has both. */
#define QUESTION_EN "en"
#define QUESTION_ZH "zh"

/* What a leaf reads of a sample. */
enum question_quantity {
	ASK_VALUE, /* the cell's metric */
	ASK_WALL,
	ASK_CPU,
	ASK_SWITCHES,
	ASK_OWN_SWITCHES,
	ASK_THREADS,
	ASK_BUSY,
	ASK_RATE,
	ASK_LITTLE,
	ASK_P50,
	ASK_P99,
	ASK_RSS,
	ASK_PAGETABLE,
	ASK_KSTACK,
	ASK_SLAB,
	ASK_FIGURE, /* "figure:NAME": what timed samples tell beside the metric */
	ASK_RUNTIME, /* "runtime:NAME": what the model's own runtime counted, per operation */
	ASK_GAUGE, /* "gauge:NAME": what it tells that is no count (a quantile, a share, how many there are): as it is */
	ASK_COUNTER, /* "counter:NAME": per operation, of counted samples */
	ASK_SIMULATED, /* "simulated:NAME": per operation, of pairs of simulated samples: never claimed about */
	ASK_NONE,
};
/* *name is what follows the colon, or NULL. ASK_NONE: there is no such quantity. */
enum question_quantity question_quantity(const char *text, const char **name);

enum question_op {
	ASK_NUMBER,
	ASK_LEAF,
	ASK_RATIO,
	ASK_DIFFERENCE,
	ASK_SUM,
	ASK_PRODUCT,
	ASK_MOST, /* the largest of several */
	ASK_PARAM, /* {"param": P}, within something along P: the value of P */
	/* Along a parameter: an expression is taken at each of several values of it. */
	ASK_FALLS_BELOW, /* where it first comes below a level */
	ASK_CROSSES, /* where two of them first change places */
	ASK_FIT, /* a straight line or a law of scalability through it */
	ASK_NO_OP
};
/* What an expression is; *args: the operands of the five operations in the middle, and the two of ASK_CROSSES. */
enum question_op question_op(const json_t *expr, const json_t **args);

/* What a fit tells; its values along the axis are x, those of the expression y. */
enum question_fit {
	FIT_SLOPE, /* "slope": by how much y grows with x (Theil-Sen) */
	FIT_CONTENTION, /* y is a throughput: "usl_contention" and "usl_coherency" are sigma and kappa of usl.h */
	FIT_COHERENCY,
	FIT_PEAK, /* "usl_peak": the x of most throughput; endless where it does not turn */
	FIT_NONE,
};
enum question_fit question_fit(const char *name);

/* Calls f for each leaf below expr; of what is along a parameter once for each of its values, with that value in place. */
void question_leaves(const json_t *expr, void (*f)(const json_t *leaf, void *arg), void *arg);

/* A copy (new reference) in which every leaf has this value of a parameter. */
json_t *question_with(const json_t *expr, const char *param, const json_t *value);

/* Check and expand one file's JSON, in place. -EINVAL and a sentence that begins with `name`. */
int question_prepare(json_t *question, const char *name, struct err *err);

/*
 * All questions in the order of their files' names (new reference): of $SWITCHYARD_QUESTION_DIR, else of the folder beside the
 * executable, else of the source tree. -ENOENT where there is no such folder, -EINVAL where a file is wrong.
 */
int questions_load(json_t **out, struct err *err);
/* By id, in either case, or slug; borrowed, NULL: there is none. */
const json_t *questions_find(const json_t *all, const char *id);

enum { QUESTION_ROUNDS = 9 }; /* of its cells, unless a group says otherwise: intervals for up to twelve claims */

/* A plan of the cells of these questions ("Q08,Q13"); new reference. -EINVAL and a sentence. */
int questions_plan(const json_t *all, const char *ids, json_t **out, struct err *err);

/* The text of an object in a language, "" where it has none. */
const char *question_text(const json_t *object, const char *lang);

#endif
