/*
 * json.c - report.json (docs/records.md): the same numbers as the pages, for programs.
 */
#include "harness/report/parts.h"

#include <math.h>
#include <string.h>

json_t *json_number_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

json_t *json_by_id(const json_t *list, const char *id)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (strcmp(field_text(item, "id", ""), id) == 0)
			return item;
	return NULL;
}

static json_t *text(const char *s)
{
	return s ? json_string(s) : json_null();
}

static json_t *copy_of(const json_t *value)
{
	return value ? json_deep_copy(value) : json_null();
}

static json_t *copy(const json_t *object, const char *key)
{
	return copy_of(json_object_get(object, key));
}

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void put_interval(json_t *o, bool has, double lo, double hi, double level)
{
	put(o, "ci_low", has ? json_number_or_null(lo) : json_null());
	put(o, "ci_high", has ? json_number_or_null(hi) : json_null());
	put(o, "ci_level", has ? json_number_or_null(level) : json_null());
}

/* The metric of each timed process, in order of rounds: what `compare` needs of a report that stands alone. */
static json_t *values_json(const struct series *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->timed.n; i++)
		if (isfinite(s->timed.at[i].q[Q_VALUE]))
			json_array_append_new(list, json_number_or_null(s->timed.at[i].q[Q_VALUE]));
	return list;
}

/* The other quantities of a series: the median as `name`, its interval as `name`_ci_low and `name`_ci_high. */
static void put_quantities(json_t *o, const struct series *s)
{
	static const struct {
		enum quantity q;
		const char *name;
		bool always; /* null where there is none; the others are left out then */
	} table[] = {
		{Q_WALL, "wall_per_op_ns", true},
		{Q_CPU, "cpu_per_op_ns", true},
		{Q_SWITCHES, "kernel_switches_per_op", true},
		{Q_THREADS, "threads", true},
		{Q_OWN_SWITCHES, "own_switches_per_op", false},
		{Q_BUSY, "server_busy", false},
		{Q_GENERATOR, "generator_busy", false},
		{Q_RATE, "requests_per_s", false},
		{Q_OFFERED, "offered_per_s", false},
		{Q_OWN_SHARE, "of_own_knee", false},
		{Q_LITTLE, "littles_law", false},
		{Q_P50, "latency_p50_ns", false},
		{Q_P99, "latency_p99_ns", false},
		{Q_P99_9, "latency_p99_9_ns", false},
		{Q_MEM_RSS, "rss_bytes", false},
		{Q_MEM_PAGETABLE, "pagetable_bytes", false},
		{Q_MEM_KSTACK, "kstack_bytes", false},
		{Q_MEM_KSTACK_COMPUTED, "kstack_computed_bytes", false},
		{Q_MEM_SLAB, "slab_bytes", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct stats_estimate *e = EST(s, table[i].q);
		char key[64];

		if (e->n == 0 && !table[i].always)
			continue;
		put(o, table[i].name, json_number_or_null(e->median));
		snprintf(key, sizeof(key), "%s_ci_low", table[i].name);
		put(o, key, e->has_interval ? json_number_or_null(e->lo) : json_null());
		snprintf(key, sizeof(key), "%s_ci_high", table[i].name);
		put(o, key, e->has_interval ? json_number_or_null(e->hi) : json_null());
	}
}

static json_t *series_json(const struct series *s)
{
	const struct stats_estimate *e = EST(s, Q_VALUE);
	json_t *o = json_object();

	put(o, "id", text(s->subject));
	put(o, "is_twin", json_boolean(s->is_twin));
	put(o, "n", json_integer((json_int_t)e->n));
	put(o, "median", json_number_or_null(e->median));
	put_interval(o, e->has_interval, e->lo, e->hi, e->level);
	put(o, "min", json_number_or_null(e->min));
	put(o, "max", json_number_or_null(e->max));
	put(o, "mad_pct", json_number_or_null(e->mad / e->median * 100));
	put_quantities(o, s);
	put(o, "rank_group", s->rank_group ? json_integer(s->rank_group) : json_null());
	put(o, "n_contaminated", json_integer((json_int_t)s->n_contaminated));
	put(o, "n_unsettled", json_integer((json_int_t)s->n_unsettled));
	put(o, "n_requeued", json_integer((json_int_t)s->by_status[ST_REQUEUED]));
	put(o, "n_mismatch", json_integer((json_int_t)s->by_status[ST_MISMATCH]));
	put(o, "steady", steadiness_json(s));
	put(o, "status", text(s->status));
	put(o, "why", text(s->why));
	put(o, "values", values_json(s));
	return o;
}

static json_t *cells_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];
		json_t *o = json_object(), *subjects = json_array();

		put(o, "id", text(c->id));
		put(o, "workload", text(c->workload));
		put(o, "version", copy(c->json, "version"));
		put(o, "params", copy(c->json, "params"));
		put(o, "placement", text(c->placement));
		put(o, "workers", json_integer(c->workers));
		put(o, "metric", text(c->metric));
		put(o, "unit", text(c->unit));
		put(o, "better", text("lower"));
		put(o, "floor_pct", c->twin ? json_number_or_null(c->twin->cmp.half_width * 100) : json_null());
		put(o, "twin_differs", c->twin && c->twin->known ? json_boolean(c->twin->differs) : json_null());
		for (size_t j = 0; j < c->n_series; j++)
			json_array_append_new(subjects, series_json(&c->series[j]));
		put(o, "subjects", subjects);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *verdict_reasons_json(const struct verdict *v)
{
	json_t *list = json_array();

	for (unsigned bit = 1; bit < REASON_MAX; bit <<= 1)
		if (v->reasons & bit)
			json_array_append_new(list, text(verdict_reason_code(bit)));
	return list;
}

