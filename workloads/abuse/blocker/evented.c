/*
 * abuse/blocker in the callback style: a timer per polite task, and callbacks that block the loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/abuse/blocker/blocker.h"

struct run;

struct member {
	ex_timer timer;
	struct run *run;
	struct polite polite; /* a blocker has none */
};

struct run {
	struct bench *b;
	struct polite_plan plan;
	uint64_t begun_ns, block_ns;
	uint64_t n, blockers; /* members, and how many of them, the first, block */
	uint64_t active; /* members that have something left to do */
	uint64_t blocks;
	struct member members[];
};

static void finish(struct run *r)
{
	struct bench *b = r->b;
	struct polite_total total = {0};
	struct jain jain = {0};
	int status;

	bench_end(b);
	for (uint64_t i = r->blockers; i < r->n; i++) {
		polite_add(&total, &r->members[i].polite);
		jain_add(&jain, r->members[i].polite.in_time);
	}
	status = blocker_report(b, &total, &jain, r->blocks);
	free(r);
	bench_done(b, status);
}

static void leave(struct run *r)
{
	if (--r->active == 0)
		finish(r);
}

static void block(ex_timer *timer)
{
	struct member *m = EX_CONTAINER(timer, struct member, timer);
	struct run *r = m->run;

	blocker_block(r->block_ns);
	r->blocks++;
	if (bench_now_ns() < r->begun_ns + polite_span_ns(&r->plan))
		ex_timer_start(ex_loop_of(r->b), timer, 0, block);
	else
		leave(r);
}

static void came(ex_timer *timer);

static void wait_for_next(struct member *m)
{
	struct run *r = m->run;

	ex_timer_start(ex_loop_of(r->b), &m->timer, polite_wait_ns(&r->plan, &m->polite, r->begun_ns), came);
}

/* The next event is due, and perhaps more of them. */
static void came(ex_timer *timer)
{
	struct member *m = EX_CONTAINER(timer, struct member, timer);
	struct run *r = m->run;

	do {
		polite_take(r->b, &r->plan, &m->polite, r->begun_ns);
		if (polite_is_done(&r->plan, &m->polite)) {
			leave(r);
			return;
		}
	} while (polite_wait_ns(&r->plan, &m->polite, r->begun_ns) == 0);
	wait_for_next(m);
}

static int run_blocker(struct bench *b)
{
	const struct polite_plan plan = polite_plan_of(b);
	uint64_t blockers = (uint64_t)bench_param(b, "blockers"), n = blockers + plan.tasks;
	struct run *r = calloc(1, sizeof *r + n * sizeof r->members[0]);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %d tasks", (int)n);
	r->b = b;
	r->plan = plan;
	r->block_ns = (uint64_t)bench_param(b, "block_us") * 1000;
	r->n = r->active = n;
	r->blockers = blockers;
	for (uint64_t i = 0; i < n; i++) {
		r->members[i].run = r;
		r->members[i].polite.index = i - blockers;
	}
	bench_begin(b);
	r->begun_ns = bench_now_ns();
	for (uint64_t i = 0; i < n; i++)
		if (i < blockers)
			ex_timer_start(ex_loop_of(b), &r->members[i].timer, 0, block);
		else
			wait_for_next(&r->members[i]);
	return 0;
}

const struct bench_body abuse_blocker_evented = {.run = run_blocker};
