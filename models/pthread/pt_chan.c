/*
 * pt_chan.c - a bounded queue on one mutex and condition variables.
 *
 * The queue is a ring of slots. Senders sleep on `not_full`, receivers on `not_empty`, and each operation wakes at
 * most one sleeper of the other side. That is the whole of it for a capacity above 0.
 *
 * Capacity 0, the rendezvous, is why the file has a head: the sender may not return before a receiver has its
 * element. The one slot is the meeting place. A sender puts its element in, notes that it was the n-th, and sleeps on
 * `taken` until n elements have been received. A receiver empties the slot and wakes two threads: the sender that is
 * now free to go, and one that waits for the slot.
 *
 * Why `taken` is broadcast to: its sleepers wait for different numbers, and as the wake-up comes after the unlock (below),
 * the next sender may have filled the slot and gone to sleep there by then. A signal could wake that one, in vain, and the
 * owner of the element would sleep on: one lost wake-up of a sender stops everybody, with many senders within
 * milliseconds. As a rule the owner sleeps there alone, and the broadcast wakes one thread (I4).
 *
 * When to wake. A thread that is woken while the waker still holds the mutex often runs at once, finds the mutex
 * taken and goes to sleep again: measured on one CPU, a round trip over two queues of capacity 1 took 11.5 us instead
 * of 5.7 us. So the mutex is released first. The price is that a call then touches the channel after its effect
 * can be seen, while the other side may take that effect as its leave to destroy the channel:
 *
 *	sender				receiver, for whom this was the last element
 *	S1 n_waking++ under the lock	R1 takes the element under the lock
 *	S2 puts the element, unlocks	R2 pt_chan_destroy: waits, each time under the lock, until n_waking and
 *	S3 signals			   the counts of sleepers are 0
 *	S4 n_waking--, its last touch	R3 frees
 *
 * R1 follows S2 by the lock, so R2 sees S1; R2 reads 0 only after S4, which follows S3. A sender of a rendezvous locks
 * again after S3, does S4 inside, and perhaps sleeps; then it is counted in taken_sleepers until it holds the lock
 * for the last time, and R2, which held the lock after it, comes after its unlock. Receivers that a close has
 * woken are waited for in the same way.
 *
 * Waiting for one of several channels (pt_select) takes one lock and one `not_empty` for all of them: their hub. A thread
 * that sleeps there is woken by whichever gets an element, and looks at each, beginning after the one that it was served
 * from last. So all that receive from channels of a set must do so by the set. Rejected: a lock per channel and one more
 * for the sleeper, which every sender would have to take as well.
 *
 * Rejected: the slot's owner sleeping on `not_full` among the waiting senders (each receive would have to wake all
 * of them); a receiver that leaves the slot marked until its sender has woken (the next sender would then wait for two
 * context switches instead of one); leaving it to callers never to destroy a channel before all calls have returned
 * (true of a mutex as well, but bodies are written to the contract that a received message proves the send).
 *
 * Invariants
 *  I1  Elements leave in the order in which they came: element n sits in slot (n - 1) mod n_slots.
 *  I2  n_sent - n_received == count <= n_slots.
 *  I3  A call that touches the channel after releasing the lock is counted in n_waking while it may do so.
 *  I4  Rendezvous: a thread on `taken` whose element was received while it slept is woken after that.
 *  I5  A closed channel never receives another element, and closing finds no sender inside.
 *  I6  A thread sleeps only with its side's `sleepers` raised, so 0 under the lock means that nobody needs a wake.
 *  I7  A channel's hub changes only while nobody uses the channel.
 */
#include "models/pthread/pt.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static int init_hub(struct pt_hub *h)
{
	int rc = pthread_mutex_init(&h->lock, NULL);

	if (rc)
		return -rc;
	rc = pthread_cond_init(&h->not_empty, NULL);
	if (rc)
		pthread_mutex_destroy(&h->lock);
	h->sleepers = 0;
	return -rc;
}

static void destroy_hub(struct pt_hub *h)
{
	pthread_cond_destroy(&h->not_empty);
	pthread_mutex_destroy(&h->lock);
}

