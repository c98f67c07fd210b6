/*
 * find.c - how an M finds a G to run, and how it waits when there is none.
 *
 * The order of the search: what is due by time (timers, I/O), the oldest of the nursery if it is starved, now and then
 * the global queue or the spill, the own queue, the global queue, the spill, I/O, other Ps' queues. Then the M gives up
 * its P, looks once more (the steps are in proc.c), and sleeps: as the poller if that is needed, else on its note.
 *
 * The poller. One idle M at most blocks in the netpoller, with the earliest timer as its time-out:
 *
 *	G that becomes a waiter (I/O, timer)    M that goes idle
 *	1 register as waiter, add the timer     1 poller = 1, poll_until = never
 *	2 StoreLoad (park switches, locks)      2 StoreLoad
 *	3 idle P, no poller: wake an M          3 earliest timer over all Ps -> poll_until; block
 *	  poll_until later than the timer:
 *	  break the poller
 *
 * A poller that comes back with work runs it. Nobody polls then until an M goes idle again; busy Ps look by time, and
 * sysmon sees to the rest. Waking another M to poll each time would double the wake-ups of a lightly loaded server.
 *
 * While every P computes nobody looks by time either. Then sysmon is the poller, for a tick at a time (gr__poll_outside): it
 * puts what is ready at the head of the global queue, and has a P look there (sysmon.c: watch_urgent).
 *
 * A poller that gives up the role (`poller` = 0, under sched.lock) and an M that did not take it because of that one:
 *
 *	M that goes idle                        the old poller: an M, or sysmon with gr__poll_outside
 *	1 lock: makes its P idle, unlock        1 lock: poller = 0, unlock
 *	2 sees poller = 1: does not poll        2 an idle P: takes it and goes on with it, or wakes an M for it
 *	3 lock: poller = 0, an idle P and
 *	  waiters: polls itself
 *	  else goes on idle_ms, unlock
 *
 * If the lock of 3 comes after that of 1 on the right, the M sees that nobody polls; if before, there is an idle P and an
 * M on idle_ms for step 2. Without 3 the M would sleep although the other finds no M to wake: with all threads that
 * are allowed in use, nobody would poll again.
 *
 * Deadlocks. The last M to go to sleep, under sched.lock, sees that all Ps are idle, all other Ms asleep, nothing is
 * queued, no call goes on, and nobody waits for I/O or time: nothing can come any more. The poller may hide that. It blocks
 * in the kernel because somebody waited for I/O or time when it began; when the last one of those has been told otherwise
 * by a G (close, shutdown), nothing ends the poll.
 *
 *	the last M that ran a G                 the poller
 *	1 makes its P idle; lock                1 poller = 1; blocks
 *	2 nobody waits for the poller, all      2 comes back: a P, or none; lock: poller = 0, unlock
 *	  others sleep, poller = 1: breaks      3 finds nothing, makes its P idle; does not poll: nobody waits
 *	  the poller                            4 lock: all others asleep, poller = 0: a deadlock
 *	3 on idle_ms, unlock
 *
 * Each M decides under the lock, on its way to sleep, so the one that comes last has seen the others there. An M that has
 * given up `poller` without a P, or sysmon (which wakes an M then), comes by here as well. deadlock.pml.
 */
#include "file_uring.h"
#include "os.h"
#include "runq.h"
#include "trace.h"

enum {
	GLOBAL_BATCH = 128, /* taken from the global queue at once: half a ring */
	NO_STACK_NAP_NS = 100 * 1000,
	STEAL_PASSES = 4, /* the last one may take runnext and run other Ps' timers */
};

/* ---- looking for work ------------------------------------------------------------------------------------ */

int64_t gr__timers_earliest(void)
{
	int64_t first = INT64_MAX;

	for (unsigned i = 0; i < gr__nprocs(); i++) {
		int64_t next = gr__timers_next(gr__sched.ps[i]);

		if (next < first)
			first = next;
	}
	return first;
}

