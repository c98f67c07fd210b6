#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/beside.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/plan_internal.h"
#include "harness/plan/simulate.h"
#include "harness/plan/traced.h"
#include "harness/stats/looks.h"

enum { MAX_CELLS = 20000 }; /* a plan with more is a mistake in an axis; arbitrary */

static const int64_t DEFAULT_REGION_NS = 200000000; /* middle of the 100-500 ms that calibration aims at */

/* ---- one cell -------------------------------------------------------------------------------------------- */

static char *make_id(const struct cell *cell)
{
	char *id = xstrdup(cell->workload->name);

	for (size_t i = 0; i < cell->workload->n_params; i++) {
		const char *name = cell->workload->params[i].name;
		char value[80], *longer;

		jsonx_scalar_text(json_object_get(cell->params, name), value, sizeof value);
		longer = xformat("%s %s=%s", id, name, value);
		free(id);
		id = longer;
	}
	return id;
}

static void cell_clear(struct cell *cell)
{
	free(cell->id);
	free(cell->group);
	json_decref(cell->params);
	json_decref(cell->event_sets);
}

/* Name what cannot be placed: once per workload and placement, a whole axis would say the same. */
static void note_skipped(struct builder *b, const struct cell *cell, const char *why)
{
	char *what = xformat("%s %s", cell->workload->name, placement_name(cell->placement));
	const json_t *seen;
	size_t i;

	json_array_foreach (b->plan->skipped, i, seen) {
		if (strcmp(jsonx_str(seen, "cell"), what) == 0) {
			free(what);
			return;
		}
	}
	json_array_append_new(b->plan->skipped, json_pack("{s:s, s:s}", "cell", what, "why", why));
	free(what);
}

static bool selected(const struct builder *b, const struct cell *cell, const struct subject *s, const char *kind)
{
	struct filter_item item = {
		.workload = cell->workload->name,
		.subject = s->id,
		.placement = placement_name(cell->placement),
		.kind = kind,
		.group = cell->group,
		.workers = cell->placed.workers,
		.params = cell->params,
	};
	size_t i = 0;

	while (i < b->options->n_subjects && strcmp(b->options->subjects[i], s->id) != 0)
		i++;
	if (b->options->n_subjects && i == b->options->n_subjects)
		return false;
	return !b->filter || filter_match(b->filter, &item);
}

/* Keep the subjects that the filter wants, and the kinds of samples. */
static void select_subjects(const struct builder *b, struct cell *cell)
{
	bool timed = false, counted = false, simulated = false, traced = false;
	size_t n = 0;

	for (size_t i = 0; i < cell->n_subjects; i++) {
		const struct subject *s = cell->subjects[i];
		bool t = selected(b, cell, s, b->options->smoke ? "smoke" : "timed");
		bool c = !b->options->smoke && selected(b, cell, s, "counted");
		bool m = cell->simulated && selected(b, cell, s, "simulated");
		bool l = cell->traced && s->can_trace && selected(b, cell, s, "traced");

		if (t || c || m || l)
			cell->subjects[n++] = s;
		timed |= t;
		counted |= c;
		simulated |= m;
		traced |= l;
	}
	cell->n_subjects = n;
	if (!timed)
		cell->rounds = 0;
	if (!counted)
		cell->counted = 0;
	if (!simulated)
		cell->simulated = 0;
	if (!traced)
		cell->traced = 0;
	for (size_t i = 0; i < n; i++)
		if (cell->subjects[i] == cell->base)
			return;
	/* The plan's base does not take part: the others are compared with the first of them. */
	cell->base = n > 1 ? cell->subjects[0] : NULL;
	cell->wants_twin = false;
}

static bool has_subject(const struct cell *cell, const struct subject *s)
{
	for (size_t i = 0; i < cell->n_subjects; i++)
		if (cell->subjects[i] == s)
			return true;
	return false;
}

/* Each subject's other build (beside.h) goes right behind it. */
static void add_old_builds(const struct builder *b, struct cell *cell)
{
	for (size_t i = 0; i < cell->n_subjects && cell->n_subjects < ORDER_MAX - 1; i++) {
		const struct subject *old = beside_of(b->catalog, cell->subjects[i]);

		if (!old || has_subject(cell, old) || !catalog_offers(b->catalog, old, cell->workload))
			continue;
		memmove(&cell->subjects[i + 2], &cell->subjects[i + 1],
			(cell->n_subjects - i - 1) * sizeof *cell->subjects);
		cell->subjects[++i] = old;
		cell->n_subjects++;
	}
}

