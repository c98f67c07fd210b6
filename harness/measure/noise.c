/*
 * noise.c - how much of the measured CPUs others used.
 *
 * A subject that keeps its CPUs busy is not noise, and a subject that waits does not make noise either: what counts
 * is the time that went to nobody of ours. /proc/stat tells per CPU how long it was busy; from that the caller's own
 * CPU time is taken away; what the hypervisor took (steal) is added.
 *
 * What is hard is the resolution. /proc/stat has ticks of 10 ms, each of its columns is cut down to whole ticks, and
 * without full accounting the kernel guesses who was running by looking at each timer tick: a CPU that is busy half
 * of the time is found busy in about half of the looks. So a rate is only called contaminated for what is left above
 * an allowance (I2).
 *
 *   I1  foreign = busy - own + steal, recorded as it comes out, even when the resolution makes it negative.
 *   I2  allowance per CPU = one tick of /proc/stat, and two standard deviations of the sampling: looks at every
 *       LOOK_NS find a CPU busy with probability p, so busy time is off by sqrt(wall x LOOK_NS x p x (1 - p)). It is
 *       largest for p = 1/2 and nothing for CPUs that are idle or fully used.
 *
 * Rejected: judging by run_delay alone, involuntary switches or PSI (subjects with more threads than CPUs do that to
 * themselves; where they cannot, run_delay is judged too, in harness/plan/sample_record.c), by load average (minutes), by
 * the spins (they show frequency, and only before and after), and /proc/schedstat and the v1 cgroup's per-CPU clocks, which are exact but seldom there.
 */
#include "harness/measure/measure.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/measure/internal.h"
#include "harness/measure/sysfile.h"

#define MOST_NS (UINT64_C(1) << 60) /* 36 years: no column of /proc/stat has counted more */
#define MOST_BETWEEN INT64_C(1000000000000000) /* 11 days: no two readings are further apart */
#define LOOK_NS 4e6 /* the usual CONFIG_HZ=250; a kernel with 1000 is judged a little too mildly */

enum {
	MAX_THREADS = 256, /* more make reading run_delay itself a load; measure.h */
	SPIN_STEPS = 700000, /* dependent multiply-adds of about 4 cycles: 1 ms at 3 GHz */
};

