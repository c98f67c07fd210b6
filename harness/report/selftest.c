/*
 * selftest.c - from the comparisons of a run to rates (contract: selftest.h).
 */
#include "harness/report/selftest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/model.h"
#include "harness/report/parts.h"
#include "harness/results/store.h"

#define RATE_LEVEL 0.95

/* Of one size, while it is read. */
struct tally {
	double *ratios, *widths; /* logarithms; of trials */
	size_t n_ratios, n_widths, told, able, able_told;
};

/* ---- one comparison ------------------------------------------------------------------------------------------ */

/* How many permille are planted in a variant; -1: it is none. */
static long planted(const char *subject)
{
	static const char knob[] = "+slow_permille=";
	const char *at = strstr(subject, knob);
	char *end;
	long v;

	if (!at)
		return -1;
	v = strtol(at + sizeof knob - 1, &end, 10);
	return *end || v < 0 ? -1 : v;
}

/* -1: told slower; 1: told faster; 0: not told different. */
static int side(const struct comparison *c)
{
	if (c->verdict.kind == VERDICT_FASTER || c->verdict.kind == VERDICT_SLOWER)
		return c->verdict.kind == VERDICT_FASTER ? 1 : -1;
	if (c->verdict.kind == VERDICT_EQUIVALENT && (c->verdict.reasons & REASON_DOES_NOT_MATTER))
		return c->cmp.lo > 1 ? 1 : -1;
	return 0;
}

static bool is_told(const struct comparison *c, long permille)
{
	if (permille == 0)
		return side(c) != 0;
	return side(c) < 0 && ((double)permille / 1000 <= VERDICT_MARGIN || c->verdict.kind == VERDICT_SLOWER);
}

static bool is_able(const struct comparison *c, long permille)
{
	return c->verdict.kind != VERDICT_UNTRUSTED && c->cmp.has_interval &&
	       log1p(c->cmp.half_width) < log1p((double)permille / 1000) / 2;
}

static struct selftest_size *size_of(struct selftest *t, long permille)
{
	size_t i = 0;

	while (i < t->n_sizes && t->sizes[i].permille < permille)
		i++;
	if (i < t->n_sizes && t->sizes[i].permille == permille)
		return &t->sizes[i];
	if (t->n_sizes == SELFTEST_MAX_SIZES)
		return NULL;
	memmove(&t->sizes[i + 1], &t->sizes[i], (t->n_sizes++ - i) * sizeof *t->sizes);
	t->sizes[i] = (struct selftest_size){.permille = permille, .alpha = NAN};
	return &t->sizes[i];
}

/* ---- one size ------------------------------------------------------------------------------------------------ */

static void take(struct selftest *t, struct selftest_size *s, struct tally *tally, const struct comparison *c)
{
	bool told = is_told(c, s->permille);

	s->trials++;
	s->by_verdict[c->verdict.kind]++;
	s->wrong_side += s->permille && side(c) > 0;
	s->alpha = 1 - c->cmp.asked;
	tally->told += told;
	if (is_able(c, s->permille)) {
		tally->able++;
		tally->able_told += told;
	}
	tally->ratios[tally->n_ratios++] = -log(c->cmp.ratio);
	if (c->cmp.has_interval)
		tally->widths[tally->n_widths++] = log1p(c->cmp.half_width);
	if (c->cmp.n > t->n_pairs)
		t->n_pairs = c->cmp.n;
}

/*
 * A change is found with a probability of 0.8 where it is larger than the half-width, and than 0.84 standard errors of the
 * estimate beside (the normal quantile). Both fall with the square root of the pairs. The standard error is what the trials
 * show: 1.4826 times their median deviation.
 */
static size_t rounds_needed(const struct selftest *t, const struct selftest_size *s, double width, double deviation)
{
	double floor = isfinite(t->twin_half_width) ? log1p(t->twin_half_width) : 0;
	double least = fmax(width, floor) + 0.8416 * 1.4826 * deviation, n;

	if (2 * s->by_verdict[VERDICT_UNTRUSTED] > s->trials) /* what is missing is a quiet machine */
		return 0;
	if (s->permille == 0 || !isfinite(width) || t->n_pairs == 0 || s->told.rate >= SELFTEST_POWER)
		return 0;
	n = ceil((double)t->n_pairs * pow(least / log1p((double)s->permille / 1000), 2));
	return n > 1e6 ? 1000000 : n > (double)t->n_pairs ? (size_t)n : t->n_pairs + 1;
}

