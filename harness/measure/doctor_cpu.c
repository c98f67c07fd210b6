/*
 * doctor_cpu.c - what CPUs do beside the measured work: change their speed, run other programs, be kept from schedulers.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/measure/doctor.h"
#include "harness/measure/internal.h"
#include "harness/measure/sysfile.h"

#define CPU_FILES "/sys/devices/system/cpu/cpu"

/* One file of a CPU; false where it is not. */
static bool cpu_text(int cpu, const char *file, char *text, size_t size)
{
	char path[160];

	snprintf(path, sizeof path, CPU_FILES "%d/%s", cpu, file);
	return sysfile_text(path, text, size) > 0;
}

/* CPUs that have the value; comma-separated behind *used, as the shell's braces want them. Their number. */
static unsigned list_cpus(const char *file, const char *value, char *buf, size_t size)
{
	size_t used = 0;
	unsigned n = 0;
	char text[64];

	buf[0] = '\0';
	for (int cpu = 0; cpu < CPU_SETSIZE && used + 8 < size; cpu++)
		if (cpu_text(cpu, file, text, sizeof text) && strcmp(text, value) == 0)
			used += (size_t)snprintf(buf + used, size - used, "%s%d", n++ ? "," : "", cpu);
	return n;
}

void finding_undo_per_cpu(struct finding *f, const char *file)
{
	char seen[8][64], list[600];
	size_t n_seen = 0, used = 0;

	f->undo[0] = '\0';
	for (int cpu = 0; cpu < CPU_SETSIZE && n_seen < 8; cpu++) {
		char text[64];
		bool is_new = cpu_text(cpu, file, text, sizeof text);

		for (size_t i = 0; i < n_seen; i++)
			is_new = is_new && strcmp(seen[i], text) != 0;
		if (is_new)
			snprintf(seen[n_seen++], sizeof *seen, "%s", text);
	}
	for (size_t i = 0; i < n_seen; i++) {
		bool braces = list_cpus(file, seen[i], list, sizeof list) > 1;

		if (n_seen == 1) {
			UNDO(f, "echo %s | sudo tee " CPU_FILES "*/%s", seen[i], file);
			return;
		}
		if (used + strlen(list) + 200 > sizeof f->undo) { /* half an undo is none */
			f->undo[0] = '\0';
			return;
		}
		used += (size_t)snprintf(f->undo + used, sizeof f->undo - used,
					 "%secho %s | sudo tee " CPU_FILES "%s%s%s/%s", used ? " && " : "", seen[i],
					 braces ? "{" : "", list, braces ? "}" : "", file);
	}
}

/* ---- speed --------------------------------------------------------------------------------------------- */

/* Is one of the values not `good`? The first such is in text. */
static bool any_cpu_differs(const char *file, const char *good, char *text, size_t size)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (cpu_text(cpu, file, text, size) && strcmp(text, good) != 0)
			return true;
	return false;
}

static void check_epp(const struct doctor *d, struct finding *f)
{
	static const char file[] = "cpufreq/energy_performance_preference";
	char text[64];

	(void)d;
	if (!any_cpu_differs(file, "performance", text, sizeof text)) {
		TEXT(f, "no energy preference holds the CPUs back");
		return;
	}
	f->severity = "note";
	TEXT(f, "energy preference %s: the processor itself takes its time to raise the clock after a pause", text);
	FIX(f, "echo performance | sudo tee " CPU_FILES "*/%s", file);
	finding_undo_per_cpu(f, file);
}

/* Waking from it takes longer than a wake-up of the kernel does by itself. Arbitrary. */
#define DEEP_US 50

static void check_idle(const struct doctor *d, struct finding *f)
{
	char files[40], name[40] = "?";
	int64_t latency = 0, disabled, deepest = 0;
	int state, which = -1;
	char text[64];

	(void)d;
	for (state = 0; state < 16; state++) {
		snprintf(files, sizeof files, "cpuidle/state%d/latency", state);
		if (!cpu_text(0, files, text, sizeof text))
			break;
		latency = strtoll(text, NULL, 10);
		snprintf(files, sizeof files, "cpuidle/state%d/disable", state);
		disabled = cpu_text(0, files, text, sizeof text) ? strtoll(text, NULL, 10) : 0;
		if (disabled || latency <= deepest)
			continue;
		deepest = latency;
		which = state;
		snprintf(files, sizeof files, "cpuidle/state%d/name", state);
		(void)cpu_text(0, files, name, sizeof name);
	}
	if (state == 0) {
		TEXT(f, "the idle states of the CPUs are not this system's to choose");
	} else if (deepest <= DEEP_US) {
		TEXT(f, "waking an idle CPU takes at most %" PRId64 " us", deepest);
	} else {
		f->severity = "note";
		TEXT(f,
		     "idle state %s: waking a CPU out of it takes %" PRId64
		     " us, which is in every wait that goes to another CPU",
		     name, deepest);
		FIX(f, "echo 1 | sudo tee " CPU_FILES "*/cpuidle/state%d/disable", which);
		snprintf(files, sizeof files, "cpuidle/state%d/disable", which);
		finding_undo_per_cpu(f, files);
	}
}

