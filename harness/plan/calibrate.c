/*
 * calibrate.c - what must be known of a cell before its first sample: how many operations fill a region.
 */
#include "harness/plan/engine_parts.h"
#include "harness/plan/jsonx.h"

static bool calibrate_entry(struct engine *e, struct cell_state *s, size_t i)
{
	struct sample_request r = engine_request(e, s, i, "calibrate");
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

bool engine_calibrate(struct engine *e, struct cell_state *s)
{
	if (s->is_calibrated || s->cell->workload->scaling != SCALING_LINEAR)
		return true;
	s->is_calibrated = true;
	for (size_t i = 0; i < s->cell->n_subjects; i++)
		if (!calibrate_entry(e, s, i))
			return false;
	share_ops(s);
	return true;
}
