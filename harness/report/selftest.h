/*
 * selftest.h - what the verdicts of a run with planted slow-downs are worth: how many of them were found, and how often
 * something was found where nothing was planted.
 *
 * The run is one of `switchyard selftest`: a cell for each trial, in each a subject and its variants slow_permille=N. The
 * verdicts are those of report_build(), so that what is tried is the whole way from samples to words.
 *
 * Told different is a comparison that is FASTER or SLOWER, or that is EQUIVALENT with an interval that does not hold 1:
 * the report says of it that the difference is real and does not matter. A planted slow-down is found when it is told
 * different to the right side, as SLOWER where it is above the margin. A null change told different is a false alarm. Its
 * rate must not be above what the comparisons were allowed to err: `alpha`, which is 0.05 over the comparisons of a cell.
 *
 * Whether a trial had the power for a size is asked of its interval, not of its verdict: it is narrower than half the
 * planted change to either side. An untrusted verdict claims nothing: for slow-downs it counts as a miss, and it is none of
 * the trials of which false alarms are a share. Of trials that could see a change of SELFTEST_MUST_FIND or more, one in five may miss it.
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "harness/base/err.h"
#include "harness/stats/rate.h"
#include "harness/stats/verdict.h"

#define SELFTEST_POWER 0.8
enum { SELFTEST_MUST_FIND = 100, SELFTEST_MAX_SIZES = 16 }; /* permille */

/* One planted size, over all trials. */
struct selftest_size {
	long permille; /* 0: the null change */
	size_t trials; /* comparisons that have a verdict */
	size_t by_verdict[VERDICT_UNTRUSTED + 1];
	size_t wrong_side; /* told different, as faster than it is without the slow-down */
	struct stats_rate told; /* found, of all trials; of the null change false alarms, of the trusted ones */
	struct stats_rate able; /* the same, of the trials that had the power */
	double ratio; /* median over the trials of the time with it over the time without */
	double half_width; /* median over the trials of the interval's, as a factor less one; NaN: none has one */
	double alpha; /* what each comparison may err; NaN: there is none */
	size_t rounds_needed; /* pairs for SELFTEST_POWER, from what this machine has shown; 0: it is reached, or not known */
};

struct selftest {
	struct selftest_size sizes[SELFTEST_MAX_SIZES]; /* by permille */
	size_t n_sizes;
	size_t n_pairs; /* most that a comparison has */
	bool twin_known, twin_differs;
	double twin_half_width; /* NaN: no twin */
	bool is_known; /* whether it has passed: some trial of the null change is trusted */
	bool has_passed;
	char why[256]; /* !has_passed: one sentence */
};

/* New references are taken. 0, or -errno and a sentence; -ENODATA: no comparison has a verdict. */
int selftest_judge(json_t *run, json_t *samples, struct selftest *out, struct err *err);
/* The same of a run's folder. */
int selftest_read(const char *dir, struct selftest *out, struct err *err);

void selftest_print(FILE *out, const struct selftest *t);
/* docs/records.md: switchyard.selftest/1 (new reference). `run` is the run's run.json. */
json_t *selftest_json(const struct selftest *t, const json_t *run);

#endif
