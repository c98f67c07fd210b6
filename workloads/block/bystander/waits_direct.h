/*
 * waits_direct.h - block/bystander in the blocking style: the kinds of waits, and what makes them end.
 *
 * What ends a wait is the clock, the device, a task of the waiter's own, or the ticker: one more task, whose rounds are
 * numbered from 1 up and each end a wait of every waiter. Its last round says that it is the last, in `last` before
 * anything of the round can be seen, or by closing what is waited on; so every waiter leaves, and no round is lost.
 */
#ifndef BLOCK_BYSTANDER_WAITS_DIRECT_H
#define BLOCK_BYSTANDER_WAITS_DIRECT_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/subject/direct.h"
#include "workloads/block/bystander/bystander.h"
#include "workloads/block/nap.h"
#include "workloads/gate.h"

struct run;

struct waiter {
	dx_task task;
	struct run *run; /* immutable, as the next */
	uint64_t id;
	/* what it waits on; made and unmade by the root */
	dx_chan chans[BYSTANDER_CHANS];
	dx_set set; /* of chans */
	uint64_t round; /* where that receives */
	dx_sem sem;
	dx_wg group;
	dx_task child;
	dx_sock reads, written; /* the waiter's end and the ticker's; reads: also what it accepts on */
	struct bystander_name name; /* of that */
	unsigned char told; /* the ticker's: connections made, its lowest byte */
	uint64_t *block; /* DATAFILE_BLOCK bytes, aligned to it */
	/* the task's until it is joined */
	uint64_t waits;
	bool right; /* so far each wait has brought what it had to */
	int status; /* why it has stopped waiting */
};

/*
 * How the waiters of a kind wait; what is NULL is not needed. `open` and `close` are the root's, of what all share, as are
 * `make` and `unmake`, of what is a waiter's own; `wait` is the waiter's, until the run is over. The ticker's are `ready`,
 * before the region begins, `tick` in each round, and `end` after the last one; if the region never begins, `end` undoes
 * what `ready` has done.
 */
struct ways {
	int (*open)(struct run *r);
	void (*close)(struct run *r);
	int (*make)(struct waiter *w);
	void (*unmake)(struct waiter *w);
	void (*wait)(struct waiter *w);
	void (*ready)(struct run *r);
	void (*tick)(struct run *r, uint64_t round);
	void (*end)(struct run *r);
};

/* What the second writer is told to do with its lock, or to leave. */
enum turn_order { TURN_TAKE, TURN_GIVE, TURN_LEAVE };

/* A lock that is held for writing from one round to the next. */
struct turn {
	dx_rwlock lock;
	bool is_written, is_last; /* under lock: somebody writes; nobody will any more */
};

struct run {
	struct bystander_plan plan; /* immutable while tasks run, as the next three */
	const struct bystander_data *data;
	const struct ways *ways;
	struct waiter *waiters; /* plan.waiters */
	struct gate gate;
	bool is_cancelled; /* the root's until the gate opens: not all tasks could be created */
	_Atomic uint32_t over; /* set by the root when the bystander has ended */
	_Atomic uint64_t round, last; /* the ticker's: under way; UINT64_MAX until it is known */
	dx_task ticker;
	/* what all wait on, by kind */
	dx_mutex lock;
	unsigned holders; /* under lock */
	uint64_t told; /* under lock: the round that `changed` tells */
	dx_cond changed;
	dx_barrier barrier;
	struct turn turns[2]; /* turns[round % 2] is held: the first by the ticker, the other by `second` */
	dx_task second;
	dx_sem asked, served; /* second has something to do; has done it */
	enum turn_order order; /* what; under asked and served, as the next */
	bool is_last; /* the turn that it gives up */
};

static bool is_over(const struct run *r)
{
	return atomic_load_explicit(&r->over, memory_order_relaxed);
}

/* A wait has ended with a round of the ticker's. True: that was its last. What woke the task orders these loads. */
static bool was_last(struct waiter *w)
{
	w->waits++;
	w->right &= w->waits <= atomic_load_explicit(&w->run->round, memory_order_relaxed);
	return w->waits == atomic_load_explicit(&w->run->last, memory_order_relaxed);
}

/* ---- waits that the clock or the device ends ------------------------------------------------------- */

static void sleep_on(struct waiter *w)
{
	const uint64_t wait_ns = w->run->plan.wait_ns;

	do {
		const uint64_t began_ns = bench_now_ns();

		dx_sleep_ns(wait_ns);
		w->right &= bench_now_ns() - began_ns >= wait_ns;
		w->waits++;
	} while (!is_over(w->run));
}

