/*
 * test_stress.c - everything at once, at random, under all knobs. The seed is printed; SEED=n repeats a run's choices.
 *
 * Each worker draws operations. What must hold: every token that is sent is received once, the lock excludes, all
 * workers end, and the process neither hangs nor dies.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "runq.h"
#include "san.h"

enum { WORKERS = 40, STEPS = GR_TSAN || GR_ASAN ? 60 : 300 };

static uint32_t seed;
static _Atomic uint64_t sent, received, in_lock, errors, children;
static uint64_t plain; /* under mutex */
static gr_chan *loose, *tight;
static gr_mutex mutex;
static gr_wg workers, consumers;

static void child(void *arg)
{
	(void)arg;
	if (gr_id() % 3 == 0)
		gr_yield();
	fetch_add_relaxed(&children, 1);
	gr_wg_done(&workers);
}

static void locked_step(void)
{
	gr_mutex_lock(&mutex);
	if (fetch_add_relaxed(&in_lock, 1))
		fetch_add_relaxed(&errors, 1);
	plain++;
	if (plain % 7 == 0)
		gr_yield();
	fetch_sub_relaxed(&in_lock, 1);
	gr_mutex_unlock(&mutex);
}

static void step(uint32_t r)
{
	uint64_t one = 1;

	switch (r % 8) {
	case 0:
		gr_yield();
		break;
	case 1:
	case 2:
		fetch_add_relaxed(&sent, 1);
		gr_chan_send(r & 64 ? loose : tight, &one);
		break;
	case 3:
		locked_step();
		break;
	case 4:
		gr_wg_add(&workers, 1);
		if (gr_go(child, NULL))
			gr_wg_done(&workers);
		break;
	case 5:
		gr_sleep_ns(r >> 8 & 0xffff);
		break;
	case 6:
		gr_syscall_enter();
		if ((r & 0xf00) == 0)
			poll(NULL, 0, 1);
		gr_syscall_exit();
		break;
	default:
		for (uint32_t i = 0; i < (r >> 8 & 0x7ff); i++)
			gr_pause();
	}
}

static void worker(void *arg)
{
	uint32_t rng = seed * 2654435761u + (uint32_t)(uintptr_t)arg * 40503u + 1;

	if (!rng)
		rng = 1;
	for (int i = 0; i < STEPS; i++)
		step(gr__random(&rng));
	gr_wg_done(&workers);
}

static void consumer(void *arg)
{
	uint64_t v;

	while (gr_chan_recv(arg, &v))
		fetch_add_relaxed(&received, v);
	gr_wg_done(&consumers);
}

static void all(void *arg)
{
	(void)arg;
	if (gr_chan_new(sizeof(uint64_t), 16, &loose) || gr_chan_new(sizeof(uint64_t), 0, &tight)) {
		fetch_add_relaxed(&errors, 1);
		return;
	}
	gr_wg_add(&consumers, 4);
	for (int i = 0; i < 4; i++)
		gr_go(consumer, i % 2 ? loose : tight);
	gr_wg_add(&workers, WORKERS);
	for (uintptr_t i = 0; i < WORKERS; i++)
		gr_go(worker, (void *)i);
	gr_wg_wait(&workers);
	gr_chan_close(loose);
	gr_chan_close(tight);
	gr_wg_wait(&consumers);
	gr_chan_free(loose);
	gr_chan_free(tight);
}

static void stress(unsigned procs, const char *knobs)
{
	struct gr_config c = {.procs = procs, .knobs = knobs};

	memset(&workers, 0, sizeof(workers));
	memset(&consumers, 0, sizeof(consumers));
	memset(&mutex, 0, sizeof(mutex));
	store_relaxed(&sent, 0);
	store_relaxed(&received, 0);
	store_relaxed(&errors, 0);
	assert_int_equal(gr_start(&c), 0);
	gr_run(all, NULL);
	gr_stop();
	assert_int_equal(load_relaxed(&errors), 0);
	assert_int_equal(load_relaxed(&received), load_relaxed(&sent));
}

static void mix(void **state)
{
	static const char *const knobs[] = {"", "runnext=0", "steal=0", "spin=0", "reap_ms=1", "max_ms=3", "seed=%u"};
	char text[64];

	(void)state;
	for (unsigned procs = 1; procs <= 4; procs++) {
		for (unsigned k = 0; k < ARRAY_LEN(knobs); k++) {
			snprintf(text, sizeof(text), knobs[k], seed | 1);
			stress(procs, text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(mix)};
	const char *given = getenv("SEED");

	seed = given ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)time(NULL);
	printf("SEED=%u\n", seed);
	fflush(stdout);
	return cmocka_run_group_tests_name("gmp/stress", tests, NULL, NULL);
}
