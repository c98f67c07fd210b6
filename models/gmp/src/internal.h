/*
 * internal.h - what the parts of the GMP runtime offer each other, grouped by the file that defines it.
 * Data is documented in types.h. Nothing outside models/gmp/src includes this.
 */
#ifndef GR_INTERNAL_H
#define GR_INTERNAL_H

#include "gr.h"
#include "types.h"

/* ---- proc.c: scheduling -------------------------------------------------------------------------- */

/* The calling G; never NULL on a G's stack. Re-read after every call that can switch: a G moves between Ms. */
struct gr_g *gr__self(void);

/*
 * Block the calling G. The G is in state WAITING and completely switched off its stack when commit(g, arg) runs
 * (on the stack of whatever runs next, with no G current): that is where the lock is released under which the
 * G was put on a wait list, so that no waker can resume a G whose registers are not saved yet. commit returns
 * true; false means "do not park after all" and the G is made runnable again. Returns when somebody has called
 * gr__ready on it. `reason` is shown by the dump.
 */
void gr__park(bool (*commit)(struct gr_g *g, void *arg), void *arg, enum gr__wait reason);

/*
 * Make a parked G runnable: into the caller's P's runnext. Called by a G, or on a scheduler's stack with a P.
 * Nothing of g may be touched afterwards: it may be running on another M or have ended already.
 */
void gr__ready(struct gr_g *g);

/* The same to the tail of the local queue, for lists of Gs (netpoll, close, broadcast). */
void gr__ready_tail(struct gr_g *g);

/* The calling G's P, valid until the next call that can switch. */
struct gr_p *gr__self_p(void);

/* Whether a short spin of the calling G can help: several Ps, some of them running, own queue empty. */
bool gr__can_spin(unsigned iteration);

/* The G goes to the own ring's tail and the next one (a G just readied: runnext) runs: for hand-offs. */
void gr__yield_to_next(void);

/*
 * The calling thread's M, NULL if it is none. Through assembly, because compilers keep the address or the value of a
 * thread-local variable over a call that in truth comes back on another thread: every use reads it again.
 */
