/*
 * switch/grain - tasks that work a little and let each other run.
 *
 * How much work there must be between two switches before the switch no longer matters. A task works one grain, `steps`
 * steps of a chain in which each needs the one before, then yields; 10 steps take about 10 ns, a million about 1 ms. The
 * grain is stated in steps and not in time, so no body calibrates anything: a slower CPU stretches it for all alike. The
 * serial body works the same grains without a switch. The figure over the serial one is what a switch adds to a grain of
 * that size; it need not be what switch/yield says, because work in between cools what the switch needs.
 *
 * A grain ends with a fence, in the serial body too. Without it the CPU would begin the next task's chain, which does not
 * depend on this one's, while this one is still being worked: at small grains two of them would take the time of one, and
 * switching would seem to cost less than nothing.
 *
 * Rejected: a grain given in nanoseconds and measured out at the start. The measure would be of that moment's clock
 * rate, another one in each process, and two bodies would do unequal work.
 */
#include "workloads/switch/grain/grain.h"

enum { PARAM_STEPS, PARAM_TASKS };

static const struct bench_param params[] = {
	[PARAM_STEPS] = {.name = "steps",
			 .unit = "steps",
			 .help = "work between two switches, about 1 ns a step",
			 .dflt = 1000,
			 .min = 1,
			 .max = 1000000,
			 .smoke = 100},
	[PARAM_TASKS] = {.name = "tasks",
			 .unit = "tasks",
			 .help = "how many take turns",
			 .dflt = 2,
			 .min = 2,
			 .max = 1000,
			 .smoke = 3},
};

static void grain_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t tasks = (uint64_t)b->param[PARAM_TASKS], steps = (uint64_t)b->param[PARAM_STEPS], sum = 0;

	for (uint64_t i = 0; i < tasks; i++)
		sum += steps_jump(grain_start(i), bench_share(b->ops, tasks, i) * steps);
	*out = (struct bench_cert){.ops = b->ops, .max_live = tasks, .checksum = sum};
}

const struct bench_workload switch_grain_workload = {
	.name = "switch/grain",
	.version = 1,
	.summary = "tasks that work a grain of computing and let each other run",
	.op = "one grain of work and the switch after it",
	.fairness =
		"The grain is one inline function for all bodies: a chain of steps that cannot be overlapped, and "
		"a fence. A thread yields with sched_yield, which the kernel may answer by going on with the same "
		"thread; a goroutine goes to the tail of its processor's queue; a callback of the loop posts itself "
		"again and returns, which keeps no stack and is the least that taking turns can be. Nobody is "
		"preempted by its runtime: a grain is shorter than a time slice. The serial body works the grains "
		"in the same order and switches never. With more CPUs than one the tasks work at the same time, "
		"in the models that can; the loop and the serial body have one CPU whatever the placement.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 1000,
	.ops_quantum = 1,
	.quantum_param = "tasks",
	.expect = grain_expect,
};
