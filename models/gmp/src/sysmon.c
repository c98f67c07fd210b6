/*
 * sysmon.c - the monitor: a thread without a P that does what no M can do for itself.
 *
 * Every tick it
 *   - takes the P of an M that has been in one blocking call since the last tick and hands it on;
 *   - wakes an M for work that has lain in a queue since the last tick while a P was idle (see proc.c on runnext);
 *   - waits in the poller for I/O while all Ps compute, instead of sleeping;
 *   - gives the kernel the file operations that a P which computes has left in its line (file_uring.c);
 *   - asks a P whose slice has lasted for 10 ms while others wait for attention at its next call, and has its G stopped by
 *     a signal if there is no such call (preempt.c);
 *   - does the same to the P that has computed longest, if for 500 us, when time or I/O has made a G ready;
 *   - asks a P whose timers are overdue, or whose oldest newcomer is starved, for attention at its next switch;
 *   - joins threads of Ms that have exited, and keeps the coarse clock.
 *
 * A tick is 20 us as long as there was something to do within the last 50, then twice as long each time, up to 10 ms
 * (1 ms while Gs wait for I/O or time, and not beyond the next timer when nobody polls). To have asked a P on behalf of
 * what is ready makes one tick short, not 50; but as long as the monitor is the one to poll, none is above 200 us. Each
 * wake-up takes the CPU from somebody who computes, and who takes it too often the kernel lets wait, for milliseconds,
 * when it matters. When all Ps have been idle for
 * some long ticks it sleeps until a P is taken off the idle list:
 *
 *	sysmon                                    an M that takes an idle P
 *	1 sysmon_asleep = 1                       1 n_idle_ps--
 *	2 StoreLoad                               2 StoreLoad (the decrement is a locked operation)
 *	3 n_idle_ps is still all of them: sleep   3 sysmon_asleep: wake it
 *
 * A P in a call is not idle, so calls are watched however long they last.
 *
 * Who computes is stopped for two reasons. Others that compute wait for 10 ms, Go's number: a switch then costs nothing to
 * speak of, caches included. A G that time or I/O has made ready usually has little to do and somebody who waits for it,
 * and Go lets it wait as long. Here it may interrupt a G that has had 500 us: a preemption costs that one some 5 us and
 * what the other evicts from the caches, so 1 to 2 % in the worst case, when there is always something ready. At 1 ms a
 * delay of less than 1 ms could not be kept where the last interruption was just before. So the rate is bounded by time
 * for each P, and each 100 us one P at most is asked.
 *
 * A G that does not call and is in no marked code, or in the libc just now, is struck again after a time that doubles, from
 * 20 us to 1 ms: nobody knows which of the two it is.
 */
#include <pthread.h>

#include "file_uring.h"
#include "internal.h"
#include "os.h"
#include "preempt.h"
#include "runq.h"

enum {
	TICK_MIN_NS = 20 * 1000, /* Go's; shorter costs more CPU than a hand-off saves */
	TICK_MAX_NS = 10 * 1000 * 1000, /* Go's */
	TICK_IO_NS = 1000 * 1000, /* I/O is at most that late when no G switches */
	QUICK_TICKS = 50, /* ticks without work before they become longer */
	LONG_TICKS = 4, /* of the longest kind, with all Ps idle, before the deep sleep */
	LATE_NS = 100 * 1000, /* a timer that is that late belongs to a P whose G computes */
	WAKE_SLICE_NS = 500 * 1000, /* see above */
	URGENT_EVERY_NS = 100 * 1000, /* how soon another P is asked if one does not answer; arbitrary */
	STRIKE_MIN_NS = 20 * 1000, /* a G that calls the runtime at all has mostly done so by then */
	STRIKE_MAX_NS = 1000 * 1000,
	COMPUTES_NS = 200 * 1000, /* a G that has run for that long computes; Ps that switch poll twice as often */
	OLDEST_NS =
		10 * 1000 * 1000, /* the oldest of a nursery waits that long once it is the oldest: Go's time slice */
	OLDEST_BURST_MAX = 64, /* how many are asked for at once at most; arbitrary */
	FORCED_RETAKE_NS = 10 * 1000 * 1000, /* an M keeps its P in a call so long if nobody wants it */
	KERNEL_SLICE_NS = 100 * 1000, /* the shortest there is; a tick takes a few us */
	SYSMON_STACK_BYTES = 64 * 1024,
};

