/*
 * types.h - the data of the GMP runtime: G, M, P, the scheduler, and who may touch what.
 *
 * Each group of fields says who owns it. "Owner P" means the M that holds the P; "sched.lock" the one lock of the
 * scheduler; "atomic" any thread, with the order explained where it is used.
 */
#ifndef GR_TYPES_H
#define GR_TYPES_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/align.h"
#include "models/base/atomic.h"
#include "models/base/list.h"

struct gr_g;
struct gr_m;
struct gr_p;
struct gr__timer;
struct gr__slab;
struct gr__chunk;
struct gr__dyn;
struct gr_cpu;
struct gr__trace_buf;

/* ---- locks and notes ------------------------------------------------------------------------------ */

/* A lock for short sections that never switch: lock.c. All zero: free. */
struct gr__lock {
	_Atomic uint32_t held; /* 0 or 1 */
	_Atomic uint32_t sleepers; /* who may sleep on `held` */
};

/* A one-shot wake-up: 0, or 1 when the wake-up has happened. Cleared by the sleeper. All zero: not woken. */
struct gr__note {
	_Atomic uint32_t word;
};

/* ---- why a G waits -------------------------------------------------------------------------------- */

/* X(name, text in dumps). Dumps and the deadlock message print the text. */
#define GR__WAITS(X)                                                                                                   \
	X(NONE, "")                                                                                                    \
	X(CHAN_SEND, "chan send")                                                                                      \
	X(CHAN_RECV, "chan receive")                                                                                   \
	X(CHAN_NIL, "nil chan")                                                                                        \
	X(SELECT, "select")                                                                                            \
	X(SELECT_NONE, "select (no cases)")                                                                            \
	X(MUTEX, "mutex")                                                                                              \
	X(RWMUTEX_READ, "rwmutex read")                                                                                \
	X(RWMUTEX_WRITE, "rwmutex write")                                                                              \
	X(WG, "wait group")                                                                                            \
	X(SEMA, "semaphore")                                                                                           \
	X(COND, "cond")                                                                                                \
	X(ONCE, "once")                                                                                                \
	X(SYSCALL, "syscall")                                                                                          \
	X(TEST, "test")                                                                                                \
	X(SLEEP, "sleep")                                                                                              \
	/* from here on: what only the poller of descriptors wakes; see gr__wait_needs_poller() */                     \
	X(IO_READ, "I/O read")                                                                                         \
	X(IO_WRITE, "I/O write")                                                                                       \
	X(IO_ACCEPT, "I/O accept")                                                                                     \
	X(IO_CONNECT, "I/O connect")                                                                                   \
	X(IO_FILE, "file I/O")

/* clang-format off: it takes the list for one long statement */
enum gr__wait {
#define GR__WAIT_ENUM(name, text) GR__WAIT_##name,
	GR__WAITS(GR__WAIT_ENUM)
#undef GR__WAIT_ENUM
		GR__WAIT_COUNT
};
/* clang-format on */

/*
 * Whether a G that waits for this is woken by the poller rather than by another G. Who sleeps, or waits with a time-out, needs
 * it too, but not each time: timer.c sets GR__NEW_WAITER where its deadline is the first.
 */
static inline bool gr__wait_needs_poller(enum gr__wait reason)
{
	return reason >= GR__WAIT_IO_READ;
}

/* ---- G --------------------------------------------------------------------------------------------- */

/*
 * States of a G and who makes the transition:
 *   FREE -> RUNNABLE      the first run, by the M that begins it; a G with a larger stack: by its creator
 *   FREE -> RUNNING       not seen: the G that ends becomes the next one at once (next_life)
 *   RUNNABLE -> RUNNING   the M that took it off a queue, just before it runs
 *   RUNNING -> RUNNABLE   yield: after the switch, by whatever runs next on that M
 *   RUNNING -> WAITING    park: after the switch, before commit
 *   WAITING -> RUNNABLE   gr__ready, by the waker
 *   RUNNING -> SYSCALL -> RUNNING   the G itself
 *   RUNNING -> FREE       exit: after the switch
 * Only the owner of the moment writes, so plain (relaxed) stores do; the queues and locks order them. Dumps read.
 */
enum gr__gstate {
	GR__G_FREE = 0, /* also what a never touched or released descriptor reads as */
	GR__G_RUNNABLE,
	GR__G_RUNNING,
	GR__G_WAITING,
	GR__G_SYSCALL,
};

