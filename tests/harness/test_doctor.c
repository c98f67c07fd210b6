/* What the doctor says of made-up machines, and that its fixes and undos are those of the values found. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <unistd.h>

#include "tests/harness/fake_machine.h"

/* ---- doctor -------------------------------------------------------------------------------------------- */

/* The finding with that code; fails when there is none or more than one. */
static json_t *finding(json_t *findings, const char *code)
{
	json_t *entry, *found = NULL;
	size_t i;

	json_array_foreach (findings, i, entry) {
		if (strcmp(json_string_value(json_object_get(entry, "code")), code) != 0)
			continue;
		assert_null(found);
		found = entry;
	}
	if (!found)
		fail_msg("no finding %s", code);
	return found;
}

static void expect(const char *code, const char *severity, const char *fix, const char *undo)
{
	json_t *findings = environment_doctor(topology, NULL);
	json_t *entry = finding(findings, code);

	assert_string_equal(json_string_value(json_object_get(entry, "severity")), severity);
	if (fix) {
		assert_string_equal(json_string_value(json_object_get(entry, "fix")), fix);
		assert_string_equal(json_string_value(json_object_get(entry, "undo")), undo);
	} else {
		assert_true(json_is_null(json_object_get(entry, "fix")));
		assert_true(json_is_null(json_object_get(entry, "undo")));
	}
	json_decref(findings);
}

/* Whatever this machine is: well-formed findings, a severity of the four, a text, a fix only together with its undo. */
static void test_doctor_here(void **state)
{
	json_t *findings = environment_doctor(topology, "."), *entry;
	size_t i;

	(void)state;
	assert_true(json_array_size(findings) >= 40);
	json_array_foreach (findings, i, entry) {
		const char *severity = json_string_value(json_object_get(entry, "severity"));

		assert_true(strcmp(severity, "ok") == 0 || strcmp(severity, "note") == 0 ||
			    strcmp(severity, "warn") == 0 || strcmp(severity, "bad") == 0);
		assert_true(json_string_length(json_object_get(entry, "text")) > 5);
		assert_int_equal(json_is_null(json_object_get(entry, "fix")),
				 json_is_null(json_object_get(entry, "undo")));
		finding(findings, json_string_value(json_object_get(entry, "code"))); /* codes are unique */
	}
	json_decref(findings);
}

