/*
 * engine.c - the order of things in a run, and what is done about noise and failure.
 *
 * A round of a cell is one sample of each of its subjects. Its records are held back until the round is complete,
 * because only then is their status known: when one of them was contaminated by others, or void (the harness or the
 * subject was kept from its CPU, so their clocks disagree), the whole round is repeated (pairs must have met the same
 * machine), and its lines are written as `requeued`. A kill loses the round under way and nothing else.
 *
 *      E1  A sample's key is in the store at most once; a key that is there is not run again.
 *      E2  Of a cell's round at most one attempt has lines with status ok for a subject.
 *      E3  A cell repeats at most a quarter of its rounds, one of them at most three times, and none when the time is
 *          up; what is contaminated after that is kept, and marked.
 *      E4  A subject that answered unsupported or too_slow for a cell, whose calibration failed, or which failed twice
 *          before it ever succeeded, is not asked again for that cell in this run. (A knee is measured several times:
 *          one failure of these is like another sample's.)
 *      E5  A budget ends the run between two rounds, but never before the first that has something to measure: each
 *          cell is calibrated just before its first round, so that a short run has samples and not calibrations.
 *
 *      E6  With looks (rigor.h) a cell has no round after the look that closed it; the decision is made between two rounds,
 *          from the rounds before it. Where time is short some cells wait at their look (engine_rigor.c). Rounds leave the
 *          time that counted samples need.
 *
 * Resuming replays these rules over the keys that exist: a found record has the same effect on the state as the sample
 * would have had. What is missing is told by the same replay, with a record of status `missing` in place of a sample.
 */
#include "harness/plan/engine.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/plan/engine_parts.h"
#include "harness/plan/estimate.h"
#include "harness/plan/jsonx.h"
#include "harness/stats/stats.h"

enum {
	FAILURES_BEFORE_GIVING_UP = 2,
	REPEATS_OF_A_ROUND = 3, /* E3: whatever disturbs it is not about to end; arbitrary */
};

bool engine_has_status(const json_t *record, const char *status)
{
	const char *s = jsonx_str(record, "status");

	return s && strcmp(s, status) == 0;
}

bool engine_is_contaminated(const json_t *record)
{
	const char *verdict = jsonx_str(json_object_get(record, "noise"), "verdict");

	return engine_has_status(record, "ok") && verdict && strcmp(verdict, "contaminated") == 0;
}

bool engine_must_stop(const struct engine *e)
{
	return e->rc || sample_is_interrupted();
}

bool engine_is_out_of_time(const struct engine *e)
{
	return e->config->budget_ns && e->n_taken /* E5 */ &&
	       (int64_t)(clock_now_ns() - e->started_ns) >= e->config->budget_ns;
}

bool engine_is_out_of_rounds(const struct engine *e)
{
	return e->config->budget_ns && e->n_taken &&
	       (int64_t)(clock_now_ns() - e->started_ns) >= e->config->budget_ns - e->reserved_ns;
}

static size_t subject_index(const struct cell *cell, size_t entry)
{
	if (entry < cell->n_subjects)
		return entry;
	for (size_t i = 0; i < cell->n_subjects; i++)
		if (cell->subjects[i] == cell->twin)
			return i;
	return entry;
}

struct entry *engine_knowing(struct cell_state *s, size_t i)
{
	return &s->entries[subject_index(s->cell, i)];
}

/* ---- records --------------------------------------------------------------------------------------------- */

static void append(struct engine *e, json_t *record)
{
	int rc;

	json_object_set_new(record, "seq", json_integer((json_int_t)store_count(e->config->store)));
	rc = store_append(e->config->store, record, e->err);
	if (rc && !e->rc)
		e->rc = rc;
}

