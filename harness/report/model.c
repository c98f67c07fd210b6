/*
 * model.c - from run.json to cells and series (structures and invariants: model.h); samples: model_samples.c.
 *
 * The records were written by this project, perhaps by another version of it, perhaps by a run that was killed, and
 * they carry text of foreign subjects: every field is checked for its type before it is used, a sample that makes no
 * sense is listed in `excluded` with its sequence number, and only a run.json that has no cells is an error.
 */
#include "harness/report/model_internal.h"
#include "harness/report/parts.h"
#include "harness/report/question.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *model_grow(void *array, size_t n, size_t size)
{
	char *bigger = array;

	/* Powers of two: the array is full when its length is one. */
	if ((n & (n - 1)) == 0) {
		bigger = realloc(array, (n ? n * 2 : 1) * size);
		if (!bigger)
			return NULL;
	}
	memset(bigger + n * size, 0, size);
	return bigger;
}

const char *field_text(const json_t *object, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : otherwise;
}

double field_number(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

long field_whole(const json_t *object, const char *key, long otherwise)
{
	const json_t *v = json_object_get(object, key);

	return json_is_integer(v) ? (long)json_integer_value(v) : otherwise;
}

bool subject_is_baseline(const char *subject)
{
	return strcmp(subject, "serial") == 0 || strcmp(subject, "null") == 0;
}

bool cell_is_server(const struct cell *c)
{
	return strcmp(c->scaling, "server") == 0;
}

bool cell_is_memory(const struct cell *c)
{
	return strcmp(c->metric, "bytes_per_task") == 0;
}

bool cell_is_delay(const struct cell *c)
{
	return strncmp(c->metric, "delay_", 6) == 0;
}

bool network_is_narrow(const struct report *r)
{
	return field_whole(json_object_get(r->run, "host"), "vcpus", 0) < 4;
}

bool cell_is_null(const struct cell *c)
{
	return strcmp(c->family, "null") == 0;
}

const char *cell_op(const struct cell *c)
{
	return field_text(c->about, "op", "one operation");
}

const struct series *cell_series(const struct cell *c, const char *subject)
{
	for (size_t i = 0; i < c->n_series; i++)
		if (!c->series[i].is_twin && strcmp(c->series[i].subject, subject) == 0)
			return &c->series[i];
	return NULL;
}

/* Models first, foreign subjects after ours, baselines last, the twin after all: the same order on every page. */
static int standing(const struct series *s)
{
	static const char *const order[] = {"gmp", "pthread", "eventloop", "go"};
	int n = sizeof(order) / sizeof(order[0]);

	if (s->is_twin)
		return n + 3;
	for (int i = 0; i < n; i++)
		if (strcmp(s->subject, order[i]) == 0)
			return i;
	return strcmp(s->subject, "serial") == 0 ? n + 1 : strcmp(s->subject, "null") == 0 ? n + 2 : n;
}

size_t report_subjects(const struct report *r, const char ***out)
{
	const char **list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			const char *subject = r->cells[i].series[j].subject, **slot;
			size_t k = 0;

			while (k < n && strcmp(list[k], subject) != 0)
				k++;
			if (k < n)
				continue;
			slot = GROW(list, n);
			if (slot)
				*slot = subject;
		}
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0; j--) {
			struct series a = {.subject = list[j - 1]}, b = {.subject = list[j]};

			if (standing(&b) >= standing(&a))
				break;
			list[j - 1] = b.subject;
			list[j] = a.subject;
		}
	*out = list;
	return n;
}

void model_exclude(struct report *r, const char *what, const char *fmt, ...)
{
	struct excluded *e = GROW(r->excluded, r->n_excluded);
	va_list ap;

	if (!e)
		return;
	e->what = strdup(what);
	va_start(ap, fmt);
	if (vasprintf(&e->why, fmt, ap) < 0)
		e->why = NULL;
	va_end(ap);
	if (!e->what || !e->why) {
		free(e->what);
		free(e->why);
		r->n_excluded--;
	}
}

/* ---- the plan ----------------------------------------------------------------------------------------- */

