/*
 * block/bystander in the blocking style: the root computes, and tasks wait. What they wait for comes from the clock, from
 * the device, or from one more task, the ticker.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
	dx_chan chan;
	dx_sock reads, written; /* the waiter's end and the ticker's */
	uint64_t *block; /* DATAFILE_BLOCK bytes, aligned to it */
	/* the task's until it is joined */
	uint64_t waits;
	bool right; /* so far each wait has brought what it had to */
};

/*
 * How the waiters of a kind wait. `make` and `unmake` are the root's, before and after all; `wait` is the waiter's, until
 * the run is over. Where there is a ticker: `tick` after each sleep, `end` when it is over.
 */
struct ways {
	int (*make)(struct waiter *w);
	void (*unmake)(struct waiter *w);
	void (*wait)(struct waiter *w);
	void (*tick)(struct run *r, uint64_t round);
	void (*end)(struct run *r);
};

struct run {
	struct bystander_plan plan; /* immutable while tasks run, as the next two */
	const struct bystander_data *data;
	const struct ways *ways;
	struct gate gate;
	_Atomic uint32_t over; /* set by the root when the bystander has ended */
	dx_mutex lock; /* of WAIT_MUTEX */
	unsigned holders; /* under lock */
	dx_task ticker;
	struct waiter *waiters; /* plan.waiters */
};

static bool is_over(const struct run *r)
{
	return atomic_load_explicit(&r->over, memory_order_relaxed);
}

/* ---- waits that the clock or the device ends ------------------------------------------------------- */

static int make_nothing(struct waiter *w)
{
	(void)w;
	return 0;
}

static void unmake_nothing(struct waiter *w)
{
	(void)w;
}

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
	return dx_chan_init(&w->chan, sizeof(uint64_t), 1);
}

static void unmake_chan(struct waiter *w)
{
	dx_chan_destroy(&w->chan);
}

static void receive_on(struct waiter *w)
{
	uint64_t round;

	while (dx_recv(&w->chan, &round))
		w->right &= round == ++w->waits;
}

static void send_to_all(struct run *r, uint64_t round)
{
	for (uint64_t i = 0; i < r->plan.waiters; i++)
		dx_send(&r->waiters[i].chan, &round);
}

