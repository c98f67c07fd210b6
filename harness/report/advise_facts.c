/*
 * advise_facts.c - what the rows of a report say of one model (contracts: advise.h).
 *
 * Rows are found by workload, parameters and workers, never by name: any run that has such cells can be asked, whatever its plan.
 * Where several cells would do, the one whose wait is nearest to the load's counts, and of numbers of tasks the two neighbours.
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "harness/plan/jsonx.h"
#include "harness/report/advise.h"
#include "harness/report/model.h"

static const struct span nothing_known = {0, INFINITY};

/* Which cells are looked for. */
struct wanted {
	const char *workload;
	const char *param, *value; /* one that must have this value; NULL: none */
	const char *axis; /* the number of tasks */
	const char *wait; /* the wait in us, NULL: it has none */
	long workers;
};

/* The first reason counts: it is about the first thing that the answer needs. */
static void give_reason(struct advise_model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void give_reason(struct advise_model *m, const char *fmt, ...)
{
	va_list ap;

	if (*m->why)
		return;
	va_start(ap, fmt);
	vsnprintf(m->why, sizeof m->why, fmt, ap);
	va_end(ap);
}

static void rest_on(struct advise_model *m, const json_t *cell)
{
	const char *id = field_text(cell, "id", "?");

	for (size_t i = 0; i < m->cells.n; i++)
		if (strcmp(m->cells.id[i], id) == 0)
			return;
	if (m->cells.n < ADVISE_MOST_CELLS)
		m->cells.id[m->cells.n++] = id;
}

static double param_of(const json_t *cell, const char *name)
{
	return field_number(json_object_get(cell, "params"), name);
}

/* The model's row in the cell, not the twin's; or NULL. */
static const json_t *row_of(const json_t *cell, const char *subject)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(cell, "subjects"), i, row)
		if (strcmp(field_text(row, "id", ""), subject) == 0 && !json_is_true(json_object_get(row, "is_twin")))
			return row;
	return NULL;
}

/* A quantity of a row with its interval. False where there is no interval: a number alone says nothing sure. */
static bool read_span(const json_t *row, const char *key, struct span *out)
{
	char low[60], high[60];

	snprintf(low, sizeof low, "%s%s", strcmp(key, "median") == 0 ? "" : key,
		 strcmp(key, "median") == 0 ? "ci_low" : "_ci_low");
	snprintf(high, sizeof high, "%s%s", strcmp(key, "median") == 0 ? "" : key,
		 strcmp(key, "median") == 0 ? "ci_high" : "_ci_high");
	*out = (struct span){field_number(row, low), field_number(row, high)};
	return isfinite(out->lo) && isfinite(out->hi);
}

static bool is_wanted(const json_t *cell, const struct wanted *w)
{
	char text[40];

	if (strcmp(field_text(cell, "workload", ""), w->workload) != 0 || field_whole(cell, "workers", 0) != w->workers)
		return false;
	if (!w->param)
		return true;
	jsonx_scalar_text(json_object_get(json_object_get(cell, "params"), w->param), text, sizeof text);
	return strcmp(text, w->value) == 0;
}

/* Whether requests came at a rate of their own: what one costs then is another question than this one. */
static bool is_open_loop(const json_t *cell)
{
	return param_of(cell, "rate") > 0 || param_of(cell, "load_percent") > 0;
}

/* How far a cell's wait is from the load's, as a factor; 1 where it has none. */
static double wait_distance(const json_t *cell, const struct wanted *w, double wait_ns)
{
	double factor = w->wait ? param_of(cell, w->wait) * 1e3 / wait_ns : 1;

	return factor > 1 ? factor : 1 / factor;
}

/* The cells that speak for a number of tasks: with as many or fewer, and with as many or more. */
struct neighbours {
	const json_t *below, *above;
	bool any; /* cells of the kind with a good row, whatever their waits */
	double most; /* tasks of those whose wait is near enough; NaN: none */
};

static bool is_nearer(const json_t *candidate, const json_t *best, const struct wanted *w, double tasks, double wait_ns)
{
	double a = fabs(param_of(candidate, w->axis) - tasks),
	       b = best ? fabs(param_of(best, w->axis) - tasks) : INFINITY;

	return a < b || (a == b && wait_distance(candidate, w, wait_ns) < wait_distance(best, w, wait_ns));
}

static struct neighbours look_for(const json_t *report, const struct wanted *w, const char *subject, const char *key,
				  double tasks, double wait_ns)
{
	struct neighbours found = {.most = NAN};
	const json_t *cell;
	struct span ignored;
	size_t i;

	json_array_foreach (json_object_get(report, "cells"), i, cell) {
		double at = param_of(cell, w->axis);

		if (!is_wanted(cell, w) || is_open_loop(cell) || !isfinite(at) ||
		    !read_span(row_of(cell, subject), key, &ignored))
			continue;
		found.any = true;
		if (!(wait_distance(cell, w, wait_ns) <= ADVISE_NEAR))
			continue;
		found.most = fmax(found.most, at); /* fmax passes NaN over */
		if (at <= tasks && is_nearer(cell, found.below, w, tasks, wait_ns))
			found.below = cell;
		if (at >= tasks && is_nearer(cell, found.above, w, tasks, wait_ns))
			found.above = cell;
	}
	return found;
}

