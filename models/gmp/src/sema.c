/*
 * sema.c - counting semaphores on plain 32-bit words.
 *
 * The word holds the free permits and nothing else, so that a lock can have a semaphore for four bytes; who waits on
 * it is kept aside, in a table of buckets by the word's address. A bucket is a list of the addresses that are waited
 * on, each the head of the FIFO of its waiters; the waiters live on their Gs' stacks.
 *
 * A permit is granted, not offered: the releaser takes it off the word in the name of the first waiter, under the
 * bucket's lock, and that waiter returns without looking at the word again. A newcomer can still take the permit
 * between the release's two steps; then the first waiter stays first, and the newcomer's release serves it.
 *
 * Lifetime: a releaser may lose the word the moment it has added the permit (the waiter sees it, returns, frees the
 * object). So afterwards the address is only compared, never read - except when a waiter is found queued on it:
 * then somebody still waits in the word and it is alive (I2).
 *
 * Time-outs. A waiter may be a dead one (timeout.h): the clock has won, and its G has not come yet to leave the list. The
 * releaser drops it and serves the next one; if there is no live one it gives the permit back to the word. No wake-up is
 * lost by that: it happens under the bucket's lock, so who queues later looks at the word after it. And the dead waiter
 * keeps the word alive: its G returns only when it has had the lock.
 *
 * Rejected: Go's treap per bucket. It helps when thousands of different words in one bucket are waited on; here
 * that costs a walk of a list, and the programs measured so far have a handful.
 *
 * Invariants:
 *   I1  bucket.nwait >= the number of waiters queued in it, and counts a waiter before it looks at the word for the
 *       last time.
 *   I2  under the bucket's lock, a queued waiter's word is alive: its G has not returned from gr__sema_acquire, and does
 *       not without this lock if its time is up.
 *   I3  a waiter taken off belongs to the releaser until gr__ready.
 *
 * No wake-up is lost:
 *
 *      acquire                                 release
 *      -------                                 -------
 *      1 nwait + 1              (seq_cst)      1 word + 1             (seq_cst)
 *      2 reads the word         (seq_cst)      2 reads nwait          (seq_cst)
 *      3 no permit: queues                     3 nobody: returns
 *
 * Were both to miss the other, 2 would precede 1 on either side in the one order of seq_cst operations, which is a
 * circle; acquire and release orders alone allow it (store, then load of another word). Steps 1-3 of acquire lie
 * under the bucket's lock, so a releaser that saw nwait finds the waiter queued or the permit gone.
 */
#include "grow.h"
#include "sema.h"
#include "switch.h"
#include "timeout.h"

#include <errno.h>
#include <string.h>

GR__FITS_SMALL_STACKS;

/* Of Go's size: prime, so that objects at regular distances spread. */
enum { BUCKETS = 251 };

/* A G that waits for a permit; on its own stack. All under the bucket's lock. */
struct waiter {
	struct waiter *next, *prev; /* on the same word; a head's prev is meaningless */
	struct waiter *last; /* head of a word only: the last one on it */
	struct waiter *next_word; /* head of a word only: head of the next word in the bucket */
	const _Atomic uint32_t *word; /* immutable */
	struct gr_g *g; /* immutable */
	_Atomic uint32_t *won; /* immutable; whom somebody else may have won, or NULL: waits without a time-out */
	bool is_queued; /* of one with a time-out */
};

struct bucket {
	CACHE_ALIGNED struct gr__lock lock;
	_Atomic uint32_t nwait; /* changed under lock, read without */
	struct waiter *words; /* under lock: heads */
};

static struct bucket table[BUCKETS];

static inline struct bucket *bucket_of(const _Atomic uint32_t *word)
{
	return &table[((uintptr_t)word >> 3) % BUCKETS];
}

static bool take_permit(_Atomic uint32_t *word)
{
	uint32_t v = load_seq_cst(word); /* step 2 of acquire */

	while (v > 0) {
		if (gr__pcas32(word, &v, v - 1))
			return true;
	}
	return false;
}

/* The link that points to word's head, or to NULL where there is none. */
static struct waiter **find_word(struct bucket *b, const _Atomic uint32_t *word)
{
	struct waiter **link = &b->words;

	while (*link && (*link)->word != word)
		link = &(*link)->next_word;
	return link;
}

static inline __attribute__((always_inline)) void queue_waiter(struct bucket *b, struct waiter *w, bool first)
{
	struct waiter **link = find_word(b, w->word);
	struct waiter *head = *link;

	w->next = NULL;
	if (!head) {
		w->last = w;
		w->next_word = NULL;
		*link = w;
	} else if (first) {
		w->next = head;
		head->prev = w;
		w->last = head->last;
		w->next_word = head->next_word;
		*link = w;
	} else {
		w->prev = head->last;
		head->last->next = w;
		head->last = w;
	}
}

/* Take the first waiter off the word whose head *link points to. */
static inline __attribute__((always_inline)) struct waiter *take_waiter(struct waiter **link)
{
	struct waiter *w = *link, *head = w->next;

	if (head) {
		head->last = w->last;
		head->next_word = w->next_word;
		*link = head;
	} else {
		*link = w->next_word;
	}
	return w;
}

/* Take w, whose time is up, out from wherever it is. */
static void remove_waiter(struct bucket *b, struct waiter *w)
{
	struct waiter **link = find_word(b, w->word);

	if (*link == w) {
		take_waiter(link);
		return;
	}
	w->prev->next = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		(*link)->last = w->prev;
}

