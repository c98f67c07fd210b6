/*
 * memory/afterexit - does memory come back when tasks have ended?
 *
 * `tasks` tasks are created, touch touch_kib KiB of their own state and park until all are there; then all are
 * released and end. settle_ms later the harness reads the process's memory. The metric is what the process then has
 * more than before the first task existed, per task that has ended: 0 is a model that gives everything back. What is
 * kept is not lost, since the next tasks use it again; how much and for how long is a decision of the model (stacks in
 * a pool) and of the libc (stacks of ended threads, the heap).
 *
 * The snapshot is named `live` because that is what the harness subtracts `base` from; its count is of tasks that lived.
 */
#include "workloads/memory/afterexit/afterexit.h"

enum { PARAM_TASKS, PARAM_TOUCH_KIB, PARAM_SETTLE_MS };

static const struct bench_param params[] = {
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "alive at one time, before they all end",
			 .dflt = 1000,
			 .min = 1,
			 .max = 10000000,
			 .smoke = 100},
	[PARAM_TOUCH_KIB] = {.name = "touch_kib",
			     .unit = "KiB",
			     .help = "of its own stack or state that each task writes to",
			     .dflt = 4,
			     .min = 0,
			     .max = 64,
			     .smoke = 4},
	[PARAM_SETTLE_MS] = {.name = "settle_ms",
			     .unit = "ms",
			     .help = "from the end of the last task to the look at the memory",
			     .dflt = 500,
			     .min = 0,
			     .max = 60000,
			     .smoke = 0},
};

static uint64_t afterexit_ops(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_TASKS];
}

static void afterexit_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = afterexit_ops(b), sum = touch_expect((size_t)b->param[PARAM_TOUCH_KIB] * 1024, tasks);

	*out = (struct bench_cert){.ops = tasks, .units = tasks, .max_live = tasks, .checksum = sum};
}

const struct bench_workload memory_afterexit_workload = {
	.name = "memory/afterexit",
	.version = 1,
	.summary = "memory that a process keeps after many tasks have ended",
	.op = "one task created, parked, released and ended",
	.fairness =
		"All bodies have all tasks alive at one time, with the same number of pages touched in each, and let "
		"all end before the memory is read. A direct task is detached and touches its stack; an evented one is "
		"a record and a block of touch_kib KiB from malloc, freed at its end. Nobody is asked to give memory "
		"back (no malloc_trim, no knob): what is measured is what happens by itself within settle_ms. A model "
		"that keeps stacks for its next tasks looks worse here and better in spawn/flat. Above 8 KiB "
		"direct tasks have stacks for touch_kib and 8 KiB more instead of the usual ones.",
	.scaling = BENCH_STATE,
	.metric = BENCH_BYTES_PER_TASK,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = afterexit_ops,
	.expect = afterexit_expect,
};
