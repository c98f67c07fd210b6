/*
 * stream.h - sync/stream: what its bodies share.
 */
#ifndef SYNC_STREAM_H
#define SYNC_STREAM_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload sync_stream_workload;
extern const struct bench_body sync_stream_direct, sync_stream_evented;

/* Message i. */
static inline uint64_t stream_message(uint64_t i)
{
	return 2 * i + 1;
}

#endif
