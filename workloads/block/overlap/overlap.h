/*
 * overlap.h - block/overlap: what its bodies share.
 */
#ifndef BLOCK_OVERLAP_H
#define BLOCK_OVERLAP_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/block/peer.h"
#include "workloads/disk/datafile.h"

extern const struct bench_workload block_overlap_workload;
extern const struct bench_body block_overlap_direct, block_overlap_evented, block_overlap_serial;

enum { OVERLAP_MIB = 64 }; /* of the data file; arbitrary */

#define OVERLAP_BLOCKS (((uint64_t)OVERLAP_MIB << 20) / DATAFILE_BLOCK)

/* Made by setup(), read-only afterwards. */
struct overlap_data {
	int fd; /* the data file, open with O_DIRECT; -1 where nothing is read */
	struct peer *peer; /* NULL where nothing is asked */
};

struct overlap_plan {
	uint64_t in_flight;
	bool reads, asks; /* the parts of an operation */
	uint64_t seed;
};

static inline struct overlap_plan overlap_plan_of(const struct bench *b)
{
	const int64_t part = bench_param(b, "part");

	return (struct overlap_plan){.in_flight = (uint64_t)bench_param(b, "in_flight"),
				     .reads = part != 1,
				     .asks = part != 0,
				     .seed = b->seed};
}

/* Operation n of lane i, from 0 up: the block that is read, and what is asked. */
static inline uint64_t overlap_block(const struct overlap_plan *p, uint64_t i, uint64_t n)
{
	return files_mix(p->seed ^ i << 48 ^ n) % OVERLAP_BLOCKS;
}

static inline uint64_t overlap_request(uint64_t i, uint64_t n)
{
	return i << 48 ^ n;
}

/* What a lane has done. */
struct overlap_done {
	uint64_t ops, messages, bytes_read, bytes_written, sum;
};

/* The lane's next operation, number done->ops, is whole. */
static inline void overlap_count(const struct overlap_plan *p, struct overlap_done *done)
{
	done->ops++;
	if (p->reads)
		done->bytes_read += DATAFILE_BLOCK;
	if (!p->asks)
		return;
	done->messages++;
	done->bytes_read += sizeof(uint64_t);
	done->bytes_written += sizeof(uint64_t);
}

static inline void overlap_add(struct bench_cert *cert, const struct overlap_done *done)
{
	cert->ops += done->ops;
	cert->messages += done->messages;
	cert->bytes_read += done->bytes_read;
	cert->bytes_written += done->bytes_written;
	cert->checksum += done->sum;
}

#endif
