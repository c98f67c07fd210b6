/*
 * preempt.h - what the rest of the runtime needs of preempt.c.
 */
#ifndef GR_PREEMPT_H
#define GR_PREEMPT_H

#include "internal.h"

/* In gr_start and gr_stop: before the first M, after the last. 0 or -errno. */
int gr__preempt_start(void);
void gr__preempt_stop(void);
/* Whether Gs can be stopped by signals. "1", or "0" and perhaps why. */
bool gr__preempt_is_on(void);
const char *gr__preempt_state(void);

/*
 * Have the G that p runs stopped, if it still is the one of that tick and in marked code by the time the signal comes. A
 * wish: who makes it looks again. From any thread; strike_all for all Ps that run but one (or NULL).
 */
void gr__strike(struct gr_p *p, uint64_t tick);
void gr__strike_all(const struct gr_p *but);

/* An alternate stack from the pool or a new one, NULL: no memory. It is armed by its user. NULL may be put. */
void *gr__altstack_take(void);
void gr__altstack_put(void *altstack);
void gr__altstacks_destroy(void);

/* For tests: called by the handler just before it switches. */
extern void (*gr__on_strike)(struct gr_g *g, const void *pc, const void *sp);

#endif
