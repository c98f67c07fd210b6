/*
 * sync/pipeline - messages that pass through a row of tasks.
 *
 * A source, `stages` stages and a sink; a channel before each stage and one before the sink. A stage receives, computes
 * one multiplication and sends on. A message therefore costs stages + 1 sends and as many receives, and nearly nothing
 * else: what a program pays that is cut into tasks by what they do.
 *
 * On one CPU a model shows how it goes through the row: with a capacity above 0 it can let a stage fill the channel
 * before it and empty the one after it, a batch at a time, or carry each message through by itself. With more CPUs the
 * row can run in parallel, as far as the channels let it: capacity 0 lets each task hold one message.
 *
 * The sink knows what must come out for each number that the source sends, so a message is counted only in its turn; a
 * stage left out, done twice or changed for another gives another value.
 */
#include "workloads/sync/pipeline/pipeline.h"

enum { PARAM_STAGES, PARAM_CAPACITY };

static const struct bench_param params[] = {
	[PARAM_STAGES] = {.name = "stages",
			  .unit = "tasks",
			  .help = "between the source and the sink",
			  .dflt = 8,
			  .min = 1,
			  .max = 1024,
			  .smoke = 3},
	[PARAM_CAPACITY] = {.name = "capacity",
			    .unit = "messages",
			    .help = "of each channel; 0 is a rendezvous",
			    .dflt = 64,
			    .min = 0,
			    .max = 1024,
			    .smoke = 4},
};

/* 0 + 1 + ... + (n - 1): the even one of the two factors is halved, so that nothing is lost to overflow. */
static uint64_t sum_below(uint64_t n)
{
	if (n == 0)
		return 0;
	return n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
}

static void pipeline_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t stages = (uint64_t)b->param[PARAM_STAGES];
	struct pipeline_series s = pipeline_series(stages);

	*out = (struct bench_cert){.ops = b->ops,
				   .max_live = stages + 2,
				   .messages = b->ops * (stages + 1),
				   .checksum = b->ops * s.first + sum_below(b->ops) * s.step};
}

const struct bench_workload sync_pipeline_workload = {
	.name = "sync/pipeline",
	.version = 1,
	.summary = "messages that pass through a row of tasks, with a bounded channel between neighbours",
	.op = "one message from the source through all stages to the sink",
	.fairness =
		"Threads and goroutines run the same loop in each stage over their own channels; each ends when the "
		"channel before it is closed, and closes the one after it. All tasks exist before the region, the end "
		"of "
		"the last one ends it. The event loop has no channels: a message is a record that each stage posts on "
		"to "
		"the next, and the source makes as many records as the channels and tasks of the others could hold "
		"(stages + 2 + capacity * (stages + 1), or as many as there are messages), so that both styles have as "
		"much under way; its order comes from the ready queue. That is a good deal less than a channel does, "
		"and "
		"favours the loop; it has one CPU, of however many there are. The serial body calls the stages one "
		"after "
		"another for each number: what the work costs if it is not cut into tasks at all.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 500,
	.expect = pipeline_expect,
};