/* What the subjects say about a workload: the first who offers it. */
static const json_t *find_about(const json_t *run, const char *workload)
{
	const json_t *found = NULL;
	json_t *subject, *w;
	size_t i, j;

	json_array_foreach (json_object_get(run, "subjects"), i, subject)
		json_array_foreach (json_object_get(json_object_get(subject, "describe"), "workloads"), j, w) {
			if (strcmp(field_text(w, "name", ""), workload) != 0)
				continue;
			if (!found || (!json_is_true(json_object_get(found, "offered")) &&
				       json_is_true(json_object_get(w, "offered"))))
				found = w;
		}
	return found;
}

static int add_series(struct report *r, struct cell *c, const char *subject, bool is_twin)
{
	struct series *s;

	/* A subject that is listed twice would be measured twice and told apart by nothing. */
	if (!is_twin && cell_series(c, subject))
		return 0;
	s = GROW(c->series, c->n_series);
	if (!s)
		return -ENOMEM;
	s->subject = subject;
	s->describe = runtime_describe(r, subject);
	s->is_twin = is_twin;
	return 0;
}

/* Insertion, because it keeps the plan's order among equals. */
static void order_series(struct cell *c)
{
	for (size_t i = 1; i < c->n_series; i++)
		for (size_t j = i; j > 0 && standing(&c->series[j]) < standing(&c->series[j - 1]); j--) {
			struct series swap = c->series[j];

			c->series[j] = c->series[j - 1];
			c->series[j - 1] = swap;
		}
}

static int read_cell(struct report *r, const json_t *json, struct err *err)
{
	struct cell *c = GROW(r->cells, r->n_cells);
	const char *slash, *twin = field_text(json, "twin", NULL);
	json_t *subject;
	size_t i;

	if (!c)
		return err_set(err, -ENOMEM, "out of memory");
	c->json = json;
	c->id = field_text(json, "id", NULL);
	c->workload = field_text(json, "workload", NULL);
	if (!c->id || !c->workload)
		return err_set(err, -EBADMSG, "run.json: cell %zu of the plan has no id or no workload",
			       r->n_cells - 1);
	slash = strchr(c->workload, '/');
	snprintf(c->family, sizeof(c->family), "%.*s", slash ? (int)(slash - c->workload) : (int)strlen(c->workload),
		 c->workload);
	c->placement = field_text(json, "placement", "");
	c->group = field_text(json, "group", "");
	c->metric = field_text(json, "metric", "wall_per_op");
	c->unit = field_text(json, "unit", "ns/op");
	c->scaling = field_text(json, "scaling", "linear");
	c->workers = field_whole(json, "workers", 0);
	c->about = find_about(r->run, c->workload);
	json_array_foreach (json_object_get(json, "subjects"), i, subject)
		if (json_is_string(subject) && add_series(r, c, json_string_value(subject), false))
			return err_set(err, -ENOMEM, "out of memory");
	if (twin && cell_series(c, twin) && add_series(r, c, twin, true))
		return err_set(err, -ENOMEM, "out of memory");
	order_series(c);
	return 0;
}

/* A parameter's value as text: numbers as they are, names without quotes. */
static void value_text(const json_t *value, char *buf, size_t size)
{
	if (json_is_string(value))
		snprintf(buf, size, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(buf, size, "%lld", (long long)json_integer_value(value));
	else if (json_is_number(value))
		snprintf(buf, size, "%g", json_number_value(value));
	else
		snprintf(buf, size, "?");
}

static void append(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void append(char *buf, size_t size, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + used, size - used, fmt, ap);
	va_end(ap);
}

/* Whether the cells of a's workload differ in something: a parameter, or the placement and workers when key is NULL. */
static bool varies(const struct report *r, const struct cell *a, const char *key)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *b = &r->cells[i];

		if (strcmp(a->workload, b->workload) != 0)
			continue;
		if (key && !json_equal(json_object_get(json_object_get(a->json, "params"), key),
				       json_object_get(json_object_get(b->json, "params"), key)))
			return true;
		if (!key && (strcmp(a->placement, b->placement) != 0 || a->workers != b->workers))
			return true;
	}
	return false;
}

