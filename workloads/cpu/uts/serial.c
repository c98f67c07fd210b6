/*
 * cpu/uts without tasks: the same tree by plain recursion, and the same walk below the cut-off.
 */
#include "workloads/cpu/uts/uts.h"

static __attribute__((noinline)) void walk(const struct uts_tree *t, const struct uts_node *top, struct uts_sum *sum)
{
	*sum = uts_walk(t, top);
}

/* A node above the cut-off is a call that stands for a task; the others are walked. */
static void visit(const struct uts_tree *t, const struct uts_node *node, struct uts_sum *sum)
{
	uint64_t n = uts_kids(t, node);
	struct uts_sum below;

	if (node->depth >= t->cutoff) {
		walk(t, node, &below);
		uts_add(sum, &below);
		return;
	}
	sum->nodes++;
	sum->states += node->state;
	for (uint64_t i = 0; i < n; i++) {
		struct uts_node child = uts_child(t, node, i);

		visit(t, &child, sum);
		sum->tasks++;
	}
}

static int run_uts(struct bench *b)
{
	struct uts_tree tree = uts_tree(b);
	struct uts_node root = {.state = UTS_ROOT_STATE};
	struct uts_sum sum = {0};

	bench_begin(b);
	visit(&tree, &root, &sum);
	bench_end(b);
	b->cert = (struct bench_cert){.ops = sum.nodes, .units = sum.tasks, .checksum = sum.states};
	return 0;
}

const struct bench_body cpu_uts_serial = {.run = run_uts};