static bool is_timer_set(void)
{
	return gr__timers_earliest() != INT64_MAX;
}

static bool is_idle(const struct gr_p *p)
{
	return load_relaxed(&gr__sched.idle_mask[p->id / 64]) >> (p->id % 64) & 1;
}

/* So many timers have been run on p. */
static void count_timers(struct gr_p *p, unsigned ran)
{
	if (!ran)
		return;
	owner_add(&p->stats.timers_fired, ran);
	if (gr__tracing())
		gr__trace(GR__EV_TIMERS, p->id, 0, ran);
}

/* Run what is due of victim's timers. True if some ran: their Gs are in our queue. */
static bool run_timers(struct gr_p *p, struct gr_p *victim, int64_t now)
{
	unsigned ran = 0;

	if (gr__timers_next(victim) > now)
		return false;
	gr__timers_run(victim, now, &ran);
	count_timers(p, ran);
	return ran != 0;
}

static void poll(struct gr_m *m, int64_t delay_ns, struct gr__glist *out)
{
	gr__count(m, polls);
	if (gr__tracing())
		gr__trace(GR__EV_POLL, GR__TRACE_NO_P, delay_ns != 0, 1);
	gr__netpoll(delay_ns, out);
	if (gr__tracing())
		gr__trace(GR__EV_POLL, GR__TRACE_NO_P, 0, 0);
	store_relaxed(&gr__sched.last_poll_ns, gr__now_ns());
}

/* With a P: all become runnable here, the first is returned to be run now. */
static struct gr_g *ready_list(struct gr_p *p, struct gr__glist *l)
{
	struct gr_g *first = gr__glist_pop(l);

	if (!first)
		return NULL;
	store_relaxed(&first->state, GR__G_RUNNABLE);
	if (gr__tracing())
		gr__trace(GR__EV_WAKE, p->id, 0, load_relaxed(&first->id));
	owner_add(&p->stats.readies, 1);
	for (struct gr_g *g; (g = gr__glist_pop(l));)
		gr__ready_tail(g);
	return first;
}

/*
 * A P's own timers. Of many that are due at once a batch becomes runnable, and the next one when that has run: the monitor
 * may send us here more often than that, and what overflows the ring goes through the global queue and out of the cache.
 * Not if it sends us because time is urgent: the batch before may be behind Gs that compute.
 */
static void run_own_timers(struct gr_p *p, int64_t now)
{
	unsigned ran = 0;

	if (gr__timers_next(p) > now || (gr__has_batch(p) && !p->is_urgent))
		return;
	if (gr__timers_run(p, now, &ran) <= now)
		p->batch_until = load_relaxed(&p->tick) + ran;
	count_timers(p, ran);
}

/* Files through io_uring: what is waited for goes to the kernel, who is ready becomes runnable. */
static __attribute__((noinline)) void look_at_files(struct gr_p *p)
{
	struct gr__glist list = {NULL, NULL, 0};

	gr__uring_turn(p, &list);
	for (struct gr_g *g; (g = gr__glist_pop(&list));)
		gr__ready_tail(g);
}

/* What is due by time even when the queue is full: timers and I/O. */
static void look_around(struct gr_m *m, struct gr_p *p)
{
	struct gr_sched *s = &gr__sched;
	struct gr__glist list = {NULL, NULL, 0};
	int64_t timer = gr__timers_next(p), now;
	bool io = gr__netpoll_has_waiters(), late = load_relaxed(&s->timers_late);

	if (timer == INT64_MAX && !io && !late)
		return;
	if (gr__uring_on && io)
		look_at_files(p);
	now = gr__now_ns();
	run_own_timers(p, now);
	if (unlikely(late)) {
		store_relaxed(&s->timers_late, 0);
		for (unsigned i = 0; i < gr__nprocs(); i++)
			if (s->ps[i] != p)
				run_timers(p, s->ps[i], now);
	}
	if (!io || load_relaxed(&s->poller) || now - load_relaxed(&s->last_poll_ns) < s->knobs.poll_ns)
		return;
	poll(m, 0, &list);
	for (struct gr_g *g; (g = gr__glist_pop(&list));)
		gr__ready_tail(g);
}

