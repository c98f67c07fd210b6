#include "harness/report/curve.h"

#include <string.h>

double cell_param(const struct cell *c, const char *key)
{
	return field_number(json_object_get(c->json, "params"), key);
}

bool curve_has(const struct cell *like, const char *key, const struct cell *c)
{
	json_t *a, *b;
	bool same;

	if (strcmp(c->workload, like->workload) != 0 || strcmp(c->placement, like->placement) != 0 ||
	    c->workers != like->workers)
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
