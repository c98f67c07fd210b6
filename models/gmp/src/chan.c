/*
 * chan.c - channels: bounded queues of fixed-size elements on which Gs block.
 *
 * A channel is a lock, a ring of `cap` elements, and two FIFO lists of waiters. A waiter lives on the stack of the G
 * that waits (the G is parked, so the stack stands still) and says where its element is. What makes channels fast and
 * fair is the direct hand-off: whoever comes second does the whole operation for who came first - copies the element
 * to or from the waiter's memory - and only then makes it runnable. A woken G never takes the lock again and cannot
 * lose its turn to a newcomer.
 *
 * Rejected: a lock-free ring. The operation that matters, "take an element *and* wake who waits for the slot", is
 * two structures; a lock of one uncontended swap does both, and contention on one channel is not helped by a
 * ring whose ends bounce between the same cores. Waiters from malloc or from a per-P cache (Go's sudog): the stack is
 * free, warm, and in C it does not move.
 *
 * A waiter may also be one case of a select (select.c), which waits in several lists at a time. Whoever takes it off a
 * list has to win the select first; if somebody else has won it, the waiter is dead: it is dropped, and the next one is
 * looked at. Lists are doubly linked so that a select leaves those that it lost in O(1) each.
 *
 * Invariants (all under c->lock; a waiter is alive if it is not one of a select that somebody has won):
 *   I1  live waiters are in recvq or in sendq, not in both, but for those of one select that both sends and receives.
 *   I2  somebody alive in recvq: count == 0. Somebody alive in sendq: count == cap.
 *   I3  closed: sendq and recvq are empty.
 *   I4  a waiter that has been taken off a list belongs to who took it, until that calls gr__ready on its G; then
 *       its memory is gone.
 *   I5  gr__ready is called without the lock, and the channel is not touched afterwards: the woken G may free it.
 *   I6  a dead waiter may be in a list, and its memory is good while it is: its G takes it out, under the lock, before
 *       it returns from the select. is_queued tells it whether somebody else has done that already.
 *
 * Park against wake. The waiter is on the list before its G is off its stack; the lock is what keeps wakers away:
 *
 *      who waits                               who comes second
 *      ---------                               ----------------
 *      1 takes the lock                        1 takes the lock (after step 4 of the other)
 *      2 puts its waiter on the list           2 takes the waiter off, copies the element
 *      3 switches off its stack                3 releases the lock
 *      4 (on the next stack) commit:           4 gr__ready(g)
 *        releases the lock
 *
 * Costs: a send or receive that need not wait is one lock, one copy, one unlock; a hand-off is that and one
 * gr__ready. No clock, no allocation, no atomic read-modify-write besides the lock's, and on one P not even those
 * (plock.h).
 */
#include "chan.h"
#include "grow.h"
#include "switch.h"

#include <errno.h>
#include <string.h>

GR__FITS_SMALL_STACKS;

/* Elements must be smaller, as in Go: larger ones are better passed by pointer, and the size fits 16 bits. */
enum { ELEM_BYTES_LIMIT = 1 << 16 };

/* ---- parts ----------------------------------------------------------------------------------------- */

static inline bool queue_is_empty(struct gr__waitq *q)
{
	return !load_relaxed(&q->first);
}

/* Take the first waiter, which is there, off the list. */
static inline void queue_drop_first(struct gr__waitq *q, struct gr__waiter *w)
{
	struct gr__waiter *next = w->next;

	store_relaxed(&q->first, next);
	if (next)
		next->prev = NULL;
}

static inline struct gr__waitq *queue_of(struct gr_chan *c, bool senders)
{
	return senders ? &c->sendq : &c->recvq;
}

/* The rest of queue_take where the first waiter, w, is one of a select. */
static __attribute__((noinline)) struct gr__waiter *win_or_take_next(struct gr_chan *c, bool senders,
								     struct gr__waiter *w)
{
	struct gr__waitq *q = queue_of(c, senders);

	while (w && w->select) {
		w->is_queued = false;
		if (gr__select_win(w->select, w))
			break;
		w = load_relaxed(&q->first);
		if (w)
			queue_drop_first(q, w);
	}
	return w;
}

/*
 * The first waiter that can be served, off the list and won for the caller if it belongs to a select (I6). With the
 * channel instead of the list, because the list's address would cost the fast paths a register that has to be saved.
 */
static inline struct gr__waiter *queue_take(struct gr_chan *c, bool senders)
{
	struct gr__waitq *q = queue_of(c, senders);
	struct gr__waiter *w = load_relaxed(&q->first);

	if (!w)
		return NULL;
	queue_drop_first(q, w);
	if (unlikely(w->select))
		return win_or_take_next(c, senders, w);
	return w;
}

