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

struct hog {
	dx_task task;
	const _Atomic uint32_t *over; /* of the run; immutable */
	uint64_t limit; /* immutable */
	/* the task's until it is joined */
	uint64_t steps;
	uint64_t value;
};

struct run {
	struct bench *b;
	struct ready_clock clock; /* the reader's until it is joined */
	dx_sock timer;
	dx_wg open; /* 1 until the region begins; only the reader waits: the hogs are created in the region */
	_Atomic uint32_t over; /* set by the reader: all events have been read, or it has failed; the hogs look */
	dx_task reader;
	/* the reader's until it is joined */
	struct bench_cert cert;
	int status;
	/* root's */
	struct hog *hogs;
	unsigned n_hogs;
};

/* Nothing but arithmetic and one relaxed load: it can be stopped anywhere. */
static DX_PREEMPTIBLE void compute(void *arg)
{
	struct hog *h = arg;
	uint64_t x = 1, steps = 0;

	while (steps < h->limit && !atomic_load_explicit(h->over, memory_order_relaxed)) {
		x = ready_steps(x, READY_POLL_STEPS);
		steps += READY_POLL_STEPS;
	}
	h->steps = steps;
	h->value = x;
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

	dx_wg_wait(&r->open);
	if (r->status == 0)
		r->status = read_events(r);
	atomic_store_explicit(&r->over, 1, memory_order_relaxed);
}

/* One hog per worker. 0 or why the model refused one; those that exist are in r->n_hogs. */
static int create_hogs(struct run *r)
{
	for (r->n_hogs = 0; r->n_hogs < r->b->workers; r->n_hogs++) {
		struct hog *h = &r->hogs[r->n_hogs];
		int status;

		*h = (struct hog){.over = &r->over, .limit = ready_hog_limit(&r->clock)};
		status = dx_spawn(&h->task, compute, h);
		if (status < 0)
			return bench_fail(r->b, status, "the model refused hog %u: %s", r->n_hogs + 1,
					  strerror(-status));
	}
	return 0;
}

/* A run in which a hog has not computed has measured something else. */
static int join_hogs(struct run *r)
{
	unsigned idle = 0;

	for (unsigned i = 0; i < r->n_hogs; i++) {
		dx_join(&r->hogs[i].task);
		idle += r->hogs[i].steps == 0;
	}
	return idle ? bench_fail(r->b, -EPROTO, "%u of %u hogs did not compute", idle, r->n_hogs) : 0;
}

/*
 * With the reader waiting at the gate. The timer is armed before the hogs are there: where a model lets a new task run
 * first, this one might not get to it for long.
 */
static int run_region(struct run *r, int fd)
{
	int status, hogs;

	bench_begin(r->b);
	status = ready_arm(fd, &r->clock);
	if (status < 0)
		bench_fail(r->b, status, "the timer descriptor cannot be armed: %s", strerror(-status));
	r->status = status;
	status = create_hogs(r);
	if (r->status == 0)
		r->status = status;
	dx_wg_done(&r->open);
	dx_join(&r->reader);
	bench_end(r->b);
	hogs = join_hogs(r);
	r->b->cert = r->cert;
	return r->status < 0 ? r->status : hogs;
}

static int run_tasks(struct run *r)
{
	int status, fd = ready_open();

	if (fd < 0)
		return bench_fail(r->b, fd, "no timer descriptor: %s", strerror(-fd));
	status = dx_sock_adopt(&r->timer, fd);
	if (status < 0) {
		close(fd);
		return bench_fail(r->b, status, "the model does not take the timer descriptor: %s", strerror(-status));
	}
	status = dx_spawn(&r->reader, read_all, r);
	if (status == 0)
		status = run_region(r, fd);
	else
		bench_fail(r->b, status, "the model refused the reader: %s", strerror(-status));
	dx_sock_close(&r->timer);
	return status;
}

static int run_ready(struct bench *b)
{
	struct run r = {.b = b, .clock = ready_clock_of(b)};
	int status;

	r.hogs = calloc(b->workers, sizeof r.hogs[0]);
	status = r.hogs ? dx_wg_init(&r.open) : -ENOMEM;
	if (status < 0) {
		free(r.hogs);
		return bench_fail(b, status, "cannot prepare %u hogs: %s", b->workers, strerror(-status));
	}
	dx_wg_add(&r.open, 1);
	status = run_tasks(&r);
	dx_wg_destroy(&r.open);
	free(r.hogs);
	return status;
}

const struct bench_body abuse_ready_direct = {.run = run_ready};
