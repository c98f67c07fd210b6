/*
 * datafile.h - the file that workloads read blocks of: every block can be told from every other one.
 *
 * datafile_prepare makes `switchyard-read-v<version>-<size>MiB.dat` in the data directory if it is not there or not
 * right, and leaves it there: the other samples of a run read the same file. The content is a function of the place in the
 * file (datafile_fill), not of the seed, so a file can be told to be right by its size and by comparing whole blocks from
 * all over it. It is written under another name and renamed when it is complete and on the device: a killed sample leaves a
 * `.part` file which the next writer starts afresh. A lock on that file keeps two writers apart.
 */
#ifndef DISK_DATAFILE_H
#define DISK_DATAFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/disk/files.h"

enum {
	DATAFILE_BLOCK = 4096, /* bytes per read, and the alignment of offsets and buffers: O_DIRECT asks for it */
	DATAFILE_WORDS = DATAFILE_BLOCK / sizeof(uint64_t),
};

/* The file's content: a block starts with its own index, the other words follow from their place, and it is sealed. */
static inline void datafile_fill(uint64_t *words, uint64_t block)
{
	words[0] = block;
	for (uint64_t i = 1; i < DATAFILE_WORDS - 1; i++)
		words[i] = files_mix(block * DATAFILE_WORDS + i);
	files_seal(words, DATAFILE_WORDS);
}

/* What a reader adds to its sum for a block that it has verified. */
static inline uint64_t datafile_digest(uint64_t block)
{
	return files_mix(block);
}

/* Is this block `block`, and whole? If so its digest is added to *sum. */
static inline bool datafile_verify(const uint64_t *words, uint64_t block, uint64_t *sum)
{
	if (words[0] != block || !files_are_sealed(words, DATAFILE_WORDS))
		return false;
	*sum += datafile_digest(block);
	return true;
}

struct datafile {
	struct bench *b;
	char path[PATH_MAX];
	char part[PATH_MAX + 8];
	uint64_t bytes;
};

/* Fill in the record of the file of so many MiB. This and what follows: 0 or more, or < 0 with b->why. */
int datafile_name(struct datafile *f, struct bench *b, uint64_t mib);

/* See to it that the file is there and right. */
int datafile_prepare(struct datafile *f);

/* Open it for reading with O_DIRECT, which has been tried: a descriptor. -EOPNOTSUPP: there is no such thing here. */
int datafile_open_direct(struct datafile *f);

/* All of that, of the file of so many MiB. */
int datafile_direct(struct bench *b, uint64_t mib);

#endif
