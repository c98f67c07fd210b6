/*
 * order.h - the order in which samples are taken: random, balanced, and the same again for the same seed.
 *
 * Why. A machine drifts while a run goes on, and a process leaves warm caches and dirty pages to the next one. Were
 * one subject always first, it would collect these effects as if they were its own. So the cells of a round come in
 * random order, and the subjects of a cell follow a cyclic Latin square: in any block of n rounds each of n subjects
 * stands in each of the n positions exactly once. The square's columns and rows are permuted anew for each block, so
 * that no subject always follows the same other one. Everything is a function of (seed, cell, round): a resumed run
 * goes on in the order that the interrupted one would have had.
 */
#ifndef ORDER_H
#define ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/rng.h"

enum { ORDER_MAX = 64 }; /* subjects of one cell, twins included */

/* One well-mixed number from several: seeds of parts from the seed of the whole. */
uint64_t order_mix(uint64_t a, uint64_t b);
uint64_t order_hash(const char *text);

/* out[0..n) = the indices 0..n-1 in random order. */
void order_shuffle(struct rng *r, size_t n, size_t *out);

/* Order of the n cells in this round. */
void order_cells(uint64_t seed, unsigned round, size_t n, size_t *out);

/* Order of the n subjects of one cell (named by its hash) in this round: out[position] = subject. */
void order_subjects(uint64_t seed, uint64_t cell_hash, unsigned round, size_t n, size_t *out);

#endif