/* Between its neighbours; beyond the last one no less than there. */
static struct span between(const struct neighbours *n, const char *key, struct advise_model *m)
{
	struct span below = {0, 0}, above = nothing_known;

	if (n->below) {
		read_span(row_of(n->below, m->id), key, &below);
		rest_on(m, n->below);
	}
	if (n->above) {
		read_span(row_of(n->above, m->id), key, &above);
		rest_on(m, n->above);
	}
	if (!n->below && n->above)
		return above; /* fewer tasks than were measured cost no more */
	return (struct span){fmin(below.lo, above.lo > 0 ? above.lo : below.lo), fmax(below.hi, above.hi)};
}

/* ---- what a wait costs --------------------------------------------------------------------------------------- */

/* How many of a thing that the report's figures tell, of one cell. */
static bool figure_of(const json_t *report, const json_t *cell, const char *subject, const char *name, struct span *out)
{
	const json_t *figure;
	size_t i;

	json_array_foreach (json_object_get(report, "figures"), i, figure)
		if (strcmp(field_text(figure, "cell", ""), field_text(cell, "id", "?")) == 0 &&
		    strcmp(field_text(figure, "subject", ""), subject) == 0 &&
		    strcmp(field_text(figure, "name", ""), name) == 0)
			return read_span(figure, "median", out);
	return false;
}

/*
 * Of a timer: what the fewest tasks that sleep take from one that computes beside them, over how often they slept (block/bystander). CPU
 * time and not wall time, on one CPU.
 */
static struct span sleep_cost(const json_t *report, const struct advise_load *load, struct advise_model *m,
			      double *measured_tasks)
{
	struct wanted with = {"block/bystander", "kind", "sleep", "waiters", "wait_us", 1};
	struct wanted without = {"block/bystander", "kind", "none", "waiters", NULL, 1};
	struct neighbours busy = look_for(report, &with, m->id, "cpu_per_op_ns", 1, load->axis[AXIS_WAIT]);
	struct neighbours alone = look_for(report, &without, m->id, "cpu_per_op_ns", 1, load->axis[AXIS_WAIT]);
	struct span b, a, waits;

	if (!busy.above || !alone.above || !figure_of(report, busy.above, m->id, "waits_per_op", &waits) ||
	    !(waits.lo > 0)) {
		give_reason(
			m,
			busy.any
				? "block/bystander kind=sleep was measured for waits ten times longer or shorter, and "
				  "no nearer"
				: "the run has no cells block/bystander kind=sleep and kind=none of it with intervals");
		return nothing_known;
	}
	read_span(row_of(busy.above, m->id), "cpu_per_op_ns", &b);
	read_span(row_of(alone.above, m->id), "cpu_per_op_ns", &a);
	rest_on(m, busy.above);
	rest_on(m, alone.above);
	*measured_tasks = param_of(busy.above, "waiters");
	return (struct span){fmax(0, b.lo - a.hi) / waits.hi, fmax(0, b.hi - a.lo) / waits.lo};
}

/* Of a socket: the CPU time of a request that is sent back (net/echo), in which nothing is computed, in a closed loop. */
static struct span echo_cost(const json_t *report, const struct advise_load *load, struct advise_model *m,
			     double *measured_tasks)
{
	struct wanted w = {"net/echo", NULL, NULL, "connections", NULL, 1};
	struct neighbours n = look_for(report, &w, m->id, "cpu_per_op_ns", load->axis[AXIS_TASKS], 1);
	const json_t *cell = n.below ? n.below : n.above;
	struct span cost = nothing_known;

	if (!cell) {
		give_reason(m, "the run has no cell net/echo of it with an interval");
		return nothing_known;
	}
	if (n.below && n.above) {
		*measured_tasks = load->axis[AXIS_TASKS];
		return between(&n, "cpu_per_op_ns", m);
	}
	read_span(row_of(cell, m->id), "cpu_per_op_ns", &cost);
	rest_on(m, cell);
	*measured_tasks = param_of(cell, "connections");
	return cost;
}

