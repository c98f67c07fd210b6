/*
 * gate.h - for direct bodies: tasks that are created, come to a gate and wait there until the region begins.
 *
 *	root					each task
 *	gate_spawn ... gate_gather		gate_pass: arrives, waits
 *	bench_begin, gate_open			works
 *	joins them all, bench_end
 */
#ifndef WORKLOADS_GATE_H
#define WORKLOADS_GATE_H

#include "harness/subject/direct.h"

struct gate {
	dx_wg arrived; /* tasks that have not come to the gate */
	dx_wg open; /* 1 until the gate is opened */
};

static inline int gate_init(struct gate *g)
{
	int status = dx_wg_init(&g->arrived);

	if (status < 0)
		return status;
	status = dx_wg_init(&g->open);
	if (status < 0) {
		dx_wg_destroy(&g->arrived);
		return status;
	}
	dx_wg_add(&g->open, 1);
	return 0;
}

static inline void gate_destroy(struct gate *g)
{
	dx_wg_destroy(&g->open);
	dx_wg_destroy(&g->arrived);
}

/* dx_spawn of a task that calls gate_pass first of all. */
static inline int gate_spawn(struct gate *g, dx_task *t, void (*fn)(void *), void *arg)
{
	int status;

	dx_wg_add(&g->arrived, 1);
	status = dx_spawn(t, fn, arg);
	if (status < 0)
		dx_wg_done(&g->arrived);
	return status;
}

static inline void gate_pass(struct gate *g)
{
	dx_wg_done(&g->arrived);
	dx_wg_wait(&g->open);
}

/* Wait until all that have been created stand at the gate. */
static inline void gate_gather(struct gate *g)
{
	dx_wg_wait(&g->arrived);
}

static inline void gate_open(struct gate *g)
{
	dx_wg_done(&g->open);
}

#endif
