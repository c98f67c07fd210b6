/*
 * model.h - what a run says, as structures: the layer between the records (docs/records.md) and the pages.
 *
 *   run.json, samples.jsonl --model.c--> cells, series, points --analyse.c--> estimates, comparisons, twins, slopes
 *                           --json.c, content.c, benchstat.c, summary.c, plots.c--> files
 *
 * Invariants. (M1) Only samples with status ok enter a series. (M2) Time and memory come from kind timed alone;
 * counted samples are kept apart and give counters and their own cost only, simulated ones what was simulated. (M3) A series has at most one point per
 * round: of several attempts the last ok one. (M4) Nothing is dropped by its value. (M5) Cells stand in the
 * order of the plan, models in a fixed order; neither depends on the samples' arrival.
 *
 * Strings and json_t pointers are borrowed from `run` and `samples`, which the report owns.
 */
#ifndef MODEL_H
#define MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"
#include "harness/stats/looks.h"
#include "harness/stats/stats.h"
#include "harness/stats/theil_sen.h"
#include "harness/stats/usl.h"
#include "harness/stats/verdict.h"

/* What a sample gives besides its metric; NaN where it was not measured. */
enum quantity {
	Q_VALUE, /* the cell's metric */
	Q_WALL, /* ns of wall time per op */
	Q_CPU, /* ns of CPU time per op */
	Q_SWITCHES, /* kernel context switches per op */
	Q_THREADS, /* OS threads of the subject */
	Q_OWN_SWITCHES, /* switches per op that a model's own scheduler made, where it says so */
	Q_BUSY, /* servers: CPU time of the server / (wall time x its CPUs) */
	Q_GENERATOR, /* servers: CPU time of the load generator / wall time */
	Q_RATE, /* servers: requests per second */
	Q_OFFERED, /* open loops: requests that were due per second */
	Q_OWN_SHARE, /* load by percent of a knee: what was offered over the subject's own knee */
	Q_LITTLE, /* closed-loop load: rate x mean response time / connections that carry it; 1 by Little's law */
	Q_P50, /* servers: percentiles of latency, delay cells: of the delays of the process, ns */
	Q_P99,
	Q_P99_9,
	Q_MEM_RSS, /* memory cells: bytes per task, part by part */
	Q_MEM_PAGETABLE,
	Q_MEM_KSTACK,
	Q_MEM_KSTACK_COMPUTED,
	Q_MEM_SLAB,
	Q_AROUND, /* ns from fork to waitpid less the region */
	Q_SETTLE, /* ns of the pause before the process, outside of it */
	Q_SPIN, /* ns of the calibration spins before and after, outside of it */
	Q_COUNT,
};

/* One process run that counts. */
struct point {
	long round;
	long attempt;
	double q[Q_COUNT];
	double ops; /* operations done: the denominator of everything per op; 0: not known */
	bool contaminated; /* kept after the last allowed repetition, and marked */
	bool unsettled; /* contaminated because a memory snapshot was taken before the kernel's figures came to rest */
	const json_t *sample; /* */
};

struct point_list {
	struct point *at; /* sorted by round */
	size_t n, cap;
};

enum status_count { ST_OK, ST_REQUEUED, ST_VOID, ST_UNSUPPORTED, ST_TOO_SLOW, ST_FAILED, ST_MISMATCH, ST_COUNT };

/* One subject in one cell. */
struct series {
	const char *subject;
	const json_t *describe; /* what the subject says of itself, or NULL */
	bool is_twin;
	struct point_list timed, counted, simulated, traced;
	struct point_list
		knees; /* measurements of its knee: closed loops; Q_RATE is what counts. None where another cell has them */
	size_t by_status[ST_COUNT]; /* of timed samples and of those that ended a cell early, whatever their kind */
	const char *status; /* "ok", or why there is no number: "unsupported", "too_slow", "failed", "not_measured" */
	const char *why; /* a sentence, or NULL */
	const char *whys[ST_COUNT]; /* the first sentence given with each status */
	/* by analyse.c */
	struct stats_estimate est[Q_COUNT];
	unsigned rank_group; /* 1 is best; 0: not ranked (a baseline, or no interval) */
	bool leads; /* in group 1, and there is a group 2 */
	size_t n_contaminated, n_unsettled; /* of the timed points */
};