/*
 * A goroutine's descriptor. It lies at the top of the G's own stack slot and shares the page that the stack's first
 * frames use anyway, so its size is memory of every parked G.
 */
struct gr_g {
	/* owner of the moment: the M that runs it, or the lock or queue that it is on */
	void *sp; /* saved stack pointer while switched off */
	struct gr_g *link; /* next on the queue or list that it is on */
	_Atomic uint32_t state; /* enum gr__gstate */
	_Atomic uint32_t wait; /* enum gr__wait */
	void *wait_data; /* what it waits on, see waits.c; set by who parks. In a blocking call or preempted: the frame */
	_Atomic int64_t
		since_ns; /* coarse time of the last park; up to here is what parking and readying touch: one line */
	uintptr_t
		stack_limit; /* what code with checks compares its stack pointer to while this G runs: grow.c; 0: nothing */
	void (*fn)(void *); /* entry */
	void *arg; /* of fn */
	_Atomic uint64_t id; /* from 1 up, never used again */
	_Atomic(const char *) name; /* or NULL */
	_Atomic(const char *) label; /* or NULL */
	void *wake_param; /* set by the waker before gr__ready. In a blocking call or preempted: where in that frame */

	/* immutable once the slot has been used */
	struct gr__slab *slab; /* where its stack is from */
	char *stack_lo; /* lowest address of the slot: the guard */
	char *stack_hi; /* end of the usable stack: this descriptor is above it */
	uint16_t slot; /* index in the slab */
	bool guarded; /* the lowest page faults; else its first word is the canary */
	bool is_usual; /* of a segment: of the size that is kept at hand */

	/* owner of the moment */
	bool was_preempted; /* since it was last taken off the global queue: comes alone from there */
	uint32_t nopreempt; /* depth of gr_nopreempt_enter; the G itself and its M's handler */
	uint32_t chain_n; /* head of a chain of free stacks: its length */
	struct gr_g *chain_next; /* head of a chain of free stacks: the next chain */
	void *san_fake; /* address sanitizer's fake stack while switched off */
	void *san_fiber; /* thread sanitizer's fiber, kept with the slot */
	uint64_t san_id; /* valgrind's stack id */
	struct gr_g *seg; /* the newest of the segments that its stack has grown by; the next older one is its `link` */
	struct gr__dyn *dyn; /* what its frames have by alloca beside the stack, newest first */
};
_Static_assert(sizeof(struct gr_g) <= 192, "a G's descriptor is memory of every parked G");

/* A singly linked list of Gs by their `link`. All zero: empty. */
struct gr__glist {
	struct gr_g *head, *tail;
	size_t n;
};

static inline void gr__glist_push(struct gr__glist *l, struct gr_g *g)
{
	g->link = NULL;
	if (l->tail)
		l->tail->link = g;
	else
		l->head = g;
	l->tail = g;
	l->n++;
}

static inline struct gr_g *gr__glist_pop(struct gr__glist *l)
{
	struct gr_g *g = l->head;

	if (!g)
		return NULL;
	l->head = g->link;
	if (!l->head)
		l->tail = NULL;
	g->link = NULL;
	l->n--;
	return g;
}

/* Move all of `from` behind l's last. */
static inline void gr__glist_append(struct gr__glist *l, struct gr__glist *from)
{
	if (!from->head)
		return;
	if (l->tail)
		l->tail->link = from->head;
	else
		l->head = from->head;
	l->tail = from->tail;
	l->n += from->n;
	*from = (struct gr__glist){NULL, NULL, 0};
}

/* ---- counters ------------------------------------------------------------------------------------- */

/* X(name): one counter of struct gr_stats, in its order. */
#define GR__COUNTERS(X)                                                                                                \
	X(switches)                                                                                                    \
	X(parks)                                                                                                       \
	X(readies)                                                                                                     \
	X(spawns)                                                                                                      \
	X(steals)                                                                                                      \
	X(stolen)                                                                                                      \
	X(handoffs)                                                                                                    \
	X(handoffs_early)                                                                                              \
	X(handoffs_back)                                                                                               \
	X(wakes)                                                                                                       \
	X(spins)                                                                                                       \
	X(m_created)                                                                                                   \
	X(m_reaped)                                                                                                    \
	X(syscalls)                                                                                                    \
	X(polls)                                                                                                       \
	X(timers_fired)                                                                                                \
	X(timers_put_off)                                                                                              \
	X(preemptions)                                                                                                 \
	X(stacks_mapped)

