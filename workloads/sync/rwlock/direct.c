/*
 * sync/rwlock in the blocking style: lock for one or the other, work, unlock, work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/crew.h"
#include "workloads/sync/rwlock/rwlock.h"

/* The lock and the word that it guards have lines of their own, apart from what tasks read without the lock. */
struct shared {
	_Alignas(128) dx_rwlock lock;
	_Alignas(128) volatile uint64_t word; /* under lock */
	_Alignas(128) uint64_t hold, think, percent; /* immutable */
};

struct worker {
	_Alignas(128) struct crew_task crew;
	struct shared *shared; /* immutable */
	uint64_t rounds; /* immutable: acquisitions to make */
	uint64_t private, credit; /* the task's */
	/* the task's until it is joined */
	uint64_t ops; /* acquisitions made */
	uint64_t intact; /* those of them in which nobody else wrote */
};

static void work(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->shared;
	uint64_t private = w->private, credit = w->credit, ops = 0, intact = 0;

	if (!crew_start(&w->crew))
		return;
	for (uint64_t left = w->rounds; left > 0; left--) {
		if (rwlock_is_read(&credit, s->percent)) {
			dx_rlock(&s->lock);
			intact += rwlock_read(&s->word, &private, s->hold);
			dx_runlock(&s->lock);
		} else {
			dx_wlock(&s->lock);
			rwlock_write(&s->word, s->hold);
			dx_wunlock(&s->lock);
			intact++;
		}
		ops++;
		private = steps_work(private, s->think);
	}
	w->private = private;
	w->ops = ops;
	w->intact = intact;
}

static int run_tasks(struct bench *b, struct shared *s, struct worker *w, uint64_t tasks)
{
	int status;

	for (uint64_t i = 0; i < tasks; i++)
		w[i] = (struct worker){.shared = s,
				       .rounds = bench_share(b->ops, tasks, i),
				       .private = rwlock_private_start(i),
				       .credit = rwlock_first_credit(i)};
	status = crew_run(b, w, sizeof w[0], tasks, work);
	if (status < 0)
		return status;
	b->cert = (struct bench_cert){.max_live = tasks, .checksum = s->word};
	for (uint64_t i = 0; i < tasks; i++) {
		b->cert.ops += w[i].ops;
		b->cert.locks += w[i].intact;
		b->cert.checksum += w[i].private;
	}
	return 0;
}

static int run_rwlock(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks");
	struct shared *s = aligned_alloc(_Alignof(struct shared), sizeof *s);
	struct worker *w = aligned_alloc(_Alignof(struct worker), tasks * sizeof *w);
	int status = -ENOMEM;

	if (!s || !w)
		goto out;
	s->word = RWLOCK_SHARED_START;
	s->hold = (uint64_t)bench_param(b, "hold");
	s->think = (uint64_t)bench_param(b, "think");
	s->percent = (uint64_t)bench_param(b, "read_percent");
	status = dx_rwlock_init(&s->lock);
	if (status < 0)
		goto out;
	status = run_tasks(b, s, w, tasks);
	dx_rwlock_destroy(&s->lock);
out:
	free(w);
	free(s);
	if (status < 0 && !b->why[0])
		return bench_fail(b, status, "cannot prepare the lock and %llu tasks: %s", (unsigned long long)tasks,
				  strerror(-status));
	return status;
}

const struct bench_body sync_rwlock_direct = {.run = run_rwlock};
