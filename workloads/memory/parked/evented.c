/*
 * memory/parked in the callback style: a record per task, in a list until it is released.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/memory/parked/parked.h"

struct lot;

struct task {
	ex_work work;
	struct task *next; /* in the list of the parked */
	struct lot *lot;
	unsigned char block[]; /* lot->touch_bytes; with PARKED_LIBC_BELOW the text behind them */
};

struct lot {
	struct bench *b;
	uint64_t tasks;
	size_t touch_bytes;
	enum parked_libc libc;
	struct task *parked;
	uint64_t created, arrived, left;
	uint64_t sum; /* of what they read back */
	int status; /* -ENOMEM: fewer than `tasks` were created, and those are let go unmeasured */
};

/* What a handler keeps over its wait: here there is no frame for it. */
static char *text_of(struct task *t)
{
	return (char *)t->block + t->lot->touch_bytes;
}

static void finish(struct lot *lot)
{
	struct bench *b = lot->b;
	int status = lot->status;

	b->cert = (struct bench_cert){
		.ops = lot->left, .units = lot->created, .max_live = lot->arrived, .checksum = lot->sum};
	if (status < 0)
		bench_fail(b, status, "cannot hold %llu tasks: out of memory after %llu",
			   (unsigned long long)lot->tasks, (unsigned long long)lot->created);
	free(lot);
	bench_done(b, status);
}

static void go_on(ex_work *work)
{
	struct task *t = EX_CONTAINER(work, struct task, work);
	struct lot *lot = t->lot;

	lot->sum += touch_sum(t->block, lot->touch_bytes);
	if (lot->libc == PARKED_LIBC_BELOW)
		lot->sum += parked_read(text_of(t));
	lot->left++;
	free(t);
	if (lot->left == lot->created)
		finish(lot);
}

static void release_all(struct lot *lot)
{
	while (lot->parked) {
		struct task *t = lot->parked;

		lot->parked = t->next;
		ex_post(ex_loop_of(lot->b), &t->work, go_on);
	}
}

static void arrive(ex_work *work)
{
	struct task *t = EX_CONTAINER(work, struct task, work);
	struct lot *lot = t->lot;

	if (lot->libc == PARKED_LIBC_YES)
		lot->sum += parked_use_libc(lot->arrived);
	else if (lot->libc == PARKED_LIBC_BELOW)
		parked_write(text_of(t), lot->arrived);
	touch(t->block, lot->touch_bytes, lot->arrived++);
	t->next = lot->parked;
	lot->parked = t;
	if (lot->arrived < lot->created)
		return;
	if (lot->status == 0)
		bench_snapshot(lot->b, "live", lot->arrived);
	else
		bench_snapshot(lot->b, "limit", lot->arrived);
	release_all(lot);
}

static int run_parked(struct bench *b)
{
	struct lot *lot = calloc(1, sizeof *lot);
	size_t bytes;

	if (!lot)
		return bench_fail(b, -ENOMEM, "out of memory for the tasks' list");
	lot->b = b;
	lot->tasks = (uint64_t)bench_param(b, "tasks");
	lot->touch_bytes = (size_t)bench_param(b, "touch_kib") * 1024;
	lot->libc = (enum parked_libc)bench_param(b, "libc");
	bytes = sizeof(struct task) + lot->touch_bytes + (lot->libc == PARKED_LIBC_BELOW ? PARKED_TEXT : 0);
	bench_snapshot(b, "base", 0);
	for (; lot->created < lot->tasks; lot->created++) {
		struct task *t = malloc(bytes);

		if (!t) {
			lot->status = -ENOMEM;
			break;
		}
		t->lot = lot;
		ex_post(ex_loop_of(b), &t->work, arrive);
	}
	if (lot->created == 0)
		finish(lot);
	return 0;
}

const struct bench_body memory_parked_evented = {.run = run_parked};
