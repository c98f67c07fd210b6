/*
 * timer/churn in the callback style: a record per task that is posted again after each batch.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/timer/churn/churn.h"

struct run;

struct entry {
	ex_timer timer;
	struct run *run;
	uint64_t ended; /* starts that were called off or have fired */
};

struct churner {
	ex_work work;
	struct run *run;
	struct entry *entries;
	uint64_t n;
	uint64_t x;
	uint64_t left;
};

struct run {
	struct bench *b;
	struct churn_plan plan;
	uint64_t earliest_ns; /* no timer may fire before */
	uint64_t early; /* timers that did */
	uint64_t active; /* tasks with operations left */
	uint64_t done;
	struct entry *entries; /* plan.pending */
	struct churner churners[]; /* plan.tasks */
};

static void fire(ex_timer *timer)
{
	struct entry *e = EX_CONTAINER(timer, struct entry, timer);

	e->run->early += bench_now_ns() < e->run->earliest_ns;
	e->ended++;
}

static void finish(struct run *r)
{
	struct bench *b = r->b;
	int status = 0;

	bench_end(b);
	b->cert = (struct bench_cert){.ops = r->done};
	for (uint64_t i = 0; i < r->plan.pending; i++) {
		struct entry *e = &r->entries[i];

		e->ended += ex_timer_stop(ex_loop_of(b), &e->timer);
		b->cert.messages += e->ended;
		b->cert.checksum += (i + 1) * e->ended;
	}
	if (r->early)
		status = bench_fail(b, -EPROTO, "%llu timers fired before their time", (unsigned long long)r->early);
	free(r->entries);
	free(r);
	bench_done(b, status);
}

static void put_off(struct churner *c)
{
	struct run *r = c->run;
	struct entry *e;

	c->x = churn_next(c->x);
	e = &c->entries[churn_pick(c->x, c->n)];
	if (r->plan.stops)
		e->ended += ex_timer_stop(ex_loop_of(r->b), &e->timer);
	e->ended += ex_timer_start(ex_loop_of(r->b), &e->timer, churn_distance_ns(&r->plan, c->x), fire);
	r->done++;
}

static void churn(ex_work *work)
{
	struct churner *c = EX_CONTAINER(work, struct churner, work);
	struct run *r = c->run;

	for (unsigned n = 0; n < CHURN_BATCH && c->left > 0; n++, c->left--)
		put_off(c);
	if (c->left > 0)
		ex_post(ex_loop_of(r->b), &c->work, churn);
	else if (--r->active == 0)
		finish(r);
}

static int run_churn(struct bench *b)
{
	const struct churn_plan plan = churn_plan_of(b);
	struct run *r = calloc(1, sizeof *r + plan.tasks * sizeof r->churners[0]);
	struct entry *entries = calloc(plan.pending, sizeof entries[0]);
	uint64_t first = 0;

	if (!r || !entries) {
		free(entries);
		free(r);
		return bench_fail(b, -ENOMEM, "out of memory for %llu timers", (unsigned long long)plan.pending);
	}
	r->b = b;
	r->plan = plan;
	r->entries = entries;
	r->active = plan.tasks;
	r->earliest_ns = bench_now_ns() + churn_least_ns(&plan);
	for (uint64_t i = 0; i < plan.pending; i++) {
		entries[i].run = r;
		ex_timer_start(ex_loop_of(b), &entries[i].timer, plan.distance_ns, fire);
	}
	for (uint64_t i = 0; i < plan.tasks; i++) {
		struct churner *c = &r->churners[i];

		c->run = r;
		c->entries = &entries[first];
		c->n = bench_share(plan.pending, plan.tasks, i);
		c->x = churn_first(&plan, i);
		c->left = bench_share(b->ops, plan.tasks, i);
		first += c->n;
	}
	bench_begin(b);
	for (uint64_t i = 0; i < plan.tasks; i++)
		ex_post(ex_loop_of(b), &r->churners[i].work, churn);
	return 0;
}

const struct bench_body timer_churn_evented = {.run = run_churn};
