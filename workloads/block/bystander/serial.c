/*
 * block/bystander without tasks: the computing alone.
 */
#include <stddef.h>

#include "workloads/block/bystander/bystander.h"

static int run_bystander(struct bench *b)
{
	uint64_t x = BYSTANDER_START, done = 0;

	bench_begin(b);
	for (; done < b->ops; done++)
		x = steps_work(x, BYSTANDER_UNIT);
	bench_end(b);
	b->cert = (struct bench_cert){.ops = done, .max_live = 1, .checksum = x};
	return 0;
}

static const char *nobody_waits(const struct bench *b)
{
	return bystander_plan_of(b).kind == WAIT_NONE ? NULL : "sequential: nobody waits beside the computing";
}

const struct bench_body block_bystander_serial = {.unsupported = nobody_waits, .run = run_bystander};
