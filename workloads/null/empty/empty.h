/*
 * empty.h - null/empty: the definition and its body. It has no data.
 */
#ifndef NULL_EMPTY_H
#define NULL_EMPTY_H

#include "harness/subject/bench.h"

extern const struct bench_workload null_empty_workload;
extern const struct bench_body null_empty_null;

#endif
