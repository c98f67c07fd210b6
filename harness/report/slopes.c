/*
 * slopes.c - memory per task, as the slope of a straight line over the number of live tasks (harness/stats/theil_sen.h).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model.h"

#define LEVEL 0.95

static const char *const part_keys[MEM_PARTS] = {"total_bytes", "rss_bytes", "pagetable_bytes", "kstack_bytes",
						 "slab_bytes",  "pss_bytes", "sockets_bytes"};

static double live_tasks(const json_t *sample)
{
	return field_number(json_object_get(json_object_get(sample, "memory"), "live"), "live_tasks");
}

/* The parameter that is the number of live tasks, or NULL. */
static const char *count_param(const struct cell *c)
{
	const char *key, *found = NULL;
	json_t *value;

	for (size_t i = 0; i < c->n_series && !found; i++) {
		if (c->series[i].timed.n == 0)
			continue;
		json_object_foreach (json_object_get(c->json, "params"), key, value)
			if (json_is_integer(value) &&
			    (double)json_integer_value(value) == live_tasks(c->series[i].timed.at[0].sample))
				found = key;
	}
	return found;
}

/* The same but for the number of tasks. */
static bool same_family(const struct cell *a, const struct cell *b, const char *count)
{
	json_t *pa = json_copy(json_object_get(a->json, "params")), *pb = json_copy(json_object_get(b->json, "params"));
	bool same;

	json_object_del(pa, count);
	json_object_del(pb, count);
	same = cell_is_memory(b) && strcmp(a->workload, b->workload) == 0 && strcmp(a->placement, b->placement) == 0 &&
	       a->workers == b->workers && json_equal(pa, pb);
	json_decref(pa);
	json_decref(pb);
	return same;
}

static void name_shared(const struct cell *c, const char *count, char *buf, size_t size)
{
	const char *key;
	json_t *value;
	size_t used = 0;

	buf[0] = 0;
	json_object_foreach (json_object_get(c->json, "params"), key, value) {
		if (strcmp(key, count) == 0 || used >= size)
			continue;
		if (json_is_string(value))
			used += (size_t)snprintf(buf + used, size - used, "%s%s=%s", used ? " " : "", key,
						 json_string_value(value));
		else
			used += (size_t)snprintf(buf + used, size - used, "%s%s=%lld", used ? " " : "", key,
						 (long long)json_integer_value(value));
	}
}

/* One subject over all cells like `first`; returns 0 whether or not a slope exists. */
static int fit_slope(struct report *r, const struct cell *first, const char *count, const char *subject)
{
	struct slope slope = {.cell = first, .subject = subject, .x_min = INFINITY, .x_max = -INFINITY}, *slot;
	double *x = malloc(THEIL_SEN_MAX_POINTS * sizeof(*x)), *y = malloc(THEIL_SEN_MAX_POINTS * sizeof(*y));
	bool any = false;
	int rc = x && y ? 0 : -ENOMEM;

	name_shared(first, count, slope.params, sizeof(slope.params));
	for (int part = 0; part < MEM_PARTS && rc == 0; part++) {
		size_t n = 0;

		for (size_t i = 0; i < r->n_cells; i++) {
			const struct series *s = cell_series(&r->cells[i], subject);

			if (!s || !same_family(first, &r->cells[i], count))
				continue;
			for (size_t k = 0; k < s->timed.n && n < THEIL_SEN_MAX_POINTS; k++) {
				const json_t *sample = s->timed.at[k].sample;
				const json_t *each = json_object_get(json_object_get(sample, "memory"), "per_task");

				x[n] = live_tasks(sample);
				y[n] = field_number(each, part_keys[part]) * x[n];
				if (!isfinite(y[n]))
					continue;
				slope.x_min = fmin(slope.x_min, x[n]);
				slope.x_max = fmax(slope.x_max, x[n]);
				n++;
			}
		}
		slope.ok[part] = theil_sen_fit(x, y, n, LEVEL, &slope.fit[part]) == 0;
		any |= slope.ok[part];
	}
	free(x);
	free(y);
	if (rc || !any)
		return rc;
	slot = GROW(r->slopes, r->n_slopes);
	if (!slot)
		return -ENOMEM;
	*slot = slope;
	return 0;
}

int report_slopes(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];
		const char *count = cell_is_memory(c) ? count_param(c) : NULL;
		bool seen = false;

		for (size_t j = 0; j < i && count; j++)
			seen |= cell_is_memory(&r->cells[j]) && same_family(&r->cells[j], c, count);
		if (!count || seen)
			continue;
		for (size_t j = 0; j < c->n_series; j++)
			if (!c->series[j].is_twin && fit_slope(r, c, count, c->series[j].subject))
				return -ENOMEM;
	}
	return 0;
}
