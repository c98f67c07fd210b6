/*
 * timer/accuracy - how late a sleep ends on a machine that has nothing else to do.
 *
 * One task sleeps, again and again. It takes the time, sleeps for sleep_us, and tells when it goes on: what is beyond
 * the time that it asked for is the delay. It contains the model's way from the call to the timer, the kernel's timer
 * slack and the rounding of whatever call waits for the time, the wake-up of a thread, and the way to the task. Nothing
 * else runs, so waiting for other tasks is not in it; that is abuse/ready.
 *
 * The metric is the median. The tail of an idle machine is that of its kernel and its hypervisor; the 99th percentile is
 * told where the region was long enough for 1000 sleeps.
 */
#include "workloads/timer/accuracy/accuracy.h"

enum { PARAM_SLEEP_US };

static const struct bench_param params[] = {
	[PARAM_SLEEP_US] = {.name = "sleep_us",
			    .unit = "us",
			    .help = "that each sleep is asked to last",
			    .dflt = 50,
			    .min = 1,
			    .max = 1000000,
			    .smoke = 50},
};

static void accuracy_expect(const struct bench *b, struct bench_cert *out)
{
	*out = (struct bench_cert){.ops = b->ops};
}

const struct bench_workload timer_accuracy_workload = {
	.name = "timer/accuracy",
	.version = 1,
	.summary = "one task that sleeps on an idle machine: how late it goes on",
	.op = "one sleep: asked for, slept, and how much later than asked for the task goes on",
	.fairness =
		"Every body makes one sleep after another in one task, with the clock taken right before each and "
		"right after it by the same calls of the harness. Nobody changes the timer slack (50 us by default, "
		"the kernel may let a wait last that much longer to take wake-ups together), raises a priority or "
		"spins: a model gets what its own way of waiting gets. A thread's sleep is nanosleep itself, a "
		"loop's and a goroutine's is the time-out of a call that also waits for descriptors, with a task to "
		"be found after it. The serial body is nanosleep without any model. Goroutines of Go wait with a "
		"time-out in whole milliseconds, and the timers of libuv count them: a sleep in between is rounded up.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_DELAY_P50,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 40,
	.expect = accuracy_expect,
};
