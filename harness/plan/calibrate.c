/*
 * calibrate.c - what must be known of a cell before its first sample: how many operations fill a region; where the load is a
 * percent of a knee (knee.h), how many requests per second that is.
 */
#include <string.h>

#include "harness/plan/engine_parts.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/power.h"
#include "harness/stats/stats.h"

/* ---- operations ------------------------------------------------------------------------------------------ */

static bool calibrate_entry(struct engine *e, struct cell_state *s, size_t i)
{
	struct sample_request r = engine_request(e, s, i, SAMPLE_CALIBRATE);
	json_t *record;
	bool go_on;

	if (!s->cell->subjects[i]->can_calibrate)
		return true;
	r.ops = 0;
	progress_show(e->config->progress, false, "calibrating %s: %s", s->cell->id, r.subject->id);
	go_on = engine_single(e, s, i, &r, &record);
	if (record && engine_has_status(record, "ok")) {
		uint64_t ops = sample_scale_ops((uint64_t)jsonx_int(record, "ops", 1),
						jsonx_int(json_object_get(record, "time"), "wall_ns", 0), r.region_ns);

		s->entries[i].ops = workload_round_ops(s->cell->workload, s->cell->params, ops);
	}
	json_decref(record);
	return go_on;
}

/* A subject that cannot calibrate does what the slowest one does. */
static void share_ops(struct cell_state *s)
{
	uint64_t least = 0;

	for (size_t i = 0; i < s->cell->n_subjects; i++)
		if (s->entries[i].ops && (!least || s->entries[i].ops < least))
			least = s->entries[i].ops;
	if (!least)
		least = workload_round_ops(s->cell->workload, s->cell->params, s->cell->workload->smoke_ops);
	for (size_t i = 0; i < s->cell->n_subjects; i++)
		if (!s->entries[i].ops && !s->cell->subjects[i]->can_calibrate)
			s->entries[i].ops = least;
}

/* ---- knees ----------------------------------------------------------------------------------------------- */

/* Where subject i's knee is kept: the state of the cell that owns it, and the entry in there. */
static struct cell_state *owner_of(const struct engine *e, const struct cell_state *s, size_t i, size_t *entry)
{
	const struct plan *p = e->config->plan;
	const struct cell *owner = knee_owner(p, s->cell, s->cell->subjects[i]);

	*entry = 0;
	while (owner->subjects[*entry] != s->cell->subjects[i])
		++*entry; /* it takes part, or would not own it */
	return &e->states[owner - p->cells];
}

/* One that others disturbed is measured once more: what they took is missing in it. The last of both counts. */
static bool measure_knee(struct engine *e, struct cell_state *owner, size_t i, unsigned number, size_t position)
{
	struct sample_request r = engine_request(e, owner, i, SAMPLE_CALIBRATE);
	struct entry *entry = &owner->entries[i];
	bool go_on = true, again = true;
	double knee = 0;

	r.region_ns = knee_region_ns(r.region_ns);
	r.round = number;
	r.position = (unsigned)position;
	for (; r.attempt < KNEE_ATTEMPTS && again && go_on && !entry->is_barred; r.attempt++) {
		json_t *record;

		progress_show(e->config->progress, false, "finding the knee of %s: %s", r.subject->id, owner->cell->id);
		go_on = engine_single(e, owner, i, &r, &record);
		if (record && engine_has_status(record, "ok") && knee_of_record(record) > 0)
			knee = knee_of_record(record);
		again = record && (engine_is_contaminated(record) || engine_has_status(record, "void"));
		json_decref(record);
	}
	if (knee > 0)
		entry->knees[entry->n_knees++] = knee;
	return go_on;
}

static double knee_of(const struct engine *e, const struct cell_state *s, size_t i)
{
	size_t at;
	const struct cell_state *owner = owner_of(e, s, i, &at);
	const struct entry *entry = &owner->entries[at];
	double sorted[KNEE_SAMPLES];

	memcpy(sorted, entry->knees, sizeof sorted);
	return entry->n_knees ? stats_median(sorted, entry->n_knees) : 0;
}

/* What each subject is to be offered, from the knees. */
static void choose_loads(const struct engine *e, struct cell_state *s)
{
	const struct cell *cell = s->cell;
	struct knee_load slowest = {.percent = knee_percent(cell), .cell = knee_owner(e->config->plan, cell, NULL)->id};

	for (size_t i = 0; i < cell->n_subjects; i++) {
		double knee = knee_of(e, s, i);

		if (knee <= 0 || power_is_baseline(cell->subjects[i]) || (slowest.base && knee >= slowest.base_per_s))
			continue;
		slowest.base_per_s = knee;
		slowest.base = cell->subjects[i]->id;
	}
	for (size_t i = 0; i < cell->n_subjects; i++) {
		struct knee_load *load = &s->entries[i].load;

		*load = slowest;
		load->own_per_s = knee_of(e, s, i);
		load->is_own = knee_is_own(cell);
		if (load->is_own) {
			load->base_per_s = load->own_per_s;
			load->base = load->own_per_s > 0 ? cell->subjects[i]->id : NULL;
		}
	}
}

/* In turns, as the rounds are, so that a machine that drifts drifts for all. False: stop. */
static bool find_knees(struct engine *e, struct cell_state *s)
{
	size_t order[ORDER_MAX], n = s->cell->n_subjects, at;

	for (unsigned number = 0; number < KNEE_SAMPLES; number++) {
		engine_order(e, s, number, n, order);
		for (size_t position = 0; position < n; position++) {
			struct cell_state *owner = owner_of(e, s, order[position], &at);
			const struct entry *entry = &owner->entries[at];

			if (!entry->is_barred && !entry->has_tried_knee &&
			    !measure_knee(e, owner, at, number, position))
				return false;
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct cell_state *owner = owner_of(e, s, i, &at);

		owner->entries[at].has_tried_knee = true;
	}
	choose_loads(e, s);
	return true;
}

/* ---- both ------------------------------------------------------------------------------------------------ */

bool engine_calibrate(struct engine *e, struct cell_state *s)
{
	if (s->is_calibrated)
		return true;
	s->is_calibrated = true;
	if (knee_is_asked(s->cell))
		return find_knees(e, s);
	if (s->cell->workload->scaling != SCALING_LINEAR)
		return true;
	for (size_t i = 0; i < s->cell->n_subjects; i++)
		if (!calibrate_entry(e, s, i))
			return false;
	share_ops(s);
	return true;
}
