/*
 * netpoll.h - what net.c, netpoll.c and the backend netpoll_epoll.c offer each other.
 */
#ifndef GR_NETPOLL_H
#define GR_NETPOLL_H

#include "internal.h"

/* GR_SOCK_READ and GR_SOCK_WRITE of gr.h are the bits 1 << these. */
enum gr__np_dir { GR__NP_READ, GR__NP_WRITE };
enum { GR__NP_BOTH = 3 };

/*
 * dir[] of a descriptor, one word per direction:
 *   IDLE   no edge since the word was cleared; nobody waits
 *   READY  an edge has arrived, or nothing is known yet: trying is worth a call
 *   PARKING a G is on its way to sleep
 *   else   the G that sleeps
 *
 *   READY -> IDLE                 the G that is about to try (gr__np_clear), and back if it finds that it must not
 *   IDLE -> PARKING -> its G      the G that waits (gr__np_wait), the second step in the park's commit
 *   PARKING -> READY              the poller, close, shutdown, cancel, a deadline: the commit fails and the G goes on
 *   a G -> READY                  the same: who makes the step makes the G runnable
 *   IDLE -> READY                 the same
 *
 * So READY means "look", not "there is something". What a call may find when it looks, beside data: that s is closed
 * (refs), that it is shut, that the deadline of its direction has passed (expired), that it has been called off (cancels
 * is not what it was when the call began). Each of these is stored before the word is set, and looked at after the word
 * is cleared; a call that goes because of one sets the word to READY again, for the edge that it may have cleared and for
 * the next one whom the same concerns.
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
	_Atomic uint8_t shut; /* a bit per direction, 1 << dir: gr_sock_shutdown was called: sticky */
	_Atomic bool expired[2]; /* the deadline has passed, and has not been set again: deadline.c */
	_Atomic uint32_t cancels[2]; /* how often gr_sock_cancel was called for the direction; wraps */

	/* immutable while open */
	bool is_socket; /* recv(2) and send(2) instead of read(2) and write(2) */
	bool short_is_drained; /* a read that returns less than asked has emptied it: see net.c */
	int fd;

	/* semaphores */
	_Atomic uint32_t idle; /* all calls but gr_sock_close, which waits on it, have returned */
	_Atomic uint32_t turn[2]; /* of calls of which several may wait in one direction: one at a time */

	_Atomic(struct gr__np_deadlines *) deadlines; /* NULL before the first; stays with the slot */
};
_Static_assert(sizeof(struct gr_sock) == CACHE_LINE_BYTES, "a descriptor's slot is one cache line");

/* ---- netpoll.c ------------------------------------------------------------------------------------- */

/* The slot of fd, made if need be; NULL without memory or beyond the largest number that is supported. */
struct gr_sock *gr__np_slot(int fd);

/* Take and give back the right to use s; false when it is not open. A reference keeps the descriptor from closing. */
bool gr__np_ref(struct gr_sock *s);
void gr__np_unref(struct gr_sock *s);

/*
 * Take over fd, which is non-blocking: fill in the slot and register. 0 or -errno; on errors fd is the caller's as before.
 * is_socket, short_is_drained: see struct gr_sock.
 */
int gr__np_open(int fd, bool is_socket, bool short_is_drained, struct gr_sock **out);

/* To be read when a call in direction d begins, with a reference: what gr__np_clear is to know it by. */
static inline uint32_t gr__np_begin(const struct gr_sock *s, enum gr__np_dir d)
{
	return load_relaxed(&s->cancels[d]);
}

/*
 * Say "I am about to try": an edge that arrives from here on is not lost. 0; or why the call must not: -ECANCELED (closed,
 * or called off since gr__np_begin returned `cancels`), -ETIMEDOUT. Then d is READY again.
 */
int gr__np_clear(struct gr_sock *s, enum gr__np_dir d, uint32_t cancels);

/* Block the calling G until d is ready; it may be ready at once, and for any of the reasons above. */
void gr__np_wait(struct gr_sock *s, enum gr__np_dir d, enum gr__wait reason);

/* What calls that always wait before they try begin with, and go back to after EAGAIN. As gr__np_clear. */
static inline int gr__np_prepare(struct gr_sock *s, enum gr__np_dir d, uint32_t cancels, enum gr__wait reason)
{
	if (load_acquire(&s->dir[d]) != GR__NP_READY)
		gr__np_wait(s, d, reason);
	return gr__np_clear(s, d, cancels);
}

/* Set by who has tried and knows that there may be more: the next one tries before it waits. */
static inline void gr__np_set_ready(struct gr_sock *s, enum gr__np_dir d)
{
	store_release(&s->dir[d], GR__NP_READY);
}

static inline bool gr__np_is_shut(const struct gr_sock *s, enum gr__np_dir d)
{
	return load_relaxed(&s->shut) >> d & 1;
}

/* Wake the directions in `dirs` (bits 1 << dir) after what they are to look at has been stored. From a G. */
void gr__np_wake(struct gr_sock *s, unsigned dirs);

/* The deadline of d has passed. Returns the G that waited, which is the caller's to make runnable, or NULL. */
struct gr_g *gr__np_expire(struct gr_sock *s, enum gr__np_dir d);

/* For the backend: an event of the descriptor that `data` stands for. Gs that it wakes are appended to out. */
void gr__np_event(uint64_t data, bool readable, bool writable, bool hung_up, struct gr__glist *out);

/* Ask for the memory that gr__np_event will touch: first for the slot, when that is there for the G that reads. */
void gr__np_prefetch_slot(uint64_t data);
void gr__np_prefetch_g(uint64_t data);

/* What the backend hands to the kernel for s, and gets back with its events. */
static inline uint64_t gr__np_data(const struct gr_sock *s)
{
	return (uint64_t)load_relaxed(&s->tag) << 32 | (uint32_t)s->fd;
}

/* ---- net.c ------------------------------------------------------------------------------------------ */

/* Whether short reads of the socket fd mean that it is drained: see net.c. */
bool gr__np_is_tcp(int fd);

/* ---- deadline.c ------------------------------------------------------------------------------------- */

/* s is being closed, OPEN is gone: its deadlines do not pass any more. */
void gr__np_deadlines_off(struct gr_sock *s);
/* n more (or less) Gs wait for completions of file_uring.c: they need somebody who polls, as I3's. */
void gr__np_count_waiters(unsigned n);

/* ---- netpoll_epoll.c ------------------------------------------------------------------------------- */

int gr__np_backend_open(void); /* 0 or -errno */
void gr__np_backend_close(void);
/* End a wait whenever fd is readable; to be taken out by its close. 0 or -errno. */
int gr__np_backend_watch(int fd);
int gr__np_backend_add(const struct gr_sock *s); /* 0 or -errno; -EPERM: cannot be polled */
void gr__np_backend_remove(const struct gr_sock *s);
/* gr__netpoll's waiting part; calls gr__np_event for each event. */
void gr__np_backend_wait(int64_t delay_ns, struct gr__glist *out);

#endif
