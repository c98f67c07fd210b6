/*
 * sync/semaphore - a number of permits, and more tasks than permits.
 *
 * Each of `tasks` tasks takes one of `permits` permits again and again; it advances a word of its own by `hold` steps
 * while it has the permit, and by `think` steps when it has given it back. A step is one dependent multiply-add, about a
 * nanosecond.
 *
 * inside=work: the holder computes, so that a permit is missing only if a holder is interrupted or if there are more
 * CPUs than permits; with one CPU the figure is the price of a pair that nobody waits in. inside=yield: between the
 * two halves of its work the holder lets the others run, as one does who holds a permit for something that waits. Then
 * tasks wait for permits on any number of CPUs, and the figure has in it what it costs to wait and to be woken.
 *
 * At most `permits` tasks hold one: the holders count themselves in a shared word, and an acquisition that finds too many
 * there is left out of `locks`. That word is written twice per operation, in every body.
 */
#include "workloads/sync/semaphore/semaphore.h"

enum { PARAM_TASKS, PARAM_PERMITS, PARAM_HOLD, PARAM_THINK, PARAM_INSIDE };

static const char *const insides[] = {"work", "yield", NULL};

static const struct bench_param params[] = {
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "how many share the permits",
			 .dflt = 8,
			 .min = 1,
			 .max = 10000,
			 .smoke = 5},
	[PARAM_PERMITS] = {.name = "permits",
			   .unit = "permits",
			   .help = "how many may be held at one time",
			   .dflt = 2,
			   .min = 1,
			   .max = 10000,
			   .smoke = 2},
	[PARAM_HOLD] = {.name = "hold",
			.unit = "steps",
			.help = "work with the permit, about 1 ns a step",
			.dflt = 100,
			.min = 1,
			.max = 1000000,
			.smoke = 10},
	[PARAM_THINK] = {.name = "think",
			 .unit = "steps",
			 .help = "work without it between two acquisitions",
			 .dflt = 0,
			 .min = 0,
			 .max = 1000000,
			 .smoke = 5},
	[PARAM_INSIDE] = {.name = "inside",
			  .unit = "",
			  .help = "what a holder does: it computes, or lets others run amid its work",
			  .kind = BENCH_CHOICE,
			  .dflt = 1,
			  .smoke = 1,
			  .choices = insides},
};

static void semaphore_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = (uint64_t)b->param[PARAM_TASKS];
	uint64_t each = (uint64_t)b->param[PARAM_HOLD] + (uint64_t)b->param[PARAM_THINK];

	*out = (struct bench_cert){.ops = b->ops, .max_live = tasks, .locks = b->ops};
	for (uint64_t i = 0; i < tasks; i++)
		out->checksum += steps_jump(semaphore_start(i), bench_share(b->ops, tasks, i) * each);
}

const struct bench_workload sync_semaphore_workload = {
	.name = "sync/semaphore",
	.version = 1,
	.summary = "tasks that share a number of permits, with work while they hold one and without",
	.op = "one permit taken and given back with the work in between and after it",
	.fairness =
		"Each model uses its own semaphore as it comes: threads the one of their library, whose waiters sleep "
		"in the kernel and whose permit goes to whoever is there first, so that a thread that runs may take "
		"it before one that was woken for it; goroutines the runtime's, which serves those who wait in "
		"the order in which they came. The Go subject's is a channel with room for as many tokens as there "
		"are permits, which is what its programmers write: each operation is a send and a receive, under "
		"the channel's lock, and it, too, serves in order. The loop has none, since one thread needs no atomic "
		"count: its "
		"programmers count what is under way and queue the rest, and that is its body; with inside=work no "
		"permit would ever be missing there, so it is not offered. Every body counts its holders in one "
		"shared word, two atomic instructions per operation, which with several CPUs cost more than the rest "
		"and narrow all differences. To let others run is the model's own yield: sched_yield for threads, a "
		"posted callback for the loop. With one worker the goroutine runtime needs no atomic instructions, "
		"which a thread cannot know. The serial body does the same work and counts, without permits and "
		"yields: subtract it. With more CPUs it does not do it in parallel.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 4000,
	.ops_quantum = 1,
	.quantum_param = "tasks",
	.expect = semaphore_expect,
};