/* Waiting Gs become runnable without a P. Before what is on the global queue: they have waited for time or I/O. */
static void inject_ready_locked(struct gr__glist *l)
{
	for (struct gr_g *g = l->head; g; g = g->link) {
		store_relaxed(&g->state, GR__G_RUNNABLE);
		if (gr__tracing())
			gr__trace(GR__EV_WAKE, GR__TRACE_NO_P, 0, load_relaxed(&g->id));
	}
	owner_add(&gr__sched.gone.readies, l->n);
	if (l->n)
		gr__global_put_first_locked(l);
}

static void start_spinning(struct gr_m *m)
{
	m->spinning = true;
	if (gr__tracing())
		gr__trace(GR__EV_SPIN, GR__TRACE_NO_P, 0, 1);
	fetch_add_seq_cst(&gr__sched.spinning, 1);
	gr__count(m, spins);
}

/* Work was found: the next one may look for more. */
static void found_work(struct gr_m *m)
{
	m->spinning = false;
	if (gr__tracing())
		gr__trace(GR__EV_SPIN, GR__TRACE_NO_P, 0, 0);
	fetch_sub_seq_cst(&gr__sched.spinning, 1);
	gr__wake_p();
}

/* How far a CPU is from another: 0 shares a cache, 1 a memory node, 2 neither. What is not known is near. */
static unsigned distance(uint32_t a, uint32_t b)
{
	const struct gr_sched *s = &gr__sched;

	if (a >= s->n_cpus || b >= s->n_cpus || s->cpus[a].cache == s->cpus[b].cache)
		return 0;
	return s->cpus[a].node == s->cpus[b].node ? 1 : 2;
}

/* One round over the other Ps, in random order, those that are farther away left out. */
static struct gr_g *steal_pass(struct gr_m *m, struct gr_p *p, bool last, unsigned reach)
{
	struct gr_sched *s = &gr__sched;
	struct gr__order order = gr__order_begin(gr__random(&m->rng));
	int64_t now = last && is_timer_set() ? gr__now_ns() : INT64_MIN;
	struct gr_g *g;
	uint32_t id;

	while (gr__order_next(&order, &id)) {
		struct gr_p *victim = s->ps[id];

		if (victim == p || (s->cpus && distance(load_relaxed(&p->cpu), load_relaxed(&victim->cpu)) > reach))
			continue;
		if (last && run_timers(p, victim, now) && (g = gr__runq_get(p)))
			return g;
		/* An idle one has something in its nursery only if no memory could be had for it elsewhere: give_up_p. */
		if (!s->knobs.steal || (is_idle(victim) && !gr__nursery_len(victim)))
			continue;
		/* Gs that have begun first: they have stacks, which they may end and free. */
		g = gr__runq_steal(p, victim, last);
		if (!g && !gr__nursery_len(p) &&
		    gr__nursery_steal(p, victim, last)) /* not empty: no stack could be had */
			g = gr__g_start_next(p);
		if (g) {
			if (gr__tracing())
				gr__trace(GR__EV_STEAL, p->id, 0, victim->id);
			owner_add(&p->stats.steals, 1);
			return g;
		}
	}
	return NULL;
}

static struct gr_g *steal(struct gr_m *m, struct gr_p *p)
{
	struct gr_sched *s = &gr__sched;

