/*
 * html.c - the page as one HTML file that needs nothing else: the style sheet and the figures are inside, there is no
 * script and no address is ever fetched.
 *
 * It must be readable on a telephone (tables scroll within their own box, the first column stays), in the dark (the
 * figures take the page's ink: gnuplot's black is replaced by the style sheet), on paper, and by a screen reader
 * (scope on every head cell, a caption on every table, a text for every figure) and by keyboard (what scrolls can be reached and has a
 * name; contents, and a link past them). tests/harness/test_browser.sh looks at it in a browser.
 */
#include "harness/report/doc.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/parts.h"
#include "harness/report/say.h"

static const char style[] =
	":root{color-scheme:light "
	"dark;--bg:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--band:#f6f8fa;--best:#dff3e4;"
	"--warn:#fff4d6;--link:#0550ae}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#0e1116;--ink:#e6edf3;--soft:#9aa5b1;--line:#333b45;--band:#"
	"171c23;"
	"--best:#12361f;--warn:#3a2f0b;--link:#79b8ff}}\n"
	"*{box-sizing:border-box}\n"
	"html{-webkit-text-size-adjust:100%}\n"
	"body{margin:0 auto;max-width:72rem;padding:1rem 1.2rem 4rem;background:var(--bg);color:var(--ink);"
	"font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif}\n"
	"h1{font-size:1.7rem;line-height:1.2;margin:.6rem 0 1rem}\n"
	"h2{font-size:1.3rem;margin:2.6rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--line)}\n"
	"h3{font-size:1.05rem;margin:1.6rem 0 .4rem}\n"
	"p,ul{margin:.6rem 0;max-width:60rem}ul{padding-left:1.3rem}li{margin:.35rem 0}\n"
	"a{color:var(--link)}\n"
	"code{font:.88em/1.4 ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;overflow-wrap:anywhere}\n"
	"pre{background:var(--band);border:1px solid var(--line);border-radius:6px;padding:.7rem;overflow-x:auto;"
	"white-space:pre-wrap}\n"
	".note{color:var(--soft);font-size:.92rem}\n"
	".warning{background:var(--warn);border-left:4px solid #b58900;padding:.5rem .8rem;border-radius:4px}\n"
	".table{overflow-x:auto;margin:.8rem 0;border:1px solid var(--line);border-radius:6px}\n"
	"table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}\n"
	"caption{text-align:left;padding:.5rem .6rem;color:var(--soft);caption-side:top}\n"
	/* The caption stays in view while the table scrolls under it. */
	"caption span{position:sticky;left:.6rem;display:inline-block;max-width:min(60rem,calc(100vw - 3.2rem))}\n"
	"th,td{padding:.32rem .6rem;border-top:1px solid var(--line);text-align:left;vertical-align:top}\n"
	"thead th{background:var(--band);vertical-align:bottom}\n"
	"td.number,td.best{white-space:nowrap;text-align:right}thead th:not(:first-child){text-align:right}\n"
	"tbody th{font-weight:400;background:var(--bg);min-width:9rem}\n"
	".ci{display:block;color:var(--soft);font-size:.86em;font-weight:400}\n"
	"td.best{background:var(--best);font-weight:650}td.missing{color:var(--soft);text-align:right}\n"
	"@media(min-width:40rem){tbody th,thead th:first-child{position:sticky;left:0}}\n"
	"figure{margin:1rem 0;padding:.4rem;border:1px solid var(--line);border-radius:6px;overflow-x:auto}\n"
	"figure svg{display:block;width:100%;height:auto;min-width:34rem;max-width:56rem;margin:0 auto}\n"
	"figcaption{color:var(--soft);font-size:.88rem;padding:.3rem .4rem}\n"
	/* gnuplot draws black text and lines: give them the page's ink, and thin lines the page's rule. */
	"figure svg .ink{color:var(--ink)}figure svg text{fill:var(--ink)}figure svg .inkfill{fill:var(--ink)}\n"
	"figure svg .rule{color:var(--line)}\n"
	".skip{position:absolute;left:-99rem}.skip:focus{position:static}\n"
	"nav ul{columns:13rem;padding:0;list-style:none;font-size:.9rem;max-width:none}nav li{margin:0;padding:.15rem "
	"0}\n"
	"details>summary{cursor:pointer;color:var(--link);margin:.8rem 0}\n"
	"@media(max-width:40rem){nav ul{columns:9rem}body{font-size:15px;padding:.6rem .7rem 3rem}h1{font-size:1.35rem}"
	"table{font-size:.8rem}th,td{padding:.28rem .45rem}}\n"
	"@media print{:root{--bg:#fff;--ink:#000;--soft:#333;--line:#bbb;--band:#f2f2f2;--best:#e4f4e8;--warn:#fff6dd}"
	"body{max-width:none;font-size:10pt;padding:0}.table,figure{overflow:visible;break-inside:avoid}"
	"h2,h3{break-after:avoid}table{font-size:8pt}td.number,td.best{white-space:normal}tr{break-inside:avoid}"
	"th,td{padding:.2rem .3rem;overflow-wrap:anywhere}tbody th{min-width:0}figure "
	"svg{min-width:0}.skip{display:none}"
	/* What is folded is on paper, too, where the browser can do that. */
	"details::details-content{content-visibility:visible;block-size:auto}}\n";

