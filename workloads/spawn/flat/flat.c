/*
 * spawn/flat - tasks that are created, run and awaited, and do next to nothing.
 *
 * What it costs to have a task at all. The root creates `batch` tasks, then awaits them all, and does so again until
 * `ops` tasks have been. A task that has ended counts as alive until it has been awaited: what whoever joins it needs is
 * held, be it a record, an exit status or a whole stack. With a batch of 1 the root stops for every single task, and the figure is
 * that of a create, a switch there, and a switch back; with many it is what creating costs while the created ones queue
 * up or, on other CPUs, already run.
 *
 * On one CPU no task of a batch runs before the root waits, unless the model preempts; on several they run as they come.
 *
 * Rejected: detached tasks and one counter for all. A joined task is what threads offer, and where creating a thread and
 * keeping it for its join is dear, that is part of what a task costs.
 */
#include "workloads/spawn/flat/flat.h"

#include <stdlib.h>
#include <string.h>

enum { PARAM_BATCH };

static const struct bench_param params[] = {
	[PARAM_BATCH] = {.name = "batch",
			 .unit = "tasks",
			 .help = "how many are created before they are awaited; 1: one after the other",
			 .dflt = 1000,
			 .min = 1,
			 .max = 1000000,
			 .smoke = 8},
};

__attribute__((noinline)) void flat_task(void *record)
{
	struct flat_record *r = record;

	r->result += 2 * r->number + 1;
}

void *flat_records(uint64_t n, uint64_t size)
{
	void *p = aligned_alloc(64, n * size);

	if (p)
		memset(p, 0, n * size);
	return p;
}

/* Task i gives 2 i + 1; over i < ops that is the square of ops. */
static void flat_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t n = b->ops;

	*out = (struct bench_cert){
		.ops = n, .units = n, .max_live = (uint64_t)b->param[PARAM_BATCH], .checksum = n * n};
}

const struct bench_workload spawn_flat_workload = {
	.name = "spawn/flat",
	.version = 1,
	.summary = "tasks created in batches, run and awaited",
	.op = "one task created, run and joined",
	.fairness =
		"Every body has one array of `batch` records, made outside the region and used again by each batch, "
		"and "
		"calls the same function once per record. A direct task is spawned and joined on its own: a goroutine "
		"gets a stack when it first runs, so those of a batch that run to their end one after the other use "
		"the "
		"same one, which favours goroutines here and is no use to tasks that wait; a thread is created and "
		"reaped by the kernel, and glibc "
		"keeps some 40 MiB of stacks of ended threads for the next ones. A task of the loop is a callback "
		"posted "
		"from its record; it needs no stack and no allocation, and is awaited by counting the batch down, "
		"which favours it: it can do nothing but run to its end. subject-go awaits a batch by a wait group, as "
		"Go programs do, not task by task. The serial body calls the function: what is left when there are no "
		"tasks.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.pool_tasks = 1,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.ops_quantum = 1,
	.quantum_param = "batch",
	.expect = flat_expect,
};
