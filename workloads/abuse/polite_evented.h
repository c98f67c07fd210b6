/*
 * polite_evented.h - for evented bodies: a polite task that is a timer, set to when its next event is due.
 */
#ifndef ABUSE_POLITE_EVENTED_H
#define ABUSE_POLITE_EVENTED_H

#include "harness/subject/evented.h"
#include "workloads/abuse/polite.h"

/* What the polite tasks of a run share. Immutable while they live. */
struct polite_crowd {
	struct bench *b;
	struct polite_plan plan;
	uint64_t begun_ns;
	void (*done)(struct polite_crowd *); /* called once for each task, after its last event */
};

struct polite_timer {
	ex_timer timer;
	struct polite_crowd *crowd;
	struct polite polite;
};

static inline void polite_start(struct polite_timer *t);

/* The next event is due, and perhaps more of them. */
static inline void polite_came(ex_timer *timer)
{
	struct polite_timer *t = EX_CONTAINER(timer, struct polite_timer, timer);
	struct polite_crowd *c = t->crowd;

	do {
		polite_take(c->b, &c->plan, &t->polite, c->begun_ns);
		if (polite_is_done(&c->plan, &t->polite)) {
			c->done(c);
			return;
		}
	} while (polite_wait_ns(&c->plan, &t->polite, c->begun_ns) == 0);
	polite_start(t);
}

/* Wait for the next event. */
static inline void polite_start(struct polite_timer *t)
{
	struct polite_crowd *c = t->crowd;

	ex_timer_start(ex_loop_of(c->b), &t->timer, polite_wait_ns(&c->plan, &t->polite, c->begun_ns), polite_came);
}

#endif
