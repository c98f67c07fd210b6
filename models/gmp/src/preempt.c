/*
 * preempt.c - taking the CPU from a G that computes and does not call the runtime.
 *
 * sysmon asks a P for attention first, which the next call of the runtime answers. If none comes it sends a signal to the
 * P's M. The handler may switch to another G from where it is: the kernel has saved all registers of the interrupted G
 * in the signal's frame, vector registers and flags included, so nothing in assembly is needed, and nothing of the G's own
 * stack, which may be nearly full.
 *
 * Why hard: in C nobody says where a G may be stopped. malloc holds a lock, printf a buffer half written, the compiler a
 * thread's address in a register; and the runtime's own queues are open at many places. A G that is stopped there and goes
 * on elsewhere, or not soon, breaks others. So it is the program that says where: functions marked GR_PREEMPTIBLE lie in
 * a section of their own, and the handler switches only if the interrupted instruction is in it. What marked code calls
 * is not in it, the libc and the runtime least of all. That leaves what the instruction cannot tell: foreign code that
 * calls marked code back (a comparator of qsort), a lock that its caller holds. There the caller raises the G's
 * no-preempt depth.
 *
 * Rejected: to note "preempt me" in the handler and look at it at each loop (the compiler's help would be needed, or the
 * user's: gr_checkpoint is that). To have the handler change the saved PC, so that the G calls a function of ours (Go's
 * way): the registers would be on the G's stack, all of them, for which a C frame has left no room, and the ABI's 128 bytes
 * below the stack pointer are in use. Timers per thread: they fire also when nobody waits. A depth in the M: a G that
 * switches with it raised would leave it behind.
 *
 * The frame lies on the M's alternate stack A, so A belongs to the G until it goes on, and the M needs another one, B.
 * As long as the kernel has A as the thread's alternate stack, the next signal that comes when the thread is not on A any
 * more would be written over the frame. A cannot be changed by somebody who is on it. So:
 *
 *	the handler, on A, all signals blocked          the handler, when the G goes on, perhaps on another M with C
 *	1 looks at everything; takes B                  1 still on A; signals are not blocked, and would go to C
 *	2 switches to g0                                2 the frame's "alternate stack after return" = C
 *	3 g0: the thread's alternate stack is B         3 A is that M's spare one
 *	4 g0: unblocks signals                          4 returns: the kernel restores registers and mask, and leaves A
 *	5 g0: the G to the global queue
 *
 * If 4 came before 3, a signal between them would overwrite the G's registers. If 5 came before 3, the G could run on another
 * M and return while this one still uses A. A is only the *spare* of the M in 3 on the right, because it is in use until
 * 4: that M takes its spare at its next preemption, when it runs a G, not a handler. (A pool that is everybody's would
 * give A away too early.) spin/preempt.pml has these steps and their mutants.
 *
 * A request is for one run of a G: it holds the P's tick, which each switch changes. A signal that comes late finds
 * another tick and does nothing.
 *
 *	sysmon                                          the M
 *	1 reads the tick; sees that it is old           1 switches: another tick
 *	2 strike_tick = that tick                       2 the handler: strike_tick is not the tick: returns
 *	3 sends the signal
 *
 * Invariants:
 *   Y1  in the handler that switches: the instruction is in marked code, the stack pointer in the running G's stack (so no
 *       other handler has been interrupted), the G RUNNING with a P and its depth 0. So no lock of the runtime is held.
 *   Y2  an alternate stack is armed for one thread, or is one M's spare, or in the pool, or holds one preempted G's frame.
 *   Y3  what may have cached something of the thread (errno's address) over a call of marked code is wrong, as it is over
 *       a call of the runtime; errno's value itself goes with the G.
 *
 * Off where it cannot be: ThreadSanitizer delays signals to places of its own choosing, and valgrind runs all threads in
 * turn on one CPU with a time slice of its own. gr_knobs() says so.
 */
#include <errno.h>

#include "grow.h"
#include "os.h"
#include "preempt.h"
#include "switch.h"

GR__FITS_SMALL_STACKS;

enum {
	RANGES_MAX = 32, /* modules with marked code; arbitrary */
	POOL_MAX = 64, /* free alternate stacks kept; arbitrary */
};

/* ---- marked code --------------------------------------------------------------------------------------- */

static struct {
	const char *lo, *hi;
} ranges[RANGES_MAX];
static _Atomic uint32_t n_ranges; /* release: those below are filled in. They are never taken away. */
static struct gr__lock ranges_lock;

