/*
 * block/call in the blocking style: a task per call that is under way.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/block/call/call.h"
#include "workloads/gate.h"

struct run;

struct caller {
	dx_task task;
	struct run *run; /* immutable, as the next */
	uint64_t id;
	/* root's until the gate opens, then the task's until it is joined */
	uint64_t left;
	uint64_t done, value;
	uint64_t failed; /* calls */
	bool slept;
};

struct run {
	struct call_plan plan; /* immutable while tasks run */
	struct gate gate;
	dx_wg working; /* tasks with calls left */
	dx_wg leave; /* 1 until the region has ended */
};

static void make_calls(struct caller *c)
{
	const struct call_plan *p = &c->run->plan;
	struct nap call = {.ns = p->call_ns};
	uint64_t x = c->id, done = 0, began_ns = bench_now_ns();

	for (uint64_t left = c->left; left > 0; left--) {
		x = steps_work(x, p->work);
		dx_call(nap, &call);
		done++;
	}
	c->slept = bench_now_ns() - began_ns >= done * call.ns;
	c->failed = call.failed;
	c->done = done;
	c->value = x;
}

static void be_a_caller(void *arg)
{
	struct caller *c = arg;
	struct run *r = c->run;

	gate_pass(&r->gate);
	make_calls(c);
	dx_wg_done(&r->working);
	dx_wg_wait(&r->leave);
}

/* Create the tasks and wait until they stand at the gate; returns how many, fewer than planned with *status < 0. */
static uint64_t gather(struct run *r, struct caller *callers, uint64_t ops, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < r->plan.in_flight; i++) {
		callers[i] = (struct caller){.run = r, .id = i, .left = bench_share(ops, r->plan.in_flight, i)};
		dx_wg_add(&r->working, 1);
		*status = gate_spawn(&r->gate, &callers[i].task, be_a_caller, &callers[i]);
		if (*status < 0) {
			dx_wg_done(&r->working);
			break;
		}
	}
	gate_gather(&r->gate);
	return i;
}

static int certify(struct bench *b, const struct caller *callers, uint64_t n)
{
	struct bench_cert cert = {.max_live = n};
	uint64_t early = 0, failed = 0;

	for (uint64_t i = 0; i < n; i++) {
		cert.ops += callers[i].done;
		cert.checksum += call_digest(i, callers[i].done, callers[i].value);
		early += !callers[i].slept;
		failed += callers[i].failed;
	}
	b->cert = cert;
	if (failed)
		return bench_fail(b, -EIO, "%llu calls failed", (unsigned long long)failed);
	if (early)
		return bench_fail(b, -EPROTO, "the calls of %llu tasks did not last as long as they had to",
				  (unsigned long long)early);
	return 0;
}

static int run_tasks(struct bench *b, struct run *r, struct caller *callers)
{
	const uint64_t settle_ns = call_settle_ns(b);
	struct call_threads threads;
	int status;
	uint64_t live = gather(r, callers, b->ops, &status);

	for (uint64_t i = 0; status < 0 && i < live; i++)
		callers[i].left = 0;
	threads.before = bench_threads();
	if (status == 0)
		bench_begin(b);
	gate_open(&r->gate);
	dx_wg_wait(&r->working);
	if (status == 0) {
		bench_end(b);
		threads.end = bench_threads();
		for (int i = 0; i < CALL_PARTS; i++) {
			if (settle_ns)
				dx_sleep_ns(settle_ns / CALL_PARTS);
			threads.settling[i] = bench_threads();
		}
		call_tell_threads(b, &threads);
	}
	dx_wg_done(&r->leave);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&callers[i].task);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)r->plan.in_flight, (unsigned long long)live, strerror(-status));
	return certify(b, callers, live);
}

/* With the wait groups made: all the rest. */
static int run_callers(struct bench *b, struct run *r)
{
	struct caller *callers = calloc(r->plan.in_flight, sizeof callers[0]);
	int status = callers ? gate_init(&r->gate) : -ENOMEM;

	if (status == 0) {
		dx_wg_add(&r->leave, 1);
		status = run_tasks(b, r, callers);
		gate_destroy(&r->gate);
	} else {
		bench_fail(b, status, "cannot prepare %llu tasks: %s", (unsigned long long)r->plan.in_flight,
			   strerror(-status));
	}
	free(callers);
	return status;
}

static int run_call(struct bench *b)
{
	struct run r = {.plan = call_plan_of(b)};
	int status = dx_wg_init(&r.working);

	if (status < 0)
		return bench_fail(b, status, "the model refused a wait group: %s", strerror(-status));
	status = dx_wg_init(&r.leave);
	if (status < 0) {
		bench_fail(b, status, "the model refused a wait group: %s", strerror(-status));
	} else {
		status = run_callers(b, &r);
		dx_wg_destroy(&r.leave);
	}
	dx_wg_destroy(&r.working);
	return status;
}

const struct bench_body block_call_direct = {.run = run_call};
