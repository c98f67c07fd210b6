/*
 * plock.h - the lock of data that only holders of a P touch: channels, semaphore buckets, conditions.
 *
 * It is a struct gr__lock, taken inline: a call costs as much as the rest of an uncontended lock. And with one P it
 * is not taken at all. Gs and commit functions run under a P, they leave a section only at its end (no section
 * switches, calls back or blocks), and a P has one holder at a time whose writes the next holder sees. So on one P
 * holding it is the exclusion, and two locked operations, 12 ns of a 20 ns channel operation, buy nothing.
 *
 * Not for what threads without a P touch: the scheduler, the netpoller, the monitor.
 */
#ifndef GR_PLOCK_H
#define GR_PLOCK_H

#include "internal.h"
#include "os.h"

/* Whether there is anybody to lock out. The same through the life of a runtime. */
static inline bool gr__plock_is_real(void)
{
	return gr__sched.nprocs > 1;
}

static inline void gr__plock(struct gr__lock *l)
{
	uint32_t was = 0;

#if defined(GR_CHECK) && GR_CHECK
	struct gr_m *m = gr__m();

	if (!m || !m->p)
		gr__throw("plock: taken without a P");
	if (m->curg && load_relaxed(&m->curg->state) == GR__G_SYSCALL)
		gr__fatal("a function of the runtime was called between gr_syscall_enter and gr_syscall_exit");
#endif
	if (!gr__plock_is_real())
		return;
	if (unlikely(!cas_strong_acquire(&l->word, &was, 1)))
		gr__lock(l);
}

static inline void gr__punlock(struct gr__lock *l)
{
	if (!gr__plock_is_real())
		return;
	if (unlikely(xchg_release(&l->word, 0) == 2)) /* as gr__unlock */
		gr__os_futex_wake(&l->word, 1);
}

/* The usual commit of a park: releases the lock that arg is. NULL, for no commit, where it is not real. */
static inline bool gr__punlock_commit(struct gr_g *g, void *lock)
{
	(void)g;
	gr__punlock(lock);
	return true;
}

/* Block the calling G, which has queued itself under l; l is released once it is off its stack. */
static inline void gr__park_punlock(struct gr__lock *l, enum gr__wait reason)
{
	gr__park(gr__plock_is_real() ? gr__punlock_commit : NULL, l, reason);
}

#endif
