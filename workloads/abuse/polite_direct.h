/*
 * polite_direct.h - for direct bodies: a polite task that sleeps until its next event is due.
 */
#ifndef ABUSE_POLITE_DIRECT_H
#define ABUSE_POLITE_DIRECT_H

#include "harness/subject/direct.h"
#include "workloads/abuse/polite.h"

/* All events of a task. */
static inline void polite_live(struct bench *b, const struct polite_plan *plan, struct polite *p, uint64_t begun_ns)
{
	while (!polite_is_done(plan, p)) {
		uint64_t wait_ns = polite_wait_ns(plan, p, begun_ns);

		if (wait_ns)
			dx_sleep_ns(wait_ns);
		polite_take(b, plan, p, begun_ns);
	}
}

#endif
