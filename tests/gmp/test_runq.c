/*
 * test_runq.c - a P's queue by itself: order, overflow, the bound on runnext, stealing, and taking under contention.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ps_fixture.h"

enum { PS = 3 };

static struct gr_g gs[1024];

static int set_up(void **state)
{
	(void)state;
	memset(gs, 0, sizeof(gs));
	make_ps(PS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free_ps(PS);
	return 0;
}

static void ring_is_fifo(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 2; n++) { /* once with thieves possible, once without */
		gr__sched.nprocs = n;
		for (int i = 0; i < 10; i++)
			gr__runq_put(ps[0], &gs[i]);
		assert_int_equal(gr__runq_len(ps[0]), 10);
		for (int i = 0; i < 10; i++)
			assert_ptr_equal(gr__runq_get(ps[0]), &gs[i]);
		assert_null(gr__runq_get(ps[0]));
	}
}

static void runnext_is_first_and_displaces(void **state)
{
	(void)state;
	gr__runq_put(ps[0], &gs[0]);
	assert_false(gr__runq_put_next(ps[0], &gs[1]));
	assert_true(gr__runq_put_next(ps[0], &gs[2]));
	assert_ptr_equal(gr__runq_get(ps[0]), &gs[2]);
	assert_ptr_equal(gr__runq_get(ps[0]), &gs[0]);
	assert_ptr_equal(gr__runq_get(ps[0]), &gs[1]);
	assert_null(gr__runq_get(ps[0]));
}

static void runnext_does_not_starve_the_ring(void **state)
{
	int taken = 0;

	(void)state;
	gr__runq_put(ps[0], &gs[0]);
	for (;;) {
		gr__runq_put_next(ps[0], &gs[1]);
		if (gr__runq_get(ps[0]) == &gs[0])
			break;
		taken++;
		assert_true(taken <= GR__STREAK_MAX);
	}
	assert_int_equal(taken, GR__STREAK_MAX);
	assert_ptr_equal(gr__runq_get(ps[0]), &gs[1]);
}

/* With nobody else to have a turn the next streak begins: the monitor takes one that goes on for a slice that lasts. */
static void a_streak_ends_without_a_ring_too(void **state)
{
	struct gr_p *p = ps[0];

	(void)state;
	for (int i = 0; i < 3 * GR__STREAK_MAX; i++) {
		gr__runq_put_next(p, &gs[0]);
		assert_ptr_equal(gr__runq_get(p), &gs[0]);
		assert_true(load_relaxed(&p->streak) <= GR__STREAK_MAX);
	}
}

static void overflow_moves_half_to_global(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i <= GR__RUNQ_SLOTS; i++)
		gr__runq_put(ps[0], &gs[i]);
	assert_int_equal(gr__runq_len(ps[0]), GR__RUNQ_SLOTS / 2);
	assert_int_equal(gr__sched.global.n, GR__RUNQ_SLOTS / 2 + 1);
	assert_int_equal(load_relaxed(&gr__sched.global_n), GR__RUNQ_SLOTS / 2 + 1);
	/* The oldest went, and the newest behind them. */
	for (struct gr_g *g = gr__sched.global.head; g; g = g->link, n++)
		assert_ptr_equal(g, n < GR__RUNQ_SLOTS / 2 ? &gs[n] : &gs[GR__RUNQ_SLOTS]);
	assert_ptr_equal(gr__runq_get(ps[0]), &gs[GR__RUNQ_SLOTS / 2]);
}

static void global_is_shared_fairly(void **state)
{
	struct gr__glist list = {NULL, NULL, 0};

	(void)state;
	for (int i = 0; i < 30; i++)
		gr__glist_push(&list, &gs[i]);
	gr__global_put_locked(&list);
	assert_ptr_equal(gr__global_get(ps[0], 128), &gs[0]);
	assert_int_equal(gr__runq_len(ps[0]), 30 / PS);
	assert_int_equal(gr__sched.global.n, 30 - 30 / PS - 1);
	assert_ptr_equal(gr__global_get(ps[1], 1), &gs[11]);
	assert_int_equal(gr__runq_len(ps[1]), 0);
}

