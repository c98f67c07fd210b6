/*
 * sync/mutex without lock and without tasks: the same steps, one task's after another's.
 */
#include "workloads/sync/mutex/mutex.h"

static int run_mutex(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks");
	uint64_t hold = (uint64_t)bench_param(b, "hold"), think = (uint64_t)bench_param(b, "think");
	volatile uint64_t word = MUTEX_SHARED_START; /* memory, as it is for those who share it */
	uint64_t rounds = 0, sum = 0;

	bench_begin(b);
	for (uint64_t i = 0; i < tasks; i++) {
		uint64_t private = mutex_private_start(i);

		for (uint64_t left = bench_share(b->ops, tasks, i); left > 0; left--) {
			word = steps_work(word, hold);
			private = steps_work(private, think);
			rounds++;
		}
		sum += private;
	}
	bench_end(b);
	b->cert = (struct bench_cert){.ops = rounds, .max_live = tasks, .locks = rounds, .checksum = word + sum};
	return 0;
}

const struct bench_body sync_mutex_serial = {.run = run_mutex};
