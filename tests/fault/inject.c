/*
 * inject.c - the wrappers of inject.h.
 *
 * Their list is here and in tests/CMakeLists.txt. A wrapper that is not linked in (--wrap missing) would make its tests
 * pass without having tested: they assert that something failed.
 */
#include "inject.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { NOBODY = INJECT_KIND_COUNT, GUARD_INSTALL = 102 /* MADV_GUARD_INSTALL */ };

static _Atomic uint32_t armed = NOBODY; /* enum inject_kind */
static _Atomic uint32_t when, nth, calls, failed;
static _Atomic int error;
static _Atomic uint32_t too = NOBODY; /* a second kind */
static _Atomic int too_error;
static _Atomic long allocations, mapped_bytes, threads;

void inject_arm(enum inject_kind kind, enum inject_when w, uint32_t n, int err)
{
	atomic_store(&armed, NOBODY);
	when = w;
	nth = n;
	error = err;
	atomic_store(&calls, 0);
	atomic_store(&failed, 0);
	atomic_store(&armed, kind);
}

void inject_too(enum inject_kind kind, int err)
{
	too_error = err;
	atomic_store(&too, kind);
}

uint32_t inject_disarm(void)
{
	atomic_store(&too, NOBODY);
	atomic_store(&armed, NOBODY);
	return atomic_load(&failed);
}

uint32_t inject_failed(void)
{
	return atomic_load(&failed);
}

const char *inject_name(enum inject_kind kind)
{
	static const char *const names[] = {
#define INJECT_TEXT(name) #name,
		INJECT_KINDS(INJECT_TEXT)
#undef INJECT_TEXT
	};

	return names[kind];
}

/* Whether this call of that kind is one that fails; *err with what. */
static bool fails(enum inject_kind kind, int *err)
{
	uint32_t i, n;
	bool it_does;

	if (atomic_load(&too) == kind) {
		*err = too_error;
		return true;
	}
	if (atomic_load(&armed) != kind)
		return false;
	i = atomic_fetch_add(&calls, 1) + 1;
	n = atomic_load(&nth);
	it_does = when == INJECT_ONCE ? i == n : when == INJECT_FROM ? i >= n : i % n == 0;
	if (it_does)
		atomic_fetch_add(&failed, 1);
	*err = error;
	return it_does;
}

/* The same for the many that return -1 and set errno. */
static bool fails_errno(enum inject_kind kind)
{
	int err;

	if (!fails(kind, &err))
		return false;
	errno = err;
	return true;
}

/* clang-format off: a declaration and a definition in one, of the name that the linker makes */
#define WRAP(type, name, ...)                                                                                          \
	type __real_##name(__VA_ARGS__);                                                                               \
	type __wrap_##name(__VA_ARGS__);                                                                               \
	type __wrap_##name(__VA_ARGS__)
/* clang-format on */

/* ---- memory ------------------------------------------------------------------------------------------- */

static void *allocated(void *mem)
{
	if (mem)
		atomic_fetch_add(&allocations, 1);
	return mem;
}

WRAP(void *, malloc, size_t n)
{
	return fails_errno(INJECT_MALLOC) ? NULL : allocated(__real_malloc(n));
}

WRAP(void *, calloc, size_t n, size_t each)
{
	return fails_errno(INJECT_CALLOC) ? NULL : allocated(__real_calloc(n, each));
}

WRAP(void *, realloc, void *old, size_t n)
{
	void *mem;

	if (fails_errno(INJECT_REALLOC))
		return NULL;
	mem = __real_realloc(old, n);
	return old ? mem : allocated(mem);
}

WRAP(void *, aligned_alloc, size_t alignment, size_t n)
{
	return fails_errno(INJECT_ALIGNED_ALLOC) ? NULL : allocated(__real_aligned_alloc(alignment, n));
}

WRAP(void, free, void *mem)
{
	if (mem)
		atomic_fetch_sub(&allocations, 1);
	__real_free(mem);
}

