/*
 * timer/sleepers - many tasks that do nothing but sleep, again and again.
 *
 * `tasks` tasks sleep `rounds` times for sleep_ms each. They start together, so their timers run out together: a crowd of
 * wake-ups of which each sets the next timer. If waking and setting a timer cost nothing, the whole would last rounds x
 * sleep_ms; what it lasts longer, and the CPU time, is the price of timers in bulk. With 100000 tasks and 10 ms the
 * tasks cannot all be woken in one period: the crowd spreads until it is limited by that price alone.
 *
 * The problem is finite because the first wake-ups (all at once, set at once) and the last are other work than those in
 * between: with a free number of rounds a fast subject would be measured on another mixture than a slow one.
 *
 * Each body looks at the clock before the first sleep and after the last one and fails if a task was not asleep for
 * rounds x sleep_ms. That is two readings per task, some 50 ns of the at least tens of microseconds of its sleeps.
 */
#include "workloads/timer/sleepers/sleepers.h"

enum { PARAM_TASKS, PARAM_ROUNDS, PARAM_SLEEP_MS };

static const struct bench_param params[] = {
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "that sleep at one time",
			 .dflt = 100000,
			 .min = 1,
			 .max = 1000000,
			 .smoke = 50},
	[PARAM_ROUNDS] = {.name = "rounds",
			  .unit = "sleeps",
			  .help = "that each task makes, one after another",
			  .dflt = 10,
			  .min = 1,
			  .max = 1000,
			  .smoke = 3},
	[PARAM_SLEEP_MS] = {.name = "sleep_ms",
			    .unit = "ms",
			    .help = "that a sleep lasts at least",
			    .dflt = 10,
			    .min = 1,
			    .max = 1000,
			    .smoke = 2},
};

static uint64_t sleepers_ops(const struct bench *b)
{
	return (uint64_t)(b->param[PARAM_TASKS] * b->param[PARAM_ROUNDS]);
}

/* Each sleep of task i, from 0 up, adds i + 1. */
static void sleepers_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = (uint64_t)b->param[PARAM_TASKS];

	*out = (struct bench_cert){.ops = sleepers_ops(b),
				   .max_live = tasks,
				   .checksum = tasks * (tasks + 1) / 2 * (uint64_t)b->param[PARAM_ROUNDS]};
}

const struct bench_workload timer_sleepers_workload = {
	.name = "timer/sleepers",
	.version = 1,
	.summary = "many tasks that sleep, all at the same time and again and again",
	.op = "one sleep, from setting the timer to the task's going on",
	.fairness =
		"Every body has the same number of tasks, each of which sets its next timer when it goes on after "
		"the one before. The tasks exist before the region. A direct task sleeps by its model's own sleep: "
		"a goroutine parks and its processor keeps the timer; a thread calls nanosleep and the kernel keeps "
		"it, with the timer slack that a process has by default (50 us), which lets the kernel take "
		"wake-ups together. An evented task is a record with a timer that its callback starts again: "
		"nothing needs to be switched to, which is the style's advantage. libuv's timers count whole "
		"milliseconds, "
		"and are rounded up so that none is early. How many threads there can be is "
		"the machine's limit, and a cell above it fails with the number reached. There is no serial body: "
		"sleeping one after another is other work.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = sleepers_ops,
	.expect = sleepers_expect,
};
