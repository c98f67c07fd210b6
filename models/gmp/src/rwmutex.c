/*
 * rwmutex.c - a lock for many readers or one writer.
 *
 * One count of readers makes every reader of the program write the same cache line, so that reading in parallel is
 * slower than taking turns. Here every P has a count of its own. A G may lock on one P and unlock on another, so that
 * a count can be negative; what is meant is the sum. Readers only read what says whether there is a writer, and that
 * line changes with writers only.
 *
 * A writer first gets hold of `writers`, which keeps writers apart from each other, in the order and with the promises
 * of mutex.c; then it announces itself, which stops new readers; then it waits until the sum is 0. When it unlocks, it
 * lets in all readers that have queued up meanwhile, counting them itself before the next writer can look. So a writer
 * waits for the readers of one phase and a reader for one writer: neither starves.
 *
 * Is a reader seen? Reader and writer each write one word and read the other's:
 *
 *      reader                                    writer
 *      ------                                    ------
 *      1 own P's count + 1         (seq_cst)     1 writer = ANNOUNCED     (seq_cst)
 *      2 reads writer: NONE, goes on (seq_cst)   2 reads all counts       (seq_cst)
 *      3 else takes it back and queues           3 sum > 0: waits
 *
 * If both read the old values, each one's 2 would precede the other's 1 in the one order of seq_cst operations: a
 * circle. The same for unlocking (1 own P's count - 1, 2 reads writer, 3 if there is one: lets it in if the sum is
 * 0), so that the last reader or the writer sees that nobody is left.
 *
 * The counts are read one after the other, while others change. What can be concluded when a writer is announced: every
 * reader that goes on had counted itself before, so each +1 of a holder is seen; a -1 may be missed, or a +1 that is
 * about to be taken back be seen, and in both cases somebody looks again, under the lock. So the sum is never too
 * small, and 0 means 0. Less than 0 means that somebody unlocked what was not locked.
 *
 * Time-outs (timeout.h). A reader that waits is not counted, so one whose time is up leaves the queue and nothing else is to be
 * done; who lets readers in drops the dead ones while it counts. A writer whose time is up takes its announcement back, as
 * one that only tries does: the readers that queued behind it go on, then the next writer.
 *
 * Rejected: Go's one count with its readers-to-wait-for: an exact number needs the one line. A table of readers shared
 * by all locks (BRAVO): no memory per lock, but the reader that unlocks must find its entry, and Gs move; and a writer
 * that has to sleep until an entry goes needs more than a table.
 *
 * Invariants:
 *   I1  `writer` changes under lock, and only by the G that holds `writers`, or by who lets that G in.
 *   I2  draining != NULL: writer == ANNOUNCED, the G is parked (or lock is held until it is), and the sum is not 0 or
 *       somebody who has just changed a count is about to take the lock and look; or the clock has won against
 *       draining_won, and the G is about to take the lock and take it back.
 *   I3  readers are queued only while writer != NONE; whoever sets NONE has let them all in.
 *
 * Costs: locking or unlocking for reading is one locked operation on the own P's line; on one P a plain addition. A
 * writer reads a line per P.
 */
#include "grow.h"
#include "sema.h"
#include "timeout.h"

#include <errno.h>
#include <string.h>

GR__FITS_SMALL_STACKS;

enum {
	NONE = 0,
	ANNOUNCED, /* a writer waits for the readers to leave */
	HELD,
};

enum { SPIN_PAUSES = 30 }; /* per round, as in mutex.c: about a cache line's way to another core and back */

/* A reader that waits; on its own stack. */
struct waiter {
	struct waiter *next, *prev; /* under lock; the first one's prev is meaningless */
	struct gr_g *g; /* immutable */
	_Atomic uint32_t *won; /* immutable; whom somebody else may have won, or NULL: waits without a time-out */
	bool is_queued; /* under lock; of one with a time-out */
};

/* Readers that Gs of one P have counted. Written by the P's holder, by whoever unlocks a writer there; all read. */
struct slot {
	CACHE_ALIGNED _Atomic int32_t readers;
};

