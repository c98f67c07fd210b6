/*
 * sync/mutex in the blocking style: lock, work, unlock, work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"
#include "workloads/sync/mutex/mutex.h"

/* The lock and the word that it guards have lines of their own, apart from what tasks read without the lock. */
struct shared {
	_Alignas(128) dx_mutex lock;
	uint64_t word; /* under lock */
	_Alignas(128) struct gate gate;
	uint64_t hold, think; /* immutable */
};

struct worker {
	_Alignas(128) dx_task task;
	struct shared *shared;
	uint64_t rounds; /* root's until the gate opens, then the task's */
	uint64_t private; /* the task's */
	uint64_t locks; /* the task's: acquisitions made */
};

static void work(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->shared;
	uint64_t private = w->private, locks = 0;

	gate_pass(&s->gate);
	for (uint64_t left = w->rounds; left > 0; left--) {
		dx_lock(&s->lock);
		s->word = steps_work(s->word, s->hold);
		dx_unlock(&s->lock);
		locks++;
		private = steps_work(private, s->think);
	}
	w->private = private;
	w->locks = locks;
}

/* Create the tasks and wait until they stand at the gate. Returns how many; fewer than asked with *status < 0. */
static uint64_t gather(struct shared *s, struct worker *w, uint64_t tasks, uint64_t ops, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < tasks; i++) {
		w[i].shared = s;
		w[i].rounds = bench_share(ops, tasks, i);
		w[i].private = mutex_private_start(i);
		*status = gate_spawn(&s->gate, &w[i].task, work, &w[i]);
		if (*status < 0)
			break;
	}
	gate_gather(&s->gate);
	return i;
}

static int run_tasks(struct bench *b, struct shared *s, struct worker *w, uint64_t tasks)
{
	struct bench_cert cert = {0};
	int status;
	uint64_t live = gather(s, w, tasks, b->ops, &status);

	for (uint64_t i = 0; status < 0 && i < live; i++)
		w[i].rounds = 0;
	if (status == 0)
		bench_begin(b);
	gate_open(&s->gate);
	for (uint64_t i = 0; i < live; i++)
		dx_join(&w[i].task);
	if (status < 0)
		return bench_fail(b, status, "cannot hold %llu tasks: the model refused the one after %llu (%s)",
				  (unsigned long long)tasks, (unsigned long long)live, strerror(-status));
	bench_end(b);

	cert.checksum = s->word;
	for (uint64_t i = 0; i < live; i++) {
		cert.locks += w[i].locks;
		cert.checksum += w[i].private;
	}
	cert.ops = cert.locks;
	cert.max_live = live;
	b->cert = cert;
	return 0;
}

static int init_shared(struct shared *s)
{
	int status = dx_mutex_init(&s->lock);

	if (status < 0)
		return status;
	status = gate_init(&s->gate);
	if (status < 0)
		dx_mutex_destroy(&s->lock);
	return status;
}

static int run_mutex(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks");
	struct shared *s = aligned_alloc(_Alignof(struct shared), sizeof *s);
	struct worker *w = aligned_alloc(_Alignof(struct worker), tasks * sizeof *w);
	int status = s && w ? init_shared(s) : -ENOMEM;

	if (status < 0) {
		bench_fail(b, status, "cannot prepare the lock and %llu tasks: %s", (unsigned long long)tasks,
			   strerror(-status));
		goto out;
	}
	s->word = MUTEX_SHARED_START;
	s->hold = (uint64_t)bench_param(b, "hold");
	s->think = (uint64_t)bench_param(b, "think");
	status = run_tasks(b, s, w, tasks);
	gate_destroy(&s->gate);
	dx_mutex_destroy(&s->lock);
out:
	free(w);
	free(s);
	return status;
}

const struct bench_body sync_mutex_direct = {.run = run_mutex};