extern _Thread_local struct gr_m *gr__tls_m __attribute__((tls_model("initial-exec")));
static inline struct gr_m *gr__m(void)
{
	struct gr_m *m;

#if defined(__x86_64__)
	__asm__ volatile("movq gr__tls_m@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(m)::"memory");
#elif defined(__aarch64__)
	struct gr_m **at;

	__asm__ volatile("mrs %0, tpidr_el0\n\t"
			 "adrp %1, :gottprel:gr__tls_m\n\t"
			 "ldr %1, [%1, :gottprel_lo12:gr__tls_m]\n\t"
			 "add %0, %0, %1"
			 : "=&r"(at), "=&r"(m)::"memory");
	m = *at;
#else
#error "no switch for this architecture"
#endif
	return m;
}

/* Count one event of struct gr_stats, with or without a P. Only from an M. */
#define gr__count(m, name) owner_add(&((m)->p ? &(m)->p->stats : &(m)->stats)->name, 1)

/* Wake an idle M for published work, unless none is idle or one looks for work already. From any thread. */
void gr__wake_p(void);
/* The same where the last thing done was a seq_cst read-modify-write, which is the publisher's StoreLoad. */
void gr__wake_p_after_rmw(void);
/* Put a G that belongs to nobody on the global queue and see to it that it is run. From any thread. */
void gr__inject(struct gr_g *g);
/* Run fn(arg) on the M's scheduler stack: for calls that need more stack than a G may have left. */
void gr__on_g0(void (*fn)(void *), void *arg);
/*
 * malloc and its like, on the scheduler's stack where the caller's may be small.
 */
void *gr__alloc(size_t align, size_t bytes); /* align 0: what malloc gives */
void gr__free(void *mem);
/* An M's life: run Gs until the M is not wanted any more. */
void gr__schedule(struct gr_m *m);
/* Of an M's notices, what is not done with once it has been looked after. */
uint8_t gr__notices_that_stay(void);
/* What has to run first on a stack that has just been switched to. Not for g0. */
void gr__switched_to(struct gr_g *g);
/* Leave the M for good, dying: the calling G's stack is freed by whoever runs next. */
void gr__leave_forever(void) __attribute__((noreturn));
/* Leave the M because there is no P for the calling G: to the global queue. Returns when it runs again. */
void gr__leave_to_global(void);

/* ---- find.c: looking for work -------------------------------------------------------------------- */

/* A G to run, with m holding a P. Blocks the M. NULL: the M has to end. */
struct gr_g *gr__find_runnable(struct gr_m *m);
/* Give a P that its M cannot use (blocked in a call) to another M, or make it idle. From any thread. */
void gr__handoff(struct gr_p *p);
/*
 * Poll without a P, unless somebody polls, for delay_ns at most and not beyond the earliest timer. What is ready goes to
 * the head of the global queue. How many that were; -1: somebody polls. Blocks the thread.
 */
long gr__poll_outside(int64_t delay_ns);
/* The earliest timer of all Ps, INT64_MAX if there is none. */
int64_t gr__timers_earliest(void);

/* ---- nursery.c: Gs that have not begun (the rest is in nursery.h) -------------------------------------- */

/* Call fn for each, for dumps. From any thread. */
void gr__births_each(void (*fn)(const struct gr__birth *b, void *arg), void *arg);

/* ---- g.c: Gs ---------------------------------------------------------------------------------------- */

/* Make a runnable G that is on no queue, from a thread without a P. 0 or -ENOMEM. */
int gr__g_new(const struct gr__birth *b, struct gr_g **out);
/* gr_go on g0 too: b, which has a function, is published on p, which the calling M holds. 0 or -ENOMEM. */
int gr__go_on(struct gr_p *p, const struct gr__birth *b);
/* The G that b describes, runnable and on no queue. NULL: no stack can be had. Only the owner of p. */
struct gr_g *gr__g_start(struct gr_p *p, const struct gr__birth *b);
/* The same with the newest of p's nursery. NULL: it is empty, or no stack can be had: then nothing has changed. */
struct gr_g *gr__g_start_next(struct gr_p *p);

/* ---- m.c: threads and the runtime's life ------------------------------------------------------------ */

/*
 * Under sched.lock, with p taken off all lists: have an M run p. Unlocks. The M is an idle one or a new one; if
 * there can be none, p's queue goes to the global one and p becomes idle.
 */
void gr__start_m_unlock(struct gr_p *p, bool spinning);
/*
 * The calling M, without P and work, sleeps until it gets a P (true), or is not wanted any more (false: it is
 * counted out already). Under sched.lock; unlocks.
 */
bool gr__stop_m_unlock(struct gr_m *m);
/* Under sched.lock: take an idle P, NULL if there is none; make p idle; take p if it is idle. */
struct gr_p *gr__pidle_get_locked(void);
void gr__pidle_put_locked(struct gr_p *p);
bool gr__pidle_take_locked(struct gr_p *p);
/* Make Ps up to n of them; they are stopped. 0 or -ENOMEM. */
int gr__ps_make(unsigned n);
/* Ask all Ps for attention at their next scheduling point. */
void gr__call_all_ps(void);

/* g is about to end by gr_exit: what the return of its function would have done in gr_run's G. */
void gr__exits(struct gr_g *g);
/* Around reading what gr_stop frees, from any thread. False: there is nothing to read, and no end to be called. */
bool gr__read_begin(void);
void gr__read_end(void);
/* Join one thread that has exited; false if there is none. */
bool gr__join_dead(void);
/* Make m the holder of p and the other way round. */
void gr__acquire_p(struct gr_m *m, struct gr_p *p);
struct gr_p *gr__release_p(struct gr_m *m);

/* Whether who readies a G need not look at the knobs; how much credit a P may keep by them. See sched.is_plain. */
static inline bool gr__knobs_are_plain(void)
{
	const struct gr__knobs *k = &gr__sched.knobs;

	return k->runnext && !k->seed && !k->global;
}

static inline uint32_t gr__knobs_credit(void)
{
	return gr__sched.knobs.global ? 0 : 256; /* four times what is taken at once */
}

/* ---- procs.c: changing the number of Ps --------------------------------------------------------------- */

/* Under sched.lock, while the world stops: p, which nobody holds, has stopped. */
void gr__p_stopped_locked(struct gr_p *p);
/* m, which holds a P, gives it up because the world stops. */
void gr__stop_with_world(struct gr_m *m);

/* ---- sysmon.c ---------------------------------------------------------------------------------------- */
int gr__sysmon_start(void);
void gr__sysmon_stop(void);
/* End sysmon's deep sleep if it is in one. From any thread. */
void gr__sysmon_wake(void);

/* ---- schedtrace.c ------------------------------------------------------------------------------------ */
/* A line on stderr, if one is due. Returns when the next one is: INT64_MAX: never. By the monitor. */
int64_t gr__schedtrace(int64_t now_ns);

/* ---- syscall.c --------------------------------------------------------------------------------------- */

/* Take p from the M that is in the blocking call of which p->status was `seen`, and hand it on. False: it is back.
 * Calls from its place are expected to last from then on. */
bool gr__retake(struct gr_p *p, uint64_t seen);

/* gr_syscall_enter for one that knows more of the call than its place tells: it is not expected to last. */
void gr__syscall_enter_plain(void);

/* ---- stack.c ------------------------------------------------------------------------------------------ */
enum { GR__STACK_BYTES_MAX = 256 << 20 }; /* of one stack; arbitrary */

int gr__stacks_init(void);
void gr__stacks_destroy(void);
/*
 * Credit. Who creates a G needs one unit of its P's credit; who ends one gets a unit. A unit stands for a slot of
 * address space that nobody else has been promised. With p->credit used up: get more. False: no memory.
 */
bool gr__stack_reserve(struct gr_p *p, enum gr__kind kind);
/* sched.credit_max has become less: p gives back what is too much. Only the owner. */
void gr__stack_no_credit(struct gr_p *p);
/*
 * A free slot with its descriptor. NULL: no memory, which happens only where other Ps hold the slots that are free: see
 * gr__stacks_flush.
 */
struct gr_g *gr__stack_get(struct gr_p *p, enum gr__kind kind);
/* The same without a P, with a unit of credit for it. NULL: no memory. */
struct gr_g *gr__stack_get_new(enum gr__kind kind);
bool gr__stack_is_small(const struct gr_g *g);
/* The largest that can be had; the size of g's, guard included. */
size_t gr__stack_bytes_max(void);
size_t gr__stack_bytes(const struct gr_g *g);
/* One of at least so many bytes, guard included; more than the usual. NULL: no memory. */
struct gr_g *gr__stack_get_large(size_t bytes);
/* The G has ended and nobody runs on its stack. */
void gr__stack_put(struct gr_p *p, struct gr_g *g);
/* Die of a canary that has been overwritten. */
void gr__stack_check(const struct gr_g *g);
/* Give the free slots that p keeps to everybody. p's owner, or with p idle under sched.lock. */
void gr__stacks_flush(struct gr_p *p);
/* Call fn for each descriptor that has ever been used. The Gs go on meanwhile. */
void gr__stacks_each(void (*fn)(struct gr_g *g, void *arg), void *arg);
/* "madvise", "mprotect" or "canary". */
const char *gr__stack_guard(void);
/* Whether addr lies in g's guard. */
bool gr__stack_guards(const struct gr_g *g, const void *addr);
/* The G in whose guard addr lies, NULL if it is none's. For signal handlers; may miss one while stacks are made. */
struct gr_g *gr__stack_guarded_at(const void *addr);

/* ---- note.c -------------------------------------------------------------------------------------------- */
/* Wake the sleeper, now or when it comes. The note may be gone as soon as the sleeper has seen it. */
void gr__note_wake(struct gr__note *n);
/* Sleep until woken (true; the note is clear again) or until deadline_ns (false). INT64_MAX: no deadline. */
bool gr__note_sleep(struct gr__note *n, int64_t deadline_ns);

/* ---- check.c ------------------------------------------------------------------------------------------- */
/* Walk the scheduler's structures and throw on what cannot be. Under sched.lock. Builds with GR_CHECK only. */
void gr__check_locked(void);

/* ---- lock.c: locks for short critical sections that never switch -------------------------------- */
void gr__lock(struct gr__lock *l);
void gr__unlock(struct gr__lock *l);
/* The rest of gr__lock where the lock is held; of gr__unlock where somebody sleeps. */
void gr__lock_slow(struct gr__lock *l);
/* How long a pause takes here; before any lock is contended. */
void gr__locks_time(void);
void gr__lock_wake(struct gr__lock *l);

/* Builds with GR_CHECK know how many the thread holds. Functions, because a G that changes threads must not cache it. */
#if defined(GR_CHECK) && GR_CHECK
void gr__locks_count(int by);
void gr__assert_no_locks(const char *invariant);
#else
static inline void gr__locks_count(int by)
{
	(void)by;
}

static inline void gr__assert_no_locks(const char *invariant)
{
	(void)invariant;
}
#endif

static inline bool gr__lock_try(struct gr__lock *l)
{
	uint32_t was = 0;

	/* acquire: pairs with the release in gr__unlock_inline */
	if (load_relaxed(&l->held) || !cas_strong_acquire(&l->held, &was, 1))
		return false;
	gr__locks_count(1);
	return true;
}

static inline void gr__lock_inline(struct gr__lock *l)
{
	uint32_t was = 0;

	if (unlikely(!cas_strong_acquire(&l->held, &was, 1)))
		gr__lock_slow(l);
	else
		gr__locks_count(1);
}

static inline void gr__unlock_inline(struct gr__lock *l)
{
	uint32_t sleepers = load_relaxed(&l->sleepers); /* before the release: afterwards the lock may be gone */

	gr__locks_count(-1);
	store_release(&l->held, 0);
	if (unlikely(sleepers != 0))
		gr__lock_wake(l);
}

/* ---- timer.c (the rest is in timer.h) -------------------------------------- */
void gr__timers_init(struct gr_p *p);
void gr__timers_destroy(struct gr_p *p);
/* Run p's timers that are due at now_ns (monotonic). Returns the next deadline or INT64_MAX. The caller holds
 * a P (not necessarily p: timers are stolen too), on g0. *ran counts them. */
int64_t gr__timers_run(struct gr_p *p, int64_t now_ns, unsigned *ran);
/* The earliest deadline of p's heap without its lock, INT64_MAX if none. From any thread. */
static inline int64_t gr__timers_next(const struct gr_p *p)
{
	return load_relaxed(&p->timers.next);
}
/* Move all timers of `from`, which nobody uses, to `to`. 0 or -ENOMEM: some have been moved. */
int gr__timers_move(struct gr_p *from, struct gr_p *to);

/* ---- room.c: public functions that need more stack than a small one has; they are here, that one asks for it ---- */
int gr__go_with(const struct gr_attr *attr, void (*fn)(void *), void *arg,
		int (*usually)(const char *name, void (*fn)(void *), void *arg));
int gr__chan_send_timeout(gr_chan *c, const void *elem, uint64_t timeout_ns);
int gr__chan_recv_timeout(gr_chan *c, void *elem, uint64_t timeout_ns);
int gr__sema_acquire_timeout(_Atomic uint32_t *sema, uint64_t timeout_ns);
int gr__wg_wait_timeout(gr_wg *wg, uint64_t timeout_ns);
int gr__mutex_lock_timeout(gr_mutex *m, uint64_t timeout_ns);
int gr__rwmutex_rlock_timeout(gr_rwmutex *rw, uint64_t timeout_ns);
int gr__rwmutex_lock_timeout(gr_rwmutex *rw, uint64_t timeout_ns);

/* ---- netpoll.c ------------------------------------------------------------------------------------ */
int gr__netpoll_init(void);
void gr__netpoll_destroy(void);
/* Whether any G waits for I/O: when not, polling is pointless. */
bool gr__netpoll_has_waiters(void);
/* Poll: delay_ns 0 = do not block, < 0 = until something happens, else at most that long. Appends Gs that
 * became runnable (still WAITING; the caller readies them) to out. Needs no P. Safe from several threads. */
void gr__netpoll(int64_t delay_ns, struct gr__glist *out);
/* Make a gr__netpoll that blocks in another thread return soon. */
void gr__netpoll_break(void);

/* ---- os_linux.c ----------------------------------------------------------------------------------- */
int64_t gr__now_ns(void); /* CLOCK_MONOTONIC */

/* ---- fatal.c: none of them returns, but gr__quit where the process is ending already ---------------- */
/* The caller's bug: print "gr: <sentence> (g N)" and all Gs, then abort. On in all builds. */
void gr__fatal(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* g's stack pointer has run into its guard, at pc. On the signal handler's stack. */
void gr__stack_overflow(const struct gr_g *g, uintptr_t pc, uintptr_t fp) __attribute__((noreturn));
/* SIGQUIT met a thread at pc: print all Gs, then exit with 2, as Go does. On the signal handler's stack. */
void gr__quit(uintptr_t pc, uintptr_t fp);
/* All Gs asleep and nothing can wake one: print that, who waits for what and all Gs, then exit with 2, as Go does. */
void gr__deadlock(void) __attribute__((noreturn));
/* Our bug: print the sentence and all Gs, then abort. Quotes the invariant ("I3: ..."). */
void gr__throw(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* A call of the runtime that would do harm inside a bracket. */
static inline void gr__not_in_call(const struct gr_g *g)
{
	if (load_relaxed(&g->state) == GR__G_SYSCALL)
		gr__fatal("a function of the runtime was called between gr_syscall_enter and gr_syscall_exit");
}

#endif