/* Take note of a record, new or found. */
static void learn(struct cell_state *s, size_t i, const json_t *record)
{
	struct entry *knowing = engine_knowing(s, i), *own = &s->entries[i];
	const json_t *value = json_object_get(json_object_get(record, "metric"), "value");
	unsigned round = (unsigned)jsonx_int(record, "round", 0);
	const char *kind = jsonx_str(record, "kind");

	if (engine_has_status(record, "missing"))
		return;
	if (engine_has_status(record, "unsupported") || engine_has_status(record, "too_slow")) {
		knowing->is_barred = true;
	} else if (engine_has_status(record, "ok") || engine_has_status(record, "requeued")) {
		knowing->has_succeeded = true;
		if (engine_has_status(record, "ok") && json_is_number(value) && sample_kind_is(kind, SAMPLE_TIMED) &&
		    round < s->cell->rounds)
			own->values[round] = json_number_value(value);
	} else if (!engine_has_status(record, "void")) { /* void is mostly the machine's doing */
		knowing->failures++;
		bool is_needed = sample_kind_is(kind, SAMPLE_CALIBRATE) && s->cell->workload->scaling == SCALING_LINEAR;

		if (is_needed || (!knowing->has_succeeded && knowing->failures >= FAILURES_BEFORE_GIVING_UP))
			knowing->is_barred = true;
	}
}

static void note_missing(struct engine *e, const struct cell_state *s, enum sample_kind kind)
{
	json_t *of_cell = json_object_get(e->config->missing, s->cell->id);
	const char *name = sample_kind_name(kind);

	if (!of_cell) {
		of_cell = json_object();
		json_object_set_new(e->config->missing, s->cell->id, of_cell);
	}
	json_object_set_new(of_cell, name, json_integer(jsonx_int(of_cell, name, 0) + 1));
	e->result->n_missing++;
	e->result->missing_ns += engine_apart_estimate_ns(s, kind);
}

/* Run a sample unless its key is there. *found tells which; NULL: interrupted. A found record is borrowed. */
static json_t *take_or_find(struct engine *e, struct cell_state *s, const struct sample_request *r, bool *found)
{
	uint64_t before = clock_now_ns();
	json_t *record;
	char key[17];

	sample_key(r, key);
	record = (json_t *)store_find(e->config->store, key);
	*found = record != NULL;
	if (record) {
		progress_sample(e->config->progress, engine_apart_estimate_ns(s, r->kind), 0);
		return record;
	}
	if (e->config->missing) {
		note_missing(e, s, r->kind);
		*found = true;
		return e->missing;
	}
	e->n_taken++;
	record = sample_take(&e->config->env, r);
	if (!record)
		return NULL;
	if (r->kind == SAMPLE_TIMED) {
		s->spent_ns += (int64_t)(clock_now_ns() - before);
		s->n_taken++;
	}
	progress_sample(e->config->progress, engine_apart_estimate_ns(s, r->kind), (int64_t)(clock_now_ns() - before));
	return record;
}

bool engine_single(struct engine *e, struct cell_state *s, size_t i, const struct sample_request *r, json_t **out)
{
	bool found;
	json_t *record = take_or_find(e, s, r, &found);

	if (out)
		*out = NULL;
	if (!record)
		return false;
	learn(s, i, record);
	if (!found)
		append(e, record);
	if (out)
		*out = json_incref(record);
	if (!found)
		json_decref(record);
	return !engine_must_stop(e);
}

struct sample_request engine_request(const struct engine *e, struct cell_state *s, size_t i, enum sample_kind kind)
{
	bool is_twin;
	const struct subject *subject = cell_entry(s->cell, i, &is_twin);

	return (struct sample_request){
		.cell = s->cell,
		.subject = subject,
		.is_twin = is_twin,
		.kind = kind,
		.ops = s->cell->workload->scaling == SCALING_LINEAR ? engine_knowing(s, i)->ops : 0,
		.region_ns = plan_region_ns(e->config->plan, s->cell),
		.load = knee_is_asked(s->cell) && (kind == SAMPLE_TIMED || kind == SAMPLE_COUNTED)
				? &engine_knowing(s, i)->load
				: NULL,
	};
}

/* ---- rounds ---------------------------------------------------------------------------------------------- */

/* One attempt at a round of a cell: the records, found or new. */
struct attempt {
	json_t *records[ORDER_MAX];
	bool is_found[ORDER_MAX];
	size_t n;
	bool is_repeated; /* its lines say requeued: there is a next attempt */
	bool has_kept; /* lines found say ok, or void: it must stand */
	bool is_contaminated;
};

static void attempt_clear(struct attempt *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (!a->is_found[i])
			json_decref(a->records[i]);
}

