/*
 * doctor.c - what about this machine makes results worse, and the exact commands that mend it and take it back.
 *
 * One finding per check, always, in a fixed order: a check that is fine says so. Nothing is changed here, and a fix
 * is given only where one command does it: what a hypervisor or a container's owner decides is said, not mended.
 *
 * Severities: ok; note (a reader of the report should know); warn (results get wider or cells drop out); bad (results
 * mean something else than they say).
 */
#include "harness/measure/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "build_info.h"
#include "harness/measure/doctor.h"
#include "harness/measure/internal.h"
#include "harness/measure/sysfile.h"

/* What the largest cells of the default plan need. */
enum {
	NEED_FILES_FEW = 1100, /* 1,000 connections and the rest of a process */
	NEED_FILES_MANY = 10100, /* 10,000 connections */
	NEED_MAPS = 262144, /* mappings: two per stack with a guard page, for 100,000 stacks */
	FEW_CPUS = 4, /* DESIGN section 5, rule 6 */
};

#define NEED_SPACE (INT64_C(2) << 30) /* the largest data file of the plans, and room to write */

/*
 * Load average per CPU. Above a quarter some samples are taken again; above a half more than the rounds that may be
 * repeated are disturbed, and most comparisons end as untrusted. Arbitrary, tried on 2 CPUs.
 */
#define LOAD_WARN 0.25
#define LOAD_BAD 0.5

void finding_say(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, size, fmt, ap);
	va_end(ap);
}

void finding_sysctl(struct finding *f, const char *name, int64_t better, int64_t now)
{
	FIX(f, "sudo sysctl -w %s=%" PRId64, name, better);
	UNDO(f, "sudo sysctl -w %s=%" PRId64, name, now);
}

/* ---- CPUs ---------------------------------------------------------------------------------------------- */

static void check_virtual(const struct doctor *d, struct finding *f)
{
	char virt[64], container[64];
	bool is_known = machine_virt(virt, sizeof virt);

	(void)d;
	machine_container(container, sizeof container);
	if (is_known && strcmp(virt, "none") != 0) {
		f->severity = "note";
		TEXT(f,
		     "virtual machine (%s%s%s): waking another CPU costs tens of microseconds, the hypervisor can take "
		     "CPU time, and "
		     "the topology may be invented",
		     virt, strcmp(container, "none") ? ", container " : "", strcmp(container, "none") ? container : "");
	} else if (strcmp(container, "none") != 0) {
		f->severity = "note";
		TEXT(f, "container (%s): limits of cgroups outside of it cannot be seen from here", container);
	} else {
		TEXT(f, is_known ? "not virtualised" : "no sign of a hypervisor");
	}
}

static void check_cpus(const struct doctor *d, struct finding *f)
{
	unsigned n = topology_pus(d->topology);

	if (n >= FEW_CPUS) {
		TEXT(f, "%u CPUs", n);
	} else if (n > 1) {
		f->severity = "note";
		TEXT(f,
		     "%u CPUs: network cells are labelled \"1 server CPU\", and nothing can keep the rest of the "
		     "system away from "
		     "the measured CPUs",
		     n);
	} else {
		f->severity = "warn";
		TEXT(f, "1 CPU: nothing runs in parallel, and the load generator shares it with the server");
	}
}

static void check_quota(const struct doctor *d, struct finding *f)
{
	double cpus;
	char where[512], old[64];

	if (!machine_cpu_quota(&cpus, where, sizeof where)) {
		TEXT(f, "no CPU quota");
		return;
	}
	f->severity = cpus >= topology_pus(d->topology) ? "note" : "bad";
	TEXT(f,
	     "a cgroup allows %.2f CPUs (%.200s): throttling stops everything for milliseconds and looks like latency",
	     cpus, where);
	if (strstr(where, "cpu.max"))
		FIX(f, "echo max | sudo tee %.240s", where);
	else
		FIX(f, "echo -1 | sudo tee %.240s", where);
	if (sysfile_text(where, old, sizeof old) > 0)
		UNDO(f, "echo '%s' | sudo tee %.240s", old, where);
}

