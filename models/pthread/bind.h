/*
 * bind.h - the pthread model as harness/subject/direct.h names it.
 *
 * Every function is one call of pt.h, of pthreads or of a plain blocking system call. The contract of each name is
 * in direct.h; here is only what this model has to decide: sockets stay blocking, a call that a signal interrupts is
 * made again, and a write to a connection that the peer has closed is -EPIPE and not SIGPIPE.
 */
#ifndef PT_BIND_H
#define PT_BIND_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "models/pthread/pt.h"

#define DX_MODEL "pthread"
#define DX_TASKS_ARE_THREADS true

typedef struct pt_task dx_task;
typedef pthread_mutex_t dx_mutex;
typedef pthread_cond_t dx_cond;
typedef pthread_rwlock_t dx_rwlock;
typedef pthread_barrier_t dx_barrier;
typedef sem_t dx_sem;
typedef struct pt_chan dx_chan;
typedef struct pt_set dx_set;
typedef struct pt_wg dx_wg;
typedef struct pt_timer dx_timer;
typedef struct {
	int fd; /* immutable from adopt or accept to close */
} dx_sock;

/* ---- tasks -------------------------------------------------------------------------------------- */

static inline int dx_spawn(dx_task *t, void (*fn)(void *), void *arg)
{
	return pt_spawn(t, fn, arg);
}

static inline void dx_join(dx_task *t)
{
	pt_join(t);
}

static inline int dx_go(void (*fn)(void *), void *arg)
{
	return pt_go(fn, arg);
}

static inline int dx_go_sized(size_t stack_bytes, void (*fn)(void *), void *arg)
{
	return pt_go_sized(stack_bytes, fn, arg);
}

static inline void dx_yield(void)
{
	sched_yield(); /* cannot fail on Linux */
}

static inline void dx_sleep_ns(uint64_t ns)
{
	struct timespec left = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	while (nanosleep(&left, &left) < 0)
		if (errno != EINTR)
			pt_fatal("dx_sleep_ns: %s", strerror(errno));
}

/* The kernel interrupts any code. */
#define DX_PREEMPTIBLE

/* ---- mutexes ------------------------------------------------------------------------------------ */

static inline int dx_mutex_init(dx_mutex *m)
{
	return -pthread_mutex_init(m, NULL);
}

static inline void dx_mutex_destroy(dx_mutex *m)
{
	int rc = pthread_mutex_destroy(m);

	if (rc)
		pt_fatal("dx_mutex_destroy: %s", strerror(rc));
}

static inline void dx_lock(dx_mutex *m)
{
	int rc = pthread_mutex_lock(m);

	if (__builtin_expect(rc, 0))
		pt_fatal("dx_lock: %s", strerror(rc));
}

static inline void dx_unlock(dx_mutex *m)
{
	int rc = pthread_mutex_unlock(m);

	if (__builtin_expect(rc, 0))
		pt_fatal("dx_unlock: %s", strerror(rc));
}

/* ---- condition variables ------------------------------------------------------------------------ */

static inline int dx_cond_init(dx_cond *c)
{
	return -pthread_cond_init(c, NULL);
}

static inline void dx_cond_destroy(dx_cond *c)
{
	int rc = pthread_cond_destroy(c);

	if (rc)
		pt_fatal("dx_cond_destroy: %s", strerror(rc));
}

static inline void dx_cond_wait(dx_cond *c, dx_mutex *m)
{
	int rc = pthread_cond_wait(c, m);

	if (__builtin_expect(rc, 0))
		pt_fatal("dx_cond_wait: %s", strerror(rc));
}

static inline void dx_cond_broadcast(dx_cond *c)
{
	int rc = pthread_cond_broadcast(c);

	if (__builtin_expect(rc, 0))
		pt_fatal("dx_cond_broadcast: %s", strerror(rc));
}

/* ---- locks for many readers or one writer -------------------------------------------------------- */

static inline int dx_rwlock_init(dx_rwlock *l)
{
	return -pthread_rwlock_init(l, NULL);
}

static inline void dx_rwlock_destroy(dx_rwlock *l)
{
	int rc = pthread_rwlock_destroy(l);

	if (rc)
		pt_fatal("dx_rwlock_destroy: %s", strerror(rc));
}

static inline void dx_rlock(dx_rwlock *l)
{
	int rc = pthread_rwlock_rdlock(l);

	if (__builtin_expect(rc, 0))
		pt_fatal("dx_rlock: %s", strerror(rc));
}

static inline void dx_runlock(dx_rwlock *l)
{
	int rc = pthread_rwlock_unlock(l);

	if (__builtin_expect(rc, 0))
		pt_fatal("dx_runlock: %s", strerror(rc));
}

