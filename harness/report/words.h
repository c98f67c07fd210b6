/*
 * words.h - numbers and verdicts in words, the same on every page.
 *
 * Markup: strings for pages may contain `code`, **bold** and a backslash before a character that is meant literally.
 * Text from outside goes through words_plain() or words_code() first.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>
#include <stdio.h>

#include "harness/report/model.h"

enum unit { UNIT_NS, UNIT_BYTES, UNIT_RATE, UNIT_PLAIN, UNIT_COUNT, UNIT_SHARE };

enum unit words_unit(const struct cell *c); /* of the cell's metric */

/*
 * "41.2 ns [39.8, 44.1]". The last digit shown is a tenth of the interval's width, within two to four significant
 * digits: more would be noise, fewer would hide what was measured. Without interval: three digits, or as many as
 * asked.
 */
void words_value(char *buf, size_t size, const struct stats_estimate *e, enum unit unit);
/* The median alone, with the same digits. */
void words_median(char *buf, size_t size, const struct stats_estimate *e, enum unit unit);
/* A number without interval, three significant digits. */
void words_number(char *buf, size_t size, double value, enum unit unit);

/* A ratio: 1.004, 1.30, 14.2, 310. */
void words_ratio(char *buf, size_t size, double ratio);
/* The same, never rounded up: for "at least". */
void words_at_least(char *buf, size_t size, double ratio);

/* Append text from outside with markup characters made literal; newlines become blanks. */
void words_plain(FILE *out, const char *text);
/* The same of a text that a record holds, in the page's language. */
void words_record(FILE *out, const char *text);
/* By how many a text has more bytes than columns: a Chinese character is three bytes of UTF-8 and two columns wide. */
int words_extra_bytes(const char *text);
/* How many of at most `most` bytes hold whole characters. */
int words_whole(const char *utf8, size_t most);
/* " 1.44.2 (2022)" of a runtime that others have made: one whose describe tells the year of its release. Else nothing. */
void words_release(FILE *out, const json_t *describe);
/* Append text from outside as `code`. */
void words_code(FILE *out, const char *text);

/* The verdict as a reader should see it: where less is not faster (memory, CPU time), LESS and MORE. */
const char *words_kind(enum verdict_kind kind, const char *metric);
const char *words_verdict(const struct comparison *c);
/* One sentence about a comparison, with markup. */
void words_comparison(FILE *out, const struct comparison *c);
/* The reasons of a verdict, joined by "; ", but for the missing twin. Nothing when there are none. */
void words_reasons(FILE *out, const struct verdict *v);

/* What the subject was kept from: "unsupported: single-threaded: ...", "failed: ...". */
void words_absence(FILE *out, const struct series *s);

/*
 * The run's command as one would type it again: with its seed, without the folder that it wrote to, and with a further
 * filter unless that is NULL.
 */
void words_command(FILE *out, const struct report *r, const char *filter);

#endif
