/*
 * catalog.h - the subjects that were found, and what they say they can do.
 *
 * The harness knows no model and no workload: it runs `--describe` of every executable named subject-* in the
 * directories it is given, and works with the answers. Workloads of one name are one workload when their versions
 * agree; the definition that counts is that of the first subject (by id) that has it with the highest version. A
 * subject that offers another version, or describes itself wrongly, is left out with a warning: results are compared
 * only within one version of the work.
 */
#ifndef CATALOG_H
#define CATALOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/plan/filter.h"

enum scaling { SCALING_LINEAR, SCALING_FINITE, SCALING_SERVER, SCALING_STATE };
enum metric {
	METRIC_WALL_PER_OP,
	METRIC_CPU_PER_OP,
	METRIC_BYTES_PER_TASK,
	METRIC_DELAY_P50, /* of what the subject's sample tells as delays */
	METRIC_DELAY_P99,
};

enum { CATALOG_MAX_PARAMS = 16 }; /* of a workload; ours have at most BENCH_MAX_PARAMS */

/* All pointers point into a describe object that the catalog owns; everything is immutable after catalog_load. */
struct param_def {
	const char *name, *unit, *help;
	bool is_choice;
	int64_t min, max; /* !is_choice */
	const json_t *choices; /* is_choice: array of strings */
	json_t *dflt, *smoke; /* integer or string; borrowed */
};

/* The names of the parameters that say how much load a server gets (knee.h); NULL: it has none such. */
struct workload_knee {
	const char *percent; /* of a knee; 0: not so */
	const char *of; /* whose knee: "slowest" or "own" */
	const char *rate; /* requests per second; 0: not so */
};

struct workload_def {
	const char *name, *summary, *op, *fairness;
	int version;
	enum scaling scaling;
	enum metric metric;
	uint64_t smoke_ops;
	uint64_t ops_quantum; /* below 2^32; ops come in multiples of this times the value of quantum_param */
	const char *quantum_param; /* NULL: of ops_quantum alone */
	struct workload_knee knee;
	struct param_def *params;
	size_t n_params;
};

struct subject {
	char *id, *path;
	char *model; /* id of the subject that it is a variant of (variant.h); its own, if it is none */
	char *knobs; /* "name=value,..." that make the variant; NULL: none, it is no variant */
	json_t *describe;
	bool *offers; /* per workload of the catalog */
	bool can_calibrate, can_certify, can_trace;
	const char
		*native_trace; /* what opens its traces, which are of its runtime's own form; NULL: they are of ours */
};

struct catalog {
	struct subject *subjects; /* sorted by id; variants behind them, in the order in which they were added */
	size_t n_subjects;
	struct workload_def *workloads; /* sorted by name */
	size_t n_workloads;
	struct filter_key *param_keys; /* every parameter name once */
	size_t n_param_keys;
	json_t *warnings; /* array of sentences */
	json_t *not_built; /* array of {"id","packages","why"} (references.h) */
};

/*
 * Ask every executable subject-* in `dirs` (colon-separated; directories that do not exist are skipped with a warning).
 * -ENOENT when none answers.
 */
int catalog_load(const char *dirs, struct catalog **out, struct err *err);
/* The same of one executable, whatever its name. */
int catalog_load_one(const char *path, struct catalog **out, struct err *err);
/* For tests: as if executables had described themselves so; those that are wrong are left out with a warning. */
int catalog_described(json_t *const *describes, size_t n, struct catalog **out, struct err *err);
void catalog_free(struct catalog *c);

/* describe.c: run `path --describe`. 0 and a new reference, or -errno and a sentence. */
int catalog_describe(const char *path, json_t **out, struct err *err);
/* Whether a describe object keeps the protocol; -EPROTO and a sentence otherwise. */
int catalog_check_describe(const json_t *describe, struct err *err);

const struct subject *catalog_subject(const struct catalog *c, const char *id);
/* By full name, or by its last part where that is unique. -ENOENT with the known names. */
int catalog_workload(const struct catalog *c, const char *name, const struct workload_def **out, struct err *err);
bool catalog_offers(const struct catalog *c, const struct subject *s, const struct workload_def *w);

const struct param_def *workload_param(const struct workload_def *w, const char *name);
/* 0, or -EINVAL and a sentence: wrong type, out of range, unknown choice. */
int param_check(const struct workload_def *w, const struct param_def *p, const json_t *value, struct err *err);
/* The value that `text` means for the parameter (new reference), or NULL with a sentence. */
json_t *param_from_text(const struct workload_def *w, const struct param_def *p, const char *text, struct err *err);
/* Every parameter with its default (or smoke) value, in declared order. */
json_t *workload_defaults(const struct workload_def *w, bool smoke);

/* As many operations as the workload can do, rounded down to its quantum, but one quantum at least. */
uint64_t workload_round_ops(const struct workload_def *w, const json_t *params, uint64_t ops);

const char *scaling_name(enum scaling s);
const char *metric_name(enum metric m);
const char *metric_unit(enum metric m);
/* The one of that name; -1: there is none, or no name. */
int scaling_find(const char *name);
int metric_find(const char *name);

#endif
