/*
 * memory/alloc in the blocking style: batches of tasks, or tasks that stay.
 */
#include <errno.h>
#include <string.h>

#include "workloads/gate.h"
#include "workloads/memory/alloc/alloc.h"

/* Of one task. On cache lines of its own. */
struct job {
	struct crowd *crowd;
	uint64_t first; /* its number, or that of the first of those whose work it does */
	dx_task task;
	/* the task's until it is joined */
	uint64_t done, missing, sum;
} __attribute__((aligned(64)));

struct crowd {
	struct alloc_work work; /* immutable, as all to the next line */
	uint64_t tasks, ops;
	struct gate gate; /* reuse */
	bool is_off; /* reuse; set before the gate opens: a task was refused, and nobody begins */
	/* ---- */
	struct job *jobs; /* tasks of them */
};

static void do_one(struct job *j, uint64_t id)
{
	const struct alloc_work *w = &j->crowd->work;
	struct alloc_block block = alloc_begin(w, id);

	dx_yield();
	j->sum += alloc_end(w, block, id);
	j->missing += block.is_missing;
	j->done++;
}

static void new_task(void *arg)
{
	struct job *j = arg;

	do_one(j, j->first);
}

static void old_task(void *arg)
{
	struct job *j = arg;
	struct crowd *c = j->crowd;

	gate_pass(&c->gate);
	for (uint64_t id = j->first; !c->is_off && id < c->ops; id += c->tasks)
		do_one(j, id);
}

/* Await the first n tasks, and add to *cert what they did; how many had no block. */
static uint64_t join_all(struct crowd *c, uint64_t n, struct bench_cert *cert)
{
	uint64_t missing = 0;

	for (uint64_t i = 0; i < n; i++) {
		struct job *j = &c->jobs[i];

		dx_join(&j->task);
		cert->ops += j->done;
		cert->checksum += j->sum;
		missing += j->missing;
	}
	return missing;
}

static int refused(struct bench *b, uint64_t tasks, uint64_t created, int status)
{
	return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
			  (unsigned long long)tasks, (unsigned long long)created, strerror(-status));
}

/* ops is a multiple of tasks. */
static int run_new(struct bench *b, struct crowd *c, uint64_t *missing)
{
	struct bench_cert cert = {0};
	uint64_t n = 0;
	int status = 0;

	bench_begin(b);
	while (cert.ops < c->ops && status == 0) {
		for (n = 0; n < c->tasks; n++) {
			c->jobs[n] = (struct job){.crowd = c, .first = cert.units + n};
			status = dx_spawn(&c->jobs[n].task, new_task, &c->jobs[n]);
			if (status < 0)
				break;
		}
		cert.units += n;
		*missing += join_all(c, n, &cert);
	}
	bench_end(b);
	b->cert = cert;
	return status < 0 ? refused(b, c->tasks, n, status) : 0;
}

static int run_old(struct bench *b, struct crowd *c, uint64_t *missing)
{
	uint64_t n;
	int status = gate_init(&c->gate);

	if (status < 0)
		return bench_fail(b, status, "cannot make a gate: %s", strerror(-status));
	for (n = 0; n < c->tasks; n++) {
		c->jobs[n] = (struct job){.crowd = c, .first = n};
		status = gate_spawn(&c->gate, &c->jobs[n].task, old_task, &c->jobs[n]);
		if (status < 0)
			break;
	}
	gate_gather(&c->gate);
	c->is_off = status < 0;
	if (status == 0)
		bench_begin(b);
	gate_open(&c->gate);
	*missing = join_all(c, n, &b->cert);
	if (status == 0)
		bench_end(b);
	gate_destroy(&c->gate);
	return status < 0 ? refused(b, c->tasks, n, status) : 0;
}

static int run_alloc(struct bench *b)
{
	struct crowd c = {.work = alloc_work(b), .tasks = (uint64_t)bench_param(b, "tasks"), .ops = b->ops};
	uint64_t missing = 0;
	int status;

	c.jobs = aligned_alloc(64, c.tasks * sizeof c.jobs[0]);
	if (!c.jobs)
		return bench_fail(b, -ENOMEM, "out of memory for %llu tasks", (unsigned long long)c.tasks);
	status = bench_param(b, "reuse") == ALLOC_REUSE_NO ? run_new(b, &c, &missing) : run_old(b, &c, &missing);
	free(c.jobs);
	if (status == 0 && missing > 0)
		status = bench_fail(b, -ENOMEM, "out of memory for the blocks of %llu tasks",
				    (unsigned long long)missing);
	return status;
}

const struct bench_body memory_alloc_direct = {.run = run_alloc};
