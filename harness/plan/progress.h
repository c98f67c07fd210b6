/*
 * progress.h - what the user sees while a run goes on: where it is, what it has found, when it will end.
 *
 * Lines are written between samples only, never while one runs. On a terminal one line is rewritten; elsewhere there is
 * one line per round.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/plan/plan.h"

struct progress {
	FILE *out; /* NULL: quiet */
	bool is_tty;
	bool has_line; /* a line without its end is on the terminal */
	unsigned width;
	int64_t estimate_ns; /* of the whole, by estimate.h */
	int64_t done_estimate_ns; /* the part of it that is done (or was done by the run that is resumed) */
	int64_t measured_ns; /* what the part done here really took */
	int64_t measured_estimate_ns;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC: when no more rounds are begun; 0: never */
};

void progress_init(struct progress *p, FILE *out, int64_t estimate_ns);
/* A sample of this estimated length took actual_ns; 0: it was there already. */
void progress_sample(struct progress *p, int64_t estimate_ns, int64_t actual_ns);
/* Show a text with the time at which all will be done (tty: rewrites the line; else only if is_round). */
void progress_show(struct progress *p, bool is_round, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A line that stays. */
void progress_note(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Seconds that are left, by what the done part took, and not beyond the deadline. */
double progress_left_s(const struct progress *p);
void progress_end(struct progress *p);

#endif
