/*
 * simulate.h - simulated samples: how much work they do, and what is made of it.
 *
 * Cachegrind counts whole processes, from the dynamic linker to exit. What the region alone took comes from a pair of samples:
 * the second does the same work twice - of a linear cell twice the operations, of a finite one the whole problem as an unrecorded
 * warm-up as well - and the difference of the two is what that work took, in caches that the first half has filled. Start, set-up
 * and end are in both, and vanish.
 *
 *      round 2k     ops = n                  total = all else + work
 *      round 2k+1   ops = 2n, or a warm-up   total = all else + 2 x work
 *
 * The numbers of operations are fixed by the workload, not calibrated: all subjects do the same, on every machine.
 *
 * Rejected: client requests of callgrind in the subjects (foreign ones would need them, and what is counted then starts with cold
 * caches); one run divided by its operations (start-up is a million instructions).
 */
#ifndef SIMULATE_H
#define SIMULATE_H

#include "harness/measure/cachegrind.h"
#include "harness/plan/plan.h"

struct take; /* sample_talk.h */

/* NULL, or why cells of this workload are not simulated. */
const char *simulate_refused(const struct workload_def *w);

/* Samples of each subject: two for each pair. */
unsigned simulate_samples(const struct workload_def *w);

/* Operations of a linear cell's first sample of a pair. */
uint64_t simulate_ops(const struct cell *cell);

/* Whether a sample of that round does its work twice. */
static inline bool simulate_is_twice(unsigned round)
{
	return round % 2 == 1;
}

/* Let the subject be started under cachegrind; argv and what it points to live as long as *held. */
struct simulated_start {
	const char *argv[CACHEGRIND_ARGS];
	char *out_option; /* --cachegrind-out-file=PATH.%p */
	char *threads_option; /* --max-threads=N */
};
void simulate_start(const struct take *t, struct process_spec *spec, struct simulated_start *held);
void simulate_started(struct simulated_start *held);

/* The process has ended: read what cachegrind wrote into t->simulation, and remove it. A failure where there is nothing. */
void simulate_finish(struct take *t, pid_t pid);

#endif
