/*
 * sample.h - one sample: one process run of one subject on one cell, from fork to record.
 *
 * Whatever the subject does - hang, crash, print nonsense, lie - ends in a record with a status and a sentence; nothing
 * that a subject does can fail the run. The record is docs/records.md, the talk docs/subject-protocol.md.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/measure/measure.h"
#include "harness/plan/knee.h"
#include "harness/plan/oracle.h"
#include "harness/plan/plan.h"
#include "harness/plan/sample_kind.h"

/* What is the same for all samples of a run. */
struct sample_env {
	const char *run_id, *data_dir;
	const char *loadgen_path;
	const char *hdr_dir; /* where the response times of timed server samples are written, too; NULL: nowhere */
	struct oracle *oracle; /* NULL: certificates cannot be checked */
	uint64_t seed;
	int64_t settle_ns; /* pause before a sample; 0: none, and no spins */
	int64_t setup_timeout_ns, region_timeout_ns, exit_timeout_ns;
	int64_t snapshot_wait_ns; /* at most, for the kernel's memory figures to settle */
	double noise_limit;
	const char *trace_dir; /* where the files of traced samples are to be, an absolute path; NULL: there are none */
	const struct cachegrind *cachegrind; /* of simulated samples; NULL: there are none */
	const json_t *knobs; /* subject id -> "name=value,..."; NULL: none are set */
	json_t *nearness; /* topology_nearness(), the caller's; NULL: not told to subjects */
};

struct sample_request {
	const struct cell *cell;
	const struct subject *subject;
	bool is_twin;
	enum sample_kind kind;
	const char *event_set; /* counted: event_sets.h */
	unsigned round, attempt, position;
	uint64_t ops; /* linear: how many; else 0 */
	int64_t region_ns; /* calibrate: the target; servers: how long the load lasts */
	const struct knee_load *load; /* servers: the load is a percent of a knee; NULL: it is what the subject says */
};

void sample_env_defaults(struct sample_env *env);

/* The key of a sample: 16 hexadecimal digits, in `out`. */
void sample_key(const struct sample_request *r, char out[17]);

/* Take it. A new reference, or NULL when sample_interrupt() was called meanwhile: then there is no sample. */
json_t *sample_take(const struct sample_env *env, const struct sample_request *r);

/*
 * Async-signal-safe: kill what runs now and make sample_take() return NULL, this one and all that follow.
 * sample_is_interrupted() says whether it was called; sample_reset_interrupt() is for tests.
 */
void sample_interrupt(void);
bool sample_is_interrupted(void);
void sample_reset_interrupt(void);

/* Operations that a sample of the cell should do, from a calibration's ops and region. */
uint64_t sample_scale_ops(uint64_t ops, int64_t region_ns, int64_t target_ns);

#endif