static void attempt_add(struct attempt *a, json_t *record, bool found)
{
	a->records[a->n] = record;
	a->is_found[a->n++] = found;
	if (found && engine_has_status(record, "requeued"))
		a->is_repeated = true;
	/* A void one would have been written as requeued, too, had the round been to be repeated: it was out of time. */
	if (found && (engine_has_status(record, "ok") || engine_has_status(record, "void")))
		a->has_kept = true;
	if (engine_is_contaminated(record) || engine_has_status(record, "void"))
		a->is_contaminated = true;
}

static void turn_round(const struct engine *e, size_t *order, size_t n)
{
	for (size_t i = 0; e->config->is_reversed && i < n / 2; i++) {
		size_t other = order[n - 1 - i];

		order[n - 1 - i] = order[i];
		order[i] = other;
	}
}

void engine_order(const struct engine *e, const struct cell_state *s, unsigned round, size_t n, size_t *order)
{
	order_subjects(e->config->env.seed, s->hash, round, n, order);
	turn_round(e, order, n);
}

static bool run_attempt(struct engine *e, struct cell_state *s, unsigned round, unsigned number, struct attempt *a,
			size_t *entries)
{
	size_t order[ORDER_MAX], n = cell_entries(s->cell);

	engine_order(e, s, round, n, order);
	for (size_t position = 0; position < n; position++) {
		size_t i = order[position];
		struct sample_request r = engine_request(e, s, i, SAMPLE_TIMED);
		json_t *record;
		bool found;

		r.round = round;
		r.attempt = number;
		r.position = (unsigned)position;
		if (engine_knowing(s, i)->is_barred) {
			progress_sample(e->config->progress, s->sample_estimate_ns, 0);
			continue;
		}
		record = take_or_find(e, s, &r, &found);
		if (!record)
			return false;
		entries[a->n] = i;
		attempt_add(a, record, found);
		learn(s, i, record);
		if (engine_must_stop(e))
			return false;
	}
	return true;
}

static void mark_requeued(json_t *record)
{
	const char *why = jsonx_str(record, "why");
	char *text;

	if (!engine_has_status(record, "ok") && !engine_has_status(record, "void"))
		return; /* a failure stays one */
	text = xformat("its round was contaminated and is repeated%s%s", why ? "; " : "", why ? why : "");
	json_object_set_new(record, "status", json_string("requeued"));
	json_object_set_new(record, "why", json_string(text));
	free(text);
}

/* Decide what becomes of the attempt, and write its lines. */
static void settle_attempt(struct engine *e, struct cell_state *s, unsigned round, unsigned number, struct attempt *a,
			   const size_t *entries)
{
	unsigned rounds = e->rigor ? rigor_next_look(round) : s->cell->rounds;
	unsigned allowance = (rounds + 3) / 4; /* E3: a quarter, rounded up */

	if (a->is_contaminated && !a->has_kept /* E2 */ && s->n_repeated < allowance && number < REPEATS_OF_A_ROUND &&
	    !engine_is_out_of_time(e))
		a->is_repeated = true;
	if (a->is_repeated)
		s->n_repeated++;
	for (size_t i = 0; i < a->n && !e->rc; i++) {
		json_t *record = a->records[i];

		if (a->is_repeated && round < s->cell->rounds)
			s->entries[entries[i]].values[round] = NAN;
		if (a->is_found[i])
			continue;
		if (a->is_repeated)
			mark_requeued(record);
		append(e, record);
	}
}

/* True: this round of the cell must be attempted again. */
static bool round_of_cell(struct engine *e, struct cell_state *s, unsigned round, unsigned number)
{
	struct attempt a = {.n = 0};
	size_t entries[ORDER_MAX];

	if (run_attempt(e, s, round, number, &a, entries))
		settle_attempt(e, s, round, number, &a,
			       entries); /* E1: all or, after a kill in here, the first of them */
	attempt_clear(&a);
	return a.is_repeated && !engine_must_stop(e);
}

