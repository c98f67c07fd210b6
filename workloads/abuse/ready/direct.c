/*
 * abuse/ready in the blocking style: hogs that compute in a loop, and a task that reads.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/direct.h"
#include "workloads/abuse/ready/ready.h"

struct run;

struct hog {
	dx_task task;
	struct run *run; /* immutable */
	/* the task's until it is joined */
	uint64_t steps;
	uint64_t value;
};

struct run {
	struct bench *b;
	struct ready_clock clock;
	dx_sock timer; /* the reader's from its start to its join */
	int fd; /* the same descriptor, for who arms it */
	dx_wg arrived; /* 1 until the reader is about to read */
	_Atomic uint32_t missing; /* hogs that have not begun; who brings it to 0 arms the timer */
	_Atomic uint32_t over; /* set by the reader: all events have been read, or it has failed; the hogs look */
	uint64_t limit; /* of a hog's steps; immutable */
	dx_task reader;
	/* the reader's until it is joined */
	struct bench_cert cert;
	int status;
	/* root's */
	struct hog *hogs;
	unsigned n_hogs;
};

/* Nothing but arithmetic and one relaxed load: it can be stopped anywhere. */
static DX_PREEMPTIBLE void compute(struct hog *h, const _Atomic uint32_t *over, uint64_t limit)
{
	uint64_t x = 1, steps = 0;

	do {
		x = steps_work(x, READY_POLL_STEPS);
		steps += READY_POLL_STEPS;
	} while (steps < limit && !atomic_load_explicit(over, memory_order_relaxed));
	h->steps = steps;
	h->value = x;
}

static void be_a_hog(void *arg)
{
	struct hog *h = arg;
	struct run *r = h->run;

	if (atomic_fetch_sub_explicit(&r->missing, 1, memory_order_relaxed) == 1)
		ready_arm(r->fd, &r->clock);
	compute(h, &r->over, r->limit);
}

static int read_events(struct run *r)
{
	while (r->clock.seen < r->clock.events) {
		uint64_t count;
		ssize_t n = dx_sock_read(&r->timer, &count, sizeof count);
		int status = 0;

		if (n != (ssize_t)sizeof count)
			return bench_fail(r->b, n < 0 ? (int)n : -EIO, "the timer descriptor cannot be read: %s",
					  n < 0 ? strerror((int)-n) : "short read");
		status = ready_take(r->b, &r->clock, count, &r->cert);
		if (status < 0)
			return status;
	}
	return 0;
}

static void read_all(void *arg)
{
	struct run *r = arg;

	dx_wg_done(&r->arrived);
	r->status = read_events(r);
	atomic_store_explicit(&r->over, 1, memory_order_relaxed);
}

/*
 * One hog per worker. 0 or why the model refused one; those that exist are in r->n_hogs. The reader waits: it is given
 * its events in any case.
 */
static int create_hogs(struct run *r)
{
	for (r->n_hogs = 0; r->n_hogs < r->b->workers; r->n_hogs++) {
		struct hog *h = &r->hogs[r->n_hogs];
		int status;

		h->run = r;
		status = dx_spawn(&h->task, be_a_hog, h);
		if (status < 0) {
			ready_arm(r->fd, &r->clock);
			return bench_fail(r->b, status, "the model refused hog %u: %s", r->n_hogs + 1,
					  strerror(-status));
		}
	}
	return 0;
}

/* A run in which nobody has computed has measured something else. */
static int join_hogs(struct run *r)
{
	unsigned idle = 0;

	for (unsigned i = 0; i < r->n_hogs; i++) {
		dx_join(&r->hogs[i].task);
		idle += r->hogs[i].steps == 0;
	}
	return idle ? bench_fail(r->b, -EPROTO, "%u of %u hogs did not compute", idle, r->n_hogs) : 0;
}

/* With the reader about to read. */
static int run_region(struct run *r)
{
	int status, hogs;

	bench_begin(r->b);
	status = create_hogs(r);
	dx_join(&r->reader);
	bench_end(r->b);
	hogs = join_hogs(r);
	r->b->cert = r->cert;
	if (status < 0)
		return status;
	return r->status < 0 ? r->status : hogs;
}

static int run_tasks(struct run *r)
{
	int status;

	r->fd = ready_open();
	if (r->fd < 0)
		return bench_fail(r->b, r->fd, "no timer descriptor: %s", strerror(-r->fd));
	status = dx_sock_adopt(&r->timer, r->fd);
	if (status < 0) {
		close(r->fd);
		return bench_fail(r->b, status, "the model does not take the timer descriptor: %s", strerror(-status));
	}
	status = dx_spawn(&r->reader, read_all, r);
	if (status == 0) {
		dx_wg_wait(&r->arrived);
		status = run_region(r);
	} else {
		bench_fail(r->b, status, "the model refused the reader: %s", strerror(-status));
	}
	dx_sock_close(&r->timer);
	return status;
}

static int run_ready(struct bench *b)
{
	struct run r = {.b = b, .missing = b->workers};
	int status;

	ready_clock_init(&r.clock, b);
	r.limit = ready_hog_limit(&r.clock);
	r.hogs = calloc(b->workers, sizeof r.hogs[0]);
	status = r.hogs ? dx_wg_init(&r.arrived) : -ENOMEM;
	if (status < 0) {
		free(r.hogs);
		return bench_fail(b, status, "cannot prepare %u hogs: %s", b->workers, strerror(-status));
	}
	dx_wg_add(&r.arrived, 1);
	status = run_tasks(&r);
	dx_wg_destroy(&r.arrived);
	free(r.hogs);
	return status;
}

const struct bench_body abuse_ready_direct = {.run = run_ready};
