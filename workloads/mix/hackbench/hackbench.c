/*
 * mix/hackbench - groups of tasks in which everybody writes to everybody: many tasks that are runnable at one time.
 *
 * The work is that of hackbench, also known as `perf bench sched messaging`: in each of `groups` groups there are `tasks`
 * senders and as many receivers. Each sender sends a message of 100 bytes to each receiver of its group, `loops` times.
 * There is a pair of Unix stream sockets per receiver; all senders of the group share its one end. A receiver reads
 * message by message until it has tasks * loops of them. The region begins when all tasks exist, and ends when all have
 * ended. hackbench itself has 20 tasks, 100 loops and 10 groups (-g) by default, and counts the creation of tasks in.
 *
 * One operation is one message, so that the figure is comparable between sizes; the whole is ops times as long.
 *
 * Rejected: pipes, which are hackbench's other way: several goroutines may not write to one pipe at the same time.
 */
#include "workloads/mix/hackbench/hackbench.h"

enum { PARAM_GROUPS, PARAM_TASKS, PARAM_LOOPS };

static const struct bench_param params[] = {
	[PARAM_GROUPS] = {.name = "groups",
			  .unit = "groups",
			  .help = "that have nothing to do with each other",
			  .dflt = 4,
			  .min = 1,
			  .max = 1000,
			  .smoke = 2},
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "senders in a group, and as many receivers",
			 .dflt = 20,
			 .min = 1,
			 .max = 100,
			 .smoke = 3},
	[PARAM_LOOPS] = {.name = "loops",
			 .unit = "messages",
			 .help = "from each sender to each receiver of its group",
			 .dflt = 100,
			 .min = 1,
			 .max = 1000000,
			 .smoke = 10},
};

static uint64_t hackbench_ops(const struct bench *b)
{
	uint64_t tasks = (uint64_t)b->param[PARAM_TASKS];

	return (uint64_t)b->param[PARAM_GROUPS] * tasks * tasks * (uint64_t)b->param[PARAM_LOOPS];
}

/*
 * Within group g the numbers of the messages that one receiver gets are the n = tasks * loops that follow g * n, and the
 * weights of the receivers are the odd numbers from 2 g tasks + 1 up, tasks of them.
 */
static void hackbench_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t ops = hackbench_ops(b), tasks = (uint64_t)b->param[PARAM_TASKS],
		 n = tasks * (uint64_t)b->param[PARAM_LOOPS], sum = 0;

	for (uint64_t g = 0; g < (uint64_t)b->param[PARAM_GROUPS]; g++)
		sum += (g * n * n + n * (n + 1) / 2) * (tasks * tasks * (2 * g + 1));
	*out = (struct bench_cert){.ops = ops,
				   .messages = ops,
				   .bytes_read = ops * HACKBENCH_BYTES,
				   .bytes_written = ops * HACKBENCH_BYTES,
				   .checksum = sum};
}

const struct bench_workload mix_hackbench_workload = {
	.name = "mix/hackbench",
	.version = 1,
	.summary = "groups of tasks in which every sender writes to every receiver: as hackbench",
	.op = "one message of 100 bytes, sent and received",
	.fairness =
		"All bodies write each message with one call and read it with one, on the same kind of socket with the "
		"same buffers. Threads sleep in these calls, and the kernel decides who runs on. Goroutines and the "
		"loop "
		"make calls that do not block: those that find nothing, or no room, are made in addition, and the "
		"poller is asked. A goroutine writes until a socket is full, as a thread does; a sender of the loop "
		"gives the others a turn after one message to each receiver, and a receiver reads one message per "
		"readiness. The loop has one thread. libuv reads on, a message at a time, until a socket is empty. The "
		"serial body sends and receives each message in turn: what the "
		"sockets cost by themselves.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = hackbench_ops,
	.expect = hackbench_expect,
};
