/*
 * rigor.h - `run --rigorous`: which cells go on after a look (harness/stats/looks.h).
 *
 * A cell is closed at the first look at which every comparison that the report will make on it has a verdict; one with
 * nothing to compare, at the first look. What is decided here is only where the time goes: the report judges by itself,
 * from the samples and the looks that run.json names. So the noise floor may be a simple one here: that of the nearest
 * twin, as it stands at this look.
 *
 * Time that does not suffice. Where a budget cannot take all open cells to their verdicts, half a dozen cells that stop one
 * round before theirs are worth nothing, and some that are decided are worth what they cost. So from the first look on
 * those cells go on that need least time for a verdict, as far as their intervals tell; the others wait, at a look, and go on
 * when time is left after all. All cells come to the first look side by side. Who waits is chosen by what was measured, which
 * does no harm: each look has its part of what may be erred, whatever made the cell stop there.
 *
 * Closing is a function of the values of the rounds before the look, so that a resumed run comes to the same decision; which
 * cells wait depends on the time that is left.
 */
#ifndef RIGOR_H
#define RIGOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/plan/plan.h"

struct rigor_cell {
	const struct cell *cell;
	const double *values[ORDER_MAX]; /* per entry of the cell, per round; NaN: none */
	unsigned rounds; /* done */
	bool is_closed; /* it is decided, or there are no more rounds */
	bool is_decided;
	bool is_chosen; /* goes on to its next look; the others wait */
	unsigned
		needed; /* open: rounds in all at which it should be decided, by its intervals; 0: not known, or more than there are */
	unsigned target; /* the engine's: its next look */
	int64_t next_ns, decided_ns; /* the engine's: what the way to the next look costs, and that to `needed` */
	double twin_width; /* half-width of the A/A interval at the last look that had one; negative: none */
};

/* Close the cells that stand at a look and are decided, and tell of the others what they need. */
void rigor_look(struct rigor_cell *cells, size_t n);

/* The rounds of the next look, after `rounds` rounds; of the last one behind it. */
unsigned rigor_next_look(unsigned rounds);

/*
 * Which of the open cells go on (is_chosen), with so much time left: all of them where it suffices, else those that need least
 * of it, but one at least. With nothing measured all go on. A cell that no look will decide gets what the others leave.
 */
void rigor_choose(struct rigor_cell *cells, size_t n, int64_t left_ns);

#endif
