/*
 * cpu/depth without tasks: the same calls on the process's first stack.
 */
#include "workloads/cpu/depth/depth.h"

static int run_depth(struct bench *b)
{
	struct depth_done done;

	bench_begin(b);
	depth_work((uint64_t)bench_param(b, "depth"), b->ops, &done);
	bench_end(b);
	b->cert = (struct bench_cert){.ops = done.calls, .units = 1, .checksum = done.sum};
	return 0;
}

const struct bench_body cpu_depth_serial = {.run = run_depth};
