/*
 * model.c - from run.json and samples.jsonl to cells, series and points (structures and invariants: model.h).
 *
 * The records were written by this project, perhaps by another version of it, perhaps by a run that was killed, and
 * they carry text of foreign subjects: every field is checked for its type before it is used, a sample that makes no
 * sense is listed in `excluded` with its sequence number, and only a run.json that has no cells is an error.
 */
#include "harness/report/model.h"

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

/* Adds to what was left out; the sentence in printf form. Out of memory loses the note, nothing else. */
__attribute__((format(printf, 3, 4))) static void exclude(struct report *r, const char *what, const char *fmt, ...)
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

static int add_series(struct cell *c, const char *subject, bool is_twin)
{
	struct series *s;

	/* A subject that is listed twice would be measured twice and told apart by nothing. */
	if (!is_twin && cell_series(c, subject))
		return 0;
	s = GROW(c->series, c->n_series);
	if (!s)
		return -ENOMEM;
	s->subject = subject;
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
		if (json_is_string(subject) && add_series(c, json_string_value(subject), false))
			return err_set(err, -ENOMEM, "out of memory");
	if (twin && cell_series(c, twin) && add_series(c, twin, true))
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
		exclude(r, field_text(cell, "cell", "?"), "%s", field_text(cell, "why", "no reason given"));
	return list_workloads(r) ? err_set(err, -ENOMEM, "out of memory") : 0;
}

/* ---- the samples -------------------------------------------------------------------------------------- */

static enum status_count count_status(const char *status)
{
	if (strcmp(status, "ok") == 0)
		return ST_OK;
	if (strcmp(status, "requeued") == 0)
		return ST_REQUEUED;
	if (strcmp(status, "unsupported") == 0)
		return ST_UNSUPPORTED;
	if (strcmp(status, "too_slow") == 0)
		return ST_TOO_SLOW;
	if (strcmp(status, "mismatch") == 0)
		return ST_MISMATCH;
	if (strcmp(status, "void") == 0)
		return ST_VOID;
	return ST_FAILED;
}

static struct series *series_of(struct report *r, const json_t *sample)
{
	const char *id = field_text(sample, "cell", ""), *subject = field_text(sample, "subject", "");
	bool is_twin = json_is_true(json_object_get(sample, "is_twin"));

	for (size_t i = 0; i < r->n_cells; i++) {
		struct cell *c = &r->cells[i];

		if (strcmp(c->id, id) != 0)
			continue;
		for (size_t j = 0; j < c->n_series; j++)
			if (c->series[j].is_twin == is_twin && strcmp(c->series[j].subject, subject) == 0)
				return &c->series[j];
	}
	return NULL;
}

/* A percentile of the load generator's latencies or of a body's delays, whichever way its name is written. */
static double percentile_of(const json_t *latency, const char *name)
{
	char with_unit[32];
	double v = field_number(latency, name);

	snprintf(with_unit, sizeof(with_unit), "%s_ns", name);
	return isnan(v) ? field_number(latency, with_unit) : v;
}

double sample_ops(const json_t *sample)
{
	const json_t *load = json_object_get(sample, "load"), *work = json_object_get(sample, "work");
	double ops = NAN;

	if (json_is_object(load)) /* the certificate counts the requests outside the region too */
		ops = field_number(load, "requests");
	else if (json_is_object(work))
		ops = field_number(json_object_get(work, "cert"), "ops");
	if (!isfinite(ops))
		ops = field_number(sample, "ops");
	return ops > 0 ? ops : 0;
}

/* A snapshot that did not wait long enough for the kernel's figures to come to rest. */
static bool is_unsettled(const json_t *memory)
{
	return json_is_false(json_object_get(json_object_get(memory, "base"), "settled")) ||
	       json_is_false(json_object_get(json_object_get(memory, "live"), "settled"));
}

static void fill_memory(struct point *p, const json_t *each)
{
	p->q[Q_MEM_RSS] = field_number(each, "rss_bytes");
	p->q[Q_MEM_PAGETABLE] = field_number(each, "pagetable_bytes");
	p->q[Q_MEM_KSTACK] = field_number(each, "kstack_bytes");
	p->q[Q_MEM_KSTACK_COMPUTED] = field_number(each, "kstack_computed_bytes");
	p->q[Q_MEM_SLAB] = field_number(each, "slab_bytes");
}

