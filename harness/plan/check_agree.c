/*
 * check_agree.c - whether a subject means by a workload what the others mean by it.
 *
 * Subjects of one run work on the same cells, so a parameter that one of them lacks, or takes in another range, fails there and
 * not before. The author learns it here. Texts (summary, unit, help) may differ; a foreign subject need not have them.
 */
#include <stdio.h>
#include <string.h>

#include "harness/plan/check.h"
#include "harness/plan/jsonx.h"

static const struct workload_def *same_name(const struct catalog *c, const char *name)
{
	for (size_t i = 0; i < c->n_workloads; i++)
		if (strcmp(c->workloads[i].name, name) == 0)
			return &c->workloads[i];
	return NULL;
}

/* A choice that a subject lacks is one that it answers with `unsupported`; one of its own nobody can certify. */
static bool is_subset(const json_t *mine, const json_t *theirs)
{
	const json_t *a, *b;
	size_t i, k;

	json_array_foreach (mine, i, a) {
		bool found = false;

		json_array_foreach (theirs, k, b)
			found |= json_equal(a, b);
		if (!found)
			return false;
	}
	return true;
}

static bool params_agree(const struct workload_def *mine, const struct workload_def *theirs, struct err *why)
{
	for (size_t i = 0; i < theirs->n_params; i++)
		if (!workload_param(mine, theirs->params[i].name))
			return !err_set(why, -1, "it has no parameter %.40s", theirs->params[i].name);
	for (size_t i = 0; i < mine->n_params; i++) {
		const struct param_def *p = &mine->params[i], *q = workload_param(theirs, p->name);

		if (!q)
			return !err_set(why, -1, "a parameter %.40s is its own", p->name);
		if (p->is_choice != q->is_choice)
			return !err_set(why, -1, "parameter %.40s is of the kind %s, not %s", p->name,
					p->is_choice ? "choice" : "int", q->is_choice ? "choice" : "int");
		if (p->is_choice ? !is_subset(p->choices, q->choices) : p->min != q->min || p->max != q->max)
			return !err_set(why, -1, "parameter %.40s has other %s", p->name,
					p->is_choice ? "choices" : "bounds");
		if (!json_equal(p->dflt, q->dflt) || !json_equal(p->smoke, q->smoke))
			return !err_set(why, -1, "parameter %.40s has another default, or another value for smoke",
					p->name);
	}
	return true;
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool check_agrees(const struct workload_def *mine, const struct catalog *others, struct err *why)
{
	const struct workload_def *theirs = same_name(others, mine->name);

	if (!theirs)
		return !err_set(why, -1, "no other subject knows it, so nobody can certify its work");
	if (mine->version != theirs->version)
		return !err_set(why, -1, "it is version %d, and version %d is compared", mine->version,
				theirs->version);
	if (mine->scaling != theirs->scaling)
		return !err_set(why, -1, "its scaling is %s, not %s", scaling_name(mine->scaling),
				scaling_name(theirs->scaling));
	if (mine->metric != theirs->metric)
		return !err_set(why, -1, "its metric is %s, not %s", metric_name(mine->metric),
				metric_name(theirs->metric));
	if (mine->quantum_param && !text_equal(mine->quantum_param, theirs->quantum_param))
		return !err_set(why, -1, "its quantum_param is %.40s, not %.40s", mine->quantum_param,
				theirs->quantum_param ? theirs->quantum_param : "null");
	return params_agree(mine, theirs, why);
}

/* ---- the optional parts of a sample -------------------------------------------------------------------------------- */

static const char *all_of(json_t *object, bool texts)
{
	const char *key;
	json_t *v;

	json_object_foreach (object, key, v)
		if (texts ? !json_is_string(v) : !json_is_number(v))
			return key;
	return NULL;
}

static bool stack_is_right(const json_t *stack)
{
	const json_t *bytes = json_object_get(stack, "bytes");

	if (!stack || json_is_null(stack))
		return true;
	return json_is_null(bytes)
		       ? jsonx_str(stack, "why") != NULL
		       : jsonx_int(stack, "bytes", 0) > 0 && json_is_boolean(json_object_get(stack, "grows"));
}

bool check_sample_parts(const json_t *record, struct err *why)
{
	const json_t *time = json_object_get(record, "time");
	const char *steady = jsonx_str(json_object_get(time, "why"), "steady");
	const char *key = all_of(json_object_get(record, "knobs"), true);

	if (key)
		return !err_set(why, -1, "knob %.40s is no text", key);
	key = all_of(json_object_get(record, "figures"), false);
	if (key)
		return !err_set(why, -1, "figure %.40s is no number", key);
	if (!stack_is_right(json_object_get(record, "stack")))
		return !err_set(why, -1,
				"stack is neither bytes (a whole number above 0) and grows (true or false), nor bytes "
				"null and why");
	if (steady && strstr(steady, "no list of ops"))
		return !err_set(why, -1, "%.200s", steady);
	return true;
}
