/*
 * timer/churn on libuv: timers that are moved by uv_timer_start, and a record per task that is posted again after each batch.
 *
 * libuv counts from the time that the loop has noted at the beginning of the turn. A batch asks once how far that is
 * behind, and each of its timers gets that and a millisecond more, so that none is early: a clock reading per batch, which
 * is libuv's advantage over those who read it at each start.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/timer/churn/churn.h"

enum { NS_PER_MS = 1000000 };

struct run;

struct entry {
	uv_timer_t timer;
	struct run *run;
	uint64_t ended; /* starts that were called off or have fired */
	/* of the check: when it was reset, how often it has fired since, and how often not before its time */
	uint64_t reset_ns, fired, in_time;
};

struct churner {
	struct lv_work work;
	struct run *run;
	struct entry *entries;
	uint64_t n;
	uint64_t x;
	uint64_t left;
};

struct run {
	struct bench *b;
	struct churn_plan plan;
	uint64_t behind_ms; /* the loop's clock, in this batch, and one more */
	uint64_t earliest_ns; /* no timer may fire before */
	uint64_t early; /* timers that did */
	uint64_t active; /* tasks with operations left */
	uint64_t done;
	uint64_t n_checked, awaited; /* timers that are checked, and calls of theirs that are to come */
	uint64_t handles; /* that exist */
	int status;
	uv_timer_t patience; /* ends the check if they do not */
	struct entry *entries; /* plan.pending */
	struct churner churners[]; /* plan.tasks */
};

static struct run *run_of(const uv_timer_t *timer)
{
	return timer->data;
}

static void look_at_clock(struct run *r)
{
	r->behind_ms = lv_timeout_ms(r->patience.loop, 1) + 1;
}

/* Start a timer, or move it. True: it was pending. */
static bool start(struct run *r, uv_timer_t *timer, uint64_t ns, uv_timer_cb fn)
{
	bool was_pending = uv_is_active((uv_handle_t *)timer);

	uv_timer_start(timer, fn, r->behind_ms + (ns + NS_PER_MS - 1) / NS_PER_MS, 0);
	return was_pending;
}

static bool stop(uv_timer_t *timer)
{
	bool was_pending = uv_is_active((uv_handle_t *)timer);

	uv_timer_stop(timer);
	return was_pending;
}

static void fire(uv_timer_t *timer)
{
	struct entry *e = LV_CONTAINER(timer, struct entry, timer);

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

static void closed(uv_handle_t *h)
{
	struct run *r = run_of((uv_timer_t *)h);
	struct bench *b = r->b;
	int status = r->status;

	if (--r->handles > 0)
		return;
	free(r->entries);
	free(r);
	bench_done(b, status);
}

static void leave(struct run *r)
{
	struct bench *b = r->b;
	uint64_t unmoved = count_unmoved(r);

	if (r->early)
		r->status = bench_fail(b, -EPROTO, "%llu timers fired before their time", (unsigned long long)r->early);
	else if (unmoved)
		r->status = bench_fail(b, -EPROTO, "%llu timers were reset and did not fire once and when they should",
				       (unsigned long long)unmoved);
	for (uint64_t i = 0; i < r->plan.pending; i++)
		uv_close((uv_handle_t *)&r->entries[i].timer, closed);
	uv_close((uv_handle_t *)&r->patience, closed);
}

static void lose_patience(uv_timer_t *timer)
{
	leave(run_of(timer));
}

static void fire_checked(uv_timer_t *timer)
{
	struct entry *e = LV_CONTAINER(timer, struct entry, timer);

	e->fired++;
	e->in_time += bench_now_ns() >= e->reset_ns + CHURN_LONG_NS;
	if (--e->run->awaited == 0)
		leave(e->run);
}

/* Reset timers that are pending, and wait for them. A reset that does not say that it moved one counts as a call too many. */
static void check_resets(struct run *r)
{
	r->n_checked = r->awaited = r->plan.pending < CHURN_CHECKED ? r->plan.pending : CHURN_CHECKED;
	for (uint64_t i = 0; i < r->n_checked; i++) {
		struct entry *e = &r->entries[i];

		look_at_clock(r);
		start(r, &e->timer, CHURN_SHORT_NS, fire_checked);
		e->reset_ns = bench_now_ns();
		look_at_clock(r);
		e->fired += !start(r, &e->timer, CHURN_LONG_NS, fire_checked);
	}
	start(r, &r->patience, UINT64_C(10000000000), lose_patience);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = (struct bench_cert){.ops = r->done};
	for (uint64_t i = 0; i < r->plan.pending; i++) {
		struct entry *e = &r->entries[i];

		e->ended += stop(&e->timer);
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
		e->ended += stop(&e->timer);
	e->ended += start(r, &e->timer, churn_distance_ns(&r->plan, c->x), fire);
	r->done++;
}

static void churn(struct lv_work *work)
{
	struct churner *c = LV_CONTAINER(work, struct churner, work);
	struct run *r = c->run;

	look_at_clock(r);
	for (unsigned n = 0; n < CHURN_BATCH && c->left > 0; n++, c->left--)
		put_off(c);
	if (c->left > 0)
		lv_post(ex_loop_of(r->b), &c->work, churn);
	else if (--r->active == 0)
		finish(r);
}

static void start_all(struct run *r)
{
	uv_loop_t *loop = &ex_loop_of(r->b)->uv;

	uv_timer_init(loop, &r->patience);
	r->patience.data = r;
	r->handles = r->plan.pending + 1;
	r->earliest_ns = bench_now_ns() + churn_least_ns(&r->plan);
	look_at_clock(r);
	for (uint64_t i = 0; i < r->plan.pending; i++) {
		struct entry *e = &r->entries[i];

		e->run = r;
		uv_timer_init(loop, &e->timer);
		e->timer.data = r;
		start(r, &e->timer, r->plan.distance_ns, fire);
	}
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
	start_all(r);
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
		lv_post(ex_loop_of(b), &r->churners[i].work, churn);
	return 0;
}

const struct bench_body timer_churn_evented = {.run = run_churn};
