/*
 * verdict.c - the decision table of verdict.h.
 */
#include "harness/stats/verdict.h"

#include <math.h>

/*
 * About how many more pairs narrow the interval to the margin: its width falls with the square root of the number.
 * Without an interval nothing is known about the width; then the answer is the number that gives one at all.
 */
static size_t more_rounds_needed(const struct stats_comparison *c, double margin)
{
	double wanted;

	if (!c->has_interval) {
		size_t lo, hi, n = c->n;

		while (!stats_sign_interval(n, 1 - c->asked, &lo, &hi))
			n++;
		return n > c->n ? n - c->n : 1;
	}
	wanted = (double)c->n * pow(log1p(c->half_width) / log1p(margin), 2);
	if (wanted > 1e6)
		wanted = 1e6;
	return wanted > (double)c->n ? (size_t)ceil(wanted) - c->n : 1;
}

static unsigned reasons_to_distrust(const struct verdict_input *in)
{
	unsigned reasons = 0;

	if (in->twin_differs)
		reasons |= REASON_TWIN_DIFFERS;
	if (in->contaminated_share > VERDICT_CONTAMINATED_LIMIT)
		reasons |= REASON_CONTAMINATED;
	if (in->work_unequal)
		reasons |= REASON_WORK_UNEQUAL;
	return reasons;
}

struct verdict verdict_of(const struct verdict_input *in)
{
	const struct stats_comparison *c = in->comparison;
	struct verdict v = {.kind = VERDICT_INCONCLUSIVE, .near_edge = NAN, .mde = NAN};
	double floor = fmax(in->floor, in->least_effect), margin = log1p(in->margin);
	bool separated = c->has_interval && (c->lo > 1 || c->hi < 1);
	bool above_floor = fabs(log(c->ratio)) > log1p(floor);
	bool inside = c->has_narrow && log(c->narrow_lo) >= -margin && log(c->narrow_hi) <= margin;

	if (c->has_interval)
		v.mde = c->half_width;
	if (in->floor < 0)
		v.reasons |= REASON_NO_TWIN;
	if (separated)
		v.near_edge = c->lo > 1 ? c->lo : 1 / c->hi;
	if (reasons_to_distrust(in)) {
		v.reasons |= reasons_to_distrust(in);
		v.kind = VERDICT_UNTRUSTED;
	} else if (inside) {
		v.kind = VERDICT_EQUIVALENT;
		if (separated)
			v.reasons |= REASON_DOES_NOT_MATTER;
	} else if (separated && above_floor) {
		v.kind = c->lo > 1 ? VERDICT_FASTER : VERDICT_SLOWER;
	} else {
		v.reasons |= !c->has_interval ? REASON_TOO_FEW_ROUNDS
			     : separated      ? REASON_BELOW_FLOOR
					      : REASON_INTERVAL_HAS_ONE;
		v.more_rounds = more_rounds_needed(c, in->margin);
	}
	return v;
}

bool verdict_is_regression(const struct verdict *v, const struct stats_comparison *cmp, double margin)
{
	return v->kind == VERDICT_SLOWER && cmp->ratio * (1 + margin) < 1;
}

const char *verdict_name(enum verdict_kind kind)
{
	static const char *const names[] = {"FASTER", "SLOWER", "EQUIVALENT", "INCONCLUSIVE", "UNTRUSTED"};

	return names[kind];
}

const char *verdict_reason_code(enum verdict_reason reason)
{
	switch (reason) {
	case REASON_TWIN_DIFFERS:
		return "twin-differs";
	case REASON_CONTAMINATED:
		return "contaminated";
	case REASON_WORK_UNEQUAL:
		return "work-unequal";
	case REASON_TOO_FEW_ROUNDS:
		return "too-few-rounds";
	case REASON_INTERVAL_HAS_ONE:
		return "interval-has-one";
	case REASON_BELOW_FLOOR:
		return "below-floor";
	case REASON_NO_TWIN:
		return "no-twin";
	case REASON_DOES_NOT_MATTER:
		return "does-not-matter";
	case REASON_MAX:
		break;
	}
	return "";
}

const char *verdict_reason_text(enum verdict_reason reason)
{
	switch (reason) {
	case REASON_TWIN_DIFFERS:
		return "the A/A twin differs from itself, so the order of measuring or the machine decides";
	case REASON_CONTAMINATED:
		return "more than 20 % of its samples were disturbed by other programs and could not be replaced";
	case REASON_WORK_UNEQUAL:
		return "a work certificate did not match";
	case REASON_TOO_FEW_ROUNDS:
		return "too few rounds for an interval at this level";
	case REASON_INTERVAL_HAS_ONE:
		return "the interval contains 1 and is wider than the margin";
	case REASON_BELOW_FLOOR:
		return "the difference is not larger than what two identical subjects show here";
	case REASON_NO_TWIN:
		return "no A/A twin was measured for this family of cells";
	case REASON_DOES_NOT_MATTER:
		return "there is a difference, by a margin that does not matter";
	case REASON_MAX:
		break;
	}
	return "";
}