struct twin;

struct cell {
	const json_t *json; /* of the plan */
	const char *id, *workload; /* */
	const char *placement, *group, *metric, *unit, *scaling;
	char family[32];
	char name[160]; /* the parameters that vary within the workload: short, unique there */
	long workers;
	const json_t *about; /* the workload's entry in a subject's describe, or NULL */
	struct series *series; /* of the plan's subjects in order, the twin last */
	size_t n_series;
	const struct twin *twin; /* the A/A pair that stands for this cell, or NULL */
};

struct twin {
	const struct cell *cell;
	const char *subject;
	struct stats_comparison cmp; /* at 95 % */
	struct stats_comparison strict; /* at 95 % corrected for the number of twins of the run */
	bool known; /* enough rounds to tell whether it differs */
	bool differs;
};

struct comparison {
	const struct cell *cell;
	const struct series *base, *subject;
	struct stats_comparison cmp;
	unsigned m; /* comparisons of the cell's table: alpha is divided by it */
	const struct stats_look *look; /* at which it was judged; NULL: the run has none, or came to none */
	double contaminated_share;
	struct verdict verdict;
	/* The same without the rounds in which a sample was contaminated; only where contaminated_share is above 0. */
	struct stats_comparison clean; /* n = 0: no round is left */
	struct verdict clean_verdict;
};

enum memory_part { MEM_TOTAL, MEM_RSS, MEM_PAGETABLE, MEM_KSTACK, MEM_SLAB, MEM_PSS, MEM_SOCKETS, MEM_PARTS };

/* Memory against the number of live tasks, over the cells of one workload that differ only in that number. */
struct slope {
	const struct cell *cell; /* the first of them */
	const char *subject;
	char params[160]; /* what they share, in words */
	struct theil_sen fit[MEM_PARTS];
	bool ok[MEM_PARTS];
	double x_min, x_max;
};

/* A limit that kept a subject from having as many tasks as a cell wanted. */
struct limit {
	const struct cell *cell;
	const char *subject, *name, *where;
	double limit, used; /* of the first such sample */
	double least_tasks, most_tasks; /* that there were; NaN: not told */
	size_t n, of; /* samples that met it, of the subject's in the cell (calibrations aside) */
};

/* Throughput over a number of things at once: connections, tasks or workers (scaling.c). */
struct scaling {
	const struct cell *cell; /* the first on its curve */
	const char *subject, *axis;
	double n_min, n_max; /* of the axis */
	struct usl_estimate usl;
};

/* One counter of one subject in one cell. */
struct counter {
	const struct cell *cell;
	const char *subject, *name, *fstr, *scope, *why;
	size_t n; /* counted processes of the cell and subject, whatever their set */
	struct stats_estimate per_op;
	struct stats_estimate per_kernel_switch, per_own_switch; /* of the same samples, where there are switches */
	double running; /* smallest share of the time that the event was really counting; NaN: not known */
};

/* One figure that one subject's timed samples tell in one cell, beside the metric. */
struct side_figure {
	const struct cell *cell;
	const char *subject, *name;
	struct stats_estimate value;
};

/* What cachegrind counts; simulated.c has the names. */
enum simulated_count { SIM_INSTRUCTIONS, SIM_DATA_REFS, SIM_I1, SIM_D1, SIM_LL, SIM_COUNT };

/* One subject in one cell, simulated. */
struct simulation {
	const struct cell *cell;
	const char *subject;
	size_t n; /* pairs */
	double ops; /* by which the second of a pair did more: the least of them */
	struct stats_estimate per_op[SIM_COUNT];
	struct stats_estimate per_switch; /* instructions for each switch of the model's own */
	const json_t *about; /* a sample's `simulation`: tool and caches */
};

/* What counting costs a subject: time per op of counted samples over timed ones, median over cells. */
struct counting_cost {
	const char *subject;
	struct stats_estimate ratio; /* n = cells */
};

