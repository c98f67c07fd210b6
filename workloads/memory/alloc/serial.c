/*
 * memory/alloc without tasks: a block after another.
 */
#include <errno.h>

#include "workloads/memory/alloc/alloc.h"

static int run_alloc(struct bench *b)
{
	struct alloc_work w = alloc_work(b);
	bool reuses = bench_param(b, "reuse") == ALLOC_REUSE_YES;
	struct bench_cert cert = {0};
	uint64_t missing = 0;

	bench_begin(b);
	for (uint64_t id = 0; id < b->ops; id++) {
		struct alloc_block block = alloc_begin(&w, id);

		cert.checksum += alloc_end(&w, block, id);
		missing += block.is_missing;
		cert.ops++;
		cert.units += !reuses; /* a turn of the loop stands for a task */
	}
	bench_end(b);
	b->cert = cert;
	return missing ? bench_fail(b, -ENOMEM, "out of memory for the blocks of %llu tasks",
				    (unsigned long long)missing)
		       : 0;
}

const struct bench_body memory_alloc_serial = {.run = run_alloc};
