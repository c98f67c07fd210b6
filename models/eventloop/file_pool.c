/*
 * file_pool.c - a few threads that make blocking calls for the loop: on files, and whatever else it must not make itself.
 *
 * The textbook pool, as event loops had it before io_uring: a queue under a mutex, workers that sleep on a condition
 * variable, a list of what is done, and an eventfd that wakes the loop. Requests are the callers' own structs, linked:
 * nothing is allocated per call. Kept small, since its only purpose is to be there where io_uring is not and to
 * be compared with it where it is.
 *
 * The race is between a worker that reports and the loop that collects:
 *
 *	worker					loop
 *	W1 under the lock: append to `done`	L1 read the eventfd, which makes it 0
 *	W2 if `done` was empty: write to it	L2 under the lock: take all of `done`
 *
 * A worker that finds `done` not empty relies on the one that made it so: that entry has not been taken, so an L2 is
 * still to come, for a W2 whose write L1 has seen or will see. If W1 comes before L2 and W2 after L1, the loop is woken
 * for an empty list, which is harmless. With L1 after L2, a write between them would be lost.
 *
 * Rejected: one eventfd write per call (a system call each, though one is enough for all that is done before the
 * loop looks); workers that take several calls at once (a slow one would hold up its neighbours).
 *
 * Invariants
 *  I1  A request belongs to the queue, one worker, or the done list; the loop touches it before and after only.
 *  I2  The loop reads the eventfd before it takes the list.
 *  I3  The lock is never held during a file call or a system call other than the lock's own.
 */
#include "models/eventloop/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ev__pool {
	/* immutable after ev__pool_open */
	int event_fd;
	unsigned n_threads;
	pthread_t threads[EV_POOL_THREADS_MAX];
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	/* under lock */
	struct ev__file_queue todo;
	struct ev__file_queue done;
	bool is_closing;
};

static ssize_t call_once(struct ev_file *f)
{
	switch ((enum ev__file_kind)f->kind) {
	case EV_KIND_READ:
		return pread(f->fd, f->buf, f->n, f->offset);
	case EV_KIND_WRITE:
		return pwrite(f->fd, f->buf, f->n, f->offset);
	case EV_KIND_SYNC:
		return fsync(f->fd);
	case EV_KIND_OPEN:
		return open(f->buf, f->flags, f->mode);
	case EV_KIND_CLOSE:
		/* EINTR: the descriptor is gone all the same, and the number may be somebody else's already. */
		return close(f->fd) < 0 && errno != EINTR ? -1 : 0;
	case EV_KIND_CALL: {
		struct ev_call *c = EV_CONTAINER(f, struct ev_call, file);

		c->work(c);
		return 0;
	}
	}
	errno = EINVAL;
	return -1;
}

static ssize_t call(struct ev_file *f)
{
	ssize_t got;

	do
		got = call_once(f);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* The counter of an eventfd overflows after 2^64 - 2 writes that nobody reads; EAGAIN is then as good as a write. */
static void wake_loop(const struct ev__pool *pool)
{
	const uint64_t one = 1;
	ssize_t n;

	do
		n = write(pool->event_fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		ev__fatal("file pool: write to eventfd: %s", strerror(errno));
}

static void *worker_main(void *arg)
{
	struct ev__pool *pool = arg;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct ev_file *f;
		bool was_empty;

		while (!pool->todo.head && !pool->is_closing)
			pthread_cond_wait(&pool->has_work, &pool->lock);
		if (pool->is_closing)
			break;
		f = ev__file_pop(&pool->todo);
		pthread_mutex_unlock(&pool->lock);

		f->result = call(f); /* I3 */

		pthread_mutex_lock(&pool->lock);
		was_empty = !pool->done.head;
		ev__file_push(&pool->done, f); /* W1; f is the loop's from the unlock on */
		if (was_empty) {
			pthread_mutex_unlock(&pool->lock);
			wake_loop(pool); /* W2 */
			pthread_mutex_lock(&pool->lock);
		}
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* ---- open and close ----------------------------------------------------------------------------- */

/* Signals are for the program's own threads: a handler must not find itself in a worker. */
static int start_worker(struct ev__pool *pool)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&pool->threads[pool->n_threads], NULL, worker_main, pool);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		pool->n_threads++;
	return -rc;
}

int ev__pool_open(unsigned threads, struct ev__pool **out)
{
	struct ev__pool *pool = calloc(1, sizeof(*pool));
	int rc;

	if (!pool)
		return -ENOMEM;
	pool->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->event_fd < 0) {
		rc = -errno;
		goto fail_pool;
	}
	rc = -pthread_mutex_init(&pool->lock, NULL);
	if (rc < 0)
		goto fail_event;
	rc = -pthread_cond_init(&pool->has_work, NULL);
	if (rc < 0)
		goto fail_lock;
	while (pool->n_threads < threads) {
		rc = start_worker(pool);
		if (rc < 0) {
			ev__pool_close(pool); /* joins those that were started */
			return rc;
		}
	}
	*out = pool;
	return 0;

fail_lock:
	pthread_mutex_destroy(&pool->lock);
fail_event:
	close(pool->event_fd);
fail_pool:
	free(pool);
	return rc;
}

void ev__pool_close(struct ev__pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->is_closing = true;
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_broadcast(&pool->has_work);
	for (unsigned i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->has_work);
	pthread_mutex_destroy(&pool->lock);
	close(pool->event_fd);
	free(pool);
}

/* ---- the loop's side ---------------------------------------------------------------------------- */

int ev__pool_event_fd(const struct ev__pool *pool)
{
	return pool->event_fd;
}

unsigned ev__pool_threads(const struct ev__pool *pool)
{
	return pool->n_threads;
}

static void append(struct ev__file_queue *to, struct ev__file_queue *from)
{
	if (!from->head)
		return;
	if (to->head)
		to->tail->next = from->head;
	else
		to->head = from->head;
	to->tail = from->tail;
	from->head = NULL;
}

void ev__pool_submit(struct ev__pool *pool, struct ev__file_queue *q, unsigned n)
{
	pthread_mutex_lock(&pool->lock);
	append(&pool->todo, q);
	pthread_mutex_unlock(&pool->lock);
	if (n > 1)
		pthread_cond_broadcast(&pool->has_work);
	else
		pthread_cond_signal(&pool->has_work);
}

void ev__pool_clear_event(struct ev__pool *pool)
{
	uint64_t count;
	ssize_t n;

	do
		n = read(pool->event_fd, &count, sizeof(count)); /* L1 */
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		ev__fatal("file pool: read of eventfd: %s", strerror(errno));
}

void ev__pool_take(struct ev__pool *pool, struct ev__file_queue *to)
{
	pthread_mutex_lock(&pool->lock);
	append(to, &pool->done); /* L2 */
	pthread_mutex_unlock(&pool->lock);
}
