/*
 * http_evented.h - an HTTP server in the callback style: a record per connection with its parser, and with what is left of
 * an answer.
 *
 * Requests that have been read but not answered yet stay in the buffer, from `at` on, while an answer does not fit into
 * the socket, or while the work of one is going on: then nothing more is read, and a client that does not read is held
 * back by TCP.
 */
#ifndef NET_HTTP_EVENTED_H
#define NET_HTTP_EVENTED_H

#include "workloads/net/http_server.h"
#include "workloads/net/tcp_evented.h"

struct http_connection {
	struct tcp_connection c;
	struct http_parser parser;
	const char *out; /* the answer that is being written, and how much of it is left */
	size_t left;
	bool is_answer; /* it is a 200, which counts once it is gone */
	bool is_last; /* the connection ends after it */
	bool is_busy; /* a request's work goes on */
	bool is_paused; /* and something has come meanwhile: it is not watched */
	size_t at, end; /* of what was read and has not been parsed */
	char buffer[HTTP_BUFFER];
};

/* Bytes of the record that must be zeroed. */
enum { HTTP_ZEROED = offsetof(struct http_connection, buffer) };

/* Write what is left. 1: all gone, 0: the socket is full, or -errno; -EPIPE if that was the connection's last. */
static inline int http_drain(struct http_connection *h)
{
	while (h->left > 0) {
		ssize_t n = tcp_write(&h->c, h->out, h->left);

		if (n <= 0)
			return (int)n;
		h->out += n;
		h->left -= (size_t)n;
	}
	if (h->is_answer)
		h->c.server->totals.ops++;
	h->is_answer = false;
	return h->is_last ? -EPIPE : 1;
}

/* Parse up to the end of a request and prepare its answer. False: there is none yet. */
static inline bool http_parse_one(struct http_connection *h)
{
	const struct http_data *d = h->c.server->b->data;
	enum http_result result;
	size_t used = 0;

	if (h->at == h->end)
		return false;
	result = http_parse(&h->parser, h->buffer + h->at, h->end - h->at, &used);
	h->at += used;
	if (result == HTTP_MORE)
		return false;
	h->is_answer = result == HTTP_REQUEST;
	h->is_last = !h->is_answer || h->parser.closes;
	h->out = h->is_answer ? d->answer : http_refusal(h->parser.status);
	h->left = h->is_answer ? d->answer_bytes : strlen(h->out);
	return true;
}

/*
 * For tcp_server's ready(). `work` begins what a request needs before it is answered and goes on by callbacks, the last
 * of which calls http_worked; NULL: nothing.
 */
static inline int http_ready(struct tcp_connection *c, void (*work)(struct http_connection *h))
{
	struct http_connection *h = EX_CONTAINER(c, struct http_connection, c);
	int status = 1;

	if (h->is_busy) {
		h->is_paused = true;
		return ex_io_change(ex_loop_of(c->server->b), &c->io, 0);
	}
	if (c->writes) {
		status = http_drain(h);
	} else {
		ssize_t n = tcp_read(c, h->buffer, sizeof h->buffer);

		if (n <= 0)
			return (int)n;
		h->at = 0;
		h->end = (size_t)n;
	}
	while (status == 1 && http_parse_one(h)) {
		if (work && h->is_answer) {
			c->writes = false;
			h->is_busy = true;
			work(h);
			return 0;
		}
		status = http_drain(h);
	}
	c->writes = status == 0;
	return status < 0 ? status : 0;
}

/* The work of a request is done: answer it, and go on with what else has been read. The connection may be gone then. */
static inline void http_worked(struct http_connection *h)
{
	struct tcp_connection *c = &h->c;
	int status = 0;

	h->is_busy = false;
	if (h->is_paused)
		status = ex_io_change(ex_loop_of(c->server->b), &c->io, EX_READ);
	h->is_paused = false;
	if (status < 0) {
		tcp_note_failure(c->server, "a connection failed", status);
		tcp_end_connection(c);
		return;
	}
	c->writes = true; /* so that ready() begins with the answer */
	tcp_connection_ready(&c->io, EX_WRITE);
}

#endif
