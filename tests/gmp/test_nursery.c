/*
 * test_nursery.c - Gs that have been created and have not begun: order, overflow, stealing, taking under contention, the
 * bound on starvation, and stacks of other sizes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ps_fixture.h"
#include "san.h"
#include "slow.h"

enum { PS = 3 };

static int set_up(void **state)
{
	(void)state;
	make_ps(PS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free_ps(PS);
	return 0;
}

static void put(struct gr_p *p, uintptr_t n)
{
	const struct gr__birth b = {NULL, (void *)n, NULL};

	assert_true(gr__nursery_put(p, &b) > 0);
}

static uintptr_t newest(struct gr_p *p)
{
	struct gr__birth b;

	return gr__nursery_take_newest(p, &b) ? (uintptr_t)b.arg : 0;
}

static uintptr_t oldest(struct gr_p *p)
{
	struct gr__birth b;

	return gr__nursery_take_oldest(p, &b) ? (uintptr_t)b.arg : 0;
}

static void both_ends(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 2; n++) { /* once without thieves, once with thieves possible */
		gr__sched.nprocs = n;
		for (int round = 0; round < 3000; round++) { /* around the ends of the indexes */
			for (uintptr_t i = 1; i <= 5; i++)
				put(ps[0], i);
			assert_int_equal(gr__nursery_len(ps[0]), 5);
			assert_int_equal(gr__nursery_offered(ps[0]), 4);
			assert_int_equal(newest(ps[0]), 5);
			assert_int_equal(oldest(ps[0]), 1);
			assert_int_equal(newest(ps[0]), 4);
			assert_int_equal(oldest(ps[0]), 2);
			assert_int_equal(newest(ps[0]), 3);
			assert_int_equal(newest(ps[0]), 0);
			assert_int_equal(oldest(ps[0]), 0);
		}
	}
}

/* More than fit, in bulk: all come back once, and the newest end is followed. */
static void spills_and_comes_back(void **state)
{
	enum { N = 5000 };
	static unsigned char seen[N + 1];
	unsigned got = 0;
	struct gr__birth b;

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (uintptr_t i = 1; i <= N; i++)
		put(ps[0], i);
	assert_int_equal(newest(ps[0]), N);
	seen[N]++, got++;
	assert_true(gr__spill_get_oldest(&b));
	assert_int_equal(b.arg, 1);
	seen[1]++, got++;
	assert_int_equal(gr__nursery_len(ps[0]) + load_relaxed(&gr__sched.spill_n), N - 2);
	do {
		for (uintptr_t v; (v = newest(ps[0]));)
			seen[v]++, got++;
	} while (gr__spill_get(ps[0]));
	assert_int_equal(got, N);
	for (int i = 1; i <= N; i++)
		assert_int_equal(seen[i], 1);
}

static void thieves_take_the_oldest_and_leave_the_newest(void **state)
{
	(void)state;
	for (uintptr_t i = 1; i <= 9; i++)
		put(ps[0], i);
	assert_true(gr__nursery_steal(ps[1], ps[0], false));
	assert_int_equal(gr__nursery_len(ps[1]), 5);
	assert_int_equal(newest(ps[1]), 5);
	assert_int_equal(oldest(ps[1]), 1);
	while (newest(ps[0]) > 6)
		;
	put(ps[0], 6);
	assert_false(gr__nursery_steal(ps[2], ps[0], false)); /* one: it is about to be run */
	store_relaxed(&ps[0]->status, GR__P_RUNNING);
	assert_true(gr__nursery_steal(ps[2], ps[0], true)); /* but it is not, for long */
	assert_int_equal(newest(ps[2]), 6);
}

static void drained_into_the_spill(void **state)
{
	(void)state;
	for (uintptr_t i = 1; i <= GR__NURSERY_SLOTS; i++)
		put(ps[0], i);
	gr__nursery_drain_locked(ps[0]);
	assert_int_equal(gr__nursery_len(ps[0]), 0);
	assert_int_equal(load_relaxed(&gr__sched.spill_n), GR__NURSERY_SLOTS);
}

/* ---- under contention ---------------------------------------------------------------------------------- */

enum { TAKEN_MAX = GR_TSAN ? 60000 : 400000 };

static _Atomic uint32_t taken[TAKEN_MAX + 1];
static _Atomic uint32_t owner_done;

static void note(uintptr_t v)
{
	fetch_add_relaxed(&taken[v], 1);
}

