/*
 * Wait groups. Each case names the Go test that it mirrors in behaviour, where there is one.
 */
#include "sync_test.h"

/* ---- TestWaitGroup: two groups in lock step, used again and again ---------------------------------- */

struct step {
	gr_wg *a, *b;
	_Atomic int *passed;
};

static void do_step(void *arg)
{
	struct step *s = arg;

	gr_wg_done(s->a);
	gr_wg_wait(s->b); /* all wait for b, which main completes last */
	atomic_fetch_add(s->passed, 1);
	gr_wg_done(s->a);
}

static void lock_step(void *arg)
{
	enum { GS = 16 };
	gr_wg a = {0}, b = {0};

	(void)arg;
	for (int round = 0; round < TIMES(500); round++) {
		_Atomic int passed = 0;
		struct step s = {&a, &b, &passed};

		gr_wg_add(&a, GS);
		gr_wg_add(&b, 1);
		for (int i = 0; i < GS; i++)
			gr_go(do_step, &s);
		gr_wg_wait(&a);
		CHECK(atomic_load(&passed) == 0);
		gr_wg_add(&a, GS);
		gr_wg_done(&b);
		gr_wg_wait(&a);
		CHECK(atomic_load(&passed) == GS);
	}
	CHECK(a.state == 0 && a.sema == 0 && b.state == 0 && b.sema == 0);
}

/* ---- TestWaitGroupRace: the last done and the wait meet; the group is freed at once ---------------- */

struct race {
	gr_wg wg;
	_Atomic int n;
};

static void count_and_done(void *arg)
{
	struct race *r = arg;

	atomic_fetch_add(&r->n, 1);
	gr_wg_done(&r->wg);
}

static void freed_after_wait(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES(20000); i++) {
		struct race *r = calloc(1, sizeof(*r));

		gr_wg_add(&r->wg, 1);
		gr_go(count_and_done, r);
		gr_wg_add(&r->wg, 1);
		gr_go(count_and_done, r);
		gr_wg_wait(&r->wg);
		CHECK(atomic_load(&r->n) == 2);
		memset(r, 0xff, sizeof(*r));
		free(r);
	}
}

/* ---- nothing to wait for --------------------------------------------------------------------------- */

static void zero_does_not_block(void *arg)
{
	struct gr_stats before, after;
	gr_wg wg = {0};

	(void)arg;
	gr_stats_read(&before);
	gr_wg_wait(&wg);
	gr_wg_add(&wg, 3);
	gr_wg_add(&wg, -3);
	gr_wg_wait(&wg);
	gr_wg_add(&wg, 0);
	gr_wg_wait(&wg);
	gr_stats_read(&after);
	CHECK(after.parks == before.parks);
}

/* ---- many Gs, one wait ----------------------------------------------------------------------------- */

static void many_done(void *arg)
{
	const int n = TIMES(50000);
	struct race r = {0};

	(void)arg;
	gr_wg_add(&r.wg, n);
	for (int i = 0; i < n; i++)
		CHECK(gr_go(count_and_done, &r) == 0);
	gr_wg_wait(&r.wg);
	CHECK(atomic_load(&r.n) == n);
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		ON_1_AND_2(lock_step),
		ON_1_AND_2(freed_after_wait),
		ON_1_AND_2(zero_does_not_block),
		ON_1_AND_2(many_done),
	};
	/* clang-format on */

	sync_test_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
