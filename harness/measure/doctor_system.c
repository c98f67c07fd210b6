/*
 * doctor_system.c - limits, the network's settings, and the tools that reports and tests want.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/measure/doctor.h"
#include "harness/measure/internal.h"
#include "harness/measure/sysfile.h"

/* What the largest cells of the plans need. */
enum {
	NEED_PORTS = 20000, /* 10,000 connections, and those in TIME_WAIT of the sample before */
	NEED_WAITING = 32768, /* sockets in TIME_WAIT */
	NEED_BACKLOG = 1024, /* connections that come at once */
	WAITING_NOW = 20000,
};
#define NEED_LOCKED (INT64_C(8) << 20) /* what the kernel gives since 5.16; rings counted against it until 5.12 */
#define LARGE_STACK (INT64_C(64) << 20)

/* ---- limits -------------------------------------------------------------------------------------------- */

static void limit_text(char *buf, size_t size, rlim_t value)
{
	if (value == RLIM_INFINITY)
		snprintf(buf, size, "unlimited");
	else
		snprintf(buf, size, "%ju", (uintmax_t)value);
}

void finding_undo_limit(struct finding *f, const char *prlimit_name, const struct rlimit *now)
{
	char soft[32], hard[32];

	limit_text(soft, sizeof soft, now->rlim_cur);
	limit_text(hard, sizeof hard, now->rlim_max);
	UNDO(f, "prlimit --pid $$ --%s=%s:%s", prlimit_name, soft, hard);
}

static void check_processes(const struct doctor *d, struct finding *f)
{
	struct rlimit limit;

	(void)d;
	if (getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur >= NEED_TASKS) {
		TEXT(f, "enough threads per user");
		return;
	}
	f->severity = geteuid() == 0 ? "ok" : "note";
	TEXT(f, "%ju threads per user%s", (uintmax_t)limit.rlim_cur,
	     geteuid() == 0 ? ", which root is not bound by" : ": cells with 32,000 threads stop there");
	if (geteuid() == 0)
		return;
	FIX(f, "sudo prlimit --pid $$ --nproc=131072:131072");
	finding_undo_limit(f, "nproc", &limit);
}

static void check_locked(const struct doctor *d, struct finding *f)
{
	struct rlimit limit;

	(void)d;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur >= NEED_LOCKED) {
		TEXT(f, "enough memory may be locked");
		return;
	}
	f->severity = "note";
	TEXT(f, "%ju KiB may be locked: rings of io_uring (before Linux 5.12) and buffers of perf count against it",
	     (uintmax_t)limit.rlim_cur >> 10);
	FIX(f, "sudo prlimit --pid $$ --memlock=%" PRId64 ":%" PRId64, NEED_LOCKED, NEED_LOCKED);
	finding_undo_limit(f, "memlock", &limit);
}

static void check_stack(const struct doctor *d, struct finding *f)
{
	struct rlimit limit;
	char text[32];

	(void)d;
	if (getrlimit(RLIMIT_STACK, &limit) != 0 ||
	    (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur <= LARGE_STACK)) {
		TEXT(f, "stacks of threads have a usual size");
		return;
	}
	limit_text(text, sizeof text, limit.rlim_cur);
	f->severity = "note";
	TEXT(f, "ulimit -s is %s: it is the size of every thread's stack that asks for none (unlimited: 2 MiB)", text);
	FIX(f, "ulimit -Ss 8192");
	finding_undo_limit(f, "stack", &limit);
}