static void conclude(const struct selftest *t, struct selftest_size *s, struct tally *tally)
{
	double width = stats_median(tally->widths, tally->n_widths);

	s->half_width = expm1(width);
	s->ratio = exp(stats_median(tally->ratios, tally->n_ratios));
	stats_rate(tally->told, s->permille ? s->trials : s->trials - s->by_verdict[VERDICT_UNTRUSTED], RATE_LEVEL,
		   &s->told);
	stats_rate(tally->able_told, tally->able, RATE_LEVEL, &s->able);
	s->rounds_needed = rounds_needed(t, s, width, stats_mad(tally->ratios, tally->n_ratios));
}

static int read_size(struct selftest *t, struct selftest_size *s, const struct report *r)
{
	struct tally tally = {.ratios = calloc(r->n_comparisons + 1, sizeof(double)),
			      .widths = calloc(r->n_comparisons + 1, sizeof(double))};
	bool good = tally.ratios && tally.widths;

	for (size_t i = 0; good && i < r->n_comparisons; i++)
		if (planted(r->comparisons[i].subject->subject) == s->permille)
			take(t, s, &tally, &r->comparisons[i]);
	if (good)
		conclude(t, s, &tally);
	free(tally.ratios);
	free(tally.widths);
	return good ? 0 : -ENOMEM;
}

/* ---- all of it ----------------------------------------------------------------------------------------------- */

static void pass_or_fail(struct selftest *t)
{
	/* The smallest size comes first. */
	t->is_known = t->sizes[0].permille == 0 && t->sizes[0].told.of > 0;
	t->has_passed = t->is_known;
	if (!t->is_known)
		snprintf(t->why, sizeof t->why,
			 "the machine was disturbed so much that no verdict on a null change is trusted");
	for (size_t i = 0; i < t->n_sizes && t->has_passed; i++) {
		const struct selftest_size *s = &t->sizes[i];

		if (s->permille == 0 && s->told.lo > s->alpha) {
			t->has_passed = false;
			snprintf(t->why, sizeof t->why,
				 "nothing was planted, and %zu of %zu trials tell a difference: at least %.1f %%, "
				 "where %.2f %% are allowed",
				 s->told.hits, s->told.of, 100 * s->told.lo, 100 * s->alpha);
		} else if (s->permille >= SELFTEST_MUST_FIND && s->able.hi < SELFTEST_POWER) {
			t->has_passed = false;
			snprintf(t->why, sizeof t->why,
				 "%zu trials could see a slow-down of %.1f %%, and %zu found it: at most %.0f %%",
				 s->able.of, (double)s->permille / 10, s->able.hits, 100 * s->able.hi);
		}
	}
}

static int read_report(const struct report *r, struct selftest *t, struct err *err)
{
	*t = (struct selftest){.twin_half_width = NAN};
	for (size_t i = 0; i < r->n_comparisons; i++) {
		long permille = planted(r->comparisons[i].subject->subject);

		if (permille >= 0 && !size_of(t, permille))
			return err_set(err, -EINVAL, "more than %d sizes are planted", SELFTEST_MAX_SIZES);
	}
	if (t->n_sizes == 0)
		return err_set(err, -ENODATA, "no planted change was measured beside the subject without it");
	for (size_t i = 0; i < r->n_twins; i++) {
		t->twin_known |= r->twins[i].known;
		t->twin_differs |= r->twins[i].differs;
		if (r->twins[i].cmp.has_interval)
			t->twin_half_width = r->twins[i].cmp.half_width;
	}
	for (size_t i = 0; i < t->n_sizes; i++)
		if (read_size(t, &t->sizes[i], r) != 0)
			return err_set(err, -ENOMEM, "out of memory");
	pass_or_fail(t);
	return 0;
}

static int judge(json_t *run, json_t *samples, json_t *warnings, struct selftest *out, struct err *err)
{
	struct report *r;
	int rc = report_build(run, samples, warnings, &r, err);

	if (rc)
		return rc;
	rc = read_report(r, out, err);
	report_free(r);
	return rc;
}

int selftest_judge(json_t *run, json_t *samples, struct selftest *out, struct err *err)
{
	json_t *warnings = json_array();
	int rc = judge(run, samples, warnings, out, err);

	json_decref(warnings);
	return rc;
}

int selftest_read(const char *dir, struct selftest *out, struct err *err)
{
	json_t *run = NULL, *samples = NULL, *warnings = NULL;
	int rc = store_load(dir, &run, &samples, &warnings, err);

	if (rc == 0)
		rc = judge(run, samples, warnings, out, err);
	json_decref(run);
	json_decref(samples);
	json_decref(warnings);
	return rc;
}

/* ---- text and JSON ------------------------------------------------------------------------------------------- */

