/*
 * spawn/skynet in the callback style: an inner task is a record that its children fill.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/spawn/skynet/skynet.h"

struct run {
	struct bench *b;
	int status; /* -ENOMEM once a record could not be had: its leaves are left out and the run fails */
	uint64_t leaves; /* of the whole tree */
};

struct frame;

/* A task that has been posted. */
struct task {
	ex_work work;
	struct frame *up;
	uint64_t first; /* number of its first leaf; how many they are, the frame says */
};

/* An inner task that waits for its children; freed when the last has delivered. The frame above the root has one. */
struct frame {
	struct run *run;
	struct frame *up; /* NULL: above the root */
	uint64_t leaves; /* of each child */
	unsigned missing; /* children that have not delivered */
	struct skynet_sum sum; /* of those that have */
	struct task kids[SKYNET_FANOUT];
};

static void task_came(ex_work *work);

static void finish(struct run *r, const struct skynet_sum *sum)
{
	struct bench *b = r->b;
	int status = r->status;

	bench_end(b);
	b->cert = (struct bench_cert){
		.ops = sum->tasks, .units = sum->tasks, .messages = sum->tasks, .checksum = sum->value};
	if (status < 0)
		bench_fail(b, status, "cannot hold the tasks of %llu leaves: out of memory for their records",
			   (unsigned long long)r->leaves);
	free(r);
	bench_done(b, status);
}

/* Hand a task's sum to the frame above it; as long as that completes a frame, go on upwards. */
static void deliver(struct frame *f, struct skynet_sum sum)
{
	struct run *r = f->run;

	while (f) {
		struct frame *up = f->up;

		f->sum.value += sum.value;
		f->sum.tasks += sum.tasks;
		if (--f->missing > 0)
			return;
		sum = f->sum;
		free(f);
		f = up;
		if (f)
			sum.tasks++; /* the inner task itself */
	}
	finish(r, &sum);
}

/* A frame under `up` with its first n children posted, or NULL. */
static struct frame *branch(struct run *r, struct frame *up, uint64_t first, uint64_t leaves, unsigned n)
{
	struct frame *f = malloc(sizeof *f);

	if (!f)
		return NULL;
	*f = (struct frame){.run = r, .up = up, .leaves = leaves, .missing = n};
	for (unsigned i = 0; i < n; i++) {
		f->kids[i].up = f;
		f->kids[i].first = first + i * leaves;
		ex_post(ex_loop_of(r->b), &f->kids[i].work, task_came);
	}
	return f;
}

static void task_came(ex_work *work)
{
	struct task *t = EX_CONTAINER(work, struct task, work);
	struct frame *up = t->up;

	if (up->leaves == 1) {
		deliver(up, (struct skynet_sum){.value = t->first, .tasks = 1});
		return;
	}
	if (!branch(up->run, up, t->first, up->leaves / SKYNET_FANOUT, SKYNET_FANOUT)) {
		up->run->status = -ENOMEM;
		deliver(up, (struct skynet_sum){.tasks = 1});
	}
}

static int run_skynet(struct bench *b)
{
	struct run *r = malloc(sizeof *r);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for the run's own record");
	*r = (struct run){.b = b, .leaves = skynet_leaves(b)};
	bench_begin(b);
	if (!branch(r, NULL, 0, r->leaves, 1)) {
		bench_end(b);
		free(r);
		return bench_fail(b, -ENOMEM, "out of memory for the first record");
	}
	return 0;
}

const struct bench_body spawn_skynet_evented = {.run = run_skynet};
