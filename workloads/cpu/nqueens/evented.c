/*
 * cpu/nqueens in the callback style: an inner placement is a record with its children in it, and the last child to end
 * continues it.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/cpu/nqueens/nqueens.h"

struct run {
	struct bench *b;
	int status; /* -ENOMEM once a record could not be had: what is below it is left out and the run fails */
};

struct frame;

/* A task that has been posted. */
struct task {
	ex_work work;
	struct frame *up;
	struct nqueens_board board;
};

/* A placement that waits for its children; freed when the last has delivered. */
struct frame {
	struct run *run;
	struct frame *up; /* NULL: the empty board */
	int64_t depth; /* rows between the children and the cut-off */
	unsigned missing; /* children that have not delivered */
	struct nqueens_sum sum; /* of those that have */
	struct task kids[]; /* one per open column */
};

static __attribute__((noinline)) uint64_t search(const struct nqueens_board *board)
{
	return nqueens_search(board);
}

static void finish(struct run *r, const struct nqueens_sum *sum)
{
	struct bench *b = r->b;
	int status = r->status;

	bench_end(b);
	b->cert = (struct bench_cert){.ops = sum->leaves, .units = sum->tasks, .checksum = sum->solutions};
	if (status < 0)
		bench_fail(b, status, "out of memory for the records of %lld queens to depth %lld",
			   (long long)bench_param(b, "n"), (long long)bench_param(b, "depth"));
	free(r);
	bench_done(b, status);
}

/* Hand what was found to `f`; as long as that completes a frame, go on to the frame above it. */
static void deliver(struct run *r, struct frame *f, struct nqueens_sum sum)
{
	while (f) {
		struct frame *up = f->up;

		sum.tasks++; /* the one that delivers */
		nqueens_add(&f->sum, &sum);
		if (--f->missing > 0)
			return;
		sum = f->sum;
		free(f);
		f = up;
	}
	finish(r, &sum);
}

static void task_came(ex_work *work);

/* Post a task per open column of `board`, the placement of `depth` rows above the cut-off that `up` waits for. */
static void branch(struct run *r, struct frame *up, const struct nqueens_board *board, int64_t depth)
{
	uint32_t open = nqueens_open(board);
	struct frame *f;
	unsigned n = 0;

	if (open == 0) {
		deliver(r, up, (struct nqueens_sum){0});
		return;
	}
	f = malloc(sizeof *f + (size_t)__builtin_popcount(open) * sizeof f->kids[0]);
	if (!f) {
		r->status = -ENOMEM;
		deliver(r, up, (struct nqueens_sum){0});
		return;
	}
	*f = (struct frame){.run = r, .up = up, .depth = depth - 1, .missing = (unsigned)__builtin_popcount(open)};
	for (; open; open &= open - 1, n++) {
		f->kids[n].up = f;
		f->kids[n].board = nqueens_place(board, open & -open);
		ex_post(ex_loop_of(r->b), &f->kids[n].work, task_came);
	}
}

static void task_came(ex_work *work)
{
	struct task *t = EX_CONTAINER(work, struct task, work);
	struct frame *up = t->up;

	if (up->depth > 0)
		branch(up->run, up, &t->board, up->depth);
	else
		deliver(up->run, up, (struct nqueens_sum){.solutions = search(&t->board), .leaves = 1});
}

static int run_nqueens(struct bench *b)
{
	struct nqueens_board empty = nqueens_empty(bench_param(b, "n"));
	struct run *r = malloc(sizeof *r);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for the run's own record");
	*r = (struct run){.b = b};
	bench_begin(b);
	branch(r, NULL, &empty, bench_param(b, "depth"));
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return nqueens_least_ns(b, 1);
}

const struct bench_body cpu_nqueens_evented = {.run = run_nqueens, .estimate_ns = estimate};
