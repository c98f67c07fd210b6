/*
 * test_idle.c - a runtime with nothing to do uses no CPU: after a burst of work, with Gs that wait for each other, for
 * time or for a descriptor, with more Ps than CPUs, and when all threads but one have been reaped.
 *
 * CPU time of the process is what is looked at, so that it does not matter what else the machine does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "san.h"

enum {
	IDLE_MS = 1000,
	ALLOWED_MS =
		GR_TSAN || GR_ASAN ? 50 : 10, /* of a second: 1 %; what settles takes a few wake-ups of 30 us each */
};

static int fds[2];
static _Atomic uint32_t ended;

static int64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void spin_a_little(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200; i++) {
		gr_pause();
		if (i % 10 == 0)
			gr_yield();
	}
	fetch_add_release(&ended, 1);
}

static void wait_for_ever(void *arg)
{
	(void)arg;
	gr_chan_recv(NULL, NULL);
}

static void sleep_for_ever(void *arg)
{
	(void)arg;
	gr_sleep_ns(3600ull * 1000000000);
}

static void read_for_ever(void *arg)
{
	gr_sock *s;
	char c;

	(void)arg;
	if (gr_sock_adopt(fds[0], &s) == 0)
		(void)gr_sock_read(s, &c, 1);
}

static void burst(void *arg)
{
	void (*const *waits)(void *) = arg;

	for (int i = 0; i < 500; i++)
		gr_go(spin_a_little, NULL);
	while (load_acquire(&ended) < 500)
		gr_yield();
	for (; *waits; waits++)
		gr_go(*waits, NULL);
}

static void nothing_to_do_costs_nothing(void **state)
{
	static void (*const nobody[])(void *) = {NULL};
	static void (*const all[])(void *) = {wait_for_ever, sleep_for_ever, read_for_ever, NULL};

	(void)state;
	for (unsigned procs = 1; procs <= 4; procs *= 2) {
		for (int waiting = 0; waiting <= 1; waiting++) {
			struct gr_config c = {.procs = procs, .reap_ns = 50000000};
			int64_t before;

			store_relaxed(&ended, 0);
			assert_int_equal(pipe(fds), 0);
			assert_int_equal(gr_start(&c), 0);
			gr_run(burst, (void *)(uintptr_t)(waiting ? all : nobody));
			usleep(200000); /* threads are reaped meanwhile */
			before = cpu_ms();
			usleep(IDLE_MS * 1000);
			if (cpu_ms() - before > ALLOWED_MS)
				fail_msg("%u Ps, %s: %lld ms of CPU in %d ms", procs, waiting ? "waiting" : "empty",
					 (long long)(cpu_ms() - before), IDLE_MS);
			gr_stop();
			close(fds[0]);
			close(fds[1]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_to_do_costs_nothing)};

	return cmocka_run_group_tests_name("gmp/idle", tests, NULL, NULL);
}
