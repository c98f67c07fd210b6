/*
 * abuse/hog in the callback style: a timer per polite task, and computing that is cut into stretches.
 *
 * A stretch is a timer of 0 ns and no posted callback, as in abuse/ready: the loop turns once between two of a hog.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/subject/evented.h"
#include "workloads/abuse/hog/hog.h"
#include "workloads/abuse/polite_evented.h"

struct run;

struct hog {
	ex_timer timer;
	struct run *run;
	struct hog_work work;
};

struct run {
	struct polite_crowd crowd;
	uint64_t stretch;
	uint64_t left; /* polite tasks that have events left */
	uint64_t n_hogs, active; /* hogs, and those of them that have not ended */
	struct hog *hogs;
	struct polite_timer tasks[];
};

static void finish(struct run *r)
{
	struct bench *b = r->crowd.b;
	struct hog_total total = {0};
	int status;

	bench_end(b);
	for (uint64_t i = 0; i < r->crowd.plan.tasks; i++)
		hog_add_polite(&total, &r->tasks[i].polite);
	for (uint64_t i = 0; i < r->n_hogs; i++)
		hog_add(&total, &r->hogs[i].work);
	status = hog_report(b, &total);
	free(r->hogs);
	free(r);
	bench_done(b, status);
}

static void compute(ex_timer *timer)
{
	struct hog *h = EX_CONTAINER(timer, struct hog, timer);
	struct run *r = h->run;

	h->work.value = steps_work(h->work.value, r->stretch);
	h->work.steps += r->stretch;
	if (r->left > 0)
		ex_timer_start(ex_loop_of(r->crowd.b), timer, 0, compute);
	else if (--r->active == 0)
		finish(r);
}

/* The hogs see it at their next turn. */
static void is_done(struct polite_crowd *crowd)
{
	EX_CONTAINER(crowd, struct run, crowd)->left--;
}

static int run_hog(struct bench *b)
{
	const struct polite_plan plan = polite_plan_of(b);
	uint64_t n_hogs = (uint64_t)bench_param(b, "hogs");
	struct run *r = calloc(1, sizeof *r + plan.tasks * sizeof r->tasks[0]);
	struct hog *hogs = calloc(n_hogs, sizeof hogs[0]);

	if (!r || !hogs) {
		free(hogs);
		free(r);
		return bench_fail(b, -ENOMEM, "out of memory for %d tasks", (int)(n_hogs + plan.tasks));
	}
	*r = (struct run){.crowd = {.b = b, .plan = plan, .done = is_done},
			  .stretch = hog_stretch(b),
			  .left = plan.tasks,
			  .n_hogs = n_hogs,
			  .active = n_hogs,
			  .hogs = hogs};
	for (uint64_t i = 0; i < plan.tasks; i++)
		r->tasks[i] = (struct polite_timer){.crowd = &r->crowd, .polite = {.index = i}};
	for (uint64_t i = 0; i < n_hogs; i++)
		hogs[i] = (struct hog){.run = r, .work = HOG_START(i)};
	bench_begin(b);
	r->crowd.begun_ns = bench_now_ns();
	for (uint64_t i = 0; i < n_hogs; i++)
		ex_timer_start(ex_loop_of(b), &hogs[i].timer, 0, compute);
	for (uint64_t i = 0; i < plan.tasks; i++)
		polite_start(&r->tasks[i]);
	return 0;
}

static const char *never_ends(const struct bench *b)
{
	return hog_stretch(b) == 0 ? "a callback that does not return stops the whole loop" : NULL;
}

const struct bench_body abuse_hog_evented = {.unsupported = never_ends, .run = run_hog};
