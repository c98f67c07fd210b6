/*
 * sync/pingpong - a value sent to another task and its answer received.
 *
 * Two tasks and two channels. A round trip is two messages and, where a channel has no buffer or the other task waits
 * already, two hand-offs from a running task to a waiting one: what a request to another task costs.
 *
 * On one CPU it is the cost of switching by message. On several, the model decides whether the two stay together (a
 * round trip of some hundred nanoseconds) or each runs on its own CPU and sleeps between (tens of microseconds where
 * waking a CPU is dear): the placement is part of the result.
 */
#include "workloads/sync/pingpong/pingpong.h"

enum { PARAM_CAPACITY };

static const struct bench_param params[] = {
	[PARAM_CAPACITY] = {.name = "capacity",
			    .unit = "messages",
			    .help = "of the channels; 0 is a rendezvous",
			    .dflt = 0,
			    .min = 0,
			    .max = 1024,
			    .smoke = 0},
};

/* The sum over i < ops of 2 i + 1. */
static void pingpong_expect(const struct bench *b, struct bench_cert *out)
{
	*out = (struct bench_cert){.ops = b->ops, .max_live = 2, .messages = 2 * b->ops, .checksum = b->ops * b->ops};
}

const struct bench_workload sync_pingpong_workload = {
	.name = "sync/pingpong",
	.version = 1,
	.summary = "a value sent to another task over a channel, and its answer",
	.op = "one round trip: two messages, there and back",
	.fairness = "Each model uses its own channel: goroutines hand over to a waiting partner directly, threads use "
		    "a queue "
		    "with a mutex and condition variables. A capacity of 0 is a true rendezvous in both: the sender "
		    "waits until "
		    "the receiver has taken the value, which costs threads one more wake-up per message. The event "
		    "loop has no "
		    "channels: its tasks call back by posting to the ready queue, which cannot block, so a capacity "
		    "means nothing "
		    "there and only 0 is offered. There is no serial body: without a partner there is no answer.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.expect = pingpong_expect,
};
