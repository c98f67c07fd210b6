/*
 * timer/churn in the blocking style: tasks that start and stop timers of their own.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"
#include "workloads/timer/churn/churn.h"

struct run;

struct entry {
	dx_timer timer;
	struct run *run; /* immutable */
	uint64_t starts, called_off; /* the task's until it is joined */
	_Atomic uint64_t fired; /* by the timer's function, as the next */
	_Atomic uint64_t fired_ns; /* when it did last */
	uint64_t reset_ns; /* the root's: of the check, when it was reset while it was pending; 0: it was not */
};

struct churner {
	dx_task task;
	struct run *run; /* immutable, as all to the next line */
	struct entry *entries;
	uint64_t n, first;
	uint64_t x; /* that it begins with */
	/* ---- root's until the gate opens, then the task's until it is joined */
	uint64_t left, done;
};

struct run {
	struct churn_plan plan;
	uint64_t earliest_ns; /* no timer may fire before; immutable while one is pending */
	struct gate gate;
	_Atomic uint64_t early; /* timers that did */
	struct entry *entries; /* plan.pending */
	struct churner *churners; /* plan.tasks */
	uint64_t n_timers; /* that exist */
};

static void fire(void *arg)
{
	struct entry *e = arg;
	const uint64_t now_ns = bench_now_ns();

	if (now_ns < e->run->earliest_ns)
		atomic_fetch_add_explicit(&e->run->early, 1, memory_order_relaxed);
	atomic_store_explicit(&e->fired_ns, now_ns, memory_order_relaxed);
	/* Release: the root frees the entry when it has seen this. */
	atomic_fetch_add_explicit(&e->fired, 1, memory_order_release);
}

static void start(struct entry *e, uint64_t ns)
{
	e->called_off += dx_timer_start(&e->timer, ns);
	e->starts++;
}

static void put_off(const struct churner *c, uint64_t x)
{
	const struct churn_plan *p = &c->run->plan;
	struct entry *e = &c->entries[churn_pick(x, c->n)];

	if (p->stops)
		e->called_off += dx_timer_stop(&e->timer);
	start(e, churn_distance_ns(p, x));
}

/* What it counts is in locals: the records of tasks lie side by side. */
static void churn(void *arg)
{
	struct churner *c = arg;
	uint64_t x = c->x, done = 0, left;

	for (uint64_t i = 0; i < c->n; i++)
		start(&c->entries[i], c->run->plan.distance_ns);
	gate_pass(&c->run->gate);
	for (left = c->left; left > 0; left--) {
		x = churn_next(x);
		put_off(c, x);
		if (++done % CHURN_BATCH == 0)
			dx_yield();
	}
	c->done = done;
}

/* Starts of a timer that have neither been called off nor fired. */
static int64_t open_starts(const struct entry *e)
{
	return (int64_t)(e->starts - e->called_off - atomic_load_explicit(&e->fired, memory_order_acquire));
}

/* Wait until all has come to an end: 0, or how many starts have not. */
static int64_t settle(const struct run *r)
{
	int64_t open = 0;

	for (int tries = 0; tries < 10000; tries++) {
		open = 0;
		for (uint64_t i = 0; i < r->n_timers; i++)
			open += open_starts(&r->entries[i]);
		if (open <= 0)
			break;
		dx_sleep_ns(1000000);
	}
	return open;
}

/* All tasks are joined: stop what is pending, and wait for the functions of those timers that had fired before. */
static int64_t stop_all(struct run *r)
{
	for (uint64_t i = 0; i < r->n_timers; i++)
		r->entries[i].called_off += dx_timer_stop(&r->entries[i].timer);
	return settle(r);
}

/*
 * All is settled and certified: how many timers, reset while they are pending, do not fire once and at the later time. One
 * that has fired before its reset, because something else held the CPU, is a timer that was started twice: nothing is said.
 */
static uint64_t count_unmoved(struct run *r)
{
	const uint64_t n = r->n_timers < CHURN_CHECKED ? r->n_timers : CHURN_CHECKED;
	uint64_t unmoved = 0;

	r->earliest_ns = 0;
	for (uint64_t i = 0; i < n; i++) {
		struct entry *e = &r->entries[i];
		uint64_t called_off, now_ns;

		start(e, CHURN_SHORT_NS);
		called_off = e->called_off;
		now_ns = bench_now_ns();
		start(e, CHURN_LONG_NS);
		e->reset_ns = e->called_off > called_off ? now_ns : 0;
	}
	settle(r);
	for (uint64_t i = 0; i < n; i++) {
		const struct entry *e = &r->entries[i];

		unmoved +=
			open_starts(e) != 0 || (e->reset_ns && atomic_load(&e->fired_ns) < e->reset_ns + CHURN_LONG_NS);
	}
	return unmoved;
}

