/*
 * mixed.h - disk/mixed: what its bodies share.
 *
 * A body has a struct mixed_worker for each operation that is to be under way at one time. Between mixed_next and
 * mixed_took it makes the one call that is asked for, in its style:
 *
 *	while (mixed_next(w))
 *		mixed_took(w, w->is_read ? pread(fd, w->words, MIXED_BLOCK, w->offset) : pwrite(...));
 */
#ifndef DISK_MIXED_H
#define DISK_MIXED_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/subject/bench.h"
#include "workloads/disk/files.h"

extern const struct bench_workload disk_mixed_workload;
extern const struct bench_body disk_mixed_direct, disk_mixed_evented, disk_mixed_serial;

enum {
	MIXED_BLOCK = 4096, /* bytes per call, and the alignment of offsets and buffers: O_DIRECT asks for it */
	MIXED_WORDS = MIXED_BLOCK / sizeof(uint64_t),
};

/* Made by setup(). A block's two counts belong to the worker that has the block. */
struct mixed_data {
	int fd;
	uint64_t blocks; /* in the file; immutable */
	uint32_t *versions; /* by block: how often it has been written since the file was made */
	uint32_t *writes; /* by block: how often in this run */
};

/* ---- which operations ------------------------------------------------------------------------------- */

/* A worker's operations: a number for each, from which its block and its kind follow. */
struct mixed_order {
	uint64_t key; /* immutable, as are the next three */
	uint64_t first, blocks; /* the worker's blocks of the file */
	uint64_t read_percent;
	uint64_t done;
};

/* Each of n workers has a part of the file to itself, so that no block is read while another one writes it. */
static inline struct mixed_order mixed_order_of(uint64_t seed, uint64_t blocks, uint64_t read_percent, uint64_t worker,
						uint64_t n)
{
	uint64_t first = worker * blocks / n;

	return (struct mixed_order){.key = files_mix(files_mix(seed) + worker),
				    .first = first,
				    .blocks = (worker + 1) * blocks / n - first,
				    .read_percent = read_percent};
}

/* The next operation's block, and whether it is read. */
static inline uint64_t mixed_choose(struct mixed_order *o, bool *is_read)
{
	uint64_t x = files_mix(o->key + o->done++);

	*is_read = (x >> 32) % 100 < o->read_percent;
	return o->first + (x & UINT32_MAX) % o->blocks;
}

/* ---- what a block holds -------------------------------------------------------------------------------- */

/*
 * Its index, its version, words that follow from both, and a digest of all these: a block that is another one's, an
 * old one, or half of an old and half of a new one, is told from the right one.
 */
static inline void mixed_fill(uint64_t *words, uint64_t block, uint32_t version)
{
	uint64_t word = files_mix(block << 32 | version);

	words[0] = block;
	words[1] = version;
	for (size_t i = 2; i < MIXED_WORDS - 1; i++)
		words[i] = word += UINT64_C(0x9e3779b97f4a7c15);
	files_seal(words, MIXED_WORDS);
}

static inline bool mixed_is_right(const uint64_t *words, uint64_t block, uint32_t version)
{
	return words[0] == block && words[1] == version && files_are_sealed(words, MIXED_WORDS);
}

/* What a block that was read after so many writes of this run, and found right, adds to the sum. */
static inline uint64_t mixed_digest(uint64_t block, uint32_t writes)
{
	return files_mix(block << 32 | writes);
}

/* ---- a worker ------------------------------------------------------------------------------------------- */

struct mixed_worker {
	const struct mixed_data *data; /* immutable */
	uint64_t *words; /* MIXED_BLOCK bytes, aligned to it */
	struct mixed_order order;
	uint64_t left; /* operations to do */
	/* the one that is under way */
	uint64_t block;
	off_t offset;
	bool is_read;
	/* what was done */
	uint64_t reads, writes, sum;
	int status; /* why it has stopped */
};

/* Choose the next operation, and make what it writes. False: there is none, or one has failed. */
static inline bool mixed_next(struct mixed_worker *w)
{
	if (w->left == 0 || w->status < 0)
		return false;
	w->left--;
	w->block = mixed_choose(&w->order, &w->is_read);
	w->offset = (off_t)(w->block * MIXED_BLOCK);
	if (!w->is_read)
		mixed_fill(w->words, w->block, w->data->versions[w->block] + 1);
	return true;
}

/* The call has given `n`. */
static inline void mixed_took(struct mixed_worker *w, ssize_t n)
{
	const struct mixed_data *d = w->data;

	if (n != MIXED_BLOCK) {
		w->status = n < 0 ? (int)n : -EIO;
	} else if (!w->is_read) {
		d->versions[w->block]++;
		d->writes[w->block]++;
		w->writes++;
	} else if (mixed_is_right(w->words, w->block, d->versions[w->block])) {
		w->sum += mixed_digest(w->block, d->writes[w->block]);
		w->reads++;
	} else {
		w->status = -EILSEQ;
	}
}

/* Before the region: worker i of n, with its buffer, for mixed_free_worker. 0 or -ENOMEM. */
int mixed_make_worker(struct bench *b, struct mixed_worker *w, uint64_t i, uint64_t n);
void mixed_free_worker(struct mixed_worker *w);

/* Before the region, after the workers have been made: no block has been written in this run. */
void mixed_prepare(struct bench *b);

/* After the region: add what a worker did to the certificate. 0, or < 0 with b->why: it has failed. */
int mixed_add(struct bench *b, const struct mixed_worker *w);

/* After that: read the whole file and add what it holds. 0, or < 0 with b->why: not what was written. */
int mixed_verify(struct bench *b);

#endif
