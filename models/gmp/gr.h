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
 *
 * Stacks that grow: code that is compiled with checks (gr-grow.pc; GR_STACKS_GROW is defined then) starts Gs on less than a
 * page, which grows while more is needed: see gr(7) for what that asks of a program. All other code has the stacks below.
 *
 * A G's stack is small and ends in one guard page. Compile everything that runs on it with -fstack-clash-protection
 * (gcc for arm64: also --param stack-clash-protection-guard-size=12), or a frame larger than the guard overwrites
 * another G's stack unnoticed. Install signal handlers with SA_ONSTACK: Ms have a stack for them; without it a handler
 * runs on the stack of the G that is interrupted.
 */
#ifndef GR_H
#define GR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Words that the functions below read and write atomically. C++ has no such qualifier; the plain words are laid out alike. */
#ifdef __cplusplus
typedef uint32_t gr_atomic32;
typedef uint64_t gr_atomic64;
#else
typedef _Atomic uint32_t gr_atomic32;
typedef _Atomic uint64_t gr_atomic64;
#endif

/* What a shared library shows, and what a program that hides its own symbols must still find in it. */
#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- the runtime ------------------------------------------------------------------------------- */

/* Where a CPU is: CPUs of the same `cache` share the last cache that is not everybody's, those of the same `node` memory. */
struct gr_cpu {
	uint16_t cache, node;
};

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
	/*
	 * The machine, by CPU number; copied. Work is stolen from Ps on CPUs of the same cache first, then of the same node,
	 * then from all. NULL: they are all equally near. The runtime does not find out for itself and binds no thread.
	 */
	const struct gr_cpu *cpus;
	unsigned n_cpus;
};

/*
 * Start the runtime (one per process at a time). From any OS thread that is not an M; that thread does not
 * become one. 0, -EINVAL (a bad setting), -ENOMEM, -EAGAIN (no thread could be created), -EBUSY (runs already), -EMFILE
 * or -ENFILE (no descriptor for the netpoller: it takes two), or what else the kernel answered. Then nothing is left of it.
 */
int gr_start(const struct gr_config *config);

/*
 * Run fn(arg) as a G and wait until it has returned. From an OS thread that is not an M; blocks it.
 * Other Gs may still live when it returns; a later gr_run goes on with them.
 */
void gr_run(void (*fn)(void *), void *arg);

/*
 * End the runtime: all Ms exit and are joined, all memory goes back. Gs that still exist are dropped without
 * being run again; one that computes outside of marked code, or is in a blocking call, is waited for until it next calls. Not from a
 * G. Fatal while a gr_run has not returned.
 */
void gr_stop(void);

/*
 * Change the number of Ps to n (0: what gr_start would take without a setting) while Gs run: from 1 to 1024. Stops all Gs
 * for the moment of the change, so it waits until each has come to a call of the runtime: a G that computes is preempted
 * if it can be, else waited for; one in a blocking call is not. Blocks the M, then yields. From a G. 0, -EINVAL, -ENOMEM (the number has not
 * changed), -ECANCELED (gr_stop has been called meanwhile: if the caller gets to see it).
 */
int gr_set_procs(unsigned n);
/* How many there are. From anywhere while the runtime runs. */
unsigned gr_procs(void);

/* ---- goroutines -------------------------------------------------------------------------------- */

/*
 * Start fn(arg) as a new G, runnable at once: next on this P, after the caller blocks or yields. Of several that have
 * not begun yet the newest begins first on this P, the oldest on others that have nothing to do; none waits forever. Does
 * not block. 0, -ENOMEM (no memory or address space for a stack), -EAGAIN (the caller is not a G of a running runtime).
 */
int gr_go(void (*fn)(void *), void *arg);

/* The same with a name for dumps and traces (kept by pointer; must live as long as the G). */
int gr_go_named(const char *name, void (*fn)(void *), void *arg);

/* What a G may have of its own; zero in a field means the usual. */
struct gr_attr {
	const char *name; /* as in gr_go_named */
	/* At least so much stack, less guard and 2 KiB that are ours; up to 256 MiB: address space, touched as it is used. */
	size_t stack_bytes;
};
/*
 * The same with attributes; attr may be NULL. -EINVAL: more stack than can be had. A stack of more than the usual size is
 * of the next class up, each four times as large as the one before; making such a G costs a lock and, the first time, a
 * mapping.
 */