static void fill_point(struct point *p, const json_t *sample)
{
	const json_t *time = json_object_get(sample, "time"), *sched = json_object_get(sample, "sched");
	const json_t *load = json_object_get(sample, "load"), *noise = json_object_get(sample, "noise");
	const json_t *memory = json_object_get(sample, "memory"), *delays = json_object_get(sample, "delays");
	double ops = sample_ops(sample), wall = field_number(time, "wall_ns");
	double cpu = field_number(time, "user_ns") + field_number(time, "sys_ns");

	p->sample = sample;
	p->round = field_whole(sample, "round", 0);
	p->attempt = field_whole(sample, "attempt", 0);
	p->ops = ops;
	p->unsettled = is_unsettled(memory);
	p->contaminated = p->unsettled || strcmp(field_text(noise, "verdict", "clean"), "clean") != 0;
	for (int i = 0; i < Q_COUNT; i++)
		p->q[i] = NAN;
	p->q[Q_VALUE] = field_number(json_object_get(sample, "metric"), "value");
	p->q[Q_THREADS] = field_number(sched, "threads");
	p->q[Q_AROUND] = field_number(time, "process_ns") - wall;
	p->q[Q_SETTLE] = field_number(time, "settle_ns");
	p->q[Q_SPIN] = field_number(time, "spin_ns");
	if (ops > 0) {
		p->q[Q_WALL] = wall / ops;
		p->q[Q_CPU] = cpu / ops;
		p->q[Q_SWITCHES] = (field_number(sched, "vcsw") + field_number(sched, "ivcsw")) / ops;
		p->q[Q_OWN_SWITCHES] = field_number(json_object_get(sample, "runtime"), "switches") / ops;
	}
	fill_memory(p, json_object_get(memory, "per_task"));
	if (json_is_object(load)) {
		p->q[Q_BUSY] = cpu / (wall * fmax(field_number(sample, "workers"), 1));
		p->q[Q_RATE] = ops / wall * 1e9;
		p->q[Q_LITTLE] = ops / wall * field_number(json_object_get(load, "latency"), "mean") /
				 field_number(load, "in_flight");
		p->q[Q_GENERATOR] = field_number(json_object_get(load, "generator"), "busy");
		p->q[Q_P50] = percentile_of(json_object_get(load, "latency"), "p50");
		p->q[Q_P99] = percentile_of(json_object_get(load, "latency"), "p99");
	} else if (json_is_object(delays)) {
		p->q[Q_P50] = percentile_of(delays, "p50");
		p->q[Q_P99] = percentile_of(delays, "p99");
	}
}

