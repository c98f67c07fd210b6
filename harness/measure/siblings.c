/*
 * siblings.c - whether two "cores" are hardware threads of one.
 *
 * A hypervisor may present two hardware threads of a core as two cores, and nothing in the topology tells. It shows in
 * what they take from each other: arithmetic that keeps all of a core's units busy needs about as much CPU time when the
 * other core works too, and half as much again, or twice, when it is the same core's other thread.
 *
 * What is hard: other programs on the machine. So CPU time of the measuring thread is compared, not wall time (a
 * thread that waits for a CPU uses none), with the neighbour idle and busy in turn, and the middle of several ratios
 * is taken. Frequency that falls when two cores are busy moves the ratio by a few per cent, which is why the answer
 * between SURELY_CORES and SURELY_SIBLINGS is "cannot tell".
 *
 * Rejected: false sharing or the latency of a shared line (threads of one core have a fast one, but so have
 * neighbours below one cache); CPUID leaves (what the hypervisor invented).
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "harness/measure/measure.h"
#include "harness/measure/siblings.h"

enum {
	ROUNDS = 7, /* ratios; odd, for a middle one */
	CHAINS_STEPS = 400000, /* about 1 ms per measurement; arbitrary, above the scheduler's granularity of noise */
};

/* Six independent chains of additions, shifts and multiplications: more than a core's units can take at once. */
static uint64_t keep_units_busy(uint64_t steps)
{
	uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;

	for (uint64_t i = 0; i < steps; i++) {
		a = a * 3 + i;
		b = (b << 1) ^ i;
		c = c * 5 + i;
		d = (d + i) ^ (d >> 3);
		e = (e ^ i) + 7;
		f = (f << 3) - i;
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	}
	return a + b + c + d + e + f;
}

static int64_t thread_cpu_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t measure_once(void)
{
	int64_t start = thread_cpu_ns();
	volatile uint64_t sink = keep_units_busy(CHAINS_STEPS);

	(void)sink;
	return thread_cpu_ns() - start;
}

static int pin_self(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return -pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

struct neighbour {
	int cpu; /* immutable */
	int status; /* the thread's until `runs` is set */
	_Atomic bool runs, stop;
};

static void *be_busy(void *arg)
{
	struct neighbour *n = arg;

	n->status = pin_self(n->cpu);
	atomic_store_explicit(&n->runs, true, memory_order_release); /* pairs with the acquire in ratio_once */
	while (n->status == 0 && !atomic_load_explicit(&n->stop, memory_order_relaxed)) {
		volatile uint64_t sink = keep_units_busy(1000);

		(void)sink;
	}
	return NULL;
}

/* CPU time beside a busy neighbour over CPU time beside an idle one; < 0: a negative errno. */
static double ratio_once(int neighbour_cpu)
{
	struct neighbour n = {.cpu = neighbour_cpu};
	int64_t alone = measure_once(), beside;
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, be_busy, &n);

	if (rc != 0)
		return -rc;
	while (!atomic_load_explicit(&n.runs, memory_order_acquire))
		sched_yield();
	beside = n.status == 0 ? measure_once() : n.status;
	atomic_store_explicit(&n.stop, true, memory_order_relaxed);
	pthread_join(thread, NULL);
	if (beside < 0)
		return (double)beside;
	return alone > 0 ? (double)beside / (double)alone : -EINVAL;
}

struct probe {
	int cpu, neighbour;
	double ratio; /* the middle one; < 0: a negative errno */
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* In a thread of its own, because it pins itself. */
static void *probe(void *arg)
{
	struct probe *p = arg;
	double ratios[ROUNDS];
	int rc = pin_self(p->cpu);

	p->ratio = rc;
	if (rc < 0)
		return NULL;
	for (int i = 0; i < ROUNDS; i++) {
		ratios[i] = ratio_once(p->neighbour);
		if (ratios[i] < 0) {
			p->ratio = ratios[i];
			return NULL;
		}
	}
	qsort(ratios, ROUNDS, sizeof *ratios, by_value);
	p->ratio = ratios[ROUNDS / 2];
	return NULL;
}

enum siblings siblings_judge(double ratio)
{
	if (!(ratio > 0))
		return SIBLINGS_UNKNOWN;
	return ratio < SURELY_CORES ? SIBLINGS_NO : ratio > SURELY_SIBLINGS ? SIBLINGS_YES : SIBLINGS_UNKNOWN;
}

double siblings_ratio(int cpu, int neighbour)
{
	struct probe p = {.cpu = cpu, .neighbour = neighbour};
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, probe, &p);

	if (rc != 0)
		return -rc;
	pthread_join(thread, NULL);
	return p.ratio;
}

/* Two CPUs that the topology calls cores; false: there are none. On a made-up topology there is nothing to run on. */
static bool find_cores(const struct topology *t, int *first, int *second)
{
	static const enum placement apart[] = {PLACE_CROSS, PLACE_CACHE};
	struct placed two;

	*first = *second = -1;
	if (!topology_is_real(t) || (topology_place(t, apart[0], 2, false, &two, NULL) < 0 &&
				     topology_place(t, apart[1], 2, false, &two, NULL) < 0))
		return false;
	for (int cpu = 0; cpu < CPU_SETSIZE && *second < 0; cpu++)
		if (CPU_ISSET(cpu, &two.subject)) {
			*second = *first < 0 ? -1 : cpu;
			*first = *first < 0 ? cpu : *first;
		}
	return *second >= 0;
}

json_t *topology_probe(const struct topology *t)
{
	int first, second;
	enum siblings judged;
	double ratio;

	if (!find_cores(t, &first, &second))
		return json_pack("{s:[], s:n, s:n, s:s}", "cpus", "ratio", "siblings", "why",
				 "there are no two cores to compare");
	ratio = siblings_ratio(first, second);
	judged = siblings_judge(ratio);
	return json_pack("{s:[i, i], s:o, s:o, s:s?}", "cpus", first, second, "ratio",
			 ratio > 0 ? json_real(ratio) : json_null(), "siblings",
			 judged == SIBLINGS_UNKNOWN ? json_null() : json_boolean(judged == SIBLINGS_YES), "why",
			 judged == SIBLINGS_UNKNOWN
				 ? "the probe's result lies between that of cores and that of threads of one"
				 : NULL);
}
