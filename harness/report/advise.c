/*
 * advise.c - from what a model needs to whether it fits, from there to one of them, and to where that changes (advise.h).
 */
#include "harness/report/advise.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "harness/base/utf8.h"
#include "harness/report/model.h"
#include "harness/report/words.h"
#include "harness/stats/queue.h"

enum {
	STEPS_PER_DECADE = 12, /* of the search for flips: two of them within a fifth of a value may be passed over */
	DECADES = 3, /* that it goes, each way */
	BISECTIONS = 24, /* more than any number that is shown */
	FLIPS_PER_SIDE = 3,
};

static const char *const model_ids[ADVISE_MODELS] = {"gmp", "pthread", "eventloop"};

const char *advise_kind_name(enum advise_kind kind)
{
	static const char *const names[ADVISE_KINDS] = {"socket", "timer", "blocking"};

	return names[kind];
}

const char *advise_verdict_name(enum advise_verdict verdict)
{
	static const char *const names[] = {"chosen", "none_fits", "undecided", "refused"};

	return names[verdict];
}

const char *advise_axis_name(enum advise_axis axis)
{
	static const char *const names[ADVISE_AXES] = {"tasks", "cpu", "wait", "p99"};

	return names[axis];
}

/* ---- does it fit? ---------------------------------------------------------------------------------------------- */

static void say(struct advise_model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct advise_model *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->why, sizeof m->why, fmt, ap);
	va_end(ap);
	utf8_clean(m->why);
}

/*
 * A turn's p99. At least: the wait and the turn alone; and, as all tasks take turns on the CPUs, so much as they all need (the mean cannot be
 * less, and the 99th of 100 like pieces of work is no earlier than the mean). At most, with each resumed as late as was measured:
 * all other tasks are ahead in the queue, which is always true; or, up to ADVISE_BUSY of the CPUs, what the queue's formula says.
 */
static struct span p99_of(const struct advise_load *load, const struct advise_model *m)
{
	double tasks = load->axis[AXIS_TASKS], wait = load->axis[AXIS_WAIT], queue;
	struct span p = {fmax(wait + m->turn_ns.lo, tasks * m->turn_ns.lo / m->cpus), INFINITY};

	if (!isfinite(m->turn_ns.hi) || !isfinite(m->late_ns.hi))
		return p;
	queue = (tasks - 1) / m->cpus * m->turn_ns.hi;
	if (m->busy.hi <= ADVISE_BUSY)
		queue = fmin(queue, queue_wait(tasks, m->cpus, m->turn_ns.hi, wait, 0.99)); /* fmin passes NaN over */
	p.hi = wait + m->late_ns.hi + queue + m->turn_ns.hi;
	return p;
}

static void measure(const json_t *report, const struct advise_load *load, struct advise_model *m)
{
	double tasks = load->axis[AXIS_TASKS], wait = load->axis[AXIS_WAIT];

	m->cpus = strcmp(m->id, "eventloop") == 0 ? 1 : load->cpus;
	m->wait_ns = facts_wait_cost(report, load, m);
	m->turn_ns = (struct span){load->axis[AXIS_CPU] + m->wait_ns.lo, load->axis[AXIS_CPU] + m->wait_ns.hi};
	m->busy.lo = fmin(1, tasks * m->turn_ns.lo / (wait + m->turn_ns.lo) / m->cpus);
	m->busy.hi = isfinite(m->turn_ns.hi) ? fmin(1, tasks * m->turn_ns.hi / (wait + m->turn_ns.hi) / m->cpus) : 1;
	m->memory_bytes = facts_memory(report, load, m);
	m->late_ns = facts_lateness(report, load, m);
	m->p99_ns = p99_of(load, m);
}

