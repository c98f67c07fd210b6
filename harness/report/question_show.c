/*
 * question_show.c - the questions on the pages and in report.json: the headline ones in short, then each with its answer,
 * claims, figure, what could mislead, and the command that asks it again.
 *
 * A refuted claim stands in the same table, in the same letters, as a supported one. Questions of which the run measured
 * no claim are one list at the end, with what would answer them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/question_file.h"
#include "harness/report/doc.h"
#include "harness/report/parts.h"
#include "harness/report/question.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

/* The language of the page being written. */
static const char *lang(void)
{
	return say_language() == SAY_CHINESE ? QUESTION_ZH : QUESTION_EN;
}

static const struct {
	const char *name, *title;
} topics[] = {{"switches", SAID("Why are there fewer kernel switches?")},
	      {"cache", SAID("Why is it cache-friendly, and when is it not?")}};
enum { TOPICS = sizeof(topics) / sizeof(topics[0]) };

/* ---- an answer --------------------------------------------------------------------------------------------- */

static void say_doubt(struct doc *d, const struct question *q)
{
	if ((double)q->contaminated > VERDICT_CONTAMINATED_LIMIT * (double)q->samples)
		doc_say(d, " %zu of the %zu samples behind this were disturbed by other programs: not to be relied on.",
			q->contaminated, q->samples);
}

static void put_answer(FILE *out, const struct question *q)
{
	size_t n = json_array_size(json_object_get(q->json, "answer"));
	const char *between = "";
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		const json_t *sentence = question_sentence(q, i);

		if (!sentence)
			continue;
		any = true;
		fputs(between, out);
		question_say(out, q, question_text(sentence, lang()));
		between = say_language() == SAY_CHINESE ? "" : " ";
	}
	if (!any)
		fputs(say("This run has measured too little of it for an answer."), out);
}

static void put_command(FILE *out, const struct question *q)
{
	fprintf(out, "switchyard run --question %s", q->id);
}

static void put_title(FILE *out, const struct question *q)
{
	fprintf(out, "%s%s%s", q->id, say(": "), question_text(json_object_get(q->json, "question"), lang()));
}

/* A headline question is served by the first sentence, if there is one to say. */
static bool serves(const struct question *q, const char *topic)
{
	return q->is_answered && question_sentence(q, 0) && strcmp(field_text(q->json, "headline", ""), topic) == 0;
}

/* ---- in short ---------------------------------------------------------------------------------------------- */

static void topic(struct doc *d, const struct report *r, size_t t)
{
	bool opened = false;

	for (size_t i = 0; i < r->n_questions; i++) {
		const struct question *q = &r->questions[i];

		if (!serves(q, topics[t].name))
			continue;
		if (!opened) {
			doc_say(d, "**%s**", say(topics[t].title));
			doc_para(d, PARA_PLAIN);
			doc_list(d, true);
		}
		opened = true;
		question_say(d->text, q, question_text(question_sentence(q, 0), lang()));
		say_doubt(d, q);
		doc_say(d, " (%s)", q->id);
		doc_item(d);
	}
	if (opened)
		doc_list(d, false);
}

void content_short(struct doc *d, const struct report *r)
{
	bool any = false;

	for (size_t i = 0; i < r->n_questions; i++)
		for (size_t t = 0; t < TOPICS; t++)
			any |= serves(&r->questions[i], topics[t].name);
	if (!any)
		return;
	doc_say(d, "In short");
	doc_heading(d, 2, "in-short");
	for (size_t t = 0; t < TOPICS; t++)
		topic(d, r, t);
}

/* ---- each question ------------------------------------------------------------------------------------------- */

static void put_verdict(FILE *out, const struct claim *c)
{
	char *why = c->verdict == CLAIM_INCONCLUSIVE ? say_record(c->why) : NULL;

	switch (c->verdict) {
	case CLAIM_SUPPORTED:
	case CLAIM_REFUTED:
		fprintf(out, "**%s**", say(claim_verdict_name(c->verdict)));
		return;
	case CLAIM_INCONCLUSIVE:
		fprintf(out, say("inconclusive: %s"), why ? why : c->why);
		free(why);
		return;
	default:
		fputs(c->value->is_absent ? say("not in this run: ") : say("not measurable here: "), out);
		words_record(out, c->why);
	}
}

