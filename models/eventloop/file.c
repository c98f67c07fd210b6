/*
 * file.c - file calls that do not block the loop: through io_uring, or through a pool of threads where it is refused.
 *
 * A plain file is always "ready" for epoll, and a call on it may still sleep on the disk. So calls are handed over:
 * to the kernel by io_uring, which completes them by itself, or to threads that may sleep (file_pool.c).
 *
 * What else may block a thread (ev_call_start) goes to the same pool, which a loop with a ring starts for the first of them.
 *
 * Calls that callbacks start only queue up; once per turn all of them become submission entries and enter the
 * kernel by one system call. Completions lie in a ring in memory that the loop looks into without a call. While it
 * sleeps in epoll the ring's own descriptor wakes it: that is readable exactly while completions lie in the ring.
 *
 * Rejected: an eventfd that the ring signals. It costs a read of the eventfd per wake-up, and tells nothing that
 * the ring's descriptor does not. Rejected: entering the kernel at each call: with a warm page cache the
 * system call is most of the cost of the read. Rejected: a polling kernel thread (SQPOLL): it would hide the CPU time
 * of the submission in a thread that no sample counts.
 *
 * Invariants
 *  I1  A call is in exactly one place: a line (ring_wait, pool_wait), the kernel or the pool (ring_in_flight and
 *      pool_in_flight count those), or its callback.
 *  I2  ring_in_flight never exceeds the completion ring, which therefore cannot overflow.
 *  I3  Nobody frees a ring while the kernel may write into a buffer that was given to it.
 *  I4  Each callback is called in phase 6 of a turn after the one that handed the call over, or of that turn; never
 *      from the function that started it.
 */
#include "models/eventloop/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

/* What the kernel reads or writes by one call at most (MAX_RW_COUNT); more is a short count in both backends. */
#define MAX_RW_BYTES ((size_t)0x7ffff000)

/* Time to wait for memory, when the kernel has none for a request. Arbitrary. */
#define RETRY_NS UINT64_C(1000000)

struct ev__ring {
	struct io_uring uring;
};

/* ---- the choice --------------------------------------------------------------------------------- */

static int open_ring(struct ev__ring **out)
{
	struct ev__ring *ring = calloc(1, sizeof(*ring));
	struct io_uring_probe *probe;
	bool can_do;
	int rc;

	if (!ring)
		return -ENOMEM;
	rc = io_uring_queue_init(EV_RING_ENTRIES, &ring->uring, 0);
	if (rc < 0)
		goto fail;
	probe = io_uring_get_probe_ring(&ring->uring);
	/* Fsync is as old as io_uring itself, the others are from 5.6 on. */
	can_do = probe && io_uring_opcode_supported(probe, IORING_OP_READ) &&
		 io_uring_opcode_supported(probe, IORING_OP_WRITE) &&
		 io_uring_opcode_supported(probe, IORING_OP_OPENAT) &&
		 io_uring_opcode_supported(probe, IORING_OP_CLOSE);
	io_uring_free_probe(probe);
	if (!can_do) {
		io_uring_queue_exit(&ring->uring);
		rc = -ENOSYS;
		goto fail;
	}
	*out = ring;
	return 0;

fail:
	free(ring);
	return rc;
}

/* I3 */
static void close_ring(struct ev_loop *loop)
{
	struct io_uring *uring = &loop->ring->uring;
	struct io_uring_cqe *cqe;

	while (loop->ring_in_flight > io_uring_sq_ready(uring)) { /* entries that the kernel never took do not count */
		int rc = io_uring_wait_cqe(uring, &cqe);

		if (rc == -EINTR)
			continue;
		if (rc < 0)
			ev__fatal("ev_stop: io_uring_wait_cqe: %s", strerror(-rc));
		io_uring_cqe_seen(uring, cqe);
		loop->ring_in_flight--;
	}
	io_uring_queue_exit(uring);
	free(loop->ring);
	loop->ring = NULL;
}

static void ring_is_readable(struct ev_io *io, unsigned events)
{
	(void)io;
	(void)events; /* phase 6 looks into the ring anyway */
}

static void pool_is_readable(struct ev_io *io, unsigned events)
{
	struct ev_loop *loop = EV_CONTAINER(io, struct ev_loop, pool_io);

	(void)events;
	ev__pool_clear_event(loop->pool);
	loop->is_pool_signalled = true;
}

