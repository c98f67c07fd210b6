/*
 * cpu/matmul - the product of two square matrices, a task per tile of the result.
 *
 * All tasks are created at once and joined in order. They are of one size, and what they share is memory: a tile of C
 * needs the rows of A and the columns of B that its neighbours need too. Two methods:
 *
 *      naive     each element is a row by a column: a step down a column is a cache line of its own, and of large
 *                matrices it is gone before its neighbour is wanted
 *      blocked   tile by tile: what is read stays in the cache until it has been used for a whole tile, and the inner
 *                loop runs along rows, so that the compiler can use the CPU's vectors where it does at this level
 *
 * One operation is one tile. The three matrices lie in one mapping, each row right after the other, written before the
 * region; huge pages are refused, for all bodies alike, since whether the kernel has one to give would otherwise decide
 * the TLB misses. A power of two as n puts a column into few of the cache's sets: that hurts the naive method and is as it
 * is.
 *
 * Elements are 32-bit numbers that wrap around, so that the result does not depend on the order of the additions. The
 * checksum is the sum over C of u(i) C(i, j) v(j), with weights u and v that are odd; expect() knows it without
 * multiplying the matrices, since it is the sum over k of (sum over i of u(i) A(i, k)) (sum over j of B(k, j) v(j)). A tile
 * that was left out or added twice changes it: C begins as zero, and tiles are added to it.
 */
#include "workloads/cpu/matmul/matmul.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PARAM_N, PARAM_TILE, PARAM_METHOD };

static const char *const method_choices[] = {[MATMUL_NAIVE] = "naive", [MATMUL_BLOCKED] = "blocked", NULL};

static const struct bench_param params[] = {
	[PARAM_N] = {.name = "n",
		     .unit = "rows",
		     .help = "and columns of each matrix",
		     .dflt = 512,
		     .min = 1,
		     .max = 2048,
		     .smoke = 50},
	[PARAM_TILE] = {.name = "tile",
			.unit = "rows",
			.help = "and columns that a task computes; also the block of the blocked method",
			.dflt = 64,
			.min = 4,
			.max = 512,
			.smoke = 16},
	[PARAM_METHOD] = {.name = "method",
			  .unit = "",
			  .help = "naive: rows by columns; blocked: tile by tile",
			  .kind = BENCH_CHOICE,
			  .dflt = MATMUL_BLOCKED,
			  .smoke = MATMUL_BLOCKED,
			  .choices = method_choices},
};

/* Element (i, j) of matrix 0 or 1: the upper half of a multiplied mixture, of which no two rows or columns are alike. */
static uint32_t element(uint64_t matrix, uint64_t i, uint64_t j)
{
	uint64_t z = (i * 4096 + j) * 2 + matrix + 1;

	z *= UINT64_C(0x9e3779b97f4a7c15);
	z ^= z >> 29;
	z *= UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(z >> 32);
}

static uint32_t weight(uint64_t i)
{
	return (uint32_t)(i * 2 + 1) * UINT32_C(2654435761);
}

static struct matmul_data shape(const struct bench *b)
{
	uint64_t n = (uint64_t)b->param[PARAM_N], tile = (uint64_t)b->param[PARAM_TILE];

	return (struct matmul_data){.n = n,
				    .tile = tile,
				    .across = (n + tile - 1) / tile,
				    .method = (enum matmul_method)b->param[PARAM_METHOD]};
}

void matmul_clear(struct matmul_data *d)
{
	memset(d->c, 0, d->n * d->n * sizeof *d->c);
}

uint64_t matmul_checksum(const struct matmul_data *d)
{
	uint32_t sum = 0;

	for (uint64_t i = 0; i < d->n; i++) {
		uint32_t row = 0;

		for (uint64_t j = 0; j < d->n; j++)
			row += d->c[i * d->n + j] * weight(j);
		sum += weight(i) * row;
	}
	return sum;
}

