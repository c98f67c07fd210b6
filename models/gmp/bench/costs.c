/*
 * costs.c - what the paths of the runtime cost, in ns, by themselves: the table in HACKING.md.
 *
 *	build/release/gr-costs [Ps]
 *
 * The minimum of many short runs: what the path costs when nobody disturbs it. To be compared with each other and with
 * the same build's neighbours, not with other machines; comparisons with other runtimes are made by the suite
 * (switchyard run --subjects gmp,go). Not a test: nothing here is judged.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gr.h"

enum { RUNS = 40, OPS = 50000 };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Run `path` for OPS operations, RUNS times. */
static void measure(const char *name, void (*path)(void), double per_op)
{
	double best = 1e18;

	for (int i = 0; i < RUNS; i++) {
		double began = now_ns(), ns;

		path();
		ns = (now_ns() - began) / OPS / per_op;
		best = ns < best ? ns : best;
	}
	printf("| %s | %.1f |\n", name, best);
}

/* ---- yields -------------------------------------------------------------------------------------------------- */

static _Atomic int stop;

/* One place to yield from, for all: the way back is then always predicted. */
static __attribute__((noinline)) void yield_many(long n)
{
	for (long i = 0; i < n; i++)
		gr_yield();
}

static void yields(void)
{
	yield_many(OPS);
}

static void yields_elsewhere(void)
{
	for (long i = 0; i < OPS; i++)
		gr_yield();
}

static void yield_along(void *arg)
{
	(void)arg;
	while (!stop)
		yield_many(100);
}

static void with_partners(const char *name, int partners, void (*path)(void), double per_op)
{
	stop = 0;
	for (int i = 0; i < partners; i++)
		gr_go(yield_along, NULL);
	yield_many(200);
	measure(name, path, per_op);
	stop = 1;
	while (gr_count() > 1)
		gr_yield();
}

/* ---- spawning ------------------------------------------------------------------------------------------------- */

static _Atomic uint32_t done; /* a semaphore */
static long batch;

static void end_at_once(void *arg)
{
	(void)arg;
	gr_sema_release(&done);
}

static void spawn_batches(void)
{
	for (long i = 0; i < OPS; i += batch) {
		for (long k = 0; k < batch; k++)
			gr_go(end_at_once, NULL);
		for (long k = 0; k < batch; k++)
			gr_sema_acquire(&done);
	}
}

/* ---- channels, locks, calls ------------------------------------------------------------------------------------ */

static gr_chan *there, *back, *loose;
static gr_mutex mutex;

static void echo(void *arg)
{
	uint64_t v;

	(void)arg;
	while (gr_chan_recv(there, &v))
		gr_chan_send(back, &v);
}

static void round_trips(void)
{
	for (uint64_t i = 0; i < OPS; i++) {
		gr_chan_send(there, &i);
		gr_chan_recv(back, &i);
	}
}

static void buffered(void)
{
	for (uint64_t i = 0; i < OPS; i++) {
		gr_chan_send(loose, &i);
		gr_chan_recv(loose, &i);
	}
}

static void locks(void)
{
	for (long i = 0; i < OPS; i++) {
		gr_mutex_lock(&mutex);
		gr_mutex_unlock(&mutex);
	}
}

static void brackets(void)
{
	for (long i = 0; i < OPS; i++) {
		gr_syscall_enter();
		gr_syscall_exit();
	}
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

static gr_sock *near, *far;
static bool sets_deadlines;

static void deadlines(void)
{
	for (long i = 0; i < OPS; i++)
		gr_sock_set_deadline(far, GR_SOCK_READ, 30000000000);
}

/* Nearly all of it is the kernel's. */
static void requests(void)
{
	char c = 'x';

	for (long i = 0; i < OPS; i++) {
		gr_sock_write(near, &c, 1);
		if (sets_deadlines)
			gr_sock_set_deadline(far, GR_SOCK_READ, 30000000000);
		gr_sock_read(far, &c, 1);
	}
}

static void descriptors(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) || gr_sock_adopt(fds[0], &near) ||
	    gr_sock_adopt(fds[1], &far))
		exit(1);
	measure("a deadline half a minute from now, again and again", deadlines, 1);
	measure("write and read of one byte, which is there", requests, 1);
	sets_deadlines = true;
	measure("the same with a deadline set before the read", requests, 1);
	gr_sock_close(near);
	gr_sock_close(far);
}

static void all(void *arg)
{
	(void)arg;
	printf("| path, %u P%s | ns |\n|---|---|\n", gr_procs(), gr_procs() > 1 ? "s" : "");
	measure("yield, nobody else runnable", yields, 1);
	with_partners("yield, two Gs that yield at the same place", 1, yields, 2);
	with_partners("yield, two Gs that yield at different places", 1, yields_elsewhere, 2);
	with_partners("yield, 101 Gs in turn", 100, yields, 101);
	batch = 1;
	measure("spawn, run, end, join: one at a time", spawn_batches, 1);
	batch = 1000;
	measure("the same in batches of 1000", spawn_batches, 1);
	if (gr_chan_new(sizeof(uint64_t), 0, &there) || gr_chan_new(sizeof(uint64_t), 0, &back) ||
	    gr_chan_new(sizeof(uint64_t), 16, &loose))
		exit(1);
	gr_go(echo, NULL);
	measure("unbuffered channel, there and back", round_trips, 1);
	gr_chan_close(there);
	measure("buffered channel, send and receive without waiting", buffered, 1);
	measure("mutex, lock and unlock alone", locks, 1);
	measure("`gr_syscall_enter` + `gr_syscall_exit`", brackets, 1);
	descriptors();
}

int main(int argc, char **argv)
{
	struct gr_config config = {.procs = argc > 1 ? (unsigned)atoi(argv[1]) : 1};

	if (gr_start(&config)) {
		fprintf(stderr, "usage: gr-costs [Ps]\n");
		return 2;
	}
	gr_run(all, NULL);
	gr_stop();
	return 0;
}