/* What surely breaks a limit. */
static bool fails(const json_t *report, const struct advise_load *load, struct advise_model *m)
{
	const char *limit_name, *refusal = facts_refusal(report, load, m);
	double limit = facts_limit(report, load, m, &limit_name);
	char a[32], b[32];

	if (refusal) {
		say(m, "it cannot: %s", refusal);
	} else if (load->axis[AXIS_TASKS] > limit) {
		say(m, "it cannot have more than %.0f tasks there (%s)", limit, limit_name);
	} else if (m->memory_bytes.lo > load->memory_bytes) {
		words_number(a, sizeof a, m->memory_bytes.lo, UNIT_BYTES);
		words_number(b, sizeof b, load->memory_bytes, UNIT_BYTES);
		say(m, "it needs at least %s of memory, and there are %s", a, b);
	} else if (m->p99_ns.lo > load->axis[AXIS_P99]) {
		words_number(a, sizeof a, m->p99_ns.lo, UNIT_NS);
		if (m->busy.lo >= 1 || m->p99_ns.lo > load->axis[AXIS_WAIT] + m->turn_ns.lo)
			say(m, "a turn takes at least %s, since all tasks share %.0f CPU%s", a, m->cpus,
			    m->cpus == 1 ? "" : "s");
		else
			say(m, "a turn takes at least %s", a);
	} else {
		return false;
	}
	return true;
}

static void judge(const json_t *report, const struct advise_load *load, struct advise_model *m)
{
	char missing[sizeof m->why], a[32], b[32];

	memset(m->why, 0, sizeof m->why);
	measure(report, load, m);
	memcpy(missing, m->why,
	       sizeof missing); /* what the facts gave as a reason, which counts only if nothing is sure */
	if (fails(report, load, m)) {
		m->fit = FIT_NO;
		return;
	}
	memcpy(m->why, missing, sizeof missing);
	m->fit = FIT_UNKNOWN;
	if (*m->why)
		return;
	if (m->memory_bytes.hi > load->memory_bytes) {
		words_number(a, sizeof a, m->memory_bytes.lo, UNIT_BYTES);
		words_number(b, sizeof b, m->memory_bytes.hi, UNIT_BYTES);
		say(m, "the memory it needs is known to lie between %s and %s, and no better", a, b);
	} else if (m->p99_ns.hi > load->axis[AXIS_P99]) {
		words_number(a, sizeof a, m->p99_ns.lo, UNIT_NS);
		words_number(b, sizeof b, m->p99_ns.hi, UNIT_NS);
		say(m, "its p99 is known to lie between %s and %s, and no better%s", a, b,
		    m->busy.hi > ADVISE_BUSY ? ", as its CPUs may be more than 70 % busy" : "");
	} else {
		m->fit = FIT_YES;
	}
}

/* ---- which of them? -------------------------------------------------------------------------------------------- */

enum order { BETTER, WORSE, SAME, OPEN };

/* By what is needed and enough. `slack` is what may differ without mattering, `factor` likewise. */
static enum order compare_spans(struct span a, struct span b, double factor, double slack)
{
	if (a.hi < b.lo && b.lo > a.hi * factor && b.lo - a.hi > slack)
		return BETTER;
	if (b.hi < a.lo && a.lo > b.hi * factor && a.lo - b.hi > slack)
		return WORSE;
	if ((a.hi <= b.lo * factor || a.hi - b.lo <= slack) && (b.hi <= a.lo * factor || b.hi - a.lo <= slack))
		return SAME;
	return OPEN;
}

static enum order compare_models(const struct advise_load *load, const struct advise_model *a,
				 const struct advise_model *b)
{
	enum order cpu = compare_spans(a->turn_ns, b->turn_ns, 1 + ADVISE_MARGIN, 0);

	if (cpu != SAME)
		return cpu;
	return compare_spans(a->memory_bytes, b->memory_bytes, 1, ADVISE_MEMORY_SHARE * load->memory_bytes);
}

/*
 * Of those in `among` the one that is better than all others, *rival is -1 then; else one that none is better than, and *rival one that it
 * cannot be told from. Where each is worse than some other (same within the margin need not carry over), the first two. -1: there are none.
 */
static int best_of(const struct advise_load *load, const struct advise_model *models, unsigned among, int *rival)
{
	int best = -1, any[2] = {-1, -1};

	*rival = -1;
	for (int i = 0; i < ADVISE_MODELS; i++) {
		bool beaten = false;
		int open = -1;

		if (!(among & 1u << i))
			continue;
		any[any[0] >= 0] = i;
		for (int j = 0; j < ADVISE_MODELS; j++) {
			enum order o =
				j == i || !(among & 1u << j) ? BETTER : compare_models(load, &models[i], &models[j]);

			beaten |= o == WORSE;
			open = o == SAME || o == OPEN ? j : open;
		}
		if (!beaten && (best < 0 || open < 0)) {
			best = i;
			*rival = open;
		}
	}
	if (best < 0) {
		best = any[0];
		*rival = any[1];
	}
	return best;
}