static void check_governor(const struct doctor *d, struct finding *f)
{
	static const char files[] = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor";
	char name[64];

	(void)d;
	if (!machine_governor(name, sizeof name)) {
		TEXT(f, "no cpufreq here: the frequency is not this system's to choose");
	} else if (strcmp(name, "performance") == 0) {
		TEXT(f, "governor performance");
	} else {
		f->severity = "warn";
		TEXT(f, "governor %s: the frequency follows the load, so work that waits runs on a slower CPU", name);
		FIX(f, "echo performance | sudo tee %s", files);
		finding_undo_per_cpu(f, "cpufreq/scaling_governor");
	}
}

static void check_turbo(const struct doctor *d, struct finding *f)
{
	const char *path;
	bool on, inverted;

	(void)d;
	if (!machine_turbo(&on, &path, &inverted)) {
		TEXT(f, "whether the clock may rise above its nominal rate cannot be seen");
	} else if (!on) {
		TEXT(f, "turbo off");
	} else {
		f->severity = "note";
		TEXT(f, "turbo on: the clock depends on temperature and on how many CPUs are busy, so few threads look "
			"better");
		FIX(f, "echo %d | sudo tee %s", inverted ? 1 : 0, path);
		UNDO(f, "echo %d | sudo tee %s", inverted ? 0 : 1, path);
	}
}

static void check_clocksource(const struct doctor *d, struct finding *f)
{
	static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
	static const char possible[] = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
	char name[64], all[256];

	(void)d;
	if (sysfile_text(path, name, sizeof name) <= 0) {
		TEXT(f, "the clock source cannot be read");
	} else if (strcmp(name, "hpet") == 0 || strcmp(name, "acpi_pm") == 0 || strstr(name, "jiffies")) {
		f->severity = "warn";
		TEXT(f,
		     "clock source %s: reading the clock is a slow system call, which weighs on everything that has "
		     "timers",
		     name);
		/* The kernel takes the TSC off the list when it has found it unstable: then nothing here brings it back. */
		if (sysfile_text(possible, all, sizeof all) <= 0 || strstr(all, "tsc")) {
			FIX(f, "echo tsc | sudo tee %s", path);
			UNDO(f, "echo %s | sudo tee %s", name, path);
		}
	} else {
		TEXT(f, "clock source %s", name);
	}
}

static void check_load(const struct doctor *d, struct finding *f)
{
	double load, cpus = topology_pus(d->topology);
	char text[128];

	if (sysfile_text("/proc/loadavg", text, sizeof text) <= 0 || sscanf(text, "%lf", &load) != 1) {
		TEXT(f, "the load average cannot be read");
	} else if (load <= LOAD_WARN * cpus) {
		TEXT(f, "load average %.2f", load);
	} else {
		f->severity = load > LOAD_BAD * cpus ? "bad" : "warn";
		TEXT(f,
		     "load average %.2f on %.0f CPUs: something else runs, and samples will be taken again or marked",
		     load, cpus);
		FIX(f, "stop what runs (top -b -n 1 | head -20), or wait a minute");
		UNDO(f, "none");
	}
}

/* ---- perf ---------------------------------------------------------------------------------------------- */

static void check_pmu(const struct doctor *d, struct finding *f)
{
	char why[200];

	(void)d;
	if (counters_pmu_available(why, sizeof why)) {
		TEXT(f, "hardware events can be counted");
		return;
	}
	f->severity = "note";
	TEXT(f, "no hardware events: %s; cycles and cache misses will be null", why);
}