/* The ratio of the base to another subject so far: what the progress line shows. */
static void live_estimate(const struct cell_state *s, char *buf, size_t size)
{
	double base[1024], other[1024];
	size_t b = 0, o = 0, n = 0;
	struct stats_comparison cmp;

	buf[0] = '\0';
	while (b < s->cell->n_subjects && s->cell->subjects[b] != s->cell->base)
		b++;
	while (o < s->cell->n_subjects && (o == b || s->entries[o].is_barred))
		o++;
	if (b >= s->cell->n_subjects || o >= s->cell->n_subjects || knee_is_own(s->cell))
		return;
	for (unsigned r = 0; r < s->cell->rounds && n < 1024; r++) {
		base[n] = s->entries[b].values[r];
		other[n] = s->entries[o].values[r];
		n += base[n] > 0 && other[n] > 0; /* false for NAN */
	}
	if (n == 0 || stats_compare(other, base, n, 0.95, &cmp) != 0)
		return;
	if (cmp.has_interval)
		snprintf(buf, size, "; %s needs %.2fx of %s (%.2f-%.2f)", s->cell->subjects[o]->id, cmp.ratio,
			 s->cell->base->id, cmp.lo, cmp.hi);
	else
		snprintf(buf, size, "; %s needs %.2fx of %s (%zu rounds)", s->cell->subjects[o]->id, cmp.ratio,
			 s->cell->base->id, n);
}

/* The cell's name comes last: it may be longer than the terminal is wide, and what is measured must be seen. */
static void show(struct engine *e, const struct cell_state *s, unsigned round)
{
	char live[120];

	live_estimate(s, live, sizeof live);
	progress_show(e->config->progress, false, "round %u/%u%s: %s", round + 1, s->cell->rounds, live, s->cell->id);
}

/* The round that a cell has next in step number `step` of the run; false: none. */
static bool next_round(const struct engine *e, size_t c, unsigned step, unsigned *round)
{
	const struct rigor_cell *r = e->rigor ? &e->rigor[c] : NULL;

	*round = r ? r->rounds : step;
	if (r && (r->is_closed || !r->is_chosen || r->rounds >= r->target))
		return false;
	return *round < e->states[c].cell->rounds;
}

void engine_round(struct engine *e, unsigned step, size_t *order, size_t *again)
{
	size_t n_cells = e->config->plan->n_cells, n_again = 0;
	unsigned round;

	order_cells(e->config->env.seed, step, n_cells, order);
	turn_round(e, order, n_cells);
	for (size_t k = 0; k < n_cells; k++) {
		struct cell_state *s = &e->states[order[k]];

		if (!next_round(e, order[k], step, &round))
			continue;
		if (!engine_calibrate(e, s))
			return;
		show(e, s, round);
		if (round_of_cell(e, s, round, 0))
			again[n_again++] = order[k];
		if (engine_must_stop(e))
			return;
	}
	for (unsigned number = 1; n_again; number++) {
		size_t left = 0;

		for (size_t k = 0; k < n_again; k++) {
			struct cell_state *s = &e->states[again[k]];

			(void)next_round(e, again[k], step, &round);
			show(e, s, round);
			if (round_of_cell(e, s, round, number))
				again[left++] = again[k];
			if (engine_must_stop(e))
				return;
		}
		n_again = left;
	}
}

/* The rounds of all cells side by side, each cell as many as it has. */
static void fixed_rounds(struct engine *e, size_t *order, size_t *again)
{
	unsigned most = 0;

	for (size_t c = 0; c < e->config->plan->n_cells; c++)
		if (e->states[c].cell->rounds > most)
			most = e->states[c].cell->rounds;
	for (unsigned round = 0; round < most && !engine_must_stop(e); round++) {
		if (engine_is_out_of_rounds(e)) {
			e->result->is_out_of_time = true;
			return;
		}
		engine_round(e, round, order, again);
		if (engine_must_stop(e))
			return;
		e->result->rounds_done = round + 1;
		progress_show(e->config->progress, true, "round %u/%u is done", round + 1, most);
	}
}

static void all_rounds(struct engine *e)
{
	size_t n_cells = e->config->plan->n_cells;
	size_t *order = xcalloc(n_cells, sizeof *order), *again = xcalloc(n_cells, sizeof *again);

	if (e->rigor)
		engine_rigorous_rounds(e, order, again);
	else
		fixed_rounds(e, order, again);
	free(order);
	free(again);
}

/* ---- smoke ----------------------------------------------------------------------------------------------- */

