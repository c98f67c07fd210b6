/*
 * queue.h - sync/queue: what its bodies share.
 */
#ifndef SYNC_QUEUE_H
#define SYNC_QUEUE_H

#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/sync/tally.h"

extern const struct bench_workload sync_queue_workload;
extern const struct bench_body sync_queue_direct, sync_queue_evented;

/* What a consumer notes of a message: whether it is in its producer's order, and its digit. */
static inline void queue_note(uint64_t message, uint64_t *next, uint64_t *in_order, uint64_t *sum)
{
	uint64_t source = tally_source(message), n = tally_n(message);

	*in_order += n >= next[source];
	next[source] = n + 1;
	*sum += tally_digit(source, n);
}

#endif