int gr_go_with(const struct gr_attr *attr, void (*fn)(void *), void *arg);

/*
 * In code with checks these three have other names for the linker: the kind of stack is the caller's business, and what a
 * library of another build starts has a page stack. A function without a check gets one too.
 */
#ifdef GR_STACKS_GROW
extern __typeof__(gr_go) gr_go __asm__("gr_go_grow");
extern __typeof__(gr_go_named) gr_go_named __asm__("gr_go_named_grow");
extern __typeof__(gr_go_with) gr_go_with __asm__("gr_go_with_grow");
#endif

/*
 * Call fn(arg), with room on the stack for code that is not compiled with checks: 16 KiB. In code with checks, calls of such
 * functions by name have that by themselves, and calls through a pointer must be made so. Elsewhere it is a call.
 */
void gr_foreign(void (*fn)(void *), void *arg);

/*
 * End the calling G now, as if its function had returned: in the G of a gr_run, that returns. Only the function that was
 * given to the runtime is meant: what one on the way to it was still going to do (wake who waits for a task) is not done.
 */
void gr_exit(void) __attribute__((noreturn));

/* Go to the tail of the own P's run queue and let others run. Returns at once when nothing else is runnable. */
void gr_yield(void);

/*
 * Block the G for at least ns nanoseconds of CLOCK_MONOTONIC. 0 is a yield. How much later it runs: what the kernel takes
 * to wake a thread, when a P is idle; else when a P comes to it. The kernel adds the threads' timer slack, 50 us as a rule; Ms
 * have that of the thread that calls gr_start (prctl(PR_SET_TIMERSLACK)), or what the knob slack_us says.
 */
void gr_sleep_ns(uint64_t ns);

/*
 * Name the calling G anew, or label it: what it works on, say, "GET /index". Both are shown by dumps, traces and the script
 * for gdb, and kept by pointer: they must live as long as the G, or until another one is given. NULL: none. A G that it
 * starts does not inherit them.
 */
void gr_set_name(const char *name);
void gr_set_label(const char *label);

/* The id of the calling G, from 1 up; 0 outside of any G. */
uint64_t gr_id(void);

/* Number of Gs that exist now. From anywhere. */
uint64_t gr_count(void);

/* ---- preemption -------------------------------------------------------------------------------- */

/*
 * A G gives up its P where it calls the runtime. One that computes for 10 ms (0.5 ms if time or I/O has made another ready)
 * while others wait is stopped there if there is such a call, else by a signal (SIGURG), but only in functions that are
 * marked: in C nobody can tell from outside where a G may be stopped.
 *
 *	GR_PREEMPTIBLE static uint64_t sum(const uint32_t *v, size_t n) { ... }
 *
 * A marked function computes. It touches no errno and no __thread variables and calls nothing of the libc but memcpy,
 * memmove, memset and memcmp; scripts/check_preemptible.sh looks at the compiled code for that. It may call the runtime.
 * What it calls that is not marked, and is not inlined, is not interrupted. A call of a marked function counts as a call of
 * this interface: the G may be on another thread afterwards (errno's value goes with it), so no pthread mutex may be held.
 * Never stopped: who has called gr_nopreempt_enter, or is between gr_syscall_enter and gr_syscall_exit. GRDEBUG=preempt=0
 * turns it off; it is off under ThreadSanitizer and valgrind.
 *
 * The signal's handler is set by gr_start, put back by gr_stop, and hands on what it does not know; Ms have the signal
 * unblocked. A system call outside of a bracket may be interrupted by it (EINTR where SA_RESTART does not help).
 */
#if defined(__aarch64__) || defined(__x86_64__)
#define GR_PREEMPTIBLE __attribute__((section("gr_preemptible"), noinline))
#else
#define GR_PREEMPTIBLE
#endif

