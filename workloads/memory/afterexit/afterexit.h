/*
 * afterexit.h - memory/afterexit: what its bodies share.
 */
#ifndef MEMORY_AFTEREXIT_H
#define MEMORY_AFTEREXIT_H

#include "harness/subject/bench.h"
#include "workloads/memory/touch.h"

extern const struct bench_workload memory_afterexit_workload;
extern const struct bench_body memory_afterexit_direct, memory_afterexit_evented;

/* At least so long after the last task has said that it ends: the model's own part of an end comes after that. */
#define AFTEREXIT_LEAST_NS UINT64_C(10000000)

static inline uint64_t afterexit_settle_ns(const struct bench *b)
{
	return AFTEREXIT_LEAST_NS + (uint64_t)bench_param(b, "settle_ms") * 1000000;
}

#endif
