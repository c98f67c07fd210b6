/*
 * inject.h - calls that fail on demand: what the runtime asks of the kernel and of malloc goes through here.
 *
 * The linker sends every call of the names in inject.c to a wrapper (--wrap). One kind of call at a time may be armed:
 * then its n-th call from now on fails with the errno that is given, without having been made. A test makes n grow
 * until a run passes in which nothing has failed.
 *
 * What is alive is counted too: a start that fails half-way must leave as much as it found.
 */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name): one kind of call. */
#define INJECT_KINDS(X)                                                                                                \
	X(MALLOC)                                                                                                      \
	X(CALLOC)                                                                                                      \
	X(REALLOC)                                                                                                     \
	X(ALIGNED_ALLOC)                                                                                               \
	X(MMAP)                                                                                                        \
	X(MADVISE_GUARD) /* MADV_GUARD_INSTALL */                                                                      \
	X(MADVISE) /* all other advice */                                                                              \
	X(MPROTECT)                                                                                                    \
	X(SIGALTSTACK)                                                                                                 \
	X(SIGACTION)                                                                                                   \
	X(FOPEN)                                                                                                       \
	X(OPEN)                                                                                                        \
	X(THREAD) /* pthread_create */                                                                                 \
	X(FUTEX_WAIT) /* errno 0: woken for no reason */                                                               \
	X(TGKILL)                                                                                                      \
	X(SLEEP) /* clock_nanosleep */                                                                                 \
	X(EPOLL_CREATE)                                                                                                \
	X(EPOLL_CTL)                                                                                                   \
	X(EPOLL_WAIT) /* epoll_pwait2 too */                                                                           \
	X(EVENTFD)                                                                                                     \
	X(FSTAT)                                                                                                       \
	X(FCNTL)                                                                                                       \
	X(ACCEPT)                                                                                                      \
	X(READ) /* recv too */                                                                                         \
	X(WRITE)                                                                                                       \
	X(SEND)                                                                                                        \
	X(SOCKET)                                                                                                      \
	X(BIND)                                                                                                        \
	X(LISTEN)                                                                                                      \
	X(CONNECT)                                                                                                     \
	X(SETSOCKOPT)                                                                                                  \
	X(SHUTDOWN)                                                                                                    \
	X(RECVMSG)                                                                                                     \
	X(SENDMSG)                                                                                                     \
	X(PREAD)                                                                                                       \
	X(PREADV2)                                                                                                     \
	X(PWRITE)                                                                                                      \
	X(FSYNC)                                                                                                       \
	X(LSEEK)                                                                                                       \
	X(CLOSE) /* it closes, and says so */                                                                          \
	X(URING_SETUP)                                                                                                 \
	X(URING_PROBE) /* asking what it can do */                                                                     \
	X(URING_SUBMIT)                                                                                                \
	X(URING_RESULT) /* completions; the work has been done. errno 0: half of so many pages */

enum inject_kind {
#define INJECT_ENUM(name) INJECT_##name,
	INJECT_KINDS(INJECT_ENUM)
#undef INJECT_ENUM
		INJECT_KIND_COUNT
};

enum inject_when {
	INJECT_ONCE, /* the n-th */
	INJECT_FROM, /* the n-th and all after it */
	INJECT_EVERY, /* each n-th */
};

/* The n-th call of that kind from now on (n from 1 up), by whatever thread, fails with err. */
void inject_arm(enum inject_kind kind, enum inject_when when, uint32_t n, int err);
/* Beside what is armed, all calls of that kind fail; not counted. */
void inject_too(enum inject_kind kind, int err);
/* Nothing fails any more. Returns how many calls have failed since inject_arm. */
uint32_t inject_disarm(void);
/* How many calls have failed since inject_arm; it stays armed. */
uint32_t inject_failed(void);
const char *inject_name(enum inject_kind kind);

/* What is alive now of what went through here, and what /proc says. */
struct inject_alive {
	long allocations; /* of malloc and its like */
	long mapped_bytes;
	long threads; /* created and not joined */
	long fds; /* in /proc/self/fd */
	long tasks; /* in /proc/self/task */
};

void inject_alive_read(struct inject_alive *out);
/* Whether now is as much alive as before; says on stderr what is not. Waits a little for threads to vanish. */
bool inject_alive_same(const struct inject_alive *before);

#endif
