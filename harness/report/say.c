/*
 * say.c - the catalogue, sorted at its first use, and the matching of texts that were composed from its formats (say.h).
 *
 * A record's text is tried in this order: as a whole; as what a format with conversions made (of several that fit, the one with
 * the most letters of its own, so that "%s: %s" never hides a longer one), none of whose arguments goes on behind a "; "; as
 * sentences joined by "; "; as a head before ": ".
 * What a conversion stood for is translated in its turn, for reasons quote reasons.
 */
#include "harness/report/say.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define T(english, chinese) {english, chinese},
static const struct phrase {
	const char *english, *chinese;
} phrases[] = {
#include "harness/report/lang/zh_page.def"
#include "harness/report/lang/zh_records.def"
#include "harness/report/lang/zh_workloads.def"
};
#undef T
enum { PHRASES = sizeof(phrases) / sizeof(phrases[0]), ARGS_MOST = 9, DEEPEST = 4 };
enum { STEPS_MOST = 5000 }; /* of one format against one text: no record may keep a report busy */

static enum say_language current;
static const struct phrase *sorted[PHRASES];
/* Those with conversions, the one with the most letters of its own first: the first that fits is the one. */
static struct format {
	const struct phrase *phrase;
	size_t own;
} formats[PHRASES];
static size_t n_formats;

static int by_english(const void *a, const void *b)
{
	return strcmp((*(const struct phrase *const *)a)->english, (*(const struct phrase *const *)b)->english);
}

static int by_own(const void *a, const void *b)
{
	const struct format *x = a, *y = b;

	if (x->own != y->own)
		return x->own > y->own ? -1 : 1;
	return x->phrase < y->phrase ? -1 : 1;
}

static size_t own_bytes(const char *format);

static void sort_phrases(void)
{
	for (size_t i = 0; i < PHRASES; i++) {
		size_t own = own_bytes(phrases[i].english);

		sorted[i] = &phrases[i];
		if (own)
			formats[n_formats++] = (struct format){&phrases[i], own};
	}
	qsort(sorted, PHRASES, sizeof(*sorted), by_english);
	qsort(formats, n_formats, sizeof(*formats), by_own);
}

static const struct phrase *find(const char *english)
{
	struct phrase key = {english, NULL};
	const struct phrase *at = &key, **hit;

	if (!sorted[0])
		sort_phrases();
	hit = bsearch(&at, sorted, PHRASES, sizeof(*sorted), by_english);
	return hit ? *hit : NULL;
}

void say_in(enum say_language language)
{
	current = language;
}

enum say_language say_language(void)
{
	return current;
}

const char *say_suffix(void)
{
	return current == SAY_CHINESE ? "_zh" : "";
}

const char *say(const char *english)
{
	const struct phrase *p = current == SAY_CHINESE ? find(english) : NULL;

	return p ? p->chinese : english;
}

/* ---- texts that were composed -------------------------------------------------------------------------------- */

struct match {
	const char *from[ARGS_MOST];
	size_t n[ARGS_MOST], count, steps;
};

/*
 * The end of the conversion that begins at p, and its letter; NULL: none begins there. "5 % of" is none: a blank is no flag
 * here, because texts that are no formats are in the catalogue, too.
 */
static const char *conversion(const char *p, char *letter)
{
	if (*p != '%')
		return NULL;
	p++;
	p += strspn(p, "-+#0123456789.*$");
	p += strspn(p, "hlzjt");
	*letter = *p;
	return *p && strchr("diuxXfgeGsc", *p) ? p + 1 : NULL;
}

/* Past one character of a format that is its own. */
static const char *own_next(const char *format)
{
	return format + (format[0] == '%' && format[1] == '%' ? 2 : 1);
}

/* Whether a character may stand where this conversion was. */
static bool fits(char letter, char c)
{
	if (letter == 's')
		return true;
	return isdigit((unsigned char)c) || strchr(letter == 'f' || letter == 'g' ? "+-.einfa" : "+-", c);
}

