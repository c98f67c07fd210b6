/*
 * switch/yield - tasks that do nothing but let each other run.
 *
 * The smallest switch that a model has: no message, no lock, no waiting. Two tasks on one CPU alternate, so one yield is
 * one switch; more tasks go round. With more CPUs than tasks nobody has to leave and a yield is a call that finds
 * nothing to do: the figure belongs to one CPU.
 *
 * Whether every yield switched is the model's affair and not in the certificate; the sample's own counters (context
 * switches of the process, the runtime's switches) tell.
 */
#include "workloads/switch/yield/yield.h"

enum { PARAM_TASKS };

static const struct bench_param params[] = {
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "how many take turns",
			 .dflt = 2,
			 .min = 2,
			 .max = 100000,
			 .smoke = 2},
};

static void yield_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = (uint64_t)b->param[PARAM_TASKS], sum = 0;

	for (uint64_t i = 0; i < tasks; i++)
		sum += (i + 1) * bench_share(b->ops, tasks, i);
	*out = (struct bench_cert){.ops = b->ops, .max_live = tasks, .checksum = sum};
}

const struct bench_workload switch_yield_workload = {
	.name = "switch/yield",
	.version = 1,
	.summary = "tasks that let each other run, and nothing else",
	.op = "one yield: the task leaves the CPU to the next runnable one and is runnable itself",
	.fairness = "Every body has the same number of tasks and of yields. A thread yields with sched_yield, which "
		    "the kernel "
		    "may answer by going on with the same thread: its samples' context switches tell how often. A "
		    "goroutine "
		    "goes to the tail of its processor's queue. A callback of the loop posts itself again and returns, "
		    "which "
		    "keeps no stack and is the least that taking turns can be. There is no serial body: without a "
		    "second task "
		    "there is nobody to yield to.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.ops_quantum = 1,
	.quantum_param = "tasks",
	.expect = yield_expect,
};