static void smoke_all(struct engine *e)
{
	for (size_t c = 0; c < e->config->plan->n_cells; c++) {
		struct cell_state *s = &e->states[c];

		for (size_t i = 0; i < s->cell->n_subjects; i++) {
			struct sample_request r = engine_request(e, s, i, SAMPLE_SMOKE);

			if (s->cell->workload->scaling == SCALING_LINEAR)
				r.ops = workload_round_ops(s->cell->workload, s->cell->params,
							   s->cell->workload->smoke_ops);
			r.position = (unsigned)i;
			progress_show(e->config->progress, false, "%s: %s", s->cell->id, r.subject->id);
			if (!engine_single(e, s, i, &r, NULL))
				return;
		}
	}
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static void make_states(struct engine *e)
{
	const struct plan *p = e->config->plan;

	e->states = xcalloc(p->n_cells, sizeof *e->states);
	for (size_t c = 0; c < p->n_cells; c++) {
		struct cell_state *s = &e->states[c];
		size_t n = cell_entries(&p->cells[c]);

		s->cell = &p->cells[c];
		s->hash = order_hash(s->cell->id);
		s->sample_estimate_ns = estimate_sample_ns(p, s->cell);
		s->entries = xcalloc(n, sizeof *s->entries);
		for (size_t i = 0; i < n; i++) {
			s->entries[i].values = xcalloc(s->cell->rounds, sizeof(double));
			for (unsigned r = 0; r < s->cell->rounds; r++)
				s->entries[i].values[r] = NAN;
		}
	}
}

static void free_states(struct engine *e)
{
	free(e->rigor);
	for (size_t c = 0; c < e->config->plan->n_cells; c++) {
		for (size_t i = 0; i < cell_entries(e->states[c].cell); i++)
			free(e->states[c].entries[i].values);
		free(e->states[c].entries);
	}
	free(e->states);
}

struct count {
	struct engine_result *out;
	json_t *has_ok, *has_void; /* "cell|subject" */
};

static void note_pair(json_t *set, const json_t *record)
{
	char *pair = xformat("%s|%s", jsonx_str(record, "cell"), jsonx_str(record, "subject"));

	json_object_set_new(set, pair, json_true());
	free(pair);
}

/* A void sample is a failure only where the subject has no other on the cell: elsewhere it is one round less. */
static void count_record(void *arg, const json_t *record)
{
	struct count *c = arg;
	struct engine_result *out = c->out;
	bool is_ok = engine_has_status(record, "ok");
	bool is_skipped = engine_has_status(record, "unsupported") || engine_has_status(record, "too_slow");
	const char *kind = jsonx_str(record, "kind");

	out->ok += is_ok;
	out->requeued += engine_has_status(record, "requeued");
	out->unsupported += is_skipped;
	out->contaminated += engine_is_contaminated(record);
	out->measured += is_ok && !sample_kind_is(kind, SAMPLE_CALIBRATE);
	out->failed +=
		!is_ok && !is_skipped && !engine_has_status(record, "requeued") && !engine_has_status(record, "void");
	if (is_ok && !sample_kind_is(kind, SAMPLE_CALIBRATE))
		note_pair(c->has_ok, record);
	if (engine_has_status(record, "void"))
		note_pair(c->has_void, record);
	if (sample_kind_is(kind, SAMPLE_SMOKE)) {
		out->pairs_ok += is_ok;
		out->pairs_skipped += is_skipped;
		out->pairs_failed += !is_ok && !is_skipped;
	}
}

static void count_all(const struct store *s, struct engine_result *out)
{
	struct count c = {out, json_object(), json_object()};
	const char *pair;
	json_t *unused;

	store_each(s, count_record, &c);
	json_object_foreach (c.has_void, pair, unused)
		out->failed += json_object_get(c.has_ok, pair) == NULL;
	json_decref(c.has_ok);
	json_decref(c.has_void);
}

int engine_run(const struct engine_config *config, struct engine_result *out, struct err *err)
{
	struct engine e = {.config = config, .result = out, .err = err, .started_ns = clock_now_ns()};

	*out = (struct engine_result){0};
	e.missing = config->missing ? json_pack("{s:s}", "status", "missing") : NULL;
	if (config->budget_ns)
		config->progress->deadline_ns = e.started_ns + (uint64_t)config->budget_ns;
	make_states(&e);
	engine_make_rigor(&e);
	if (config->is_smoke) {
		smoke_all(&e);
	} else {
		all_rounds(&e);
		engine_apart(&e);
	}
	progress_end(config->progress);
	free_states(&e);
	json_decref(e.missing);
	count_all(config->store, out);
	out->is_interrupted = sample_is_interrupted();
	out->is_complete = !e.rc && !out->is_interrupted && !out->is_out_of_time && out->n_missing == 0;
	return e.rc;
}