	if (gr__nprocs() == 1)
		return NULL;
	if (!m->spinning) {
		/* At most half of the busy Ps look, or the looking costs more than it finds. */
		if (2 * load_relaxed(&s->spinning) >= gr__nprocs() - load_relaxed(&s->n_idle_ps))
			return NULL;
		if (s->knobs.spin)
			start_spinning(m);
	}
	for (int pass = 1; pass <= STEAL_PASSES; pass++) {
		/* From near ones first: what they have touched is in a cache that is ours too. */
		struct gr_g *g = steal_pass(m, p, pass == STEAL_PASSES, (unsigned)pass - 1);

		if (g && !m->spinning)
			gr__wake_p(); /* what came along was in no queue for a moment; else found_work does this */
		if (g || load_relaxed(&s->stopping))
			return g;
	}
	return NULL;
}

/* What the monitor wants to be run: the oldest of the nursery. */
static struct gr_g *start_oldest(struct gr_p *p)
{
	uint32_t due = load_relaxed(&p->oldest_due);
	struct gr__birth b;
	struct gr_g *g;

	if (!due)
		return NULL;
	store_relaxed(&p->oldest_due, due - 1);
	if (due > 1)
		store_relaxed(&p->attention, 1); /* come back for the next one */
	if (!gr__nursery_take_oldest(p, &b)) {
		store_relaxed(&p->oldest_due, 0);
		return NULL;
	}
	g = gr__g_start(p, &b);
	if (!g)
		gr__nursery_put(p, &b);
	return g;
}

/* Every 61st switch: one from the other end of what is shared. */
static struct gr_g *take_shared(struct gr_m *m, struct gr_p *p)
{
	struct gr__birth b;
	struct gr_g *g;

	/* With room for it in the nursery, if no stack can be had. */
	if ((gr__random(&m->rng) & 1) && gr__nursery_len(p) < GR__NURSERY_SLOTS && gr__spill_get_oldest(&b)) {
		g = gr__g_start(p, &b);
		if (g)
			return g;
		gr__nursery_put(p, &b);
	}
	return gr__global_get(p, 1);
}

/*
 * There is a G to begin and no stack, although its creator had the credit for one: idle Ps keep those that are free,
 * or busy ones do, which will use them. Not to be expected: only where address space is refused.
 */
static void look_for_stacks(void)
{
	struct gr_sched *s = &gr__sched;

	gr__lock(&s->lock);
	list_for_each (link, &s->idle_ps)
		gr__stacks_flush(container_of(link, struct gr_p, idle_link));
	gr__unlock(&s->lock);
	gr__os_sleep_ns(NO_STACK_NAP_NS);
}

/* sysmon has asked for it, for what has become ready while a G computed: that runs first. */
static struct gr_g *take_urgent(struct gr_m *m, struct gr_p *p)
{
	uint32_t n, why = load_relaxed(&p->urgent);
	struct gr_g *g;

	if (!why)
		return NULL;
	why = xchg_relaxed(&p->urgent, 0); /* after `attention`: the steps are as for the oldest, spin/oldest.pml */
	p->is_shared_due |= (why & GR__URGENT_GLOBAL) != 0;
	if (!(why & GR__URGENT_READY))
		return NULL;
	p->is_urgent = true;
	look_around(m, p);
	p->is_urgent = false;
	store_relaxed(&p->streak, 0);
	if (load_relaxed(&p->runnext)) {
		g = gr__runq_get(p);
		store_relaxed(&p->streak, 0); /* it does not go on with the slice of who was stopped */
		return g;
	}
	n = load_relaxed(&gr__sched.global_urgent);
	return n ? gr__global_get(p, n) : NULL;
}

/* Everything that can be found without giving up the P, in this order. May give it up: the world stops. */
static struct gr_g *find_with_p(struct gr_m *m, struct gr_p *p)
{
	struct gr_sched *s = &gr__sched;
	struct gr__glist list = {NULL, NULL, 0};
	struct gr_g *g;

