/*
 * null/empty - a region of interest with nothing in it.
 *
 * It measures the ruler: what begin and end cost, how far the harness's clock and the subject's disagree, and how
 * long a sample takes that does no work. Only the `null` subject has a body for it. Its one operation is the region.
 */
#include "harness/subject/bench.h"
#include "workloads/null/empty/empty.h"

static uint64_t empty_ops(const struct bench *b)
{
	(void)b;
	return 1;
}

static void empty_expect(const struct bench *b, struct bench_cert *out)
{
	*out = (struct bench_cert){.ops = empty_ops(b)};
}

const struct bench_workload null_empty_workload = {
	.name = "null/empty",
	.version = 1,
	.summary = "an empty region: what the harness itself costs",
	.op = "the empty region, from begin to end",
	.fairness =
		"There is one body and nothing to compare. The length of the region is the floor below which no other "
		"sample can be told from zero.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_WALL_PER_OP,
	.finite_ops = empty_ops,
	.expect = empty_expect,
};
