/*
 * syscall.c - brackets around calls that block the M.
 *
 * Most calls return before anybody notices, so the brackets must cost next to nothing: the P stays attached to the M
 * and one word tells who owns it.
 *
 *	M in the call                            sysmon (or the M itself, if the call is known to last, or one that is back)
 *	enter: status = SYSCALL | own id         sees SYSCALL for more than one tick of its own:
 *	exit:  CAS SYSCALL | own id -> RUNNING   CAS SYSCALL | id -> IDLE, then hands the P to another M
 *
 * One of the two CASes wins. The id is in the word because a P that was taken may meanwhile be in a call of another
 * M, and that must not look like the old state. The store at enter is a release and the taker's CAS an acquire: what
 * the M did with the P's queues is seen by its next owner.
 *
 * Who waits for the P meanwhile does so for a tick or two, 20 us and more. So it is handed on at once where the call is known
 * to last: because the program says so, or because calls from the same place have lasted (below) and somebody waits.
 *
 * An M whose P is gone takes the old one if it is idle (its caches), or any idle one; else one that is attached to another M
 * in a call, the old one first, as Go does. Two that wake each other by calls that block so pass one P to and fro, and
 * nobody has to be woken for that. Else the G goes to the global queue and the M sleeps.
 *
 * A P is taken from a call that lasts, or two that make one short call after the other would take it from each other each
 * time. On one CPU a call lasts if it is under way: the M that would have to end it is not on the CPU. On several it has to
 * be the same call a microsecond later, a small part of what it would cost the M to sleep and be woken. Who takes a P for
 * which others wait lets them run first: they would have had it from the monitor.
 *
 * Which calls last. When the monitor has had to take a P, the next LASTS_CALLS calls from the same place in the program are
 * expected to last as well. Then the monitor has to find one again: nobody else can tell. Who hands on its P early cannot,
 * for it wakes somebody, who may end the call, or get the CPU before it begins. Only if both together took no longer than
 * handing it on does, the call was short, and what is left is halved. Two places may share an entry of the table: that costs
 * time, nothing else. Rejected: a time taken in each call, which would be more than all the rest of the bracket; a table in
 * each P, or a mark in each G, which would have to learn the same again, and Gs that make one call in their life never.
 */
#include "grow.h"
#include "internal.h"
#include "runq.h"
#include "trace.h"

GR__FITS_SMALL_STACKS;

enum {
	LASTS_CALLS =
		255, /* see above: to be found again costs 20 to 40 us, so a tenth of a microsecond for each of them */
	LASTS_NS = 5000, /* a P's way to another M and back costs as much */
	PATIENCE_NS = 1000, /* see above; Ms that have to sleep and to be woken lose 5 us and more */
};

/* Why a P is taken from a call. */
enum why {
	SEEN_TO_LAST, /* by the monitor */
	EXPECTED_TO_LAST,
	SAID_TO_LAST, /* by the program */
};

/* The entry for calls from `caller`. */
static inline _Atomic uint8_t *place(const void *caller)
{
	return &gr__sched.lasting[(uintptr_t)caller % GR__CALL_PLACES];
}

/* Has the way out fail in its fast part. */
static struct gr_p nobody;

static __attribute__((noinline)) void enter_noticed(struct gr_m *m, const struct gr_g *g)
{
	m->notices = gr__notices_that_stay();
	if (!(m->notices & GR__TRACED))
		return;
	gr__trace(GR__EV_CALL, GR__TRACE_NO_P, 0, load_relaxed(&g->id));
	m->syscall_p = &nobody;
}

