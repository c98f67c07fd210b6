/*
 * internal.h - what the files of harness/measure ask of each other, and what their tests look into.
 *
 * Facts about the machine (machine.c) that both environment.json and the doctor need. Nothing here writes to /proc or
 * /sys.
 */
#ifndef MEASURE_INTERNAL_H
#define MEASURE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/measure/measure.h"

/* Tasks (threads) of the machine; -1 unknown. */
int64_t machine_tasks(void);
/* The size of one kernel stack: measured as KernelStack / threads of the machine, rounded to a power of two. */
int64_t machine_kstack_bytes(void);

/*
 * The smallest CPU quota of this process's cgroup and its ancestors, in CPUs, v1 and v2; false when none is set.
 * `where` gets the file. Ancestors outside a container's cgroup namespace cannot be seen.
 */
bool machine_cpu_quota(double *cpus, char *where, size_t size);
/*
 * Call visit for each directory of this process's cgroup in a v1 controller's hierarchy (NULL: the v2 one), from its own
 * up to what can be seen.
 */
void machine_walk_cgroups(const char *controller, void (*visit)(const char *dir, void *arg), void *arg);
/* The smallest memory limit, the same way as the CPU quota. */
bool machine_memory_limit(int64_t *bytes, char *where, size_t size);
/* The smallest limit on the number of tasks, the same way. */
bool machine_pids_limit(int64_t *pids, char *where, size_t size);

/* "kvm", "xen", "vmware", ..., "none"; false when there is no evidence either way. */
bool machine_virt(char *name, size_t size);
/* "docker", "podman", "lxc", ...; "none". */
void machine_container(char *name, size_t size);

/* "performance", or "mixed"; false without cpufreq. */
bool machine_governor(char *name, size_t size);
/* Whether the clock may rise above its nominal rate; false: unknown. `path` gets the switch, `inverted` its sense. */
bool machine_turbo(bool *on, const char **path, bool *inverted);

/* The first executable of that name on the PATH; false: none. */
bool machine_program(const char *name, char *path, size_t size);

/* Whether io_uring_setup(2) works; the reason when not. */
bool machine_io_uring(char *why, size_t size);

struct mount {
	char fs[32]; /* "ext4" */
	char device[256]; /* "/dev/vda", "tmpfs" */
};
/* The mount that a path lies on, by /proc/self/mountinfo. 0 or a negative errno. */
int machine_mount(const char *path, struct mount *out);

/* counters.c: perf_event_open(2), the descriptor or -errno; tests put their own here. */
struct perf_event_attr;
extern int (*counters__open)(struct perf_event_attr *attr, pid_t pid, int group_fd);

/* noise.c: fill busy_ns and steal_ns from the text of /proc/stat, whose unit is tick nanoseconds. */
void noise_parse_stat(const char *text, int64_t tick, struct noise_point *p);

#endif
