/*
 * fib.h - cpu/fib: what its bodies share.
 */
#ifndef CPU_FIB_H
#define CPU_FIB_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload cpu_fib_workload;
extern const struct bench_body cpu_fib_direct, cpu_fib_evented, cpu_fib_serial;

/*
 * A leaf of the call tree: fib(n) by plain recursion. One function in fib.c for all bodies, so that no body's
 * surroundings can make its arithmetic faster than another's.
 */
uint64_t fib_leaf(int n);

/*
 * A time that no body can beat on so many CPUs: the arithmetic alone. A body's estimate says no more, because what a
 * task costs is the model's affair and is what is to be found out.
 */
uint64_t fib_least_ns(const struct bench *b, unsigned cpus);

#endif
