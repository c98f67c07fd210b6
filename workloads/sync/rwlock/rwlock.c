/*
 * sync/rwlock - a lock that many may hold for reading or one for writing, under contention.
 *
 * Each of `tasks` tasks acquires one shared lock again and again, `read_percent` of the times for reading. A writer
 * advances a shared word by `hold` steps; a reader advances a private word by as many and looks whether the shared one
 * has stayed what it was. Outside the lock each advances its private word by `think` steps. A step is one dependent
 * multiply-add, about a nanosecond.
 *
 * With 100 % the figure is what readers cost each other: whether a read acquisition writes a line that all share. With
 * less it is what a writer has to wait for, and who waits for it. On one CPU a holder is disturbed only when it is
 * preempted, and the figure is the price of an uncontended pair.
 *
 * The shared word's final value is the generator's (writes * hold)-th state whatever the order was, and wrong with near
 * certainty when two writers overlap; a reader that overlaps with a writer is not counted in `locks`.
 */
#include "workloads/sync/rwlock/rwlock.h"

enum { PARAM_TASKS, PARAM_READ_PERCENT, PARAM_HOLD, PARAM_THINK };

static const struct bench_param params[] = {
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "how many share the lock",
			 .dflt = 8,
			 .min = 1,
			 .max = 10000,
			 .smoke = 4},
	[PARAM_READ_PERCENT] = {.name = "read_percent",
				.unit = "%",
				.help = "acquisitions that are for reading",
				.dflt = 90,
				.min = 0,
				.max = 100,
				.smoke = 70},
	[PARAM_HOLD] = {.name = "hold",
			.unit = "steps",
			.help = "work under the lock, about 1 ns a step",
			.dflt = 100,
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

static void rwlock_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = (uint64_t)b->param[PARAM_TASKS], percent = (uint64_t)b->param[PARAM_READ_PERCENT];
	uint64_t hold = (uint64_t)b->param[PARAM_HOLD], think = (uint64_t)b->param[PARAM_THINK];
	uint64_t sum = 0, writes = 0;

	for (uint64_t i = 0; i < tasks; i++) {
		uint64_t n = bench_share(b->ops, tasks, i);
		uint64_t reads = (rwlock_first_credit(i) + n * percent) / 100;

		writes += n - reads;
		sum += steps_jump(rwlock_private_start(i), reads * hold + n * think);
	}
	sum += steps_jump(RWLOCK_SHARED_START, writes * hold);
	*out = (struct bench_cert){.ops = b->ops, .max_live = tasks, .locks = b->ops, .checksum = sum};
}

const struct bench_workload sync_rwlock_workload = {
	.name = "sync/rwlock",
	.version = 1,
	.summary = "tasks that share one lock for reading and writing, with work under it and outside it",
	.op = "one acquisition, for reading or writing, and its release with the work under the lock and after it",
	.fairness =
		"Each model uses its own lock as it comes. They differ in kind: that of the threads' library counts "
		"its "
		"readers in one word, which every reader writes, and prefers readers, so that writers may wait as long "
		"as "
		"readers keep coming; that of the goroutines counts readers per processor, lets a waiting writer hold "
		"up "
		"readers that come later, and so makes writers dearer and lets none starve. Which acquisitions are for "
		"reading is fixed, spread evenly and out of step between the tasks. The reader's check is two loads of "
		"the shared word, the same in all. With one worker the goroutine runtime needs no atomic instructions, "
		"which a thread cannot know. In the event loop a lock cannot contend; it is not offered. The serial "
		"body "
		"does the same steps with no lock: subtract it. With more CPUs it does not do them in parallel.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 4000,
	.ops_quantum = 1,
	.quantum_param = "tasks",
	.expect = rwlock_expect,
};