/* The same without the rounds that were disturbed; null where none was. */
static json_t *clean_json(const struct comparison *c)
{
	json_t *o;

	if (!(c->contaminated_share > 0))
		return json_null();
	o = json_object();
	put(o, "n_pairs", json_integer((json_int_t)c->clean.n));
	put(o, "ratio", json_number_or_null(c->clean.n ? c->clean.ratio : NAN));
	put_interval(o, c->clean.has_interval, c->clean.lo, c->clean.hi, c->clean.level);
	put(o, "verdict", text(verdict_name(c->clean_verdict.kind)));
	put(o, "reasons", verdict_reasons_json(&c->clean_verdict));
	return o;
}

static json_t *comparisons_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_comparisons; i++) {
		const struct comparison *c = &r->comparisons[i];
		json_t *o = json_object();

		put(o, "cell", text(c->cell->id));
		put(o, "base", text(c->base->subject));
		put(o, "subject", text(c->subject->subject));
		put(o, "ratio", json_number_or_null(c->cmp.ratio));
		put_interval(o, c->cmp.has_interval, c->cmp.lo, c->cmp.hi, c->cmp.level);
		put(o, "adj", text("bonferroni"));
		put(o, "m", json_integer(c->m));
		put(o, "look", c->look ? json_integer(c->look->rounds) : json_null());
		put(o, "alpha", json_number_or_null(c->look ? c->look->alpha : 1 - VERDICT_LEVEL));
		put(o, "n_pairs", json_integer((json_int_t)c->cmp.n));
		put(o, "ties", json_integer((json_int_t)c->cmp.ties));
		put(o, "margin", json_number_or_null(VERDICT_MARGIN));
		put(o, "floor_pct",
		    c->cell->twin ? json_number_or_null(c->cell->twin->cmp.half_width * 100) : json_null());
		put(o, "contaminated_share", json_number_or_null(c->contaminated_share));
		put(o, "mde_pct", json_number_or_null(c->verdict.mde * 100));
		put(o, "verdict", text(verdict_name(c->verdict.kind)));
		put(o, "near_edge", json_number_or_null(c->verdict.near_edge));
		put(o, "reasons", verdict_reasons_json(&c->verdict));
		put(o, "without_contaminated", clean_json(c));
		put(o, "more_rounds_needed",
		    c->verdict.more_rounds ? json_integer((json_int_t)c->verdict.more_rounds) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *twins_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_twins; i++) {
		const struct twin *t = &r->twins[i];
		json_t *o = json_object();

		put(o, "cell", text(t->cell->id));
		put(o, "subject", text(t->subject));
		put(o, "ratio", json_number_or_null(t->cmp.ratio));
		put_interval(o, t->cmp.has_interval, t->cmp.lo, t->cmp.hi, t->cmp.level);
		put(o, "half_width_pct", json_number_or_null(t->cmp.half_width * 100));
		put(o, "n_pairs", json_integer((json_int_t)t->cmp.n));
		put(o, "differs", t->known ? json_boolean(t->differs) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *fit_json(const struct theil_sen *f)
{
	json_t *o = json_object();

	put(o, "bytes_per_task", json_number_or_null(f->slope));
	put_interval(o, f->has_interval, f->lo, f->hi, f->level);
	put(o, "intercept_bytes", json_number_or_null(f->intercept));
	put(o, "intercept_ci_low", f->intercept_has_interval ? json_number_or_null(f->intercept_lo) : json_null());
	put(o, "intercept_ci_high", f->intercept_has_interval ? json_number_or_null(f->intercept_hi) : json_null());
	put(o, "n", json_integer((json_int_t)f->n));
	return o;
}

static json_t *slopes_json(const struct report *r)
{
	static const char *const names[MEM_PARTS] = {"total", "rss", "pagetable", "kstack", "slab", "pss", "sockets"};
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_slopes; i++) {
		const struct slope *s = &r->slopes[i];
		json_t *o = s->ok[MEM_TOTAL] ? fit_json(&s->fit[MEM_TOTAL]) : json_object(), *parts = json_object();

		put(o, "workload", text(s->cell->workload));
		put(o, "subject", text(s->subject));
		put(o, "params", text(s->params));
		put(o, "tasks_min", json_number_or_null(s->x_min));
		put(o, "tasks_max", json_number_or_null(s->x_max));
		for (int part = MEM_RSS; part < MEM_PARTS; part++)
			put(parts, names[part], s->ok[part] ? fit_json(&s->fit[part]) : json_null());
		put(o, "parts", parts);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *limits_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_limits; i++) {
		const struct limit *l = &r->limits[i];
		json_t *o = json_object();

		put(o, "cell", text(l->cell->id));
		put(o, "subject", text(l->subject));
		put(o, "name", text(l->name));
		put(o, "where", text(l->where));
		put(o, "limit", json_number_or_null(l->limit));
		put(o, "used", json_number_or_null(l->used));
		put(o, "tasks_least", json_number_or_null(l->least_tasks));
		put(o, "tasks_most", json_number_or_null(l->most_tasks));
		put(o, "samples", json_integer((json_int_t)l->n));
		put(o, "of", json_integer((json_int_t)l->of));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *counters_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_counters; i++) {
		const struct counter *c = &r->counters[i];
		json_t *o = json_object();

		put(o, "cell", text(c->cell->id));
		put(o, "subject", text(c->subject));
		put(o, "name", text(c->name));
		put(o, "fstr", text(c->fstr));
		put(o, "scope", text(c->scope));
		put(o, "n", json_integer((json_int_t)c->per_op.n));
		put(o, "per_op", json_number_or_null(c->per_op.median));
		put_interval(o, c->per_op.has_interval, c->per_op.lo, c->per_op.hi, c->per_op.level);
		put(o, "per_kernel_switch", json_number_or_null(c->per_kernel_switch.median));
		put(o, "per_own_switch", json_number_or_null(c->per_own_switch.median));
		put(o, "running_share", json_number_or_null(c->running));
		put(o, "why", text(c->why));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *figures_json(const struct side_figure *figures, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct side_figure *f = &figures[i];
		json_t *o = json_object();

		put(o, "cell", text(f->cell->id));
		put(o, "subject", text(f->subject));
		put(o, "name", text(f->name));
		put(o, "n", json_integer((json_int_t)f->value.n));
		put(o, "median", json_number_or_null(f->value.median));
		put_interval(o, f->value.has_interval, f->value.lo, f->value.hi, f->value.level);
		put(o, "min", json_number_or_null(f->value.min));
		put(o, "max", json_number_or_null(f->value.max));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *costs_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_costs; i++) {
		const struct stats_estimate *e = &r->costs[i].ratio;

		json_t *o = json_pack("{s:s,s:o,s:o,s:o,s:i}", "subject", r->costs[i].subject, "ratio",
				      json_number_or_null(e->median), "min", json_number_or_null(e->min), "max",
				      json_number_or_null(e->max), "cells", (int)e->n);

		put_interval(o, e->has_interval, e->lo, e->hi, e->level);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *plots_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_plots; i++) {
		const struct plot *p = &r->plots[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:s,s:o,s:o,s:s,s:s}", "id", p->id, "title", p->title, "alt",
						p->alt, "svg", p->drawn ? text(p->svg) : json_null(), "png",
						p->drawn ? text(p->png) : json_null(), "gp", p->gp, "dat", p->dat));
	}
	return list;
}

static json_t *excluded_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_excluded; i++)
		json_array_append_new(list,
				      json_pack("{s:s,s:s}", "what", r->excluded[i].what, "why", r->excluded[i].why));
	return list;
}

