/*
 * pt.c - threads: start, join, detached ones, and the little that the model keeps for all of them.
 *
 * A task is a thread, made by pthread_create and joined by pthread_join. Nothing is kept between tasks: a suite
 * that hid a thread pool in here would measure the pool and call it pthreads. A pool is there by a knob alone, and then
 * the subject's name says so (pt_pool.c).
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
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/pthread/pt_pool.h"

static struct {
	/* written by pt_start and pt_stop, immutable between them */
	bool is_started;
	pthread_attr_t joinable_attr;
	pthread_attr_t detached_attr;
	struct pt_pool *pool; /* NULL: a task is a thread */
	unsigned n_pool;
	size_t thread_local_bytes; /* that glibc puts on each stack */
	struct pt_task root; /* owner: the thread in pt_run */
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

struct knobs {
	unsigned long stack_kib; /* 0: not given */
	unsigned long pool;
};

/* "name=value,...", of the names in pt.h. */
static int parse_knobs(const char *text, struct knobs *out)
{
	const struct {
		const char *name;
		unsigned long *value, min, max;
	} known[] = {{"stack_kib=", &out->stack_kib, 1, SIZE_MAX / 1024}, {"pool=", &out->pool, 0, PT_POOL_MAX}};

	*out = (struct knobs){0};
	while (text && *text) {
		size_t i = 0, n_known = sizeof(known) / sizeof(known[0]);
		char *end;

		while (i < n_known && strncmp(text, known[i].name, strlen(known[i].name)) != 0)
			i++;
		if (i == n_known)
			return -EINVAL;
		text += strlen(known[i].name);
		if (*text < '0' || *text > '9') /* strtoul would take a sign and blanks */
			return -EINVAL;
		errno = 0;
		*known[i].value = strtoul(text, &end, 10);
		if (errno || *known[i].value < known[i].min || *known[i].value > known[i].max)
			return -EINVAL;
		if (*end != '\0' && *end != ',')
			return -EINVAL;
		text = *end ? end + 1 : end;
	}
	return 0;
}

/* For dl_iterate_phdr. */
static int add_thread_locals(struct dl_phdr_info *info, size_t size, void *sum)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			*(size_t *)sum += info->dlpi_phdr[i].p_memsz + info->dlpi_phdr[i].p_align;
	return 0;
}

int pt_start(const char *knobs)
{
	struct knobs given;
	size_t stack_bytes;
	int rc;

	if (rt.is_started)
		return -EBUSY;
	rc = parse_knobs(knobs, &given);
	if (rc < 0)
		return rc;
	stack_bytes = (size_t)given.stack_kib * 1024;
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
	if (!rc && given.pool)
		rc = -pt_pool_open((unsigned)given.pool, &rt.joinable_attr, &rt.pool);
	if (rc)
		goto fail_detached;
	rt.n_pool = (unsigned)given.pool;
	rt.thread_local_bytes = 0;
	dl_iterate_phdr(add_thread_locals, &rt.thread_local_bytes);
	atomic_store_explicit(&rt.threads_created, rt.n_pool, memory_order_relaxed);
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
	if (rt.pool)
		pt_pool_close(rt.pool);
	rt.pool = NULL;
	rt.n_pool = 0;
	pt_timers_end();
	pthread_attr_destroy(&rt.detached_attr);
	pthread_attr_destroy(&rt.joinable_attr);
	rt.is_started = false;
}

unsigned pt_pool_threads(void)
{
	return rt.n_pool;
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

	t->job.fn(t->job.arg);
	return NULL;
}

static int spawn_thread(struct pt_task *t)
{
	int rc = pthread_create(&t->thread, &rt.joinable_attr, task_main, t);

	t->is_joinable = rc == 0;
	if (rc)
		return -rc;
	atomic_fetch_add_explicit(&rt.threads_created, 1, memory_order_relaxed);
	return 0;
}

int pt_spawn(struct pt_task *t, void (*fn)(void *), void *arg)
{
	if (!rt.is_started)
		pt_fatal("pt_spawn: the runtime is not started");
	t->job = (struct pt_job){.fn = fn, .arg = arg, .is_awaited = true}; /* I3 */
	if (!rt.pool)
		return spawn_thread(t);
	t->is_joinable = true;
	pt_pool_submit(rt.pool, &t->job);
	return 0;
}

void pt_join(struct pt_task *t)
{
	int rc;

	if (!t->is_joinable)
		pt_fatal("pt_join: the task was never started, or has been joined");
	t->is_joinable = false;
	if (rt.pool && t != &rt.root) {
		pt_pool_await(rt.pool, &t->job);
		return;
	}
	rc = pthread_join(t->thread, NULL);
	if (rc)
		pt_fatal("pt_join: %s", strerror(rc));
}

void pt_run(void (*root)(void *), void *arg)
{
	int rc;

	if (!rt.is_started)
		pt_fatal("pt_run: the runtime is not started");
	rt.root.job = (struct pt_job){.fn = root, .arg = arg};
	rc = spawn_thread(&rt.root); /* with a pool too: the root waits for tasks, and would hold a thread of it */
	/* Running root in the calling thread instead would be another experiment, so there is no way on. */
	if (rc < 0)
		pt_fatal("pt_run: cannot create the first thread: %s", strerror(-rc));
	pt_join(&rt.root);
}

/* ---- detached tasks ----------------------------------------------------------------------------- */

struct detached_start {
	void (*fn)(void *);
	void *arg;
	struct pt_job job; /* of a pool */
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

static void detached_job(void *p)
{
	(void)detached_main(p);
}

/* In a thread with these attributes, or in the pool. */
static int go(const pthread_attr_t *attr, void (*fn)(void *), void *arg)
{
	struct detached_start *start = malloc(sizeof(*start));
	pthread_t thread;
	int rc;

	if (!start)
		return -ENOMEM;
	start->fn = fn;
	start->arg = arg;
	count_detached(1); /* I1 */
	if (rt.pool) {
		start->job = (struct pt_job){.fn = detached_job, .arg = start};
		pt_pool_submit(rt.pool, &start->job);
		return 0;
	}
	rc = pthread_create(&thread, attr, detached_main, start);
	if (rc) {
		count_detached(-1);
		free(start);
		return -rc;
	}
	atomic_fetch_add_explicit(&rt.threads_created, 1, memory_order_relaxed);
	return 0;
}

int pt_go(void (*fn)(void *), void *arg)
{
	if (!rt.is_started)
		pt_fatal("pt_go: the runtime is not started");
	return go(&rt.detached_attr, fn, arg);
}

/*
 * What glibc takes of a stack for itself comes on top: its record of the thread, the guard, and thread-local variables, of
 * which a sanitizer has many.
 */
int pt_go_sized(size_t stack_bytes, void (*fn)(void *), void *arg)
{
	long least = sysconf(_SC_THREAD_STACK_MIN), page = sysconf(_SC_PAGESIZE);
	pthread_attr_t attr;
	int rc;

	if (!rt.is_started)
		pt_fatal("pt_go_sized: the runtime is not started");
	if (rt.pool)
		return -EOPNOTSUPP; /* the threads exist, and their stacks */
	if (least < 0 || page < 0 || stack_bytes > PT_STACK_MAX)
		return -EINVAL;
	stack_bytes += (size_t)least + (size_t)page + rt.thread_local_bytes;
	rc = pthread_attr_init(&attr);
	if (rc)
		return -rc;
	rc = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (!rc)
		rc = pthread_attr_setstacksize(&attr, stack_bytes);
	rc = rc ? -rc : go(&attr, fn, arg);
	pthread_attr_destroy(&attr);
	return rc;
}
