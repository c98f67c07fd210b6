/*
 * That crowds are no worse than the sum of those in them: paired with Go's test/chanlinear and test/locklinear. What the
 * names mean, and what has no pair: go_test.h.
 *
 * Measured is CPU time of this process, of a size and of 8 times that, and only their ratio counts: 8 for what is linear,
 * 64 for what is quadratic, and something on top of either for caches.
 */
#include "go_test.h"

/* ---- test/chanlinear: a waiter leaves the middle of a long line in constant time --------------------- */

struct line {
	gr_chan *shared, *own;
	gr_wg *done;
	_Atomic int *waiting;
};

static void wait_in_line(void *arg)
{
	struct line *l = arg;
	gr_case two[2];
	int v;

	gr_case_recv(&two[0], l->shared, &v);
	gr_case_recv(&two[1], l->own, &v);
	atomic_fetch_add(l->waiting, 1);
	CHECK(gr_select(two, 2) == 1);
	gr_wg_done(l->done);
}

/* CPU time of waking n Gs that all wait on one channel, each by another, in an order that jumps about in the line. */
static int64_t wake_from_line(unsigned n)
{
	struct line *lines = calloc(n, sizeof(*lines));
	gr_chan *shared = chan_of_ints(0);
	_Atomic int waiting = 0;
	gr_wg done = {0};
	int64_t cost;

	gr_wg_add(&done, (int)n);
	for (unsigned i = 0; i < n; i++) {
		lines[i] = (struct line){shared, chan_of_ints(0), &done, &waiting};
		spawn(wait_in_line, &lines[i]);
	}
	await_int(&waiting, (int)n);
	let_others_run();
	cost = cpu_ns();
	for (unsigned i = 0; i < n; i++)
		send_int(lines[(i * 389 + n / 2) % n].own, 1); /* 389 is prime to all n used here */
	gr_wg_wait(&done);
	cost = cpu_ns() - cost;
	for (unsigned i = 0; i < n; i++)
		gr_chan_free(lines[i].own);
	gr_chan_free(shared);
	free(lines);
	return cost;
}

/*
 * Catches: leaving a line by walking along it. With 8 times the waiters that is 64 times the work, else 8 times and
 * what caches add; the best of several tries must be below 32.
 */
static void go_chanlinear(void *arg)
{
	const unsigned n = (unsigned)GS(1024);
	double best = 1e9;

	(void)arg;
	for (int i = 0; i < 10 && best >= 32; i++) {
		int64_t small = wake_from_line(n), large = wake_from_line(8 * n);
		double ratio = (double)large / (double)(small > 0 ? small : 1);

		best = ratio < best ? ratio : best;
	}
	CHECK(best < 32);
}

/* ---- test/locklinear: many who wait for one lock, and for as many locks as there are Gs -------------------- */

struct linear {
	gr_mutex *own, *shared; /* of shared all have the same */
	gr_wg *done;
	_Atomic int *waiting;
};

static void lock_both(void *arg)
{
	struct linear *l = arg;

	atomic_fetch_add(l->waiting, 1);
	gr_mutex_lock(l->own);
	gr_mutex_unlock(l->own);
	gr_mutex_lock(l->shared);
	gr_mutex_unlock(l->shared);
	gr_wg_done(l->done);
}

/* CPU time of letting n Gs through that wait for a lock each, and then all for one. */
static int64_t let_through(unsigned n)
{
	gr_mutex *own = calloc(n, sizeof(*own)), shared = {0};
	struct linear *all = calloc(n, sizeof(*all));
	_Atomic int waiting = 0;
	gr_wg done = {0};
	int64_t cost = cpu_ns();

	gr_mutex_lock(&shared);
	gr_wg_add(&done, (int)n);
	for (unsigned i = 0; i < n; i++) {
		gr_mutex_lock(&own[i]);
		all[i] = (struct linear){&own[i], &shared, &done, &waiting};
		spawn(lock_both, &all[i]);
	}
	await_int(&waiting, (int)n);
	for (unsigned i = 0; i < n; i++)
		gr_mutex_unlock(&own[(i * 389 + n / 2) % n]);
	let_others_run(); /* now they all wait for the one */
	gr_mutex_unlock(&shared);
	gr_wg_wait(&done);
	cost = cpu_ns() - cost;
	free(own);
	free(all);
	return cost;
}

/*
 * Catches: finding the waiters of a lock by walking along all others that wait. With 8 times the Gs that is 64 times the
 * work, else 8 times and what caches add; the best of several tries must be below 32.
 */
static void go_locklinear(void *arg)
{
	const unsigned n = (unsigned)GS(1024);
	double best = 1e9;

	(void)arg;
	for (int i = 0; i < 10 && best >= 32; i++) {
		int64_t small = let_through(n), large = let_through(8 * n);
		double ratio = (double)large / (double)(small > 0 ? small : 1);

		best = ratio < best ? ratio : best;
	}
	CHECK(best < 32);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON(1, go_chanlinear),
		ON(1, go_locklinear),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_linear", tests, NULL, NULL);
}