static void check_throttle(const struct doctor *d, struct finding *f)
{
	int64_t events = 0;
	bool is_known = false;
	char text[64];

	(void)d;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (cpu_text(cpu, "thermal_throttle/core_throttle_count", text, sizeof text)) {
			events += strtoll(text, NULL, 10);
			is_known = true;
		}
	if (events > 0) {
		f->severity = "warn";
		TEXT(f,
		     "%" PRId64
		     " times since the start a core was too hot and was slowed down: long runs measure the cooling",
		     events);
	} else {
		TEXT(f, is_known ? "no core has been slowed down for heat"
				 : "whether cores are slowed down for heat cannot be seen");
	}
}

static void check_battery(const struct doctor *d, struct finding *f)
{
	static const char dir[] = "/sys/class/power_supply";
	char path[600], type[32], status[32];
	struct dirent *entry;
	bool drains = false;
	DIR *list;

	(void)d;
	list = sysfile_opendir(dir);
	while (list && (entry = readdir(list))) {
		snprintf(path, sizeof path, "%s/%.200s/type", dir, entry->d_name);
		if (sysfile_text(path, type, sizeof type) <= 0 || strcmp(type, "Battery") != 0)
			continue;
		snprintf(path, sizeof path, "%s/%.200s/status", dir, entry->d_name);
		drains |= sysfile_text(path, status, sizeof status) > 0 && strcmp(status, "Discharging") == 0;
	}
	if (list)
		(void)closedir(list);
	TEXT(f, drains ? "on battery: the firmware lowers the clock as it likes" : "not on battery");
	if (!drains)
		return;
	f->severity = "warn";
	FIX(f, "plug in the power supply");
	UNDO(f, "none");
}

/* ---- who else runs --------------------------------------------------------------------------------------- */

/* Stolen time as a share of all since the start; < 0: not known. */
static double steal_share(void)
{
	char text[256];
	double t[8], all = 0;

	if (sysfile_text("/proc/stat", text, sizeof text) <= 0 ||
	    sscanf(text, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6],
		   &t[7]) != 8)
		return -1;
	for (int i = 0; i < 8; i++)
		all += t[i];
	return all > 0 ? t[7] / all : -1;
}

static void check_steal(const struct doctor *d, struct finding *f)
{
	double share = steal_share();

	(void)d;
	if (share < 0) {
		TEXT(f, "stolen time cannot be read");
	} else if (share < 0.005) { /* arbitrary: a tenth of what contaminates a sample */
		TEXT(f, "the hypervisor has taken %.2f %% of the CPU time since the start", share * 100);
	} else {
		f->severity = share < 0.05 ? "note" : "warn";
		TEXT(f,
		     "the hypervisor has taken %.1f %% of the CPU time since the start: samples will be taken again or "
		     "marked",
		     share * 100);
	}
}

