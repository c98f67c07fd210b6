/*
 * depth.h - cpu/depth: what its bodies share.
 */
#ifndef CPU_DEPTH_H
#define CPU_DEPTH_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload cpu_depth_workload;
extern const struct bench_body cpu_depth_direct, cpu_depth_evented, cpu_depth_serial;

struct depth_done {
	uint64_t calls;
	uint64_t sum; /* of what the calls gave and, as proof of the way, 1 for each level */
};

/* The function that is called; gives 2 i + 1. */
uint64_t depth_call(uint64_t i);
/* Goes down `levels` frames, one at least, makes the calls there, and comes back up. */
void depth_down(uint64_t levels, uint64_t calls, struct depth_done *done);

static inline __attribute__((always_inline)) void depth_calls(uint64_t calls, struct depth_done *done)
{
	uint64_t i, sum = 0;

	for (i = 0; i < calls; i++)
		sum += depth_call(i);
	*done = (struct depth_done){.calls = i, .sum = sum};
}

/*
 * The whole work. Of no level it is done in the caller's own frame, which is to be the first on its stack: a body only says
 * which stack that is.
 */
static inline __attribute__((always_inline)) void depth_work(uint64_t levels, uint64_t calls, struct depth_done *done)
{
	if (levels > 0)
		depth_down(levels, calls, done);
	else
		depth_calls(calls, done);
}

#endif