/* Each set has one writer at a time (the owner of the P or the M), which adds with owner_add(); anybody reads. */
struct gr__counters {
#define GR__COUNTER_FIELD(name) _Atomic uint64_t name;
	GR__COUNTERS(GR__COUNTER_FIELD)
#undef GR__COUNTER_FIELD
};

/* ---- P --------------------------------------------------------------------------------------------- */

/* Why sysmon asks for attention, beside what shows by itself. Bits of p->urgent. */
enum gr__urgent {
	GR__URGENT_READY = 1, /* what time or I/O has made ready goes first */
	GR__URGENT_GLOBAL = 2, /* nobody has looked at the global queue for long */
};

/* The two kinds of stack that a G usually has: pages with a guard, or small ones that grow (grow.c). */
enum gr__kind { GR__PAGES, GR__SMALL, GR__KINDS };

/* A G that has been created and has not run yet: what it will be. */
struct gr__birth {
	void (*fn)(
		void *); /* NULL: the G exists, with a larger stack than usual, and is arg. GR__FN_SMALL: see there */
	void *arg;
	const char *name; /* or NULL */
};

/*
 * A birth that is to have a small stack says so in the highest bit of fn, which no address of a program has set on amd64.
 */
#define GR__FN_SMALL ((uintptr_t)1 << 63)

static inline enum gr__kind gr__birth_kind(const struct gr__birth *b)
{
	return (uintptr_t)b->fn & GR__FN_SMALL ? GR__SMALL : GR__PAGES;
}

static inline void (*gr__birth_fn(const struct gr__birth *b))(void *)
{
	return (void (*)(void *))((uintptr_t)b->fn & ~GR__FN_SMALL);
}

/* The same where thieves may read it. */
struct gr__birth_slot {
	void (*_Atomic fn)(void *);
	_Atomic(void *) arg;
	_Atomic(const char *) name;
};

enum { GR__NURSERY_SLOTS = 256 }; /* a power of two; what does not fit goes to the spill, half of it at a time */

enum { GR__RUNQ_SLOTS = 256 }; /* a power of two; Go's size: overflow goes to the global queue in halves */

/* p->status: a state in the low byte, above it (in SYSCALL) the id of the M that went into the call. */
enum gr__pstate {
	GR__P_IDLE = 0, /* on sched.idle_ps, or being moved between Ms by who took it */
	GR__P_RUNNING, /* an M holds it */
	GR__P_SYSCALL, /* attached to an M in a blocking call; whoever CASes it away owns it */
	GR__P_STOPPED, /* gr_set_procs has it, or it is not in use: procs.c */
};
#define GR__P_STATE(word) ((enum gr__pstate)((word)&0xff))
#define GR__P_IN_SYSCALL(m_id) (GR__P_SYSCALL | ((uint64_t)(m_id) << 8))

/* An entry of a P's heap of sleepers. */
struct gr__sleeper {
	int64_t when; /* monotonic ns */
	struct gr_g *g;
};

/* What happens by time on a P: timer.c. All zero but for `next`: nothing. */
struct gr__timers {
	struct gr__lock lock;
	_Atomic int64_t next; /* the earliest of both heaps; changed under lock, read without */
	/* under lock */
	struct gr__sleeper *heap; /* its memory begins some entries before; NULL before the first sleeper */
	size_t n, cap; /* of heap */
	struct gr__timer *root; /* of the heap of timers: the earliest */
};

/* Free stacks, newest first; handed between a P and the central list as whole chains. */
struct gr__stack_chain {
	struct gr_g *head;
	uint32_t n;
};

/* What a P has of a kind. */
struct gr__stack_cache {
	uint32_t credit; /* Gs that may still be created: a slot is promised to each (stack.c) */
	struct gr__stack_chain a, b; /* free stacks: the chain in use and a full or empty spare */
	struct gr__slab *fresh_slab; /* never used slots [fresh_next, fresh_end) of that slab */
	uint32_t fresh_next, fresh_end;
};

struct gr_p {
	/* written by thieves: a line of its own */
	CACHE_ALIGNED _Atomic uint32_t runq_head; /* CAS by anybody who takes */
	_Atomic(struct gr_g *) runnext; /* set by the owner P, cleared by the owner or a thief */
	_Atomic uint64_t nursery; /* head, tail and count in one word: nursery.h; CAS by anybody who takes */

