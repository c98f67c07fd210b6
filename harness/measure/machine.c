/*
 * machine.c - facts about the machine that take more than reading one file.
 */
#include "harness/measure/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "harness/measure/sysfile.h"

int64_t machine_tasks(void)
{
	char load[128], *slash;

	/* "0.45 0.33 0.18 1/99 20894": the number after the slash counts all tasks of the machine. */
	if (sysfile_text("/proc/loadavg", load, sizeof load) < 0 || !(slash = strchr(load, '/')))
		return -1;
	return strtoll(slash + 1, NULL, 10);
}

int64_t machine_kstack_bytes(void)
{
	const int64_t usual = 16384; /* THREAD_SIZE of amd64 and of arm64 with 4 KiB pages */
	char *meminfo = sysfile_all("/proc/meminfo", NULL);
	int64_t total, threads = machine_tasks(), size = 4096;
	bool known = meminfo && sysfile_field(meminfo, "KernelStack:", &total);

	free(meminfo);
	if (!known || threads < 16)
		return usual;
	/* Nearest power of two: stacks that are cached or on their way out make the quotient a little too large. */
	while (size < 131072 && (double)total / (double)threads > (double)size * 1.45)
		size *= 2;
	return size < 8192 || size > 65536 ? usual : size;
}

/* ---- cgroups ------------------------------------------------------------------------------------------- */

/* Where a hierarchy is mounted, and which of its directories is the mount's root. */
struct hierarchy {
	char point[512];
	char root[512];
};

/* One word of a comma-separated list? */
static bool list_has(const char *list, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t at = 0; at < len;) {
		const char *comma = memchr(list + at, ',', len - at);
		size_t item = comma ? (size_t)(comma - list) - at : len - at;

		if (item == n && memcmp(list + at, word, n) == 0)
			return true;
		at += item + 1;
	}
	return false;
}

/* Find a controller's v1 mount, or the v2 mount if controller is NULL, in the text of mountinfo. */
static bool find_hierarchy(const char *mountinfo, const char *controller, struct hierarchy *h)
{
	for (const char *line = mountinfo; line && *line;) {
		char fs[32], options[512];
		const char *end = strchr(line, '\n');
		const char *dash = strstr(line, " - ");
		bool is_whole = dash && (!end || dash < end) &&
				sscanf(line, "%*s %*s %*s %511s %511s", h->root, h->point) == 2 &&
				sscanf(dash, " - %31s %*s %511s", fs, options) == 2;

		if (is_whole && !controller && strcmp(fs, "cgroup2") == 0)
			return true;
		if (is_whole && controller && strcmp(fs, "cgroup") == 0 &&
		    list_has(options, strlen(options), controller))
			return true;
		line = end ? end + 1 : NULL;
	}
	return false;
}

/* This process's directory in a hierarchy, from the text of /proc/self/cgroup: "4:cpu,cpuacct:/a/b" or "0::/a/b". */
static bool find_cgroup(const char *cgroups, const char *controller, char *path, size_t size)
{
	for (const char *line = cgroups; line && *line;) {
		const char *end = strchr(line, '\n');
		const char *first = strchr(line, ':');
		const char *second = first ? strchr(first + 1, ':') : NULL;
		int len = (int)(end ? end - line : (long)strlen(line));

		if (second && second < line + len) {
			size_t names = (size_t)(second - first - 1);

			if (controller ? list_has(first + 1, names, controller) : names == 0) {
				snprintf(path, size, "%.*s", (int)(line + len - second - 1), second + 1);
				return true;
			}
		}
		line = end ? end + 1 : NULL;
	}
	return false;
}

