/*
 * read.h - disk/read: what its bodies share.
 */
#ifndef DISK_READ_H
#define DISK_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload disk_read_workload;
extern const struct bench_body disk_read_direct, disk_read_evented, disk_read_serial;

enum {
	READ_BLOCK = 4096, /* bytes per read, and the alignment of offsets and buffers: O_DIRECT asks for it */
	READ_WORDS = READ_BLOCK / sizeof(uint64_t),
};

/* Made by setup(), read-only afterwards. */
struct read_data {
	int fd; /* open for reading, with O_DIRECT in that mode */
	uint64_t blocks; /* in the file */
};

/* SplitMix64's output function: any index to a number that looks random. */
static inline uint64_t read_mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The file's content: a block starts with its own index, the other words follow from their place. */
static inline uint64_t read_word(uint64_t block, uint64_t word)
{
	return word == 0 ? block : read_mix(block * READ_WORDS + word);
}

/* What a reader adds to its sum for a block that it has verified. */
static inline uint64_t read_digest(uint64_t first_word, uint64_t last_word)
{
	return first_word + last_word;
}

/* Is this block `block`? If so its digest is added to *sum. */
static inline bool read_verify(const uint64_t *words, uint64_t block, uint64_t *sum)
{
	if (words[0] != block)
		return false;
	*sum += read_digest(words[0], words[READ_WORDS - 1]);
	return true;
}

/*
 * The order in which reader `reader` reads: a pseudo-random block per read, a function of the seed alone, so that the
 * blocks read are the same in every body whoever reads them when.
 */
struct read_order {
	uint64_t state;
	uint64_t blocks;
};

static inline struct read_order read_order_of(uint64_t seed, uint64_t reader, uint64_t blocks)
{
	return (struct read_order){.state = read_mix(seed ^ read_mix(reader)), .blocks = blocks};
}

static inline uint64_t read_next(struct read_order *o)
{
	return (uint64_t)((unsigned __int128)read_mix(o->state++) * o->blocks >> 64);
}

/* How many of `ops` reads reader i of `readers` makes: equal shares, the first ops % readers of them one more. */
static inline uint64_t read_share(uint64_t ops, uint64_t readers, uint64_t i)
{
	return ops / readers + (i < ops % readers);
}

#endif
