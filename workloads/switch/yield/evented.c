/*
 * switch/yield in the callback style: a callback that posts itself again.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/switch/yield/yield.h"

struct turns;

struct turn {
	ex_work work;
	struct turns *all;
	uint64_t left; /* yields still to make */
	uint64_t done;
};

struct turns {
	struct bench *b;
	uint64_t n;
	uint64_t unfinished; /* tasks with yields left */
	struct turn turn[]; /* n */
};

static void finish(struct turns *all)
{
	struct bench *b = all->b;

	bench_end(b);
	b->cert = (struct bench_cert){.max_live = all->n};
	for (uint64_t i = 0; i < all->n; i++) {
		b->cert.ops += all->turn[i].done;
		b->cert.checksum += (i + 1) * all->turn[i].done;
	}
	free(all);
	bench_done(b, 0);
}

static void turn_came(ex_work *work)
{
	struct turn *t = EX_CONTAINER(work, struct turn, work);

	if (t->left == 0) {
		if (--t->all->unfinished == 0)
			finish(t->all);
		return;
	}
	t->left--;
	t->done++;
	ex_post(ex_loop_of(t->all->b), &t->work, turn_came);
}

static int run_yield(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "tasks");
	struct turns *all = calloc(1, sizeof *all + n * sizeof all->turn[0]);

	if (!all)
		return bench_fail(b, -ENOMEM, "out of memory for %llu tasks", (unsigned long long)n);
	all->b = b;
	all->n = all->unfinished = n;
	bench_begin(b);
	for (uint64_t i = 0; i < n; i++) {
		all->turn[i].all = all;
		all->turn[i].left = bench_share(b->ops, n, i);
		ex_post(ex_loop_of(b), &all->turn[i].work, turn_came);
	}
	return 0;
}

const struct bench_body switch_yield_evented = {.run = run_yield};
