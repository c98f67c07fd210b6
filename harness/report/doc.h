/*
 * doc.h - a page that is being written: the content is said once (content.c, sections.c), the formats differ.
 *
 * Use: write a piece of text with markup (words.h) into d->text, then say what it is: doc_para, doc_item, doc_cell...
 * Each of these takes the text and leaves an empty one. Errors (no memory, no space) are kept until doc_close().
 */
#ifndef DOC_H
#define DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "harness/report/model.h"

enum doc_para_kind { PARA_PLAIN, PARA_NOTE, PARA_WARNING, PARA_CODE };
enum doc_cell_kind { CELL_PLAIN, CELL_NUMBER, CELL_BEST, CELL_MISSING };

struct doc_format {
	void (*begin)(FILE *out, const char *title);
	void (*end)(FILE *out);
	void (*heading)(FILE *out, int level, const char *id, const char *text);
	void (*para)(FILE *out, enum doc_para_kind kind, const char *text);
	void (*list)(FILE *out, bool open);
	void (*item)(FILE *out, const char *text);
	/* A table: caption, then rows; the first row holds the column heads, the first cell of a row its head. */
	void (*table)(FILE *out, bool open, const char *caption);
	void (*row)(FILE *out, bool open, bool head, size_t cells);
	void (*cell)(FILE *out, bool head, bool first, enum doc_cell_kind kind, const char *text);
	void (*figure)(FILE *out, const char *dir, const struct plot *p);
	void (*fold)(FILE *out, bool open, const char *summary);
};

extern const struct doc_format doc_markdown; /* md.c */
extern const struct doc_format doc_html; /* html.c */

struct doc {
	const struct doc_format *format;
	const char *dir; /* the run's folder, where the figures are */
	FILE *out;
	FILE *text; /* the piece being written */
	FILE *sink; /* stands in for text when there is no memory */
	char *buf;
	size_t len;
	size_t cells; /* in the current row */
	bool head; /* the current row is the head */
	bool failed;
};

int doc_open(struct doc *d, const struct doc_format *format, const char *dir, FILE *out);
int doc_close(struct doc *d); /* 0 or -errno; out stays open */

void doc_heading(struct doc *d, int level, const char *id);
void doc_para(struct doc *d, enum doc_para_kind kind);
void doc_list(struct doc *d, bool open);
void doc_item(struct doc *d);
void doc_table(struct doc *d, bool open); /* opening takes the text as the caption */
void doc_row(struct doc *d, bool head); /* begins a row; the one before it is ended */
void doc_cell(struct doc *d, enum doc_cell_kind kind);
void doc_figure(struct doc *d, const struct plot *p);
void doc_fold(struct doc *d, bool open); /* opening takes the text as the summary */

/* For short pieces: doc_say(d, "...") writes into d->text, in the page's language (say.h): the format is what is looked up. */
void doc_say(struct doc *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
