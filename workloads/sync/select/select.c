/*
 * sync/select - one task that receives from k channels, whichever has something.
 *
 * What it costs to wait for one of several things. With `senders` each every channel has a task that sends on it, so
 * that several are ready whenever the receiver looks; with one, a single task sends on all channels in turn, and with a
 * capacity of 0 the receiver has to wait in k lines for nearly every message, and leave k - 1 of them again.
 *
 * The share of a channel is fixed. Which one is served first is not: models choose at random or in turn. A message is
 * counted only if it comes out of the channel that it was sent on, and in its turn there.
 */
#include "workloads/sync/select/select.h"

#include <stddef.h>

enum { PARAM_CHANNELS, PARAM_SENDERS, PARAM_CAPACITY };

static const char *const senders[] = {[SELECT_EACH] = "each", [SELECT_ONE] = "one", NULL};

static const struct bench_param params[] = {
	[PARAM_CHANNELS] = {.name = "channels",
			    .unit = "channels",
			    .help = "that one task receives from",
			    .dflt = 4,
			    .min = 1,
			    .max = 1024,
			    .smoke = 3},
	[PARAM_SENDERS] = {.name = "senders",
			   .unit = "",
			   .help = "each: a task for each channel; one: a task for all of them, in turn",
			   .kind = BENCH_CHOICE,
			   .dflt = SELECT_EACH,
			   .smoke = SELECT_EACH,
			   .choices = senders},
	[PARAM_CAPACITY] = {.name = "capacity",
			    .unit = "messages",
			    .help = "of each channel; 0 is a rendezvous",
			    .dflt = 0,
			    .min = 0,
			    .max = 1024,
			    .smoke = 0},
};

static void select_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t channels = (uint64_t)b->param[PARAM_CHANNELS];

	*out = (struct bench_cert){.ops = b->ops,
				   .max_live = (b->param[PARAM_SENDERS] == SELECT_ONE ? 1 : channels) + 1,
				   .messages = b->ops,
				   .checksum = tally_expect(b->ops, channels)};
}

const struct bench_workload sync_select_workload = {
	.name = "sync/select",
	.version = 1,
	.summary = "one task receives from several channels, whichever has something",
	.op = "one message of 8 bytes sent on one of the channels and received by the task that waits for all",
	.fairness =
		"Goroutines use their runtime's select: it locks all the channels, takes what is ready, at random "
		"among "
		"several, or queues in each and is handed the message. Threads have no select; the channels of a set "
		"share one mutex and one condition variable, and the receiver scans them from where it was last, which "
		"is simpler, and means that senders of different channels contend for that one lock. Both look at all "
		"k "
		"channels when nothing is ready. The set is made before the region in both, and a channel that was "
		"closed is left out afterwards. Receiving is all that the set can do: a thread that waits to send on "
		"one of several rendezvous would need another design. The event loop waits for everything at once and "
		"has no channels; it is not offered. There is no serial body: without senders there is nothing to wait "
		"for.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 500,
	.expect = select_expect,
};