static _Atomic uint32_t stop; /* asked to end */

/* of the monitor's thread */
static int64_t last_urgent_ns; /* when a P was asked last for what is ready */
static uint32_t seen_takes; /* from the global queue, and since when there have been no more */
static int64_t seen_takes_ns;
static bool was_polled_for_nothing;
static int64_t own_poll_ns; /* when the monitor last waited in the poller */
static bool is_asking; /* the next tick has to be short */

void gr__sysmon_wake(void)
{
	gr__note_wake(&gr__sched.sysmon_note);
}

/* Hand on p if its M has been in the same call for a tick, and somebody could use p. */
static bool watch_syscall(struct gr_p *p, int64_t now)
{
	struct gr_sched *s = &gr__sched;
	uint64_t status = load_acquire(&p->status);
	uint32_t tick = load_relaxed(&p->syscall_tick);

	if (GR__P_STATE(status) != GR__P_SYSCALL)
		return false;
	if (tick != p->seen_syscall_tick) {
		p->seen_syscall_tick = tick;
		p->seen_syscall_ns = now;
		return false;
	}
	if (!gr__p_is_wanted(p) && load_relaxed(&s->n_idle_ps) + load_relaxed(&s->spinning) > 0 &&
	    now - p->seen_syscall_ns < FORCED_RETAKE_NS)
		return false;
	return gr__retake(p, status);
}

/* Since when p's G has been running, as far as a look per tick can tell. */
static void watch_run(struct gr_p *p, int64_t now)
{
	uint64_t tick = load_relaxed(&p->tick);

	if (tick == p->run_tick && GR__P_STATE(load_relaxed(&p->status)) == GR__P_RUNNING)
		return;
	p->run_tick = tick;
	p->run_ns = now;
	p->asked_ns = 0;
}

/* Have p come to find_runnable: at its G's next call or, if there is none, by force. */
static void ask(struct gr_p *p, enum gr__urgent why, int64_t now)
{
	if (why)
		fetch_or_relaxed(&p->urgent, why);
	store_release(&p->attention, 1); /* who sees it sees why; pairs with the fence in find_with_p */
	if (p->asked_ns)
		return;
	p->asked_ns = now;
	p->strike_wait_ns = STRIKE_MIN_NS;
}

/* Strike a G that has been asked and has not answered. True if it is worth looking again soon. */
static bool press(struct gr_p *p, int64_t now)
{
	if (!p->asked_ns || now - p->asked_ns < p->strike_wait_ns)
		return p->asked_ns && p->strike_wait_ns < STRIKE_MAX_NS;
	gr__strike(p, p->run_tick);
	p->asked_ns = now;
	if (p->strike_wait_ns < STRIKE_MAX_NS)
		p->strike_wait_ns *= 2;
	return p->strike_wait_ns < STRIKE_MAX_NS;
}

/* Whether p has had work since the last tick that it does not get at. */
static bool is_work_aged(struct gr_p *p)
{
	uint64_t tick = load_relaxed(&p->tick);
	bool ring = gr__runq_len(p) != 0 || gr__nursery_offered(p);
	bool queued = ring || load_relaxed(&p->runnext) || gr__nursery_len(p);
	/* What is in runnext, and the newest of the nursery, is got at as long as p switches at all. */
	bool aged = queued && p->seen_queued && (ring || tick == p->seen_tick);

	p->seen_queued = queued;
	p->seen_tick = tick;
	return aged;
}

