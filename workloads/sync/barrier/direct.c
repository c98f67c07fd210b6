/*
 * sync/barrier in the blocking style: work, wait for the others, look at the neighbour.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/crew.h"
#include "workloads/sync/barrier/barrier.h"

struct party {
	_Alignas(128) struct crew_task crew;
	struct meeting *meeting; /* immutable, as is the next */
	uint64_t id;
	/* the task's until it is joined */
	uint64_t private, sum, passed, led;
	struct barrier_desk desk; /* on lines of its own */
};

struct meeting {
	dx_barrier barrier;
	uint64_t phases, tasks, work; /* immutable */
	struct party *party;
};

static void work(void *arg)
{
	struct party *p = arg;
	struct meeting *m = p->meeting;
	const struct barrier_desk *neighbour = &m->party[barrier_neighbour(p->id, m->tasks)].desk;
	uint64_t private = p->id, sum = 0, passed = 0, led = 0;

	if (!crew_start(&p->crew))
		return;
	for (uint64_t phase = 0; phase < m->phases; phase++) {
		private = steps_work(private, m->work);
		barrier_leave(&p->desk, phase, p->id);
		led += dx_barrier_wait(&m->barrier);
		sum += barrier_read(neighbour, phase);
		passed++;
	}
	p->private = private;
	p->sum = sum;
	p->passed = passed;
	p->led = led;
}

static int run_tasks(struct bench *b, struct meeting *m)
{
	int status;

	for (uint64_t i = 0; i < m->tasks; i++)
		m->party[i] = (struct party){.meeting = m, .id = i};
	status = crew_run(b, m->party, sizeof m->party[0], m->tasks, work);
	if (status < 0)
		return status;
	b->cert = (struct bench_cert){.max_live = m->tasks};
	for (uint64_t i = 0; i < m->tasks; i++) {
		b->cert.ops += m->party[i].led;
		b->cert.messages += m->party[i].passed;
		b->cert.checksum += m->party[i].sum + m->party[i].private;
	}
	return 0;
}

static int run_barrier(struct bench *b)
{
	struct meeting m = {
		.phases = b->ops, .tasks = (uint64_t)bench_param(b, "tasks"), .work = (uint64_t)bench_param(b, "work")};
	int status = -ENOMEM;

	m.party = aligned_alloc(_Alignof(struct party), m.tasks * sizeof m.party[0]);
	if (!m.party)
		goto out;
	status = dx_barrier_init(&m.barrier, (unsigned)m.tasks);
	if (status < 0)
		goto out;
	status = run_tasks(b, &m);
	dx_barrier_destroy(&m.barrier);
out:
	free(m.party);
	if (status < 0 && !b->why[0])
		return bench_fail(b, status, "cannot prepare a barrier and %llu tasks: %s", (unsigned long long)m.tasks,
				  strerror(-status));
	return status;
}

const struct bench_body sync_barrier_direct = {.run = run_barrier};
