/*
 * verdict.h - from a paired comparison to one of five words.
 *
 *   UNTRUSTED     the measurement itself is in doubt: the A/A twin differs, too many samples are contaminated, or work
 *                 was not equal
 *   FASTER        the interval of the ratio lies above 1 and the estimate is further from 1 than the noise floor
 *   SLOWER        the mirror
 *   EQUIVALENT    the 90 % interval lies inside [1 / (1 + margin), 1 + margin] (two one-sided tests at 5 %); also when
 *                 FASTER or SLOWER holds too: the difference is real and too small to matter
 *   INCONCLUSIVE  none of these
 *
 * The order above is the order of decision. All limits are applied to ln(ratio), so that swapping base and subject
 * swaps FASTER and SLOWER and changes nothing else.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/stats/stats.h"

enum verdict_kind { VERDICT_FASTER, VERDICT_SLOWER, VERDICT_EQUIVALENT, VERDICT_INCONCLUSIVE, VERDICT_UNTRUSTED };

/* Why a verdict is what it is; several may hold. */
enum verdict_reason {
	REASON_TWIN_DIFFERS = 1 << 0,
	REASON_CONTAMINATED = 1 << 1,
	REASON_WORK_UNEQUAL = 1 << 2,
	REASON_TOO_FEW_ROUNDS = 1 << 3, /* no interval at this level with that many pairs */
	REASON_INTERVAL_HAS_ONE = 1 << 4, /* the interval contains 1 and is wider than the margin */
	REASON_BELOW_FLOOR = 1 << 5, /* separated from 1, but not by more than the noise floor */
	REASON_NO_TWIN = 1 << 6, /* the floor is the fixed least effect: no A/A twin was measured */
	REASON_DOES_NOT_MATTER = 1 << 7, /* separated from 1, and inside the margin */
	REASON_MAX = 1 << 8,
};

struct verdict_input {
	const struct stats_comparison *comparison;
	double margin; /* differences inside 1 + margin do not matter: 0.05 */
	double floor; /* half-width of the A/A twin's interval, as a factor less one; negative: no twin */
	double least_effect; /* never call less than this a difference: 0.01 */
	double contaminated_share; /* of the samples in the pairs */
	bool twin_differs, work_unequal;
};

struct verdict {
	enum verdict_kind kind;
	unsigned reasons;
	double near_edge; /* FASTER, SLOWER: the end of the interval nearer to 1, turned so that it is above 1 */
	double mde; /* smallest difference that this run could have seen, as a factor less one; NaN: none */
	size_t more_rounds; /* INCONCLUSIVE: about how many more pairs would decide; 0: not known or none */
};

struct verdict verdict_of(const struct verdict_input *in);
/* Whether the subject is slower by more than the margin as far as can be told: separated, above the floor, beyond it. */
bool verdict_is_regression(const struct verdict *v, const struct stats_comparison *cmp, double margin);
const char *verdict_name(enum verdict_kind kind);
/* A short code ("twin-differs") of one reason bit. */
const char *verdict_reason_code(enum verdict_reason reason);
/* One reason bit in words. */
const char *verdict_reason_text(enum verdict_reason reason);

/*
 * What all judge by, unless they are asked otherwise: the level of intervals, that of the equivalence test's, what does not
 * matter, and what is never called a difference. Planner and report must not differ in these: a cell would be closed by other
 * rules than it is judged by.
 */
#define VERDICT_LEVEL 0.95
#define VERDICT_NARROW 0.90
#define VERDICT_MARGIN 0.05
#define VERDICT_LEAST_EFFECT 0.01

/* More than this share of contaminated samples makes a comparison untrusted, and of a run's makes it noisy. */
#define VERDICT_CONTAMINATED_LIMIT 0.20

#endif
