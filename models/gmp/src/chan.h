/*
 * chan.h - the inside of a channel, for the operations on one (chan.c) and on several at once (select.c).
 */
#ifndef GR_CHAN_H
#define GR_CHAN_H

#include "timeout.h"

enum { GR__CASES_MAX = 65536 }; /* of one select; Go's */

/*
 * A select that waits: what its cases' waiters have in common. On the stack of the G that selects.
 *
 * Several channels, and the clock, may want to serve it at the same time, each under its own lock only: timeout.h. Also of a
 * single operation with a time-out, which is a select of one case to the channel.
 */
struct gr__select {
	_Atomic uint32_t won; /* enum gr__won */
	struct gr__waiter *winner; /* the waiter served, NULL for the clock; read by the G when it is awake */
	const gr_case *cases; /* immutable; for dumps; NULL: a single operation with a time-out */
	size_t n; /* likewise */
};

/* Win s for w, before anything of w's operation is done. False: somebody else has. */
static inline bool gr__select_win(struct gr__select *s, struct gr__waiter *w)
{
	if (!gr__win(&s->won, GR__WON))
		return false;
	s->winner = w;
	return true;
}

/* A FIFO of waiters. Changed under the channel's lock; `first` is read without it by the non-blocking operations. */
struct gr__waitq {
	_Atomic(struct gr__waiter *) first;
	struct gr__waiter *last; /* meaningless when first is NULL */
};

struct gr_chan {
	/* under lock */
	struct gr__lock lock;
	_Atomic uint32_t count; /* elements in the ring; read without the lock too */
	uint32_t recv_i; /* slot of the oldest element */
	uint32_t send_i; /* slot of the next one */
	struct gr__waitq recvq; /* receivers that found it empty */
	struct gr__waitq sendq; /* senders that found it full */
	_Atomic bool closed; /* read without the lock too; never goes back */

	/* immutable */
	uint16_t elem_bytes;
	uint32_t cap;
	unsigned char ring[]; /* cap slots */
};
_Static_assert(sizeof(struct gr_chan) <= CACHE_LINE_BYTES, "the hot part of a channel is one cache line");

/* Append w, under the channel's lock. */
static inline void gr__waitq_put(struct gr__waitq *q, struct gr__waiter *w)
{
	w->next = NULL;
	if (!load_relaxed(&q->first)) {
		w->prev = NULL;
		store_relaxed(&q->first, w);
	} else {
		w->prev = q->last;
		q->last->next = w;
	}
	q->last = w;
}

/* Take w out from wherever it is in q, under the channel's lock. */
static inline void gr__waitq_remove(struct gr__waitq *q, struct gr__waiter *w)
{
	if (w->next)
		w->next->prev = w->prev;
	else
		q->last = w->prev;
	if (w->prev)
		w->prev->next = w->next;
	else
		store_relaxed(&q->first, w->next);
}

/*
 * Send, receive, if that needs no waiting; under c->lock, which stays held. *woken is set to the waiter of the other
 * side that was served thereby, or NULL: its G has to be readied after the lock is released. The channel must not be
 * closed for a send; a receive tells nothing about it.
 */
bool gr__chan_send_locked(struct gr_chan *c, const void *elem, struct gr__waiter **woken);
bool gr__chan_recv_locked(struct gr_chan *c, void *elem, struct gr__waiter **woken);

#endif
