/*
 * crew.h - for direct bodies: tasks that come to a gate, begin together and are joined, as one call.
 *
 * The tasks' records stand in an array, and each begins with a struct crew_task, which is told from the body's own
 * members by this alone. A task calls crew_start first of all:
 *
 *	static void work(void *arg)
 *	{
 *		struct worker *w = arg;
 *
 *		if (!crew_start(&w->crew))
 *			return;
 *		...
 *	}
 */
#ifndef WORKLOADS_CREW_H
#define WORKLOADS_CREW_H

#include <stdbool.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"

struct crew {
	struct gate gate;
	/* root's until the gate opens, then read by the tasks */
	bool is_cancelled; /* not all could be created: those that exist go home */
	uint64_t begun_ns; /* when the region began */
};

struct crew_task {
	dx_task task;
	struct crew *crew; /* immutable; dead when the tasks are joined */
};

/* Wait until the region begins. False: it does not, there is nothing to do. */
static inline bool crew_start(struct crew_task *t)
{
	gate_pass(&t->crew->gate);
	return !t->crew->is_cancelled;
}

static inline struct crew_task *crew_at(void *records, size_t bytes, uint64_t i)
{
	return (struct crew_task *)((char *)records + i * bytes);
}

/* Create the tasks and wait until they stand at the gate. Returns how many; fewer than n with *status < 0. */
static inline uint64_t crew_gather(struct crew *c, void *records, size_t bytes, uint64_t n, void (*fn)(void *),
				   int *status)
{
	uint64_t live;

	*status = 0;
	for (live = 0; live < n; live++) {
		struct crew_task *t = crew_at(records, bytes, live);

		t->crew = c;
		*status = gate_spawn(&c->gate, &t->task, fn, t);
		if (*status < 0)
			break;
	}
	gate_gather(&c->gate);
	return live;
}

/*
 * Create n tasks fn(record), run the region in which they work, and join them all. Each record is `bytes` large and set
 * up but for its struct crew_task. 0 with the region over, or < 0 with b->why.
 */
static inline int crew_run(struct bench *b, void *records, size_t bytes, uint64_t n, void (*fn)(void *))
{
	struct crew c = {.is_cancelled = false};
	uint64_t live;
	int refused, status = gate_init(&c.gate);

	if (status < 0)
		return bench_fail(b, status, "cannot prepare a gate for %llu tasks: %s", (unsigned long long)n,
				  strerror(-status));
	live = crew_gather(&c, records, bytes, n, fn, &refused);
	c.is_cancelled = refused < 0;
	if (refused == 0)
		bench_begin(b);
	c.begun_ns = bench_now_ns();
	gate_open(&c.gate);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&crew_at(records, bytes, i)->task);
	if (refused == 0)
		bench_end(b);
	gate_destroy(&c.gate);
	if (refused < 0)
		return bench_fail(b, refused, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)n, (unsigned long long)live, strerror(-refused));
	return 0;
}

#endif
