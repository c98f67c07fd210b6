/*
 * plock.h - the lock of data that only holders of a P touch: channels, semaphore buckets, conditions.
 *
 * It is a struct gr__lock, taken inline: a call costs as much as the rest of an uncontended lock. And with one P it
 * is not taken at all. Gs and commit functions run under a P, they leave a section only at its end (no section
 * switches, calls back or blocks), and a P has one holder at a time whose writes the next holder sees. So on one P
 * holding it is the exclusion, and a locked operation, 6 ns of a 20 ns channel operation, buys nothing.
 *
 * Not for what threads without a P touch: the scheduler, the netpoller, the monitor.
 */
#ifndef GR_PLOCK_H
#define GR_PLOCK_H

#include "internal.h"

/* Whether there is anybody to lock out. Changes only while the world is stopped (procs.c), so not within a section. */
static inline bool gr__plock_is_real(void)
{
	return gr__nprocs() > 1;
}

/*
 * The same for single words that only holders of a P touch: with one P a read-modify-write needs no locked operation.
 * gr__padd32(word, n) returns what was there before; gr__pcas32(word, &expected, v) swaps if it was `expected`, which gets
 * what was there if not. With more Ps the additions are seq_cst, for those that are a step of a protocol, which on amd64
 * costs nothing more; the swaps acq_rel.
 */
#define GR__PWORD(bits)                                                                                                \
	static inline uint##bits##_t gr__padd##bits(_Atomic uint##bits##_t *word, uint##bits##_t n)                    \
	{                                                                                                              \
		uint##bits##_t was;                                                                                    \
                                                                                                                       \
		if (gr__plock_is_real())                                                                               \
			return fetch_add_seq_cst(word, n);                                                             \
		was = load_relaxed(word);                                                                              \
		store_relaxed(word, was + n);                                                                          \
		return was;                                                                                            \
	}                                                                                                              \
                                                                                                                       \
	static inline bool gr__pcas##bits(_Atomic uint##bits##_t *word, uint##bits##_t *expected, uint##bits##_t v)    \
	{                                                                                                              \
		uint##bits##_t was;                                                                                    \
                                                                                                                       \
		if (gr__plock_is_real())                                                                               \
			return cas_strong_acq_rel(word, expected, v);                                                  \
		was = load_relaxed(word);                                                                              \
		if (unlikely(was != *expected)) {                                                                      \
			*expected = was;                                                                               \
			return false;                                                                                  \
		}                                                                                                      \
		store_relaxed(word, v);                                                                                \
		return true;                                                                                           \
	}
GR__PWORD(32)
GR__PWORD(64)
#undef GR__PWORD

static inline void gr__plock(struct gr__lock *l)
{
#if defined(GR_CHECK) && GR_CHECK
	struct gr_m *m = gr__m();

	if (!m || !m->p)
		gr__throw("plock: taken without a P");
	if (m->curg && load_relaxed(&m->curg->state) == GR__G_SYSCALL)
		gr__fatal("a function of the runtime was called between gr_syscall_enter and gr_syscall_exit");
#endif
	if (gr__plock_is_real())
		gr__lock_inline(l);
}

static inline void gr__punlock(struct gr__lock *l)
{
	if (gr__plock_is_real())
		gr__unlock_inline(l);
}

/* Block the calling G, which has queued itself under l; l is released once it is off its stack. */
void gr__park_punlock(struct gr__lock *l, enum gr__wait reason);

#endif
