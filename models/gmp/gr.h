/*
 * gr.h - goroutines for C: the public interface of the GMP runtime.
 *
 * Vocabulary (Go's). A G is a goroutine: a function with a stack of its own. An M is a machine: an OS thread.
 * A P is a processor: the right to run Gs, with a run queue; there are as many Ps as Gs may run at once. A G runs
 * on an M that holds a P. "Blocks the G" below means that the M goes on with other Gs; "blocks the M" means that
 * the thread sleeps in the kernel, whereupon its P may be handed to another M.
 *
 * Errors. What the environment can refuse comes back as a negative errno. What only a bug of the caller can
 * cause ends the process with a sentence. Every function must be called from a G unless it says otherwise.
 *
 * A G may move to another M at any call of this interface: do not keep errno, `__thread` variables or their
 * addresses across one, and do not hold a pthread mutex across one.
 */
#ifndef GR_H
#define GR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the runtime ------------------------------------------------------------------------------- */

/*
 * Settings of a runtime; zero in a field means its default. GRDEBUG ("name=value,...") in the environment
 * overrides what is given here: gr_knobs() tells what is in force.
 */
struct gr_config {
	unsigned procs; /* number of Ps; default: CPUs allowed by affinity and cgroup quota, at least 1 */
	unsigned max_ms; /* cap on OS threads; a hand-off beyond it waits instead of creating one; default 10000 */
	size_t stack_bytes; /* size class of a G's stack, guard included; default 16 KiB (128 KiB under sanitizers) */
	uint64_t reap_ns; /* an M idle for that long exits; default 5 s; UINT64_MAX: never */
	const char *knobs; /* further settings in GRDEBUG's form; may be NULL */
};

/*
 * Start the runtime (one per process at a time). From any OS thread that is not an M; that thread does not
 * become one. 0, -EINVAL (a bad setting), -ENOMEM, -EAGAIN (no thread could be created), -EBUSY (runs already).
 */
int gr_start(const struct gr_config *config);

/*
 * Run fn(arg) as a G and wait until it has returned. From an OS thread that is not an M; blocks it.
 * Other Gs may still live when it returns; a later gr_run goes on with them.
 */
void gr_run(void (*fn)(void *), void *arg);

/*
 * End the runtime: all Ms exit and are joined, all memory goes back. Gs that still exist are dropped without
 * being run again; one that computes, or is in a blocking call, is waited for until it next calls the runtime. From
 * the thread that called gr_start.
 */
void gr_stop(void);

/* ---- goroutines -------------------------------------------------------------------------------- */

/*
 * Start fn(arg) as a new G, runnable at once: next on this P, after the caller blocks or yields. Does not block.
 * 0, -ENOMEM (no memory or address space for a stack), -EAGAIN (the caller is not a G of a running runtime).
 */
int gr_go(void (*fn)(void *), void *arg);

/* The same with a name for dumps and traces (kept by pointer; must live as long as the G). */
int gr_go_named(const char *name, void (*fn)(void *), void *arg);

/* End the calling G now, as if its function had returned. */
void gr_exit(void) __attribute__((noreturn));

/* Go to the tail of the own P's run queue and let others run. Returns at once when nothing else is runnable. */
void gr_yield(void);

/* Block the G for at least ns nanoseconds. 0 is a yield. */
void gr_sleep_ns(uint64_t ns);

/* The id of the calling G, from 1 up; 0 outside of any G. */
uint64_t gr_id(void);

/* Number of Gs that exist now. From anywhere. */
uint64_t gr_count(void);

/* ---- channels ---------------------------------------------------------------------------------- */

typedef struct gr_chan gr_chan;

/* Make a channel of `capacity` elements of elem_bytes each (0: rendezvous). 0, -ENOMEM, -EINVAL (elem >= 64 KiB). */
int gr_chan_new(size_t elem_bytes, size_t capacity, gr_chan **out);
/* Free a channel on which nobody waits. NULL is allowed. */
void gr_chan_free(gr_chan *c);

/*
 * Send a copy of *elem; blocks the G while the channel is full (capacity 0: until a receiver takes it). A NULL
 * channel blocks forever. Sending on a closed channel is fatal. FIFO among waiters; a waiting receiver gets the
 * element directly.
 */
void gr_chan_send(gr_chan *c, const void *elem);
/* Receive into *elem; blocks the G while empty. False (and *elem zeroed) when closed and drained. */
bool gr_chan_recv(gr_chan *c, void *elem);
/* The same without blocking: false when it would have to. *closed (may be NULL) tells "closed and drained". */
bool gr_chan_try_send(gr_chan *c, const void *elem);
bool gr_chan_try_recv(gr_chan *c, void *elem, bool *closed);
/* Close: receivers drain and then get false. Closing NULL or twice is fatal, also for senders that wait. */
void gr_chan_close(gr_chan *c);
size_t gr_chan_len(const gr_chan *c);

/* ---- locks and waiting ------------------------------------------------------------------------- */

