/*
 * limits.c - what samples met beside their work: the limits that kept subjects from having as many tasks as a cell wanted, and
 * threads that may run on other CPUs than the cell's (harness/measure/affinity.c), of which a reader must know.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/model.h"
#include "harness/report/topology_draw.h"

static struct limit *find_limit(struct report *r, const struct cell *c, const char *subject, const char *name)
{
	for (size_t i = 0; i < r->n_limits; i++)
		if (r->limits[i].cell == c && strcmp(r->limits[i].subject, subject) == 0 &&
		    strcmp(r->limits[i].name, name) == 0)
			return &r->limits[i];
	return NULL;
}

static const struct cell *cell_of(const struct report *r, const json_t *sample)
{
	for (size_t i = 0; i < r->n_cells; i++)
		if (strcmp(r->cells[i].id, field_text(sample, "cell", "")) == 0)
			return &r->cells[i];
	return NULL;
}

static bool is_calibration(const json_t *sample)
{
	return strcmp(field_text(sample, "kind", ""), "calibrate") == 0;
}

/* How many samples the subject has in the cell. */
static size_t count_samples(const struct report *r, const struct cell *c, const char *subject)
{
	json_t *sample;
	size_t i, n = 0;

	json_array_foreach (r->samples, i, sample)
		n += !is_calibration(sample) && strcmp(field_text(sample, "cell", ""), c->id) == 0 &&
		     strcmp(field_text(sample, "subject", ""), subject) == 0;
	return n;
}

static int add_sample(struct report *r, const json_t *sample)
{
	const json_t *hit = json_object_get(json_object_get(sample, "memory"), "limit_hit");
	const char *name = field_text(hit, "name", NULL), *subject = field_text(sample, "subject", "");
	const struct cell *c = cell_of(r, sample);
	double tasks = field_number(hit, "live_tasks");
	struct limit *l;

	if (!name || !c || is_calibration(sample))
		return 0;
	l = find_limit(r, c, subject, name);
	if (!l) {
		l = GROW(r->limits, r->n_limits);
		if (!l)
			return -ENOMEM;
		*l = (struct limit){.cell = c,
				    .subject = subject,
				    .name = name,
				    .where = field_text(hit, "where", "?"),
				    .limit = field_number(hit, "limit"),
				    .used = field_number(hit, "used"),
				    .least_tasks = NAN,
				    .most_tasks = NAN,
				    .of = count_samples(r, c, subject)};
	}
	l->n++;
	if (tasks > 0) {
		l->least_tasks = fmin(l->least_tasks, tasks); /* of a number and NaN the number */
		l->most_tasks = fmax(l->most_tasks, tasks);
	}
	return 0;
}

/* The first of the series' samples that has such threads, told once. */
static void tell_outside(struct report *r, const struct cell *c, const struct series *s)
{
	for (size_t i = 0; i < s->timed.n; i++) {
		const json_t *sample = s->timed.at[i].sample;
		const json_t *first = json_array_get(json_object_get(json_object_get(sample, "sched"), "outside"), 0);
		char what[300], may[48], has[48];

		if (!first)
			continue;
		topology_ranges(may, sizeof may, json_object_get(first, "cpus"));
		topology_ranges(has, sizeof has, json_object_get(sample, "cpus"));
		snprintf(what, sizeof what, "%.200s, %.60s", c->id, s->subject);
		model_exclude(
			r, what,
			"kept, and to be known: %ld of its threads (%.32s) may run on CPUs %s, where the cell has %s; "
			"they were not seen there",
			field_whole(first, "threads", 1), field_text(first, "name", "?"), may, has);
		return;
	}
}

int report_limits(struct report *r)
{
	json_t *sample;
	size_t i;

	json_array_foreach (r->samples, i, sample)
		if (add_sample(r, sample))
			return -ENOMEM;
	for (i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++)
			if (!r->cells[i].series[j].is_twin)
				tell_outside(r, &r->cells[i], &r->cells[i].series[j]);
	return 0;
}
