/*
 * mix/hackbench in the blocking style: a task per sender and per receiver.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "workloads/gate.h"
#include "workloads/mix/hackbench/hackbench.h"

struct wire {
	dx_sock in, out; /* the receiver's end, and that of all senders of its group */
};

struct meeting {
	struct hackbench_shape shape; /* immutable, as all to the next line */
	struct wire *wires; /* one per receiver */
	struct gate gate;
	bool is_off; /* set before the gate opens: a task was refused, and nobody begins */
	/* ---- */
	_Atomic int failure; /* 0, or the first -errno of a task's; those that come of it do not count */
	struct party *senders, *receivers;
};

/* On cache lines of its own. */
struct party {
	struct meeting *meeting;
	uint64_t number;
	dx_task task;
	/* the task's until it is joined */
	uint64_t messages, bytes, sum;
} __attribute__((aligned(64)));

/* n: what a call has given, which is not what was due. */
static void note_failure(struct meeting *m, ssize_t n)
{
	int none = 0;

	atomic_compare_exchange_strong(&m->failure, &none, n < 0 ? (int)n : -EIO);
}

/* A send has failed: nobody in this group is to wait for what will not come. */
static void give_up(struct meeting *m, uint64_t sender, ssize_t n)
{
	uint64_t first = hackbench_first_of_group(&m->shape, sender);

	note_failure(m, n);
	for (uint64_t r = 0; r < m->shape.tasks; r++)
		dx_sock_shutdown(&m->wires[first + r].out);
}

static void send_all(void *arg)
{
	struct party *p = arg;
	struct meeting *m = p->meeting;
	struct wire *first = &m->wires[hackbench_first_of_group(&m->shape, p->number)];
	unsigned char message[HACKBENCH_BYTES] = {0};

	gate_pass(&m->gate);
	if (m->is_off)
		return;
	for (uint64_t loop = 0; loop < m->shape.loops; loop++) {
		hackbench_number(&m->shape, message, p->number, loop);
		for (uint64_t r = 0; r < m->shape.tasks; r++) {
			ssize_t n = dx_sendto(&first[r].out, message, sizeof message, NULL, 0);

			if (n != sizeof message) {
				give_up(m, p->number, n);
				return;
			}
			p->messages++;
			p->bytes += sizeof message;
		}
	}
}

/* Read one message. False: the stream has ended, or failed, and its senders are not to wait for room in it. */
static bool receive(struct party *p, unsigned char *message)
{
	dx_sock *in = &p->meeting->wires[p->number].in;

	for (size_t got = 0; got < HACKBENCH_BYTES;) {
		ssize_t n = dx_sock_read(in, message + got, HACKBENCH_BYTES - got);

		if (n <= 0) {
			note_failure(p->meeting, n);
			dx_sock_shutdown(in);
			return false;
		}
		got += (size_t)n;
		p->bytes += (uint64_t)n;
	}
	return true;
}

static void receive_all(void *arg)
{
	struct party *p = arg;
	struct meeting *m = p->meeting;
	unsigned char message[HACKBENCH_BYTES];

	gate_pass(&m->gate);
	if (m->is_off)
		return;
	for (uint64_t left = hackbench_due(&m->shape); left > 0 && receive(p, message); left--) {
		p->sum += hackbench_digit(message, p->number);
		p->messages++;
	}
}

/* Create the tasks of one side: how many there are then, and in *status why there are not more. */
static uint64_t gather_side(struct meeting *m, struct party *side, void (*fn)(void *), int *status)
{
	uint64_t i = 0;

	for (; i < hackbench_side(&m->shape) && *status == 0; i++) {
		side[i] = (struct party){.meeting = m, .number = i};
		*status = gate_spawn(&m->gate, &side[i].task, fn, &side[i]);
		if (*status < 0)
			break;
	}
	return i;
}

static void join_side(struct party *side, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		dx_join(&side[i].task);
}

/* With the sockets made: create all tasks, let them talk, join them. */
static int meet(struct bench *b, struct meeting *m)
{
	struct bench_cert cert = {0};
	uint64_t receivers, senders;
	int status = 0, failure;

	receivers = gather_side(m, m->receivers, receive_all, &status);
	senders = gather_side(m, m->senders, send_all, &status);
	m->is_off = status < 0;
	gate_gather(&m->gate);
	if (status == 0)
		bench_begin(b);
	gate_open(&m->gate);
	join_side(m->senders, senders);
	join_side(m->receivers, receivers);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)(2 * hackbench_side(&m->shape)),
				  (unsigned long long)(receivers + senders), strerror(-status));
	bench_end(b);
	for (uint64_t i = 0; i < receivers; i++) {
		cert.ops += m->receivers[i].messages;
		cert.bytes_read += m->receivers[i].bytes;
		cert.checksum += m->receivers[i].sum;
		cert.messages += m->senders[i].messages;
		cert.bytes_written += m->senders[i].bytes;
	}
	b->cert = cert;
	failure = atomic_load(&m->failure);
	return failure < 0 ? bench_fail(b, failure, "sending or receiving failed after %llu messages: %s",
					(unsigned long long)cert.ops, strerror(-failure))
			   : 0;
}

/* Give all sockets to the model: those that it has not taken are closed. 0, or -errno and b->why. */
static int make_wires(struct bench *b, struct meeting *m)
{
	uint64_t n = hackbench_side(&m->shape), taken = 0;
	int status, (*pairs)[2] = hackbench_open(b, n, 0, &status);

	if (!pairs)
		return status;
	for (; taken < n; taken++) {
		status = dx_sock_adopt(&m->wires[taken].in, pairs[taken][0]);
		if (status < 0)
			break;
		status = dx_sock_adopt(&m->wires[taken].out, pairs[taken][1]);
		if (status < 0) {
			dx_sock_close(&m->wires[taken].in);
			close(pairs[taken][1]);
			break;
		}
	}
	if (status == 0) {
		free(pairs);
		return 0;
	}
	for (uint64_t i = 0; i < taken; i++) {
		dx_sock_close(&m->wires[i].in);
		dx_sock_close(&m->wires[i].out);
	}
	for (uint64_t i = taken + 1; i < n; i++) {
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
	free(pairs);
	return bench_fail(b, status, "the model cannot take over the socket after %llu: %s",
			  (unsigned long long)(2 * taken), strerror(-status));
}

static int run_hackbench(struct bench *b)
{
	struct meeting m = {.shape = hackbench_shape(b)};
	uint64_t n = hackbench_side(&m.shape);
	int status = gate_init(&m.gate);

	if (status < 0)
		return bench_fail(b, status, "cannot make a gate: %s", strerror(-status));
	m.wires = calloc(n, sizeof m.wires[0]);
	m.senders = aligned_alloc(64, n * sizeof m.senders[0]);
	m.receivers = aligned_alloc(64, n * sizeof m.receivers[0]);
	if (!m.wires || !m.senders || !m.receivers)
		status = bench_fail(b, -ENOMEM, "out of memory for %llu tasks", (unsigned long long)(2 * n));
	else
		status = make_wires(b, &m);
	if (status == 0) {
		status = meet(b, &m);
		for (uint64_t i = 0; i < n; i++) {
			dx_sock_close(&m.wires[i].in);
			dx_sock_close(&m.wires[i].out);
		}
	}
	free(m.receivers);
	free(m.senders);
	free(m.wires);
	gate_destroy(&m.gate);
	return status;
}

const struct bench_body mix_hackbench_direct = {.run = run_hackbench};
