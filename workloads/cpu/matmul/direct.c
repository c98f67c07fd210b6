/*
 * cpu/matmul in the blocking style: a task per tile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/cpu/matmul/matmul.h"

struct job {
	dx_task task;
	const struct matmul_data *data; /* immutable */
	uint64_t tile; /* immutable once the task runs */
	uint64_t done; /* tiles: 1 when the task has run; the task's until it is joined */
};

static DX_PREEMPTIBLE void compute(const struct matmul_data *d, uint64_t tile)
{
	matmul_tile(d, tile);
}

static void work(void *arg)
{
	struct job *j = arg;

	compute(j->data, j->tile);
	j->done++;
}

/* 0, or why the model refused a task. */
static int run_tiles(const struct matmul_data *d, struct job *jobs, struct bench_cert *cert)
{
	int status = 0;

	for (uint64_t tile = 0; tile < matmul_tiles(d); tile++) {
		jobs[tile].data = d;
		jobs[tile].tile = tile;
		status = dx_spawn(&jobs[tile].task, work, &jobs[tile]);
		if (status < 0)
			break; /* those that exist are still joined below */
		cert->units++;
	}
	for (uint64_t tile = 0; tile < cert->units; tile++) {
		dx_join(&jobs[tile].task);
		cert->ops += jobs[tile].done;
	}
	return status;
}

static int run_matmul(struct bench *b)
{
	struct matmul_data *d = b->data;
	uint64_t tiles = matmul_tiles(d);
	struct job *jobs = calloc(tiles, sizeof *jobs);
	struct bench_cert cert = {0};
	int status;

	if (!jobs)
		return bench_fail(b, -ENOMEM, "out of memory for %llu tiles", (unsigned long long)tiles);
	matmul_clear(d);
	bench_begin(b);
	status = run_tiles(d, jobs, &cert);
	bench_end(b);
	free(jobs);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)tiles, (unsigned long long)cert.units, strerror(-status));
	cert.checksum = matmul_checksum(d);
	b->cert = cert;
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return matmul_least_ns(b, b->workers);
}

const struct bench_body cpu_matmul_direct = {.run = run_matmul, .estimate_ns = estimate};