/* A mutual exclusion lock; all zero is unlocked; not tied to the G that locked it. Must not be copied. */
typedef struct gr_mutex {
	_Atomic uint32_t state;
	_Atomic uint32_t sema;
} gr_mutex;
void gr_mutex_lock(gr_mutex *m); /* blocks the G; spins briefly first where that can help */
bool gr_mutex_try_lock(gr_mutex *m); /* never blocks */
void gr_mutex_unlock(gr_mutex *m); /* fatal if not locked */

/* A counter that Gs wait on to become 0; all zero is ready for use. */
typedef struct gr_wg {
	_Atomic uint64_t state;
	_Atomic uint32_t sema;
} gr_wg;
void gr_wg_add(gr_wg *wg, int n); /* fatal if the counter becomes negative */
void gr_wg_done(gr_wg *wg);
void gr_wg_wait(gr_wg *wg); /* blocks the G */

/* A counting semaphore on a word that starts at the number of permits. Blocks the G; FIFO. */
void gr_sema_acquire(_Atomic uint32_t *sema);
void gr_sema_release(_Atomic uint32_t *sema);

/* A condition variable; all zero is ready for use. FIFO. */
typedef struct gr_cond {
	void *head, *tail;
	_Atomic uint32_t lock;
} gr_cond;
void gr_cond_wait(gr_cond *c, gr_mutex *m); /* unlocks m, blocks the G, locks m again; m must be locked */
void gr_cond_signal(gr_cond *c);
void gr_cond_broadcast(gr_cond *c);

/* ---- calls that block the M -------------------------------------------------------------------- */

/*
 * Bracket a call that may block in the kernel. Between enter and exit the G keeps its M but not the right to its
 * P: if the call lasts, the monitor hands the P to another M, and exit gets one back (its old one, an idle one,
 * or by queueing). No other function of this interface may be called in between.
 */
void gr_syscall_enter(void);
void gr_syscall_exit(void);

/* pread/pwrite/read/write with the bracket around them: blocks the M. Bytes or -errno; EINTR is retried. */
ssize_t gr_pread(int fd, void *buf, size_t n, off_t off);
ssize_t gr_pwrite(int fd, const void *buf, size_t n, off_t off);
ssize_t gr_read_blocking(int fd, void *buf, size_t n);

/* ---- network ----------------------------------------------------------------------------------- */

/* A descriptor that the netpoller watches: sockets, pipes. Blocking on it blocks the G only. */
typedef struct gr_sock gr_sock;

/* Take over fd: makes it non-blocking and registers it once. 0, -EPERM (a regular file), -ENOMEM, -errno. */
int gr_sock_adopt(int fd, gr_sock **out);
int gr_sock_fd(const gr_sock *s);
/* Wait for and take a connection, adopted already. 0 or -errno; -EINVAL after gr_sock_shutdown. */
int gr_sock_accept(gr_sock *listener, gr_sock **out);
/* Read at least one byte; 0 is end of stream. One reader at a time. */
ssize_t gr_sock_read(gr_sock *s, void *buf, size_t n);
/* Write all of it: n or -errno. One writer at a time. */
ssize_t gr_sock_write(gr_sock *s, const void *buf, size_t n);
/* shutdown(2) both ways: Gs blocked on it wake up and see end of stream or -EINVAL. From any G. */
void gr_sock_shutdown(gr_sock *s);
/* Close the descriptor and free s; Gs blocked on it are woken with -ECANCELED. */
void gr_sock_close(gr_sock *s);

/* ---- seeing inside ----------------------------------------------------------------------------- */

/* What the runtime counted since gr_start; a sum over Ps and Ms, exact when nothing runs. From anywhere. */
struct gr_stats {
	uint64_t switches; /* a G started or went on running on an M */
	uint64_t parks; /* a G blocked */
	uint64_t readies; /* a blocked G was made runnable */
	uint64_t spawns; /* Gs created */
	uint64_t steals; /* successful steals (batches) */
	uint64_t stolen; /* Gs moved by them */
	uint64_t handoffs; /* Ps taken from an M in a blocking call */
	uint64_t wakes; /* sleeping Ms woken for work */
	uint64_t spins; /* times an M began to look for work */
	uint64_t m_created; /* OS threads started */
	uint64_t m_reaped; /* OS threads that exited after being idle */
	uint64_t syscalls; /* gr_syscall_enter */
	uint64_t polls; /* epoll_wait calls */
	uint64_t timers_fired; /* */
	uint64_t stacks_mapped; /* stacks made from fresh memory */
};
void gr_stats_read(struct gr_stats *out);

/* The settings in force, as names and values (text); returns how many. From anywhere while the runtime runs. */
size_t gr_knobs(const char *names[], char values[][32], size_t cap);

/* Write every G with its state, wait reason and age to fd. From anywhere; does not stop the Gs. When all Gs of a
 * gr_run wait for each other, this is done to stderr and the process exits with 2. */
void gr_dump(int fd);

#ifdef __cplusplus
}
#endif
#endif
