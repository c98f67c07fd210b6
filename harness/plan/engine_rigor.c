/* engine_rigor.c - the rounds of a plan with looks: from look to look, those cells that go on (rigor.h). */
#include "harness/plan/engine_parts.h"

#include <stdlib.h>

#include "harness/base/clock.h"
#include "harness/plan/estimate.h"
#include "harness/plan/jsonx.h"

void engine_make_rigor(struct engine *e)
{
	const struct plan *p = e->config->plan;

	if (!p->is_rigorous)
		return;
	e->rigor = xcalloc(p->n_cells, sizeof *e->rigor);
	for (size_t c = 0; c < p->n_cells; c++) {
		const struct cell_state *s = &e->states[c];

		e->rigor[c] = (struct rigor_cell){.cell = s->cell, .is_closed = s->cell->rounds == 0, .twin_width = -1};
		for (size_t i = 0; i < cell_entries(s->cell); i++)
			e->rigor[c].values[i] = s->entries[i].values;
		e->reserved_ns += estimate_apart_ns(p, s->cell);
	}
	if (e->reserved_ns > e->config->budget_ns / 2)
		e->reserved_ns = e->config->budget_ns / 2;
}

/* What the rounds of a cell up to `until` still cost: those that the store has cost nothing. */
static int64_t cost_until(struct engine *e, size_t c, unsigned until)
{
	struct cell_state *s = &e->states[c];
	int64_t each_ns = s->n_taken ? s->spent_ns / s->n_taken : s->sample_estimate_ns, sum_ns = 0;

	for (unsigned round = e->rigor[c].rounds; round < until; round++)
		for (size_t i = 0; i < cell_entries(s->cell); i++) {
			struct sample_request r = engine_request(e, s, i, SAMPLE_TIMED);
			char key[17];

			r.round = round;
			sample_key(&r, key);
			if (!engine_knowing(s, i)->is_barred && !store_find(e->config->store, key))
				sum_ns += each_ns;
		}
	return sum_ns;
}

/* Which cells go on, by what they cost and the time that is left. False: none is open. */
static bool choose_cells(struct engine *e)
{
	size_t n = e->config->plan->n_cells;
	int64_t left_ns = INT64_MAX;
	bool is_open = false;

	if (e->config->budget_ns)
		left_ns = e->config->budget_ns - e->reserved_ns - (int64_t)(clock_now_ns() - e->started_ns);
	for (size_t c = 0; c < n; c++) {
		struct rigor_cell *r = &e->rigor[c];
		unsigned look;

		if (r->is_closed)
			continue;
		is_open = true;
		look = r->target = rigor_next_look(r->rounds);
		r->next_ns = cost_until(e, c, look);
		while (look < r->needed && rigor_next_look(look) > look)
			look = rigor_next_look(look);
		r->decided_ns = cost_until(e, c, look);
	}
	rigor_choose(e->rigor, n, left_ns);
	return is_open;
}

/* A step is over: each cell that goes on has one round more. False: all of them have come to their look. */
static bool end_step(struct engine *e)
{
	unsigned most = 0;
	bool goes_on = false;

	for (size_t c = 0; c < e->config->plan->n_cells; c++) {
		struct rigor_cell *r = &e->rigor[c];

		r->rounds += !r->is_closed && r->is_chosen && r->rounds < r->target;
		goes_on = goes_on || (!r->is_closed && r->is_chosen && r->rounds < r->target);
		most = r->rounds > most ? r->rounds : most;
	}
	e->result->rounds_done = most;
	return goes_on;
}

/* Look at all cells. The rounds that one which is closed now will not have are no time that is left. */
static void look(struct engine *e)
{
	size_t n = e->config->plan->n_cells;
	bool *was_closed = xcalloc(n, sizeof *was_closed);

	for (size_t c = 0; c < n; c++)
		was_closed[c] = e->rigor[c].is_closed;
	rigor_look(e->rigor, n);
	for (size_t c = 0; c < n; c++) {
		const struct cell_state *s = &e->states[c];
		size_t unneeded = (s->cell->rounds - e->rigor[c].rounds) * cell_entries(s->cell);

		if (e->rigor[c].is_closed && !was_closed[c])
			progress_sample(e->config->progress, (int64_t)unneeded * s->sample_estimate_ns, 0);
	}
	free(was_closed);
}

static size_t count_open(const struct engine *e)
{
	size_t open = 0;

	for (size_t c = 0; c < e->config->plan->n_cells; c++)
		open += !e->rigor[c].is_closed;
	return open;
}

static void take_rounds(struct engine *e, size_t *order, size_t *again)
{
	unsigned step = 0;
	bool goes_on = true;

	while (choose_cells(e)) {
		do {
			if (engine_is_out_of_rounds(e)) {
				e->result->is_out_of_time = true;
				return;
			}
			engine_round(e, step++, order, again);
			if (engine_must_stop(e))
				return;
			goes_on = end_step(e);
			progress_show(e->config->progress, true, "round %u is done, %zu of %zu cells are open",
				      e->result->rounds_done, count_open(e), e->config->plan->n_cells);
		} while (goes_on);
		look(e);
	}
}

void engine_rigorous_rounds(struct engine *e, size_t *order, size_t *again)
{
	if (!engine_must_stop(e))
		take_rounds(e, order, again);
	for (size_t c = 0; c < e->config->plan->n_cells; c++) {
		const struct rigor_cell *r = &e->rigor[c];

		if (r->is_decided || r->cell->rounds == 0)
			continue;
		e->result->n_undecided++;
		e->result->n_hopeless += r->needed == 0 && r->rounds >= rigor_next_look(0);
		if (r->needed && (!e->result->needed || r->needed < e->result->needed))
			e->result->needed = r->needed;
	}
}
