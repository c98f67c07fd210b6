/*
 * chain.h - spawn/chain: what its bodies share.
 */
#ifndef SPAWN_CHAIN_H
#define SPAWN_CHAIN_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload spawn_chain_workload;
extern const struct bench_body spawn_chain_direct, spawn_chain_evented, spawn_chain_serial;

/* What a chain's tasks hand on. Owned by the one task of the chain that has not handed it on; on a line of its own. */
struct chain_link {
	_Alignas(64) uint64_t left; /* tasks still to be, this one included */
	uint64_t made; /* tasks that have been */
	uint64_t sum; /* what they added */
};

/* The task: counts itself. Gives whether there must be another one. */
static inline int chain_step(struct chain_link *link)
{
	link->sum += 2 * link->made + 1;
	link->made++;
	return --link->left > 0;
}

/* What a chain of so many tasks, the number-th of all chains, adds to the certificate. */
static inline void chain_count(struct bench_cert *cert, const struct chain_link *link, uint64_t number)
{
	cert->ops += link->made;
	cert->units += link->made;
	cert->checksum += (number + 1) * link->sum;
}

#endif
