/*
 * sync/mutex - a lock under contention.
 *
 * Each of `tasks` tasks acquires one shared mutex again and again; it advances a shared word by `hold` steps under the
 * lock and a word of its own by `think` steps outside. A step is one dependent multiply-add, about a nanosecond, so
 * both times are stated in work and not in time: a slower CPU stretches both alike.
 *
 * The shared word's final value is the generator's (ops * hold)-th state whoever took the lock in which order, and it
 * is wrong with near certainty when two holders overlap: the checksum is also the proof of mutual exclusion.
 *
 * The tasks exist and wait at a gate before the region begins. Whether they contend is up to the placement: with one
 * CPU a holder is disturbed only when it is preempted, and the figure is the price of an uncontended pair.
 */
#include "workloads/sync/mutex/mutex.h"

enum { PARAM_TASKS, PARAM_HOLD, PARAM_THINK };

static const struct bench_param params[] = {
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "how many share the lock",
			 .dflt = 8,
			 .min = 1,
			 .max = 10000,
			 .smoke = 4},
	[PARAM_HOLD] = {.name = "hold",
			.unit = "steps",
			.help = "work under the lock, about 1 ns a step",
			.dflt = 10,
			.min = 1,
			.max = 1000000,
			.smoke = 10},
	[PARAM_THINK] = {.name = "think",
			 .unit = "steps",
			 .help = "work outside the lock between two acquisitions",
			 .dflt = 0,
			 .min = 0,
			 .max = 1000000,
			 .smoke = 5},
};

static void mutex_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = (uint64_t)b->param[PARAM_TASKS], think = (uint64_t)b->param[PARAM_THINK];
	uint64_t sum = steps_jump(MUTEX_SHARED_START, b->ops * (uint64_t)b->param[PARAM_HOLD]);

	for (uint64_t i = 0; i < tasks; i++)
		sum += steps_jump(mutex_private_start(i), bench_share(b->ops, tasks, i) * think);
	*out = (struct bench_cert){.ops = b->ops, .max_live = tasks, .locks = b->ops, .checksum = sum};
}

const struct bench_workload sync_mutex_workload = {
	.name = "sync/mutex",
	.version = 1,
	.summary = "tasks that share one lock, with work under it and outside it",
	.op = "one acquisition and release with the work under the lock and the work that follows",
	.fairness =
		"Each model uses its own mutex as it comes. They differ in kind: a thread that must wait sleeps in the "
		"kernel after its library's choice of spinning, a goroutine parks without the kernel, and a lock may "
		"hand "
		"over or let a newcomer in first; that is the subject. On one CPU a blocking-style model switches only "
		"when a holder is preempted, so both look alike there; with one worker the goroutine runtime locks "
		"without atomic instructions, since nobody else can run its tasks, which a thread cannot know. The "
		"serial body does the same steps with no "
		"lock: "
		"subtract it. With more CPUs it does not, of course, do them in parallel.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 4000,
	.ops_quantum = 1,
	.quantum_param = "tasks",
	.expect = mutex_expect,
};
