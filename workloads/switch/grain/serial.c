/*
 * switch/grain without tasks: the same grains in the same order, in one loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "workloads/switch/grain/grain.h"

static int run_grain(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "tasks"), steps = (uint64_t)bench_param(b, "steps"), next = 0;
	uint64_t *value = malloc(n * sizeof *value);
	struct bench_cert cert = {.max_live = n};

	if (!value)
		return bench_fail(b, -ENOMEM, "out of memory for %llu chains", (unsigned long long)n);
	for (uint64_t i = 0; i < n; i++)
		value[i] = grain_start(i);
	bench_begin(b);
	for (; cert.ops < b->ops; cert.ops++) {
		value[next] = grain_work(value[next], steps);
		next = next + 1 < n ? next + 1 : 0;
	}
	bench_end(b);
	for (uint64_t i = 0; i < n; i++)
		cert.checksum += value[i];
	b->cert = cert;
	free(value);
	return 0;
}

const struct bench_body switch_grain_serial = {.run = run_grain};