WRAP(void *, mmap, void *addr, size_t n, int prot, int flags, int fd, off_t off)
{
	void *mem;

	if (fails_errno(INJECT_MMAP))
		return MAP_FAILED;
	mem = __real_mmap(addr, n, prot, flags, fd, off);
	if (mem != MAP_FAILED)
		atomic_fetch_add(&mapped_bytes, (long)n);
	return mem;
}

WRAP(int, munmap, void *addr, size_t n)
{
	atomic_fetch_sub(&mapped_bytes, (long)n);
	return __real_munmap(addr, n);
}

WRAP(int, madvise, void *addr, size_t n, int advice)
{
	return fails_errno(advice == GUARD_INSTALL ? INJECT_MADVISE_GUARD : INJECT_MADVISE)
		       ? -1
		       : __real_madvise(addr, n, advice);
}

WRAP(int, mprotect, void *addr, size_t n, int prot)
{
	return fails_errno(INJECT_MPROTECT) ? -1 : __real_mprotect(addr, n, prot);
}

/* ---- threads, signals and sleeping -------------------------------------------------------------------- */

WRAP(int, sigaltstack, const stack_t *new, stack_t *old)
{
	return fails_errno(INJECT_SIGALTSTACK) ? -1 : __real_sigaltstack(new, old);
}

WRAP(int, sigaction, int sig, const struct sigaction *new, struct sigaction *old)
{
	return fails_errno(INJECT_SIGACTION) ? -1 : __real_sigaction(sig, new, old);
}

WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	int err;

	if (fails(INJECT_THREAD, &err))
		return err;
	err = __real_pthread_create(thread, attr, fn, arg);
	if (!err)
		atomic_fetch_add(&threads, 1);
	return err;
}

WRAP(int, pthread_join, pthread_t thread, void **result)
{
	int err = __real_pthread_join(thread, result);

	if (!err)
		atomic_fetch_sub(&threads, 1);
	return err;
}

