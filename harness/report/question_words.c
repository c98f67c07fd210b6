/*
 * question_words.c - values, verdicts and sentences of questions as a reader sees them (contract: question.h).
 */
#include <math.h>
#include <string.h>

#include "harness/plan/question_file.h"
#include "harness/report/question.h"
#include "harness/report/say.h"
#include "harness/report/words.h"

const char *claim_verdict_name(enum claim_verdict v)
{
	static const char *const names[] = {"unmeasured", SAID("supported"), SAID("refuted"), SAID("inconclusive")};

	return names[v];
}

static bool is_wanted(const json_t *wanted, const char *verdict)
{
	json_t *word;
	size_t i;

	if (json_is_string(wanted))
		return strcmp(json_string_value(wanted), verdict) == 0;
	json_array_foreach (wanted, i, word)
		if (strcmp(json_string_value(word), verdict) == 0)
			return true;
	return false;
}

static const struct claim *claim_named(const struct question *q, const char *id)
{
	for (size_t i = 0; i < q->n_claims; i++)
		if (strcmp(q->claims[i].id, id) == 0)
			return &q->claims[i];
	return NULL;
}

static bool holds(const struct question *q, const json_t *when)
{
	const char *id;
	json_t *wanted;

	json_object_foreach ((json_t *)when, id, wanted)
		if (!is_wanted(wanted, claim_verdict_name(claim_named(q, id)->verdict)))
			return false;
	return true;
}

/* The word of the placeholder that begins at p ("{word}"), and where it ends; NULL: none begins there. */
static const char *placeholder(const char *p, char word[80])
{
	size_t n = strcspn(p, "}");

	if (*p != '{' || p[n] != '}' || n >= 80)
		return NULL;
	snprintf(word, 80, "%.*s", (int)(n - 1), p + 1);
	return p + n;
}

/* The value that a placeholder is about; NULL: it is a limit's, which is always known. */
static const struct asked *value_meant(const struct question *q, const char *word)
{
	char name[80];

	if (strncmp(word, "than.", 5) == 0)
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "."), word);
	return question_asked(q, name);
}

/* All that the text tells was measured. */
static bool is_sayable(const struct question *q, const char *text)
{
	char word[80];

	for (const char *p = text; *p; p++) {
		const struct asked *a = placeholder(p, word) ? value_meant(q, word) : NULL;

		if (a && a->est.n == 0)
			return false;
	}
	return true;
}

const json_t *question_sentence(const struct question *q, size_t i)
{
	const json_t *choice, *sentence = json_array_get(json_object_get(q->json, "answer"), i);
	size_t j;

	json_array_foreach (sentence, j, choice)
		if (holds(q, json_object_get(choice, "when")) && is_sayable(q, question_text(choice, QUESTION_EN)) &&
		    is_sayable(q, question_text(choice, QUESTION_ZH)))
			return choice;
	return NULL;
}

static enum unit unit_of(const char *unit)
{
	return strcmp(unit, "ns") == 0      ? UNIT_NS
	       : strcmp(unit, "bytes") == 0 ? UNIT_BYTES
	       : strcmp(unit, "count") == 0 ? UNIT_COUNT
					    : UNIT_PLAIN;
}

void question_number(FILE *out, double v, const char *unit)
{
	bool is_share = strcmp(unit, "share") == 0;
	char text[64];

	if (isinf(v))
		fputs(v > 0 ? "∞" : "-∞", out);
	else if (strcmp(unit, "x") == 0 && v > 0) {
		words_ratio(text, sizeof(text), v);
		fprintf(out, "%sx", text);
	} else {
		words_number(text, sizeof(text), is_share ? v * 100 : v, unit_of(unit));
		fprintf(out, "%s%s", text, is_share ? " %" : "");
	}
}

void question_median(FILE *out, const struct asked *a)
{
	question_number(out, a->est.median, a->unit);
}

static void put_bounds(FILE *out, const struct asked *a)
{
	question_number(out, a->est.median, a->unit);
	fputs(" [", out);
	question_number(out, a->est.lo, a->unit);
	fputs(", ", out);
	question_number(out, a->est.hi, a->unit);
	fputc(']', out);
}

void question_value(FILE *out, const struct asked *a)
{
	const struct stats_estimate *e = &a->est;
	struct stats_estimate scaled = *e;
	bool is_share = strcmp(a->unit, "share") == 0;
	char text[120];
	const char *bounds;

	if (e->n == 0) {
		fputs(say("not measured"), out);
	} else if (a->is_simulated) {
		question_number(out, e->median, a->unit);
		fputs(say(" (simulated)"), out);
	} else if (!e->has_interval) {
		question_number(out, e->median, a->unit);
		fprintf(out, say(" (%zu round%s: no interval)"), e->n, e->n == 1 ? "" : "s");
	} else if (isinf(e->median) || isinf(e->lo) || isinf(e->hi) || strcmp(a->unit, "x") == 0) {
		put_bounds(out, a);
	} else {
		scaled.median *= is_share ? 100 : 1;
		scaled.lo *= is_share ? 100 : 1;
		scaled.hi *= is_share ? 100 : 1;
		words_value(text, sizeof(text), &scaled, unit_of(a->unit));
		bounds = strstr(text, " [");
		fprintf(out, "%.*s%s%s", (int)(bounds ? (size_t)(bounds - text) : strlen(text)), text,
			is_share ? " %" : "", bounds ? bounds : "");
	}
}

/* A limit is exact: as it stands in the file, in its value's unit. */
static void put_one_limit(FILE *out, double v, const char *unit)
{
	if (strcmp(unit, "ns") == 0 || strcmp(unit, "bytes") == 0)
		question_number(out, v, unit);
	else if (strcmp(unit, "share") == 0)
		fprintf(out, "%g %%", v * 100);
	else
		fprintf(out, "%g%s", v, strcmp(unit, "x") == 0 ? "x" : "");
}

static void put_limit(FILE *out, const struct claim *c)
{
	const json_t *than = json_object_get(c->json, "than");

	if (json_is_array(than)) {
		put_one_limit(out, json_number_value(json_array_get(than, 0)), c->value->unit);
		fputs(say(" to "), out);
		than = json_array_get(than, 1);
	}
	put_one_limit(out, json_number_value(than), c->value->unit);
}

/* {name}, {name.median}, {than.claim}: all of them exist, question_check.c has seen to it. */
static void put_filled(FILE *out, const struct question *q, const char *word)
{
	const struct asked *a = value_meant(q, word);

	if (!a)
		put_limit(out, claim_named(q, word + strlen("than.")));
	else if (strchr(word, '.'))
		question_median(out, a);
	else
		question_value(out, a);
}

void question_say(FILE *out, const struct question *q, const char *text)
{
	char word[80];

	for (const char *p = text; *p; p++) {
		const char *end = placeholder(p, word);

		if (end)
			put_filled(out, q, word);
		else
			fputc(*p, out);
		p = end ? end : p;
	}
}
