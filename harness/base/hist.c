/* hist.c - a log-linear histogram; see hist.h. */
#include "harness/base/hist.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUB_BUCKETS (UINT64_C(1) << HIST_SUB_BITS)
#define PER_MILLION 1000000u

int hist_init(struct hist *h)
{
	*h = (struct hist){.min = UINT64_MAX};
	h->counts = calloc(HIST_BUCKETS, sizeof(h->counts[0]));
	return h->counts ? 0 : -ENOMEM;
}

void hist_free(struct hist *h)
{
	free(h->counts);
	h->counts = NULL;
}

void hist_reset(struct hist *h)
{
	uint64_t *counts = h->counts;

	memset(counts, 0, HIST_BUCKETS * sizeof(counts[0]));
	*h = (struct hist){.min = UINT64_MAX, .counts = counts};
}

/*
 * Values below 2 * SUB_BUCKETS are their own index. Above, a value with `shift` bits more than those loses its low
 * `shift` bits; what is left lies in SUB_BUCKETS .. 2 * SUB_BUCKETS - 1, and each shift has SUB_BUCKETS indices of
 * its own.
 */
uint32_t hist_index(uint64_t value)
{
	unsigned shift;

	if (value < 2 * SUB_BUCKETS)
		return (uint32_t)value;
	shift = 63u - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
	return (uint32_t)(shift * SUB_BUCKETS + (value >> shift));
}

uint64_t hist_bucket_width(uint32_t index)
{
	return index < 2 * SUB_BUCKETS ? 1 : UINT64_C(1) << (index / SUB_BUCKETS - 1);
}

uint64_t hist_bucket_low(uint32_t index)
{
	if (index < 2 * SUB_BUCKETS)
		return index;
	return (index % SUB_BUCKETS + SUB_BUCKETS) * hist_bucket_width(index);
}

static void add_to_sum(struct hist *h, uint64_t low, uint64_t high)
{
	h->sum[0] += low;
	h->sum[1] += high + (h->sum[0] < low);
}

void hist_record(struct hist *h, uint64_t value)
{
	h->counts[hist_index(value)]++;
	h->count++;
	add_to_sum(h, value, 0);
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
}

/* All relaxed: each word is right by itself, and nobody reads two of them before all threads are done. */
void hist_record_shared(struct hist *h, uint64_t value)
{
	uint64_t min = __atomic_load_n(&h->min, __ATOMIC_RELAXED), max = __atomic_load_n(&h->max, __ATOMIC_RELAXED);
	uint64_t before = __atomic_fetch_add(&h->sum[0], value, __ATOMIC_RELAXED);

	if (before + value < before)
		__atomic_fetch_add(&h->sum[1], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&h->counts[hist_index(value)], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&h->count, 1, __ATOMIC_RELAXED);
	/* A failed exchange gives the word's new value, which may be beyond ours already. */
	while (value < min &&
	       !__atomic_compare_exchange_n(&h->min, &min, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	while (value > max &&
	       !__atomic_compare_exchange_n(&h->max, &max, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	if (from->count == 0)
		return;
	for (uint32_t i = hist_index(from->min); i <= hist_index(from->max); i++)
		into->counts[i] += from->counts[i];
	into->count += from->count;
	add_to_sum(into, from->sum[0], from->sum[1]);
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
}

uint64_t hist_quantile(const struct hist *h, uint32_t per_million)
{
	uint64_t rank, seen = 0;
	uint32_t i;
	uint64_t value;

	if (h->count == 0)
		return 0;
	rank = (uint64_t)(((unsigned __int128)h->count * per_million + PER_MILLION - 1) / PER_MILLION);
	if (rank <= 1)
		return h->min;
	if (rank >= h->count)
		return h->max;
	for (i = hist_index(h->min); i < HIST_BUCKETS; i++) {
		seen += h->counts[i];
		if (seen >= rank)
			break; /* always reached: I1 */
	}
	value = hist_bucket_low(i) + hist_bucket_width(i) / 2;
	/* The exact extremes are known: a midpoint beyond them would contradict the same report. */
	if (value < h->min)
		return h->min;
	return value > h->max ? h->max : value;
}

bool hist_quantile_known(const struct hist *h, uint32_t per_million)
{
	return (unsigned __int128)h->count * (PER_MILLION - per_million) >= (unsigned __int128)10 * PER_MILLION;
}

double hist_mean(const struct hist *h)
{
	unsigned __int128 sum = (unsigned __int128)h->sum[1] << 64 | h->sum[0];

	return h->count ? (double)sum / (double)h->count : 0;
}

static json_t *quantile_json(const struct hist *h, uint32_t per_million)
{
	if (!hist_quantile_known(h, per_million))
		return json_null();
	return json_integer((json_int_t)hist_quantile(h, per_million));
}

json_t *hist_json(const struct hist *h, const char *kind)
{
	return json_pack("{s:s,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:I,s:I,s:i}", "kind", kind, "unit", "ns", "count",
			 (json_int_t)h->count, "min", (json_int_t)(h->count ? h->min : 0), "p50",
			 quantile_json(h, 500000), "p90", quantile_json(h, 900000), "p99", quantile_json(h, 990000),
			 "p99_9", quantile_json(h, 999000), "max", (json_int_t)h->max, "mean",
			 (json_int_t)(hist_mean(h) + 0.5), "sig_digits", HIST_SIG_DIGITS);
}

/* ---- text ----------------------------------------------------------------------------------------- */

enum { TICKS_PER_HALF = 5 };
#define NS_PER_MS 1e6

/* The standard deviation, of the buckets' midpoints. */
static double deviation(const struct hist *h)
{
	double mean = hist_mean(h), sum = 0;

	if (h->count == 0)
		return 0;
	for (uint32_t i = hist_index(h->min); i <= hist_index(h->max); i++) {
		double off = (double)hist_bucket_low(i) + (double)(hist_bucket_width(i) - 1) / 2 - mean;

		if (h->counts[i])
			sum += off * off * (double)h->counts[i];
	}
	return sqrt(sum / (double)h->count);
}

/* The share at which the next line is due: a fifth of the way by which the last one's half is left. */
static double next_tick(double share)
{
	double halves = floor(log2(1 / (1 - share))) + 1;

	return share + 1 / (TICKS_PER_HALF * exp2(halves));
}

int hist_write_percentiles(const struct hist *h, FILE *out)
{
	uint64_t seen = 0;
	double tick = 0;

	fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
	for (uint32_t i = h->count ? hist_index(h->min) : HIST_BUCKETS; i < HIST_BUCKETS && seen < h->count; i++) {
		double share, top = (double)(hist_bucket_low(i) + (hist_bucket_width(i) - 1));

		if (h->counts[i] == 0)
			continue;
		seen += h->counts[i];
		share = (double)seen / (double)h->count;
		if (top > (double)h->max)
			top = (double)h->max;
		if (seen == h->count) {
			fprintf(out, "%12.3f %14.12f %10" PRIu64 "\n", top / NS_PER_MS, 1.0, seen);
			break;
		}
		if (share < tick)
			continue;
		fprintf(out, "%12.3f %14.12f %10" PRIu64 " %14.2f\n", top / NS_PER_MS, share, seen, 1 / (1 - share));
		tick = next_tick(share);
	}
	fprintf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", hist_mean(h) / NS_PER_MS,
		deviation(h) / NS_PER_MS);
	fprintf(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n", (double)h->max / NS_PER_MS, h->count);
	fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", 64 - HIST_SUB_BITS, 2 << HIST_SUB_BITS);
	return ferror(out) ? -EIO : 0;
}
