/*
 * cpu/uts in the blocking style: a task per node above the cut-off, joined by its parent.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/cpu/uts/uts.h"

struct visit {
	dx_task task;
	const struct uts_tree *tree; /* immutable */
	struct uts_node node; /* immutable once the task runs */
	/* the task's until it is joined */
	int status; /* 0 or why a task below this one could not be created */
	struct uts_sum sum;
};

static DX_PREEMPTIBLE void walk(const struct uts_tree *t, const struct uts_node *top, struct uts_sum *sum)
{
	*sum = uts_walk(t, top);
}

static void be_a_node(void *arg);

/* Visit the children of `self` in tasks of their own and add up what they found. `kids` has room for all. */
static void branch(struct visit *self, struct visit *kids, uint64_t n)
{
	uint64_t created;

	self->sum = (struct uts_sum){.nodes = 1, .states = self->node.state};
	for (created = 0; created < n; created++) {
		struct visit *kid = &kids[created];

		*kid = (struct visit){.tree = self->tree, .node = uts_child(self->tree, &self->node, created)};
		self->status = dx_spawn(&kid->task, be_a_node, kid);
		if (self->status < 0)
			break; /* those that exist are still joined below */
	}
	while (created-- > 0) {
		dx_join(&kids[created].task);
		uts_add(&self->sum, &kids[created].sum);
		if (kids[created].status < 0)
			self->status = kids[created].status;
	}
}

static void be_a_node(void *arg)
{
	struct visit *self = arg, kids[UTS_KIDS];

	if (self->node.depth < self->tree->cutoff)
		branch(self, kids, uts_kids(self->tree, &self->node));
	else
		walk(self->tree, &self->node, &self->sum);
	self->sum.tasks++;
}

static int run_uts(struct bench *b)
{
	struct uts_tree tree = uts_tree(b);
	struct visit root = {.tree = &tree, .node = {.state = UTS_ROOT_STATE}};
	struct visit *kids = malloc(tree.root_kids * sizeof *kids);

	if (!kids)
		return bench_fail(b, -ENOMEM, "out of memory for %llu children of the root",
				  (unsigned long long)tree.root_kids);
	bench_begin(b);
	branch(&root, kids, tree.root_kids);
	bench_end(b);
	free(kids);
	if (root.status < 0)
		return bench_fail(b, root.status,
				  "cannot hold the tasks of the tree: the model refused one after %llu (%s)",
				  (unsigned long long)root.sum.tasks, strerror(-root.status));
	b->cert = (struct bench_cert){.ops = root.sum.nodes, .units = root.sum.tasks, .checksum = root.sum.states};
	return 0;
}

const struct bench_body cpu_uts_direct = {.run = run_uts};
