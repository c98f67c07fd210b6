/*
 * timer/accuracy on libuv: a timer that its callback starts again. libuv counts whole milliseconds, and a sleep may not end early:
 * a time in between is rounded up (lv.h), which favours everybody else.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/timer/accuracy/accuracy.h"

struct run {
	struct bench *b;
	uv_timer_t timer;
	uint64_t sleep_ns;
	uint64_t due_ns; /* when the timer runs out */
	uint64_t left; /* sleeps to be started */
	uint64_t done;
	int status;
};

static void woke(uv_timer_t *timer);

static void closed(uv_handle_t *h)
{
	struct run *r = LV_CONTAINER(h, struct run, timer);
	struct bench *b = r->b;
	int status = r->status;

	free(r);
	bench_done(b, status);
}

static void finish(struct run *r, int64_t late_ns)
{
	struct bench *b = r->b;

	bench_end(b);
	b->cert = (struct bench_cert){.ops = r->done};
	if (late_ns < 0)
		r->status = bench_fail(b, -EPROTO, "a timer ran out %lld ns before its time", (long long)-late_ns);
	uv_close((uv_handle_t *)&r->timer, closed);
}

static void sleep_again(struct run *r)
{
	r->left--;
	r->due_ns = bench_now_ns() + r->sleep_ns;
	uv_timer_start(&r->timer, woke, lv_timeout_ms(r->timer.loop, r->sleep_ns), 0);
}

static void woke(uv_timer_t *timer)
{
	struct run *r = LV_CONTAINER(timer, struct run, timer);
	const int64_t late_ns = bench_delay(r->b, r->due_ns);

	r->done++;
	if (r->left == 0 || late_ns < 0)
		finish(r, late_ns);
	else
		sleep_again(r);
}

static int run_accuracy(struct bench *b)
{
	struct run *r = calloc(1, sizeof *r);

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for one record");
	r->b = b;
	r->sleep_ns = accuracy_sleep_ns(b);
	r->left = b->ops;
	uv_timer_init(&ex_loop_of(b)->uv, &r->timer);
	bench_begin(b);
	sleep_again(r);
	return 0;
}

const struct bench_body timer_accuracy_evented = {.run = run_accuracy};