/*
 * Around a call of foreign code that calls marked code back and may not be left in the middle: one that holds a lock, or
 * keeps errno's address or a thread's variable (a marked comparator of qsort or bsearch is such a case). Nests; belongs to
 * the G, not to the M. Does not block.
 */
void gr_nopreempt_enter(void);
void gr_nopreempt_leave(void); /* fatal without gr_nopreempt_enter */

/* For loops in code that is not marked: yields if the runtime has asked for it, else a load or two. */
void gr_checkpoint(void);

/*
 * Marked code lies in [lo, hi). The module that the runtime is linked into is known by itself; every other one that has
 * marked code calls gr_preemptible_here() once, at any time: an executable with the shared library, a shared object. It
 * must not be unloaded. From anywhere. 0, -ENOSPC (32 at most), -EINVAL.
 */
int gr_preemptible_range(const void *lo, const void *hi);
extern const char gr__marked_lo[] __asm__("__start_gr_preemptible") __attribute__((weak, visibility("hidden")));
extern const char gr__marked_hi[] __asm__("__stop_gr_preemptible") __attribute__((weak, visibility("hidden")));
static inline int gr_preemptible_here(void)
{
	return gr_preemptible_range(gr__marked_lo, gr__marked_hi);
}

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
/*
 * The same, blocking the G for timeout_ns nanoseconds at least before it gives up: 0 or -ETIMEDOUT, and then nothing was
 * done; receiving from a closed, drained channel -EPIPE, and *elem zeroed. 0: does not block; UINT64_MAX: no limit. The
 * channel must not be freed before all such calls have returned.
 */
int gr_chan_send_timeout(gr_chan *c, const void *elem, uint64_t timeout_ns);
int gr_chan_recv_timeout(gr_chan *c, void *elem, uint64_t timeout_ns);
/* Close: receivers drain and then get false. Closing NULL or twice is fatal, also for senders that wait. */
void gr_chan_close(gr_chan *c);
size_t gr_chan_len(const gr_chan *c);

/* ---- select ------------------------------------------------------------------------------------ */

/* The runtime's own, here for its size only: how a G waits on a channel. */
struct gr__waiter {
	struct gr__waiter *next, *prev; /* in a channel's list; under its lock */
	struct gr_g *g; /* who waits */
	struct gr__select *select; /* the select that it is a case of, or NULL */
	void *elem; /* receivers: where the element goes; senders: where it is (only read) */
	bool done; /* set by the waker: an element went over. False: the channel was closed */
	bool is_queued; /* of a select: in the list; under the channel's lock */
};

/*
 * One case of a select: a send or a receive that it may do. The array of cases is the caller's (on its stack, usually)
 * and belongs to the runtime from the call of a select to its return; it can be used again and again.
 */
typedef struct gr_case {
	gr_chan *chan; /* NULL: never ready */
	void *elem; /* a send: the element, only read; a receive: where it goes, written only if the case is chosen */
	bool is_send;
	bool ok; /* result, of the case chosen: an element went over; false: received from a closed, drained channel */

	/* the runtime's; need not be initialized */
	struct gr_case *lock_next;
	struct gr__waiter waiter;
} gr_case;

/* Fill in a case. */
static inline void gr_case_send(gr_case *c, gr_chan *chan, const void *elem)
{
	c->chan = chan;
	c->elem = (void *)(uintptr_t)elem;
	c->is_send = true;
}

static inline void gr_case_recv(gr_case *c, gr_chan *chan, void *elem)
{
	c->chan = chan;
	c->elem = elem;
	c->is_send = false;
}

/*
 * Do exactly one of n channel operations and return its index. Of several that need no waiting, one is chosen at
 * random, each with the same probability. If all have to wait, the G blocks until one could be done; it waits in every
 * channel's line at once, in its place by arrival. A channel may appear in several cases, in both directions too; a
 * select never meets itself. Without a channel in any case (or n == 0) it blocks forever. Fatal: a send case whose
 * channel is closed is chosen, or is closed while it waits (a receive from it, in the same select, is served instead);
 * n > 65536. A channel must not be freed before all selects that name it have returned.
 */
int gr_select(gr_case *cases, size_t n);

