/*
 * Semaphores. Each case names the Go test that it mirrors in behaviour, where there is one.
 */
#include "sync_test.h"

#include "sema.h"

/* ---- TestSemaphore: never more inside than there are permits --------------------------------------- */

struct room {
	_Atomic uint32_t permits;
	_Atomic int inside, most;
	gr_wg done;
	int rounds;
};

static void visit(void *arg)
{
	struct room *r = arg;

	for (int i = 0; i < r->rounds; i++) {
		int n, most;

		gr_sema_acquire(&r->permits);
		n = atomic_fetch_add(&r->inside, 1) + 1;
		most = atomic_load(&r->most);
		while (n > most && !atomic_compare_exchange_weak(&r->most, &most, n))
			;
		gr_yield();
		atomic_fetch_sub(&r->inside, 1);
		gr_sema_release(&r->permits);
	}
	gr_wg_done(&r->done);
}

static void permits_are_kept(void *arg)
{
	const struct sync_case *c = arg;

	for (unsigned permits = 1; permits <= 3; permits++) {
		struct room r = {.permits = permits, .rounds = TIMES(3000)};

		gr_wg_add(&r.done, 8);
		for (int i = 0; i < 8; i++)
			gr_go(visit, &r);
		gr_wg_wait(&r.done);
		CHECK(atomic_load(&r.most) <= (int)permits);
		if (c->procs == 1) /* where the yields make sure that all permits are in use at once */
			CHECK(atomic_load(&r.most) == (int)permits);
		CHECK(atomic_load(&r.permits) == permits);
	}
}

/* ---- waiters are served in order; with lifo the last one first ------------------------------------- */

struct waiting {
	_Atomic uint32_t *sema;
	_Atomic int *next;
	gr_wg *done;
	bool lifo;
	int turn;
};

static void wait_for_turn(void *arg)
{
	struct waiting *w = arg;

	gr__sema_acquire(w->sema, w->lifo, GR__WAIT_TEST);
	w->turn = atomic_fetch_add(w->next, 1);
	gr_wg_done(w->done);
}

/* On one P: started G runs and blocks at the yield. */
static void order_of_waiters(void *arg)
{
	enum { N = 6 };
	static const int turns[N] = {2, 3, 4, 5, 1, 0}; /* four in order, then two that push in at the front */
	_Atomic uint32_t sema = 0;
	_Atomic int next = 0;
	gr_wg done = {0};
	struct waiting w[N];

	(void)arg;
	gr_wg_add(&done, N);
	for (int i = 0; i < N; i++) {
		w[i] = (struct waiting){&sema, &next, &done, i >= 4, -1};
		gr_go(wait_for_turn, &w[i]);
		gr_yield();
	}
	for (int i = 0; i < N; i++) {
		CHECK(atomic_load(&next) == i);
		gr_sema_release(&sema);
		gr_yield();
	}
	gr_wg_wait(&done);
	for (int i = 0; i < N; i++)
		CHECK(w[i].turn == turns[i]);
	CHECK(sema == 0);
}

/* ---- TestSemaHandoff1: the waiter runs before the releaser goes on --------------------------------- */

static void handoff_runs_waiter(void *arg)
{
	_Atomic uint32_t sema = 0;
	_Atomic int next = 0;
	gr_wg done = {0};
	struct waiting w = {&sema, &next, &done, false, -1};

	(void)arg;
	gr_wg_add(&done, 1);
	gr_go(wait_for_turn, &w);
	gr_yield();
	gr__sema_release(&sema, GR__SEMA_HANDOFF);
	CHECK(w.turn == 0);
	gr_wg_wait(&done);

	/* Without the hand-off the releaser goes on, on its P. */
	gr_wg_add(&done, 1);
	w.turn = -1;
	gr_go(wait_for_turn, &w);
	gr_yield();
	gr__sema_release(&sema, GR__SEMA_NEXT);
	CHECK(w.turn == -1);
	gr_wg_wait(&done);
	CHECK(w.turn == 1);
}

/* ---- many words at once: more than there are buckets ----------------------------------------------- */

static void many_words(void *arg)
{
	enum { N = 2000 };
	_Atomic uint32_t *sema = calloc(N, sizeof(*sema));
	struct waiting *w = calloc(N, sizeof(*w));
	_Atomic int next = 0;
	gr_wg done = {0};

	(void)arg;
	gr_wg_add(&done, N);
	for (int i = 0; i < N; i++) {
		w[i] = (struct waiting){&sema[i], &next, &done, false, -1};
		CHECK(gr_go(wait_for_turn, &w[i]) == 0);
	}
	for (int i = 0; i < 10; i++)
		gr_yield();
	/* Each wakes its own G and no other. */
	for (int i = 0; i < N; i++)
		gr_sema_release(&sema[(i * 7) % N]);
	gr_wg_wait(&done);
	CHECK(atomic_load(&next) == N);
	for (int i = 0; i < N; i++)
		CHECK(sema[i] == 0);
	free(w);
	free((void *)sema);
}

/* ---- a one-shot semaphore on memory that is gone right after: how tasks are joined ----------------- */

struct joined {
	_Atomic uint32_t returned;
	int value;
};

static void return_value(void *arg)
{
	struct joined *j = arg;

	j->value = 7;
	gr_sema_release(&j->returned);
}

static void joined_storage_is_free(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(50000); i++) {
		struct joined *j = calloc(1, sizeof(*j));

		gr_go(return_value, j);
		if (i % 3 == 0)
			gr_yield();
		gr_sema_acquire(&j->returned);
		CHECK(j->value == 7);
		free(j);
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(permits_are_kept),
		ON(1, order_of_waiters),
		ON(1, handoff_runs_waiter),
		ON_1_AND_2(many_words),
		ON_1_AND_2(joined_storage_is_free),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
