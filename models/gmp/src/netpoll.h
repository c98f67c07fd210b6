/*
 * netpoll.h - what net.c, netpoll.c and the backend netpoll_epoll.c offer each other.
 */
#ifndef GR_NETPOLL_H
#define GR_NETPOLL_H

#include "internal.h"

enum gr__np_dir { GR__NP_READ, GR__NP_WRITE };

/*
 * dir[] of a descriptor, one word per direction:
 *   IDLE   no edge since the word was cleared; nobody waits
 *   READY  an edge has arrived, or nothing is known yet: trying is worth a call
 *   PARKING a G is on its way to sleep
 *   else   the G that sleeps
 *
 *   READY -> IDLE                 the G that is about to try (gr__np_clear), and back if it finds s closed
 *   IDLE -> PARKING -> its G      the G that waits (gr__np_wait), the second step in the park's commit
 *   PARKING -> READY              the poller, close, shutdown: the commit fails and the G goes on
 *   a G -> READY                  the same: who makes the step makes the G runnable
 *   IDLE -> READY                 the same
 */
enum { GR__NP_IDLE = 0, GR__NP_READY = 1, GR__NP_PARKING = 2 };

/*
 * refs: one bit that says "adopted and not closed", and the number of calls that use the descriptor just now. Not 0 as
 * long as the descriptor is ours to close: gr_sock_close keeps its own reference to the end.
 */
enum { GR__NP_OPEN = 1, GR__NP_REF = 2 };

/*
 * A descriptor that is watched: gr.h's gr_sock. There is one slot per descriptor number, made when the number is
 * first seen and freed with the runtime (type-stable): a late event or a G that wakes up after the close finds
 * memory of the right type and sees by `tag` or `refs` that the thing it meant is gone.
 */
struct gr_sock {
	/* atomic */
	CACHE_ALIGNED _Atomic uintptr_t dir[2]; /* see above */
	_Atomic uint32_t refs; /* see above */
	_Atomic uint32_t tag; /* how often this number has been closed: part of the poller's data */
	_Atomic bool hung_up; /* an edge said that the peer will send no more, or an error: sticky */
	_Atomic bool shut; /* gr_sock_shutdown was called: sticky */

	/* immutable while open */
	bool is_socket; /* send(2) instead of write(2) */
	bool short_is_drained; /* a read that returns less than asked has emptied it: see net.c */
	int fd;

	_Atomic uint32_t idle; /* semaphore: all calls but gr_sock_close, which waits on it, have returned */
	gr_mutex accepting; /* several Gs may accept on one listener: one at a time */
};
_Static_assert(sizeof(struct gr_sock) == CACHE_LINE_BYTES, "a descriptor's slot is one cache line");

/* ---- netpoll.c ------------------------------------------------------------------------------------- */

/* The slot of fd, made if need be; NULL without memory or beyond the largest number that is supported. */
struct gr_sock *gr__np_slot(int fd);

/* Take and give back the right to use s; false when it is not open. A reference keeps the descriptor from closing. */
bool gr__np_ref(struct gr_sock *s);
void gr__np_unref(struct gr_sock *s);

/*
 * Say "I am about to try": an edge that arrives from here on is not lost. False when s has been closed: then d is READY
 * again, and s must not be used but by the caller's gr__np_unref.
 */
bool gr__np_clear(struct gr_sock *s, enum gr__np_dir d);

/* Block the calling G until d is ready; it may be ready at once, and for a close or shutdown too. */
void gr__np_wait(struct gr_sock *s, enum gr__np_dir d, enum gr__wait reason);

/* Set by who has tried and knows that there may be more: the next one tries before it waits. */
static inline void gr__np_set_ready(struct gr_sock *s, enum gr__np_dir d)
{
	store_release(&s->dir[d], GR__NP_READY);
}

/* Wake both directions: for close and shutdown. */
void gr__np_wake(struct gr_sock *s);

/* For the backend: an event of the descriptor that `data` stands for. Gs that it wakes are appended to out. */
void gr__np_event(uint64_t data, bool readable, bool writable, bool hung_up, struct gr__glist *out);

/* What the backend hands to the kernel for s, and gets back with its events. */
static inline uint64_t gr__np_data(const struct gr_sock *s)
{
	return (uint64_t)load_relaxed(&s->tag) << 32 | (uint32_t)s->fd;
}

/* ---- netpoll_epoll.c ------------------------------------------------------------------------------- */

int gr__np_backend_open(void); /* 0 or -errno */
void gr__np_backend_close(void);
int gr__np_backend_add(const struct gr_sock *s); /* 0 or -errno; -EPERM: cannot be polled */
void gr__np_backend_remove(const struct gr_sock *s);
/* gr__netpoll's waiting part; calls gr__np_event for each event. */
void gr__np_backend_wait(int64_t delay_ns, struct gr__glist *out);

#endif
