/*
 * ratios.c - ratios of counters, each from one sample: instructions per cycle, misses per thousand instructions, the kernel's share.
 *
 * Both events of a ratio are of one sample, thus of one set that was on the PMU at one time (harness/plan/event_sets.h). A ratio
 * of medians of different samples would mix what rotation keeps apart.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

static const struct kind {
	const char *name, *top, *bottom;
	const char *rest; /* not NULL: it is a share, and this belongs to the whole, too */
	double factor;
} kinds[] = {
	{SAID("instructions per cycle"), "instructions", "cycles", NULL, 1},
	{SAID("branch misses per 1000 instructions"), "branch-misses", "instructions", NULL, 1000},
	{SAID("cache misses per 1000 instructions"), "cache-misses", "instructions", NULL, 1000},
	{SAID("L1d misses per 1000 instructions"), "L1-dcache-load-misses", "instructions", NULL, 1000},
	{SAID("dTLB misses per 1000 instructions"), "dTLB-load-misses", "instructions", NULL, 1000},
	{SAID("kernel share of instructions"), "instructions:k", "instructions:k", "instructions:u", 1},
	{SAID("kernel share of cycles"), "cycles:k", "cycles:k", "cycles:u", 1},
};

static double ratio_of(const struct kind *k, const json_t *sample)
{
	double top = field_number(counter_named(sample, k->top), "value");
	double bottom = field_number(counter_named(sample, k->bottom), "value");

	if (k->rest)
		bottom += field_number(counter_named(sample, k->rest), "value");
	return bottom > 0 ? k->factor * top / bottom : NAN;
}

static int read_kind(struct report *r, const struct cell *c, const struct series *s, const struct kind *k)
{
	double *v = malloc((s->counted.n + 1) * sizeof(*v));
	struct side_figure *slot;
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->counted.n; i++) {
		double one = ratio_of(k, s->counted.at[i].sample);

		if (isfinite(one))
			v[n++] = one;
	}
	slot = n ? GROW(r->ratios, r->n_ratios) : NULL;
	if (slot) {
		*slot = (struct side_figure){.cell = c, .subject = s->subject, .name = k->name};
		stats_estimate(v, n, VERDICT_LEVEL, &slot->value);
	}
	free(v);
	return n && !slot ? -ENOMEM : 0;
}

int report_ratios(struct report *r)
{
	for (size_t i = 0; i < r->n_cells; i++)
		for (size_t j = 0; j < r->cells[i].n_series; j++) {
			const struct series *s = &r->cells[i].series[j];

			if (s->is_twin || cell_is_null(&r->cells[i]))
				continue;
			for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
				if (read_kind(r, &r->cells[i], s, &kinds[k]))
					return -ENOMEM;
		}
	return 0;
}
