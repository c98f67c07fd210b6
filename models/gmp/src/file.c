/*
 * file.c - calls on files: they block the M, with the bracket that lets the P go on elsewhere.
 *
 * A read that finds its data in the page cache takes less time than handing a P over, and most reads do. So gr_pread
 * asks with RWF_NOWAIT first: a hit is a plain system call without the bracket, and only a miss is made again inside.
 * With Go a G in pread holds its P until the monitor notices; here a miss is known at once, and the P goes on at once.
 *
 * Not with O_DIRECT: there RWF_NOWAIT means "do not wait for locks and allocations" - the wait for the disk takes
 * place all the same, and would hold the P unseen. Filesystems without RWF_NOWAIT say EOPNOTSUPP each time. Both are
 * remembered per descriptor number, and looked up again every so often, since a number may mean another file by
 * then. A stale entry costs time, never a wrong result.
 *
 * errno is read in functions that do not switch (gr_syscall_exit may come back on another thread).
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

/* How a descriptor is read. */
enum mode {
	UNKNOWN = 0, /* look */
	CACHED,	     /* try without the bracket first */
	DIRECT,	     /* O_DIRECT: each read waits for the disk */
	PLAIN,	     /* RWF_NOWAIT is of no use: a bracket that the monitor may end */
};

enum {
	KNOWN_FDS = 1024,   /* descriptor numbers that are remembered; others are PLAIN */
	USES_PER_LOOK = 63, /* F_GETFL costs about 60 ns: 1 ns per read at this interval */
	MODE_SHIFT = 6,	    /* known[fd] is a mode and, below it, how many reads the last look is still good for */
};

/* Two reads that count down at the same time may lose a count: that only moves the next look. */
static _Atomic uint8_t known[KNOWN_FDS];

static void remember(int fd, enum mode mode, unsigned uses)
{
	store_relaxed(&known[fd], (uint8_t)(mode << MODE_SHIFT | uses));
}

static __attribute__((noinline)) enum mode look(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return PLAIN; /* not a descriptor: the call will say so */
	return flags & O_DIRECT ? DIRECT : CACHED;
}

static enum mode mode_of(int fd)
{
	uint8_t v;
	enum mode mode;

	if (fd < 0 || fd >= KNOWN_FDS)
		return PLAIN;
	v = load_relaxed(&known[fd]);
	mode = v >> MODE_SHIFT;
	if (v & USES_PER_LOOK) {
		remember(fd, mode, (v & USES_PER_LOOK) - 1u);
	} else {
		mode = look(fd);
		remember(fd, mode, USES_PER_LOOK);
	}
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

ssize_t gr_pread(int fd, void *buf, size_t n, off_t off)
{
	enum mode mode = mode_of(fd);
	size_t done = 0;
	ssize_t r;

	if (mode == CACHED && off >= 0) { /* preadv2 takes -1 for "where the file stands" */
		r = try_pread_nowait(fd, buf, n, off);
		/* All of it, or the end of the file: done. Less may be where the page cache ends: wait for the rest. */
		if (r == 0 || r == (ssize_t)n)
			return r;
		if (r > 0)
			done = (size_t)r;
		else if (r == -EAGAIN)
			mode = DIRECT; /* not in the cache: this one waits for the disk */
		else if (r == -EOPNOTSUPP || r == -ENOSYS)
			remember(fd, PLAIN, USES_PER_LOOK);
		/* Other errors: the plain call says what they are. */
	}
	if (mode == DIRECT)
		gr__syscall_enter_blocking();
	else
		gr_syscall_enter();
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

	gr_syscall_enter();
	r = try_read(fd, buf, n);
	gr_syscall_exit();
	return r;
}