/* Have the oldest of p's nursery run if it has been the same for too long: bound (2) of nursery.c. */
static void watch_oldest(struct gr_p *p, int64_t now)
{
	uint64_t word = load_relaxed(&p->nursery);
	uint32_t oldest = gr__nursery_head(word);

	/* After a deep sleep nothing is known. */
	if (!gr__nursery_n(word) || oldest != p->seen_oldest || now - p->watched_ns > 2 * OLDEST_NS) {
		/* It has moved. If only as far as it was asked to, that is no reason to ask for less. */
		if (!gr__nursery_n(word) || ((p->asked_oldest - oldest) & GR__NURSERY_MASK) > p->oldest_burst)
			p->oldest_burst = 0;
		p->seen_oldest = oldest;
		p->seen_oldest_ns = p->watched_ns = now;
		return;
	}
	p->watched_ns = now;
	if (now - p->seen_oldest_ns < OLDEST_NS || load_relaxed(&p->oldest_due))
		return;
	p->oldest_burst = p->oldest_burst ? p->oldest_burst * 2 : 1;
	if (p->oldest_burst > OLDEST_BURST_MAX)
		p->oldest_burst = OLDEST_BURST_MAX;
	p->asked_oldest = oldest + p->oldest_burst;
	store_relaxed(&p->oldest_due, p->oldest_burst);
	store_release(&p->attention, 1); /* who sees it sees the order; pairs with the fence in find_with_p */
}

/* Timers of a P that runs: it is asked to look at its next switch; if that does not help, others are. */
static void watch_timers(struct gr_p *p, int64_t now)
{
	int64_t due = gr__timers_next(p);

	if (due > now || GR__P_STATE(load_relaxed(&p->status)) != GR__P_RUNNING)
		return;
	store_relaxed(&p->attention, 1);
	if (now - due > LATE_NS)
		store_relaxed(&gr__sched.timers_late, 1);
}

/*
 * One slice has lasted for long while others wait: p is asked for attention, which calls of the runtime answer. What is
 * taken from runnext inherits the slice of who put it there, so the slice goes on if each switch since the last tick was
 * one of the streak that is under way. A streak that ended because nobody else waited (runq.c) is none. True if p has just been
 * asked.
 */
static bool watch_slice(struct gr_p *p, uint64_t last_tick, int64_t now)
{
	bool is_first;

	if (load_relaxed(&p->tick) - last_tick > load_relaxed(&p->streak)) {
		p->seen_slice_ns = now;
		return false;
	}
	if (now - p->seen_slice_ns < (int64_t)gr__sched.knobs.slice_ns || !gr__p_is_wanted(p))
		return false;
	is_first = !p->asked_ns;
	ask(p, 0, now);
	return is_first;
}

/*
 * What is on the global queue, those that were preempted among it, has its turn each 61 switches of a P: with Gs that
 * compute for milliseconds between two that is long. So by time too; two slices, for the own queue has its turn between.
 */
static void watch_global(struct gr_p *p, int64_t now)
{
	struct gr_sched *s = &gr__sched;
	uint32_t takes = load_relaxed(&s->global_takes);

	if (!load_relaxed(&s->global_n) || takes != seen_takes) {
		seen_takes = takes;
		seen_takes_ns = now;
	} else if (now - seen_takes_ns >= 2 * (int64_t)s->knobs.slice_ns &&
		   GR__P_STATE(load_relaxed(&p->status)) == GR__P_RUNNING) {
		fetch_or_relaxed(&p->urgent, GR__URGENT_GLOBAL);
		store_release(&p->attention, 1);
	}
}

/*
 * Time or I/O has made a G ready and every P is busy: the one whose G has run longest is asked, then another if it does
 * not answer. True if a P is about to be asked.
 *
 * What is asked may be asked too late for the run that was seen:
 *
 *	sysmon                                          the P's M
 *	1 sees that the G of tick t has run for long    1 the G calls: the M reads and clears urgent
 *	2 urgent; asked_ns, for tick t                  2 runs another G: tick t + 1
 *	3 (a tick later) sees t + 1: asked_ns = 0
 *
 * Then urgent stays for the next call, and the G of t + 1 may never make one. So it does not count as asked.
 */