static int open_pool(struct ev_loop *loop)
{
	int rc = ev__pool_open(loop->pool_threads, &loop->pool);

	if (rc < 0)
		return rc;
	rc = ev__io_add(loop, &loop->pool_io, ev__pool_event_fd(loop->pool), EV_READ, pool_is_readable);
	if (rc < 0) {
		ev__pool_close(loop->pool);
		loop->pool = NULL;
	}
	return rc;
}

int ev__files_open(struct ev_loop *loop, enum ev__file_choice choice, unsigned pool_threads)
{
	int rc;

	loop->is_file_asked = choice != EV_FILE_AUTO;
	loop->pool_threads = pool_threads;
	if (choice != EV_FILE_POOL) {
		rc = open_ring(&loop->ring);
		if (rc == 0) {
			rc = ev__io_add(loop, &loop->ring_io, loop->ring->uring.ring_fd, EV_READ, ring_is_readable);
			if (rc < 0)
				close_ring(loop);
			return rc;
		}
		loop->ring_refused = -rc;
		if (choice == EV_FILE_RING)
			return rc; /* asked for by name: nothing else will do */
	}
	return open_pool(loop);
}

void ev__files_close(struct ev_loop *loop)
{
	if (loop->pool)
		ev__pool_close(loop->pool);
	if (loop->ring)
		close_ring(loop);
}

/* ---- calls -------------------------------------------------------------------------------------- */

/* Into the line of those that make file calls. */
static void push(struct ev_loop *loop, struct ev_file *f)
{
	ev__file_push(loop->ring ? &loop->ring_wait : &loop->pool_wait, f);
}

int ev_file_read(struct ev_loop *loop, struct ev_file *f, int fd, void *buf, size_t n, off_t offset,
		 void (*fn)(struct ev_file *, ssize_t result))
{
	if (offset < 0)
		return -EINVAL; /* to io_uring, -1 would mean the descriptor's own position */
	f->kind = EV_KIND_READ;
	f->fn = fn;
	f->buf = buf;
	f->n = n < MAX_RW_BYTES ? n : MAX_RW_BYTES;
	f->offset = offset;
	f->fd = fd;
	push(loop, f);
	ev__count(&loop->count.file_reads, 1);
	return 0;
}

int ev_file_write(struct ev_loop *loop, struct ev_file *f, int fd, const void *buf, size_t n, off_t offset,
		  void (*fn)(struct ev_file *, ssize_t result))
{
	if (offset < 0)
		return -EINVAL;
	f->kind = EV_KIND_WRITE;
	f->fn = fn;
	f->buf = (void *)(uintptr_t)buf; /* never written through */
	f->n = n < MAX_RW_BYTES ? n : MAX_RW_BYTES;
	f->offset = offset;
	f->fd = fd;
	push(loop, f);
	return 0;
}

int ev_file_sync(struct ev_loop *loop, struct ev_file *f, int fd, void (*fn)(struct ev_file *, ssize_t result))
{
	f->kind = EV_KIND_SYNC;
	f->fn = fn;
	f->fd = fd;
	push(loop, f);
	return 0;
}

int ev_file_open(struct ev_loop *loop, struct ev_file *f, const char *path, int flags, mode_t mode,
		 void (*fn)(struct ev_file *, ssize_t result))
{
	f->kind = EV_KIND_OPEN;
	f->fn = fn;
	f->buf = (void *)(uintptr_t)path; /* never written through */
	f->flags = flags;
	f->mode = mode;
	push(loop, f);
	return 0;
}

int ev_file_close(struct ev_loop *loop, struct ev_file *f, int fd, void (*fn)(struct ev_file *, ssize_t result))
{
	f->kind = EV_KIND_CLOSE;
	f->fn = fn;
	f->fd = fd;
	push(loop, f);
	return 0;
}

static void call_is_done(struct ev_file *f, ssize_t result)
{
	struct ev_call *c = EV_CONTAINER(f, struct ev_call, file);

	(void)result;
	c->done(c);
}

int ev_call_start(struct ev_loop *loop, struct ev_call *c, void (*work)(struct ev_call *),
		  void (*done)(struct ev_call *))
{
	int rc = loop->pool ? 0 : open_pool(loop);

	if (rc < 0)
		return rc;
	c->work = work;
	c->done = done;
	c->file.kind = EV_KIND_CALL;
	c->file.fn = call_is_done;
	ev__file_push(&loop->pool_wait, &c->file);
	return 0;
}

