/*
 * parser.h - requests of HTTP/1.1, for a server that answers GET and wants no bodies.
 *
 * A machine of states that takes any number of bytes at a time: a request may come in pieces of one byte, or several
 * may come in one. It keeps what it must know of a request (two short texts), never the request itself, so a connection
 * needs no memory that grows. It is inline code for all bodies; a library parser was rejected, because it would be
 * the larger part of what is measured, and none of ours.
 *
 * Strict where a mistake could be taken for another request (RFC 9112): lines end with CR LF, names are tokens, no
 * space before the colon, no folded lines, one Host, a Content-Length of digits alone. What is refused has a status
 * for the client and ends the connection.
 *
 *      START -> METHOD -> TARGET -> VERSION -> LINE_LF -> LINE -> NAME -> VALUE -> LINE_LF -> ...
 *                                                          `-> END_LF -> request
 */
#ifndef NET_HTTP_PARSER_H
#define NET_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	HTTP_HEAD_MAX = 8192, /* bytes of a request */
	HTTP_TEXT_MAX = 24, /* of the names and values that are looked at; longer ones are none of those */
};

enum http_result {
	HTTP_MORE, /* all bytes are used, the request goes on */
	HTTP_REQUEST, /* a GET request has ended; `closes` says whether the client wants an end */
	HTTP_REFUSED, /* `status` is the answer; nothing more may be parsed */
};

enum http_state {
	HTTP_START,
	HTTP_METHOD,
	HTTP_TARGET,
	HTTP_VERSION,
	HTTP_LINE_LF,
	HTTP_LINE,
	HTTP_NAME,
	HTTP_VALUE,
	HTTP_END_LF,
};

/* Zeroed: before the first request. */
struct http_parser {
	enum http_state state;
	uint32_t bytes; /* of this request so far */
	uint16_t status; /* HTTP_REFUSED: 400, 413, 431, 501 or 505 */
	bool is_old; /* HTTP/1.0 */
	bool closes;
	bool has_host;
	uint8_t n_name, n_value; /* HTTP_TEXT_MAX + 1: longer than that */
	char name[HTTP_TEXT_MAX]; /* method, or a field's name in small letters */
	char value[HTTP_TEXT_MAX]; /* version, or a field's value in small letters */
};

