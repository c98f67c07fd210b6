/*
 * sync/stream in the blocking style: a producer, a consumer, a channel.
 */
#include <errno.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/sync/stream/stream.h"

struct stream {
	dx_chan chan;
	uint64_t messages; /* immutable */
	struct bench_cert cert; /* the consumer's until it is joined */
	dx_task producer, consumer;
	dx_wg arrived; /* tasks that are not yet at the gate */
	dx_wg open; /* 1 until the region begins */
};

static void produce(void *arg)
{
	struct stream *s = arg;

	dx_wg_done(&s->arrived);
	dx_wg_wait(&s->open);
	for (uint64_t i = 0; i < s->messages; i++) {
		uint64_t message = stream_message(i);

		dx_send(&s->chan, &message);
	}
	dx_chan_close(&s->chan);
}

static void consume(void *arg)
{
	struct stream *s = arg;
	uint64_t message, received = 0, in_turn = 0, sum = 0;

	dx_wg_done(&s->arrived);
	while (dx_recv(&s->chan, &message)) {
		in_turn += message == stream_message(received);
		sum += message;
		received++;
	}
	s->cert = (struct bench_cert){.ops = received, .max_live = 2, .messages = in_turn, .checksum = sum};
}

/* With the channel made: create both tasks, let them run, join them. */
static int flow(struct bench *b, struct stream *s)
{
	int status;

	dx_wg_add(&s->arrived, 2);
	dx_wg_add(&s->open, 1);
	status = dx_spawn(&s->consumer, consume, s);
	if (status < 0)
		return bench_fail(b, status, "the model refused a task: %s", strerror(-status));
	status = dx_spawn(&s->producer, produce, s);
	if (status < 0) {
		dx_chan_close(&s->chan);
		dx_join(&s->consumer);
		return bench_fail(b, status, "the model refused a second task: %s", strerror(-status));
	}
	dx_wg_wait(&s->arrived);
	bench_begin(b);
	dx_wg_done(&s->open);
	dx_join(&s->consumer);
	bench_end(b);
	dx_join(&s->producer);
	b->cert = s->cert;
	return 0;
}

static int run_stream(struct bench *b)
{
	struct stream s = {.messages = b->ops};
	int status = dx_wg_init(&s.arrived);

	if (status < 0)
		goto no_arrived;
	status = dx_wg_init(&s.open);
	if (status < 0)
		goto no_open;
	status = dx_chan_init(&s.chan, sizeof(uint64_t), (size_t)bench_param(b, "capacity"));
	if (status < 0)
		goto no_chan;
	status = flow(b, &s);
	dx_chan_destroy(&s.chan);
	dx_wg_destroy(&s.open);
	dx_wg_destroy(&s.arrived);
	return status;
no_chan:
	dx_wg_destroy(&s.open);
no_open:
	dx_wg_destroy(&s.arrived);
no_arrived:
	return bench_fail(b, status, "cannot make a channel and two wait groups: %s", strerror(-status));
}

const struct bench_body sync_stream_direct = {.run = run_stream};
