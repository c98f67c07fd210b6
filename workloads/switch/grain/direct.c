/*
 * switch/grain in the blocking style.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/switch/grain/grain.h"

struct gate {
	uint64_t steps; /* of a grain; immutable */
	dx_wg arrived; /* tasks that are not yet at the gate */
	dx_wg open; /* 1 until the region begins */
};

struct turn {
	dx_task task;
	struct gate *gate;
	uint64_t left; /* grains; root's until the gate opens, then the task's */
	/* the task's until it is joined */
	uint64_t done;
	uint64_t value; /* of its chain */
};

static void take_turns(void *arg)
{
	struct turn *t = arg;
	uint64_t left, steps = t->gate->steps, value = t->value, done = 0;

	dx_wg_done(&t->gate->arrived);
	dx_wg_wait(&t->gate->open);
	for (left = t->left; left > 0; left--) {
		value = grain_work(value, steps);
		dx_yield();
		done++;
	}
	t->done = done;
	t->value = value;
}

/* Create the tasks and wait until they stand at the gate; returns how many, fewer than n with *status < 0. */
static uint64_t gather(struct gate *gate, struct turn *turns, uint64_t n, uint64_t ops, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < n; i++) {
		turns[i].gate = gate;
		turns[i].left = grain_share(ops, n, i);
		turns[i].value = grain_start(i);
		dx_wg_add(&gate->arrived, 1);
		*status = dx_spawn(&turns[i].task, take_turns, &turns[i]);
		if (*status < 0) {
			dx_wg_done(&gate->arrived);
			break;
		}
	}
	dx_wg_wait(&gate->arrived);
	return i;
}

static int run_turns(struct bench *b, struct gate *gate, struct turn *turns, uint64_t n)
{
	struct bench_cert cert = {0};
	int status;
	uint64_t live = gather(gate, turns, n, b->ops, &status);

	for (uint64_t i = 0; status < 0 && i < live; i++)
		turns[i].left = 0;
	if (status == 0)
		bench_begin(b);
	dx_wg_done(&gate->open);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&turns[i].task);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)n, (unsigned long long)live, strerror(-status));
	bench_end(b);
	cert.max_live = live;
	for (uint64_t i = 0; i < live; i++) {
		cert.ops += turns[i].done;
		cert.checksum += turns[i].value;
	}
	b->cert = cert;
	return 0;
}

static int run_grain(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "tasks");
	struct turn *turns = calloc(n, sizeof *turns);
	struct gate gate = {.steps = (uint64_t)bench_param(b, "steps")};
	int status = turns ? dx_wg_init(&gate.arrived) : -ENOMEM;

	if (status < 0)
		goto no_arrived;
	status = dx_wg_init(&gate.open);
	if (status < 0)
		goto no_open;
	dx_wg_add(&gate.open, 1);
	status = run_turns(b, &gate, turns, n);
	dx_wg_destroy(&gate.open);
	dx_wg_destroy(&gate.arrived);
	free(turns);
	return status;
no_open:
	dx_wg_destroy(&gate.arrived);
no_arrived:
	free(turns);
	return bench_fail(b, status, "cannot prepare %llu tasks: %s", (unsigned long long)n, strerror(-status));
}

const struct bench_body switch_grain_direct = {.run = run_grain};
