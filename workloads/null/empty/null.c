/*
 * null/empty: one begin, one end, nothing between them.
 */
#include "workloads/null/empty/empty.h"

static int run_empty(struct bench *b)
{
	bench_begin(b);
	bench_end(b);
	b->cert.ops = 1;
	return 0;
}

const struct bench_body null_empty_null = {.run = run_empty};