static void prepare(struct io_uring_sqe *sqe, struct ev_file *f)
{
	switch ((enum ev__file_kind)f->kind) {
	case EV_KIND_READ:
		io_uring_prep_read(sqe, f->fd, f->buf, (unsigned)f->n, (uint64_t)f->offset);
		break;
	case EV_KIND_WRITE:
		io_uring_prep_write(sqe, f->fd, f->buf, (unsigned)f->n, (uint64_t)f->offset);
		break;
	case EV_KIND_SYNC:
		io_uring_prep_fsync(sqe, f->fd, 0);
		break;
	case EV_KIND_OPEN:
		io_uring_prep_openat(sqe, AT_FDCWD, f->buf, f->flags, f->mode);
		break;
	case EV_KIND_CLOSE:
		io_uring_prep_close(sqe, f->fd);
		break;
	case EV_KIND_CALL: /* the pool's alone */
		break;
	}
	io_uring_sqe_set_data(sqe, f);
}

static void submit_to_ring(struct ev_loop *loop)
{
	struct io_uring *uring = &loop->ring->uring;
	int rc;

	do {
		while (loop->ring_wait.head && loop->ring_in_flight < uring->cq.ring_entries) { /* I2 */
			struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
			struct ev_file *f;

			if (!sqe)
				break; /* full: submit, then go on */
			f = ev__file_pop(&loop->ring_wait);
			prepare(sqe, f);
			loop->ring_in_flight++;
		}
		if (!io_uring_sq_ready(uring))
			return;
		rc = io_uring_submit(uring);
		/* Nothing taken, or no memory: phase 4 sleeps for RETRY_NS at most, then the next turn tries again. */
	} while (rc > 0 || rc == -EINTR);
	if (rc < 0 && rc != -EAGAIN && rc != -EBUSY)
		ev__fatal("io_uring_submit: %s", strerror(-rc));
}

static void submit_to_pool(struct ev_loop *loop)
{
	unsigned n = 0;

	for (struct ev_file *f = loop->pool_wait.head; f; f = f->next)
		n++;
	loop->pool_in_flight += n;
	ev__pool_submit(loop->pool, &loop->pool_wait, n);
}

void ev__submit_files(struct ev_loop *loop)
{
	if (loop->ring && (loop->ring_wait.head || io_uring_sq_ready(&loop->ring->uring)))
		submit_to_ring(loop);
	if (loop->pool_wait.head)
		submit_to_pool(loop);
}

/* ---- completions -------------------------------------------------------------------------------- */

static void run_ring(struct ev_loop *loop)
{
	struct io_uring *uring = &loop->ring->uring;

	/* What completes meanwhile is left to the next turn. */
	for (unsigned left = io_uring_cq_ready(uring); left && !loop->is_broken; left--) {
		struct io_uring_cqe *cqe;
		struct ev_file *f;
		ssize_t result;

		if (io_uring_peek_cqe(uring, &cqe) < 0)
			return;
		f = io_uring_cqe_get_data(cqe);
		result = cqe->res;
		io_uring_cqe_seen(uring, cqe);
		loop->ring_in_flight--;
		if (result == -EINTR && f->kind == EV_KIND_CLOSE)
			result = 0; /* the descriptor is gone all the same */
		if (result == -EINTR) { /* a signal, as with pread: the call is made again */
			ev__file_push(&loop->ring_wait, f);
			continue;
		}
		ev__count(&loop->count.callbacks, 1);
		f->fn(f, result); /* may free f, or start it anew */
	}
}

static void run_pool(struct ev_loop *loop)
{
	struct ev_file *f;

	if (loop->is_pool_signalled) {
		loop->is_pool_signalled = false;
		ev__pool_take(loop->pool, &loop->pool_done);
	}
	while (!loop->is_broken && (f = ev__file_pop(&loop->pool_done))) {
		loop->pool_in_flight--;
		ev__count(&loop->count.callbacks, 1);
		f->fn(f, f->result); /* may free f, or start it anew */
	}
}

void ev__run_files(struct ev_loop *loop)
{
	if (loop->ring && loop->ring_in_flight)
		run_ring(loop);
	if (loop->pool_in_flight)
		run_pool(loop);
}

uint64_t ev__file_wait_ns(const struct ev_loop *loop)
{
	if (loop->pool_done.head || loop->is_pool_signalled)
		return 0;
	if (!loop->ring || !loop->ring_in_flight)
		return EV_FOREVER;
	if (io_uring_cq_ready(&loop->ring->uring))
		return 0;
	return io_uring_sq_ready(&loop->ring->uring) ? RETRY_NS : EV_FOREVER;
}
