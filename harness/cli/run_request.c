#include "harness/cli/run_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/baseline.h"
#include "harness/cli/cli.h"
#include "harness/measure/measure.h"
#include "harness/plan/beside.h"
#include "harness/plan/estimate.h"
#include "harness/plan/event_sets.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/question_file.h"
#include "harness/plan/variant.h"

/* Sized for a free machine: with the quarter of rounds that noise may repeat, a plan may take a quarter longer. */
#define PLAN_BUDGET_GRACE 1.25

#define SUBJECTS_ALL "all" /* of --subjects */

enum { MOST_ROUNDS = 10000 }; /* as in a plan's file; arbitrary */

/* ---- parts of it ----------------------------------------------------------------------------------------- */

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

/* A whole number below 2^64 in decimal. */
static bool parse_u64(const char *text, uint64_t *out)
{
	char *end;
	unsigned long long v;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno)
		return false;
	*out = v;
	return true;
}

static int parse_seed(const struct options *o, uint64_t *seed, struct err *err)
{
	const char *text = options_get(o, "seed");
	struct timespec now;

	if (!text) {
		(void)clock_gettime(CLOCK_REALTIME, &now);
		*seed = order_mix((uint64_t)now.tv_sec, ((uint64_t)now.tv_nsec << 22) ^ (uint64_t)getpid());
		return 0;
	}
	if (text[0] == '0' && text[1] == 'x' ? jsonx_parse_hex(text + 2, seed) : parse_u64(text, seed))
		return 0;
	return err_set(err, -EINVAL,
		       "--seed is '%.60s', it must be a whole number below 2^64, or 0x and up to 16 hexadecimal digits",
		       text);
}

/* The user's folder as an absolute path: --resume may be called from elsewhere. */
static int data_dir_of(const struct options *o, json_t **out, struct err *err)
{
	const char *wanted = options_get(o, "data-dir");
	char *absolute;
	int rc;

	*out = NULL;
	if (!wanted) {
		*out = json_null();
		return 0;
	}
	rc = session_check_data_dir(wanted, err);
	if (rc)
		return rc;
	absolute = realpath(wanted, NULL);
	if (!absolute)
		return err_set(err, -EINVAL, "--data-dir %.300s: %s", wanted, strerror(errno));
	*out = json_string(absolute);
	free(absolute);
	return *out ? 0 : err_set(err, -EINVAL, "--data-dir is not valid UTF-8");
}

/* The folder of another build's subjects, absolute; of a baseline the one that it keeps. */
static int old_of(const struct options *o, json_t **out, struct err *err)
{
	const char *wanted = options_get(o, "old");
	char *found = wanted ? run_find(wanted) : NULL, *kept = wanted ? baseline_subjects(found) : NULL, *absolute;

	*out = json_null();
	if (!wanted)
		return 0;
	absolute = realpath(kept ? kept : found, NULL);
	free(kept);
	free(found);
	if (!absolute)
		return err_set(err, -EINVAL, "--old %.300s: %s", wanted, strerror(errno));
	*out = json_string(absolute);
	free(absolute);
	return *out ? 0 : err_set(err, -EINVAL, "--old is not valid UTF-8");
}

/* ---- knobs ----------------------------------------------------------------------------------------------- */

/* "SUBJECT:NAME=VALUE,...": added to those that the subject has already. */
static int add_knobs(json_t *all, const char *text, const struct catalog *c, struct err *err)
{
	const char *colon = strchr(text, ':'), *at;
	char *id = colon ? xformat("%.*s", (int)(colon - text), text) : NULL, *joined;
	const struct subject *s = id ? catalog_subject(c, id) : NULL;
	int rc = 0;

	if (!colon || !strchr(colon, '='))
		rc = err_set(err, -EINVAL, "--knobs '%.80s' is not of the form SUBJECT:NAME=VALUE", text);
	else if (!s)
		rc = err_set(err, -EINVAL, "--knobs: there is no subject '%.60s'", id);
	for (at = colon; rc == 0 && at; at = strchr(at, ',')) {
		size_t n = strcspn(++at, "=,");

		if (n == 0 || at[n] != '=' || at[n + 1] == '\0' || at[n + 1] == ',')
			rc = err_set(err, -EINVAL, "--knobs '%.80s' is not of the form SUBJECT:NAME=VALUE", text);
		else
			rc = variant_check_knob(s, at, n, err);
	}
	if (rc == 0) {
		joined = variant_join(jsonx_str(all, id), colon + 1);
		json_object_set_new(all, id, json_string(joined));
		free(joined);
	}
	free(id);
	return rc;
}