struct gr_rwmutex {
	/* read by every reader, written by writers only */
	CACHE_ALIGNED _Atomic uint32_t writer; /* I1 */
	uint32_t slot_mask; /* immutable: the number of slots, a power of two, minus 1 */

	CACHE_ALIGNED struct gr__lock lock;
	/* under lock */
	struct waiter *first, *last; /* readers that wait, FIFO; last is meaningless when first is NULL */
	struct gr_g *draining; /* the writer that waits for the readers to leave */
	_Atomic uint32_t *draining_won; /* as a reader's */

	gr_mutex writers; /* held by the one that has announced itself or has the lock */

	struct slot slots[];
};

/* ---- counts ---------------------------------------------------------------------------------------- */

static inline _Atomic int32_t *own_count(gr_rwmutex *rw)
{
	return &rw->slots[gr__m()->p->id & rw->slot_mask].readers;
}

/* Step 1 of a reader: change the own count, and say what it is then. */
static inline int32_t count(_Atomic int32_t *readers, int32_t delta)
{
	int32_t now;

	if (gr__plock_is_real())
		return fetch_add_seq_cst(readers, delta) + delta;
	now = load_relaxed(readers) + delta;
	store_relaxed(readers, now);
	return now;
}

/* The sum; exact enough only with a writer announced, see the head. */
static int64_t sum_readers(gr_rwmutex *rw)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i <= rw->slot_mask; i++)
		sum += load_seq_cst(&rw->slots[i].readers);
	return sum;
}

/* Whether all readers have left; a writer is announced. */
static bool is_drained(gr_rwmutex *rw)
{
	int64_t sum = sum_readers(rw);

	if (unlikely(sum < 0))
		gr__fatal("gr_rwmutex_runlock: was called more often than the lock was taken for reading");
	return sum == 0;
}

/* If a writer waits and nobody is left, it gets the lock: its G, to be readied, or NULL. */
static struct gr_g *let_writer_in_locked(gr_rwmutex *rw)
{
	struct gr_g *g = rw->draining;

	if (!g || !is_drained(rw) || (rw->draining_won && !gr__win(rw->draining_won, GR__WON)))
		return NULL;
	rw->draining = NULL;
	store_relaxed(&rw->writer, HELD);
	return g;
}

/* Set NONE and return the readers that waited, counted (I3). */
static struct waiter *let_readers_in_locked(gr_rwmutex *rw)
{
	struct waiter *first = rw->first, **link = &first;
	int32_t n = 0;

	while (*link) {
		struct waiter *w = *link;

		if (unlikely(w->won != NULL)) {
			w->is_queued = false;
			if (!gr__win(w->won, GR__WON)) {
				*link = w->next;
				continue;
			}
		}
		link = &w->next;
		n++;
	}
	rw->first = NULL;
	if (n)
		count(own_count(rw), n);
	store_release(&rw->writer, NONE); /* pairs with the readers' step 2 */
	return first;
}

static void ready_readers(struct waiter *w)
{
	struct waiter *next;

	for (; w; w = next) {
		next = w->next; /* the waiter is gone after gr__ready_tail */
		gr__ready_tail(w->g);
	}
}

/* ---- making ---------------------------------------------------------------------------------------- */

int gr_rwmutex_new(gr_rwmutex **out)
{
	uint32_t slots = 1;
	gr_rwmutex *rw;
	size_t bytes;

	while (slots < gr__nprocs())
		slots *= 2;
	bytes = sizeof(*rw) + slots * sizeof(struct slot);
	rw = gr__alloc(CACHE_LINE_BYTES, bytes);
	if (!rw)
		return -ENOMEM;
	memset(rw, 0, bytes);
	rw->slot_mask = slots - 1;
	*out = rw;
	return 0;
}

void gr_rwmutex_free(gr_rwmutex *rw)
{
	if (!rw)
		return;
	if (load_relaxed(&rw->writer) != NONE || rw->first || sum_readers(rw) > 0)
		gr__fatal("gr_rwmutex_free: the lock is held or waited for");
	(void)is_drained(rw);
	gr__free(rw);
}

/* ---- reading --------------------------------------------------------------------------------------- */

