/*
 * mutate.c - from a valid input to one that is nearly so.
 *
 * Random bytes end at the first check of a parser; what reaches the code behind it is a valid input with one thing wrong. So
 * most steps work on what an input is made of - a JSON value of another kind, a key that is missing, a number at the edge of
 * its type - and some on bytes, so that the parsers have their share. A step may do nothing: the next one does.
 *
 * Rejected: a grammar per target. It would have to be kept in step with each format; the corpus is the grammar.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"

enum { MAX_SLOTS = 2000, MAX_DEPTH = 2100 /* a little more than jansson's parser takes */ };

enum { SELDOM = 30 }; /* what makes an input long comes once in so many times: it takes as long as all the others */

struct buf {
	uint8_t *at;
	size_t n; /* at most FUZZ_MAX */
};

static const char *const numbers[] = {
	"0",
	"-1",
	"1",
	"2147483647",
	"2147483648",
	"-2147483649",
	"65535",
	"65536",
	"4294967295",
	"4294967296",
	"9007199254740993",
	"9223372036854775807",
	"1e308",
	"-1e308",
	"1e-320",
	"-9223372036854775808",
	"18446744073709551615",
	"9223372036854775808",
	"0.1",
	"-0.0",
	"1e19",
	"99999999999999999999",
	"1e400",
	"NaN",
	"0x7f",
	"1000000007",
	"4096",
	"-",
	"007",
	"1e",
};

/* Texts that mean something to one reader or another. */
static const char *const words[] = {
	"",
	"\n",
	"\r\n",
	"\r\n\r\n",
	"\xff\xfe",
	"\xc3",
	"\xed\xa0\x80",
	"\xf4\x90\x80\x80",
	"\\u0000",
	"\\ud800",
	"%s%n",
	"%d",
	"/",
	"../",
	"\"",
	"{",
	"}",
	"[",
	"]",
	",",
	":",
	"null",
	"true",
	"(",
	")",
	" OR ",
	"NOT ",
	"-",
	"/a|b*/",
	"{1,255}",
	"\\",
	"\t",
	"+",
	"=",
	";",
	"'",
	"<&>",
	" - ",
	"cpu0 1 1 1 1 1 1 1 1\n",
	"0::/../..\n",
	"\xf0\x9f\x98\x80",
};

static const char *pick(struct rng *r, const char *const *list, size_t n)
{
	return list[rng_below(r, n)];
}
#define PICK(r, list) pick(r, list, sizeof(list) / sizeof(*(list)))

/* Replace [from, from + gone) by n bytes; false when there is no room for them. */
static bool replace(struct buf *b, size_t from, size_t gone, const void *by, size_t n)
{
	uint8_t *copy; /* `by` may lie in the buffer */

	if (b->n - gone + n > FUZZ_MAX)
		return false;
	copy = malloc(n + 1);
	if (!copy)
		return false;
	memcpy(copy, by, n);
	memmove(b->at + from + n, b->at + from + gone, b->n - from - gone);
	memcpy(b->at + from, copy, n);
	b->n = b->n - gone + n;
	free(copy);
	return true;
}

/* A piece of [0, n), more often short than long. */
static void choose_piece(struct rng *r, size_t n, size_t *from, size_t *len)
{
	size_t most = rng_below(r, 4) ? 16 : n;

	*from = n ? rng_below(r, n) : 0;
	*len = n ? 1 + rng_below(r, most ? most : 1) : 0;
	if (*len > n - *from)
		*len = n - *from;
}

/* ---- bytes ------------------------------------------------------------------------------------------------- */

static void step_bytes(struct rng *r, struct buf *b, const uint8_t *other, size_t n_other)
{
	static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, '\n', '\r', ' ', '"', '\\', '{', '[', '0', '-', 'e'};
	size_t from, len, at = b->n ? rng_below(r, b->n) : 0;

	choose_piece(r, b->n, &from, &len);
	switch (rng_below(r, 8)) {
	case 0:
		if (b->n)
			b->at[at] ^= (uint8_t)(1u << rng_below(r, 8));
		break;
	case 1:
		if (b->n)
			b->at[at] = odd[rng_below(r, sizeof odd)];
		break;
	case 2:
		replace(b, from, len, "", 0);
		break;
	case 3: /* again, and again */
		for (size_t i = 1 + rng_below(r, rng_below(r, SELDOM) ? 4 : 2000); i > 0 && len; i--)
			if (!replace(b, from, 0, b->at + from, len))
				break;
		break;
	case 4:
		b->n = at; /* as a kill leaves it */
		break;
	case 5:
		choose_piece(r, n_other, &from, &len);
		replace(b, at, 0, other + from, len);
		break;
	case 6: /* the one's beginning, the other's end */
		from = n_other ? rng_below(r, n_other) : 0;
		replace(b, at, b->n - at, other + from, n_other - from);
		break;
	default:
		replace(b, at, 0, &odd[rng_below(r, sizeof odd)], 1);
		break;
	}
}

