/*
 * sync/mutex in the blocking style: lock, work, unlock, work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/crew.h"
#include "workloads/sync/mutex/mutex.h"

/* The lock and the word that it guards have lines of their own, apart from what tasks read without the lock. */
struct shared {
	_Alignas(128) dx_mutex lock;
	uint64_t word; /* under lock */
	_Alignas(128) uint64_t hold, think; /* immutable */
};

struct worker {
	_Alignas(128) struct crew_task crew;
	struct shared *shared; /* immutable */
	uint64_t rounds; /* immutable: acquisitions to make */
	uint64_t private; /* the task's */
	uint64_t locks; /* the task's: acquisitions made */
};

static void work(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->shared;
	uint64_t private = w->private, locks = 0;

	if (!crew_start(&w->crew))
		return;
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

static int run_tasks(struct bench *b, struct shared *s, struct worker *w, uint64_t tasks)
{
	int status;

	for (uint64_t i = 0; i < tasks; i++)
		w[i] = (struct worker){
			.shared = s, .rounds = bench_share(b->ops, tasks, i), .private = mutex_private_start(i)};
	status = crew_run(b, w, sizeof w[0], tasks, work);
	if (status < 0)
		return status;
	b->cert = (struct bench_cert){.max_live = tasks, .checksum = s->word};
	for (uint64_t i = 0; i < tasks; i++) {
		b->cert.locks += w[i].locks;
		b->cert.checksum += w[i].private;
	}
	b->cert.ops = b->cert.locks;
	return 0;
}

static int run_mutex(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks");
	struct shared *s = aligned_alloc(_Alignof(struct shared), sizeof *s);
	struct worker *w = aligned_alloc(_Alignof(struct worker), tasks * sizeof *w);
	int status = s && w ? dx_mutex_init(&s->lock) : -ENOMEM;

	if (status < 0) {
		bench_fail(b, status, "cannot prepare the lock and %llu tasks: %s", (unsigned long long)tasks,
			   strerror(-status));
		goto out;
	}
	s->word = MUTEX_SHARED_START;
	s->hold = (uint64_t)bench_param(b, "hold");
	s->think = (uint64_t)bench_param(b, "think");
	status = run_tasks(b, s, w, tasks);
	dx_mutex_destroy(&s->lock);
out:
	free(w);
	free(s);
	return status;
}

const struct bench_body sync_mutex_direct = {.run = run_mutex};
