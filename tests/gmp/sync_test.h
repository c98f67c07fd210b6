/*
 * sync_test.h - what the tests of the waiting primitives share: cases that are goroutines. What must die is in
 * tests/misuse.
 *
 * cmocka's assertions jump out of the test function, which must not happen on a G's stack. So a case uses CHECK,
 * which counts, and the test function asserts the count after the runtime has ended.
 */
#ifndef SYNC_TEST_H
#define SYNC_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gr.h"
#include "slow.h"

static _Atomic int sync_failures;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                      \
			atomic_fetch_add(&sync_failures, 1);                                                           \
		}                                                                                                      \
	} while (0)

struct sync_case {
	unsigned procs;
	void (*fn)(void *); /* a G; its argument is the struct sync_case */
};

static inline void run_case(void **state)
{
	struct sync_case *c = *state;
	const struct gr_config config = {.procs = c->procs};

	atomic_store(&sync_failures, 0);
	assert_int_equal(gr_start(&config), 0);
	gr_run(c->fn, c);
	gr_stop();
	assert_int_equal(atomic_load(&sync_failures), 0);
}

/* For the array of main: fn as a G on that many Ps. */
/* clang-format off */
#define ON(procs, fn) {#fn "/" #procs, run_case, NULL, NULL, &(struct sync_case){procs, fn}}
#define ON_1_AND_2(fn) ON(1, fn), ON(2, fn)
/* clang-format on */

/* main's beginning: ends a test that hangs, with a dump. */
static void on_alarm(int sig)
{
	(void)sig;
	gr_dump(STDERR_FILENO);
	abort();
}

static inline void sync_test_begin(void)
{
	signal(SIGALRM, on_alarm);
	alarm(110);
}

#endif