/* `caller` and `frame`: where it was called, for back-traces. */
static inline __attribute__((always_inline)) void enter(void *caller, void *frame)
{
	struct gr_m *m = gr__m();
	struct gr_g *g;
	struct gr_p *p;

	if (unlikely(!m || !m->curg))
		gr__fatal("gr_syscall_enter: not called from a G");
	g = m->curg;
	p = m->p;
	if (unlikely(load_relaxed(&g->state) == GR__G_SYSCALL))
		gr__fatal("gr_syscall_enter: called twice");
	store_relaxed(&g->state, GR__G_SYSCALL);
	store_relaxed(&g->wait, GR__WAIT_SYSCALL);
	store_relaxed(&g->since_ns, load_relaxed(&gr__sched.coarse_now_ns));
	/* Volatile: two stores. Made into one of 16 bytes they wait for each other, which is 2 ns. */
	*(void *volatile *)&g->wait_data = frame;
	*(void *volatile *)&g->wake_param = caller;
	owner_add(&p->stats.syscalls, 1);
	owner_add(&p->syscall_tick, 1);
	m->syscall_p = p;
	store_release(&p->status, GR__P_IN_SYSCALL(m->id));
	if (unlikely(m->notices & ~GR__LIMITS))
		enter_noticed(m, g);
}

static void hand_off(void *p)
{
	gr__handoff(p);
}

/* Under sched.lock. p is taken from the M in the call of which its status was `seen`: that M, or NULL if it is back. */
static struct gr_m *take_locked(struct gr_p *p, uint64_t seen)
{
	struct gr_sched *s = &gr__sched;
	struct gr_m *m;

	if (!cas_strong_acq_rel(&p->status, &seen, GR__P_IDLE))
		return NULL;
	if (gr__tracing())
		gr__trace(GR__EV_RETAKE, p->id, 0, seen >> 8);
	owner_add(&s->n_syscall_block, 1);
	owner_add(&s->gone.handoffs, 1);
	m = p->m;
	p->m = NULL;
	return m;
}

static bool retake(struct gr_p *p, uint64_t seen, enum why why)
{
	struct gr_sched *s = &gr__sched;
	struct gr_m *m;

	gr__lock(&s->lock);
	m = take_locked(p, seen);
	/* It is in the call still, or waits for the lock in exit_slow: what enter has written is there. */
	if (m && why == SEEN_TO_LAST)
		store_relaxed(place(m->curg->wake_param), LASTS_CALLS);
	if (m && why == EXPECTED_TO_LAST)
		owner_add(&s->gone.handoffs_early, 1);
	gr__unlock(&s->lock);
	if (m)
		gr__on_g0(hand_off, p); /* a G's stack may be small */
	return m != NULL;
}

bool gr__retake(struct gr_p *p, uint64_t seen)
{
	return retake(p, seen, SEEN_TO_LAST);
}

/* The call is expected to last: whoever waits for the P has it now. */
static __attribute__((noinline)) void enter_expecting(_Atomic uint8_t *entry)
{
	struct gr_m *m = gr__m();
	uint8_t left = load_relaxed(entry);

	if (!left || !gr__p_is_wanted(m->p))
		return;
	store_relaxed(entry, left - 1);
	m->call_ns = gr__now_ns();
	if (!retake(m->p, GR__P_IN_SYSCALL(m->id), EXPECTED_TO_LAST))
		m->call_ns = 0;
}

void gr_syscall_enter(void)
{
	enter(__builtin_return_address(0), *(void **)__builtin_frame_address(0));
	if (unlikely(load_relaxed(place(__builtin_return_address(0)))))
		enter_expecting(place(__builtin_return_address(0)));
}

void gr__syscall_enter_plain(void)
{
	enter(__builtin_return_address(0), *(void **)__builtin_frame_address(0));
}

void gr_syscall_enter_blocking(void)
{
	struct gr_m *m;

	enter(__builtin_return_address(0), *(void **)__builtin_frame_address(0));
	m = gr__m();
	/* If nobody waits for the P: leave it attached, and the way back stays short. */
	if (gr__p_is_wanted(m->p))
		retake(m->p, GR__P_IN_SYSCALL(m->id), SAID_TO_LAST);
}

static inline __attribute__((always_inline)) void back_with_p(struct gr_m *m)
{
	store_relaxed(&m->curg->state, GR__G_RUNNING);
	/* Others have waited for long (sysmon.c): a G that makes one short call after the other comes to no other point. */
	if (unlikely(load_relaxed(&m->p->attention)))
		gr_yield();
}

/* A call that is seen from outside. */
struct call {
	struct gr_p *p;
	uint64_t status; /* p's in it */
	uint32_t tick;
};

