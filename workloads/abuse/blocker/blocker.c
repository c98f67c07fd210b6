/*
 * abuse/blocker - tasks that call what blocks and do not tell the model: what do the others lose?
 *
 * Each of `blockers` tasks sleeps for block_us in the kernel by a raw system call, lets the others run, and does it again,
 * until the last event of the polite tasks has been due. Each polite task (polite.h) waits for its next event in the
 * model's own way, and the delay is the time from when it was due until the task goes on. Nobody computes: with a CPU to
 * spare all delays could be those of an idle machine.
 *
 * What a model loses is what it has only one of per CPU. A thread that blocks holds up nobody; a loop stands still; a
 * runtime that multiplexes tasks on a few threads loses one of those for as long as it does not find out.
 *
 * Rejected: a call that waits for something which another task does. It would be a deadlock where the model stands still,
 * which says less than how late things are. Rejected: blockers that compute, which is abuse/ready.
 */
#include "workloads/abuse/blocker/blocker.h"

#include <errno.h>

enum { PARAM_POLITE, PARAM_EVENTS, PARAM_PERIOD_US, PARAM_BLOCKERS, PARAM_BLOCK_US };

static const struct bench_param params[] = {
	POLITE_PARAMS,
	[PARAM_BLOCKERS] = {.name = "blockers",
			    .unit = "tasks",
			    .help = "tasks that block behind the model's back",
			    .dflt = 1,
			    .min = 1,
			    .max = 256,
			    .smoke = 2},
	[PARAM_BLOCK_US] = {.name = "block_us",
			    .unit = "us",
			    .help = "how long one such call takes",
			    .dflt = 2000,
			    .min = 1,
			    .max = 1000000,
			    .smoke = 500},
};

int blocker_report(struct bench *b, const struct polite_total *total, const struct jain *jain, uint64_t blocks)
{
	uint64_t blockers = (uint64_t)b->param[PARAM_BLOCKERS];

	b->cert = (struct bench_cert){.ops = total->seen, .max_live = jain->n + blockers, .checksum = total->sum};
	if (total->is_early)
		return bench_fail(b, -EPROTO, "a task went on before its event was due");
	if (blocks < blockers)
		return bench_fail(b, -EPROTO, "%d blockers have blocked only %d times", (int)blockers, (int)blocks);
	polite_figures(b, total, jain);
	bench_figure(b, "blocks", (double)blocks);
	return 0;
}

static uint64_t blocker_ops(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_POLITE] * (uint64_t)b->param[PARAM_EVENTS];
}

static void blocker_expect(const struct bench *b, struct bench_cert *out)
{
	const struct polite_plan plan = polite_plan_of(b);

	*out = (struct bench_cert){.ops = blocker_ops(b),
				   .max_live = plan.tasks + (uint64_t)b->param[PARAM_BLOCKERS],
				   .checksum = polite_expect_sum(&plan)};
}

const struct bench_workload abuse_blocker_workload = {
	.name = "abuse/blocker",
	.version = 1,
	.summary = "tasks that block behind the model's back: how late the others are",
	.op = "one event of a polite task, from when it is due until the task goes on",
	.fairness =
		"When events are due is fixed at the beginning, the same in every body, and their delays are taken by "
		"the harness's clock. Blockers make the same system call, which no model sees, and then the model's "
		"own "
		"yield: sched_yield for threads, a timer of 0 ns for the loop, so that it turns once between two "
		"calls. "
		"Polite tasks sleep by the model's own means. How often the blockers block until all events have been "
		"due differs with how long they wait for their turn, and is not compared. Threads lose nothing but "
		"what "
		"the kernel's timers cost; that is their strength. The loop's programmers would hand such a call to a "
		"pool of threads; that somebody has not known of it is what is measured. Figures: jain is Jain's index "
		"of the polite tasks' events that were late by less than a period (1: all tasks have lost alike; none "
		"if there was no such event); "
		"in_time_percent is how many of 100 were; worst_wait_us, the largest delay; blocks, how many calls the "
		"blockers have made. There is no "
		"serial body: nothing is concurrent there.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_DELAY_P99,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = blocker_ops,
	.expect = blocker_expect,
};