static inline void dx_wlock(dx_rwlock *l)
{
	int rc = pthread_rwlock_wrlock(l);

	if (__builtin_expect(rc, 0))
		pt_fatal("dx_wlock: %s", strerror(rc));
}

static inline void dx_wunlock(dx_rwlock *l)
{
	int rc = pthread_rwlock_unlock(l);

	if (__builtin_expect(rc, 0))
		pt_fatal("dx_wunlock: %s", strerror(rc));
}

/* ---- barriers ----------------------------------------------------------------------------------- */

static inline int dx_barrier_init(dx_barrier *b, unsigned n)
{
	return -pthread_barrier_init(b, NULL, n);
}

static inline void dx_barrier_destroy(dx_barrier *b)
{
	int rc = pthread_barrier_destroy(b);

	if (rc)
		pt_fatal("dx_barrier_destroy: %s", strerror(rc));
}

static inline bool dx_barrier_wait(dx_barrier *b)
{
	return pthread_barrier_wait(b) == PTHREAD_BARRIER_SERIAL_THREAD;
}

/* ---- semaphores --------------------------------------------------------------------------------- */

static inline int dx_sem_init(dx_sem *s, unsigned permits)
{
	return sem_init(s, 0, permits) < 0 ? -errno : 0;
}

static inline void dx_sem_destroy(dx_sem *s)
{
	if (sem_destroy(s) < 0)
		pt_fatal("dx_sem_destroy: %s", strerror(errno));
}

static inline void dx_sem_acquire(dx_sem *s)
{
	while (__builtin_expect(sem_wait(s) < 0, 0))
		if (errno != EINTR)
			pt_fatal("dx_sem_acquire: %s", strerror(errno));
}

static inline void dx_sem_release(dx_sem *s)
{
	if (__builtin_expect(sem_post(s) < 0, 0))
		pt_fatal("dx_sem_release: %s", strerror(errno));
}

/* ---- channels and wait groups ------------------------------------------------------------------- */

static inline int dx_chan_init(dx_chan *c, size_t elem_bytes, size_t capacity)
{
	return pt_chan_init(c, elem_bytes, capacity);
}

static inline void dx_chan_destroy(dx_chan *c)
{
	pt_chan_destroy(c);
}

static inline void dx_send(dx_chan *c, const void *elem)
{
	pt_chan_send(c, elem);
}

static inline bool dx_recv(dx_chan *c, void *elem)
{
	return pt_chan_recv(c, elem);
}

static inline void dx_chan_close(dx_chan *c)
{
	pt_chan_close(c);
}

static inline int dx_set_init(dx_set *s, dx_chan *chans, size_t n, void *elem)
{
	return pt_set_init(s, chans, n, elem);
}

static inline void dx_set_destroy(dx_set *s)
{
	pt_set_destroy(s);
}

static inline int dx_select(dx_set *s)
{
	return pt_select(s);
}

static inline int dx_wg_init(dx_wg *wg)
{
	return pt_wg_init(wg);
}

static inline void dx_wg_destroy(dx_wg *wg)
{
	pt_wg_destroy(wg);
}

static inline void dx_wg_add(dx_wg *wg, int n)
{
	pt_wg_add(wg, n);
}

static inline void dx_wg_done(dx_wg *wg)
{
	pt_wg_add(wg, -1);
}

static inline void dx_wg_wait(dx_wg *wg)
{
	pt_wg_wait(wg);
}

/* ---- timers ------------------------------------------------------------------------------------- */

static inline int dx_timer_init(dx_timer *t, void (*fn)(void *), void *arg)
{
	return pt_timer_init(t, fn, arg);
}

static inline void dx_timer_destroy(dx_timer *t)
{
	pt_timer_destroy(t);
}

static inline bool dx_timer_start(dx_timer *t, uint64_t ns)
{
	return pt_timer_start(t, ns);
}

static inline bool dx_timer_stop(dx_timer *t)
{
	return pt_timer_stop(t);
}

/* ---- sockets and files -------------------------------------------------------------------------- */

