/*
 * churn.h - timer/churn: what its bodies share.
 */
#ifndef TIMER_CHURN_H
#define TIMER_CHURN_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/steps.h"

extern const struct bench_workload timer_churn_workload;
extern const struct bench_body timer_churn_direct, timer_churn_evented;

enum { CHURN_BATCH = 64 }; /* operations of a task between two looks at what else there is to do; arbitrary */

/* After the region so many timers, or all if they are fewer, are started for the one time and reset to the other. */
enum { CHURN_CHECKED = 64, CHURN_SHORT_NS = 2000000, CHURN_LONG_NS = 20000000 };

/* What the tasks do. */
struct churn_plan {
	uint64_t tasks, pending; /* tasks, and timers of them all: one per task at least */
	uint64_t distance_ns;
	bool stops; /* stopped and started, not moved */
	bool varies; /* the distance, from a half of it to one and a half */
	uint64_t seed;
};

static inline struct churn_plan churn_plan_of(const struct bench *b)
{
	const uint64_t tasks = (uint64_t)bench_param(b, "tasks"), pending = (uint64_t)bench_param(b, "pending");

	return (struct churn_plan){.tasks = tasks,
				   .pending = pending > tasks ? pending : tasks,
				   .distance_ns = (uint64_t)bench_param(b, "distance_ms") * 1000000,
				   .stops = bench_param(b, "op") != 0,
				   .varies = bench_param(b, "distances") != 0,
				   .seed = b->seed};
}

/* The least time after its start at which a timer may fire. */
static inline uint64_t churn_least_ns(const struct churn_plan *p)
{
	return p->varies ? p->distance_ns / 2 : p->distance_ns;
}

/* What task i chooses with, from operation to operation. */
static inline uint64_t churn_first(const struct churn_plan *p, uint64_t i)
{
	return steps_work(p->seed ^ i << 32, 2);
}

static inline uint64_t churn_next(uint64_t x)
{
	return steps_work(x, 1);
}

/* Which of n timers the operation is for, n < 2^32. */
static inline uint64_t churn_pick(uint64_t x, uint64_t n)
{
	return (x >> 32) * n >> 32;
}

/* When the timer is to fire. */
static inline uint64_t churn_distance_ns(const struct churn_plan *p, uint64_t x)
{
	if (!p->varies)
		return p->distance_ns;
	return p->distance_ns / 2 + (p->distance_ns * (x >> 16 & 0xffff) >> 16);
}

#endif
