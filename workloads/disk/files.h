/*
 * files.h - what the workloads of the family disk share: whole reads and writes, the page cache's state, and what is
 * asked of the machine before anything is written. For definitions and set-ups; bodies call their style's header.
 */
#ifndef DISK_FILES_H
#define DISK_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/subject/bench.h"

/* SplitMix64's output function: any index to a number that looks random. */
static inline uint64_t files_mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/*
 * What is written into a file is checked by its CRC-32C (that of iSCSI, ext4 and btrfs) when it is read: any bit that has
 * changed is told, any two, and any run of 32. The library's takes some 0.2 us for 4 KiB where the CPU helps, which lies in
 * the regions of the workloads that read, in every body alike.
 */
uint32_t files_crc(const void *bytes, size_t n);

/* Of n words, the last becomes the CRC of those before it. */
static inline void files_seal(uint64_t *words, size_t n)
{
	words[n - 1] = files_crc(words, (n - 1) * sizeof words[0]);
}

static inline bool files_are_sealed(const uint64_t *words, size_t n)
{
	return words[n - 1] == files_crc(words, (n - 1) * sizeof words[0]);
}

/* All of it, or -errno; -ENODATA if the file ends before. */
int files_pread_all(int fd, void *buf, size_t bytes, off_t offset);
int files_write_all(int fd, const void *buf, size_t bytes);

/*
 * Write a file's content of so many bytes, whole chunks of FILES_CHUNK, which `fill` makes (words: its memory; offset:
 * its place), and bring it to the device. 0 or -errno.
 */
enum { FILES_CHUNK = 1 << 20 };
int files_write_made(int fd, uint64_t bytes, void (*fill)(uint64_t *words, uint64_t offset));

/* Is there room for so many bytes and files in the data directory? 0, or < 0 with b->why. */
int files_check_space(struct bench *b, uint64_t bytes, uint64_t files);

/* Can the page cache hold so many bytes? 0, or < 0 with b->why. */
int files_check_cache(struct bench *b, uint64_t bytes);

/*
 * Open a file with O_DIRECT and see whether it can be read so, in blocks of so many bytes. The descriptor, or < 0 with
 * b->why; -EOPNOTSUPP where the filesystem has no such thing.
 */
int files_open_direct(struct bench *b, const char *path, int flags, size_t block_bytes);

/* Is the data directory kept in memory, so that nothing there ever reaches a device? */
bool files_lie_in_memory(const struct bench *b);

/* "<data directory>/switchyard-<what>-<process>" into path, PATH_MAX bytes. 0, or < 0 with b->why. */
int files_scratch_name(struct bench *b, const char *what, char *path);

/* The number of pages of the file that are not in the page cache, or -errno. */
int64_t files_count_missing(int fd, uint64_t bytes);

/*
 * Throw the file's pages out of the page cache and look whether they are gone: 0, -EBUSY if some are still there, or
 * -errno. What the file holds must be on the device already.
 */
int files_evict(int fd, uint64_t bytes);

#endif
