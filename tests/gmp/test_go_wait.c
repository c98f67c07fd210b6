/*
 * Wait groups, conditions and once, paired with Go's sync tests. What the names mean, and what has no pair: go_test.h.
 */
#include "go_test.h"

/* ---- TestWaitGroup ---------------------------------------------------------------------------------------- */

struct pair {
	gr_wg first, second;
	gr_chan *exited;
};

static void meet_and_exit(void *arg)
{
	struct pair *p = arg;

	gr_wg_done(&p->first);
	gr_wg_wait(&p->second);
	send_int(p->exited, 1);
}

/* Catches: a wait that returns too early, or never (hangs); a group that cannot be used again. */
static void go_TestWaitGroup(void *arg)
{
	enum { N = 16 };
	struct pair p = {.exited = chan_of_ints(N)};

	(void)arg;
	for (int round = 0; round < TIMES(200); round++) {
		int left;

		gr_wg_add(&p.first, N);
		gr_wg_add(&p.second, N);
		for (int i = 0; i < N; i++)
			spawn(meet_and_exit, &p);
		gr_wg_wait(&p.first);
		for (int i = 0; i < N; i++) {
			CHECK(gr_chan_len(p.exited) == 0); /* nobody before the last */
			gr_wg_done(&p.second);
		}
		for (left = N; left > 0; left--)
			CHECK(recv_int(p.exited) == 1);
	}
	gr_chan_free(p.exited);
}

/* ---- TestWaitGroupRace ------------------------------------------------------------------------------------- */

struct race {
	gr_wg *wg;
	_Atomic int *n;
};

static void count_and_done(void *arg)
{
	struct race *r = arg;

	atomic_fetch_add(r->n, 1);
	gr_wg_done(r->wg);
}

/* Catches: a wait that sees the counter at 0 between two additions; one that touches the group after the wait's return. */
static void go_TestWaitGroupRace(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(20000); i++) {
		gr_wg *wg = calloc(1, sizeof(*wg));
		_Atomic int n = 0;
		struct race r = {wg, &n};

		for (int k = 0; k < 2; k++) {
			gr_wg_add(wg, 1);
			spawn(count_and_done, &r);
		}
		if (i % 4 == 0)
			gr_yield();
		gr_wg_wait(wg);
		CHECK(atomic_load(&n) == 2);
		memset(wg, 0xee, sizeof(*wg));
		free(wg);
	}
}

/* ---- TestWaitGroupAlign: a group in the middle of something else ---------------------------------------------- */

struct inside {
	char before;
	gr_wg wg;
	char after;
};

static void done_inside(void *arg)
{
	gr_wg_done(&((struct inside *)arg)->wg);
}

/* Catches: a word that changes its neighbours. */
static void go_TestWaitGroupAlign(void *arg)
{
	struct inside x = {'b', {0}, 'a'};

	(void)arg;
	gr_wg_add(&x.wg, 1);
	spawn(done_inside, &x);
	gr_wg_wait(&x.wg);
	CHECK(x.before == 'b' && x.after == 'a');
}

/* ---- TestCondSignal, TestCondSignalGenerations, TestCondBroadcast ------------------------------------------ */

struct gate {
	gr_mutex m;
	gr_cond c;
	gr_chan *running, *awake;
	bool is_open; /* under m */
	bool exit; /* under m */
	int n; /* under m */
	gr_wg done;
};

struct waiter {
	struct gate *g;
	int id;
};

static void wait_once(void *arg)
{
	struct waiter *w = arg;
	struct gate *g = w->g;

	gr_mutex_lock(&g->m);
	send_int(g->running, w->id);
	gr_cond_wait(&g->c, &g->m);
	send_int(g->awake, w->id);
	gr_mutex_unlock(&g->m);
	gr_wg_done(&g->done);
}

static void free_gate(struct gate *g)
{
	gr_wg_wait(&g->done);
	gr_chan_free(g->running);
	gr_chan_free(g->awake);
}

/* Who has the lock after what `running` has said: all waiters so far are in the condition's line. */
static void await_waiters(struct gate *g, int n)
{
	for (int i = 0; i < n; i++)
		CHECK(recv_int(g->running) >= 0);
	gr_mutex_lock(&g->m);
	gr_mutex_unlock(&g->m);
}

