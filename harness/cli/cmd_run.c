/*
 * cmd_run.c - `switchyard run`: from options to a plan, from the plan to a folder, from the folder to a report.
 *
 * What selects the cells is put into one JSON object, the request, and everything goes on from that: a new run makes it
 * from its options, --resume takes it from run.json. So a resumed run cannot be given another plan by accident.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/options.h"
#include "harness/cli/run_show.h"
#include "harness/plan/engine.h"
#include "harness/plan/estimate.h"
#include "harness/plan/power.h"
#include "harness/plan/jsonx.h"
#include "harness/report/report.h"

/* Sized for a free machine: with the quarter of rounds that noise may repeat, a plan may take a quarter longer. */
#define PLAN_BUDGET_GRACE 1.25

static const struct option_spec specs[] = {
	{.name = "filter",
	 .letter = 'f',
	 .value = "FILTER",
	 .is_repeatable = true,
	 .help = "only these, e.g. 'workload:ring tasks:>=64 subject:gmp,pthread'; several: all must match"},
	{.name = "plan", .value = "PLAN", .help = "default, full or a plan file"},
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
	char *run_id, *dir, *data_dir;
	struct err err;
};

/* ---- the request ----------------------------------------------------------------------------------------- */

static json_t *strings_of(const char *text)
{
	json_t *list = json_array();
	const char *pieces[64];
	char *copy = xstrdup(text ? text : "");
	size_t n = options_split(copy, pieces, 64);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(pieces[i]));
	free(copy);
	return list;
}

/* Several filters are one: each in parentheses, all must match. */
static char *joined_filter(const struct options *o)
{
	const char *all[OPTIONS_MAX_VALUES];
	size_t n = options_all(o, "filter", all, OPTIONS_MAX_VALUES);
	char *text = n ? xstrdup(all[0]) : xstrdup("");

	for (size_t i = 1; i < n; i++) {
		char *longer = xformat("%s%s%s (%s)", i == 1 ? "(" : "", text, i == 1 ? ")" : "", all[i]);

		free(text);
		text = longer;
	}
	return text;
}

static int parse_seed(struct run *r)
{
	const char *text = options_get(&r->o, "seed");
	struct timespec now;
	int64_t number;

	if (!text) {
		(void)clock_gettime(CLOCK_REALTIME, &now);
		r->seed = order_mix((uint64_t)now.tv_sec, ((uint64_t)now.tv_nsec << 22) ^ (uint64_t)getpid());
		return 0;
	}
	if (text[0] == '0' && text[1] == 'x' && jsonx_parse_hex(text + 2, &r->seed))
		return 0;
	if (!jsonx_parse_int(text, &number) || number < 0)
		return err_set(&r->err, -EINVAL,
			       "--seed is '%.60s', it must be a whole number, or 0x and up to 16 hexadecimal digits",
			       text);
	r->seed = (uint64_t)number;
	return 0;
}

static int make_request(struct run *r)
{
	const char *params[OPTIONS_MAX_VALUES], *plan = options_get(&r->o, "plan");
	size_t n_params = options_all(&r->o, "param", params, OPTIONS_MAX_VALUES);
	json_t *file = NULL, *list = json_array();
	char *path, *filter;
	int64_t rounds;
	int rc = options_int(&r->o, "rounds", 0, 1, 10000, &rounds, &r->err);

	for (size_t i = 0; i < n_params; i++)
		json_array_append_new(list, json_string(params[i]));
	if (rc == 0)
		rc = parse_seed(r);
	if (rc == 0 && options_has(&r->o, "smoke") && plan)
		rc = err_set(&r->err, -EINVAL, "--smoke runs every workload and takes no --plan");
	if (rc == 0 && !options_has(&r->o, "smoke")) {
		rc = session_plan_path(&r->places, plan ? plan : "default", &path, &r->err);
		if (rc == 0) {
			rc = plan_read(path, &file, &r->err);
			free(path);
		}
	}
	if (rc) {
		json_decref(list);
		return rc;
	}
	filter = joined_filter(&r->o);
	r->request =
		json_pack("{s:o, s:s, s:o, s:o, s:o, s:I, s:o, s:b}", "plan", file ? file : json_null(), "filter",
			  filter, "params", list, "placements", strings_of(options_get(&r->o, "placement")), "subjects",
			  strings_of(options_get(&r->o, "subjects")), "rounds", (json_int_t)rounds, "events",
			  strings_of(options_get(&r->o, "events")), "smoke", options_has(&r->o, "smoke"));
	free(filter);
	return r->request ? 0 : err_set(&r->err, -EINVAL, "an option is not valid UTF-8");
}

