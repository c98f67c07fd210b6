/*
 * timer/accuracy in the callback style: a timer that its callback starts again.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/timer/accuracy/accuracy.h"

struct run {
	struct bench *b;
	ex_timer timer;
	uint64_t sleep_ns;
	uint64_t due_ns; /* when the timer runs out */
	uint64_t left; /* sleeps to be started */
	uint64_t done;
};

static void woke(ex_timer *timer);

static void finish(struct run *r, int64_t late_ns)
{
	struct bench *b = r->b;
	int status = 0;

	bench_end(b);
	b->cert = (struct bench_cert){.ops = r->done};
	if (late_ns < 0)
		status = bench_fail(b, -EPROTO, "a timer ran out %lld ns before its time", (long long)-late_ns);
	free(r);
	bench_done(b, status);
}

static void sleep_again(struct run *r)
{
	r->left--;
	r->due_ns = bench_now_ns() + r->sleep_ns;
	ex_timer_start(ex_loop_of(r->b), &r->timer, r->sleep_ns, woke);
}

static void woke(ex_timer *timer)
{
	struct run *r = EX_CONTAINER(timer, struct run, timer);
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
	bench_begin(b);
	sleep_again(r);
	return 0;
}

const struct bench_body timer_accuracy_evented = {.run = run_accuracy};
