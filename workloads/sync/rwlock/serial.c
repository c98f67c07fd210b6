/*
 * sync/rwlock without lock and without tasks: the same steps, one task's after another's.
 */
#include "workloads/sync/rwlock/rwlock.h"

static int run_rwlock(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks"), percent = (uint64_t)bench_param(b, "read_percent");
	uint64_t hold = (uint64_t)bench_param(b, "hold"), think = (uint64_t)bench_param(b, "think");
	volatile uint64_t word = RWLOCK_SHARED_START;
	uint64_t intact = 0, ops = 0, sum = 0;

	bench_begin(b);
	for (uint64_t i = 0; i < tasks; i++) {
		uint64_t private = rwlock_private_start(i), credit = rwlock_first_credit(i);

		for (uint64_t left = bench_share(b->ops, tasks, i); left > 0; left--) {
			if (rwlock_is_read(&credit, percent)) {
				intact += rwlock_read(&word, &private, hold);
			} else {
				rwlock_write(&word, hold);
				intact++;
			}
			private = steps_work(private, think);
			ops++;
		}
		sum += private;
	}
	bench_end(b);
	b->cert = (struct bench_cert){.ops = ops, .max_live = tasks, .locks = intact, .checksum = word + sum};
	return 0;
}

const struct bench_body sync_rwlock_serial = {.run = run_rwlock};
