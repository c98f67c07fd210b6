/*
 * nqueens.h - cpu/nqueens: what its bodies share.
 */
#ifndef CPU_NQUEENS_H
#define CPU_NQUEENS_H

#include <stdint.h>

#include "harness/subject/bench.h"

extern const struct bench_workload cpu_nqueens_workload;
extern const struct bench_body cpu_nqueens_direct, cpu_nqueens_evented, cpu_nqueens_serial;

enum { NQUEENS_MAX = 18 };

/* A board with queens in its first rows: what they leave open in the next row. Bit k of a mask is column k. */
struct nqueens_board {
	uint32_t full; /* all columns of the board */
	uint32_t cols; /* with a queen */
	uint32_t left, right; /* attacked along the diagonals */
};

/* What was found below a placement. */
struct nqueens_sum {
	uint64_t solutions;
	uint64_t leaves; /* placements at the cut-off, each searched to its end */
	uint64_t tasks;
};

static inline struct nqueens_board nqueens_empty(int64_t n)
{
	return (struct nqueens_board){.full = (UINT32_C(1) << n) - 1};
}

/* The columns of the next row where a queen can stand. */
static inline uint32_t nqueens_open(const struct nqueens_board *b)
{
	return b->full & ~(b->cols | b->left | b->right);
}

/* The board with one more row: a queen in the column of `bit`. */
static inline struct nqueens_board nqueens_place(const struct nqueens_board *b, uint32_t bit)
{
	return (struct nqueens_board){
		.full = b->full,
		.cols = b->cols | bit,
		.left = (b->left | bit) << 1,
		.right = (b->right | bit) >> 1,
	};
}

static inline void nqueens_add(struct nqueens_sum *sum, const struct nqueens_sum *below)
{
	sum->solutions += below->solutions;
	sum->leaves += below->leaves;
	sum->tasks += below->tasks;
}

/*
 * How many solutions begin like this board, which is not full. Backtracking with a stack of rows: it calls nothing, so
 * that a model can stop it anywhere. Always inlined, into a function of each body that is not.
 */
static inline __attribute__((always_inline)) uint64_t nqueens_search(const struct nqueens_board *begin)
{
	struct nqueens_board rows[NQUEENS_MAX];
	uint32_t open[NQUEENS_MAX];
	uint64_t solutions = 0;
	int row = 0;

	rows[0] = *begin;
	open[0] = nqueens_open(begin);
	while (row >= 0) {
		uint32_t bit = open[row] & -open[row];
		struct nqueens_board next = nqueens_place(&rows[row], bit);

		open[row] &= open[row] - 1;
		if (!bit) {
			row--;
		} else if (next.cols == next.full) {
			solutions++;
		} else {
			row++;
			rows[row] = next;
			open[row] = nqueens_open(&next);
		}
	}
	return solutions;
}

/* A time that no body can beat on so many CPUs: the search alone. */
uint64_t nqueens_least_ns(const struct bench *b, unsigned cpus);

#endif
