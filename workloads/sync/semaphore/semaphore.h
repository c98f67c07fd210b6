/*
 * semaphore.h - sync/semaphore: what its bodies share.
 */
#ifndef SYNC_SEMAPHORE_H
#define SYNC_SEMAPHORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/steps.h"

extern const struct bench_workload sync_semaphore_workload;
extern const struct bench_body sync_semaphore_direct, sync_semaphore_evented, sync_semaphore_serial;

/* Where task i's word starts. */
static inline uint64_t semaphore_start(uint64_t task)
{
	return task + 1;
}

/* Whether a holder lets others run while it holds its permit: the parameter `inside`. */
static inline bool semaphore_yields(const struct bench *b)
{
	return bench_param(b, "inside") != 0;
}

/*
 * The proof that no more than `permits` hold one: each counts itself in and out while it has its permit. Relaxed is
 * enough: who got a permit that another one gave back is behind that one's leaving in the word's own order.
 */
static inline bool semaphore_enter(_Atomic uint32_t *holders, uint32_t permits)
{
	return atomic_fetch_add_explicit(holders, 1, memory_order_relaxed) < permits;
}

static inline void semaphore_leave(_Atomic uint32_t *holders)
{
	atomic_fetch_sub_explicit(holders, 1, memory_order_relaxed);
}

#endif
