/*
 * spawn/skynet without tasks: the same tree by plain recursion.
 */
#include "workloads/spawn/skynet/skynet.h"

/* The compiler must see an unknown number of leaves at every level, or it folds levels of the tree into one. */
static __attribute__((noinline)) struct skynet_sum grow(uint64_t first, uint64_t leaves)
{
	struct skynet_sum own = {.tasks = 1};

	__asm__ volatile("" : "+r"(leaves));
	if (leaves == 1) {
		own.value = first;
		return own;
	}
	leaves /= SKYNET_FANOUT;
	for (uint64_t i = 0; i < SKYNET_FANOUT; i++) {
		struct skynet_sum below = grow(first + i * leaves, leaves);

		own.value += below.value;
		own.tasks += below.tasks;
	}
	return own;
}

static int run_skynet(struct bench *b)
{
	uint64_t leaves = skynet_leaves(b);
	struct skynet_sum sum;

	bench_begin(b);
	sum = grow(0, leaves);
	bench_end(b);
	b->cert =
		(struct bench_cert){.ops = sum.tasks, .units = sum.tasks, .messages = sum.tasks, .checksum = sum.value};
	return 0;
}

const struct bench_body spawn_skynet_serial = {.run = run_skynet};
