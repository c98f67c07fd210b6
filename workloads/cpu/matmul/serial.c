/*
 * cpu/matmul without tasks: tile after tile.
 */
#include "workloads/cpu/matmul/matmul.h"

static __attribute__((noinline)) void compute(const struct matmul_data *d, uint64_t tile)
{
	matmul_tile(d, tile);
}

static int run_matmul(struct bench *b)
{
	struct matmul_data *d = b->data;
	struct bench_cert cert = {0};

	matmul_clear(d);
	bench_begin(b);
	for (uint64_t tile = 0; tile < matmul_tiles(d); tile++) {
		compute(d, tile);
		cert.ops++;
		cert.units++; /* a call that stands for a task */
	}
	bench_end(b);
	cert.checksum = matmul_checksum(d);
	b->cert = cert;
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return matmul_least_ns(b, 1);
}

const struct bench_body cpu_matmul_serial = {.run = run_matmul, .estimate_ns = estimate};
