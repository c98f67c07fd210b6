/*
 * abuse/blocker in the callback style: a timer per polite task, and callbacks that block the loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/abuse/blocker/blocker.h"
#include "workloads/abuse/polite_evented.h"

struct run;

struct blocker {
	ex_timer timer;
	struct run *run;
};

struct run {
	struct polite_crowd crowd;
	uint64_t block_ns, blocks;
	uint64_t active; /* blockers and polite tasks that have something left to do */
	struct blocker *blockers;
	struct polite_timer tasks[];
};

static void finish(struct run *r)
{
	struct bench *b = r->crowd.b;
	struct polite_total total = {0};
	struct jain jain = {0};
	int status;

	bench_end(b);
	for (uint64_t i = 0; i < r->crowd.plan.tasks; i++) {
		polite_add(&total, &r->tasks[i].polite);
		jain_add(&jain, r->tasks[i].polite.in_time);
	}
	status = blocker_report(b, &total, &jain, r->blocks);
	free(r->blockers);
	free(r);
	bench_done(b, status);
}

static void leave(struct polite_crowd *crowd)
{
	struct run *r = EX_CONTAINER(crowd, struct run, crowd);

	if (--r->active == 0)
		finish(r);
}

static void block(ex_timer *timer)
{
	struct run *r = EX_CONTAINER(timer, struct blocker, timer)->run;

	blocker_block(r->block_ns);
	r->blocks++;
	if (bench_now_ns() < r->crowd.begun_ns + polite_span_ns(&r->crowd.plan))
		ex_timer_start(ex_loop_of(r->crowd.b), timer, 0, block);
	else
		leave(&r->crowd);
}

static int run_blocker(struct bench *b)
{
	const struct polite_plan plan = polite_plan_of(b);
	uint64_t n = (uint64_t)bench_param(b, "blockers");
	struct run *r = calloc(1, sizeof *r + plan.tasks * sizeof r->tasks[0]);
	struct blocker *blockers = calloc(n, sizeof blockers[0]);

	if (!r || !blockers) {
		free(blockers);
		free(r);
		return bench_fail(b, -ENOMEM, "out of memory for %d tasks", (int)(n + plan.tasks));
	}
	*r = (struct run){.crowd = {.b = b, .plan = plan, .done = leave},
			  .block_ns = (uint64_t)bench_param(b, "block_us") * 1000,
			  .active = n + plan.tasks,
			  .blockers = blockers};
	for (uint64_t i = 0; i < plan.tasks; i++)
		r->tasks[i] = (struct polite_timer){.crowd = &r->crowd, .polite = {.index = i}};
	bench_begin(b);
	r->crowd.begun_ns = bench_now_ns();
	for (uint64_t i = 0; i < n; i++) {
		blockers[i].run = r;
		ex_timer_start(ex_loop_of(b), &blockers[i].timer, 0, block);
	}
	for (uint64_t i = 0; i < plan.tasks; i++)
		polite_start(&r->tasks[i]);
	return 0;
}

const struct bench_body abuse_blocker_evented = {.run = run_blocker};
