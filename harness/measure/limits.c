/*
 * limits.c - which limit a process is at that cannot have one task, mapping, descriptor or page more.
 *
 * An errno does not tell: EAGAIN of pthread_create(3) is RLIMIT_NPROC, threads-max, pid_max, a cgroup's pids.max, the number
 * of mappings or memory. So what is used now is held against each limit, while the process still has all that it got, and the
 * one that is used up is named; of several the fullest. Nothing is named when none is nearly used up: a wrong name would
 * send its reader to the wrong knob.
 *
 * "Used up" allows for what the refused request would have taken: a thread is one task but two mappings and a stack, an
 * allocator asks for more than is needed. That room is each limit's `slack`.
 *
 * Limits of cgroups above a container's own cannot be seen from inside it. The kernel's killer leaves no process to look
 * at; its own count of kills tells.
 */
#include "harness/measure/measure.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/internal.h"
#include "harness/measure/sysfile.h"

#define MIB (INT64_C(1) << 20)
#define RESERVED_PIDS 300 /* numbers that the kernel does not give out again once they have gone round */

/* How much of the address space is a program's, where that is known. */
#if defined(__x86_64__)
#define ADDRESS_SPACE (INT64_C(1) << 47)
#elif defined(__aarch64__)
#define ADDRESS_SPACE (INT64_C(1) << 48)
#else
#define ADDRESS_SPACE 0
#endif

/* The fullest limit so far that is used up. */
struct fullest {
	const char *name;
	char where[600];
	int64_t limit, used;
};

struct looking {
	pid_t pid;
	char *status, *limits, *meminfo; /* texts of files; NULL: not readable */
	struct fullest best;
};

/* One limit: used up when `used` and the slack reach it. What is unknown is below 0. */
static void consider(struct looking *l, const char *name, const char *where, int64_t used, int64_t limit, int64_t slack)
{
	struct fullest *best = &l->best;

	if (used < 0 || limit <= 0 || used + slack < limit)
		return;
	if (best->name && (double)used / (double)limit <= (double)best->used / (double)best->limit)
		return;
	*best = (struct fullest){.name = name, .used = used, .limit = limit};
	snprintf(best->where, sizeof best->where, "%s", where);
}

static int64_t field(const char *text, const char *key)
{
	int64_t value;

	return text && sysfile_field(text, key, &value) ? value : -1;
}

/* ---- one process's ------------------------------------------------------------------------------------- */

/* The soft limit of a line of /proc/<pid>/limits; -1: unlimited or unknown. */
static int64_t soft_limit(const struct looking *l, const char *name)
{
	const char *line = l->limits ? strstr(l->limits, name) : NULL;
	long long value;

	return line && sscanf(line + strlen(name), "%lld", &value) == 1 ? value : -1;
}

static int64_t count_entries(const char *path)
{
	struct dirent *entry;
	int64_t n = 0;
	DIR *dir;

	dir = sysfile_opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

static int64_t count_lines(const char *path)
{
	size_t len;
	char *text = sysfile_all(path, &len);
	int64_t n = 0;

	if (!text)
		return -1;
	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	free(text);
	return n;
}

static void look_at_process(struct looking *l)
{
	char path[64];
	int64_t limit;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)l->pid);
	consider(l, "RLIMIT_NOFILE", "ulimit -n", count_entries(path), soft_limit(l, "Max open files"), 2);
	snprintf(path, sizeof path, "/proc/%d/maps", (int)l->pid);
	if (sysfile_int("/proc/sys/vm/max_map_count", &limit) == 0)
		consider(l, "vm.max_map_count", "/proc/sys/vm/max_map_count", count_lines(path), limit, limit / 64 + 4);
	limit = soft_limit(l, "Max address space");
	consider(l, "RLIMIT_AS", "ulimit -v", field(l->status, "VmSize:"), limit, limit / 20 + 16 * MIB);
	limit = soft_limit(l, "Max data size");
	consider(l, "RLIMIT_DATA", "ulimit -d", field(l->status, "VmData:"), limit, limit / 20 + 16 * MIB);
	consider(l, "address space", "the processor", field(l->status, "VmSize:"), ADDRESS_SPACE, ADDRESS_SPACE / 20);
}

/* ---- tasks --------------------------------------------------------------------------------------------- */

/* Threads of all processes with that real user. */
static int64_t count_tasks_of(int64_t uid)
{
	struct dirent *entry;
	int64_t n = 0;
	DIR *dir;

	dir = sysfile_opendir("/proc");
	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		char path[300];
		char *status;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof path, "/proc/%.255s/status", entry->d_name);
		status = sysfile_all(path, NULL);
		if (field(status, "Uid:") == uid)
			n += field(status, "Threads:") > 0 ? field(status, "Threads:") : 1;
		free(status);
	}
	(void)closedir(dir);
	return n;
}

/* RLIMIT_NPROC does not bind root, nor whoever may administer. */
static bool is_above_nproc(const struct looking *l)
{
	const char *line = l->status ? strstr(l->status, "CapEff:") : NULL;
	unsigned long long caps = 0;

	if (field(l->status, "Uid:") == 0)
		return true;
	return line && sscanf(line, "CapEff: %llx", &caps) == 1 && (caps >> 21 & 1 || caps >> 24 & 1);
}

