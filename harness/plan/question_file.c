/*
 * question_file.c - question files found, read, expanded and put into plans (contract: question_file.h). What can be wrong
 * with one is in question_check.c.
 */
#include "harness/plan/question_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/question_internal.h"

/* ---- expressions ----------------------------------------------------------------------------------------- */

static const char *const quantity_names[] = {
	[ASK_VALUE] = "value",
	[ASK_WALL] = "wall",
	[ASK_CPU] = "cpu",
	[ASK_SWITCHES] = "switches",
	[ASK_OWN_SWITCHES] = "own_switches",
	[ASK_THREADS] = "threads",
	[ASK_BUSY] = "busy",
	[ASK_RATE] = "rate",
	[ASK_LITTLE] = "little",
	[ASK_P50] = "p50",
	[ASK_P99] = "p99",
	[ASK_RSS] = "rss",
	[ASK_PAGETABLE] = "pagetable",
	[ASK_KSTACK] = "kstack",
	[ASK_SLAB] = "slab",
	[ASK_FIGURE] = "figure",
	[ASK_RUNTIME] = "runtime",
	[ASK_GAUGE] = "gauge",
	[ASK_COUNTER] = "counter",
	[ASK_SIMULATED] = "simulated",
};

enum question_quantity question_quantity(const char *text, const char **name)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	*name = colon ? colon + 1 : NULL;
	for (int q = 0; q < ASK_NONE; q++)
		if (strlen(quantity_names[q]) == n && strncmp(text, quantity_names[q], n) == 0)
			/* A name is what these have, and nothing else. */
			return (q >= ASK_FIGURE) == (colon && colon[1]) ? q : ASK_NONE;
	return ASK_NONE;
}

enum question_op question_op(const json_t *expr, const json_t **args)
{
	static const struct {
		const char *key;
		enum question_op op;
	} table[] = {{"ratio", ASK_RATIO}, {"difference", ASK_DIFFERENCE}, {"sum", ASK_SUM}, {"product", ASK_PRODUCT},
		     {"most", ASK_MOST},   {"crosses", ASK_CROSSES}};

	*args = NULL;
	if (json_is_number(expr))
		return ASK_NUMBER;
	if (json_object_get(expr, "falls_below"))
		return ASK_FALLS_BELOW;
	if (json_object_get(expr, "fit"))
		return ASK_FIT;
	if (json_object_get(expr, "param"))
		return ASK_PARAM;
	if (json_object_get(expr, "subject"))
		return ASK_LEAF;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		*args = json_object_get(expr, table[i].key);
		if (*args)
			return table[i].op;
	}
	return ASK_NO_OP;
}

enum question_fit question_fit(const char *name)
{
	static const char *const names[FIT_NONE] = {"slope", "usl_contention", "usl_coherency", "usl_peak"};
	int fit = 0;

	while (fit < FIT_NONE && strcmp(names[fit], name) != 0)
		fit++;
	return (enum question_fit)fit;
}

json_t *question_with(const json_t *expr, const char *param, const json_t *value)
{
	json_t *copy = json_deep_copy(expr), *part;
	const json_t *args;
	size_t i;

	switch (question_op(copy, &args)) {
	case ASK_LEAF:
		json_object_set(json_object_get(copy, "params"), param, (json_t *)value);
		break;
	case ASK_RATIO:
	case ASK_DIFFERENCE:
	case ASK_SUM:
	case ASK_PRODUCT:
	case ASK_MOST:
		json_array_foreach (args, i, part)
			json_array_set_new((json_t *)args, i, question_with(part, param, value));
		break;
	case ASK_PARAM:
		if (strcmp(jsonx_str(copy, "param"), param) != 0)
			break;
		json_decref(copy);
		return json_incref((json_t *)value);
	default:
		break;
	}
	return copy;
}

/* The leaves of something along a parameter, at all of its values. */
static void leaves_along(const json_t *expr, const json_t *of, void (*f)(const json_t *leaf, void *arg), void *arg)
{
	const json_t *value;
	size_t i;

	json_array_foreach (json_object_get(expr, "values"), i, value) {
		json_t *at = question_with(of, jsonx_str(expr, "along"), value);

		question_leaves(at, f, arg);
		json_decref(at);
	}
}

void question_leaves(const json_t *expr, void (*f)(const json_t *leaf, void *arg), void *arg)
{
	const json_t *args, *part;
	size_t i;

	switch (question_op(expr, &args)) {
	case ASK_LEAF:
		f(expr, arg);
		break;
	case ASK_FALLS_BELOW:
	case ASK_FIT:
		leaves_along(expr, json_object_get(expr, "of"), f, arg);
		break;
	case ASK_CROSSES:
		json_array_foreach (args, i, part)
			leaves_along(expr, part, f, arg);
		break;
	case ASK_RATIO:
	case ASK_DIFFERENCE:
	case ASK_SUM:
	case ASK_PRODUCT:
	case ASK_MOST:
		json_array_foreach (args, i, part)
			question_leaves(part, f, arg);
		break;
	default:
		break;
	}
}

