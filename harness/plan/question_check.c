/*
 * question_check.c - what can be wrong with a question file, in one sentence each (question_file.h).
 *
 * Two passes. The shape comes before expanding: unknown keys, missing texts, expressions that are none. The sense comes
 * after it, when all names are gone: claims about values that nobody defined, sentences that wait for a verdict that no claim
 * can have, placeholders that nothing fills, a ratio whose base can be 0 or less.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/question_internal.h"

static const char *const languages[] = {QUESTION_EN, QUESTION_ZH};
enum { LANGUAGES = sizeof languages / sizeof *languages };
enum { USL_LEVELS = 6 }; /* as harness/stats/usl.h, which is of the report's side; a test holds them together */

static bool is_among(const char *const *known, const char *word)
{
	while (*known && strcmp(*known, word) != 0)
		known++;
	return *known;
}

static int check_keys(const json_t *object, const char *const *known, const char *name, const char *where,
		      struct err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return err_set(err, -EINVAL, "%s: %s is not an object", name, where);
	json_object_foreach ((json_t *)object, key, value)
		if (!is_among(known, key))
			return err_set(err, -EINVAL, "%s: %s has an unknown key '%.40s'", name, where, key);
	return 0;
}

static int check_texts(const json_t *object, const char *name, const char *where, struct err *err)
{
	for (size_t i = 0; i < LANGUAGES; i++)
		if (!*question_text(object, languages[i]))
			return err_set(err, -EINVAL, "%s: %s has no text in '%s'", name, where, languages[i]);
	return 0;
}

/* ---- the shape ------------------------------------------------------------------------------------------- */

static int check_expr(const json_t *expr, const char *name, const char *where, struct err *err);

static int check_leaf(const json_t *leaf, const char *name, const char *where, struct err *err)
{
	static const char *const keys[] = {"at", "subject", "quantity", NULL};
	const char *quantity = jsonx_str(leaf, "quantity"), *rest;
	int rc = check_keys(leaf, keys, name, where, err);

	if (rc)
		return rc;
	if (!jsonx_str(leaf, "at") || !jsonx_str(leaf, "subject"))
		return err_set(err, -EINVAL, "%s: %s: a series needs 'at' and 'subject'", name, where);
	if (quantity && question_quantity(quantity, &rest) == ASK_NONE)
		return err_set(err, -EINVAL, "%s: %s: there is no quantity '%.40s'", name, where, quantity);
	return 0;
}

/* What stands along a parameter: its name and the values at which the rest is taken, three or more that rise. */
static int check_axis(const json_t *expr, const char *name, const char *where, struct err *err)
{
	const json_t *values = json_object_get(expr, "values"), *v;
	json_int_t last = 0;
	size_t i;

	if (!jsonx_str(expr, "along") || json_array_size(values) < 3)
		return err_set(err, -EINVAL, "%s: %s: along is a parameter, values three numbers or more", name, where);
	json_array_foreach (values, i, v) {
		if (!json_is_integer(v) || json_integer_value(v) <= last)
			return err_set(err, -EINVAL, "%s: %s: values are whole numbers that rise from above 0", name,
				       where);
		last = json_integer_value(v);
	}
	return 0;
}