/* The sizes that most programs send, as moves; memcpy's call costs more than all the rest of a copy of 8 bytes. */
static inline void copy_elem(const struct gr_chan *c, void *dst, const void *src)
{
	switch (c->elem_bytes) {
	case 8:
		memcpy(dst, src, 8);
		return;
	case 4:
		memcpy(dst, src, 4);
		return;
	case 1:
		memcpy(dst, src, 1);
		return;
	case 2:
		memcpy(dst, src, 2);
		return;
	case 0:
		return;
	default:
		memcpy(dst, src, c->elem_bytes);
	}
}

static inline void zero_elem(const struct gr_chan *c, void *dst)
{
	if (c->elem_bytes)
		memset(dst, 0, c->elem_bytes);
}

static inline unsigned char *ring_slot(struct gr_chan *c, uint32_t i)
{
	return c->ring + (size_t)i * c->elem_bytes;
}

static inline uint32_t next_slot(const struct gr_chan *c, uint32_t i)
{
	return i + 1 == c->cap ? 0 : i + 1;
}

static bool stay_parked(struct gr_g *g, void *arg)
{
	(void)g, (void)arg;
	return true;
}

/* An operation on a nil channel: nobody can ever wake the G, the deadlock detector and dumps see why. */
static _Noreturn __attribute__((noinline)) void block_forever(void)
{
	for (;;)
		gr__park(stay_parked, NULL, GR__WAIT_CHAN_NIL);
}

/*
 * Put the calling G on q and block it; releases c->lock. True: an element went over. False: closed meanwhile. Inlined
 * into functions that are called in tail position: see switch.h.
 */
static inline __attribute__((always_inline)) bool wait_in(struct gr_chan *c, struct gr__waitq *q, void *elem,
							  enum gr__wait reason)
{
	struct gr__waiter w;

	w.g = gr__m()->curg;
	w.select = NULL;
	w.elem = elem;
	w.done = false;
	w.g->wait_data = c;
	gr__waitq_put(q, &w);
	gr__park_punlock_inline(&c->lock, reason);
	return w.done;
}

static __attribute__((noinline)) void send_waiting(struct gr_chan *c, const void *elem)
{
	/* Receivers only read through waiter.elem of a sender. */
	if (unlikely(!wait_in(c, &c->sendq, (void *)(uintptr_t)elem, GR__WAIT_CHAN_SEND)))
		gr__fatal("gr_chan_send: the channel was closed while the goroutine waited to send");
}

static __attribute__((noinline)) bool recv_waiting(struct gr_chan *c, void *elem)
{
	return wait_in(c, &c->recvq, elem, GR__WAIT_CHAN_RECV);
}

/*
 * The same until until_ns: as a select of one case, which the clock may win. 0; -EPIPE: closed meanwhile; -ETIMEDOUT. Not
 * inlined anywhere: who waits with a time-out pays for a timer anyway.
 */
static __attribute__((noinline)) int wait_in_until(struct gr_chan *c, bool senders, void *elem, int64_t until_ns)
{
	struct gr__select s = {.won = GR__NOBODY};
	struct gr__waiter w;

	w.g = gr__m()->curg;
	w.select = &s;
	w.elem = elem;
	w.done = false;
	w.is_queued = true;
	w.g->wait_data = c;
	gr__waitq_put(queue_of(c, senders), &w);
	if (gr__park_until(&c->lock, &s.won, until_ns, senders ? GR__WAIT_CHAN_SEND : GR__WAIT_CHAN_RECV))
		return w.done ? 0 : -EPIPE;
	gr__plock(&c->lock); /* I6 */
	if (w.is_queued)
		gr__waitq_remove(queue_of(c, senders), &w);
	gr__punlock(&c->lock);
	return -ETIMEDOUT;
}

/*
 * The end of an operation that did not have to wait and has served w, or nobody. If woken is NULL it releases c->lock
 * and makes w's G runnable, and neither the channel nor the waiter may be touched afterwards (I4, I5); else that is left
 * to the caller. A constant where it is inlined.
 */
static inline __attribute__((always_inline)) bool served(struct gr_chan *c, struct gr__waiter *w,
							 struct gr__waiter **woken)
{
	struct gr_g *g;

	if (w)
		w->done = true;
	if (woken) {
		*woken = w;
		return true;
	}
	g = w ? w->g : NULL;
	gr__punlock(&c->lock);
	if (w)
		gr__ready(g);
	return true;
}

/* Send if that needs no waiting; false: c->lock is still held. True: see served(). c is not closed. */
static inline __attribute__((always_inline)) bool send_locked(struct gr_chan *c, const void *elem,
							      struct gr__waiter **woken)
{
	struct gr__waiter *w = queue_take(c, false);
	uint32_t n;