	/* owner P; thieves read */
	CACHE_ALIGNED _Atomic uint32_t runq_tail; /* store-release publishes the slot */
	_Atomic uint32_t attention; /* sysmon or gr_stop: come to find_runnable at the next switch */
	_Atomic uint64_t tick; /* switches on this P */
	uint64_t due_at; /* the tick at which timers, I/O and what is shared are looked at again; 0 while tracing */
	uint64_t look_at; /* the tick for timers and I/O */
	uint64_t shared_at; /* the tick for what is shared */
	uint64_t look_every; /* so many switches from the last look at them to the next one: is_time_due */
	int64_t looked_ns; /* when the clock was read for the last one that needed it, and */
	uint64_t looked_tick; /* at which tick */
	bool is_due; /* due_at has come, and g0 has something to do about it */
	bool is_shared_due; /* shared_at has come, and there is something */
	uint64_t batch_until; /* the tick at which the last batch of timers has run, if more were due */
	_Atomic uint32_t streak; /* runnext or the newest of the nursery taken that many times in a row */
	bool is_nurserys_turn; /* at the end of the last streak it was not the ring's */
	bool is_urgent; /* what is readied to the ring's tail now goes to runnext, once: find.c, take_urgent */
	uint32_t rng; /* xorshift state: steal order */
	struct gr__stack_cache stacks[GR__KINDS];
	struct gr__stack_chain segs; /* free segments for stacks that grow, newest first */
	uint64_t id_next, id_end; /* batch of G ids */
	struct gr_m *m; /* the M that holds it, or that is in the blocking call */
	struct gr__counters stats;
	_Atomic uint64_t exits; /* Gs that ended here */

	/* atomic */
	CACHE_ALIGNED _Atomic uint64_t status; /* enum gr__pstate and M id */
	_Atomic uint32_t syscall_tick; /* blocking calls entered; owner P */
	_Atomic uint32_t cpu; /* where its M last looked for work; only with sched.cpus; owner P */
	_Atomic uint32_t
		oldest_due; /* so many of the oldest of the nursery have to run next: sysmon asks, the owner does */
	_Atomic uint32_t urgent; /* enum gr__urgent: why the owner is asked for attention */
	_Atomic uint32_t strike_tid; /* thread of its M; 0: none that may be sent a signal. Owner P */
	_Atomic uint64_t strike_tick; /* the tick + 1 of the G that a signal is for, else 0 */

	CACHE_ALIGNED struct gr__timers timers; /* who holds any P */

	/* sched.lock */
	CACHE_ALIGNED struct list idle_link;

	/* sysmon only */
	uint64_t seen_tick;
	int64_t seen_slice_ns; /* since when it has been the same slice */
	uint32_t seen_syscall_tick;
	int64_t seen_syscall_ns;
	bool seen_queued;
	uint64_t run_tick; /* the last tick seen, and since when it has been that one, running */
	int64_t run_ns;
	int64_t asked_ns; /* its G has been asked to stop, or struck, the last time; 0: not since that tick */
	int64_t strike_wait_ns; /* how long after that it is struck (again) */
	uint32_t seen_oldest; /* head of the nursery */
	uint32_t oldest_burst; /* how many were asked for the last time */
	uint32_t asked_oldest; /* where the head is when they have been run, and nobody else has taken any */
	int64_t seen_oldest_ns, watched_ns; /* since when it has been that; when that was last looked at */

	/* immutable */
	uint32_t id;

	CACHE_ALIGNED _Atomic(struct gr_g *) runq[GR__RUNQ_SLOTS]; /* slot i of the ring: index i % 256 */
	CACHE_ALIGNED struct gr__birth_slot births[GR__NURSERY_SLOTS]; /* of the nursery, likewise */
};

/* ---- M --------------------------------------------------------------------------------------------- */

/* What the stack that has just been left needs to have done to it, by whoever runs next on the M. */
enum gr__after {
	GR__AFTER_NOTHING = 0,
	GR__AFTER_YIELD, /* to the own ring's tail */
	GR__AFTER_PARK, /* WAITING, then commit */
	GR__AFTER_EXIT, /* stack to the free list */
	GR__AFTER_SYSCALL, /* came back from a blocking call and found no P: to the global queue */
	GR__AFTER_PREEMPT, /* left within a signal handler: another alternate stack, then to the global queue */
	GR__AFTER_YIELD_GLOBAL, /* to the global queue's tail */
};

