/*
 * cmd_run.c - `switchyard run`: from options to a plan, from the plan to a folder, from the folder to a report.
 *
 * A new run makes its request (run_request.h) from its options, --resume takes it from run.json; all else follows from
 * it. Nothing is made on disk before all that can be wrong with the request has been checked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/baseline.h"
#include "harness/cli/cli.h"
#include "harness/cli/command.h"
#include "harness/cli/run_session.h"
#include "harness/cli/run_show.h"
#include "harness/plan/estimate.h"
#include "harness/plan/event_sets.h"
#include "harness/plan/power.h"
#include "harness/plan/jsonx.h"
#include "harness/report/report.h"
#include "harness/stats/looks.h"

static const struct option_spec specs[] = {
	{.name = "filter",
	 .letter = 'f',
	 .value = "FILTER",
	 .is_repeatable = true,
	 .help = "only these, e.g. 'workload:ring tasks:>=64 subject:gmp,pthread'; several: all must match"},
	{.name = "plan",
	 .value = "PLAN",
	 .help = "default, full, go, references, senses, cliffs, scaling, variants, stacks, or a plan file"},
	{.name = "question", .value = "LIST", .help = "what these questions need, e.g. Q08,Q13 (list --questions)"},
	{.name = "rounds",
	 .value = "N",
	 .help = "timed samples of each subject on each cell (6 and more give intervals)"},
	{.name = "rigorous",
	 .help = "looks after 12, 20, 40, 80 and 120 rounds: the time goes where verdicts are open"},
	{.name = "seed", .value = "S", .help = "of the order and of the data: decimal, or 0x and hexadecimal"},
	{.name = "budget", .value = "TIME", .help = "start no round after it: 90s, 5m, 1h30m"},
	{.name = "dry-run", .letter = 'n', .help = "print cells, order and estimated time; run nothing"},
	{.name = "out", .letter = 'o', .value = "DIR", .help = "the run's folder (default: results/<UTC time>-<host>)"},
	{.name = "placement", .value = "LIST", .help = "of same, smt, cache, cross, free; instead of the plan's"},
	{.name = "data-dir", .value = "DIR", .help = "where workloads keep files: a real filesystem"},
	{.name = "resume", .value = "RUN", .help = "go on with an interrupted run: exactly what is missing"},
	{.name = "smoke", .help = "one tiny sample of every subject on every workload: certificates, no times"},
	{.name = "subjects",
	 .value = "LIST",
	 .help = "exactly these subjects, foreign ones too; all: every one that is built (with the plan references, if "
		 "no other is "
		 "named)",
	 .env = "SWITCHYARD_ONLY_SUBJECTS"},
	{.name = "events",
	 .value = "SETS",
	 .help = "count these sets of events (below) or events, in samples of their own, one set in each"},
	{.name = "simulate-cache",
	 .help = "run each subject under cachegrind, too: instructions and cache misses per operation, simulated"},
	{.name = "trace",
	 .help = "trace each subject that can be, too: what its scheduler did, as pictures and for ui.perfetto.dev"},
	{.name = "hdr",
	 .help = "keep the response times of each timed server sample as hdr/KEY.hgrm, as HdrHistogram prints them"},
	{.name = "param",
	 .letter = 'p',
	 .value = "NAME=V[,V]",
	 .is_repeatable = true,
	 .help = "a parameter's value(s), for all cells that have it"},
	{.name = "knobs",
	 .value = "SUBJECT:NAME=V[,NAME=V]",
	 .is_repeatable = true,
	 .help = "settings of a model, e.g. eventloop:file=pool; in the variable ';' goes between subjects"},
	{.name = "save-baseline",
	 .value = "NAME",
	 .help = "keep the run, with its binaries, as results/baselines/NAME: for compare and gate"},
	{.name = "old",
	 .value = "DIR",
	 .help = "measure another build's subjects (a folder, or a baseline) beside these, as NAME@old"},
	CLI_LANG_OPTION,
	{.name = "quiet", .letter = 'q', .help = "no progress"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};

static int open_store(struct run *r)
{
	const json_t *warning;
	size_t i;
	int rc;

	if (options_has(&r->o, "dry-run"))
		rc = store_peek(r->dir, &r->store, &r->err);
	else
		rc = store_resume(r->dir, &r->store, &r->err);
	if (rc)
		return rc;
	json_array_foreach (store_warnings(r->store), i, warning)
		cli_complain("warning: %s: %s", r->dir, json_string_value(warning));
	return 0;
}

static int open_resumed(struct run *r)
{
	const char *data_dir;
	const json_t *run;
	int rc = request_check_resume(&r->o, &r->err);

	if (rc)
		return rc;
	r->dir = run_find(options_get(&r->o, "resume"));
	rc = open_store(r);
	if (rc)
		return rc;
	run = store_run(r->store);
	r->request = json_incref(json_object_get(run, "request"));
	if (!r->request || !jsonx_str(run, "run_id") || !jsonx_parse_hex(jsonx_str(run, "seed"), &r->seed))
		return err_set(&r->err, -EINVAL, "%.300s/run.json has no request, run_id or seed", r->dir);
	r->run_id = xstrdup(jsonx_str(run, "run_id"));
	data_dir = jsonx_str(r->request, "data_dir");
	r->data_path = session_choose_data_dir(data_dir, r->dir, r->run_id);
	rc = request_plan(r->request, r->catalog, r->topology, &r->plan, &r->err);
	return rc ? rc : session_check_same(run, r->catalog, r->plan, &r->err);
}

static int note_resumed(struct run *r)
{
	json_t *run = json_deep_copy(store_run(r->store));
	char *now = session_now();
	int rc;

	json_array_append_new(json_object_get(run, "resumed"),
			      json_pack("{s:s, s:o}", "at", now, "budget_s", run_budget_json(r)));
	json_object_set_new(run, "complete", json_false());
	rc = store_update_run(r->store, run, &r->err);
	json_decref(run);
	free(now);
	return rc;
}

/* ---- running --------------------------------------------------------------------------------------------- */