static bool watch_urgent(int64_t now)
{
	struct gr_sched *s = &gr__sched;
	struct gr_p *longest = NULL;
	bool is_time = gr__timers_earliest() <= now;

	if (load_relaxed(&s->n_idle_ps) || !(is_time || load_relaxed(&s->global_urgent)))
		return false;
	for (unsigned i = 0; i < gr__nprocs(); i++) {
		struct gr_p *p = s->ps[i];

		bool asked = p->asked_ns && load_relaxed(&p->urgent) & GR__URGENT_READY;

		if (GR__P_STATE(load_relaxed(&p->status)) == GR__P_RUNNING && p->run_ns < now && !asked &&
		    (!longest || p->run_ns < longest->run_ns))
			longest = p;
	}
	if (!longest)
		return false;
	if (now - last_urgent_ns < URGENT_EVERY_NS || now - longest->run_ns < WAKE_SLICE_NS)
		return true;
	if (is_time)
		store_relaxed(&s->timers_late, 1);
	ask(longest, GR__URGENT_READY, now);
	if (longest->asked_ns == now)
		longest->asked_ns -= STRIKE_MIN_NS; /* it has had time to call; each tick less is a wake-up less */
	last_urgent_ns = now;
	return true;
}

/* Somebody has to poll: true if that had to be seen to. */
static bool watch_poller(int64_t now)
{
	struct gr_sched *s = &gr__sched;

	if (load_relaxed(&s->poller))
		return false;
	if (load_relaxed(&s->n_idle_ps)) {
		bool late = now - load_relaxed(&s->last_poll_ns) >= s->knobs.poll_ns;

		if (gr__timers_earliest() > now && !(late && gr__netpoll_has_waiters()))
			return false;
		gr__wake_p(); /* it will find nothing to run and become the poller */
		return true;
	}
	if (!gr__netpoll_has_waiters() || now - load_relaxed(&s->last_poll_ns) < TICK_IO_NS)
		return false;
	gr__poll_outside(0);
	return true;
}

/* One tick. True if there was something to do. */
static bool tick(int64_t now)
{
	struct gr_sched *s = &gr__sched;
	bool useful = false, aged = false;

	for (unsigned i = 0; i < gr__nprocs(); i++) {
		struct gr_p *p = s->ps[i];

		watch_run(p, now);
		useful |= watch_slice(p, p->seen_tick, now);
		watch_global(p, now);
		useful |= watch_syscall(p, now);
		aged |= is_work_aged(p);
		watch_oldest(p, now);
		watch_timers(p, now);
	}
	if ((aged || load_relaxed(&s->global_n) || load_relaxed(&s->spill_n)) && load_relaxed(&s->n_idle_ps) &&
	    !load_relaxed(&s->spinning)) {
		gr__wake_p();
		useful = true;
	}
	if (gr__uring_on)
		useful |= gr__uring_watch();
	useful |= watch_poller(now);
	is_asking = watch_urgent(now);
	for (unsigned i = 0; i < gr__nprocs(); i++)
		is_asking |= press(s->ps[i], now);
	return useful;
}

/* How long the next tick may be with a view to what the poller, or nobody, waits for. */
static int64_t longest_delay(int64_t now)
{
	int64_t cap = gr__netpoll_has_waiters() ? TICK_IO_NS : TICK_MAX_NS, timer = gr__timers_earliest();

	if ((timer != INT64_MAX || load_relaxed(&gr__sched.global_urgent)) && cap > TICK_IO_NS)
		cap = TICK_IO_NS;
	if ((int64_t)gr__sched.knobs.slice_ns < cap)
		cap = (int64_t)gr__sched.knobs.slice_ns;
	/* One that is overdue has been seen to, or cannot be helped. */
	if (!load_relaxed(&gr__sched.poller) && timer > now && timer - now < cap)
		cap = timer - now;
	return cap > TICK_MIN_NS ? cap : TICK_MIN_NS;
}

static bool is_poller_missing(void)
{
	return !load_relaxed(&gr__sched.poller) && (gr__netpoll_has_waiters() || gr__timers_earliest() != INT64_MAX);
}

/* All Ps have been idle for long: sleep until that changes. */
static void deep_sleep(void)
{
	struct gr_sched *s = &gr__sched;

	store_seq_cst(&s->sysmon_asleep, 1); /* steps 1 and 2; pairs with gr__pidle_get_locked */
	if (load_seq_cst(&s->n_idle_ps) == gr__nprocs() && !load_relaxed(&stop))
		gr__note_sleep(&s->sysmon_note, gr__schedtrace(gr__now_ns()));
	store_relaxed(&s->sysmon_asleep, 0);
}