static void visit_pids(const char *dir, void *arg)
{
	struct looking *l = arg;
	char path[1100];
	int64_t limit, used;

	snprintf(path, sizeof path, "%s/pids.current", dir);
	if (sysfile_int(path, &used) != 0)
		return;
	snprintf(path, sizeof path, "%s/pids.max", dir);
	if (sysfile_int(path, &limit) == 0)
		consider(l, "cgroup pids.max", path, used, limit, limit / 100 + 1);
}

static void look_at_tasks(struct looking *l)
{
	int64_t limit, tasks = machine_tasks();

	if (!is_above_nproc(l)) {
		limit = soft_limit(l, "Max processes");
		if (limit > 0)
			consider(l, "RLIMIT_NPROC", "ulimit -u", count_tasks_of(field(l->status, "Uid:")), limit,
				 limit / 100 + 1);
	}
	if (sysfile_int("/proc/sys/kernel/threads-max", &limit) == 0)
		consider(l, "kernel.threads-max", "/proc/sys/kernel/threads-max", tasks, limit, limit / 100 + 1);
	if (sysfile_int("/proc/sys/kernel/pid_max", &limit) == 0)
		consider(l, "kernel.pid_max", "/proc/sys/kernel/pid_max", tasks, limit, limit / 100 + RESERVED_PIDS);
	machine_walk_cgroups(NULL, visit_pids, l);
	machine_walk_cgroups("pids", visit_pids, l);
}

/* ---- memory -------------------------------------------------------------------------------------------- */

/* What of a cgroup's memory is file pages that it would give up at once; 0 where nobody says. */
static int64_t reclaimable(const char *dir)
{
	char path[1100];
	char *text;
	int64_t bytes;

	snprintf(path, sizeof path, "%s/memory.stat", dir);
	text = sysfile_all(path, NULL);
	bytes = field(text, "total_inactive_file ");
	if (bytes < 0)
		bytes = field(text, "inactive_file ");
	free(text);
	return bytes > 0 ? bytes : 0;
}

static void visit_memory(const char *dir, void *arg)
{
	static const char *const files[][2] = {{"memory.max", "memory.current"},
					       {"memory.limit_in_bytes", "memory.usage_in_bytes"}};
	char path[1100];
	int64_t limit, used;

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i][1]);
		if (sysfile_int(path, &used) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, files[i][0]);
		if (sysfile_int(path, &limit) == 0 && limit < INT64_MAX / 2)
			consider(arg, i == 0 ? "cgroup memory.max" : "cgroup memory.limit_in_bytes", path,
				 used - reclaimable(dir), limit, limit / 20);
	}
}

static void look_at_memory(struct looking *l)
{
	int64_t total = field(l->meminfo, "MemTotal:"), left = field(l->meminfo, "MemAvailable:"), mode;

	if (total > 0 && left >= 0)
		consider(l, "memory", "/proc/meminfo MemTotal", total - left, total, total / 50);
	if (sysfile_int("/proc/sys/vm/overcommit_memory", &mode) == 0 && mode == 2) {
		total = field(l->meminfo, "CommitLimit:");
		consider(l, "vm.overcommit_memory=2 (CommitLimit)", "/proc/meminfo CommitLimit",
			 field(l->meminfo, "Committed_AS:"), total, total / 50);
	}
	machine_walk_cgroups(NULL, visit_memory, l);
	machine_walk_cgroups("memory", visit_memory, l);
}

static void look_at_files(struct looking *l)
{
	char text[100];
	long long used, unused, most;

	if (sysfile_text("/proc/sys/fs/file-nr", text, sizeof text) > 0 &&
	    sscanf(text, "%lld %lld %lld", &used, &unused, &most) == 3)
		consider(l, "fs.file-max", "/proc/sys/fs/file-max", used, most, most / 100);
}

/* ---- all ----------------------------------------------------------------------------------------------- */

static json_t *fullest_json(const struct fullest *f, uint64_t live_tasks)
{
	if (!f->name)
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:s, s:I}", "name", f->name, "limit", (json_int_t)f->limit, "used",
			 (json_int_t)f->used, "where", f->where, "live_tasks", (json_int_t)live_tasks);
}

json_t *limits_hit(pid_t pid, uint64_t live_tasks)
{
	struct looking l = {.pid = pid,
			    .status = sysfile_process(pid, "status"),
			    .limits = sysfile_process(pid, "limits"),
			    .meminfo = sysfile_all("/proc/meminfo", NULL)};

	look_at_process(&l);
	look_at_tasks(&l);
	look_at_memory(&l);
	look_at_files(&l);
	free(l.status);
	free(l.limits);
	free(l.meminfo);
	return fullest_json(&l.best, live_tasks);
}

int64_t limits_oom_kills(void)
{
	char *text = sysfile_all("/proc/vmstat", NULL);
	int64_t kills = field(text, "oom_kill ");

	free(text);
	return kills;
}

json_t *limits_oom(int64_t kills_before)
{
	struct fullest f = {.name = "out-of-memory killer", .where = "/proc/meminfo MemTotal"};
	char *meminfo;
	int64_t limit;

	if (kills_before < 0 || limits_oom_kills() <= kills_before)
		return json_null();
	meminfo = sysfile_all("/proc/meminfo", NULL);
	f.limit = f.used = field(meminfo, "MemTotal:");
	free(meminfo);
	if (machine_memory_limit(&limit, f.where, sizeof f.where) && limit < f.limit)
		f.limit = f.used = limit;
	else
		snprintf(f.where, sizeof f.where, "/proc/meminfo MemTotal");
	return fullest_json(&f, 0);
}
