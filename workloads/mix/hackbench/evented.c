/*
 * mix/hackbench in the callback style: a record per sender, which is posted again after each round, and one per
 * receiver, called back while there is something to read. Senders that find a socket full wait in its list.
 */
#include <stdbool.h>

#include "harness/subject/evented.h"
#include "workloads/mix/hackbench/hackbench.h"

struct meeting;

struct sender {
	ex_work work;
	struct sender *next; /* in a list of those that wait for room */
	struct meeting *meeting;
	uint64_t number, loop;
	uint64_t receiver; /* of its group: the next one to be sent to in this round */
	unsigned char message[HACKBENCH_BYTES];
};

struct wire {
	ex_io in, out; /* the receiver's end, and that of all senders of its group */
	struct meeting *meeting;
	struct sender *waiting, **last; /* for room in `out` */
	uint64_t received;
	size_t got; /* of the message that is being read */
	unsigned char message[HACKBENCH_BYTES];
};

struct meeting {
	struct bench *b;
	struct hackbench_shape shape;
	int (*pairs)[2];
	uint64_t watched; /* wires that the loop knows */
	uint64_t busy; /* receivers that have not got all */
	struct bench_cert cert;
	struct wire *wires;
	struct sender *senders;
};

static void clean_up(struct meeting *m)
{
	ex_loop *loop = ex_loop_of(m->b);

	for (uint64_t i = 0; i < m->watched; i++) {
		ex_io_stop(loop, &m->wires[i].in);
		ex_io_stop(loop, &m->wires[i].out);
	}
	if (m->pairs)
		hackbench_close(m->pairs, hackbench_side(&m->shape));
	free(m->senders);
	free(m->wires);
	free(m);
}

/* status < 0: `what` failed. */
static void finish(struct meeting *m, int status, const char *what)
{
	struct bench *b = m->b;

	bench_end(b);
	b->cert = m->cert;
	if (status < 0)
		bench_fail(b, status, "%s failed after %llu messages: %s", what, (unsigned long long)m->cert.ops,
			   strerror(-status));
	clean_up(m);
	bench_done(b, status);
}

static void has_room(ex_io *io, unsigned events);

static int wait_for_room(struct sender *s, struct wire *w)
{
	s->next = NULL;
	if (w->waiting) {
		*w->last = s;
		w->last = &s->next;
		return 0;
	}
	w->waiting = s;
	w->last = &s->next;
	return ex_io_change(ex_loop_of(s->meeting->b), &w->out, EX_WRITE);
}

/* The rest of a round: a message to each receiver that has not had it. */
static void send_round(ex_work *work)
{
	struct sender *s = EX_CONTAINER(work, struct sender, work);
	struct meeting *m = s->meeting;
	struct wire *first = &m->wires[hackbench_first_of_group(&m->shape, s->number)];

	for (; s->receiver < m->shape.tasks; s->receiver++) {
		struct wire *w = &first[s->receiver];
		ssize_t n = hackbench_send(w->out.fd, s->message);
		int status = n < 0 ? (int)n : 0;

		if (status == -EAGAIN)
			status = wait_for_room(s, w);
		if (status < 0)
			finish(m, status, "a send");
		if (n < 0)
			return;
		m->cert.messages++;
		m->cert.bytes_written += (uint64_t)n;
	}
	s->receiver = 0;
	if (++s->loop == m->shape.loops)
		return;
	hackbench_number(&m->shape, s->message, s->number, s->loop);
	ex_post(ex_loop_of(m->b), &s->work, send_round);
}

static void has_room(ex_io *io, unsigned events)
{
	struct wire *w = EX_CONTAINER(io, struct wire, out);
	ex_loop *loop = ex_loop_of(w->meeting->b);
	struct sender *s = w->waiting;
	int status = ex_io_change(loop, io, 0);

	(void)events;
	w->waiting = NULL;
	for (struct sender *next; s; s = next) {
		next = s->next;
		ex_post(loop, &s->work, send_round);
	}
	if (status < 0)
		finish(w->meeting, status, "ending to watch a socket");
}

static void has_message(ex_io *io, unsigned events)
{
	struct wire *w = EX_CONTAINER(io, struct wire, in);
	struct meeting *m = w->meeting;
	ssize_t n = hackbench_receive(io->fd, w->message, w->got);

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		finish(m, n < 0 ? (int)n : -EPIPE, "a receive");
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

static int watch_all(struct meeting *m)
{
	ex_loop *loop = ex_loop_of(m->b);
	uint64_t n = hackbench_side(&m->shape);
	int status = 0;

	for (; m->watched < n; m->watched++) {
		struct wire *w = &m->wires[m->watched];

		w->meeting = m;
		status = ex_io_start(loop, &w->in, m->pairs[m->watched][0], EX_READ, has_message);
		if (status < 0)
			break;
		status = ex_io_start(loop, &w->out, m->pairs[m->watched][1], 0, has_room);
		if (status < 0) {
			ex_io_stop(loop, &w->in);
			break;
		}
	}
	return status < 0 ? bench_fail(m->b, status, "the loop cannot watch the pair of sockets after %llu: %s",
				       (unsigned long long)m->watched, strerror(-status))
			  : 0;
}

static int run_hackbench(struct bench *b)
{
	struct meeting *m = calloc(1, sizeof *m);
	uint64_t n;
	int status;

	if (!m)
		return bench_fail(b, -ENOMEM, "out of memory");
	m->b = b;
	m->shape = hackbench_shape(b);
	m->busy = n = hackbench_side(&m->shape);
	m->wires = calloc(n, sizeof m->wires[0]);
	m->senders = calloc(n, sizeof m->senders[0]);
	if (!m->wires || !m->senders) {
		status = bench_fail(b, -ENOMEM, "out of memory for %llu records", (unsigned long long)(2 * n));
	} else {
		m->pairs = hackbench_open(b, n, SOCK_NONBLOCK, &status);
		if (m->pairs)
			status = watch_all(m);
	}
	if (status < 0) {
		clean_up(m);
		return status;
	}
	bench_begin(b);
	for (uint64_t i = 0; i < n; i++) {
		struct sender *s = &m->senders[i];

		s->meeting = m;
		s->number = i;
		hackbench_number(&m->shape, s->message, i, 0);
		ex_post(ex_loop_of(b), &s->work, send_round);
	}
	return 0;
}

const struct bench_body mix_hackbench_evented = {.run = run_hackbench};
