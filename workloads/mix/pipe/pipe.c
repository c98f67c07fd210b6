/*
 * mix/pipe - a word sent to another task through a pipe, and its answer through another pipe.
 *
 * The work is that of `perf bench sched pipe`: two tasks and two pipes; one task writes an int and then reads one, the
 * other reads and then writes, so many times each. One operation is one round of that loop in both tasks, which is
 * what that program's "usecs/op" counts. So the pthread body at io=own must give what `perf bench sched pipe -T` gives
 * (without -T it has two processes instead of two threads) on the same CPUs.
 *
 * With io=own a task waits in the way in which its model waits for pipes: threads in read(2), goroutines in the
 * netpoller, the loop in epoll. With io=blocking the read(2) blocks its thread, whatever the model: goroutines then hand
 * on their P, which is what a call costs that the runtime cannot wait for.
 *
 * A word that is written always finds an empty pipe, so no write waits.
 */
#include "workloads/mix/pipe/pipe.h"

enum { PARAM_IO };

static const char *const ios[] = {[PIPE_IO_OWN] = "own", [PIPE_IO_BLOCKING] = "blocking", NULL};

static const struct bench_param params[] = {
	[PARAM_IO] = {.name = "io",
		      .unit = "",
		      .help = "own: wait for a pipe as the model does; blocking: in a read that blocks the thread",
		      .kind = BENCH_CHOICE,
		      .dflt = PIPE_IO_OWN,
		      .smoke = PIPE_IO_OWN,
		      .choices = ios},
};

/*
 * The answers are the odd numbers from 1 up, begun anew after each 2^31 rounds: the first n of them are n^2 in sum.
 */
static void pipe_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t whole = b->ops >> 31, rest = b->ops & 0x7fffffff;

	*out = (struct bench_cert){.ops = b->ops,
				   .messages = 2 * b->ops,
				   .bytes_read = 2 * b->ops * sizeof(int32_t),
				   .bytes_written = 2 * b->ops * sizeof(int32_t),
				   .checksum = (whole << 62) + rest * rest};
}

const struct bench_workload mix_pipe_workload = {
	.name = "mix/pipe",
	.version = 1,
	.summary = "a word sent to another task through a pipe, and its answer: as perf bench sched pipe",
	.op = "one round trip: a write and a read in each of two tasks",
	.fairness =
		"Every body makes two reads and two writes of 4 bytes per round trip on pipes of the default size. "
		"Threads sleep in the read itself, two context switches of the kernel per round trip. Goroutines look "
		"first, find nothing, park, and are found by the netpoller: a failing read more per word, and an "
		"epoll_wait where nothing else runs. The loop has one thread for both sides: it never switches, which "
		"favours it, and pays one epoll_wait per word. With io=blocking goroutines read with a call that "
		"blocks "
		"their thread; for threads that is the same as io=own, and the loop does not offer it. The serial body "
		"makes the same four calls in one thread without waiting: what the pipes cost by themselves.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.expect = pipe_expect,
};
