/*
 * alarm.c - the public timers: a heap timer (timer.h) that starts a G or sends on a channel, once or again and again.
 *
 * A heap's lock is no place for sending or starting, so a timer that is due is dealt with in two steps: `fire` under the
 * heap's lock notes that it has rung, and arms it again if it is periodic; `act`, a moment later, on g0, without that lock,
 * delivers. What is hard is the moment between: gr_timer_stop and gr_timer_start promise that nothing of before comes after
 * them, and several Gs may call them at once. So the timer has a lock of its own, which orders them and the deliveries,
 * and a count of rings that have not been delivered:
 *
 *      who stops or starts                     an M that runs timers
 *      -------------------                     ---------------------
 *      1 takes the timer's lock                1 heap's lock: takes it off, rung + 1 (fire), unlocks
 *      2 heap's lock: takes it off, unlocks    2 takes the timer's lock
 *      3 rung = 0, empties the channel         3 rung is 0: nothing; else rung - 1, delivers
 *      4 a start: arms it                      4 unlocks
 *      5 unlocks
 *
 * If 3 on the right comes before 1 on the left, what it has delivered is emptied, or is a G that has been started, and the
 * answer is "was not pending". After 5 it finds 0 - or the ring of the new start, which it delivers in the place of that
 * one's own act, which finds 0 then. Rings have no names; only their number counts. Rejected: a sequence number in the
 * timer, noted by `fire` for its act: two acts under way would need two notes.
 *
 * A channel has room for one time. The next one that finds it there is dropped, as are those of a periodic timer that is
 * late for more than a period: it goes on at the next multiple.
 *
 * Invariants:
 *   I1  what `fire` reads is not changed while the timer is armed.
 *   I2  rung > 0: a periodic timer, or one that is not armed.
 *   I3  the memory goes when the timer is not armed and no act is under way (I5 of timer.c).
 *
 * Costs: starting, stopping and starting again is the timer's lock, the heap's, and what the heap takes: constant time, or
 * log n for one that has later ones below it.
 */
#include <errno.h>
#include <string.h>

#include "grow.h"
#include "timer.h"

GR__FITS_SMALL_STACKS;

enum { NO_MEMORY_NS = 1000 * 1000 }; /* how soon a G that could not be had is asked for again; arbitrary */

struct gr_timer {
	struct gr__timer timer; /* of the heap */
	struct gr__lock lock; /* before the heap's and the channel's */

	/* immutable */
	void (*fn)(void *);
	void *arg; /* of fn */
	gr_chan *chan; /* without fn */

	uint64_t period_ns; /* under lock; I1; 0: once */
	_Atomic uint32_t rung; /* raised under the heap's lock, else changed under lock */
	_Atomic int64_t due_ns; /* when it rang last; written under the heap's lock */
};

static struct gr_g *ring(struct gr__timer *timer, int64_t now_ns)
{
	gr_timer *t = container_of(timer, gr_timer, timer);
	uint64_t step;

	store_relaxed(&t->due_ns, timer->when_ns);
	gr__padd32(&t->rung, 1);
	if (t->period_ns) {
		/* The next multiple after now: when + period * (1 + late / period). */
		step = t->period_ns - (uint64_t)(now_ns - timer->when_ns) % t->period_ns;
		gr__timer_again_locked(timer,
				       step < (uint64_t)(INT64_MAX - 1 - now_ns) ? now_ns + (int64_t)step : INT64_MAX);
	}
	return NULL;
}

static void start_g_locked(gr_timer *t)
{
	const struct gr__birth b = {t->fn, t->arg, "timer"};
	struct gr_m *m = gr__m();

	if (likely(gr__go_on(m->p, &b) == 0))
		return;
	gr__count(m, timers_put_off);
	if (!t->period_ns) /* else the next ring is set already (I2) */
		gr__timer_arm(&t->timer, gr__timer_after(NO_MEMORY_NS));
}

static void deliver(struct gr__timer *timer)
{
	gr_timer *t = container_of(timer, gr_timer, timer);
	uint64_t due_ns;

	gr__plock(&t->lock);
	if (load_relaxed(&t->rung)) {
		gr__padd32(&t->rung, -1u);
		if (t->chan) {
			due_ns = (uint64_t)load_relaxed(&t->due_ns);
			(void)gr_chan_try_send(t->chan, &due_ns); /* full: dropped */
		} else {
			start_g_locked(t);
		}
	}
	gr__punlock(&t->lock);
}

static void check_caller(const char *name)
{
	struct gr_m *m = gr__m();

	if (unlikely(!m || !m->curg))
		gr__fatal("%s: not called from a G", name);
	gr__not_in_call(m->curg);
}

/* Steps 2 and 3. True: there was something to come, or it had come to the channel and nobody had received it. */
static bool stop_locked(gr_timer *t)
{
	bool was_pending = gr__timer_disarm(&t->timer);
	uint64_t stale;

	if (load_relaxed(&t->rung)) {
		store_relaxed(&t->rung, 0);
		was_pending = true;
	}
	if (t->chan && gr_chan_try_recv(t->chan, &stale, NULL))
		was_pending = true;
	return was_pending;
}

int gr_timer_new(void (*fn)(void *), void *arg, gr_timer **out)
{
	gr_timer *t = gr__alloc(0, sizeof(*t));
	int err = 0;

	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->timer.fire = ring;
	t->timer.act = deliver;
	t->fn = fn;
	t->arg = arg;
	if (!fn)
		err = gr_chan_new(sizeof(uint64_t), 1, &t->chan);
	if (err) {
		gr__free(t);
		return err;
	}
	*out = t;
	return 0;
}

gr_chan *gr_timer_chan(const gr_timer *t)
{
	return t->chan;
}

bool gr_timer_start(gr_timer *t, uint64_t after_ns, uint64_t period_ns)
{
	bool was_pending;

	check_caller("gr_timer_start");
	gr__plock(&t->lock);
	was_pending = stop_locked(t);
	t->period_ns = period_ns;
	gr__timer_arm(&t->timer, gr__timer_after(after_ns));
	gr__punlock(&t->lock);
	return was_pending;
}

bool gr_timer_stop(gr_timer *t)
{
	bool was_pending;

	check_caller("gr_timer_stop");
	gr__plock(&t->lock);
	was_pending = stop_locked(t);
	gr__punlock(&t->lock);
	return was_pending;
}

void gr_timer_free(gr_timer *t)
{
	if (!t)
		return;
	/* The timers of a runtime that has ended are not armed anywhere. */
	if (gr__m() || load_acquire(&gr__sched.running)) {
		check_caller("gr_timer_free");
		gr_timer_stop(t);
		gr__timer_wait_acts(&t->timer); /* I3 */
	}
	gr_chan_free(t->chan);
	gr__free(t);
}
