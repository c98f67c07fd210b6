/*
 * matmul.h - cpu/matmul: what its bodies share.
 */
#ifndef CPU_MATMUL_H
#define CPU_MATMUL_H

#include <stddef.h>
#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload cpu_matmul_workload;
extern const struct bench_body cpu_matmul_direct, cpu_matmul_evented, cpu_matmul_serial;

enum matmul_method { MATMUL_NAIVE, MATMUL_BLOCKED };

/* C = A B. Made by setup(); a and b are read-only afterwards, tile k of c is its task's until that is awaited. */
struct matmul_data {
	uint64_t n; /* rows and columns */
	uint64_t tile; /* rows and columns of a tile; those at the right and the lower edge may be smaller */
	uint64_t across; /* tiles in a row of tiles */
	enum matmul_method method;
	uint32_t *a, *b, *c; /* row by row; all in one mapping */
	size_t map_bytes;
};

/* How many tiles C has: one task for each. */
static inline uint64_t matmul_tiles(const struct matmul_data *d)
{
	return d->across * d->across;
}

static inline uint64_t matmul_min(uint64_t x, uint64_t y)
{
	return x < y ? x : y;
}

/* c[i][j] for one tile as the definition has it: the row of a by the column of b, whole. */
static inline __attribute__((always_inline)) void matmul_naive(const struct matmul_data *d, uint64_t top, uint64_t left)
{
	uint64_t n = d->n, bottom = matmul_min(top + d->tile, n), right = matmul_min(left + d->tile, n);

	for (uint64_t i = top; i < bottom; i++)
		for (uint64_t j = left; j < right; j++) {
			uint32_t sum = 0;

			for (uint64_t k = 0; k < n; k++)
				sum += d->a[i * n + k] * d->b[k * n + j];
			d->c[i * n + j] += sum;
		}
}

/* The same tile by products of tiles: what is read of b fits the cache and is used for every row, along the row. */
static inline __attribute__((always_inline)) void matmul_blocked(const struct matmul_data *d, uint64_t top,
								 uint64_t left)
{
	uint64_t n = d->n, bottom = matmul_min(top + d->tile, n), right = matmul_min(left + d->tile, n);

	for (uint64_t from = 0; from < n; from += d->tile) {
		uint64_t to = matmul_min(from + d->tile, n);

		for (uint64_t i = top; i < bottom; i++)
			for (uint64_t k = from; k < to; k++) {
				const uint32_t *row = &d->b[k * n];
				uint32_t *out = &d->c[i * n];
				uint32_t factor = d->a[i * n + k];

				for (uint64_t j = left; j < right; j++)
					out[j] += factor * row[j];
			}
	}
}

/* Add a tile of A B to that of C. Calls nothing, so that a model can stop it anywhere; inlined into the bodies. */
static inline __attribute__((always_inline)) void matmul_tile(const struct matmul_data *d, uint64_t tile)
{
	uint64_t top = tile / d->across * d->tile, left = tile % d->across * d->tile;

	if (d->method == MATMUL_NAIVE)
		matmul_naive(d, top, left);
	else
		matmul_blocked(d, top, left);
}

/* Before the region: C = 0. */
void matmul_clear(struct matmul_data *d);

/* After it: what C holds, each place weighted differently. */
uint64_t matmul_checksum(const struct matmul_data *d);

/* A time that no body can beat on so many CPUs. */
uint64_t matmul_least_ns(const struct bench *b, unsigned cpus);

#endif
