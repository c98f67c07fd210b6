/*
 * grain.h - switch/grain: what its bodies share.
 */
#ifndef SWITCH_GRAIN_H
#define SWITCH_GRAIN_H

#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/steps.h"

extern const struct bench_workload switch_grain_workload;
extern const struct bench_body switch_grain_direct, switch_grain_evented, switch_grain_serial;

/* Wait until all that was begun is done: a CPU that works out of order would overlap a grain with what comes after it. */
static inline void grain_fence(void)
{
#if defined(__x86_64__)
	__asm__ volatile("lfence" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dsb ish\n\tisb" ::: "memory");
#else
	__sync_synchronize();
#endif
}

/* A grain: n steps from x, over when it returns. */
static inline uint64_t grain_work(uint64_t x, uint64_t n)
{
	x = steps_work(x, n);
	grain_fence();
	return x;
}

/* Where task i's chain starts. */
static inline uint64_t grain_start(uint64_t task)
{
	return task + 1;
}

#endif
