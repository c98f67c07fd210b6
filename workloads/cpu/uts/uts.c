/*
 * cpu/uts - searching a tree of which nobody knows where it is large.
 *
 * An unbalanced tree. The root has `root` children; every other node has four children or none, and which, only its own
 * state tells. The mean number of children is `alive` thousandths: below one, so that each branch dies out, and near one,
 * so that it may take long. Most of the root's children have nothing below them and a few have most of the tree: dealing
 * the tree out beforehand fails, at any depth. A node's state is a mixture of its parent's and its number among the
 * siblings, `rounds` deep, so a part of the tree is known to whoever holds its root and to nobody else.
 *
 * Each node down to depth `cutoff` is a task whose parent waits for it; below that the tree is walked without tasks. One
 * operation is one node. No node is deeper than 256.
 *
 * The idea is that of the UTS benchmark's binomial trees; the mixing and the numbers are our own, so trees of the same
 * name there are not these. The certificate's counts come from a walk in expect(), level by level over lists of nodes
 * where the bodies go depth first; it shares with them what a child is, and nothing else.
 *
 * Rejected: a cryptographic hash, as there. It is a library that would be measured with it, and what is wanted is that the
 * tree cannot be foreseen by a scheduler, not by an adversary.
 */
#include "workloads/cpu/uts/uts.h"

#include <stdio.h>
#include <stdlib.h>

enum { PARAM_ROOT, PARAM_ALIVE, PARAM_ROUNDS, PARAM_CUTOFF };

static const struct bench_param params[] = {
	[PARAM_ROOT] = {.name = "root",
			.unit = "nodes",
			.help = "children of the root",
			.dflt = 1000,
			.min = 1,
			.max = 20000,
			.smoke = 20},
	[PARAM_ALIVE] =
		{.name = "alive",
		 .unit = "thousandths",
		 .help = "mean number of children of any other node; the tree has about root / (1 - alive) nodes",
		 .dflt = 980,
		 .min = 0,
		 .max = 990,
		 .smoke = 800},
	[PARAM_ROUNDS] = {.name = "rounds",
			  .unit = "rounds",
			  .help = "of mixing per node, about 2 ns each",
			  .dflt = 10,
			  .min = 2,
			  .max = 1000,
			  .smoke = 2},
	[PARAM_CUTOFF] = {.name = "cutoff",
			  .unit = "levels",
			  .help = "whose nodes are tasks; 256: all",
			  .dflt = UTS_MAX_DEPTH,
			  .min = 1,
			  .max = UTS_MAX_DEPTH,
			  .smoke = 3},
};

struct uts_tree uts_tree(const struct bench *b)
{
	/* A node lives with probability alive / 1000 / UTS_KIDS. */
	return (struct uts_tree){
		.root_kids = (uint64_t)b->param[PARAM_ROOT],
		.live_below = (uint64_t)b->param[PARAM_ALIVE] * (UINT64_MAX / (1000 * UTS_KIDS)),
		.rounds = (uint64_t)b->param[PARAM_ROUNDS],
		.cutoff = (uint64_t)b->param[PARAM_CUTOFF],
	};
}

/* The nodes of one level. */
struct level {
	struct uts_node *nodes;
	uint64_t n, room;
};

static void append(struct level *l, struct uts_node node)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 1024;
		l->nodes = realloc(l->nodes, l->room * sizeof *l->nodes);
		if (!l->nodes) {
			fprintf(stderr, "cpu/uts: out of memory for the nodes of a level\n");
			abort(); /* expect() has no way to fail */
		}
	}
	l->nodes[l->n++] = node;
}

static struct uts_sum count_tree(const struct uts_tree *t)
{
	struct level now = {0}, next = {0}, swap;
	struct uts_sum sum = {0};

	append(&now, (struct uts_node){.state = UTS_ROOT_STATE});
	for (uint64_t depth = 0; now.n > 0; depth++) {
		sum.nodes += now.n;
		if (depth > 0 && depth <= t->cutoff)
			sum.tasks += now.n;
		next.n = 0;
		for (uint64_t k = 0; k < now.n; k++) {
			uint64_t kids = uts_kids(t, &now.nodes[k]);

			sum.states += now.nodes[k].state;
			for (uint64_t i = 0; i < kids; i++)
				append(&next, uts_child(t, &now.nodes[k], i));
		}
		swap = now;
		now = next;
		next = swap;
	}
	free(now.nodes);
	free(next.nodes);
	return sum;
}

static uint64_t uts_ops(const struct bench *b)
{
	struct uts_tree t = uts_tree(b);

	return count_tree(&t).nodes;
}

static void uts_expect(const struct bench *b, struct bench_cert *out)
{
	struct uts_tree t = uts_tree(b);
	struct uts_sum sum = count_tree(&t);

	*out = (struct bench_cert){.ops = sum.nodes, .units = sum.tasks, .checksum = sum.states};
}

const struct bench_workload cpu_uts_workload = {
	.name = "cpu/uts",
	.version = 1,
	.summary = "fork and join over a tree whose branches are of unforeseeable size",
	.op = "one node visited, with the task that it is if it is above the cut-off",
	.fairness =
		"All bodies visit the same tree, find a node's children with the same inline function, and make the "
		"same "
		"nodes tasks. A direct task has its children's records on its stack and joins them one by one, the "
		"root's "
		"in an array; the walk below the cut-off is marked as preemptible, which means something to goroutines "
		"only. An evented task is a posted callback; one with children is a record from malloc that holds "
		"them, "
		"and the last child continues it: no stack is kept, which favours it; its queue is first come first "
		"served, so it holds the whole width of the tree. The loop has one CPU whatever the placement. The "
		"pthread "
		"model makes one kernel thread per task, and a task that waits for its children is a thread that "
		"waits: "
		"large trees end at the system's thread limit unless the cut-off is low, and that is a result. The "
		"serial "
		"body calls the same tree recursively. "
		"subject-go awaits the children by a wait group, and walks by recursion, since its stacks grow.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = uts_ops,
	.expect = uts_expect,
};
