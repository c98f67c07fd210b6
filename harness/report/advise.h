/*
 * advise.h - which model for a given load, out of a run's report: what `switchyard advise` thinks.
 *
 * The load. So many tasks, each of which in turns computes for a time and waits for a time, for ever; a turn is to end, wait included,
 * within a limit in 99 of 100 cases.
 *
 * The way (docs/method.md, "Advice", has each step with its reason). For each model, from the rows of the report alone:
 *   turn    CPU of a turn = what the task computes + what the model takes for a wait of that kind, at that many tasks and CPUs;
 *   memory  tasks x bytes of a parked one;
 *   p99     wait + how late the model resumes + how long work waits for a CPU + turn.
 * Each is a span: what is surely needed, and what is surely enough (infinite: not measured). A model FITS when what is enough keeps to
 * all limits, it FAILS when what is needed breaks one, else it is UNKNOWN. Of those that fit that is advised which takes least CPU of a
 * turn, and where this is the same within the margin, least memory; spans that overlap decide nothing.
 *
 * Why spans and no best guess: the cells were measured at other sizes than those that are asked for. Between two measured
 * numbers of tasks a cost is taken to lie between theirs, beyond the last one to be no less, and nothing is read off a curve.
 *
 * Rejected: a weighted score of all qualities (whose weights?); a simulation of the load (its result would look measured).
 *
 * Invariants. (A1) No number comes from elsewhere than the rows of the report, but for the constants here. (A2) A model that is
 * advised fits: unknown is never taken for good. (A3) What is sure stays sure when a row gets a wider interval: it can only become unknown.
 */
#ifndef ADVISE_H
#define ADVISE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "harness/base/err.h"

#define ADVISE_MARGIN 0.05 /* CPU of a turn that differs by less is the same: the margin of all verdicts */
#define ADVISE_BUSY 0.7 /* up to this load the queue's formula is used, as open loops are offered no more */
#define ADVISE_NEAR 10.0 /* a cell speaks for waits up to so many times longer or shorter than its own */
#define ADVISE_MEMORY_SHARE 0.01 /* memory that differs by less than this of the budget decides nothing */

enum advise_kind { ADVISE_SOCKET, ADVISE_TIMER, ADVISE_BLOCKING, ADVISE_KINDS };
enum advise_fit { FIT_YES, FIT_NO, FIT_UNKNOWN };
enum advise_verdict { ADVISE_CHOSEN, ADVISE_NONE_FITS, ADVISE_UNDECIDED, ADVISE_REFUSED };
enum advise_axis { AXIS_TASKS, AXIS_CPU, AXIS_WAIT, AXIS_P99, ADVISE_AXES };

enum { ADVISE_MODELS = 3, ADVISE_MOST_CELLS = 24, ADVISE_MOST_FLIPS = 24 };

/* At least lo and at most hi; hi is INFINITY where nothing measured says how much it can be. */
struct span {
	double lo, hi;
};

struct advise_load {
	double axis[ADVISE_AXES]; /* tasks; CPU of a turn, wait of a turn and limit of p99 in ns */
	enum advise_kind kind;
	double cpus; /* 0: those that the run's machine had */
	double memory_bytes; /* 0: the memory of the run's machine */
};

/* Ids of cells, borrowed from the report. */
struct advise_cells {
	const char *id[ADVISE_MOST_CELLS];
	size_t n;
};

struct advise_model {
	const char *id;
	enum advise_fit fit;
	char why[320]; /* it does not fit, or why that is not known; "" where it fits */
	double cpus; /* that it can use */
	struct span wait_ns; /* CPU that a wait takes */
	struct span turn_ns; /* CPU of a turn */
	struct span busy; /* of its CPUs, a share */
	struct span memory_bytes;
	struct span late_ns; /* p99 of how late it resumes */
	struct span p99_ns;
	struct advise_cells cells;
};

/* The answer to one load. */
struct advise_answer {
	enum advise_verdict verdict;
	int choice, runner_up; /* of models[]; -1: none. Undecided: the two that cannot be told apart */
	char sentence[1200];
	struct advise_model models[ADVISE_MODELS];
};

/* Where the answer changes along one axis. */
struct advise_flip {
	enum advise_axis axis;
	double same_until, other_from; /* the answer is still the same, and is another one */
	struct advise_answer beyond;
};

struct advice {
	struct advise_load load; /* with cpus and memory_bytes filled in */
	struct advise_answer answer;
	struct advise_flip flips[ADVISE_MOST_FLIPS];
	size_t n_flips;
	const json_t *report; /* borrowed */
};

/* The answer and where it flips. 0; -EINVAL with a sentence where the load makes no sense. `report` outlives the advice. */
int advise(const json_t *report, const struct advise_load *load, struct advice *out, struct err *err);

const char *advise_kind_name(enum advise_kind kind);
const char *advise_verdict_name(enum advise_verdict verdict); /* "chosen", "none_fits", "undecided", "refused" */
const char *advise_axis_name(enum advise_axis axis);

/* advise_show.c. `notes`: sentences about the run, an array of strings. */
void advise_text(FILE *out, const struct advice *a, const json_t *notes);
json_t *advise_json(const struct advice *a, const json_t *notes); /* schema switchyard.advise/1 */

/* ---- advise_facts.c: what the rows say of one model -------------------------------------------------------------- */

/* What is missing is {0, INFINITY}, and the reason is in `m->why` unless one is there. Adds the cells to m->cells. */
struct span facts_wait_cost(const json_t *report, const struct advise_load *load, struct advise_model *m);
struct span facts_memory(const json_t *report, const struct advise_load *load, struct advise_model *m);
struct span facts_lateness(const json_t *report, const struct advise_load *load, struct advise_model *m);
/* The most tasks that the model can have on the run's machine, INFINITY where no limit is known; its name in words. */
double facts_limit(const json_t *report, const struct advise_load *load, struct advise_model *m, const char **name);
/* Why the model cannot do such waits at all, or NULL. */
const char *facts_refusal(const json_t *report, const struct advise_load *load, struct advise_model *m);

#endif
