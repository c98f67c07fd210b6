/*
 * parked.h - memory/parked: what its bodies share.
 */
#ifndef MEMORY_PARKED_H
#define MEMORY_PARKED_H

#include <stddef.h>
#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload memory_parked_workload;
extern const struct bench_body memory_parked_direct, memory_parked_evented;

/* What a direct task may touch of its stack: of the smallest stack class, 16 KiB with a guard page, this is safe. */
enum { PARKED_STACK_KIB = 8 };

enum { PARKED_PAGE = 4096 };

/* Task `id` writes this byte once into each page of its block. */
static inline unsigned char parked_mark(uint64_t id)
{
	return (unsigned char)(id % 251 + 1);
}

/* Touch the pages of a block; the writes are made even though nobody has read them yet. */
static inline void parked_touch(volatile unsigned char *block, size_t bytes, uint64_t id)
{
	for (size_t at = 0; at < bytes; at += PARKED_PAGE)
		block[at] = parked_mark(id);
}

/*
 * Do with the libc what programs do before they wait, in a frame that is gone when the task parks: write numbers as text
 * and read one back. What that has used of a stack stays in use. Gives id.
 */
uint64_t parked_use_libc(uint64_t id);

/* Read back what parked_touch wrote; that the block is read after the release keeps it alive until then. */
static inline uint64_t parked_sum(const volatile unsigned char *block, size_t bytes)
{
	uint64_t sum = 0;

	for (size_t at = 0; at < bytes; at += PARKED_PAGE)
		sum += block[at];
	return sum;
}

#endif