	if (s->cpus)
		store_relaxed(&p->cpu, gr__os_cpu());
	if (load_relaxed(&p->attention)) {
		store_relaxed(&p->attention, 0);
		fence_seq_cst(); /* the steps are in m.c, at "Stopping" */
		if (load_relaxed(&s->stopping))
			return NULL;
		gr__stack_no_credit(p);
		gr__set_due_at(p); /* a trace may have begun or ended */
		store_relaxed(&p->streak, GR__STREAK_MAX); /* if it was for the slice: who waits has a turn */
		if (load_relaxed(&s->world_stops)) {
			gr__stop_with_world(m);
			if (!m->p)
				return NULL;
		}
		if ((g = take_urgent(m, p)))
			return g;
	}
	look_around(m, p);
	if ((g = start_oldest(p))) {
		store_relaxed(&p->streak, 0); /* a slice of its own */
		return g;
	}
	if (gr__is_shared_turn(p)) {
		gr__set_due_at(p);
		p->is_shared_due = true;
	}
	p->is_due = false;
	if (p->is_shared_due) {
		p->is_shared_due = false;
		if ((g = take_shared(m, p))) {
			store_relaxed(&p->streak, 0); /* a slice of its own */
			return g;
		}
	}
	if ((g = gr__runq_get(p)))
		return g;
	if ((g = gr__global_get(p, s->knobs.global ? 1 : GLOBAL_BATCH)))
		return g;
	if (!gr__nursery_len(p) && gr__spill_get(p) && (g = gr__g_start_next(p)))
		return g;
	if (gr__netpoll_has_waiters() && !load_relaxed(&s->poller)) {
		poll(m, 0, &list);
		if ((g = ready_list(p, &list)))
			return g;
	}
	return steal(m, p);
}

/* Whether anything has been published that an idle P should run. Step 3 of an M that goes idle. */
static bool is_work_published(void)
{
	struct gr_sched *s = &gr__sched;

	if (load_relaxed(&s->global_n) || load_relaxed(&s->spill_n))
		return true;
	for (unsigned i = 0; s->knobs.steal && i < gr__nprocs(); i++) {
		struct gr_p *p = s->ps[i];

		/* An idle one runs nothing next by itself: see give_up_p. */
		if (gr__runq_len(p) || (is_idle(p) ? gr__nursery_len(p) : gr__nursery_offered(p)))
			return true;
	}
	return false;
}

/* Give up the P of an M that found nothing. False: there is something after all, and m has a P. */
static bool go_idle(struct gr_m *m)
{
	struct gr_sched *s = &gr__sched;
	bool was_spinning = m->spinning;
	struct gr_p *p;

	gr__lock(&s->lock);
	if (s->global.n || load_relaxed(&s->spill_n)) {
		gr__unlock(&s->lock);
		return false;
	}
	gr__pidle_put_locked(gr__release_p(m)); /* step 1 */
	gr__unlock(&s->lock);
	if (was_spinning) {
		if (gr__tracing())
			gr__trace(GR__EV_SPIN, GR__TRACE_NO_P, 0, 0);
		m->spinning = false;
		fetch_sub_seq_cst(&s->spinning, 1);
	}
	fence_seq_cst(); /* step 2; pairs with the one in gr__wake_p */
	if (!is_work_published()) /* step 3 */
		return true;
	gr__lock(&s->lock);
	p = gr__pidle_get_locked();
	gr__unlock(&s->lock);
	if (!p)
		return true; /* all Ps are busy; each looks again before it becomes idle */
	gr__acquire_p(m, p);
	/*
	 * As a spinner, whether it was one or not: there is something to steal. One that did not look because enough
	 * others do would go on not looking, and come here again and again, with the lock, as long as it is there.
	 */
	if (was_spinning || s->knobs.spin)
		start_spinning(m);
	return false;
}

/*
 * Wait for I/O and timers, if there are any and nobody does. *found: a G to run now. True if m has a P again; false
 * if it has none and should sleep.
 */