/* Whether no P is about to switch, as far as one can tell: a P that switches polls by itself. */
static bool do_all_compute(int64_t now)
{
	struct gr_sched *s = &gr__sched;

	if (load_relaxed(&s->n_idle_ps) || load_relaxed(&s->poller))
		return false;
	for (unsigned i = 0; i < gr__nprocs(); i++) {
		struct gr_p *p = s->ps[i];

		if (GR__P_STATE(load_relaxed(&p->status)) == GR__P_RUNNING &&
		    (load_relaxed(&p->tick) != p->run_tick || now - p->run_ns < COMPUTES_NS))
			return false;
	}
	return true;
}

/*
 * Sleep for a tick. While nobody polls because all Ps compute, in the poller: what becomes ready ends the tick. Not again at
 * once if nobody waited for what ended it: edges of many kinds come to a busy descriptor. And not beside Ps that are only
 * busy: each edge of theirs would wake the monitor, on a CPU that it shares with one of them.
 */
static void nap(int64_t delay)
{
	struct gr_sched *s = &gr__sched;
	int64_t now = gr__now_ns(), until;
	long n;

	/* Where the monitor was the one to poll of late it will be again, as soon as they compute. */
	if (delay > COMPUTES_NS && now - own_poll_ns < TICK_MAX_NS && !do_all_compute(now))
		delay = COMPUTES_NS;
	until = now + delay;
	if (!gr__netpoll_has_waiters() || was_polled_for_nothing || !do_all_compute(now)) {
		was_polled_for_nothing = false;
		gr__note_sleep(&s->sysmon_note, until);
		return;
	}
	n = gr__poll_outside(delay);
	was_polled_for_nothing = n == 0 && gr__now_ns() < until;
	if (n < 0)
		gr__note_sleep(&s->sysmon_note, until);
	else
		own_poll_ns = gr__now_ns();
}

static void *sysmon_main(void *arg)
{
	struct gr_sched *s = &gr__sched;
	int64_t delay = TICK_MIN_NS;
	unsigned quiet = 0, idle = 0;

	(void)arg;
	gr__os_timer_slack_set(1000); /* the usual 50 us would more than double a tick */
	gr__os_short_slice(KERNEL_SLICE_NS);
	while (!load_acquire(&stop)) {
		int64_t now, cap;

		nap(is_asking ? TICK_MIN_NS : delay);
		now = gr__now_ns();
		store_relaxed(&s->coarse_now_ns, now);
		gr__schedtrace(now);
		while (gr__join_dead())
			;
		if (load_relaxed(&s->n_idle_ps) == gr__nprocs()) {
			delay = delay * 2 < TICK_MAX_NS ? delay * 2 : TICK_MAX_NS;
			is_asking = false;
			if (gr__uring_on)
				gr__uring_watch(); /* U5 */
			if (delay == TICK_MAX_NS && ++idle > LONG_TICKS) {
				/* The Ms see to it that one polls; if that failed, nobody would notice from here on. */
				if (is_poller_missing())
					gr__wake_p();
				else
					deep_sleep();
				delay = TICK_MIN_NS;
				idle = quiet = 0;
			}
			continue;
		}
		idle = 0;
		if (tick(now)) {
			quiet = 0;
			delay = TICK_MIN_NS;
		} else if (++quiet > QUICK_TICKS) {
			delay *= 2;
		}
		cap = longest_delay(now);
		delay = delay < cap ? delay : cap;
	}
	return NULL;
}

int gr__sysmon_start(void)
{
	sigset_t old;
	int err;

	store_relaxed(&stop, 0);
	last_urgent_ns = own_poll_ns = 0;
	was_polled_for_nothing = is_asking = false;
	/* The program's handlers run on threads of the program, or on Ms, which have stacks for handlers. */
	gr__os_signals_block(&old);
	err = gr__os_thread_start(&gr__sched.sysmon_thread, sysmon_main, NULL, SYSMON_STACK_BYTES);
	gr__os_signals_restore(&old);
	return err;
}

void gr__sysmon_stop(void)
{
	store_release(&stop, 1);
	gr__sysmon_wake();
	gr__netpoll_break(); /* or it is in the poller */
	pthread_join(gr__sched.sysmon_thread, NULL);
}
