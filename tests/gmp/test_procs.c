/*
 * test_procs.c - the number of Ps changes while Gs do everything that Gs do; stealing with a table of near and far CPUs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"
#include "runq.h"
#include "san.h"

static _Atomic uint32_t stop, errors, running, most;
static _Atomic uint64_t sent, received, locked, spawned, ended;
static uint64_t plain; /* under mutex */
static gr_mutex mutex;
static gr_chan *pipe_chan, *ring_chan;
static gr_wg all;
static gr_rwmutex *rw;

static void count_error(void)
{
	fetch_add_relaxed(&errors, 1);
}

static void child(void *arg)
{
	(void)arg;
	fetch_add_relaxed(&ended, 1);
}

static void producer(void *arg)
{
	uint64_t one = 1;

	(void)arg;
	while (!load_relaxed(&stop)) {
		fetch_add_relaxed(&sent, 1);
		gr_chan_send(pipe_chan, &one);
	}
	gr_chan_close(pipe_chan);
	gr_wg_done(&all);
}

static void consumer(void *arg)
{
	uint64_t v;

	(void)arg;
	while (gr_chan_recv(pipe_chan, &v))
		fetch_add_relaxed(&received, v);
	gr_wg_done(&all);
}

static void locker(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; !load_relaxed(&stop); i++) {
		gr_mutex_lock(&mutex);
		plain++;
		fetch_add_relaxed(&locked, 1);
		gr_mutex_unlock(&mutex);
		gr_rwmutex_rlock(rw);
		gr_rwmutex_runlock(rw);
		if (i % 16 == 0)
			gr_yield();
	}
	gr_wg_done(&all);
}

static void sleeper(void *arg)
{
	uint64_t ns = (uint64_t)(uintptr_t)arg;

	while (!load_relaxed(&stop))
		gr_sleep_ns(ns);
	gr_wg_done(&all);
}

static void caller(void *arg)
{
	(void)arg;
	while (!load_relaxed(&stop)) {
		gr_syscall_enter();
		poll(NULL, 0, 1);
		gr_syscall_exit();
	}
	gr_wg_done(&all);
}

static void spawner(void *arg)
{
	(void)arg;
	while (!load_relaxed(&stop)) {
		for (int i = 0; i < (GR_TSAN ? 20 : 300); i++) {
			fetch_add_relaxed(&spawned, 1);
			if (gr_go(child, NULL))
				count_error();
		}
		while (load_relaxed(&ended) < load_relaxed(&spawned))
			gr_yield();
	}
	gr_wg_done(&all);
}

static void selecter(void *arg)
{
	uint64_t v;
	gr_case cases[2];

	(void)arg;
	while (!load_relaxed(&stop)) {
		gr_case_recv(&cases[0], ring_chan, &v);
		gr_case_recv(&cases[1], pipe_chan, &v);
		if (gr_select_timeout(cases, 2, 500000) == 1 && cases[1].ok)
			fetch_add_relaxed(&received, v);
		else
			gr_yield();
	}
	gr_wg_done(&all);
}

static void go(void (*fn)(void *), void *arg)
{
	gr_wg_add(&all, 1);
	if (gr_go(fn, arg)) {
		count_error();
		gr_wg_done(&all);
	}
}

enum { CHANGES = GR_TSAN || GR_ASAN ? 60 : 300 };

static void change_amid_everything(void *arg)
{
	uint32_t rng = 99;

	(void)arg;
	if (gr_chan_new(sizeof(uint64_t), 7, &pipe_chan) || gr_chan_new(sizeof(uint64_t), 0, &ring_chan) ||
	    gr_rwmutex_new(&rw)) {
		count_error();
		return;
	}
	go(producer, NULL);
	for (int i = 0; i < 3; i++) {
		go(consumer, NULL);
		go(locker, NULL);
		go(caller, NULL);
		go(selecter, NULL);
		go(sleeper, (void *)(uintptr_t)(50000 * (i + 1)));
	}
	go(spawner, NULL);
	for (int i = 0; i < CHANGES; i++) {
		unsigned n = 1 + gr__random(&rng) % 9;

		if (gr_set_procs(n) || gr_procs() != n)
			count_error();
		if (i % 3 == 0)
			gr_sleep_ns(300000);
		else
			gr_yield();
	}
	store_relaxed(&stop, 1);
	gr_wg_wait(&all);
	gr_chan_free(pipe_chan);
	gr_chan_free(ring_chan);
	gr_rwmutex_free(rw);
}

static void reset(void)
{
	store_relaxed(&stop, 0);
	store_relaxed(&errors, 0);
	store_relaxed(&running, 0);
	store_relaxed(&most, 0);
	store_relaxed(&sent, 0);
	store_relaxed(&received, 0);
	store_relaxed(&locked, 0);
	store_relaxed(&spawned, 0);
	store_relaxed(&ended, 0);
	plain = 0;
}