void machine_walk_cgroups(const char *controller, void (*visit)(const char *dir, void *arg), void *arg)
{
	char *mountinfo = sysfile_all("/proc/self/mountinfo", NULL);
	char *cgroups = sysfile_all("/proc/self/cgroup", NULL);
	struct hierarchy h;
	char path[512], dir[1024 + 8];

	if (mountinfo && cgroups && find_hierarchy(mountinfo, controller, &h) &&
	    find_cgroup(cgroups, controller, path, sizeof path)) {
		size_t root_len = strcmp(h.root, "/") == 0 ? 0 : strlen(h.root);
		size_t floor = strlen(h.point);
		char *slash;

		/* A path that is not below the mount's root lies outside of what is visible here: only the mount is. */
		if (strncmp(path, h.root, root_len) != 0 || strncmp(path, "/..", 3) == 0) {
			path[0] = '\0';
			root_len = 0;
		}
		snprintf(dir, sizeof dir, "%s%s", h.point, strcmp(path + root_len, "/") == 0 ? "" : path + root_len);
		for (;;) {
			visit(dir, arg);
			slash = strrchr(dir, '/');
			if (!slash || (size_t)(slash - dir) < floor)
				break;
			*slash = '\0';
		}
	}
	free(mountinfo);
	free(cgroups);
}

struct smallest {
	double value; /* < 0: none yet */
	char *where;
	size_t size;
};

static void note_smaller(struct smallest *s, double value, const char *path)
{
	if (s->value >= 0 && value >= s->value)
		return;
	s->value = value;
	snprintf(s->where, s->size, "%s", path);
}

static void visit_cpu_max(const char *dir, void *arg)
{
	char path[1100], text[64];
	double quota, period;

	snprintf(path, sizeof path, "%s/cpu.max", dir);
	/* "max 100000" does not begin with a number, and is no limit. */
	if (sysfile_text(path, text, sizeof text) > 0 && sscanf(text, "%lf %lf", &quota, &period) == 2 && period > 0)
		note_smaller(arg, quota / period, path);
}

static void visit_cfs_quota(const char *dir, void *arg)
{
	char path[1100];
	int64_t quota, period;

	snprintf(path, sizeof path, "%s/cpu.cfs_period_us", dir);
	if (sysfile_int(path, &period) != 0 || period <= 0)
		return;
	snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", dir);
	if (sysfile_int(path, &quota) == 0 && quota > 0) /* -1: no limit */
		note_smaller(arg, (double)quota / (double)period, path);
}

static void visit_pids_max(const char *dir, void *arg)
{
	char path[1100];
	int64_t pids;

	snprintf(path, sizeof path, "%s/pids.max", dir);
	if (sysfile_int(path, &pids) == 0 && pids >= 0) /* "max": not a number, no limit */
		note_smaller(arg, (double)pids, path);
}

static void visit_memory_max(const char *dir, void *arg)
{
	static const char *const files[] = {"memory.max", "memory.limit_in_bytes"}; /* v2, v1 */
	char path[1100];
	int64_t bytes;

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		/* v1 says "no limit" by a number of about 2^63. */
		if (sysfile_int(path, &bytes) == 0 && bytes >= 0 && bytes < INT64_MAX / 2)
			note_smaller(arg, (double)bytes, path);
	}
}

bool machine_memory_limit(int64_t *bytes, char *where, size_t size)
{
	struct smallest s = {.value = -1, .where = where, .size = size};

	machine_walk_cgroups(NULL, visit_memory_max, &s);
	machine_walk_cgroups("memory", visit_memory_max, &s);
	*bytes = (int64_t)s.value;
	return s.value >= 0;
}

bool machine_cpu_quota(double *cpus, char *where, size_t size)
{
	struct smallest s = {.value = -1, .where = where, .size = size};

	machine_walk_cgroups(NULL, visit_cpu_max, &s);
	machine_walk_cgroups("cpu", visit_cfs_quota, &s);
	*cpus = s.value;
	return s.value >= 0;
}

bool machine_pids_limit(int64_t *pids, char *where, size_t size)
{
	struct smallest s = {.value = -1, .where = where, .size = size};

	machine_walk_cgroups(NULL, visit_pids_max, &s);
	machine_walk_cgroups("pids", visit_pids_max, &s);
	*pids = (int64_t)s.value;
	return s.value >= 0;
}

/* ---- virtualisation ------------------------------------------------------------------------------------ */

struct sign {
	const char *text; /* what stands there */
	const char *name; /* what it means */
};

/* The first sign whose text occurs in `text`. */
static const char *match(const struct sign *signs, const char *text)
{
	for (; signs->text; signs++)
		if (strstr(text, signs->text))
			return signs->name;
	return NULL;
}

