/*
 * question.c - values and claims of question files against a run's samples (contract: question.h).
 */
#include "harness/report/question.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/question_file.h"
#include "harness/report/words.h"

enum { MOST_ROUNDS = 10000 }; /* that are worth telling somebody to wait for; arbitrary */

static const enum quantity quantities[ASK_NONE] = {
	[ASK_VALUE] = Q_VALUE,
	[ASK_WALL] = Q_WALL,
	[ASK_CPU] = Q_CPU,
	[ASK_SWITCHES] = Q_SWITCHES,
	[ASK_OWN_SWITCHES] = Q_OWN_SWITCHES,
	[ASK_THREADS] = Q_THREADS,
	[ASK_BUSY] = Q_BUSY,
	[ASK_RATE] = Q_RATE,
	[ASK_LITTLE] = Q_LITTLE,
	[ASK_P50] = Q_P50,
	[ASK_P99] = Q_P99,
	[ASK_RSS] = Q_MEM_RSS,
	[ASK_PAGETABLE] = Q_MEM_PAGETABLE,
	[ASK_KSTACK] = Q_MEM_KSTACK,
	[ASK_SLAB] = Q_MEM_SLAB,
	[ASK_FIGURE] = Q_COUNT,
	[ASK_RUNTIME] = Q_COUNT,
	[ASK_GAUGE] = Q_COUNT,
	[ASK_COUNTER] = Q_COUNT,
};

/* ---- leaves ------------------------------------------------------------------------------------------------ */

/* What the workload says of a parameter that a leaf does not name; NULL: nobody says. */
static const json_t *default_of(const struct cell *c, const char *param)
{
	json_t *p;
	size_t i;

	json_array_foreach (json_object_get(c->about, "params"), i, p)
		if (strcmp(field_text(p, "name", ""), param) == 0)
			return json_object_get(p, "default");
	return NULL;
}

/* Parameters that a leaf leaves out have their defaults, as in a plan. */
static bool has_params(const struct cell *c, const json_t *wanted)
{
	const json_t *has = json_object_get(c->json, "params");
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)wanted, key, value)
		if (!json_equal(value, json_object_get(has, key)))
			return false;
	json_object_foreach ((json_t *)has, key, value) {
		const json_t *dflt = json_object_get(wanted, key) ? NULL : default_of(c, key);

		if (dflt && !json_equal(value, dflt))
			return false;
	}
	return true;
}

static const struct cell *leaf_cell(const struct report *r, const json_t *leaf)
{
	long workers = field_whole(leaf, "workers", 0);

	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[i];

		if (strcmp(c->workload, field_text(leaf, "workload", "")) == 0 &&
		    strcmp(c->placement, field_text(leaf, "placement", "")) == 0 &&
		    (workers == 0 || c->workers == workers) && has_params(c, json_object_get(leaf, "params")))
			return c;
	}
	return NULL;
}

const struct series *question_series(const struct report *r, const json_t *leaf)
{
	const struct cell *c = leaf_cell(r, leaf);

	return c ? cell_series(c, field_text(leaf, "subject", "")) : NULL;
}

static const struct point_list *leaf_points(const struct series *s, const json_t *leaf)
{
	const char *name;
	enum question_quantity q = question_quantity(field_text(leaf, "quantity", ""), &name);

	return q == ASK_COUNTER ? &s->counted : q == ASK_SIMULATED ? &s->simulated : &s->timed;
}

static double counter_of(const struct point *p, const char *name)
{
	return field_number(counter_named(p->sample, name), "per_op");
}

static double told_by_runtime(const struct point *p, const char *name, bool per_op)
{
	double told = field_number(json_object_get(p->sample, "runtime"), name);

	if (!per_op)
		return told;
	return p->ops > 0 ? told / p->ops : NAN;
}

