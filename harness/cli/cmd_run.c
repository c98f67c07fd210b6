/*
 * cmd_run.c - `switchyard run`: from options to a plan, from the plan to a folder, from the folder to a report.
 *
 * A new run makes its request (run_request.h) from its options, --resume takes it from run.json; all else follows from
 * it. Nothing is made on disk before all that can be wrong with the request has been checked.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/options.h"
#include "harness/cli/run_request.h"
#include "harness/cli/run_show.h"
#include "harness/plan/engine.h"
#include "harness/plan/estimate.h"
#include "harness/plan/power.h"
#include "harness/plan/jsonx.h"
#include "harness/report/report.h"

static const struct option_spec specs[] = {
	{.name = "filter",
	 .letter = 'f',
	 .value = "FILTER",
	 .is_repeatable = true,
	 .help = "only these, e.g. 'workload:ring tasks:>=64 subject:gmp,pthread'; several: all must match"},
	{.name = "plan", .value = "PLAN", .help = "default, full, go or a plan file"},
	{.name = "rounds",
	 .value = "N",
	 .help = "timed samples of each subject on each cell (6 and more give intervals)"},
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
	 .help = "exactly these subjects, foreign ones too",
	 .env = "SWITCHYARD_ONLY_SUBJECTS"},
	{.name = "events", .value = "LIST", .help = "count these perf events, in samples of their own"},
	{.name = "param",
	 .letter = 'p',
	 .value = "NAME=V[,V]",
	 .is_repeatable = true,
	 .help = "a parameter's value(s), for all cells that have it"},
	{.name = "knobs",
	 .value = "SUBJECT:NAME=V[,NAME=V]",
	 .is_repeatable = true,
	 .help = "settings of a model, e.g. eventloop:file=pool; in the variable ';' goes between subjects"},
	{.name = "quiet", .letter = 'q', .help = "no progress"},
	{.name = "help", .letter = 'h', .help = "this text", .env = "SWITCHYARD_HELP"},
};
enum { N_SPECS = sizeof specs / sizeof *specs };

static const char *const default_events[] = {"cycles",        "instructions",     "cache-references", "cache-misses",
					     "branch-misses", "context-switches", "cpu-migrations",   "page-faults"};

/* All of one run; freed together. */
struct run {
	struct options o;
	struct session_places places;
	struct catalog *catalog;
	struct topology *topology;
	struct plan *plan;
	struct store *store;
	struct oracle *oracle;
	json_t *request; /* what selects the cells */
	uint64_t seed;
	int64_t budget_ns; /* 0: none */
	char *run_id, *dir;
	char *data_path; /* where files of workloads will be */
	char *data_dir; /* the same, made, as an absolute path; NULL: not made yet */
	struct err err;
};

static bool is_smoke(const struct run *r)
{
	return jsonx_bool(r->request, "smoke", false);
}

/* ---- folders --------------------------------------------------------------------------------------------- */

static json_t *budget_json(const struct run *r)
{
	return r->budget_ns ? json_real((double)r->budget_ns / 1e9) : json_null();
}

/* Where the run and its files will be; nothing is made. */
static void choose_folders(struct run *r)
{
	const char *out = options_get(&r->o, "out");

	r->run_id = session_run_id();
	r->dir = out ? xstrdup(out) : xformat("results/%s", r->run_id);
	for (unsigned i = 2; !out && access(r->dir, F_OK) == 0 && i < 100; i++) { /* two runs in one second */
		free(r->dir);
		r->dir = xformat("results/%s-%u", r->run_id, i);
	}
	r->data_path = session_choose_data_dir(jsonx_str(r->request, "data_dir"), r->dir, r->run_id);
}

/* The machine, with the folder that workloads will really use: it is not there yet, its filesystem is. */
static json_t *host_json(const struct run *r)
{
	char *folder = session_existing_folder(r->data_path);
	json_t *host = environment_json(r->topology, folder), *data_dir = json_object_get(host, "data_dir");

	if (json_is_object(data_dir))
		json_object_set_new(data_dir, "path", json_string(r->data_path));
	free(folder);
	return host;
}

/* run.json as it is at the start; NULL: it cannot be JSON. */
static json_t *describe_run(const struct run *r, int argc, char **argv)
{
	json_t *command = request_command(&r->o, argc, argv), *run, *plan;
	struct estimate e;

	estimate_plan(r->plan, &e);
	run = session_run_json(r->run_id, r->catalog, r->plan, r->request, command, r->seed, (double)e.total_ns / 1e9,
			       host_json(r));
	json_decref(command);
	plan = json_object_get(run, "plan");
	if (plan) { /* the budget in force; what the plan was sized for stays beside it */
		json_object_set(plan, "sized_for_s", json_object_get(plan, "budget_s"));
		json_object_set_new(plan, "budget_s", budget_json(r));
	}
	return run;
}

