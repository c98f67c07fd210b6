/*
 * mix/hackbench on libuv: a stream per end of a pair of sockets. A sender tries each message at once; one that does not fit is left to
 * uv_write, whose callback is when the sender goes on. After a round it is posted, so that the others have their turn.
 *
 * A receiver's stream is given room for what is missing of one message: one read per message, as in every body. libuv goes on
 * reading while a read fills its room, 32 times at most, so a wake-up brings several.
 */
#include <stdbool.h>

#include "harness/subject/evented.h"
#include "workloads/mix/hackbench/hackbench.h"

struct meeting;

struct sender {
	struct lv_work work;
	uv_write_t write;
	struct meeting *meeting;
	uint64_t number, loop;
	uint64_t receiver; /* of its group: the next one to be sent to in this round */
	unsigned char message[HACKBENCH_BYTES];
};

struct wire {
	uv_pipe_t in, out; /* the receiver's end, and that of all senders of its group */
	struct meeting *meeting;
	uint64_t received;
	size_t got; /* of the message that is being read */
	unsigned char message[HACKBENCH_BYTES];
};

struct meeting {
	struct bench *b;
	struct hackbench_shape shape;
	uint64_t handles; /* that exist */
	uint64_t busy; /* receivers that have not got all */
	bool has_begun; /* where not, nobody waits to hear how it ended */
	bool is_over;
	int status; /* of the first failure */
	struct bench_cert cert;
	struct wire *wires;
	struct sender *senders;
};

static void free_meeting(struct meeting *m)
{
	free(m->senders);
	free(m->wires);
	free(m);
}

static void closed(uv_handle_t *h)
{
	struct meeting *m = ((struct wire *)h->data)->meeting;
	struct bench *b = m->b;
	bool has_begun = m->has_begun;
	int status = m->status;

	if (--m->handles > 0)
		return;
	b->cert = m->cert; /* not before: a closing calls back for what has been written */
	free_meeting(m);
	if (has_begun)
		bench_done(b, status);
}

static void close_all(struct meeting *m)
{
	const uint64_t n = m->handles;

	m->is_over = true;
	for (uint64_t i = 0; i < n; i++) {
		struct wire *w = &m->wires[i / 2];

		uv_close((uv_handle_t *)(i % 2 ? &w->out : &w->in), closed);
	}
}

/* status < 0: `what` failed. */
static void finish(struct meeting *m, int status, const char *what)
{
	struct bench *b = m->b;

	if (m->is_over)
		return;
	bench_end(b);
	m->status = status;
	if (status < 0)
		bench_fail(b, status, "%s failed after %llu messages: %s", what, (unsigned long long)m->cert.ops,
			   uv_strerror(status));
	close_all(m);
}

static void send_round(struct lv_work *work);

static void count_sent(struct sender *s)
{
	s->meeting->cert.messages++;
	s->meeting->cert.bytes_written += HACKBENCH_BYTES;
	s->receiver++;
}

static void sent(uv_write_t *write, int status)
{
	struct sender *s = LV_CONTAINER(write, struct sender, write);

	if (status < 0) {
		finish(s->meeting, status, "a send");
		return;
	}
	count_sent(s);
	send_round(&s->work);
}

/* 1: it is gone, 0: `sent` will be called, or < 0. */
static int send_message(struct sender *s, struct wire *w)
{
	uv_stream_t *out = (uv_stream_t *)&w->out;
	uv_buf_t buf = uv_buf_init((char *)s->message, HACKBENCH_BYTES);
	int n = uv_try_write(out, &buf, 1);

	if (n == HACKBENCH_BYTES)
		return 1;
	if (n < 0 && n != UV_EAGAIN)
		return n;
	if (n > 0) {
		buf.base += n;
		buf.len -= (size_t)n;
	}
	return uv_write(&s->write, out, &buf, 1, sent);
}

