/*
 * file.c - calls on files, in the two ways that GRDEBUG=files=... selects: uring (where the kernel has it) and threads.
 *
 * threads: a call blocks the M, with the bracket that lets the P go on elsewhere. uring: what is known to wait goes to
 * the kernel by io_uring and the G sleeps (file_uring.c); what does not wait is the same plain call as before.
 *
 * A read that finds its data in the page cache is over before anybody could make use of the P, and the bracket around
 * it costs a few ns. A read that does not, costs the P twice: it waits, unused, until the monitor takes it away
 * (20 us or more), and with two Ps that leaves only two reads under way at a time. So gr_pread learns, per descriptor,
 * from what the bracket tells it: as long as no P is lost, plain brackets. Once one is lost - the read was long, and
 * somebody wanted the P - the next reads ask with RWF_NOWAIT first: a hit is done, a miss is known at once, and its P
 * goes to another M at once, or the G to sleep. When there has been no miss for a while, it is back to plain brackets.
 * Asking each time was rejected: preadv2 with that flag costs 150 to 250 ns more than pread.
 *
 * Not with O_DIRECT: there RWF_NOWAIT means "do not wait for locks and allocations" - the wait for the disk takes
 * place all the same, and would hold the P unseen. Such a read gives its P away without asking. So does a write with
 * O_DIRECT or O_DSYNC, once one has lost its P; other writes are into the cache, as a rule, and stay plain.
 *
 * Who is alone - nothing else is to be run by the P, nobody waits for anything - keeps its P and blocks, also with
 * uring: one call instead of two and a wake-up.
 *
 * What was learnt belongs to a descriptor's number and may be stale when the number means another file: that costs
 * time for some calls, never a wrong result. io_uring would read from a pipe where pread says ESPIPE, and wait there for
 * as long as the pipe is empty: so what cannot seek does not go there.
 *
 * Opening and closing are brackets in both ways: they find their directories in the cache, as a rule, and io_uring has
 * a thread do them in any case.
 *
 * errno is read in functions that do not switch (gr_syscall_exit may come back on another thread).
 */
#include "file_uring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runq.h"

/* How a descriptor is used. PLAIN is the beginning; the others hold for some calls, unless they are renewed. */
enum mode {
	PLAIN = 0, /* a bracket; a lost P leads to one of the others */
	PROBE, /* reads: RWF_NOWAIT first; a miss renews the mode */
	WAITS, /* each call waits for the disk; renewed as long as the descriptor's flags say so */
};

enum direction { READS, WRITES };

enum {
	KNOWN_FDS = 1024, /* descriptor numbers about which something is remembered; others are PLAIN */
	MODE_SHIFT = 6, /* known[d][fd] is a mode and, below it, for how many calls it holds */
	MODE_CALLS = 63, /* as much as fits; a miss costs what is saved by about as many hits without probing */
};

/* Two calls that count down at the same time may lose a count: then the mode holds for one more. */
static _Atomic uint8_t known[2][KNOWN_FDS];

static void remember(enum direction d, int fd, enum mode mode, unsigned calls)
{
	const bool is_plain = mode == PLAIN || calls == 0;

	if (fd >= 0 && fd < KNOWN_FDS)
		store_relaxed(&known[d][fd], (uint8_t)(is_plain ? PLAIN : (unsigned)mode << MODE_SHIFT | calls));
}

/* Look which mode suits a descriptor whose calls block, and remember it. */
static __attribute__((noinline)) void learn_that_it_blocks(enum direction d, int fd, enum mode otherwise)
{
	const int waits = d == READS ? O_DIRECT : O_DIRECT | O_DSYNC; /* O_SYNC is O_DSYNC and one bit more */
	int flags = fcntl(fd, F_GETFL);

	remember(d, fd, flags >= 0 && (flags & waits) ? WAITS : otherwise, MODE_CALLS);
}

/* The mode for the call that begins now, which is counted. */
static enum mode mode_of(enum direction d, int fd)
{
	unsigned calls;
	enum mode mode;
	uint8_t v;

