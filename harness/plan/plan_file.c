/*
 * plan_file.c - a plan's file and its groups: read, checked, and expanded into cells.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/beside.h"
#include "harness/plan/event_sets.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/plan_internal.h"
#include "harness/plan/simulate.h"
#include "harness/plan/traced.h"
#include "harness/plan/variant.h"
#include "harness/stats/looks.h"

/* The model that the project is about is the base of comparisons in cells that no plan describes. */
#define DEFAULT_BASE "gmp"

/* ---- reading the file ------------------------------------------------------------------------------------ */

static const char *const plan_keys[] = {"schema",    "name",   "comment", "rounds", "budget_s",
					"region_ms", "claims", "cells",   NULL};
static const char *const group_keys[] = {"group",  "workload",  "subjects",  "base",    "twin",
					 "params", "placement", "workers",   "counted", "traced",
					 "rounds", "comment",   "region_ms", "events",  NULL};

static int check_keys(const json_t *object, const char *const *known, const char *where, struct err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return err_set(err, -EINVAL, "plan: %.60s has an unknown key '%.40s'", where, key);
	}
	return 0;
}

static int check_number(const json_t *object, const char *key, int64_t min, int64_t max, const char *where,
			struct err *err)
{
	const json_t *v = json_object_get(object, key);

	if (!v || (json_is_integer(v) && json_integer_value(v) >= min && json_integer_value(v) <= max))
		return 0;
	return err_set(err, -EINVAL, "plan: %s of %.60s must be a whole number between %lld and %lld", key, where,
		       (long long)min, (long long)max);
}

int plan__check_file(const json_t *file, struct err *err)
{
	const char *schema = jsonx_str(file, "schema");
	int rc;

	if (!json_is_object(file) || !schema || strcmp(schema, "switchyard.plan/1") != 0)
		return err_set(err, -EINVAL, "plan: the file is not of schema switchyard.plan/1");
	if ((rc = check_keys(file, plan_keys, "the file", err)) != 0 ||
	    (rc = check_number(file, "rounds", 1, 10000, "the file", err)) != 0 ||
	    (rc = check_number(file, "budget_s", 1, 1000000, "the file", err)) != 0 ||
	    (rc = check_number(file, "region_ms", 10, 5000, "the file", err)) != 0 ||
	    (rc = check_number(file, "claims", 0, 100, "the file", err)) != 0)
		return rc;
	if (!json_is_array(json_object_get(file, "cells")))
		return err_set(err, -EINVAL, "plan: the file has no list 'cells'");
	return 0;
}

int plan_read(const char *path, json_t **out, struct err *err)
{
	json_error_t je;

	*out = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
	if (*out)
		return 0;
	if (je.line < 0)
		return err_set(err, -EINVAL, "plan %.200s cannot be read: %s", path, strerror(errno));
	return err_set(err, -EINVAL, "plan %.200s is not JSON: line %d: %s", path, je.line, je.text);
}

/* ---- expanding a group ----------------------------------------------------------------------------------- */

/* A group, checked: the axes that expand_params walks. */
struct group {
	struct cell cell; /* what its cells have in common; params filled on the way down */
	json_t *axes[CATALOG_MAX_PARAMS]; /* per parameter of the workload: array of values (owned) */
	enum placement placements[8];
	size_t n_placements;
	unsigned workers[16];
	size_t n_workers;
	bool is_excluded; /* the filter can match none of its cells */
};

