/*
 * fanout.h - net/fanout: what its bodies share: requests, and answers as they come in pieces.
 */
#ifndef NET_FANOUT_H
#define NET_FANOUT_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "harness/subject/bench.h"
#include "workloads/net/backend.h"

extern const struct bench_workload net_fanout_workload;
extern const struct bench_body net_fanout_direct, net_fanout_evented, net_fanout_serial;

#define FANOUT_REQUEST "GET /0123456789abcdef HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
enum { FANOUT_REQUEST_BYTES = sizeof FANOUT_REQUEST - 1 };

/* Made by setup(). */
struct fanout_data {
	struct backend backend;
};

/* What has been done; added up. */
struct fanout_count {
	uint64_t ops, gets, answers, bytes_read, bytes_written, checksum;
};

/* A connection's place for one GET at a time. */
struct fanout_get {
	uint64_t number;
	size_t got; /* bytes of the answer */
	size_t body_bytes;
	char *buffer; /* fanout_buffer_bytes() */
};

static inline size_t fanout_buffer_bytes(size_t body_bytes)
{
	return BACKEND_HEAD_MAX + body_bytes;
}

/* Room in the buffer for what is to be read. Never 0 while an answer is awaited. */
static inline size_t fanout_room(const struct fanout_get *g)
{
	return fanout_buffer_bytes(g->body_bytes) - g->got;
}

/* Begin the GET with this number: its request is written into `out`. */
static inline void fanout_begin(struct fanout_get *g, uint64_t number, char out[FANOUT_REQUEST_BYTES])
{
	memcpy(out, FANOUT_REQUEST, FANOUT_REQUEST_BYTES);
	for (int i = 0; i < 16; i++)
		out[5 + i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
	g->number = number;
	g->got = 0;
}

/* The length of the body by the head, or -EPROTO. */
static inline int64_t fanout_length(const char *head, size_t bytes)
{
	static const char field[] = "\r\nContent-Length: ";
	const char *at = memmem(head, bytes, field, sizeof field - 1);
	int64_t n = 0;

	if (bytes < 13 || memcmp(head, "HTTP/1.1 200 ", 13) != 0 || !at)
		return -EPROTO;
	for (at += sizeof field - 1; *at >= '0' && *at <= '9' && n < INT32_MAX; at++)
		n = 10 * n + (*at - '0');
	return *at == '\r' ? n : -EPROTO;
}

/*
 * n bytes more have come into the buffer. 1: the answer is whole, and what it says is added to *c; 0: more is to come; or
 * -EPROTO.
 */
static inline int fanout_take(struct fanout_get *g, size_t n, struct fanout_count *c)
{
	const char *end;
	size_t head;

	g->got += n;
	c->bytes_read += n;
	end = memmem(g->buffer, g->got, "\r\n\r\n", 4);
	if (!end)
		return g->got < BACKEND_HEAD_MAX ? 0 : -EPROTO;
	head = (size_t)(end - g->buffer) + 4;
	if (fanout_length(g->buffer, head) != (int64_t)g->body_bytes || g->got > head + g->body_bytes)
		return -EPROTO;
	if (g->got < head + g->body_bytes)
		return 0;
	c->answers++;
	c->checksum += backend_sum(g->buffer + head, g->body_bytes) * (2 * g->number + 1);
	return 1;
}

static inline void fanout_add(struct fanout_count *to, const struct fanout_count *c)
{
	to->ops += c->ops;
	to->gets += c->gets;
	to->answers += c->answers;
	to->bytes_read += c->bytes_read;
	to->bytes_written += c->bytes_written;
	to->checksum += c->checksum;
}

void fanout_certify(struct bench *b, const struct fanout_count *c);

#endif
