/*
 * uts.h - cpu/uts: what its bodies share.
 */
#ifndef CPU_UTS_H
#define CPU_UTS_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload cpu_uts_workload;
extern const struct bench_body cpu_uts_direct, cpu_uts_evented, cpu_uts_serial;

enum {
	UTS_KIDS = 4, /* that a node has, if it has any; the root has as many as the parameter says */
	UTS_MAX_DEPTH = 256, /* nodes at this depth have none */
};

/* The tree's shape. */
struct uts_tree {
	uint64_t root_kids;
	uint64_t live_below; /* a node whose state is below this has UTS_KIDS children */
	uint64_t rounds; /* of mixing, to know a child */
	uint64_t cutoff; /* nodes down to this depth are tasks; the root is at depth 0 and is none */
};

/* A node is its state: all that is below it follows from that. */
struct uts_node {
	uint64_t state;
	uint64_t depth;
};

/* What is below a node, itself included. */
struct uts_sum {
	uint64_t nodes;
	uint64_t tasks;
	uint64_t states; /* all states added up */
};

struct uts_tree uts_tree(const struct bench *b);

#define UTS_ROOT_STATE UINT64_C(0x5ca1ab1e)

/* Child number i of a node. The child is found by work that cannot be left out, as in a search where a move must be made. */
static inline struct uts_node uts_child(const struct uts_tree *t, const struct uts_node *up, uint64_t i)
{
	uint64_t x = up->state + (i + 1) * UINT64_C(0xd1342543de82ef95);

	for (uint64_t round = t->rounds; round > 0; round--) {
		x ^= x >> 32;
		x *= UINT64_C(0xe9846af9b1a615d5);
		x ^= x >> 29;
	}
	return (struct uts_node){.state = x, .depth = up->depth + 1};
}

static inline uint64_t uts_kids(const struct uts_tree *t, const struct uts_node *node)
{
	if (node->depth == 0)
		return t->root_kids;
	return node->state < t->live_below && node->depth < UTS_MAX_DEPTH ? UTS_KIDS : 0;
}

static inline void uts_add(struct uts_sum *sum, const struct uts_sum *below)
{
	sum->nodes += below->nodes;
	sum->tasks += below->tasks;
	sum->states += below->states;
}

/*
 * Visit a node, not the root, and all below it without tasks: depth first, with what is left of each level in an array. It
 * calls nothing, so that a model can stop it anywhere. Always inlined, into a function of each body that is not.
 */
static inline __attribute__((always_inline)) struct uts_sum uts_walk(const struct uts_tree *t,
								     const struct uts_node *top)
{
	struct {
		uint64_t state; /* of the parent */
		uint64_t next; /* child to visit */
	} path[UTS_MAX_DEPTH];
	struct uts_sum sum = {.nodes = 1, .states = top->state};
	struct uts_node up = *top;
	uint64_t level = 0;

	if (uts_kids(t, top) == 0)
		return sum;
	path[0].state = top->state;
	path[0].next = 0;
	for (;;) {
		struct uts_node child;

		if (path[level].next == UTS_KIDS) {
			if (level-- == 0)
				return sum;
			continue;
		}
		up.state = path[level].state;
		up.depth = top->depth + level;
		child = uts_child(t, &up, path[level].next++);
		sum.nodes++;
		sum.states += child.state;
		if (uts_kids(t, &child) > 0) {
			level++;
			path[level].state = child.state;
			path[level].next = 0;
		}
	}
}

#endif
