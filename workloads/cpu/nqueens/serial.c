/*
 * cpu/nqueens without tasks: the same tree by plain recursion, down to the same leaves.
 */
#include "workloads/cpu/nqueens/nqueens.h"

static __attribute__((noinline)) uint64_t search(const struct nqueens_board *board)
{
	return nqueens_search(board);
}

/* A call that stands for a task is counted by who makes it. */
static void explore(const struct nqueens_board *board, int64_t depth, struct nqueens_sum *sum)
{
	if (depth == 0) {
		sum->solutions += search(board);
		sum->leaves++;
		return;
	}
	for (uint32_t open = nqueens_open(board); open; open &= open - 1) {
		struct nqueens_board next = nqueens_place(board, open & -open);

		explore(&next, depth - 1, sum);
		sum->tasks++;
	}
}

static int run_nqueens(struct bench *b)
{
	struct nqueens_board empty = nqueens_empty(bench_param(b, "n"));
	struct nqueens_sum sum = {0};

	bench_begin(b);
	explore(&empty, bench_param(b, "depth"), &sum);
	bench_end(b);
	b->cert = (struct bench_cert){.ops = sum.leaves, .units = sum.tasks, .checksum = sum.solutions};
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return nqueens_least_ns(b, 1);
}

const struct bench_body cpu_nqueens_serial = {.run = run_nqueens, .estimate_ns = estimate};
