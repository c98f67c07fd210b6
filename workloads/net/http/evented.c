/*
 * net/http in the callback style: a record per connection with its parser, and with what is left of an answer.
 *
 * Requests that have been read but not answered yet stay in the buffer, from `at` on, while an answer does not fit into
 * the socket: then nothing more is read, and a client that does not read is held back by TCP.
 */
#include "workloads/net/http/http.h"
#include "workloads/net/tcp_evented.h"

struct connection {
	struct tcp_connection c;
	struct http_parser parser;
	const char *out; /* the answer that is being written, and how much of it is left */
	size_t left;
	bool is_answer; /* it is a 200, which counts once it is gone */
	bool is_last; /* the connection ends after it */
	size_t at, end; /* of what was read and has not been parsed */
	char buffer[HTTP_BUFFER];
};

/* Write what is left. 1: all gone, 0: the socket is full, or -errno; -EPIPE if that was the connection's last. */
static int drain(struct connection *h)
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

/* Parse up to the end of a request and begin its answer. False: there is none yet. */
static bool parse(struct connection *h)
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

static int ready(struct tcp_connection *c)
{
	struct connection *h = EX_CONTAINER(c, struct connection, c);
	int status = 1;

	if (c->writes) {
		status = drain(h);
	} else {
		ssize_t n = tcp_read(c, h->buffer, sizeof h->buffer);

		if (n <= 0)
			return (int)n;
		h->at = 0;
		h->end = (size_t)n;
	}
	while (status == 1 && parse(h))
		status = drain(h);
	c->writes = status == 0;
	return status < 0 ? status : 0;
}

static int run_http(struct bench *b)
{
	const struct tcp_server like = {.connection_bytes = sizeof(struct connection),
					.zeroed_bytes = offsetof(struct connection, buffer),
					.ready = ready,
					.certify = http_certify};
	struct http_data *d = b->data;

	return tcp_serve_evented(b, &d->listen_fd, &like);
}

const struct bench_body net_http_evented = {.run = run_http};