/* The rest of a round: a message to each receiver that has not had it. */
static void send_round(struct lv_work *work)
{
	struct sender *s = LV_CONTAINER(work, struct sender, work);
	struct meeting *m = s->meeting;
	struct wire *first = &m->wires[hackbench_first_of_group(&m->shape, s->number)];

	if (m->is_over)
		return;
	while (s->receiver < m->shape.tasks) {
		int status = send_message(s, &first[s->receiver]);

		if (status < 0)
			finish(m, status, "a send");
		if (status <= 0)
			return;
		count_sent(s);
	}
	s->receiver = 0;
	if (++s->loop == m->shape.loops)
		return;
	hackbench_number(&m->shape, s->message, s->number, s->loop);
	lv_post(ex_loop_of(m->b), &s->work, send_round);
}

static void alloc(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
	struct wire *w = h->data;

	(void)wanted;
	*buf = uv_buf_init((char *)w->message + w->got, (unsigned)(HACKBENCH_BYTES - w->got));
}

static void has_message(uv_stream_t *in, ssize_t n, const uv_buf_t *buf)
{
	struct wire *w = in->data;
	struct meeting *m = w->meeting;

	(void)buf; /* it is behind what there was */
	if (n == 0) /* nothing was there */
		return;
	if (n < 0) {
		finish(m, (int)n, "a receive");
		return;
	}
	m->cert.bytes_read += (uint64_t)n;
	w->got += (size_t)n;
	if (w->got < HACKBENCH_BYTES)
		return;
	w->got = 0;
	m->cert.ops++;
	m->cert.checksum += hackbench_digit(w->message, (uint64_t)(w - m->wires));
	if (++w->received == hackbench_due(&m->shape) && --m->busy == 0)
		finish(m, 0, NULL);
}

static int open_end(struct wire *w, uv_pipe_t *end, int fd)
{
	struct meeting *m = w->meeting;
	int status;

	lv_must(uv_pipe_init(&ex_loop_of(m->b)->uv, end, 0), "uv_pipe_init"); /* it makes no descriptor */
	end->data = w;
	m->handles++;
	status = uv_pipe_open(end, fd);
	if (status < 0)
		close(fd);
	return status;
}

/* libuv closes the descriptors from here on. 0, or the first failure. */
static int open_all(struct meeting *m, int (*pairs)[2])
{
	int status = 0;

	for (uint64_t i = 0; i < hackbench_side(&m->shape); i++) {
		struct wire *w = &m->wires[i];
		int opened[2];

		w->meeting = m;
		opened[0] = open_end(w, &w->in, pairs[i][0]);
		opened[1] = open_end(w, &w->out, pairs[i][1]);
		if (opened[0] == 0)
			opened[0] = uv_read_start((uv_stream_t *)&w->in, alloc, has_message);
		for (int k = 0; k < 2; k++)
			if (opened[k] < 0 && status == 0)
				status = opened[k];
	}
	return status;
}

static struct meeting *new_meeting(struct bench *b)
{
	struct meeting *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->b = b;
	m->shape = hackbench_shape(b);
	m->busy = hackbench_side(&m->shape);
	m->wires = calloc(m->busy, sizeof m->wires[0]);
	m->senders = calloc(m->busy, sizeof m->senders[0]);
	if (m->wires && m->senders)
		return m;
	free_meeting(m);
	return NULL;
}

static int run_hackbench(struct bench *b)
{
	struct meeting *m = new_meeting(b);
	int(*pairs)[2], status;

	if (!m)
		return bench_fail(b, -ENOMEM, "out of memory for the records");
	pairs = hackbench_open(b, m->busy, SOCK_NONBLOCK, &status);
	if (!pairs) {
		free_meeting(m);
		return status;
	}
	status = open_all(m, pairs);
	free(pairs);
	if (status < 0) {
		close_all(m); /* and free it */
		return bench_fail(b, status, "the loop cannot watch the pairs of sockets: %s", uv_strerror(status));
	}
	bench_begin(b);
	m->has_begun = true;
	for (uint64_t i = 0; i < hackbench_side(&m->shape); i++) {
		struct sender *s = &m->senders[i];

		s->meeting = m;
		s->number = i;
		hackbench_number(&m->shape, s->message, i, 0);
		lv_post(ex_loop_of(b), &s->work, send_round);
	}
	return 0;
}

const struct bench_body mix_hackbench_evented = {.run = run_hackbench};