/* A process that is runnable now, ourselves aside: "name" and its id. */
static bool is_runnable(const char *pid, char *name, size_t size)
{
	char path[300], stat[512];
	const char *open, *close_at;
	unsigned flags;

	snprintf(path, sizeof path, "/proc/%.255s/stat", pid);
	if (sysfile_text(path, stat, sizeof stat) <= 0)
		return false;
	open = strchr(stat, '(');
	close_at = strrchr(stat, ')');
	if (!open || !close_at || close_at[1] != ' ' || close_at[2] != 'R')
		return false;
	/* The kernel's own threads cannot be stopped, and nobody started them. */
	if (sscanf(close_at + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && (flags & 0x200000))
		return false;
	snprintf(name, size, "%.*s", (int)(close_at - open - 1), open + 1);
	return true;
}

static void check_neighbours(const struct doctor *d, struct finding *f)
{
	char names[200] = "", pids[120] = "", name[40];
	size_t used = 0, used_pids = 0;
	struct dirent *entry;
	DIR *dir;

	(void)d;
	dir = sysfile_opendir("/proc");
	while (dir && (entry = readdir(dir)) && used + 70 < sizeof names) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid <= 1 || pid == (long)getpid() || !is_runnable(entry->d_name, name, sizeof name))
			continue;
		used += (size_t)snprintf(names + used, sizeof names - used, "%s%s (%ld)", used ? ", " : "", name, pid);
		used_pids += (size_t)snprintf(pids + used_pids, sizeof pids - used_pids, " %ld", pid);
	}
	if (dir)
		(void)closedir(dir);
	if (!used) {
		TEXT(f, "nothing else is running at this moment");
		return;
	}
	f->severity = "note";
	TEXT(f, "running at this moment: %s, which share the CPUs with what is measured (stop what is yours)", names);
	FIX(f, "kill -STOP%s", pids);
	UNDO(f, "kill -CONT%s", pids);
}

static void check_watchdog(const struct doctor *d, struct finding *f)
{
	int64_t on;

	(void)d;
	if (sysfile_int("/proc/sys/kernel/nmi_watchdog", &on) != 0 || on == 0) {
		TEXT(f, "no watchdog takes a counter of the processor");
		return;
	}
	f->severity = "note";
	TEXT(f, "the NMI watchdog has one of the few hardware counters for itself: groups of events share the rest");
	finding_sysctl(f, "kernel.nmi_watchdog", 0, on);
}

static void check_numa_balancing(const struct doctor *d, struct finding *f)
{
	int64_t on;

	(void)d;
	if (sysfile_int("/proc/sys/kernel/numa_balancing", &on) != 0 || on == 0) {
		TEXT(f, "the kernel moves no pages between memory nodes by itself");
		return;
	}
	f->severity = "note";
	TEXT(f, "NUMA balancing unmaps pages to see who uses them: page faults that are nobody's work");
	finding_sysctl(f, "kernel.numa_balancing", 0, on);
}

/* ---- which CPUs --------------------------------------------------------------------------------------------- */

static void check_smt(const struct doctor *d, struct finding *f)
{
	static const char path[] = "/sys/devices/system/cpu/smt/control";
	char text[32];

	(void)d;
	if (sysfile_text(path, text, sizeof text) <= 0 || strcmp(text, "on") != 0) {
		TEXT(f, "no two CPUs are known to share a core");
		return;
	}
	f->severity = "note";
	TEXT(f, "SMT is on: two CPUs may be one core, and `free` cells then are on fewer cores than they have CPUs "
		"(switchyard topo shows which)");
	FIX(f, "echo off | sudo tee %s", path);
	UNDO(f, "echo on | sudo tee %s", path);
}

static void check_isolated(const struct doctor *d, struct finding *f)
{
	char isolated[200] = "", nohz[200] = "";

	(void)d;
	if (sysfile_text("/sys/devices/system/cpu/isolated", isolated, sizeof isolated) <= 0)
		isolated[0] = '\0';
	/* "(null)" where there is none. */
	if (sysfile_text("/sys/devices/system/cpu/nohz_full", nohz, sizeof nohz) <= 0 || nohz[0] == '(')
		nohz[0] = '\0';
	if (!isolated[0]) {
		TEXT(f, "no CPU is isolated%s%.150s", nohz[0] ? "; without a tick when one task runs: " : "", nohz);
		return;
	}
	f->severity = "warn";
	TEXT(f,
	     "CPUs %.120s are isolated (isolcpus)%s%.100s: the kernel does not spread threads over them, so cells of "
	     "several "
	     "CPUs there run on one",
	     isolated, nohz[0] ? ", nohz_full " : "", nohz);
}

/* Fewer CPUs than are online: by taskset, or by a cpuset. */
static void check_allowed(const struct doctor *d, struct finding *f)
{
	char *status = sysfile_all("/proc/self/status", NULL);
	const char *line = status ? strstr(status, "Cpus_allowed_list:") : NULL;
	char online[200], list[200] = "?";
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (line)
		sscanf(line, "Cpus_allowed_list: %199s", list);
	free(status);
	if (sysfile_text("/sys/devices/system/cpu/online", online, sizeof online) <= 0 || strcmp(list, "?") == 0) {
		TEXT(f, "%u CPUs may be used", topology_pus(d->topology));
	} else if (strcmp(online, list) == 0) {
		TEXT(f, "all CPUs that are online may be used (%s)", online);
	} else {
		f->severity = "note";
		TEXT(f, "CPUs %.100s may be used, of %.100s (%ld): placements are chosen among them", list, online,
		     cpus);
		FIX(f, "taskset -pc %s $$", online);
		UNDO(f, "taskset -pc %s $$", list);
	}
}