/* Fonts that have Chinese, of the systems that come with one; simplified forms first, because Japanese fonts draw some characters
 * differently. Lines may break between any two characters, and words in Latin letters keep whole. */
static const char chinese_style[] =
	"body{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'PingFang SC','Hiragino Sans GB','Microsoft YaHei',"
	"'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','WenQuanYi Zen Hei','WenQuanYi Micro Hei',sans-serif;"
	"line-break:strict}\n"
	"figure svg text{font-family:'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','Noto Sans SC','Source Han "
	"Sans SC',"
	"'WenQuanYi Zen Hei','WenQuanYi Micro Hei',sans-serif}\n"
	"tbody th{min-width:11rem}\n";

void html_put(FILE *out, char c)
{
	switch (c) {
	case '&':
		fputs("&amp;", out);
		break;
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	default: /* other control characters are in no XML, and in no name either but by a broken record */
		fputc((unsigned char)c < ' ' && c != '\n' && c != '\t' ? ' ' : c, out);
	}
}

/* Text with the markup of words.h; `is_bare`: without it, for an attribute. */
static void marked_text(FILE *out, const char *text, bool is_bare)
{
	bool code = false, bold = false;

	for (const char *p = text; *p; p++) {
		if (!code && *p == '\\' && p[1]) {
			p++;
		} else if (*p == '`') {
			code = !code;
			fputs(is_bare ? "" : code ? "<code>" : "</code>", out);
			continue;
		} else if (!code && p[0] == '*' && p[1] == '*') {
			p++;
			bold = !bold;
			fputs(is_bare ? "" : bold ? "<strong>" : "</strong>", out);
			continue;
		}
		html_put(out, *p);
	}
	fputs(code && !is_bare ? "</code>" : "", out);
	fputs(bold && !is_bare ? "</strong>" : "", out);
}

static void inline_text(FILE *out, const char *text)
{
	marked_text(out, text, false);
}

/* Text without markup, for attributes and code blocks. */
static void plain_text(FILE *out, const char *text)
{
	for (; *text; text++)
		html_put(out, *text);
}

