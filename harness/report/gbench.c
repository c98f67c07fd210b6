/*
 * gbench.c - a run in the shape of google-benchmark's JSON (json_schema_version 1), for compare.py and what else reads it:
 * each timed process is a repetition ("run_type":"iteration") of the benchmark workload/parameters/placement/subject, and
 * the medians follow as aggregates.
 *
 * Two things are done otherwise than there. Numbers are JSON: what is not known is null, never NaN. And memory cells are
 * left out, for the shape has times only; context.left_out names them. The intervals and verdicts of report.json have no
 * place here at all.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/parts.h"

/* The name that the Go text has, without its last dash and number. */
static char *name_of(const struct cell *c, const struct series *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	benchstat_name(out, c->json, s->subject, s->is_twin);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	if (text && strrchr(text, '-'))
		*strrchr(text, '-') = '\0';
	return text;
}

struct place {
	const char *name;
	const struct cell *cell;
	const struct series *series;
	size_t family;
};

static json_t *common(const struct place *p, const char *name, const char *run_type)
{
	return json_pack("{s:s, s:I, s:i, s:s, s:s, s:I, s:I, s:s}", "name", name, "family_index",
			 (json_int_t)p->family, "per_family_instance_index", 0, "run_name", p->name, "run_type",
			 run_type, "repetitions", (json_int_t)p->series->timed.n, "threads",
			 (json_int_t)(p->cell->workers > 0 ? p->cell->workers : 1), "time_unit", "ns");
}

static json_t *repetition(const struct place *p, const struct point *point, size_t index)
{
	json_t *o = common(p, p->name, "iteration");

	json_object_set_new(o, "repetition_index", json_integer((json_int_t)index));
	json_object_set_new(o, "iterations", point->ops > 0 ? json_integer((json_int_t)point->ops) : json_null());
	json_object_set_new(o, "real_time", json_number_or_null(point->q[Q_WALL]));
	json_object_set_new(o, "cpu_time", json_number_or_null(point->q[Q_CPU]));
	json_object_set_new(o, "kernel_switches", json_number_or_null(point->q[Q_SWITCHES]));
	json_object_set_new(o, "value", json_number_or_null(point->q[Q_VALUE]));
	json_object_set_new(o, "contaminated", json_boolean(point->contaminated));
	return o;
}

static json_t *median(const struct place *p)
{
	char name[700];
	json_t *o;

	snprintf(name, sizeof(name), "%s_median", p->name);
	o = common(p, name, "aggregate");
	json_object_set_new(o, "aggregate_name", json_string("median"));
	json_object_set_new(o, "aggregate_unit", json_string("time"));
	json_object_set_new(o, "iterations", json_integer((json_int_t)p->series->timed.n));
	json_object_set_new(o, "real_time", json_number_or_null(EST(p->series, Q_WALL)->median));
	json_object_set_new(o, "cpu_time", json_number_or_null(EST(p->series, Q_CPU)->median));
	json_object_set_new(o, "kernel_switches", json_number_or_null(EST(p->series, Q_SWITCHES)->median));
	json_object_set_new(o, "value", json_number_or_null(EST(p->series, Q_VALUE)->median));
	return o;
}

static void add_series(json_t *list, const struct cell *c, const struct series *s, size_t family)
{
	char *name = name_of(c, s);
	struct place p = {name, c, s, family};

	for (size_t i = 0; name && i < s->timed.n; i++)
		json_array_append_new(list, repetition(&p, &s->timed.at[i], i));
	if (name)
		json_array_append_new(list, median(&p));
	free(name);
}

/* google-benchmark's caches have a level, a type and a size in bytes. */
static json_t *caches_of(const json_t *host)
{
	json_t *list = json_array(), *cache;
	size_t i;

	json_array_foreach (json_object_get(host, "caches"), i, cache)
		json_array_append_new(list, json_pack("{s:O?, s:O?, s:O?}", "level", json_object_get(cache, "level"),
						      "type", json_object_get(cache, "type"), "size",
						      json_object_get(cache, "bytes")));
	return list;
}

static json_t *context_of(const struct report *r, json_t *left_out)
{
	const json_t *host = json_object_get(r->run, "host"), *tool = json_object_get(r->run, "tool");
	const char *governor = field_text(host, "governor", NULL);

	return json_pack("{s:s, s:s, s:s, s:O?, s:o, s:o, s:[O?], s:s, s:s, s:i, s:s, s:O?, s:O?, s:O?, s:o}", "date",
			 field_text(r->run, "started", ""), "host_name", field_text(host, "hostname", ""), "executable",
			 "switchyard", "num_cpus", json_object_get(host, "vcpus"), "cpu_scaling_enabled",
			 governor ? json_boolean(strcmp(governor, "performance") != 0) : json_null(), "caches",
			 caches_of(host), "load_avg", json_object_get(host, "loadavg1"), "library_version",
			 field_text(tool, "version", ""), "library_build_type",
			 strcmp(field_text(tool, "build_type", ""), "Release") == 0 ? "release" : "debug",
			 "json_schema_version", 1, "run_id", field_text(r->run, "run_id", ""), "seed",
			 json_object_get(r->run, "seed"), "git_rev", json_object_get(tool, "git_rev"), "git_dirty",
			 json_object_get(tool, "git_dirty"), "left_out", left_out);
}

void gbench_write(FILE *out, const struct report *r)
{
	json_t *list = json_array(), *left_out = json_array(), *whole;
	size_t family = 0;

	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		if (cell_is_memory(c))
			json_array_append_new(left_out, json_string(c->id));
		for (size_t j = 0; j < c->n_series && !cell_is_memory(c); j++)
			if (c->series[j].timed.n > 0)
				add_series(list, c, &c->series[j], family++);
	}
	whole = json_pack("{s:o, s:o}", "context", context_of(r, left_out), "benchmarks", list);
	json_dumpf(whole, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	fputc('\n', out);
	json_decref(whole);
}