/* Catches: a signal that wakes none (hangs), or more than one. */
static void go_TestCondSignal(void *arg)
{
	enum { N = 6 };
	struct gate g = {.running = chan_of_ints(N), .awake = chan_of_ints(N)};
	struct waiter w[N];

	(void)arg;
	gr_wg_add(&g.done, N);
	for (int i = 0; i < N; i++) {
		w[i] = (struct waiter){&g, i};
		spawn(wait_once, &w[i]);
	}
	await_waiters(&g, N);
	for (int left = N; left > 0; left--) {
		let_others_run();
		CHECK(gr_chan_len(g.awake) == 0);
		gr_mutex_lock(&g.m);
		gr_cond_signal(&g.c);
		gr_mutex_unlock(&g.m);
		CHECK(recv_int(g.awake) >= 0);
	}
	let_others_run();
	CHECK(gr_chan_len(g.awake) == 0);
	gr_cond_signal(&g.c); /* nobody is there: nothing is remembered */
	free_gate(&g);
}

/* Catches: a signal that does not go to who has waited longest. */
static void go_TestCondSignalGenerations(void *arg)
{
	enum { N = 100 };
	struct gate g = {.running = chan_of_ints(N), .awake = chan_of_ints(N)};
	struct waiter *w = calloc(N, sizeof(*w));

	(void)arg;
	gr_wg_add(&g.done, N);
	for (int i = 0; i < N; i++) {
		w[i] = (struct waiter){&g, i};
		spawn(wait_once, &w[i]);
		if (i > 0)
			CHECK(recv_int(g.awake) == i - 1);
		await_waiters(&g, 1);
		gr_mutex_lock(&g.m);
		gr_cond_signal(&g.c);
		gr_mutex_unlock(&g.m);
	}
	free_gate(&g);
	free(w);
	/* Now all wait before the first signal. */
	g = (struct gate){.running = chan_of_ints(N), .awake = chan_of_ints(N)};
	w = calloc(N, sizeof(*w));
	gr_wg_add(&g.done, N);
	for (int i = 0; i < N; i++) {
		w[i] = (struct waiter){&g, i};
		spawn(wait_once, &w[i]);
		await_waiters(&g, 1);
	}
	for (int i = 0; i < N; i++) {
		gr_mutex_lock(&g.m);
		gr_cond_signal(&g.c);
		gr_mutex_unlock(&g.m);
		CHECK(recv_int(g.awake) == i);
	}
	free_gate(&g);
	free(w);
}

static void wait_again_and_again(void *arg)
{
	struct waiter *w = arg;
	struct gate *g = w->g;

	gr_mutex_lock(&g->m);
	while (!g->exit) {
		send_int(g->running, w->id);
		gr_cond_wait(&g->c, &g->m);
		send_int(g->awake, w->id);
	}
	gr_mutex_unlock(&g->m);
	gr_wg_done(&g->done);
}

/* Catches: a broadcast that leaves one asleep (hangs), or that also reaches who waits again. */
static void go_TestCondBroadcast(void *arg)
{
	enum { N = 50 };
	struct gate g = {.running = chan_of_ints(N), .awake = chan_of_ints(N)};
	struct waiter *w = calloc(N, sizeof(*w));

	(void)arg;
	gr_wg_add(&g.done, N);
	for (int i = 0; i < N; i++) {
		w[i] = (struct waiter){&g, i};
		spawn(wait_again_and_again, &w[i]);
	}
	for (int round = 0; round < 20; round++) {
		bool seen[N] = {false};

		await_waiters(&g, N);
		CHECK(gr_chan_len(g.awake) == 0);
		gr_mutex_lock(&g.m);
		g.exit = round == 19;
		gr_cond_broadcast(&g.c);
		gr_mutex_unlock(&g.m);
		for (int i = 0; i < N; i++) {
			int id = recv_int(g.awake);

			CHECK(id >= 0 && id < N && !seen[id]);
			seen[id] = true;
		}
	}
	CHECK(gr_chan_len(g.running) == 0);
	gr_cond_broadcast(&g.c);
	free_gate(&g);
	free(w);
}

/* ---- TestRace (of the condition): three states, handed on by signals and broadcasts --------------------------- */

struct relay {
	gr_mutex m;
	gr_cond c;
	int x;
	gr_wg done;
};

