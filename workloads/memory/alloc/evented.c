/*
 * memory/alloc in the callback style: a record per task, made anew, or posted again for the next task's work.
 */
#include <errno.h>

#include "harness/subject/evented.h"
#include "workloads/memory/alloc/alloc.h"

struct crowd;

struct task {
	ex_work work;
	struct crowd *crowd;
	uint64_t id; /* whose work it does */
	struct alloc_block block;
};

struct crowd {
	struct bench *b;
	struct alloc_work work;
	uint64_t tasks;
	bool reuses;
	uint64_t begun, live, missing;
	int status;
	struct bench_cert cert;
	struct task *old; /* reuse: tasks of them */
};

static void begin(ex_work *work);

/* This record gets the next task's work. */
static void take_next(struct crowd *c, struct task *t)
{
	t->crowd = c;
	t->id = c->begun++;
	c->live++;
}

static void finish(struct crowd *c)
{
	struct bench *b = c->b;
	int status = c->status;

	bench_end(b);
	b->cert = c->cert;
	if (status < 0)
		bench_fail(b, status, "cannot hold %llu tasks: out of memory after %llu", (unsigned long long)c->tasks,
			   (unsigned long long)c->live);
	if (status == 0 && c->missing > 0)
		status = bench_fail(b, -ENOMEM, "out of memory for the blocks of %llu tasks",
				    (unsigned long long)c->missing);
	free(c->old);
	free(c);
	bench_done(b, status);
}

/* As many new tasks as are there at one time. False: there was no memory for one. */
static bool next_batch(struct crowd *c)
{
	for (uint64_t i = 0; i < c->tasks; i++) {
		struct task *t = malloc(sizeof *t);

		if (!t) {
			c->status = -ENOMEM;
			return false;
		}
		take_next(c, t);
		c->cert.units++;
		ex_post(ex_loop_of(c->b), &t->work, begin);
	}
	return true;
}

static void end(ex_work *work)
{
	struct task *t = EX_CONTAINER(work, struct task, work);
	struct crowd *c = t->crowd;

	c->cert.checksum += alloc_end(&c->work, t->block, t->id);
	c->cert.ops++;
	c->live--;
	if (!c->reuses) {
		free(t);
	} else if (c->begun < c->b->ops) {
		take_next(c, t);
		begin(work);
	}
	if (c->live > 0)
		return;
	if (c->reuses || c->status < 0 || c->cert.ops == c->b->ops)
		finish(c);
	else if (!next_batch(c) && c->live == 0)
		finish(c);
}

static void begin(ex_work *work)
{
	struct task *t = EX_CONTAINER(work, struct task, work);
	struct crowd *c = t->crowd;

	t->block = alloc_begin(&c->work, t->id);
	c->missing += t->block.is_missing;
	ex_post(ex_loop_of(c->b), &t->work, end);
}

static int run_alloc(struct bench *b)
{
	struct crowd *c = calloc(1, sizeof *c);

	if (!c)
		return bench_fail(b, -ENOMEM, "out of memory");
	c->b = b;
	c->work = alloc_work(b);
	c->tasks = (uint64_t)bench_param(b, "tasks");
	c->reuses = bench_param(b, "reuse") == ALLOC_REUSE_YES;
	if (c->reuses) {
		c->old = calloc(c->tasks, sizeof c->old[0]);
		if (!c->old) {
			free(c);
			return bench_fail(b, -ENOMEM, "out of memory for the tasks' records");
		}
	}
	bench_begin(b);
	for (uint64_t i = 0; c->reuses && i < c->tasks; i++) {
		take_next(c, &c->old[i]);
		ex_post(ex_loop_of(b), &c->old[i].work, begin);
	}
	if (!c->reuses && !next_batch(c) && c->live == 0)
		finish(c);
	return 0;
}

const struct bench_body memory_alloc_evented = {.run = run_alloc};