/* The same without blocking, Go's `default`: -EAGAIN if there was a moment in the call when no case could be done. */
int gr_select_try(gr_case *cases, size_t n);

/*
 * The same, blocking the G for timeout_ns nanoseconds at least before it gives up: -ETIMEDOUT, and nothing was done. 0:
 * does not block. UINT64_MAX: no limit.
 */
int gr_select_timeout(gr_case *cases, size_t n, uint64_t timeout_ns);

/* ---- timers ------------------------------------------------------------------------------------ */

/*
 * Something that happens at a time, once or again and again, and can be called off: a function is called in a G of its own,
 * or the time is sent on a channel. Any G may start and stop it, several at once too. One that is pending counts as
 * something that may wake a G: with it no deadlock is told. It belongs to the runtime in which it is started first.
 */
typedef struct gr_timer gr_timer;

/*
 * Make a timer; it is not pending. With fn: each time, a new G named "timer" runs fn(arg), which may overlap with the one
 * of before. Where there is no memory for the G it is tried again after 1 ms (a periodic timer: the next time). Without fn:
 * the timer has a channel. From anywhere. 0, -ENOMEM.
 */
int gr_timer_new(void (*fn)(void *), void *arg, gr_timer **out);
/*
 * The channel of a timer without a function (NULL of others), to receive from and nothing else: a uint64_t, the time in ns
 * of CLOCK_MONOTONIC at which the timer was due. It has room for one: a time that is not received before the next one
 * comes stays, and the next one is dropped.
 */
gr_chan *gr_timer_chan(const gr_timer *t);
/*
 * Have t ring after_ns nanoseconds from now (UINT64_MAX: never) and then, unless period_ns is 0, each period_ns; times that
 * are missed because it is late by more than a period are dropped. Whatever it was to do before is called off, as by
 * gr_timer_stop. True: it was pending. Does not block the G.
 */
bool gr_timer_start(gr_timer *t, uint64_t after_ns, uint64_t period_ns);
/*
 * Call t off: afterwards it starts no G, and there is no time in its channel. True: it was pending, or its time was in
 * the channel; false: it was not running, or its G has been started, or its time received. Does not block the G.
 */
bool gr_timer_stop(gr_timer *t);
/* Stop and free t; fatal if a G waits on its channel. Not while others use it. NULL is allowed. Also after gr_stop. */
void gr_timer_free(gr_timer *t);

/* ---- locks and waiting ------------------------------------------------------------------------- */

/*
 * What ends in _timeout blocks the G for timeout_ns nanoseconds at least before it gives up: 0, or -ETIMEDOUT and nothing
 * has been taken. It may still succeed when the time is up. 0: does not block; UINT64_MAX: no limit. What was waited for
 * must not be freed before the call has returned.
 */

/* A mutual exclusion lock; all zero is unlocked; not tied to the G that locked it. Must not be copied. */
typedef struct gr_mutex {
	gr_atomic32 state;
	gr_atomic32 sema;
} gr_mutex;
void gr_mutex_lock(gr_mutex *m); /* blocks the G; spins briefly first where that can help */
bool gr_mutex_try_lock(gr_mutex *m); /* never blocks */
int gr_mutex_lock_timeout(gr_mutex *m, uint64_t timeout_ns);
void gr_mutex_unlock(gr_mutex *m); /* fatal if not locked */

/* A counter that Gs wait on to become 0; all zero is ready for use. */
typedef struct gr_wg {
	gr_atomic64 state;
	gr_atomic32 sema;
} gr_wg;
void gr_wg_add(gr_wg *wg, int n); /* fatal if the counter becomes negative */
void gr_wg_done(gr_wg *wg);
void gr_wg_wait(gr_wg *wg); /* blocks the G */
int gr_wg_wait_timeout(gr_wg *wg, uint64_t timeout_ns);

/* A counting semaphore on a word that starts at the number of permits. Blocks the G; FIFO. */
void gr_sema_acquire(gr_atomic32 *sema);
int gr_sema_acquire_timeout(gr_atomic32 *sema, uint64_t timeout_ns);
void gr_sema_release(gr_atomic32 *sema);
/* Take a permit if there is one; never blocks. It may be taken before Gs that wait: they stay first for the next. */
bool gr_sema_try_acquire(gr_atomic32 *sema);