static int check_along(const json_t *expr, enum question_op op, const char *name, const char *where, struct err *err)
{
	static const char *const falls[] = {"falls_below", "along", "values", "of", NULL};
	static const char *const crosses[] = {"crosses", "along", "values", NULL};
	static const char *const fit[] = {"fit", "along", "values", "of", NULL};
	const json_t *both = json_object_get(expr, "crosses"), *kind = json_object_get(expr, "fit"), *part;
	size_t i;
	int rc = check_keys(expr, op == ASK_FALLS_BELOW ? falls : op == ASK_FIT ? fit : crosses, name, where, err);

	if (rc == 0)
		rc = check_axis(expr, name, where, err);
	if (rc)
		return rc;
	if (op == ASK_FALLS_BELOW && !json_is_number(json_object_get(expr, "falls_below")))
		return err_set(err, -EINVAL, "%s: %s: falls_below is a number", name, where);
	if (op == ASK_FIT && (!json_is_string(kind) || question_fit(json_string_value(kind)) == FIT_NONE))
		return err_set(err, -EINVAL, "%s: %s: fit is one of slope, usl_contention, usl_coherency, usl_peak",
			       name, where);
	if (op == ASK_FIT && question_fit(json_string_value(kind)) != FIT_SLOPE &&
	    json_array_size(json_object_get(expr, "values")) < USL_LEVELS)
		return err_set(err, -EINVAL, "%s: %s: a law of scalability takes %d values at least", name, where,
			       USL_LEVELS);
	if (op != ASK_CROSSES)
		return check_expr(json_object_get(expr, "of"), name, where, err);
	if (json_array_size(both) != 2)
		return err_set(err, -EINVAL, "%s: %s: crosses is a list of two", name, where);
	json_array_foreach (both, i, part)
		if (rc == 0)
			rc = check_expr(part, name, where, err);
	return rc;
}

static int check_expr(const json_t *expr, const char *name, const char *where, struct err *err)
{
	const json_t *args, *part;
	enum question_op op = question_op(expr, &args);
	size_t i, n = json_array_size(args);
	int rc = 0;

	if (json_is_string(expr) || op == ASK_NUMBER)
		return 0;
	if (op == ASK_LEAF)
		return check_leaf(expr, name, where, err);
	if (op == ASK_FALLS_BELOW || op == ASK_CROSSES || op == ASK_FIT)
		return check_along(expr, op, name, where, err);
	if (op == ASK_PARAM && json_object_size(expr) == 1 && jsonx_str(expr, "param"))
		return 0;
	if (op == ASK_NO_OP || json_object_size(expr) != 1 || n < 2 ||
	    ((op == ASK_RATIO || op == ASK_DIFFERENCE) && n != 2))
		return err_set(
			err, -EINVAL,
			"%s: %s: not a number, a value's name, a series, or one of ratio, difference (of two), sum, "
			"product, most, param, falls_below, crosses, fit",
			name, where);
	json_array_foreach (args, i, part)
		if (rc == 0)
			rc = check_expr(part, name, where, err);
	return rc;
}