static void thief_takes_the_older_half(void **state)
{
	(void)state;
	for (int i = 0; i < 7; i++)
		gr__runq_put(ps[0], &gs[i]);
	assert_ptr_equal(gr__runq_steal(ps[1], ps[0], false), &gs[3]);
	assert_int_equal(gr__runq_len(ps[0]), 3);
	assert_int_equal(gr__runq_len(ps[1]), 3);
	assert_int_equal(load_relaxed(&ps[1]->stats.stolen), 4);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(gr__runq_get(ps[1]), &gs[i]);
	for (int i = 4; i < 7; i++)
		assert_ptr_equal(gr__runq_get(ps[0]), &gs[i]);
}

static void runnext_is_stolen_only_when_allowed(void **state)
{
	(void)state;
	gr__runq_put_next(ps[0], &gs[0]);
	assert_null(gr__runq_steal(ps[1], ps[0], false));
	assert_ptr_equal(gr__runq_steal(ps[1], ps[0], true), &gs[0]);
	assert_null(gr__runq_get(ps[0]));
}

static void steal_order_visits_every_p_once(void **state)
{
	uint16_t all[64];

	(void)state;
	for (unsigned n = 1; n <= 64; n++) {
		gr__sched.nprocs = n;
		gr__sched.coprimes = all;
		gr__sched.n_coprimes = gr__order_strides(n, all);
		assert_true(gr__sched.n_coprimes >= 1);
		for (uint32_t random = 0; random < n * gr__sched.n_coprimes; random++) {
			struct gr__order o = gr__order_begin(random);
			uint64_t seen = 0;
			uint32_t id;

			while (gr__order_next(&o, &id)) {
				assert_true(id < n);
				assert_false(seen >> id & 1);
				seen |= 1ull << id;
			}
			assert_int_equal(__builtin_popcountll(seen), n);
		}
	}
}

/* ---- one owner, two thieves: every G is taken exactly once --------------------------------------------- */

enum { ROUNDS = 40000, THIEVES = 2 };

static _Atomic uint32_t taken[1024];
static _Atomic uint32_t total, owner_done;

static void take(struct gr_g *g)
{
	fetch_add_relaxed(&taken[g - gs], 1);
	fetch_add_relaxed(&total, 1);
}

static void *thief(void *arg)
{
	struct gr_p *own = arg;
	struct gr_g *g;

	for (;;) {
		bool last = load_acquire(&owner_done);

		g = gr__runq_steal(own, ps[0], (load_relaxed(&total) & 1) != 0);
		if (g) {
			take(g);
			while ((g = gr__runq_get(own)))
				take(g);
		} else if (last) {
			return NULL;
		}
	}
}

static void no_g_is_lost_or_doubled(void **state)
{
	pthread_t threads[THIEVES];
	struct gr_g *g;
	uint32_t put = 0;

	(void)state;
	for (int i = 0; i < THIEVES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thief, ps[i + 1]), 0);
	for (int round = 0; round < ROUNDS; round++) {
		/* A G may be put again only when it has been taken: 8 at a time, from a window of 1024. */
		int n = round % 8 + 1;

		for (int i = 0; i < n; i++, put++) {
			g = &gs[put % 1024];
			while (load_acquire(&taken[put % 1024]) != put / 1024)
				if ((g = gr__runq_get(ps[0])))
					take(g);
			g = &gs[put % 1024];
			if (i & 1)
				gr__runq_put_next(ps[0], g);
			else
				gr__runq_put(ps[0], g);
		}
		for (int i = 0; i < n / 2; i++)
			if ((g = gr__runq_get(ps[0])))
				take(g);
		while ((g = gr__global_get(ps[0], 1)))
			take(g);
	}
	while ((g = gr__runq_get(ps[0])))
		take(g);
	store_release(&owner_done, 1);
	for (int i = 0; i < THIEVES; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(load_relaxed(&total), put);
	for (uint32_t i = 0; i < 1024; i++)
		assert_int_equal(load_relaxed(&taken[i]), put / 1024 + (i < put % 1024));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ring_is_fifo, set_up, tear_down),
		cmocka_unit_test_setup_teardown(runnext_is_first_and_displaces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(runnext_does_not_starve_the_ring, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_streak_ends_without_a_ring_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(overflow_moves_half_to_global, set_up, tear_down),
		cmocka_unit_test_setup_teardown(global_is_shared_fairly, set_up, tear_down),
		cmocka_unit_test_setup_teardown(thief_takes_the_older_half, set_up, tear_down),
		cmocka_unit_test_setup_teardown(runnext_is_stolen_only_when_allowed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(steal_order_visits_every_p_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_g_is_lost_or_doubled, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("gmp/runq", tests, NULL, NULL);
}