/* A condition variable; all zero is ready for use. FIFO. */
typedef struct gr_cond {
	void *head, *tail;
	gr_atomic32 lock[2];
	uint32_t timed;
} gr_cond;
void gr_cond_wait(gr_cond *c, gr_mutex *m); /* unlocks m, blocks the G, locks m again; m must be locked */
/* The time-out is that of the wait: m is locked on return, however long that takes. With 0 it is not even unlocked. */
int gr_cond_wait_timeout(gr_cond *c, gr_mutex *m, uint64_t timeout_ns);
void gr_cond_signal(gr_cond *c);
void gr_cond_broadcast(gr_cond *c);

/*
 * A lock that many may hold for reading or one for writing; not tied to the G that locked it. Readers that run on
 * different Ps share no cache line that is written. A writer that waits holds up readers that come after it, and when
 * it unlocks, the readers that have come meanwhile go before the next writer: neither side can starve the other. So a
 * G that has it for reading must not lock it for reading again: a writer may have come in between, and both would wait
 * forever.
 */
typedef struct gr_rwmutex gr_rwmutex;
/* Memory: two cache lines and one per P, rounded up to a power of two. From a G. 0, -ENOMEM. */
int gr_rwmutex_new(gr_rwmutex **out);
/* Fatal if somebody has it locked or waits. Every call on it must have returned. NULL is allowed. */
void gr_rwmutex_free(gr_rwmutex *rw);
void gr_rwmutex_rlock(gr_rwmutex *rw); /* blocks the G while a writer has it or waits */
bool gr_rwmutex_try_rlock(gr_rwmutex *rw); /* never blocks */
int gr_rwmutex_rlock_timeout(gr_rwmutex *rw, uint64_t timeout_ns);
/*
 * Fatal if it is not locked for reading: at once with one P or when a writer has it, else when the next writer comes,
 * or in gr_rwmutex_free; telling at once would make readers share a line.
 */
void gr_rwmutex_runlock(gr_rwmutex *rw);
void gr_rwmutex_lock(gr_rwmutex *rw); /* blocks the G; waits for the readers of before */
bool gr_rwmutex_try_lock(gr_rwmutex *rw); /* never blocks */
/* While it waits it holds up readers that come after it, as gr_rwmutex_lock does; they go on when it gives up. */
int gr_rwmutex_lock_timeout(gr_rwmutex *rw, uint64_t timeout_ns);
void gr_rwmutex_unlock(gr_rwmutex *rw); /* fatal if not locked for writing */

/* Something that is done once; all zero is "not yet". Must not be copied. */
typedef struct gr_once {
	gr_atomic32 state;
	gr_atomic32 sema;
	gr_atomic64 runner;
} gr_once;
/*
 * Call fn(arg) unless a call with this gr_once has been made before. Returns when fn, whoever called it, has returned:
 * blocks the G meanwhile. Fatal if fn calls it again with the same gr_once. fn must return: if it ends its G by
 * gr_exit, all others wait forever.
 */
void gr_once_do(gr_once *once, void (*fn)(void *), void *arg);

/* ---- calls that block the M -------------------------------------------------------------------- */

/*
 * Bracket a call that may block in the kernel. Between enter and exit the G keeps its M but not the right to its
 * P: if the call lasts, the P goes to another M, and exit gets one back: its old one, an idle one, one of another call
 * that lasts, or by queueing. Who waits for the P gets it from the monitor after 20 us and more; at once if calls from the
 * same place in the program have lasted of late. No other function of this interface may be called in between.
 */
void gr_syscall_enter(void);
void gr_syscall_exit(void); /* yields if the G has had its P for long and others wait */
/*
 * gr_syscall_enter for a call that is known to block: if others wait for the P it is handed on at once, some microseconds
 * instead of the monitor's 20 and more. For a call that then does not block it costs a wake-up of a thread.
 */
void gr_syscall_enter_blocking(void);

/* read(2) with the bracket around it: blocks the M. If others wait for the P it looks first, and hands the P on if it will block. */
ssize_t gr_read_blocking(int fd, void *buf, size_t n);