/* One that is under way now, of `first` if it is in one. */
static bool see_call(struct call *c, const struct gr_p *first)
{
	const unsigned n = gr__nprocs();

	for (unsigned i = 0; i < n; i++) {
		c->p = gr__sched.ps[(first->id + i) % n];
		c->tick = load_relaxed(&c->p->syscall_tick);
		c->status = load_relaxed(&c->p->status);
		if (GR__P_STATE(c->status) == GR__P_SYSCALL)
			return true;
	}
	return false;
}

static void be_patient(void)
{
	const int64_t until_ns = gr__now_ns() + PATIENCE_NS;

	while (gr__now_ns() < until_ns)
		gr_pause();
}

/* Under sched.lock: p, or any other that is idle. */
static struct gr_p *idle_p_locked(struct gr_p *p)
{
	if (load_relaxed(&gr__sched.stopping))
		return NULL;
	return gr__pidle_take_locked(p) ? p : gr__pidle_get_locked();
}

/* Under sched.lock: the P of c, if that call is under way still. */
static bool take_call_locked(const struct call *c)
{
	struct gr_sched *s = &gr__sched;

	if (load_relaxed(&s->stopping) || load_relaxed(&s->world_stops) ||
	    load_relaxed(&c->p->syscall_tick) != c->tick || !take_locked(c->p, c->status))
		return false;
	owner_add(&s->gone.handoffs_back, 1);
	return true;
}

/* A P for the calling M, which is back from a call and has lost `old`; NULL: there is none. *is_taken: from a call. */
static struct gr_p *find_p(struct gr_p *old, bool *is_taken)
{
	struct gr_sched *s = &gr__sched;
	struct gr_p *p;
	struct call c;

	*is_taken = false;
	gr__lock(&s->lock);
	owner_add(&s->n_syscall_block, -1u);
	p = idle_p_locked(old);
	if (!p && see_call(&c, old)) {
		if (!s->is_one_cpu) {
			gr__unlock(&s->lock);
			be_patient();
			gr__lock(&s->lock);
			p = idle_p_locked(old);
		}
		if (!p && take_call_locked(&c)) {
			*is_taken = true;
			p = c.p;
		}
	}
	gr__unlock(&s->lock);
	return p;
}

/* The call for which the P was handed on early is over. */
static void look_back(struct gr_m *m)
{
	_Atomic uint8_t *entry = place(m->curg->wake_param);

	if (gr__now_ns() - m->call_ns < LASTS_NS)
		store_relaxed(entry, load_relaxed(entry) / 2);
	m->call_ns = 0;
}

static __attribute__((noinline)) void exit_slow(struct gr_m *m)
{
	struct gr_p *p = m->p;
	bool is_taken;

	if (unlikely(m->syscall_p == &nobody)) {
		uint64_t word = GR__P_IN_SYSCALL(m->id);
		bool kept = cas_strong_acq_rel(&p->status, &word, GR__P_RUNNING);

		if (gr__tracing())
			gr__trace(GR__EV_CALL_END, GR__TRACE_NO_P, 0, load_relaxed(&m->curg->id));
		if (kept) {
			back_with_p(m);
			return;
		}
	}
	if (m->call_ns)
		look_back(m);
	m->p = NULL;
	p = find_p(p, &is_taken);
	if (!p) {
		gr__leave_to_global();
		return;
	}
	gr__acquire_p(m, p);
	if (gr__tracing())
		gr__trace(GR__EV_RESUME, p->id, 0, load_relaxed(&m->curg->id));
	store_relaxed(&m->curg->state, GR__G_RUNNING);
	if (is_taken && gr__p_is_wanted(p))
		gr_yield();
}

void gr_syscall_exit(void)
{
	struct gr_m *m = gr__m();
	uint64_t word;

	if (unlikely(!m || !m->curg || load_relaxed(&m->curg->state) != GR__G_SYSCALL))
		gr__fatal("gr_syscall_exit: without gr_syscall_enter");
	word = GR__P_IN_SYSCALL(m->id);
	if (unlikely(!cas_strong_acq_rel(&m->syscall_p->status, &word, GR__P_RUNNING))) {
		exit_slow(m);
		return;
	}
	back_with_p(m);
}
