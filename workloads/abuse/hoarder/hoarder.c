/*
 * abuse/hoarder - a task that holds a lock for long and takes it again at once: what do the others lose?
 *
 * The hoarder locks, holds for hoard_us, unlocks and locks again with nothing in between, until the last event of the
 * polite tasks has been due. At each of its events a polite task (polite.h) wants the lock, advances a shared word under
 * it and gives it back; the delay is the time from when the event was due until it has the lock. hoarding=work: the
 * hoarder computes while it holds the lock, and so has a CPU, too; hoarding=sleep: it sleeps, as one does who writes to a
 * disk under a lock.
 *
 * What is asked is whether a lock lets those in who wait. One that hands itself over makes them wait for one hold; one
 * that whoever runs may take is taken again by the hoarder before the one that was woken has come.
 *
 * Polite tasks have fixed times at which they want the lock, so that one who is kept out for long is late with all that
 * has come due meanwhile; with tasks that ask when they have got it, those who starve would ask seldom and count little.
 *
 * Mutual exclusion is proved as in sync/mutex: the word's final value is that of one writer after another; and the hoarder
 * looks whether it changes under its lock. A hoarder that computes proves its work by the value that it comes to.
 */
#include "workloads/abuse/hoarder/hoarder.h"

enum { PARAM_POLITE, PARAM_EVENTS, PARAM_PERIOD_US, PARAM_HOARD_US, PARAM_HOARDING };

static const char *const ways[] = {"work", "sleep", NULL};

static const struct bench_param params[] = {
	POLITE_PARAMS,
	[PARAM_HOARD_US] = {.name = "hoard_us",
			    .unit = "us",
			    .help = "how long the hoarder holds the lock; work is 1000 steps for each",
			    .dflt = 100,
			    .min = 1,
			    .max = 100000,
			    .smoke = 50},
	[PARAM_HOARDING] = {.name = "hoarding",
			    .unit = "",
			    .help = "what the hoarder does meanwhile",
			    .kind = BENCH_CHOICE,
			    .dflt = 0,
			    .smoke = 0,
			    .choices = ways},
};

static uint64_t hoarder_ops(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_POLITE] * (uint64_t)b->param[PARAM_EVENTS];
}

static void hoarder_expect(const struct bench *b, struct bench_cert *out)
{
	const struct polite_plan plan = polite_plan_of(b);
	uint64_t n = hoarder_ops(b);

	*out = (struct bench_cert){.ops = n,
				   .max_live = plan.tasks + 1,
				   .locks = n,
				   .checksum = polite_expect_sum(&plan) +
					       steps_jump(HOARDER_START, n * HOARDER_POLITE_STEPS)};
}

const struct bench_workload abuse_hoarder_workload = {
	.name = "abuse/hoarder",
	.version = 1,
	.summary = "a task that holds a lock for long and takes it again at once: how late the others get it",
	.op = "one acquisition by a polite task, from when it is due until the task has the lock",
	.fairness =
		"Each model uses its own mutex as it comes, and how it treats those who wait is the subject: that of "
		"the "
		"threads' library lets whoever runs take it, so that on several CPUs a hoarder that never sleeps can "
		"keep "
		"others out for as long as it lives; that of the goroutines hands itself over when somebody has waited "
		"for a millisecond, as Go's does. When a polite task wants the lock is fixed at the beginning, the "
		"same in "
		"every body, and the harness's clock tells how late it got it, the lateness of its own sleep included. "
		"With hoarding=work the hoarder's function carries the mark that lets a model stop it where the model "
		"asks for one. In the event loop a lock cannot contend; it is not offered. There is no serial body. "
		"Figures: jain is Jain's index of all tasks' acquisitions while the hoarder was at it, its own "
		"included "
		"(1: all had as many; 1 / tasks: one had all); as it always asks, and others only now and then, 1 is "
		"not "
		"to be reached. in_time_percent is how many of 100 polite acquisitions were late by less than a "
		"period; worst_wait_us, the largest delay; "
		"hoards, how often the hoarder had the lock.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_DELAY_P99,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = hoarder_ops,
	.expect = hoarder_expect,
};