	if (w) { /* I2: the ring is empty, so this is the oldest element */
		copy_elem(c, w->elem, elem);
		return served(c, w, woken);
	}
	n = load_relaxed(&c->count);
	if (n == c->cap)
		return false;
	copy_elem(c, ring_slot(c, c->send_i), elem);
	c->send_i = next_slot(c, c->send_i);
	store_relaxed(&c->count, n + 1);
	return served(c, NULL, woken);
}

/* Receive if that needs no waiting; false: c->lock is still held. True: see served(). */
static inline __attribute__((always_inline)) bool recv_locked(struct gr_chan *c, void *elem, struct gr__waiter **woken)
{
	uint32_t n = load_relaxed(&c->count);
	struct gr__waiter *w;

	if (n == 0) {
		/* I2: senders wait on an empty channel only where there is no ring. */
		w = queue_take(c, true);
		if (!w)
			return false;
		copy_elem(c, elem, w->elem);
		return served(c, w, woken);
	}
	copy_elem(c, elem, ring_slot(c, c->recv_i));
	w = queue_take(c, true);
	if (w) {
		/* The ring was full: the slot just emptied is also the one behind the last element. */
		copy_elem(c, ring_slot(c, c->recv_i), w->elem);
		c->recv_i = next_slot(c, c->recv_i);
		c->send_i = c->recv_i;
		return served(c, w, woken);
	}
	c->recv_i = next_slot(c, c->recv_i);
	store_relaxed(&c->count, n - 1);
	return served(c, NULL, woken);
}

bool gr__chan_send_locked(struct gr_chan *c, const void *elem, struct gr__waiter **woken)
{
	return send_locked(c, elem, woken);
}

bool gr__chan_recv_locked(struct gr_chan *c, void *elem, struct gr__waiter **woken)
{
	return recv_locked(c, elem, woken);
}

/* ---- making ---------------------------------------------------------------------------------------- */

int gr_chan_new(size_t elem_bytes, size_t capacity, gr_chan **out)
{
	struct gr_chan *c;

	if (elem_bytes >= ELEM_BYTES_LIMIT)
		return -EINVAL;
	/* The indexes are 32 bits wide: more elements than that count as more memory than there is. */
	if (capacity >= UINT32_MAX || (elem_bytes && capacity > (SIZE_MAX / 2 - sizeof(*c)) / elem_bytes))
		return -ENOMEM;
	c = gr__alloc(0, sizeof(*c) + capacity * elem_bytes);
	if (!c)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	c->cap = (uint32_t)capacity;
	c->elem_bytes = (uint16_t)elem_bytes;
	*out = c;
	return 0;
}

void gr_chan_free(gr_chan *c)
{
	if (!c)
		return;
	if (!queue_is_empty(&c->recvq) || !queue_is_empty(&c->sendq))
		gr__fatal("gr_chan_free: a goroutine waits on the channel");
	gr__free(c);
}

/* ---- operations ------------------------------------------------------------------------------------ */

void gr_chan_send(gr_chan *c, const void *elem)
{
	if (unlikely(!c))
		block_forever();
	gr__plock(&c->lock);
	if (unlikely(load_relaxed(&c->closed)))
		gr__fatal("gr_chan_send: the channel is closed");
	if (send_locked(c, elem, NULL))
		return;
	send_waiting(c, elem);
}

bool gr_chan_recv(gr_chan *c, void *elem)
{
	if (unlikely(!c))
		block_forever();
	gr__plock(&c->lock);
	if (recv_locked(c, elem, NULL))
		return true;
	if (unlikely(load_relaxed(&c->closed))) {
		gr__punlock(&c->lock);
		zero_elem(c, elem);
		return false;
	}
	return recv_waiting(c, elem);
}

/*
 * The non-blocking operations look without the lock first, because they are mostly called in loops that poll. The
 * answer "would block" is right if it was at some moment of the call. Send reads `closed` before "full": a channel
 * that is seen open was open then, and one never gets from full to closed to not full, so that saying "full" of a
 * channel that has been closed since is right for the moment at which it was open. Receive reads "empty" before
 * `closed`: if it is open after it was empty, it was open and empty at that earlier moment.
 */
bool gr_chan_try_send(gr_chan *c, const void *elem)
{
	if (unlikely(!c))
		return false;
	if (!load_acquire(&c->closed) && (c->cap ? load_acquire(&c->count) == c->cap : !load_acquire(&c->recvq.first)))
		return false;
	gr__plock(&c->lock);
	if (unlikely(load_relaxed(&c->closed)))
		gr__fatal("gr_chan_try_send: the channel is closed");
	if (send_locked(c, elem, NULL))
		return true;
	gr__punlock(&c->lock);
	return false;
}

