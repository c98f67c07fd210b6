/*
 * memory/parked - what a task costs that only waits.
 *
 * `tasks` tasks are created; each touches touch_kib KiB of its own state, one write per page of 4 KiB, and parks. When
 * all have arrived the harness reads the process's memory from outside, they are released, read back what they wrote,
 * and end. Nothing is timed. The metric is the all-in memory between the snapshots `base` (before the first task
 * exists) and `live`, per live task: resident pages, page tables and what the kernel keeps for a thread.
 *
 * With libc=yes each task has called printf's family before, as nearly every task of a real program has: that uses some
 * KiB of stack for a moment, and the pages stay. With libc=below it parks further down: a handler writes numbers as text,
 * calls what waits, and reads them back when that has returned, so that the frame which has used the libc is there all
 * the time. To a stack of pages that makes no difference; one that grows keeps what it has grown by. The work of the
 * default is what it was before there was the parameter.
 *
 * A model that cannot hold so many (a thread limit, memory) fails the sample with the number it reached: that number is
 * the answer to the question.
 *
 * Detached tasks are used, not joinable ones: what a caller needs to join a task would be counted as the task's.
 */
#include "workloads/memory/parked/parked.h"

enum { PARAM_TASKS, PARAM_TOUCH_KIB, PARAM_LIBC };

static const char *const libc_choices[] = {
	[PARKED_LIBC_NO] = "no", [PARKED_LIBC_YES] = "yes", [PARKED_LIBC_BELOW] = "below", NULL};

static const struct bench_param params[] = {
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "alive and parked at one time",
			 .dflt = 1000,
			 .min = 1,
			 .max = 10000000,
			 .smoke = 100},
	[PARAM_TOUCH_KIB] = {.name = "touch_kib",
			     .unit = "KiB",
			     .help = "of its own stack or state that each task writes to",
			     .dflt = 0,
			     .min = 0,
			     .max = 64,
			     .smoke = 4},
	[PARAM_LIBC] =
		{.name = "libc",
		 .unit = "",
		 .help = "yes: each task has written and read numbers as text before it parks; below: it parks in "
			 "a call from the frame that has written, and reads when it is let go",
		 .kind = BENCH_CHOICE,
		 .dflt = PARKED_LIBC_NO,
		 .smoke = PARKED_LIBC_BELOW,
		 .choices = libc_choices},
};

uint64_t parked_use_libc(uint64_t id)
{
	char text[PARKED_TEXT];

	parked_write(text, id);
	return parked_read(text);
}

static uint64_t parked_ops(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_TASKS];
}

static void parked_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = parked_ops(b), sum = touch_expect((size_t)b->param[PARAM_TOUCH_KIB] * 1024, tasks);

	if (b->param[PARAM_LIBC] != PARKED_LIBC_NO)
		sum += tasks * (tasks - 1) / 2;
	*out = (struct bench_cert){.ops = tasks, .units = tasks, .max_live = tasks, .checksum = sum};
}

const struct bench_workload memory_parked_workload = {
	.name = "memory/parked",
	.version = 1,
	.summary = "tasks that exist and wait: memory per task, and how many there can be",
	.op = "one task created, parked and released",
	.fairness =
		"A direct task is detached, touches its own stack and parks in the receive of one shared channel; it "
		"carries its stack whether it uses it or not. An evented task is a record and a block of touch_kib KiB "
		"from "
		"malloc, and waits in a list: it has exactly the state that it needs, which is the style's advantage "
		"and "
		"the work of whoever writes it. touch_kib counts pages touched: a stack has one more in use, for the "
		"frames themselves. With libc=yes the direct tasks make the calls on their own stacks, the evented "
		"ones all "
		"on the loop's. With libc=below a direct task keeps the frame that has called the libc, with the text "
		"in it; "
		"an evented one, which keeps no frame, has the 64 bytes of text in its record; in Go a string keeps "
		"it. Up to 8 KiB direct tasks have the stacks that their model gives; above that, stacks "
		"for "
		"touch_kib and 8 KiB more, which the models round up as they have to (goroutines to 64 or 256 KiB of "
		"address space, threads to pages).",
	.scaling = BENCH_STATE,
	.metric = BENCH_BYTES_PER_TASK,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = parked_ops,
	.expect = parked_expect,
};