static inline char http_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool http_is_token(char c)
{
	char l = http_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static inline void http_add(char *text, uint8_t *n, char c)
{
	if (*n < HTTP_TEXT_MAX)
		text[*n] = c;
	if (*n <= HTTP_TEXT_MAX)
		++*n;
}

static inline bool http_is(const char *text, uint8_t n, const char *word)
{
	return n <= HTTP_TEXT_MAX && n == strlen(word) && memcmp(text, word, n) == 0;
}

/* A status other than 0 refuses the request. */
static inline uint16_t http_check_version(struct http_parser *p)
{
	if (http_is(p->value, p->n_value, "HTTP/1.1"))
		return 0;
	p->is_old = p->closes = http_is(p->value, p->n_value, "HTTP/1.0");
	if (p->is_old)
		return 0;
	return p->n_value == 8 && memcmp(p->value, "HTTP/", 5) == 0 ? 505 : 400;
}

static inline uint16_t http_check_length(const struct http_parser *p)
{
	bool is_zero = p->n_value > 0;

	for (uint8_t i = 0; i < p->n_value && i < HTTP_TEXT_MAX; i++) {
		if (p->value[i] < '0' || p->value[i] > '9')
			return 400;
		is_zero &= p->value[i] == '0';
	}
	if (p->n_value == 0)
		return 400;
	return is_zero && p->n_value <= HTTP_TEXT_MAX ? 0 : 413;
}

/* Is `close` one of the words of a list? */
static inline bool http_asks_close(const struct http_parser *p)
{
	uint8_t n = p->n_value < HTTP_TEXT_MAX ? p->n_value : HTTP_TEXT_MAX, begin = 0;

	for (uint8_t i = 0; i <= n; i++) {
		if (i < n && p->value[i] != ',' && p->value[i] != ' ')
			continue;
		if (i - begin == 5 && memcmp(p->value + begin, "close", 5) == 0)
			return true;
		begin = (uint8_t)(i + 1);
	}
	return false;
}

/* A field is complete. */
static inline uint16_t http_check_field(struct http_parser *p)
{
	while (p->n_value > 0 && p->n_value <= HTTP_TEXT_MAX && p->value[p->n_value - 1] == ' ')
		p->n_value--; /* space after a value is no part of it */
	if (http_is(p->name, p->n_name, "content-length"))
		return http_check_length(p);
	if (http_is(p->name, p->n_name, "transfer-encoding"))
		return 501;
	if (http_is(p->name, p->n_name, "connection"))
		p->closes |= http_asks_close(p);
	if (http_is(p->name, p->n_name, "host")) {
		if (p->has_host)
			return 400;
		p->has_host = true;
	}
	return 0;
}

/* One byte of the first line. */
static inline uint16_t http_take_first_line(struct http_parser *p, char c)
{
	switch (p->state) {
	case HTTP_START:
		if (c == '\r' || c == '\n')
			return 0; /* an empty line before a request is to be overlooked */
		p->state = HTTP_METHOD;
		/* fall through */
	case HTTP_METHOD:
		if (c != ' ') {
			http_add(p->name, &p->n_name, c);
			return http_is_token(c) ? 0 : 400;
		}
		p->state = HTTP_TARGET;
		p->n_value = 0; /* counts the target's bytes, as far as it can */
		return http_is(p->name, p->n_name, "GET") ? 0 : p->n_name ? 501 : 400;
	case HTTP_TARGET:
		if (c != ' ') {
			http_add(p->value, &p->n_value, c);
			return c > 0x20 && c < 0x7f ? 0 : 400;
		}
		if (p->n_value == 0)
			return 400;
		p->state = HTTP_VERSION;
		p->n_value = 0;
		return 0;
	default: /* HTTP_VERSION */
		if (c != '\r') {
			http_add(p->value, &p->n_value, c);
			return c > 0x20 && c < 0x7f ? 0 : 400;
		}
		p->state = HTTP_LINE_LF;
		return http_check_version(p);
	}
}

/* One byte of the fields. */
static inline uint16_t http_take_field(struct http_parser *p, char c)
{
	switch (p->state) {
	case HTTP_LINE_LF:
		p->state = HTTP_LINE;
		p->n_name = p->n_value = 0;
		return c == '\n' ? 0 : 400;
	case HTTP_LINE:
		if (c == '\r') {
			p->state = HTTP_END_LF;
			return 0;
		}
		p->state = HTTP_NAME;
		/* fall through */
	case HTTP_NAME:
		if (c == ':' && p->n_name > 0) {
			p->state = HTTP_VALUE;
			return 0;
		}
		http_add(p->name, &p->n_name, http_lower(c));
		return http_is_token(c) ? 0 : 400;
	default: /* HTTP_VALUE */
		if (c == '\r') {
			p->state = HTTP_LINE_LF;
			return http_check_field(p);
		}
		if (c == '\t')
			c = ' ';
		if (c != ' ' || p->n_value > 0)
			http_add(p->value, &p->n_value, http_lower(c));
		return (unsigned char)c >= 0x20 && c != 0x7f ? 0 : 400;
	}
}

static inline enum http_result http_refuse(struct http_parser *p, uint16_t status)
{
	p->status = status;
	return HTTP_REFUSED;
}

/* Take bytes up to the end of a request. *used says how many; the rest belongs to the next one. */
static inline enum http_result http_parse(struct http_parser *p, const char *bytes, size_t n, size_t *used)
{
	if (p->state == HTTP_START && p->bytes == 0)
		*p = (struct http_parser){0};
	for (size_t i = 0; i < n; i++) {
		uint16_t status;

		*used = i + 1;
		if (++p->bytes > HTTP_HEAD_MAX)
			return http_refuse(p, 431);
		if (p->state == HTTP_END_LF) {
			p->state = HTTP_START;
			p->bytes = 0;
			return bytes[i] == '\n' && (p->has_host || p->is_old) ? HTTP_REQUEST : http_refuse(p, 400);
		}
		status = p->state < HTTP_LINE_LF ? http_take_first_line(p, bytes[i]) : http_take_field(p, bytes[i]);
		if (status)
			return http_refuse(p, status);
	}
	*used = n;
	return HTTP_MORE;
}

/* What a client is told whose request is refused: a whole answer, after which the connection ends. */
static inline const char *http_refusal(uint16_t status)
{
#define HTTP_REFUSAL(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	switch (status) {
	case 413:
		return HTTP_REFUSAL("413 Content Too Large");
	case 431:
		return HTTP_REFUSAL("431 Request Header Fields Too Large");
	case 501:
		return HTTP_REFUSAL("501 Not Implemented");
	case 505:
		return HTTP_REFUSAL("505 HTTP Version Not Supported");
	default:
		return HTTP_REFUSAL("400 Bad Request");
	}
#undef HTTP_REFUSAL
}

#endif
