/*
 * stx.h - what State Threads leaves to its users and the bodies need: channels, and the stack size of new threads.
 *
 * The library has threads, condition variables, mutexes and descriptors. All its threads take turns on one kernel thread
 * and none is interrupted, so whoever writes a queue on it needs a condition variable and no lock: between two calls that
 * wait, nobody else runs. That is how these channels are written, and it favours this library on one CPU.
 */
#ifndef STX_H
#define STX_H

#include <st.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the runtime -------------------------------------------------------------------------------- */

/*
 * Once before anything else, in the kernel thread that all threads then share. knobs: "" or "stack_kib=N", the stack of a
 * thread; without it threads have what the library gives. -EINVAL: another knob.
 */
int stx_start(const char *knobs);

/* As st_thread_create() takes it: 0 is the library's own. */
int stx_stack_bytes(void);

/* Start fn(arg) as a thread that nobody joins. 0, -ENOMEM. */
int stx_go(size_t stack_bytes, void (*fn)(void *), void *arg);

/* A caller's bug: one sentence on stderr, then abort. */
void stx_fatal(const char *what) __attribute__((noreturn, cold));

/* ---- channels ----------------------------------------------------------------------------------- */

/* A bounded queue of elements of one size. Capacity 0: a sender waits until its element has been received. */
struct stx_chan {
	/* immutable after stx_chan_init */
	size_t elem_bytes;
	size_t n_slots; /* the capacity, at least 1 */
	bool is_rendezvous; /* the capacity is 0: the one slot is where sender and receiver meet */
	unsigned char *slots;
	/* of the one that runs */
	st_cond_t not_empty; /* receivers wait here; of a set's channels: the set's */
	st_cond_t not_full; /* senders wait here for a slot */
	st_cond_t taken; /* rendezvous: senders wait here until their element has been received */
	size_t head; /* slot of the oldest element */
	size_t count; /* elements in the queue */
	uint64_t n_sent, n_received; /* ever: the n-th that is sent is the n-th that is received */
	unsigned inside; /* threads that are in a call */
	bool is_closed;
};

int stx_chan_init(struct stx_chan *c, size_t elem_bytes, size_t capacity);

/* Waits for threads that have been woken and are on their way out of a call. */
void stx_chan_destroy(struct stx_chan *c);
void stx_chan_send(struct stx_chan *c, const void *elem);
bool stx_chan_recv(struct stx_chan *c, void *elem); /* false: closed and drained */
void stx_chan_close(struct stx_chan *c);

/* Channels that one thread receives from together: they share the condition variable that it waits on. */
struct stx_set {
	struct stx_chan *chans;
	size_t n;
	void *elem;
	st_cond_t not_empty; /* of all of them */
	st_cond_t *own; /* those that the channels had */
	size_t next; /* the channel that is looked at first: the one behind that which was received from last */
};

int stx_set_init(struct stx_set *s, struct stx_chan *chans, size_t n, void *elem);
void stx_set_destroy(struct stx_set *s);
int stx_select(struct stx_set *s); /* the channel's index; -1: all are closed and drained */

#endif