	if (fd < 0 || fd >= KNOWN_FDS)
		return PLAIN;
	v = load_relaxed(&known[d][fd]);
	if (likely(v == PLAIN))
		return PLAIN;
	mode = v >> MODE_SHIFT;
	calls = (v & MODE_CALLS) - 1u;
	if (mode == WAITS && calls == 0)
		learn_that_it_blocks(d, fd, PLAIN); /* does the number still mean that file? */
	else
		remember(d, fd, mode, calls);
	return mode;
}

/* ---- the calls themselves, which do not switch ------------------------------------------------------------- */

static __attribute__((noinline)) ssize_t try_pread(int fd, void *buf, size_t n, off_t off)
{
	ssize_t r;

	do {
		r = pread(fd, buf, n, off);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static __attribute__((noinline)) ssize_t try_pread_nowait(int fd, void *buf, size_t n, off_t off)
{
	struct iovec iov = {.iov_base = buf, .iov_len = n};
	ssize_t r = preadv2(fd, &iov, 1, off, RWF_NOWAIT);

	return r < 0 ? -errno : r;
}

static __attribute__((noinline)) ssize_t try_pwrite(int fd, const void *buf, size_t n, off_t off)
{
	ssize_t r;

	do {
		r = pwrite(fd, buf, n, off);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static __attribute__((noinline)) ssize_t try_read(int fd, void *buf, size_t n)
{
	ssize_t r;

	do {
		r = read(fd, buf, n);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static __attribute__((noinline)) int try_fsync(int fd)
{
	int r;

	do {
		r = fsync(fd);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static __attribute__((noinline)) int try_open(const char *path, int flags, mode_t mode)
{
	int fd;

	do {
		fd = open(path, flags, mode);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/* EINTR: the descriptor is gone all the same, and the number may be somebody else's already. */
static __attribute__((noinline)) int try_close(int fd)
{
	return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

static __attribute__((noinline)) bool can_seek(int fd)
{
	return lseek(fd, 0, SEEK_CUR) >= 0;
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

/* Nobody has anything to gain from the calling G's P while it blocks. */
static bool is_alone(void)
{
	return !gr__p_is_wanted(gr__self_p()) && !gr__netpoll_has_waiters();
}

static ssize_t block(const struct gr__file_op *op)
{
	ssize_t r = 0;

	gr_syscall_enter_blocking();
	switch (op->kind) {
	case GR__FILE_READ:
		r = try_pread(op->fd, op->buf, op->n, op->off);
		break;
	case GR__FILE_WRITE:
		r = try_pwrite(op->fd, op->buf, op->n, op->off);
		break;
	case GR__FILE_FSYNC:
		r = try_fsync(op->fd);
		break;
	}
	gr_syscall_exit();
	return r;
}

/*
 * A call that is known to wait, in the way that is selected. io_uring may return less than there is, where the call would
 * go on; so what is missing is asked for until it is there, or the file ends.
 */
static __attribute__((noinline)) ssize_t wait_for(struct gr__file_op op)
{
	size_t done = 0;
	ssize_t r;

	if (!gr__uring_on || is_alone())
		return block(&op);
	if (op.kind != GR__FILE_FSYNC && (op.off < 0 || !op.n || !can_seek(op.fd)))
		return block(&op);
	do {
		const size_t left = op.n;

		r = gr__uring_do(&op) ? op.result : block(&op);
		if (r <= 0)
			break;
		done += (size_t)r;
		op.buf = (char *)op.buf + r;
		op.off += r;
		op.n = left - (size_t)r;
	} while (op.n && done < GR__FILE_BYTES_MAX);
	return done ? (ssize_t)done : r;
}

/* ---- the interface ------------------------------------------------------------------------------------------ */

/* The calling G's P may have done something else during a plain bracket: the next ones had better know beforehand. */
static bool has_lost_its_p(const struct gr_p *p, uint64_t tick)
{
	return unlikely(gr__self_p() != p || load_relaxed(&p->tick) != tick);
}

static ssize_t pread_plain(int fd, void *buf, size_t n, off_t off)
{
	struct gr_p *p;
	uint64_t tick;
	ssize_t r;

	gr__syscall_enter_plain(); /* of each descriptor something is learnt here */
	p = gr__m()->syscall_p;
	tick = load_relaxed(&p->tick);
	r = try_pread(fd, buf, n, off);
	gr_syscall_exit();
	if (has_lost_its_p(p, tick))
		learn_that_it_blocks(READS, fd, PROBE);
	return r;
}

/* A read from a descriptor of which something is known. */
static __attribute__((noinline)) ssize_t pread_known(enum mode mode, int fd, void *buf, size_t n, off_t off)
{
	size_t done = 0;
	ssize_t r;

	if (mode == PROBE) {
		r = off < 0 ? -EINVAL : try_pread_nowait(fd, buf, n, off); /* preadv2 takes -1 for "where it stands" */
		/* All of it, or the end of the file: done. Less may be where the page cache ends: wait for the rest. */
		if (r == 0 || r == (ssize_t)n)
			return r;
		if (r < 0 && r != -EAGAIN) {
			/* The filesystem does not know the flag; or an error that the plain call will tell. */
			remember(READS, fd, PLAIN, 0);
			return pread_plain(fd, buf, n, off);
		}
		if (r > 0)
			done = (size_t)r;
		remember(READS, fd, PROBE, MODE_CALLS);
	}
	r = wait_for((struct gr__file_op){
		.kind = GR__FILE_READ, .fd = fd, .buf = (char *)buf + done, .n = n - done, .off = off + (off_t)done});
	if (r < 0)
		return done ? (ssize_t)done : r;
	return (ssize_t)done + r;
}

ssize_t gr_pread(int fd, void *buf, size_t n, off_t off)
{
	const enum mode mode = mode_of(READS, fd);

	if (likely(mode == PLAIN))
		return pread_plain(fd, buf, n, off);
	return pread_known(mode, fd, buf, n, off);
}

ssize_t gr_pwrite(int fd, const void *buf, size_t n, off_t off)
{
	struct gr_p *p;
	uint64_t tick;
	ssize_t r;

	if (unlikely(mode_of(WRITES, fd) == WAITS))
		return wait_for((struct gr__file_op){
			.kind = GR__FILE_WRITE, .fd = fd, .buf = (void *)(uintptr_t)buf, .n = n, .off = off});
	gr__syscall_enter_plain();
	p = gr__m()->syscall_p;
	tick = load_relaxed(&p->tick);
	r = try_pwrite(fd, buf, n, off);
	gr_syscall_exit();
	if (has_lost_its_p(p, tick))
		learn_that_it_blocks(WRITES, fd, PLAIN);
	return r;
}

int gr_fsync(int fd)
{
	return (int)wait_for((struct gr__file_op){.kind = GR__FILE_FSYNC, .fd = fd});
}

int gr_open(const char *path, int flags, mode_t mode)
{
	int fd;

	gr_syscall_enter();
	fd = try_open(path, flags, mode);
	gr_syscall_exit();
	/* Whatever was known about the number was about another file. */
	remember(READS, fd, PLAIN, 0);
	remember(WRITES, fd, PLAIN, 0);
	return fd;
}

int gr_close(int fd)
{
	int r;

	gr_syscall_enter();
	r = try_close(fd);
	gr_syscall_exit();
	return r;
}

/* Whether a read would return at once; what cannot be asked (files) says so too. */
static bool has_something(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};

	return poll(&one, 1, 0) != 0;
}

ssize_t gr_read_blocking(int fd, void *buf, size_t n)
{
	const struct gr_m *m = gr__m();
	ssize_t r;

	/* Asking costs 0.3 us; to be found out by the monitor costs those who wait for the P 20 us and more, if any do. */
	if (!m || !m->p || !gr__p_is_wanted(m->p) || has_something(fd))
		gr__syscall_enter_plain();
	else
		gr_syscall_enter_blocking();
	r = try_read(fd, buf, n);
	gr_syscall_exit();
	return r;
}
