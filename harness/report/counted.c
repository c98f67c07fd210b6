/*
 * counted.c - what counted samples say: events per operation and per switch, and what counting itself costs.
 *
 * Counted samples are not timed ones: they never enter an estimate of time. A counter that shared the hardware with others
 * is scaled up by the kernel from the time that it ran; one that ran for little of it is withheld with the reason, and so is
 * one that a sample could not count. Events per switch come from samples with enough switches alone.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model.h"

#define RUNNING_SHARE 0.25 /* a counter that ran for less of the time is withheld */
#define SWITCHES_ENOUGH 100 /* in a sample, for events per switch; arbitrary */

const json_t *counter_named(const json_t *sample, const char *name)
{
	json_t *counter;
	size_t i;

	json_array_foreach (json_object_get(sample, "counters"), i, counter)
		if (strcmp(field_text(counter, "name", ""), name) == 0)
			return counter;
	return NULL;
}

/* An event for each switch: of one that hardly happens nothing can be told. */
static void per_switch(const struct series *s, const char *name, enum quantity switches, struct stats_estimate *out,
		       double *v)
{
	size_t n = 0;

	for (size_t i = 0; i < s->counted.n; i++) {
		const struct point *p = &s->counted.at[i];
		double value = field_number(counter_named(p->sample, name), "value");

		if (isfinite(value) && p->q[switches] * p->ops >= SWITCHES_ENOUGH)
			v[n++] = value / (p->q[switches] * p->ops);
	}
	stats_estimate(v, n, VERDICT_LEVEL, out);
}

static int read_counter(struct report *r, const struct cell *c, const struct series *s, const json_t *first)
{
	struct counter out = {.cell = c, .subject = s->subject, .n = s->counted.n, .running = NAN}, *slot;
	double *v = malloc(s->counted.n * sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	out.name = field_text(first, "name", "?");
	out.fstr = field_text(first, "fstr", NULL);
	out.scope = field_text(first, "scope", NULL);
	for (size_t i = 0; i < s->counted.n; i++) {
		const json_t *one = counter_named(s->counted.at[i].sample, out.name);
		double value = field_number(one, "value"), ops = s->counted.at[i].ops;
		double per_op = isfinite(value) && ops > 0 ? value / ops : field_number(one, "per_op");
		double enabled = field_number(one, "time_enabled_ns");
		double share = enabled > 0 ? field_number(one, "time_running_ns") / enabled : NAN;

		if (!one) /* this sample counted another set */
			continue;
		out.running = fmin(out.running, share); /* fmin ignores NaN */
		if (isfinite(per_op) && !(share < RUNNING_SHARE))
			v[n++] = per_op;
		else if (!out.why)
			out.why = isfinite(per_op) ? "it was counting for less than a quarter of the time"
						   : field_text(one, "why", "not counted");
	}
	stats_estimate(v, n, VERDICT_LEVEL, &out.per_op);
	if (n) {
		per_switch(s, out.name, Q_SWITCHES, &out.per_kernel_switch, v);
		per_switch(s, out.name, Q_OWN_SWITCHES, &out.per_own_switch, v);
	}
	free(v);
	if (n > 0)
		out.why = NULL;
	slot = GROW(r->counters, r->n_counters);
	if (!slot)
		return -ENOMEM;
	*slot = out;
	return 0;
}

static bool is_listed(const struct report *r, const struct cell *c, const struct series *s, const json_t *counter)
{
	for (size_t i = r->n_counters; i > 0 && r->counters[i - 1].cell == c; i--)
		if (r->counters[i - 1].subject == s->subject &&
		    strcmp(r->counters[i - 1].name, field_text(counter, "name", "?")) == 0)
			return true;
	return false;
}

/* Events in order of the sets; one that several sets have is one counter. */
static int read_counters_of(struct report *r, const struct cell *c, const struct series *s)
{
	json_t *counter;
	size_t k;

	for (size_t i = 0; i < s->counted.n; i++)
		json_array_foreach (json_object_get(s->counted.at[i].sample, "counters"), k, counter)
			if (!is_listed(r, c, s, counter) && read_counter(r, c, s, counter))
				return -ENOMEM;
	return 0;
}

int report_counters(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			const struct series *s = &r->cells[i].series[j];

			if (s->is_twin || cell_is_null(&r->cells[i]))
				continue;
			if (read_counters_of(r, &r->cells[i], s))
				return -ENOMEM;
		}
	return 0;
}

/* ---- what counting costs ------------------------------------------------------------------------------------- */

/* Counted over timed, per subject. Wall time for all: it is there whatever the cell's metric is. */
int report_counting_cost(struct report *r)
{
	const char **subjects;
	size_t n_subjects = report_subjects(r, &subjects);
	double *v = malloc((r->n_cells + 1) * sizeof(*v));
	int rc = v ? 0 : -ENOMEM;

	for (size_t i = 0; i < n_subjects && rc == 0; i++) {
		struct counting_cost *slot;
		struct stats_estimate counted;
		size_t n = 0;

		for (size_t j = 0; j < r->n_cells && rc == 0; j++) {
			const struct series *s = cell_series(&r->cells[j], subjects[i]);

			if (!s || s->counted.n == 0 || cell_is_null(&r->cells[j]))
				continue;
			rc = points_estimate(&s->counted, Q_WALL, VERDICT_LEVEL, &counted);
			if (rc == 0 && counted.n && EST(s, Q_WALL)->n)
				v[n++] = counted.median / EST(s, Q_WALL)->median;
		}
		if (n == 0 || rc)
			continue;
		slot = GROW(r->costs, r->n_costs);
		rc = slot ? 0 : -ENOMEM;
		if (slot) {
			slot->subject = subjects[i];
			stats_estimate(v, n, VERDICT_LEVEL, &slot->ratio);
		}
	}
	free(v);
	free(subjects);
	return rc;
}