static bool block_in_poller(struct gr_m *m, struct gr_g **found)
{
	struct gr_sched *s = &gr__sched;
	struct gr__glist list = {NULL, NULL, 0};
	uint32_t nobody = 0;
	int64_t until, delay;
	struct gr_p *p;

	if (!gr__netpoll_has_waiters() && !is_timer_set())
		return false;
	if (load_relaxed(&s->poller) || !cas_strong_seq_cst(&s->poller, &nobody, 1)) {
		if (gr__timers_earliest() < load_relaxed(&s->poll_until_ns))
			gr__netpoll_break(); /* it did not know of that one */
		return false;
	}
	store_relaxed(&s->poll_until_ns, INT64_MAX);
	fence_seq_cst(); /* pairs with the one in look_after_waiter; also orders poller before `stopping` */
	until = gr__timers_earliest();
	store_relaxed(&s->poll_until_ns, until);
	if (!load_relaxed(&s->stopping)) {
		delay = until == INT64_MAX ? -1 : until - gr__now_ns();
		/* Work that found no M is left on `global`, and we are asked only if we poll already: give_up_p in m.c. */
		if ((until != INT64_MAX && delay < 0) || load_relaxed(&s->global_n) || load_relaxed(&s->spill_n))
			delay = 0;
		poll(m, delay, &list);
	}
	store_relaxed(&s->coarse_now_ns, gr__now_ns());
	gr__lock(&s->lock);
	p = gr__pidle_get_locked();
	if (!p)
		inject_ready_locked(&list); /* all Ps are busy and will find them */
	store_relaxed(&s->poller, 0);
	gr__unlock(&s->lock);
	if (!p)
		return false;
	gr__acquire_p(m, p);
	*found = ready_list(p, &list);
	if (!*found)
		start_spinning(m);
	return true;
}

long gr__poll_outside(int64_t delay_ns)
{
	struct gr_sched *s = &gr__sched;
	struct gr__glist list = {NULL, NULL, 0};
	uint32_t nobody = 0;
	int64_t until, now;
	long n;

	if (!cas_strong_seq_cst(&s->poller, &nobody, 1))
		return -1;
	store_relaxed(&s->poll_until_ns, INT64_MAX);
	fence_seq_cst(); /* as in block_in_poller */
	until = gr__timers_earliest();
	now = gr__now_ns();
	if (until > now + delay_ns)
		until = now + delay_ns;
	store_relaxed(&s->poll_until_ns, until);
	/* Without waiting if there is something to do: an M that became idle before this one polled is not told of it. */
	if (gr__tracing())
		gr__trace(GR__EV_POLL, GR__TRACE_NO_P, 0, 1);
	gr__netpoll(until > now && !load_relaxed(&s->stopping) ? until - now : 0, &list);
	if (gr__tracing())
		gr__trace(GR__EV_POLL, GR__TRACE_NO_P, 0, 0);
	n = (long)list.n;
	store_relaxed(&s->last_poll_ns, gr__now_ns());
	gr__lock(&s->lock);
	owner_add(&s->gone.polls, 1);
	inject_ready_locked(&list);
	store_relaxed(&s->poller, 0);
	gr__unlock(&s->lock);
	/* Also when nothing came: an M that went idle meanwhile saw a poller and did not become one. */
	gr__wake_p();
	return n;
}

/* Under sched.lock, from an M that is about to sleep: an M has to poll and none does. Steps 3 in the file's head. */
static bool is_poller_missing_locked(void)
{
	struct gr_sched *s = &gr__sched;

	/* Without an idle P: busy Ps poll by time, each that becomes idle asks this itself. */
	return load_relaxed(&s->n_idle_ps) && !load_relaxed(&s->poller) && !load_relaxed(&s->stopping) &&
	       (gr__netpoll_has_waiters() || is_timer_set());
}

