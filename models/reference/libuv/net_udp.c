/*
 * net/udp on libuv: a uv_udp_t that receives by itself, and answers that are tried at once. One that the socket does not take
 * is left to uv_udp_send, and nothing is received before it is gone.
 *
 * libuv receives until there is nothing, or 32 times. UV_UDP_RECVMMSG stays off: a call per datagram, as in every body.
 */
#include "harness/subject/evented.h"
#include "workloads/net/udp/udp.h"

struct server {
	struct bench *b;
	uv_udp_t udp;
	uv_poll_t stop;
	unsigned handles; /* that exist */
	bool serves; /* it has begun to; where not, nobody waits to hear how it ended */
	int status; /* of the first failure */
	uint64_t received, bytes_read, bytes_written;
	uv_udp_send_t send;
	size_t kept; /* bytes in the buffer that are being sent by it */
	char buffer[UDP_BUFFER];
};

static void received(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags);

static void closed(uv_handle_t *h)
{
	struct server *s = h->data;
	struct bench *b = s->b;
	bool serves = s->serves;
	int status = s->status;

	if (--s->handles > 0)
		return;
	udp_certify(b, s->received, s->bytes_read, s->bytes_written);
	free(s);
	if (!serves)
		return;
	if (status < 0)
		bench_fail(b, status, "a datagram failed: %s", uv_strerror(status));
	bench_done(b, status);
}

static void finish(struct server *s, int status)
{
	if (uv_is_closing((uv_handle_t *)&s->udp))
		return;
	s->status = status;
	uv_close((uv_handle_t *)&s->udp, closed);
	uv_close((uv_handle_t *)&s->stop, closed);
}

static void alloc(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
	struct server *s = h->data;

	(void)wanted;
	buf->base = s->buffer;
	buf->len = sizeof s->buffer;
}

static void sent(uv_udp_send_t *send, int status)
{
	struct server *s = LV_CONTAINER(send, struct server, send);

	if (status == UV_ECANCELED) /* it is being closed */
		return;
	if (status == 0) {
		s->bytes_written += s->kept;
		status = uv_udp_recv_start(&s->udp, alloc, received);
	}
	if (status < 0)
		finish(s, status);
}

/* 0, or what libuv says. */
static int send_back(struct server *s, size_t n, const struct sockaddr *to)
{
	uv_buf_t buf = uv_buf_init(s->buffer, (unsigned)n);
	int gone = uv_udp_try_send(&s->udp, &buf, 1, to);

	if (gone >= 0)
		s->bytes_written += (uint64_t)gone;
	if (gone != UV_EAGAIN)
		return gone < 0 ? gone : 0;
	s->kept = n;
	uv_udp_recv_stop(&s->udp);
	return uv_udp_send(&s->send, &s->udp, &buf, 1, to, sent);
}

static void received(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
	struct server *s = udp->data;
	int status = (int)n;

	(void)buf;
	(void)flags;
	if (n == 0 && !from) /* nothing was there */
		return;
	if (n >= 0) {
		s->received++;
		s->bytes_read += (uint64_t)n;
		status = send_back(s, (size_t)n, from);
	}
	if (status < 0)
		finish(s, status);
}

static void stop_came(uv_poll_t *stop, int status, int events)
{
	(void)status;
	(void)events;
	finish(stop->data, 0);
}

static int run_udp(struct bench *b)
{
	struct server *s = calloc(1, sizeof *s);
	uv_loop_t *loop = &ex_loop_of(b)->uv;
	int fd, status;

	if (!s)
		return bench_fail(b, -ENOMEM, "out of memory for the server's record");
	s->b = b;
	fd = net_take(b, b->data);
	if (fd < 0) {
		free(s);
		return fd;
	}
	lv_must(uv_udp_init(loop, &s->udp), "uv_udp_init"); /* it makes no descriptor */
	s->udp.data = s->stop.data = s;
	s->handles = 1;
	status = uv_udp_open(&s->udp, fd);
	if (status < 0)
		close(fd);
	if (status == 0)
		status = uv_udp_recv_start(&s->udp, alloc, received);
	if (status == 0)
		status = uv_poll_init(loop, &s->stop, bench_stop_fd(b));
	if (status < 0) {
		bench_fail(b, status, "the loop cannot watch the socket: %s", uv_strerror(status));
		uv_close((uv_handle_t *)&s->udp, closed);
		return status;
	}
	s->handles = 2;
	lv_must(uv_poll_start(&s->stop, UV_READABLE, stop_came), "uv_poll_start");
	s->serves = true;
	bench_serving(b, fd);
	return 0;
}

const struct bench_body net_udp_evented = {.run = run_udp};
