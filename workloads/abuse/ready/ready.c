/*
 * abuse/ready - a descriptor becomes readable while every processor computes: when does the reader get to know?
 *
 * As many hogs as workers compute and call nothing of the model. One more task reads from a timer descriptor, which the
 * kernel makes readable every period_us, at times that nobody in the process can move and that are known to the
 * nanosecond. The delay of an event is the time from then until the reader has read it. Whether the reader gets the
 * CPU is a matter of the model's: somebody has to see the readiness, and somebody has to stop a hog.
 *
 * The reader waits before the first hog is made, and the timer is armed by the hog that is the last to begin: so
 * there is no event before every processor computes, and none that is late because the reader had to begin.
 *
 * The events come by the kernel's clock whether they are read or not, and a reader that is late reads several at once,
 * each with its own delay: nothing is left out because the reader was not there (no coordinated omission). The period is
 * no multiple of a scheduler's tick (a millisecond, or ten), so that events come at all phases of those.
 *
 * Rejected: a thread or a process that writes to a pipe at known times. It has to get a CPU itself, and all of them are
 * busy: its own lateness, and the push that it gives to the scheduler of the kernel, would be in the figure; and a
 * Go program has no thread that is not its scheduler's. Rejected: the load generator's latency: the client of a closed
 * loop waits for each answer, so that a model that is late is asked seldom.
 *
 * A hog whose model cannot stop it would never let the reader in that ends the run. So a hog ends after
 * READY_HOG_FACTOR times the steps that fit into the events' time, too; what the reader then reads is later than
 * anything that could be mistaken for a result.
 */
#include "workloads/abuse/ready/ready.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>

enum { PARAM_EVENTS, PARAM_PERIOD_US };

static const struct bench_param params[] = {
	[PARAM_EVENTS] = {.name = "events",
			  .unit = "events",
			  .help = "that the reader waits for; a 99th percentile takes 1000",
			  .dflt = 1100,
			  .min = 1,
			  .max = 100000,
			  .smoke = 20},
	[PARAM_PERIOD_US] = {.name = "period_us",
			     .unit = "us",
			     .help = "between two events",
			     .dflt = 977,
			     .min = 50,
			     .max = 1000000,
			     .smoke = 977},
};

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

int ready_open(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void ready_arm(int fd, struct ready_clock *c)
{
	const uint64_t first_ns = bench_now_ns() + c->period_ns;
	const struct itimerspec times = {.it_interval = to_timespec(c->period_ns), .it_value = to_timespec(first_ns)};

	atomic_store_explicit(&c->first_ns, first_ns, memory_order_release); /* pairs with the load in ready_take */
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &times, NULL) < 0)
		abort(); /* it can fail by a bug of ours only, and the reader would wait for ever */
}

int ready_take(struct bench *b, struct ready_clock *c, uint64_t count, struct bench_cert *cert)
{
	/* Pairs with the store in ready_arm: that an event has come says it was made, but not to the compiler. */
	const uint64_t first_ns = atomic_load_explicit(&c->first_ns, memory_order_acquire);

	for (; count > 0 && c->seen < c->events; count--) {
		if (bench_delay(b, first_ns + c->seen * c->period_ns) < 0)
			return bench_fail(b, -EPROTO, "event %llu was read before it came",
					  (unsigned long long)(c->seen + 1));
		c->seen++;
		cert->ops++;
		cert->checksum += c->seen;
	}
	return 0;
}

static uint64_t ready_ops(const struct bench *b)
{
	return (uint64_t)b->param[PARAM_EVENTS];
}

static void ready_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t n = ready_ops(b);

	*out = (struct bench_cert){.ops = n, .checksum = n * (n + 1) / 2};
}

const struct bench_workload abuse_ready_workload = {
	.name = "abuse/ready",
	.version = 1,
	.summary = "a descriptor becomes readable while every processor computes: how late it is read",
	.op = "one event, from the time at which the kernel makes the descriptor readable until it has been read",
	.fairness =
		"The events come from the same kind of timer descriptor with the same period, and their delays are "
		"taken by the harness's clock right after the read. Each direct model has one hog per worker, which "
		"computes without any call (its function carries the mark that lets a model stop it where the model "
		"asks for one), and one reader, which waits as the model's tasks wait for descriptors. Threads "
		"leave all of it to the kernel, which stops a hog for a thread that has just woken. A loop cannot "
		"stop a callback, so its programmers cut long work up: the evented hog computes 100 us per callback "
		"and lets the loop turn, which bounds the delay at the price of cutting up and of asking the kernel "
		"in each turn; other pieces would give other delays. How much the hogs compute meanwhile is not "
		"compared. There is no serial body: it would be either the hog or the reader.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_DELAY_P99,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = ready_ops,
	.expect = ready_expect,
};
