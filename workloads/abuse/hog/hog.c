/*
 * abuse/hog - tasks that compute without ever calling anything, among others that are due now and then: how late are they?
 *
 * Each of `hogs` tasks computes from the beginning until all polite tasks have had their events. With stretch_us=0 it makes no
 * call, not one, and gives nobody an occasion to put it aside: it has to be stopped. With stretch_us>0 it lets the others
 * run after so many steps: what it costs them that somebody is polite only now and then. Each polite task (polite.h) waits
 * for its next event in the model's own way, and the delay is the time from when it was due until the task goes on.
 *
 * With fewer hogs than CPUs the others need not lose anything. With as many or more, who has woken must be let in: the
 * kernel does that for threads at once or nearly so; a runtime must notice that somebody is due, and stop a hog.
 *
 * abuse/ready is the other question about the same hogs: there one event comes from the kernel and every CPU computes; here the
 * events are the model's own timers, of several tasks, and how evenly they lose is told too.
 *
 * A hog looks at a flag once per microsecond, an ordinary load. One that nobody can stop would keep out those who set it, so
 * each ends by itself as well, long after the last event has been due.
 *
 * Rejected: hogs that end at a time of the clock. A model that marks what it may stop forbids calls in there, and a clock's
 * is one. Rejected: a fixed number of steps: whether the polite tasks' last events are among hogs would be chance.
 */
#include "workloads/abuse/hog/hog.h"

#include <errno.h>

enum { PARAM_POLITE, PARAM_EVENTS, PARAM_PERIOD_US, PARAM_HOGS, PARAM_STRETCH_US };

static const struct bench_param params[] = {
	POLITE_PARAMS,
	[PARAM_HOGS] = {.name = "hogs",
			.unit = "tasks",
			.help = "tasks that compute",
			.dflt = 2,
			.min = 1,
			.max = 256,
			.smoke = 2},
	[PARAM_STRETCH_US] = {.name = "stretch_us",
			      .unit = "us",
			      .help = "of steps of 1 ns, after which a hog lets others run; 0: it never does",
			      .dflt = 0,
			      .min = 0,
			      .max = 1000000,
			      .smoke = 200},
};

void hog_add(struct hog_total *t, const struct hog_work *w)
{
	t->idle += w->steps == 0;
	t->wrong += w->value != steps_jump(HOG_START(t->hogs).value, w->steps);
	t->steps += w->steps;
	t->hogs++;
	jain_add(&t->hogs_jain, w->steps);
}

int hog_report(struct bench *b, const struct hog_total *t)
{
	b->cert =
		(struct bench_cert){.ops = t->polite.seen, .max_live = t->jain.n + t->hogs, .checksum = t->polite.sum};
	if (t->polite.is_early)
		return bench_fail(b, -EPROTO, "a task went on before its event was due");
	if (t->idle)
		return bench_fail(b, -EPROTO, "%d of %d hogs did not compute", (int)t->idle, (int)t->hogs);
	if (t->wrong)
		return bench_fail(b, -EPROTO, "%d of %d hogs have come to a value that their steps do not give",
				  (int)t->wrong, (int)t->hogs);
	polite_figures(b, &t->polite, &t->jain);
	bench_figure(b, "hog_megasteps", (double)t->steps / 1e6);
	jain_figure(b, "hogs_jain", &t->hogs_jain);
	return 0;
}

static uint64_t hog_ops(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_POLITE] * (uint64_t)b->param[PARAM_EVENTS];
}

static void hog_expect(const struct bench *b, struct bench_cert *out)
{
	const struct polite_plan plan = polite_plan_of(b);

	*out = (struct bench_cert){.ops = hog_ops(b),
				   .max_live = plan.tasks + (uint64_t)b->param[PARAM_HOGS],
				   .checksum = polite_expect_sum(&plan)};
}

const struct bench_workload abuse_hog_workload = {
	.name = "abuse/hog",
	.version = 1,
	.summary = "tasks that compute without a call: how late the others are",
	.op = "one event of a polite task, from when it is due until the task goes on",
	.fairness =
		"When events are due is fixed at the beginning, the same in every body, and their delays are taken by "
		"the harness's clock. Polite tasks sleep by the model's own means. Hogs make the same inlined steps, "
		"in a "
		"function that carries the mark that lets a model stop it where the model asks for one, and look at "
		"the "
		"same flag. With stretch_us=0 threads leave it to the kernel to stop them, which favours who has "
		"slept; "
		"goroutines are stopped by their runtime; a loop cannot stop a callback, so that there is no such cell "
		"for "
		"it. With stretch_us>0 a hog calls the model's own yield after so many steps: sched_yield for threads, "
		"a "
		"timer of 0 ns for the loop, so that it turns once between two stretches. That is what a loop's "
		"programmers do, at the price of cutting up; the others may stop a hog before its stretch is over. The "
		"loop has one thread: hogs beside it on other CPUs are not to be had. How much the hogs compute "
		"meanwhile "
		"is the price of being in time; it differs, and is told: hog_megasteps, of about a millisecond each. "
		"Other figures: jain is Jain's index of the polite tasks' events that were late by less than a period "
		"(1: all tasks have lost alike), in_time_percent how many of 100 were, hogs_jain the index of the "
		"hogs' "
		"steps. There is no serial body: nothing is concurrent there.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_DELAY_P99,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = hog_ops,
	.expect = hog_expect,
};