static void check_kinds(const struct doctor *d, struct finding *f)
{
	json_t *map = topology_map(d->topology);
	size_t kinds = json_array_size(json_object_get(map, "kinds"));

	json_decref(map);
	if (kinds < 2) {
		TEXT(f, "all CPUs are of one kind, as far as the system tells");
		return;
	}
	f->severity = "note";
	TEXT(f,
	     "%zu kinds of CPUs: the same work takes longer on some, so cells of several CPUs depend on which "
	     "(switchyard topo)",
	     kinds);
}

/* ---- the kernel -------------------------------------------------------------------------------------------- */

static void check_kernel(const struct doctor *d, struct finding *f)
{
	char version[512] = "";

	(void)d;
	(void)sysfile_text("/proc/version", version, sizeof version);
	/* What gVisor gives out for its version, since its first day. */
	if (strstr(version, "gVisor") || strstr(version, "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016")) {
		f->severity = "bad";
		TEXT(f, "gVisor: system calls go to a program and not to Linux; what is measured is that program");
	} else if (strstr(version, "Microsoft")) { /* WSL 2 writes it small */
		f->severity = "bad";
		TEXT(f, "WSL 1: system calls are translated; what is measured is the translation");
	} else if (strstr(version, "microsoft")) {
		f->severity = "note";
		TEXT(f, "WSL 2: a virtual machine whose CPUs and memory Windows shares out");
	} else if (sysfile_exists("/proc/sys/kernel/uml") || strstr(version, "User Mode Linux")) {
		f->severity = "bad";
		TEXT(f, "User Mode Linux: the kernel is a process itself");
	} else {
		TEXT(f, "%.200s", version[0] ? version : "the kernel does not say what it is");
		for (char *c = f->text; *c; c++)
			if (*c == '(') { /* who built it with what is no news */
				c[c > f->text && c[-1] == ' ' ? -1 : 0] = '\0';
				break;
			}
	}
}

static void check_mitigations(const struct doctor *d, struct finding *f)
{
	static const char dir[] = "/sys/devices/system/cpu/vulnerabilities";
	unsigned active = 0, open_holes = 0;
	char path[512], text[256], names[200] = "";
	size_t used = 0;
	struct dirent *entry;
	DIR *list;

	(void)d;
	list = sysfile_opendir(dir);
	while (list && (entry = readdir(list))) {
		snprintf(path, sizeof path, "%s/%.200s", dir, entry->d_name);
		if (entry->d_name[0] == '.' || sysfile_text(path, text, sizeof text) <= 0)
			continue;
		open_holes += strncmp(text, "Vulnerable", 10) == 0;
		if (strncmp(text, "Mitigation", 10) != 0)
			continue;
		active++;
		if (used + 40 < sizeof names)
			used += (size_t)snprintf(names + used, sizeof names - used, "%s%.30s", used ? ", " : "",
						 entry->d_name);
	}
	if (list)
		(void)closedir(list);
	if (open_holes && !active)
		f->severity = "note";
	if (active)
		TEXT(f, "%u mitigations make entering the kernel dearer: %s", active, names);
	else
		TEXT(f,
		     open_holes
			     ? "no mitigation is active where %u would be: entering the kernel is cheaper than on most "
			       "machines"
			     : "no mitigations are known (%u)",
		     open_holes);
}

const struct check doctor_cpu_checks[] = {
	{"kernel", check_kernel},     {"mitigations", check_mitigations},
	{"epp", check_epp},           {"idle", check_idle},
	{"throttle", check_throttle}, {"battery", check_battery},
	{"steal", check_steal},       {"neighbours", check_neighbours},
	{"watchdog", check_watchdog}, {"numa-balancing", check_numa_balancing},
	{"smt", check_smt},           {"kinds", check_kinds},
	{"isolated", check_isolated}, {"allowed", check_allowed},
};
const size_t doctor_n_cpu_checks = sizeof doctor_cpu_checks / sizeof *doctor_cpu_checks;