static struct cell *known_cell(const struct plan *p, const char *id)
{
	for (size_t i = 0; i < p->n_cells; i++)
		if (strcmp(p->cells[i].id, id) == 0)
			return &p->cells[i];
	return NULL;
}

/* A sample for each set that either of them names. The array may be other cells', too. */
static void merge_event_sets(struct cell *known, const struct cell *cell)
{
	json_t *all = json_deep_copy(known->event_sets), *set;
	size_t i, k;

	json_array_foreach (cell->event_sets, i, set) {
		for (k = 0; k < json_array_size(all) && !json_equal(json_array_get(all, k), set); k++)
			;
		if (k == json_array_size(all))
			json_array_append(all, set);
	}
	json_decref(known->event_sets);
	known->event_sets = all;
	if (known->counted && known->counted < json_array_size(all))
		known->counted = (unsigned)json_array_size(all);
}

/* A cell that two groups name: what the second wants more than the first. */
static void merge_cell(struct cell *known, const struct cell *cell)
{
	for (size_t i = 0; i < cell->n_subjects && known->n_subjects < ORDER_MAX - 1; i++)
		if (!has_subject(known, cell->subjects[i]))
			known->subjects[known->n_subjects++] = cell->subjects[i];
	known->rounds = cell->rounds > known->rounds ? cell->rounds : known->rounds;
	known->counted = cell->counted > known->counted ? cell->counted : known->counted;
	known->simulated = cell->simulated > known->simulated ? cell->simulated : known->simulated;
	known->traced = cell->traced > known->traced ? cell->traced : known->traced;
	merge_event_sets(known, cell);
	if (!known->base)
		known->base = cell->base;
	/* All cells of the second group may be known: then there is no other that could carry its twin. */
	known->wants_twin |= cell->wants_twin;
}