static int check_values(const json_t *q, const char *name, struct err *err)
{
	static const char *const keys[] = {"of", "unit", "label", NULL};
	static const char *const units[] = {"ns", "bytes", "x", "share", "count", "plain", NULL};
	const json_t *values = json_object_get(q, "values");
	const char *key;
	char where[120];
	json_t *value;
	int rc = 0;

	if (!json_is_object(values) || json_object_size(values) == 0)
		return err_set(err, -EINVAL, "%s: there are no values", name);
	json_object_foreach ((json_t *)values, key, value) {
		snprintf(where, sizeof where, "value %.60s", key);
		rc = check_keys(value, keys, name, where, err);
		if (rc == 0 && (!jsonx_str(value, "unit") || !is_among(units, jsonx_str(value, "unit"))))
			rc = err_set(err, -EINVAL, "%s: %s: unit is one of ns, bytes, x, share, count, plain", name,
				     where);
		if (rc == 0)
			rc = check_expr(json_object_get(value, "of"), name, where, err);
		if (rc == 0 && json_object_get(value, "label"))
			rc = check_texts(json_object_get(value, "label"), name, where, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_places(const json_t *q, const char *name, struct err *err)
{
	static const char *const keys[] = {"workload", "params", "placement", "workers", NULL};
	const char *key;
	char where[120];
	json_t *place;

	json_object_foreach (json_object_get(q, "places"), key, place) {
		int rc;

		snprintf(where, sizeof where, "place %.60s", key);
		rc = check_keys(place, keys, name, where, err);
		if (rc == 0 && !jsonx_str(place, "workload"))
			rc = err_set(err, -EINVAL, "%s: %s names no workload", name, where);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_lists(const json_t *q, const char *name, struct err *err)
{
	static const char *const lists[] = {"cells", "claims", "answer", "figures", "caveats"};

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (json_array_size(json_object_get(q, lists[i])) == 0)
			return err_set(err, -EINVAL, "%s: '%s' is no list, or an empty one", name, lists[i]);
	return 0;
}

/* A value that a figure of the question's own shows: it has the unit of the others. */
static int check_unit(const json_t *q, const json_t *shown, const char **unit, const char *name, struct err *err)
{
	const char *key = json_string_value(shown);
	const json_t *value = key ? json_object_get(json_object_get(q, "values"), key) : NULL;

	if (!value)
		return err_set(err, -EINVAL, "%s: a figure shows '%.60s', which is no value", name,
			       key ? key : "(no name)");
	if (*unit && strcmp(*unit, jsonx_str(value, "unit")) != 0)
		return err_set(err, -EINVAL, "%s: the values of a figure have several units: %.60s", name, key);
	*unit = jsonx_str(value, "unit");
	return 0;
}

/* One that has a row of its own has a label, too. */
static int check_shown(const json_t *q, const json_t *shown, const char **unit, const char *name, struct err *err)
{
	int rc = check_unit(q, shown, unit, name, err);

	if (rc == 0 &&
	    !json_object_get(json_object_get(json_object_get(q, "values"), json_string_value(shown)), "label"))
		rc = err_set(err, -EINVAL, "%s: a figure shows '%.60s', which is no value with a label", name,
			     json_string_value(shown));
	return rc;
}

/* Lines of [x, value], each of one model. */
static int check_lines(const json_t *q, const json_t *figure, const char *name, struct err *err)
{
	static const char *const keys[] = {"lines", "axis", "title", NULL};
	const json_t *line, *point;
	const char *unit = NULL;
	size_t i, k;
	int rc = check_keys(figure, keys, name, "a figure", err);

	if (rc == 0)
		rc = check_texts(json_object_get(figure, "title"), name, "a figure's title", err);
	if (rc == 0)
		rc = check_texts(json_object_get(figure, "axis"), name, "a figure's axis", err);
	if (rc == 0 && json_array_size(json_object_get(figure, "lines")) == 0)
		rc = err_set(err, -EINVAL, "%s: the lines of a figure are no list, or an empty one", name);
	json_array_foreach (json_object_get(figure, "lines"), i, line) {
		if (rc == 0 && json_array_size(line) < 2)
			rc = err_set(err, -EINVAL, "%s: a line of a figure has two points at least", name);
		json_array_foreach (line, k, point)
			if (rc == 0)
				rc = json_is_number(json_array_get(point, 0))
					     ? check_unit(q, json_array_get(point, 1), &unit, name, err)
					     : err_set(err, -EINVAL, "%s: a point of a line is [x, value]", name);
	}
	return rc;
}

/* Of the question's own values: rows of them, or a whole, its parts and the rest. */
static int check_own_figure(const json_t *q, const json_t *figure, const char *name, struct err *err)
{
	static const char *const row_keys[] = {"values", "title", NULL};
	static const char *const part_keys[] = {"parts", "whole", "rest", "title", NULL};
	bool has_rows = json_object_get(figure, "values") != NULL;
	const json_t *list = json_object_get(figure, has_rows ? "values" : "parts"), *shown;
	const char *unit = NULL;
	size_t i;
	int rc = check_keys(figure, has_rows ? row_keys : part_keys, name, "a figure", err);

	if (rc == 0)
		rc = check_texts(json_object_get(figure, "title"), name, "a figure's title", err);
	if (rc == 0 && json_array_size(list) < 2)
		rc = err_set(err, -EINVAL, "%s: a figure of values shows two at least", name);
	json_array_foreach (list, i, shown)
		if (rc == 0)
			rc = check_shown(q, shown, &unit, name, err);
	if (rc == 0 && !has_rows)
		rc = check_shown(q, json_object_get(figure, "whole"), &unit, name, err);
	if (rc == 0 && !has_rows)
		rc = check_shown(q, json_object_get(figure, "rest"), &unit, name, err);
	return rc;
}

static int check_figures(const json_t *q, const char *name, struct err *err)
{
	static const char *const keys[] = {"workload", "axis", NULL};
	const json_t *figure;
	size_t i;
	int rc = 0;

	json_array_foreach (json_object_get(q, "figures"), i, figure) {
		if (json_object_get(figure, "values") || json_object_get(figure, "parts")) {
			rc = check_own_figure(q, figure, name, err);
		} else if (json_object_get(figure, "lines")) {
			rc = check_lines(q, figure, name, err);
		} else {
			rc = check_keys(figure, keys, name, "a figure", err);
			if (rc == 0 && !jsonx_str(figure, "workload"))
				rc = err_set(err, -EINVAL, "%s: a figure names no workload", name);
		}
		if (rc)
			return rc;
	}
	return 0;
}

int question_check_shape(const json_t *q, const char *name, struct err *err)
{
	static const char *const keys[] = {"schema",    "id",       "slug",    "question", "headline", "cells",
					   "places",    "values",   "claims",  "answer",   "figures",  "caveats",
					   "region_ms", "budget_s", "comment", NULL};
	static const char *const topics[] = {"switches", "cache", NULL};
	const char *id = jsonx_str(q, "id"), *slug = jsonx_str(q, "slug"), *topic = jsonx_str(q, "headline");
	const char *schema = jsonx_str(q, "schema");
	int rc = check_keys(q, keys, name, "the file", err);

	if (rc)
		return rc;
	if (!schema || strcmp(schema, "switchyard.question/1") != 0)
		return err_set(err, -EINVAL, "%s is not of schema switchyard.question/1", name);
	if (!id || !slug || strlen(id) != 3 || !question_id_is(id) || strncmp(name, id, 3) != 0 || name[3] != '-' ||
	    strncmp(name + 4, slug, strlen(slug)) != 0 || strcmp(name + 4 + strlen(slug), ".json") != 0)
		return err_set(err, -EINVAL, "%s: a file is called ID-SLUG.json after its id and slug", name);
	if (topic && !is_among(topics, topic))
		return err_set(err, -EINVAL, "%s: headline is one of switches, cache", name);
	if ((rc = check_texts(json_object_get(q, "question"), name, "question", err)) != 0 ||
	    (rc = check_lists(q, name, err)) != 0 || (rc = check_places(q, name, err)) != 0 ||
	    (rc = check_values(q, name, err)) != 0)
		return rc;
	return check_figures(q, name, err);
}

/* ---- the sense ------------------------------------------------------------------------------------------- */

static void count_leaf(const json_t *leaf, void *arg)
{
	(void)leaf;
	++*(size_t *)arg;
}

/* Whether the expression can be 0 or less although everything that was measured is above: then it is no base. */
static bool has_difference(const json_t *expr)
{
	const json_t *args, *part;
	enum question_op op = question_op(expr, &args);
	size_t i;

	if (op == ASK_NUMBER)
		return json_number_value(expr) <= 0;
	if (op == ASK_DIFFERENCE || op == ASK_FIT) /* a line may fall */
		return true;
	if (op == ASK_CROSSES)
		return false;
	json_array_foreach (args, i, part)
		if (has_difference(part))
			return true;
	return false;
}

static bool has_bad_base(const json_t *expr)
{
	const json_t *args, *part;
	enum question_op op = question_op(expr, &args);
	size_t i;

	if (op == ASK_FALLS_BELOW || op == ASK_FIT)
		return has_bad_base(json_object_get(expr, "of"));
	if (op == ASK_RATIO && has_difference(json_array_get(args, 1)))
		return true;
	json_array_foreach (args, i, part)
		if (has_bad_base(part))
			return true;
	return false;
}

/* Whether something along a parameter holds another such, or a param stands where nothing gives it a value. */
static bool is_astray(const json_t *expr, const char *along)
{
	const json_t *args, *part;
	enum question_op op = question_op(expr, &args);
	size_t i;

	if (op == ASK_PARAM)
		return !along || strcmp(along, jsonx_str(expr, "param")) != 0;
	if (op == ASK_FALLS_BELOW || op == ASK_CROSSES || op == ASK_FIT) {
		if (along)
			return true;
		along = jsonx_str(expr, "along");
	}
	if (op == ASK_FALLS_BELOW || op == ASK_FIT)
		return is_astray(json_object_get(expr, "of"), along);
	json_array_foreach (args, i, part)
		if (is_astray(part, along))
			return true;
	return false;
}

static void note_simulated(const json_t *leaf, void *arg)
{
	const char *name;

	*(bool *)arg |= question_quantity(jsonx_str(leaf, "quantity"), &name) == ASK_SIMULATED;
}

static const json_t *claim_of(const json_t *q, const char *id)
{
	const json_t *claim;
	size_t i;

	json_array_foreach (json_object_get(q, "claims"), i, claim)
		if (jsonx_str(claim, "id") && strcmp(jsonx_str(claim, "id"), id) == 0)
			return claim;
	return NULL;
}

/* Every {...} of a text: a value, a value's median, or the limit of a claim. */
static int check_placeholders(const json_t *q, const char *text, const char *name, struct err *err)
{
	for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
		size_t n = strcspn(p, "}");
		char word[80], *dot;
		bool known;

		snprintf(word, sizeof word, "%.*s", (int)(n - 1), p + 1);
		dot = strchr(word, '.');
		if (dot && strcmp(dot, ".median") == 0)
			*dot = '\0';
		known = strncmp(word, "than.", 5) == 0 ? claim_of(q, word + 5) != NULL
						       : json_object_get(json_object_get(q, "values"), word) != NULL;
		if (p[n] != '}' || !known)
			return err_set(err, -EINVAL, "%s: nothing fills {%.60s} in \"%.40s...\"", name, word, text);
	}
	return 0;
}

/* Whether every {...} of a text stands in the other one, too. */
static bool tells_as_much(const char *text, const char *other)
{
	for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
		char word[80];

		snprintf(word, sizeof word, "%.*s", (int)strcspn(p, "}") + 1, p);
		if (!strstr(other, word))
			return false;
	}
	return true;
}

/* No language may say what another one keeps from its readers. */
static int check_alike(const json_t *object, const char *name, const char *where, struct err *err)
{
	const char *en = question_text(object, QUESTION_EN), *zh = question_text(object, QUESTION_ZH);

	if (tells_as_much(en, zh) && tells_as_much(zh, en))
		return 0;
	return err_set(err, -EINVAL, "%s: %s tells other values in '%s' than in '%s': \"%.40s...\"", name, where,
		       QUESTION_EN, QUESTION_ZH, en);
}

static int check_filled(const json_t *q, const json_t *object, const char *name, const char *where, struct err *err)
{
	int rc = check_texts(object, name, where, err);

	for (size_t i = 0; i < LANGUAGES && rc == 0; i++)
		rc = check_placeholders(q, question_text(object, languages[i]), name, err);
	return rc ? rc : check_alike(object, name, where, err);
}

static int check_claim(const json_t *q, const json_t *claim, const char *name, struct err *err)
{
	static const char *const keys[] = {"id", "en", "zh", "value", "is", "than", NULL};
	static const char *const comparators[] = {"<", ">", "within", NULL};
	const char *id = jsonx_str(claim, "id"), *value = jsonx_str(claim, "value"), *is = jsonx_str(claim, "is");
	const json_t *than = json_object_get(claim, "than"),
		     *defined = value ? json_object_get(json_object_get(q, "values"), value) : NULL;
	char where[120];
	bool is_range = is && strcmp(is, "within") == 0, is_simulated = false;
	int rc;

	snprintf(where, sizeof where, "claim %.60s", id ? id : "(no id)");
	rc = check_keys(claim, keys, name, where, err);
	if (rc)
		return rc;
	if (!id || claim_of(q, id) != claim)
		return err_set(err, -EINVAL, "%s: %s: an id is missing, or two claims have the same", name, where);
	if (!defined)
		return err_set(err, -EINVAL, "%s: %s is about '%.40s', which is no value", name, where,
			       value ? value : "(no value)");
	question_leaves(json_object_get(defined, "of"), note_simulated, &is_simulated);
	if (is_simulated)
		return err_set(err, -EINVAL, "%s: %s: what is simulated can be told, and not claimed", name, where);
	if (!is || !is_among(comparators, is))
		return err_set(err, -EINVAL, "%s: %s: 'is' is one of <, >, within", name, where);
	if (is_range ? json_array_size(than) != 2 || !(json_number_value(json_array_get(than, 0)) <
						       json_number_value(json_array_get(than, 1)))
		     : !json_is_number(than))
		return err_set(err, -EINVAL, "%s: %s: 'than' is a number, or [least, most] of within", name, where);
	return check_filled(q, claim, name, where, err);
}

static bool is_verdict(const json_t *word)
{
	static const char *const verdicts[] = {"supported", "refuted", "inconclusive", "unmeasured", NULL};

	return json_is_string(word) && is_among(verdicts, json_string_value(word));
}

static int check_when(const json_t *q, const json_t *when, const char *name, struct err *err)
{
	const char *id;
	json_t *wanted, *word;
	size_t i;

	if (!json_is_object(when) || json_object_size(when) == 0)
		return err_set(err, -EINVAL, "%s: 'when' is not an object of claims and verdicts", name);
	json_object_foreach ((json_t *)when, id, wanted) {
		bool good = is_verdict(wanted) || json_array_size(wanted) > 0;

		json_array_foreach (wanted, i, word)
			good &= is_verdict(word);
		if (!claim_of(q, id) || !good)
			return err_set(
				err, -EINVAL,
				"%s: when '%.40s': no such claim, or no verdict (supported, refuted, inconclusive, "
				"unmeasured)",
				name, id);
	}
	return 0;
}

/* Sentences, each a list of alternatives: the first that holds is said, so only the last may be without condition. */
static int check_answer(const json_t *q, const char *name, struct err *err)
{
	static const char *const keys[] = {"when", "en", "zh", NULL};
	const json_t *sentence, *choice;
	size_t i, j;

	json_array_foreach (json_object_get(q, "answer"), i, sentence) {
		size_t n = json_array_size(sentence);

		if (n == 0)
			return err_set(err, -EINVAL, "%s: a sentence of the answer is no list of alternatives", name);
		json_array_foreach (sentence, j, choice) {
			const json_t *when = json_object_get(choice, "when");
			int rc = check_keys(choice, keys, name, "an alternative of the answer", err);

			if (rc == 0 && (j + 1 < n) != (when != NULL))
				rc = err_set(err, -EINVAL,
					     "%s: of a sentence's alternatives the last alone has no 'when'", name);
			if (rc == 0 && when)
				rc = check_when(q, when, name, err);
			if (rc == 0)
				rc = check_filled(q, choice, name, "an alternative of the answer", err);
			if (rc)
				return rc;
		}
	}
	return 0;
}

int question_check_sense(const json_t *q, const char *name, struct err *err)
{
	const json_t *claim, *caveat;
	const char *key;
	json_t *value;
	size_t i;
	int rc = 0;

	json_object_foreach (json_object_get(q, "values"), key, value) {
		size_t leaves = 0;

		question_leaves(json_object_get(value, "of"), count_leaf, &leaves);
		if (leaves == 0)
			return err_set(err, -EINVAL, "%s: value %.60s measures nothing", name, key);
		if (is_astray(json_object_get(value, "of"), NULL))
			return err_set(err, -EINVAL,
				       "%s: value %.60s: something along a parameter holds no other such, and a param "
				       "stands within something along it",
				       name, key);
		if (has_bad_base(json_object_get(value, "of")))
			return err_set(
				err, -EINVAL,
				"%s: value %.60s: the base of a ratio must not be a difference, nor 0: ask for the "
				"difference of products instead",
				name, key);
	}
	json_array_foreach (json_object_get(q, "claims"), i, claim)
		if (rc == 0)
			rc = check_claim(q, claim, name, err);
	if (rc == 0)
		rc = check_answer(q, name, err);
	json_array_foreach (json_object_get(q, "caveats"), i, caveat)
		if (rc == 0)
			rc = check_filled(q, caveat, name, "a caveat", err);
	return rc;
}
