/*
 * spawn/chain in the callback style: a task is a posted callback in a record of its own, which it frees at its end.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/spawn/chain/chain.h"

struct run {
	struct bench *b;
	uint64_t n;
	uint64_t missing; /* chains that have not ended */
	int status; /* -ENOMEM once a record could not be had, which ended a chain */
	struct chain_link *links; /* n */
};

struct task {
	ex_work work;
	struct run *run;
	struct chain_link *link;
};

static void finish(struct run *r)
{
	struct bench *b = r->b;
	struct bench_cert cert = {0};
	int status = r->status;

	bench_end(b);
	for (uint64_t i = 0; i < r->n; i++)
		chain_count(&cert, &r->links[i], i);
	b->cert = cert;
	free(r->links);
	free(r);
	if (status < 0)
		bench_fail(b, status, "out of memory for a task's record after %llu tasks",
			   (unsigned long long)cert.ops);
	bench_done(b, status);
}

static void end_chain(struct run *r)
{
	if (--r->missing == 0)
		finish(r);
}

static void task_came(ex_work *work);

static void make_task(struct run *r, struct chain_link *link)
{
	struct task *t = malloc(sizeof *t);

	if (!t) {
		r->status = -ENOMEM;
		end_chain(r);
		return;
	}
	*t = (struct task){.run = r, .link = link};
	ex_post(ex_loop_of(r->b), &t->work, task_came);
}

static void task_came(ex_work *work)
{
	struct task *t = EX_CONTAINER(work, struct task, work);

	if (chain_step(t->link))
		make_task(t->run, t->link);
	else
		end_chain(t->run);
	free(t);
}

static int run_chain(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "chains");
	struct run *r = malloc(sizeof *r);
	struct chain_link *links = aligned_alloc(_Alignof(struct chain_link), n * sizeof *links);

	if (!r || !links) {
		free(links);
		free(r);
		return bench_fail(b, -ENOMEM, "out of memory for %llu chains", (unsigned long long)n);
	}
	*r = (struct run){.b = b, .n = n, .missing = n + 1, .links = links};
	for (uint64_t i = 0; i < n; i++)
		links[i] = (struct chain_link){.left = b->ops / n};
	bench_begin(b);
	for (uint64_t i = 0; i < n; i++) {
		if (links[i].left > 0)
			make_task(r, &links[i]);
		else
			end_chain(r);
	}
	end_chain(r); /* who begins the chains holds the run until all have begun */
	return 0;
}

const struct bench_body spawn_chain_evented = {.run = run_chain};
