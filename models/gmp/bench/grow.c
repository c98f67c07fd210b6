/*
 * grow.c - what stacks that grow cost where they do it most, in ns of CPU time: the second table in HACKING.md.
 *
 *	build/release/gr-grow		GRDEBUG=grow=0 build/release/gr-grow
 *
 * First the minimum of some runs. Then ratios: Gs with small stacks and with page stacks that do the same take turns, and
 * what is said is the median of small over pages, pair by pair, and the quartiles, since a busy machine is as slow for both of
 * a pair. Compiled with checks where the build can. Not a test: nothing here is judged.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gr.h"

enum { RUNS = 7, OPS = 2000000, PAIRS = 31 };

static gr_wg wg;
static volatile long sink;

static __attribute__((noinline)) double cpu_ns(void)
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

/* ---- pairs ----------------------------------------------------------------------------------------------------------- */

/* As code of another build has it: page stacks. */
int plain_gr_go(void (*fn)(void *), void *arg) __asm__("gr_go");
int plain_gr_go_with(const struct gr_attr *attr, void (*fn)(void *), void *arg) __asm__("gr_go_with");

static int fib_of, times, levels;
static double began, took;

/* Functions of their own: who calls the libc has room for it, and would not meet the edge. */
static __attribute__((noinline)) void start_clock(void)
{
	began = cpu_ns();
}

static __attribute__((noinline)) void stop_clock(void)
{
	took = cpu_ns() - began;
}

static __attribute__((noinline)) void fibs(void)
{
	start_clock();
	for (int i = 0; i < times; i++)
		sink += fib(fib_of);
	stop_clock();
}

static void fibs_at_once(void *arg)
{
	(void)arg;
	start_clock();
	for (int i = 0; i < times; i++)
		sink += fib(fib_of);
	stop_clock();
	gr_wg_done(&wg);
}

static __attribute__((noinline)) void below(int n)
{
	volatile int here = n;

	if (n)
		below(n - 1);
	else
		fibs();
	sink += here;
}

static void fibs_below(void *arg)
{
	(void)arg;
	below(levels);
	gr_wg_done(&wg);
}

/* A message that goes round, and Gs that do nothing: `levels` is how many there are. */
enum { RING_MAX = 1000, PASSES = 20000 };
static gr_chan *ring[RING_MAX];

static void pass_on(void *arg)
{
	size_t i = (size_t)(uintptr_t)arg, n = (size_t)levels;
	char c;

	for (size_t r = 0; r < PASSES / n; r++) {
		gr_chan_recv(ring[i], &c);
		if (i + 1 < n || r + 1 < PASSES / n)
			gr_chan_send(ring[(i + 1) % n], &c);
	}
	gr_wg_done(&wg);
}

static void do_nothing(void *arg)
{
	(void)arg;
	gr_wg_done(&wg);
}

static double run_ring(void (*fn)(void *), int is_small)
{
	char c = 0;

	gr_wg_add(&wg, levels);
	for (int i = 0; i < levels; i++)
		if (is_small ? gr_go(fn, (void *)(uintptr_t)i) : plain_gr_go(fn, (void *)(uintptr_t)i))
			exit(1);
	gr_yield(); /* they begin, and wait */
	start_clock();
	gr_chan_send(ring[0], &c);
	gr_wg_wait(&wg);
	stop_clock();
	return took;
}

static double run_spawn(void (*fn)(void *), int is_small)
{
	start_clock();
	for (int n = 0; n < PASSES / levels; n++) {
		gr_wg_add(&wg, levels);
		for (int i = 0; i < levels; i++)
			if (is_small ? gr_go(fn, NULL) : plain_gr_go(fn, NULL))
				exit(1);
		gr_wg_wait(&wg);
	}
	stop_clock();
	return took;
}

static double run_one(void (*fn)(void *), int is_small)
{
	const struct gr_attr large = {.stack_bytes = 1 << 20}; /* for what is far down */

	gr_wg_add(&wg, 1);
	if (is_small ? gr_go(fn, NULL) : levels ? plain_gr_go_with(&large, fn, NULL) : plain_gr_go(fn, NULL))
		exit(1);
	gr_wg_wait(&wg);
	return took;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

typedef double run_fn(void (*fn)(void *), int is_small);

/* The ratios of small to pages, in order. */
static void pairs(run_fn *run, void (*fn)(void *), double ratio[PAIRS])
{
	for (int i = 0; i < PAIRS; i++) {
		double small = i % 2 ? run(fn, 1) : 0, pages = run(fn, 0);

		if (!(i % 2))
			small = run(fn, 1);
		ratio[i] = small / pages;
	}
	qsort(ratio, PAIRS, sizeof(ratio[0]), by_size);
}

static void compare(const char *name, run_fn *run, void (*fn)(void *))
{
	double r[PAIRS];

	pairs(run, fn, r);
	printf("| %s | %.3f | %.3f to %.3f |\n", name, r[PAIRS / 2], r[PAIRS / 4], r[PAIRS * 3 / 4]);
}

/* fib where the first segment ends: whichever calls that is among. */
static void compare_depths(const char *name)
{
	double r[PAIRS], sum = 0, worst = 0;
	int n = 0;

	for (levels = 1780; levels < 1920; levels += 4, n++) {
		pairs(run_one, fibs_below, r);
		sum += r[PAIRS / 2];
		worst = r[PAIRS / 2] > worst ? r[PAIRS / 2] : worst;
	}
	levels = 0;
	printf("| %s | %.3f | the worst: %.3f |\n", name, sum / n, worst);
}

static void compare_all(void)
{
	static const struct {
		const char *name;
		int of, times;
	} fibs_of[] = {
		{"fib(30) in a G", 30, 1},
		{"fib(16) in a G, in a loop", 16, 100},
		{"fib(12) in a G, in a loop", 12, 500},
		{"fib(8) in a G, in a loop", 8, 3000},
		{"fib(4) in a G, in a loop", 4, 20000},
	};

	printf("\n| pairs: small stacks over page stacks | median | quartiles |\n|---|---|---|\n");
	for (size_t i = 0; i < sizeof(fibs_of) / sizeof(fibs_of[0]); i++) {
		fib_of = fibs_of[i].of;
		times = fibs_of[i].times;
		compare(fibs_of[i].name, run_one, fibs_at_once);
	}
	for (size_t i = 0; i < RING_MAX; i++)
		if (gr_chan_new(1, 0, &ring[i]))
			exit(1);
	levels = 2;
	compare("a message between two Gs, by unbuffered channels", run_ring, pass_on);
	levels = 100;
	compare("in a ring of 100", run_ring, pass_on);
	levels = RING_MAX;
	compare("in a ring of 1000", run_ring, pass_on);
	levels = 100;
	compare("spawn, run, end, 100 at a time", run_spawn, do_nothing);
	levels = 0;
	fib_of = 16;
	times = 200;
	compare_depths("fib(16) at 36 depths about the end of a segment: the mean");
	fib_of = 8;
	times = 6000;
	compare_depths("fib(8) there");
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
	compare_all();
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