struct plot {
	char id[160], title[320], alt[1200];
	char svg[176], png[176], gp[176], dat[176]; /* file names relative to the run's folder */
	const char *workload; /* whose section it belongs to; "": none's */
	bool drawn; /* the SVG and the PNG were made */
};

/* A traced sample, and the pictures of its timeline. */
struct traced_run {
	const struct cell *cell;
	const char *subject, *file; /* in the run's folder */
	size_t n_scenes;
	struct traced_scene {
		struct plot plot; /* without .png, .gp and .dat */
		char text[900];
		const char *name; /* "a hand-off" */
		int kind; /* of timeline.h */
		double after_ns[2]; /* from its first point to its second, and third; NaN: it has none */
	} scenes[3];
	const char *why; /* there are none; NULL: there are */
	const char *opens_with; /* it is of the runtime's own form; NULL: of ours */
};

struct excluded {
	char *what, *why;
};

struct report {
	json_t *run, *samples, *warnings;
	struct cell *cells;
	size_t n_cells;
	const char **workloads; /* distinct, in the plan's order */
	size_t n_workloads;
	struct stats_look looks[16]; /* of the plan; none: each cell is judged once, at its end */
	size_t n_looks;
	struct comparison *comparisons;
	size_t n_comparisons;
	struct twin *twins;
	size_t n_twins;
	struct slope *slopes;
	size_t n_slopes;
	struct limit *limits;
	size_t n_limits;
	struct scaling *scalings;
	size_t n_scalings;
	struct counter *counters;
	size_t n_counters;
	struct side_figure *figures;
	size_t n_figures;
	struct side_figure *ratios; /* of counters, in counted samples */
	size_t n_ratios;
	struct simulation *simulations;
	size_t n_simulations;
	struct counting_cost *costs;
	size_t n_costs;
	struct plot *plots;
	size_t n_plots;
	struct traced_run *traces; /* timelines.c */
	size_t n_traces;
	struct plot topology; /* the machine, without .gp and .dat; not drawn where the record does not hold it */
	struct excluded *excluded;
	size_t n_excluded;
	char plots_why[256]; /* why figures are missing, or "" */
	bool without_png; /* no font here has the page's characters: figures are SVG alone */
	struct question *questions; /* question.h; of question_files, which the report keeps */
	size_t n_questions;
	json_t *question_files;
	char questions_why[256]; /* why there are none, or "" */
	size_t samples_ok, requeued, failed, voided, unsupported;
	size_t timed, contaminated, unsettled; /* timed samples that count; of them, kept and marked */
	bool noisy;
	json_t *noise_reasons; /* strings */
};

/* Takes new references to the three. 0 or -errno with a sentence. */
int report_build(json_t *run, json_t *samples, json_t *warnings, struct report **out, struct err *err);
void report_free(struct report *r);
/* Of a run's folder (report.c). */
int report_load(const char *dir, struct report **out, struct err *err);

