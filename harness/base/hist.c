/* hist.c - a log-linear histogram; see hist.h. */
#include "harness/base/hist.h"

#include <errno.h>
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

void hist_record(struct hist *h, uint64_t value)
{
	h->counts[hist_index(value)]++;
	h->count++;
	h->sum += value;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	if (from->count == 0)
		return;
	for (uint32_t i = hist_index(from->min); i <= hist_index(from->max); i++)
		into->counts[i] += from->counts[i];
	into->count += from->count;
	into->sum += from->sum;
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
	return h->count ? (double)h->sum / (double)h->count : 0;
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
