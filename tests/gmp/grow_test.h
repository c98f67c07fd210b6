/*
 * grow_test.h - cases that run on a small stack, for tests that are compiled with checks where there are any. After cmocka.h.
 */
#ifndef GROW_TEST_H
#define GROW_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "grow.h"
#include "internal.h"
#include "san.h"

static _Atomic uint64_t errors;
static gr_wg wg;

/* A function of its own: who calls the libc by itself asks for its room each time, needed or not. */
static __attribute__((noinline)) void not_true(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
	fetch_add_relaxed(&errors, 1);
}

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			not_true(__FILE__, __LINE__, #condition);                                                      \
	} while (0)

static bool grows(void)
{
	return gr__grow_state()[0] == '1';
}

/* Run fn as a G of its own, started by code with checks, and wait for it. */
static void (*volatile body)(void);

static void run_body(void *arg)
{
	(void)arg;
	body();
	gr_wg_done(&wg);
}

static void start_body(void *arg)
{
	(void)arg;
	gr_wg_add(&wg, 1);
	CHECK(gr_go(run_body, NULL) == 0);
	gr_wg_wait(&wg);
}

/* The case: fn on a small stack, with one P and with two. Skipped where stacks do not grow. */
static void on_small(void (*fn)(void), const char *knobs)
{
	for (unsigned procs = 1; procs <= 2; procs++) {
		struct gr_config c = {.procs = procs, .knobs = knobs};

		store_relaxed(&errors, 0);
		memset(&wg, 0, sizeof(wg));
		assert_int_equal(gr_start(&c), 0);
		if (!grows()) {
			gr_stop();
			skip();
		}
		body = fn;
		gr_run(start_body, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&errors), 0);
	}
}

#endif
