/*
 * flat.h - spawn/flat: what its bodies share.
 */
#ifndef SPAWN_FLAT_H
#define SPAWN_FLAT_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload spawn_flat_workload;
extern const struct bench_body spawn_flat_direct, spawn_flat_evented, spawn_flat_serial;

/* What one task gets and gives. A body's own struct around it has a cache line to itself: FLAT_ALIGNED. */
struct flat_record {
	uint64_t number; /* root's until the task exists, then the task's */
	uint64_t result; /* likewise; root's again when the task has been awaited */
};

#define FLAT_ALIGNED _Alignas(64)

/*
 * The task: adds to record->result what belongs to record->number. It adds and does not set, so that a task that runs
 * twice is as visible as one that does not run. One function in flat.c for all bodies; `record` is a struct flat_record.
 */
void flat_task(void *record);

/* `n` zeroed elements of `size` bytes, a multiple of 64, each on cache lines of its own; NULL: no memory. For free(). */
void *flat_records(uint64_t n, uint64_t size);

#endif
