/*
 * Condition variables. Each case names the Go test that it mirrors in behaviour, where there is one.
 */
#include "sync_test.h"

struct gate {
	gr_mutex m;
	gr_cond c;
	gr_wg done;
	int waiting, running; /* under m */
	int order[100]; /* under m: who came through, in order */
	bool open; /* under m */
};

struct guest {
	struct gate *gate;
	int id;
};

static void wait_once(void *arg)
{
	struct guest *u = arg;
	struct gate *g = u->gate;

	gr_mutex_lock(&g->m);
	g->waiting++;
	gr_cond_wait(&g->c, &g->m);
	g->order[g->running++] = u->id;
	gr_mutex_unlock(&g->m);
	gr_wg_done(&g->done);
}

/* Start n and wait until each is in gr_cond_wait, one after the other. */
static void start_waiters(struct gate *g, struct guest *u, int n, void (*fn)(void *))
{
	gr_wg_add(&g->done, n);
	for (int i = 0; i < n; i++) {
		bool waits = false;

		u[i] = (struct guest){g, i};
		gr_go(fn, &u[i]);
		while (!waits) {
			gr_yield();
			gr_mutex_lock(&g->m);
			waits = g->waiting == i + 1; /* and it has released m: so it is queued */
			gr_mutex_unlock(&g->m);
		}
	}
}

static int running_now(struct gate *g)
{
	int n;

	gr_mutex_lock(&g->m);
	n = g->running;
	gr_mutex_unlock(&g->m);
	return n;
}

static void await_running(struct gate *g, int n)
{
	while (running_now(g) < n)
		gr_yield();
}

/* ---- TestCondSignal and TestCondSignalGenerations: each signal wakes one, in order ----------------- */

static void signal_wakes_one(void *arg)
{
	enum { N = 20 };
	struct gate *g = calloc(1, sizeof(*g));
	struct guest u[N];

	(void)arg;
	gr_cond_signal(&g->c); /* nobody waits: forgotten */
	start_waiters(g, u, N, wait_once);
	for (int i = 0; i < 20; i++)
		gr_yield();
	CHECK(running_now(g) == 0);
	for (int i = 1; i <= N; i++) {
		gr_mutex_lock(&g->m);
		gr_cond_signal(&g->c);
		gr_mutex_unlock(&g->m);
		await_running(g, i);
		gr_yield();
		CHECK(running_now(g) == i);
	}
	gr_wg_wait(&g->done);
	for (int i = 0; i < N; i++)
		CHECK(g->order[i] == i);
	CHECK(g->c.head == NULL && g->c.tail == NULL);
	free(g);
}

/* ---- TestCondBroadcast ----------------------------------------------------------------------------- */

static void broadcast_wakes_all(void *arg)
{
	enum { N = 50 };
	struct gate *g = calloc(1, sizeof(*g));
	struct guest u[N];

	(void)arg;
	for (int round = 0; round < 5; round++) {
		memset(g, 0, sizeof(*g));
		start_waiters(g, u, N, wait_once);
		gr_mutex_lock(&g->m);
		gr_cond_broadcast(&g->c);
		CHECK(g->running == 0); /* they need the mutex */
		gr_mutex_unlock(&g->m);
		gr_wg_wait(&g->done);
		CHECK(g->running == N);
	}
	free(g);
}

/* ---- TestCondSignalStealing: a waiter that comes later does not get an earlier one's signal -------- */

static void wait_until_open(void *arg)
{
	struct guest *u = arg;
	struct gate *g = u->gate;

	gr_mutex_lock(&g->m);
	g->waiting++;
	while (!g->open)
		gr_cond_wait(&g->c, &g->m);
	g->open = false;
	g->order[g->running++] = u->id;
	gr_mutex_unlock(&g->m);
	gr_wg_done(&g->done);
}

static void signal_is_not_stolen(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(500); i++) {
		struct gate *g = calloc(1, sizeof(*g));
		struct guest u[2];

		start_waiters(g, u, 1, wait_once);
		/* Signal, and at once a second waiter: the first one must come through. */
		gr_mutex_lock(&g->m);
		gr_cond_signal(&g->c);
		gr_mutex_unlock(&g->m);
		gr_wg_add(&g->done, 1);
		u[1] = (struct guest){g, 1};
		gr_go(wait_until_open, &u[1]);
		await_running(g, 1);
		CHECK(g->order[0] == 0);
		gr_mutex_lock(&g->m);
		g->open = true;
		gr_cond_broadcast(&g->c);
		gr_mutex_unlock(&g->m);
		gr_wg_wait(&g->done);
		free(g);
	}
}

/* ---- a bounded buffer on one mutex and two conditions ---------------------------------------------- */

enum { SLOTS = 4, PRODUCERS = 3 };

struct buffer {
	gr_mutex m;
	gr_cond not_full, not_empty;
	gr_wg done;
	int slot[SLOTS], n, first; /* under m */
	int per_producer;
	uint64_t sum; /* under m */
};

static void produce(void *arg)
{
	struct buffer *b = arg;

	for (int i = 1; i <= b->per_producer; i++) {
		gr_mutex_lock(&b->m);
		while (b->n == SLOTS)
			gr_cond_wait(&b->not_full, &b->m);
		b->slot[(b->first + b->n++) % SLOTS] = i;
		gr_mutex_unlock(&b->m);
		gr_cond_signal(&b->not_empty); /* without the mutex: allowed */
	}
	gr_wg_done(&b->done);
}

static void take(void *arg)
{
	struct buffer *b = arg;

	for (int i = 0; i < b->per_producer; i++) {
		gr_mutex_lock(&b->m);
		while (b->n == 0)
			gr_cond_wait(&b->not_empty, &b->m);
		b->sum += (uint64_t)b->slot[b->first];
		b->first = (b->first + 1) % SLOTS;
		b->n--;
		gr_cond_signal(&b->not_full);
		gr_mutex_unlock(&b->m);
	}
	gr_wg_done(&b->done);
}

static void bounded_buffer(void *arg)
{
	struct buffer b = {.per_producer = TIMES(10000)};
	const uint64_t n = (uint64_t)b.per_producer;

	(void)arg;
	gr_wg_add(&b.done, 2 * PRODUCERS);
	for (int i = 0; i < PRODUCERS; i++) {
		gr_go(produce, &b);
		gr_go(take, &b);
	}
	gr_wg_wait(&b.done);
	CHECK(b.n == 0);
	CHECK(b.sum == PRODUCERS * n * (n + 1) / 2);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(signal_wakes_one),
		ON_1_AND_2(broadcast_wakes_all),
		ON_1_AND_2(signal_is_not_stolen),
		ON_1_AND_2(bounded_buffer),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