static void close_all(struct run *r)
{
	for (uint64_t i = 0; i < r->plan.waiters; i++)
		dx_chan_close(&r->waiters[i].chan);
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

/* ---- a lock that is held through a sleep ------------------------------------------------------------------- */

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

/* ---- the run ---------------------------------------------------------------------------------------------- */

static const struct ways ways[] = {
	[WAIT_NONE] = {make_nothing, unmake_nothing, NULL, NULL, NULL},
	[WAIT_SLEEP] = {make_nothing, unmake_nothing, sleep_on, NULL, NULL},
	[WAIT_CHANNEL] = {make_chan, unmake_chan, receive_on, send_to_all, close_all},
	[WAIT_MUTEX] = {make_nothing, unmake_nothing, pass_on, NULL, NULL},
	[WAIT_CALL] = {make_nothing, unmake_nothing, call_on, NULL, NULL},
	[WAIT_FILE] = {make_block, unmake_block, read_on, NULL, NULL},
	[WAIT_SOCKET] = {make_sockets, unmake_sockets, read_socket_on, write_to_all, shut_all},
};

static void be_a_waiter(void *arg)
{
	struct waiter *w = arg;

	gate_pass(&w->run->gate);
	w->run->ways->wait(w);
}

static void tick(void *arg)
{
	struct run *r = arg;
	uint64_t round = 0;

	gate_pass(&r->gate);
	do {
		dx_sleep_ns(r->plan.wait_ns);
		r->ways->tick(r, ++round);
	} while (!is_over(r));
	r->ways->end(r);
}

/* Nothing but arithmetic: it can be stopped anywhere. */
static DX_PREEMPTIBLE void compute(uint64_t units, uint64_t *value, uint64_t *done)
{
	uint64_t x = *value, n = 0;

	for (; n < units; n++)
		x = steps_work(x, BYSTANDER_UNIT);
	*value = x;
	*done = n;
}

/* Create the tasks and wait until they stand at the gate. How many waiters; *status < 0: not all. *ticks: the ticker too. */
static uint64_t gather(struct run *r, bool *ticks, int *status)
{
	uint64_t i;

	*status = r->ways->tick ? gate_spawn(&r->gate, &r->ticker, tick, r) : 0;
	*ticks = r->ways->tick && *status == 0;
	for (i = 0; i < r->plan.waiters && *status == 0; i++) {
		*status = gate_spawn(&r->gate, &r->waiters[i].task, be_a_waiter, &r->waiters[i]);
		if (*status < 0)
			break;
	}
	gate_gather(&r->gate);
	return i;
}

static uint64_t count_waits(const struct run *r)
{
	uint64_t waits = 0;

	for (uint64_t i = 0; i < r->plan.waiters; i++)
		waits += r->waiters[i].waits;
	return waits;
}

static struct bench_cert certify(const struct run *r, uint64_t done, uint64_t value)
{
	struct bench_cert cert = {.ops = done, .max_live = r->plan.waiters + 1, .checksum = value};

	for (uint64_t i = 0; i < r->plan.waiters; i++)
		cert.messages += r->waiters[i].waits > 0 && r->waiters[i].right;
	return cert;
}

/* All that is waited on has been made. */
static int run_tasks(struct bench *b, struct run *r)
{
	uint64_t value = BYSTANDER_START, done = 0, live;
	bool ticks;
	int status;

	live = gather(r, &ticks, &status);
	if (status == 0)
		bench_begin(b);
	else /* a waiter that does not exist receives nothing: the ticker would stop in its second round */
		atomic_store_explicit(&r->over, 1, memory_order_relaxed);
	gate_open(&r->gate);
	if (status == 0) {
		compute(b->ops, &value, &done);
		bench_end(b);
	}
	atomic_store_explicit(&r->over, 1, memory_order_relaxed);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&r->waiters[i].task);
	if (ticks)
		dx_join(&r->ticker);
	b->cert = certify(r, done, value);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)r->plan.waiters, (unsigned long long)live, strerror(-status));
	bystander_tell(b, count_waits(r));
	return 0;
}

static int run_waiters(struct bench *b, struct run *r)
{
	uint64_t made;
	int status = 0;

	for (made = 0; made < r->plan.waiters; made++) {
		struct waiter *w = &r->waiters[made];

		*w = (struct waiter){.run = r, .id = made, .right = true};
		status = r->ways->make(w);
		if (status < 0) {
			bench_fail(b, status, "cannot make what waiter %llu waits for: %s", (unsigned long long)made,
				   strerror(-status));
			break;
		}
	}
	if (status == 0)
		status = run_tasks(b, r);
	while (made > 0)
		r->ways->unmake(&r->waiters[--made]);
	return status;
}

static int run_bystander(struct bench *b)
{
	struct run r = {.plan = bystander_plan_of(b), .data = b->data};
	int status;

	r.ways = &ways[r.plan.kind];
	r.waiters = calloc(r.plan.waiters + 1, sizeof r.waiters[0]);
	status = r.waiters ? gate_init(&r.gate) : -ENOMEM;
	if (status < 0)
		goto no_gate;
	status = dx_mutex_init(&r.lock);
	if (status < 0)
		goto no_lock;
	status = run_waiters(b, &r);
	dx_mutex_destroy(&r.lock);
	gate_destroy(&r.gate);
	free(r.waiters);
	return status;
no_lock:
	gate_destroy(&r.gate);
no_gate:
	free(r.waiters);
	return bench_fail(b, status, "cannot prepare %llu tasks: %s", (unsigned long long)r.plan.waiters,
			  strerror(-status));
}

const struct bench_body block_bystander_direct = {.run = run_bystander};
