/*
 * ticks.h - the CPU's clock, for time stamps that cost a few ns. Its unit is found out by comparison with another clock.
 */
#ifndef GR_TICKS_H
#define GR_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* Whether it runs at one speed on all CPUs, also while they sleep ("invariant TSC"). */
static inline bool gr__ticks_are_steady(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d >> 8 & 1);
}

static inline uint64_t gr__ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

#elif defined(__aarch64__)

static inline bool gr__ticks_are_steady(void)
{
	return true; /* the architecture wants it */
}

static inline uint64_t gr__ticks(void)
{
	uint64_t v;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
}

#else
#error "no clock for this architecture"
#endif
#endif
