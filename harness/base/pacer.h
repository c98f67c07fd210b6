/*
 * pacer.h - when an open-loop load generator should start its operations.
 *
 * A closed loop waits for a slow server and so omits the requests that would have met it (coordinated omission). An
 * open one starts operations at times that the server cannot move, and counts latency from the intended start, not
 * from the moment at which the generator got round to it. The pacer gives those intended times and knows nothing of
 * clocks or sockets.
 *
 * I1: intended times never decrease.
 * I2: they depend on (kind, rate, start, seed) alone: a generator that falls behind gets the same times, late.
 * I3: no drift: fixed times are computed from the index, not summed up.
 */
#ifndef BASE_PACER_H
#define BASE_PACER_H

#include <stdint.h>

#include "harness/base/rng.h"

enum pacer_kind {
	PACER_FIXED, /* equal gaps */
	PACER_EXPONENTIAL, /* a Poisson process: gaps are independent, as with many independent users */
};

/* Owned by one thread. */
struct pacer {
	enum pacer_kind kind; /* immutable after init */
	uint64_t start_ns; /* immutable after init: the clock's value at which the schedule begins */
	uint64_t rate_per_sec; /* immutable after init */
	uint64_t index; /* operations given out */
	double elapsed_ns; /* PACER_EXPONENTIAL: sum of the gaps so far */
	struct rng rng; /* PACER_EXPONENTIAL */
};

/* rate_per_sec must not be 0. Fixed: the first operation is at start_ns; exponential: one gap later. */
void pacer_init(struct pacer *p, enum pacer_kind kind, uint64_t rate_per_sec, uint64_t start_ns, uint64_t seed);

/* The intended start of the next operation. */
uint64_t pacer_next(struct pacer *p);

#endif