/* Not inlined: gcc takes the address of a waiter that it sees kept for one that is kept for good. */
static __attribute__((noinline)) void queue_reader_locked(gr_rwmutex *rw, struct waiter *w)
{
	w->next = NULL;
	if (rw->first) {
		w->prev = rw->last;
		rw->last->next = w;
	} else {
		rw->first = w;
	}
	rw->last = w;
}

static void unqueue_reader_locked(gr_rwmutex *rw, struct waiter *w)
{
	bool is_first = rw->first == w;

	if (w->next)
		w->next->prev = w->prev;
	else
		rw->last = w->prev;
	if (is_first)
		rw->first = w->next;
	else
		w->prev->next = w->next;
}

/*
 * Step 3 of a reader that has counted itself: there is a writer, or was. True: it has the lock. False: it is queued as w,
 * and the lock is held.
 */
static inline bool keep_count_or_queue_lock(gr_rwmutex *rw, _Atomic int32_t *own, struct waiter *w)
{
	struct gr_g *g;

	gr__plock(&rw->lock);
	if (load_relaxed(&rw->writer) == NONE) {
		gr__punlock(&rw->lock);
		return true; /* counted already */
	}
	count(own, -1);
	g = let_writer_in_locked(rw); /* it may have been waiting for us only */
	w->g = gr__m()->curg;
	w->g->wait_data = rw;
	queue_reader_locked(rw, w);
	if (g)
		gr__ready(g);
	return false;
}

static __attribute__((noinline)) void rlock_slowly(gr_rwmutex *rw, _Atomic int32_t *own)
{
	struct waiter w;

	w.won = NULL;
	if (!keep_count_or_queue_lock(rw, own, &w))
		gr__park_punlock(&rw->lock, GR__WAIT_RWMUTEX_READ);
}

static __attribute__((noinline)) bool rlock_slowly_until(gr_rwmutex *rw, _Atomic int32_t *own, int64_t until_ns)
{
	_Atomic uint32_t won = GR__NOBODY;
	struct waiter w;

	w.won = &won;
	w.is_queued = true;
	if (keep_count_or_queue_lock(rw, own, &w) || gr__park_until(&rw->lock, &won, until_ns, GR__WAIT_RWMUTEX_READ))
		return true;
	gr__plock(&rw->lock);
	if (w.is_queued)
		unqueue_reader_locked(rw, &w);
	gr__punlock(&rw->lock);
	return false;
}

void gr_rwmutex_rlock(gr_rwmutex *rw)
{
	_Atomic int32_t *own = own_count(rw);

	count(own, 1);
	if (unlikely(load_seq_cst(&rw->writer) != NONE))
		rlock_slowly(rw, own);
}

int gr__rwmutex_rlock_timeout(gr_rwmutex *rw, uint64_t timeout_ns)
{
	_Atomic int32_t *own;
	int64_t until_ns;

	if (timeout_ns == 0)
		return gr_rwmutex_try_rlock(rw) ? 0 : -ETIMEDOUT;
	own = own_count(rw);
	count(own, 1);
	if (likely(load_seq_cst(&rw->writer) == NONE))
		return 0;
	until_ns = gr__timer_after(timeout_ns);
	if (until_ns != INT64_MAX)
		return rlock_slowly_until(rw, own, until_ns) ? 0 : -ETIMEDOUT;
	rlock_slowly(rw, own);
	return 0;
}

bool gr_rwmutex_try_rlock(gr_rwmutex *rw)
{
	_Atomic int32_t *own = own_count(rw);
	struct gr_g *g;

	count(own, 1);
	if (likely(load_seq_cst(&rw->writer) == NONE))
		return true;
	gr__plock(&rw->lock);
	if (load_relaxed(&rw->writer) == NONE) {
		gr__punlock(&rw->lock);
		return true;
	}
	count(own, -1);
	g = let_writer_in_locked(rw);
	gr__punlock(&rw->lock);
	if (g)
		gr__ready(g);
	return false;
}

static __attribute__((noinline)) void runlock_slowly(gr_rwmutex *rw)
{
	struct gr_g *g;

	gr__plock(&rw->lock);
	if (load_relaxed(&rw->writer) == HELD)
		(void)is_drained(rw); /* not by us: fatal */
	g = let_writer_in_locked(rw);
	gr__punlock(&rw->lock);
	if (g)
		gr__ready(g);
}