int pt_chan_init(struct pt_chan *c, size_t elem_bytes, size_t capacity)
{
	size_t bytes;
	int rc;

	memset(c, 0, sizeof(*c));
	c->elem_bytes = elem_bytes;
	c->is_rendezvous = capacity == 0;
	c->n_slots = capacity ? capacity : 1;
	c->hub = &c->own;
	if (__builtin_mul_overflow(c->n_slots, elem_bytes, &bytes))
		return -ENOMEM;
	c->slots = malloc(bytes ? bytes : 1);
	if (!c->slots)
		return -ENOMEM;
	rc = -init_hub(&c->own);
	if (rc)
		goto fail_slots;
	rc = pthread_cond_init(&c->not_full, NULL);
	if (rc)
		goto fail_hub;
	rc = pthread_cond_init(&c->taken, NULL);
	if (rc)
		goto fail_not_full;
	return 0;

fail_not_full:
	pthread_cond_destroy(&c->not_full);
fail_hub:
	destroy_hub(&c->own);
fail_slots:
	free(c->slots);
	return -rc;
}

/* R2. True while somebody is still on its way out of a call whose effect the destroyer has seen. */
static bool is_busy_locked(const struct pt_chan *c)
{
	if (c->is_rendezvous && c->count)
		pt_fatal("pt_chan_destroy: a sender is waiting for a receiver");
	if (!c->is_closed && (c->hub->sleepers || c->not_full_sleepers))
		pt_fatal("pt_chan_destroy: a task is waiting on the channel");
	/* The acquire pairs with the release in end_waking. */
	return atomic_load_explicit(&c->n_waking, memory_order_acquire) || c->taken_sleepers || c->hub->sleepers ||
	       c->not_full_sleepers;
}

void pt_chan_destroy(struct pt_chan *c)
{
	pthread_mutex_lock(&c->hub->lock);
	while (is_busy_locked(c)) {
		pthread_mutex_unlock(&c->hub->lock);
		sched_yield(); /* those it waits for are awake, or woken: they need a few instructions and a CPU */
		pthread_mutex_lock(&c->hub->lock);
	}
	pthread_mutex_unlock(&c->hub->lock);
	pthread_cond_destroy(&c->taken);
	pthread_cond_destroy(&c->not_full);
	destroy_hub(&c->own);
	free(c->slots);
}

static void sleep_locked(struct pt_chan *c, pthread_cond_t *where, unsigned *sleepers)
{
	++*sleepers; /* I6 */
	pthread_cond_wait(where, &c->hub->lock);
	--*sleepers;
}

/* S1. Relaxed: the lock, which is held, orders it against the destroyer. */
static void begin_waking_locked(struct pt_chan *c)
{
	atomic_fetch_add_explicit(&c->n_waking, 1, memory_order_relaxed);
}

/* S4. The channel may be gone when this returns, unless the lock is held. */
static void end_waking(struct pt_chan *c)
{
	atomic_fetch_sub_explicit(&c->n_waking, 1, memory_order_release);
}

static void put_locked(struct pt_chan *c, const void *elem)
{
	size_t tail = c->head + c->count; /* below 2 * n_slots: one subtraction is enough, and a division is slow */

	if (tail >= c->n_slots)
		tail -= c->n_slots;
	if (c->elem_bytes)
		memcpy(c->slots + tail * c->elem_bytes, elem, c->elem_bytes);
	c->count++;
	c->n_sent++;
}

static void take_locked(struct pt_chan *c, void *elem)
{
	if (c->elem_bytes)
		memcpy(elem, c->slots + c->head * c->elem_bytes, c->elem_bytes);
	if (++c->head == c->n_slots)
		c->head = 0;
	c->count--;
	c->n_received++;
}

