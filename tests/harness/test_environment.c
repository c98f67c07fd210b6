/* What the harness says of a machine: of this one, and of made-up ones in a directory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "harness/measure/internal.h"
#include "tests/harness/fake_machine.h"

/* ---- host ---------------------------------------------------------------------------------------------- */

static const char *const host_keys[] = {
	"cpu_model",
	"arch",
	"vcpus",
	"allowed_cpus",
	"sockets",
	"cores",
	"pus",
	"smt",
	"numa_nodes",
	"caches",
	"mem_bytes",
	"kernel",
	"cmdline",
	"distro",
	"hostname",
	"virt",
	"container",
	"clocksource",
	"timer_overhead_ns",
	"governor",
	"turbo",
	"thp",
	"aslr",
	"mitigations",
	"perf_event_paranoid",
	"pmu",
	"cpu_quota",
	"limits",
	"libc",
	"io_uring",
	"data_dir",
	"loadavg1",
	"siblings_suspected",
};

/* Every key of docs/records.md is there, and every null has its reason. */
static void check_host(const json_t *host)
{
	const json_t *why = json_object_get(host, "why"), *limits = json_object_get(host, "limits");
	static const char *const limit_keys[] = {"nofile", "nproc", "pid_max", "threads_max", "max_map_count"};
	char key[64];

	assert_true(json_is_object(why));
	for (size_t i = 0; i < sizeof host_keys / sizeof *host_keys; i++) {
		const json_t *value = json_object_get(host, host_keys[i]);

		if (!value)
			fail_msg("host has no %s", host_keys[i]);
		if (json_is_null(value) && !json_is_string(json_object_get(why, host_keys[i])))
			fail_msg("%s is null without a reason", host_keys[i]);
	}
	for (size_t i = 0; i < sizeof limit_keys / sizeof *limit_keys; i++) {
		const json_t *value = json_object_get(limits, limit_keys[i]);

		snprintf(key, sizeof key, "limits.%s", limit_keys[i]);
		if (!value || (json_is_null(value) && !json_is_string(json_object_get(why, key))))
			fail_msg("%s is missing, or null without a reason", key);
	}
}

static void test_host_here(void **state)
{
	json_t *host = environment_json(topology, ".");
	char *text;

	(void)state;
	check_host(host);
	text = json_dumps(host, JSON_COMPACT);
	assert_non_null(text); /* valid UTF-8 throughout, no NaN */
	free(text);
	assert_true(json_integer_value(json_object_get(host, "vcpus")) >= 1);
	assert_true(json_integer_value(json_object_get(host, "mem_bytes")) > 0);
	assert_true(json_real_value(json_object_get(host, "timer_overhead_ns")) > 0);
	assert_true(json_is_string(json_object_get(json_object_get(host, "data_dir"), "path")));
	/* One of the two, and not both. */
	assert_true(json_is_string(json_object_get(json_object_get(host, "data_dir"), "fs")) !=
		    json_is_string(json_object_get(json_object_get(host, "data_dir"), "why")));
	assert_true(json_is_boolean(json_object_get(json_object_get(host, "pmu"), "available")));
	json_decref(host);
}

/* A machine that tells nothing: all is null and has a reason; nothing crashes. */
static void test_host_empty(void **state)
{
	json_t *host = environment_json(topology, NULL);

	(void)state;
	check_host(host);
	assert_true(json_is_null(json_object_get(host, "governor")));
	assert_true(json_is_null(json_object_get(host, "mem_bytes")));
	assert_true(json_is_null(json_object_get(host, "data_dir")));
	assert_true(json_is_null(json_object_get(host, "virt")));
	json_decref(host);
}

