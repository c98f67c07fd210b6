/*
 * mutex.h - sync/mutex: what its bodies share.
 */
#ifndef SYNC_MUTEX_H
#define SYNC_MUTEX_H

#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/steps.h"

extern const struct bench_workload sync_mutex_workload;
extern const struct bench_body sync_mutex_direct, sync_mutex_evented, sync_mutex_serial;

/* Where the shared word starts, and where task i's private word starts. */
#define MUTEX_SHARED_START UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t mutex_private_start(uint64_t task)
{
	return task + 1;
}

#endif
