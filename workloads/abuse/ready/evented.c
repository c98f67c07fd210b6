/*
 * abuse/ready in the callback style: work that is cut up, a piece per turn of the loop, and interest in a descriptor.
 *
 * A piece is a timer of 0 ns and no posted callback: the loop runs a timer that a callback starts in its next turn, after it
 * has asked for descriptors, but a whole batch of posted callbacks in one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/subject/evented.h"
#include "workloads/abuse/ready/ready.h"

struct run {
	struct bench *b;
	struct ready_clock clock;
	int fd;
	ex_io io;
	ex_timer piece;
	uint64_t steps, value; /* the hog's */
	struct bench_cert cert;
};

static void compute(ex_timer *piece)
{
	struct run *r = EX_CONTAINER(piece, struct run, piece);

	r->value = steps_work(r->value, READY_CHUNK_STEPS);
	r->steps += READY_CHUNK_STEPS;
	ex_timer_start(ex_loop_of(r->b), &r->piece, 0, compute);
}

static void finish(struct run *r, int status)
{
	struct bench *b = r->b;
	ex_loop *loop = ex_loop_of(b);

	bench_end(b);
	ex_timer_stop(loop, &r->piece);
	ex_io_stop(loop, &r->io);
	close(r->fd);
	b->cert = r->cert;
	if (status == 0 && r->steps == 0)
		status = bench_fail(b, -EPROTO, "the hog did not compute");
	free(r);
	bench_done(b, status);
}

static void came(ex_io *io, unsigned events)
{
	struct run *r = EX_CONTAINER(io, struct run, io);
	uint64_t count;
	ssize_t n;
	int status;

	(void)events; /* an error shows in the call */
	do
		n = read(r->fd, &count, sizeof count);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n != (ssize_t)sizeof count) {
		status = n < 0 ? -errno : -EIO;
		finish(r, bench_fail(r->b, status, "the timer descriptor cannot be read: %s", strerror(-status)));
		return;
	}
	status = ready_take(r->b, &r->clock, count, &r->cert);
	if (status < 0 || r->clock.seen == r->clock.events)
		finish(r, status);
}

static int run_ready(struct bench *b)
{
	struct run *r = calloc(1, sizeof *r);
	ex_loop *loop = ex_loop_of(b);
	int status;

	if (!r)
		return bench_fail(b, -ENOMEM, "out of memory for one record");
	r->b = b;
	ready_clock_init(&r->clock, b);
	r->fd = ready_open();
	if (r->fd < 0) {
		status = bench_fail(b, r->fd, "no timer descriptor: %s", strerror(-r->fd));
		goto no_fd;
	}
	status = ex_io_start(loop, &r->io, r->fd, EX_READ, came);
	if (status < 0) {
		bench_fail(b, status, "the loop cannot watch the timer descriptor: %s", strerror(-status));
		goto no_io;
	}
	bench_begin(b);
	ready_arm(r->fd, &r->clock);
	ex_timer_start(loop, &r->piece, 0, compute);
	return 0;
no_io:
	close(r->fd);
no_fd:
	free(r);
	return status;
}

static const char *one_thread(const struct bench *b)
{
	return b->workers > 1 ? "single-threaded: it has one CPU to keep busy" : NULL;
}

const struct bench_body abuse_ready_evented = {.unsupported = one_thread, .run = run_ready};
