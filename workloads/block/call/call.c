/*
 * block/call - tasks that make calls which block in the kernel for a while.
 *
 * `in_flight` tasks compute for `work` steps of about a nanosecond and then make a call that sleeps in the kernel for
 * call_us, again and again. The runtime is told that a call begins and ends, and not how long it will last: a call of 1 us
 * is best left alone, behind one of 100 ms everything would wait. If calls cost nothing but their time, in_flight of them
 * would end in each call_us.
 *
 * Threads over time are figures, the process's threads each time: when the tasks stand at the gate, when the region has
 * ended, and settle_ms later; where that is above 0 also at each sixth of it. The tasks are kept until then. At the end the number is what it took to have so many calls under
 * way, and the most that there were, in a model that keeps for some seconds what it no longer needs; what was made and
 * reaped within the region is in the model's own counters, if it has any. Those that the warm-up has made may still be there
 * when the region begins. The warm-up itself does not wait for settle_ms.
 *
 * The sleep is clock_nanosleep with a timer slack of 1 ns in place of the usual 50 us (set up for the whole process), or a
 * call of 1 us would last for 50. It still takes the kernel some microseconds to put a thread to sleep and wake it. A call
 * that gives an error fails the run. Each task also looks at the clock before its first call and after its last one, and
 * the run fails if they lasted too short; that is only a bound, since a call that is too short may hide behind long ones.
 */
#include "workloads/block/call/call.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

enum { PARAM_IN_FLIGHT, PARAM_CALL_US, PARAM_WORK, PARAM_SETTLE_MS };

enum { DEFAULT_SLACK = 0 }; /* of PR_SET_TIMERSLACK: back to what the process began with */

static const struct bench_param params[] = {
	[PARAM_IN_FLIGHT] = {.name = "in_flight",
			     .unit = "calls",
			     .help = "under way at one time, one per task",
			     .dflt = 16,
			     .min = 1,
			     .max = 10000,
			     .smoke = 3},
	[PARAM_CALL_US] = {.name = "call_us",
			   .unit = "us",
			   .help = "that a call sleeps in the kernel",
			   .dflt = 1000,
			   .min = 1,
			   .max = 1000000,
			   .smoke = 30},
	[PARAM_WORK] = {.name = "work",
			.unit = "steps",
			.help = "of about 1 ns before each call",
			.dflt = 1000,
			.min = 0,
			.max = 1000000,
			.smoke = 10},
	[PARAM_SETTLE_MS] = {.name = "settle_ms",
			     .unit = "ms",
			     .help = "of nothing to do, after which threads are counted once more",
			     .dflt = 0,
			     .min = 0,
			     .max = 60000,
			     .smoke = 0},
};

void call_tell_threads(struct bench *b, const struct call_threads *t)
{
	static const char *const parts[CALL_PARTS - 1] = {"threads_settling_1", "threads_settling_2",
							  "threads_settling_3", "threads_settling_4",
							  "threads_settling_5"};

	bench_figure(b, "threads_before", t->before);
	bench_figure(b, "threads_end", t->end);
	bench_figure(b, "threads_settled", t->settling[CALL_PARTS - 1]);
	for (int i = 0; i < CALL_PARTS - 1 && call_settle_ns(b) > 0; i++)
		bench_figure(b, parts[i], t->settling[i]);
}

static int call_setup(struct bench *b)
{
	if (prctl(PR_SET_TIMERSLACK, 1) < 0)
		return bench_fail(b, -errno, "cannot set the timer slack: %s", strerror(errno));
	return 0;
}

static void call_teardown(struct bench *b)
{
	(void)b;
	prctl(PR_SET_TIMERSLACK, DEFAULT_SLACK);
}

static void call_expect(const struct bench *b, struct bench_cert *out)
{
	const struct call_plan p = call_plan_of(b);

	*out = (struct bench_cert){.ops = b->ops, .max_live = p.in_flight};
	for (uint64_t i = 0; i < p.in_flight; i++) {
		const uint64_t n = bench_share(b->ops, p.in_flight, i);

		out->checksum += call_digest(i, n, steps_jump(i, n * p.work));
	}
}

const struct bench_workload block_call_workload = {
	.name = "block/call",
	.version = 1,
	.summary = "tasks that make calls which block in the kernel",
	.op = "one blocking call, with the steps before it and the way back to the task",
	.fairness =
		"The call is the same clock_nanosleep in every C body, with the same timer slack. A goroutine brackets "
		"it as a "
		"call of unknown length: its processor stays with the thread for as long as nobody notices, and is "
		"handed to "
		"another thread if the call lasts, which takes the runtime some 20 us and at times a new thread. A "
		"thread "
		"just makes the call. Who needs more threads pays for them in memory, not here; how many there are is "
		"told: threads_before the "
		"region, threads_end at its end, threads_settled after settle_ms in which the tasks wait, "
		"threads_settling_1 to 5 at the sixths of it. A "
		"thread's task is a "
		"thread all that time; a goroutine needs one for its call alone, and the runtime keeps it for another "
		"one for some seconds. The harness's own thread is in them. For an event loop "
		"there is "
		"no such call: it would stop everything, so it is unsupported there. The serial body makes one "
		"call after "
		"another and exists for in_flight=1 only. The Go subject sleeps by nanosleep, and makes one more "
		"call per operation, a prctl of about 100 ns: its tasks change threads, and the slack is the "
		"thread's.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 60,
	.ops_quantum = 1,
	.quantum_param = "in_flight",
	.setup = call_setup,
	.teardown = call_teardown,
	.expect = call_expect,
};
