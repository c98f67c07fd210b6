/*
 * rwlock.h - sync/rwlock: what its bodies share.
 */
#ifndef SYNC_RWLOCK_H
#define SYNC_RWLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/steps.h"

extern const struct bench_workload sync_rwlock_workload;
extern const struct bench_body sync_rwlock_direct, sync_rwlock_evented, sync_rwlock_serial;

/* Where the shared word starts, and where task i's private word starts. */
#define RWLOCK_SHARED_START UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t rwlock_private_start(uint64_t task)
{
	return task + 1;
}

/*
 * Which acquisitions are for reading: reads and writes are spread evenly, `percent` of 100 in a row are reads, and the
 * tasks begin at different places of the pattern. *credit is the task's, from rwlock_first_credit on.
 */
static inline uint64_t rwlock_first_credit(uint64_t task)
{
	return task * 37 % 100;
}

static inline bool rwlock_is_read(uint64_t *credit, uint64_t percent)
{
	*credit += percent;
	if (*credit < 100)
		return false;
	*credit -= 100;
	return true;
}

/* The work under the lock, for writing: the shared word goes on by `hold` steps. */
static inline void rwlock_write(volatile uint64_t *word, uint64_t hold)
{
	*word = steps_work(*word, hold);
}

/* For reading: as many steps of a private word. False if the shared word has changed meanwhile. */
static inline bool rwlock_read(const volatile uint64_t *word, uint64_t *private, uint64_t hold)
{
	uint64_t before = *word;

	*private = steps_work(*private, hold);
	return *word == before;
}

#endif
