/* http.c - see http.h. */
#include "harness/loadgen/http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_AT = 5, NUMBER_DIGITS = 16 }; /* in "GET /0123456789abcdef HTTP/1.1" */

static const char request_start[] = "GET /0000000000000000 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Pad: ";
static const char request_end[] = "\r\n\r\n";
static const char answer_start[] = "HTTP/1.1 200 ";

void http_write_request(uint8_t *out, size_t bytes)
{
	size_t n_start = sizeof(request_start) - 1, n_end = sizeof(request_end) - 1;

	memcpy(out, request_start, n_start);
	memset(out + n_start, 'x', bytes - n_start - n_end);
	memcpy(out + bytes - n_end, request_end, n_end);
}

void http_number_request(uint8_t *out, uint64_t number)
{
	for (int i = NUMBER_DIGITS - 1; i >= 0; i--, number >>= 4)
		out[NUMBER_AT + i] = (uint8_t) "0123456789abcdef"[number & 15];
}

void http_reader_reset(struct http_reader *r)
{
	r->n_head = 0;
	r->in_body = false;
	r->body = 0;
}

/* The value of Content-Length in a head that ends with an empty line, or -1. */
static int64_t content_length(const char *head)
{
	static const char name[] = "content-length:";

	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		char *end;
		long long value;

		if (strncasecmp(line + 2, name, sizeof(name) - 1) != 0)
			continue;
		value = strtoll(line + 2 + sizeof(name) - 1, &end, 10);
		return strncmp(end, "\r\n", 2) == 0 && value >= 0 ? (int64_t)value : -1;
	}
	return -1;
}

static int check_head(struct http_reader *r, uint64_t body_bytes, struct err *e)
{
	int64_t length;

	r->head[r->n_head] = '\0';
	if (strncmp(r->head, answer_start, sizeof(answer_start) - 1) != 0)
		return err_set(e, -EPROTO, "the server's answer begins \"%.40s\", not \"%s\"", r->head, answer_start);
	length = content_length(r->head);
	if (length < 0)
		return err_set(e, -EPROTO, "the server's answer has no Content-Length");
	if ((uint64_t)length != body_bytes)
		return err_set(e, -EPROTO, "the server's answer has %" PRId64 " bytes, and should have %" PRIu64,
			       length, body_bytes);
	r->in_body = true;
	return 0;
}

/* Take bytes of the head: how many were used, or -EPROTO. */
static int take_head(struct http_reader *r, const uint8_t *bytes, size_t n, uint64_t body_bytes, struct err *e)
{
	uint32_t before = r->n_head, room = LOAD_HTTP_HEAD - 1 - before;
	uint32_t added = n < room ? (uint32_t)n : room, from = before > 3 ? before - 3 : 0;
	const char *end;
	int status;

	memcpy(r->head + before, bytes, added);
	r->n_head += added;
	end = memmem(r->head + from, r->n_head - from, "\r\n\r\n", 4);
	if (!end && added == room)
		return err_set(e, -EPROTO, "the head of the server's answer is longer than %d bytes", LOAD_HTTP_HEAD);
	if (!end)
		return (int)added;
	r->n_head = (uint32_t)(end + 4 - r->head);
	status = check_head(r, body_bytes, e);
	return status < 0 ? status : (int)(r->n_head - before);
}

int http_reader_take(struct http_reader *r, const uint8_t *bytes, size_t n, const uint8_t *expected,
		     uint64_t body_bytes, struct err *e)
{
	if (!r->in_body) {
		int used = take_head(r, bytes, n, body_bytes, e);

		if (used < 0)
			return used;
		bytes += used;
		n -= (size_t)used;
	}
	if (!r->in_body)
		return 0;
	if (n > body_bytes - r->body)
		return err_set(e, -EPROTO, "the server sends more than its answer's %" PRIu64 " bytes", body_bytes);
	if (memcmp(bytes, expected + r->body, n) != 0)
		return err_set(e, -EPROTO, "the body of the server's answer is wrong after byte %" PRIu64, r->body);
	r->body += n;
	return r->body == body_bytes;
}
