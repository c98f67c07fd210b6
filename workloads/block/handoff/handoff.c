/*
 * block/handoff - a task blocks in the kernel, and only another task can end that.
 *
 * The caller says that it is about to, and reads from an empty pipe: a blocking call that the runtime knows nothing about
 * but that it is one. The bystander is runnable all the time; when it gets to run and sees that the call has begun, it
 * writes the byte that ends it. So one call lasts from the blocking to the moment when the model lets somebody else have
 * the CPU, and from the byte to the moment when the caller has it back. Threads leave that to the kernel. A runtime with
 * several tasks per thread has to notice that a thread is gone and give its right to run tasks to another thread.
 *
 * With told=yes the runtime is told that the call will block (gr_read_blocking: the thread gives its right away before it
 * goes to sleep). With told=no it knows only that it is a call, of whatever length, and has to find out that it lasts: what
 * the figure is larger by is the time of that.
 *
 * On one CPU that is the whole of it. With more, the bystander may run beside the caller and nothing needs to be handed
 * on: the figure is then that of a wake-up across CPUs.
 */
#include "workloads/block/handoff/handoff.h"

static const char *const answers[] = {"no", "yes", NULL};

static const struct bench_param params[] = {
	{.name = "told",
	 .unit = "",
	 .help = "yes: the runtime is told that the call will block; no: only that it is a call",
	 .kind = BENCH_CHOICE,
	 .dflt = 1,
	 .smoke = 1,
	 .choices = answers},
};

static void handoff_expect(const struct bench *b, struct bench_cert *out)
{
	*out = (struct bench_cert){.ops = b->ops, .max_live = 2, .messages = b->ops};
	for (uint64_t i = 1; i <= b->ops; i++)
		out->checksum += handoff_byte(i);
}

const struct bench_workload block_handoff_workload = {
	.name = "block/handoff",
	.version = 2,
	.summary = "a task that blocks in the kernel, and one that takes over and ends that",
	.op = "one blocking read, from the call to its return, with the hand-off to the task that ends it and back",
	.fairness =
		"The call is the same read(2) of one byte from the same kind of pipe everywhere, and the bystander's "
		"wait is the model's own yield. With told=yes a model that can tells its runtime beforehand that the "
		"call will block (goroutines here; Go's runtime cannot be told and finds out after some 20 us), which "
		"is what a programmer who knows would do. Threads have the advantage that the kernel needs to be told "
		"nothing, and pay for "
		"each yield of the bystander with a system call. An event loop is stopped by any blocking call, so it "
		"does not offer this. There is no serial body: nobody would end the call.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 100,
	.expect = handoff_expect,
};
