/*
 * pt.c - threads: start, join, detached ones, and the little that the model keeps for all of them.
 *
 * A task is a thread, made by pthread_create and joined by pthread_join. Nothing is kept between tasks: a suite
 * that hid a thread pool in here would measure the pool and call it pthreads.
 *
 * Two things need thought. A detached thread has nobody who joins it, yet pt_stop must not return while one still
 * runs code that uses what the caller is about to free. So live detached threads are counted and pt_stop waits
 * for 0. And the count must be of a kind that outlives everything: it is static, because a thread that has just
 * reported its end is still inside pthread_mutex_unlock.
 *
 * Rejected: keeping the handles of detached tasks and joining them in pt_stop. It needs memory that grows with
 * every task ever started, and the threads would not be detached: the kernel object and the stack of each would
 * stay until the end.
 *
 * Invariants
 *  I1  `detached` is the number of threads made by pt_go whose fn has not returned; it is raised before the thread
 *      exists, so that pt_stop cannot see 0 while one is being born.
 *  I2  A detached thread touches nothing but its own stack and the static `rt` after it has lowered `detached`.
 *  I3  What a new thread reads of its task was written before pthread_create, which orders the two.
 */
#include "models/pthread/pt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	/* written by pt_start and pt_stop, immutable between them */
	bool is_started;
	pthread_attr_t joinable_attr;
	pthread_attr_t detached_attr;
	/* atomic, any thread; relaxed: a statistic that orders nothing */
	_Atomic uint64_t threads_created;
	/* under lock */
	pthread_mutex_t lock;
	pthread_cond_t no_detached;
	uint64_t detached; /* I1 */
} rt = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.no_detached = PTHREAD_COND_INITIALIZER,
};

void pt_fatal(const char *fmt, ...)
{
	va_list ap;

	fputs("pthread model: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* ---- start and stop ----------------------------------------------------------------------------- */

/* "name=value,...", of which there is one name. 0 in *stack_bytes: not given. */
static int parse_knobs(const char *knobs, size_t *stack_bytes)
{
	static const char name[] = "stack_kib=";

	*stack_bytes = 0;
	while (knobs && *knobs) {
		char *end;
		unsigned long kib;

		if (strncmp(knobs, name, sizeof(name) - 1) != 0)
			return -EINVAL;
		knobs += sizeof(name) - 1;
		if (*knobs < '0' || *knobs > '9') /* strtoul would take a sign and blanks */
			return -EINVAL;
		errno = 0;
		kib = strtoul(knobs, &end, 10);
		if (errno || kib == 0 || kib > SIZE_MAX / 1024)
			return -EINVAL;
		if (*end != '\0' && *end != ',')
			return -EINVAL;
		*stack_bytes = (size_t)kib * 1024;
		knobs = *end ? end + 1 : end;
	}
	return 0;
}

int pt_start(const char *knobs)
{
	size_t stack_bytes;
	int rc;

	if (rt.is_started)
		return -EBUSY;
	rc = parse_knobs(knobs, &stack_bytes);
	if (rc < 0)
		return rc;
	rc = pthread_attr_init(&rt.joinable_attr);
	if (rc)
		return -rc;
	rc = pthread_attr_init(&rt.detached_attr);
	if (rc)
		goto fail_joinable;
	rc = pthread_attr_setdetachstate(&rt.detached_attr, PTHREAD_CREATE_DETACHED);
	if (!rc && stack_bytes)
		rc = pthread_attr_setstacksize(&rt.joinable_attr, stack_bytes);
	if (!rc && stack_bytes)
		rc = pthread_attr_setstacksize(&rt.detached_attr, stack_bytes);
	if (rc)
		goto fail_detached;
	atomic_store_explicit(&rt.threads_created, 0, memory_order_relaxed);
	rt.is_started = true;
	return 0;

fail_detached:
	pthread_attr_destroy(&rt.detached_attr);
fail_joinable:
	pthread_attr_destroy(&rt.joinable_attr);
	return -rc;
}

void pt_stop(void)
{
	if (!rt.is_started)
		pt_fatal("pt_stop: not started");
	pthread_mutex_lock(&rt.lock);
	while (rt.detached)
		pthread_cond_wait(&rt.no_detached, &rt.lock);
	pthread_mutex_unlock(&rt.lock);
	pthread_attr_destroy(&rt.detached_attr);
	pthread_attr_destroy(&rt.joinable_attr);
	rt.is_started = false;
}

uint64_t pt_threads_created(void)
{
	return atomic_load_explicit(&rt.threads_created, memory_order_relaxed);
}

size_t pt_stack_bytes(void)
{
	size_t bytes = 0;

	if (!rt.is_started || pthread_attr_getstacksize(&rt.joinable_attr, &bytes))
		return 0;
	return bytes;
}

/* ---- joinable tasks ----------------------------------------------------------------------------- */

static void *task_main(void *p)
{
	struct pt_task *t = p;

	t->fn(t->arg);
	return NULL;
}

int pt_spawn(struct pt_task *t, void (*fn)(void *), void *arg)
{
	int rc;

	if (!rt.is_started)
		pt_fatal("pt_spawn: the runtime is not started");
	t->fn = fn; /* I3 */
	t->arg = arg;
	rc = pthread_create(&t->thread, &rt.joinable_attr, task_main, t);
	t->is_joinable = rc == 0;
	if (rc)
		return -rc;
	atomic_fetch_add_explicit(&rt.threads_created, 1, memory_order_relaxed);
	return 0;
}

void pt_join(struct pt_task *t)
{
	int rc;

	if (!t->is_joinable)
		pt_fatal("pt_join: the task was never started, or has been joined");
	t->is_joinable = false;
	rc = pthread_join(t->thread, NULL);
	if (rc)
		pt_fatal("pt_join: %s", strerror(rc));
}

void pt_run(void (*root)(void *), void *arg)
{
	struct pt_task t;
	int rc = pt_spawn(&t, root, arg);

	/* Running root in the calling thread instead would be another experiment, so there is no way on. */
	if (rc < 0)
		pt_fatal("pt_run: cannot create the first thread: %s", strerror(-rc));
	pt_join(&t);
}

/* ---- detached tasks ----------------------------------------------------------------------------- */

struct detached_start {
	void (*fn)(void *);
	void *arg;
};

static void count_detached(int by)
{
	pthread_mutex_lock(&rt.lock);
	rt.detached += (uint64_t)(int64_t)by;
	if (rt.detached == 0)
		pthread_cond_broadcast(&rt.no_detached);
	pthread_mutex_unlock(&rt.lock);
}

static void *detached_main(void *p)
{
	struct detached_start start = *(struct detached_start *)p;

	free(p);
	start.fn(start.arg);
	count_detached(-1); /* I2: from here on only the stack and `rt` */
	return NULL;
}

int pt_go(void (*fn)(void *), void *arg)
{
	struct detached_start *start;
	pthread_t thread;
	int rc;

	if (!rt.is_started)
		pt_fatal("pt_go: the runtime is not started");
	start = malloc(sizeof(*start));
	if (!start)
		return -ENOMEM;
	start->fn = fn;
	start->arg = arg;
	count_detached(1); /* I1 */
	rc = pthread_create(&thread, &rt.detached_attr, detached_main, start);
	if (rc) {
		count_detached(-1);
		free(start);
		return -rc;
	}
	atomic_fetch_add_explicit(&rt.threads_created, 1, memory_order_relaxed);
	return 0;
}
