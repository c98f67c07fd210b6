/*
 * doc.c - the part of a page that all formats share: the text being written and the rows being counted (doc.h).
 */
#include "harness/report/doc.h"
#include "harness/report/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

static void new_text(struct doc *d)
{
	d->buf = NULL;
	d->text = open_memstream(&d->buf, &d->len);
	if (!d->text) {
		d->text = d->sink;
		d->failed = true;
	}
}

/* The text so far (malloc'd, never NULL but for lack of memory), and a new empty one. */
static char *take_text(struct doc *d)
{
	char *text = NULL;

	if (d->text != d->sink) {
		if (fclose(d->text))
			d->failed = true;
		text = d->buf;
	}
	new_text(d);
	return text;
}

int doc_open(struct doc *d, const struct doc_format *format, const char *dir, FILE *out)
{
	*d = (struct doc){.format = format, .dir = dir, .out = out};
	d->sink = fopen("/dev/null", "w");
	if (!d->sink)
		return -errno;
	new_text(d);
	return 0;
}

int doc_close(struct doc *d)
{
	if (d->text != d->sink)
		fclose(d->text);
	free(d->buf);
	fclose(d->sink);
	return d->failed || ferror(d->out) ? -EIO : 0;
}

void doc_say(struct doc *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(d->text, say(fmt), ap);
	va_end(ap);
}

void doc_heading(struct doc *d, int level, const char *id)
{
	char *text = take_text(d);

	d->format->heading(d->out, level, id, text ? text : "");
	free(text);
}

void doc_para(struct doc *d, enum doc_para_kind kind)
{
	char *text = take_text(d);

	if (text && *text)
		d->format->para(d->out, kind, text);
	free(text);
}

void doc_list(struct doc *d, bool open)
{
	d->format->list(d->out, open);
}

void doc_item(struct doc *d)
{
	char *text = take_text(d);

	d->format->item(d->out, text ? text : "");
	free(text);
}

void doc_table(struct doc *d, bool open)
{
	char *text = open ? take_text(d) : NULL;

	if (!open && d->cells)
		d->format->row(d->out, false, d->head, d->cells);
	d->cells = 0;
	d->format->table(d->out, open, text ? text : "");
	free(text);
}

void doc_row(struct doc *d, bool head)
{
	if (d->cells)
		d->format->row(d->out, false, d->head, d->cells);
	d->cells = 0;
	d->head = head;
	d->format->row(d->out, true, head, 0);
}

void doc_cell(struct doc *d, enum doc_cell_kind kind)
{
	char *text = take_text(d);

	d->format->cell(d->out, d->head, d->cells++ == 0, kind, text ? text : "");
	free(text);
}

void doc_figure(struct doc *d, const struct plot *p)
{
	if (p->drawn)
		d->format->figure(d->out, d->dir, p);
}

void doc_fold(struct doc *d, bool open)
{
	char *text = open ? take_text(d) : NULL;

	d->format->fold(d->out, open, text ? text : "");
	free(text);
}