int plan__add_cell(struct builder *b, struct cell cell, unsigned wanted)
{
	struct plan *p = b->plan;
	struct err why = {{0}};
	struct cell *known;
	char *name;
	int rc;

	if (++b->n_expanded > MAX_CELLS) {
		cell_clear(&cell);
		return err_set(b->err, -EINVAL, "plan: more than %d cells", MAX_CELLS);
	}
	rc = topology_place(b->topology, cell.placement, wanted, cell.workload->scaling == SCALING_SERVER, &cell.placed,
			    &why);
	if (rc == 0) {
		name = make_id(&cell);
		cell.id = xformat("%s %s w%u", name, placement_name(cell.placement), cell.placed.workers);
		free(name);
		if (b->options->with_simulated && simulate_refused(cell.workload))
			note_skipped(b, &cell, simulate_refused(cell.workload));
		if (b->options->with_traced && traced_refused(cell.workload))
			note_skipped(b, &cell, traced_refused(cell.workload));
		select_subjects(b, &cell);
		add_old_builds(b, &cell);
		known = known_cell(p, cell.id);
		if (known) {
			merge_cell(known, &cell);
		} else if (cell.n_subjects && (cell.rounds || cell.counted || cell.simulated || cell.traced)) {
			p->cells = xgrow(p->cells, p->n_cells + 1, sizeof *p->cells);
			p->cells[p->n_cells++] = cell;
			return 0;
		}
	} else if (rc == -ENOTSUP) {
		note_skipped(b, &cell, ERR_TEXT(why));
		rc = 0;
	} else {
		err_set(b->err, rc, "%s", ERR_TEXT(why));
	}
	cell_clear(&cell);
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static bool has_workload(const struct plan *p, const struct workload_def *w)
{
	for (size_t i = 0; i < p->n_cells; i++)
		if (p->cells[i].workload == w)
			return true;
	return false;
}

/* Workloads that the filter asks for and the plan does not have (smoke: all), with their default parameters. */
static int add_undescribed(struct builder *b)
{
	for (size_t i = 0; i < b->catalog->n_workloads; i++) {
		const struct workload_def *w = &b->catalog->workloads[i];
		json_t *file;
		int rc;

		if (has_workload(b->plan, w))
			continue;
		file = json_pack("{s:s}", "workload", w->name);
		rc = plan__add_group(b, file, false);
		json_decref(file);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_options(const struct builder *b)
{
	const struct plan_options *o = b->options;

	for (size_t i = 0; i < o->n_subjects; i++) {
		char known[300] = "";
		size_t used = 0;

		if (catalog_subject(b->catalog, o->subjects[i]))
			continue;
		for (size_t j = 0; j < b->catalog->n_subjects && used < sizeof known; j++)
			used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", j ? ", " : "",
						 b->catalog->subjects[j].id);
		return err_set(b->err, -EINVAL, "there is no subject '%.60s'; found are %s", o->subjects[i], known);
	}
	for (size_t i = 0; i < o->n_params; i++) {
		size_t n = strcspn(o->params[i], "="), j = 0;

		if (o->params[i][n] != '=')
			return err_set(b->err, -EINVAL, "--param '%.60s' is not of the form name=value", o->params[i]);
		while (j < b->catalog->n_param_keys && (strncmp(b->catalog->param_keys[j].name, o->params[i], n) != 0 ||
							b->catalog->param_keys[j].name[n]))
			j++;
		if (j == b->catalog->n_param_keys)
			return err_set(b->err, -EINVAL, "--param: no workload has a parameter '%.*s'",
				       n > 60 ? 60 : (int)n, o->params[i]);
	}
	return 0;
}

static void assign_twins(struct plan *p)
{
	for (size_t i = 0; i < p->n_cells; i++) {
		bool taken = !p->cells[i].wants_twin || !p->cells[i].base || p->cells[i].rounds == 0;

		for (size_t j = 0; j < i && !taken; j++)
			taken = p->cells[j].twin && strcmp(p->cells[j].group, p->cells[i].group) == 0;
		if (!taken)
			p->cells[i].twin = p->cells[i].base;
	}
}

static int fill(struct builder *b, const json_t *file)
{
	const json_t *group;
	size_t i;
	int rc;

	if (b->options->filter && *b->options->filter) {
		rc = filter_parse(b->options->filter, b->catalog->param_keys, b->catalog->n_param_keys, &b->filter,
				  b->err);
		if (rc)
			return rc;
	}
	rc = check_options(b);
	if (rc)
		return rc;
	if (!b->options->smoke) {
		json_array_foreach (json_object_get(file, "cells"), i, group) {
			rc = plan__add_group(b, group, true);
			if (rc)
				return rc;
		}
	}
	if (b->options->smoke || filter_names_workloads(b->filter)) {
		rc = add_undescribed(b);
		if (rc)
			return rc;
	}
	if (b->plan->n_cells == 0) {
		const json_t *skipped = json_array_get(b->plan->skipped, 0);

		if (skipped && !b->filter)
			return err_set(b->err, -ENOENT, "this machine cannot place any cell: %s",
				       jsonx_str(skipped, "why"));
		return err_set(b->err, -ENOENT, "nothing is selected: no cell of the plan matches%s%.200s%s",
			       b->options->filter ? " the filter '" : "", b->options->filter ? b->options->filter : "",
			       b->options->filter ? "'" : "");
	}
	return 0;
}

int plan_build(const json_t *file, struct catalog *c, const struct topology *t, const struct plan_options *o,
	       struct plan **out, struct err *err)
{
	struct builder b = {.catalog = c, .topology = t, .options = o, .err = err};
	int rc = o->smoke ? 0 : plan__check_file(file, err);

	*out = NULL;
	if (rc)
		return rc;
	b.plan = xcalloc(1, sizeof *b.plan);
	b.plan->name = xstrdup(o->smoke ? "smoke" : jsonx_str(file, "name") ? jsonx_str(file, "name") : "unnamed");
	b.plan->rounds = o->smoke ? 1 : o->rounds ? o->rounds : (unsigned)jsonx_int(file, "rounds", 9);
	b.plan->claims = (unsigned)jsonx_int(file, "claims", 0);
	b.plan->is_rigorous = o->is_rigorous;
	if (o->is_rigorous)
		b.plan->rounds = looks_all[LOOKS - 1].rounds;
	b.plan->budget_ns = jsonx_int(file, "budget_s", 540) * 1000000000;
	b.plan->region_ns = file && json_object_get(file, "region_ms") ? jsonx_int(file, "region_ms", 0) * 1000000
								       : DEFAULT_REGION_NS;
	b.plan->skipped = json_array();
	rc = plan__add_variants(c, file, o, err);
	if (rc == 0)
		rc = fill(&b, file);
	filter_free(b.filter);
	if (rc) {
		plan_free(b.plan);
		return rc;
	}
	assign_twins(b.plan);
	*out = b.plan;
	return 0;
}

static bool is_listed(const char *const *ids, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return false;
}

int plan_keep(struct plan *p, const char *const *ids, size_t n, struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!known_cell(p, ids[i]))
			return err_set(err, -ENOENT, "there is no cell '%.200s' in the plan", ids[i]);
	for (size_t i = 0; i < p->n_cells; i++) {
		if (is_listed(ids, n, p->cells[i].id))
			p->cells[kept++] = p->cells[i];
		else
			cell_clear(&p->cells[i]);
	}
	p->n_cells = kept;
	return 0;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_cells; i++)
		cell_clear(&p->cells[i]);
	free(p->cells);
	free(p->name);
	json_decref(p->skipped);
	free(p);
}