/* Keep the sample as its round's point; of several attempts the last one (M3). */
static int keep_point(struct point_list *list, const json_t *sample)
{
	struct point p, *slot = NULL;

	fill_point(&p, sample);
	for (size_t i = 0; i < list->n && !slot; i++)
		if (list->at[i].round == p.round)
			slot = &list->at[i];
	if (slot && slot->attempt > p.attempt)
		return 0;
	if (!slot && list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 16;
		struct point *bigger = realloc(list->at, cap * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		list->at = bigger;
		list->cap = cap;
	}
	if (!slot)
		slot = &list->at[list->n++];
	*slot = p;
	return 0;
}

static int by_round(const void *a, const void *b)
{
	long x = ((const struct point *)a)->round, y = ((const struct point *)b)->round;

	return (x > y) - (x < y);
}

/*
 * Times are above 0. Memory need not be: it is the difference of two system-wide readings, and of tasks that need next
 * to nothing it can come out below 0. To drop those would be to drop by value (M4).
 */
static bool has_value(const json_t *sample)
{
	const json_t *metric = json_object_get(sample, "metric");
	double value = field_number(metric, "value");

	return value > 0 || (isfinite(value) && strcmp(field_text(metric, "name", ""), "bytes_per_task") == 0);
}

static int read_sample(struct report *r, const json_t *sample)
{
	const char *kind = field_text(sample, "kind", ""), *status = field_text(sample, "status", "");
	const char *id = field_text(sample, "cell", "?"), *why = field_text(sample, "why", NULL);
	long seq = field_whole(sample, "seq", -1);
	struct series *s = series_of(r, sample);
	enum status_count st = count_status(status);

	if (!s) {
		exclude(r, id, "sample %ld of subject %s is not in the plan of run.json", seq,
			field_text(sample, "subject", "?"));
		return 0;
	}
	if (st != ST_OK) {
		s->by_status[st]++;
		if (why && !s->whys[st])
			s->whys[st] = why;
		return 0;
	}
	if (strcmp(kind, "counted") == 0)
		return keep_point(&s->counted, sample);
	if (strcmp(kind, "smoke") == 0)
		s->status = "smoke";
	if (strcmp(kind, "timed") != 0)
		return 0;
	if (!has_value(sample)) {
		exclude(r, id, "sample %ld of %s is ok and has no value", seq, s->subject);
		return 0;
	}
	s->by_status[ST_OK]++;
	return keep_point(&s->timed, sample);
}

/* Why a series has no number, in the order of what a reader most wants to know. */
static void settle_status(struct series *s)
{
	static const struct {
		enum status_count of;
		const char *status;
	} order[] = {{ST_UNSUPPORTED, "unsupported"},
		     {ST_TOO_SLOW, "too_slow"},
		     {ST_MISMATCH, "failed"},
		     {ST_FAILED, "failed"},
		     {ST_VOID, "void"}};

	if (s->timed.n > 0) {
		s->status = "ok";
		return;
	}
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (s->by_status[order[i].of]) {
			s->status = order[i].status;
			s->why = s->whys[order[i].of] ? s->whys[order[i].of] : "no reason given";
			return;
		}
	if (s->status) {
		s->why = "its certificate is right; smoke samples are not timed";
		return;
	}
	s->status = "not_measured";
	s->why = s->by_status[ST_REQUEUED] ? "every round was disturbed and none was repeated"
					   : "the run ended before it";
}

/* Samples of a series that has others: how many, and the first reason. */
static void exclude_some(struct report *r, const char *what, const struct series *s, enum status_count of,
			 const char *word)
{
	size_t all = s->by_status[ST_OK] + s->by_status[ST_VOID] + s->by_status[ST_FAILED] + s->by_status[ST_MISMATCH];

	if (s->by_status[of])
		exclude(r, what, "%zu of %zu samples %s: %s", s->by_status[of], all, word,
			s->whys[of] ? s->whys[of] : "no reason given");
}

static void exclude_of_series(struct report *r, const struct cell *c, const struct series *s)
{
	char what[400];

	snprintf(what, sizeof(what), "%s: %s%s", c->id, s->subject, s->is_twin ? "'" : "");
	if (strcmp(s->status, "ok") == 0) {
		exclude_some(r, what, s, ST_FAILED, "failed");
		exclude_some(r, what, s, ST_MISMATCH, "did other work than they should");
		exclude_some(r, what, s, ST_VOID, "are void");
	} else if (strcmp(s->status, "smoke") != 0) {
		exclude(r, what, "%s: %s",
			strcmp(s->status, "too_slow") == 0       ? "too slow here"
			: strcmp(s->status, "not_measured") == 0 ? "not measured"
								 : s->status,
			s->why);
	}
}

/* Rounds that were measured again because others used the CPUs, one note per cell. */
static void exclude_requeued(struct report *r, const struct cell *c)
{
	size_t samples = 0;

	for (size_t i = 0; i < c->n_series; i++)
		samples += c->series[i].by_status[ST_REQUEUED];
	if (samples)
		exclude(r, c->id,
			"%zu samples of disturbed rounds were measured again; they are in samples.jsonl and in no "
			"result",
			samples);
}

static void total_up(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		for (size_t j = 0; j < c->n_series; j++) {
			struct series *s = &c->series[j];

			if (s->timed.n > 1)
				qsort(s->timed.at, s->timed.n, sizeof(*s->timed.at), by_round);
			if (s->counted.n > 1)
				qsort(s->counted.at, s->counted.n, sizeof(*s->counted.at), by_round);
			settle_status(s);
			exclude_of_series(r, c, s);
			r->samples_ok += s->timed.n + s->counted.n;
			r->requeued += s->by_status[ST_REQUEUED];
			r->failed += s->by_status[ST_FAILED] + s->by_status[ST_MISMATCH];
			r->voided += s->by_status[ST_VOID];
			r->unsupported += strcmp(s->status, "unsupported") == 0 && !s->is_twin;
			for (size_t k = 0; k < s->timed.n; k++) {
				s->n_contaminated += s->timed.at[k].contaminated;
				s->n_unsettled += s->timed.at[k].unsettled;
			}
			r->timed += s->timed.n;
			r->contaminated += s->n_contaminated;
			r->unsettled += s->n_unsettled;
		}
		exclude_requeued(r, c);
	}
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
		rc = read_sample(r, sample);
		if (rc) {
			err_set(err, rc, "out of memory");
			goto fail;
		}
	}
	total_up(r);
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
		}
		free(r->cells[i].series);
	}
	for (size_t i = 0; i < r->n_excluded; i++) {
		free(r->excluded[i].what);
		free(r->excluded[i].why);
	}
	free(r->cells);
	free(r->workloads);
	free(r->comparisons);
	free(r->twins);
	free(r->slopes);
	free(r->scalings);
	free(r->counters);
	free(r->figures);
	free(r->costs);
	free(r->plots);
	free(r->excluded);
	json_decref(r->noise_reasons);
	json_decref(r->run);
	json_decref(r->samples);
	json_decref(r->warnings);
	free(r);
}
