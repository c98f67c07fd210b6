/*
 * yield.h - switch/yield: what its bodies share.
 */
#ifndef SWITCH_YIELD_H
#define SWITCH_YIELD_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload switch_yield_workload;
extern const struct bench_body switch_yield_direct, switch_yield_evented;

#endif
