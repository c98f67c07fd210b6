/*
 * accuracy.h - timer/accuracy: what its bodies share.
 */
#ifndef TIMER_ACCURACY_H
#define TIMER_ACCURACY_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload timer_accuracy_workload;
extern const struct bench_body timer_accuracy_direct, timer_accuracy_evented, timer_accuracy_serial;

static inline uint64_t accuracy_sleep_ns(const struct bench *b)
{
	return (uint64_t)bench_param(b, "sleep_us") * 1000;
}

#endif