static void check_paranoid(const struct doctor *d, struct finding *f)
{
	int64_t paranoid;

	(void)d;
	if (sysfile_int("/proc/sys/kernel/perf_event_paranoid", &paranoid) != 0) {
		f->severity = "note";
		TEXT(f, "the kernel was built without perf events: all counters will be null");
	} else if (geteuid() == 0 || paranoid <= 1) {
		TEXT(f, "perf_event_paranoid %" PRId64 "%s", paranoid,
		     geteuid() == 0 ? ", and root may count anyway" : "");
	} else {
		f->severity = "note";
		TEXT(f, "perf_event_paranoid %" PRId64 ": %s", paranoid,
		     paranoid > 2 ? "no counters at all"
				  : "only user-mode events, so no context switches by perf (getrusage has them)");
		finding_sysctl(f, "kernel.perf_event_paranoid", 1, paranoid);
	}
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static void check_thp(const struct doctor *d, struct finding *f)
{
	static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
	char word[32];

	(void)d;
	if (!sysfile_bracketed(path, word, sizeof word)) {
		TEXT(f, "no transparent huge pages");
	} else if (strcmp(word, "always") != 0) {
		TEXT(f, "transparent huge pages: %s", word);
	} else {
		f->severity = "warn";
		TEXT(f, "transparent huge pages: always: a slab of small stacks gets 2 MiB at its first touch, so "
			"memory per task is wrong");
		FIX(f, "echo madvise | sudo tee %s", path);
		UNDO(f, "echo always | sudo tee %s", path);
	}
}

static void check_aslr(const struct doctor *d, struct finding *f)
{
	int64_t level = 2;
	int persona = personality(0xffffffffUL); /* only asks */

	(void)d;
	if (sysfile_int("/proc/sys/kernel/randomize_va_space", &level) == 0 && level == 0) {
		f->severity = "warn";
		TEXT(f, "address layout is not randomised: all processes share one layout, whose luck no repetition "
			"averages out");
		finding_sysctl(f, "kernel.randomize_va_space", 2, level);
	} else if (persona != -1 && (persona & ADDR_NO_RANDOMIZE)) {
		f->severity = "warn";
		TEXT(f, "address layout is not randomised for this process: its luck is in every sample");
		FIX(f, "start without setarch -R");
		UNDO(f, "none");
	} else {
		TEXT(f, "address layout randomised (%" PRId64 ")", level);
	}
}

static void check_maps(const struct doctor *d, struct finding *f)
{
	int64_t maps;

	(void)d;
	if (sysfile_int("/proc/sys/vm/max_map_count", &maps) != 0) {
		TEXT(f, "vm.max_map_count cannot be read");
	} else if (maps >= NEED_MAPS) {
		TEXT(f, "vm.max_map_count %" PRId64, maps);
	} else {
		f->severity = "note";
		TEXT(f, "vm.max_map_count %" PRId64 ": at two mappings per guarded stack, about %" PRId64 " stacks",
		     maps, maps / 2);
		finding_sysctl(f, "vm.max_map_count", 1048576, maps);
	}
}

static void check_overcommit(const struct doctor *d, struct finding *f)
{
	int64_t mode;

	(void)d;
	if (sysfile_int("/proc/sys/vm/overcommit_memory", &mode) != 0) {
		TEXT(f, "vm.overcommit_memory cannot be read");
	} else if (mode != 2) {
		TEXT(f, "vm.overcommit_memory %" PRId64, mode);
	} else {
		f->severity = "bad";
		TEXT(f, "vm.overcommit_memory 2: stacks are charged at their full size, so cells with many tasks fail");
		finding_sysctl(f, "vm.overcommit_memory", 0, mode);
	}
}

/* The devices that are in use, with their priorities; fstab may know others. */
static void fix_swaps(struct finding *f)
{
	char *text = sysfile_all("/proc/swaps", NULL);
	size_t fix = 0, undo = 0;

	for (const char *line = text ? strchr(text, '\n') : NULL; line && line[1]; line = strchr(line + 1, '\n')) {
		char device[160];
		long long priority;

		if (sscanf(line, " %159s %*s %*s %*s %lld", device, &priority) != 2 || undo + 200 > sizeof f->undo ||
		    fix + 180 > sizeof f->fix)
			continue;
		/* Behind "sudo swapoff" all of them; each with its priority behind a swapon of its own. */
		fix += (size_t)snprintf(f->fix + fix, sizeof f->fix - fix, "%s %s", fix ? "" : "sudo swapoff", device);
		undo += (size_t)snprintf(f->undo + undo, sizeof f->undo - undo, "%ssudo swapon", undo ? " && " : "");
		if (priority >= 0) /* the kernel's own choice is below 0, and cannot be asked for */
			undo += (size_t)snprintf(f->undo + undo, sizeof f->undo - undo, " -p %lld", priority);
		undo += (size_t)snprintf(f->undo + undo, sizeof f->undo - undo, " %s", device);
	}
	free(text);
	if (f->fix[0])
		return;
	FIX(f, "sudo swapoff -a");
	UNDO(f, "sudo swapon -a");
}

static void check_swap(const struct doctor *d, struct finding *f)
{
	char *meminfo = sysfile_all("/proc/meminfo", NULL);
	int64_t total = 0, left = 0;

	(void)d;
	if (!meminfo || !sysfile_field(meminfo, "SwapTotal:", &total) || !sysfile_field(meminfo, "SwapFree:", &left)) {
		TEXT(f, "swap cannot be read");
	} else if (total == 0) {
		TEXT(f, "no swap");
	} else {
		f->severity = total - left > 64 * 1024 * 1024 ? "warn" : "note";
		TEXT(f,
		     "swap is on (%" PRId64 " MiB of %" PRId64
		     " used): resident memory can shrink while it is being measured",
		     (total - left) >> 20, total >> 20);
		fix_swaps(f);
	}
	free(meminfo);
}

/* ---- limits -------------------------------------------------------------------------------------------- */

static void check_files(const struct doctor *d, struct finding *f)
{
	struct rlimit limit;

	(void)d;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		TEXT(f, "the limit on open files cannot be read: %s", strerror(errno));
		return;
	}
	if (limit.rlim_cur >= NEED_FILES_MANY) {
		TEXT(f, "%ju open files", (uintmax_t)limit.rlim_cur);
		return;
	}
	f->severity = limit.rlim_cur < NEED_FILES_FEW ? "warn" : "note";
	TEXT(f, "%ju open files per process: cells with %s connections cannot run", (uintmax_t)limit.rlim_cur,
	     limit.rlim_cur < NEED_FILES_FEW ? "1,000" : "10,000");
	if (limit.rlim_max >= NEED_FILES_MANY)
		FIX(f, "ulimit -Sn 16384");
	else
		FIX(f, "sudo prlimit --pid $$ --nofile=16384:16384");
	finding_undo_limit(f, "nofile", &limit);
}

