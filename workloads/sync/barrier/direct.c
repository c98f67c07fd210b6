/*
 * sync/barrier in the blocking style: work, wait for the others, look at the neighbour.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/sync/barrier/barrier.h"
#include "workloads/gate.h"

struct party {
	struct barrier_desk desk;
	_Alignas(128) dx_task task;
	struct crew *crew;
	uint64_t id;
	/* the task's until it is joined */
	uint64_t private, sum, passed, led;
};

struct crew {
	dx_barrier barrier;
	struct gate gate;
	uint64_t phases; /* root's until the gate opens */
	uint64_t tasks, work; /* immutable */
	struct party *party;
};

static void work(void *arg)
{
	struct party *p = arg;
	struct crew *c = p->crew;
	const struct barrier_desk *neighbour = &c->party[barrier_neighbour(p->id, c->tasks)].desk;
	uint64_t private = p->id, sum = 0, passed = 0, led = 0;

	gate_pass(&c->gate);
	for (uint64_t phase = 0; phase < c->phases; phase++) {
		private = steps_work(private, c->work);
		barrier_leave(&p->desk, phase, p->id);
		led += dx_barrier_wait(&c->barrier);
		sum += barrier_read(neighbour, phase);
		passed++;
	}
	p->private = private;
	p->sum = sum;
	p->passed = passed;
	p->led = led;
}

static int run_tasks(struct bench *b, struct crew *c)
{
	uint64_t live;
	int status = 0;

	for (live = 0; live < c->tasks; live++) {
		c->party[live] = (struct party){.crew = c, .id = live};
		status = gate_spawn(&c->gate, &c->party[live].task, work, &c->party[live]);
		if (status < 0)
			break;
	}
	gate_gather(&c->gate);
	c->phases = status < 0 ? 0 : b->ops;
	if (status == 0)
		bench_begin(b);
	gate_open(&c->gate);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&c->party[i].task);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)c->tasks, (unsigned long long)live, strerror(-status));
	bench_end(b);
	b->cert = (struct bench_cert){.max_live = live};
	for (uint64_t i = 0; i < live; i++) {
		b->cert.ops += c->party[i].led;
		b->cert.messages += c->party[i].passed;
		b->cert.checksum += c->party[i].sum + c->party[i].private;
	}
	return 0;
}

static int run_barrier(struct bench *b)
{
	struct crew c = {.tasks = (uint64_t)bench_param(b, "tasks"), .work = (uint64_t)bench_param(b, "work")};
	int status = -ENOMEM;

	c.party = aligned_alloc(_Alignof(struct party), c.tasks * sizeof c.party[0]);
	if (!c.party)
		goto out;
	status = gate_init(&c.gate);
	if (status < 0)
		goto out;
	status = dx_barrier_init(&c.barrier, (unsigned)c.tasks);
	if (status == 0) {
		status = run_tasks(b, &c);
		dx_barrier_destroy(&c.barrier);
	}
	gate_destroy(&c.gate);
out:
	free(c.party);
	if (status < 0 && !b->why[0])
		return bench_fail(b, status, "cannot prepare a barrier and %llu tasks: %s", (unsigned long long)c.tasks,
				  strerror(-status));
	return status;
}

const struct bench_body sync_barrier_direct = {.run = run_barrier};
