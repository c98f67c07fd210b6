/*
 * switch/yield in the blocking style.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"
#include "workloads/switch/yield/yield.h"

struct turn {
	dx_task task;
	struct gate *gate;
	uint64_t left; /* root's until the gate opens, then the task's */
	uint64_t done; /* the task's until it is joined */
};

static void take_turns(void *arg)
{
	struct turn *t = arg;
	uint64_t left, done = 0;

	gate_pass(t->gate);
	for (left = t->left; left > 0; left--) {
		dx_yield();
		done++;
	}
	t->done = done;
}

/* Create the tasks and wait until they stand at the gate; returns how many, fewer than n with *status < 0. */
static uint64_t gather(struct gate *gate, struct turn *turns, uint64_t n, uint64_t ops, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < n; i++) {
		turns[i].gate = gate;
		turns[i].left = bench_share(ops, n, i);
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
	uint64_t live = gather(gate, turns, n, b->ops, &status);

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
		cert.checksum += (i + 1) * turns[i].done;
	}
	b->cert = cert;
	return 0;
}

static int run_yield(struct bench *b)
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

const struct bench_body switch_yield_direct = {.run = run_yield};