enum gr__notice {
	GR__NEW_WAITER = 1, /* a G parked for the poller since this was last looked at */
	GR__TRACED = 2, /* a trace is taken, or was when this was last looked at */
	GR__LIMITS =
		4, /* stacks grow: who is switched to has a limit of its own (grow.c). All Ms have it or none, always */
};

struct gr_m {
	/* the M itself */
	struct gr_p *p; /* held P, or NULL */
	struct gr_g *curg; /* running G, NULL on g0 */
	enum gr__after after; /* pending action on after_g */
	struct gr_g *after_g;
	bool (*after_commit)(struct gr_g *, void *);
	void *after_arg;
	enum gr__wait after_reason; /* copied from the G, which may not be looked at after commit */
	uint8_t notices; /* enum gr__notice: what the next one to run has to look after */
	bool spinning; /* counted in sched.spinning */
	void *g0_sp; /* saved stack pointer of the scheduler's stack while a G runs */
	bool on_g0; /* the scheduler's stack is in use */
	void *call_sp; /* where a G's stack goes on that has called something on g0; see gr__on_g0() */
	struct gr_g *seg; /* a free segment of the usual size for stacks that grow, or NULL */
	/* of the G that runs, which meets the end of a piece of its stack often: gr__grow_hot */
	int32_t splits; /* so many more times until that is looked at */
	uint16_t hot_tries, hot_rest; /* looks since its limit has been raised in vain; until it may be raised again */
	uintptr_t hot_sp,
		hot_before; /* where it met the edge when it was raised the last time, 0: not; the limit before */
	uint32_t rng;
	struct gr_p *syscall_p; /* the P it had when it went into a blocking call */
	int64_t call_ns; /* when its P was handed on because the call was expected to last; else 0 */
	void *altstack; /* where its signal handlers run, NULL: on whatever stack is in use */
	void *spare_altstack; /* the next one, or NULL: preempt.c */
	void *san_fake, *san_fiber; /* of g0 */
	const void *san_lo; /* address sanitizer: bounds of g0's stack */
	size_t san_size;
	struct gr__counters stats; /* what happens while it has no P */
	struct gr__trace_buf *trace; /* its ring of events, or NULL */
	bool trace_refused; /* there can be none */

	/* set by who wakes it, before note is signalled */
	struct gr_p *next_p;
	bool next_spinning;
	struct gr__note note;

	/* sched.lock */
	struct list idle_link; /* on sched.idle_ms while parked */
	struct list all_link; /* on sched.all_ms or sched.dead_ms */

	_Atomic bool has_left; /* runs nothing of the runtime any more */

	/* immutable */
	uint32_t id;
	uint32_t tid; /* the kernel's number of the thread */
	pthread_t thread;
};

/* ---- the scheduler --------------------------------------------------------------------------------- */

/* Settings in force; immutable while the runtime runs. */
struct gr__knobs {
	unsigned procs, max_ms;
	size_t stack_bytes;
	uint64_t reap_ns;
	uint64_t slack_ns; /* Ms' timer slack */
	uint64_t slice_ns; /* a G computes so long while others wait */
	int64_t poll_ns; /* a busy P looks for I/O that often */
	bool steal, runnext, spin, newest, preempt;
	bool global; /* no queue but the global one */
	bool sigquit; /* a dump on SIGQUIT */
	bool uring; /* files through io_uring if it is to be had */
	bool plain_newest; /* the newest of the nursery first, without perturbation: knob on and no seed */
	bool grow; /* stacks of code that is compiled for it grow */
	uint64_t grow_bytes; /* to so many bytes at most */
	unsigned guard; /* best kind of stack guard allowed: 0 light, 1 mapping, 2 canary */
	int64_t schedtrace_ns; /* a line on stderr that often; 0: none */
	uint64_t trace_kb, trace_slots; /* room for events of each M, and how many that are; a power of two */
	uint64_t seed; /* not 0: perturb the order of everything that may be reordered */
};

enum { GR__MAX_PROCS = 1024 };
enum { GR__CALL_PLACES = 256 }; /* a power of two */