/* What is not in the store yet, without running any of it: cell -> numbers of samples (new reference). */
static json_t *find_missing(struct run *r, struct engine_result *result)
{
	struct progress quiet;
	struct engine_config config = run_engine(r, &quiet);

	progress_init(&quiet, NULL, 0);
	config.missing = json_object();
	(void)engine_run(&config, result, &r->err); /* it writes nothing: nothing can fail */
	return config.missing;
}

/* With looks: what is open, and what it would take. */
static void say_what_is_open(const struct run *r, const struct engine_result *result)
{
	char rest[120] = "", needed[80] = "";

	if (!r->plan->is_rigorous || result->is_interrupted || result->n_undecided == 0)
		return;
	if (result->needed)
		snprintf(needed, sizeof needed, "; the nearest needs about %u rounds in all", result->needed);
	if (result->n_hopeless)
		snprintf(rest, sizeof rest, "; %u of them would need more than the %u of the last look",
			 result->n_hopeless, looks_all[LOOKS - 1].rounds);
	cli_complain("%u of %zu cells are not decided%s%s (the report says what each comparison needs)",
		     result->n_undecided, r->plan->n_cells, needed, rest);
}

static void say_how_to_go_on(const struct run *r, const struct engine_result *result)
{
	say_what_is_open(r, result);
	if (result->is_interrupted)
		cli_complain("interrupted; what was measured is kept, go on with: switchyard run --resume %s", r->dir);
	else if (result->is_out_of_time)
		cli_complain("the time is up after %u rounds; the run is not complete, go on with: switchyard run "
			     "--resume %s",
			     result->rounds_done, r->dir);
}

static int save_baseline(struct run *r, int code)
{
	const char *name = options_get(&r->o, "save-baseline");
	unsigned n_lost;

	if (!name)
		return code;
	if (baseline_save(r->dir, name, &n_lost, &r->err) != 0)
		return cli_usage(&r->err);
	if (n_lost)
		cli_complain("warning: %u binaries are no longer those that were measured; the baseline keeps none of "
			     "them, and `switchyard gate` cannot measure them again",
			     n_lost);
	printf("Baseline: results/baselines/%s\n", name);
	return code;
}

