/*
 * engine_apart.c - samples that are in no round: counted, traced and simulated ones.
 *
 * They come after the rounds, all of a kind together, and each stands for itself: no pair, no repeat, no verdict. What
 * differs between the kinds is the table below.
 */
#include <stddef.h>

#include "harness/plan/engine_parts.h"
#include "harness/plan/estimate.h"
#include "harness/plan/simulate.h"
#include "harness/plan/traced.h"

struct apart {
	enum sample_kind kind;
	bool is_as_timed; /* as long as a timed one, of as many operations: it needs calibration */
	size_t number_at; /* where a cell says how many of them each of its subjects has */
	uint64_t (*ops)(const struct cell *cell, unsigned k); /* of a linear cell's sample k; NULL: as a timed one */
	int64_t (*estimate_ns)(const struct cell *cell); /* NULL: as a timed one */
};

static uint64_t ops_of_traced(const struct cell *cell, unsigned k)
{
	(void)k; /* all alike */
	return traced_ops(cell);
}

static uint64_t ops_of_simulated(const struct cell *cell, unsigned k)
{
	return simulate_ops(cell) * (simulate_is_twice(k) ? 2 : 1);
}

/* In the order in which they are taken. */
static const struct apart kinds[] = {
	{SAMPLE_COUNTED, true, offsetof(struct cell, counted), NULL, NULL},
	{SAMPLE_TRACED, false, offsetof(struct cell, traced), ops_of_traced, estimate_traced_ns},
	{SAMPLE_SIMULATED, false, offsetof(struct cell, simulated), ops_of_simulated, estimate_simulated_ns},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

int64_t engine_apart_estimate_ns(const struct cell_state *s, enum sample_kind kind)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind && kinds[i].estimate_ns)
			return kinds[i].estimate_ns(s->cell);
	return s->sample_estimate_ns;
}

static unsigned number_of(const struct apart *a, const struct cell *cell)
{
	return *(const unsigned *)((const char *)cell + a->number_at);
}

static struct sample_request request(const struct engine *e, struct cell_state *s, size_t i, const struct apart *a,
				     unsigned k)
{
	struct sample_request r = engine_request(e, s, i, a->kind);
	size_t n_sets = json_array_size(s->cell->event_sets);

	r.round = k;
	r.position = (unsigned)i;
	if (a->kind == SAMPLE_COUNTED)
		r.event_set = json_string_value(json_array_get(s->cell->event_sets, k % n_sets));
	if (!a->is_as_timed)
		r.ops = s->cell->workload->scaling == SCALING_LINEAR ? a->ops(s->cell, k) : 0;
	return r;
}

/* Sample k of each subject. False: stop, or the time is up. */
static bool one_of_each(struct engine *e, struct cell_state *s, const struct apart *a, unsigned k)
{
	for (size_t i = 0; i < s->cell->n_subjects; i++) {
		struct sample_request r = request(e, s, i, a, k);

		if (s->entries[i].is_barred || (a->kind == SAMPLE_TRACED && !r.subject->can_trace))
			continue;
		if (engine_is_out_of_time(e)) {
			e->result->is_out_of_time = true;
			return false;
		}
		progress_show(e->config->progress, false, "%s %s: %s", sample_kind_name(a->kind), s->cell->id,
			      r.subject->id);
		if (!engine_single(e, s, i, &r, NULL))
			return false;
	}
	return true;
}

static void all_of_kind(struct engine *e, const struct apart *a)
{
	for (size_t c = 0; c < e->config->plan->n_cells; c++) {
		struct cell_state *s = &e->states[c];
		unsigned n = number_of(a, s->cell);

		if (a->is_as_timed && n && !engine_is_out_of_time(e) && !engine_calibrate(e, s))
			return;
		for (unsigned k = 0; k < n; k++)
			if (!one_of_each(e, s, a, k))
				return;
	}
}

void engine_apart(struct engine *e)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (!engine_must_stop(e) && (!e->result->is_out_of_time || e->rigor))
			all_of_kind(e, &kinds[i]);
}
