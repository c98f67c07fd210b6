/*
 * cpu/fib in the blocking style: spawn one half, do the other half here, join.
 */
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/cpu/fib/fib.h"

struct call {
	int n, cutoff;
	int status; /* 0 or why a task below this call could not be created */
	uint64_t value; /* fib(n) */
	uint64_t leaves; /* computed below this call, itself included */
	uint64_t tasks; /* that ran below this call */
};

static void compute(struct call *c);

static void child(void *arg)
{
	struct call *c = arg;

	compute(c);
	c->tasks++;
}

/* Blocks the task until all below has been computed. Every frame lives on the stack of the task that waits for it. */
static void compute(struct call *c)
{
	struct call first = {.n = c->n - 1, .cutoff = c->cutoff};
	struct call second = {.n = c->n - 2, .cutoff = c->cutoff};
	dx_task task;

	if (c->n < c->cutoff) {
		c->value = fib_leaf(c->n);
		c->leaves = 1;
		return;
	}
	c->status = dx_spawn(&task, child, &first);
	if (c->status < 0)
		return;
	compute(&second);
	dx_join(&task);
	c->value = first.value + second.value;
	c->leaves = first.leaves + second.leaves;
	c->tasks = first.tasks + second.tasks;
	c->status = first.status ? first.status : second.status;
}

static int run_fib(struct bench *b)
{
	struct call root = {.n = (int)bench_param(b, "n"), .cutoff = (int)bench_param(b, "cutoff")};

	bench_begin(b);
	compute(&root);
	bench_end(b);
	if (root.status < 0)
		return bench_fail(b, root.status,
				  "cannot hold the tasks of fib(%d) with cutoff %d: the model refused one (%s)", root.n,
				  root.cutoff, strerror(-root.status));
	b->cert = (struct bench_cert){.ops = root.leaves, .units = root.tasks, .checksum = root.value};
	return 0;
}

static uint64_t estimate(const struct bench *b)
{
	return fib_least_ns(b, b->workers);
}

const struct bench_body cpu_fib_direct = {.run = run_fib, .estimate_ns = estimate};
