/*
 * switch/grain in the blocking style.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"
#include "workloads/switch/grain/grain.h"

struct turn {
	dx_task task;
	struct gate *gate;
	uint64_t steps; /* of a grain; immutable */
	uint64_t left; /* grains; root's until the gate opens, then the task's */
	/* the task's until it is joined */
	uint64_t done;
	uint64_t value; /* of its chain */
};

static void take_turns(void *arg)
{
	struct turn *t = arg;
	uint64_t left, steps = t->steps, value = t->value, done = 0;

	gate_pass(t->gate);
	for (left = t->left; left > 0; left--) {
		value = grain_work(value, steps);
		dx_yield();
		done++;
	}
	t->done = done;
	t->value = value;
}

/* Create the tasks and wait until they stand at the gate; returns how many, fewer than n with *status < 0. */
static uint64_t gather(struct gate *gate, struct turn *turns, uint64_t n, const struct bench *b, int *status)
{
	uint64_t i, steps = (uint64_t)bench_param(b, "steps");

	*status = 0;
	for (i = 0; i < n; i++) {
		turns[i].gate = gate;
		turns[i].steps = steps;
		turns[i].left = bench_share(b->ops, n, i);
		turns[i].value = grain_start(i);
		*status = gate_spawn(gate, &turns[i].task, take_turns, &turns[i]);
		if (*status < 0)
			break;
	}
	gate_gather(gate);
	return i;
}

static int run_turns(struct bench *b, struct gate *gate, struct turn *turns, uint64_t n)
{
	struct bench_cert cert = {0};
	int status;
	uint64_t live = gather(gate, turns, n, b, &status);

	for (uint64_t i = 0; status < 0 && i < live; i++)
		turns[i].left = 0;
	if (status == 0)
		bench_begin(b);
	gate_open(gate);
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
	struct gate gate;
	int status = turns ? gate_init(&gate) : -ENOMEM;

	if (status < 0)
		goto no_gate;
	status = run_turns(b, &gate, turns, n);
	gate_destroy(&gate);
	free(turns);
	return status;
no_gate:
	free(turns);
	return bench_fail(b, status, "cannot prepare %llu tasks: %s", (unsigned long long)n, strerror(-status));
}

const struct bench_body switch_grain_direct = {.run = run_grain};