static int report(struct run *r, int code)
{
	bool is_chinese = false;
	int rc = report_write(r->dir, &r->err);

	if (rc == 0)
		rc = cli_language(&r->o, &is_chinese, &r->err);
	if (rc == 0 && is_chinese)
		rc = report_write_chinese(r->dir, &r->err);
	if (rc == 0 && r->order)
		return code;
	if (rc == 0)
		rc = is_chinese ? report_summary_chinese(r->dir, stdout, cli_width(), &r->err)
				: report_summary(r->dir, stdout, cli_width(), &r->err);
	if (rc != 0)
		return cli_usage(&r->err);
	return save_baseline(r, code);
}

/* The report of a finished run; a smoke run has none. */
static int conclude(struct run *r, const struct engine_result *result)
{
	int code = result->failed ? CLI_SOME_FAILED : CLI_DONE;

	if (result->is_interrupted) {
		say_how_to_go_on(r, result);
		return CLI_INTERRUPTED;
	}
	if (run_is_smoke(r)) {
		run_show_smoke(r->plan, r->store, result);
		return code;
	}
	if (result->failed) {
		cli_complain("%u samples failed:", result->failed);
		run_show_failures(r->store, stderr);
	}
	if (result->measured == 0) {
		cli_complain("nothing was measured: there is no good sample, and the report is empty");
		code = CLI_SOME_FAILED;
	}
	say_how_to_go_on(r, result);
	return report(r, code);
}

/* A run in which nothing is missing: its records stay as they are, the report is written again. */
static int conclude_complete(struct run *r, const struct engine_result *result)
{
	/* Killed between its last sample and its end: nobody has said yet that it is complete. */
	if (!jsonx_bool(store_run(r->store), "complete", false) && run_note_finished(r, true) != 0)
		return cli_usage(&r->err);
	session_remove_tree(r->data_path); /* what a run that was killed at its end has left; there is none otherwise */
	cli_complain("nothing is missing in %s", r->dir);
	if (run_is_smoke(r)) {
		run_show_smoke(r->plan, r->store, result);
		return CLI_DONE;
	}
	return report(r, CLI_DONE);
}

/* Before the start, not after it: what the time will not be enough for. */
static void say_shortage_of_time(const struct run *r, int64_t needed_ns)
{
	if (r->budget_ns && needed_ns > r->budget_ns)
		cli_complain("warning: about %.0f s are needed and the budget is %.0f s: rounds will be missing (the "
			     "first is always done; --budget, -f)",
			     (double)needed_ns / 1e9, (double)r->budget_ns / 1e9);
}

static void say_plan(const struct run *r)
{
	const json_t *skipped;
	size_t i;

	json_array_foreach (r->plan->skipped, i, skipped)
		fprintf(stderr, "left out: %s: %s\n", jsonx_str(skipped, "cell"), jsonx_str(skipped, "why"));
	if (!run_is_smoke(r))
		power_say_shortage(r->plan, stderr);
	run_show_estimate(r->plan, stderr);
}

static int run_plan(struct run *r, int64_t needed_ns)
{
	struct engine_result result = {0};

	if (session_make_data_dir(r->data_path, &r->data_dir, &r->err) != 0)
		return cli_usage(&r->err);
	if (session_is_in_memory(r->data_dir))
		cli_complain("warning: %s is kept in memory: reading its files does not reach a disk (--data-dir)",
			     r->data_dir);
	if (!options_has(&r->o, "quiet"))
		say_plan(r);
	say_shortage_of_time(r, needed_ns);
	run_start_oracle(r);
	run_catch_signals();
	if (run_execute(r, r->budget_ns, &result) != 0)
		return cli_usage(&r->err);
	/* An interrupted run is not finished: its run.json says so by staying as it was. */
	if (!result.is_interrupted && run_note_finished(r, result.is_complete) != 0)
		return cli_usage(&r->err);
	return conclude(r, &result);
}

/* --resume, once the run is open: look what is missing, and only then do it. */
static int go_on(struct run *r)
{
	const char *data_dir = jsonx_str(r->request, "data_dir");
	struct engine_result result;
	json_t *missing = find_missing(r, &result);
	int code;

	if (options_has(&r->o, "dry-run")) {
		run_show_missing(missing, &result);
		code = CLI_DONE;
	} else if (result.n_missing == 0) {
		code = conclude_complete(r, &result);
	} else if ((data_dir && session_check_data_dir(data_dir, &r->err) != 0) || note_resumed(r) != 0) {
		code = cli_usage(&r->err);
	} else {
		code = run_plan(r, result.missing_ns);
	}
	json_decref(missing);
	return code;
}

