/* plans.c - targets: what a run is planned from. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/options.h"
#include "harness/cli/run_request.h"
#include "harness/plan/engine.h"
#include "harness/plan/estimate.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/power.h"
#include "harness/plan/references.h"
#include "harness/plan/session.h"

/* ---- the scene --------------------------------------------------------------------------------------------- */

static const struct topology *machine(void)
{
	static struct topology *t;
	struct err e;

	if (!t && topology_synthetic("pack:2 l3:1 core:2 pu:2", &t, &e) != 0)
		fuzz_fault("%s", e.why);
	return t;
}

/* Two subjects of the corpus, and a third one that describes itself as the input says; NULL: it is left out. */
static struct catalog *make_catalog(json_t *third)
{
	json_t *describes[] = {fuzz_seed_json("describe/aa.json"), fuzz_seed_json("describe/bb.json"), third};
	struct catalog *c;
	struct err e = {{0}};

	if (catalog_described(describes, third ? 3 : 2, &c, &e) != 0)
		fuzz_fault("no catalog: %s", e.why);
	return c;
}

/* What `run` shows and writes of a plan. */
static void show_plan(const struct plan *p)
{
	struct estimate e;
	json_t *json;

	estimate_plan(p, &e);
	power_say_shortage(p, fuzz_sink());
	json = plan_json(p, "", (double)e.total_ns / 1e9);
	if (!json || json_array_size(json_object_get(json, "cells")) != p->n_cells)
		fuzz_fault("a plan of %zu cells cannot be written", p->n_cells);
	for (size_t i = 0; i < p->n_cells; i++)
		if (!json_is_object(json_array_get(json_object_get(json, "cells"), i)))
			fuzz_fault("cell %s cannot be written", p->cells[i].id);
	json_decref(json);
}

static void build_plan(const json_t *file, struct catalog *c, const struct plan_options *o)
{
	struct plan *p = NULL;
	struct err e = {{0}};
	int rc = plan_build(file, c, machine(), o, &p, &e);

	fuzz_check(rc, &e);
	if (rc == 0)
		show_plan(p);
	plan_free(p);
}

void fuzz_show_plan_of(const json_t *file)
{
	struct catalog *c = make_catalog(NULL);

	build_plan(file, c, &(struct plan_options){.filter = NULL});
	catalog_free(c);
}

/* ---- targets ----------------------------------------------------------------------------------------------- */

int fuzz_references(const uint8_t *data, size_t size)
{
	struct catalog *c = make_catalog(NULL);
	json_t *out = json_array(), *one;
	char *text = xformat("%.*s", (int)size, (const char *)data);
	const char *why = references_add(text, c, out);
	size_t i;

	if (why && json_array_size(out))
		fuzz_fault("a file that is refused is believed in part");
	json_array_foreach (out, i, one)
		if (!jsonx_str(one, "id") || !jsonx_str(one, "packages") || catalog_subject(c, jsonx_str(one, "id")))
			fuzz_fault("a reference without name or packages, or one that is there");
	free(text);
	json_decref(out);
	catalog_free(c);
	return 0;
}

int fuzz_describe(const uint8_t *data, size_t size)
{
	static const char *const params[] = {"size=1,7"};
	json_t *d = json_loadb((const char *)data, size, 0, NULL);
	struct catalog *c;
	struct err e = {{0}};

	if (!d)
		return 0;
	fuzz_check(catalog_check_describe(d, &e), &e);
	c = make_catalog(d);
	build_plan(NULL, c, &(struct plan_options){.smoke = true});
	build_plan(fuzz_seed_json("../plans/default.json"), c,
		   &(struct plan_options){.filter = "family:/./", .params = params, .n_params = 1, .rounds = 5});
	for (size_t i = 0; i < c->n_workloads; i++) {
		const struct workload_def *w = &c->workloads[i];
		json_t *defaults = workload_defaults(w, false);

		for (uint64_t ops = 0; ops < 3; ops++)
			if (workload_round_ops(w, defaults, ops * UINT64_C(1000000000)) == 0)
				fuzz_fault("no operations are left of some");
		json_decref(defaults);
	}
	catalog_free(c);
	json_decref(d);
	return 0;
}

int fuzz_plan(const uint8_t *data, size_t size)
{
	struct catalog *c = make_catalog(NULL);
	struct err e = {{0}};
	char *path = fuzz_path("plan.json");
	json_t *file;
	int rc;

	fuzz_put("plan.json", data, size);
	rc = plan_read(path, &file, &e);
	fuzz_check(rc, &e);
	if (rc == 0) {
		build_plan(file, c, &(struct plan_options){.filter = NULL});
		build_plan(file, c, &(struct plan_options){.is_rigorous = true, .with_simulated = true});
	}
	json_decref(file);
	free(path);
	catalog_free(c);
	return 0;
}

int fuzz_filter(const uint8_t *data, size_t size)
{
	static const struct filter_key keys[] = {{"size", true}, {"mode", false}};
	char *text = fuzz_text(data, size);
	json_t *params = json_pack("{s:i, s:s}", "size", 4, "mode", "warm");
	const struct filter_item items[] = {
		{.workload = "switch/ring",
		 .subject = "gmp+steal=0",
		 .placement = "same",
		 .kind = "timed",
		 .group = "ring",
		 .workers = 2,
		 .params = params},
		{.workload = "cpu/fib", .group = "fib"},
		{0},
	};
	struct filter *f = NULL;
	struct err e = {{0}};
	int rc = filter_parse(text, keys, 2, &f, &e);

	fuzz_check(rc, &e);
	if (rc == 0) {
		for (size_t i = 0; i < sizeof items / sizeof *items; i++)
			if (filter_match(f, &items[i]) && !filter_may_match(f, &items[i]))
				fuzz_fault("what matches may not: %s", text);
		(void)filter_names_workloads(f);
	}
	filter_free(f);
	json_decref(params);
	free(text);
	return 0;
}

