/*
 * grain.h - switch/grain: what its bodies share.
 */
#ifndef SWITCH_GRAIN_H
#define SWITCH_GRAIN_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload switch_grain_workload;
extern const struct bench_body switch_grain_direct, switch_grain_evented, switch_grain_serial;

/* One step of work: a linear congruential generator, about a nanosecond because each step needs the one before. */
#define GRAIN_STEP_A UINT64_C(6364136223846793005)
#define GRAIN_STEP_C UINT64_C(1442695040888963407)

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
	for (; n > 0; n--) {
		x = x * GRAIN_STEP_A + GRAIN_STEP_C;
		__asm__ volatile("" : "+r"(x)); /* two steps must not be folded into one multiplication */
	}
	grain_fence();
	return x;
}

/* Where task i's chain starts. */
static inline uint64_t grain_start(uint64_t task)
{
	return task + 1;
}

/* How many of `ops` grains task i of `tasks` works: equal shares, the first ops % tasks of them one more. */
static inline uint64_t grain_share(uint64_t ops, uint64_t tasks, uint64_t i)
{
	return ops / tasks + (i < ops % tasks);
}

#endif
