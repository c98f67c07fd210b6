/*
 * timer/churn - timers that are put off again and again, and hardly ever fire.
 *
 * What a server does with its time-outs: each connection has a timer, each request puts it off. `pending` timers are
 * pending, shared out among `tasks` tasks. A task chooses one of its own at random and starts it again while it is pending
 * (op=reset), or stops it and starts it (op=stop), and so on; now and then it yields. The timers are distance_ms away, all
 * as far (distances=same: what is started is the last of all, as with equal time-outs) or by chance from a half to one and
 * a half of it (distances=spread: what is started belongs somewhere in the middle).
 *
 * Whether some timers fire is chance: they do where a task needs longer than the distance to come back to a timer. So
 * what is fixed is the sum: of each timer, every start has been called off in time (by a reset or a stop that says so) or
 * has been followed by one call of its function. After the region all timers are stopped, and the calls that are still
 * missing are awaited. A timer that fires within the least distance from the beginning fails the run.
 *
 * That says nothing of resets that come later: a timer that is said to be moved and fires when it was due before would
 * pass. So after all that, untimed, up to CHURN_CHECKED timers are started for a short time and at once reset to a longer
 * one. Each must fire once, and not before the longer time has passed since its reset.
 *
 * Rejected: a timer chosen in turn. With equal distances that is always the one that is due next, which is the worst or
 * the best place in a heap, and no place that a server's connections have.
 */
#include "workloads/timer/churn/churn.h"

enum { PARAM_PENDING, PARAM_TASKS, PARAM_OP, PARAM_DISTANCES, PARAM_DISTANCE_MS };

static const char *const ops[] = {"reset", "stop", NULL};
static const char *const distances[] = {"same", "spread", NULL};

static const struct bench_param params[] = {
	[PARAM_PENDING] = {.name = "pending",
			   .unit = "timers",
			   .help = "of all tasks, one per task at least",
			   .dflt = 10000,
			   .min = 1,
			   .max = 100000,
			   .smoke = 100},
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "among which the timers are shared out",
			 .dflt = 4,
			 .min = 1,
			 .max = 1000,
			 .smoke = 3},
	[PARAM_OP] = {.name = "op",
		      .unit = "",
		      .help = "reset: a pending timer is started again; stop: it is stopped, then started",
		      .kind = BENCH_CHOICE,
		      .dflt = 0,
		      .smoke = 1,
		      .choices = ops},
	[PARAM_DISTANCES] =
		{.name = "distances",
		 .unit = "",
		 .help = "same: all timers are started for as long; spread: from half to one and a half of that",
		 .kind = BENCH_CHOICE,
		 .dflt = 0,
		 .smoke = 1,
		 .choices = distances},
	[PARAM_DISTANCE_MS] = {.name = "distance_ms",
			       .unit = "ms",
			       .help = "how far away a timer is when it is started",
			       .dflt = 10000,
			       .min = 1,
			       .max = 1000000,
			       .smoke = 5},
};

/* Each start of timer i, from 0 up, adds i + 1 when it has been called off or has fired; all are started once before. */
static void churn_expect(const struct bench *b, struct bench_cert *out)
{
	const struct churn_plan p = churn_plan_of(b);
	uint64_t first = 0;

	*out = (struct bench_cert){
		.ops = b->ops, .messages = p.pending + b->ops, .checksum = p.pending * (p.pending + 1) / 2};
	for (uint64_t i = 0; i < p.tasks; i++) {
		const uint64_t mine = bench_share(p.pending, p.tasks, i);
		uint64_t x = churn_first(&p, i);

		for (uint64_t left = bench_share(b->ops, p.tasks, i); left > 0; left--) {
			x = churn_next(x);
			out->checksum += first + churn_pick(x, mine) + 1;
		}
		first += mine;
	}
}

const struct bench_workload timer_churn_workload = {
	.name = "timer/churn",
	.version = 1,
	.summary = "timers put off again and again while many are pending",
	.op = "one pending timer put off: started again, or stopped and started",
	.fairness =
		"Every body has the same timers, chooses the same ones in the same order and for the same times, and "
		"yields after every 64 operations. They all exist and are pending before the region. Goroutines start "
		"timers in the heap of their processor. For threads there is a heap under one lock and a thread that "
		"sleeps until the first is due, which is what programs without a loop do; tasks that start timers at "
		"the "
		"same time wait for each other there, and the thread takes a place on a CPU when a timer fires. The "
		"loop "
		"has a heap without a lock, and one thread. All three read the clock at each start; libuv, whose "
		"timers "
		"count milliseconds, once per 64. Only goroutines "
		"get "
		"a new task per firing; the others call the function where the timer is looked after. There is no "
		"serial body: without a model there are no timers.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 3000,
	.expect = churn_expect,
};