static void check_memory_limit(const struct doctor *d, struct finding *f)
{
	char *meminfo = sysfile_all("/proc/meminfo", NULL), where[512];
	int64_t total = INT64_MAX, limit;

	(void)d;
	if (meminfo)
		(void)sysfile_field(meminfo, "MemTotal:", &total);
	free(meminfo);
	if (!machine_memory_limit(&limit, where, sizeof where) || limit >= total) {
		TEXT(f, "no cgroup limits memory below what there is");
		return;
	}
	f->severity = limit < (INT64_C(2) << 30) ? "warn" : "note";
	TEXT(f,
	     "a cgroup allows %" PRId64 " MiB (%.200s): cells with many tasks are killed there, and file pages count",
	     limit >> 20, where);
	FIX(f, "echo %s | sudo tee %.240s", strstr(where, "memory.max") ? "max" : "-1", where);
	UNDO(f, "echo %" PRId64 " | sudo tee %.240s", limit, where);
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static void check_ksm(const struct doctor *d, struct finding *f)
{
	int64_t run;

	(void)d;
	if (sysfile_int("/sys/kernel/mm/ksm/run", &run) != 0 || run != 1) {
		TEXT(f, "equal pages are not merged");
		return;
	}
	f->severity = "note";
	TEXT(f, "KSM merges equal pages while they are counted, and its thread takes CPU time");
	FIX(f, "echo 0 | sudo tee /sys/kernel/mm/ksm/run");
	UNDO(f, "echo %" PRId64 " | sudo tee /sys/kernel/mm/ksm/run", run);
}

/* ---- network ------------------------------------------------------------------------------------------- */

static void check_ports(const struct doctor *d, struct finding *f)
{
	char text[64];
	long low, high;

	(void)d;
	if (sysfile_text("/proc/sys/net/ipv4/ip_local_port_range", text, sizeof text) <= 0 ||
	    sscanf(text, "%ld %ld", &low, &high) != 2) {
		TEXT(f, "the range of ports cannot be read");
	} else if (high - low >= NEED_PORTS) {
		TEXT(f, "ports %ld to %ld for clients", low, high);
	} else {
		f->severity = "note";
		TEXT(f, "ports %ld to %ld for clients: net/churn may run out of them between two samples", low, high);
		FIX(f, "sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'");
		UNDO(f, "sudo sysctl -w net.ipv4.ip_local_port_range='%ld %ld'", low, high);
	}
}

static void check_time_wait(const struct doctor *d, struct finding *f)
{
	char *sockstat = sysfile_all("/proc/net/sockstat", NULL), *at = sockstat ? strstr(sockstat, " tw ") : NULL;
	long now = at ? strtol(at + 4, NULL, 10) : 0;
	int64_t most;

	(void)d;
	free(sockstat);
	if (now > WAITING_NOW) {
		f->severity = "warn";
		TEXT(f, "%ld sockets are in TIME_WAIT: new connections may find no port", now);
		FIX(f, "sleep 60");
		UNDO(f, "none");
	} else if (sysfile_int("/proc/sys/net/ipv4/tcp_max_tw_buckets", &most) == 0 && most < NEED_WAITING) {
		f->severity = "note";
		TEXT(f,
		     "at most %" PRId64
		     " sockets in TIME_WAIT: beyond that net/churn's are cut short, which is less work",
		     most);
		finding_sysctl(f, "net.ipv4.tcp_max_tw_buckets", 262144, most);
	} else {
		TEXT(f, "%ld sockets in TIME_WAIT", now);
	}
}

static void check_backlog(const struct doctor *d, struct finding *f)
{
	int64_t most;

	(void)d;
	if (sysfile_int("/proc/sys/net/core/somaxconn", &most) != 0) {
		TEXT(f, "net.core.somaxconn cannot be read");
	} else if (most >= NEED_BACKLOG) {
		TEXT(f, "net.core.somaxconn %" PRId64, most);
	} else {
		f->severity = "note";
		TEXT(f,
		     "net.core.somaxconn %" PRId64
		     ": of many connections at once some are refused, and tried again after a second",
		     most);
		finding_sysctl(f, "net.core.somaxconn", 4096, most);
	}
}

/* ---- what can be seen ------------------------------------------------------------------------------------ */

static void check_kptr(const struct doctor *d, struct finding *f)
{
	int64_t level;

	(void)d;
	if (sysfile_int("/proc/sys/kernel/kptr_restrict", &level) != 0 || level == 0 ||
	    (level == 1 && geteuid() == 0)) {
		TEXT(f, "addresses of the kernel can be named");
		return;
	}
	f->severity = "note";
	TEXT(f, "kptr_restrict %" PRId64 ": perf cannot name functions of the kernel", level);
	finding_sysctl(f, "kernel.kptr_restrict", 0, level);
}

static void check_tracefs(const struct doctor *d, struct finding *f)
{
	static const char dir[] = "/sys/kernel/tracing";
	char path[512];
	int64_t id;
	struct stat st;

	(void)d;
	snprintf(path, sizeof path, "%s/events/sched/sched_switch/id", dir);
	if (sysfile_int(path, &id) == 0) {
		TEXT(f, "tracepoints can be counted");
		return;
	}
	f->severity = "note";
	if (sysfile_stat(dir, &st) != 0) {
		TEXT(f, "the kernel has no tracefs: --events cannot count tracepoints");
		return;
	}
	if (geteuid() == 0 || (st.st_mode & 0005) == 0005) {
		TEXT(f, "tracefs is not mounted: --events cannot count tracepoints");
		FIX(f, "sudo mount -t tracefs nodev %s", dir);
		UNDO(f, "sudo umount %s", dir);
	} else {
		TEXT(f, "tracefs is root's: --events cannot count tracepoints");
		FIX(f, "sudo mount -o remount,mode=755 %s", dir);
		UNDO(f, "sudo mount -o remount,mode=%o %s", (unsigned)st.st_mode & 0777, dir);
	}
}

static void check_tool(struct finding *f, const char *program, const char *package, const char *without)
{
	char path[4096];

	if (machine_program(program, path, sizeof path)) {
		TEXT(f, "%s is installed", program);
		return;
	}
	f->severity = "note";
	TEXT(f, "%s is not installed: %s", program, without);
	FIX(f, "sudo apt-get install -y %s", package);
	UNDO(f, "sudo apt-get remove -y %s", package);
}

static void check_gnuplot(const struct doctor *d, struct finding *f)
{
	(void)d;
	check_tool(f, "gnuplot", "gnuplot-nox", "reports have no figures");
}

static void check_valgrind(const struct doctor *d, struct finding *f)
{
	(void)d;
	check_tool(f, "valgrind", "valgrind",
		   "tests that run under it are skipped, and run --simulate-cache is refused");
}

const struct check doctor_system_checks[] = {
	{"processes", check_processes},       {"locked", check_locked},   {"stack", check_stack},
	{"memory-limit", check_memory_limit}, {"ksm", check_ksm},         {"ports", check_ports},
	{"time-wait", check_time_wait},       {"backlog", check_backlog}, {"kptr", check_kptr},
	{"tracefs", check_tracefs},           {"gnuplot", check_gnuplot}, {"valgrind", check_valgrind},
};
const size_t doctor_n_system_checks = sizeof doctor_system_checks / sizeof *doctor_system_checks;
