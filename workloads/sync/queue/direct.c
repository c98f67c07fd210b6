/*
 * sync/queue in the blocking style: tasks that send, tasks that receive until the channel is closed and drained.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"
#include "workloads/sync/queue/queue.h"

struct queue {
	dx_chan chan;
	struct gate gate;
	/* immutable while tasks exist */
	uint64_t n_producers, n_consumers;
	struct producer *producers;
	struct consumer *consumers;
};

struct producer {
	_Alignas(128) dx_task task;
	struct queue *queue;
	uint64_t id;
	uint64_t messages; /* root's until the gate opens */
};

struct consumer {
	_Alignas(128) dx_task task;
	struct queue *queue;
	uint64_t *next; /* by producer: the first message that may still come; the task's */
	/* the task's until it is joined */
	uint64_t received, in_order, sum;
};

static void produce(void *arg)
{
	struct producer *p = arg;

	gate_pass(&p->queue->gate);
	for (uint64_t i = 0; i < p->messages; i++) {
		uint64_t message = tally_message(p->id, i);

		dx_send(&p->queue->chan, &message);
	}
}

static void consume(void *arg)
{
	struct consumer *c = arg;
	uint64_t message, received = 0, in_order = 0, sum = 0;

	gate_pass(&c->queue->gate);
	while (dx_recv(&c->queue->chan, &message)) {
		queue_note(message, c->next, &in_order, &sum);
		received++;
	}
	c->received = received;
	c->in_order = in_order;
	c->sum = sum;
}

/* Create the tasks, consumers first, until the model refuses one. Returns how many there are, and why in *status. */
static uint64_t create(struct queue *q, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < q->n_consumers + q->n_producers; i++) {
		if (i < q->n_consumers)
			*status = gate_spawn(&q->gate, &q->consumers[i].task, consume, &q->consumers[i]);
		else
			*status = gate_spawn(&q->gate, &q->producers[i - q->n_consumers].task, produce,
					     &q->producers[i - q->n_consumers]);
		if (*status < 0)
			break;
	}
	gate_gather(&q->gate);
	return i;
}

static int run_tasks(struct bench *b, struct queue *q)
{
	int status;
	uint64_t live = create(q, &status), asked = q->n_consumers + q->n_producers;
	uint64_t consumers = live < q->n_consumers ? live : q->n_consumers;

	for (uint64_t i = 0; i < q->n_producers; i++)
		q->producers[i].messages = status < 0 ? 0 : bench_share(b->ops, q->n_producers, i);
	if (status == 0)
		bench_begin(b);
	gate_open(&q->gate);
	for (uint64_t i = consumers; i < live; i++)
		dx_join(&q->producers[i - consumers].task);
	dx_chan_close(&q->chan);
	for (uint64_t i = 0; i < consumers; i++)
		dx_join(&q->consumers[i].task);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)asked, (unsigned long long)live, strerror(-status));
	bench_end(b);
	b->cert = (struct bench_cert){.max_live = live};
	for (uint64_t i = 0; i < consumers; i++) {
		b->cert.ops += q->consumers[i].received;
		b->cert.messages += q->consumers[i].in_order;
		b->cert.checksum += q->consumers[i].sum;
	}
	return 0;
}

/* Words of one consumer's `next`: whole lines of its own. */
static size_t next_words(uint64_t producers)
{
	return (producers + 15) / 16 * 16;
}

/* The tasks' records, and what each consumer knows of each producer. *next is the block of all of the latter. */
static int make_records(struct queue *q, uint64_t **next)
{
	size_t words = next_words(q->n_producers), bytes = q->n_consumers * words * sizeof **next;

	q->producers = aligned_alloc(128, q->n_producers * sizeof q->producers[0]);
	q->consumers = aligned_alloc(128, q->n_consumers * sizeof q->consumers[0]);
	*next = aligned_alloc(128, bytes);
	if (!q->producers || !q->consumers || !*next)
		return -ENOMEM;
	memset(*next, 0, bytes);
	for (uint64_t i = 0; i < q->n_producers; i++) {
		q->producers[i].queue = q;
		q->producers[i].id = i;
	}
	for (uint64_t i = 0; i < q->n_consumers; i++) {
		q->consumers[i].queue = q;
		q->consumers[i].next = *next + i * words;
	}
	return 0;
}

static int run_queue(struct bench *b)
{
	struct queue q = {.n_producers = (uint64_t)bench_param(b, "producers"),
			  .n_consumers = (uint64_t)bench_param(b, "consumers")};
	uint64_t *next = NULL;
	int status = make_records(&q, &next);

	if (status < 0)
		goto out;
	status = gate_init(&q.gate);
	if (status < 0)
		goto out;
	status = dx_chan_init(&q.chan, sizeof(uint64_t), (size_t)bench_param(b, "capacity"));
	if (status == 0) {
		status = run_tasks(b, &q);
		dx_chan_destroy(&q.chan);
	}
	gate_destroy(&q.gate);
out:
	free(next);
	free(q.consumers);
	free(q.producers);
	if (status < 0 && !b->why[0])
		return bench_fail(b, status, "cannot prepare a channel and %llu tasks: %s",
				  (unsigned long long)(q.n_producers + q.n_consumers), strerror(-status));
	return status;
}

const struct bench_body sync_queue_direct = {.run = run_queue};
