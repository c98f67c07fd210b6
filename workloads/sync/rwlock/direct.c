/*
 * sync/rwlock in the blocking style: lock for one or the other, work, unlock, work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/gate.h"
#include "workloads/sync/rwlock/rwlock.h"

/* The lock and the word that it guards have lines of their own, apart from what tasks read without the lock. */
struct shared {
	_Alignas(128) dx_rwlock lock;
	_Alignas(128) volatile uint64_t word; /* under lock */
	_Alignas(128) struct gate gate;
	uint64_t hold, think, percent; /* immutable */
};

struct worker {
	_Alignas(128) dx_task task;
	struct shared *shared;
	uint64_t rounds; /* root's until the gate opens, then the task's */
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

	gate_pass(&s->gate);
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

/* Create the tasks and wait until they stand at the gate. Returns how many; fewer than asked with *status < 0. */
static uint64_t gather(struct shared *s, struct worker *w, uint64_t tasks, uint64_t ops, int *status)
{
	uint64_t i;

	*status = 0;
	for (i = 0; i < tasks; i++) {
		w[i].shared = s;
		w[i].rounds = bench_share(ops, tasks, i);
		w[i].private = rwlock_private_start(i);
		w[i].credit = rwlock_first_credit(i);
		*status = gate_spawn(&s->gate, &w[i].task, work, &w[i]);
		if (*status < 0)
			break;
	}
	gate_gather(&s->gate);
	return i;
}

static int run_tasks(struct bench *b, struct shared *s, struct worker *w, uint64_t tasks)
{
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
	b->cert = (struct bench_cert){.max_live = live, .checksum = s->word};
	for (uint64_t i = 0; i < live; i++) {
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
	status = gate_init(&s->gate);
	if (status < 0)
		goto out;
	status = dx_rwlock_init(&s->lock);
	if (status == 0) {
		status = run_tasks(b, s, w, tasks);
		dx_rwlock_destroy(&s->lock);
	}
	gate_destroy(&s->gate);
out:
	free(w);
	free(s);
	if (status < 0 && !b->why[0])
		return bench_fail(b, status, "cannot prepare the lock and %llu tasks: %s", (unsigned long long)tasks,
				  strerror(-status));
	return status;
}

const struct bench_body sync_rwlock_direct = {.run = run_rwlock};