/* CPU time of the piece of work that is in a cell of block/call, at most: as switch/grain has it; unknown where it has no such piece. */
static double work_in(const json_t *report, const json_t *cell, struct advise_model *m)
{
	struct wanted w = {"switch/grain", NULL, NULL, "steps", NULL, 1};
	double steps = param_of(cell, "work");
	struct neighbours n = look_for(report, &w, m->id, "cpu_per_op_ns", steps, 1);
	struct span piece;

	if (steps == 0)
		return 0;
	if (!n.above || param_of(n.above, "steps") != steps)
		return INFINITY;
	rest_on(m, n.above);
	read_span(row_of(n.above, m->id), "cpu_per_op_ns", &piece);
	return piece.hi;
}

/*
 * Of a call that blocks: the CPU time of one (block/call). Its piece of work is counted with it where it is to be enough, and taken off where
 * it is to be needed.
 */
static struct span call_cost(const json_t *report, const struct advise_load *load, struct advise_model *m,
			     double *measured_tasks)
{
	struct wanted w = {"block/call", NULL, NULL, "in_flight", "call_us", 1};
	struct neighbours n =
		look_for(report, &w, m->id, "cpu_per_op_ns", load->axis[AXIS_TASKS], load->axis[AXIS_WAIT]);
	struct span cost = between(&n, "cpu_per_op_ns", m);

	*measured_tasks = load->axis[AXIS_TASKS];
	if (!n.any)
		give_reason(m, "the run has no cell block/call of it with an interval");
	else if (!n.above && isnan(n.most))
		give_reason(m, "block/call was measured for waits ten times longer or shorter, and no nearer");
	else if (!n.above)
		give_reason(m, "block/call was measured with at most %.0f calls in flight for such waits", n.most);
	if (n.below || n.above)
		cost.lo = fmax(0, cost.lo - fmax(n.below ? work_in(report, n.below, m) : 0,
						 n.above ? work_in(report, n.above, m) : 0));
	return cost;
}

/* What a switch takes more among so many tasks than among those that the cost was measured with (switch/ring). */
static struct span growth(const json_t *report, const struct advise_load *load, struct advise_model *m,
			  double measured_tasks)
{
	struct wanted w = {"switch/ring", "ws_kib", "0", "tasks", NULL, 1};
	double tasks = load->axis[AXIS_TASKS];
	struct neighbours few, many;
	struct span a, b;

	if (tasks <= measured_tasks)
		return (struct span){0, 0};
	few = look_for(report, &w, m->id, "cpu_per_op_ns", measured_tasks, 1);
	many = look_for(report, &w, m->id, "cpu_per_op_ns", tasks, 1);
	if (!many.above) {
		if (many.any)
			give_reason(m, "switch/ring was measured with at most %.0f tasks of it", many.most);
		else
			give_reason(m, "the run has no cell switch/ring ws_kib=0 of it with an interval");
		return nothing_known;
	}
	a = between(&few, "cpu_per_op_ns", m);
	b = between(&many, "cpu_per_op_ns", m);
	return (struct span){fmax(0, b.lo - a.hi), fmax(0, b.hi - a.lo)};
}

/* What a switch takes more on several CPUs than on one (switch/ring). */
static struct span widening(const json_t *report, struct advise_model *m)
{
	struct wanted one = {"switch/ring", "ws_kib", "0", "tasks", NULL, 1}, more = one;
	struct neighbours narrow, wide;
	struct span a, b;
	double tasks;

	if (m->cpus <= 1)
		return (struct span){0, 0};
	more.workers = (long)m->cpus;
	wide = look_for(report, &more, m->id, "cpu_per_op_ns", 1e18, 1);
	if (!wide.below) {
		give_reason(m, "the run has no cell switch/ring ws_kib=0 of it on %.0f CPUs", m->cpus);
		return nothing_known;
	}
	tasks = param_of(wide.below, "tasks");
	narrow = look_for(report, &one, m->id, "cpu_per_op_ns", tasks, 1);
	if (!narrow.below || param_of(narrow.below, "tasks") != tasks) {
		give_reason(m, "the run has no cell switch/ring tasks=%.0f ws_kib=0 of it on one CPU", tasks);
		return nothing_known;
	}
	rest_on(m, wide.below);
	rest_on(m, narrow.below);
	read_span(row_of(narrow.below, m->id), "cpu_per_op_ns", &a);
	read_span(row_of(wide.below, m->id), "cpu_per_op_ns", &b);
	return (struct span){fmax(0, b.lo - a.hi), fmax(0, b.hi - a.lo)};
}

struct span facts_wait_cost(const json_t *report, const struct advise_load *load, struct advise_model *m)
{
	double measured_tasks = 1;
	struct span base = load->kind == ADVISE_TIMER    ? sleep_cost(report, load, m, &measured_tasks)
			   : load->kind == ADVISE_SOCKET ? echo_cost(report, load, m, &measured_tasks)
							 : call_cost(report, load, m, &measured_tasks);
	struct span more = growth(report, load, m, measured_tasks), wide = widening(report, m);

	return (struct span){base.lo + more.lo + wide.lo, base.hi + more.hi + wide.hi};
}