/* Adds to what was left out; the sentence in printf form. Out of memory loses the note, nothing else. */
void model_exclude(struct report *r, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* analyse.c: all that needs statistics. Called by report_build. */
int report_analyse(struct report *r, struct err *err);

/* limits.c: r->limits, and notes about threads that may have run elsewhere. 0 or -ENOMEM. Called by report_analyse. */
int report_limits(struct report *r);
/* The median of a quantity of the points, with its interval. 0 or -ENOMEM. */
int points_estimate(const struct point_list *list, enum quantity q, double level, struct stats_estimate *out);

/* slopes.c: r->slopes; scaling.c: r->scalings; and so on. 0 or -ENOMEM. Called by report_analyse. */
int report_ratios(struct report *r);
int report_simulations(struct report *r);
int report_slopes(struct report *r);
int report_scaling(struct report *r);
int report_counters(struct report *r); /* counted.c, as the next */
int report_counting_cost(struct report *r);

/* simulated.c: what is called `name` in the records, per operation, of pair 0, 1...; NaN: there is no such pair or name. */
double simulated_per_op(const struct cell *c, const struct series *s, long pair, const char *name);

/* Room for element n, zeroed, in an array of n; the array, perhaps moved, or NULL (then it is as it was). */
void *model_grow(void *array, size_t n, size_t size);
/* Append one zeroed element and give its address; NULL when out of memory. */
#define GROW(array, n)                                                                                                 \
	({                                                                                                             \
		__typeof__(array) grown_ = model_grow((array), (n), sizeof(*(array)));                                 \
		if (grown_)                                                                                            \
			(array) = grown_;                                                                              \
		grown_ ? &(array)[(n)++] : NULL;                                                                       \
	})

/* ---- reading JSON that others wrote ---------------------------------------------------------------- */

const char *field_text(const json_t *object, const char *key, const char *otherwise);
double field_number(const json_t *object, const char *key); /* NaN when absent, null or no number */
long field_whole(const json_t *object, const char *key, long otherwise);

/* ---- questions about the model ----------------------------------------------------------------------- */

const struct series *cell_series(const struct cell *c, const char *subject); /* not the twin; or NULL */
bool subject_is_baseline(const char *subject); /* serial or null: shown, not ranked */
bool cell_is_server(const struct cell *c);
bool cell_is_memory(const struct cell *c);
bool cell_is_delay(const struct cell *c); /* its metric is a quantile of delays */
/* The empty region: what it gives concerns the harness and no model. */
bool cell_is_null(const struct cell *c);
/* Few CPUs: the load generator and the server cannot both have their own core with one to spare. */
bool network_is_narrow(const struct report *r);
/* What one operation is ("one hop: the token is passed on"); "one operation" where nobody says. */
const char *cell_op(const struct cell *c);
/* The counter of that name in a counted sample, or NULL: its set does not have it. */
const json_t *counter_named(const json_t *sample, const char *name);
/* The latencies of a server's sample, the delays of a delay cell's: count and percentiles. NULL: it has neither. */
const json_t *sample_latencies(const json_t *sample);
/* Operations done, by the certificate, for servers by the load generator, else as planned. 0: not known. */
double sample_ops(const json_t *sample);
/*
 * f over the rounds that both have, both values finite, in order of rounds. Into out, which holds a->timed.n; returns
 * how many, and in *contaminated how many of their samples (two a round) are.
 */
size_t paired_points(const struct series *a, const struct series *b, enum quantity q, double (*f)(double a, double b),
		     double *out, size_t *contaminated);
/* The last look that the cell came to; NULL: none. */
const struct stats_look *cell_look(const struct report *r, const struct cell *c);
/*
 * Two series of a cell, paired by rounds: the interval at `level`, the one of the equivalence test at `narrow_level`.
 * -ENODATA when no round has both. The share may be NULL.
 */
int pair_series(const struct series *base, const struct series *subject, double level, double narrow_level,
		struct stats_comparison *out, double *contaminated_share);
/* clean_rounds.c: the same over the rounds in which neither was contaminated. -ENODATA when there is none. */
int compare_clean_rounds(const struct series *base, const struct series *subject, double level, double narrow_level,
			 struct stats_comparison *out);
/* The same subject of another build (harness/plan/beside.h): its series in the cell, or NULL. */
const struct series *cell_old_build(const struct cell *c, const struct series *s);
/* knees.c: were the two given different loads, so that nobody is to be judged by the other? */
bool loads_differ(const struct series *a, const struct series *b);
/* knees.c: the cell in whose name the knee of the series' load was measured; NULL: its load is no percent of a knee. */
const char *series_knee_cell(const struct series *s);
/* Median of a quantity over the timed points. */
#define EST(s, quantity) (&(s)->est[quantity])
/* Distinct subjects of all cells in the order in which they first appear, without twins; a malloc'd array. */
size_t report_subjects(const struct report *r, const char ***out);

/* The figures: writes plots/ below dir, fills r->plots. A missing gnuplot is no error. */
int report_plots(struct report *r, const char *dir, struct err *err);

/* The machine and its placements: plots/topology.svg and r->topology (topology_figure.c). After report_plots. */
/* The timelines of traced samples: plots/timeline-*.svg. A trace that cannot be read is a note, no failure. */
int report_timelines(struct report *r, const char *dir, struct err *err);
int report_topology(struct report *r, const char *dir, struct err *err);

#endif
