/*
 * pt.h - the pthread model: one kernel thread per task, the way a careful C programmer writes it.
 *
 * The model is the baseline "1:1 threads" of the comparison. Its rule is: textbook pthreads, nothing clever,
 * nothing crippled. So there is no spinning in front of a mutex, no queue without a lock and no
 * futex called by hand; and there is no needless lock, no stack larger than the system gives and no thread that
 * is created only to be measured. A thread pool there is only where a knob asks for one (pt_pool.c): by default a
 * task is a thread. What glibc does by itself (caching the stacks of ended threads, for
 * example) stays as it is, because every program that uses pthreads gets it.
 *
 * Errors: what the environment refuses is a negative errno (-EAGAIN where a limit on threads is met). A caller's
 * bug (sending on a closed channel, a wait group below zero) ends the process with a sentence.
 */
#ifndef PT_H
#define PT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the runtime (pt.c) ------------------------------------------------------------------------- */

enum { PT_STACK_MAX = 1 << 28 }; /* bytes of pt_go_sized: 256 MiB; arbitrary */
enum { PT_POOL_MAX = 4096 }; /* threads of a pool: more is a mistake in a knob; arbitrary */

/*
 * Once before anything else. knobs: "name=value,..." of these, or "":
 *   stack_kib=N   the size of every thread's stack; without it threads get what pthread_create gives (RLIMIT_STACK when
 *                 the process began)
 *   pool=N        tasks are run by N threads that take them from a queue, instead of by a thread each; 0: a thread each
 * -EINVAL: a knob that does not exist, or a value that the system does not accept; -EBUSY: started already.
 */
int pt_start(const char *knobs);

/* Run root(arg) in a thread of its own and wait for its end. */
void pt_run(void (*root)(void *), void *arg);

/* Wait until all detached tasks have ended, then undo pt_start. Joinable tasks must have been joined. */
void pt_stop(void);

/* Threads created since pt_start for tasks, the root's included. */
uint64_t pt_threads_created(void);

/* Threads of the pool; 0: there is none, a task is a thread. A pool's tasks must not wait for each other. */
unsigned pt_pool_threads(void);

/* The stack size in force, in bytes, without the guard page. */
size_t pt_stack_bytes(void);

/* A caller's bug, or an environment that leaves nothing to go on with: one sentence on stderr, then abort. */
void pt_fatal(const char *fmt, ...) __attribute__((noreturn, cold, format(printf, 1, 2)));

/* ---- tasks (pt.c) ------------------------------------------------------------------------------- */

/* What a thread of a pool runs. */
struct pt_job {
	void (*fn)(void *); /* immutable once the task is started, as the next two */
	void *arg;
	bool is_awaited; /* by pt_join */
	/* of a pool alone, under its lock */
	bool is_done;
	struct pt_job *next;
};

/* A joinable task. Written by pt_spawn, read by the thread that runs it, dead after pt_join. */
struct pt_task {
	pthread_t thread; /* owner: the thread that spawns and joins; void with a pool */
	struct pt_job job;
	bool is_joinable; /* owner: the thread that spawns and joins; catches a second join */
};

/* Start fn(arg) in a new thread: 0 or a negative errno, and then there is no thread. */
int pt_spawn(struct pt_task *t, void (*fn)(void *), void *arg);

/* Wait for the end of a task; once per task. */
void pt_join(struct pt_task *t);

/* Start fn(arg) in a detached thread; pt_stop waits for it. 0 or a negative errno. */
int pt_go(void (*fn)(void *), void *arg);

/*
 * The same in a thread with at least so much stack for fn, and no more than the system adds; up to PT_STACK_MAX. -EINVAL:
 * more; -EOPNOTSUPP: there is a pool, whose threads have their stacks.
 */
int pt_go_sized(size_t stack_bytes, void (*fn)(void *), void *arg);

/* ---- channels (pt_chan.c) ----------------------------------------------------------------------- */

/* A lock and the place where receivers wait: of one channel, or of all channels of a set. */
struct pt_hub {
	pthread_mutex_t lock;
	pthread_cond_t not_empty; /* receivers wait here */
	unsigned sleepers; /* under lock: threads inside pthread_cond_wait, woken ones that have not left it included */
};