/* Blocking is what this model does, so a socket that was made non-blocking is turned back. */
static inline int dx_sock_adopt(dx_sock *s, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	s->fd = -1;
	if (flags < 0)
		return -errno;
	if ((flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	s->fd = fd;
	return 0;
}

/*
 * After shutdown(2) of the listener Linux lets accept fail with EINVAL, also one that sleeps already. A connection
 * that died in the queue (ECONNABORTED) is nobody's error: the next one is awaited.
 */
static inline int dx_accept(dx_sock *listener, dx_sock *out)
{
	int fd;

	do
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	out->fd = fd;
	return fd < 0 ? -errno : 0;
}

/* read and not recv: it may be a pipe or a timer. */
static inline ssize_t dx_sock_read(dx_sock *s, void *buf, size_t n)
{
	ssize_t got;

	do
		got = read(s->fd, buf, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static inline ssize_t dx_sock_write(dx_sock *s, const void *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t put = send(s->fd, (const char *)buf + done, n - done, MSG_NOSIGNAL);

		if (put >= 0)
			done += (size_t)put;
		else if (errno != EINTR)
			return -errno;
	}
	return (ssize_t)done;
}

static inline ssize_t dx_recvfrom(dx_sock *s, void *buf, size_t n, struct sockaddr *from, socklen_t *len)
{
	ssize_t got;

	do
		got = recvfrom(s->fd, buf, n, 0, from, len);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static inline ssize_t dx_sendto(dx_sock *s, const void *buf, size_t n, const struct sockaddr *to, socklen_t len)
{
	ssize_t put;

	do
		put = sendto(s->fd, buf, n, MSG_NOSIGNAL, to, len);
	while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : put;
}

/*
 * ENOTCONN: a peer that has gone already leaves nobody to be woken. A socket of datagrams has none, and its readers are
 * woken all the same.
 */
static inline void dx_sock_shutdown(dx_sock *s)
{
	if (shutdown(s->fd, SHUT_RDWR) < 0 && errno != ENOTCONN)
		pt_fatal("dx_sock_shutdown: %s", strerror(errno));
}

/* EINTR included, the descriptor is gone after close on Linux; EBADF is a caller's bug. */
static inline void dx_sock_close(dx_sock *s)
{
	if (close(s->fd) < 0 && errno == EBADF)
		pt_fatal("dx_sock_close: %s", strerror(errno));
	s->fd = -1;
}

static inline ssize_t dx_pipe_write(dx_sock *s, const void *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t put = write(s->fd, (const char *)buf + done, n - done);

		if (put >= 0)
			done += (size_t)put;
		else if (errno != EINTR)
			return -errno;
	}
	return (ssize_t)done;
}

/* A short count is the caller's affair: it means the end of the file, or as little as the kernel had at hand. */
static inline ssize_t dx_pread(int fd, void *buf, size_t n, off_t offset)
{
	ssize_t got;

	do
		got = pread(fd, buf, n, offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static inline ssize_t dx_pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	ssize_t put;

	do
		put = pwrite(fd, buf, n, offset);
	while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : put;
}

static inline int dx_fsync(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static inline int dx_open(const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = open(path, flags, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/* EINTR: the descriptor is gone all the same, and the number may be somebody else's already. */
static inline int dx_close(int fd)
{
	return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

static inline void dx_call_blocking(void (*fn)(void *), void *arg)
{
	fn(arg);
}

static inline ssize_t dx_read_blocking(int fd, void *buf, size_t n)
{
	ssize_t got;

	do
		got = read(fd, buf, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static inline void dx_call(void (*fn)(void *), void *arg)
{
	fn(arg);
}

/* ---- for harness/subject only ------------------------------------------------------------------- */

/* `workers` has no use here: there are as many threads as tasks, and the kernel places them on the CPUs it may use. */
static inline int dx_runtime_start(unsigned workers, const char *knobs, const uint16_t (*nearness)[2], unsigned n)
{
	(void)workers, (void)nearness, (void)n;
	return pt_start(knobs);
}

static inline unsigned dx_runtime_pool(void)
{
	return pt_pool_threads();
}

static inline void dx_runtime_run(void (*root)(void *), void *arg)
{
	pt_run(root, arg);
}

static inline void dx_runtime_stop(void)
{
	pt_stop();
}

static inline size_t dx_runtime_counters(const char *names[], uint64_t values[], size_t cap)
{
	if (cap < 1)
		return 0;
	names[0] = "threads_created";
	values[0] = pt_threads_created();
	return 1;
}

#define DX_CAN_TRACE false

static inline int dx_runtime_trace(const char *path)
{
	(void)path;
	return -EOPNOTSUPP;
}

/* The stack of a thread, as it is reserved; it does not grow. */
static inline size_t dx_runtime_stack(bool *grows)
{
	*grows = false;
	return pt_stack_bytes();
}

static inline size_t dx_runtime_knobs(const char *names[], char values[][32], size_t cap)
{
	size_t n = 0;

	if (n < cap) {
		names[n] = "stack_kib";
		snprintf(values[n++], 32, "%zu", pt_stack_bytes() / 1024);
	}
	if (n < cap) {
		names[n] = "pool";
		snprintf(values[n++], 32, "%u", pt_pool_threads());
	}
	return n;
}

#endif
