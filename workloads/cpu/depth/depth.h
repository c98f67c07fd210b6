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

/*
 * The whole work: goes down `levels` frames, makes `calls` calls there, and comes back up. One function in depth.c for all
 * bodies; a body only says on which stack it runs.
 */
void depth_work(uint64_t levels, uint64_t calls, struct depth_done *done);

#endif
