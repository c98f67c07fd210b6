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
	/* of the check: when it was reset, how often it has fired since, and how often not before its time */
	uint64_t reset_ns, fired, in_time;
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
	uint64_t n_checked, awaited; /* timers that are checked, and calls of theirs that are to come */
	ex_timer patience; /* ends the check if they do not */
	struct entry *entries; /* plan.pending */
	struct churner churners[]; /* plan.tasks */
};

static void fire(ex_timer *timer)
{
	struct entry *e = EX_CONTAINER(timer, struct entry, timer);

	e->run->early += bench_now_ns() < e->run->earliest_ns;
	e->ended++;
}

static uint64_t count_unmoved(const struct run *r)
{
	uint64_t unmoved = 0;

	for (uint64_t i = 0; i < r->n_checked; i++)
		unmoved += r->entries[i].fired != 1 || r->entries[i].in_time != 1;
	return unmoved;
}

static void leave(struct run *r)
{
	struct bench *b = r->b;
	uint64_t unmoved = count_unmoved(r);
	int status = 0;

	for (uint64_t i = 0; i < r->n_checked; i++)
		ex_timer_stop(ex_loop_of(b), &r->entries[i].timer);
	ex_timer_stop(ex_loop_of(b), &r->patience);
	if (r->early)
		status = bench_fail(b, -EPROTO, "%llu timers fired before their time", (unsigned long long)r->early);
	else if (unmoved)
		status = bench_fail(b, -EPROTO, "%llu timers were reset and did not fire once and when they should",
				    (unsigned long long)unmoved);
	free(r->entries);
	free(r);
	bench_done(b, status);
}

static void lose_patience(ex_timer *timer)
{
	leave(EX_CONTAINER(timer, struct run, patience));
}

static void fire_checked(ex_timer *timer)
{
	struct entry *e = EX_CONTAINER(timer, struct entry, timer);

	e->fired++;
	e->in_time += bench_now_ns() >= e->reset_ns + CHURN_LONG_NS;
	if (--e->run->awaited == 0)
		leave(e->run);
}

/* Reset timers that are pending, and wait for them. A reset that does not say that it moved one counts as a call too many. */
static void check_resets(struct run *r)
{
	ex_loop *loop = ex_loop_of(r->b);

	r->n_checked = r->awaited = r->plan.pending < CHURN_CHECKED ? r->plan.pending : CHURN_CHECKED;
	for (uint64_t i = 0; i < r->n_checked; i++) {
		struct entry *e = &r->entries[i];

		ex_timer_start(loop, &e->timer, CHURN_SHORT_NS, fire_checked);
		e->reset_ns = bench_now_ns();
		e->fired += !ex_timer_start(loop, &e->timer, CHURN_LONG_NS, fire_checked);
	}
	ex_timer_start(loop, &r->patience, UINT64_C(10000000000), lose_patience);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = (struct bench_cert){.ops = r->done};
	for (uint64_t i = 0; i < r->plan.pending; i++) {
		struct entry *e = &r->entries[i];

		e->ended += ex_timer_stop(ex_loop_of(b), &e->timer);
		b->cert.messages += e->ended;
		b->cert.checksum += (i + 1) * e->ended;
	}
	check_resets(r);
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