/* Under sched.lock: nothing runs, nothing can come, and somebody waits; `awake` Ms are not asleep on their notes. */
static bool is_deadlock_locked(unsigned awake)
{
	struct gr_sched *s = &gr__sched;

	/* With several threads that run Gs, one that is outside just now may come and wake them. */
	if (!load_relaxed(&s->runs) || s->runners_differ || load_relaxed(&s->stopping))
		return false;
	if (load_relaxed(&s->n_idle_ps) != gr__nprocs() || s->global.n || load_relaxed(&s->spill_n) ||
	    load_relaxed(&s->n_syscall_block) || load_relaxed(&s->spinning) || s->n_idle_ms + awake != s->n_ms)
		return false;
	for (unsigned i = 0; i < gr__nprocs(); i++)
		if (!gr__p_is_empty(s->ps[i]))
			return false;
	return !gr__netpoll_has_waiters() && !is_timer_set();
}

/*
 * Under sched.lock, from an M that is about to sleep. If all that keeps this from being a deadlock is the M that blocks in
 * the poller, for something that is not waited for any more, that one is called back: it will come here, alone. The steps
 * are in the file's head.
 */
static void look_for_deadlock_locked(void)
{
	if (!load_relaxed(&gr__sched.poller)) {
		if (is_deadlock_locked(1))
			gr__deadlock();
	} else if (is_deadlock_locked(2)) {
		gr__netpoll_break();
	}
}

struct gr_g *gr__find_runnable(struct gr_m *m)
{
	struct gr_sched *s = &gr__sched;
	struct gr_g *g = NULL;
	struct gr_p *p;

	for (;;) {
		if (load_relaxed(&s->stopping)) {
			if (m->spinning)
				fetch_sub_seq_cst(&s->spinning, 1);
			m->spinning = false;
			return NULL;
		}
		if (m->p) {
			g = find_with_p(m, m->p);
			if (g) {
				if (m->spinning)
					found_work(m);
				return g;
			}
			if (!m->p || load_relaxed(&s->stopping))
				continue;
			if (unlikely(gr__nursery_len(m->p))) {
				look_for_stacks();
				continue;
			}
			if (!go_idle(m))
				continue;
		}
		m->notices &= (uint8_t)~GR__NEW_WAITER; /* it polls itself, or somebody else does */
		if (block_in_poller(m, &g)) {
			if (g)
				return g;
			continue;
		}
		gr__lock(&s->lock);
		gr__check_locked();
		if (is_work_published() && (p = gr__pidle_get_locked())) {
			/* Left there because no M could be had: see give_up_p in m.c. Or in a ring whose owner could have
			 * woken nobody for the same reason. As a spinner, as in go_idle. */
			gr__unlock(&s->lock);
			gr__acquire_p(m, p);
			if (s->knobs.spin)
				start_spinning(m);
			continue;
		}
		if (is_poller_missing_locked()) {
			gr__unlock(&s->lock);
			continue;
		}
		look_for_deadlock_locked();
		if (!gr__stop_m_unlock(m))
			return NULL;
		store_relaxed(&s->coarse_now_ns, gr__now_ns());
	}
}

/* ---- Ps change hands -------------------------------------------------------------------------------------- */

void gr__handoff(struct gr_p *p)
{
	struct gr_sched *s = &gr__sched;

	if (gr__uring_on)
		gr__uring_submit_all(); /* p may become idle, and the poller blocks already */
	gr__lock(&s->lock);
	if (!gr__p_is_empty(p) || s->global.n || load_relaxed(&s->spill_n) ||
	    (!load_relaxed(&s->poller) && (gr__netpoll_has_waiters() || is_timer_set()))) {
		gr__start_m_unlock(p, false);
		return;
	}
	gr__pidle_put_locked(p);
	gr__unlock(&s->lock);
	fence_seq_cst(); /* the steps of an M that goes idle, on behalf of the one that is blocked */
	if (is_work_published())
		gr__wake_p();
	/* A timer that was added while no P was idle was told to nobody (look_after_waiter): its P would have run it, and
	 * this was its P. poller.pml, NO_BREAK_HANDOFF. */
	if (load_relaxed(&s->poller) && gr__timers_earliest() < load_relaxed(&s->poll_until_ns))
		gr__netpoll_break();
}