int gr_preemptible_range(const void *lo, const void *hi)
{
	uint32_t n;
	int err = 0;

	if (!lo || lo == hi)
		return 0;
	if ((const char *)lo > (const char *)hi)
		return -EINVAL;
	gr__lock(&ranges_lock);
	n = load_relaxed(&n_ranges);
	for (uint32_t i = 0; i < n; i++)
		if (ranges[i].lo == lo)
			goto out;
	if (n == RANGES_MAX) {
		err = -ENOSPC;
		goto out;
	}
	ranges[n].lo = lo;
	ranges[n].hi = hi;
	store_release(&n_ranges, n + 1); /* pairs with the acquire in is_marked */
out:
	gr__unlock(&ranges_lock);
	return err;
}

static bool is_marked(const char *pc)
{
	uint32_t n = load_acquire(&n_ranges);

	for (uint32_t i = 0; i < n; i++)
		if (pc >= ranges[i].lo && pc < ranges[i].hi)
			return true;
	return false;
}

/* ---- the depth, and asking by oneself ----------------------------------------------------------------------- */

void gr_nopreempt_enter(void)
{
	struct gr_m *m = gr__m();

	if (unlikely(!m || !m->curg))
		gr__fatal("gr_nopreempt_enter: not called from a G");
	m->curg->nopreempt++;
}

void gr_nopreempt_leave(void)
{
	struct gr_m *m = gr__m();

	if (unlikely(!m || !m->curg || !m->curg->nopreempt))
		gr__fatal("gr_nopreempt_leave: without gr_nopreempt_enter");
	m->curg->nopreempt--;
}

void gr_checkpoint(void)
{
	struct gr_m *m = gr__m();

	if (unlikely(!m || !m->curg))
		gr__fatal("gr_checkpoint: not called from a G");
	if (unlikely(load_relaxed(&m->p->attention))) {
		gr__not_in_call(m->curg);
		gr_yield();
	}
}

/* ---- alternate stacks ----------------------------------------------------------------------------------------- */

/* At the low end, where a handler comes last. */
struct altstack {
	struct list all;
	struct altstack *next_free;
};

static struct gr__lock pool_lock;
/* under pool_lock */
static struct list all_altstacks = LIST_INIT(all_altstacks);
static struct altstack *pool;
static unsigned pool_n;

void *gr__altstack_take(void)
{
	struct altstack *a;

	gr__lock(&pool_lock);
	a = pool;
	if (a) {
		pool = a->next_free;
		pool_n--;
	}
	gr__unlock(&pool_lock);
	if (a)
		return a;
	a = gr__os_altstack_map();
	if (!a)
		return NULL;
	gr__lock(&pool_lock);
	list_push_back(&all_altstacks, &a->all);
	gr__unlock(&pool_lock);
	return a;
}

void gr__altstack_put(void *altstack)
{
	struct altstack *a = altstack;

	if (!a)
		return;
	gr__lock(&pool_lock);
	if (pool_n < POOL_MAX) {
		a->next_free = pool;
		pool = a;
		pool_n++;
		a = NULL;
	} else {
		list_remove(&a->all);
	}
	gr__unlock(&pool_lock);
	if (a)
		gr__os_altstack_unmap(a);
}

/* Also those of Gs that were preempted and have been dropped. */
void gr__altstacks_destroy(void)
{
	for (struct list *link; (link = list_pop_front(&all_altstacks));)
		gr__os_altstack_unmap(container_of(link, struct altstack, all));
	pool = NULL;
	pool_n = 0;
}

/* ---- a strike ---------------------------------------------------------------------------------------------------- */

static bool is_on; /* immutable while the runtime runs */
void (*gr__on_strike)(struct gr_g *g, const void *pc, const void *sp);

const char *gr__preempt_state(void)
{
	if (GR_TSAN)
		return "0 (thread sanitizer)";
	if (gr__san_is_valgrind())
		return "0 (valgrind)";
	return gr__sched.knobs.preempt ? "1" : "0";
}

void gr__strike(struct gr_p *p, uint64_t tick)
{
	uint32_t tid = load_relaxed(&p->strike_tid);

	/* An M without an alternate stack has none to leave a G on. */
	if (!is_on || !tid || !load_relaxed(&n_ranges))
		return;
	store_release(&p->strike_tick, tick + 1); /* pairs with the handler's load; the kernel orders the two anyway */
	gr__os_thread_interrupt(tid);
}