/* ---- text -------------------------------------------------------------------------------------------------- */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static void change_number(struct rng *r, struct buf *b)
{
	size_t from = b->n ? rng_below(r, b->n) : 0, to;
	const char *by = PICK(r, numbers);

	while (from < b->n && !is_digit(b->at[from]))
		from++;
	for (to = from; to < b->n && is_digit(b->at[to]); to++)
		;
	if (from < to)
		replace(b, from, to - from, by, strlen(by));
}

/* The key at some "key": a second time, with another value. */
static void double_key(struct rng *r, struct buf *b)
{
	size_t colon = b->n ? rng_below(r, b->n) : 0, from;
	char text[300];

	while (colon < b->n && b->at[colon] != ':')
		colon++;
	if (colon >= b->n || colon < 2 || b->at[colon - 1] != '"')
		return;
	for (from = colon - 1; from > 0 && b->at[from - 1] != '"'; from--)
		;
	if (from == 0)
		return;
	snprintf(text, sizeof text, "%.*s:%s,", (int)(colon - from + 1), (char *)b->at + from - 1, PICK(r, numbers));
	replace(b, from - 1, 0, text, strlen(text));
}

/* Where a random line begins, and its length without its end. */
static void choose_line(struct rng *r, const struct buf *b, size_t *from, size_t *len)
{
	size_t at = b->n ? rng_below(r, b->n) : 0;
	const uint8_t *end;

	while (at > 0 && b->at[at - 1] != '\n')
		at--;
	end = memchr(b->at + at, '\n', b->n - at);
	*from = at;
	*len = end ? (size_t)(end - b->at) - at : b->n - at;
}

static void step_text(struct rng *r, struct buf *b)
{
	const char *word = PICK(r, words);
	size_t from, len;

	choose_line(r, b, &from, &len);
	if (from + len < b->n)
		len++; /* with its end */
	switch (rng_below(r, 7)) {
	case 0:
	case 1:
		change_number(r, b);
		break;
	case 2:
		double_key(r, b);
		break;
	case 3:
		replace(b, b->n ? rng_below(r, b->n) : 0, 0, word, strlen(word));
		break;
	case 4:
		replace(b, from, len, "", 0);
		break;
	case 5:
		replace(b, from, 0, b->at + from, len);
		break;
	default: { /* a line to another place */
		size_t to;

		choose_line(r, b, &to, &(size_t){0});
		replace(b, to, 0, b->at + from, len);
		break;
	}
	}
}

/* ---- JSON -------------------------------------------------------------------------------------------------- */

/* A place that holds a value: a member of an object, or an element of an array. */
struct slot {
	json_t *parent;
	const char *key; /* the parent's; NULL: it is an array */
	size_t index;
};

static size_t collect(json_t *value, struct slot *slots, size_t n)
{
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach (value, key, child) {
			if (n < MAX_SLOTS)
				slots[n++] = (struct slot){.parent = value, .key = key};
			n = collect(child, slots, n);
		}
	} else if (json_is_array(value)) {
		json_array_foreach (value, i, child) {
			if (n < MAX_SLOTS)
				slots[n++] = (struct slot){.parent = value, .index = i};
			n = collect(child, slots, n);
		}
	}
	return n;
}

static json_t *get(const struct slot *s)
{
	return s->key ? json_object_get(s->parent, s->key) : json_array_get(s->parent, s->index);
}

static void put(const struct slot *s, json_t *value)
{
	if (s->key)
		json_object_set_new(s->parent, s->key, value);
	else
		json_array_set_new(s->parent, s->index, value);
}

