/*
 * rigor.h - `run --rigorous`: which cells go on after a look (harness/stats/looks.h).
 *
 * A cell is closed at the first look at which every comparison that the report will make on it has a verdict; one with
 * nothing to compare, at the first look. What is decided here is only where the time goes: the report judges by itself,
 * from the samples and the looks that run.json names. So the noise floor may be a simple one here: that of the nearest
 * twin, as it stands at this look.
 *
 * The decision is a function of the values of the rounds before the look, so that a resumed run comes to the same one.
 */
#ifndef RIGOR_H
#define RIGOR_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/plan/plan.h"

struct rigor_cell {
	const struct cell *cell;
	const double *values[ORDER_MAX]; /* per entry of the cell, per round; NaN: none */
	bool is_closed;
	double twin_width; /* half-width of the A/A interval at the last look that had one; negative: none */
};

/* After `rounds` rounds: close what is decided, if that is a look. */
void rigor_look(struct rigor_cell *cells, size_t n, unsigned rounds);

/* The rounds of the next look, after `rounds` rounds; of the last one behind it. */
unsigned rigor_next_look(unsigned rounds);

#endif
