/*
 * test_http_parser.c - the parser of net/http: every text as a whole, in two pieces cut at every place, and byte by
 * byte; all must give the same.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "workloads/net/http/parser.h"

/* What a server does with a text: so many requests are answered, then it goes on, closes, or refuses. */
struct outcome {
	int requests, closes;
	int64_t status; /* of a refusal */
	size_t used; /* bytes up to the end of the last request, or to the one that was refused */
};

static void take(struct http_parser *p, const char *bytes, size_t n, struct outcome *o)
{
	size_t at = 0, used;

	while (at < n && !o->closes && !o->status) {
		enum http_result result;

		used = SIZE_MAX;
		result = http_parse(p, bytes + at, n - at, &used);
		assert_true(used >= 1 && used <= n - at);
		assert_true(result != HTTP_MORE || used == n - at);
		at += used;
		o->used += used;
		o->requests += result == HTTP_REQUEST;
		o->closes = result == HTTP_REQUEST && p->closes;
		o->status = result == HTTP_REFUSED ? p->status : 0;
	}
}

static struct outcome in_pieces(const char *text, size_t n, size_t first, size_t rest)
{
	struct http_parser p = {0};
	struct outcome o = {0};

	for (size_t at = 0, step = first; at < n; at += step, step = rest) {
		char piece[20000];

		if (step > n - at)
			step = n - at;
		memcpy(piece, text + at, step);
		take(&p, piece, step, &o);
	}
	return o;
}

static struct outcome parse(const char *text, size_t n)
{
	struct outcome whole = in_pieces(text, n, n, n), bytes = in_pieces(text, n, 1, 1);

	assert_memory_equal(&whole, &bytes, sizeof whole);
	for (size_t cut = 1; cut < n && n < 2000; cut++) {
		struct outcome two = in_pieces(text, n, cut, n);

		assert_memory_equal(&whole, &two, sizeof whole);
	}
	return whole;
}

#define HOST "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n"

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		int requests, closes, status;
	} cases[] = {
		{GET HOST "\r\n", 1, 0, 0},
		{"GET /a?b=c%20d HTTP/1.1\r\nUser-Agent: x y\r\nhOsT:a\r\nAccept: */*\r\n\r\n", 1, 0, 0},
		{GET HOST "\r\n" GET HOST "\r\n" GET HOST "\r\n", 3, 0, 0}, /* pipelined */
		{"\r\n\r\n" GET HOST "\r\n\r\n" GET HOST "\r\n", 2, 0, 0}, /* empty lines before */
		{GET HOST "\r\n" GET HOST, 1, 0, 0}, /* the second is not whole */
		{GET HOST "\r", 0, 0, 0},
		{"", 0, 0, 0},
		{GET HOST "Connection: close\r\n\r\n", 1, 1, 0},
		{GET HOST "connection:  Keep-Alive , CLOSE \r\n\r\n" GET HOST "\r\n", 1, 1, 0},
		{GET HOST "Connection: disclose\r\n\r\n", 1, 0, 0},
		{GET HOST "Connection: close\r\n\r\n" GET HOST "\r\n", 1, 1, 0},
		{GET HOST "Connection: keep-alive\r\n\r\n" GET HOST "\r\n", 2, 0, 0}, /* nothing is left of the first */
		{"GET / HTTP/1.0\r\n\r\n", 1, 1, 0}, /* needs no Host */
		{GET HOST "Content-Length: 0\r\n\r\n", 1, 0, 0},
		{GET HOST "Content-Length:\t000 \r\n\r\n", 1, 0, 0},
		{GET HOST "X-Content-Length: 7\r\n\r\n", 1, 0, 0},
		{GET HOST "Content-Length-Of-More-Than-24: 7\r\n\r\n", 1, 0, 0},
		{GET HOST "Empty:\r\n\r\n", 1, 0, 0},
		{GET HOST "Latin: \xe4\r\n\r\n", 1, 0, 0},
		/* refused */
		{GET HOST "Content-Length: 1\r\n\r\nx", 0, 0, 413},
		{GET HOST "CONTENT-LENGTH: 00000000000000000000000000001\r\n\r\n", 0, 0, 413},
		{GET HOST "Content-Length: 1x\r\n\r\n", 0, 0, 400},
		{GET HOST "Content-Length: -1\r\n\r\n", 0, 0, 400},
		{GET HOST "Content-Length:\r\n\r\n", 0, 0, 400},
		{GET HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 0, 501},
		{"POST / HTTP/1.1\r\n" HOST "\r\n", 0, 0, 501},
		{"GETS / HTTP/1.1\r\n" HOST "\r\n", 0, 0, 501},
		{"get / HTTP/1.1\r\n" HOST "\r\n", 0, 0, 501},
		{"GET / HTTP/2.0\r\n" HOST "\r\n", 0, 0, 505},
		{"GET / HTTP/1.1x\r\n" HOST "\r\n", 0, 0, 400},
		{"GET / FTP/1.1\r\n" HOST "\r\n", 0, 0, 400},
		{"GET /\r\n\r\n", 0, 0, 400}, /* HTTP/0.9 */
		{"GET  HTTP/1.1\r\n" HOST "\r\n", 0, 0, 400},
		{"GET / a HTTP/1.1\r\n" HOST "\r\n", 0, 0, 400},
		{"GET /\xe4 HTTP/1.1\r\n" HOST "\r\n", 0, 0, 400},
		{" GET / HTTP/1.1\r\n" HOST "\r\n", 0, 0, 400},
		{GET "\r\n", 0, 0, 400}, /* no Host */
		{GET HOST HOST "\r\n", 0, 0, 400},
		{GET HOST "a b: c\r\n\r\n", 0, 0, 400},
		{GET HOST "a : c\r\n\r\n", 0, 0, 400},
		{GET HOST ": c\r\n\r\n", 0, 0, 400},
		{GET HOST " folded\r\n\r\n", 0, 0, 400},
		{GET HOST "a: b\001\r\n\r\n", 0, 0, 400},
		{GET HOST "a: b\n\r\n", 0, 0, 400}, /* a line that ends with LF alone */
		{"GET / HTTP/1.1\n" HOST "\r\n", 0, 0, 400},
		{GET HOST "a: b\rc\r\n\r\n", 0, 0, 400},
		{GET HOST "\rx", 0, 0, 400},
		{GET HOST "\r\n" GET "\r\n" GET HOST "\r\n", 1, 0, 400}, /* the Host of the first is not the second's */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct outcome o = parse(cases[i].text, strlen(cases[i].text));

		if (o.requests != cases[i].requests || o.closes != cases[i].closes || o.status != cases[i].status)
			fail_msg("%s: %d requests, closes %d, status %d", cases[i].text, o.requests, o.closes,
				 (int)o.status);
	}
}