static json_t *nest(struct rng *r, json_t *inner)
{
	bool lists = rng_below(r, 2);

	for (size_t i = 1 + rng_below(r, rng_below(r, SELDOM) ? 4 : MAX_DEPTH); i > 0; i--)
		inner = lists ? json_pack("[o]", inner) : json_pack("{s:o}", "name", inner);
	return inner;
}

static json_t *long_text(struct rng *r)
{
	size_t n = rng_below(r, rng_below(r, SELDOM) ? 600 : 70000);
	const char *unit = rng_below(r, 2) ? "\xc3\xa9" : "x";
	size_t unit_len = strlen(unit);
	char *text = xcalloc(n * unit_len + 1, 1);
	json_t *value;

	for (size_t i = 0; i < n * unit_len; i++)
		text[i] = unit[i % unit_len];
	value = json_string(text);
	free(text);
	return value;
}

static json_t *invent(struct rng *r)
{
	json_t *value;

	switch (rng_below(r, 9)) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(rng_below(r, 2));
	case 2:
	case 3:
		value = json_loads(PICK(r, numbers), JSON_DECODE_ANY, NULL);
		return value ? value : json_integer(0);
	case 4:
		return json_real(rng_unit(r));
	case 5:
		value = json_string(PICK(r, words));
		return value ? value : json_string("");
	case 6:
		return long_text(r);
	case 7:
		return json_array();
	default:
		return json_object();
	}
}

/* The element many times, or the member under many names. */
static void multiply(struct rng *r, const struct slot *s, json_t *value)
{
	size_t times = 1 + rng_below(r, rng_below(r, SELDOM) ? 8 : 3000);

	for (size_t i = 0; i < times; i++) {
		char name[40];

		snprintf(name, sizeof name, "n%zu", i);
		if (s->key)
			json_object_set(s->parent, name, value);
		else
			json_array_append(s->parent, value);
	}
}

static void change_slot(struct rng *r, const struct slot *s, const struct slot *from)
{
	json_t *value = get(s), *copy;
	const char *text = json_string_value(value);

	switch (rng_below(r, 8)) {
	case 0:
		if (s->key)
			json_object_del(s->parent, s->key);
		else
			json_array_remove(s->parent, s->index);
		break;
	case 1: /* as it is, elsewhere */
		put(s, json_deep_copy(get(from)));
		break;
	case 2:
		put(s, nest(r, json_incref(value)));
		break;
	case 3:
		copy = json_deep_copy(value);
		multiply(r, s, copy);
		json_decref(copy);
		break;
	case 4: /* a text that grows by a word */
		if (text)
			put(s, json_sprintf("%s%s", text, PICK(r, words)));
		break;
	case 5:
		if (s->key)
			json_object_set_new(s->parent, PICK(r, words), invent(r));
		break;
	default:
		put(s, invent(r));
		break;
	}
}

static void step_json(struct rng *r, struct buf *b, enum fuzz_form form)
{
	static struct slot slots[MAX_SLOTS];
	size_t from = 0, len = b->n, n;
	json_t *value;
	char *text;

	if (form == FUZZ_LINES)
		choose_line(r, b, &from, &len);
	value = json_loadb((char *)b->at + from, len, JSON_DECODE_ANY, NULL);
	n = value ? collect(value, slots, 0) : 0;
	if (n)
		change_slot(r, &slots[rng_below(r, n)], &slots[rng_below(r, n)]);
	text = n ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	if (text)
		replace(b, from, len, text, strlen(text));
	free(text);
	json_decref(value);
}

/* ---- the whole --------------------------------------------------------------------------------------------- */

size_t fuzz_mutate(struct rng *r, enum fuzz_form form, const uint8_t *in, size_t n, const uint8_t *other,
		   size_t n_other, uint8_t *out)
{
	struct buf b = {.at = out, .n = n < FUZZ_MAX ? n : FUZZ_MAX};

	if (b.n)
		memcpy(out, in, b.n);
	for (uint64_t i = 1 + rng_below(r, 4); i > 0; i--) {
		uint64_t way = rng_below(r, 6);

		if (form != FUZZ_TEXT && way < 4)
			step_json(r, &b, form);
		else if (way < 5 && (form != FUZZ_TEXT || way > 1))
			step_text(r, &b);
		else
			step_bytes(r, &b, other, n_other);
	}
	return b.n;
}
