/*
 * memory/afterexit in the callback style: a record per task, in a list until it is released and freed.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/memory/afterexit/afterexit.h"

struct crowd;

struct task {
	ex_work work;
	struct task *next; /* in the list of the parked */
	struct crowd *crowd;
	unsigned char block[]; /* crowd->touch_bytes */
};

struct crowd {
	struct bench *b;
	ex_timer settled;
	uint64_t tasks;
	size_t touch_bytes;
	struct task *parked;
	uint64_t created, arrived, left;
	uint64_t sum; /* of what the released read back */
	int status; /* -ENOMEM: fewer than `tasks` were created, and those are let go unmeasured */
};

static void finish(struct crowd *crowd)
{
	struct bench *b = crowd->b;
	int status = crowd->status;

	b->cert = (struct bench_cert){
		.ops = crowd->left, .units = crowd->created, .max_live = crowd->arrived, .checksum = crowd->sum};
	if (status < 0)
		bench_fail(b, status, "cannot hold %llu tasks: out of memory after %llu",
			   (unsigned long long)crowd->tasks, (unsigned long long)crowd->created);
	free(crowd);
	bench_done(b, status);
}

static void measure(ex_timer *timer)
{
	struct crowd *crowd = EX_CONTAINER(timer, struct crowd, settled);

	bench_snapshot(crowd->b, "live", crowd->left);
	finish(crowd);
}

static void all_have_ended(struct crowd *crowd)
{
	if (crowd->status < 0)
		finish(crowd);
	else
		ex_timer_start(ex_loop_of(crowd->b), &crowd->settled, afterexit_settle_ns(crowd->b), measure);
}

static void go_on(ex_work *work)
{
	struct task *t = EX_CONTAINER(work, struct task, work);
	struct crowd *crowd = t->crowd;

	crowd->sum += touch_sum(t->block, crowd->touch_bytes);
	crowd->left++;
	free(t);
	if (crowd->left == crowd->created)
		all_have_ended(crowd);
}

static void release_all(struct crowd *crowd)
{
	while (crowd->parked) {
		struct task *t = crowd->parked;

		crowd->parked = t->next;
		ex_post(ex_loop_of(crowd->b), &t->work, go_on);
	}
}

static void arrive(ex_work *work)
{
	struct task *t = EX_CONTAINER(work, struct task, work);
	struct crowd *crowd = t->crowd;

	touch(t->block, crowd->touch_bytes, crowd->arrived++);
	t->next = crowd->parked;
	crowd->parked = t;
	if (crowd->arrived < crowd->created)
		return;
	if (crowd->status < 0)
		bench_snapshot(crowd->b, "limit", crowd->arrived);
	release_all(crowd);
}

static int run_afterexit(struct bench *b)
{
	struct crowd *crowd = calloc(1, sizeof *crowd);

	if (!crowd)
		return bench_fail(b, -ENOMEM, "out of memory for the tasks' list");
	crowd->b = b;
	crowd->tasks = (uint64_t)bench_param(b, "tasks");
	crowd->touch_bytes = (size_t)bench_param(b, "touch_kib") * 1024;
	bench_snapshot(b, "base", 0);
	for (; crowd->created < crowd->tasks; crowd->created++) {
		struct task *t = malloc(sizeof *t + crowd->touch_bytes);

		if (!t) {
			crowd->status = -ENOMEM;
			break;
		}
		t->crowd = crowd;
		ex_post(ex_loop_of(b), &t->work, arrive);
	}
	if (crowd->created == 0)
		finish(crowd);
	return 0;
}

const struct bench_body memory_afterexit_evented = {.run = run_afterexit};
