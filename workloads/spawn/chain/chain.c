/*
 * spawn/chain - each task makes the next one and ends.
 *
 * The shortest life: a task is created, counts itself, creates its successor and is gone. Nobody waits for it; the last
 * one of a chain says that the chain has ended. So there is one task at a time in each chain, or two for the moment in
 * which one has made the next and not yet ended, and whatever a model keeps of ended tasks for new ones (a stack, a
 * record, a thread) is wanted again at once: the best case of reuse, where spawn/flat with a large batch is the worst.
 * Where the maker and the new task can run on two CPUs, the model decides whether the new one starts there or waits for
 * its maker to end.
 *
 * Rejected: a task that waits for its successor. That is a stack of tasks, deep as the chain is long: spawn/skynet's
 * subject.
 */
#include "workloads/spawn/chain/chain.h"

enum { PARAM_CHAINS };

static const struct bench_param params[] = {
	[PARAM_CHAINS] = {.name = "chains",
			  .unit = "chains",
			  .help = "side by side, of equal length",
			  .dflt = 1,
			  .min = 1,
			  .max = 10000,
			  .smoke = 3},
};

/* Task k of a chain adds 2 k + 1; over a chain of n tasks that is n squared. Chain i counts i + 1 times. */
static void chain_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t chains = (uint64_t)b->param[PARAM_CHAINS], n = b->ops / chains;

	*out = (struct bench_cert){.ops = b->ops, .units = b->ops, .checksum = chains * (chains + 1) / 2 * n * n};
}

const struct bench_workload spawn_chain_workload = {
	.name = "spawn/chain",
	.version = 1,
	.summary = "chains of tasks, each of which makes the next and ends",
	.op = "one task created by the one before it, run and ended",
	.fairness = "All bodies make the same chains, and what a task does is one inline function. A direct task is "
		    "detached "
		    "and hands a pointer on; the end of a chain is a wait group's count. A goroutine's stack is used "
		    "again by "
		    "its successor when that begins after its maker has ended; a thread's stack comes from glibc's "
		    "store of "
		    "ended threads' stacks, and the kernel makes and reaps the thread. A task of the loop is a "
		    "callback posted "
		    "in a record of its own from malloc, which its maker makes and it frees: a record posted again "
		    "would be "
		    "the same task, which is switch/yield's subject. It keeps no stack, which favours it. The loop has "
		    "one CPU "
		    "whatever the placement. The serial body calls a function that it cannot inline.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 600,
	.ops_quantum = 1,
	.quantum_param = "chains",
	.expect = chain_expect,
};
