/*
 * ring.h - switch/ring: what its bodies share.
 */
#ifndef SWITCH_RING_H
#define SWITCH_RING_H

#include <stddef.h>
#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload switch_ring_workload;
extern const struct bench_body switch_ring_direct, switch_ring_evented, switch_ring_serial;

/* One cache line of a task's working set. */
struct ring_node {
	struct ring_node *next; /* a single cycle through all nodes of the task, in random order */
	uint64_t value;
	char pad[64 - sizeof(struct ring_node *) - sizeof(uint64_t)];
};
_Static_assert(sizeof(struct ring_node) == 64, "a node is one line, so that each load is one miss or one hit");

/* Made by setup(), read-only afterwards. */
struct ring_data {
	uint64_t tasks;
	uint64_t nodes_per_task; /* 0: no working set */
	struct ring_node *nodes; /* task i's are [i * nodes_per_task, (i + 1) * nodes_per_task) */
	size_t map_bytes;
};

/* What travels around the ring. */
struct ring_token {
	uint64_t hops_left; /* visits still to make, the next one included */
	uint64_t sum; /* over the visits made */
};

/*
 * What a task does while it holds the token: one walk over its own nodes. Gives what it adds to the sum. Every load's
 * address comes out of the load before, so the walk takes one cache latency per node and cannot be overlapped.
 */
static inline uint64_t ring_visit(const struct ring_data *d, uint64_t task)
{
	const struct ring_node *node = d->nodes ? d->nodes + task * d->nodes_per_task : NULL;
	uint64_t sum = task + 1;

	for (uint64_t i = d->nodes_per_task; i > 0; i--) {
		sum += node->value;
		node = node->next;
	}
	return sum;
}

#endif
