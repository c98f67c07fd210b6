/*
 * sema.h - what the locks of the runtime build on: semaphores on plain words, with a choice of how the woken G runs.
 */
#ifndef GR_SEMA_H
#define GR_SEMA_H

#include "internal.h"

/* How gr__sema_release treats the G that gets the permit. */
enum gr__sema_wake {
	GR__SEMA_NEXT, /* next on this P */
	GR__SEMA_TAIL, /* behind what is runnable already: for several in a row */
	GR__SEMA_HANDOFF, /* next, and the caller steps back for it at once; callers that may switch only */
};

/*
 * Take a permit of *sema, blocking the G while there is none. Waiters of one word are served in the order of their
 * arrival; `lifo` puts this one before all of them.
 */
void gr__sema_acquire(_Atomic uint32_t *sema, bool lifo, enum gr__wait reason);

/* The same until until_ns (INT64_MAX: for good). False: the time is up, and no permit has been taken. */
bool gr__sema_acquire_until(_Atomic uint32_t *sema, bool lifo, enum gr__wait reason, int64_t until_ns);

/* Give a permit to *sema. The word is not touched any more once somebody has been able to take the permit. */
void gr__sema_release(_Atomic uint32_t *sema, enum gr__sema_wake wake);

/* Forget all waiters, those with a time-out too: of a runtime that has ended and has dropped its Gs. */
void gr__sema_reset(void);

/* gr_mutex_lock until until_ns (INT64_MAX: for good). False: the time is up. */
bool gr__mutex_lock_until(gr_mutex *m, int64_t until_ns);

/* gr_mutex_unlock for a park's commit function, which runs on a scheduler's stack and may not switch. */
void gr__mutex_unlock_no_switch(gr_mutex *m);

/* Whether anybody has it locked at this moment. */
bool gr__mutex_is_locked(const gr_mutex *m);
/* What its word says, for dumps: whether it is locked, and how many sleep for it. */
bool gr__mutex_state(uint32_t word, uint32_t *sleepers);

#endif