/* Not even with vectors does a core multiply and add 32 numbers in a nanosecond. */
uint64_t matmul_least_ns(const struct bench *b, unsigned cpus)
{
	uint64_t n = (uint64_t)b->param[PARAM_N];

	return n * n * n / 32 / cpus;
}

static int map_matrices(struct bench *b, struct matmul_data *d)
{
	size_t elements = d->n * d->n, bytes = 3 * elements * sizeof *d->a;
	uint64_t half_of_ram = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * (uint64_t)sysconf(_SC_PAGESIZE);
	void *map;

	if (bytes > half_of_ram)
		return bench_fail(b, -ENOMEM, "the matrices need %llu MiB, more than half of this machine's memory",
				  (unsigned long long)(bytes >> 20));
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return bench_fail(b, -errno, "cannot map %llu MiB of matrices: %s", (unsigned long long)(bytes >> 20),
				  strerror(errno));
	d->a = map;
	d->b = d->a + elements;
	d->c = d->b + elements;
	d->map_bytes = bytes;
	/* EINVAL: a kernel without huge pages, which is what is wanted. */
	if (madvise(map, bytes, MADV_NOHUGEPAGE) < 0 && errno != EINVAL)
		return bench_fail(b, -errno, "cannot refuse huge pages for the matrices: %s", strerror(errno));
	return 0;
}

static void matmul_teardown(struct bench *b)
{
	struct matmul_data *d = b->data;

	if (!d)
		return;
	if (d->a)
		munmap(d->a, d->map_bytes);
	free(d);
	b->data = NULL;
}

static int matmul_setup(struct bench *b)
{
	struct matmul_data *d = malloc(sizeof *d);
	int status;

	if (!d)
		return bench_fail(b, -ENOMEM, "out of memory for the matrices' record");
	*d = shape(b);
	b->data = d;
	status = map_matrices(b, d);
	if (status < 0) {
		matmul_teardown(b);
		return status;
	}
	for (uint64_t i = 0; i < d->n; i++)
		for (uint64_t j = 0; j < d->n; j++) {
			d->a[i * d->n + j] = element(0, i, j);
			d->b[i * d->n + j] = element(1, i, j);
		}
	matmul_clear(d);
	return 0;
}

static uint64_t matmul_ops(const struct bench *b)
{
	struct matmul_data d = shape(b);

	return matmul_tiles(&d);
}

static void matmul_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t n = (uint64_t)b->param[PARAM_N], tiles = matmul_ops(b);
	uint32_t sum = 0;

	for (uint64_t k = 0; k < n; k++) {
		uint32_t column_of_a = 0, row_of_b = 0;

		for (uint64_t i = 0; i < n; i++) {
			column_of_a += weight(i) * element(0, i, k);
			row_of_b += element(1, k, i) * weight(i);
		}
		sum += column_of_a * row_of_b;
	}
	*out = (struct bench_cert){.ops = tiles, .units = tiles, .checksum = sum};
}

const struct bench_workload cpu_matmul_workload = {
	.name = "cpu/matmul",
	.version = 1,
	.summary = "the product of two matrices, a task per tile of the result",
	.op = "one tile of the result computed, with the task that does it",
	.fairness =
		"All bodies multiply the same matrices, at the same addresses within one mapping, with one inline "
		"function "
		"per tile, and create all tasks before they await the first. A direct task is spawned and joined; its "
		"tile "
		"is marked as preemptible, which means something to goroutines only. A task of the loop is a callback "
		"posted from its record. Tiles are numbered row by row: a model that runs tasks in the order of their "
		"creation finds more of A in the cache than one that does not, and that is the model's. The loop has "
		"one "
		"CPU whatever the placement, and so has the serial body, which is a loop over the tiles. "
		"subject-go awaits the tiles by a wait group, and its compiler checks indices in the inner loop and "
		"makes other code: its time beside the others is mostly the compilers'.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_WALL_PER_OP,
	.pool_tasks = 1,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = matmul_ops,
	.setup = matmul_setup,
	.teardown = matmul_teardown,
	.expect = matmul_expect,
};