/* Of those that sleep in the kernel only: a wake-up does not fail. */
static bool futex_fails(int op)
{
	int err;

	if ((op & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET || !fails(INJECT_FUTEX_WAIT, &err))
		return false;
	errno = err;
	return true;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long); /* more than were given: registers, or stack that is there, and unused */
	va_end(ap);
	if (number == SYS_futex && futex_fails((int)a[1]))
		return errno ? -1 : 0;
	if ((number == SYS_recvfrom && fails_errno(INJECT_READ)) || (number == SYS_sendto && fails_errno(INJECT_SEND)))
		return -1;
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

WRAP(int, tgkill, pid_t process, pid_t thread, int sig)
{
	return fails_errno(INJECT_TGKILL) ? -1 : __real_tgkill(process, thread, sig);
}

WRAP(int, clock_nanosleep, clockid_t clock, int flags, const struct timespec *ts, struct timespec *left)
{
	int err;

	return fails(INJECT_SLEEP, &err) ? err : __real_clock_nanosleep(clock, flags, ts, left);
}

/* ---- descriptors ---------------------------------------------------------------------------------------- */

WRAP(FILE *, fopen, const char *path, const char *mode)
{
	return fails_errno(INJECT_FOPEN) ? NULL : __real_fopen(path, mode);
}

WRAP(int, epoll_create1, int flags)
{
	return fails_errno(INJECT_EPOLL_CREATE) ? -1 : __real_epoll_create1(flags);
}

WRAP(int, epoll_ctl, int ep, int op, int fd, struct epoll_event *ev)
{
	return fails_errno(INJECT_EPOLL_CTL) ? -1 : __real_epoll_ctl(ep, op, fd, ev);
}

WRAP(int, epoll_wait, int ep, struct epoll_event *ev, int n, int ms)
{
	return fails_errno(INJECT_EPOLL_WAIT) ? -1 : __real_epoll_wait(ep, ev, n, ms);
}

WRAP(int, epoll_pwait2, int ep, struct epoll_event *ev, int n, const struct timespec *ts, const sigset_t *set)
{
	return fails_errno(INJECT_EPOLL_WAIT) ? -1 : __real_epoll_pwait2(ep, ev, n, ts, set);
}

WRAP(int, eventfd, unsigned count, int flags)
{
	return fails_errno(INJECT_EVENTFD) ? -1 : __real_eventfd(count, flags);
}

WRAP(int, fstat, int fd, struct stat *st)
{
	return fails_errno(INJECT_FSTAT) ? -1 : __real_fstat(fd, st);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
	va_list ap;
	long arg;

	va_start(ap, command);
	arg = va_arg(ap, long);
	va_end(ap);
	return fails_errno(INJECT_FCNTL) ? -1 : __real_fcntl(fd, command, arg);
}

WRAP(int, accept4, int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	return fails_errno(INJECT_ACCEPT) ? -1 : __real_accept4(fd, addr, len, flags);
}

WRAP(ssize_t, read, int fd, void *buf, size_t n)
{
	return fails_errno(INJECT_READ) ? -1 : __real_read(fd, buf, n);
}

WRAP(ssize_t, recv, int fd, void *buf, size_t n, int flags)
{
	return fails_errno(INJECT_READ) ? -1 : __real_recv(fd, buf, n, flags);
}

WRAP(ssize_t, write, int fd, const void *buf, size_t n)
{
	return fails_errno(INJECT_WRITE) ? -1 : __real_write(fd, buf, n);
}

WRAP(ssize_t, send, int fd, const void *buf, size_t n, int flags)
{
	return fails_errno(INJECT_SEND) ? -1 : __real_send(fd, buf, n, flags);
}

WRAP(ssize_t, recvmsg, int fd, struct msghdr *msg, int flags)
{
	return fails_errno(INJECT_RECVMSG) ? -1 : __real_recvmsg(fd, msg, flags);
}

WRAP(ssize_t, sendmsg, int fd, const struct msghdr *msg, int flags)
{
	return fails_errno(INJECT_SENDMSG) ? -1 : __real_sendmsg(fd, msg, flags);
}

WRAP(int, socket, int domain, int type, int protocol)
{
	return fails_errno(INJECT_SOCKET) ? -1 : __real_socket(domain, type, protocol);
}

WRAP(int, bind, int fd, const struct sockaddr *addr, socklen_t len)
{
	return fails_errno(INJECT_BIND) ? -1 : __real_bind(fd, addr, len);
}

WRAP(int, listen, int fd, int backlog)
{
	return fails_errno(INJECT_LISTEN) ? -1 : __real_listen(fd, backlog);
}

WRAP(int, connect, int fd, const struct sockaddr *addr, socklen_t len)
{
	return fails_errno(INJECT_CONNECT) ? -1 : __real_connect(fd, addr, len);
}

WRAP(int, setsockopt, int fd, int level, int name, const void *value, socklen_t len)
{
	return fails_errno(INJECT_SETSOCKOPT) ? -1 : __real_setsockopt(fd, level, name, value, len);
}

WRAP(int, shutdown, int fd, int how)
{
	return fails_errno(INJECT_SHUTDOWN) ? -1 : __real_shutdown(fd, how);
}

WRAP(ssize_t, pread, int fd, void *buf, size_t n, off_t off)
{
	return fails_errno(INJECT_PREAD) ? -1 : __real_pread(fd, buf, n, off);
}

WRAP(ssize_t, pwrite, int fd, const void *buf, size_t n, off_t off)
{
	return fails_errno(INJECT_PWRITE) ? -1 : __real_pwrite(fd, buf, n, off);
}

WRAP(ssize_t, preadv2, int fd, const struct iovec *iov, int n, off_t off, int flags)
{
	return fails_errno(INJECT_PREADV2) ? -1 : __real_preadv2(fd, iov, n, off, flags);
}

WRAP(int, fsync, int fd)
{
	return fails_errno(INJECT_FSYNC) ? -1 : __real_fsync(fd);
}

WRAP(off_t, lseek, int fd, off_t off, int whence)
{
	return fails_errno(INJECT_LSEEK) ? -1 : __real_lseek(fd, off, whence);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return fails_errno(INJECT_OPEN) ? -1 : __real_open(path, flags, mode);
}

/* As Linux does it: the descriptor is gone in any case. */
WRAP(int, close, int fd)
{
	int r = __real_close(fd);

	return fails_errno(INJECT_CLOSE) ? -1 : r;
}

/* ---- io_uring --------------------------------------------------------------------------------------------- */

#if GR_HAS_URING
#include <liburing.h>

WRAP(int, io_uring_queue_init_params, unsigned entries, struct io_uring *ring, struct io_uring_params *params)
{
	int err;

	return fails(INJECT_URING_SETUP, &err) ? -err : __real_io_uring_queue_init_params(entries, ring, params);
}

WRAP(struct io_uring_probe *, io_uring_get_probe_ring, struct io_uring *ring)
{
	int err;

	return fails(INJECT_URING_PROBE, &err) ? NULL : __real_io_uring_get_probe_ring(ring);
}

/* What completes within a second, and has not been taken meanwhile by another thread. */
static void spoil_results(struct io_uring *ring, unsigned from, unsigned n)
{
	int err;

	for (int i = 0; i < 1000 && io_uring_smp_load_acquire(ring->cq.ktail) - from < n; i++)
		usleep(1000);
	for (; n && from != io_uring_smp_load_acquire(ring->cq.ktail); from++, n--) {
		struct io_uring_cqe *cqe = &ring->cq.cqes[from & *ring->cq.kring_mask];

		if (fails(INJECT_URING_RESULT, &err))
			cqe->res = err ? -err : cqe->res % 4096 ? cqe->res : cqe->res / 2;
	}
}

WRAP(int, io_uring_submit, struct io_uring *ring)
{
	unsigned tail = io_uring_smp_load_acquire(ring->cq.ktail);
	int err, n;

	if (fails(INJECT_URING_SUBMIT, &err))
		return -err;
	n = __real_io_uring_submit(ring);
	if (n > 0 && atomic_load(&armed) == INJECT_URING_RESULT)
		spoil_results(ring, tail, (unsigned)n);
	return n;
}
#endif

/* ---- what is alive ---------------------------------------------------------------------------------------- */

static long entries(const char *path)
{
	DIR *dir = opendir(path);
	long n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

void inject_alive_read(struct inject_alive *out)
{
	out->allocations = atomic_load(&allocations);
	out->mapped_bytes = atomic_load(&mapped_bytes);
	out->threads = atomic_load(&threads);
	out->fds = entries("/proc/self/fd");
	out->tasks = entries("/proc/self/task");
}

bool inject_alive_same(const struct inject_alive *before)
{
	struct inject_alive now;

	inject_alive_read(&now);
	/* A thread can be joined a moment before the kernel has forgotten it. */
	for (int i = 0; i < 5000 && now.tasks > before->tasks; i++) {
		usleep(1000);
		inject_alive_read(&now);
	}
	if (now.allocations == before->allocations && now.mapped_bytes == before->mapped_bytes &&
	    now.threads == before->threads && now.fds == before->fds && now.tasks <= before->tasks)
		return true;
	fprintf(stderr,
		"alive before and now: %ld %ld allocations, %ld %ld bytes mapped, %ld %ld threads, "
		"%ld %ld descriptors, %ld %ld tasks\n",
		before->allocations, now.allocations, before->mapped_bytes, now.mapped_bytes, before->threads,
		now.threads, before->fds, now.fds, before->tasks, now.tasks);
	return false;
}
