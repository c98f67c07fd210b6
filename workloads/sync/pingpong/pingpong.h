/*
 * pingpong.h - sync/pingpong: what its bodies share.
 */
#ifndef SYNC_PINGPONG_H
#define SYNC_PINGPONG_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload sync_pingpong_workload;
extern const struct bench_body sync_pingpong_direct, sync_pingpong_evented;

/* The answer to a ping: something that the pinger cannot know without having been answered. */
static inline uint64_t pingpong_answer(uint64_t ping)
{
	return 2 * ping + 1;
}

#endif