/* A bounded queue of elements of one size. Capacity 0: a sender waits until its element has been received. */
struct pt_chan {
	/* immutable after pt_chan_init */
	size_t elem_bytes;
	size_t n_slots; /* the capacity, at least 1 */
	bool is_rendezvous; /* the capacity is 0: the one slot is where sender and receiver meet */
	unsigned char *slots;
	struct pt_hub own;
	struct pt_hub *hub; /* &own, or that of the set that the channel is in. "Under lock" below is hub->lock */
	pthread_cond_t not_full; /* senders wait here for a slot */
	pthread_cond_t taken; /* rendezvous: senders wait here until their element has been received */
	/* under lock */
	size_t head; /* slot of the oldest element */
	size_t count; /* elements in the queue */
	uint64_t n_sent; /* elements ever put in; the n-th is received as the n-th */
	uint64_t n_received; /* elements ever taken out */
	unsigned not_full_sleepers; /* as hub->sleepers */
	unsigned taken_sleepers;
	bool is_closed;
	/* atomic; raised under lock, lowered by the last touch of the call */
	_Atomic unsigned n_waking; /* calls that wake somebody after their unlock */
};

int pt_chan_init(struct pt_chan *c, size_t elem_bytes, size_t capacity);
void pt_chan_destroy(struct pt_chan *c);

/* Blocks while the queue is full. Sending on a closed channel is a caller's bug. */
void pt_chan_send(struct pt_chan *c, const void *elem);

/* Blocks while the queue is empty. False: the channel is closed and drained. */
bool pt_chan_recv(struct pt_chan *c, void *elem);

/* No more sends; wakes all receivers. Once. No sender may be inside pt_chan_send. */
void pt_chan_close(struct pt_chan *c);

/* Channels that are received from together: they share a hub, so one thread can sleep for all of them. */
struct pt_set {
	struct pt_hub hub;
	/* immutable after pt_set_init */
	struct pt_chan *chans;
	size_t n;
	void *elem;
	/* under hub.lock */
	size_t next; /* the channel that is looked at first: the one after that which was received from last */
};

/* Make a set of n channels that nobody has used yet. What is received goes to elem. 0 or a negative errno. */
int pt_set_init(struct pt_set *s, struct pt_chan *chans, size_t n, void *elem);

/* The channels stand alone again. No call on them may be under way. */
void pt_set_destroy(struct pt_set *s);

/* Receive from any of the channels; blocks while all are empty. Its index; -1: all are closed and drained. */
int pt_select(struct pt_set *s);

/* ---- wait groups (pt_wg.c) ---------------------------------------------------------------------- */

/* A counter; waiters sleep until it is 0. */
struct pt_wg {
	pthread_mutex_t lock;
	pthread_cond_t is_zero;
	/* under lock */
	long count; /* never below 0 */
	unsigned sleepers; /* threads inside pthread_cond_wait */
	/* atomic; raised under lock, lowered by the last touch of the call */
	_Atomic unsigned n_waking; /* calls that wake somebody after their unlock */
};

int pt_wg_init(struct pt_wg *wg);
void pt_wg_destroy(struct pt_wg *wg);
void pt_wg_add(struct pt_wg *wg, int n); /* n may be negative; below 0 in sum is a caller's bug */
void pt_wg_wait(struct pt_wg *wg);

/* ---- timers (pt_timer.c) ------------------------------------------------------------------------ */

/* Something that happens at a time, and can be called off. */
struct pt_timer {
	/* immutable after pt_timer_init */
	void (*fn)(void *);
	void *arg;
	/* under the lock of all timers */
	size_t slot; /* where in the heap; SIZE_MAX: not pending */
};

/*
 * A timer that is not pending. The first one starts the thread that calls fn(arg), one call after another. 0, -ENOMEM, or
 * what refused the thread.
 */
int pt_timer_init(struct pt_timer *t, void (*fn)(void *), void *arg);

/* Stop t; the memory may be used again. A call of fn may still be under way. */
void pt_timer_destroy(struct pt_timer *t);

/* Have fn called once, not before ns have passed. True: t was pending, and is moved. From any thread, fn's included. */
bool pt_timer_start(struct pt_timer *t, uint64_t ns);

/* True: t was pending, and fn is not called for it. */
bool pt_timer_stop(struct pt_timer *t);

/* For pt_stop: end the thread, if there is one. All timers must have been destroyed. */
void pt_timers_end(void);

#endif
