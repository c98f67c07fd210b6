/*
 * sync/select in the blocking style: one task that selects until all channels are closed, and those that send.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"
#include "workloads/sync/select/select.h"

struct selection {
	struct gate gate;
	/* immutable while tasks exist */
	uint64_t channels, n_senders;
	struct sender *senders;
	dx_chan *chan;
	uint64_t ops; /* root's until the gate opens: 0 if the tasks are only to end */
	dx_task receiver;
	/* the receiver's until it is joined */
	dx_set set;
	uint64_t message; /* where the set puts it */
	uint64_t *next; /* by channel: the number of the message that is due */
	uint64_t received, in_turn, sum;
};

struct sender {
	_Alignas(128) dx_task task;
	struct selection *selection;
	uint64_t id;
};

/* A channel's own sender. */
static void send_on_one(void *arg)
{
	struct sender *s = arg;
	struct selection *x = s->selection;

	gate_pass(&x->gate);
	for (uint64_t n = 0, share = bench_share(x->ops, x->channels, s->id); n < share; n++) {
		uint64_t message = tally_message(s->id, n);

		dx_send(&x->chan[s->id], &message);
	}
	dx_chan_close(&x->chan[s->id]);
}

static void send_on_all(void *arg)
{
	struct sender *s = arg;
	struct selection *x = s->selection;
	uint64_t channel = 0, n = 0;

	gate_pass(&x->gate);
	for (uint64_t left = x->ops; left > 0; left--) {
		uint64_t message = tally_message(channel, n);

		dx_send(&x->chan[channel], &message);
		if (++channel == x->channels) {
			channel = 0;
			n++;
		}
	}
	for (uint64_t i = 0; i < x->channels; i++)
		dx_chan_close(&x->chan[i]);
}

static void receive(void *arg)
{
	struct selection *x = arg;
	uint64_t received = 0, in_turn = 0, sum = 0;
	int channel;

	gate_pass(&x->gate);
	while ((channel = dx_select(&x->set)) >= 0) {
		uint64_t source = tally_source(x->message), n = tally_n(x->message);

		in_turn += source == (uint64_t)channel && n == x->next[channel];
		x->next[channel]++;
		sum += tally_digit(source, n);
		received++;
	}
	x->received = received;
	x->in_turn = in_turn;
	x->sum = sum;
}

/* Create the tasks, the receiver first, until the model refuses one. Returns how many, and why in *status. */
static uint64_t create(struct selection *x, int *status)
{
	void (*send)(void *) = x->n_senders < x->channels ? send_on_all : send_on_one;
	uint64_t live;

	*status = gate_spawn(&x->gate, &x->receiver, receive, x);
	if (*status < 0)
		return 0;
	for (live = 1; live < x->n_senders + 1; live++) {
		struct sender *s = &x->senders[live - 1];

		s->selection = x;
		s->id = live - 1;
		*status = gate_spawn(&x->gate, &s->task, send, s);
		if (*status < 0)
			break;
	}
	gate_gather(&x->gate);
	return live;
}

static int run_tasks(struct bench *b, struct selection *x)
{
	int status;
	uint64_t live = create(x, &status);

	x->ops = status < 0 ? 0 : b->ops;
	if (status == 0)
		bench_begin(b);
	gate_open(&x->gate);
	for (uint64_t i = 0; i + 1 < live; i++)
		dx_join(&x->senders[i].task);
	for (uint64_t i = live - 1; status < 0 && live > 0 && i < x->channels; i++)
		dx_chan_close(&x->chan[i]); /* nobody is there who would */
	if (live > 0)
		dx_join(&x->receiver);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)x->n_senders + 1, (unsigned long long)live, strerror(-status));
	bench_end(b);
	b->cert = (struct bench_cert){.ops = x->received, .max_live = live, .messages = x->in_turn, .checksum = x->sum};
	return 0;
}

/* With the records made: the channels, the set of them, and all that is done with it. */
static int run_channels(struct bench *b, struct selection *x, size_t capacity)
{
	uint64_t made;
	int status = 0;

	for (made = 0; made < x->channels; made++) {
		status = dx_chan_init(&x->chan[made], sizeof(uint64_t), capacity);
		if (status < 0)
			break;
	}
	if (status == 0)
		status = dx_set_init(&x->set, x->chan, x->channels, &x->message);
	if (status == 0) {
		status = run_tasks(b, x);
		dx_set_destroy(&x->set);
	}
	for (uint64_t i = 0; i < made; i++)
		dx_chan_destroy(&x->chan[i]);
	return status;
}

static int run_select(struct bench *b)
{
	struct selection x = {.channels = (uint64_t)bench_param(b, "channels")};
	int status = -ENOMEM;

	x.n_senders = bench_param(b, "senders") == SELECT_ONE ? 1 : x.channels;
	x.senders = aligned_alloc(128, x.n_senders * sizeof x.senders[0]);
	x.chan = calloc(x.channels, sizeof x.chan[0]);
	x.next = calloc(x.channels, sizeof x.next[0]);
	if (!x.senders || !x.chan || !x.next)
		goto out;
	status = gate_init(&x.gate);
	if (status < 0)
		goto out;
	status = run_channels(b, &x, (size_t)bench_param(b, "capacity"));
	gate_destroy(&x.gate);
out:
	free(x.next);
	free(x.chan);
	free(x.senders);
	if (status < 0 && !b->why[0])
		return bench_fail(b, status, "cannot prepare %llu channels and their senders: %s",
				  (unsigned long long)x.channels, strerror(-status));
	return status;
}

const struct bench_body sync_select_direct = {.run = run_select};