static void *thief(void *arg)
{
	struct gr_p *p = arg;

	while (!load_acquire(&owner_done) || gr__nursery_offered(ps[0])) {
		if (!gr__nursery_steal(p, ps[0], false))
			continue;
		for (uintptr_t v; (v = newest(p));)
			note(v);
	}
	return NULL;
}

/* The owner works at its end while two thieves take from the other: nothing is lost and nothing comes twice. */
static void nothing_is_lost_or_doubled(void **state)
{
	pthread_t threads[2];
	uint32_t rng = 12345;
	struct gr__birth b;

	(void)state;
	memset(taken, 0, sizeof(taken));
	store_relaxed(&owner_done, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thief, ps[i + 1]), 0);
	for (uintptr_t next = 1; next <= TAKEN_MAX;) {
		uint32_t r = gr__random(&rng);

		for (uint32_t n = r % 20; n-- && next <= TAKEN_MAX;)
			put(ps[0], next++);
		for (uint32_t n = r / 32 % 22; n--;) {
			uintptr_t v = r % 7 ? newest(ps[0]) : oldest(ps[0]);

			if (!v)
				break;
			note(v);
		}
	}
	store_release(&owner_done, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	do {
		for (uintptr_t v; (v = newest(ps[0]));)
			note(v);
	} while (gr__spill_get(ps[0]));
	while (gr__spill_get_oldest(&b))
		note((uintptr_t)b.arg);
	for (uintptr_t v = 1; v <= TAKEN_MAX; v++)
		assert_int_equal(load_relaxed(&taken[v]), 1);
}

/* ---- in the runtime ------------------------------------------------------------------------------------ */

static _Atomic uint32_t stop_chain, ended, errors;

static void set_stop(void *arg)
{
	(void)arg;
	store_relaxed(&stop_chain, 1);
	fetch_add_release(&ended, 1);
}

/* Each G creates the next, so that there is always a newer one than those that wait at the other end. */
static void chain(void *arg)
{
	if (load_relaxed(&stop_chain) || gr_go(chain, arg))
		fetch_add_release(&ended, 1);
}

static void starve(void *arg)
{
	(void)arg;
	if (gr_go_named("oldest", set_stop, NULL) || gr_go(chain, NULL))
		fetch_add_relaxed(&errors, 1);
	while (load_acquire(&ended) < 2)
		gr_sleep_ns(1000000);
}

/* Without bound (2) this never ends. */
static void oldest_is_not_starved(void **state)
{
	struct gr_config c = {.procs = 1};

	(void)state;
	store_relaxed(&stop_chain, 0);
	store_relaxed(&ended, 0);
	store_relaxed(&errors, 0);
	assert_int_equal(gr_start(&c), 0);
	gr_run(starve, NULL);
	gr_stop();
	assert_int_equal(load_relaxed(&errors), 0);
}

enum { OLD = 250 };

static void count_old(void *arg)
{
	(void)arg;
	if (fetch_add_relaxed(&ended, 1) + 1 == OLD)
		store_relaxed(&stop_chain, 1);
}

static void starve_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < OLD; i++)
		if (gr_go(count_old, NULL))
			fetch_add_relaxed(&errors, 1);
	if (gr_go(chain, NULL))
		fetch_add_relaxed(&errors, 1);
	while (load_acquire(&ended) < OLD + 1)
		gr_sleep_ns(1000000);
}

/* One in each 10 ms, which the clock enforces, would take 2.5 s; asked for in doubling numbers they take a tenth. */
static void many_old_ones_catch_up(void **state)
{
	const int64_t one_by_one = OLD * (int64_t)10000000;
	int64_t best = INT64_MAX;

	(void)state;
	for (int i = 0; i < 3 && best >= one_by_one / 2; i++) { /* a stalled machine may be slow once */
		struct gr_config c = {.procs = 1};
		int64_t began = gr__now_ns(), took;

		store_relaxed(&stop_chain, 0);
		store_relaxed(&ended, 0);
		store_relaxed(&errors, 0);
		assert_int_equal(gr_start(&c), 0);
		gr_run(starve_many, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
		took = gr__now_ns() - began;
		best = took < best ? took : best;
	}
	assert_true(best < one_by_one / 2);
}

static void count_end(void *arg)
{
	(void)arg;
	fetch_add_release(&ended, 1);
}

static uint32_t n_flat;

static void spawn_flat(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < n_flat; i++)
		if (gr_go(count_end, NULL))
			fetch_add_relaxed(&errors, 1);
	while (load_acquire(&ended) < n_flat)
		gr_yield();
}