static int start_new(struct run *r, int argc, char **argv)
{
	struct estimate e;

	if (options_has(&r->o, "dry-run")) {
		run_show_plan(r->plan, r->seed);
		return CLI_DONE;
	}
	run_choose_folders(r);
	if (run_create_folder(r, "run", argc, argv) != 0)
		return cli_usage(&r->err);
	estimate_plan(r->plan, &e);
	return run_plan(r, e.total_ns);
}

static void explain(void)
{
	puts("\n"
	     "filter: key:value, white space is AND, OR or |, - or NOT, parentheses. Values: a,b,c  /regex/  >=N <N.\n"
	     "Keys: workload (switch/ring or ring), family, subject, placement, kind, group, workers, any "
	     "parameter.\n\n"
	     "events: names of sets, and libpfm4's names of events, tracepoints (sched:sched_switch), energy:package "
	     "(RAPL).\n"
	     "A named set is counted in samples of its own; so are the events between two ';'.");
	event_sets_print(stdout);
}

static const struct command self = {
	.name = "run",
	.about = "usage: switchyard run [OPTION...]\n\n"
		 "Measures the cells of a plan, every subject of a cell once in each round, in balanced random order, "
		 "and writes\n"
		 "a folder with all samples (samples.jsonl) and the report. -f selects; a workload that it names and "
		 "the plan\n"
		 "does not have runs with its default parameters.\n",
	.specs = specs,
	.n_specs = sizeof specs / sizeof *specs,
	.explain = explain,
	.has_filter = true,
	.codes = "\n"
		 "Exit codes: 0 done (unsupported cells are no failure); 2 wrong use or set-up; 4 some samples failed, "
		 "or there\n"
		 "is no good one; 130 interrupted: what was measured is kept, and --resume goes on.",
};

/* What can be wrong with options whatever the plan is. */
static int check_options(struct run *r)
{
	const char *text = options_get(&r->o, "budget"), *name = options_get(&r->o, "save-baseline");
	int64_t ns;

	if (name && options_has(&r->o, "smoke"))
		return err_set(&r->err, -EINVAL, "--save-baseline keeps times, and a --smoke run has none");
	if (name && baseline_check_name(name, &r->err) != 0)
		return -EINVAL;
	if (text && !options_duration(text, &ns))
		return err_set(&r->err, -EINVAL, "--budget is '%.60s', it must be a time such as 90s, 5m or 1h30m",
			       text);
	return 0;
}

/* The request and the seed: of the run that is gone on with, of the command that called, or from the options. */
static int prepare(struct run *r)
{
	int rc;

	if (options_has(&r->o, "resume"))
		return open_resumed(r);
	if (r->order && r->order->request) {
		r->request = json_incref(r->order->request);
		r->seed = r->order->seed;
		rc = 0;
	} else {
		rc = request_make(&r->o, &r->places, r->catalog, &r->request, &r->seed, &r->err);
	}
	return rc ? rc : request_plan(r->request, r->catalog, r->topology, &r->plan, &r->err);
}

int cmd_run(int argc, char **argv)
{
	return run_with(argc, argv, NULL);
}

int run_with(int argc, char **argv, const struct run_order *order)
{
	struct run *r = xcalloc(1, sizeof *r);
	int code, rc;

	r->order = order;
	if (!command_begin(&self, argc, argv, &r->o, &code)) {
		run_clear(r);
		free(r);
		return code;
	}
	rc = cli_language(&r->o, &(bool){false}, &r->err);
	if (rc == 0)
		rc = check_options(r);
	if (rc == 0)
		rc = cli_load(&r->places, &r->catalog, options_has(&r->o, "quiet"), &r->err);
	if (rc == 0)
		rc = topology_load(&r->topology, &r->err);
	if (rc == 0)
		rc = prepare(r);
	if (rc == 0)
		rc = request_budget(&r->o, r->request, r->plan, &r->budget_ns, &r->err);
	if (rc == 0)
		rc = run_find_cachegrind(r);
	if (rc == 0)
		code = options_has(&r->o, "resume") ? go_on(r) : start_new(r, argc, argv);
	if (rc)
		code = cli_usage(&r->err);
	run_clear(r);
	free(r);
	return code;
}
