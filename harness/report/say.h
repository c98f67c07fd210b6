/*
 * say.h - the report's sentences in the reader's language.
 *
 * English is what stands in the sources, and it is the key: say("%zu rounds") gives the Chinese format that lang/zh_*.def have
 * for it, or the English one where it has none (scripts/check_translations finds those). A format stays whole; where
 * Chinese puts the words in another order it numbers its arguments ("%2$s...%1$s").
 *
 * gettext was rejected: glibc's translates nothing unless the process can switch to an installed locale, and containers
 * have none but C; its catalogues would also be files to install beside the binary. This needs neither.
 *
 * What samples and run.json tell (why something is missing, what a workload does) stays English in the records and in all
 * forms that machines read. say_record() translates such a text where a page shows it, by matching it against the formats
 * that made it.
 *
 * The language is that of the page being written, not of the process: whoever writes a page sets it and sets it back, so
 * that report.json is the same whatever language was asked for. One thread writes reports.
 */
#ifndef SAY_H
#define SAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum say_language { SAY_ENGLISH, SAY_CHINESE };

void say_in(enum say_language language);
enum say_language say_language(void);
/* What the names of files and figures in this language end in: "" or "_zh". */
const char *say_suffix(void);

/* The text, a format or a word, in the language. Never NULL, nothing to free. */
const char *say(const char *english) __attribute__((format_arg(1)));
/* Marks a text that is given to say() later, so that the lint knows it. */
#define SAID(english) english

/* A text out of a record in the language: malloc'd, NULL without memory. What no phrase matches comes back as it is. */
char *say_record(const char *english);

#endif
