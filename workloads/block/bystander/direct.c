/*
 * block/bystander in the blocking style: the root computes, and tasks wait. What they wait for comes from the clock, from
 * the device, from a task of their own, or from one more task, the ticker: waits_direct.h.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/block/bystander/bystander.h"
#include "workloads/block/bystander/waits_direct.h"
#include "workloads/gate.h"

static void be_a_waiter(void *arg)
{
	struct waiter *w = arg;
	const struct run *r = w->run;

	gate_pass(&w->run->gate);
	if (!r->is_cancelled)
		r->ways->wait(w);
}

static void go_round(struct run *r)
{
	bool is_last = false;

	for (uint64_t round = 1; !is_last; round++) {
		dx_sleep_ns(r->plan.wait_ns);
		is_last = is_over(r);
		if (is_last)
			atomic_store_explicit(&r->last, round, memory_order_relaxed);
		atomic_store_explicit(&r->round, round, memory_order_relaxed);
		r->ways->tick(r, round);
	}
}

static void tick(void *arg)
{
	struct run *r = arg;
	const struct ways *ways = r->ways;

	if (ways->ready)
		ways->ready(r);
	gate_pass(&r->gate);
	if (!r->is_cancelled)
		go_round(r);
	if (ways->end && (ways->ready || !r->is_cancelled))
		ways->end(r);
}

/* Nothing but arithmetic: it can be stopped anywhere. */
static DX_PREEMPTIBLE void compute(uint64_t units, uint64_t *value, uint64_t *done)
{
	uint64_t x = *value, n = 0;

	for (; n < units; n++)
		x = steps_work(x, BYSTANDER_UNIT);
	*value = x;
	*done = n;
}

/* Create the tasks and wait until they stand at the gate. How many waiters; *status < 0: not all. *ticks: the ticker too. */
static uint64_t gather(struct run *r, bool *ticks, int *status)
{
	uint64_t i;

	*status = r->ways->tick ? gate_spawn(&r->gate, &r->ticker, tick, r) : 0;
	*ticks = r->ways->tick && *status == 0;
	for (i = 0; i < r->plan.waiters && *status == 0; i++) {
		*status = gate_spawn(&r->gate, &r->waiters[i].task, be_a_waiter, &r->waiters[i]);
		if (*status < 0)
			break;
	}
	gate_gather(&r->gate);
	return i;
}

/* After the tasks have been joined. */
static int certify(struct bench *b, const struct run *r, uint64_t done, uint64_t value)
{
	uint64_t waits = 0;

	b->cert = (struct bench_cert){.ops = done, .max_live = r->plan.waiters + 1, .checksum = value};
	for (uint64_t i = 0; i < r->plan.waiters; i++) {
		const struct waiter *w = &r->waiters[i];

		if (w->status < 0)
			return bench_fail(b, w->status, "waiter %llu cannot wait again: %s", (unsigned long long)i,
					  strerror(-w->status));
		b->cert.messages += w->waits > 0 && w->right;
		waits += w->waits;
	}
	bystander_tell(b, waits);
	return 0;
}

/* All that is waited on has been made. */
static int run_tasks(struct bench *b, struct run *r)
{
	uint64_t value = BYSTANDER_START, done = 0, live;
	bool ticks;
	int status;

	live = gather(r, &ticks, &status);
	r->is_cancelled = status < 0;
	if (status == 0)
		bench_begin(b);
	gate_open(&r->gate);
	if (status == 0) {
		compute(b->ops, &value, &done);
		bench_end(b);
	}
	atomic_store_explicit(&r->over, 1, memory_order_relaxed);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&r->waiters[i].task);
	if (ticks)
		dx_join(&r->ticker);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)r->plan.waiters, (unsigned long long)live, strerror(-status));
	return certify(b, r, done, value);
}

static int run_waiters(struct bench *b, struct run *r)
{
	uint64_t made;
	int status = 0;

	for (made = 0; made < r->plan.waiters; made++) {
		struct waiter *w = &r->waiters[made];

		*w = (struct waiter){.run = r, .id = made, .right = true};
		status = r->ways->make ? r->ways->make(w) : 0;
		if (status < 0) {
			bench_fail(b, status, "cannot make what waiter %llu waits for: %s", (unsigned long long)made,
				   strerror(-status));
			break;
		}
	}
	if (status == 0)
		status = run_tasks(b, r);
	while (made-- > 0)
		if (r->ways->unmake)
			r->ways->unmake(&r->waiters[made]);
	return status;
}

static int run_bystander(struct bench *b)
{
	struct run r = {.plan = bystander_plan_of(b), .data = b->data, .last = UINT64_MAX};
	int status;

	r.ways = &bystander_ways[r.plan.kind];
	r.waiters = calloc(r.plan.waiters + 1, sizeof r.waiters[0]);
	status = r.waiters ? gate_init(&r.gate) : -ENOMEM;
	if (status < 0)
		goto no_gate;
	status = r.ways->open ? r.ways->open(&r) : 0;
	if (status < 0)
		goto not_open;
	status = run_waiters(b, &r);
	if (r.ways->close)
		r.ways->close(&r);
	gate_destroy(&r.gate);
	free(r.waiters);
	return status;
not_open:
	gate_destroy(&r.gate);
no_gate:
	free(r.waiters);
	return bench_fail(b, status, "cannot prepare %llu tasks: %s", (unsigned long long)r.plan.waiters,
			  strerror(-status));
}

const struct bench_body block_bystander_direct = {.run = run_bystander};
