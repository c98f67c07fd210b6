/*
 * switch/grain in the callback style: a callback that works a grain and posts itself again.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/switch/grain/grain.h"

struct turns;

struct turn {
	ex_work work;
	struct turns *all;
	uint64_t left; /* grains still to work */
	uint64_t done;
	uint64_t value; /* of its chain */
};

struct turns {
	struct bench *b;
	uint64_t n, steps;
	uint64_t unfinished; /* tasks with grains left */
	struct turn turn[]; /* n */
};

static void finish(struct turns *all)
{
	struct bench *b = all->b;

	bench_end(b);
	b->cert = (struct bench_cert){.max_live = all->n};
	for (uint64_t i = 0; i < all->n; i++) {
		b->cert.ops += all->turn[i].done;
		b->cert.checksum += all->turn[i].value;
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
	t->value = grain_work(t->value, t->all->steps);
	t->left--;
	t->done++;
	ex_post(ex_loop_of(t->all->b), &t->work, turn_came);
}

static int run_grain(struct bench *b)
{
	uint64_t n = (uint64_t)bench_param(b, "tasks");
	struct turns *all = calloc(1, sizeof *all + n * sizeof all->turn[0]);

	if (!all)
		return bench_fail(b, -ENOMEM, "out of memory for %llu tasks", (unsigned long long)n);
	all->b = b;
	all->n = all->unfinished = n;
	all->steps = (uint64_t)bench_param(b, "steps");
	bench_begin(b);
	for (uint64_t i = 0; i < n; i++) {
		all->turn[i].all = all;
		all->turn[i].left = bench_share(b->ops, n, i);
		all->turn[i].value = grain_start(i);
		ex_post(ex_loop_of(b), &all->turn[i].work, turn_came);
	}
	return 0;
}

const struct bench_body switch_grain_evented = {.run = run_grain};