static void claims(struct doc *d, const struct question *q)
{
	static const char *const heads[] = {SAID("claim"), SAID("measured"), SAID("verdict")};

	doc_say(d, "What is claimed, and could have been refuted. The intervals hold together at 95 %%; a claim is "
		   "supported "
		   "or refuted where its whole interval is on one side.");
	doc_table(d, true);
	CONTENT_HEADS(d, heads);
	for (size_t i = 0; i < q->n_claims; i++) {
		const struct claim *c = &q->claims[i];

		doc_row(d, false);
		question_say(d->text, q, question_text(c->json, lang()));
		doc_cell(d, CELL_PLAIN);
		question_value(d->text, c->value);
		doc_cell(d, c->value->est.n ? CELL_NUMBER : CELL_MISSING);
		put_verdict(d->text, c);
		doc_cell(d, CELL_PLAIN);
	}
	doc_table(d, false);
}

/* The question's own figure of this number, counted from 1. */
static const struct plot *find_own_plot(const struct report *r, const struct question *q, size_t number)
{
	char id[60];

	snprintf(id, sizeof(id), "%s_values_%zu%s", q->id, number, say_suffix());
	for (size_t i = 0; i < r->n_plots; i++)
		if (strcmp(r->plots[i].id, id) == 0)
			return &r->plots[i];
	return NULL;
}

/* The figure of a workload along an axis, or (axis NULL) of its cells; the first of several. */
static const struct plot *find_plot(const struct report *r, const json_t *figure)
{
	const char *workload = field_text(figure, "workload", ""), *axis = field_text(figure, "axis", NULL);
	char part[80];

	snprintf(part, sizeof(part), axis ? "_by_%s_" : "_cells", axis);
	for (size_t i = 0; i < r->n_plots; i++)
		if (strcmp(r->plots[i].workload, workload) == 0 && strstr(r->plots[i].id, part))
			return &r->plots[i];
	return NULL;
}

/* Once more on the page: a name of its own for what an SVG calls its parts. */
static void figures(struct doc *d, const struct report *r, const struct question *q)
{
	const json_t *figure;
	size_t i;

	json_array_foreach (json_object_get(q->json, "figures"), i, figure) {
		const struct plot *p =
			json_object_get(figure, "title") ? find_own_plot(r, q, i + 1) : find_plot(r, figure);
		struct plot copy;

		if (!p)
			continue;
		if (json_object_get(figure, "title")) { /* it stands here alone */
			doc_figure(d, p);
			continue;
		}
		copy = *p;
		snprintf(copy.id, sizeof(copy.id), "%s_%.140s", q->id, p->id);
		doc_figure(d, &copy);
	}
}

static void question(struct doc *d, const struct report *r, const struct question *q)
{
	const json_t *caveat;
	size_t i;

	put_title(d->text, q);
	doc_heading(d, 3, q->id);
	put_answer(d->text, q);
	say_doubt(d, q);
	doc_para(d, PARA_PLAIN);
	claims(d, q);
	figures(d, r, q);
	doc_say(d, "What could mislead you:");
	doc_para(d, PARA_PLAIN);
	doc_list(d, true);
	json_array_foreach (json_object_get(q->json, "caveats"), i, caveat) {
		question_say(d->text, q, question_text(caveat, lang()));
		doc_item(d);
	}
	doc_list(d, false);
	doc_say(d, "To ask it again:");
	doc_para(d, PARA_PLAIN);
	put_command(d->text, q);
	doc_para(d, PARA_CODE);
}

static void tally(struct doc *d, const struct report *r)
{
	static const char *const heads[] = {SAID("question"), SAID("supported"), SAID("refuted"), SAID("inconclusive"),
					    SAID("not measured")};
	static const enum claim_verdict columns[] = {CLAIM_SUPPORTED, CLAIM_REFUTED, CLAIM_INCONCLUSIVE,
						     CLAIM_UNMEASURED};

	doc_say(d, "Claims of each question. Of those that are true, one question in twenty may show one refuted by "
		   "chance.");
	doc_table(d, true);
	CONTENT_HEADS(d, heads);
	for (size_t i = 0; i < r->n_questions; i++) {
		const struct question *q = &r->questions[i];

		if (!q->is_answered)
			continue;
		doc_row(d, false);
		put_title(d->text, q);
		doc_cell(d, CELL_PLAIN);
		for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++) {
			size_t n = q->count[columns[k]];

			doc_say(d, n ? "%zu" : "–", n);
			doc_cell(d, n ? CELL_NUMBER : CELL_MISSING);
		}
	}
	doc_table(d, false);
}

