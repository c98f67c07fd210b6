/*
 * io.c - readiness of descriptors, from epoll, level-triggered.
 *
 * Level-triggered, because a callback may then read as much as it likes and return: what is left is reported in the
 * next turn, and nobody starves behind a socket that never runs dry. Edge-triggered saves the kernel some work,
 * and every callback then has to read until EAGAIN or remember that it did not.
 *
 * What is hard is stopping. The kernel hands over a batch of events, each with a pointer to its ev_io, and the
 * callback of the first may stop, close and free the io of the tenth. The tenth entry then points to freed memory, or
 * to an ev_io whose descriptor's number has been given to another socket. So before a batch is called back each io in
 * it learns its place in the batch, and ev_io_stop empties that place. The same is done for an io that is stopped
 * and started anew: its event was of the old life, and the new one is reported by the next poll.
 *
 * Rejected: searching the batch in ev_io_stop (closing a batch of n takes n * n / 2 steps); a table indexed by
 * descriptor with a generation in the event (memory that grows, and one more cache line per event, for what a number
 * in the ev_io does); freeing later (the caller owns the memory, and would have to be told when).
 *
 * Invariants
 *  I1  batch[i].data.ptr, for i in [batch_next, n_batch), is NULL or an io that is started.
 *  I2  An io is in the epoll set exactly if it is started and its `events` is not 0.
 *  I3  A callback is called only with events that its io wants at that moment.
 *
 * On time: epoll_pwait2 takes nanoseconds. The kernel adds its timer slack, 50 us by default and up to 0.1 % of a
 * long wait; so does nanosleep's. epoll_wait takes milliseconds, rounded up here since early is worse than late.
 */
#include "models/eventloop/internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

_Static_assert((int)EV_READ == (int)EPOLLIN && (int)EV_WRITE == (int)EPOLLOUT, "ev.h's events are the kernel's");

int ev__io_open(struct ev_loop *loop)
{
	const struct timespec zero = {0, 0};

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	/* ENOSYS: a kernel before 5.11; EPERM: a filter that does not know the call. */
	loop->has_pwait2 = epoll_pwait2(loop->epoll_fd, loop->batch, 1, &zero, NULL) == 0;
	return 0;
}

void ev__io_close(struct ev_loop *loop)
{
	close(loop->epoll_fd);
}

/* ---- interest ----------------------------------------------------------------------------------- */

static int control(struct ev_loop *loop, int op, struct ev_io *io, unsigned events)
{
	struct epoll_event e = {.events = events, .data.ptr = io};

	return epoll_ctl(loop->epoll_fd, op, io->fd, &e) < 0 ? -errno : 0;
}

int ev__io_add(struct ev_loop *loop, struct ev_io *io, int fd, unsigned events, void (*fn)(struct ev_io *, unsigned))
{
	int rc;

	if (events & ~(unsigned)(EV_READ | EV_WRITE))
		return -EINVAL;
	if (fd < 0)
		return -EBADF;
	io->fn = fn;
	io->fd = fd;
	io->events = events;
	io->batch_slot = 0;
	rc = events ? control(loop, EPOLL_CTL_ADD, io, events) : 0; /* I2 */
	if (rc < 0)
		io->fd = -1;
	return rc;
}

int ev_io_start(struct ev_loop *loop, struct ev_io *io, int fd, unsigned events, void (*fn)(struct ev_io *, unsigned))
{
	int rc = ev__io_add(loop, io, fd, events, fn);

	if (rc == 0)
		loop->n_ios++;
	return rc;
}

int ev_io_change(struct ev_loop *loop, struct ev_io *io, unsigned events)
{
	int op, rc;

	if (io->fd < 0)
		ev__fatal("ev_io_change: the io is stopped");
	if (events & ~(unsigned)(EV_READ | EV_WRITE))
		return -EINVAL;
	if (events == io->events)
		return 0;
	op = !io->events ? EPOLL_CTL_ADD : !events ? EPOLL_CTL_DEL : EPOLL_CTL_MOD; /* I2 */
	rc = control(loop, op, io, events);
	if (rc == 0)
		io->events = events;
	return rc;
}

void ev_io_stop(struct ev_loop *loop, struct ev_io *io)
{
	unsigned slot = io->batch_slot;
	int rc;

	if (io->fd < 0)
		return;
	rc = io->events ? control(loop, EPOLL_CTL_DEL, io, 0) : 0;
	if (rc < 0) /* EBADF, ENOENT: the kernel forgot it when the descriptor was closed, or never knew it */
		ev__fatal("ev_io_stop: descriptor %d is not watched: closed before it was stopped? (%s)", io->fd,
			  strerror(-rc));
	if (slot < loop->n_batch && loop->batch[slot].data.ptr == io)
		loop->batch[slot].data.ptr = NULL; /* I1 */
	io->fd = -1;
	loop->n_ios--;
}

/* ---- events ------------------------------------------------------------------------------------- */

static int wait_for_events(struct ev_loop *loop, uint64_t wait_ns)
{
	if (wait_ns == 0)
		return epoll_wait(loop->epoll_fd, loop->batch, EV_IO_BATCH, 0);
	if (wait_ns == EV_FOREVER)
		return epoll_wait(loop->epoll_fd, loop->batch, EV_IO_BATCH, -1);
	if (loop->has_pwait2) {
		const struct timespec t = {.tv_sec = (time_t)(wait_ns / 1000000000),
					   .tv_nsec = (long)(wait_ns % 1000000000)};

		return epoll_pwait2(loop->epoll_fd, loop->batch, EV_IO_BATCH, &t, NULL);
	}
	/* An hour at most: it fits an int, and waking for nothing is harmless. */
	uint64_t ms = wait_ns < UINT64_C(3600000000000) ? (wait_ns + 999999) / 1000000 : 3600000;

	return epoll_wait(loop->epoll_fd, loop->batch, EV_IO_BATCH, (int)ms);
}

void ev__poll(struct ev_loop *loop, uint64_t wait_ns)
{
	int n;

	loop->batch_next = loop->n_batch = 0;
	if (wait_ns == 0 && !loop->n_ios && !ev__file_needs_poll(loop))
		return; /* nobody to ask about */
	ev__count(&loop->count.polls, 1);
	n = wait_for_events(loop, wait_ns);
	if (n < 0) {
		if (errno != EINTR)
			ev__fatal("epoll_wait: %s", strerror(errno));
		return; /* a signal: the next turn asks again */
	}
	loop->n_batch = (unsigned)n;
	for (unsigned i = 0; i < loop->n_batch; i++) {
		struct ev_io *io = loop->batch[i].data.ptr;

		io->batch_slot = i;
	}
}

/* An error or a hang-up is shown to those who wait for anything: their next call will tell what it is. */
static unsigned wanted_events(const struct ev_io *io, unsigned events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return io->events;
	return events & io->events;
}

void ev__run_io(struct ev_loop *loop)
{
	while (loop->batch_next < loop->n_batch && !loop->is_broken) {
		const struct epoll_event *e = &loop->batch[loop->batch_next++];
		struct ev_io *io = e->data.ptr;
		unsigned events;

		if (!io)
			continue; /* stopped by a callback of this batch */
		events = wanted_events(io, e->events);
		if (!events)
			continue; /* changed by a callback of this batch */
		if (io != &loop->ring_io && io != &loop->pool_io)
			ev__count(&loop->count.callbacks, 1);
		io->fn(io, events); /* may stop and free io */
	}
}
