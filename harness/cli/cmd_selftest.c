/*
 * cmd_selftest.c - `switchyard selftest`: known slow-downs and changes that are none, and what the verdicts say of them.
 *
 * A run like any other of a subject of our own (harness/selftest/subject.c), with a cell for each trial: in it the subject,
 * and a variant of it for each planted size, the null change being one of them. What a report would say of each is counted
 * (harness/report/selftest.h). The subject lies in a folder of its own, where no other command looks.
 *
 * Rejected: doctoring the samples of a real workload (it would try the arithmetic, which the unit tests do, and not the
 * machine), a trial after the other (a report's cells share their rounds, and so must these).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/command.h"
#include "harness/cli/run_session.h"
#include "harness/plan/estimate.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/power.h"
#include "harness/report/report.h"
#include "harness/report/selftest.h"

static const struct option_spec specs[] = {
	{.name = "trials",
	 .value = "N",
	 .help = "of each planted size (default 12: about two minutes; 200 for a record)"},
	{.name = "rounds", .value = "N", .help = "timed samples of each in a trial (default 20)"},
	{.name = "plant", .value = "PERCENT[,PERCENT]", .help = "the slow-downs (default 2,5,10); 0 is always there"},
	{.name = "seed", .value = "S", .help = "of the order and of the data: decimal, or 0x and hexadecimal"},
	{.name = "out", .letter = 'o', .value = "DIR", .help = "the run's folder (default: results/<UTC time>-<host>)"},
	{.name = "json", .help = "print the answer as JSON"},
	{.name = "quiet", .letter = 'q', .help = "no progress"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};
enum { REGION_MS = 20, MOST_PERCENT = 1000 };

struct wish {
	int64_t trials, rounds;
	json_t *subjects; /* names: the subject, the null change, the planted sizes */
};

/* ---- what is asked ------------------------------------------------------------------------------------------- */

static void add_planted(struct wish *w, long percent)
{
	char *name = xformat("self+slow_permille=%ld", 10 * percent);

	json_array_append_new(w->subjects, json_string(name));
	free(name);
}

static int parse_planted(const struct options *o, struct wish *w, struct err *err)
{
	const char *text = options_get(o, "plant"), *pieces[SELFTEST_MAX_SIZES];
	char *copy = xstrdup(text ? text : "2,5,10");
	size_t n = options_split(copy, pieces, SELFTEST_MAX_SIZES);
	int rc = n && n < SELFTEST_MAX_SIZES ? 0 : -EINVAL;

	w->subjects = json_pack("[s]", "self");
	add_planted(w, 0);
	for (size_t i = 0; i < n && rc == 0; i++) {
		char *end;
		long percent = strtol(pieces[i], &end, 10);

		if (*end || percent < 1 || percent > MOST_PERCENT)
			rc = -EINVAL;
		else
			add_planted(w, percent);
	}
	if (rc)
		err_set(err, rc, "--plant is '%.60s', it must be up to %d whole percentages between 1 and %d", text,
			SELFTEST_MAX_SIZES - 1, MOST_PERCENT);
	free(copy);
	return rc;
}

static int parse_wish(const struct options *o, struct wish *w, struct err *err)
{
	unsigned needed;
	int rc = options_int(o, "trials", 12, 1, 10000, &w->trials, err);

	if (rc == 0)
		rc = options_int(o, "rounds", 20, 1, 10000, &w->rounds, err);
	if (rc == 0)
		rc = parse_planted(o, w, err);
	if (rc)
		return rc;
	needed = power_rounds_needed((unsigned)json_array_size(w->subjects) - 1);
	if (w->rounds < needed)
		return err_set(err, -EINVAL,
			       "--rounds is %lld: with %zu comparisons in a trial an interval takes at least %u",
			       (long long)w->rounds, json_array_size(w->subjects) - 1, needed);
	return 0;
}

/* ---- the plan ------------------------------------------------------------------------------------------------ */

static json_t *plan_of(const struct wish *w)
{
	json_t *trials = json_array();

	for (int64_t i = 1; i <= w->trials; i++)
		json_array_append_new(trials, json_integer(i));
	return json_pack("{s:s, s:s, s:I, s:i, s:[{s:s, s:s, s:O, s:s, s:b, s:{s:o}, s:[s]}]}", "schema",
			 "switchyard.plan/1", "name", "selftest", "rounds", (json_int_t)w->rounds, "region_ms",
			 REGION_MS, "cells", "group", "selftest", "workload", "self/spin", "subjects", w->subjects,
			 "base", "self", "twin", 1, "params", "trial", trials, "placement", "same");
}

