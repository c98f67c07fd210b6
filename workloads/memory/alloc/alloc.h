/*
 * alloc.h - memory/alloc: what its bodies share.
 */
#ifndef MEMORY_ALLOC_H
#define MEMORY_ALLOC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "harness/subject/bench.h"
#include "workloads/memory/touch.h"
#include "workloads/steps.h"

extern const struct bench_workload memory_alloc_workload;
extern const struct bench_body memory_alloc_direct, memory_alloc_evented, memory_alloc_serial;

enum { ALLOC_REUSE_NO, ALLOC_REUSE_YES }; /* values of the parameter `reuse` */

/* What each task is to do; immutable. */
struct alloc_work {
	size_t bytes; /* of its block; 0: it has none */
	uint64_t steps;
};

/* bytes is NULL where there is none to be had, and where none is asked for. */
struct alloc_block {
	volatile unsigned char *bytes;
	bool is_missing;
};

/* A task begins: a block from malloc, touched. */
static inline struct alloc_block alloc_begin(const struct alloc_work *w, uint64_t id)
{
	struct alloc_block block = {.bytes = w->bytes ? malloc(w->bytes) : NULL};

	block.is_missing = w->bytes && !block.bytes;
	if (block.bytes)
		touch(block.bytes, w->bytes, id);
	return block;
}

/* It works, reads its block back, and frees it: what it adds to the sum. */
static inline uint64_t alloc_end(const struct alloc_work *w, struct alloc_block block, uint64_t id)
{
	uint64_t sum = steps_work(id, w->steps);

	if (block.bytes)
		sum += touch_sum(block.bytes, w->bytes);
	free((void *)(uintptr_t)block.bytes);
	return sum;
}

static inline struct alloc_work alloc_work(const struct bench *b)
{
	return (struct alloc_work){.bytes = (size_t)bench_param(b, "block_kib") * 1024,
				   .steps = (uint64_t)bench_param(b, "work")};
}

#endif
