/*
 * pt_pool.c - the fixed pool: n threads that take tasks from one queue, in the order in which they came.
 *
 * This is the other way in which programs use pthreads: threads are dear to make, so a few are made beforehand and tasks
 * are handed to them. The queue is the textbook's, a list under a mutex with a condition variable on which idle
 * threads wait; a task's end is told to whoever joins by a second one. Nothing is stolen, nothing spins.
 *
 * What a pool cannot do: a task that waits for another task holds a thread meanwhile, and when all threads are held
 * nobody runs the task that is waited for. So only work whose tasks do not wait for each other can be given to it
 * (bench_workload.pool_tasks says which that is).
 *
 * Rejected: a queue per thread with stealing. It is a scheduler of its own and no longer what "a thread pool" means to
 * those who read the comparison. Growing when all threads wait: then it is thread per task, with a cache.
 *
 * Invariants
 *  I1  A job is in the queue, or one thread runs it, or it has ended; the thread that takes it out is the one that runs it.
 *  I2  A thread sleeps only while the queue is empty and the pool is not closing: it looks under the lock, and who adds a
 *      job or closes the pool does that under the lock too.
 *  I3  After the unlock that follows is_done = true, the pool's thread does not touch the job again: the joiner may have
 *      freed it.
 */
#include "models/pthread/pt_pool.h"

#include <errno.h>
#include <stdlib.h>

struct pt_pool {
	pthread_mutex_t lock;
	pthread_cond_t not_empty; /* the pool's threads wait here */
	pthread_cond_t ended; /* those who join wait here */
	/* under lock */
	struct pt_job *head, *tail; /* I1; tail is void while head is NULL */
	unsigned idle; /* threads in pthread_cond_wait on not_empty */
	unsigned joiners; /* threads in pthread_cond_wait on ended */
	bool is_closing;
	/* immutable once pt_pool_open has returned */
	unsigned n;
	pthread_t threads[];
};

/* The next job, or NULL: the pool is closed and the queue is empty. */
static struct pt_job *take(struct pt_pool *p)
{
	struct pt_job *job;

	while (!p->head && !p->is_closing) { /* I2 */
		p->idle++;
		pthread_cond_wait(&p->not_empty, &p->lock);
		p->idle--;
	}
	job = p->head;
	if (job)
		p->head = job->next;
	return job;
}

static void *pool_main(void *arg)
{
	struct pt_pool *p = arg;
	struct pt_job *job;

	pthread_mutex_lock(&p->lock);
	while ((job = take(p)) != NULL) {
		bool is_awaited = job->is_awaited;

		pthread_mutex_unlock(&p->lock);
		job->fn(job->arg); /* of a job that nobody awaits, the last that is touched: fn may free it */
		pthread_mutex_lock(&p->lock);
		if (is_awaited) {
			job->is_done = true; /* I3 */
			if (p->joiners)
				pthread_cond_broadcast(&p->ended);
		}
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void pt_pool_submit(struct pt_pool *p, struct pt_job *job)
{
	bool wake;

	job->next = NULL;
	job->is_done = false;
	pthread_mutex_lock(&p->lock);
	if (p->head)
		p->tail->next = job;
	else
		p->head = job;
	p->tail = job;
	wake = p->idle > 0;
	pthread_mutex_unlock(&p->lock);
	if (wake)
		pthread_cond_signal(&p->not_empty);
}

void pt_pool_await(struct pt_pool *p, struct pt_job *job)
{
	pthread_mutex_lock(&p->lock);
	while (!job->is_done) {
		p->joiners++;
		pthread_cond_wait(&p->ended, &p->lock);
		p->joiners--;
	}
	pthread_mutex_unlock(&p->lock);
}

void pt_pool_close(struct pt_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->is_closing = true;
	pthread_cond_broadcast(&p->not_empty);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->ended);
	pthread_cond_destroy(&p->not_empty);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int pt_pool_open(unsigned n, const pthread_attr_t *attr, struct pt_pool **out)
{
	struct pt_pool *p = calloc(1, sizeof(*p) + n * sizeof(p->threads[0]));
	int rc = 0;

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL); /* these three cannot fail with default attributes on Linux */
	pthread_cond_init(&p->not_empty, NULL);
	pthread_cond_init(&p->ended, NULL);
	while (p->n < n && rc == 0) {
		rc = pthread_create(&p->threads[p->n], attr, pool_main, p);
		p->n += rc == 0;
	}
	if (rc) {
		pt_pool_close(p);
		return -rc;
	}
	*out = p;
	return 0;
}