int64_t plan_region_ns(const struct plan *p, const struct cell *cell)
{
	return cell->region_ns ? cell->region_ns : p->region_ns;
}

size_t cell_entries(const struct cell *cell)
{
	return cell->n_subjects + (cell->twin ? 1 : 0);
}

const struct subject *cell_entry(const struct cell *cell, size_t i, bool *is_twin)
{
	*is_twin = i == cell->n_subjects;
	return *is_twin ? cell->twin : cell->subjects[i];
}

json_t *cell_json(const struct cell *cell)
{
	json_t *subjects = json_array(), *o;

	for (size_t i = 0; i < cell->n_subjects; i++)
		json_array_append_new(subjects, json_string(cell->subjects[i]->id));
	o = json_pack("{s:s, s:s, s:i, s:O, s:s, s:o, s:o, s:i, s:o, s:s?, s:s?, s:s, s:s, s:s, s:s, s:i, s:i, s:O, "
		      "s:i, s:i}",
		      "id", cell->id, "workload", cell->workload->name, "version", cell->workload->version, "params",
		      cell->params, "placement", placement_name(cell->placement), "cpus",
		      cpuset_json(&cell->placed.subject), "load_cpus", cpuset_json(&cell->placed.load), "workers",
		      (int)cell->placed.workers, "subjects", subjects, "base", cell->base ? cell->base->id : NULL,
		      "twin", cell->twin ? cell->twin->id : NULL, "metric", metric_name(cell->workload->metric), "unit",
		      metric_unit(cell->workload->metric), "scaling", scaling_name(cell->workload->scaling), "group",
		      cell->group, "rounds", (int)cell->rounds, "counted", (int)cell->counted, "event_sets",
		      cell->event_sets, "simulated", (int)cell->simulated, "traced", (int)cell->traced);
	return o;
}

/* When the cells' comparisons are looked at, and what each look may err; null: once, at the end. */
static json_t *looks_json(const struct plan *p)
{
	json_t *list = p->is_rigorous ? json_array() : json_null();

	for (size_t i = 0; p->is_rigorous && i < LOOKS; i++)
		json_array_append_new(
			list, json_pack("{s:i, s:f}", "rounds", (int)looks_all[i].rounds, "alpha", looks_all[i].alpha));
	return list;
}

json_t *plan_json(const struct plan *p, const char *filter, double estimate_s)
{
	json_t *cells = json_array();

	for (size_t i = 0; i < p->n_cells; i++)
		json_array_append_new(cells, cell_json(&p->cells[i]));
	return json_pack("{s:s, s:i, s:f, s:f, s:I, s:s, s:o, s:O, s:o}", "name", p->name, "rounds", (int)p->rounds,
			 "budget_s", (double)p->budget_ns / 1e9, "estimate_s", estimate_s, "region_ns",
			 (json_int_t)p->region_ns, "filter", filter ? filter : "", "cells", cells, "skipped",
			 p->skipped, "looks", looks_json(p));
}
