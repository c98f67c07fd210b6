/*
 * timer/sleepers in the blocking style: a task that sleeps in a loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"
#include "workloads/timer/sleepers/sleepers.h"

struct sleeper {
	dx_task task;
	struct gate *gate;
	const struct sleepers_plan *plan; /* immutable while tasks run */
	uint64_t left; /* root's until the gate opens, then the task's */
	/* the task's until it is joined */
	uint64_t done;
	bool slept;
};

static void sleep_on(void *arg)
{
	struct sleeper *s = arg;
	const uint64_t sleep_ns = s->plan->sleep_ns;
	uint64_t began_ns, done = 0;

	gate_pass(s->gate);
	began_ns = bench_now_ns();
	for (uint64_t left = s->left; left > 0; left--) {
		dx_sleep_ns(sleep_ns);
		done++;
	}
	s->done = done;
	s->slept = sleepers_slept(s->plan, began_ns, bench_now_ns());
}

/* Create the tasks and wait until they stand at the gate; returns how many, fewer than planned with *status < 0. */
static uint64_t gather(struct gate *gate, struct sleeper *sleepers, const struct sleepers_plan *plan, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < plan->tasks; i++) {
		sleepers[i] = (struct sleeper){.gate = gate, .plan = plan, .left = plan->rounds};
		*status = gate_spawn(gate, &sleepers[i].task, sleep_on, &sleepers[i]);
		if (*status < 0)
			break;
	}
	gate_gather(gate);
	return i;
}

static int certify(struct bench *b, const struct sleeper *sleepers, const struct sleepers_plan *plan)
{
	struct bench_cert cert = {.max_live = plan->tasks};
	uint64_t early = 0;

	for (uint64_t i = 0; i < plan->tasks; i++) {
		cert.ops += sleepers[i].done;
		cert.checksum += (i + 1) * sleepers[i].done;
		early += !sleepers[i].slept;
	}
	b->cert = cert;
	if (early)
		return bench_fail(b, -EPROTO, "%llu tasks were woken before their time", (unsigned long long)early);
	return 0;
}

static int run_all(struct bench *b, struct gate *gate, struct sleeper *sleepers, const struct sleepers_plan *plan)
{
	int status;
	uint64_t live = gather(gate, sleepers, plan, &status);

	for (uint64_t i = 0; status < 0 && i < live; i++)
		sleepers[i].left = 0;
	if (status == 0)
		bench_begin(b);
	gate_open(gate);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&sleepers[i].task);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)plan->tasks, (unsigned long long)live, strerror(-status));
	bench_end(b);
	return certify(b, sleepers, plan);
}

static int run_sleepers(struct bench *b)
{
	const struct sleepers_plan plan = sleepers_plan_of(b);
	struct sleeper *sleepers = calloc(plan.tasks, sizeof *sleepers);
	struct gate gate;
	int status = sleepers ? gate_init(&gate) : -ENOMEM;

	if (status < 0)
		goto no_gate;
	status = run_all(b, &gate, sleepers, &plan);
	gate_destroy(&gate);
	free(sleepers);
	return status;
no_gate:
	free(sleepers);
	return bench_fail(b, status, "cannot prepare %llu tasks: %s", (unsigned long long)plan.tasks,
			  strerror(-status));
}

const struct bench_body timer_sleepers_direct = {.run = run_sleepers, .estimate_ns = sleepers_least_ns};