static void print_size(FILE *out, const struct selftest *t, const struct selftest_size *s)
{
	fprintf(out, "%7.1f %% %7zu %7zu %7zu %11zu %13zu %10zu   ", (double)s->permille / 10, s->trials,
		s->by_verdict[VERDICT_FASTER], s->by_verdict[VERDICT_SLOWER], s->by_verdict[VERDICT_EQUIVALENT],
		s->by_verdict[VERDICT_INCONCLUSIVE], s->by_verdict[VERDICT_UNTRUSTED]);
	if (s->told.of)
		fprintf(out, "%5.1f %% (%.1f to %.1f) %s\n", 100 * s->told.rate, 100 * s->told.lo, 100 * s->told.hi,
			s->permille ? "found" : "false alarms");
	else
		fputs("not known: no trial is trusted\n", out);
	fprintf(out, "           measured %+.2f %%", 100 * (s->ratio - 1));
	if (isfinite(s->half_width))
		fprintf(out, ", intervals of +-%.2f %%", 100 * s->half_width);
	if (s->permille == 0)
		fprintf(out, "; each trial may err in %.2f %%", 100 * s->alpha);
	else
		fprintf(out, "; %zu trials had the power, and %zu of them found it", s->able.of, s->able.hits);
	if (s->wrong_side)
		fprintf(out, "; %zu told FASTER", s->wrong_side);
	if (s->rounds_needed)
		fprintf(out, "; to find it in %.0f %%: about %zu rounds, not %zu", 100 * SELFTEST_POWER,
			s->rounds_needed, t->n_pairs);
	fputc('\n', out);
}

void selftest_print(FILE *out, const struct selftest *t)
{
	fprintf(out, "%9s %7s %7s %7s %11s %13s %10s   %s\n", "planted", "trials", "FASTER", "SLOWER", "EQUIVALENT",
		"INCONCLUSIVE", "UNTRUSTED", "told different (95 % bounds)");
	for (size_t i = 0; i < t->n_sizes; i++)
		print_size(out, t, &t->sizes[i]);
	if (t->twin_differs)
		fputs("The A/A twin differs from itself: no verdict of this machine is trusted.\n", out);
	else if (isfinite(t->twin_half_width))
		fprintf(out, "Noise floor of the A/A twin: +-%.2f %%.\n", 100 * t->twin_half_width);
	if (t->has_passed)
		fputs("Passed.\n", out);
	else
		fprintf(out, "%s: %s.\n", t->is_known ? "Failed" : "Nothing can be said", t->why);
}

static json_t *rate_json(const struct stats_rate *r)
{
	return json_pack("{s:I, s:I, s:o, s:f, s:f, s:f}", "hits", (json_int_t)r->hits, "of", (json_int_t)r->of, "rate",
			 json_number_or_null(r->rate), "ci_low", r->lo, "ci_high", r->hi, "ci_level", r->level);
}

static json_t *size_json(const struct selftest_size *s)
{
	json_t *verdicts = json_object();

	for (int k = 0; k <= VERDICT_UNTRUSTED; k++)
		json_object_set_new(verdicts, verdict_name(k), json_integer((json_int_t)s->by_verdict[k]));
	return json_pack("{s:I, s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "slow_permille", (json_int_t)s->permille,
			 "trials", (json_int_t)s->trials, "verdicts", verdicts, "wrong_side", (json_int_t)s->wrong_side,
			 s->permille ? "found" : "false_alarms", rate_json(&s->told), "found_with_power",
			 s->permille ? rate_json(&s->able) : json_null(), "ratio_median", json_number_or_null(s->ratio),
			 "half_width_median", json_number_or_null(s->half_width), "alpha",
			 json_number_or_null(s->alpha), "rounds_needed",
			 s->rounds_needed ? json_integer((json_int_t)s->rounds_needed) : json_null());
}

json_t *selftest_json(const struct selftest *t, const json_t *run)
{
	json_t *list = json_array(), *plan = json_object_get(run, "plan");

	for (size_t i = 0; i < t->n_sizes; i++)
		json_array_append_new(list, size_json(&t->sizes[i]));
	return json_pack("{s:s, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:I, s:{s:b, s:b, s:o}, s:o, s:o, s:s?}",
			 "schema", "switchyard.selftest/1", "tool", json_object_get(run, "tool"), "run_id",
			 json_object_get(run, "run_id"), "seed", json_object_get(run, "seed"), "host",
			 json_object_get(run, "host"), "complete", json_object_get(run, "complete"), "rounds",
			 json_object_get(plan, "rounds"), "region_ns", json_object_get(plan, "region_ns"), "n_pairs",
			 (json_int_t)t->n_pairs, "twin", "known", t->twin_known, "differs", t->twin_differs,
			 "half_width", json_number_or_null(t->twin_half_width), "sizes", list, "passed",
			 t->is_known ? json_boolean(t->has_passed) : json_null(), "why", t->has_passed ? NULL : t->why);
}