static void check_tasks(const struct doctor *d, struct finding *f)
{
	int64_t pid_max = INT64_MAX, threads_max = INT64_MAX, pids = INT64_MAX;
	char where[512] = "";

	(void)d;
	(void)sysfile_int("/proc/sys/kernel/pid_max", &pid_max);
	(void)sysfile_int("/proc/sys/kernel/threads-max", &threads_max);
	if (!machine_pids_limit(&pids, where, sizeof where))
		pids = INT64_MAX;
	if (pids < NEED_TASKS) {
		f->severity = "note";
		TEXT(f, "a cgroup allows %" PRId64 " tasks (%.200s): cells with more threads stop there", pids, where);
		FIX(f, "echo max | sudo tee %.240s", where);
		UNDO(f, "echo %" PRId64 " | sudo tee %.240s", pids, where);
	} else if (threads_max < NEED_TASKS) {
		f->severity = "note";
		TEXT(f, "kernel.threads-max %" PRId64 ": cells with more threads stop there", threads_max);
		finding_sysctl(f, "kernel.threads-max", 131072, threads_max);
	} else if (pid_max < NEED_TASKS) {
		f->severity = "note";
		TEXT(f,
		     "kernel.pid_max %" PRId64
		     ": every thread takes a number, so cells with 32,000 threads stop before",
		     pid_max);
		finding_sysctl(f, "kernel.pid_max", 131072, pid_max);
	} else {
		TEXT(f, "enough process numbers and threads");
	}
}

/* ---- files --------------------------------------------------------------------------------------------- */