static __attribute__((noinline)) void acquire_slow(_Atomic uint32_t *sema, bool lifo, enum gr__wait reason)
{
	struct bucket *b = bucket_of(sema);
	struct waiter w;

	gr__plock(&b->lock);
	gr__padd32(&b->nwait, 1); /* step 1 */
	if (take_permit(sema)) {
		owner_add(&b->nwait, -1u); /* changed under the lock only, and nobody waits for it to fall */
		gr__punlock(&b->lock);
		return;
	}
	w.word = sema;
	w.g = gr__m()->curg;
	w.won = NULL;
	w.g->wait_data = (void *)sema;
	queue_waiter(b, &w, lifo); /* step 3 */
	gr__park_punlock_inline(&b->lock, reason);
}

/* The same until until_ns. False: the time is up, and no permit has been taken. */
static __attribute__((noinline)) bool acquire_slow_until(_Atomic uint32_t *sema, bool lifo, enum gr__wait reason,
							 int64_t until_ns)
{
	struct bucket *b = bucket_of(sema);
	_Atomic uint32_t won = GR__NOBODY;
	struct waiter w;

	gr__plock(&b->lock);
	gr__padd32(&b->nwait, 1); /* step 1 */
	if (take_permit(sema)) {
		owner_add(&b->nwait, -1u);
		gr__punlock(&b->lock);
		return true;
	}
	w.word = sema;
	w.g = gr__m()->curg;
	w.won = &won;
	w.is_queued = true;
	w.g->wait_data = (void *)sema;
	queue_waiter(b, &w, lifo); /* step 3 */
	if (gr__park_until(&b->lock, &won, until_ns, reason))
		return true;
	gr__plock(&b->lock); /* I2 */
	if (w.is_queued) {
		remove_waiter(b, &w);
		owner_add(&b->nwait, -1u);
	}
	gr__punlock(&b->lock);
	return false;
}

void gr__sema_acquire(_Atomic uint32_t *sema, bool lifo, enum gr__wait reason)
{
	if (!take_permit(sema))
		acquire_slow(sema, lifo, reason);
}

bool gr__sema_acquire_until(_Atomic uint32_t *sema, bool lifo, enum gr__wait reason, int64_t until_ns)
{
	if (take_permit(sema))
		return true;
	if (until_ns != INT64_MAX)
		return acquire_slow_until(sema, lifo, reason, until_ns);
	acquire_slow(sema, lifo, reason);
	return true;
}

/*
 * The rest of grant_locked where the first waiter, w, is one with a time-out, and off the list. NULL: all that waited are
 * dead, and the permit is the word's again.
 */
static __attribute__((noinline)) struct gr_g *grant_alive_locked(struct bucket *b, struct waiter **link,
								 _Atomic uint32_t *word, struct waiter *w)
{
	while (w->won) {
		w->is_queued = false;
		if (gr__win(w->won, GR__WON))
			break;
		if (!*link || (*link)->word != word) {
			gr__padd32(word, 1);
			return NULL;
		}
		w = take_waiter(link);
		owner_add(&b->nwait, -1u);
	}
	return w->g;
}

/* With a permit taken off `word`, on which somebody waits: the G of the first live waiter, which is off the list then. */
static inline __attribute__((always_inline)) struct gr_g *grant_locked(struct bucket *b, struct waiter **link,
								       _Atomic uint32_t *word)
{
	struct waiter *w = take_waiter(link);

	owner_add(&b->nwait, -1u);
	return likely(!w->won) ? w->g : grant_alive_locked(b, link, word, w);
}

/* Serve the first waiter of `word` if there is one and the permit has not been taken by a newcomer. */
static __attribute__((noinline)) void wake_waiter(_Atomic uint32_t *word, enum gr__sema_wake wake)
{
	struct bucket *b = bucket_of(word);
	struct waiter **link;
	struct gr_g *g;

	gr__plock(&b->lock);
	link = find_word(b, word);
	if (!*link || !take_permit(word)) { /* I2 */
		gr__punlock(&b->lock);
		return;
	}
	g = grant_locked(b, link, word);
	gr__punlock(&b->lock);
	if (unlikely(!g))
		return;
	if (wake == GR__SEMA_TAIL) {
		gr__ready_tail(g);
		return;
	}
	gr__ready(g);
	if (wake == GR__SEMA_HANDOFF)
		gr__yield_to_next();
}

void gr__sema_release(_Atomic uint32_t *sema, enum gr__sema_wake wake)
{
	gr__padd32(sema, 1); /* step 1 */
	if (load_seq_cst(&bucket_of(sema)->nwait) == 0) /* step 2 */
		return;
	wake_waiter(sema, wake);
}

void gr__sema_reset(void)
{
	memset(table, 0, sizeof(table));
}

void gr_sema_acquire(_Atomic uint32_t *sema)
{
	if (!take_permit(sema))
		acquire_slow(sema, false, GR__WAIT_SEMA);
}

int gr__sema_acquire_timeout(_Atomic uint32_t *sema, uint64_t timeout_ns)
{
	if (take_permit(sema))
		return 0;
	if (timeout_ns == 0)
		return -ETIMEDOUT;
	return gr__sema_acquire_until(sema, false, GR__WAIT_SEMA, gr__timer_after(timeout_ns)) ? 0 : -ETIMEDOUT;
}

void gr_sema_release(_Atomic uint32_t *sema)
{
	gr__sema_release(sema, GR__SEMA_NEXT);
}

bool gr_sema_try_acquire(_Atomic uint32_t *sema)
{
	return take_permit(sema);
}