static size_t strings_from(const json_t *list, const char **out, size_t max)
{
	size_t n = 0, i;
	const json_t *v;

	json_array_foreach (list, i, v)
		if (json_is_string(v) && n < max)
			out[n++] = json_string_value(v);
	return n;
}

static int build_plan(struct run *r)
{
	const char *params[64], *placements[8], *subjects[64], *filter = jsonx_str(r->request, "filter");
	size_t n_placements = strings_from(json_object_get(r->request, "placements"), placements, 8);
	enum placement parsed[8];
	struct plan_options o = {
		.filter = filter && *filter ? filter : NULL,
		.params = params,
		.n_params = strings_from(json_object_get(r->request, "params"), params, 64),
		.placements = parsed,
		.n_placements = n_placements,
		.subjects = subjects,
		.n_subjects = strings_from(json_object_get(r->request, "subjects"), subjects, 64),
		.rounds = (unsigned)jsonx_int(r->request, "rounds", 0),
		.with_counted = json_array_size(json_object_get(r->request, "events")) > 0,
		.smoke = jsonx_bool(r->request, "smoke", false),
	};

	for (size_t i = 0; i < n_placements; i++)
		if (!placement_parse(placements[i], &parsed[i]))
			return err_set(&r->err, -EINVAL, "--placement '%.40s' is none of same, smt, cache, cross, free",
				       placements[i]);
	return plan_build(json_object_get(r->request, "plan"), r->catalog, r->topology, &o, &r->plan, &r->err);
}

/* ---- folders --------------------------------------------------------------------------------------------- */

static json_t *command_json(int argc, char **argv)
{
	json_t *list = json_pack("[s, s]", "switchyard", "run");

	for (int i = 0; i < argc; i++)
		json_array_append_new(list, json_string(argv[i]));
	return list;
}

