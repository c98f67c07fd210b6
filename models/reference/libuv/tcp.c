/*
 * tcp.c - TCP servers on libuv; see tcp.h.
 */
#include "models/reference/libuv/tcp.h"

/* ---- the end ---------------------------------------------------------------------------------------- */

void lv_note_failure(struct lv_server *s, const char *where, int status)
{
	if (s->status == 0) {
		s->status = status;
		s->where = where;
	}
}

static void end_if_idle(struct lv_server *s)
{
	struct bench *b = s->b;
	int status = s->status;

	if (s->handles > 0 || s->connections > 0)
		return;
	if (!s->serves) {
		free(s);
		return;
	}
	s->certify(b, &s->totals);
	if (status < 0)
		bench_fail(b, status, "%s: %s", s->where, uv_strerror(status));
	free(s);
	bench_done(b, status);
}

static void server_closed(uv_handle_t *h)
{
	struct lv_server *s = h->data;

	s->handles--;
	end_if_idle(s);
}

static void stop_listening(struct lv_server *s)
{
	if (uv_is_closing((uv_handle_t *)&s->listener))
		return;
	uv_close((uv_handle_t *)&s->listener, server_closed);
	uv_close((uv_handle_t *)&s->stop, server_closed);
}

void lv_connection_owns(struct lv_connection *c, void *handle)
{
	((uv_handle_t *)handle)->data = c;
	c->handles++;
}

void lv_connection_closed(uv_handle_t *h)
{
	struct lv_connection *c = lv_connection_of(h);
	struct lv_server *s = c->server;

	if (--c->handles > 0)
		return;
	free(c);
	s->connections--;
	end_if_idle(s);
}

void lv_connection_end(struct lv_connection *c, int status)
{
	struct lv_server *s = c->server;

	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	if (status < 0 && status != UV_EOF && !tcp_is_hangup(status))
		lv_note_failure(s, "a connection failed", status);
	uv_close((uv_handle_t *)&c->tcp, lv_connection_closed);
	if (s->close)
		s->close(c);
}

/* ---- connections ------------------------------------------------------------------------------------- */

int lv_send(struct lv_connection *c, const char *bytes, size_t n, uv_write_cb written)
{
	uv_stream_t *stream = (uv_stream_t *)&c->tcp;
	uv_buf_t buf = {.base = (char *)bytes, .len = n}; /* it is only read */
	int gone = uv_try_write(stream, &buf, 1);

	if (gone == UV_EAGAIN)
		gone = 0;
	if (gone < 0)
		return gone;
	c->server->totals.bytes_written += (uint64_t)gone;
	if ((size_t)gone == n)
		return 0;
	buf.base += gone;
	buf.len = c->left = n - (size_t)gone;
	gone = uv_write(&c->write, stream, &buf, 1, written);
	return gone < 0 ? gone : 1;
}

bool lv_written(uv_write_t *write, int status)
{
	struct lv_connection *c = lv_connection_of(write->handle);

	if (status < 0) {
		lv_connection_end(c, status);
		return false;
	}
	c->server->totals.bytes_written += c->left;
	return true;
}

static int accept_one(struct lv_server *s, struct lv_connection **out)
{
	struct lv_connection *c = malloc(s->connection_bytes);
	int status;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	memset(c, 0, s->zeroed_bytes);
	c->server = s;
	lv_must(uv_tcp_init(s->listener.loop, &c->tcp), "uv_tcp_init"); /* it makes no descriptor */
	lv_connection_owns(c, &c->tcp);
	s->connections++;
	*out = c;
	if (s->open)
		s->open(c);
	status = uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)&c->tcp);
	if (status == 0)
		status = uv_read_start((uv_stream_t *)&c->tcp, s->alloc, s->read);
	return status;
}

static void connection_came(uv_stream_t *listener, int status)
{
	struct lv_server *s = listener->data;
	struct lv_connection *c = NULL;

	if (status == 0)
		status = accept_one(s, &c);
	if (status == 0) {
		s->totals.connections++;
		return;
	}
	lv_note_failure(s, "a connection could not be accepted", status);
	if (c)
		lv_connection_end(c, UV_EOF);
	stop_listening(s);
}

static void stop_came(uv_poll_t *stop, int status, int events)
{
	(void)status;
	(void)events;
	stop_listening(stop->data);
}

/* Give one of the server's two handles its place. */
static void own(struct lv_server *s, void *handle)
{
	((uv_handle_t *)handle)->data = s;
	s->handles++;
}

int lv_serve(struct bench *b, struct net_sockets *listeners, const struct lv_server *like)
{
	struct lv_server *s = malloc(sizeof *s);
	uv_loop_t *loop = &ex_loop_of(b)->uv;
	int fd, status;

	if (!s)
		return bench_fail(b, -ENOMEM, "out of memory for the server's record");
	*s = *like;
	s->b = b;
	fd = net_take(b, listeners);
	if (fd < 0) {
		free(s);
		return fd;
	}
	lv_must(uv_tcp_init(loop, &s->listener), "uv_tcp_init");
	own(s, &s->listener);
	status = uv_tcp_open(&s->listener, fd);
	if (status < 0)
		close(fd);
	if (status == 0)
		status = uv_listen((uv_stream_t *)&s->listener, TCP_BACKLOG, connection_came);
	if (status == 0)
		status = uv_poll_init(loop, &s->stop, bench_stop_fd(b));
	if (status < 0) {
		bench_fail(b, status, "the loop cannot watch the listening socket: %s", uv_strerror(status));
		uv_close((uv_handle_t *)&s->listener, server_closed);
		return status;
	}
	own(s, &s->stop);
	lv_must(uv_poll_start(&s->stop, UV_READABLE, stop_came), "uv_poll_start");
	s->serves = true;
	bench_serving(b, fd);
	return 0;
}

/* ---- echo -------------------------------------------------------------------------------------------- */

struct echo_connection {
	struct lv_connection c;
	char buffer[];
};

static void echo_alloc(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
	struct lv_connection *c = lv_connection_of(h);

	(void)wanted;
	buf->base = LV_CONTAINER(c, struct echo_connection, c)->buffer;
	buf->len = c->server->connection_bytes - sizeof(struct echo_connection);
}

static void echo_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void echo_written(uv_write_t *write, int status)
{
	if (lv_written(write, status))
		status = uv_read_start(write->handle, echo_alloc, echo_read);
	if (status < 0)
		lv_connection_end(lv_connection_of(write->handle), status);
}

static void echo_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct lv_connection *c = lv_connection_of(stream);
	int status = (int)n;

	if (n == 0) /* nothing was there */
		return;
	if (n > 0) {
		c->server->totals.bytes_read += (uint64_t)n;
		status = lv_send(c, buf->base, (size_t)n, echo_written);
	}
	if (status < 0)
		lv_connection_end(c, status);
	else if (status == 1)
		uv_read_stop(stream);
}

int lv_serve_echo(struct bench *b, size_t buffer_bytes,
		  void (*certify)(struct bench *b, const struct tcp_totals *totals))
{
	const struct lv_server like = {.connection_bytes = sizeof(struct echo_connection) + buffer_bytes,
				       .zeroed_bytes = sizeof(struct echo_connection),
				       .alloc = echo_alloc,
				       .read = echo_read,
				       .certify = certify};

	return lv_serve(b, b->data, &like);
}
