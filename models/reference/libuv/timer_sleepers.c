/*
 * timer/sleepers on libuv: a record with a timer that its callback starts again, in whole milliseconds, rounded up (lv.h).
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/timer/sleepers/sleepers.h"

struct run;

struct sleeper {
	uv_timer_t timer;
	struct run *run;
	uint64_t began_ns;
	uint64_t done;
	bool slept;
};

struct run {
	struct bench *b;
	struct sleepers_plan plan;
	uint64_t asleep; /* tasks with sleeps left */
	uint64_t handles; /* that exist */
	int status;
	struct sleeper sleepers[]; /* plan.tasks */
};

static void closed(uv_handle_t *h)
{
	struct run *r = LV_CONTAINER(h, struct sleeper, timer)->run;
	struct bench *b = r->b;
	int status = r->status;

	if (--r->handles > 0)
		return;
	free(r);
	bench_done(b, status);
}

static void finish(struct run *r)
{
	struct bench *b = r->b;
	uint64_t early = 0;

	bench_end(b);
	b->cert = (struct bench_cert){.max_live = r->plan.tasks};
	for (uint64_t i = 0; i < r->plan.tasks; i++) {
		b->cert.ops += r->sleepers[i].done;
		b->cert.checksum += (i + 1) * r->sleepers[i].done;
		early += !r->sleepers[i].slept;
		uv_close((uv_handle_t *)&r->sleepers[i].timer, closed);
	}
	if (early)
		r->status =
			bench_fail(b, -EPROTO, "%llu tasks were woken before their time", (unsigned long long)early);
}

static void woke(uv_timer_t *timer);

static void sleep_once(struct sleeper *s)
{
	uv_timer_start(&s->timer, woke, lv_timeout_ms(s->timer.loop, s->run->plan.sleep_ns), 0);
}

static void woke(uv_timer_t *timer)
{
	struct sleeper *s = LV_CONTAINER(timer, struct sleeper, timer);
	struct run *r = s->run;

	if (++s->done < r->plan.rounds) {
		sleep_once(s);
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
	r->asleep = r->handles = plan.tasks;
	for (uint64_t i = 0; i < plan.tasks; i++) {
		r->sleepers[i].run = r;
		uv_timer_init(&ex_loop_of(b)->uv, &r->sleepers[i].timer);
	}
	bench_begin(b);
	for (uint64_t i = 0; i < plan.tasks; i++) {
		r->sleepers[i].began_ns = bench_now_ns();
		sleep_once(&r->sleepers[i]);
	}
	return 0;
}

const struct bench_body timer_sleepers_evented = {.run = run_sleepers, .estimate_ns = sleepers_least_ns};
