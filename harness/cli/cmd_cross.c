/*
 * cmd_cross.c - `switchyard cross`: the value of a parameter at which two subjects change places.
 *
 * A run like any other, except that its cells are found on the way: first a few values spread evenly over the logarithm
 * of the range, then, while there is a change of places to be narrowed, the one that narrows it most (crossing.h). Each
 * value is a cell with both subjects in balanced random order, round by round. What is added goes into the same
 * folder, so that in the end there is a run with a plan, samples and a report, and `run --resume` takes it.
 *
 * The intervals hold together for as many points as may be measured (Bonferroni), because the search looks at each
 * before it goes on. Rejected: bisecting by medians alone (one wrong turn and the answer is elsewhere, with a narrow
 * interval); more rounds where a point is not separated (it lies within the answer already).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/cli/command.h"
#include "harness/cli/cross_show.h"
#include "harness/cli/run_session.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/power.h"
#include "harness/plan/variant.h"
#include "harness/report/report.h"

static const struct option_spec specs[] = {
	{.name = "filter",
	 .letter = 'f',
	 .value = "FILTER",
	 .is_repeatable = true,
	 .help = "the cells that differ in the axis alone, e.g. workload:mutex"},
	{.name = "axis", .value = "NAME", .help = "the whole-number parameter to search along"},
	{.name = "between", .value = "A,B", .help = "the two subjects"},
	{.name = "range",
	 .value = "LOW:HIGH",
	 .help = "of the axis (default: as in the plan, else a sixteenth to sixteen times the default)"},
	{.name = "rounds", .value = "N", .help = "timed samples of each subject at each point (default 12)"},
	{.name = "points", .value = "N", .help = "at most so many points (default 12)"},
	{.name = "tolerance", .value = "PERCENT", .help = "no gap is halved that is narrower (default 10)"},
	{.name = "plan", .value = "PLAN", .help = "default, full, go or a plan file: what the filter selects from"},
	{.name = "param", .letter = 'p', .value = "NAME=V", .is_repeatable = true, .help = "a parameter's value"},
	{.name = "placement", .value = "P", .help = "of same, smt, cache, cross, free; instead of the plan's"},
	{.name = "seed", .value = "S", .help = "of the order and of the data: decimal, or 0x and hexadecimal"},
	{.name = "budget", .value = "TIME", .help = "start no round after it: 90s, 5m, 1h30m"},
	{.name = "knobs",
	 .value = "SUBJECT:NAME=V[,NAME=V]",
	 .is_repeatable = true,
	 .help = "settings of a model, as in run"},
	{.name = "out", .letter = 'o', .value = "DIR", .help = "the run's folder (default: results/<UTC time>-<host>)"},
	{.name = "data-dir", .value = "DIR", .help = "where workloads keep files: a real filesystem"},
	{.name = "json", .help = "print the answer as JSON"},
	{.name = "quiet", .letter = 'q', .help = "no progress"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};
enum { FIRST_POINTS = 5, SPREAD = 16 };

struct search {
	struct run *run;
	struct cross cross;
	char *between; /* what a and b point into */
	json_t *values; /* of the axis: in the request, one more with each step */
	double tolerance, each_level;
	int64_t most; /* points */
	uint64_t started_ns;
};

/* ---- what is searched ------------------------------------------------------------------------------------ */

static int parse_between(struct search *s, struct err *err)
{
	const char *text = options_get(&s->run->o, "between"), *names[3];

	if (!text || !options_get(&s->run->o, "axis"))
		return err_set(err, -EINVAL,
			       "cross needs --axis and --between, e.g. --axis tasks --between gmp,pthread");
	s->between = xstrdup(text);
	if (options_split(s->between, names, 3) != 2 || strcmp(names[0], names[1]) == 0)
		return err_set(err, -EINVAL, "--between '%.80s' does not name two different subjects: A,B", text);
	s->cross.a = names[0];
	s->cross.b = names[1];
	s->cross.axis = options_get(&s->run->o, "axis");
	return 0;
}

