/*
 * barrier.h - sync/barrier: what its bodies share.
 */
#ifndef SYNC_BARRIER_H
#define SYNC_BARRIER_H

#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/steps.h"
#include "workloads/sync/tally.h"

extern const struct bench_workload sync_barrier_workload;
extern const struct bench_body sync_barrier_direct, sync_barrier_evented, sync_barrier_serial;

/*
 * A task's desk: what it leaves for its neighbour in a phase. There are two places, used in turn: the neighbour reads
 * the one of this phase after the barrier, while the task may write the other one for the next phase already.
 */
struct barrier_desk {
	_Alignas(128) uint64_t note[2];
};

static inline void barrier_leave(struct barrier_desk *desk, uint64_t phase, uint64_t task)
{
	desk->note[phase % 2] = tally_message(task, phase);
}

/* What the neighbour's note adds to the sum: a stale one, left by an earlier phase, adds something else. */
static inline uint64_t barrier_read(const struct barrier_desk *desk, uint64_t phase)
{
	uint64_t note = desk->note[phase % 2];

	return tally_digit(tally_source(note), tally_n(note));
}

static inline uint64_t barrier_neighbour(uint64_t task, uint64_t tasks)
{
	return task + 1 == tasks ? 0 : task + 1;
}

#endif
