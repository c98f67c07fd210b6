#include "harness/plan/knee.h"

#include <errno.h>
#include <string.h>

#include "harness/plan/jsonx.h"

/* The parameter that `key` of the workload's knee names must be there, and of this kind. Left out: no error. */
static int check_param(const json_t *w, const char *key, const char *kind, struct err *err)
{
	const char *wanted = jsonx_str(json_object_get(w, "knee"), key), *name;
	const json_t *p;
	size_t i;

	if (!wanted)
		return 0;
	json_array_foreach (json_object_get(w, "params"), i, p) {
		name = jsonx_str(p, "name");
		if (name && strcmp(name, wanted) == 0 && strcmp(jsonx_str(p, "kind"), kind) == 0)
			return 0;
	}
	return err_set(err, -EPROTO, "workload '%.60s': its knee's %s, '%.40s', is no parameter of kind %s",
		       jsonx_str(w, "name"), key, wanted, kind);
}

int knee_check(const json_t *w, struct err *err)
{
	const json_t *knee = json_object_get(w, "knee");
	int rc;

	if (!knee)
		return 0;
	if (!jsonx_str(knee, "percent") || strcmp(jsonx_str(w, "scaling"), "server") != 0)
		return err_set(err, -EPROTO, "workload '%.60s': a knee is of a server, and names its percent",
			       jsonx_str(w, "name"));
	rc = check_param(w, "percent", "int", err);
	if (rc == 0)
		rc = check_param(w, "of", "choice", err);
	return rc ? rc : check_param(w, "rate", "int", err);
}

int64_t knee_region_ns(int64_t cell_region_ns)
{
	static const int64_t most_ns = 300000000;

	return cell_region_ns < most_ns ? cell_region_ns : most_ns;
}

int64_t knee_percent(const struct cell *c)
{
	const char *name = c->workload->knee.percent;

	return name ? jsonx_int(c->params, name, 0) : 0;
}

/* A rate that is given in requests per second comes first. */
bool knee_is_asked(const struct cell *c)
{
	const char *rate = c->workload->knee.rate;

	return c->workload->scaling == SCALING_SERVER && knee_percent(c) > 0 &&
	       !(rate && jsonx_int(c->params, rate, 0) > 0);
}

bool knee_is_own(const struct cell *c)
{
	const char *name = c->workload->knee.of, *of = name ? jsonx_str(c->params, name) : NULL;

	return knee_is_asked(c) && of && strcmp(of, "own") == 0;
}

static bool is_of_load(const struct workload_knee *k, const char *param)
{
	return (k->percent && strcmp(param, k->percent) == 0) || (k->of && strcmp(param, k->of) == 0) ||
	       (k->rate && strcmp(param, k->rate) == 0);
}

bool knee_is_shared(const struct cell *a, const struct cell *b)
{
	const char *name;
	json_t *value;

	if (a->workload != b->workload || a->placement != b->placement || a->placed.workers != b->placed.workers)
		return false;
	json_object_foreach (a->params, name, value)
		if (!is_of_load(&a->workload->knee, name) && !json_equal(value, json_object_get(b->params, name)))
			return false;
	return true;
}

static bool takes_part(const struct cell *c, const struct subject *s)
{
	for (size_t i = 0; i < c->n_subjects; i++)
		if (c->subjects[i] == s)
			return true;
	return false;
}

const struct cell *knee_owner(const struct plan *p, const struct cell *c, const struct subject *s)
{
	for (size_t i = 0; i < p->n_cells; i++)
		if (knee_is_asked(&p->cells[i]) && (!s || takes_part(&p->cells[i], s)) &&
		    knee_is_shared(&p->cells[i], c))
			return &p->cells[i];
	return c;
}

double knee_of_record(const json_t *record)
{
	const json_t *load = json_object_get(record, "load");
	int64_t requests = jsonx_int(load, "requests", 0), wall_ns = jsonx_int(load, "wall_ns", 0);

	return requests > 0 && wall_ns > 0 ? (double)requests / (double)wall_ns * 1e9 : 0;
}

uint64_t knee_rate(const struct knee_load *l)
{
	double rate = l->base_per_s * (double)l->percent / 100;

	return l->base_per_s <= 0 ? 0 : rate < 1 ? 1 : (uint64_t)(rate + 0.5);
}
