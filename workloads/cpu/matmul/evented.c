/*
 * cpu/matmul in the callback style: a posted callback per tile; the last one ends the run.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/cpu/matmul/matmul.h"

struct run;

struct job {
	ex_work work;
	struct run *run;
	uint64_t tile;
};

struct run {
	struct bench *b;
	const struct matmul_data *data;
	uint64_t missing; /* tiles */
	struct bench_cert cert;
	struct job jobs[]; /* a tile each */
};

static __attribute__((noinline)) void compute(const struct matmul_data *d, uint64_t tile)
{
	matmul_tile(d, tile);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = r->cert;
	b->cert.checksum = matmul_checksum(r->data);
	free(r);
	bench_done(b, 0);
}

static void tile_came(ex_work *work)
{
	struct job *j = EX_CONTAINER(work, struct job, work);
	struct run *r = j->run;

	compute(r->data, j->tile);
	r->cert.ops++;
	if (--r->missing == 0)
		finish(r);
}

static int run_matmul(struct bench *b)
{
	struct matmul_data *d = b->data;
	uint64_t tiles = matmul_tiles(d);
	struct run *r = calloc(1, sizeof *r + tiles * sizeof r->jobs[0]);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %llu tiles", (unsigned long long)tiles);
	r->b = b;
	r->data = d;
	r->missing = tiles;
	matmul_clear(d);
	bench_begin(b);
	for (uint64_t tile = 0; tile < tiles; tile++) {
		r->jobs[tile].run = r;
		r->jobs[tile].tile = tile;
		r->cert.units++;
		ex_post(ex_loop_of(b), &r->jobs[tile].work, tile_came);
	}
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return matmul_least_ns(b, 1);
}

const struct bench_body cpu_matmul_evented = {.run = run_matmul, .estimate_ns = estimate};
