/*
 * read.h - disk/read: what its bodies share.
 */
#ifndef DISK_READ_H
#define DISK_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/disk/datafile.h"

extern const struct bench_workload disk_read_workload;
extern const struct bench_body disk_read_direct, disk_read_evented, disk_read_serial;

/* Made by setup(), read-only afterwards. */
struct read_data {
	int fd; /* open for reading, with O_DIRECT in that mode */
	uint64_t blocks; /* in the file */
	bool is_random; /* the order */
	bool is_cold; /* each run evicts the file before its region */
};

/* What every body calls before its region: the page cache as the mode wants it. 0, or < 0 with b->why. */
int read_prepare(struct bench *b);

/*
 * The order. The reads of all n readers together go through the file again and again, reader i making the reads i, i + n,
 * i + 2n and so on of it: from the first block to the last, or in a pseudo-random permutation of the blocks. So the
 * blocks read are the same in every body whoever reads them when, and none is read twice before all have been read once.
 */
struct read_order {
	uint64_t key; /* of the permutation */
	uint64_t blocks;
	uint64_t at; /* the next read's place in the order, below blocks */
	uint64_t step;
	unsigned bits; /* the permutation's, at least log2(blocks); 0: sequential */
};

static inline struct read_order read_order_of(const struct read_data *d, uint64_t seed, uint64_t reader,
					      uint64_t readers)
{
	struct read_order o = {
		.key = files_mix(seed), .blocks = d->blocks, .at = reader % d->blocks, .step = readers % d->blocks};

	if (d->is_random)
		o.bits = d->blocks > 1 ? 64 - (unsigned)__builtin_clzll(d->blocks - 1) : 1;
	return o;
}

/* One step of a permutation of the numbers of `bits` bits: odd factors and right shifts can be undone. */
static inline uint64_t read_scramble(uint64_t x, uint64_t key, unsigned bits)
{
	const uint64_t mask = (UINT64_C(1) << bits) - 1;

	x = (x ^ key) & mask;
	x = x * UINT64_C(0x9e3779b97f4a7c15) & mask;
	x ^= x >> (bits / 2 + 1);
	x = (x + (key >> 32)) * UINT64_C(0xd6e8feb86659fd93) & mask;
	return x ^ x >> (bits / 2 + 1);
}

/* The block to read next. */
static inline uint64_t read_next(struct read_order *o)
{
	uint64_t block = o->at;

	o->at += o->step;
	if (o->at >= o->blocks)
		o->at -= o->blocks;
	if (o->bits == 0)
		return block;
	do /* of the numbers that are no blocks it goes on to the next, and so comes back to a block */
		block = read_scramble(block, o->key, o->bits);
	while (block >= o->blocks);
	return block;
}

#endif
