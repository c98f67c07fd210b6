/*
 * A P's queue by itself, paired with Go's tests of it. What the names mean: go_test.h. This is the only file of
 * test_go_*.c that knows the runtime's inside.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "ps_fixture.h"
#include "san.h"

enum { PS = 2 };

static struct gr_g gs[GR__RUNQ_SLOTS + 1];
static int taken[GR__RUNQ_SLOTS + 1];

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

/* Catches: a G lost or doubled at any fill level of the ring, wherever in the ring it begins. */
static void go_TestSchedLocalQueue(void **state)
{
	(void)state;
	for (int i = 0; i < GR__RUNQ_SLOTS; i++) {
		assert_null(gr__runq_get(ps[0]));
		for (int k = 0; k < i; k++)
			gr__runq_put(ps[0], &gs[i]);
		for (int k = 0; k < i; k++)
			assert_ptr_equal(gr__runq_get(ps[0]), &gs[i]);
		assert_null(gr__runq_get(ps[0]));
	}
}

static int take_all(struct gr_p *p)
{
	struct gr_g *g;
	int n = 0;

	for (; (g = gr__runq_get(p)); n++)
		taken[g - gs]++;
	return n;
}

/* Catches: a thief that takes all, none, or the same G as the owner, at any fill level. */
static void go_TestSchedLocalQueueSteal(void **state)
{
	(void)state;
	for (int i = 0; i <= GR__RUNQ_SLOTS; i++) {
		struct gr_g *g;
		int stolen = 0;

		memset(taken, 0, sizeof(taken));
		for (int k = 0; k < i; k++)
			gr__runq_put(ps[0], &gs[k]);
		g = gr__runq_steal(ps[1], ps[0], false);
		if (g) {
			taken[g - gs]++;
			stolen = 1 + take_all(ps[1]);
		}
		/* half, rounded to either side */
		assert_true(stolen == i / 2 || stolen == i - i / 2);
		assert_int_equal(stolen + take_all(ps[0]), i);
		for (int k = 0; k < i; k++)
			assert_int_equal(taken[k], 1);
	}
}

/* ---- TestSchedLocalQueueEmpty: one looks while the owner moves a G from runnext to the ring ---------------- */

struct emptiness {
	_Atomic uint32_t ready, round;
	uint32_t rounds;
	uint32_t seen_empty; /* rounds in which the queue looked empty */
};

/* The way in which the runtime asks whether a P has work for others: the ring, then runnext, then the ring again. */
static bool looks_empty(struct gr_p *p)
{
	for (;;) {
		uint32_t tail = load_acquire(&p->runq_tail);
		bool ring = gr__runq_len(p) != 0;
		struct gr_g *next = load_acquire(&p->runnext);

		if (tail == load_acquire(&p->runq_tail))
			return !ring && !next;
	}
}

static void *look_all_the_time(void *arg)
{
	struct emptiness *e = arg;

	for (uint32_t round = 1; round <= e->rounds; round++) {
		fetch_add_relaxed(&e->ready, 1);
		while (load_acquire(&e->round) != round)
			gr_pause();
		e->seen_empty += looks_empty(ps[0]);
	}
	return NULL;
}

/*
 * There is a G all the time: first in runnext, then, displaced by another one, in the ring. Catches: a displaced G that
 * is for a moment in neither. (Here the new one is in runnext before the old one is put into the ring.)
 */
static void go_TestSchedLocalQueueEmpty(void **state)
{
	struct emptiness e = {.rounds = GR_TSAN || GR_ASAN ? 500 : 5000};
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, look_all_the_time, &e), 0);
	for (uint32_t round = 1; round <= e.rounds; round++) {
		gr__runq_put_next(ps[0], &gs[0]);
		while (load_acquire(&e.ready) != round)
			sched_yield();
		store_release(&e.round, round);
		gr__runq_put_next(ps[0], &gs[1]);
		gr__runq_put_next(ps[0], &gs[2]);
		/* Not before it has looked: the last round's look is over when it is ready for the next one. */
		if (round == e.rounds)
			pthread_join(thread, NULL);
		else
			while (load_acquire(&e.ready) != round + 1)
				sched_yield();
		assert_non_null(gr__runq_get(ps[0]));
		assert_non_null(gr__runq_get(ps[0]));
		assert_non_null(gr__runq_get(ps[0]));
		assert_null(gr__runq_get(ps[0]));
	}
	assert_int_equal(e.seen_empty, 0);
}

/* Catches: a number of Ps for which an order of stealing leaves out a P, or comes to one twice. */
static void go_TestStealOrder(void **state)
{
	enum { MAX = 64 };
	uint16_t all[MAX];

	(void)state;
	for (unsigned n = 1; n <= MAX; n++) {
		gr__sched.nprocs = n;
		gr__sched.coprimes = all;
		gr__sched.n_coprimes = gr__order_strides(n, all);
		assert_true(gr__sched.n_coprimes >= 1);
		for (unsigned i = 0; i < gr__sched.n_coprimes; i++) {
			unsigned a = n, b = all[i];

			while (b) {
				unsigned t = a % b;

				a = b;
				b = t;
			}
			assert_int_equal(a, 1);
		}
		for (uint32_t random = 0; random < n * gr__sched.n_coprimes; random++) {
			struct gr__order o = gr__order_begin(random);
			bool seen[MAX] = {false};
			unsigned count = 0;
			uint32_t id;

			for (; gr__order_next(&o, &id); count++) {
				assert_true(id < n);
				assert_false(seen[id]);
				seen[id] = true;
			}
			assert_int_equal(count, n);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(go_TestSchedLocalQueue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(go_TestSchedLocalQueueSteal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(go_TestSchedLocalQueueEmpty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(go_TestStealOrder, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("gmp/go_runq", tests, NULL, NULL);
}