/* ---- files ------------------------------------------------------------------------------------- */

/*
 * The calls of the same names, for regular files and block devices; bytes, a descriptor or 0, or -errno. EINTR is
 * retried; a gr_close that is interrupted has closed.
 *
 * What does not have to wait for the disk is done at once. What is known to wait (reads that the page cache does not
 * have, reads with O_DIRECT, writes with O_DIRECT or O_DSYNC, fsync) goes through io_uring and blocks the G only. With
 * GRDEBUG=files=threads, and where io_uring is refused or was not there at build time, it blocks the M, whose P goes to
 * another M; gr_knobs tells which, and why. gr_stop waits for what has been begun. buf must stay, and fd open, until the
 * call returns. With io_uring a call in a bracket may end with EINTR although no signal has come.
 */
int gr_open(const char *path, int flags, mode_t mode);
int gr_close(int fd);
ssize_t gr_pread(int fd, void *buf, size_t n, off_t off);
ssize_t gr_pwrite(int fd, const void *buf, size_t n, off_t off);
int gr_fsync(int fd);

/* ---- network ----------------------------------------------------------------------------------- */

/*
 * A descriptor that the netpoller watches: sockets, pipes, terminals. Blocking on it blocks the G only. All of this is for
 * Gs. After gr_sock_close has begun, calls on it return -ECANCELED; after it has returned, s must not be used.
 */
typedef struct gr_sock gr_sock;

/* The directions of a descriptor: accepting is reading, connecting is writing. */
enum { GR_SOCK_READ = 1, GR_SOCK_WRITE = 2, GR_SOCK_BOTH = GR_SOCK_READ | GR_SOCK_WRITE };

/*
 * Take over fd: makes it non-blocking and registers it once. 0, -EPERM (a regular file, or what else cannot be polled),
 * -ENOMEM, -errno; on errors fd is as it was. O_NONBLOCK belongs to what is open, not to the number: who shares it (a
 * terminal, with all its programs) sees it too, and it stays after gr_sock_close.
 */
int gr_sock_adopt(int fd, gr_sock **out);
int gr_sock_fd(const gr_sock *s);
/* A new socket, as of socket(2), adopted already. 0 or -errno. */
int gr_sock_open(int domain, int type, int protocol, gr_sock **out);
/*
 * A new stream socket that listens at addr, with SO_REUSEADDR and room for `backlog` connections that have not been
 * accepted (0: as many as the system allows). 0 or -errno.
 */
int gr_sock_listen(const struct sockaddr *addr, socklen_t len, int backlog, gr_sock **out);
/*
 * Connect s, blocking the G until it is decided. 0 or -errno. After an error, -ETIMEDOUT and -ECANCELED too, s can only be
 * closed. Unix stream sockets: -EAGAIN if the listener's backlog is full; nothing tells when there is room.
 */
int gr_sock_connect(gr_sock *s, const struct sockaddr *addr, socklen_t len);
/*
 * Wait for and take a connection, adopted already. 0 or -errno; -EINVAL after gr_sock_shutdown. Several Gs may accept on one
 * listener. After an error like -EMFILE the connection is still there, and the next call finds it at once: who goes on
 * should give others the time to close something.
 */
int gr_sock_accept(gr_sock *listener, gr_sock **out);
/* Read at least one byte; 0 is end of stream. One reader at a time. */
ssize_t gr_sock_read(gr_sock *s, void *buf, size_t n);
/* Write all of it: n or -errno, which does not tell how much has been written. One writer at a time. */
ssize_t gr_sock_write(gr_sock *s, const void *buf, size_t n);
/* Write at least one byte: as many as are taken at once. One writer at a time. */
ssize_t gr_sock_write_some(gr_sock *s, const void *buf, size_t n);
/*
 * recvmsg(2), recvfrom(2), sendmsg(2) and sendto(2) that block the G, with their flags and results: MSG_TRUNC tells what
 * did not fit. Several Gs may receive, or send, on one socket: each gets, or sends, whole messages. Not while another G
 * reads, or writes, by the functions above. On stream sockets they may transfer less than was asked. Bytes or -errno;
 * -EAGAIN with MSG_DONTWAIT only. Descriptors that are received are close-on-exec.
 */