static bool is_remote(const char *fs)
{
	static const char *const names[] = {"nfs", "cifs", "smb", "9p", "fuse", "ceph", "virtiofs", "afs", "glusterfs"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(fs, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static void check_data_dir(const struct doctor *d, struct finding *f)
{
	struct mount mount;
	int rc = d->data_dir ? machine_mount(d->data_dir, &mount) : 0;

	if (!d->data_dir) {
		f->severity = "note";
		TEXT(f, "no data directory given: disk cells need one on a real filesystem (--data-dir)");
	} else if (rc != 0 || access(d->data_dir, W_OK) != 0) {
		f->severity = "bad";
		TEXT(f, "data directory %.200s: %s", d->data_dir, strerror(rc ? -rc : errno));
		FIX(f, "--data-dir /var/tmp");
		UNDO(f, "none");
	} else if (strcmp(mount.fs, "tmpfs") == 0 || strcmp(mount.fs, "ramfs") == 0) {
		f->severity = "bad";
		TEXT(f, "data directory %.200s is on %s: disk cells would measure memory", d->data_dir, mount.fs);
		FIX(f, "--data-dir /var/tmp");
		UNDO(f, "none");
	} else if (strcmp(mount.fs, "overlay") == 0) {
		f->severity = "warn";
		TEXT(f,
		     "data directory %.200s is on overlay (a container's layers): two filesystems are measured, and "
		     "io_uring may differ",
		     d->data_dir);
		FIX(f, "mount a volume into the container and give it as --data-dir");
		UNDO(f, "none");
	} else if (is_remote(mount.fs)) {
		f->severity = "warn";
		TEXT(f, "data directory %.200s is on %s: disk cells would measure a network, or another program",
		     d->data_dir, mount.fs);
		FIX(f, "--data-dir /var/tmp");
		UNDO(f, "none");
	} else {
		TEXT(f, "data directory %.200s is on %s (%.100s)", d->data_dir, mount.fs, mount.device);
	}
}

static void check_space(const struct doctor *d, struct finding *f)
{
	struct statvfs fs;
	int64_t left;

	if (!d->data_dir || statvfs(d->data_dir, &fs) != 0) {
		TEXT(f, "free space is not known without a data directory");
		return;
	}
	left = (int64_t)(fs.f_bavail * fs.f_frsize);
	TEXT(f, "%" PRId64 " MiB are free in the data directory%s", left >> 20,
	     left < NEED_SPACE ? ": cells with files of 256 MiB and more fail" : "");
	if (left < NEED_SPACE)
		f->severity = "warn";
}

static void check_io_uring(const struct doctor *d, struct finding *f)
{
	int64_t disabled;
	char why[200];

	(void)d;
	if (machine_io_uring(why, sizeof why)) {
		TEXT(f, "io_uring works");
		return;
	}
	f->severity = "note";
	TEXT(f, "io_uring is not to be had (%s): the event loop reads files by helper threads", why);
	if (sysfile_int("/proc/sys/kernel/io_uring_disabled", &disabled) == 0 && disabled > 0)
		finding_sysctl(f, "kernel.io_uring_disabled", 0, disabled);
}

static void check_build(const struct doctor *d, struct finding *f)
{
	(void)d;
	if (BUILD_SANITIZE[0] == '\0' && strcmp(BUILD_TYPE, "Release") == 0) {
		TEXT(f, "release build (%s)", BUILD_CFLAGS);
		return;
	}
	f->severity = "bad";
	TEXT(f, "%s build%s%s: its times say nothing about a release", BUILD_TYPE,
	     BUILD_SANITIZE[0] ? " with sanitizer " : "", BUILD_SANITIZE);
	FIX(f, "cmake --preset release && cmake --build --preset release");
	UNDO(f, "none");
}

/* ---- all ----------------------------------------------------------------------------------------------- */

static const struct check basics[] = {
	{"build", check_build},       {"virtual", check_virtual},
	{"cpus", check_cpus},         {"quota", check_quota},
	{"governor", check_governor}, {"turbo", check_turbo},
	{"clock", check_clocksource}, {"load", check_load},
	{"pmu", check_pmu},           {"paranoid", check_paranoid},
	{"thp", check_thp},           {"aslr", check_aslr},
	{"maps", check_maps},         {"overcommit", check_overcommit},
	{"swap", check_swap},         {"files", check_files},
	{"tasks", check_tasks},       {"data-dir", check_data_dir},
	{"space", check_space},       {"io-uring", check_io_uring},
};

static void add_findings(const struct doctor *d, const struct check *checks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct finding f = {.code = checks[i].code, .severity = "ok"};
		bool has_fix;

		checks[i].check(d, &f);
		has_fix = f.fix[0] != '\0' && f.undo[0] != '\0';
		json_array_append_new(d->findings, json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "code", f.code, "severity",
							     f.severity, "text", f.text, "fix", has_fix ? f.fix : NULL,
							     "undo", has_fix ? f.undo : NULL));
	}
}

json_t *environment_doctor(const struct topology *t, const char *data_dir)
{
	struct doctor d = {.findings = json_array(), .topology = t, .data_dir = data_dir};

	add_findings(&d, basics, sizeof basics / sizeof *basics);
	add_findings(&d, doctor_cpu_checks, doctor_n_cpu_checks);
	add_findings(&d, doctor_system_checks, doctor_n_system_checks);
	return d.findings;
}