/* ---- expanding ------------------------------------------------------------------------------------------- */

static int expand_leaf(const json_t *question, json_t *leaf, const char *where, struct err *err)
{
	const char *at = jsonx_str(leaf, "at");
	json_t *place = at ? json_object_get(json_object_get(question, "places"), at) : NULL;

	if (!place)
		return err_set(err, -EINVAL, "%s: there is no place '%.40s'", where, at ? at : "(no at)");
	json_object_del(leaf, "at");
	json_object_update_missing(leaf, place);
	json_object_set_new(leaf, "params", json_deep_copy(json_object_get(place, "params")));
	if (!json_object_get(leaf, "params"))
		json_object_set_new(leaf, "params", json_object());
	if (!json_object_get(leaf, "placement"))
		json_object_set_new(leaf, "placement", json_string("same"));
	if (!json_object_get(leaf, "quantity"))
		json_object_set_new(leaf, "quantity", json_string("value"));
	return 0;
}

/* The expression with names and places replaced, in *out (new reference). Names mean values that stand above. */
static int expand(const json_t *question, const json_t *done, const json_t *expr, const char *where, json_t **out,
		  struct err *err)
{
	const json_t *args;
	json_t *part, *grown;
	size_t i;
	int rc = 0;

	*out = NULL;
	if (json_is_string(expr)) {
		const json_t *value = json_object_get(done, json_string_value(expr));

		if (!value)
			return err_set(err, -EINVAL, "%s: '%.40s' is no value defined above it", where,
				       json_string_value(expr));
		*out = json_deep_copy(json_object_get(value, "of"));
		return 0;
	}
	*out = json_deep_copy(expr);
	switch (question_op(*out, &args)) {
	case ASK_LEAF:
		rc = expand_leaf(question, *out, where, err);
		break;
	case ASK_FALLS_BELOW:
	case ASK_FIT:
		rc = expand(question, done, json_object_get(expr, "of"), where, &grown, err);
		json_object_set_new(*out, "of", grown ? grown : json_null());
		break;
	case ASK_RATIO:
	case ASK_DIFFERENCE:
	case ASK_SUM:
	case ASK_PRODUCT:
	case ASK_MOST:
	case ASK_CROSSES:
		json_array_foreach (args, i, part) {
			if (!rc)
				rc = expand(question, done, part, where, &grown, err);
			if (!rc)
				json_array_set_new((json_t *)args, i, grown);
		}
		break;
	case ASK_NUMBER:
	case ASK_PARAM:
	case ASK_NO_OP:
		break;
	}
	if (rc) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

static int expand_values(json_t *question, const char *name, struct err *err)
{
	json_t *done = json_object(), *value, *of;
	const char *key;
	char where[200];
	int rc = 0;

	json_object_foreach (json_object_get(question, "values"), key, value) {
		snprintf(where, sizeof where, "%s: value %.60s", name, key);
		rc = expand(question, done, json_object_get(value, "of"), where, &of, err);
		if (rc)
			break;
		value = json_copy(value);
		json_object_set_new(value, "of", of);
		json_object_set_new(done, key, value);
	}
	if (rc == 0)
		json_object_set(question, "values", done);
	json_decref(done);
	return rc;
}

int question_prepare(json_t *question, const char *name, struct err *err)
{
	int rc = question_check_shape(question, name, err);

	if (rc == 0)
		rc = expand_values(question, name, err);
	return rc ? rc : question_check_sense(question, name, err);
}

/* ---- the folder ------------------------------------------------------------------------------------------ */

static bool is_folder(const char *path)
{
	DIR *d = opendir(path);

	if (d)
		closedir(d);
	return d != NULL;
}

static char *find_folder(void)
{
	const char *named = getenv("SWITCHYARD_QUESTION_DIR");
	char exe[4096], *slash, *path;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	if (named && *named)
		return xstrdup(named);
	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	path = xformat("%s/questions", exe);
	if (is_folder(path))
		return path;
	free(path);
#ifdef SWITCHYARD_SOURCE_DIR
	return xformat("%s/harness/questions", SWITCHYARD_SOURCE_DIR);
#else
	return xformat("%s/../../harness/questions", exe);
#endif
}

static int read_question(const char *folder, const char *name, json_t *all, struct err *err)
{
	char *path = xformat("%s/%s", folder, name);
	json_error_t je;
	json_t *q = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
	int rc;

	free(path);
	if (!q)
		return err_set(err, -EINVAL, "%s is not JSON: line %d: %s", name, je.line, je.text);
	rc = question_prepare(q, name, err);
	if (rc == 0 && questions_find(all, jsonx_str(q, "id")))
		rc = err_set(err, -EINVAL, "%s: there is another question %s", name, jsonx_str(q, "id"));
	if (rc == 0)
		json_array_append(all, q);
	json_decref(q);
	return rc;
}

bool question_id_is(const char *name)
{
	return (name[0] == 'Q' || name[0] == 'S') && isdigit((unsigned char)name[1]) && isdigit((unsigned char)name[2]);
}

static int is_json(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && question_id_is(e->d_name) && strcmp(e->d_name + n - 5, ".json") == 0;
}

int questions_load(json_t **out, struct err *err)
{
	char *folder = find_folder();
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_json, alphasort), rc = 0;