/* What cannot be wrong with the numbers once this has passed: every point can have an interval. */
static int parse_numbers(struct search *s, struct err *err)
{
	const struct options *o = &s->run->o;
	int64_t rounds, percent;
	unsigned needed;
	int rc;

	if ((rc = options_int(o, "rounds", 12, 1, 10000, &rounds, err)) != 0 ||
	    (rc = options_int(o, "points", 12, FIRST_POINTS, CROSS_MAX_POINTS, &s->most, err)) != 0 ||
	    (rc = options_int(o, "tolerance", 10, 1, 1000, &percent, err)) != 0)
		return rc;
	needed = power_rounds_needed((unsigned)s->most);
	if (rounds < needed)
		return err_set(err, -EINVAL,
			       "--rounds is %lld: intervals that hold for %lld points together take at least %u",
			       (long long)rounds, (long long)s->most, needed);
	s->cross.rounds = (unsigned)rounds;
	s->cross.level = POWER_LEVEL;
	s->each_level = 1 - (1 - POWER_LEVEL) / (double)s->most;
	s->tolerance = (double)percent / 100;
	return 0;
}

/* Like `first` in everything but the axis. */
static bool is_alike(const struct cell *first, const struct cell *c, const char *axis)
{
	json_t *a = json_copy(first->params), *b = json_copy(c->params);
	bool same;

	json_object_del(a, axis);
	json_object_del(b, axis);
	same = first->workload == c->workload && first->placement == c->placement &&
	       first->placed.workers == c->placed.workers && json_equal(a, b);
	json_decref(a);
	json_decref(b);
	return same;
}

static bool has_subject(const struct cell *c, const char *id)
{
	for (size_t i = 0; i < c->n_subjects; i++)
		if (strcmp(c->subjects[i]->id, id) == 0)
			return true;
	return false;
}

/* The cells that the filter selected are one family along the axis, and both subjects offer it. */
static int check_family(const struct search *s, const struct param_def **param, struct err *err)
{
	const struct plan *p = s->run->plan;
	const struct cell *first = &p->cells[0];
	const char *const both[] = {s->cross.a, s->cross.b};

	*param = workload_param(first->workload, s->cross.axis);
	if (!*param)
		return err_set(err, -EINVAL, "--axis: %s has no parameter '%.60s'", first->workload->name,
			       s->cross.axis);
	if ((*param)->is_choice)
		return err_set(err, -EINVAL, "--axis: %s of %s is a choice, not a whole number", s->cross.axis,
			       first->workload->name);
	for (size_t i = 1; i < p->n_cells; i++)
		if (!is_alike(first, &p->cells[i], s->cross.axis))
			return err_set(
				err, -EINVAL,
				"%.200s and %.200s differ in more than %.40s: select with -f, -p and --placement",
				first->id, p->cells[i].id, s->cross.axis);
	for (int i = 0; i < 2; i++)
		if (!has_subject(first, both[i]))
			return err_set(err, -EINVAL, "--between: %.60s does not offer %s", both[i],
				       first->workload->name);
	return 0;
}

/* Of the cells' own values; of one alone, a sixteenth to sixteen times of it, as far as the parameter goes. */
static void default_range(struct search *s, const struct param_def *param)
{
	const struct plan *p = s->run->plan;
	int64_t low = INT64_MAX, high = INT64_MIN;

	for (size_t i = 0; i < p->n_cells; i++) {
		int64_t v = jsonx_int(p->cells[i].params, s->cross.axis, 1);

		low = v < low ? v : low;
		high = v > high ? v : high;
	}
	if (low == high) {
		low = low / SPREAD;
		high = high > param->max / SPREAD ? param->max : high * SPREAD;
	}
	s->cross.low = low < param->min ? param->min : low;
	s->cross.high = high;
	if (s->cross.low < 1) /* the axis is logarithmic */
		s->cross.low = 1;
}

static int parse_range(struct search *s, const struct param_def *param, struct err *err)
{
	const char *text = options_get(&s->run->o, "range"), *colon = text ? strchr(text, ':') : NULL;
	int64_t low, high;
	char *first;
	bool good;

	if (!text) {
		default_range(s, param);
		return s->cross.low < s->cross.high
			       ? 0
			       : err_set(err, -EINVAL, "there is no range of %s to search: give --range LOW:HIGH",
					 s->cross.axis);
	}
	first = colon ? xformat("%.*s", (int)(colon - text), text) : NULL;
	good = first && jsonx_parse_int(first, &low) && jsonx_parse_int(colon + 1, &high) && low >= 1 && low < high;
	free(first);
	if (!good)
		return err_set(
			err, -EINVAL,
			"--range is '%.60s', it must be two whole numbers LOW:HIGH, of which the first is 1 or more",
			text);
	if (low < param->min || high > param->max)
		return err_set(err, -EINVAL, "--range: %s is between %lld and %lld", s->cross.axis,
			       (long long)param->min, (long long)param->max);
	s->cross.low = low;
	s->cross.high = high;
	return 0;
}

/* ---- the plan -------------------------------------------------------------------------------------------- */