/* The text against the format from here on; the shortest that fits each conversion. */
static bool matches(const char *format, const char *text, struct match *m)
{
	const size_t nth = m->count;
	const char *next;
	char letter;

	while (*format && !conversion(format, &letter)) {
		if (*text++ != *format)
			return false;
		format = own_next(format);
	}
	if (!*format)
		return !*text;
	next = conversion(format, &letter);
	if (nth == ARGS_MOST)
		return false;
	for (size_t n = 0;; n++) {
		if (++m->steps > STEPS_MOST)
			return false;
		m->from[nth] = text;
		m->n[nth] = n;
		m->count = nth + 1;
		if ((n > 0 || letter == 's') && matches(next, text + n, m))
			return true;
		if (!text[n] || !fits(letter, text[n]) || strncmp(text + n, "; ", 2) == 0)
			break;
	}
	m->count = nth;
	return false;
}

/* The bytes of a format that are its own; 0: it has no conversion, or not two letters in a row to be known by. */
static size_t own_bytes(const char *format)
{
	size_t n = 0, letters = 0, most = 0;
	bool converts = false;
	char letter;

	while (*format) {
		const char *next = conversion(format, &letter);

		if (next) {
			format = next;
			converts = true;
			letters = 0;
			continue;
		}
		letters = isalpha((unsigned char)*format) ? letters + 1 : 0;
		most = letters > most ? letters : most;
		format = own_next(format);
		n++;
	}
	return converts && most >= 2 ? n : 0;
}

/* Whether anything of it was translated; else it is written as it is. */
static bool put_record(FILE *out, const char *text, size_t n, int depth);

/* The Chinese format, with what was matched where its conversions are. */
static void put_matched(FILE *out, const char *chinese, const struct match *m, int depth)
{
	size_t nth = 0;

	while (*chinese) {
		const char *p = chinese, *end;
		size_t at = nth;
		char letter;

		end = conversion(p, &letter);
		chinese = end ? end : own_next(p);
		if (!end) {
			fputc(*p, out);
			continue;
		}
		if (isdigit((unsigned char)p[1]) && p[2] == '$')
			at = (size_t)(p[1] - '1');
		nth++;
		if (at >= m->count ||
		    (end - p > 3 && memcmp(end - 3, ".0s", 3) == 0)) /* a plural's s, of which Chinese has no use */
			continue;
		if (letter == 's')
			put_record(out, m->from[at], m->n[at], depth + 1);
		else
			fprintf(out, "%.*s", (int)m->n[at], m->from[at]);
	}
}

static bool put_composed(FILE *out, const char *text, int depth)
{
	struct match m;

	for (size_t i = 0; i < n_formats; i++) {
		m.count = m.steps = 0;
		if (matches(formats[i].phrase->english, text, &m)) {
			put_matched(out, formats[i].phrase->chinese, &m, depth);
			return true;
		}
	}
	return false;
}

/* Two parts with their own joint between them; nothing where neither has a translation: prose has such joints, too. */
static bool put_parts(FILE *out, const char *text, const char *joint, int depth)
{
	const char *at = strstr(text, joint);
	char *parts = NULL;
	size_t size;
	FILE *f = at ? open_memstream(&parts, &size) : NULL;
	bool is_said;

	if (!f)
		return false;
	is_said = put_record(f, text, (size_t)(at - text), depth + 1);
	fputs(say(joint), f);
	is_said |= put_record(f, at + strlen(joint), strlen(at + strlen(joint)), depth + 1);
	is_said &= fclose(f) == 0;
	if (is_said)
		fputs(parts, out);
	free(parts);
	return is_said;
}

static bool put_record(FILE *out, const char *text, size_t n, int depth)
{
	char *copy = strndup(text, n);
	const struct phrase *p = copy ? find(copy) : NULL;
	bool is_said = p && own_bytes(copy) == 0;

	if (is_said)
		fputs(p->chinese, out);
	else if (copy && depth <= DEEPEST)
		is_said = put_composed(out, copy, depth) || put_parts(out, copy, "; ", depth) ||
			  put_parts(out, copy, ": ", depth);
	if (!is_said)
		fwrite(text, 1, n, out);
	free(copy);
	return is_said;
}

char *say_record(const char *english)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	if (current == SAY_ENGLISH)
		return strdup(english);
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	put_record(out, english, strlen(english), 0);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