void pt_chan_send(struct pt_chan *c, const void *elem)
{
	uint64_t ticket;
	bool has_receiver;

	pthread_mutex_lock(&c->hub->lock);
	while (c->count == c->n_slots && !c->is_closed)
		sleep_locked(c, &c->not_full, &c->not_full_sleepers);
	if (c->is_closed)
		pt_fatal("pt_chan_send: the channel is closed"); /* I5 */
	put_locked(c, elem);
	ticket = c->n_sent;
	has_receiver = c->hub->sleepers > 0;
	if (has_receiver) {
		begin_waking_locked(c);
		pthread_mutex_unlock(&c->hub->lock);
		pthread_cond_signal(&c->hub->not_empty);
		if (!c->is_rendezvous) {
			end_waking(c);
			return;
		}
		pthread_mutex_lock(&c->hub->lock);
		end_waking(c);
	}
	if (c->is_rendezvous)
		while (c->n_received < ticket)
			sleep_locked(c, &c->taken, &c->taken_sleepers);
	pthread_mutex_unlock(&c->hub->lock);
}

/* With the lock held and an element there: takes it, wakes who waited for that, and releases the lock. */
static void take_and_unlock(struct pt_chan *c, void *elem)
{
	bool has_sender, has_owner;

	take_locked(c, elem);
	has_owner = c->taken_sleepers > 0;
	has_sender = c->not_full_sleepers > 0;
	if (!has_owner && !has_sender) {
		pthread_mutex_unlock(&c->hub->lock);
		return;
	}
	begin_waking_locked(c);
	pthread_mutex_unlock(&c->hub->lock);
	if (has_owner)
		pthread_cond_broadcast(&c->taken); /* I4 */
	if (has_sender)
		pthread_cond_signal(&c->not_full);
	end_waking(c);
}

bool pt_chan_recv(struct pt_chan *c, void *elem)
{
	pthread_mutex_lock(&c->hub->lock);
	while (c->count == 0 && !c->is_closed)
		sleep_locked(c, &c->hub->not_empty, &c->hub->sleepers);
	if (c->count == 0) {
		pthread_mutex_unlock(&c->hub->lock);
		return false;
	}
	take_and_unlock(c, elem);
	return true;
}

void pt_chan_close(struct pt_chan *c)
{
	pthread_mutex_lock(&c->hub->lock);
	if (c->is_closed)
		pt_fatal("pt_chan_close: the channel is closed already");
	if (c->is_rendezvous && c->count)
		pt_fatal("pt_chan_close: a sender is waiting for a receiver"); /* I5 */
	c->is_closed = true;
	begin_waking_locked(c);
	pthread_mutex_unlock(&c->hub->lock);
	pthread_cond_broadcast(&c->hub->not_empty);
	pthread_cond_broadcast(&c->not_full); /* a sender that waits here errs, and must be told */
	end_waking(c);
}

/* ---- sets --------------------------------------------------------------------------------------- */

int pt_set_init(struct pt_set *s, struct pt_chan *chans, size_t n, void *elem)
{
	int status = init_hub(&s->hub);

	if (status < 0)
		return status;
	s->chans = chans;
	s->n = n;
	s->elem = elem;
	s->next = 0;
	for (size_t i = 0; i < n; i++)
		chans[i].hub = &s->hub; /* I7 */
	return 0;
}

void pt_set_destroy(struct pt_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->chans[i].hub = &s->chans[i].own;
	destroy_hub(&s->hub);
}

/* The first channel that has an element, from s->next on; s->n if none has. *is_open: one may still get some. */
static size_t find_element_locked(const struct pt_set *s, bool *is_open)
{
	*is_open = false;
	for (size_t k = 0, i = s->next; k < s->n; k++) {
		if (s->chans[i].count)
			return i;
		*is_open |= !s->chans[i].is_closed;
		if (++i == s->n)
			i = 0;
	}
	return s->n;
}

int pt_select(struct pt_set *s)
{
	bool is_open;
	size_t i;

	pthread_mutex_lock(&s->hub.lock);
	while ((i = find_element_locked(s, &is_open)) == s->n) {
		if (!is_open) {
			pthread_mutex_unlock(&s->hub.lock);
			return -1;
		}
		s->hub.sleepers++; /* I6 */
		pthread_cond_wait(&s->hub.not_empty, &s->hub.lock);
		s->hub.sleepers--;
	}
	s->next = i + 1 == s->n ? 0 : i + 1;
	take_and_unlock(&s->chans[i], s->elem);
	return (int)i;
}