struct gr_sched {
	/* read mostly */
	CACHE_ALIGNED struct gr__knobs knobs;
	struct gr_p **ps; /* room for GR__MAX_PROCS */
	_Atomic uint32_t nprocs; /* Ps in use: ps[0 .. nprocs); changed while the world is stopped */
	_Atomic uint32_t n_ps_made; /* Ps that exist */
	/*
	 * What is not as usual costs the fast paths nothing: they ask these two anyway, or something that has to be asked.
	 *   is_plain 0     who readies a G has to look at the knobs (runnext, seed, global), or note it down (a trace)
	 *   credit_max 0   no P ever has credit, so each gr_go takes its slow way, which looks too (global, a trace)
	 */
	_Atomic uint32_t is_plain;
	_Atomic uint32_t credit_max; /* units of credit that a P may keep */
	_Atomic uint32_t tracing; /* a trace is taken: trace.c; then both are 0 too */
	uint16_t *coprimes; /* strides that visit every P once */
	const struct gr_cpu *cpus; /* by CPU number; NULL: all CPUs are equally near */
	unsigned n_cpus;
	unsigned n_coprimes;
	bool is_one_cpu; /* that the program could use when the runtime began */
	int uring_refused; /* knobs.uring, and why it is not so: an errno */
	_Atomic uint32_t running; /* gr_start has finished and gr_stop has not begun */
	_Atomic uint32_t stopping; /* Ms leave at their next scheduling point */
	_Atomic uint32_t world_stops; /* Ms give up their Ps at their next scheduling point: procs.c */

	/* By places in the program: so many calls from there are expected to last (syscall.c). Hints: any thread, any order */
	CACHE_ALIGNED _Atomic uint8_t lasting[GR__CALL_PLACES];

	/* atomic; changed under lock, read without */
	CACHE_ALIGNED _Atomic uint32_t n_idle_ps;
	_Atomic uint32_t spinning; /* Ms that look for work */
	_Atomic uint32_t global_n; /* length of global */
	_Atomic uint32_t spill_n; /* births in the spill */
	_Atomic uint32_t sysmon_asleep; /* in its deep sleep */
	_Atomic uint32_t timers_late; /* of a P whose G computes: whoever looks around runs all that are due */
	_Atomic uint64_t idle_mask[GR__MAX_PROCS / 64]; /* bit per P on idle_ps */

	CACHE_ALIGNED struct gr__lock lock;
	/* under lock */
	struct gr__glist global;
	_Atomic uint32_t global_urgent; /* so many at its head have been readied by sysmon and go first; read without */
	_Atomic uint32_t global_takes; /* how often somebody took from it; read without */
	struct list spill, spare_chunks; /* struct gr__chunk; the spill with the oldest first */
	unsigned n_spare_chunks;
	struct list idle_ps, idle_ms, all_ms, dead_ms;
	unsigned n_ms, n_idle_ms; /* Ms that exist or are being made; those on idle_ms */
	unsigned n_making; /* of n_ms: whose thread is being created, and may yet be refused */
	unsigned n_unjoined; /* threads that have to be joined, Ms that have exited included */
	_Atomic uint32_t n_syscall_block; /* Ms in a blocking call whose P has been taken; read without the lock too */
	pthread_t runner; /* the first thread that called gr_run; valid with has_runner */
	bool has_runner, runners_differ; /* gr_run was called; by more threads than one */
	uint32_t next_m_id;
	unsigned n_to_stop; /* Ps that have not stopped yet, while world_stops */
	struct gr__note world_note; /* they have */
	struct gr__counters gone; /* of Ms that have exited, and what threads that are no M did */

	/* the poller */
	CACHE_ALIGNED _Atomic uint32_t poller; /* an M blocks in the netpoller (or waits for a timer there) */
	_Atomic int64_t poll_until_ns; /* when it will wake by itself */
	_Atomic int64_t last_poll_ns; /* last time somebody polled */

	/* statistics of everything */
	CACHE_ALIGNED _Atomic uint64_t g_count; /* Gs that exist */
	_Atomic uint64_t next_g_id;
	_Atomic uint32_t runs; /* gr_run calls in progress */
	_Atomic int64_t coarse_now_ns; /* sysmon's last tick */

	_Atomic uint32_t procs_change; /* a gr_set_procs is in progress */

	sigset_t sigmask; /* of Ms: that of the thread that called gr_start; immutable while the runtime runs */

	/* sysmon */
	pthread_t sysmon_thread;
	struct gr__note sysmon_note;
};

/* Hidden: in the shared library it is then reached directly, not through a table. */
extern struct gr_sched gr__sched __attribute__((visibility("hidden")));

/* How many Ps there are. Does not change while the caller holds one, but across calls that may switch. */
static inline unsigned gr__nprocs(void)
{
	return load_acquire(&gr__sched.nprocs); /* pairs with the release in procs.c: ps[] below that is filled in */
}

#endif
