/*
 * timeout.h - deadlines of waiting Gs that are mostly cancelled: of a select with a time-out.
 */
#ifndef GR_TIMEOUT_H
#define GR_TIMEOUT_H

#include "internal.h"

struct gr__clock;
struct gr__select;

/* A deadline; on the stack of the G that waits. */
struct gr__timeout {
	/* immutable while armed */
	int64_t when_ns; /* monotonic */
	struct gr__select *select; /* what is won when it is reached */
	struct gr_g *g; /* who waits */

	/* under the clock's lock */
	struct gr__clock *clock; /* immutable; whose lock that is */
	struct gr__timeout *child, *next, *prev; /* in the clock's heap; prev of a first child is its parent */
	bool is_armed; /* in the heap */
};

/*
 * Arm t (when_ns, select and g are set). 0, with the clock's lock taken: it has to be released by
 * gr__timeout_unlock() when the G is off its stack, and nothing fires before that. Or -ENOMEM, not locked, not armed.
 * May be called with channels' locks held.
 */
int gr__timeout_arm_lock(struct gr__timeout *t);
void gr__timeout_unlock(struct gr__clock *c);
/* Disarm t, whether it has fired or not: afterwards nobody knows it. By its G. */
void gr__timeout_disarm(struct gr__timeout *t);

/* Forget everything: of a runtime that has ended. */
void gr__timeout_reset(void);

#endif