/* Why a is to be preferred to b, in words. */
static void say_why_better(FILE *f, const struct advise_model *a, const struct advise_model *b)
{
	bool by_cpu = compare_spans(a->turn_ns, b->turn_ns, 1 + ADVISE_MARGIN, 0) == BETTER;
	const struct span *x = by_cpu ? &a->turn_ns : &a->memory_bytes, *y = by_cpu ? &b->turn_ns : &b->memory_bytes;
	enum unit unit = by_cpu ? UNIT_NS : UNIT_BYTES;
	char p[32], q[32];

	words_number(p, sizeof p, x->hi, unit);
	words_number(q, sizeof q, y->lo, unit);
	if (by_cpu)
		fprintf(f, "it takes at most %s of CPU for a turn, %s at least %s", p, b->id, q);
	else
		fprintf(f, "CPU is the same within 5 %%, and it takes at most %s of memory, %s at least %s", p, b->id,
			q);
}

/* What is not known of the others, as one clause after another. */
static void say_unknown(FILE *f, const struct advise_answer *a, enum advise_fit fit)
{
	bool first = true;

	for (int i = 0; i < ADVISE_MODELS; i++) {
		if (a->models[i].fit != fit)
			continue;
		fprintf(f, "%s%s: %s", first ? "" : "; ", a->models[i].id, a->models[i].why);
		first = false;
	}
}

static void say_chosen(FILE *f, const struct advise_answer *a)
{
	const struct advise_model *choice = &a->models[a->choice];
	unsigned others = 0;

	fprintf(f, "%s: ", choice->id);
	if (a->runner_up >= 0)
		say_why_better(f, choice, &a->models[a->runner_up]);
	for (int i = 0; i < ADVISE_MODELS; i++)
		others |= i != a->choice && a->models[i].fit == FIT_UNKNOWN;
	if (a->runner_up < 0)
		fprintf(f, others ? "it keeps to all limits, and no other can be shown to"
				  : "it keeps to all limits, and no other does");
	fprintf(f, ".");
}

static void say_answer(struct advise_answer *a, const struct advise_load *load)
{
	FILE *f = fmemopen(a->sentence, sizeof a->sentence, "w");

	if (!f)
		return;
	switch (a->verdict) {
	case ADVISE_CHOSEN:
		say_chosen(f, a);
		break;
	case ADVISE_NONE_FITS:
		fprintf(f, "none of them can: ");
		say_unknown(f, a, FIT_NO);
		fprintf(f, ".");
		break;
	case ADVISE_UNDECIDED:
		fprintf(f,
			compare_models(load, &a->models[a->choice], &a->models[a->runner_up]) == SAME
				? "%s and %s: these two cannot be told apart, they take the same within 5 %% of CPU "
				  "and 1 %% of memory."
				: "%s and %s: these two cannot be told apart, the spans of what they take overlap.",
			a->models[a->choice].id, a->models[a->runner_up].id);
		break;
	case ADVISE_REFUSED:
		fprintf(f, "the run does not support an answer: ");
		say_unknown(f, a, FIT_UNKNOWN);
		fprintf(f, ".");
	}
	fclose(f);
	utf8_clean(a->sentence);
}

static void decide(const json_t *report, const struct advise_load *load, struct advise_answer *a)
{
	unsigned fit = 0, open = 0;
	int rival;

	memset(a, 0, sizeof *a);
	a->choice = a->runner_up = -1;
	for (int i = 0; i < ADVISE_MODELS; i++) {
		a->models[i].id = model_ids[i];
		judge(report, load, &a->models[i]);
		fit |= a->models[i].fit == FIT_YES ? 1u << i : 0;
		open |= a->models[i].fit == FIT_UNKNOWN ? 1u << i : 0;
	}
	if (fit == 0) {
		a->verdict = open ? ADVISE_REFUSED : ADVISE_NONE_FITS;
	} else {
		a->choice = best_of(load, a->models, fit, &a->runner_up);
		a->verdict = a->runner_up < 0 ? ADVISE_CHOSEN : ADVISE_UNDECIDED;
		if (a->verdict == ADVISE_CHOSEN)
			a->runner_up = best_of(load, a->models, fit & ~(1u << a->choice), &rival);
	}
	say_answer(a, load);
}

