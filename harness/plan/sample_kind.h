/*
 * sample_kind.h - what a sample is taken for.
 *
 * Observation is kept out of time (docs/method.md), so a sample either gives the time or is looked into, never both:
 * that is its kind. Records and filters name kinds by the words of docs/records.md.
 */
#ifndef SAMPLE_KIND_H
#define SAMPLE_KIND_H

#include <stdbool.h>

enum sample_kind {
	SAMPLE_TIMED, /* in a round; the only kind that verdicts are made of */
	SAMPLE_COUNTED, /* as long as a timed one, with counters */
	SAMPLE_TRACED, /* short, with the scheduler's trace */
	SAMPLE_SIMULATED, /* under cachegrind */
	SAMPLE_CALIBRATE, /* how many operations fill the region; of a server: its knee */
	SAMPLE_SMOKE, /* only that it works */
	SAMPLE_KINDS
};

/* Its word in records and filters. */
const char *sample_kind_name(enum sample_kind kind);

/* Whether a record's word is that of the kind; NULL is none's. */
bool sample_kind_is(const char *word, enum sample_kind kind);

#endif
