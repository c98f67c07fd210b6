/*
 * environment.c - the machine and the settings that a result depends on, as one object: docs/records.md "host".
 *
 * A field is a fact that was read here and now, or null with the reason in `why`. Nothing is changed and nothing is
 * guessed: guest machines hide most of this, and a wrong "turbo: off" would be worse than none.
 */
#include "harness/measure/measure.h"

#include <dirent.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/measure/internal.h"
#include "harness/measure/sysfile.h"

/* The object under construction. */
struct host {
	json_t *all;
	json_t *why;
};

static void set(struct host *h, const char *key, json_t *value)
{
	json_object_set_new(h->all, key, value);
}

/* Null, and why. */
static void set_unknown(struct host *h, const char *key, const char *reason)
{
	json_object_set_new(h->all, key, json_null());
	json_object_set_new(h->why, key, json_string(reason));
}

/* Text from the system may hold anything: what is not UTF-8 is not text. */
static void set_text(struct host *h, const char *key, const char *text)
{
	json_t *value = json_string(text);

	if (value)
		set(h, key, value);
	else
		set_unknown(h, key, "not valid UTF-8");
}

static void set_text_file(struct host *h, const char *key, const char *path)
{
	char text[4096], reason[160];
	ssize_t len = sysfile_text(path, text, sizeof text);

	if (len > 0) {
		set_text(h, key, text);
		return;
	}
	snprintf(reason, sizeof reason, "%s: %s", path, len < 0 ? strerror((int)-len) : "empty");
	set_unknown(h, key, reason);
}

/* A number into `object`, whose name in `why` is `key`. */
static void set_int_file(struct host *h, json_t *object, const char *name, const char *key, const char *path)
{
	char reason[160];
	int64_t value;
	int rc = sysfile_int(path, &value);

	if (rc == 0) {
		json_object_set_new(object, name, json_integer(value));
		return;
	}
	json_object_set_new(object, name, json_null());
	snprintf(reason, sizeof reason, "%s: %s", path, strerror(-rc));
	json_object_set_new(h->why, key, json_string(reason));
}

/* ---- the CPU ------------------------------------------------------------------------------------------- */

/* "model name : AMD EPYC" of the first CPU; arm has numbers instead. */
static void add_cpu_model(struct host *h)
{
	static const char *const keys[] = {"model name", "cpu model", "CPU implementer"};
	char *cpuinfo = sysfile_all("/proc/cpuinfo", NULL);
	char *line = NULL;
	char text[200];

	for (size_t i = 0; cpuinfo && i < sizeof keys / sizeof *keys && !line; i++)
		line = strstr(cpuinfo, keys[i]);
	if (line && strncmp(line, "CPU implementer", 15) == 0) {
		char implementer[16] = "?", part[16] = "?", *at = strstr(line, "CPU part");

		sscanf(line, "CPU implementer : %15s", implementer);
		if (at)
			sscanf(at, "CPU part : %15s", part);
		snprintf(text, sizeof text, "arm implementer %s part %s", implementer, part);
		set_text(h, "cpu_model", text);
	} else if (line && sscanf(line, "%*[^:]: %199[^\n]", text) == 1) {
		set_text(h, "cpu_model", text);
	} else {
		set_unknown(h, "cpu_model", "/proc/cpuinfo does not say");
	}
	free(cpuinfo);
}

static void add_siblings(struct host *h, const struct topology *t)
{
	json_t *probe = topology_probe(t), *ratio = json_object_get(probe, "ratio");

	if (json_is_boolean(json_object_get(probe, "siblings")))
		set(h, "siblings_suspected", json_incref(json_object_get(probe, "siblings")));
	else
		set_unknown(h, "siblings_suspected", json_string_value(json_object_get(probe, "why")));
	if (json_is_number(ratio))
		set(h, "siblings_ratio", json_incref(ratio));
	json_decref(probe);
}