/* ---- where does it flip? ------------------------------------------------------------------------------------- */

static bool is_same_answer(const struct advise_answer *a, const struct advise_answer *b)
{
	return a->verdict == b->verdict && a->choice == b->choice &&
	       (a->verdict != ADVISE_UNDECIDED || a->runner_up == b->runner_up);
}

static void answer_at(const json_t *report, const struct advise_load *load, enum advise_axis axis, double value,
		      struct advise_answer *out)
{
	struct advise_load other = *load;

	other.axis[axis] = axis == AXIS_TASKS ? fmax(1, round(value)) : value;
	decide(report, &other, out);
}

/* Between `same`, where the answer is `a`, and `other`, where it is not: the two moved together. */
static void bisect(const json_t *report, const struct advise_load *load, enum advise_axis axis,
		   const struct advise_answer *a, struct advise_flip *flip)
{
	for (int i = 0; i < BISECTIONS; i++) {
		double middle = sqrt(flip->same_until * flip->other_from);
		struct advise_answer there;

		answer_at(report, load, axis, middle, &there);
		if (is_same_answer(&there, a)) {
			flip->same_until = middle;
		} else {
			flip->other_from = middle;
			flip->beyond = there;
		}
	}
}

/* Along one axis to one side: where the answer changes, and, where it then is that nothing is known, what comes behind that. */
static void look_along(const json_t *report, struct advice *out, enum advise_axis axis, int direction)
{
	struct advise_answer current = out->answer, there;
	double start = out->load.axis[axis], at = start;
	int found = 0;

	for (int i = 1; i <= DECADES * STEPS_PER_DECADE && found < FLIPS_PER_SIDE; i++) {
		double next = start * pow(10, direction * (double)i / STEPS_PER_DECADE);
		struct advise_flip *flip = &out->flips[out->n_flips];

		if (axis == AXIS_TASKS && next < 1)
			return;
		answer_at(report, &out->load, axis, next, &there);
		if (!is_same_answer(&there, &current) && out->n_flips < ADVISE_MOST_FLIPS) {
			*flip = (struct advise_flip){
				.axis = axis, .same_until = at, .other_from = next, .beyond = there};
			bisect(report, &out->load, axis, &current, flip);
			out->n_flips++;
			found++;
			current = flip->beyond;
			if (current.verdict == ADVISE_CHOSEN || current.verdict == ADVISE_NONE_FITS)
				return;
			if (!is_same_answer(&there, &current)) /* a second change in the same step */
				i--, at = flip->other_from;
			else
				at = next;
			continue;
		}
		at = next;
	}
}

static int check(const struct advise_load *load, struct err *err)
{
	for (int i = 0; i < ADVISE_AXES; i++)
		if (!(load->axis[i] > 0) || !isfinite(load->axis[i]))
			return err_set(err, -EINVAL, "advice needs --%s above 0",
				       advise_axis_name((enum advise_axis)i));
	if (load->axis[AXIS_P99] <= load->axis[AXIS_WAIT])
		return err_set(err, -EINVAL,
			       "--p99 is for a whole turn, the wait included: it has to be longer than --wait");
	return 0;
}

int advise(const json_t *report, const struct advise_load *load, struct advice *out, struct err *err)
{
	const json_t *host = json_object_get(report, "host");
	int rc = check(load, err);

	if (rc)
		return rc;
	memset(out, 0, sizeof *out);
	out->load = *load;
	out->report = report;
	if (out->load.cpus == 0)
		out->load.cpus = (double)json_array_size(json_object_get(host, "allowed_cpus"));
	if (out->load.memory_bytes == 0)
		out->load.memory_bytes = field_number(host, "mem_bytes");
	if (!(out->load.cpus >= 1))
		return err_set(err, -EINVAL, "the run does not say how many CPUs its machine had: give --cpus");
	if (!(out->load.memory_bytes > 0))
		return err_set(err, -EINVAL, "the run does not say how much memory its machine had: give --memory");
	decide(report, &out->load, &out->answer);
	for (int axis = 0; axis < ADVISE_AXES; axis++)
		for (int direction = -1; direction <= 1; direction += 2)
			look_along(report, out, (enum advise_axis)axis, direction);
	return 0;
}
