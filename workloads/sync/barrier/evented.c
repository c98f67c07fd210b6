/*
 * sync/barrier in the callback style: a task is a record that is called back once per phase; the last that arrives posts
 * all of them.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/sync/barrier/barrier.h"

struct run;

struct party {
	struct barrier_desk desk;
	ex_work work;
	struct run *run;
	uint64_t id;
	uint64_t phase; /* that it has to work in next */
	uint64_t private, sum, passed;
};

struct run {
	struct bench *b;
	uint64_t tasks, steps;
	uint64_t missing; /* at the barrier */
	uint64_t ended; /* parties that have done all phases */
	uint64_t led;
	struct party *party;
};

static void pass(ex_work *work);

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = (struct bench_cert){.ops = r->led, .max_live = r->tasks};
	for (uint64_t i = 0; i < r->tasks; i++) {
		b->cert.messages += r->party[i].passed;
		b->cert.checksum += r->party[i].sum + r->party[i].private;
	}
	free(r->party);
	free(r);
	bench_done(b, 0);
}

static void arrive(struct run *r)
{
	if (--r->missing > 0)
		return;
	r->missing = r->tasks;
	r->led++;
	for (uint64_t i = 0; i < r->tasks; i++)
		ex_post(ex_loop_of(r->b), &r->party[i].work, pass);
}

static void begin_phase(ex_work *work)
{
	struct party *p = EX_CONTAINER(work, struct party, work);
	struct run *r = p->run;

	if (p->phase == r->b->ops) {
		if (++r->ended == r->tasks)
			finish(r);
		return;
	}
	p->private = steps_work(p->private, r->steps);
	barrier_leave(&p->desk, p->phase, p->id);
	arrive(r);
}

static void pass(ex_work *work)
{
	struct party *p = EX_CONTAINER(work, struct party, work);
	struct run *r = p->run;

	p->sum += barrier_read(&r->party[barrier_neighbour(p->id, r->tasks)].desk, p->phase);
	p->passed++;
	p->phase++;
	begin_phase(work);
}

static int run_barrier(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks");
	struct run *r = calloc(1, sizeof *r);
	struct party *party = aligned_alloc(_Alignof(struct party), tasks * sizeof *party);

	if (!r || !party) {
		free(party);
		free(r);
		return bench_fail(b, -ENOMEM, "out of memory for %llu records", (unsigned long long)tasks);
	}
	*r = (struct run){
		.b = b, .tasks = tasks, .steps = (uint64_t)bench_param(b, "work"), .missing = tasks, .party = party};
	for (uint64_t i = 0; i < tasks; i++)
		party[i] = (struct party){.run = r, .id = i, .private = i};
	bench_begin(b);
	for (uint64_t i = 0; i < tasks; i++)
		ex_post(ex_loop_of(b), &party[i].work, begin_phase);
	return 0;
}

const struct bench_body sync_barrier_evented = {.run = run_barrier};
