/*
 * deadline.c - points in time at which calls on a descriptor end: gr_sock_set_deadline.
 *
 * Each direction has one timer (timer.h) and a flag in the slot, `expired`. When the time has come the timer's `fire` sets
 * the flag and takes the G out of the direction's word, as the poller would; what the call does then is in netpoll.c: the
 * flag is one more reason not to try. The timers are made with the first deadline of the descriptor number, because most
 * descriptors never have one and a slot is one cache line; they stay with the slot.
 *
 * Setting. A server sets a deadline before each read, half a minute later than the last one. So a deadline that moves later
 * leaves its timer where it is in the heap (gr__timer_move); `fire` comes at the old time, looks at `wanted`, and arms the
 * timer again. Setting then costs a look at the clock and two locks that nobody else has.
 *
 * Why hard: setting again has to take back an `expired` of the deadline before, and must not take back its own. Both the
 * old deadline and the new one may pass at any moment of it:
 *
 *      who sets                                   fire, of the old or the new deadline
 *      --------                                   ------------------------------------
 *      1 lock of the heap: wanted = new; unlock   1 lock of the heap: reads wanted: later than now -> arms again, returns
 *      2 expired? no: done                        2   expired = true
 *      3 expired = false                          3   fence; word -> READY, takes the G; unlock
 *      4 fence
 *      5 reads the clock: is new over?
 *        expired = true, wakes, like fire
 *
 * A fire of the old deadline has its lock before 1, and then 2 sees its flag, or after 1, and then it sees the new time.
 * A fire of the new deadline, whose flag 3 may have wiped out, had found that the time is over before it set the flag. If
 * 3 comes later than that flag, then the clock of 5 is later than its clock, and so over too. The fence of 4 keeps 3 from
 * becoming visible after the clock has been read. Rejected: taking the timer out before, which makes 3 safe and each setting
 * two changes of the heap.
 *
 * Two Gs that set at the same time take turns by `lock`. The same lock is between setting and the end of the descriptor:
 * close clears OPEN before it takes it, and who sets looks at OPEN under it, so no timer is armed after the close has
 * taken them out.
 *
 * Invariants:
 *   I1  a timer is armed only as long as its descriptor is open; so `fire` never meets the number's next user.
 *   I2  after step 5, without another setting: expired is true if and only if `fire` (or 5) has found the deadline over.
 */
#include "grow.h"
#include "netpoll.h"
#include "timer.h"

#include <errno.h>
#include <string.h>

GR__FITS_SMALL_STACKS;

struct deadline {
	struct gr__timer timer;
	int64_t wanted; /* when it passes, INT64_MAX: never; lock of the timer's heap */

	/* immutable */
	struct gr_sock *s;
	enum gr__np_dir dir;
};

struct gr__np_deadlines {
	struct gr__lock lock; /* a plock: who moves and disarms the timers */
	struct deadline dir[2];
};

/* The right column. Under the lock of the timer's heap. */
static struct gr_g *fire(struct gr__timer *t, int64_t now_ns)
{
	struct deadline *d = container_of(t, struct deadline, timer);

	if (d->wanted > now_ns) {
		gr__timer_again_locked(t, d->wanted);
		return NULL;
	}
	return gr__np_expire(d->s, d->dir);
}

/* Those of s, made if need be; NULL without memory. */
static struct gr__np_deadlines *deadlines_of(struct gr_sock *s)
{
	struct gr__np_deadlines *ds = load_acquire(&s->deadlines), *none = NULL; /* pairs with the swap below */

	if (ds)
		return ds;
	ds = gr__alloc(0, sizeof(*ds));
	if (!ds)
		return NULL;
	memset(ds, 0, sizeof(*ds));
	for (enum gr__np_dir d = GR__NP_READ; d <= GR__NP_WRITE; d++)
		ds->dir[d] = (struct deadline){.timer = {.fire = fire}, .wanted = INT64_MAX, .s = s, .dir = d};
	if (cas_strong_acq_rel(&s->deadlines, &none, ds))
		return ds;
	gr__free(ds); /* another G was first */
	return none;
}

/* The left column, but for its lock. `when` in the past: it is over. Returns a G to be made runnable, or NULL. */
static struct gr_g *set_locked(struct deadline *d, int64_t when_ns)
{
	struct gr_sock *s = d->s;

	if (when_ns == 0) {
		gr__timer_move(&d->timer, &d->wanted, INT64_MAX);
		return gr__np_expire(s, d->dir);
	}
	gr__timer_move(&d->timer, &d->wanted, when_ns); /* 1 */
	if (likely(!load_relaxed(&s->expired[d->dir]))) /* 2 */
		return NULL;
	store_relaxed(&s->expired[d->dir], false); /* 3 */
	fence_seq_cst(); /* 4 */
	return gr__now_ns() < when_ns ? NULL : gr__np_expire(s, d->dir); /* 5 */
}

/* Set those of `dirs`; the Gs to be made runnable are appended to woken. */
static int set(struct gr_sock *s, unsigned dirs, int64_t when_ns, struct gr__glist *woken)
{
	struct gr__np_deadlines *ds;
	int err = 0;

	if (when_ns == INT64_MAX && !load_acquire(&s->deadlines)) /* there is none to be taken back */
		return load_relaxed(&s->refs) & GR__NP_OPEN ? 0 : -ECANCELED;
	ds = deadlines_of(s);
	if (!ds)
		return -ENOMEM;
	gr__plock(&ds->lock);
	if (!(load_relaxed(&s->refs) & GR__NP_OPEN)) /* I1 */
		err = -ECANCELED;
	for (enum gr__np_dir d = GR__NP_READ; d <= GR__NP_WRITE && !err; d++) {
		struct gr_g *g = dirs >> d & 1 ? set_locked(&ds->dir[d], when_ns) : NULL;

		if (g)
			gr__glist_push(woken, g);
	}
	gr__punlock(&ds->lock);
	return err;
}

int gr_sock_set_deadline(gr_sock *s, int dirs, uint64_t after_ns)
{
	struct gr__glist woken = {NULL, NULL, 0};
	int err;

	if (dirs <= 0 || dirs > GR_SOCK_BOTH)
		gr__fatal("gr_sock_set_deadline: no directions %d", dirs);
	if (unlikely(!gr__m() || !gr__m()->curg))
		gr__fatal("gr_sock_set_deadline: not called from a G");
	gr__not_in_call(gr__m()->curg);
	err = set(s, (unsigned)dirs, after_ns ? gr__timer_after(after_ns) : 0, &woken);
	for (struct gr_g *g; (g = gr__glist_pop(&woken));)
		gr__ready_tail(g);
	return err;
}

void gr__np_deadlines_off(struct gr_sock *s)
{
	struct gr__np_deadlines *ds = load_acquire(&s->deadlines);

	if (!ds)
		return;
	gr__plock(&ds->lock);
	for (enum gr__np_dir d = GR__NP_READ; d <= GR__NP_WRITE; d++)
		gr__timer_move(&ds->dir[d].timer, &ds->dir[d].wanted, INT64_MAX);
	gr__punlock(&ds->lock);
}
