/*
 * cpu/uts in the callback style: a node that waits for its children is a record with them in it, and the last one to end
 * continues it.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/cpu/uts/uts.h"

struct run {
	struct bench *b;
	struct uts_tree tree;
	int status; /* -ENOMEM once a record could not be had: what is below it is left out and the run fails */
};

struct frame;

/* A node that has been posted. */
struct visit {
	ex_work work;
	struct frame *up;
	struct uts_node node;
};

/* A node that waits for its children; freed when the last has delivered. */
struct frame {
	struct run *run;
	struct frame *up; /* NULL: the root */
	uint64_t missing; /* children that have not delivered */
	struct uts_sum sum; /* of the node and of those that have */
	struct visit kids[];
};

static __attribute__((noinline)) void walk(const struct uts_tree *t, const struct uts_node *top, struct uts_sum *sum)
{
	*sum = uts_walk(t, top);
}

static void finish(struct run *r, const struct uts_sum *sum)
{
	struct bench *b = r->b;
	int status = r->status;

	bench_end(b);
	b->cert = (struct bench_cert){.ops = sum->nodes, .units = sum->tasks, .checksum = sum->states};
	if (status < 0)
		bench_fail(b, status, "out of memory for the records of the tree after %llu tasks",
			   (unsigned long long)sum->tasks);
	free(r);
	bench_done(b, status);
}

/* Hand what a task has found to `f`; as long as that completes a frame, go on to the frame above it. */
static void deliver(struct run *r, struct frame *f, struct uts_sum sum)
{
	while (f) {
		struct frame *up = f->up;

		sum.tasks++; /* the one that delivers */
		uts_add(&f->sum, &sum);
		if (--f->missing > 0)
			return;
		sum = f->sum;
		free(f);
		f = up;
	}
	finish(r, &sum);
}

static void node_came(ex_work *work);

/* Post a task for each of the node's n children; 0 or -ENOMEM. */
static int branch(struct run *r, struct frame *up, const struct uts_node *node, uint64_t n)
{
	struct frame *f = malloc(sizeof *f + n * sizeof f->kids[0]);

	if (!f)
		return -ENOMEM;
	*f = (struct frame){.run = r, .up = up, .missing = n, .sum = {.nodes = 1, .states = node->state}};
	for (uint64_t i = 0; i < n; i++) {
		f->kids[i].up = f;
		f->kids[i].node = uts_child(&r->tree, node, i);
		ex_post(ex_loop_of(r->b), &f->kids[i].work, node_came);
	}
	return 0;
}

static void node_came(ex_work *work)
{
	struct visit *v = EX_CONTAINER(work, struct visit, work);
	struct frame *up = v->up;
	struct run *r = up->run;
	struct uts_sum sum = {.nodes = 1, .states = v->node.state};
	uint64_t n = uts_kids(&r->tree, &v->node);

	if (v->node.depth >= r->tree.cutoff) {
		walk(&r->tree, &v->node, &sum);
	} else if (n > 0) {
		if (branch(r, up, &v->node, n) == 0)
			return;
		r->status = -ENOMEM;
	}
	deliver(r, up, sum);
}

static int run_uts(struct bench *b)
{
	struct uts_node root = {.state = UTS_ROOT_STATE};
	struct run *r = malloc(sizeof *r);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for the run's own record");
	*r = (struct run){.b = b, .tree = uts_tree(b)};
	bench_begin(b);
	if (branch(r, NULL, &root, r->tree.root_kids) < 0) {
		bench_end(b);
		free(r);
		return bench_fail(b, -ENOMEM, "out of memory for the root's record");
	}
	return 0;
}

const struct bench_body cpu_uts_evented = {.run = run_uts};