static void test_host_made_up(void **state)
{
	json_t *host;

	(void)state;
	put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Imaginary 3000\nflags\t\t: fpu hypervisor sse\n");
	put("/proc/meminfo", "MemTotal:       1024 kB\nMemFree: 5 kB\n");
	put("/etc/os-release", "NAME=x\nPRETTY_NAME=\"Test OS 1 (none)\"\n");
	put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
	put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
	put("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
	put("/sys/devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	put("/proc/sys/kernel/randomize_va_space", "2\n");
	put("/proc/1/environ", "");
	put("/proc/1/cgroup", "0::/kubepods/besteffort/pod1/abc\n");
	put("/proc/cmdline", "quiet mitigations=off -- --token secret\n");
	host = environment_json(topology, NULL);
	check_host(host);
	assert_string_equal(json_string_value(json_object_get(host, "cpu_model")), "Imaginary 3000");
	assert_string_equal(json_string_value(json_object_get(host, "cmdline")), "quiet mitigations=off");
	assert_int_equal(json_integer_value(json_object_get(host, "mem_bytes")), 1048576);
	assert_string_equal(json_string_value(json_object_get(host, "distro")), "Test OS 1 (none)");
	assert_string_equal(json_string_value(json_object_get(host, "governor")), "mixed");
	assert_true(json_is_false(json_object_get(host, "turbo")));
	assert_string_equal(json_string_value(json_object_get(host, "thp")), "madvise");
	assert_int_equal(json_integer_value(json_object_get(host, "aslr")), 2);
	assert_string_equal(json_string_value(json_object_get(host, "virt")), "unknown hypervisor");
	assert_string_equal(json_string_value(json_object_get(host, "container")), "kubernetes");
	assert_string_equal(json_string_value(json_object_get(json_object_get(host, "mitigations"), "meltdown")),
			    "Mitigation: PTI");
	json_decref(host);
}

static void test_virt(void **state)
{
	char name[64];

	(void)state;
	assert_false(machine_virt(name, sizeof name));
	put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse\n");
	assert_true(machine_virt(name, sizeof name));
	assert_string_equal(name, "none");
	put("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
	put("/sys/class/dmi/id/product_name", "c5.metal\n");
	assert_true(machine_virt(name, sizeof name));
	assert_string_equal(name, "none");
	put("/sys/class/dmi/id/product_name", "c5.large\n");
	assert_true(machine_virt(name, sizeof name));
	assert_string_equal(name, "kvm");
	put("/sys/hypervisor/type", "xen\n");
	assert_true(machine_virt(name, sizeof name));
	assert_string_equal(name, "xen");
}

static void test_container(void **state)
{
	char name[64];

	(void)state;
	machine_container(name, sizeof name);
	assert_string_equal(name, "none");
	put("/proc/1/cgroup", "12:pids:/docker/0123\n");
	machine_container(name, sizeof name);
	assert_string_equal(name, "docker");
	put("/run/.containerenv", "");
	machine_container(name, sizeof name);
	assert_string_equal(name, "podman");
}

/* ---- quotas -------------------------------------------------------------------------------------------- */

static void test_quota_v2(void **state)
{
	char where[512];
	double cpus;
	int64_t pids;

	(void)state;
	assert_false(machine_cpu_quota(&cpus, where, sizeof where));
	put("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
	put("/proc/self/cgroup", "0::/user.slice/job\n");
	put("/sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/user.slice/job/pids.max", "max\n");
	assert_false(machine_cpu_quota(&cpus, where, sizeof where));
	assert_false(machine_pids_limit(&pids, where, sizeof where));
	/* The ancestor's holds, though ours says max. */
	put("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
	put("/sys/fs/cgroup/user.slice/pids.max", "4096\n");
	assert_true(machine_cpu_quota(&cpus, where, sizeof where));
	assert_true(cpus == 1.5);
	assert_string_equal(where, "/sys/fs/cgroup/user.slice/cpu.max");
	assert_true(machine_pids_limit(&pids, where, sizeof where));
	assert_int_equal(pids, 4096);
	/* The smaller one counts. */
	put("/sys/fs/cgroup/user.slice/job/cpu.max", "50000 100000\n");
	assert_true(machine_cpu_quota(&cpus, where, sizeof where));
	assert_true(cpus == 0.5);
	/* Of a container without a namespace the path is the host's, and the mount shows its own directory only. */
	put("/proc/self/mountinfo", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
	put("/proc/self/cgroup", "0::/docker/abc\n");
	put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	assert_true(machine_cpu_quota(&cpus, where, sizeof where));
	assert_true(cpus == 2);
	/* A path outside of the namespace. */
	put("/proc/self/cgroup", "0::/../other\n");
	assert_true(machine_cpu_quota(&cpus, where, sizeof where));
	assert_true(cpus == 2);
}

static void test_quota_v1(void **state)
{
	char where[512];
	double cpus;

	(void)state;
	put("/proc/self/mountinfo", "29 23 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
				    "31 29 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
				    "32 29 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
	put("/proc/self/cgroup", "5:cpuset:/\n4:cpu,cpuacct:/a/b\n0::/\n");
	put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
	put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
	assert_false(machine_cpu_quota(&cpus, where, sizeof where));
	put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "25000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	assert_true(machine_cpu_quota(&cpus, where, sizeof where));
	assert_true(cpus == 0.25);
}

static void test_mount(void **state)
{
	struct mount mount;

	(void)state;
	put("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/root rw\n"
				    "23 22 0:5 / /tmpfoo rw - tmpfs tmpfs rw\n"
				    "24 22 0:6 / /tmp rw shared:1 - xfs /dev/old rw\n"
				    "25 22 0:7 / /tmp rw shared:1 - btrfs /dev/new rw\n");
	assert_int_equal(machine_mount("/", &mount), 0);
	assert_string_equal(mount.fs, "ext4");
	assert_int_equal(machine_mount("/tmp", &mount), 0);
	assert_string_equal(mount.fs, "btrfs");
	assert_string_equal(mount.device, "/dev/new");
	assert_int_equal(machine_mount("/no/such/directory", &mount), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_here), WITH_FAKE(test_host_empty),
		WITH_FAKE(test_host_made_up),     WITH_FAKE(test_virt),
		WITH_FAKE(test_container),        WITH_FAKE(test_quota_v2),
		WITH_FAKE(test_quota_v1),         WITH_FAKE(test_mount),
	};

	return cmocka_run_group_tests(tests, make_fake, remove_fake);
}