static void relay_first(void *arg)
{
	struct relay *r = arg;

	gr_mutex_lock(&r->m);
	r->x = 1;
	gr_cond_wait(&r->c, &r->m);
	CHECK(r->x == 2);
	r->x = 3;
	gr_cond_signal(&r->c);
	gr_mutex_unlock(&r->m);
	gr_wg_done(&r->done);
}

static void relay_second(void *arg)
{
	struct relay *r = arg;

	gr_mutex_lock(&r->m);
	while (r->x != 1) {
		gr_mutex_unlock(&r->m);
		gr_yield();
		gr_mutex_lock(&r->m);
	}
	r->x = 2;
	gr_cond_signal(&r->c);
	gr_mutex_unlock(&r->m);
	gr_wg_done(&r->done);
}

static void relay_third(void *arg)
{
	struct relay *r = arg;

	for (;;) {
		gr_mutex_lock(&r->m);
		if (r->x == 2) {
			gr_cond_wait(&r->c, &r->m);
			CHECK(r->x == 3);
			break;
		}
		if (r->x == 3)
			break;
		gr_mutex_unlock(&r->m);
		gr_yield();
	}
	gr_mutex_unlock(&r->m);
	gr_wg_done(&r->done);
}

/* Catches: a signal lost between unlocking and waiting (hangs); a wait that returns without the lock or a signal. */
static void go_TestRace(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(2000); i++) {
		struct relay r = {.x = 0};

		gr_wg_add(&r.done, 3);
		spawn(relay_first, &r);
		spawn(relay_second, &r);
		spawn(relay_third, &r);
		gr_wg_wait(&r.done);
		CHECK(r.x == 3);
	}
}

/* ---- TestCondSignalStealing -------------------------------------------------------------------------------------- */

static void wait_first(void *arg)
{
	struct gate *g = arg;

	gr_mutex_lock(&g->m);
	send_int(g->running, 0);
	gr_cond_wait(&g->c, &g->m);
	gr_mutex_unlock(&g->m);
	send_int(g->awake, 1);
	gr_wg_done(&g->done);
}

static void wait_until_open(void *arg)
{
	struct gate *g = arg;

	gr_mutex_lock(&g->m);
	while (!g->is_open)
		gr_cond_wait(&g->c, &g->m);
	gr_mutex_unlock(&g->m);
	gr_wg_done(&g->done);
}

/* Catches: a signal that was meant for the one that waits being taken by one that comes to wait just now (hangs). */
static void go_TestCondSignalStealing(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(1000); i++) {
		struct gate g = {.running = chan_of_ints(1), .awake = chan_of_ints(1)};

		gr_wg_add(&g.done, 2);
		spawn(wait_first, &g);
		await_waiters(&g, 1);
		spawn(wait_until_open, &g);
		if (i % 2)
			gr_yield();
		gr_cond_signal(&g.c); /* the first one is in line since before */
		CHECK(recv_int(g.awake) == 1);
		gr_mutex_lock(&g.m);
		g.is_open = true;
		gr_cond_broadcast(&g.c);
		gr_mutex_unlock(&g.m);
		free_gate(&g);
	}
}

/* ---- TestOnce ------------------------------------------------------------------------------------------------------ */

struct once {
	gr_once o;
	gr_wg done;
	int n; /* plain: all see it after their gr_once_do */
};

static void add_once(void *arg)
{
	struct once *x = arg;

	gr_yield();
	x->n++;
	gr_yield();
}

static void call_once(void *arg)
{
	struct once *x = arg;

	gr_once_do(&x->o, add_once, x);
	CHECK(x->n == 1);
	gr_wg_done(&x->done);
}

/* Catches: a second call; a return before the first call has; a waiter that is not woken (hangs). */
static void go_TestOnce(void *arg)
{
	enum { N = 10 };

	(void)arg;
	for (int i = 0; i < TIMES(500); i++) {
		struct once x = {.n = 0};

		gr_wg_add(&x.done, N);
		for (int k = 0; k < N; k++)
			spawn(call_once, &x);
		gr_wg_wait(&x.done);
		CHECK(x.n == 1);
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		EACH(go_TestWaitGroup),
		EACH(go_TestWaitGroupRace),
		EACH(go_TestWaitGroupAlign),
		EACH(go_TestCondSignal),
		EACH(go_TestCondSignalGenerations),
		EACH(go_TestCondBroadcast),
		EACH(go_TestRace),
		EACH(go_TestCondSignalStealing),
		EACH(go_TestOnce),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_wait", tests, NULL, NULL);
}
