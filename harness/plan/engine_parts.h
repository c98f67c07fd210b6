/*
 * engine_parts.h - the state of a run, shared by engine.c, engine_rigor.c, engine_apart.c and calibrate.c. For these alone.
 */
#ifndef ENGINE_PARTS_H
#define ENGINE_PARTS_H

#include "harness/plan/engine.h"
#include "harness/plan/rigor.h"

/* What is known of a subject on a cell. */
struct entry {
	bool is_barred; /* E4 */
	bool has_succeeded;
	unsigned failures;
	uint64_t ops; /* linear: from calibration; 0 unknown */
	double knees[KNEE_SAMPLES]; /* of the cell that owns its knee (knee.h): requests per second */
	unsigned n_knees;
	bool has_tried_knee;
	struct knee_load load; /* of a cell whose load is a percent of a knee */
	double *values; /* per round: the metric, NAN: none */
};

struct cell_state {
	const struct cell *cell;
	uint64_t hash;
	struct entry *entries; /* cell_entries() of them; the twin's is_barred and ops are those of its subject */
	bool is_calibrated; /* it was tried */
	unsigned n_repeated; /* E3 */
	int64_t sample_estimate_ns;
	int64_t spent_ns; /* on the n_taken timed samples that this process took of it */
	unsigned n_taken;
};

struct engine {
	const struct engine_config *config;
	struct cell_state *states;
	struct rigor_cell *rigor; /* per cell; NULL: each cell has its fixed number of rounds */
	int64_t reserved_ns; /* of the budget, for counted, traced and simulated samples: rounds would use up all of it */
	struct engine_result *result;
	struct err *err;
	uint64_t started_ns;
	unsigned n_taken; /* samples taken by this process */
	json_t *missing; /* stands for a sample that is not there, while looking for those */
	int rc; /* of the store: the run ends */
};

bool engine_has_status(const json_t *record, const char *status);
bool engine_is_contaminated(const json_t *record); /* it is ok, and others took part */
/* The entry that knows whether and with how many ops to run: a twin has its subject's. */
struct entry *engine_knowing(struct cell_state *s, size_t i);
/* Positions of the cell's first n entries in a round. */
void engine_order(const struct engine *e, const struct cell_state *s, unsigned round, size_t n, size_t *order);
/* A sample of the cell's entry i as it would be taken now. */
struct sample_request engine_request(const struct engine *e, struct cell_state *s, size_t i, enum sample_kind kind);
/* One sample that stands for itself: calibration, counted, smoke; *out (may be NULL) is a new reference. False: stop. */
bool engine_single(struct engine *e, struct cell_state *s, size_t i, const struct sample_request *r, json_t **out);

bool engine_must_stop(const struct engine *e);
bool engine_is_out_of_time(const struct engine *e); /* E5 */
/* Is the time for rounds up (E5, E6)? */
bool engine_is_out_of_rounds(const struct engine *e);

/* One round of all cells that have one in this step of the run, then the repeated ones until none is left (E3 bounds them). */
void engine_round(struct engine *e, unsigned step, size_t *order, size_t *again);

/* engine_rigor.c: e->rigor, where the plan has looks; and all rounds of such a plan. The two arrays hold a cell's number each. */
void engine_make_rigor(struct engine *e);
void engine_rigorous_rounds(struct engine *e, size_t *order, size_t *again);

/* engine_apart.c: the samples that are in no round, after all that are; and what a sample of any kind takes. */
void engine_apart(struct engine *e);
int64_t engine_apart_estimate_ns(const struct cell_state *s, enum sample_kind kind);

/* calibrate.c: what must be known before a cell's first sample (E5). False: stop. */
bool engine_calibrate(struct engine *e, struct cell_state *s);

#endif