bool gr_chan_try_recv(gr_chan *c, void *elem, bool *closed)
{
	bool is_closed;

	if (closed)
		*closed = false;
	if (unlikely(!c))
		return false;
	if ((c->cap ? load_acquire(&c->count) == 0 : !load_acquire(&c->sendq.first)) && !load_acquire(&c->closed))
		return false;
	gr__plock(&c->lock);
	if (recv_locked(c, elem, NULL))
		return true;
	is_closed = load_relaxed(&c->closed);
	gr__punlock(&c->lock);
	if (is_closed) {
		zero_elem(c, elem);
		if (closed)
			*closed = true;
	}
	return false;
}

/* A nil channel with a time-out. */
static int wait_for_nothing(uint64_t timeout_ns)
{
	if (timeout_ns == UINT64_MAX)
		block_forever();
	if (timeout_ns)
		gr_sleep_ns(timeout_ns);
	return -ETIMEDOUT;
}

int gr__chan_send_timeout(gr_chan *c, const void *elem, uint64_t timeout_ns)
{
	int64_t until_ns;
	int err;

	if (unlikely(!c))
		return wait_for_nothing(timeout_ns);
	if (timeout_ns == 0)
		return gr_chan_try_send(c, elem) ? 0 : -ETIMEDOUT;
	gr__plock(&c->lock);
	if (unlikely(load_relaxed(&c->closed)))
		gr__fatal("gr_chan_send: the channel is closed");
	if (send_locked(c, elem, NULL))
		return 0;
	until_ns = gr__timer_after(timeout_ns);
	if (until_ns == INT64_MAX) {
		send_waiting(c, elem);
		return 0;
	}
	err = wait_in_until(c, true, (void *)(uintptr_t)elem, until_ns);
	if (unlikely(err == -EPIPE))
		gr__fatal("gr_chan_send: the channel was closed while the goroutine waited to send");
	return err;
}

int gr__chan_recv_timeout(gr_chan *c, void *elem, uint64_t timeout_ns)
{
	bool closed = false;
	int64_t until_ns;

	if (unlikely(!c))
		return wait_for_nothing(timeout_ns);
	if (timeout_ns == 0)
		return gr_chan_try_recv(c, elem, &closed) ? 0 : closed ? -EPIPE : -ETIMEDOUT;
	gr__plock(&c->lock);
	if (recv_locked(c, elem, NULL))
		return 0;
	if (unlikely(load_relaxed(&c->closed))) {
		gr__punlock(&c->lock);
		zero_elem(c, elem);
		return -EPIPE;
	}
	until_ns = gr__timer_after(timeout_ns);
	if (until_ns == INT64_MAX)
		return recv_waiting(c, elem) ? 0 : -EPIPE;
	return wait_in_until(c, false, elem, until_ns);
}

/* Empty a list and return, in order, the waiters that are ours to wake; the dead ones are forgotten (I6). */
static struct gr__waiter *take_all_locked(struct gr_chan *c, bool senders)
{
	struct gr__waiter *first = queue_take(c, senders), *last = first;

	while (last) {
		last->next = queue_take(c, senders);
		last = last->next;
	}
	return first;
}

/*
 * Wake the waiters of a channel that has been closed; without its lock, and it may be gone. To the queue's tail, in
 * order: through runnext each would push the one before it out.
 */
static void wake_closed(struct gr__waiter *w, size_t zero_bytes)
{
	struct gr__waiter *next;

	for (; w; w = next) {
		struct gr_g *g = w->g;

		next = w->next;
		if (zero_bytes)
			memset(w->elem, 0, zero_bytes);
		gr__ready_tail(g);
	}
}

void gr_chan_close(gr_chan *c)
{
	struct gr__waiter *receivers, *senders;
	size_t elem_bytes;

	if (!c)
		gr__fatal("gr_chan_close: the channel is NULL");
	gr__plock(&c->lock);
	if (load_relaxed(&c->closed))
		gr__fatal("gr_chan_close: the channel is closed already");
	store_release(&c->closed, true);
	elem_bytes = c->elem_bytes; /* a woken G may free the channel */
	receivers = take_all_locked(c, false);
	senders = take_all_locked(c, true); /* they die by it */
	gr__punlock(&c->lock);
	wake_closed(receivers, elem_bytes);
	wake_closed(senders, 0);
}

size_t gr_chan_len(const gr_chan *c)
{
	return c ? load_relaxed(&c->count) : 0;
}