static int create_folder(struct run *r, int argc, char **argv)
{
	json_t *run = describe_run(r, argc, argv);
	int rc;

	if (!run)
		return err_set(&r->err, -EINVAL, "the run cannot be described as JSON: an argument is not valid UTF-8");
	rc = store_create(r->dir, run, &r->store, &r->err);
	json_decref(run);
	return rc;
}

/* A run by its folder, or by its name under results/. */
static char *find_run(const char *name)
{
	char *path = xformat("results/%s", name);

	if (access(name, F_OK) == 0 || access(path, F_OK) != 0) {
		free(path);
		return xstrdup(name);
	}
	return path;
}

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
	r->dir = find_run(options_get(&r->o, "resume"));
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
			      json_pack("{s:s, s:o}", "at", now, "budget_s", budget_json(r)));
	json_object_set_new(run, "complete", json_false());
	rc = store_update_run(r->store, run, &r->err);
	json_decref(run);
	free(now);
	return rc;
}

static int note_finished(struct run *r, bool is_complete)
{
	json_t *run = json_deep_copy(store_run(r->store));
	char *now = session_now();
	int rc;

	json_object_set_new(run, "finished", json_string(now));
	json_object_set_new(run, "complete", json_boolean(is_complete));
	rc = store_update_run(r->store, run, &r->err);
	json_decref(run);
	free(now);
	return rc;
}

/* ---- running --------------------------------------------------------------------------------------------- */

static void on_signal(int signo)
{
	(void)signo;
	sample_interrupt();
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: pauses end at once */
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		(void)sigaction(signals[i], &action, NULL);
}

/* Who knows what a correct run must have done: our serial subject, or the first that can tell. */
static void start_oracle(struct run *r)
{
	const struct subject *s = catalog_subject(r->catalog, "serial");

	for (size_t i = 0; i < r->catalog->n_subjects && (!s || !s->can_certify); i++)
		s = &r->catalog->subjects[i];
	if (s && s->can_certify)
		r->oracle = oracle_new(s->path, &r->plan->cells[0].placed.harness);
	else
		cli_complain("warning: no subject can certify: the work done is not checked");
}

/* What runs the plan, but for the samples' environment. */
static struct engine_config engine_of(struct run *r, struct progress *progress)
{
	struct engine_config config = {
		.plan = r->plan, .store = r->store, .progress = progress, .is_smoke = is_smoke(r)};

	config.env.seed = r->seed;
	return config;
}

/* What is not in the store yet, without running any of it: cell -> numbers of samples (new reference). */
static json_t *find_missing(struct run *r, struct engine_result *result)
{
	struct progress quiet;
	struct engine_config config = engine_of(r, &quiet);

	progress_init(&quiet, NULL, 0);
	config.missing = json_object();
	(void)engine_run(&config, result, &r->err); /* it writes nothing: nothing can fail */
	return config.missing;
}

static int execute(struct run *r, struct engine_result *result)
{
	const char *events[64];
	size_t n_events = request_strings(r->request, "events", events, 64);
	struct progress progress;
	struct estimate estimate;
	struct engine_config config = engine_of(r, &progress);
	int rc;

	estimate_plan(r->plan, &estimate);
	progress_init(&progress, options_has(&r->o, "quiet") ? NULL : stderr, estimate.total_ns);
	config.budget_ns = r->budget_ns;
	sample_env_defaults(&config.env);
	config.env.run_id = r->run_id;
	config.env.data_dir = r->data_dir;
	config.env.loadgen_path = r->places.loadgen;
	config.env.oracle = r->oracle;
	config.env.seed = r->seed;
	config.env.knobs = json_object_get(r->request, "knobs");
	config.env.nearness = topology_nearness(r->topology);
	config.env.events = n_events ? events : default_events;
	config.env.n_events = n_events ? n_events : sizeof default_events / sizeof *default_events;
	if (is_smoke(r))
		config.env.settle_ns = 0;
	rc = engine_run(&config, result, &r->err);
	json_decref(config.env.nearness);
	return rc;
}

static void say_how_to_go_on(const struct run *r, const struct engine_result *result)
{
	if (result->is_interrupted)
		cli_complain("interrupted; what was measured is kept, go on with: switchyard run --resume %s", r->dir);
	else if (result->is_out_of_time)
		cli_complain("the time is up after %u rounds; the run is not complete, go on with: switchyard run "
			     "--resume %s",
			     result->rounds_done, r->dir);
}

