/*
 * grow.c - what stacks that grow cost where they do it most, in ns of CPU time: the second table in HACKING.md.
 *
 *	build/release/gr-grow		GRDEBUG=grow=0 build/release/gr-grow
 *
 * The minimum of some runs. Compiled with checks where the build can. Not a test: nothing here is judged.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gr.h"

enum { RUNS = 7, OPS = 2000000 };

static gr_wg wg;
static volatile long sink;

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static __attribute__((noinline)) long frame(int n)
{
	volatile char room[700];

	room[n % 700] = 1;
	return room[n % 700];
}

static void split(void *arg)
{
	(void)arg;
	for (int i = 0; i < OPS; i++)
		sink += frame(i);
	gr_wg_done(&wg);
}

static __attribute__((noinline)) long call_libc(void)
{
	return rand() + 1;
}

static void call(void *arg)
{
	(void)arg;
	for (int i = 0; i < OPS; i++)
		sink += call_libc();
	gr_wg_done(&wg);
}

static void loop(void *arg)
{
	(void)arg;
	for (int i = 0; i < OPS; i++)
		sink += rand();
	gr_wg_done(&wg);
}

static __attribute__((noinline)) int fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void calls(void *arg)
{
	(void)arg;
	sink += fib(30); /* 1.3 million calls, of which compilers make fewer */
	gr_wg_done(&wg);
}

static void measure(const char *name, void (*fn)(void *), double ops)
{
	double best = 1e18;

	for (int i = 0; i < RUNS; i++) {
		double began = cpu_ns(), ns;

		gr_wg_add(&wg, 1);
		if (gr_go(fn, NULL))
			exit(1);
		gr_wg_wait(&wg);
		ns = (cpu_ns() - began) / ops;
		best = ns < best ? ns : best;
	}
	printf("| %s | %.1f |\n", name, best);
}

static void all(void *arg)
{
	const char *names[40];
	char values[40][32];
	size_t n = gr_knobs(names, values, 40);

	(void)arg;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "grow"))
			printf("| path, one P, grow=%s | ns |\n|---|---|\n", values[i]);
	measure("a loop whose call meets the edge each time (hot split)", split, OPS);
	measure("a function that calls the libc (rand), in a loop", call, OPS);
	measure("a loop that calls the libc itself", loop, OPS);
	measure("fib(30), per call", calls, 1346269);
}

int main(void)
{
	const struct gr_config config = {.procs = 1};

	if (gr_start(&config))
		return 2;
	gr_run(all, NULL);
	gr_stop();
	return 0;
}