#if defined(__x86_64__)
/* The hypervisor's signature: 12 bytes that CPUID gives to guests. Only of the machine itself, not of a test's. */
static const char *virt_by_cpuid(void)
{
	static const struct sign signs[] = {{"KVMKVMKVM", "kvm"},
					    {"Microsoft Hv", "hyperv"},
					    {"VMwareVMware", "vmware"},
					    {"XenVMMXenVMM", "xen"},
					    {"bhyve", "bhyve"},
					    {"TCGTCGTCGTCG", "qemu"},
					    {"VBoxVBoxVBox", "virtualbox"},
					    {"prl hyperv", "parallels"},
					    {"ACRNACRNACRN", "acrn"},
					    {NULL, NULL}};
	unsigned a, b, c, d;
	char text[13];

	if (sysfile_is_made_up() || !__get_cpuid(1, &a, &b, &c, &d) || !(c >> 31 & 1))
		return NULL;
	__cpuid(0x40000000, a, b, c, d);
	memcpy(text, &b, 4);
	memcpy(text + 4, &c, 4);
	memcpy(text + 8, &d, 4);
	text[12] = '\0';
	return match(signs, text);
}
#else
static const char *virt_by_cpuid(void)
{
	return NULL;
}
#endif

static const char *virt_by_firmware(void)
{
	static const struct sign signs[] = {{"QEMU", "kvm or qemu"},
					    {"KVM", "kvm"},
					    {"VMware", "vmware"},
					    {"VirtualBox", "virtualbox"},
					    {"innotek", "virtualbox"},
					    {"Virtual Machine", "hyperv"},
					    {"Xen", "xen"},
					    {"Parallels", "parallels"},
					    {"Google Compute Engine", "kvm"},
					    {"OpenStack", "kvm"},
					    {"Bochs", "bochs"},
					    {"linux,kvm", "kvm"},
					    {NULL, NULL}};
	static const char *const files[] = {"/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name",
					    "/sys/class/dmi/id/board_vendor",
					    "/proc/device-tree/hypervisor/compatible"};
	const char *found = NULL;
	char text[256], name[256];

	for (size_t i = 0; i < sizeof files / sizeof *files && !found; i++)
		if (sysfile_text(files[i], text, sizeof text) > 0)
			found = match(signs, text);
	/* Amazon sells the same board with and without a hypervisor; the product's name says which. */
	if (!found && sysfile_text("/sys/class/dmi/id/sys_vendor", text, sizeof text) > 0 &&
	    strstr(text, "Amazon EC2") && sysfile_text("/sys/class/dmi/id/product_name", name, sizeof name) > 0 &&
	    !strstr(name, ".metal"))
		found = "kvm";
	return found;
}

bool machine_virt(char *name, size_t size)
{
	const char *found = virt_by_cpuid();
	char *cpuinfo, *flags;
	char text[64];

	if (!found && sysfile_text("/sys/hypervisor/type", text, sizeof text) > 0)
		found = text;
	if (!found)
		found = virt_by_firmware();
	if (!found) {
		cpuinfo = sysfile_all("/proc/cpuinfo", NULL);
		flags = cpuinfo ? strstr(cpuinfo, "\nflags") : NULL;
		/* x86 guests see the flag; without it there is none. Other architectures have no such line. */
		if (flags && strstr(flags, " hypervisor"))
			found = "unknown hypervisor";
		else if (flags)
			found = "none";
		free(cpuinfo);
	}
	if (found)
		snprintf(name, size, "%s", found);
	return found != NULL;
}

void machine_container(char *name, size_t size)
{
	static const struct sign signs[] = {{"kubepods", "kubernetes"},   {"docker", "docker"}, {"libpod", "podman"},
					    {"containerd", "containerd"}, {"/lxc", "lxc"},      {NULL, NULL}};
	char *environ_text, *cgroup;
	size_t len = 0;
	const char *found = NULL;

	if (sysfile_exists("/.dockerenv"))
		found = "docker";
	else if (sysfile_exists("/run/.containerenv"))
		found = "podman";
	if (found) {
		snprintf(name, size, "%s", found);
		return;
	}
	/* NUL-separated; readable by root of the container only. */
	environ_text = sysfile_all("/proc/1/environ", &len);
	for (size_t at = 0; environ_text && at < len; at += strlen(environ_text + at) + 1)
		if (strncmp(environ_text + at, "container=", 10) == 0) {
			snprintf(name, size, "%s", environ_text + at + 10);
			free(environ_text);
			return;
		}
	free(environ_text);
	cgroup = sysfile_all("/proc/1/cgroup", NULL);
	found = cgroup ? match(signs, cgroup) : NULL;
	snprintf(name, size, "%s", found ? found : "none");
	free(cgroup);
}

