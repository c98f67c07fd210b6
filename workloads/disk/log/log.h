/*
 * log.h - disk/log: what its bodies share.
 */
#ifndef DISK_LOG_H
#define DISK_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/disk/files.h"

extern const struct bench_workload disk_log_workload;
extern const struct bench_body disk_log_direct, disk_log_evented, disk_log_serial;

/* A record: the CRC of what follows, the writer, its number among the writer's, and words that follow from both. */
enum { LOG_CRC, LOG_WRITER, LOG_NUMBER, LOG_HEAD_WORDS };

static inline uint64_t log_crc(const uint64_t *words, size_t record_bytes)
{
	return files_crc(words + LOG_WRITER, record_bytes - LOG_WRITER * sizeof words[0]);
}

static inline size_t log_words(size_t record_bytes)
{
	return (record_bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

static inline uint64_t log_word(uint64_t writer, uint64_t number, uint64_t i)
{
	return files_mix(writer << 56 ^ number << 16 ^ i);
}

/* Make a record in a buffer of log_words() words. All but the head changes with each record, as real ones do. */
static inline void log_fill(uint64_t *words, size_t record_bytes, uint64_t writer, uint64_t number)
{
	words[LOG_WRITER] = writer;
	words[LOG_NUMBER] = number;
	for (size_t i = LOG_HEAD_WORDS; i < log_words(record_bytes); i++)
		words[i] = log_word(writer, number, i);
	words[LOG_CRC] = log_crc(words, record_bytes);
}

/* What a record found in the file adds to the checksum, and what each fsync that has succeeded adds. */
static inline uint64_t log_digest(uint64_t writer, uint64_t number)
{
	return log_word(writer, number, 0);
}

#define LOG_SYNC_DIGEST UINT64_C(0x73796e6300000001)

/* Does a writer that has `left` records to go, of `total`, sync after the one that it has just appended? */
static inline int log_syncs(uint64_t total, uint64_t left, uint64_t per_sync)
{
	return left == 0 || (total - left) % per_sync == 0;
}

/* What the tasks have counted, added up by the body. */
struct log_done {
	uint64_t records, bytes, syncs;
};

/* Outside the region: make an empty log, open for appending. The descriptor, or < 0 with b->why. */
int log_open(struct bench *b);

/*
 * Outside the region: close and remove the log; where `status` is 0, read it back first, compare it with what the tasks
 * have counted, and fill b->cert. Gives `status`, or what was wrong, with b->why.
 */
int log_close(struct bench *b, int fd, int status, const struct log_done *done);

#endif
