/*
 * spawn/skynet - a tree of tasks, each the parent of ten.
 *
 * A task that stands for more than one leaf creates ten, gives each a tenth of its leaves, and receives their ten sums
 * over a channel of its own with room for all ten, so that no child waits to be heard. Leaf k sends k. With L leaves the
 * tree has L + L/10 + ... + 1 = (10 L - 1) / 9 tasks, and the sum that the root sends is L (L - 1) / 2.
 *
 * Creating, sending and ending are all that it does, in the proportion in which a program that divides its work does
 * them; and it asks how many tasks the order in which a model runs them leaves alive. Whoever runs the newest first
 * holds a path and its siblings; whoever runs them as they came holds a level of the tree, a million at the widest.
 *
 * One thread per task can hold what the kernel lets it have, and takes minutes for a million leaves. The body does not
 * refuse; the plans ask threads for small trees only. A thousand leaves, 1,111 tasks, are the tree for them: the others
 * are set beside them with the same value.
 */
#include "workloads/spawn/skynet/skynet.h"

#include <stddef.h>

enum { PARAM_LEAVES };

static const char *const leaves_choices[] = {"10", "100", "1000", "10000", "100000", "1000000", NULL};

static const struct bench_param params[] = {
	[PARAM_LEAVES] =
		{.name = "leaves",
		 .unit = "tasks",
		 .help = "at the bottom of the tree; all tasks are a ninth more (1000: 1,111 tasks, for threads)",
		 .kind = BENCH_CHOICE,
		 .dflt = 5,
		 .smoke = 1,
		 .choices = leaves_choices},
};

static uint64_t skynet_tasks(const struct bench *b)
{
	return (skynet_leaves(b) * SKYNET_FANOUT - 1) / (SKYNET_FANOUT - 1);
}

static void skynet_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t leaves = skynet_leaves(b), tasks = skynet_tasks(b);

	*out = (struct bench_cert){
		.ops = tasks, .units = tasks, .messages = tasks, .checksum = leaves * (leaves - 1) / 2};
}

const struct bench_workload spawn_skynet_workload = {
	.name = "spawn/skynet",
	.version = 1,
	.summary = "a tree of tasks with ten children each, whose sums come up over channels",
	.op = "one task created, run and heard by its parent",
	.fairness =
		"All bodies have the same tree and pass a sum and a count of tasks up every edge of it. A direct task "
		"is "
		"detached and is awaited by its message; each inner task makes and destroys one channel. The loop has "
		"no "
		"channels: an inner task is a record in the heap, in which its children's callbacks lie and their sums "
		"meet; the last child continues the parent. So it allocates once per inner task where the others "
		"allocate a channel and the stacks of those children that have begun, which favours it; but its queue "
		"is first come first served, so it "
		"holds the whole width of the tree, and it has one CPU whatever the placement. subject-go is the same "
		"program with Go's goroutines and channels. The serial body is the recursion; its messages are return "
		"values.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = skynet_tasks,
	.expect = skynet_expect,
};