/* ---- clocks -------------------------------------------------------------------------------------------- */

bool machine_governor(char *name, size_t size)
{
	bool is_known = false;
	char path[96], text[64];

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
		if (sysfile_text(path, text, sizeof text) <= 0) {
			if (cpu > 0 && !is_known)
				break; /* holes are offline CPUs; none at all means that there is no cpufreq */
			continue;
		}
		if (is_known && strcmp(name, text) != 0) {
			snprintf(name, size, "mixed");
			return true;
		}
		snprintf(name, size, "%s", text);
		is_known = true;
	}
	return is_known;
}

bool machine_turbo(bool *on, const char **path, bool *inverted)
{
	static const struct {
		const char *path;
		bool inverted;
	} switches[] = {{"/sys/devices/system/cpu/intel_pstate/no_turbo", true},
			{"/sys/devices/system/cpu/cpufreq/boost", false}};
	int64_t value;

	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
		if (sysfile_int(switches[i].path, &value) == 0) {
			*path = switches[i].path;
			*inverted = switches[i].inverted;
			*on = (value != 0) != switches[i].inverted;
			return true;
		}
	return false;
}

/* ---- io_uring, mounts ---------------------------------------------------------------------------------- */

bool machine_io_uring(char *why, size_t size)
{
	/* struct io_uring_params, all 120 bytes of it zero: defaults. The header is not needed for that. */
	uint32_t params[30] = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 1U, params);
	int error = errno;
	int64_t disabled;

	if (fd >= 0) {
		(void)close(fd);
		snprintf(why, size, "io_uring_setup works");
		return true;
	}
	if (error == EPERM && sysfile_int("/proc/sys/kernel/io_uring_disabled", &disabled) == 0 && disabled > 0)
		snprintf(why, size, "EPERM: kernel.io_uring_disabled=%d", (int)disabled);
	else if (error == EPERM)
		snprintf(why, size, "EPERM: forbidden, probably by a container's seccomp filter");
	else if (error == ENOSYS)
		snprintf(why, size, "ENOSYS: the kernel has no io_uring (5.1 or newer, or a seccomp filter)");
	else if (error == ENOMEM)
		snprintf(why, size, "ENOMEM: the limit on locked memory is too low (ulimit -l)");
	else
		snprintf(why, size, "%s", strerror(error));
	return false;
}

/* mountinfo writes a space as \040 and so on. In place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

int machine_mount(const char *path, struct mount *out)
{
	char *real = realpath(path, NULL);
	int rc = real ? -ENOENT : -errno;
	char *mountinfo = sysfile_all("/proc/self/mountinfo", NULL);
	size_t best = 0;

	for (char *line = mountinfo; real && line && *line;) {
		char *end = strchr(line, '\n');
		char *dash;
		char point[PATH_MAX];
		size_t len;

		if (end)
			*end = '\0';
		dash = strstr(line, " - ");
		if (dash && sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1) {
			unescape(point);
			len = strcmp(point, "/") == 0 ? 0 : strlen(point);
			/* The longest, and of equals the last: it covers the others. */
			if (len >= best && strncmp(real, point, len) == 0 && (real[len] == '/' || real[len] == '\0') &&
			    sscanf(dash, " - %31s %255s", out->fs, out->device) == 2) {
				best = len;
				rc = 0;
			}
		}
		line = end ? end + 1 : NULL;
	}
	free(mountinfo);
	free(real);
	return rc;
}

bool machine_program(const char *name, char *path, size_t size)
{
	const char *dirs = getenv("PATH");

	for (dirs = dirs ? dirs : "/usr/bin:/bin"; *dirs;) {
		size_t n = strcspn(dirs, ":");

		if (n && (size_t)snprintf(path, size, "%.*s/%s", (int)n, dirs, name) < size && access(path, X_OK) == 0)
			return true;
		dirs += n + (dirs[n] == ':');
	}
	return false;
}
