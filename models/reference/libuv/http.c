/*
 * http.c - HTTP on libuv; see http.h.
 */
#include "models/reference/libuv/http.h"

static void http_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);
static void answer_written(uv_write_t *write, int status);

static struct lv_http *http_of(const void *handle)
{
	return LV_CONTAINER(lv_connection_of(handle), struct lv_http, c);
}

static void http_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	struct lv_http *h = http_of(handle);

	(void)wanted;
	buf->base = h->buffer + h->end;
	buf->len = sizeof h->buffer - h->end;
}

static void pause_reading(struct lv_http *h)
{
	h->is_paused = true;
	uv_read_stop((uv_stream_t *)&h->c.tcp);
}

static void go_on_reading(struct lv_http *h)
{
	int status;

	if (!h->is_paused)
		return;
	h->is_paused = false;
	status = uv_read_start((uv_stream_t *)&h->c.tcp, http_alloc, http_read);
	if (status < 0)
		lv_connection_end(&h->c, status);
}

/* An answer is gone. True: the connection goes on. */
static bool has_answered(struct lv_http *h)
{
	if (h->is_answer)
		h->c.server->totals.ops++;
	if (h->is_last)
		lv_connection_end(&h->c, UV_EOF);
	return !h->is_last;
}

/* Answer the request that has been parsed. True: that is done, and the connection goes on. */
static bool answer(struct lv_http *h)
{
	const struct http_data *d = h->c.server->b->data;
	const char *refusal = h->is_answer ? NULL : http_refusal(h->parser.status);
	int status = refusal ? lv_send(&h->c, refusal, strlen(refusal), answer_written)
			     : lv_send(&h->c, d->answer, d->answer_bytes, answer_written);

	if (status == 0)
		return has_answered(h);
	if (status < 0)
		lv_connection_end(&h->c, status);
	else
		pause_reading(h);
	return false;
}

/* Parse up to the end of a request. False: there is none yet. */
static bool parse_one(struct lv_http *h)
{
	enum http_result result;
	size_t used = 0;

	if (h->at == h->end)
		return false;
	result = http_parse(&h->parser, h->buffer + h->at, h->end - h->at, &used);
	h->at += used;
	h->is_answer = result == HTTP_REQUEST;
	h->is_last = result == HTTP_REFUSED || h->parser.closes;
	return result != HTTP_MORE;
}

/* Answer what has been read, as far as it goes. */
static void take_requests(struct lv_http *h)
{
	struct lv_server *s = h->c.server;

	while (parse_one(h)) {
		if (s->work && h->is_answer) {
			h->is_busy = true;
			s->work(&h->c);
			return;
		}
		if (!answer(h))
			return;
	}
	h->at = h->end = 0;
	go_on_reading(h);
}

static void answer_written(uv_write_t *write, int status)
{
	struct lv_http *h = http_of(write->handle);

	if (lv_written(write, status) && has_answered(h))
		take_requests(h);
}

static void http_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct lv_http *h = http_of(stream);

	(void)buf; /* it is behind `end` */
	if (n < 0) {
		if (h->is_busy)
			pause_reading(h); /* the end is told again, when it goes on */
		else
			lv_connection_end(&h->c, (int)n);
		return;
	}
	h->c.server->totals.bytes_read += (uint64_t)n;
	h->end += (size_t)n;
	if (!h->is_busy)
		take_requests(h);
	else if (h->end == sizeof h->buffer)
		pause_reading(h);
}

void lv_http_worked(struct lv_http *h)
{
	h->is_busy = false;
	if (answer(h))
		take_requests(h);
}

int lv_serve_http(struct bench *b, struct net_sockets *listeners, const struct lv_server *like)
{
	struct lv_server s = *like;

	s.zeroed_bytes = LV_HTTP_ZEROED;
	s.alloc = http_alloc;
	s.read = http_read;
	return lv_serve(b, listeners, &s);
}