static struct bench_cert certificate(const struct run *r)
{
	struct bench_cert cert = {0};

	for (uint64_t i = 0; i < r->plan.tasks; i++)
		cert.ops += r->churners[i].done;
	for (uint64_t i = 0; i < r->plan.pending; i++) {
		const uint64_t ended = r->entries[i].called_off + atomic_load(&r->entries[i].fired);

		cert.messages += ended;
		cert.checksum += (i + 1) * ended;
	}
	return cert;
}

/* Create the tasks and wait until they stand at the gate; returns how many, fewer than planned with *status < 0. */
static uint64_t gather(struct run *r, uint64_t ops, int *status)
{
	uint64_t first = 0, i;

	*status = 0;
	for (i = 0; i < r->plan.tasks; i++) {
		struct churner *c = &r->churners[i];

		*c = (struct churner){.run = r,
				      .entries = &r->entries[first],
				      .n = bench_share(r->plan.pending, r->plan.tasks, i),
				      .x = churn_first(&r->plan, i),
				      .left = bench_share(ops, r->plan.tasks, i)};
		first += c->n;
		*status = gate_spawn(&r->gate, &c->task, churn, c);
		if (*status < 0)
			break;
	}
	gate_gather(&r->gate);
	return i;
}

static int run_tasks(struct bench *b, struct run *r)
{
	int status;
	uint64_t live = gather(r, b->ops, &status), unmoved;
	int64_t open;

	for (uint64_t i = 0; status < 0 && i < live; i++)
		r->churners[i].left = 0;
	if (status == 0)
		bench_begin(b);
	gate_open(&r->gate);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&r->churners[i].task);
	if (status == 0)
		bench_end(b);
	open = stop_all(r);
	b->cert = certificate(r);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)r->plan.tasks, (unsigned long long)live, strerror(-status));
	if (open)
		return bench_fail(b, -EPROTO, "%lld timers have neither been called off nor fired", (long long)open);
	if (atomic_load(&r->early))
		return bench_fail(b, -EPROTO, "%llu timers fired before their time",
				  (unsigned long long)atomic_load(&r->early));
	unmoved = count_unmoved(r);
	if (unmoved)
		return bench_fail(b, -EPROTO, "%llu timers were reset and did not fire once and when they should",
				  (unsigned long long)unmoved);
	return 0;
}

static int make_timers(struct run *r)
{
	for (; r->n_timers < r->plan.pending; r->n_timers++) {
		struct entry *e = &r->entries[r->n_timers];
		int status;

		e->run = r;
		status = dx_timer_init(&e->timer, fire, e);
		if (status < 0)
			return status;
	}
	return 0;
}

static int run_churn(struct bench *b)
{
	struct run r = {.plan = churn_plan_of(b)};
	int status;

	r.earliest_ns = bench_now_ns() + churn_least_ns(&r.plan);
	r.entries = calloc(r.plan.pending, sizeof r.entries[0]);
	r.churners = calloc(r.plan.tasks, sizeof r.churners[0]);
	status = r.entries && r.churners ? gate_init(&r.gate) : -ENOMEM;
	if (status < 0)
		goto no_gate;
	status = make_timers(&r);
	if (status == 0)
		status = run_tasks(b, &r);
	else
		bench_fail(b, status, "the model refused the timer after %llu of %llu: %s",
			   (unsigned long long)r.n_timers, (unsigned long long)r.plan.pending, strerror(-status));
	while (r.n_timers > 0)
		dx_timer_destroy(&r.entries[--r.n_timers].timer);
	gate_destroy(&r.gate);
	free(r.churners);
	free(r.entries);
	return status;
no_gate:
	free(r.churners);
	free(r.entries);
	return bench_fail(b, status, "cannot prepare %llu timers: %s", (unsigned long long)r.plan.pending,
			  strerror(-status));
}

const struct bench_body timer_churn_direct = {.run = run_churn};
