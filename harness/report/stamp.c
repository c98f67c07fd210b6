/*
 * stamp.c - writes into a drawn figure itself where it comes from: figures are copied out of reports, and their captions stay behind.
 *
 * An SVG gets a <desc>, a PNG a text chunk with the keyword Comment: both are what their formats have for it, image viewers and
 * search tools show them, and no pixel changes. Rejected: a line of small print in the picture (a digest per binary does not fit).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/parts.h"

/* ---- PNG ----------------------------------------------------------------------------------------------------- */

enum { PNG_HEAD = 8 + 4 + 4 + 13 + 4 }; /* the signature, and the chunk IHDR, which is the first */

/* The CRC of PNG (ISO 3309): reflected, polynomial 0xedb88320. A few hundred bytes: no table. */
uint32_t stamp_crc(const unsigned char *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void put_word(FILE *out, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		fputc((int)(v >> shift & 0xff), out);
}

/* Behind the head: readers want no chunk of text before it, and take one anywhere after. */
static void stamp_png(FILE *out, const char *data, size_t size, const char *text)
{
	static const char keyword[] = "tEXtComment"; /* with its NUL, which ends the keyword */
	size_t n = sizeof(keyword) + strlen(text);
	unsigned char *chunk;

	fwrite(data, 1, PNG_HEAD, out);
	chunk = malloc(n);
	if (chunk) {
		memcpy(chunk, keyword, sizeof(keyword));
		for (size_t i = sizeof(keyword); i < n; i++, text++) /* the chunk is Latin-1, and UTF-8 is not */
			chunk[i] = (unsigned char)*text < 0x80 ? (unsigned char)*text : '?';
		put_word(out, (uint32_t)(n - 4)); /* of the data, without the chunk's type */
		fwrite(chunk, 1, n, out);
		put_word(out, stamp_crc(chunk, n));
		free(chunk);
	}
	fwrite(data + PNG_HEAD, 1, size - PNG_HEAD, out);
}

/* ---- SVG ----------------------------------------------------------------------------------------------------- */

/* As the first thing in the picture; false: this is no SVG. */
static bool stamp_svg(FILE *out, const char *data, size_t size, const char *text)
{
	const char *svg = strstr(data, "<svg"), *end = svg ? strchr(svg, '>') : NULL;

	if (!end)
		return false;
	fwrite(data, 1, (size_t)(end + 1 - data), out);
	fputs("\n<desc>", out);
	for (; *text; text++)
		html_put(out, *text);
	fputs("</desc>", out);
	fwrite(end + 1, 1, size - (size_t)(end + 1 - data), out);
	return true;
}

/* ---- both ---------------------------------------------------------------------------------------------------- */

static int stamp_file(const char *dir, const char *name, const char *text, struct err *err)
{
	static const char signature[] = "\x89PNG\r\n\x1a\n";
	char *data, *stamped = NULL;
	size_t size, stamped_size;
	int rc = report_file_read(dir, name, &data, &size, err);
	bool is_stamped = true;
	FILE *out;

	if (rc)
		return rc;
	out = open_memstream(&stamped, &stamped_size);
	if (out && size > PNG_HEAD && memcmp(data, signature, 8) == 0)
		stamp_png(out, data, size, text);
	else if (out)
		is_stamped = stamp_svg(out, data, size, text);
	free(data);
	if (!out || fclose(out) != 0)
		rc = err_set(err, -ENOMEM, "out of memory");
	else if (is_stamped)
		rc = report_file_write(dir, name, stamped, stamped_size, err);
	free(stamped);
	return rc;
}

int stamp_plot(const char *dir, const struct report *r, const struct plot *p, struct err *err)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int rc;

	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	provenance_comment(out, r, p->workload);
	if (fclose(out) != 0) {
		free(text);
		return err_set(err, -ENOMEM, "out of memory");
	}
	rc = stamp_file(dir, p->svg, text, err);
	if (rc == 0 && p->png[0]) /* what we draw ourselves has none */
		rc = stamp_file(dir, p->png, text, err);
	free(text);
	return rc;
}
