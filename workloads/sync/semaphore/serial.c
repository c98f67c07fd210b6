/*
 * sync/semaphore without permits and without tasks: the same steps and counts, one task's after another's.
 */
#include "workloads/sync/semaphore/semaphore.h"

static int run_semaphore(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks");
	uint64_t hold = (uint64_t)bench_param(b, "hold"), think = (uint64_t)bench_param(b, "think");
	uint32_t permits = (uint32_t)bench_param(b, "permits");
	_Atomic uint32_t holders = 0;
	struct bench_cert cert = {.max_live = tasks};

	bench_begin(b);
	for (uint64_t i = 0; i < tasks; i++) {
		uint64_t word = semaphore_start(i);

		for (uint64_t left = bench_share(b->ops, tasks, i); left > 0; left--) {
			cert.locks += semaphore_enter(&holders, permits);
			word = steps_work(word, hold);
			semaphore_leave(&holders);
			cert.ops++;
			word = steps_work(word, think);
		}
		cert.checksum += word;
	}
	bench_end(b);
	b->cert = cert;
	return 0;
}

const struct bench_body sync_semaphore_serial = {.run = run_semaphore};
