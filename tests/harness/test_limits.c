/* Which limit stopped a process: real ones that a child runs into, and made-up machines. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/fake_machine.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* ---- real ones ----------------------------------------------------------------------------------------- */

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void limit_to(int resource, rlim_t value)
{
	struct rlimit limit = {value, value};

	if (setrlimit((__rlimit_resource_t)resource, &limit) != 0)
		_exit(1);
}

static void use_up_files(void)
{
	limit_to(RLIMIT_NOFILE, 64);
	while (open("/dev/null", O_RDONLY) >= 0)
		;
}

/* Address space that nobody touches. */
static void use_up_space(void)
{
	limit_to(RLIMIT_AS, (rlim_t)1 << 30);
	while (mmap(NULL, 8 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED)
		;
}

/* Neighbours with different rights cannot be one mapping. */
static void use_up_maps(void)
{
	int prot = PROT_READ;

	while (mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED)
		prot ^= PROT_READ;
}

/* As a user of its own, whom nobody else is: root is not bound. */
static void use_up_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	limit_to(RLIMIT_NPROC, 30);
	if (setresuid(54321, 54321, 54321) != 0)
		_exit(1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	while (pthread_create(&thread, &attr, sleep_for_ever, NULL) == 0)
		;
}

/* What limits_hit says of a child that has done that. */
static json_t *hit_of(void (*use_up)(void))
{
	int ready[2];
	json_t *hit;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		use_up();
		(void)!write(ready[1], "r", 1);
		sleep_for_ever(NULL);
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	hit = limits_hit(pid, 7);
	(void)close(ready[0]);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return hit;
}

static void expect_hit(void (*use_up)(void), const char *name, int64_t limit)
{
	json_t *hit = hit_of(use_up);
	const char *said = json_string_value(json_object_get(hit, "name"));

	if (!said || strcmp(said, name) != 0)
		fail_msg("it hit %s, not %s", said ? said : "nothing", name);
	if (limit)
		assert_int_equal(json_integer_value(json_object_get(hit, "limit")), limit);
	/* vm.max_map_count lets one more be, and [vsyscall] is listed and counted nowhere. */
	assert_true(json_integer_value(json_object_get(hit, "used")) <=
		    json_integer_value(json_object_get(hit, "limit")) + 2);
	assert_int_equal(json_integer_value(json_object_get(hit, "live_tasks")), 7);
	json_decref(hit);
}

static void use_little(void)
{
}

static void test_real(void **state)
{
	json_t *none = hit_of(use_little);

	(void)state;
	if (!SANITIZED) /* such a process has used up the address space from the start */
		assert_true(json_is_null(none));
	json_decref(none);
	expect_hit(use_up_files, "RLIMIT_NOFILE", 64);
	if (geteuid() == 0)
		expect_hit(use_up_threads, "RLIMIT_NPROC", 30);
	if (SANITIZED)
		return;
	expect_hit(use_up_space, "RLIMIT_AS", INT64_C(1) << 30);
	expect_hit(use_up_maps, "vm.max_map_count", 0);
}

/* ---- made-up ones ---------------------------------------------------------------------------------------- */

#define CGROUP2 "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n"

static void expect_made_up(const char *name, const char *where)
{
	json_t *hit = limits_hit(77, 0);
	const char *said = json_string_value(json_object_get(hit, "name"));

	if (!name) {
		if (said)
			fail_msg("it hit %s", said);
	} else {
		if (!said || strcmp(said, name) != 0)
			fail_msg("it hit %s, not %s", said ? said : "nothing", name);
		assert_string_equal(json_string_value(json_object_get(hit, "where")), where);
	}
	json_decref(hit);
}

/* A quiet machine, in which each limit in turn is used up. */
static void test_made_up(void **state)
{
	static const struct {
		const char *path, *full, *free, *name, *where;
	} cases[] = {
		{"/cg/a/pids.current", "4096\n", "40\n", "cgroup pids.max", "/cg/a/pids.max"},
		{"/proc/loadavg", "0.1 0.1 0.1 1/63990 5\n", "0.1 0.1 0.1 1/300 5\n", "kernel.threads-max",
		 "/proc/sys/kernel/threads-max"},
		{"/proc/sys/kernel/pid_max", "600\n", "4194304\n", "kernel.pid_max", "/proc/sys/kernel/pid_max"},
		{"/cg/memory.current", "1073741000\n", "1000000\n", "cgroup memory.max", "/cg/memory.max"},
		{"/proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 9000 kB\n",
		 "MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n", "memory", "/proc/meminfo MemTotal"},
		{"/proc/sys/fs/file-nr", "999\t0\t1000\n", "99\t0\t1000\n", "fs.file-max", "/proc/sys/fs/file-max"},
		{"/proc/99/status", "Name:\ty\nUid:\t1000\t1000\nThreads:\t490\n",
		 "Name:\ty\nUid:\t1001\t1001\nThreads:\t490\n", "RLIMIT_NPROC", "ulimit -u"},
	};

	(void)state;
	expect_made_up(NULL, NULL); /* nothing can be read */
	put("/proc/77/status",
	    "Name:\tx\nUid:\t1000\t1000\t1000\t1000\nThreads:\t8\nVmSize:\t 4000 kB\nCapEff:\t0000000000000000\n");
	put("/proc/77/limits", "Limit                     Soft Limit           Hard Limit           Units     \n"
			       "Max processes             498                  unlimited            processes \n"
			       "Max open files            1024                 1024                 files     \n"
			       "Max address space         unlimited            unlimited            bytes     \n");
	put("/proc/sys/kernel/threads-max", "64000\n");
	put("/proc/self/mountinfo", CGROUP2);
	put("/proc/self/cgroup", "0::/a\n");
	put("/cg/a/pids.max", "4096\n");
	put("/cg/memory.max", "1073741824\n");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		put(cases[i].path, cases[i].free);
	expect_made_up(NULL, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		put(cases[i].path, cases[i].full);
		expect_made_up(cases[i].name, cases[i].where);
		put(cases[i].path, cases[i].free);
	}
	/* Pages that would be given up at once are not what is missing. */
	put("/cg/memory.current", "1073741000\n");
	put("/cg/memory.stat", "anon 1000\ninactive_file 900000000\n");
	expect_made_up(NULL, NULL);
	/* Of several the fullest. */
	put("/cg/a/pids.current", "4090\n");
	put("/proc/loadavg", "0.1 0.1 0.1 1/64000 5\n");
	expect_made_up("kernel.threads-max", "/proc/sys/kernel/threads-max");
	put("/cg/a/pids.current", "4096\n");
	put("/proc/loadavg", "0.1 0.1 0.1 1/63990 5\n");
	expect_made_up("cgroup pids.max", "/cg/a/pids.max");
	/* Root is not bound by RLIMIT_NPROC. */
	put("/cg/a/pids.current", "4\n");
	put("/proc/loadavg", "0.1 0.1 0.1 1/64 5\n");
	put("/proc/77/status", "Name:\tx\nUid:\t0\t0\t0\t0\nThreads:\t490\nCapEff:\t0000000000000000\n");
	put("/proc/99/status", "Name:\ty\nUid:\t0\t0\nThreads:\t490\n");
	expect_made_up(NULL, NULL);
}

/* Who is killed for lack of memory leaves nothing to look at but the kernel's count. */
static void test_oom(void **state)
{
	json_t *hit;

	(void)state;
	assert_int_equal(limits_oom_kills(), -1);
	hit = limits_oom(-1);
	assert_true(json_is_null(hit));
	json_decref(hit);
	put("/proc/vmstat", "nr_free_pages 5\noom_kill 3\n");
	put("/proc/meminfo", "MemTotal: 1000000 kB\n");
	hit = limits_oom(3);
	assert_true(json_is_null(hit));
	json_decref(hit);
	hit = limits_oom(2);
	assert_string_equal(json_string_value(json_object_get(hit, "name")), "out-of-memory killer");
	assert_int_equal(json_integer_value(json_object_get(hit, "limit")), 1024000000);
	json_decref(hit);
	put("/proc/self/mountinfo", CGROUP2);
	put("/proc/self/cgroup", "0::/\n");
	put("/cg/memory.max", "4096000\n");
	hit = limits_oom(2);
	assert_int_equal(json_integer_value(json_object_get(hit, "limit")), 4096000);
	assert_string_equal(json_string_value(json_object_get(hit, "where")), "/cg/memory.max");
	json_decref(hit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),
		WITH_FAKE(test_made_up),
		WITH_FAKE(test_oom),
	};

	return cmocka_run_group_tests(tests, make_fake, remove_fake);
}
