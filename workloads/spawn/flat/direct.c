/*
 * spawn/flat in the blocking style: spawn a batch, join a batch.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/spawn/flat/flat.h"

struct job {
	FLAT_ALIGNED struct flat_record record;
	dx_task task;
};

/* Create tasks with the numbers from `first` on; returns how many, fewer than n with *status < 0. */
static uint64_t spawn_batch(struct job *jobs, uint64_t n, uint64_t first, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < n; i++) {
		jobs[i].record = (struct flat_record){.number = first + i};
		*status = dx_spawn(&jobs[i].task, flat_task, &jobs[i].record);
		if (*status < 0)
			break;
	}
	return i;
}

/* Await n tasks; the sum of their results. */
static uint64_t join_batch(struct job *jobs, uint64_t n)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < n; i++) {
		dx_join(&jobs[i].task);
		sum += jobs[i].record.result;
	}
	return sum;
}

static int run_flat(struct bench *b)
{
	uint64_t batch = (uint64_t)bench_param(b, "batch"), live = 0;
	struct job *jobs = flat_records(batch, sizeof *jobs);
	struct bench_cert cert = {0};
	int status = 0;

	if (!jobs)
		return bench_fail(b, -ENOMEM, "out of memory for %llu records", (unsigned long long)batch);
	bench_begin(b);
	while (cert.ops < b->ops && status == 0) { /* ops is a multiple of the batch */
		live = spawn_batch(jobs, batch, cert.units, &status);
		cert.units += live;
		if (live > cert.max_live)
			cert.max_live = live;
		cert.checksum += join_batch(jobs, live);
		cert.ops += live;
	}
	bench_end(b);
	free(jobs);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)batch, (unsigned long long)live, strerror(-status));
	b->cert = cert;
	return 0;
}

const struct bench_body spawn_flat_direct = {.run = run_flat};