ssize_t gr_sock_recvmsg(gr_sock *s, struct msghdr *msg, int flags);
ssize_t gr_sock_sendmsg(gr_sock *s, const struct msghdr *msg, int flags);
ssize_t gr_sock_recvfrom(gr_sock *s, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len);
ssize_t gr_sock_sendto(gr_sock *s, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len);
/*
 * Set the deadline of the directions `dirs` to after_ns nanoseconds from now; UINT64_MAX: none; 0: it has passed. Once it
 * has passed, calls of that direction, those in progress and all later ones, return -ETIMEDOUT, even if they would not have
 * to wait, until a deadline is set again. A call that waits when the deadline is set is subject to the new one. Does not
 * block; costs two uncontended locks and a look at the clock. 0, -ENOMEM (at the first deadline: nothing has changed),
 * -ECANCELED (closed).
 */
int gr_sock_set_deadline(gr_sock *s, int dirs, uint64_t after_ns);
/*
 * Have the calls of the directions `dirs` that are in progress return -ECANCELED, unless they get what they wait for at the
 * same time; later ones are not concerned. From any G; does not block.
 */
void gr_sock_cancel(gr_sock *s, int dirs);
/* shutdown(2) both ways: Gs blocked on it wake up and see end of stream or -EINVAL. From any G. */
void gr_sock_shutdown(gr_sock *s);
/*
 * The same for writing only: the peer sees the end of the stream, and can still answer. 0, -ENOTSOCK (a pipe: close it),
 * -ENOTCONN, -ECANCELED (closed).
 */
int gr_sock_shutdown_write(gr_sock *s);
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
	uint64_t handoffs; /* Ps taken from an M in a blocking call; among them: */
	uint64_t handoffs_early; /* when the call began, because such calls had lasted */
	uint64_t handoffs_back; /* by an M that came back from another call and had lost its own */
	uint64_t wakes; /* Ms woken or started for a P */
	uint64_t spins; /* times an M began to look for work */
	uint64_t m_created; /* OS threads started */
	uint64_t m_reaped; /* OS threads that exited after being idle */
	uint64_t syscalls; /* gr_syscall_enter */
	uint64_t polls; /* epoll_wait calls */
	uint64_t timers_fired; /* sleepers, time-outs and timers whose time had come */
	uint64_t timers_put_off; /* timers that could have no G for want of memory */
	uint64_t preemptions; /* Gs that were stopped by a signal */
	uint64_t stacks_mapped; /* stacks of the usual size made from fresh memory */
};
void gr_stats_read(struct gr_stats *out);

/* The settings in force, as names and values (text); returns how many. From anywhere while the runtime runs. */
size_t gr_knobs(const char *names[], char values[][32], size_t cap);

/*
 * Take a trace: from now on until gr_trace_stop() all that happens is noted down, and then written to the file of that
 * path as JSON that ui.perfetto.dev shows: which G runs where and why it stops, what made it runnable, what each M does.
 * Of each M the last events are kept (GRDEBUG=trace_kb, 4096: some 260000 of 16 bytes), of 256 Ms; the file says how many
 * were lost. Meanwhile each switch takes longer (models/gmp/HACKING.md has the price), each G has a stack from gr_go
 * on, and nothing else changes. GRTRACE=path in the environment takes one from gr_start to gr_stop, or to the end by a
 * deadlock, SIGQUIT or fatal error.
 *
 * From anywhere while the runtime runs. Stopping writes the file and blocks the M for so long. 0; -EAGAIN: the runtime does
 * not run, or no trace is taken; -EBUSY: one is taken already; -ENOMEM; or what the kernel says to the file.
 */
int gr_trace_start(const char *path);
int gr_trace_stop(void);

/* Write every G with its state, wait reason and age to fd. From anywhere; does not stop the Gs. When all Gs of a
 * gr_run wait for each other, this is done to stderr and the process exits with 2; unless several threads have called
 * gr_run since gr_start: then one that is outside may come and wake them. */
void gr_dump(int fd);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