	*out = NULL;
	if (n < 0) {
		rc = err_set(err, -ENOENT, "there are no question files in %.200s", folder);
	} else {
		*out = json_array();
		for (int i = 0; i < n; i++) {
			if (rc == 0)
				rc = read_question(folder, names[i]->d_name, *out, err);
			free(names[i]);
		}
		free(names);
	}
	if (rc) {
		json_decref(*out);
		*out = NULL;
	}
	free(folder);
	return rc;
}

const json_t *questions_find(const json_t *all, const char *id)
{
	const json_t *q;
	size_t i;

	json_array_foreach (all, i, q)
		if (strcasecmp(jsonx_str(q, "id"), id) == 0 || strcmp(jsonx_str(q, "slug"), id) == 0)
			return q;
	return NULL;
}

/* ---- a plan of questions --------------------------------------------------------------------------------- */

static char *known_ids(const json_t *all)
{
	char *text = xstrdup("");
	const json_t *q;
	size_t i;

	json_array_foreach (all, i, q) {
		char *longer = xformat("%s%s%s", text, i ? ", " : "", jsonx_str(q, "id"));

		free(text);
		text = longer;
	}
	return text;
}

/* One question's groups, named after it, into the plan. */
static void add_question(json_t *plan, const json_t *q)
{
	json_t *group, *copy;
	int64_t claims = (int64_t)json_array_size(json_object_get(q, "claims"));
	size_t i;

	json_array_foreach (json_object_get(q, "cells"), i, group) {
		copy = json_deep_copy(group);
		json_object_set_new(copy, "group",
				    json_sprintf("%s-%s", jsonx_str(q, "id"),
						 jsonx_str(group, "group") ? jsonx_str(group, "group") : "cells"));
		if (!json_object_get(copy, "region_ms") && json_object_get(q, "region_ms"))
			json_object_set(copy, "region_ms", json_object_get(q, "region_ms"));
		json_array_append_new(json_object_get(plan, "cells"), copy);
	}
	json_object_set_new(plan, "budget_s",
			    json_integer(jsonx_int(plan, "budget_s", 0) + jsonx_int(q, "budget_s", 60)));
	if (claims > jsonx_int(plan, "claims", 0))
		json_object_set_new(plan, "claims", json_integer(claims));
}

int questions_plan(const json_t *all, const char *ids, json_t **out, struct err *err)
{
	char *copy = xstrdup(ids), *save = NULL, *name;
	json_t *plan = json_pack("{s:s, s:s, s:i, s:[]}", "schema", "switchyard.plan/1", "name", ids, "rounds",
				 QUESTION_ROUNDS, "cells"),
	       *taken = json_array();
	const json_t *q;
	int rc = 0;

	*out = NULL;
	for (name = strtok_r(copy, ",", &save); name && !rc; name = strtok_r(NULL, ",", &save)) {
		q = questions_find(all, name);
		if (!q) {
			char *known = known_ids(all);

			rc = err_set(err, -EINVAL, "there is no question '%.40s'; known are %s", name, known);
			free(known);
		} else if (!questions_find(taken, jsonx_str(q, "id"))) {
			json_array_append(taken, (json_t *)q);
			add_question(plan, q);
		}
	}
	if (rc == 0 && json_array_size(taken) == 0)
		rc = err_set(err, -EINVAL, "--question names no question");
	if (rc == 0)
		*out = json_incref(plan);
	json_decref(taken);
	json_decref(plan);
	free(copy);
	return rc;
}

const char *question_text(const json_t *object, const char *lang)
{
	const char *text = jsonx_str(object, lang);

	return text ? text : "";
}
