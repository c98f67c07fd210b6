/*
 * sync/semaphore in the callback style: a count of the permits that are left and a queue of those who wait for one.
 *
 * A task is a record. Its callback runs when it has a permit, does the first half of the work and posts the second, which
 * gives the permit to the first that waits, or back, and asks for the next.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/sync/semaphore/semaphore.h"

struct run;

struct worker {
	ex_work work;
	struct run *run;
	struct worker *next; /* in the queue */
	uint64_t word;
	uint64_t left; /* acquisitions still to be asked for */
};

struct run {
	struct bench *b;
	uint64_t hold, think;
	uint32_t permits, available;
	_Atomic uint32_t holders;
	struct worker *first, **last; /* those who wait, in the order in which they came */
	uint64_t active; /* tasks that have something left to do */
	struct bench_cert cert;
	struct worker workers[];
};

static void go_on(ex_work *work);

/* With a permit: the first half, and the others' turn. */
static void held(ex_work *work)
{
	struct worker *w = EX_CONTAINER(work, struct worker, work);
	struct run *r = w->run;

	r->cert.locks += semaphore_enter(&r->holders, r->permits);
	w->word = steps_work(w->word, r->hold / 2);
	ex_post(ex_loop_of(r->b), &w->work, go_on);
}

static void ask(struct worker *w)
{
	struct run *r = w->run;

	w->left--;
	if (r->available > 0) {
		r->available--;
		held(&w->work);
		return;
	}
	w->next = NULL;
	*r->last = w;
	r->last = &w->next;
}

static void give_back(struct run *r)
{
	struct worker *w = r->first;

	if (!w) {
		r->available++;
		return;
	}
	r->first = w->next;
	if (!r->first)
		r->last = &r->first;
	ex_post(ex_loop_of(r->b), &w->work, held);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	for (uint64_t i = 0; i < r->cert.max_live; i++)
		r->cert.checksum += r->workers[i].word;
	b->cert = r->cert;
	free(r);
	bench_done(b, 0);
}

/* The second half, and what is done without the permit. */
static void go_on(ex_work *work)
{
	struct worker *w = EX_CONTAINER(work, struct worker, work);
	struct run *r = w->run;

	w->word = steps_work(w->word, r->hold - r->hold / 2);
	semaphore_leave(&r->holders);
	give_back(r);
	r->cert.ops++;
	w->word = steps_work(w->word, r->think);
	if (w->left > 0)
		ask(w);
	else if (--r->active == 0)
		finish(r);
}

static int run_semaphore(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks");
	struct run *r = calloc(1, sizeof *r + tasks * sizeof r->workers[0]);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %d tasks", (int)tasks);
	r->b = b;
	r->hold = (uint64_t)bench_param(b, "hold");
	r->think = (uint64_t)bench_param(b, "think");
	r->available = r->permits = (uint32_t)bench_param(b, "permits");
	r->last = &r->first;
	r->cert.max_live = tasks;
	for (uint64_t i = 0; i < tasks; i++) {
		struct worker *w = &r->workers[i];

		w->run = r;
		w->word = semaphore_start(i);
		w->left = bench_share(b->ops, tasks, i);
		r->active += w->left > 0;
	}
	bench_begin(b);
	if (r->active == 0) {
		finish(r);
		return 0;
	}
	for (uint64_t i = 0; i < tasks; i++)
		if (r->workers[i].left > 0)
			ask(&r->workers[i]);
	return 0;
}

static const char *never_missing(const struct bench *b)
{
	return semaphore_yields(b) ? NULL : "single-threaded: a permit is never missing while a holder computes";
}

const struct bench_body sync_semaphore_evented = {.unsupported = never_missing, .run = run_semaphore};
