/*
 * abuse/blocker in the blocking style: tasks that sleep until something is due, and tasks that block.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/abuse/blocker/blocker.h"
#include "workloads/abuse/polite_direct.h"
#include "workloads/crew.h"

/* Immutable. */
struct shared {
	struct bench *b;
	struct polite_plan plan;
	uint64_t blockers, block_ns;
};

struct member {
	_Alignas(128) struct crew_task crew;
	const struct shared *shared;
	bool is_blocker; /* immutable */
	/* the task's until it is joined */
	uint64_t blocks;
	struct polite polite;
};

static void block_again_and_again(struct member *m)
{
	const struct shared *s = m->shared;
	const uint64_t end_ns = m->crew.crew->begun_ns + polite_span_ns(&s->plan);

	do {
		blocker_block(s->block_ns);
		m->blocks++;
		dx_yield();
	} while (bench_now_ns() < end_ns);
}

static void work(void *arg)
{
	struct member *m = arg;

	if (!crew_start(&m->crew))
		return;
	if (m->is_blocker)
		block_again_and_again(m);
	else
		polite_live(m->shared->b, &m->shared->plan, &m->polite, m->crew.crew->begun_ns);
}

static int run_tasks(struct bench *b, const struct shared *s, struct member *m, uint64_t n)
{
	struct polite_total total = {0};
	struct jain jain = {0};
	uint64_t blocks = 0;
	int status;

	for (uint64_t i = 0; i < n; i++)
		m[i] = (struct member){
			.shared = s, .is_blocker = i < s->blockers, .polite = {.index = i - s->blockers}};
	status = crew_run(b, m, sizeof m[0], n, work);
	if (status < 0)
		return status;
	for (uint64_t i = 0; i < n; i++) {
		if (m[i].is_blocker) {
			blocks += m[i].blocks;
			continue;
		}
		polite_add(&total, &m[i].polite);
		jain_add(&jain, m[i].polite.in_time);
	}
	return blocker_report(b, &total, &jain, blocks);
}

static int run_blocker(struct bench *b)
{
	struct shared s = {.b = b,
			   .plan = polite_plan_of(b),
			   .blockers = (uint64_t)bench_param(b, "blockers"),
			   .block_ns = (uint64_t)bench_param(b, "block_us") * 1000};
	uint64_t n = s.blockers + s.plan.tasks;
	struct member *m = aligned_alloc(_Alignof(struct member), n * sizeof *m);
	int status;

	if (!m)
		return bench_fail(b, -ENOMEM, "out of memory for %d tasks", (int)n);
	status = run_tasks(b, &s, m, n);
	free(m);
	return status;
}

const struct bench_body abuse_blocker_direct = {.run = run_blocker};