static double leaf_at(const struct report *r, const json_t *leaf, long round)
{
	const struct series *s = question_series(r, leaf);
	const struct point_list *list = s ? leaf_points(s, leaf) : NULL;
	const char *name;
	enum question_quantity q = question_quantity(field_text(leaf, "quantity", ""), &name);

	if (list && q == ASK_SIMULATED)
		return simulated_per_op(leaf_cell(r, leaf), s, round, name);
	for (size_t i = 0; list && i < list->n; i++) {
		if (list->at[i].round != round)
			continue;
		if (q == ASK_FIGURE)
			return field_number(json_object_get(list->at[i].sample, "figures"), name);
		if (q == ASK_RUNTIME || q == ASK_GAUGE)
			return told_by_runtime(&list->at[i], name, q == ASK_RUNTIME);
		return q == ASK_COUNTER ? counter_of(&list->at[i], name) : list->at[i].q[quantities[q]];
	}
	return NAN;
}

/* ---- expressions --------------------------------------------------------------------------------------------- */

/*
 * Nothing over nothing is the same amount, as is endless over endless; all else is endlessly more than nothing. Files may
 * not ask for other bases. To leave such rounds out would be to drop them for their values.
 */
static double ratio_of(double a, double b)
{
	if (isnan(a) || isnan(b))
		return NAN;
	if (isinf(a) && isinf(b))
		return 1;
	if (b > 0)
		return a / b;
	return a > 0 ? INFINITY : 1;
}

static double fold(const struct report *r, enum question_op op, const json_t *args, long round)
{
	double all = op == ASK_PRODUCT ? 1 : op == ASK_MOST ? -INFINITY : 0;
	json_t *part;
	size_t i;

	json_array_foreach (args, i, part) {
		double x = question_at(r, part, round);

		if (op == ASK_PRODUCT)
			all *= x;
		else if (op == ASK_SUM)
			all += x;
		else if (isnan(x) || x > all) /* what is not known may be the most */
			all = x;
		if (isnan(all))
			return NAN;
	}
	return all;
}

double question_at(const struct report *r, const json_t *expr, long round)
{
	const json_t *args;
	enum question_op op = question_op(expr, &args);
	double a, b;

	switch (op) {
	case ASK_NUMBER:
		return json_number_value(expr);
	case ASK_LEAF:
		return leaf_at(r, expr, round);
	case ASK_FALLS_BELOW:
	case ASK_CROSSES:
	case ASK_FIT:
		return question_along(r, expr, round);
	case ASK_SUM:
	case ASK_PRODUCT:
	case ASK_MOST:
		return fold(r, op, args, round);
	case ASK_RATIO:
	case ASK_DIFFERENCE:
		a = question_at(r, json_array_get(args, 0), round);
		b = question_at(r, json_array_get(args, 1), round);
		return op == ASK_RATIO ? ratio_of(a, b) : a - b;
	case ASK_PARAM:
	case ASK_NO_OP:
		break;
	}
	return NAN;
}

/* ---- what stands behind a value --------------------------------------------------------------------------------- */

struct basis {
	const struct report *r;
	struct asked *to;
	const struct point_list *first; /* points of its first leaf: a round that counts has one of them */
	bool seen; /* a leaf */
};

static void note_basis(const json_t *leaf, void *arg)
{
	struct basis *b = arg;
	const struct cell *c = leaf_cell(b->r, leaf);
	const struct series *s = question_series(b->r, leaf);
	const struct point_list *list = s ? leaf_points(s, leaf) : NULL;

	if (!b->seen)
		b->first = list;
	b->seen = true;
	if (!list)
		return;
	b->to->is_simulated |= list == &s->simulated;
	if (!b->to->subject)
		b->to->subject = s->subject;
	b->to->samples += list->n;
	for (size_t i = 0; i < list->n; i++)
		b->to->contaminated += list->at[i].contaminated;
	if (c->twin && c->twin->differs)
		b->to->differing = c;
}

