/*
 * parked.h - memory/parked: what its bodies share.
 */
#ifndef MEMORY_PARKED_H
#define MEMORY_PARKED_H

#include "harness/subject/bench.h"
#include "workloads/memory/touch.h"

extern const struct bench_workload memory_parked_workload;
extern const struct bench_body memory_parked_direct, memory_parked_evented;

/*
 * Do with the libc what programs do before they wait, in a frame that is gone when the task parks: write numbers as text
 * and read one back. What that has used of a stack stays in use. Gives id.
 */
uint64_t parked_use_libc(uint64_t id);

#endif
