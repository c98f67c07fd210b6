/*
 * abuse/hog in the blocking style: tasks that sleep until something is due, and tasks that compute.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "harness/subject/direct.h"
#include "workloads/abuse/hog/hog.h"
#include "workloads/abuse/polite_direct.h"
#include "workloads/crew.h"

/* What the hogs look at has a line of its own. */
struct shared {
	_Alignas(128) _Atomic uint32_t left; /* polite tasks that have events left */
	_Alignas(128) struct bench *b; /* immutable, as are the rest */
	struct polite_plan plan;
	uint64_t hogs;
	uint64_t stretch; /* steps until it lets the others run: never before limit */
	uint64_t limit;
};

struct member {
	_Alignas(128) struct crew_task crew;
	struct shared *shared; /* immutable */
	bool is_hog; /* immutable */
	/* the task's until it is joined */
	struct hog_work work;
	struct polite polite;
};

/* At most so many steps while there is `left`. Nothing but arithmetic and a relaxed load: it can be stopped anywhere. */
static DX_PREEMPTIBLE void compute(struct hog_work *w, uint64_t steps, const _Atomic uint32_t *left)
{
	uint64_t x = w->value, n = 0;

	do {
		x = steps_work(x, HOG_POLL_STEPS);
		n += HOG_POLL_STEPS;
	} while (n < steps && atomic_load_explicit(left, memory_order_relaxed));
	w->value = x;
	w->steps += n;
}

static void hog(struct member *m)
{
	const struct shared *s = m->shared;

	compute(&m->work, s->stretch, &s->left);
	while (m->work.steps < s->limit && atomic_load_explicit(&s->left, memory_order_relaxed)) {
		dx_yield();
		compute(&m->work, s->stretch, &s->left);
	}
}

static void work(void *arg)
{
	struct member *m = arg;
	struct shared *s = m->shared;

	if (!crew_start(&m->crew))
		return;
	if (m->is_hog) {
		hog(m);
		return;
	}
	polite_live(s->b, &s->plan, &m->polite, m->crew.crew->begun_ns);
	atomic_fetch_sub_explicit(&s->left, 1, memory_order_relaxed);
}

static int run_tasks(struct shared *s, struct member *m, uint64_t n)
{
	struct hog_total total = {0};
	int status;

	for (uint64_t i = 0; i < n; i++)
		m[i] = (struct member){
			.shared = s, .is_hog = i < s->hogs, .work = HOG_START(i), .polite = {.index = i - s->hogs}};
	status = crew_run(s->b, m, sizeof m[0], n, work);
	if (status < 0)
		return status;
	for (uint64_t i = 0; i < n; i++)
		if (m[i].is_hog)
			hog_add(&total, &m[i].work);
		else
			hog_add_polite(&total, &m[i].polite);
	return hog_report(s->b, &total);
}

static int run_hog(struct bench *b)
{
	const uint64_t stretch = hog_stretch(b);
	struct shared s = {.b = b, .plan = polite_plan_of(b), .hogs = (uint64_t)bench_param(b, "hogs")};
	uint64_t n = s.hogs + s.plan.tasks;
	struct member *m = aligned_alloc(_Alignof(struct member), n * sizeof *m);
	int status;

	if (!m)
		return bench_fail(b, -ENOMEM, "out of memory for %d tasks", (int)n);
	atomic_init(&s.left, (uint32_t)s.plan.tasks);
	s.limit = hog_limit(&s.plan);
	s.stretch = stretch ? stretch : s.limit;
	status = run_tasks(&s, m, n);
	free(m);
	return status;
}

const struct bench_body abuse_hog_direct = {.run = run_hog};
