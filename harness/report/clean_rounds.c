/*
 * clean_rounds.c - a comparison once more, without the rounds in which a sample was contaminated (model.h, struct comparison).
 *
 * The verdict is that of all rounds: what is dropped after the fact is dropped by somebody's choice, even when the choice is a
 * rule's. The second one is told beside it, so that everybody can see whether the disturbed rounds made the difference.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/report/model.h"

/* A copy whose points are the clean ones of s; its points are the caller's to free. -ENOMEM. */
static int clean_points(const struct series *s, struct series *out)
{
	*out = *s;
	out->timed.n = 0;
	out->timed.at = malloc((s->timed.n + 1) * sizeof(*out->timed.at));
	if (!out->timed.at)
		return -ENOMEM;
	for (size_t i = 0; i < s->timed.n; i++)
		if (!s->timed.at[i].contaminated)
			out->timed.at[out->timed.n++] = s->timed.at[i];
	return 0;
}

int compare_clean_rounds(const struct series *base, const struct series *subject, double level, double narrow_level,
			 struct stats_comparison *out)
{
	struct series a = {0}, b = {0};
	int rc = clean_points(base, &a);

	if (rc == 0)
		rc = clean_points(subject, &b);
	if (rc == 0)
		rc = pair_series(&a, &b, level, narrow_level, out, NULL);
	free(a.timed.at);
	free(b.timed.at);
	return rc;
}
