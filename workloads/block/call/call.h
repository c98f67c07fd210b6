/*
 * call.h - block/call: what its bodies share.
 */
#ifndef BLOCK_CALL_H
#define BLOCK_CALL_H

#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/block/nap.h"
#include "workloads/steps.h"

extern const struct bench_workload block_call_workload;
extern const struct bench_body block_call_direct, block_call_evented, block_call_serial;

struct call_plan {
	uint64_t in_flight, call_ns, work;
};

static inline struct call_plan call_plan_of(const struct bench *b)
{
	return (struct call_plan){.in_flight = (uint64_t)bench_param(b, "in_flight"),
				  .call_ns = (uint64_t)bench_param(b, "call_us") * 1000,
				  .work = (uint64_t)bench_param(b, "work")};
}

/* The time to settle has so many parts: threads are counted after each. */
enum { CALL_PARTS = 6 };

/* Threads of the process: with the tasks at the gate, after the region, after each part of the time to settle. */
struct call_threads {
	unsigned before, end, settling[CALL_PARTS];
};

/* How long the tasks wait after the region until threads are counted once more. */
static inline uint64_t call_settle_ns(const struct bench *b)
{
	return bench_is_recorded(b) ? (uint64_t)bench_param(b, "settle_ms") * 1000000 : 0;
}

/* After the region: the figures. */
void call_tell_threads(struct bench *b, const struct call_threads *t);

/* What caller i, from 0 up, adds after n calls, with the value that its steps came to. */
static inline uint64_t call_digest(uint64_t i, uint64_t n, uint64_t value)
{
	return value + (i + 1) * n;
}

#endif