/* Which binary each subject was; what it says of itself is in run.json. */
static json_t *subjects_json(const struct report *r)
{
	static const char *const keys[] = {"id", "model", "knobs", "path", "sha256"};
	static const char *const told[] = {"language", "version", "year"};
	json_t *list = json_array(), *subject;
	size_t i;

	json_array_foreach (json_object_get(r->run, "subjects"), i, subject) {
		json_t *o = json_object();

		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			put(o, keys[k], copy(subject, keys[k]));
		for (size_t k = 0; k < sizeof(told) / sizeof(told[0]); k++)
			put(o, told[k], copy(json_object_get(subject, "describe"), told[k]));
		put(o, "stack", copy_of(runtime_told(r, field_text(subject, "id", ""), "stack", NULL)));
		put(o, "settings", copy_of(runtime_told(r, field_text(subject, "id", ""), "knobs", NULL)));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *run_json(const struct report *r)
{
	static const char *const keys[] = {"run_id", "command", "seed", "started", "finished", "complete"};
	json_t *o = json_object(), *plan = json_object_get(r->run, "plan");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put(o, keys[i], copy(r->run, keys[i]));
	put(o, "plan", copy(plan, "name"));
	put(o, "rounds", copy(plan, "rounds"));
	put(o, "request", copy(r->run, "request")); /* replay needs it, where the report stands alone */
	put(o, "budget_s", copy(plan, "budget_s"));
	put(o, "looks", copy(plan, "looks"));
	return o;
}

json_t *report_json(const struct report *r)
{
	json_t *o = json_object(), *summary = json_object(), *stamp = json_object();

	put(o, "schema", text("switchyard.report/1"));
	put(o, "tool", copy(r->run, "tool"));
	put(o, "run", run_json(r));
	put(o, "host", copy(r->run, "host"));
	put(o, "subjects", subjects_json(r));
	put(o, "not_built", copy(r->run, "not_built"));
	put(stamp, "state", text(r->noisy ? "noisy" : "clean"));
	put(stamp, "reasons", json_deep_copy(r->noise_reasons));
	put(o, "stamp", stamp);
	put(summary, "cells", json_integer((json_int_t)r->n_cells));
	put(summary, "samples_ok", json_integer((json_int_t)r->samples_ok));
	put(summary, "timed", json_integer((json_int_t)r->timed));
	put(summary, "unsettled", json_integer((json_int_t)r->unsettled));
	put(summary, "contaminated", json_integer((json_int_t)r->contaminated));
	put(summary, "requeued", json_integer((json_int_t)r->requeued));
	put(summary, "void", json_integer((json_int_t)r->voided));
	put(summary, "failed", json_integer((json_int_t)r->failed));
	put(summary, "unsupported", json_integer((json_int_t)r->unsupported));
	put(o, "summary", summary);
	put(o, "cells", cells_json(r));
	put(o, "comparisons", comparisons_json(r));
	put(o, "twins", twins_json(r));
	put(o, "scaling", scaling_json(r));
	put(o, "knees", knees_json(r));
	put(o, "memory_slopes", slopes_json(r));
	put(o, "limits", limits_json(r));
	put(o, "counters", counters_json(r));
	put(o, "figures", figures_json(r->figures, r->n_figures));
	put(o, "ratios", figures_json(r->ratios, r->n_ratios));
	put(o, "simulated", simulated_json(r));
	put(o, "timelines", timelines_json(r));
	put(o, "counted_over_timed", costs_json(r));
	put(o, "questions", questions_json(r));
	put(o, "plots", plots_json(r));
	put(o, "excluded", excluded_json(r));
	put(o, "warnings", r->warnings ? json_deep_copy(r->warnings) : json_array());
	return o;
}
