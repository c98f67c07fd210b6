/*
 * pipeline.h - sync/pipeline: what its bodies share.
 */
#ifndef SYNC_PIPELINE_H
#define SYNC_PIPELINE_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload sync_pipeline_workload;
extern const struct bench_body sync_pipeline_direct, sync_pipeline_evented, sync_pipeline_serial;

/* What a stage makes of a value; the stages count from 0. Which stages a value passed, and in which order, shows in it. */
#define PIPELINE_FACTOR UINT64_C(6364136223846793005)

static inline uint64_t pipeline_stage(uint64_t value, uint64_t stage)
{
	value = value * PIPELINE_FACTOR + stage + 1;
	__asm__ volatile("" : "+r"(value)); /* no two stages become one where they are called in a loop */
	return value;
}

/* What comes out of all stages for i is first + i * step; what the sink needs to know a value's turn. */
struct pipeline_series {
	uint64_t first, step;
};

static inline struct pipeline_series pipeline_series(uint64_t stages)
{
	struct pipeline_series s = {.first = 0, .step = 1};

	for (uint64_t stage = 0; stage < stages; stage++) {
		s.first = s.first * PIPELINE_FACTOR + stage + 1;
		s.step *= PIPELINE_FACTOR;
	}
	return s;
}

#endif
