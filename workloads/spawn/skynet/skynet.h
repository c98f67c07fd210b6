/*
 * skynet.h - spawn/skynet: what its bodies share.
 */
#ifndef SPAWN_SKYNET_H
#define SPAWN_SKYNET_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload spawn_skynet_workload;
extern const struct bench_body spawn_skynet_direct, spawn_skynet_evented, spawn_skynet_serial;

enum { SKYNET_FANOUT = 10 };

/* What a task sends up: of the leaves below it, and of all tasks below it, itself included. */
struct skynet_sum {
	uint64_t value, tasks;
};

/* How many leaves the parameters mean: the parameter is the exponent, as an index of its choices. */
static inline uint64_t skynet_leaves(const struct bench *b)
{
	uint64_t leaves = SKYNET_FANOUT;

	for (int64_t i = bench_param(b, "leaves"); i > 0; i--)
		leaves *= SKYNET_FANOUT;
	return leaves;
}

#endif