/* ---- a command line ---------------------------------------------------------------------------------------- */

/* One of each kind. */
static const struct option_spec specs[] = {
	{.name = "filter", .letter = 'f', .value = "FILTER", .is_repeatable = true},
	{.name = "rounds", .value = "N"},
	{.name = "rigorous"},
	{.name = "seed", .value = "S"},
	{.name = "budget", .value = "TIME"},
	{.name = "placement", .value = "LIST"},
	{.name = "data-dir", .value = "DIR"},
	{.name = "smoke"},
	{.name = "subjects", .value = "LIST", .env = "SWITCHYARD_ONLY_SUBJECTS"},
	{.name = "events", .value = "LIST"},
	{.name = "hdr"},
	{.name = "param", .letter = 'p', .value = "NAME=V[,V]", .is_repeatable = true},
	{.name = "knobs", .value = "SUBJECT:NAME=V", .is_repeatable = true},
	{.name = "old", .value = "DIR"},
	{.name = "margin", .value = "SHARE"},
};
enum { N_SPECS = sizeof specs / sizeof *specs, MAX_WORDS = 100 };

/* Each line a word; one that begins with a variable's name, that variable. */
static int split_words(char *text, char **words)
{
	char *save = NULL, *equals;
	int n = 0;

	for (char *line = strtok_r(text, "\n", &save); line && n < MAX_WORDS; line = strtok_r(NULL, "\n", &save)) {
		equals = strchr(line, '=');
		if (strncmp(line, "SWITCHYARD_", 11) != 0 || !equals) {
			words[n++] = line;
			continue;
		}
		*equals = '\0';
		setenv(line, equals + 1, 1);
	}
	return n;
}

static void forget_variables(void)
{
	extern char **environ;

	for (size_t i = 0; environ[i];) {
		const char *equals = strchr(environ[i], '=');
		char *name = strncmp(environ[i], "SWITCHYARD_", 11) == 0 && equals
				     ? xformat("%.*s", (int)(equals - environ[i]), environ[i])
				     : NULL;

		if (!name)
			i++;
		else
			unsetenv(name);
		free(name);
	}
}

/* The request that the options make, and its plan. */
static void make_request(const struct options *o, struct catalog *c)
{
	struct session_places places = {.exe_dir = (char *)FUZZ_CORPUS "/.."};
	json_t *request = NULL;
	struct plan *p = NULL;
	struct err e = {{0}};
	uint64_t seed;
	int64_t budget_ns;
	int rc = request_make(o, &places, c, &request, &seed, &e);

	fuzz_check(rc, &e);
	if (rc == 0) {
		if (!json_is_object(request))
			fuzz_fault("a request that is none");
		rc = request_plan(request, c, machine(), &p, &e);
		fuzz_check(rc, &e);
	}
	if (rc == 0) {
		show_plan(p);
		rc = request_budget(o, request, p, &budget_ns, &e);
		fuzz_check(rc, &e);
		if (rc == 0 && budget_ns < 0)
			fuzz_fault("a budget of %lld ns", (long long)budget_ns);
		plan_free(p);
	}
	json_decref(request);
}

int fuzz_options(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *words[MAX_WORDS];
	struct catalog *c = make_catalog(NULL);
	struct options o;
	struct err e = {{0}};
	json_t *list = json_array();
	double share;
	int n = split_words(text, words), rc = options_parse(specs, N_SPECS, n, words, &o, &e);

	fuzz_check(rc, &e);
	if (rc == 0) {
		options_append_environment(&o, list);
		fuzz_check(options_share(&o, "margin", 0.05, &share, &e), &e);
		make_request(&o, c);
		options_free(&o);
	}
	forget_variables();
	json_decref(list);
	catalog_free(c);
	free(text);
	return 0;
}

/* ---- a run that is gone on with ------------------------------------------------------------------------------ */

/* What is not in the store, by the plan of its request. */
static void replay(struct store *s, struct catalog *c)
{
	const json_t *run = store_run(s), *request = json_object_get(run, "request");
	struct engine_config config = {.store = s};
	struct engine_result result;
	struct progress progress;
	struct plan *p = NULL;
	struct err e = {{0}};
	int rc = request_plan(request, c, machine(), &p, &e);

	fuzz_check(rc, &e);
	if (rc)
		return;
	fuzz_check(session_check_same(run, c, p, &e), &e);
	progress_init(&progress, NULL, 0);
	sample_env_defaults(&config.env);
	config.plan = p;
	config.progress = &progress;
	config.is_smoke = jsonx_bool(request, "smoke", false);
	config.is_reversed = jsonx_bool(request, "reversed", false);
	config.missing = json_object();
	config.env.seed = 0;
	(void)jsonx_parse_hex(jsonx_str(run, "seed"), &config.env.seed);
	rc = engine_run(&config, &result, &e);
	if (rc)
		fuzz_fault("looking for what is missing fails: %s", e.why);
	json_decref(config.missing);
	plan_free(p);
}

void fuzz_look_for_missing(void)
{
	struct catalog *c = make_catalog(NULL);
	struct store *s = NULL;
	struct err e = {{0}};
	int rc = store_peek(fuzz_dir(), &s, &e);

	fuzz_check(rc, &e);
	if (rc == 0) {
		if (!json_is_array(store_warnings(s)))
			fuzz_fault("no warnings");
		replay(s, c);
	}
	store_close(s);
	catalog_free(c);
}
