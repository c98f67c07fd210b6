/*
 * sync/semaphore in the blocking style: acquire, work, release, work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/direct.h"
#include "workloads/crew.h"
#include "workloads/sync/semaphore/semaphore.h"

/* The semaphore and the word that its holders write have lines of their own. */
struct shared {
	_Alignas(128) dx_sem sem;
	_Alignas(128) _Atomic uint32_t holders; /* tasks that have a permit */
	_Alignas(128) uint64_t hold, think; /* immutable, as are the rest */
	uint32_t permits;
	bool yields;
};

struct worker {
	_Alignas(128) struct crew_task crew;
	struct shared *shared; /* immutable */
	uint64_t rounds; /* immutable: acquisitions to make */
	/* the task's until it is joined */
	uint64_t word;
	uint64_t done; /* acquisitions made */
	uint64_t proper; /* those of them that found a place among the holders */
};

/* What a holder does between taking and giving back. */
static inline uint64_t hold(const struct shared *s, uint64_t word)
{
	const uint64_t half = s->hold / 2;

	if (!s->yields)
		return steps_work(word, s->hold);
	word = steps_work(word, half);
	dx_yield();
	return steps_work(word, s->hold - half);
}

static void work(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->shared;
	uint64_t word = w->word, done = 0, proper = 0;

	if (!crew_start(&w->crew))
		return;
	for (uint64_t left = w->rounds; left > 0; left--) {
		dx_sem_acquire(&s->sem);
		proper += semaphore_enter(&s->holders, s->permits);
		word = hold(s, word);
		semaphore_leave(&s->holders);
		dx_sem_release(&s->sem);
		done++;
		word = steps_work(word, s->think);
	}
	w->word = word;
	w->done = done;
	w->proper = proper;
}

static int run_tasks(struct bench *b, struct shared *s, struct worker *w, uint64_t tasks)
{
	int status;

	for (uint64_t i = 0; i < tasks; i++)
		w[i] = (struct worker){
			.shared = s, .rounds = bench_share(b->ops, tasks, i), .word = semaphore_start(i)};
	status = crew_run(b, w, sizeof w[0], tasks, work);
	if (status < 0)
		return status;
	b->cert = (struct bench_cert){.max_live = tasks};
	for (uint64_t i = 0; i < tasks; i++) {
		b->cert.ops += w[i].done;
		b->cert.locks += w[i].proper;
		b->cert.checksum += w[i].word;
	}
	return 0;
}

static int run_semaphore(struct bench *b)
{
	uint64_t tasks = (uint64_t)bench_param(b, "tasks");
	struct shared *s = aligned_alloc(_Alignof(struct shared), sizeof *s);
	struct worker *w = aligned_alloc(_Alignof(struct worker), tasks * sizeof *w);
	int status = -ENOMEM;

	if (!s || !w)
		goto out;
	s->hold = (uint64_t)bench_param(b, "hold");
	s->think = (uint64_t)bench_param(b, "think");
	s->permits = (uint32_t)bench_param(b, "permits");
	s->yields = semaphore_yields(b);
	atomic_init(&s->holders, 0);
	status = dx_sem_init(&s->sem, s->permits);
	if (status < 0)
		goto out;
	status = run_tasks(b, s, w, tasks);
	dx_sem_destroy(&s->sem);
out:
	free(w);
	free(s);
	if (status < 0 && !b->why[0])
		return bench_fail(b, status, "cannot prepare the semaphore and %llu tasks: %s",
				  (unsigned long long)tasks, strerror(-status));
	return status;
}

const struct bench_body sync_semaphore_direct = {.run = run_semaphore};
