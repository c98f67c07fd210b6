/*
 * preempt.c - how late those are that wait for time or I/O while every P computes, and what stopping a G costs.
 *
 *	gr-preempt [Ps [hogs]]		hogs: Gs that compute in marked code for ever, by default one per P
 *
 * Delays: of a G that sleeps for 1 ms again and again, after the time that it asked for; and of one that reads from a pipe
 * into which a thread that is no M writes the time, at random intervals of 1 to 5 ms. With preemption, without it, and
 * (what the machine does by itself) without hogs.
 *
 * Cost: two hogs on one P, with the shortest slice, against the same without preemption. How much more CPU time their
 * thread takes, per preemption: the signal, the switch to the scheduler, the next G, and the way back.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "gr.h"

enum { SAMPLES = 1000, ROUND = 1 << 16, COST_ROUNDS = 4000 };

static _Atomic int over;
static volatile uint64_t sink;
static int64_t delays[SAMPLES];
static int fds[2];
static gr_wg wg;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Nothing but registers. */
GR_PREEMPTIBLE static uint64_t churn(uint64_t x, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	return x;
}

GR_PREEMPTIBLE static void compute_until_over(void *arg)
{
	uint64_t x = (uintptr_t)arg;

	while (!atomic_load_explicit(&over, memory_order_relaxed))
		x = churn(x, ROUND);
	sink = x;
	gr_wg_done(&wg);
}

static void sleeper(void *arg)
{
	(void)arg;
	for (int i = 0; i < SAMPLES; i++) {
		int64_t due = now_ns() + 1000000;

		gr_sleep_ns(1000000);
		delays[i] = now_ns() - due;
	}
	atomic_store(&over, 1);
}

static void *writer(void *arg)
{
	unsigned seed = 1;
	int64_t t;

	(void)arg;
	for (int i = 0; i < SAMPLES; i++) {
		struct timespec nap = {0, 1000000 + rand_r(&seed) % 4000000};

		nanosleep(&nap, NULL);
		t = now_ns();
		if (write(fds[1], &t, sizeof(t)) != sizeof(t))
			abort();
	}
	return NULL;
}

static void reader(void *arg)
{
	gr_sock *s;
	int64_t t;

	(void)arg;
	if (gr_sock_adopt(fds[0], &s))
		abort();
	for (int i = 0; i < SAMPLES; i++) {
		if (gr_sock_read(s, &t, sizeof(t)) != sizeof(t))
			abort();
		delays[i] = now_ns() - t;
	}
	gr_sock_close(s);
	atomic_store(&over, 1);
}

struct plan {
	unsigned hogs;
	void (*victim)(void *);
};

static void root(void *arg)
{
	const struct plan *plan = arg;

	for (unsigned i = 0; i < plan->hogs; i++) {
		gr_wg_add(&wg, 1);
		if (gr_go(compute_until_over, (void *)(uintptr_t)i))
			abort();
	}
	plan->victim(NULL);
	gr_wg_wait(&wg);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void delay(const char *what, unsigned procs, const char *knobs, struct plan plan)
{
	const struct gr_config config = {.procs = procs, .knobs = knobs};
	struct gr_stats stats;
	pthread_t thread;
	bool io = plan.victim == reader;

	atomic_store(&over, 0);
	if (gr_start(&config) || (io && (pipe(fds) || pthread_create(&thread, NULL, writer, NULL))))
		abort();
	gr_run(root, &plan);
	gr_stats_read(&stats);
	gr_stop();
	if (io) {
		pthread_join(thread, NULL);
		close(fds[1]);
	}
	qsort(delays, SAMPLES, sizeof(delays[0]), by_value);
	printf("%-34s p50 %7.1f us   p90 %7.1f us   p99 %8.1f us   max %8.1f us   %llu preemptions\n", what,
	       (double)delays[SAMPLES / 2] / 1e3, (double)delays[SAMPLES * 9 / 10] / 1e3,
	       (double)delays[SAMPLES * 99 / 100] / 1e3, (double)delays[SAMPLES - 1] / 1e3,
	       (unsigned long long)stats.preemptions);
	fflush(stdout);
}

GR_PREEMPTIBLE static void fixed_work(void *arg)
{
	uint64_t x = (uintptr_t)arg;

	for (unsigned i = 0; i < COST_ROUNDS; i++)
		x = churn(x, ROUND);
	sink = x;
	gr_wg_done(&wg);
}

static double work_cpu_ns;

/* With one P, and nothing that blocks, all this is on one thread. */
static void work_of_two(void *arg)
{
	struct timespec a, b;

	(void)arg;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	for (uintptr_t i = 0; i < 2; i++) {
		gr_wg_add(&wg, 1);
		if (gr_go(fixed_work, (void *)i))
			abort();
	}
	gr_wg_wait(&wg);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	work_cpu_ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
}

/* CPU time of the work. */
static double work(const char *knobs, uint64_t *preemptions)
{
	const struct gr_config config = {.procs = 1, .knobs = knobs};
	struct gr_stats stats;

	if (gr_start(&config))
		abort();
	gr_run(work_of_two, NULL);
	gr_stats_read(&stats);
	gr_stop();
	*preemptions = stats.preemptions;
	return work_cpu_ns;
}

static void cost(void)
{
	enum { TRIES = 7 };
	double alone = 1e18, each[TRIES];
	uint64_t n[TRIES], none;

	for (int i = 0; i < TRIES; i++) {
		double without = work("preempt=0", &none);

		each[i] = work("slice_us=1", &n[i]);
		alone = without < alone ? without : alone;
	}
	printf("cost of a preemption, us:");
	for (int i = 0; i < TRIES; i++)
		printf(" %.1f", n[i] ? (each[i] - alone) / (double)n[i] / 1e3 : 0);
	printf(" (%llu in the last)\n", (unsigned long long)n[TRIES - 1]);
}

int main(int argc, char **argv)
{
	unsigned procs = argc > 1 ? (unsigned)atoi(argv[1]) : 2, hogs = argc > 2 ? (unsigned)atoi(argv[2]) : procs;

	delay("1 ms sleep, no hogs", procs, NULL, (struct plan){0, sleeper});
	delay("1 ms sleep, hogs", procs, NULL, (struct plan){hogs, sleeper});
	delay("pipe, no hogs", procs, NULL, (struct plan){0, reader});
	delay("pipe, hogs", procs, NULL, (struct plan){hogs, reader});
	cost();
	return 0;
}
