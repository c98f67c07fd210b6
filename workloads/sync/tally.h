/*
 * tally.h - messages of this family that come from several sources, and their sum.
 *
 * A message is 8 bytes: who sent it, and the how manyth of that source it is. The receivers add up a digit for each,
 * which depends on both, so that a message lost, doubled, altered or taken for another source's changes the sum; and
 * the sum over the first n messages of a source has a closed form: n * n times the source's weight.
 */
#ifndef SYNC_TALLY_H
#define SYNC_TALLY_H

#include <stdint.h>

#include "harness/subject/bench.h"

#define TALLY_N_BITS 48

static inline uint64_t tally_message(uint64_t source, uint64_t n)
{
	return source << TALLY_N_BITS | n;
}

static inline uint64_t tally_source(uint64_t message)
{
	return message >> TALLY_N_BITS;
}

static inline uint64_t tally_n(uint64_t message)
{
	return message & ((UINT64_C(1) << TALLY_N_BITS) - 1);
}

/* Odd, and different for each source; far apart, so that one's digits do not make up for another's. */
static inline uint64_t tally_weight(uint64_t source)
{
	return (source + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* What message n of a source adds to the sum. */
static inline uint64_t tally_digit(uint64_t source, uint64_t n)
{
	return (2 * n + 1) * tally_weight(source);
}

/* The sum that `sources` sources give, among which `total` messages are shared. */
static inline uint64_t tally_expect(uint64_t total, uint64_t sources)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < sources; i++) {
		uint64_t n = bench_share(total, sources, i);

		sum += n * n * tally_weight(i);
	}
	return sum;
}

#endif
