/*
 * hist.h - a histogram of whole numbers with three significant digits.
 *
 * Recording every value costs memory that grows with the run; recording into equal-width buckets is either too
 * coarse at the bottom or too long at the top. So the buckets are log-linear: below 2048 each value has its own
 * bucket, above it every power of two is cut into 1024 buckets of equal width. A bucket is never wider than 1/1024
 * of its lowest value, hence the midpoint that is reported is within 0.05 % of what was recorded. The whole range
 * of uint64_t is covered (about 450 KiB of counters, of which only the touched pages exist), so there is no
 * greatest value to choose and none to clamp. Minimum, maximum and sum are kept exactly.
 *
 * I1: the sum of all counters equals `count`.
 * I2: bucket indices grow with the values: a < b implies index(a) <= index(b).
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

enum {
	HIST_SIG_DIGITS = 3,
	HIST_SUB_BITS = 10, /* 2^10 buckets per power of two */
	HIST_BUCKETS = (2 << HIST_SUB_BITS) + (63 - HIST_SUB_BITS) * (1 << HIST_SUB_BITS), /* up to 2^64 - 1 */
};

/* Owned by one thread, but for hist_record_shared; several are merged when their threads have ended. */
struct hist {
	uint64_t *counts; /* HIST_BUCKETS counters */
	uint64_t count; /* values recorded */
	uint64_t min; /* UINT64_MAX while empty */
	uint64_t max; /* 0 while empty */
	uint64_t sum[2]; /* exact: the low and the high half */
};

/* 0 or -ENOMEM. */
int hist_init(struct hist *h);
void hist_free(struct hist *h);
void hist_reset(struct hist *h);

/* Count one value; constant time, no allocation. */
void hist_record(struct hist *h, uint64_t value);

/*
 * The same by several threads at one time. No other call on the histogram may be under way, and whoever reads it must
 * have seen the ends of those threads, or a lock of theirs: the counters alone order nothing.
 */
void hist_record_shared(struct hist *h, uint64_t value);

/* Add all values of `from` to `into`. */
void hist_merge(struct hist *into, const struct hist *from);

/*
 * The value at a quantile by nearest rank: the smallest recorded value such that at least per_million/10^6 of all are
 * not greater, to three digits. Quantiles come as whole parts per million (999000 is p99.9), so that the rank is
 * computed without rounding. 0 when empty; per_million <= 1000000.
 */
uint64_t hist_quantile(const struct hist *h, uint32_t per_million);

/*
 * May this quantile be reported? Only where at least ten values lie beyond it: fewer say more about luck than about
 * the subject.
 */
bool hist_quantile_known(const struct hist *h, uint32_t per_million);

/* Arithmetic mean, from the exact sum; 0 when empty. */
double hist_mean(const struct hist *h);

/*
 * As messages and records have it: kind, unit (ns), count, min, p50, p90, p99, p99_9 (null where not known), max, mean,
 * sig_digits. A new reference.
 */
json_t *hist_json(const struct hist *h, const char *kind);

/*
 * Write the distribution as text in the form that HdrHistogram's tools read and plot: value in milliseconds (of values
 * in ns), share of all that are not greater, their number, and 1 / (1 - share); five lines per halving of what is left
 * above, the greatest value last. 0, or -errno.
 */
int hist_write_percentiles(const struct hist *h, FILE *out);

/* The bucket of a value, and the lowest value of a bucket and its width: for tests and for writing histograms out. */
uint32_t hist_index(uint64_t value);
uint64_t hist_bucket_low(uint32_t index);
uint64_t hist_bucket_width(uint32_t index);

#endif