/* The sentence about a placement that this machine does not have, or NULL. */
static const char *why_skipped(const struct report *r, const json_t *leaf)
{
	char what[200];
	json_t *skipped;
	size_t i;

	snprintf(what, sizeof(what), "%s %s", field_text(leaf, "workload", ""), field_text(leaf, "placement", ""));
	json_array_foreach (json_object_get(json_object_get(r->run, "plan"), "skipped"), i, skipped)
		if (strcmp(field_text(skipped, "cell", ""), what) == 0)
			return field_text(skipped, "why", NULL);
	return NULL;
}

/* Why a counter has no number: the first reason that a counted sample gives. */
static const char *why_uncounted(const struct series *s, const char *name)
{
	for (size_t i = 0; i < s->counted.n; i++) {
		const json_t *counter = counter_named(s->counted.at[i].sample, name);

		if (counter)
			return field_text(counter, "why", NULL);
	}
	return NULL;
}

/* Among what this build could have had and has not; NULL: it is none of them. */
static const json_t *not_built(const struct report *r, const char *subject)
{
	size_t model = strcspn(subject, "+"), i;
	json_t *one;

	json_array_foreach (json_object_get(r->run, "not_built"), i, one) {
		const char *id = field_text(one, "id", "");

		if (strlen(id) == model && strncmp(id, subject, model) == 0)
			return one;
	}
	return NULL;
}

/* A series that the run did not ask for. */
static void say_unasked(char *to, size_t size, const struct report *r, const json_t *leaf)
{
	const char *subject = field_text(leaf, "subject", ""), *workload = field_text(leaf, "workload", "");
	const json_t *missing = not_built(r, subject);

	if (missing)
		snprintf(to, size, "%s is not built: install %s and build again", field_text(missing, "id", ""),
			 field_text(missing, "packages", "?"));
	else if (!leaf_cell(r, leaf))
		snprintf(to, size, "the run has no such cell of %s", workload);
	else
		snprintf(to, size, "the run has no %s in %s", subject, workload);
}

