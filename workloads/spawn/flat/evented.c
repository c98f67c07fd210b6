/*
 * spawn/flat in the callback style: a batch of posted callbacks; the last one of a batch posts the next batch.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/spawn/flat/flat.h"

struct run;

struct job {
	FLAT_ALIGNED struct flat_record record;
	ex_work work;
	struct run *run;
};

struct run {
	struct bench *b;
	uint64_t batch;
	uint64_t missing; /* callbacks of this batch that have not run */
	struct job *jobs; /* batch */
	struct bench_cert cert;
};

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = r->cert;
	free(r->jobs);
	free(r);
	bench_done(b, 0);
}

static void task_came(ex_work *work);

static void post_batch(struct run *r)
{
	for (uint64_t i = 0; i < r->batch; i++) {
		r->jobs[i].record = (struct flat_record){.number = r->cert.units++};
		ex_post(ex_loop_of(r->b), &r->jobs[i].work, task_came);
	}
	r->missing = r->batch;
	r->cert.max_live = r->batch;
}

static void batch_ended(struct run *r)
{
	for (uint64_t i = 0; i < r->batch; i++)
		r->cert.checksum += r->jobs[i].record.result;
	if (r->cert.ops < r->b->ops)
		post_batch(r);
	else
		finish(r);
}

static void task_came(ex_work *work)
{
	struct job *j = EX_CONTAINER(work, struct job, work);
	struct run *r = j->run;

	flat_task(&j->record);
	r->cert.ops++;
	if (--r->missing == 0)
		batch_ended(r);
}

static int run_flat(struct bench *b)
{
	uint64_t batch = (uint64_t)bench_param(b, "batch");
	struct run *r = calloc(1, sizeof *r);
	struct job *jobs = flat_records(batch, sizeof *jobs);

	if (!r || !jobs) {
		free(jobs);
		free(r);
		return bench_fail(b, -ENOMEM, "out of memory for %llu records", (unsigned long long)batch);
	}
	r->b = b;
	r->batch = batch;
	r->jobs = jobs;
	for (uint64_t i = 0; i < batch; i++)
		jobs[i].run = r;
	bench_begin(b);
	post_batch(r);
	return 0;
}

const struct bench_body spawn_flat_evented = {.run = run_flat};
