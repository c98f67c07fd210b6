/*
 * Once, and the semaphore's call that never blocks. Each case names the Go test that it mirrors, where there is one.
 */
#include "sync_test.h"

struct contest {
	gr_once once;
	gr_wg done;
	int runs; /* plain: only the one runner writes, all read afterwards */
	bool slow;
};

static void run_slowly(void *arg)
{
	struct contest *c = arg;

	if (c->slow) {
		for (int i = 0; i < 20; i++)
			gr_yield();
		gr_sleep_ns(100000);
	}
	c->runs++;
}

static void contend(void *arg)
{
	struct contest *c = arg;

	gr_once_do(&c->once, run_slowly, c);
	CHECK(c->runs == 1); /* whoever returns, it has been run */
	gr_wg_done(&c->done);
}

/* Once: ten Gs, and again with a function that blocks while the others come. */
static void runs_once(void *arg)
{
	(void)arg;
	for (int round = 0; round < TIMES(1000); round++) {
		struct contest c = {.slow = round % 50 == 0};

		gr_wg_add(&c.done, 10);
		for (int i = 0; i < 10; i++)
			gr_go(contend, &c);
		gr_wg_wait(&c.done);
		CHECK(c.runs == 1);
	}
}

static void inner(void *arg)
{
	++*(int *)arg;
}

struct nested {
	gr_once *other;
	int *n;
};

static void outer(void *arg)
{
	struct nested *s = arg;

	gr_once_do(s->other, inner, s->n);
}

/* One inside of another. */
static void nests(void *arg)
{
	gr_once a = {0, 0, 0}, b = {0, 0, 0};
	int n = 0;
	struct nested s = {&b, &n};

	(void)arg;
	for (int i = 0; i < 3; i++)
		gr_once_do(&a, outer, &s);
	gr_once_do(&b, inner, &n);
	CHECK(n == 1);
}

static void try_acquire(void *arg)
{
	_Atomic uint32_t sema = 2;

	(void)arg;
	CHECK(gr_sema_try_acquire(&sema) && gr_sema_try_acquire(&sema));
	CHECK(!gr_sema_try_acquire(&sema) && !gr_sema_try_acquire(&sema));
	gr_sema_release(&sema);
	CHECK(gr_sema_try_acquire(&sema) && !gr_sema_try_acquire(&sema));
}

struct permits {
	_Atomic uint32_t sema;
	_Atomic int holders;
	gr_wg done;
};

static void use_permit(void *arg)
{
	struct permits *p = arg;

	for (int i = 0; i < TIMES(5000); i++) {
		while (!gr_sema_try_acquire(&p->sema)) {
			if (i % 2) {
				gr_sema_acquire(&p->sema);
				break;
			}
			gr_yield();
		}
		CHECK(atomic_fetch_add(&p->holders, 1) < 3);
		if (i % 7 == 0)
			gr_yield();
		atomic_fetch_sub(&p->holders, 1);
		gr_sema_release(&p->sema);
	}
	gr_wg_done(&p->done);
}

/* Tries and waits mixed: never more holders than permits, and none is lost. */
static void tries_and_waits(void *arg)
{
	struct permits p = {.sema = 3};

	(void)arg;
	gr_wg_add(&p.done, 12);
	for (int i = 0; i < 12; i++)
		gr_go(use_permit, &p);
	gr_wg_wait(&p.done);
	CHECK(p.sema == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(runs_once),       ON(4, runs_once), ON_1_AND_2(nests), ON_1_AND_2(try_acquire),
		ON_1_AND_2(tries_and_waits),
	};

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
