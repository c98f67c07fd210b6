/*
 * handoff.h - block/handoff: what its bodies share.
 */
#ifndef BLOCK_HANDOFF_H
#define BLOCK_HANDOFF_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload block_handoff_workload;
extern const struct bench_body block_handoff_direct, block_handoff_evented;

/* What ends call i, from 1 up: something that the caller can only have read. */
static inline unsigned char handoff_byte(uint64_t i)
{
	return (unsigned char)(i * 7 + 1);
}

#endif