static int create_folder(struct run *r, int argc, char **argv)
{
	const char *out = options_get(&r->o, "out");
	json_t *run, *command, *host;
	struct estimate e;
	int rc;

	r->run_id = session_run_id();
	r->dir = out ? xstrdup(out) : xformat("results/%s", r->run_id);
	for (unsigned i = 2; !out && access(r->dir, F_OK) == 0 && i < 100; i++) { /* two runs in one second */
		free(r->dir);
		r->dir = xformat("results/%s-%u", r->run_id, i);
	}
	estimate_plan(r->plan, &e);
	command = command_json(argc, argv);
	host = environment_json(r->topology, options_get(&r->o, "data-dir") ? options_get(&r->o, "data-dir") : ".");
	run = session_run_json(r->run_id, r->catalog, r->plan, r->request, command, r->seed, (double)e.total_ns / 1e9,
			       host);
	json_decref(command);
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

static int check_resume_options(struct run *r)
{
	static const char *const fixed[] = {"filter",    "plan",  "rounds",   "seed",   "out",
					    "placement", "smoke", "subjects", "events", "param"};

	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (options_has(&r->o, fixed[i]))
			return err_set(&r->err, -EINVAL,
				       "--resume goes on with what the run was started with; --%s cannot be changed",
				       fixed[i]);
	return 0;
}

static int open_resumed(struct run *r)
{
	const json_t *run;
	int rc = check_resume_options(r);

	if (rc)
		return rc;
	r->dir = find_run(options_get(&r->o, "resume"));
	rc = store_resume(r->dir, &r->store, &r->err);
	if (rc)
		return rc;
	run = store_run(r->store);
	r->request = json_incref(json_object_get(run, "request"));
	if (!r->request || !jsonx_str(run, "run_id") || !jsonx_parse_hex(jsonx_str(run, "seed"), &r->seed))
		return err_set(&r->err, -EINVAL, "%.300s/run.json has no request, run_id or seed", r->dir);
	r->run_id = xstrdup(jsonx_str(run, "run_id"));
	rc = build_plan(r);
	return rc ? rc : session_check_same(run, r->catalog, r->plan, &r->err);
}

/* Set what a run's end (or its going on) changes in run.json. */
static int update_run(struct run *r, bool is_resumed, bool is_complete)
{
	json_t *run = json_deep_copy(store_run(r->store));
	char *now = session_now();
	int rc;

	if (is_resumed)
		json_array_append_new(json_object_get(run, "resumed"), json_string(now));
	else
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

static int64_t budget_ns(struct run *r, int *rc)
{
	const char *text = options_get(&r->o, "budget");
	int64_t ns = 0;

	if (!text)
		return jsonx_bool(r->request, "smoke", false)
			       ? 0
			       : (int64_t)((double)r->plan->budget_ns * PLAN_BUDGET_GRACE);
	if (!options_duration(text, &ns))
		*rc = err_set(&r->err, -EINVAL, "--budget is '%.60s', it must be a time such as 90s, 5m or 1h30m",
			      text);
	return ns;
}

static int execute(struct run *r, struct engine_result *result)
{
	bool is_smoke = jsonx_bool(r->request, "smoke", false), is_quiet = options_has(&r->o, "quiet");
	const char *events[64];
	size_t n_events = strings_from(json_object_get(r->request, "events"), events, 64);
	struct progress progress;
	struct estimate estimate;
	struct engine_config config = {.plan = r->plan, .store = r->store, .progress = &progress, .is_smoke = is_smoke};
	int rc = 0;

	config.budget_ns = budget_ns(r, &rc);
	estimate_plan(r->plan, &estimate);
	progress_init(&progress, is_quiet ? NULL : stderr, estimate.total_ns);
	sample_env_defaults(&config.env);
	config.env.run_id = r->run_id;
	config.env.data_dir = r->data_dir;
	config.env.loadgen_path = r->places.loadgen;
	config.env.oracle = r->oracle;
	config.env.seed = r->seed;
	config.env.events = n_events ? events : default_events;
	config.env.n_events = n_events ? n_events : sizeof default_events / sizeof *default_events;
	if (is_smoke)
		config.env.settle_ns = 0;
	return rc ? rc : engine_run(&config, result, &r->err);
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

/* The report of a finished run; a smoke run has none. */
static int conclude(struct run *r, const struct engine_result *result)
{
	int code = result->failed ? CLI_SOME_FAILED : CLI_DONE;

	if (result->is_interrupted) {
		say_how_to_go_on(r, result);
		return CLI_INTERRUPTED;
	}
	if (jsonx_bool(r->request, "smoke", false)) {
		run_show_smoke(r->plan, r->store, result);
		return code;
	}
	if (result->failed) {
		cli_complain("%u samples failed:", result->failed);
		run_show_failures(r->store, stderr);
	}
	say_how_to_go_on(r, result);
	if (report_write(r->dir, &r->err) != 0 || report_summary(r->dir, stdout, cli_width(), &r->err) != 0)
		return cli_usage(&r->err);
	return code;
}

static int run_plan(struct run *r, bool is_resumed)
{
	struct engine_result result = {0};
	const json_t *skipped;
	int code;
	size_t i;

	if (session_make_data_dir(options_get(&r->o, "data-dir"), r->dir, r->run_id, &r->data_dir, &r->err) != 0)
		return cli_usage(&r->err);
	if (session_is_in_memory(r->data_dir))
		cli_complain("warning: %s is kept in memory: reading its files does not reach a disk (--data-dir)",
			     r->data_dir);
	if (is_resumed && update_run(r, true, false) != 0)
		return cli_usage(&r->err);
	if (!options_has(&r->o, "quiet")) {
		json_array_foreach (r->plan->skipped, i, skipped)
			fprintf(stderr, "left out: %s: %s\n", jsonx_str(skipped, "cell"), jsonx_str(skipped, "why"));
		if (!jsonx_bool(r->request, "smoke", false))
			power_say_shortage(r->plan, stderr);
		run_show_estimate(r->plan, stderr);
	}
	start_oracle(r);
	catch_signals();
	if (execute(r, &result) != 0)
		return cli_usage(&r->err);
	/* An interrupted run is not finished: its run.json says so by staying as it was. */
	if (!result.is_interrupted && update_run(r, false, result.is_complete) != 0)
		return cli_usage(&r->err);
	code = conclude(r, &result);
	return code;
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
	     "Exit codes: 0 done (unsupported cells are no failure); 2 wrong use or set-up; 4 some samples failed;\n"
	     "130 interrupted: what was measured is kept, and --resume goes on.");
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
		if (rc == 0)
			code = run_plan(r, true);
	} else if (rc == 0) {
		rc = make_request(r);
		if (rc == 0)
			rc = build_plan(r);
		if (rc == 0 && options_has(&r->o, "dry-run")) {
			run_show_plan(r->plan, r->seed);
			code = CLI_DONE;
		} else if (rc == 0) {
			rc = create_folder(r, argc, argv);
			if (rc == 0)
				code = run_plan(r, false);
		}
	}
	if (rc)
		code = cli_usage(&r->err);
	run_clear(r);
	free(r);
	return code;
}