void gr_rwmutex_runlock(gr_rwmutex *rw)
{
	int32_t now = count(own_count(rw), -1);

	if (unlikely(now < 0) && !gr__plock_is_real())
		(void)is_drained(rw); /* one count: fatal, unless the lock is of a runtime with more Ps */
	if (unlikely(load_seq_cst(&rw->writer) != NONE))
		runlock_slowly(rw);
}

/* ---- writing --------------------------------------------------------------------------------------- */

/* Announce the writer that has `writers`. True: there are no readers, and it has the lock. */
static bool announce(gr_rwmutex *rw)
{
	bool drained;

	gr__plock(&rw->lock);
	store_seq_cst(&rw->writer, ANNOUNCED); /* step 1 */
	drained = is_drained(rw); /* step 2 */
	if (drained)
		store_relaxed(&rw->writer, HELD);
	gr__punlock(&rw->lock);
	return drained;
}

/* The writer that has announced itself takes that back, and goes. */
static void withdraw(gr_rwmutex *rw)
{
	struct waiter *readers;

	gr__plock(&rw->lock);
	rw->draining = NULL;
	readers = let_readers_in_locked(rw);
	gr__punlock(&rw->lock);
	ready_readers(readers);
	gr_mutex_unlock(&rw->writers);
}

/* An announced writer waits for the readers to leave. True: they have left, it has the lock. False: rw->lock is held. */
static bool wait_awake_lock(gr_rwmutex *rw)
{
	/* Readers that are on other Ps now are done sooner than a switch. */
	for (unsigned round = 0; gr__can_spin(round) && !is_drained(rw); round++) {
		for (unsigned i = 0; i < SPIN_PAUSES; i++)
			gr_pause();
	}
	gr__plock(&rw->lock);
	if (is_drained(rw)) {
		store_relaxed(&rw->writer, HELD);
		gr__punlock(&rw->lock);
		return true;
	}
	rw->draining = gr__m()->curg;
	rw->draining->wait_data = rw;
	return false;
}

void gr_rwmutex_lock(gr_rwmutex *rw)
{
	gr_mutex_lock(&rw->writers);
	if (announce(rw) || wait_awake_lock(rw))
		return;
	rw->draining_won = NULL;
	gr__park_punlock(&rw->lock, GR__WAIT_RWMUTEX_WRITE); /* I2 */
}

int gr__rwmutex_lock_timeout(gr_rwmutex *rw, uint64_t timeout_ns)
{
	_Atomic uint32_t won = GR__NOBODY;
	int64_t until_ns;

	if (timeout_ns == 0)
		return gr_rwmutex_try_lock(rw) ? 0 : -ETIMEDOUT;
	if (timeout_ns == UINT64_MAX) {
		gr_rwmutex_lock(rw);
		return 0;
	}
	until_ns = gr__timer_after(timeout_ns);
	if (!gr__mutex_lock_until(&rw->writers, until_ns))
		return -ETIMEDOUT;
	if (announce(rw) || wait_awake_lock(rw))
		return 0;
	rw->draining_won = &won;
	if (gr__park_until(&rw->lock, &won, until_ns, GR__WAIT_RWMUTEX_WRITE)) /* I2 */
		return 0;
	withdraw(rw);
	return -ETIMEDOUT;
}

bool gr_rwmutex_try_lock(gr_rwmutex *rw)
{
	if (!gr_mutex_try_lock(&rw->writers))
		return false;
	if (announce(rw))
		return true;
	withdraw(rw);
	return false;
}

void gr_rwmutex_unlock(gr_rwmutex *rw)
{
	struct waiter *readers;

	gr__plock(&rw->lock);
	if (unlikely(load_relaxed(&rw->writer) != HELD))
		gr__fatal("gr_rwmutex_unlock: the lock is not held for writing");
	readers = let_readers_in_locked(rw);
	gr__punlock(&rw->lock);
	ready_readers(readers);
	gr_mutex_unlock(&rw->writers);
}