static int64_t tick_ns(void)
{
	long hz = sysconf(_SC_CLK_TCK);

	return 1000000000 / (hz > 0 ? hz : 100);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* "cpu3 user nice system idle iowait irq softirq steal guest guest_nice"; guest time is in user already. */
static void parse_cpu_line(const char *line, int64_t tick, struct noise_point *p)
{
	unsigned long long v[8] = {0};
	unsigned cpu;

	/* Columns after the fourth came with time: what is absent is 0. */
	if (sscanf(line, "cpu%u %llu %llu %llu %llu %llu %llu %llu %llu", &cpu, &v[0], &v[1], &v[2], &v[3], &v[4],
		   &v[5], &v[6], &v[7]) < 5)
		return;
	if (cpu >= sizeof p->busy_ns / sizeof *p->busy_ns)
		return;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		if (v[i] > MOST_NS / (uint64_t)tick)
			return;
	p->busy_ns[cpu] = (int64_t)(v[0] + v[1] + v[2] + v[5] + v[6]) * tick;
	p->steal_ns[cpu] = (int64_t)v[7] * tick;
}

void noise_parse_stat(const char *text, int64_t tick, struct noise_point *p)
{
	for (const char *line = text; line && strncmp(line, "cpu", 3) == 0;) {
		if (isdigit((unsigned char)line[3]))
			parse_cpu_line(line, tick, p);
		line = strchr(line, '\n');
		if (line)
			line++;
	}
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=123": microseconds in which some task waited for a CPU. */
static int64_t read_psi_us(void)
{
	char text[256], *total;
	int64_t value;

	if (sysfile_text("/proc/pressure/cpu", text, sizeof text) < 0)
		return -1;
	total = strncmp(text, "some ", 5) == 0 ? strstr(text, "total=") : NULL;
	value = total ? strtoll(total + 6, NULL, 10) : -1;
	return value >= 0 ? value : -1;
}

void noise_read(struct noise_point *p)
{
	double load;
	char *stat;

	memset(p, 0, sizeof *p);
	/* Stamped between the readings: half of the time that they take goes to each side. */
	stat = sysfile_all("/proc/stat", NULL);
	p->mono_ns = (int64_t)clock_now_ns();
	if (stat)
		noise_parse_stat(stat, tick_ns(), p);
	free(stat);
	p->psi_some_us = read_psi_us();
	p->loadavg1 = getloadavg(&load, 1) == 1 ? load : -1;
}

/* ---- judging ------------------------------------------------------------------------------------------- */

/* Of counters of the kernel's, which start anew when a CPU has been away. */
static int64_t between(int64_t from, int64_t to)
{
	int64_t d = to - from;

	return d > MOST_BETWEEN ? MOST_BETWEEN : d < -MOST_BETWEEN ? -MOST_BETWEEN : d;
}

static double allowance_ns(double wall_ns, double own_ns, int cpus)
{
	double p = own_ns / (wall_ns * cpus);

	p = p < 0 ? 0 : p > 1 ? 1 : p;
	return cpus * (double)tick_ns() + 2 * sqrt(wall_ns * LOOK_NS * p * (1 - p) * cpus);
}

json_t *noise_judge(const struct noise_point *a, const struct noise_point *b, const cpu_set_t *cpus, int64_t own_ns,
		    double limit)
{
	int64_t wall_ns = b->mono_ns - a->mono_ns, busy_ns = 0, steal_ns = 0, foreign_ns;
	double capacity_ns, rate = 0, allowed = 0;
	json_t *reasons = json_array();
	bool is_contaminated = false;
	char text[160];
	int n = 0;

	for (size_t cpu = 0; cpu < sizeof a->busy_ns / sizeof *a->busy_ns; cpu++) {
		if (!CPU_ISSET(cpu, cpus))
			continue;
		n++;
		busy_ns += between(a->busy_ns[cpu], b->busy_ns[cpu]);
		steal_ns += between(a->steal_ns[cpu], b->steal_ns[cpu]);
	}
	foreign_ns = busy_ns - own_ns + steal_ns; /* I1 */
	capacity_ns = (double)wall_ns * n;
	if (capacity_ns > 0) {
		rate = (double)foreign_ns / capacity_ns;
		allowed = allowance_ns((double)wall_ns, (double)own_ns, n);
		is_contaminated = ((double)foreign_ns - allowed) / capacity_ns > limit; /* I2 */
	}
	if (is_contaminated) {
		snprintf(text, sizeof text, "others used %.1f %% of the cell's CPUs (limit %.1f %%)", rate * 100,
			 limit * 100);
		json_array_append_new(reasons, json_string(text));
	}
	if (is_contaminated && (double)steal_ns > limit * capacity_ns) {
		snprintf(text, sizeof text, "the hypervisor took %" PRId64 " ms", steal_ns / 1000000);
		json_array_append_new(reasons, json_string(text));
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:o, s:o, s:s, s:o}", "wall_ns", (json_int_t)wall_ns,
			 "busy_ns", (json_int_t)busy_ns, "own_ns", (json_int_t)own_ns, "steal_ns", (json_int_t)steal_ns,
			 "foreign_ns", (json_int_t)foreign_ns, "rate", rate, "limit", limit, "allowance_ns",
			 (json_int_t)allowed, "psi_cpu_some_us",
			 a->psi_some_us >= 0 && b->psi_some_us >= 0 ? json_integer(b->psi_some_us - a->psi_some_us)
								    : json_null(),
			 "loadavg1", b->loadavg1 >= 0 ? json_real(b->loadavg1) : json_null(), "verdict",
			 is_contaminated ? "contaminated" : "clean", "reasons", reasons);
}

/* ---- the other witnesses ------------------------------------------------------------------------------- */

int64_t noise_spin(void)
{
	uint64_t x = 88172645463325252U;
	uint64_t start_ns = clock_now_ns();

	for (int i = 0; i < SPIN_STEPS; i++) {
		x = x * 6364136223846793005U + 1442695040888963407U;
		__asm__ volatile("" : "+r"(x)); /* the chain is kept, step by step */
	}
	return (int64_t)(clock_now_ns() - start_ns);
}

int64_t noise_waited_for_others_ns(int64_t delay_ns, int64_t left_ns)
{
	if (left_ns < 0)
		left_ns = 0;
	return delay_ns < left_ns ? delay_ns : left_ns;
}

int64_t noise_run_delay_ns(pid_t pid)
{
	char path[96], text[96];
	int64_t sum = -1;
	struct dirent *entry;
	unsigned threads = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = sysfile_opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		unsigned long long run_ns, wait_ns;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (++threads > MAX_THREADS) {
			sum = -1;
			break;
		}
		snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", (int)pid, entry->d_name);
		if (sysfile_text(path, text, sizeof text) < 0)
			continue; /* the thread has just ended */
		if (sscanf(text, "%llu %llu", &run_ns, &wait_ns) == 2 && wait_ns < MOST_NS / MAX_THREADS)
			sum = (sum < 0 ? 0 : sum) + (int64_t)wait_ns;
	}
	(void)closedir(dir);
	return sum;
}
