/*
 * sync/barrier - tasks that work in phases, and wait for each other after each.
 *
 * In a phase each of `tasks` tasks advances a private word by `work` steps (about a nanosecond each), leaves a note on
 * its desk, waits at the barrier, and then reads its neighbour's note: the skeleton of every computation on a grid. The
 * figure is the time of a phase, so it grows with the tasks.
 *
 * On one CPU a phase is at least one switch to each task, and the barrier's cost is how those that wait are put to
 * sleep and woken; with more CPUs it is also how long the last one is waited for.
 *
 * A task that passes before its neighbour has arrived reads an old note, and the sum is another. Exactly one task is
 * told at each barrier that it leads; the phases that were led are what is counted as operations.
 */
#include "workloads/sync/barrier/barrier.h"

enum { PARAM_TASKS, PARAM_WORK };

static const struct bench_param params[] = {
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "that wait for each other",
			 .dflt = 8,
			 .min = 1,
			 .max = 10000,
			 .smoke = 4},
	[PARAM_WORK] = {.name = "work",
			.unit = "steps",
			.help = "of each task in a phase, about 1 ns a step",
			.dflt = 100,
			.min = 0,
			.max = 1000000,
			.smoke = 10},
};

static void barrier_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = (uint64_t)b->param[PARAM_TASKS], steps = b->ops * (uint64_t)b->param[PARAM_WORK];
	uint64_t sum = 0;

	for (uint64_t i = 0; i < tasks; i++)
		sum += b->ops * b->ops * tally_weight(i) + steps_jump(i, steps);
	*out = (struct bench_cert){.ops = b->ops, .max_live = tasks, .messages = b->ops * tasks, .checksum = sum};
}

const struct bench_workload sync_barrier_workload = {
	.name = "sync/barrier",
	.version = 1,
	.summary = "tasks that work in phases and wait for each other after each",
	.op = "one phase: every task works, arrives at the barrier and goes on",
	.fairness =
		"Threads use the barrier of their library, which counts arrivals without a lock and sleeps in the "
		"kernel. "
		"The goroutine runtime has none, as Go has none; goroutines use what its programmers write: a mutex, a "
		"condition variable and a number of the phase, where each one that is woken takes the mutex again. "
		"That "
		"costs goroutines more atomic operations per arrival and threads more kernel. In the event loop a task "
		"is "
		"a record and the barrier a count of those that are not there yet: the last one posts all of them, and "
		"nobody sleeps. The work and the notes are one set of inline functions. The serial body does one "
		"task's "
		"part after another's, twice per phase: the work without any waiting. With more CPUs neither it nor "
		"the "
		"loop uses them.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 300,
	.expect = barrier_expect,
};
