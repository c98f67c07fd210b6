/*
 * engine_run.h - for tests: a plan of fakes, run by the engine into a folder of its own, and what its store holds then.
 */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/cachegrind.h"
#include "harness/plan/engine.h"
#include "harness/plan/jsonx.h"
#include "tests/harness/fakes.h"

struct fixture {
	char folder[256], dir[300];
	struct catalog *catalog;
	struct topology *topology;
	struct plan *plan;
	double noise_limit;
	int64_t budget_ns;
	const struct cachegrind *cachegrind;
	FILE *terminal; /* where the progress line goes; NULL: nowhere */
};

static inline void make_with(struct fixture *f, const char *const *ways, const char *cells,
			     const struct plan_options *options)
{
	char *text = xformat("{\"schema\":\"switchyard.plan/1\",\"region_ms\":10,\"cells\":[%s]}", cells);
	json_t *file = json_loads(text, 0, NULL);
	struct err err = {{0}};

	memset(f, 0, sizeof *f);
	f->noise_limit = 1e9; /* what else runs on this machine is not what is tested */
	fakes_folder(f->folder, sizeof f->folder);
	snprintf(f->dir, sizeof f->dir, "%s/run", f->folder);
	for (; *ways; ways++)
		fakes_add(f->folder, *ways);
	if (catalog_load(f->folder, &f->catalog, &err) != 0 || topology_load(&f->topology, &err) != 0 ||
	    plan_build(file, f->catalog, f->topology, options, &f->plan, &err) != 0)
		fail_msg("%s", ERR_TEXT(err));
	json_decref(file);
	free(text);
}

static inline void make(struct fixture *f, const char *const *ways, const char *cells)
{
	static const struct plan_options none;

	make_with(f, ways, cells, &none);
}

static inline void drop(struct fixture *f)
{
	plan_free(f->plan);
	topology_free(f->topology);
	catalog_free(f->catalog);
	session_remove_tree(f->folder);
}

/* Start or go on with the run in f->dir; 0 when it came to its end. */
static inline int run(const struct fixture *f, struct engine_result *result)
{
	struct progress progress;
	struct engine_config config = {.plan = f->plan, .progress = &progress, .budget_ns = f->budget_ns};
	json_t *about = json_pack("{s:s}", "schema", "switchyard.run/1");
	struct err err = {{0}};
	int rc = store_create(f->dir, about, &config.store, &err);

	json_decref(about);
	if (rc == -EEXIST)
		rc = store_resume(f->dir, &config.store, &err);
	if (rc)
		return rc;
	progress_init(&progress, f->terminal, 1);
	progress.is_tty = f->terminal != NULL;
	sample_env_defaults(&config.env);
	config.env.run_id = "test";
	config.env.data_dir = f->folder;
	config.env.seed = 7;
	config.env.settle_ns = 0;
	config.env.noise_limit = f->noise_limit;
	config.env.cachegrind = f->cachegrind;
	rc = engine_run(&config, result, &err);
	store_close(config.store);
	return rc;
}

static inline json_t *samples_of(const struct fixture *f)
{
	json_t *about, *samples, *warnings;

	assert_int_equal(store_load(f->dir, &about, &samples, &warnings, NULL), 0);
	assert_int_equal(json_array_size(warnings), 0);
	json_decref(about);
	json_decref(warnings);
	return samples;
}

static inline bool is(const json_t *sample, const char *key, const char *value)
{
	const char *v = jsonx_str(sample, key);

	return v && strcmp(v, value) == 0;
}

/* Samples of a subject and kind that stand (are not requeued); round < 0: of any. */
static inline unsigned count(const json_t *samples, const char *subject, bool is_twin, const char *kind, int round)
{
	unsigned n = 0;
	const json_t *s;
	size_t i;

	json_array_foreach (samples, i, s)
		n += is(s, "subject", subject) && jsonx_bool(s, "is_twin", false) == is_twin && is(s, "kind", kind) &&
		     (round < 0 || jsonx_int(s, "round", -1) == round) && !is(s, "status", "requeued");
	return n;
}

static inline void assert_keys_unique(const json_t *samples)
{
	json_t *keys = json_object();
	const json_t *s;
	size_t i;

	json_array_foreach (samples, i, s) {
		assert_null(json_object_get(keys, jsonx_str(s, "key")));
		json_object_set_new(keys, jsonx_str(s, "key"), json_true());
		assert_int_equal(jsonx_int(s, "seq", -1), i);
	}
	json_decref(keys);
}

static inline void assert_rounds(const json_t *samples, const char *subject, bool is_twin, unsigned rounds)
{
	for (unsigned r = 0; r < rounds; r++)
		if (count(samples, subject, is_twin, "timed", (int)r) != 1)
			fail_msg("%s%s has %u samples in round %u", subject, is_twin ? "'" : "",
				 count(samples, subject, is_twin, "timed", (int)r), r);
}

static const char *const two[] = {"aa", "bb", NULL};
#define SMALL                                                                                                          \
	"{\"workload\":\"fake/work\",\"rounds\":4,\"counted\":1,\"twin\":true,\"base\":\"aa\","                        \
	"\"params\":{\"size\":[1,2]}},{\"workload\":\"fake/once\",\"rounds\":2}"

#endif
