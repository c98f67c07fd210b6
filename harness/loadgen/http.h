/*
 * http.h - requests and answers of HTTP/1.1, as the load generator needs them: it writes one request and checks that
 * what comes is a whole answer 200 with a Content-Length and the body that it expects. Nothing of the servers' code is
 * used: a mistake there is to be found here.
 */
#ifndef LOADGEN_HTTP_H
#define LOADGEN_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

enum {
	LOAD_HTTP_MIN_REQUEST = 64,
	LOAD_HTTP_HEAD = 1024, /* bytes of an answer before its body, at most */
};

struct http_reader {
	uint32_t n_head;
	bool in_body;
	uint64_t body; /* bytes of it that have come */
	char head[LOAD_HTTP_HEAD];
};

/* Write a GET request of exactly `bytes` into `out`; its number goes into it with http_number_request. */
void http_write_request(uint8_t *out, size_t bytes);
void http_number_request(uint8_t *out, uint64_t number);

/* What the body of an answer has at a position. */
static inline uint8_t http_body_byte(uint64_t at)
{
	return (uint8_t)('a' + at % 26);
}

void http_reader_reset(struct http_reader *r);

/*
 * Take n bytes that have come. 1: the answer is whole and right, 0: more is to come, or -EPROTO with a sentence; bytes
 * beyond the answer are wrong, too. `expected` is a body to compare with.
 */
int http_reader_take(struct http_reader *r, const uint8_t *bytes, size_t n, const uint8_t *expected,
		     uint64_t body_bytes, struct err *e);

#endif
