/*
 * memory/alloc - a task that needs memory of its own: what taking it and giving it back costs, task by task.
 *
 * A task takes a block of block_kib from malloc, writes to each page of it, lets the others run once (as if it waited for
 * something, so that the blocks of all tasks that are there are in use at one time), does `work` steps, reads back what it
 * wrote, frees the block, and ends. With reuse=no tasks are created anew, `tasks` at a time, as spawn/flat does; with
 * reuse=yes `tasks` tasks exist before the region begins, and each does the work of one after another.
 *
 * The difference between the two is what a new task costs, and what a new task has to pay for again: a thread has a
 * cache of malloc's of its own, which is empty when it begins and given back when it ends. The difference between
 * block_kib=0 and others is the allocator and the page faults, which are counted in each sample. Where all blocks of a
 * batch are freed together, the libc gives their pages back to the kernel if they are many, and the next batch faults them
 * in again: with reuse=no and large blocks that is most of the figure, in every model.
 *
 * Rejected: an allocator of the model's own, or a pool of blocks: malloc is what a task of any model calls.
 */
#include "workloads/memory/alloc/alloc.h"

enum { PARAM_BLOCK_KIB, PARAM_REUSE, PARAM_TASKS, PARAM_WORK };

static const char *const reuses[] = {[ALLOC_REUSE_NO] = "no", [ALLOC_REUSE_YES] = "yes", NULL};

static const struct bench_param params[] = {
	[PARAM_BLOCK_KIB] = {.name = "block_kib",
			     .unit = "KiB",
			     .help = "from malloc, for each task; 0: none",
			     .dflt = 4,
			     .min = 0,
			     .max = 64,
			     .smoke = 8},
	[PARAM_REUSE] = {.name = "reuse",
			 .unit = "",
			 .help = "yes: tasks that exist take on one task's work after another",
			 .kind = BENCH_CHOICE,
			 .dflt = ALLOC_REUSE_NO,
			 .smoke = ALLOC_REUSE_NO,
			 .choices = reuses},
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "at one time",
			 .dflt = 64,
			 .min = 1,
			 .max = 10000,
			 .smoke = 8},
	[PARAM_WORK] = {.name = "work",
			.unit = "steps",
			.help = "of about a nanosecond, while a task has its block",
			.dflt = 100,
			.min = 0,
			.max = 1000000,
			.smoke = 10},
};

static void alloc_expect(const struct bench *b, struct bench_cert *out)
{
	*out = (struct bench_cert){.ops = b->ops,
				   .units = b->param[PARAM_REUSE] == ALLOC_REUSE_NO ? b->ops : 0,
				   .checksum = steps_sum((uint64_t)b->param[PARAM_WORK], b->ops) +
					       touch_expect((size_t)b->param[PARAM_BLOCK_KIB] * 1024, b->ops)};
}

const struct bench_workload memory_alloc_workload = {
	.name = "memory/alloc",
	.version = 1,
	.summary = "tasks that each take a block of memory, use it and give it back",
	.op = "one task's work: a block taken, touched, kept over a yield, read and freed",
	.fairness =
		"All bodies take the same blocks from the same malloc, touch the same pages and do the same steps, "
		"with one yield of the model's own between. With reuse=no a direct task is created and joined, and an "
		"evented one is a record from malloc; with reuse=yes a task goes on to the next number in "
		"the same breath. malloc's caches belong to threads: a new thread begins with an empty one, "
		"goroutines and callbacks use that of the thread that they happen to run on, and a goroutine may free "
		"on "
		"another than the one that it took from. Which favours them, and is what sharing threads is for. The "
		"serial body has one block at a time. Go's blocks are zeroed, and freed by its collector.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 200,
	.ops_quantum = 1,
	.quantum_param = "tasks",
	.expect = alloc_expect,
};
