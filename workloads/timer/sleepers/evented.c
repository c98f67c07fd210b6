/*
 * timer/sleepers in the callback style: a record with a timer that its callback starts again.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/timer/sleepers/sleepers.h"

struct run;

struct sleeper {
	ex_timer timer;
	struct run *run;
	uint64_t began_ns;
	uint64_t done;
	bool slept;
};

struct run {
	struct bench *b;
	struct sleepers_plan plan;
	uint64_t asleep; /* tasks with sleeps left */
	struct sleeper sleepers[]; /* plan.tasks */
};

static void finish(struct run *r)
{
	struct bench *b = r->b;
	uint64_t early = 0;
	int status = 0;

	bench_end(b);
	b->cert = (struct bench_cert){.max_live = r->plan.tasks};
	for (uint64_t i = 0; i < r->plan.tasks; i++) {
		b->cert.ops += r->sleepers[i].done;
		b->cert.checksum += (i + 1) * r->sleepers[i].done;
		early += !r->sleepers[i].slept;
	}
	if (early)
		status = bench_fail(b, -EPROTO, "%llu tasks were woken before their time", (unsigned long long)early);
	free(r);
	bench_done(b, status);
}

static void woke(ex_timer *timer)
{
	struct sleeper *s = EX_CONTAINER(timer, struct sleeper, timer);
	struct run *r = s->run;

	if (++s->done < r->plan.rounds) {
		ex_timer_start(ex_loop_of(r->b), &s->timer, r->plan.sleep_ns, woke);
		return;
	}
	s->slept = sleepers_slept(&r->plan, s->began_ns, bench_now_ns());
	if (--r->asleep == 0)
		finish(r);
}

static int run_sleepers(struct bench *b)
{
	const struct sleepers_plan plan = sleepers_plan_of(b);
	struct run *r = calloc(1, sizeof *r + plan.tasks * sizeof r->sleepers[0]);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for %llu tasks", (unsigned long long)plan.tasks);
	r->b = b;
	r->plan = plan;
	r->asleep = plan.tasks;
	for (uint64_t i = 0; i < plan.tasks; i++)
		r->sleepers[i].run = r;
	bench_begin(b);
	for (uint64_t i = 0; i < plan.tasks; i++) {
		struct sleeper *s = &r->sleepers[i];

		s->began_ns = bench_now_ns();
		ex_timer_start(ex_loop_of(b), &s->timer, plan.sleep_ns, woke);
	}
	return 0;
}

const struct bench_body timer_sleepers_evented = {.run = run_sleepers, .estimate_ns = sleepers_least_ns};