/* ---- memory, lateness, limits ---------------------------------------------------------------------------------- */

struct span facts_memory(const json_t *report, const struct advise_load *load, struct advise_model *m)
{
	struct wanted w = {"memory/parked", "touch_kib", "0", "tasks", NULL, 1};
	double tasks = load->axis[AXIS_TASKS];
	struct neighbours n = look_for(report, &w, m->id, "median", tasks, 1);
	struct span each = between(&n, "median", m);

	if (!n.any)
		give_reason(m, "the run has no cell memory/parked touch_kib=0 of it with an interval");
	else if (!n.above)
		give_reason(m, "memory/parked was measured with at most %.0f tasks of it", n.most);
	return (struct span){fmax(0, each.lo) * tasks, fmax(0, each.hi) * tasks};
}

/* The cells of one workload that tell how late the model was, all of them: the worst counts. */
static bool later(const json_t *report, const char *workload, struct advise_model *m, double *worst)
{
	const json_t *cell;
	struct span p99;
	bool any = false;
	size_t i;

	json_array_foreach (json_object_get(report, "cells"), i, cell) {
		if (strcmp(field_text(cell, "workload", ""), workload) != 0 || field_whole(cell, "workers", 0) != 1 ||
		    is_open_loop(cell) || !read_span(row_of(cell, m->id), "latency_p99_ns", &p99))
			continue;
		*worst = fmax(*worst, p99.hi);
		any = true;
		rest_on(m, cell);
	}
	return any;
}

struct span facts_lateness(const json_t *report, const struct advise_load *load, struct advise_model *m)
{
	/* The last is what stands in where the one before it was not measured: it has other disturbances in it. */
	static const char *const sources[ADVISE_KINDS][2] = {
		[ADVISE_SOCKET] = {"net/echo", "abuse/ready"},
		[ADVISE_TIMER] = {"timer/accuracy", "abuse/blocker"},
		[ADVISE_BLOCKING] = {"abuse/blocker", NULL},
	};
	double worst = 0;
	bool any = false;

	for (size_t i = 0; i < 2 && !any; i++)
		any = sources[load->kind][i] && later(report, sources[load->kind][i], m, &worst);
	if (any)
		return (struct span){0, worst};
	give_reason(m, "the run has no cell %s of it with a p99", sources[load->kind][0]);
	return nothing_known;
}

/* Threads are counted by the kernel: one a task, of goroutines one a call that blocks. */
static bool needs_threads(const struct advise_load *load, const struct advise_model *m)
{
	return strcmp(m->id, "pthread") == 0 || (strcmp(m->id, "gmp") == 0 && load->kind == ADVISE_BLOCKING);
}

double facts_limit(const json_t *report, const struct advise_load *load, struct advise_model *m, const char **name)
{
	static const char *const keys[] = {"pid_max", "threads_max"};
	const json_t *limits = json_object_get(json_object_get(report, "host"), "limits"), *limit;
	double least = INFINITY;
	size_t i;

	*name = "";
	for (i = 0; i < 2 && needs_threads(load, m); i++) {
		double v = field_number(limits, keys[i]);

		if (v > 0 && v < least) {
			least = v;
			*name = keys[i];
		}
	}
	json_array_foreach (json_object_get(report, "limits"), i, limit) {
		double most = field_number(limit, "tasks_most");

		if (strncmp(field_text(limit, "cell", ""), "memory/parked ", 14) == 0 &&
		    strcmp(field_text(limit, "subject", ""), m->id) == 0 && most < least) {
			least = most;
			*name = field_text(limit, "name", "?");
		}
	}
	return least;
}

const char *facts_refusal(const json_t *report, const struct advise_load *load, struct advise_model *m)
{
	static const struct wanted work[ADVISE_KINDS][2] = {
		[ADVISE_SOCKET] = {{"net/echo", NULL, NULL, NULL, NULL, 1},
				   {"block/bystander", "kind", "socket", NULL, NULL, 1}},
		[ADVISE_TIMER] = {{"timer/accuracy", NULL, NULL, NULL, NULL, 1},
				  {"block/bystander", "kind", "sleep", NULL, NULL, 1}},
		[ADVISE_BLOCKING] = {{"block/call", NULL, NULL, NULL, NULL, 1},
				     {"block/bystander", "kind", "call", NULL, NULL, 1}},
	};
	const json_t *cell, *row;
	size_t i;

	json_array_foreach (json_object_get(report, "cells"), i, cell) {
		if (!is_wanted(cell, &work[load->kind][0]) && !is_wanted(cell, &work[load->kind][1]))
			continue;
		row = row_of(cell, m->id);
		if (strcmp(field_text(row, "status", ""), "unsupported") == 0) {
			rest_on(m, cell);
			return field_text(row, "why", "unsupported");
		}
	}
	return NULL;
}
