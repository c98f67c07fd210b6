/*
 * file.c - calls on files: they block the M, with the bracket that lets the P go on elsewhere.
 *
 * A read that finds its data in the page cache is over before anybody could make use of the P, and the bracket around
 * it costs a few ns. A read that does not, costs the P twice: it waits, unused, until the monitor takes it away
 * (20 us or more), and with two Ps that leaves only two reads under way at a time. So gr_pread learns, per descriptor,
 * from what the bracket tells it: as long as no P is lost, plain brackets. Once one is lost - the read was long, and
 * somebody wanted the P - the next reads ask with RWF_NOWAIT first: a hit is done, a miss is known at once, and its P
 * goes to another M at once. When there has been no miss for a while, it is back to plain brackets. Asking each time
 * was rejected: preadv2 with that flag costs 150 to 250 ns more than pread.
 *
 * Not with O_DIRECT: there RWF_NOWAIT means "do not wait for locks and allocations" - the wait for the disk takes
 * place all the same, and would hold the P unseen. Such a read gives its P away without asking.
 *
 * What was learnt belongs to a descriptor's number and may be stale when the number means another file: that costs
 * time for some reads, never a wrong result.
 *
 * errno is read in functions that do not switch (gr_syscall_exit may come back on another thread).
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

/* How a descriptor is read. PLAIN is the beginning; the others hold for some reads, unless they are renewed. */
enum mode {
	PLAIN = 0, /* a bracket; a lost P leads to one of the others */
	PROBE, /* RWF_NOWAIT first; a miss renews the mode */
	DIRECT, /* O_DIRECT: each read waits for the disk; renewed as long as the descriptor has the flag */
};

enum {
	KNOWN_FDS = 1024, /* descriptor numbers about which something is remembered; others are PLAIN */
	MODE_SHIFT = 6, /* known[fd] is a mode and, below it, for how many reads it holds */
	MODE_READS = 63, /* as much as fits; a miss costs what is saved by about as many hits without probing */
};

/* Two reads that count down at the same time may lose a count: then the mode holds for one more. */
static _Atomic uint8_t known[KNOWN_FDS];

static void remember(int fd, enum mode mode, unsigned reads)
{
	const bool is_plain = mode == PLAIN || reads == 0;

	if (fd >= 0 && fd < KNOWN_FDS)
		store_relaxed(&known[fd], (uint8_t)(is_plain ? PLAIN : (unsigned)mode << MODE_SHIFT | reads));
}

/* Look which mode suits a descriptor whose reads block, and remember it. */
static __attribute__((noinline)) void learn_that_it_blocks(int fd, enum mode otherwise)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && (flags & O_DIRECT))
		remember(fd, DIRECT, MODE_READS);
	else
		remember(fd, otherwise, MODE_READS);
}

/* The mode for the read that begins now, which is counted. */
static enum mode mode_of(int fd)
{
	unsigned reads;
	enum mode mode;
	uint8_t v;

	if (fd < 0 || fd >= KNOWN_FDS)
		return PLAIN;
	v = load_relaxed(&known[fd]);
	if (likely(v == PLAIN))
		return PLAIN;
	mode = v >> MODE_SHIFT;
	reads = (v & MODE_READS) - 1u;
	if (mode == DIRECT && reads == 0)
		learn_that_it_blocks(fd, PLAIN); /* does the number still mean that file? */
	else
		remember(fd, mode, reads);
	return mode;
}

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

/* Whether a read would return at once; what cannot be asked (files) says so too. */
static bool has_something(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};

	return poll(&one, 1, 0) != 0;
}

/* A read in a plain bracket that notices whether its P did something else meanwhile. */
static ssize_t pread_plain(int fd, void *buf, size_t n, off_t off)
{
	struct gr_p *p = gr__self_p();
	const uint64_t tick = load_relaxed(&p->tick);
	ssize_t r;

	gr_syscall_enter();
	r = try_pread(fd, buf, n, off);
	gr_syscall_exit();
	if (unlikely(gr__self_p() != p || load_relaxed(&p->tick) != tick))
		learn_that_it_blocks(fd, PROBE); /* the next ones had better know beforehand */
	return r;
}

ssize_t gr_pread(int fd, void *buf, size_t n, off_t off)
{
	const enum mode mode = mode_of(fd);
	size_t done = 0;
	ssize_t r;

	if (likely(mode == PLAIN))
		return pread_plain(fd, buf, n, off);
	if (mode == PROBE && off >= 0) { /* preadv2 takes -1 for "where the file stands" */
		r = try_pread_nowait(fd, buf, n, off);
		/* All of it, or the end of the file: done. Less may be where the page cache ends: wait for the rest. */
		if (r == 0 || r == (ssize_t)n)
			return r;
		if (r > 0)
			done = (size_t)r;
		if (r > 0 || r == -EAGAIN)
			remember(fd, PROBE, MODE_READS);
		else /* the filesystem does not know the flag; or an error that the plain call will tell */
			remember(fd, PLAIN, 0);
	}
	gr_syscall_enter_blocking();
	r = try_pread(fd, (char *)buf + done, n - done, off + (off_t)done);
	gr_syscall_exit();
	if (r < 0)
		return done ? (ssize_t)done : r;
	return (ssize_t)done + r;
}

ssize_t gr_pwrite(int fd, const void *buf, size_t n, off_t off)
{
	ssize_t r;

	gr_syscall_enter();
	r = try_pwrite(fd, buf, n, off);
	gr_syscall_exit();
	return r;
}

ssize_t gr_read_blocking(int fd, void *buf, size_t n)
{
	ssize_t r;

	/* Asking costs 0.3 us; to be found out by the monitor costs those who wait for the P 20 us and more. */
	if (has_something(fd))
		gr_syscall_enter();
	else
		gr_syscall_enter_blocking();
	r = try_read(fd, buf, n);
	gr_syscall_exit();
	return r;
}
