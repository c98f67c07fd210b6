/*
 * yield.h - switch/yield: what its bodies share.
 */
#ifndef SWITCH_YIELD_H
#define SWITCH_YIELD_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload switch_yield_workload;
extern const struct bench_body switch_yield_direct, switch_yield_evented;

/* How many of `ops` yields task i of `tasks` makes: equal shares, the first ops % tasks of them one more. */
static inline uint64_t yield_share(uint64_t ops, uint64_t tasks, uint64_t i)
{
	return ops / tasks + (i < ops % tasks);
}

#endif
