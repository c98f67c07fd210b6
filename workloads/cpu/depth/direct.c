/*
 * cpu/depth in the blocking style: one task, whose stack has nothing on it yet.
 */
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/cpu/depth/depth.h"

struct job {
	uint64_t levels, calls; /* immutable once the task runs */
	/* the task's until it is joined */
	struct depth_done done;
	uint64_t tasks; /* that have run */
};

static void work(void *arg)
{
	struct job *j = arg;

	depth_work(j->levels, j->calls, &j->done);
	j->tasks++;
}

static int run_depth(struct bench *b)
{
	struct job job = {.levels = (uint64_t)bench_param(b, "depth"), .calls = b->ops};
	dx_task task;
	int status;

	bench_begin(b);
	status = dx_spawn(&task, work, &job);
	if (status == 0)
		dx_join(&task);
	bench_end(b);
	if (status < 0)
		return bench_fail(b, status, "cannot create a task: %s", strerror(-status));
	b->cert = (struct bench_cert){.ops = job.done.calls, .units = job.tasks, .checksum = job.done.sum};
	return 0;
}

const struct bench_body cpu_depth_direct = {.run = run_depth};
