/*
 * cpu/fib - recursive fork and join.
 *
 * fib(n) = fib(n - 1) + fib(n - 2). Every call with n >= cutoff creates one task for fib(n - 1), computes
 * fib(n - 2) itself and waits for the task; a call with n < cutoff is a leaf and computes by plain recursion. The tree
 * is the same in every body, so the numbers of tasks and leaves are known before the run:
 *
 *      leaves(n) = 1                                   for n < cutoff,  else leaves(n - 1) + leaves(n - 2)
 *      tasks(n)  = leaves(n) - 1                       each fork turns one leaf into two
 *
 * One operation is one leaf together with the fork and the join that brought it about. Leaves are fib(cutoff - 1) and
 * fib(cutoff - 2), about 1.6 to 1 by size and by number: a lower cutoff means more tasks with less work each, and the
 * time per leaf over the serial body's is what a fork and join costs.
 *
 * Rejected: a task for both halves. It doubles the tasks and tests the same thing; and no one would write it so.
 */
#include "workloads/cpu/fib/fib.h"

enum { PARAM_N, PARAM_CUTOFF };

static const struct bench_param params[] = {
	[PARAM_N] = {.name = "n",
		     .unit = "",
		     .help = "the Fibonacci number to compute",
		     .dflt = 32,
		     .min = 1,
		     .max = 50,
		     .smoke = 16},
	[PARAM_CUTOFF] = {.name = "cutoff",
			  .unit = "",
			  .help = "calls below this are leaves: plain recursion, no task",
			  .dflt = 20,
			  .min = 2,
			  .max = 40,
			  .smoke = 8},
};

__attribute__((noinline)) uint64_t fib_leaf(int n)
{
	/* The compiler must see an unknown n at every level, or it unrolls the recursion to a depth of its own choice. */
	__asm__ volatile("" : "+r"(n));
	return n < 2 ? (uint64_t)n : fib_leaf(n - 1) + fib_leaf(n - 2);
}

static uint64_t fib_number(int64_t n)
{
	uint64_t a = 0, b = 1;

	for (int64_t i = 0; i < n; i++) {
		uint64_t next = a + b;
		a = b;
		b = next;
	}
	return a;
}

/*
 * leaves() has fib's recurrence with leaves(cutoff - 2) = leaves(cutoff - 1) = 1, therefore
 * leaves(n) = F(n - cutoff + 3), where F(1) = F(2) = 1.
 */
static uint64_t leaves(int64_t n, int64_t cutoff)
{
	return n < cutoff ? 1 : fib_number(n - cutoff + 3);
}

/* fib(n) takes 2 F(n + 1) - 1 calls, in leaves or above: a nanosecond each on a 2.8 GHz CPU, half on the fastest. */
uint64_t fib_least_ns(const struct bench *b, unsigned cpus)
{
	return fib_number(b->param[PARAM_N] + 1) / cpus;
}

static uint64_t fib_ops(const struct bench *b)
{
	return leaves(b->param[PARAM_N], b->param[PARAM_CUTOFF]);
}

static void fib_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t n = fib_ops(b);

	*out = (struct bench_cert){.ops = n, .units = n - 1, .checksum = fib_number(b->param[PARAM_N])};
}

const struct bench_workload cpu_fib_workload = {
	.name = "cpu/fib",
	.version = 1,
	.summary = "recursive fork and join of fib(n), sequential below a cutoff",
	.op = "one leaf of the call tree, with the fork and join that made it",
	.fairness =
		"All bodies have the same tree, the same leaf function and one created task per fork. A direct task is "
		"awaited by blocking in a join; an evented task is a posted callback whose last finished half "
		"continues "
		"the parent, in a frame from malloc, as a promise would be: no stack is kept, which favours it; but "
		"the "
		"loop's queue is first come first served, so it opens the tree breadth first and has as many frames "
		"alive "
		"as the tree is wide. The loop has one CPU whatever the placement. The pthread model makes one kernel "
		"thread per task, all of "
		"which can be alive at once: large trees end at the system's thread limit, and that is a result.",
	.scaling = BENCH_FINITE,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.finite_ops = fib_ops,
	.expect = fib_expect,
};
