/*
 * affinity.c - whether every thread of a subject is kept on the CPUs of its cell.
 *
 * spawn.c sets the affinity of the first thread and reads it back, and threads inherit it: of a program's own threads
 * little more need be asked. But the kernel makes threads, too: the workers of io_uring (iou-wrk-*) are threads of the
 * process, and where they may run is the kernel's to say and has changed from version to version (6.18 gives them the CPUs
 * of the thread that made the ring). Were it every CPU, a cell that says "on one CPU" had a second one for its files.
 *
 * sched_getaffinity(2) of each thread is what /proc/<pid>/task/<tid>/status calls Cpus_allowed_list, for a hundredth of the
 * cost: a subject may have 32,000 threads. Name and latest CPU are read of the offenders only.
 *
 * Called while the subject waits for an ack behind its region, never inside.
 */
#include "harness/measure/measure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/sysfile.h"

/* The CPU that a thread ran on last: the 39th field of its stat, 37 behind the name in brackets. -1: not known. */
static int latest_cpu(const char *stat)
{
	const char *at = strrchr(stat, ')');

	for (int field = 2; at && field < 39; field++)
		at = strchr(at + 1, ' ');
	return at ? (int)strtol(at, NULL, 10) : -1;
}

static void read_name(pid_t pid, pid_t tid, char *name, size_t size)
{
	char path[80];

	snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)pid, (int)tid);
	if (sysfile_text(path, name, size) <= 0)
		snprintf(name, size, "?");
}

/* Add a thread to the entry of its name and CPUs. */
static void add_outside(json_t *list, const char *name, const cpu_set_t *may, bool ran_outside)
{
	json_t *cpus = cpuset_json(may), *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		json_t *threads = json_object_get(entry, "threads");

		if (strcmp(json_string_value(json_object_get(entry, "name")), name) != 0 ||
		    !json_equal(json_object_get(entry, "cpus"), cpus))
			continue;
		json_integer_set(threads, json_integer_value(threads) + 1);
		if (ran_outside)
			json_object_set_new(entry, "ran_outside", json_true());
		json_decref(cpus);
		return;
	}
	entry = json_pack("{s:s, s:i, s:o, s:b}", "name", name, "threads", 1, "cpus", cpus, "ran_outside", ran_outside);
	if (entry) /* else the name is not UTF-8 */
		json_array_append_new(list, entry);
}

static void check_thread(json_t *list, pid_t pid, pid_t tid, const cpu_set_t *cpus)
{
	char path[80], stat[1024], name[32];
	cpu_set_t may, common;
	int cpu = -1;

	/* ESRCH: it has ended meanwhile. */
	if (sched_getaffinity(tid, sizeof may, &may) != 0)
		return;
	CPU_AND(&common, &may, cpus);
	if (CPU_EQUAL(&common, &may))
		return;
	read_name(pid, tid, name, sizeof name);
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	if (sysfile_text(path, stat, sizeof stat) > 0)
		cpu = latest_cpu(stat);
	add_outside(list, name, &may, cpu >= 0 && cpu < CPU_SETSIZE && !CPU_ISSET(cpu, cpus));
}

json_t *affinity_outside(pid_t pid, const cpu_set_t *cpus)
{
	json_t *list = json_array();
	struct dirent *entry;
	char path[40];
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir) {
		json_decref(list);
		return json_null();
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			check_thread(list, pid, (pid_t)strtol(entry->d_name, NULL, 10), cpus);
	(void)closedir(dir);
	return list;
}