void gr__strike_all(const struct gr_p *but)
{
	for (unsigned i = 0, n = gr__nprocs(); i < n; i++) {
		struct gr_p *p = gr__sched.ps[i];

		if (p != but && GR__P_STATE(load_relaxed(&p->status)) == GR__P_RUNNING)
			gr__strike(p, load_relaxed(&p->tick));
	}
}

/* The frame's mask is what the M had; the G, and with it the frame, is let go of last. */
__attribute__((noinline)) void gr__finish_preempt(struct gr_m *m, struct gr_g *g)
{
	struct gr_sched *s = &gr__sched;
	const struct gr__interrupted *at = m->after_arg;
	struct gr__glist one = {NULL, NULL, 0};

	m->altstack = NULL;
	if (!gr__os_altstack_set(m->spare_altstack)) { /* 3 */
		m->altstack = m->spare_altstack;
		m->spare_altstack = NULL;
	} else if (gr__os_altstack_set(NULL)) {
		gr__throw("Y2: a thread cannot leave its alternate stack");
	} else {
		store_relaxed(&m->p->strike_tid, 0); /* goes on without one, as an M that has got none from the start */
	}
	gr__os_signals_restore(at->mask); /* 4 */
	store_relaxed(&g->state, GR__G_RUNNABLE);
	g->was_preempted = true;
	gr__glist_push(&one, g);
	gr__lock(&s->lock); /* 5 */
	gr__global_put_locked(&one);
	gr__unlock(&s->lock);
	gr__wake_p();
}

/* The G goes on, on whatever M: the alternate stack `own` is left at the handler's return. */
static __attribute__((noinline)) void come_back(struct gr__interrupted *at, void *own)
{
	struct gr_m *m = gr__m();
	void *had = m->spare_altstack;

	gr__os_altstack_describe(m->altstack, at->altstack); /* 2 */
	m->spare_altstack = own; /* 3 */
	gr__altstack_put(had);
}

/* Y1, of the calling M's G. What interrupts code of the runtime must find out so before it looks at anything else. */
static struct gr_g *whom_to_stop(const struct gr__interrupted *at)
{
	const char *here = __builtin_frame_address(0); /* not a variable's: sanitizers move those to the heap */
	struct gr_m *m = gr__m();
	const struct gr_g *piece;
	struct gr_g *g;
	struct gr_p *p;

	if (!is_marked(at->pc) || !m || !(g = m->curg) || load_relaxed(&g->state) != GR__G_RUNNING || g->nopreempt)
		return NULL;
	piece = g->seg ? g->seg : g;
	if ((const char *)at->sp < piece->stack_lo || (const char *)at->sp > piece->stack_hi)
		return NULL;
	p = m->p;
	if (load_acquire(&p->strike_tick) != load_relaxed(&p->tick) + 1)
		return NULL;
	/* A program that has set an alternate stack of its own is on that. */
	if (here < (char *)m->altstack || here >= (char *)m->altstack + gr__os_altstack_bytes())
		return NULL;
	return g;
}

static void on_signal(struct gr__interrupted *at)
{
	struct gr_g *g = whom_to_stop(at);
	struct gr_m *m;
	void *own;

	if (!g)
		return;
	m = gr__m();
	if (!m->spare_altstack && !(m->spare_altstack = gr__altstack_take()))
		return; /* no memory: it computes on */
	gr__assert_no_locks("Y1");
	if (unlikely(gr__on_strike != NULL))
		gr__on_strike(g, at->pc, at->sp);
	own = m->altstack;
	owner_add(&m->p->stats.preemptions, 1);
	store_relaxed(&m->p->strike_tick, 0);
	/* For back-traces: the saved context is on the alternate stack, and says nothing of the G's own. */
	g->wait_data = at->fp;
	g->wake_param = (void *)(uintptr_t)at->pc;
	m->after = GR__AFTER_PREEMPT;
	m->after_g = g;
	m->after_arg = at;
	gr__switch_off(m, g, NULL, false); /* 2 */
	come_back(at, own);
}

int gr__preempt_start(void)
{
	int err;

	is_on = false;
	gr_preemptible_here(); /* of the module that the runtime is linked into */
	if (gr__preempt_state()[0] == '0')
		return 0;
	err = gr__os_preempt_handler_on(on_signal);
	is_on = !err;
	if (is_on)
		gr__os_signals_for_ms(&gr__sched.sigmask);
	return err;
}

void gr__preempt_stop(void)
{
	if (is_on)
		gr__os_preempt_handler_off();
	is_on = false;
}

bool gr__preempt_is_on(void)
{
	return is_on;
}
