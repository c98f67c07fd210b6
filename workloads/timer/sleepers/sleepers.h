/*
 * sleepers.h - timer/sleepers: what its bodies share.
 */
#ifndef TIMER_SLEEPERS_H
#define TIMER_SLEEPERS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload timer_sleepers_workload;
extern const struct bench_body timer_sleepers_direct, timer_sleepers_evented;

#define SLEEPERS_NS_PER_MS UINT64_C(1000000)

/* What each sleeper does. */
struct sleepers_plan {
	uint64_t tasks, rounds, sleep_ns;
};

static inline struct sleepers_plan sleepers_plan_of(const struct bench *b)
{
	return (struct sleepers_plan){.tasks = (uint64_t)bench_param(b, "tasks"),
				      .rounds = (uint64_t)bench_param(b, "rounds"),
				      .sleep_ns = (uint64_t)bench_param(b, "sleep_ms") * SLEEPERS_NS_PER_MS};
}

/*
 * Has a task that began its first sleep at `began_ns` and ended its last one at `ended_ns` slept for as long as it had to?
 * Each sleep lasts its time at least, whatever else is late.
 */
static inline bool sleepers_slept(const struct sleepers_plan *p, uint64_t began_ns, uint64_t ended_ns)
{
	return ended_ns - began_ns >= p->rounds * p->sleep_ns;
}

/* No model can be faster: nobody's sleeps overlap. */
static inline uint64_t sleepers_least_ns(const struct bench *b)
{
	const struct sleepers_plan p = sleepers_plan_of(b);

	return p.rounds * p.sleep_ns;
}

#endif