static void add_cpus(struct host *h, const struct topology *t)
{
	json_t *topology = topology_json(t);
	cpu_set_t allowed;

	add_cpu_model(h);
	set(h, "vcpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
		set(h, "allowed_cpus", cpuset_json(&allowed));
	else
		set_unknown(h, "allowed_cpus", strerror(errno));
	json_object_update(h->all, topology);
	json_decref(topology);
	set(h, "topology", topology_map(t));
	add_siblings(h, t);
}

static void add_mitigations(struct host *h)
{
	static const char path[] = "/sys/devices/system/cpu/vulnerabilities";
	char full[512], text[512];
	json_t *all = json_object();
	struct dirent *entry;
	DIR *dir;

	dir = sysfile_opendir(path);
	if (!dir) {
		json_decref(all);
		set_unknown(h, "mitigations", "/sys/devices/system/cpu/vulnerabilities is not there");
		return;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
		if (sysfile_text(full, text, sizeof text) > 0)
			json_object_set_new(all, entry->d_name, json_string(text));
	}
	(void)closedir(dir);
	set(h, "mitigations", all);
}

/* What one reading of the clock costs: the smallest of a few batches, since nothing makes it faster than it is. */
static double timer_overhead_ns(void)
{
	enum { BATCHES = 5, READINGS = 2000 };
	double best = 1e9;

	for (int b = 0; b < BATCHES; b++) {
		uint64_t start_ns = clock_now_ns(), end_ns = start_ns;
		double each_ns;

		for (int i = 0; i < READINGS; i++)
			end_ns = clock_now_ns();
		each_ns = (double)(end_ns - start_ns) / READINGS;
		best = each_ns < best ? each_ns : best;
	}
	return best;
}

static void add_clocks(struct host *h)
{
	const char *path;
	bool on, inverted;
	char text[64];

	set_text_file(h, "clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	set(h, "timer_overhead_ns", json_real(timer_overhead_ns()));
	if (machine_governor(text, sizeof text))
		set_text(h, "governor", text);
	else
		set_unknown(h, "governor", "no cpufreq here: the frequency is not this system's to choose");
	if (machine_turbo(&on, &path, &inverted))
		set(h, "turbo", json_boolean(on));
	else
		set_unknown(h, "turbo", "neither intel_pstate/no_turbo nor cpufreq/boost is there");
}

/* ---- the system ---------------------------------------------------------------------------------------- */

/* PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" */
static void add_distro(struct host *h)
{
	char *text = sysfile_all("/etc/os-release", NULL);
	char *line = text ? strstr(text, "PRETTY_NAME=") : NULL;
	char name[160];

	if (line && sscanf(line, "PRETTY_NAME=\"%159[^\"\n]", name) == 1)
		set_text(h, "distro", name);
	else if (line && sscanf(line, "PRETTY_NAME=%159[^\"\n]", name) == 1)
		set_text(h, "distro", name);
	else
		set_unknown(h, "distro", "/etc/os-release does not say");
	free(text);
}

/* The kernel's part of its command line: what stands behind "--" is the first process's, and none of ours to publish. */
static void add_cmdline(struct host *h)
{
	char text[4096];
	char *rest;

	if (sysfile_text("/proc/cmdline", text, sizeof text) <= 0) {
		set_unknown(h, "cmdline", "/proc/cmdline cannot be read");
		return;
	}
	rest = strstr(text, " -- ");
	if (rest)
		*rest = '\0';
	set_text(h, "cmdline", text);
}

static void add_system(struct host *h)
{
	char *meminfo = sysfile_all("/proc/meminfo", NULL);
	struct utsname names;
	int64_t bytes;
	char text[160];

	if (meminfo && sysfile_field(meminfo, "MemTotal:", &bytes))
		set(h, "mem_bytes", json_integer(bytes));
	else
		set_unknown(h, "mem_bytes", "/proc/meminfo does not say");
	free(meminfo);
	if (uname(&names) == 0) {
		set_text(h, "arch", names.machine);
		snprintf(text, sizeof text, "%s %s", names.sysname, names.release);
		set_text(h, "kernel", text);
		set_text(h, "hostname", names.nodename);
	} else {
		set_unknown(h, "arch", strerror(errno));
		set_unknown(h, "kernel", strerror(errno));
		set_unknown(h, "hostname", strerror(errno));
	}
	add_cmdline(h);
	add_distro(h);
	if (machine_virt(text, sizeof text))
		set_text(h, "virt", text);
	else
		set_unknown(h, "virt", "neither CPUID nor the firmware's names say");
	machine_container(text, sizeof text);
	set_text(h, "container", text);
	snprintf(text, sizeof text, "glibc %s", gnu_get_libc_version());
	set_text(h, "libc", text);
}

static void add_settings(struct host *h)
{
	char text[256], where[512];
	bool available;
	double cpus;

	if (sysfile_bracketed("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text))
		set_text(h, "thp", text);
	else
		set_unknown(h, "thp", "/sys/kernel/mm/transparent_hugepage is not there");
	set_int_file(h, h->all, "aslr", "aslr", "/proc/sys/kernel/randomize_va_space");
	add_mitigations(h);
	set_int_file(h, h->all, "perf_event_paranoid", "perf_event_paranoid", "/proc/sys/kernel/perf_event_paranoid");
	available = counters_pmu_available(text, sizeof text);
	set(h, "pmu", json_pack("{s:b, s:s}", "available", available, "why", text));
	available = machine_io_uring(text, sizeof text);
	set(h, "io_uring", json_pack("{s:b, s:s}", "available", available, "why", text));
	if (machine_cpu_quota(&cpus, where, sizeof where))
		set(h, "cpu_quota", json_real(cpus));
	else
		set_unknown(h, "cpu_quota", "no quota is set in the cgroups that can be seen");
}

static void add_rlimit(struct host *h, json_t *limits, const char *name, int resource)
{
	struct rlimit limit;
	char key[32];

	snprintf(key, sizeof key, "limits.%s", name);
	if (getrlimit((__rlimit_resource_t)resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
		json_object_set_new(limits, name, json_integer((json_int_t)limit.rlim_cur));
		return;
	}
	json_object_set_new(limits, name, json_null());
	json_object_set_new(h->why, key, json_string("unlimited"));
}

static void add_limits(struct host *h)
{
	json_t *limits = json_object();

	add_rlimit(h, limits, "nofile", RLIMIT_NOFILE);
	add_rlimit(h, limits, "nproc", RLIMIT_NPROC);
	set_int_file(h, limits, "pid_max", "limits.pid_max", "/proc/sys/kernel/pid_max");
	set_int_file(h, limits, "threads_max", "limits.threads_max", "/proc/sys/kernel/threads-max");
	set_int_file(h, limits, "max_map_count", "limits.max_map_count", "/proc/sys/vm/max_map_count");
	set(h, "limits", limits);
}

static void add_data_dir(struct host *h, const char *data_dir)
{
	struct statvfs fs;
	struct mount mount;
	int rc;

	if (!data_dir) {
		set_unknown(h, "data_dir", "no data directory was given");
		return;
	}
	if (statvfs(data_dir, &fs) != 0) {
		set_unknown(h, "data_dir", strerror(errno));
		return;
	}
	/* Below a chroot the mount that the directory lies on is not in mountinfo. */
	rc = machine_mount(data_dir, &mount);
	set(h, "data_dir",
	    json_pack("{s:s, s:s?, s:s?, s:I, s:s?}", "path", data_dir, "fs", rc == 0 ? mount.fs : NULL, "device",
		      rc == 0 ? mount.device : NULL, "free_bytes", (json_int_t)(fs.f_bavail * fs.f_frsize), "why",
		      rc == 0 ? NULL : "its mount is not among those that this process can see"));
}

json_t *environment_json(const struct topology *t, const char *data_dir)
{
	struct host h = {.all = json_object(), .why = json_object()};
	double load;

	add_cpus(&h, t);
	add_system(&h);
	add_clocks(&h);
	add_settings(&h);
	add_limits(&h);
	add_data_dir(&h, data_dir);
	if (getloadavg(&load, 1) == 1)
		set(&h, "loadavg1", json_real(load));
	else
		set_unknown(&h, "loadavg1", "/proc/loadavg cannot be read");
	set(&h, "why", h.why);
	return h.all;
}