static void nothing_is_lost_in_changes(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 3; procs += 2) {
		struct gr_config c = {.procs = procs};

		reset();
		assert_int_equal(gr_start(&c), 0);
		gr_run(change_amid_everything, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
		assert_int_equal(load_relaxed(&received), load_relaxed(&sent));
		assert_int_equal(plain, load_relaxed(&locked));
		assert_int_equal(load_relaxed(&ended), load_relaxed(&spawned));
	}
}

/* ---- the number means something -------------------------------------------------------------------------- */

static void compute(void *arg)
{
	uint32_t n = fetch_add_relaxed(&running, 1) + 1, seen = load_relaxed(&most);

	while (seen < n && !cas_weak_relaxed(&most, &seen, n))
		;
	while (load_relaxed(&running) < (uint32_t)(uintptr_t)arg)
		gr_pause();
	fetch_add_release(&ended, 1);
}

/* As many compute at once as there are Ps now: each waits, without giving up its P, until all run. */
static void fill(unsigned n)
{
	store_relaxed(&running, 0);
	store_relaxed(&most, 0);
	store_relaxed(&ended, 0);
	for (unsigned i = 0; i + 1 < n; i++)
		if (gr_go(compute, (void *)(uintptr_t)n))
			count_error();
	compute((void *)(uintptr_t)n);
	while (load_acquire(&ended) < n)
		gr_yield();
	if (load_relaxed(&most) != n)
		count_error();
}

static void grow_and_shrink(void *arg)
{
	static const unsigned ns[] = {4, 1, 6, 2, 1, 3};

	(void)arg;
	for (unsigned i = 0; i < ARRAY_LEN(ns); i++) {
		if (gr_set_procs(ns[i]))
			count_error();
		fill(ns[i]);
	}
	if (gr_set_procs(2000) != -EINVAL || gr_set_procs(1024) || gr_procs() != 1024 || gr_set_procs(0) ||
	    gr_procs() < 1)
		count_error();
}

static void as_many_run_as_there_are(void **state)
{
	struct gr_config c = {.procs = 2};

	(void)state;
	reset();
	assert_int_equal(gr_start(&c), 0);
	gr_run(grow_and_shrink, NULL);
	gr_stop();
	assert_int_equal(load_relaxed(&errors), 0);
}

static void rivals(void *arg)
{
	for (int i = 0; i < 50; i++)
		if (gr_set_procs((unsigned)(uintptr_t)arg + (unsigned)i % 3))
			count_error();
	gr_wg_done(&all);
}

static void several_change_at_once(void *arg)
{
	(void)arg;
	for (uintptr_t i = 1; i <= 4; i++)
		go(rivals, (void *)i);
	gr_wg_wait(&all);
}

static void changes_by_several(void **state)
{
	struct gr_config c = {.procs = 2};

	(void)state;
	reset();
	assert_int_equal(gr_start(&c), 0);
	gr_run(several_change_at_once, NULL);
	gr_stop();
	assert_int_equal(load_relaxed(&errors), 0);
}

static void change_for_ever(void *arg)
{
	(void)arg;
	for (unsigned i = 0; gr_set_procs(1 + i % 4) == 0; i++)
		store_relaxed(&running, 1);
}

static void go_change(void *arg)
{
	if (gr_go(change_for_ever, arg))
		count_error();
}

/* gr_stop in the middle of changes neither hangs nor loses a P. */
static void stop_amid_changes(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++) {
		struct gr_config c = {.procs = 2};

		reset();
		assert_int_equal(gr_start(&c), 0);
		gr_run(go_change, NULL);
		while (!load_relaxed(&running))
			usleep(100);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
	}
}

/* ---- near ones first ------------------------------------------------------------------------------------- */

static void steal_work(void *arg)
{
	(void)arg;
	fill(4);
}

/* With any table of CPUs, right or wrong, all work is found. */
static void far_work_is_stolen_too(void **state)
{
	struct gr_cpu apart[64], one_missing[1] = {{0, 0}};
	struct gr_config c = {.procs = 4, .cpus = apart, .n_cpus = 64};

	(void)state;
	for (uint16_t i = 0; i < 64; i++)
		apart[i] = (struct gr_cpu){i, i};
	for (int k = 0; k < 2; k++) {
		reset();
		assert_int_equal(gr_start(&c), 0);
		for (int i = 0; i < 20; i++)
			gr_run(steal_work, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
		c.cpus = one_missing;
		c.n_cpus = 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_run_as_there_are), cmocka_unit_test(nothing_is_lost_in_changes),
		cmocka_unit_test(changes_by_several),       cmocka_unit_test(stop_amid_changes),
		cmocka_unit_test(far_work_is_stolen_too),
	};

	return cmocka_run_group_tests_name("gmp/procs", tests, NULL, NULL);
}