static void call_on(struct waiter *w)
{
	struct nap call = {.ns = w->run->plan.wait_ns};

	do {
		const uint64_t began_ns = bench_now_ns();

		dx_call(nap, &call);
		w->right &= !call.failed && bench_now_ns() - began_ns >= call.ns;
		w->waits++;
	} while (!is_over(w->run));
}

static int make_block(struct waiter *w)
{
	w->block = aligned_alloc(DATAFILE_BLOCK, DATAFILE_BLOCK);
	return w->block ? 0 : -ENOMEM;
}

static void unmake_block(struct waiter *w)
{
	free(w->block);
}

static void read_on(struct waiter *w)
{
	const struct bystander_data *d = w->run->data;
	uint64_t sum = 0;

	do {
		const uint64_t block = bystander_block(d, w->id, w->waits);

		w->right &=
			dx_pread(d->fd, w->block, DATAFILE_BLOCK, (off_t)(block * DATAFILE_BLOCK)) == DATAFILE_BLOCK &&
			datafile_verify(w->block, block, &sum);
		w->waits++;
		dx_sleep_ns(w->run->plan.wait_ns);
	} while (!is_over(w->run));
}

/* ---- channels: the ticker sends the number of its round ------------------------------------------------ */

static int make_chan(struct waiter *w)
{
	return dx_chan_init(&w->chans[0], sizeof(uint64_t), 1);
}

static void unmake_chan(struct waiter *w)
{
	dx_chan_destroy(&w->chans[0]);
}

static void receive_on(struct waiter *w)
{
	uint64_t round;

	while (dx_recv(&w->chans[0], &round))
		w->right &= round == ++w->waits;
}

static void send_to_all(struct run *r, uint64_t round)
{
	for (uint64_t i = 0; i < r->plan.waiters; i++)
		dx_send(&r->waiters[i].chans[0], &round);
}

static void close_all(struct run *r)
{
	for (uint64_t i = 0; i < r->plan.waiters; i++)
		dx_chan_close(&r->waiters[i].chans[0]);
}

/* ---- select: it sends on one of two channels in turn --------------------------------------------------- */

static void unmake_set(struct waiter *w)
{
	dx_set_destroy(&w->set);
	for (int i = 0; i < BYSTANDER_CHANS; i++)
		dx_chan_destroy(&w->chans[i]);
}

static int make_set(struct waiter *w)
{
	int status, made;

	for (made = 0; made < BYSTANDER_CHANS; made++) {
		status = dx_chan_init(&w->chans[made], sizeof(uint64_t), 1);
		if (status < 0)
			goto no_chan;
	}
	status = dx_set_init(&w->set, w->chans, BYSTANDER_CHANS, &w->round);
	if (status == 0)
		return 0;
no_chan:
	while (made > 0)
		dx_chan_destroy(&w->chans[--made]);
	return status;
}

/* Which of two channels that both have something is taken is not fixed; in each of them every second round comes. */
static void select_on(struct waiter *w)
{
	uint64_t seen[BYSTANDER_CHANS] = {0, UINT64_MAX};

	for (int i; (i = dx_select(&w->set)) >= 0; w->waits++) {
		seen[i] += BYSTANDER_CHANS;
		w->right &= w->round == seen[i];
	}
}

static void send_to_one(struct run *r, uint64_t round)
{
	for (uint64_t i = 0; i < r->plan.waiters; i++)
		dx_send(&r->waiters[i].chans[round % BYSTANDER_CHANS], &round);
}

static void close_sets(struct run *r)
{
	for (uint64_t i = 0; i < r->plan.waiters; i++)
		for (int k = 0; k < BYSTANDER_CHANS; k++)
			dx_chan_close(&r->waiters[i].chans[k]);
}

/* ---- sockets: it writes the round's lowest byte ----------------------------------------------------------- */

static int make_sockets(struct waiter *w)
{
	int fds[2], status;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	status = dx_sock_adopt(&w->reads, fds[0]);
	if (status < 0) {
		close(fds[0]);
		close(fds[1]);
		return status;
	}
	status = dx_sock_adopt(&w->written, fds[1]);
	if (status < 0) {
		dx_sock_close(&w->reads);
		close(fds[1]);
	}
	return status;
}