/* An object: subject id -> what its cells say under "knobs". A variable holds several, with ';' between them. */
static int knobs_of(const struct options *o, const struct catalog *c, json_t **out, struct err *err)
{
	const char *given[OPTIONS_MAX_VALUES];
	size_t n = options_all(o, "knobs", given, OPTIONS_MAX_VALUES);
	int rc = 0;

	*out = json_object();
	for (size_t i = 0; i < n && rc == 0; i++) {
		char *copy = xstrdup(given[i]), *save = NULL, *piece;

		for (piece = strtok_r(copy, ";", &save); piece && rc == 0; piece = strtok_r(NULL, ";", &save))
			rc = add_knobs(*out, piece, c, err);
		free(copy);
	}
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

/* What these questions need, as a plan. */
static int read_questions(const struct options *o, const char *ids, json_t **out, struct err *err)
{
	json_t *all;
	int rc;

	if (options_has(o, "smoke") || options_has(o, "plan"))
		return err_set(err, -EINVAL, "--question has a plan of its own: no --plan, no --smoke");
	rc = questions_load(&all, err);
	if (rc == 0) {
		rc = questions_plan(all, ids, out, err);
		json_decref(all);
	}
	return rc;
}

/* Whether `all` is among the subjects. */
static bool names_all(const char *subjects)
{
	json_t *list = strings_of(subjects), *name;
	bool found = false;
	size_t i;

	json_array_foreach (list, i, name)
		found |= strcmp(json_string_value(name), SUBJECTS_ALL) == 0;
	json_decref(list);
	return found;
}

static int read_plan(const struct options *o, const struct session_places *places, json_t **out, struct err *err)
{
	const char *plan = options_get(o, "plan"), *questions = options_get(o, "question");
	bool of_all = names_all(options_get(o, "subjects"));
	char *path;
	int rc;

	*out = json_null();
	if (questions)
		return read_questions(o, questions, out, err);
	if (options_has(o, "smoke"))
		return plan ? err_set(err, -EINVAL, "--smoke runs every workload and takes no --plan") : 0;
	rc = session_plan_path(places, plan ? plan : of_all ? "references" : "default", &path, err);
	if (rc == 0) {
		rc = plan_read(path, out, err);
		free(path);
	}
	return rc;
}

/* The lists of names, as they were given. */
static json_t *lists_of(const struct options *o)
{
	const char *params[OPTIONS_MAX_VALUES];
	size_t n_params = options_all(o, "param", params, OPTIONS_MAX_VALUES);
	json_t *list = json_array();

	for (size_t i = 0; i < n_params; i++)
		json_array_append_new(list, json_string(params[i]));
	return json_pack("{s:o, s:o, s:o}", "params", list, "placements", strings_of(options_get(o, "placement")),
			 "subjects", strings_of(options_get(o, "subjects")));
}

int request_make(const struct options *o, const struct session_places *places, const struct catalog *c, json_t **out,
		 uint64_t *seed, struct err *err)
{
	json_t *file = NULL, *knobs = NULL, *data_dir = NULL, *old = NULL, *lists = lists_of(o), *events = NULL, *own;
	char *filter = joined_filter(o);
	int64_t rounds;
	bool rigorous = options_has(o, "rigorous");
	int rc = options_int(o, "rounds", 0, 1, MOST_ROUNDS, &rounds, err);

	*out = NULL;
	if (rc == 0 && rigorous && (rounds || options_has(o, "smoke")))
		rc = err_set(err, -EINVAL,
			     "--rigorous decides by itself how many rounds there are: no --rounds, no --smoke");
	if (rc == 0 && options_has(o, "hdr") && options_has(o, "smoke"))
		rc = err_set(err, -EINVAL, "--hdr keeps times, and a --smoke run has none");
	if (rc == 0)
		rc = parse_seed(o, seed, err);
	if (rc == 0)
		rc = read_plan(o, places, &file, err);
	if (rc == 0 && options_has(o, "simulate-cache") && options_has(o, "smoke"))
		rc = err_set(err, -EINVAL,
			     "--simulate-cache simulates what is measured, and a --smoke run measures nothing");
	if (rc == 0 && options_has(o, "trace") && options_has(o, "smoke"))
		rc = err_set(err, -EINVAL, "--trace traces what is measured, and a --smoke run measures nothing");
	if (rc == 0) /* names are checked now, not in the first counted sample: a run may be minutes old by then */
		rc = event_sets_parse(options_get(o, "events"), &events, err);
	if (rc == 0)
		rc = knobs_of(o, c, &knobs, err);
	if (rc == 0)
		rc = data_dir_of(o, &data_dir, err);
	if (rc == 0)
		rc = old_of(o, &old, err);
	if (rc == 0) {
		own = json_pack("{s:O, s:s, s:I, s:b, s:b, s:O, s:O, s:O}", "plan", file, "filter", filter, "rounds",
				(json_int_t)rounds, "smoke", options_has(o, "smoke"), "rigorous", rigorous, "knobs",
				knobs, "data_dir", data_dir, "old", old);
		if (own && lists && json_object_update(lists, own) == 0)
			*out = json_incref(lists);
		else
			rc = err_set(err, -EINVAL, "an option is not valid UTF-8");
		json_decref(own);
	}
	if (rc == 0) {
		json_object_set(*out, "events", events);
		json_object_set_new(*out, "hdr", json_boolean(options_has(o, "hdr")));
		json_object_set_new(*out, "simulate_cache", json_boolean(options_has(o, "simulate-cache")));
		json_object_set_new(*out, "trace", json_boolean(options_has(o, "trace")));
	}
	json_decref(file);
	json_decref(knobs);
	json_decref(data_dir);
	json_decref(old);
	json_decref(events);
	json_decref(lists);
	free(filter);
	return rc;
}

size_t request_strings(const json_t *request, const char *key, const char **out, size_t max)
{
	size_t n = 0, i;
	const json_t *v;

	json_array_foreach (json_object_get(request, key), i, v)
		if (json_is_string(v) && n < max)
			out[n++] = json_string_value(v);
	return n;
}

/* The names, with every built subject in place of `all`: variants and other builds take part where they are named. */
static size_t request_subjects(const json_t *request, const struct catalog *c, const char **out, size_t max)
{
	const char *named[64];
	size_t n_named = request_strings(request, "subjects", named, 64), n = 0;

	for (size_t i = 0; i < n_named; i++) {
		if (strcmp(named[i], SUBJECTS_ALL) != 0 && n < max)
			out[n++] = named[i];
		for (size_t k = 0; strcmp(named[i], SUBJECTS_ALL) == 0 && k < c->n_subjects && n < max; k++)
			if (!c->subjects[k].knobs && !beside_is_old(c->subjects[k].id))
				out[n++] = c->subjects[k].id;
	}
	return n;
}

int request_plan(const json_t *request, struct catalog *c, const struct topology *t, struct plan **out, struct err *err)
{
	const char *params[64], *placements[8], *subjects[64], *filter = jsonx_str(request, "filter");
	const char *cells[REQUEST_MAX_CELLS], *old = jsonx_str(request, "old");
	size_t n_cells = request_strings(request, "cells", cells, REQUEST_MAX_CELLS);
	size_t n_placements = request_strings(request, "placements", placements, 8);
	enum placement parsed[8];
	struct plan_options o = {
		.filter = filter && *filter ? filter : NULL,
		.params = params,
		.n_params = request_strings(request, "params", params, 64),
		.placements = parsed,
		.n_placements = n_placements,
		.subjects = subjects,
		.n_subjects = request_subjects(request, c, subjects, 64),
		.rounds = (unsigned)jsonx_int(request, "rounds", 0),
		.is_rigorous = jsonx_bool(request, "rigorous", false),
		.event_sets = json_object_get(request, "events"),
		.with_simulated = jsonx_bool(request, "simulate_cache", false),
		.with_traced = jsonx_bool(request, "trace", false),
		.smoke = jsonx_bool(request, "smoke", false),
	};

	int64_t rounds = jsonx_int(request, "rounds", 0);
	int rc;

	if (rounds < 0 || rounds > MOST_ROUNDS)
		return err_set(err, -EINVAL, "the request asks for %lld rounds, at most %d can be", (long long)rounds,
			       MOST_ROUNDS);
	for (size_t i = 0; i < n_placements; i++)
		if (!placement_parse(placements[i], &parsed[i]))
			return err_set(err, -EINVAL, "--placement '%.40s' is none of same, smt, cache, cross, free",
				       placements[i]);
	rc = old ? beside_add(c, old, err) : 0;
	if (rc == 0)
		rc = plan_build(json_object_get(request, "plan"), c, t, &o, out, err);
	if (rc == 0 && n_cells) {
		rc = plan_keep(*out, cells, n_cells, err);
		if (rc)
			plan_free(*out);
	}
	return rc;
}

int request_budget(const struct options *o, const json_t *request, const struct plan *p, int64_t *out, struct err *err)
{
	const char *text = options_get(o, "budget");
	int64_t sized_ns = p->budget_ns;
	struct estimate e;

	*out = 0;
	if (text && !options_duration(text, out))
		return err_set(err, -EINVAL, "--budget is '%.60s', it must be a time such as 90s, 5m or 1h30m", text);
	if (text || jsonx_bool(request, "smoke", false))
		return 0;
	estimate_plan(p, &e);
	if ((jsonx_int(request, "rounds", 0) || p->is_rigorous || jsonx_bool(request, "simulate_cache", false) ||
	     jsonx_bool(request, "trace", false) || json_array_size(json_object_get(request, "events"))) &&
	    e.total_ns > sized_ns)
		sized_ns = e.total_ns;
	*out = (int64_t)((double)sized_ns * PLAN_BUDGET_GRACE);
	return 0;
}

json_t *cli_words(const char *command, int argc, char **argv)
{
	json_t *words = json_pack("[s, s]", "switchyard", command);

	for (int i = 0; i < argc; i++)
		json_array_append_new(words, json_string(argv[i]));
	return words;
}

json_t *request_command(const struct options *o, const char *word, int argc, char **argv)
{
	json_t *list = cli_words(word, argc, argv);

	options_append_environment(o, list);
	return list;
}

int request_check_resume(const struct options *o, struct err *err)
{
	static const char *const fixed[] = {"filter",    "plan",  "question", "rounds",   "seed",           "out",
					    "placement", "smoke", "hdr",      "rigorous", "subjects",       "events",
					    "param",     "knobs", "data-dir", "old",      "simulate-cache", "trace"};

	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (options_typed(o, fixed[i]))
			return err_set(err, -EINVAL,
				       "--resume goes on with what the run was started with; --%s cannot be changed",
				       fixed[i]);
	return 0;
}