static void begin(FILE *out, const char *title)
{
	bool is_chinese = say_language() == SAY_CHINESE;

	fprintf(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n",
		is_chinese ? "zh-CN" : "en");
	fputs("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      out);
	plain_text(out, title);
	fprintf(out,
		"</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#start\">%s</a>\n<main>\n",
		style, is_chinese ? chinese_style : "", say("Skip the contents"));
}

static void end(FILE *out)
{
	fputs("</main>\n</body>\n</html>\n", out);
}

static void heading(FILE *out, int level, const char *id, const char *text)
{
	fprintf(out, "<h%d", level);
	if (id) {
		fputs(" id=\"", out);
		plain_text(out, id);
		fputc('"', out);
	}
	fputc('>', out);
	inline_text(out, text);
	fprintf(out, "</h%d>\n", level);
}

static void para(FILE *out, enum doc_para_kind kind, const char *text)
{
	static const char *const opening[] = {"<p>", "<p class=\"note\">", "<p class=\"warning\"><strong>",
					      "<pre><code>"};

	fputs(opening[kind], out);
	if (kind == PARA_WARNING)
		fprintf(out, "%s</strong> ", say("Warning."));
	if (kind == PARA_CODE)
		plain_text(out, text);
	else
		inline_text(out, text);
	fputs(kind == PARA_CODE ? "</code></pre>\n" : "</p>\n", out);
}

static void list(FILE *out, bool open)
{
	fputs(open ? "<ul>\n" : "</ul>\n", out);
}

static void item(FILE *out, const char *text)
{
	fputs("<li>", out);
	inline_text(out, text);
	fputs("</li>\n", out);
}

static void table(FILE *out, bool open, const char *caption)
{
	if (!open) {
		fputs("</tbody>\n</table></div>\n", out);
		return;
	}
	/* A box that scrolls has to be reachable by keyboard, and what is reached has a name. */
	fputs("<div class=\"table\" role=\"group\" tabindex=\"0\" aria-label=\"", out);
	marked_text(out, caption, true);
	fputs("\"><table>\n<caption><span>", out);
	inline_text(out, caption);
	fputs("</span></caption>\n", out);
}

static void row(FILE *out, bool open, bool head, size_t cells)
{
	(void)cells;
	if (open)
		fputs(head ? "<thead><tr>" : "<tr>", out);
	else
		fputs(head ? "</tr></thead>\n<tbody>\n" : "</tr>\n", out);
}

/* "41.2 ns [39.8, 44.1]": the interval stands below, so that a table of many columns stays narrow. */
static void value_text(FILE *out, const char *text)
{
	const char *interval = strstr(text, " [");
	size_t n = strlen(text);

	if (!interval || text[n - 1] != ']') {
		inline_text(out, text);
		return;
	}
	fprintf(out, "%.*s <span class=\"ci\">%s</span>", (int)(interval - text), text, interval + 1);
}

static void cell(FILE *out, bool head, bool first, enum doc_cell_kind kind, const char *text)
{
	static const char *const classes[] = {"", " class=\"number\"", " class=\"best\"", " class=\"missing\""};

	if (head)
		fputs("<th scope=\"col\">", out);
	else if (first)
		fputs("<th scope=\"row\">", out);
	else
		fprintf(out, "<td%s>", classes[kind]);
	if (!head && !first && (kind == CELL_NUMBER || kind == CELL_BEST))
		value_text(out, text);
	else
		inline_text(out, text);
	fputs(head || first ? "</th>" : "</td>", out);
}

static void figure(FILE *out, const char *dir, const struct plot *p)
{
	char *svg = plot_inline_svg(dir, p);

	if (!svg)
		return;
	fputs("<figure tabindex=\"0\" aria-label=\"", out);
	plain_text(out, p->title);
	fputs("\">\n", out);
	fputs(svg, out);
	fputs("\n<figcaption>", out);
	plain_text(out, p->alt);
	fputs("</figcaption>\n</figure>\n", out);
	free(svg);
}

static void fold(FILE *out, bool open, const char *summary)
{
	if (!open) {
		fputs("</details>\n", out);
		return;
	}
	fputs("<details><summary>", out);
	inline_text(out, summary);
	fputs("</summary>\n", out);
}

/* Every heading of level 2 with a name. */
static void list_headings(FILE *out, const char *page)
{
	static const char opening[] = "<h2 id=\"", closing[] = "</h2>";

	for (const char *h = page; (h = strstr(h, opening));) {
		const char *id = h + strlen(opening), *text = strstr(id, "\">"),
			   *end = text ? strstr(text, closing) : NULL;

		if (!end)
			return;
		fprintf(out, "<li><a href=\"#%.*s\">%.*s</a></li>\n", (int)(text - id), id, (int)(end - text - 2),
			text + 2);
		h = end;
	}
}

char *html_with_contents(const char *page)
{
	const char *after = strstr(page, "</h1>\n");
	size_t size, head;
	char *text = NULL;
	FILE *out = after ? open_memstream(&text, &size) : NULL;

	if (!out)
		return NULL;
	head = (size_t)(after - page) + strlen("</h1>\n");
	fwrite(page, 1, head, out);
	fprintf(out, "<nav aria-label=\"%s\">\n<ul>\n", say("Contents"));
	list_headings(out, page);
	fprintf(out, "</ul>\n</nav>\n<div id=\"start\"></div>\n%s", page + head);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

const struct doc_format doc_html = {begin, end, heading, para, list, item, table, row, cell, figure, fold};