/* Build the plan again from the request: its axis has more values now. */
static int rebuild_plan(struct search *s, struct err *err)
{
	struct plan *plan;
	int rc = request_plan(s->run->request, s->run->catalog, s->run->topology, &plan, err);

	if (rc)
		return rc;
	plan_free(s->run->plan);
	s->run->plan = plan;
	return 0;
}

/* One group, with the selected cells' parameters, in place of the plan that they were selected from. */
static int make_own_plan(struct search *s, struct err *err)
{
	const struct cell *c = &s->run->plan->cells[0];
	json_t *request = s->run->request, *params = json_deep_copy(c->params), *group, *own, *rest;

	s->values = json_array();
	json_object_set(params, s->cross.axis, s->values);
	group = json_pack("{s:s, s:s, s:[s,s], s:s, s:o, s:[s], s:[i]}", "group", "cross", "workload",
			  c->workload->name, "subjects", s->cross.a, s->cross.b, "base", s->cross.a, "params", params,
			  "placement", placement_name(c->placement), "workers", (int)c->placed.workers);
	if (c->region_ns)
		json_object_set_new(group, "region_ms", json_integer(c->region_ns / 1000000));
	own = json_pack("{s:s, s:s, s:i, s:I, s:[o]}", "schema", "switchyard.plan/1", "name", "cross", "rounds",
			(int)s->cross.rounds, "region_ms", (json_int_t)(s->run->plan->region_ns / 1000000), "cells",
			group);
	rest = json_pack("{s:o, s:s, s:i, s:[], s:[]}", "plan", own, "filter", "", "rounds", (int)s->cross.rounds,
			 "params", "placements");
	if (!rest)
		return err_set(err, -EINVAL, "an option is not valid UTF-8");
	json_object_update(request, rest);
	json_decref(rest);
	return 0;
}

/* FIRST_POINTS values, or all of a range that has no more, evenly over the logarithm. */
static void first_values(struct search *s)
{
	double low = log((double)s->cross.low), high = log((double)s->cross.high);
	long long last = 0;

	for (int i = 0; i < FIRST_POINTS; i++) {
		long long v = llround(exp(low + (high - low) * i / (FIRST_POINTS - 1)));

		if (i == FIRST_POINTS - 1)
			v = s->cross.high;
		if (v != last)
			json_array_append_new(s->values, json_integer(v));
		last = v;
	}
}

static int open_search(struct search *s, struct err *err)
{
	struct run *r = s->run;
	const struct param_def *param = NULL;
	int rc;

	if ((rc = parse_between(s, err)) != 0 || (rc = parse_numbers(s, err)) != 0 ||
	    (rc = cli_load(&r->places, &r->catalog, options_has(&r->o, "quiet"), err)) != 0 ||
	    (rc = topology_load(&r->topology, err)) != 0 ||
	    (rc = request_make(&r->o, &r->places, r->catalog, &r->request, &r->seed, err)) != 0)
		return rc;
	json_object_set_new(r->request, "subjects", json_pack("[s, s]", s->cross.a, s->cross.b));
	if ((rc = request_plan(r->request, r->catalog, r->topology, &r->plan, err)) != 0 ||
	    (rc = check_family(s, &param, err)) != 0 || (rc = parse_range(s, param, err)) != 0)
		return rc;
	s->cross.axis_unit = param->unit;
	if (options_get(&r->o, "budget") && (rc = request_budget(&r->o, r->request, r->plan, &r->budget_ns, err)) != 0)
		return rc;
	rc = make_own_plan(s, err);
	if (rc)
		return rc;
	first_values(s);
	return rebuild_plan(s, err);
}

/* ---- searching ------------------------------------------------------------------------------------------- */

/* What --resume and the report read: the plan as it is now. */
static int update_record(struct search *s)
{
	struct run *r = s->run;
	json_t *run = json_deep_copy(store_run(r->store)), *plan = plan_json(r->plan, "", 0);
	int rc;

	json_object_set(plan, "estimate_s", json_null()); /* nobody knew which points there would be */
	json_object_set_new(plan, "budget_s", run_budget_json(r));
	json_object_set_new(run, "plan", plan);
	json_object_set_new(run, "request", json_deep_copy(r->request));
	rc = store_update_run(r->store, run, &r->err);
	json_decref(run);
	return rc;
}

