/*
 * sync/queue - producers and consumers on one channel.
 *
 * The numbers of both make the shape: 1 x 1 is a single producer and a single consumer, n x 1 fans in, 1 x n fans out,
 * n x n is a work queue that all share. sync/stream is 1 x 1 without what the shapes need to be told apart; its cells
 * are the finer look at the capacity.
 *
 * What a channel costs when it is contended from one side or both. With few CPUs most tasks wait at any time: the
 * figure is then how a model wakes waiters, in which order, and whether a woken one finds what it was woken for. With
 * a capacity of 0 each message is a meeting of two tasks; with 1 the two sides take turns; with 64 and 1024 they run
 * ahead of each other and the lock and the waiters' lists are what is left.
 *
 * The messages are shared evenly among the producers, not among the consumers: a consumer takes what it gets, and a
 * model may let one of them do all the work. That is no error (nobody is promised a share), and it is fast.
 *
 * A channel is first in, first out, so each consumer must see the messages of one producer in their order; a message
 * out of order is received (`ops`) but not counted (`messages`).
 */
#include "workloads/sync/queue/queue.h"

enum { PARAM_PRODUCERS, PARAM_CONSUMERS, PARAM_CAPACITY };

static const struct bench_param params[] = {
	[PARAM_PRODUCERS] = {.name = "producers",
			     .unit = "tasks",
			     .help = "that send, in equal shares",
			     .dflt = 4,
			     .min = 1,
			     .max = 1024,
			     .smoke = 3},
	[PARAM_CONSUMERS] = {.name = "consumers",
			     .unit = "tasks",
			     .help = "that receive, each what it gets",
			     .dflt = 4,
			     .min = 1,
			     .max = 1024,
			     .smoke = 2},
	[PARAM_CAPACITY] = {.name = "capacity",
			    .unit = "messages",
			    .help = "of the channel; 0 is a rendezvous",
			    .dflt = 64,
			    .min = 0,
			    .max = 65536,
			    .smoke = 4},
};

static void queue_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t producers = (uint64_t)b->param[PARAM_PRODUCERS], consumers = (uint64_t)b->param[PARAM_CONSUMERS];

	*out = (struct bench_cert){.ops = b->ops,
				   .max_live = producers + consumers,
				   .messages = b->ops,
				   .checksum = tally_expect(b->ops, producers)};
}

const struct bench_workload sync_queue_workload = {
	.name = "sync/queue",
	.version = 1,
	.summary = "producers and consumers on one bounded channel: spsc, fan-in, fan-out, mpmc",
	.op = "one message of 8 bytes sent by some producer and received by some consumer",
	.fairness =
		"The same loops over each model's own channel: a ring of elements and who waits for it, under one "
		"lock. "
		"Threads wait on condition variables, which the kernel wakes, and may find that another one was there "
		"first; goroutines are handed the message in the order in which they came. A capacity of 0 is a true "
		"rendezvous in both, and costs threads one more wake-up per message. All tasks exist and wait at a "
		"gate "
		"before the region; closing the channel and joining the tasks lie in it, which is a cost per task and "
		"not per message. Who of the consumers does the work is the model's affair. Each consumer's check of "
		"the "
		"order is a load, a store and two multiplications per message, the same in all. The event loop has no "
		"channels and is not offered. There is no serial body: without a second task there is nobody to send "
		"to.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.expect = queue_expect,
};