static void unmake_sockets(struct waiter *w)
{
	dx_sock_close(&w->reads);
	dx_sock_close(&w->written);
}

static void read_socket_on(struct waiter *w)
{
	unsigned char byte;
	ssize_t n;

	while ((n = dx_sock_read(&w->reads, &byte, 1)) == 1)
		w->right &= byte == (unsigned char)++w->waits;
	w->right &= n == 0;
}

static void write_to_all(struct run *r, uint64_t round)
{
	const unsigned char byte = (unsigned char)round;

	for (uint64_t i = 0; i < r->plan.waiters; i++)
		dx_sock_write(&r->waiters[i].written, &byte, 1); /* what is lost is missed by its reader */
}

static void shut_all(struct run *r)
{
	for (uint64_t i = 0; i < r->plan.waiters; i++)
		dx_sock_shutdown(&r->waiters[i].written);
}

/* ---- accept: it connects, writes a byte that counts the connections, and closes ------------------------------ */

static int make_listener(struct waiter *w)
{
	int status, fd = bystander_listen(&w->name, 0);

	if (fd < 0)
		return fd;
	status = dx_sock_adopt(&w->reads, fd);
	if (status < 0)
		close(fd);
	return status;
}

static void unmake_listener(struct waiter *w)
{
	dx_sock_close(&w->reads);
}

static void accept_on(struct waiter *w)
{
	ssize_t n;

	do {
		unsigned char byte;
		dx_sock conn;

		n = w->status = dx_accept(&w->reads, &conn);
		if (n < 0)
			return;
		n = dx_sock_read(&conn, &byte, 1);
		dx_sock_close(&conn);
		if (n > 0)
			w->right &= byte == (unsigned char)++w->waits;
	} while (n > 0);
	w->right &= n == 0;
}

/* Nothing waits in here: the connection is made, and has room for a byte, before anybody accepts it. */
static void connect_to_all(struct run *r, uint64_t round)
{
	(void)round;
	for (uint64_t i = 0; i < r->plan.waiters; i++)
		bystander_connect(&r->waiters[i].name, &r->waiters[i].told);
}

/* Behind all that wait to be accepted, one without a byte. What cannot be told so ends the waiter with an error. */
static void end_connections(struct run *r)
{
	for (uint64_t i = 0; i < r->plan.waiters; i++) {
		struct waiter *w = &r->waiters[i];
		int status;

		while ((status = bystander_connect(&w->name, NULL)) == -EAGAIN)
			dx_sleep_ns(r->plan.wait_ns);
		if (status < 0)
			dx_sock_shutdown(&w->reads);
	}
}

/* ---- a semaphore for each: a permit in every round --------------------------------------------------------- */

static int make_sem(struct waiter *w)
{
	return dx_sem_init(&w->sem, 0);
}

static void unmake_sem(struct waiter *w)
{
	dx_sem_destroy(&w->sem);
}

static void acquire_on(struct waiter *w)
{
	do
		dx_sem_acquire(&w->sem);
	while (!was_last(w));
}

static void release_all(struct run *r, uint64_t round)
{
	(void)round;
	for (uint64_t i = 0; i < r->plan.waiters; i++)
		dx_sem_release(&r->waiters[i].sem);
}

/* ---- a barrier, to which the ticker comes late ------------------------------------------------------------------ */

static int open_barrier(struct run *r)
{
	return dx_barrier_init(&r->barrier, (unsigned)r->plan.waiters + 1);
}

static void close_barrier(struct run *r)
{
	dx_barrier_destroy(&r->barrier);
}

static void meet_on(struct waiter *w)
{
	do
		dx_barrier_wait(&w->run->barrier);
	while (!was_last(w));
}

static void meet_all(struct run *r, uint64_t round)
{
	(void)round;
	dx_barrier_wait(&r->barrier);
}

/* ---- a condition variable: all wait for another round's number ------------------------------------------------- */

static int open_cond(struct run *r)
{
	int status = dx_mutex_init(&r->lock);

	if (status < 0)
		return status;
	status = dx_cond_init(&r->changed);
	if (status < 0)
		dx_mutex_destroy(&r->lock);
	return status;
}

static void close_cond(struct run *r)
{
	dx_cond_destroy(&r->changed);
	dx_mutex_destroy(&r->lock);
}