static void note_absence(const json_t *leaf, void *arg)
{
	struct basis *b = arg;
	struct asked *a = b->to;
	const struct cell *c = leaf_cell(b->r, leaf);
	const struct series *s = question_series(b->r, leaf);
	const char *subject = field_text(leaf, "subject", ""), *quantity = field_text(leaf, "quantity", ""), *name;
	const char *why = c ? NULL : why_skipped(b->r, leaf);
	char *text = NULL;
	size_t size;
	FILE *f;

	if (a->why[0])
		return;
	if (!s) {
		a->is_absent = !why;
		if (why)
			snprintf(a->why, sizeof(a->why), "%s", why);
		else
			say_unasked(a->why, sizeof(a->why), b->r, leaf);
		return;
	}
	if (s->timed.n == 0) {
		f = open_memstream(&text, &size);
		if (f) {
			words_absence(f, s);
			fclose(f);
			snprintf(a->why, sizeof(a->why), "%s: %s", subject, text);
			free(text);
		}
		return;
	}
	if (leaf_points(s, leaf) == &s->simulated && s->simulated.n == 0) {
		a->is_absent = true;
		snprintf(a->why, sizeof(a->why), "nothing of %s was simulated: --simulate-cache does that", subject);
		return;
	}
	if (leaf_points(s, leaf)->n && isfinite(leaf_at(b->r, leaf, leaf_points(s, leaf)->at[0].round)))
		return;
	why = question_quantity(quantity, &name) == ASK_COUNTER ? why_uncounted(s, name) : NULL;
	snprintf(a->why, sizeof(a->why), "%s tells no %s%s%s", subject, quantity, why ? ": " : "", why ? why : "");
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static int measure(const struct report *r, struct asked *a, double level)
{
	struct basis b = {r, a, NULL, false};
	size_t n = 0;
	double *v;

	question_leaves(a->of, note_basis, &b);
	v = malloc(((b.first ? b.first->n : 0) + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; b.first && i < b.first->n; i++) {
		double x = question_at(r, a->of, b.first->at[i].round);

		if (!isnan(x))
			v[n++] = x;
	}
	stats_estimate_open(v, n, level, &a->est);
	free(v);
	if (n == 0)
		question_leaves(a->of, note_absence, &b);
	if (n == 0 && !a->why[0])
		snprintf(a->why, sizeof(a->why), "no round has all of its samples");
	return 0;
}

/* What the intervals may err: of a run with looks, the least of them. */
static double alpha_of(const struct report *r)
{
	double alpha = 1 - VERDICT_LEVEL;

	for (size_t i = 0; i < r->n_looks; i++)
		alpha = fmin(alpha, r->looks[i].alpha);
	return alpha;
}

static bool is_claimed(const struct question *q, const char *value)
{
	const json_t *claim;
	size_t i;

	json_array_foreach (json_object_get(q->json, "claims"), i, claim)
		if (strcmp(field_text(claim, "value", ""), value) == 0)
			return true;
	return false;
}

static int measure_values(const struct report *r, struct question *q)
{
	double alpha = alpha_of(r), m = (double)json_array_size(json_object_get(q->json, "claims"));
	const char *key;
	json_t *value;

	json_object_foreach (json_object_get(q->json, "values"), key, value) {
		struct asked *a = GROW(q->values, q->n_values);

		if (!a)
			return -ENOMEM;
		a->name = key;
		a->unit = field_text(value, "unit", "plain");
		a->of = json_object_get(value, "of");
		if (measure(r, a, 1 - (is_claimed(q, key) ? alpha / m : alpha)))
			return -ENOMEM;
	}
	return 0;
}

/* ---- claims ------------------------------------------------------------------------------------------------------- */

/* The limits of a claim as a range that its value is claimed to lie in. */
static void limits_of(const struct claim *c, double *lo, double *hi)
{
	const json_t *than = json_object_get(c->json, "than");
	char is = field_text(c->json, "is", "<")[0];

	*lo = is == '<' ? -INFINITY : json_number_value(is == '>' ? than : json_array_get(than, 0));
	*hi = is == '>' ? INFINITY : json_number_value(is == '<' ? than : json_array_get(than, 1));
}

/* The rounds below which n paired values have no interval at this level. */
static size_t least_rounds(double level)
{
	size_t n = 6, lo, hi;

	while (n < MOST_ROUNDS && !stats_sign_interval(n, 1 - level, &lo, &hi))
		n++;
	return n;
}

/* Between sentences: no part of the one behind it, which has a translation of its own (say.h). */
#define PIECE "; "

static const char *number_words(char buf[64], double v, const char *unit)
{
	FILE *out = fmemopen(buf, 64, "w");

	buf[0] = 0;
	if (out) {
		question_number(out, v, unit);
		fclose(out);
	}
	return buf;
}

static void say_undecided(struct claim *c, double lo, double hi)
{
	const struct stats_estimate *e = &c->value->est;
	double distance = fmin(fabs(e->median - lo), fabs(e->median - hi));
	double rounds = (double)e->n * pow(c->reach / distance, 2);
	char *text = NULL, reach[64];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (isfinite(rounds) && rounds < MOST_ROUNDS)
		c->more_rounds = rounds > (double)e->n ? (size_t)ceil(rounds) - e->n : 1;
	if (!f)
		return;
	fputs("the limit lies inside the interval", f);
	if (isfinite(c->reach))
		fprintf(f, PIECE "these rounds could tell what is further from it than %s",
			number_words(reach, c->reach, c->value->unit));
	if (c->more_rounds)
		fprintf(f, PIECE "about %zu more round%s would decide", c->more_rounds, c->more_rounds == 1 ? "" : "s");
	fclose(f);
	snprintf(c->why, sizeof(c->why), "%s", text);
	free(text);
}

/* Samples that say nothing, whatever their interval. */
static bool is_doubtful(struct claim *c)
{
	const struct asked *a = c->value;

	if ((double)a->contaminated > VERDICT_CONTAMINATED_LIMIT * (double)a->samples)
		snprintf(c->why, sizeof(c->why), "%zu of the %zu samples behind it were disturbed by other programs",
			 a->contaminated, a->samples);
	else if (a->differing)
		snprintf(c->why, sizeof(c->why), "the A/A twin of %s differs from itself", a->differing->workload);
	return c->why[0];
}

static void judge(struct claim *c, double level)
{
	const struct asked *a = c->value;
	const struct stats_estimate *e = &a->est;
	double lo, hi;

	limits_of(c, &lo, &hi);
	c->reach = e->has_interval ? (e->hi - e->lo) / 2 : NAN;
	c->verdict = CLAIM_INCONCLUSIVE;
	if (e->n == 0) {
		c->verdict = CLAIM_UNMEASURED;
		snprintf(c->why, sizeof(c->why), "%s", a->why);
	} else if (is_doubtful(c)) {
		return;
	} else if (!e->has_interval) {
		size_t needed = least_rounds(level);

		c->more_rounds = needed > e->n ? needed - e->n : 0;
		snprintf(c->why, sizeof(c->why), "%zu rounds, and an interval takes %zu at this level", e->n, needed);
	} else if (e->lo > lo && e->hi < hi) {
		c->verdict = CLAIM_SUPPORTED;
	} else if (e->hi <= lo || e->lo >= hi) {
		c->verdict = CLAIM_REFUTED;
	} else {
		say_undecided(c, lo, hi);
	}
}

const struct asked *question_asked(const struct question *q, const char *name)
{
	for (size_t i = 0; i < q->n_values; i++)
		if (strcmp(q->values[i].name, name) == 0)
			return &q->values[i];
	return NULL;
}

static int judge_claims(const struct report *r, struct question *q)
{
	const json_t *list = json_object_get(q->json, "claims");
	double level = 1 - alpha_of(r) / (double)json_array_size(list);
	json_t *json;
	size_t i;

	json_array_foreach (list, i, json) {
		struct claim *c = GROW(q->claims, q->n_claims);

		if (!c)
			return -ENOMEM;
		c->json = json;
		c->id = field_text(json, "id", "");
		c->value = question_asked(q, field_text(json, "value", ""));
		judge(c, level);
		q->count[c->verdict]++;
		q->samples += c->value->samples;
		q->contaminated += c->value->contaminated;
	}
	return 0;
}

/* Of a run that has some of its cells by chance there may be a claim measured, and nothing to say. */
static bool is_answered(const struct question *q)
{
	size_t sentences = json_array_size(json_object_get(q->json, "answer")), sayable = 0;

	for (size_t i = 0; i < sentences; i++)
		sayable += question_sentence(q, i) != NULL;
	return q->count[CLAIM_UNMEASURED] == 0 || (sayable && q->count[CLAIM_UNMEASURED] < q->n_claims);
}

int report_questions(struct report *r, json_t *files, struct err *err)
{
	json_t *json, *keep = json_incref(files);
	size_t i;

	report_questions_free(r);
	r->question_files = keep;
	json_array_foreach (files, i, json) {
		struct question *q = GROW(r->questions, r->n_questions);

		if (!q)
			return err_set(err, -ENOMEM, "out of memory");
		q->json = json;
		q->id = field_text(json, "id", "");
		if (measure_values(r, q) || judge_claims(r, q))
			return err_set(err, -ENOMEM, "out of memory");
		q->is_answered = is_answered(q);
	}
	return 0;
}

void report_questions_free(struct report *r)
{
	for (size_t i = 0; i < r->n_questions; i++) {
		free(r->questions[i].values);
		free(r->questions[i].claims);
	}
	free(r->questions);
	json_decref(r->question_files);
	r->questions = NULL;
	r->n_questions = 0;
	r->question_files = NULL;
}