static int add_placements(struct builder *b, const struct group *g)
{
	for (size_t i = 0; i < g->n_placements; i++) {
		for (size_t j = 0; j < g->n_workers; j++) {
			struct cell cell = g->cell;
			int rc;

			cell.params = json_deep_copy(g->cell.params);
			cell.group = xstrdup(g->cell.group);
			cell.event_sets = json_incref(g->cell.event_sets);
			cell.placement = g->placements[i];
			/* One PU takes one worker; elsewhere a plan's "1" is its default, not a wish for one CPU. */
			rc = plan__add_cell(b, cell,
					    cell.placement == PLACE_SAME ? 1
					    : g->workers[j] > 1          ? g->workers[j]
									 : 0);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* All combinations of the values from parameter i on; depth is at most CATALOG_MAX_PARAMS. */
static int expand_params(struct builder *b, struct group *g, size_t i)
{
	const struct workload_def *w = g->cell.workload;
	json_t *value;
	size_t k;

	if (i == w->n_params)
		return add_placements(b, g);
	json_array_foreach (g->axes[i], k, value) {
		int rc;

		json_object_set(g->cell.params, w->params[i].name, value);
		rc = expand_params(b, g, i + 1);
		if (rc)
			return rc;
	}
	return 0;
}

/* `name=value` options for parameter p: they replace its axis. */
static int axis_from_options(const struct builder *b, const struct workload_def *w, const struct param_def *p,
			     json_t **axis)
{
	size_t name_len = strlen(p->name);

	for (size_t i = 0; i < b->options->n_params; i++) {
		const char *text = b->options->params[i];
		char *values, *save = NULL;

		if (strncmp(text, p->name, name_len) != 0 || text[name_len] != '=')
			continue;
		json_decref(*axis);
		*axis = json_array();
		values = xstrdup(text + name_len + 1);
		for (char *v = strtok_r(values, ",", &save); v; v = strtok_r(NULL, ",", &save)) {
			json_t *value = param_from_text(w, p, v, b->err);

			if (!value) {
				free(values);
				return -EINVAL;
			}
			json_array_append_new(*axis, value);
		}
		free(values);
		if (json_array_size(*axis) == 0)
			return err_set(b->err, -EINVAL, "--param %.60s: a value is missing", text);
	}
	return 0;
}

static int read_axes(struct builder *b, const json_t *file, struct group *g)
{
	const struct workload_def *w = g->cell.workload;
	json_t *params = json_object_get(file, "params"), *value;
	const char *key;

	if (params && !json_is_object(params))
		return err_set(b->err, -EINVAL, "plan: params of group %.40s is not an object", g->cell.group);
	json_object_foreach (params, key, value)
		if (!workload_param(w, key))
			return err_set(b->err, -EINVAL, "plan: workload %s has no parameter '%.40s'", w->name, key);
	for (size_t i = 0; i < w->n_params; i++) {
		const struct param_def *p = &w->params[i];
		json_t *given = json_object_get(params, p->name);
		size_t k;
		int rc;

		g->axes[i] = json_is_array(given) ? json_incref(given)
						  : json_pack("[O]", given               ? given
								     : b->options->smoke ? p->smoke
											 : p->dflt);
		rc = axis_from_options(b, w, p, &g->axes[i]);
		json_array_foreach (g->axes[i], k, value)
			if (!rc)
				rc = param_check(w, p, value, b->err);
		if (rc)
			return rc;
		if (json_array_size(g->axes[i]) == 0)
			return err_set(b->err, -EINVAL, "plan: group %.40s: parameter %s has an empty list",
				       g->cell.group, p->name);
	}
	return 0;
}

static int read_placements(struct builder *b, const json_t *file, struct group *g)
{
	const json_t *list = json_object_get(file, "placement"), *v;
	size_t i;

	if (b->options->n_placements) {
		memcpy(g->placements, b->options->placements, b->options->n_placements * sizeof *g->placements);
		g->n_placements = b->options->n_placements;
		return 0;
	}
	if (!list) {
		g->placements[0] = PLACE_SAME;
		g->n_placements = 1;
		return 0;
	}
	if (json_array_size(list) == 0 || json_array_size(list) > 8)
		return err_set(b->err, -EINVAL, "plan: group %.40s: placement is not a list of 1 to 8 names",
			       g->cell.group);
	json_array_foreach (list, i, v)
		if (!json_is_string(v) || !placement_parse(json_string_value(v), &g->placements[g->n_placements++]))
			return err_set(b->err, -EINVAL,
				       "plan: group %.40s: a placement is one of same, smt, cache, cross, free",
				       g->cell.group);
	return 0;
}

static int read_workers(struct builder *b, const json_t *file, struct group *g)
{
	const json_t *list = json_object_get(file, "workers"), *v;
	size_t i;

	g->workers[0] = 1;
	g->n_workers = 1;
	if (!list)
		return 0;
	g->n_workers = json_array_size(list);
	if (g->n_workers == 0 || g->n_workers > 16)
		return err_set(b->err, -EINVAL, "plan: group %.40s: workers is not a list of 1 to 16 numbers",
			       g->cell.group);
	json_array_foreach (list, i, v) {
		if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > 4096)
			return err_set(b->err, -EINVAL,
				       "plan: group %.40s: workers are whole numbers between 1 and 4096",
				       g->cell.group);
		g->workers[i] = (unsigned)json_integer_value(v);
	}
	return 0;
}

static int add_group_subject(struct builder *b, struct group *g, const struct subject *s)
{
	if (!catalog_offers(b->catalog, s, g->cell.workload))
		return 0;
	for (size_t i = 0; i < g->cell.n_subjects; i++)
		if (g->cell.subjects[i] == s)
			return 0;
	if (g->cell.n_subjects == sizeof g->cell.subjects / sizeof *g->cell.subjects)
		return err_set(b->err, -EINVAL, "plan: group %.40s: too many subjects", g->cell.group);
	g->cell.subjects[g->cell.n_subjects++] = s;
	return 0;
}

/*
 * A listed subject that this build does not have, or that does not offer the workload, is passed over: plans name every
 * model of the project and serve builds with fewer. A name that no list of ours knows shows in --dry-run.
 */
static int read_subjects(struct builder *b, const json_t *file, struct group *g)
{
	const json_t *list = json_object_get(file, "subjects"), *v;
	const char *base = jsonx_str(file, "base");
	int rc = 0;
	size_t i;

	if (list && !json_is_array(list))
		return err_set(b->err, -EINVAL, "plan: group %.40s: subjects is not a list", g->cell.group);
	if (list) {
		json_array_foreach (list, i, v) {
			const struct subject *s;

			if (!json_is_string(v))
				return err_set(b->err, -EINVAL, "plan: group %.40s: a subject is not a name",
					       g->cell.group);
			s = catalog_subject(b->catalog, json_string_value(v));
			if (s && !rc)
				rc = add_group_subject(b, g, s);
		}
	} else {
		for (i = 0; i < b->catalog->n_subjects && !rc; i++)
			/* A variant takes part where it is named, another build beside its namesake. */
			if (!b->catalog->subjects[i].knobs && !beside_is_old(b->catalog->subjects[i].id))
				rc = add_group_subject(b, g, &b->catalog->subjects[i]);
	}
	/* What the user names takes part even where the plan does not name it: foreign subjects above all. */
	for (i = 0; i < b->options->n_subjects && !rc; i++) {
		const struct subject *s = catalog_subject(b->catalog, b->options->subjects[i]);

		if (s)
			rc = add_group_subject(b, g, s);
	}
	g->cell.base = base ? catalog_subject(b->catalog, base) : NULL;
	return rc;
}

/* The base of a cell that no plan describes. */
static void choose_base(struct group *g)
{
	if (g->cell.n_subjects < 2)
		return;
	g->cell.base = g->cell.subjects[0];
	for (size_t i = 0; i < g->cell.n_subjects; i++)
		if (strcmp(g->cell.subjects[i]->id, DEFAULT_BASE) == 0)
			g->cell.base = g->cell.subjects[i];
}

static bool is_excluded(const struct builder *b, const struct group *g)
{
	struct filter_item item = {.workload = g->cell.workload->name, .group = g->cell.group};

	return b->filter && !filter_may_match(b->filter, &item);
}

/* The user's sets, the group's, or the default; and, where it is counted at all, one sample for each of them. */
static int read_event_sets(struct builder *b, const json_t *file, struct group *g)
{
	bool is_users = json_array_size(b->options->event_sets) > 0;
	const json_t *list = is_users ? b->options->event_sets : json_object_get(file, "events"), *v;
	unsigned n;
	size_t i;

	if (list && !json_is_array(list))
		return err_set(b->err, -EINVAL, "plan: group %.40s: events is not a list of sets", g->cell.group);
	g->cell.event_sets = json_array_size(list) ? json_array() : event_sets_default();
	json_array_foreach (list, i, v) {
		json_t *sets = NULL;
		int rc = event_sets_parse(json_is_string(v) ? json_string_value(v) : "no name", &sets, b->err);

		if (rc)
			return rc;
		json_array_extend(g->cell.event_sets, sets);
		json_decref(sets);
	}
	n = (unsigned)json_array_size(g->cell.event_sets);
	if ((is_users || g->cell.counted) && g->cell.counted < n)
		g->cell.counted = n;
	return 0;
}

static int read_group(struct builder *b, const json_t *file, struct group *g)
{
	const char *name = jsonx_str(file, "workload"), *group = jsonx_str(file, "group");
	const json_t *twin = json_object_get(file, "twin");
	int rc;

	if (!json_is_object(file) || !name)
		return err_set(b->err, -EINVAL, "plan: a group names no workload");
	if ((rc = catalog_workload(b->catalog, name, &g->cell.workload, b->err)) != 0)
		return -EINVAL;
	g->cell.group = xstrdup(group ? group : strchr(g->cell.workload->name, '/') + 1);
	g->cell.params = json_object();
	if (twin && !json_is_boolean(twin))
		return err_set(b->err, -EINVAL, "plan: twin of group %.40s is not true or false", g->cell.group);
	if ((rc = check_keys(file, group_keys, g->cell.group, b->err)) != 0 ||
	    (rc = check_number(file, "rounds", 1, 10000, g->cell.group, b->err)) != 0 ||
	    (rc = check_number(file, "counted", 0, 100, g->cell.group, b->err)) != 0 ||
	    (rc = check_number(file, "traced", 0, 100, g->cell.group, b->err)) != 0 ||
	    (rc = check_number(file, "region_ms", 10, 5000, g->cell.group, b->err)) != 0)
		return rc;
	g->cell.region_ns = json_object_get(file, "region_ms") ? jsonx_int(file, "region_ms", 0) * 1000000 : 0;
	g->cell.wants_twin = json_is_true(twin);
	g->cell.rounds = (unsigned)jsonx_int(file, "rounds", b->plan->rounds);
	g->cell.counted = (unsigned)jsonx_int(file, "counted", 0);
	if (b->options->rounds)
		g->cell.rounds = b->options->rounds;
	if (b->options->is_rigorous)
		g->cell.rounds = looks_all[LOOKS - 1].rounds;
	if ((rc = read_event_sets(b, file, g)) != 0)
		return rc;
	if (b->options->with_simulated && !b->options->smoke)
		g->cell.simulated = simulate_samples(g->cell.workload);
	g->cell.traced = (unsigned)jsonx_int(file, "traced", b->options->with_traced ? TRACED_SAMPLES : 0);
	if (b->options->smoke || traced_refused(g->cell.workload))
		g->cell.traced = 0;
	/* Before --param is judged: a value for the selected workload may be none for another with such a parameter. */
	g->is_excluded = is_excluded(b, g);
	if (g->is_excluded)
		return 0;
	if ((rc = read_axes(b, file, g)) != 0 || (rc = read_placements(b, file, g)) != 0 ||
	    (rc = read_workers(b, file, g)) != 0)
		return rc;
	return read_subjects(b, file, g);
}

static void group_clear(struct group *g)
{
	for (size_t i = 0; i < sizeof g->axes / sizeof *g->axes; i++)
		json_decref(g->axes[i]);
	json_decref(g->cell.params);
	json_decref(g->cell.event_sets);
	free(g->cell.group);
}

int plan__add_group(struct builder *b, const json_t *file, bool described)
{
	struct group g = {.n_placements = 0};
	int rc = read_group(b, file, &g);

	if (rc == 0 && !described) {
		choose_base(&g);
		g.cell.wants_twin = !b->options->smoke;
	}
	if (rc == 0 && !g.is_excluded)
		rc = expand_params(b, &g, 0);
	group_clear(&g);
	return rc;
}

/* ---- variants -------------------------------------------------------------------------------------------- */

/* A variant of a subject that this build does not have is left to those who look for the name. */
static int add_variant(struct catalog *c, const char *name, struct err *err)
{
	int rc = name && variant_is(name) ? variant_add(c, name, err) : 0;

	return rc == -ENOENT ? 0 : rc;
}

int plan__add_variants(struct catalog *c, const json_t *file, const struct plan_options *o, struct err *err)
{
	const json_t *group, *name;
	size_t i, j;
	int rc = 0;

	for (i = 0; i < o->n_subjects && !rc; i++)
		rc = add_variant(c, o->subjects[i], err);
	json_array_foreach (json_object_get(file, "cells"), i, group)
		json_array_foreach (json_object_get(group, "subjects"), j, name)
			if (!rc)
				rc = add_variant(c, json_string_value(name), err);
	return rc;
}
