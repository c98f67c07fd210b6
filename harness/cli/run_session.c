#include "harness/cli/run_session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/plan/estimate.h"
#include "harness/plan/jsonx.h"

bool run_is_smoke(const struct run *r)
{
	return jsonx_bool(r->request, "smoke", false);
}

/* ---- folders --------------------------------------------------------------------------------------------- */

json_t *run_budget_json(const struct run *r)
{
	return r->budget_ns ? json_real((double)r->budget_ns / 1e9) : json_null();
}

void run_choose_folders(struct run *r)
{
	r->run_id = session_run_id();
	r->dir = session_choose_dir(options_get(&r->o, "out"), r->run_id, "");
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
static json_t *describe_run(const struct run *r, const char *word, int argc, char **argv)
{
	json_t *command = r->order && r->order->command ? json_incref(r->order->command)
							: request_command(&r->o, word, argc, argv);
	json_t *run, *plan;
	struct estimate e;

	estimate_plan(r->plan, &e);
	run = session_run_json(r->run_id, r->catalog, r->plan, r->request, command, r->seed, (double)e.total_ns / 1e9,
			       host_json(r));
	json_decref(command);
	plan = json_object_get(run, "plan");
	if (plan) { /* the budget in force; what the plan was sized for stays beside it */
		json_object_set(plan, "sized_for_s", json_object_get(plan, "budget_s"));
		json_object_set_new(plan, "budget_s", run_budget_json(r));
	}
	return run;
}

int run_create_folder(struct run *r, const char *command, int argc, char **argv)
{
	json_t *run = describe_run(r, command, argc, argv);
	int rc;

	if (!run)
		return err_set(&r->err, -EINVAL, "the run cannot be described as JSON: an argument is not valid UTF-8");
	rc = store_create(r->dir, run, &r->store, &r->err);
	json_decref(run);
	return rc;
}

int run_note_finished(struct run *r, bool is_complete)
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

void run_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: pauses end at once */
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		(void)sigaction(signals[i], &action, NULL);
}

void run_start_oracle(struct run *r)
{
	const struct subject *s = catalog_subject(r->catalog, "serial");

	for (size_t i = 0; i < r->catalog->n_subjects && (!s || !s->can_certify); i++)
		s = &r->catalog->subjects[i];
	if (s && s->can_certify)
		r->oracle = oracle_new(s->path, &r->plan->cells[0].placed.harness);
	else
		cli_complain("warning: no subject can certify: the work done is not checked");
}

struct engine_config run_engine(struct run *r, struct progress *progress)
{
	struct engine_config config = {
		.plan = r->plan, .store = r->store, .progress = progress, .is_smoke = run_is_smoke(r)};

	sample_env_defaults(&config.env);
	config.env.seed = r->seed;
	config.is_reversed = jsonx_bool(r->request, "reversed", false);
	return config;
}

int run_find_cachegrind(struct run *r)
{
	const struct cell *cell = r->plan->cells;
	unsigned cpu = 0;

	if (!jsonx_bool(r->request, "simulate_cache", false))
		return 0;
	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &cell->placed.subject))
		cpu++;
	r->cachegrind = xcalloc(1, sizeof *r->cachegrind);
	return cachegrind_new(r->topology, cpu, r->cachegrind, &r->err);
}

/* --hdr: the folder for response times, *out as an absolute path; NULL where none are kept. The caller frees. */
static int make_hdr_dir(struct run *r, char **out)
{
	bool has_server = false;
	char *path;
	int rc;

	*out = NULL;
	if (!jsonx_bool(r->request, "hdr", false))
		return 0;
	for (size_t i = 0; i < r->plan->n_cells; i++)
		has_server = has_server || r->plan->cells[i].workload->scaling == SCALING_SERVER;
	if (!has_server) {
		cli_complain("warning: --hdr keeps nothing: no cell of the run is a server");
		return 0;
	}
	path = xformat("%s/hdr", r->dir);
	rc = session_make_data_dir(path, out, &r->err);
	free(path);
	return rc;
}

/* The run's folder, where the traces are to be, as an absolute path; NULL where there are none. The caller frees. */
static int find_trace_dir(struct run *r, char **out)
{
	unsigned traced = 0;

	*out = NULL;
	for (size_t i = 0; i < r->plan->n_cells; i++)
		traced += r->plan->cells[i].traced;
	if (traced == 0 && !jsonx_bool(r->request, "trace", false))
		return 0;
	if (traced == 0) {
		cli_complain("warning: --trace traces nothing: no cell has a region and a subject that can be traced");
		return 0;
	}
	return session_make_data_dir(r->dir, out, &r->err);
}

int run_execute(struct run *r, int64_t budget_ns, struct engine_result *result)
{
	struct progress progress;
	struct estimate estimate;
	struct engine_config config = run_engine(r, &progress);
	char *hdr_dir, *trace_dir = NULL;
	int rc = make_hdr_dir(r, &hdr_dir);

	if (rc == 0)
		rc = find_trace_dir(r, &trace_dir);
	if (rc) {
		free(hdr_dir);
		return rc;
	}
	estimate_plan(r->plan, &estimate);
	progress_init(&progress, options_has(&r->o, "quiet") ? NULL : stderr, estimate.total_ns);
	config.budget_ns = budget_ns;
	config.env.run_id = r->run_id;
	config.env.data_dir = r->data_dir;
	config.env.loadgen_path = r->places.loadgen;
	config.env.hdr_dir = hdr_dir;
	config.env.trace_dir = trace_dir;
	config.env.oracle = r->oracle;
	config.env.knobs = json_object_get(r->request, "knobs");
	config.env.nearness = topology_nearness(r->topology);
	config.env.cachegrind = r->cachegrind;
	if (run_is_smoke(r))
		config.env.settle_ns = 0;
	rc = engine_run(&config, result, &r->err);
	json_decref(config.env.nearness);
	free(hdr_dir);
	free(trace_dir);
	return rc;
}

void run_clear(struct run *r)
{
	oracle_free(r->oracle);
	if (r->data_dir)
		session_remove_tree(r->data_dir);
	store_close(r->store);
	plan_free(r->plan);
	topology_free(r->topology);
	catalog_free(r->catalog);
	json_decref(r->request);
	free(r->cachegrind);
	free(r->run_id);
	free(r->dir);
	free(r->data_path);
	free(r->data_dir);
	session_free_places(&r->places);
	options_free(&r->o);
}
