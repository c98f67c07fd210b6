/*
 * machine.c - target: a made-up machine, as harness/measure reads it.
 *
 * An input is files below a root: a line "== /proc/stat" and what is in it, for the paths of `files` alone.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/measure/internal.h"
#include "harness/measure/sysfile.h"
#include "harness/plan/jsonx.h"

static const char *const files[] = {
	"/proc/stat",
	"/proc/meminfo",
	"/proc/loadavg",
	"/proc/cpuinfo",
	"/proc/cmdline",
	"/proc/pressure/cpu",
	"/proc/self/mountinfo",
	"/proc/self/cgroup",
	"/proc/1/environ",
	"/proc/1/cgroup",
	"/proc/7/smaps_rollup",
	"/proc/7/status",
	"/proc/7/task/7/schedstat",
	"/proc/sys/kernel/pid_max",
	"/proc/sys/kernel/threads-max",
	"/proc/sys/kernel/perf_event_paranoid",
	"/proc/sys/kernel/randomize_va_space",
	"/proc/sys/kernel/io_uring_disabled",
	"/proc/sys/vm/max_map_count",
	"/proc/sys/vm/overcommit_memory",
	"/etc/os-release",
	"/sys/kernel/mm/transparent_hugepage/enabled",
	"/sys/devices/system/clocksource/clocksource0/current_clocksource",
	"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
	"/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
	"/sys/devices/system/cpu/cpufreq/boost",
	"/sys/devices/system/cpu/vulnerabilities/meltdown",
	"/sys/class/dmi/id/sys_vendor",
	"/sys/class/dmi/id/product_name",
	"/sys/hypervisor/type",
	"/sys/fs/cgroup/a/cpu.max",
	"/sys/fs/cgroup/a/pids.max",
	"/sys/fs/cgroup/cpu/b/cpu.cfs_quota_us",
	"/sys/fs/cgroup/cpu/b/cpu.cfs_period_us",
};
enum { N_FILES = sizeof files / sizeof *files };

static const uint8_t *find(const uint8_t *from, const uint8_t *end, const char *text)
{
	return from < end ? memmem(from, (size_t)(end - from), text, strlen(text)) : NULL;
}

/* Write the files that the input has; those of the input before that it has not go. */
static void write_files(const uint8_t *data, size_t size)
{
	static bool is_there[N_FILES];
	const uint8_t *end = data + size;

	for (size_t i = 0; i < N_FILES; i++) {
		char *head = xformat("== %s\n", files[i]), *path = fuzz_path(files[i] + 1);
		const uint8_t *at = find(data, end, head), *next;

		if (at) {
			at += strlen(head);
			next = find(at, end, "== /");
			fuzz_put(files[i] + 1, at, (size_t)((next ? next : end) - at));
		} else if (is_there[i]) {
			unlink(path);
		}
		is_there[i] = at != NULL;
		free(head);
		free(path);
	}
}

static void check_all_there(const json_t *list, const char *key)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) == 0)
		fuzz_fault("no findings");
	json_array_foreach (list, i, item)
		if (!jsonx_str(item, key))
			fuzz_fault("finding %zu has no %s", i, key);
}

static void look(const struct topology *t)
{
	struct noise_point a, b;
	cpu_set_t cpus;
	json_t *base, *live, *result;

	noise_read(&a);
	base = memory_snapshot(7, 0, 0);
	result = environment_json(t, "/");
	if (!json_is_object(json_object_get(result, "why")))
		fuzz_fault("an environment without reasons");
	json_decref(result);
	result = environment_doctor(t, "/");
	check_all_there(result, "text");
	check_all_there(result, "severity");
	json_decref(result);
	live = memory_snapshot(7, 10, 0);
	result = base && live ? memory_per_task(base, live) : NULL;
	if (!result)
		fuzz_fault("no memory");
	json_decref(result);
	json_decref(base);
	json_decref(live);
	(void)noise_run_delay_ns(7);
	noise_read(&b);
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	result = noise_judge(&a, &b, &cpus, 0, 0.05);
	if (!result)
		fuzz_fault("no judgement");
	json_decref(result);
}

int fuzz_proc(const uint8_t *data, size_t size)
{
	static struct topology *t;
	struct err e;

	if (!t && topology_synthetic("pack:1 core:2 pu:2", &t, &e) != 0)
		fuzz_fault("%s", e.why);
	write_files(data, size);
	sysfile_root(fuzz_dir());
	look(t);
	sysfile_root("");
	return 0;
}
