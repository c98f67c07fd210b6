#include "harness/report/curve.h"

#include <math.h>
#include <string.h>

static bool is_workers(const char *key)
{
	return strcmp(key, CURVE_WORKERS) == 0;
}

double cell_param(const struct cell *c, const char *key)
{
	return is_workers(key) ? (double)c->workers : field_number(json_object_get(c->json, "params"), key);
}

bool curve_may_begin(const struct cell *c, const char *key)
{
	return isfinite(cell_param(c, key)) && !(is_workers(key) && strcmp(c->placement, "same") == 0);
}

static bool same_place(const struct cell *like, const char *key, const struct cell *c)
{
	if (is_workers(key))
		return strcmp(c->placement, like->placement) == 0 || strcmp(c->placement, "same") == 0;
	return strcmp(c->placement, like->placement) == 0 && c->workers == like->workers;
}

bool curve_has(const struct cell *like, const char *key, const struct cell *c)
{
	json_t *a, *b;
	bool same;

	if (strcmp(c->workload, like->workload) != 0 || !same_place(like, key, c))
		return false;
	a = json_copy(json_object_get(c->json, "params"));
	b = json_copy(json_object_get(like->json, "params"));
	json_object_del(a, key);
	json_object_del(b, key);
	same = json_equal(a, b);
	json_decref(a);
	json_decref(b);
	return same;
}