/* Measure what the plan has and the store has not, and look. */
static int step(struct search *s, struct engine_result *result)
{
	struct run *r = s->run;
	int64_t left = 0;
	int rc;

	if (r->budget_ns) {
		left = r->budget_ns - (int64_t)(clock_now_ns() - s->started_ns);
		left = left > 1 ? left : 1;
	}
	rc = run_execute(r, left, result);
	if (rc == 0 && cross_read(r->store, r->plan, s->each_level, &s->cross) != 0)
		rc = err_set(&r->err, -ENOMEM, "out of memory");
	s->cross.is_stopped = result->is_interrupted || result->is_out_of_time;
	return rc;
}

/* The next value into the request; false: the search is done. */
static bool choose_next(struct search *s)
{
	struct crossing_point line[CROSS_MAX_POINTS];
	const json_t *value;
	double x;
	size_t i;

	for (i = 0; i < s->cross.n; i++)
		line[i] = s->cross.points[i].p;
	if (s->cross.is_stopped || json_array_size(s->values) >= (size_t)s->most ||
	    !crossing_next(line, s->cross.n, s->tolerance, &x))
		return false;
	json_array_foreach (s->values, i, value)
		if (json_integer_value(value) == llround(x)) /* it was tried, and no round has both */
			return false;
	if (!options_has(&s->run->o, "quiet"))
		fprintf(stderr, "next: %s = %.0f\n", s->cross.axis, x);
	json_array_append_new(s->values, json_integer(llround(x)));
	return true;
}

static int search(struct search *s, struct engine_result *result)
{
	struct run *r = s->run;
	int rc;

	s->started_ns = clock_now_ns();
	run_start_oracle(r);
	run_catch_signals();
	rc = step(s, result);
	while (rc == 0 && choose_next(s)) {
		rc = rebuild_plan(s, &r->err);
		if (rc == 0)
			rc = update_record(s);
		if (rc == 0)
			rc = step(s, result);
	}
	return rc;
}

static int conclude(struct search *s, const struct engine_result *result)
{
	struct run *r = s->run;
	json_t *answer = cross_json(&s->cross, r->run_id);
	int rc = report_json_write(r->dir, "cross.json", answer, &r->err);

	if (rc == 0 && options_has(&r->o, "json"))
		cli_print_json(answer);
	else if (rc == 0)
		cross_print(stdout, &s->cross);
	json_decref(answer);
	if (rc == 0 && !result->is_interrupted)
		rc = run_note_finished(r, !s->cross.is_stopped);
	if (rc == 0 && s->cross.n)
		rc = report_write(r->dir, &r->err);
	if (rc)
		return cli_usage(&r->err);
	if (!options_has(&r->o, "json"))
		printf("Report: %s/report.html; the answer as JSON: %s/cross.json\n", r->dir, r->dir);
	if (result->is_interrupted)
		return CLI_INTERRUPTED;
	if (result->failed)
		cli_complain("%u samples failed (%s/samples.jsonl says why)", result->failed, r->dir);
	return result->failed || s->cross.n == 0 ? CLI_SOME_FAILED : CLI_DONE;
}

static int cross(struct search *s, int argc, char **argv)
{
	struct run *r = s->run;
	struct engine_result result = {0};

	if (open_search(s, &r->err) != 0)
		return cli_usage(&r->err);
	run_choose_folders(r);
	if (run_create_folder(r, "cross", argc, argv) != 0 ||
	    session_make_data_dir(r->data_path, &r->data_dir, &r->err) != 0 || search(s, &result) != 0)
		return cli_usage(&r->err);
	return conclude(s, &result);
}

static const struct command self = {
	.name = "cross",
	.about = "usage: switchyard cross -f FILTER --axis NAME --between A,B [OPTION...]\n\n"
		 "Finds the value of a parameter at which two subjects change places: measures both at a few values of "
		 "the\n"
		 "range, then halves the gap around the change, on a logarithmic axis, until it is known well enough. "
		 "Prints\n"
		 "the place with its interval, or says that they do not cross there. Leaves a run's folder like any "
		 "other,\n"
		 "and cross.json in it.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.has_filter = true,
	.codes = "\n"
		 "Exit codes: 0 done, whether they cross or not; 2 wrong use or set-up; 4 some samples failed, or "
		 "nothing was\n"
		 "measured; 130 interrupted: what was measured is kept.",
};

int cmd_cross(int argc, char **argv)
{
	struct run *r = xcalloc(1, sizeof *r);
	struct search s = {.run = r};
	int code;

	if (command_begin(&self, argc, argv, &r->o, &code))
		code = cross(&s, argc, argv);
	json_decref(s.values);
	free(s.between);
	run_clear(r);
	free(r);
	return code;
}
