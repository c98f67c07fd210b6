/*
 * sync/stream - one task sends, one receives, with room for `capacity` messages between.
 *
 * What a channel costs per message when it is used as a pipe. The buffer lets the two run apart: on one CPU they change
 * places once per capacity at best, so a large one shows the channel's own cost and a small one the switch; on two CPUs
 * they share the channel's memory, and a message is a line that goes from one cache to the other, or a sleep and a wake
 * if the two do not keep pace.
 *
 * Order is a channel's promise, so a message counts only if it comes in its turn.
 */
#include "workloads/sync/stream/stream.h"

enum { PARAM_CAPACITY };

static const struct bench_param params[] = {
	[PARAM_CAPACITY] = {.name = "capacity",
			    .unit = "messages",
			    .help = "of the channel; 0 is a rendezvous",
			    .dflt = 128,
			    .min = 0,
			    .max = 65536,
			    .smoke = 4},
};

/* The sum over i < ops of 2 i + 1. */
static void stream_expect(const struct bench *b, struct bench_cert *out)
{
	*out = (struct bench_cert){.ops = b->ops, .max_live = 2, .messages = b->ops, .checksum = b->ops * b->ops};
}

const struct bench_workload sync_stream_workload = {
	.name = "sync/stream",
	.version = 1,
	.summary = "a stream of messages from one task to another over a bounded channel",
	.op = "one message of 8 bytes sent and received",
	.fairness =
		"Both bodies' tasks are created before the region and the channel is closed at its end. Each model "
		"uses "
		"its own channel: a ring of elements and who waits for it, under one lock; threads wait on condition "
		"variables, which the kernel wakes, goroutines are handed the message. How far the sender runs ahead "
		"before the receiver is let in is the model's affair and the largest part of the result; with two CPUs "
		"so is whether both are used. The event loop has no channels and is not offered. There is no serial "
		"body: without a second task there is nobody to send to.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.expect = stream_expect,
};