static int report(struct run *r, int code)
{
	if (report_write(r->dir, &r->err) != 0 || report_summary(r->dir, stdout, cli_width(), &r->err) != 0)
		return cli_usage(&r->err);
	return code;
}

/* The report of a finished run; a smoke run has none. */
static int conclude(struct run *r, const struct engine_result *result)
{
	int code = result->failed ? CLI_SOME_FAILED : CLI_DONE;

	if (result->is_interrupted) {
		say_how_to_go_on(r, result);
		return CLI_INTERRUPTED;
	}
	if (is_smoke(r)) {
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
	if (!jsonx_bool(store_run(r->store), "complete", false) && note_finished(r, true) != 0)
		return cli_usage(&r->err);
	cli_complain("nothing is missing in %s", r->dir);
	if (is_smoke(r)) {
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
	if (!is_smoke(r))
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
	start_oracle(r);
	catch_signals();
	if (execute(r, &result) != 0)
		return cli_usage(&r->err);
	/* An interrupted run is not finished: its run.json says so by staying as it was. */
	if (!result.is_interrupted && note_finished(r, result.is_complete) != 0)
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
	choose_folders(r);
	if (create_folder(r, argc, argv) != 0)
		return cli_usage(&r->err);
	estimate_plan(r->plan, &e);
	return run_plan(r, e.total_ns);
}

static void print_help(void)
{
	puts("usage: switchyard run [OPTION...]\n\n"
	     "Measures the cells of a plan, every subject of a cell once in each round, in balanced random order, and "
	     "writes\n"
	     "a folder with all samples (samples.jsonl) and the report. -f selects; a workload that it names and the "
	     "plan\n"
	     "does not have runs with its default parameters.\n");
	options_print(specs, N_SPECS, stdout);
	puts("\nfilter: key:value, white space is AND, OR or |, - or NOT, parentheses. Values: a,b,c  /regex/  >=N "
	     "<N.\n"
	     "Keys: workload (switch/ring or ring), family, subject, placement, kind, group, workers, any "
	     "parameter.\n\n"
	     "Exit codes: 0 done (unsupported cells are no failure); 2 wrong use or set-up; 4 some samples failed, or "
	     "there\n"
	     "is no good one; 130 interrupted: what was measured is kept, and --resume goes on.");
}

static void run_clear(struct run *r)
{
	oracle_free(r->oracle);
	if (r->data_dir)
		session_remove_tree(r->data_dir);
	store_close(r->store);
	plan_free(r->plan);
	topology_free(r->topology);
	catalog_free(r->catalog);
	json_decref(r->request);
	free(r->run_id);
	free(r->dir);
	free(r->data_path);
	free(r->data_dir);
	session_free_places(&r->places);
	options_free(&r->o);
}

static int check_budget(struct run *r)
{
	const char *text = options_get(&r->o, "budget");
	int64_t ns;

	if (text && !options_duration(text, &ns))
		return err_set(&r->err, -EINVAL, "--budget is '%.60s', it must be a time such as 90s, 5m or 1h30m",
			       text);
	return 0;
}

int cmd_run(int argc, char **argv)
{
	struct run *r = xcalloc(1, sizeof *r);
	int code = CLI_USAGE, rc;

	rc = options_parse(specs, N_SPECS, argc, argv, &r->o, &r->err);
	if (rc == 0 && options_has(&r->o, "help")) {
		print_help();
		run_clear(r);
		free(r);
		return CLI_DONE;
	}
	if (rc == 0 && r->o.n_args)
		rc = err_set(&r->err, -EINVAL, "run takes no argument '%.60s' (perhaps -f workload:%.60s)",
			     r->o.args[0], r->o.args[0]);
	if (rc == 0)
		rc = check_budget(r);
	if (rc == 0)
		rc = cli_load(&r->places, &r->catalog, options_has(&r->o, "quiet"), &r->err);
	if (rc == 0)
		rc = topology_load(&r->topology, &r->err);
	if (rc == 0 && options_has(&r->o, "resume")) {
		rc = open_resumed(r);
	} else if (rc == 0) {
		rc = request_make(&r->o, &r->places, r->catalog, &r->request, &r->seed, &r->err);
		if (rc == 0)
			rc = request_plan(r->request, r->catalog, r->topology, &r->plan, &r->err);
	}
	if (rc == 0)
		rc = request_budget(&r->o, r->request, r->plan, &r->budget_ns, &r->err);
	if (rc == 0)
		code = options_has(&r->o, "resume") ? go_on(r) : start_new(r, argc, argv);
	if (rc)
		code = cli_usage(&r->err);
	run_clear(r);
	free(r);
	return code;
}
