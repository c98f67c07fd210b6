/*
 * cpu/nqueens - in how many ways n queens stand on an n x n board and none attacks another.
 *
 * Row by row: every column of the next row that is not attacked is one way to go on. In the first `depth` rows each such
 * placement is a task, whose maker waits for it; a placement of `depth` queens is a leaf and searched to its end without
 * any other task. A task has from none to n children, and leaves are of very different size: at the edge of the board
 * there is less to search than in the middle, and some end at once. That is the difference to cpu/fib, whose tree is
 * known beforehand.
 *
 * One operation is one leaf with its share of forks and joins. A greater depth means more tasks with less work each.
 *
 * The number of solutions is known from literature. The numbers of leaves and tasks are counted by expect(), which places
 * up to five queens by comparing positions pairwise and knows nothing of the masks that the bodies use.
 *
 * Rejected: only half of the first row, and the result doubled. It is the same search for half the time and makes the odd
 * boards a special case.
 */
#include "workloads/cpu/nqueens/nqueens.h"

#include <stdlib.h>

enum { PARAM_N, PARAM_DEPTH };

enum { MAX_DEPTH = 5 };

static const struct bench_param params[] = {
	[PARAM_N] = {.name = "n",
		     .unit = "queens",
		     .help = "and the board's width",
		     .dflt = 13,
		     .min = 6,
		     .max = NQUEENS_MAX,
		     .smoke = 7},
	[PARAM_DEPTH] = {.name = "depth",
			 .unit = "rows",
			 .help = "in which each placement is a task; the rest is searched without tasks",
			 .dflt = 3,
			 .min = 1,
			 .max = MAX_DEPTH,
			 .smoke = 2},
};

/* Sequence A000170 of the OEIS, from n = 0. */
static const uint64_t solutions[NQUEENS_MAX + 1] = {
	1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512, 95815104, 666090624,
};

/* Placements of `more` queens in the rows after the `placed` ones. */
static uint64_t count_placements(int *column, int placed, int more, int n)
{
	uint64_t count = 0;

	if (more == 0)
		return 1;
	for (int c = 0; c < n; c++) {
		int i = 0;

		while (i < placed && column[i] != c && abs(column[i] - c) != placed - i)
			i++;
		if (i < placed)
			continue;
		column[placed] = c;
		count += count_placements(column, placed + 1, more - 1, n);
	}
	return count;
}

static uint64_t placements(const struct bench *b, int queens)
{
	int column[MAX_DEPTH];

	return count_placements(column, 0, queens, (int)b->param[PARAM_N]);
}

/* From 6 queens up a search has at least 30 placements for each solution; more than one in a nanosecond nobody tries. */
uint64_t nqueens_least_ns(const struct bench *b, unsigned cpus)
{
	return solutions[b->param[PARAM_N]] * 30 / cpus;
}

static uint64_t nqueens_ops(const struct bench *b)
{
	return placements(b, (int)b->param[PARAM_DEPTH]);
}

static void nqueens_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = 0;

	for (int queens = 1; queens <= b->param[PARAM_DEPTH]; queens++)
		tasks += placements(b, queens);
	*out = (struct bench_cert){.ops = nqueens_ops(b), .units = tasks, .checksum = solutions[b->param[PARAM_N]]};
}

const struct bench_workload cpu_nqueens_workload = {
	.name = "cpu/nqueens",
	.version = 1,
	.summary = "fork and join of a search whose branches are unequal, sequential below a depth",
	.op = "one placement at the cut-off searched to its end, with the forks and joins that led to it",
	.fairness =
		"All bodies have the same tree of tasks and the same search, one inline function. A direct task keeps "
		"its "
		"children's records on its stack and joins them one by one; its search is marked as preemptible, which "
		"means something to goroutines only. An evented task is a posted callback, an inner one is a record "
		"from "
		"malloc with its children in it, and the last child to end continues it: no stack is kept, which "
		"favours "
		"it; its queue is first come first served, so it opens the tree breadth first. The loop has one CPU "
		"whatever the placement. The pthread model makes one kernel thread per task, most of which can be "
		"alive "
		"at once: a deep cut-off ends at the system's thread limit, and that is a result. "
		"subject-go awaits the children by a wait group, as Go programs do, not one by one.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = nqueens_ops,
	.expect = nqueens_expect,
};
