/*
 * md.c - the page as Markdown with tables (the GitHub dialect). The markup of words.h is Markdown already.
 */
#include "harness/report/doc.h"
#include "harness/report/say.h"

#include <string.h>

static void begin(FILE *out, const char *title)
{
	(void)title; /* the first heading says it */
	(void)out;
}

static void end(FILE *out)
{
	(void)out;
}

static void heading(FILE *out, int level, const char *id, const char *text)
{
	(void)id;
	fprintf(out, "\n%.*s %s\n", level, "######", text);
}

static void para(FILE *out, enum doc_para_kind kind, const char *text)
{
	if (kind == PARA_CODE)
		fprintf(out, "\n```sh\n%s\n```\n", text);
	else
		fprintf(out, "\n%s%s%s%s%s\n", kind == PARA_PLAIN ? "" : "> ", kind == PARA_WARNING ? "**" : "",
			kind == PARA_WARNING ? say("Warning.") : "", kind == PARA_WARNING ? "** " : "", text);
}

static void list(FILE *out, bool open)
{
	if (open)
		fputc('\n', out);
}

static void item(FILE *out, const char *text)
{
	fprintf(out, "- %s\n", text);
}

static void table(FILE *out, bool open, const char *caption)
{
	if (open)
		fprintf(out, "\n%s\n\n", caption);
}

static void row(FILE *out, bool open, bool head, size_t cells)
{
	if (open)
		return;
	fputs("|\n", out);
	for (size_t i = 0; head && i < cells; i++)
		fputs(i ? "---:|" : "|---|", out);
	if (head)
		fputc('\n', out);
}

static void cell(FILE *out, bool head, bool first, enum doc_cell_kind kind, const char *text)
{
	const char *bold = kind == CELL_BEST ? "**" : "";

	(void)head;
	(void)first;
	fprintf(out, "| %s", bold);
	for (const char *p = text; *p; p++) {
		/* Inside code spans a bar ends the cell too, unless it is escaped. */
		if (*p == '|' && (p == text || p[-1] != '\\'))
			fputc('\\', out);
		fputc(*p, out);
	}
	fprintf(out, "%s ", bold);
}

static void figure(FILE *out, const char *dir, const struct plot *p)
{
	(void)dir;
	fprintf(out, "\n![%s](%s)\n", p->alt, p->svg);
}

static void fold(FILE *out, bool open, const char *summary)
{
	if (open)
		fprintf(out, "\n<details><summary>%s</summary>\n", summary);
	else
		fputs("\n</details>\n", out);
}

const struct doc_format doc_markdown = {begin, end, heading, para, list, item, table, row, cell, figure, fold};
