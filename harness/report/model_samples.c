/*
 * model_samples.c - from lines of samples.jsonl to points (the plan's part: model.c; invariants: model.h).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model_internal.h"

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

const json_t *sample_latencies(const json_t *sample)
{
	const json_t *load = json_object_get(sample, "load");

	return json_object_get(json_is_object(load) ? load : sample, json_is_object(load) ? "latency" : "delays");
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
	const json_t *memory = json_object_get(sample, "memory"), *latencies = sample_latencies(sample);
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
		p->q[Q_OFFERED] = field_number(load, "rate");
		p->q[Q_OWN_SHARE] = p->q[Q_OFFERED] / field_number(json_object_get(load, "knee"), "own_per_s");
		p->q[Q_LITTLE] = ops / wall * field_number(json_object_get(load, "latency"), "mean") /
				 field_number(load, "in_flight");
		p->q[Q_GENERATOR] = field_number(json_object_get(load, "generator"), "busy");
	}
	p->q[Q_P50] = percentile_of(latencies, "p50");
	p->q[Q_P99] = percentile_of(latencies, "p99");
	p->q[Q_P99_9] = percentile_of(latencies, "p99_9");
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

int model_read_sample(struct report *r, const json_t *sample)
{
	const char *kind = field_text(sample, "kind", ""), *status = field_text(sample, "status", "");
	const char *id = field_text(sample, "cell", "?"), *why = field_text(sample, "why", NULL);
	long seq = field_whole(sample, "seq", -1);
	struct series *s = series_of(r, sample);
	enum status_count st = count_status(status);

	if (!s) {
		model_exclude(r, id, "sample %ld of subject %s is not in the plan of run.json", seq,
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
	if (strcmp(kind, "simulated") == 0)
		return keep_point(&s->simulated, sample);
	if (strcmp(kind, "traced") == 0)
		return keep_point(&s->traced, sample);
	if (strcmp(kind, "calibrate") == 0 && json_is_object(json_object_get(sample, "load")))
		return keep_point(&s->knees, sample);
	if (strcmp(kind, "smoke") == 0)
		s->status = "smoke";
	if (strcmp(kind, "timed") != 0)
		return 0;
	if (!has_value(sample)) {
		model_exclude(r, id, "sample %ld of %s is ok and has no value", seq, s->subject);
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
		model_exclude(r, what, "%zu of %zu samples %s: %s", s->by_status[of], all, word,
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
		model_exclude(r, what, "%s: %s",
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
		model_exclude(
			r, c->id,
			"%zu samples of disturbed rounds were measured again; they are in samples.jsonl and in no "
			"result",
			samples);
}

void model_settle(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		for (size_t j = 0; j < c->n_series; j++) {
			struct series *s = &c->series[j];

			if (s->timed.n > 1)
				qsort(s->timed.at, s->timed.n, sizeof(*s->timed.at), by_round);
			if (s->counted.n > 1)
				qsort(s->counted.at, s->counted.n, sizeof(*s->counted.at), by_round);
			if (s->simulated.n > 1)
				qsort(s->simulated.at, s->simulated.n, sizeof(*s->simulated.at), by_round);
			if (s->traced.n > 1)
				qsort(s->traced.at, s->traced.n, sizeof(*s->traced.at), by_round);
			settle_status(s);
			if (field_whole(c->json, "rounds", 1) == 0 && strcmp(s->status, "not_measured") == 0)
				s->why = "no timed samples were asked for"; /* so that nothing was left out */
			else
				exclude_of_series(r, c, s);
			r->samples_ok += s->timed.n + s->counted.n + s->simulated.n + s->traced.n;
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