static void unanswered(struct doc *d, const struct report *r)
{
	bool opened = false;

	for (size_t i = 0; i < r->n_questions; i++) {
		const struct question *q = &r->questions[i];

		if (q->is_answered)
			continue;
		if (!opened) {
			doc_say(d, "Not answered by this run, whose plan has not their cells (or not enough of them):");
			doc_para(d, PARA_PLAIN);
			doc_list(d, true);
		}
		opened = true;
		put_title(d->text, q);
		doc_say(d, " `");
		put_command(d->text, q);
		doc_say(d, "`");
		doc_item(d);
	}
	if (opened)
		doc_list(d, false);
}

void content_questions(struct doc *d, const struct report *r)
{
	bool any = false;

	if (r->questions_why[0]) {
		doc_say(d, "The questions are missing: ");
		words_record(d->text, r->questions_why);
		doc_say(d, ".");
		doc_para(d, PARA_NOTE);
	}
	if (r->n_questions == 0)
		return;
	doc_say(d, "Questions");
	doc_heading(d, 2, "questions");
	for (size_t i = 0; i < r->n_questions; i++)
		any |= r->questions[i].is_answered;
	if (any)
		tally(d, r);
	for (size_t i = 0; i < r->n_questions; i++)
		if (r->questions[i].is_answered)
			question(d, r, &r->questions[i]);
	unanswered(d, r);
}

/* ---- report.json ----------------------------------------------------------------------------------------------- */

/* What a function writes, as a string; null without memory. */
static json_t *text_json(void (*put)(FILE *out, const struct question *q), const struct question *q)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	json_t *o;

	if (!f)
		return json_null();
	put(f, q);
	fclose(f);
	o = json_string(text);
	free(text);
	return o ? o : json_null();
}

static json_t *value_json(const struct asked *a)
{
	const struct stats_estimate *e = &a->est;

	return json_pack("{s:s,s:s,s:i,s:o,s:o,s:o,s:o,s:s?}", "name", a->name, "unit", a->unit, "n", (int)e->n,
			 "median", json_number_or_null(e->median), "ci_low",
			 e->has_interval ? json_number_or_null(e->lo) : json_null(), "ci_high",
			 e->has_interval ? json_number_or_null(e->hi) : json_null(), "ci_level",
			 e->has_interval ? json_real(e->level) : json_null(), "why", a->why[0] ? a->why : NULL);
}

static json_t *claim_json(const struct question *q, const struct claim *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	json_t *o;

	if (f) {
		question_say(f, q, question_text(c->json, lang()));
		fclose(f);
	}
	o = json_pack("{s:s,s:s?,s:s,s:s,s:O,s:s,s:s?,s:o,s:o}", "id", c->id, "text", text, "value", c->value->name,
		      "is", field_text(c->json, "is", ""), "than", json_object_get(c->json, "than"), "verdict",
		      claim_verdict_name(c->verdict), "why", c->why[0] ? c->why : NULL, "half_width",
		      json_number_or_null(c->reach), "more_rounds_needed",
		      c->more_rounds ? json_integer((json_int_t)c->more_rounds) : json_null());
	free(text);
	return o;
}

json_t *questions_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_questions; i++) {
		const struct question *q = &r->questions[i];
		json_t *values = json_array(), *claimed = json_array();

		for (size_t k = 0; k < q->n_values; k++)
			json_array_append_new(values, value_json(&q->values[k]));
		for (size_t k = 0; k < q->n_claims; k++)
			json_array_append_new(claimed, claim_json(q, &q->claims[k]));
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:b,s:o,s:o,s:o,s:o}", "id", q->id, "slug",
						      field_text(q->json, "slug", ""), "question",
						      question_text(json_object_get(q->json, "question"), lang()),
						      "answered", q->is_answered, "answer",
						      q->is_answered ? text_json(put_answer, q) : json_null(), "values",
						      values, "claims", claimed, "command", text_json(put_command, q)));
	}
	return list;
}