/* A hundred thousand that run to their end one after the other need hardly any stacks. */
static void few_stacks_for_many(void **state)
{
	static const char *const knobs[] = {"", "newest=0", "steal=0", "seed=7", "runnext=0"};

	(void)state;
	n_flat = TIMES(100000);
	for (unsigned procs = 1; procs <= 4; procs += 3) {
		for (unsigned k = 0; k < ARRAY_LEN(knobs); k++) {
			struct gr_config c = {.procs = procs, .knobs = knobs[k]};
			struct gr_stats s;

			store_relaxed(&ended, 0);
			store_relaxed(&errors, 0);
			assert_int_equal(gr_start(&c), 0);
			gr_run(spawn_flat, NULL);
			gr_stats_read(&s);
			gr_stop();
			assert_int_equal(load_relaxed(&errors), 0);
			assert_int_equal(load_relaxed(&ended), n_flat);
			assert_int_equal(s.spawns, n_flat + 1);
			assert_true(s.stacks_mapped < 500);
		}
	}
}

static __attribute__((noinline)) unsigned deep(unsigned levels)
{
	volatile char here[900];

	here[0] = (char)levels;
	return levels ? deep(levels - 1) + (unsigned)here[0] % 2 : 1;
}

static void go_deep(void *arg)
{
	if (!deep((unsigned)(uintptr_t)arg))
		fetch_add_relaxed(&errors, 1);
	gr_yield();
	fetch_add_release(&ended, 1);
}

static void spawn_large(void *arg)
{
	struct gr_attr attr = {.name = "large"};

	(void)arg;
	for (int round = 0; round < 3; round++) {
		store_relaxed(&ended, 0);
		for (unsigned kib = 1; kib <= 16 * 1024; kib *= 4) {
			attr.stack_bytes = (size_t)kib * 1024;
			/* Each uses more than half of what it asked for. */
			if (gr_go_with(&attr, go_deep, (void *)(uintptr_t)(kib >= 64 ? kib * 1024 / 2000 : 1)))
				fetch_add_relaxed(&errors, 1);
		}
		while (load_acquire(&ended) < 8)
			gr_yield();
	}
	attr.stack_bytes = (size_t)1 << 40;
	if (gr_go_with(&attr, go_deep, NULL) != -EINVAL)
		fetch_add_relaxed(&errors, 1);
}

static void larger_stacks_on_request(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 4; procs++) {
		struct gr_config c = {.procs = procs};

		store_relaxed(&errors, 0);
		assert_int_equal(gr_start(&c), 0);
		gr_run(spawn_large, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
	}
}

static size_t resident_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
	fclose(f);
	return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void use_much(void *arg)
{
	volatile char *here = __builtin_alloca(48 << 20);

	(void)arg;
	for (size_t i = 0; i < 48 << 20; i += 4096)
		here[i] = 1;
	fetch_add_release(&ended, 1);
}

static void spawn_users(void *arg)
{
	const struct gr_attr attr = {.stack_bytes = 64 << 20};

	(void)arg;
	store_relaxed(&ended, 0);
	for (int i = 0; i < 4; i++)
		if (gr_go_with(&attr, use_much, NULL))
			fetch_add_relaxed(&errors, 1);
	while (load_acquire(&ended) < 4)
		gr_yield();
	gr_yield();
}

/* What a large stack has used goes back when its G has ended. */
static void large_stacks_give_memory_back(void **state)
{
	struct gr_config c = {.procs = 1};
	size_t before, after;

	(void)state;
	if (GR_ASAN || GR_TSAN)
		skip(); /* shadow memory */
	store_relaxed(&errors, 0);
	assert_int_equal(gr_start(&c), 0);
	before = resident_kib();
	gr_run(spawn_users, NULL);
	after = resident_kib();
	gr_stop();
	assert_int_equal(load_relaxed(&errors), 0);
	assert_true(after < before + 16 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(spills_and_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(thieves_take_the_oldest_and_leave_the_newest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(drained_into_the_spill, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_lost_or_doubled, set_up, tear_down),
		cmocka_unit_test(oldest_is_not_starved),
		cmocka_unit_test(many_old_ones_catch_up),
		cmocka_unit_test(few_stacks_for_many),
		cmocka_unit_test(larger_stacks_on_request),
		cmocka_unit_test(large_stacks_give_memory_back),
	};

	return cmocka_run_group_tests_name("gmp/nursery", tests, NULL, NULL);
}
