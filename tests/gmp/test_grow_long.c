/*
 * test_grow_long.c - stacks that grow, for ten minutes, and for a million and ten million Gs at once.
 *
 * SECONDS=20 is enough for a try. Memory is judged; times are printed, for whoever knows the machine. Skipped where stacks
 * do not grow, ten million where there is no memory for them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

#include "grow.h"
#include "grow_stress.h"

static gr_wg arrived, left;
static gr_chan *gate;
static uint64_t wanted, created;
static long before_kb, with_kb;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* A line of a file of /proc that begins with `name`, in kB. */
static long kb_of(const char *path, const char *name)
{
	char line[256];
	long kb = 0;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kb += strtol(line + strlen(name), NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

static long all_in_kb(void)
{
	return kb_of("/proc/self/status", "VmRSS:") + kb_of("/proc/self/status", "VmPTE:");
}

static void wait_at_gate(void *arg)
{
	char c;

	(void)arg;
	gr_wg_done(&arrived);
	gr_chan_recv(gate, &c);
	gr_wg_done(&left);
}

static void park_many(void *arg)
{
	double wall, cpu;

	(void)arg;
	before_kb = all_in_kb();
	wall = now_s();
	cpu = cpu_s();
	for (created = 0; created < wanted; created++) {
		gr_wg_add(&arrived, 1);
		gr_wg_add(&left, 1);
		if (gr_go(wait_at_gate, NULL)) {
			gr_wg_done(&arrived);
			gr_wg_done(&left);
			break;
		}
	}
	gr_wg_wait(&arrived);
	with_kb = all_in_kb() - before_kb;
	printf("%llu parked: %.0f B each all in, created and parked in %.0f ns each, %.0f ns of CPU time\n",
	       (unsigned long long)created, (double)with_kb * 1024 / (double)created,
	       (now_s() - wall) * 1e9 / (double)created, (cpu_s() - cpu) * 1e9 / (double)created);
	gr_chan_close(gate);
	gr_wg_wait(&left);
}

static void make_gate(void *arg)
{
	*(int *)arg = gr_chan_new(1, 0, &gate);
}

static void hold(uint64_t n)
{
	int err = 0;

	assert_int_equal(gr_start(NULL), 0);
	if (gr__grow_state()[0] != '1') {
		gr_stop();
		skip();
	}
	memset(&arrived, 0, sizeof(arrived));
	memset(&left, 0, sizeof(left));
	wanted = n;
	gr_run(make_gate, &err);
	assert_int_equal(err, 0);
	gr_run(park_many, NULL);
	gr_chan_free(gate);
	gr_stop();
	assert_int_equal(created, n);
	assert_true((double)with_kb * 1024 / (double)n <= 1228.8); /* 1.2 KB */
}

static void a_million(void **state)
{
	(void)state;
	hold(1000000);
}

static void ten_million(void **state)
{
	(void)state;
	if (kb_of("/proc/meminfo", "MemAvailable:") < 14L << 20) {
		printf("left out: 14 GB are not free\n");
		skip();
	}
	hold(10000000);
	assert_true(with_kb <= 13L << 20);
}

static double until_s;

static void live_on(void *arg)
{
	uint32_t seed = getenv("SEED") ? (uint32_t)atol(getenv("SEED")) : (uint32_t)time(NULL);

	(void)arg;
	printf("SEED=%u\n", seed);
	for (; now_s() < until_s; seed += 1000003)
		stress_lives(seed, 2000);
}

static void ten_minutes(void **state)
{
	double seconds = getenv("SECONDS") ? atof(getenv("SECONDS")) : 600;

	(void)state;
	for (unsigned procs = 1; procs <= 4; procs *= 2) {
		struct gr_config c = {.procs = procs};

		assert_int_equal(gr_start(&c), 0);
		if (gr__grow_state()[0] != '1') {
			gr_stop();
			skip();
		}
		until_s = now_s() + seconds / 3;
		gr_run(live_on, NULL);
		gr_stop();
		assert_int_equal(load_relaxed(&stress_errors), 0);
		printf("%u Ps: %llu parks so far\n", procs, (unsigned long long)load_relaxed(&stress_parks));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_million), /* first: before what else there is has been touched */
		cmocka_unit_test(a_million),
		cmocka_unit_test(ten_minutes),
	};

	return cmocka_run_group_tests_name("grow_long", tests, NULL, NULL);
}