/* The cell's short name: what varies, or everything when nothing does. */
static void name_cell(const struct report *r, struct cell *c)
{
	for (int all = 0; all < 2 && !c->name[0]; all++) {
		json_t *value;
		const char *key;

		json_object_foreach (json_object_get(c->json, "params"), key, value) {
			char text[64];

			if (!all && !varies(r, c, key))
				continue;
			value_text(value, text, sizeof(text));
			append(c->name, sizeof(c->name), "%s%s=%s", c->name[0] ? " " : "", key, text);
		}
		if (all || varies(r, c, NULL))
			append(c->name, sizeof(c->name), "%s%s w%ld", c->name[0] ? " " : "", c->placement, c->workers);
	}
}

static int list_workloads(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		size_t j = 0;

		while (j < r->n_workloads && strcmp(r->workloads[j], r->cells[i].workload) != 0)
			j++;
		if (j == r->n_workloads) {
			const char **slot = GROW(r->workloads, r->n_workloads);

			if (!slot)
				return -ENOMEM;
			*slot = r->cells[i].workload;
		}
	}
	return 0;
}

static int read_plan(struct report *r, struct err *err)
{
	const json_t *cells = json_object_get(json_object_get(r->run, "plan"), "cells");
	json_t *cell;
	size_t i;

	if (!json_is_array(cells) || json_array_size(cells) == 0)
		return err_set(err, -EBADMSG, "run.json has no cells in its plan: there is nothing to report");
	json_array_foreach (cells, i, cell) {
		int rc = read_cell(r, cell, err);

		if (rc)
			return rc;
	}
	for (i = 0; i < r->n_cells; i++)
		name_cell(r, &r->cells[i]);
	json_array_foreach (json_object_get(json_object_get(r->run, "plan"), "skipped"), i, cell)
		model_exclude(r, field_text(cell, "cell", "?"), "%s", field_text(cell, "why", "no reason given"));
	return list_workloads(r) ? err_set(err, -ENOMEM, "out of memory") : 0;
}

int report_build(json_t *run, json_t *samples, json_t *warnings, struct report **out, struct err *err)
{
	struct report *r;
	json_t *sample;
	size_t i;
	int rc;

	if (!json_is_object(run))
		return err_set(err, -EBADMSG, "run.json is not a JSON object");
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->run = json_incref(run);
	r->samples = json_incref(samples);
	r->warnings = json_incref(warnings);
	r->noise_reasons = json_array();
	rc = read_plan(r, err);
	if (rc)
		goto fail;
	json_array_foreach (samples, i, sample) {
		rc = model_read_sample(r, sample);
		if (rc) {
			err_set(err, rc, "out of memory");
			goto fail;
		}
	}
	model_settle(r);
	rc = report_analyse(r, err);
	if (rc)
		goto fail;
	*out = r;
	return 0;
fail:
	report_free(r);
	return rc;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_cells; i++) {
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			free(r->cells[i].series[j].timed.at);
			free(r->cells[i].series[j].counted.at);
			free(r->cells[i].series[j].simulated.at);
			free(r->cells[i].series[j].traced.at);
			free(r->cells[i].series[j].knees.at);
		}
		free(r->cells[i].series);
	}
	for (size_t i = 0; i < r->n_excluded; i++) {
		free(r->excluded[i].what);
		free(r->excluded[i].why);
	}
	report_questions_free(r);
	free(r->cells);
	free(r->workloads);
	free(r->comparisons);
	free(r->twins);
	free(r->slopes);
	free(r->limits);
	free(r->scalings);
	free(r->counters);
	free(r->figures);
	free(r->ratios);
	free(r->simulations);
	free(r->traces);
	free(r->costs);
	free(r->plots);
	free(r->excluded);
	json_decref(r->noise_reasons);
	json_decref(r->run);
	json_decref(r->samples);
	json_decref(r->warnings);
	free(r);
}
