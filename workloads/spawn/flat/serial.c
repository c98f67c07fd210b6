/*
 * spawn/flat without tasks: the same function on the same records, called.
 */
#include <errno.h>
#include <stdlib.h>

#include "workloads/spawn/flat/flat.h"

struct job {
	FLAT_ALIGNED struct flat_record record;
};

static int run_flat(struct bench *b)
{
	uint64_t batch = (uint64_t)bench_param(b, "batch");
	struct job *jobs = flat_records(batch, sizeof *jobs);
	struct bench_cert cert = {0};

	if (!jobs)
		return bench_fail(b, -ENOMEM, "out of memory for %llu records", (unsigned long long)batch);
	bench_begin(b);
	while (cert.ops < b->ops) { /* ops is a multiple of the batch */
		for (uint64_t i = 0; i < batch; i++) {
			jobs[i].record = (struct flat_record){.number = cert.units++};
			flat_task(&jobs[i].record);
		}
		for (uint64_t i = 0; i < batch; i++) {
			cert.checksum += jobs[i].record.result;
			cert.ops++;
		}
	}
	bench_end(b);
	cert.max_live = batch;
	free(jobs);
	b->cert = cert;
	return 0;
}

const struct bench_body spawn_flat_serial = {.run = run_flat};