/* Each check on a machine that is bad in its way, then mended as its own fix says. */
static void test_doctor_made_up(void **state)
{
	static const struct {
		const char *code, *path, *bad, *severity, *fix, *undo, *good;
	} cases[] = {
		{"governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n", "warn",
		 "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
		 "echo schedutil | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", "performance\n"},
		{"turbo", "/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n", "note",
		 "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo",
		 "echo 0 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"},
		{"clock", "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n", "warn",
		 "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource",
		 "echo hpet | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
		{"thp", "/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n", "warn",
		 "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
		 "echo always | sudo tee /sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
		{"maps", "/proc/sys/vm/max_map_count", "65530\n", "note", "sudo sysctl -w vm.max_map_count=1048576",
		 "sudo sysctl -w vm.max_map_count=65530", "1048576\n"},
		{"overcommit", "/proc/sys/vm/overcommit_memory", "2\n", "bad", "sudo sysctl -w vm.overcommit_memory=0",
		 "sudo sysctl -w vm.overcommit_memory=2", "0\n"},
		{"swap", "/proc/meminfo", "SwapTotal: 1048576 kB\nSwapFree: 1048576 kB\n", "note", "sudo swapoff -a",
		 "sudo swapon -a", "SwapTotal: 0 kB\nSwapFree: 0 kB\n"},
		{"tasks", "/proc/sys/kernel/pid_max", "32768\n", "note", "sudo sysctl -w kernel.pid_max=131072",
		 "sudo sysctl -w kernel.pid_max=32768", "131072\n"},
		{"epp", "/sys/devices/system/cpu/cpu1/cpufreq/energy_performance_preference", "balance_power\n", "note",
		 "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference",
		 "echo balance_power | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference",
		 "performance\n"},
		{"battery", "/sys/class/power_supply/BAT0/status", "Discharging\n", "warn", "plug in the power supply",
		 "none", "Charging\n"},
		{"smt", "/sys/devices/system/cpu/smt/control", "on\n", "note",
		 "echo off | sudo tee /sys/devices/system/cpu/smt/control",
		 "echo on | sudo tee /sys/devices/system/cpu/smt/control", "notsupported\n"},
		{"watchdog", "/proc/sys/kernel/nmi_watchdog", "1\n", "note", "sudo sysctl -w kernel.nmi_watchdog=0",
		 "sudo sysctl -w kernel.nmi_watchdog=1", "0\n"},
		{"numa-balancing", "/proc/sys/kernel/numa_balancing", "2\n", "note",
		 "sudo sysctl -w kernel.numa_balancing=0", "sudo sysctl -w kernel.numa_balancing=2", "0\n"},
		{"throttle", "/sys/devices/system/cpu/cpu3/thermal_throttle/core_throttle_count", "12\n", "warn", NULL,
		 NULL, "0\n"},
		{"steal", "/proc/stat", "cpu  100 0 100 700 0 0 0 100 0 0\n", "warn", NULL, NULL,
		 "cpu  100 0 100 700 0 0 0 0 0 0\n"},
		{"isolated", "/sys/devices/system/cpu/isolated", "2-3\n", "warn", NULL, NULL, "\n"},
		{"kernel", "/proc/version", "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n", "bad", NULL,
		 NULL, "Linux version 6.1.0 (somebody) #1\n"},
		{"mitigations", "/sys/devices/system/cpu/vulnerabilities/spectre_v2", "Vulnerable\n", "note", NULL,
		 NULL, "Mitigation: Retpolines\n"},
		{"neighbours", "/proc/4242/stat", "4242 (a (busy) one) R 1 1\n", "note", "kill -STOP 4242",
		 "kill -CONT 4242", "4242 (idle) S 1 1\n"},
		{"neighbours", "/proc/4243/stat", "4243 (x) R 1 1 1 0 -1 4194304 5\n", "note", "kill -STOP 4243",
		 "kill -CONT 4243", "4243 (kworker/0:1) R 2 0 0 0 -1 69238880 0\n"},
		{"ksm", "/sys/kernel/mm/ksm/run", "1\n", "note", "echo 0 | sudo tee /sys/kernel/mm/ksm/run",
		 "echo 1 | sudo tee /sys/kernel/mm/ksm/run", "0\n"},
		{"ports", "/proc/sys/net/ipv4/ip_local_port_range", "40000\t50000\n", "note",
		 "sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'",
		 "sudo sysctl -w net.ipv4.ip_local_port_range='40000 50000'", "1024\t65535\n"},
		{"time-wait", "/proc/sys/net/ipv4/tcp_max_tw_buckets", "4096\n", "note",
		 "sudo sysctl -w net.ipv4.tcp_max_tw_buckets=262144", "sudo sysctl -w net.ipv4.tcp_max_tw_buckets=4096",
		 "65536\n"},
		{"time-wait", "/proc/net/sockstat", "sockets: used 9\nTCP: inuse 1 orphan 0 tw 30000 alloc 1 mem 8\n",
		 "warn", "sleep 60", "none", "TCP: inuse 1 orphan 0 tw 3 alloc 1 mem 8\n"},
		{"backlog", "/proc/sys/net/core/somaxconn", "128\n", "note", "sudo sysctl -w net.core.somaxconn=4096",
		 "sudo sysctl -w net.core.somaxconn=128", "4096\n"},
		{"kptr", "/proc/sys/kernel/kptr_restrict", "2\n", "note", "sudo sysctl -w kernel.kptr_restrict=0",
		 "sudo sysctl -w kernel.kptr_restrict=2", "0\n"},
		{"swap", "/proc/meminfo", "SwapTotal: 1024 kB\nSwapFree: 1024 kB\n", "note",
		 "sudo swapoff /dev/sda2 /swapfile", "sudo swapon /dev/sda2 && sudo swapon -p 5 /swapfile",
		 "SwapTotal: 0 kB\nSwapFree: 0 kB\n"},
	};

	(void)state;
	put("/sys/class/power_supply/BAT0/type", "Battery\n");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		/* What is in use stays known; before there is such a file, the doctor can only say -a. */
		if (cases[i].fix && strstr(cases[i].fix, "swapfile"))
			put("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 999 0 -2\n"
					   "/swapfile file 999 0 5\n");
		put(cases[i].path, cases[i].bad);
		expect(cases[i].code, cases[i].severity, cases[i].fix, cases[i].undo);
		put(cases[i].path, cases[i].good);
		expect(cases[i].code, "ok", NULL, NULL);
	}
	put("/proc/sys/kernel/randomize_va_space", "0\n");
	expect("aslr", "warn", "sudo sysctl -w kernel.randomize_va_space=2",
	       "sudo sysctl -w kernel.randomize_va_space=0");
}

static void test_doctor_quota(void **state)
{
	(void)state;
	expect("quota", "ok", NULL, NULL);
	put("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
	expect("quota", "bad", "echo max | sudo tee /sys/fs/cgroup/cpu.max",
	       "echo '50000 100000' | sudo tee /sys/fs/cgroup/cpu.max");
}

/* CPUs that had different settings get each its own back. */
static void test_doctor_per_cpu(void **state)
{
	(void)state;
	put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
	put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
	put("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n");
	expect("governor", "warn", "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
	       "echo powersave | sudo tee /sys/devices/system/cpu/cpu{0,2}/cpufreq/scaling_governor && "
	       "echo performance | sudo tee /sys/devices/system/cpu/cpu1/cpufreq/scaling_governor");
}

/* The deepest state that is not switched off already. */
static void test_doctor_idle(void **state)
{
	(void)state;
	expect("idle", "ok", NULL, NULL);
	put("/sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "0\n");
	put("/sys/devices/system/cpu/cpu0/cpuidle/state1/latency", "2\n");
	expect("idle", "ok", NULL, NULL);
	put("/sys/devices/system/cpu/cpu0/cpuidle/state2/latency", "133\n");
	put("/sys/devices/system/cpu/cpu0/cpuidle/state2/disable", "0\n");
	expect("idle", "note", "echo 1 | sudo tee /sys/devices/system/cpu/cpu*/cpuidle/state2/disable",
	       "echo 0 | sudo tee /sys/devices/system/cpu/cpu*/cpuidle/state2/disable");
	put("/sys/devices/system/cpu/cpu0/cpuidle/state2/disable", "1\n");
	expect("idle", "ok", NULL, NULL);
}

/* taskset or a cpuset: the undo is the list found. */
static void test_doctor_allowed(void **state)
{
	(void)state;
	put("/sys/devices/system/cpu/online", "0-7\n");
	put("/proc/self/status", "Name:\tx\nCpus_allowed:\t0c\nCpus_allowed_list:\t2-3\n");
	expect("allowed", "note", "taskset -pc 0-7 $$", "taskset -pc 2-3 $$");
	put("/proc/self/status", "Cpus_allowed_list:\t0-7\n");
	expect("allowed", "ok", NULL, NULL);
}

static void test_doctor_memory_limit(void **state)
{
	(void)state;
	expect("memory-limit", "ok", NULL, NULL);
	put("/proc/meminfo", "MemTotal: 16777216 kB\n");
	put("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
				    "31 23 0:27 / /cg1 rw - cgroup cgroup rw,memory\n");
	put("/proc/self/cgroup", "4:memory:/\n0::/\n");
	put("/sys/fs/cgroup/memory.max", "max\n");
	put("/cg1/memory.limit_in_bytes", "9223372036854771712\n"); /* v1 for none */
	expect("memory-limit", "ok", NULL, NULL);
	put("/sys/fs/cgroup/memory.max", "1073741824\n");
	expect("memory-limit", "warn", "echo max | sudo tee /sys/fs/cgroup/memory.max",
	       "echo 1073741824 | sudo tee /sys/fs/cgroup/memory.max");
	put("/cg1/memory.limit_in_bytes", "536870912\n");
	expect("memory-limit", "warn", "echo -1 | sudo tee /cg1/memory.limit_in_bytes",
	       "echo 536870912 | sudo tee /cg1/memory.limit_in_bytes");
}

/* A clock that the kernel has struck off its list is not offered. */
static void test_doctor_no_tsc(void **state)
{
	(void)state;
	put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
	put("/sys/devices/system/clocksource/clocksource0/available_clocksource", "hpet acpi_pm\n");
	expect("clock", "warn", NULL, NULL);
}

static void test_doctor_tracefs(void **state)
{
	(void)state;
	expect("tracefs", "note", NULL, NULL);
	put("/sys/kernel/tracing/README", "");
	if (geteuid() == 0)
		expect("tracefs", "note", "sudo mount -t tracefs nodev /sys/kernel/tracing",
		       "sudo umount /sys/kernel/tracing");
	put("/sys/kernel/tracing/events/sched/sched_switch/id", "317\n");
	expect("tracefs", "ok", NULL, NULL);
}

/* Programs are looked for in PATH. */
static void test_doctor_tools(void **state)
{
	char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
	char bin[200];

	(void)state;
	setenv("PATH", "/nowhere:/bin-of-none", 1);
	expect("gnuplot", "note", "sudo apt-get install -y gnuplot-nox", "sudo apt-get remove -y gnuplot-nox");
	expect("valgrind", "note", "sudo apt-get install -y valgrind", "sudo apt-get remove -y valgrind");
	put("/bin/gnuplot", "");
	snprintf(bin, sizeof bin, "%s/bin/gnuplot", fake);
	assert_int_equal(chmod(bin, 0755), 0);
	snprintf(bin, sizeof bin, "%s/bin", fake);
	setenv("PATH", bin, 1);
	expect("gnuplot", "ok", NULL, NULL);
	setenv("PATH", path, 1);
	free(path);
}

static void test_doctor_load(void **state)
{
	static const struct {
		double per_cpu;
		const char *severity;
	} cases[] = {{0.01, "ok"}, {0.3, "warn"}, {0.45, "warn"}, {0.6, "bad"}, {100, "bad"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[80];
		json_t *findings;

		snprintf(text, sizeof text, "%.2f 0.02 0.03 1/99 1\n", cases[i].per_cpu * topology_pus(topology));
		put("/proc/loadavg", text);
		findings = environment_doctor(topology, NULL);
		assert_string_equal(json_string_value(json_object_get(finding(findings, "load"), "severity")),
				    cases[i].severity);
		json_decref(findings);
	}
}

static void test_doctor_data_dir(void **state)
{
	static const struct {
		const char *mountinfo, *severity;
	} cases[] = {
		{"22 1 8:1 / / rw - ext4 /dev/root rw\n", "ok"},
		{"22 1 8:1 / / rw - tmpfs tmpfs rw\n", "bad"},
		{"22 1 8:1 / / rw - overlay overlay rw\n", "warn"},
		{"22 1 8:1 / / rw - nfs4 host:/x rw\n", "warn"},
	};

	(void)state;
	expect("data-dir", "note", NULL, NULL); /* none given */
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *findings;

		put("/proc/self/mountinfo", cases[i].mountinfo);
		findings = environment_doctor(topology, "/tmp");
		assert_string_equal(json_string_value(json_object_get(finding(findings, "data-dir"), "severity")),
				    cases[i].severity);
		json_decref(findings);
	}
}

static void test_doctor_files(void **state)
{
	struct rlimit before, low;
	char undo[100];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = 512;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	snprintf(undo, sizeof undo, "prlimit --pid $$ --nofile=512:%ju", (uintmax_t)before.rlim_max);
	if (before.rlim_max != RLIM_INFINITY)
		expect("files", "warn",
		       before.rlim_max >= 10100 ? "ulimit -Sn 16384" : "sudo prlimit --pid $$ --nofile=16384:16384",
		       undo);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	if (before.rlim_cur >= 10100)
		expect("files", "ok", NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doctor_here),  WITH_FAKE(test_doctor_made_up), WITH_FAKE(test_doctor_quota),
		WITH_FAKE(test_doctor_per_cpu),      WITH_FAKE(test_doctor_idle),    WITH_FAKE(test_doctor_allowed),
		WITH_FAKE(test_doctor_memory_limit), WITH_FAKE(test_doctor_no_tsc),  WITH_FAKE(test_doctor_tracefs),
		WITH_FAKE(test_doctor_tools),        WITH_FAKE(test_doctor_load),    WITH_FAKE(test_doctor_data_dir),
		cmocka_unit_test(test_doctor_files),
	};

	return cmocka_run_group_tests(tests, make_fake, remove_fake);
}
