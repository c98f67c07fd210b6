/*
 * null/empty - a region of interest with nothing in it.
 *
 * It measures the ruler: what begin and end cost, how far the harness's clock and the subject's disagree, and how
 * long a sample takes that does no work. Only the `null` subject has a body for it. The number of operations is
 * accepted and reported, and has no effect; whoever calibrates it must not expect the region to grow.
 */
#include "harness/subject/bench.h"
#include "workloads/null/empty/empty.h"

static void empty_expect(const struct bench *b, struct bench_cert *out)
{
	*out = (struct bench_cert){.ops = b->ops};
}

const struct bench_workload null_empty_workload = {
	.name = "null/empty",
	.version = 1,
	.summary = "an empty region: what the harness itself costs",
	.op = "nothing (the count is only carried through)",
	.fairness = "There is one body and nothing to compare. The time per operation means nothing; the length of the "
		    "whole region is the floor below which no other sample can be told from zero.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.smoke_ops = 1,
	.expect = empty_expect,
};
