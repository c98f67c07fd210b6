/*
 * cpu/nqueens in the blocking style: a task per placement above the cut-off, joined by its maker.
 */
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/cpu/nqueens/nqueens.h"

struct node {
	dx_task task;
	struct nqueens_board board; /* immutable once the task runs */
	int64_t depth; /* rows until the cut-off; likewise */
	/* the task's until it is joined */
	int status; /* 0 or why a task below this one could not be created */
	struct nqueens_sum sum;
};

static DX_PREEMPTIBLE uint64_t search(const struct nqueens_board *board)
{
	return nqueens_search(board);
}

static void explore(struct node *self);

static void child(void *arg)
{
	struct node *self = arg;

	explore(self);
	self->sum.tasks++;
}

/* Blocks the task until all below has been searched. The children's records lie on the stack of who waits for them. */
static void explore(struct node *self)
{
	struct node kids[NQUEENS_MAX];
	uint32_t open = nqueens_open(&self->board);
	int n = 0;

	if (self->depth == 0) {
		self->sum = (struct nqueens_sum){.solutions = search(&self->board), .leaves = 1};
		return;
	}
	for (; open; open &= open - 1) {
		kids[n] = (struct node){.board = nqueens_place(&self->board, open & -open), .depth = self->depth - 1};
		self->status = dx_spawn(&kids[n].task, child, &kids[n]);
		if (self->status < 0)
			break; /* those that exist are still joined below */
		n++;
	}
	while (n-- > 0) {
		dx_join(&kids[n].task);
		nqueens_add(&self->sum, &kids[n].sum);
		if (kids[n].status < 0)
			self->status = kids[n].status;
	}
}

static int run_nqueens(struct bench *b)
{
	struct node root = {.board = nqueens_empty(bench_param(b, "n")), .depth = bench_param(b, "depth")};

	bench_begin(b);
	explore(&root);
	bench_end(b);
	if (root.status < 0)
		return bench_fail(b, root.status,
				  "cannot hold the tasks of %lld queens to depth %lld: the model refused one (%s)",
				  (long long)bench_param(b, "n"), (long long)root.depth, strerror(-root.status));
	b->cert = (struct bench_cert){.ops = root.sum.leaves, .units = root.sum.tasks, .checksum = root.sum.solutions};
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return nqueens_least_ns(b, b->workers);
}

const struct bench_body cpu_nqueens_direct = {.run = run_nqueens, .estimate_ns = estimate};