/* Where one request ends the next begins: the parser says exactly how much it took. */
static void test_used_ends_with_the_request(void **state)
{
	static const char text[] = GET HOST "\r\n" GET HOST "\r\n";
	struct http_parser p = {0};
	size_t used = 0, one = (sizeof text - 1) / 2;

	(void)state;
	assert_int_equal(http_parse(&p, text, sizeof text - 1, &used), HTTP_REQUEST);
	assert_int_equal(used, one);
	assert_int_equal(http_parse(&p, text + one, one, &used), HTTP_REQUEST);
	assert_int_equal(used, one);
}

/* A head may have HTTP_HEAD_MAX bytes, and not one more. */
static void test_length_limit(void **state)
{
	static const char start[] = GET HOST "X: ", end[] = "\r\n\r\n";
	char *text = malloc(2 * HTTP_HEAD_MAX + 100);

	(void)state;
	for (size_t bytes = HTTP_HEAD_MAX - 1; bytes <= HTTP_HEAD_MAX + 1; bytes++) {
		struct outcome o;

		memset(text, 'x', bytes);
		memcpy(text, start, sizeof start - 1);
		memcpy(text + bytes - (sizeof end - 1), end, sizeof end - 1);
		o = parse(text, bytes);
		assert_int_equal(o.requests, bytes <= HTTP_HEAD_MAX);
		assert_int_equal(o.status, bytes <= HTTP_HEAD_MAX ? 0 : 431);
	}
	/* the limit is of one request, not of a connection */
	for (size_t i = 0; i < 2; i++) {
		memset(text + i * HTTP_HEAD_MAX, 'x', HTTP_HEAD_MAX);
		memcpy(text + i * HTTP_HEAD_MAX, start, sizeof start - 1);
		memcpy(text + (i + 1) * HTTP_HEAD_MAX - (sizeof end - 1), end, sizeof end - 1);
	}
	assert_int_equal(parse(text, 2 * HTTP_HEAD_MAX).requests, 2);
	free(text);
}

static void test_refusals_are_whole_answers(void **state)
{
	static const uint16_t all[] = {400, 413, 431, 501, 505};
	char start[20];

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		const char *text = http_refusal(all[i]);

		snprintf(start, sizeof start, "HTTP/1.1 %d ", all[i]);
		assert_ptr_equal(strstr(text, start), text);
		assert_non_null(strstr(text, "Connection: close\r\n"));
		assert_non_null(strstr(text, "Content-Length: 0\r\n"));
		assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_used_ends_with_the_request),
		cmocka_unit_test(test_length_limit),
		cmocka_unit_test(test_refusals_are_whole_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
