/*
 * template/example - batches of short tasks: create, wait for all, repeat.
 *
 * The head of <name>.c says what the workload measures, what the parameters mean, which traps there are in measuring it
 * and what was rejected. This one: `batch` tasks are created, each computes one number, all are awaited, and so on
 * until `ops` tasks have run. One operation is one task from creation to join.
 *
 * The workload is complete and correct; tests/conformance compiles and runs it, so that what is shown here works.
 */
#include "docs/templates/workload/template.h" /* "workloads/<family>/<name>/<name>.h" */

enum { PARAM_BATCH };

/*
 * Every parameter has a unit, bounds and a smoke value: small enough that all workloads' smoke samples together take
 * seconds, large enough that every path of the bodies runs.
 */
static const struct bench_param params[] = {
	[PARAM_BATCH] = {.name = "batch",
			 .unit = "tasks",
			 .help = "created before the first is awaited",
			 .dflt = 100,
			 .min = 1,
			 .max = 10000,
			 .smoke = 8},
};

/*
 * The certificate of a correct run, as a function of the parameters and b->ops alone: without setup(), without running
 * anything, and fast however large ops is. Prefer a closed form; one that shares code with the bodies proves less.
 * Here: the sum of i^2 + 1 over i < ops. The division by 6 is exact, in 128 bits.
 */
static void template_expect(const struct bench *b, struct bench_cert *out)
{
	unsigned __int128 n = b->ops;
	uint64_t squares = n > 0 ? (uint64_t)((n - 1) * n * (2 * n - 1) / 6) : 0;

	*out = (struct bench_cert){.ops = b->ops, .units = b->ops, .checksum = squares + b->ops};
}

/*
 * setup and teardown are left out because this work needs no files, buffers or sockets. Where there are any, setup()
 * makes what all runs of the process share, puts it into b->data, and on failure undoes everything and returns
 * bench_fail(b, -errno, "a sentence that says what to do about it"). -EOPNOTSUPP says: this machine cannot do it.
 */
const struct bench_workload template_example_workload = {
	.name = "template/example",
	.version = 1, /* raise it with every change of the work: results of different versions are never compared */
	.summary = "batches of tasks that compute one number each",
	.op = "one task, from its creation until it has been awaited",
	.fairness = "The work of a task is one inline function for all bodies. A direct task is created and joined; an "
		    "evented "
		    "one is a callback posted to the ready queue, in a record that is part of an array. The serial "
		    "body calls "
		    "the function. Say here what differs between the bodies, why it must, and whom it favours.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 64,
	.ops_quantum = 1, /* ops is rounded to a multiple of ops_quantum times the value of quantum_param */
	.quantum_param = "batch",
	.expect = template_expect,
};