/* Who is late finds a later round, so there may be fewer waits than rounds. */
static void hear_on(struct waiter *w)
{
	struct run *r = w->run;

	for (uint64_t seen = 0; seen != atomic_load_explicit(&r->last, memory_order_relaxed);) {
		dx_lock(&r->lock);
		while (r->told == seen)
			dx_cond_wait(&r->changed, &r->lock);
		seen = r->told;
		dx_unlock(&r->lock);
		w->right &= ++w->waits <= seen;
	}
}

static void tell_all(struct run *r, uint64_t round)
{
	dx_lock(&r->lock);
	r->told = round;
	dx_cond_broadcast(&r->changed);
	dx_unlock(&r->lock);
}

/*
 * ---- rwlocks: readers wait for the writer that has one of two; the other is taken before that one is given up -------------
 *
 * Two tasks write, so that none ever holds two locks, now in this order and now in that: who looks for deadlocks would see
 * one. The ticker tells the second what to do, and waits until it is done.
 */

static void take_turn(struct turn *t)
{
	dx_wlock(&t->lock);
	t->is_written = true;
}

static void give_turn(struct turn *t, bool is_last)
{
	t->is_last = is_last;
	t->is_written = false;
	dx_wunlock(&t->lock);
}

static void be_second(void *arg)
{
	struct run *r = arg;

	for (;;) {
		dx_sem_acquire(&r->asked);
		if (r->order == TURN_LEAVE)
			return;
		if (r->order == TURN_TAKE)
			take_turn(&r->turns[1]);
		else
			give_turn(&r->turns[1], r->is_last);
		dx_sem_release(&r->served);
	}
}

/* The second writer does what it is told, and has done it. */
static void tell_second(struct run *r, enum turn_order order)
{
	r->order = order;
	dx_sem_release(&r->asked);
	dx_sem_acquire(&r->served);
}

static void take(struct run *r, uint64_t which)
{
	if (which == 0)
		take_turn(&r->turns[0]);
	else
		tell_second(r, TURN_TAKE);
}

static void give(struct run *r, uint64_t which, bool is_last)
{
	r->is_last = is_last;
	if (which == 0)
		give_turn(&r->turns[0], is_last);
	else
		tell_second(r, TURN_GIVE);
}

static int open_second(struct run *r)
{
	int status = dx_sem_init(&r->asked, 0);

	if (status < 0)
		return status;
	status = dx_sem_init(&r->served, 0);
	if (status < 0)
		goto no_served;
	status = dx_spawn(&r->second, be_second, r);
	if (status == 0)
		return 0;
	dx_sem_destroy(&r->served);
no_served:
	dx_sem_destroy(&r->asked);
	return status;
}

static int open_turns(struct run *r)
{
	int status = dx_rwlock_init(&r->turns[0].lock);

	if (status < 0)
		return status;
	status = dx_rwlock_init(&r->turns[1].lock);
	if (status < 0)
		goto no_lock;
	status = open_second(r);
	if (status == 0)
		return 0;
	dx_rwlock_destroy(&r->turns[1].lock);
no_lock:
	dx_rwlock_destroy(&r->turns[0].lock);
	return status;
}

static void close_turns(struct run *r)
{
	r->order = TURN_LEAVE;
	dx_sem_release(&r->asked);
	dx_join(&r->second);
	dx_sem_destroy(&r->served);
	dx_sem_destroy(&r->asked);
	dx_rwlock_destroy(&r->turns[1].lock);
	dx_rwlock_destroy(&r->turns[0].lock);
}

/* Who is so late that the lock is free already goes on to the one that is held. Nobody overtakes the writer. */
static void read_turns_on(struct waiter *w)
{
	struct run *r = w->run;

	for (bool is_last = false; !is_last; w->waits++) {
		struct turn *t = &r->turns[w->waits % 2];

		dx_rlock(&t->lock);
		w->right &= !t->is_written && w->waits < atomic_load_explicit(&r->round, memory_order_relaxed);
		is_last = t->is_last;
		dx_runlock(&t->lock);
	}
}

static void take_first_turn(struct run *r)
{
	take(r, 0);
}

static void change_turns(struct run *r, uint64_t round)
{
	if (round == atomic_load_explicit(&r->last, memory_order_relaxed))
		return; /* the one that is held is given up by the next function */
	take(r, round % 2);
	give(r, (round - 1) % 2, false);
}

/* Held is that of the round before the last, or the first if there has been none. */
static void give_last_turn(struct run *r)
{
	const uint64_t round = atomic_load_explicit(&r->round, memory_order_relaxed);

	give(r, round > 0 ? (round - 1) % 2 : 0, true);
}