static int load_subject(struct run *r)
{
	char *dir;
	int rc = session_find_places(&r->places, &r->err);

	if (rc)
		return rc;
	dir = xformat("%s/selftest", r->places.exe_dir);
	rc = catalog_load(dir, &r->catalog, &r->err);
	free(dir);
	return rc;
}

static int open_trials(struct run *r, struct wish *w)
{
	struct estimate e;
	int rc;

	if ((rc = parse_wish(&r->o, w, &r->err)) != 0 || (rc = load_subject(r)) != 0 ||
	    (rc = topology_load(&r->topology, &r->err)) != 0 ||
	    (rc = request_make(&r->o, &r->places, r->catalog, &r->request, &r->seed, &r->err)) != 0)
		return rc;
	json_object_set_new(r->request, "plan", plan_of(w));
	rc = request_plan(r->request, r->catalog, r->topology, &r->plan, &r->err);
	if (rc == 0 && !options_has(&r->o, "quiet")) {
		estimate_plan(r->plan, &e);
		fprintf(stderr, "%lld trials of %lld rounds: about %lld s\n", (long long)w->trials,
			(long long)w->rounds, (long long)(e.total_ns / 1000000000));
	}
	return rc;
}

/* ---- the answer ---------------------------------------------------------------------------------------------- */

static int write_answer(struct run *r, const struct selftest *t)
{
	json_t *answer = selftest_json(t, store_run(r->store));
	int rc = report_json_write(r->dir, "selftest.json", answer, &r->err);

	if (rc == 0 && options_has(&r->o, "json"))
		cli_print_json(answer);
	else if (rc == 0)
		selftest_print(stdout, t);
	json_decref(answer);
	return rc;
}

static int conclude(struct run *r, const struct engine_result *result)
{
	struct selftest t;
	int rc = result->is_interrupted ? 0 : run_note_finished(r, result->is_complete);

	if (rc == 0)
		rc = selftest_read(r->dir, &t, &r->err);
	if (rc == 0)
		rc = write_answer(r, &t);
	if (rc == 0 && !result->is_interrupted)
		rc = report_write(r->dir, &r->err);
	if (rc) {
		cli_usage(&r->err);
		return result->is_interrupted ? CLI_INTERRUPTED : rc == -ENODATA ? CLI_SOME_FAILED : CLI_USAGE;
	}
	if (!options_has(&r->o, "json"))
		printf("Report: %s/report.html; the answer as JSON: %s/selftest.json\n", r->dir, r->dir);
	if (result->is_interrupted)
		return CLI_INTERRUPTED;
	if (result->failed)
		cli_complain("%u samples failed (%s/samples.jsonl says why)", result->failed, r->dir);
	if (!t.is_known)
		return CLI_SOME_FAILED;
	return !t.has_passed ? CLI_CHECK_FAILED : result->failed ? CLI_SOME_FAILED : CLI_DONE;
}

static int selftest(struct run *r, struct wish *w, int argc, char **argv)
{
	struct engine_result result = {0};

	if (open_trials(r, w) != 0)
		return cli_usage(&r->err);
	run_choose_folders(r);
	if (run_create_folder(r, "selftest", argc, argv) != 0 ||
	    session_make_data_dir(r->data_path, &r->data_dir, &r->err) != 0)
		return cli_usage(&r->err);
	run_start_oracle(r);
	run_catch_signals();
	if (run_execute(r, 0, &result) != 0)
		return cli_usage(&r->err);
	return conclude(r, &result);
}

static const struct command self = {
	.name = "selftest",
	.about = "usage: switchyard selftest [OPTION...]\n\n"
		 "Plants slow-downs of known size in a subject of its own, and changes that are none, and tells how "
		 "many of\n"
		 "them the verdicts find on this machine, and how often they find something where there is nothing, "
		 "with\n"
		 "exact 95 % bounds. Leaves a run's folder like any other, and selftest.json in it.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.codes =
		"\n"
		"Exit codes: 0 done; 1 failed: false alarms are more than allowed, or a slow-down of 10 % or more was\n"
		"missed by trials that could see it; 2 wrong use or set-up; 4 some samples failed, or nothing was "
		"measured;\n"
		"130 interrupted: what was measured is kept.",
};

int cmd_selftest(int argc, char **argv)
{
	struct run *r = xcalloc(1, sizeof *r);
	struct wish w = {0};
	int code;

	if (command_begin(&self, argc, argv, &r->o, &code))
		code = selftest(r, &w, argc, argv);
	json_decref(w.subjects);
	run_clear(r);
	free(r);
	return code;
}
