/*
 * afterexit.h - memory/afterexit: what its bodies share.
 */
#ifndef MEMORY_AFTEREXIT_H
#define MEMORY_AFTEREXIT_H

#include <stddef.h>
#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload memory_afterexit_workload;
extern const struct bench_body memory_afterexit_direct, memory_afterexit_evented;

/* What a direct task may touch of its stack: of the smallest stack class, 16 KiB with a guard page, this is safe. */
enum { AFTEREXIT_STACK_KIB = 8 };

enum { AFTEREXIT_PAGE = 4096 };

/* At least so long after the last task has said that it ends: the model's own part of an end comes after that. */
#define AFTEREXIT_LEAST_NS UINT64_C(10000000)

static inline uint64_t afterexit_settle_ns(const struct bench *b)
{
	return AFTEREXIT_LEAST_NS + (uint64_t)bench_param(b, "settle_ms") * 1000000;
}

/* Task `id` writes this byte once into each page of its block. */
static inline unsigned char afterexit_mark(uint64_t id)
{
	return (unsigned char)(id % 251 + 1);
}

static inline void afterexit_touch(volatile unsigned char *block, size_t bytes, uint64_t id)
{
	for (size_t at = 0; at < bytes; at += AFTEREXIT_PAGE)
		block[at] = afterexit_mark(id);
}

static inline uint64_t afterexit_sum(const volatile unsigned char *block, size_t bytes)
{
	uint64_t sum = 0;

	for (size_t at = 0; at < bytes; at += AFTEREXIT_PAGE)
		sum += block[at];
	return sum;
}

#endif