/* ---- a task of its own, which sleeps ------------------------------------------------------------------------- */

static void sleep_once(void *arg)
{
	dx_sleep_ns(((struct waiter *)arg)->run->plan.wait_ns);
}

/* Start a task that ends after wait_ns and wait for its end; the same again until it is over. */
static void await_tasks(struct waiter *w, int (*start)(struct waiter *w), void (*await)(struct waiter *w))
{
	do {
		const uint64_t began_ns = bench_now_ns();

		w->status = start(w);
		if (w->status < 0)
			return;
		await(w);
		w->right &= bench_now_ns() - began_ns >= w->run->plan.wait_ns;
		w->waits++;
	} while (!is_over(w->run));
}

static int start_child(struct waiter *w)
{
	return dx_spawn(&w->child, sleep_once, w);
}

static void join_child(struct waiter *w)
{
	dx_join(&w->child);
}

static void join_on(struct waiter *w)
{
	await_tasks(w, start_child, join_child);
}

static int make_group(struct waiter *w)
{
	return dx_wg_init(&w->group);
}

static void unmake_group(struct waiter *w)
{
	dx_wg_destroy(&w->group);
}

static void sleep_and_leave(void *arg)
{
	struct waiter *w = arg;

	sleep_once(w);
	dx_wg_done(&w->group);
}

static int start_member(struct waiter *w)
{
	int status;

	dx_wg_add(&w->group, 1);
	status = dx_go(sleep_and_leave, w);
	if (status < 0)
		dx_wg_done(&w->group);
	return status;
}

static void await_group(struct waiter *w)
{
	dx_wg_wait(&w->group);
}

static void await_group_on(struct waiter *w)
{
	await_tasks(w, start_member, await_group);
}

/* ---- a lock that is held through a sleep ------------------------------------------------------------------- */

static int open_lock(struct run *r)
{
	return dx_mutex_init(&r->lock);
}

static void close_lock(struct run *r)
{
	dx_mutex_destroy(&r->lock);
}

static void pass_on(struct waiter *w)
{
	struct run *r = w->run;

	do {
		dx_lock(&r->lock);
		w->right &= r->holders++ == 0;
		if (!is_over(r))
			dx_sleep_ns(r->plan.wait_ns);
		r->holders--;
		dx_unlock(&r->lock);
		w->waits++;
	} while (!is_over(r));
}

/* ---- the kinds ----------------------------------------------------------------------------------------------- */

static const struct ways bystander_ways[] = {
	[WAIT_NONE] = {.wait = NULL},
	[WAIT_SLEEP] = {.wait = sleep_on},
	[WAIT_CHANNEL] =
		{.make = make_chan, .unmake = unmake_chan, .wait = receive_on, .tick = send_to_all, .end = close_all},
	[WAIT_MUTEX] = {.open = open_lock, .close = close_lock, .wait = pass_on},
	[WAIT_CALL] = {.wait = call_on},
	[WAIT_FILE] = {.make = make_block, .unmake = unmake_block, .wait = read_on},
	[WAIT_SOCKET] = {.make = make_sockets,
			 .unmake = unmake_sockets,
			 .wait = read_socket_on,
			 .tick = write_to_all,
			 .end = shut_all},
	[WAIT_SEMAPHORE] = {.make = make_sem, .unmake = unmake_sem, .wait = acquire_on, .tick = release_all},
	[WAIT_RWLOCK] = {.open = open_turns,
			 .close = close_turns,
			 .wait = read_turns_on,
			 .ready = take_first_turn,
			 .tick = change_turns,
			 .end = give_last_turn},
	[WAIT_BARRIER] = {.open = open_barrier, .close = close_barrier, .wait = meet_on, .tick = meet_all},
	[WAIT_CONDITION] = {.open = open_cond, .close = close_cond, .wait = hear_on, .tick = tell_all},
	[WAIT_JOIN] = {.wait = join_on},
	[WAIT_GROUP] = {.make = make_group, .unmake = unmake_group, .wait = await_group_on},
	[WAIT_SELECT] =
		{.make = make_set, .unmake = unmake_set, .wait = select_on, .tick = send_to_one, .end = close_sets},
	[WAIT_ACCEPT] = {.make = make_listener,
			 .unmake = unmake_listener,
			 .wait = accept_on,
			 .tick = connect_to_all,
			 .end = end_connections},
};

#endif
