/*
 * Ps, threads, and the runtime's start and end, paired with Go's proc_test.go, crash_test.go and cgroup tests. What the
 * names mean, and what has no pair: go_test.h. These start the runtime themselves, so asserts are made here directly.
 */
#include "go_test.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void start(unsigned procs, unsigned max_ms)
{
	const struct gr_config config = {.procs = procs, .max_ms = max_ms};

	atomic_store(&sync_failures, 0);
	assert_int_equal(gr_start(&config), 0);
}

static void stop(void)
{
	gr_stop();
	assert_int_equal(atomic_load(&sync_failures), 0);
}

static unsigned procs_in_force(void)
{
	const char *names[16];
	char values[16][32];
	size_t n = gr_knobs(names, values, 16);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "procs"))
			return (unsigned)atoi(values[i]);
	return 0;
}

/* ---- MainGoroutineID ------------------------------------------------------------------------------------------- */

static void note_id(void *arg)
{
	*(uint64_t *)arg = gr_id();
}

/* Catches: ids that do not begin with the first G at 1, after any start; an id outside of Gs. */
static void go_TestMainGoroutineID(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		uint64_t first = 0, second = 0;

		start(1 + (unsigned)i % 3, 0);
		gr_run(note_id, &first);
		gr_run(note_id, &second);
		stop();
		assert_int_equal(first, 1);
		assert_true(second > 1);
		assert_int_equal(gr_id(), 0);
	}
}

/* ---- TestBigGOMAXPROCS --------------------------------------------------------------------------------------------- */

static void yield_and_done(void *arg)
{
	gr_yield();
	gr_wg_done(arg);
}

static void spawn_for_all(void *arg)
{
	const int n = GS(2000);
	gr_wg done = {0};

	(void)arg;
	gr_wg_add(&done, n);
	for (int i = 0; i < n; i++)
		spawn(yield_and_done, &done);
	gr_wg_wait(&done);
}

/* Catches: a table or mask that is too small for the largest number of Ps; a number beyond it that is accepted. */
static void go_TestBigGOMAXPROCS(void **state)
{
	const struct gr_config too_many = {.procs = 1025};

	(void)state;
	start(1024, 0);
	assert_int_equal(procs_in_force(), 1024);
	gr_run(spawn_for_all, NULL);
	stop();
	assert_int_equal(gr_start(&too_many), -EINVAL);
}

/* ---- the number of Ps: affinity, environment, cgroup ------------------------------------------------------------------ */

/* CPUs that the calling thread may use, into set; the first n of them into some. */
static int first_cpus(int n, cpu_set_t *set, cpu_set_t *some)
{
	int have = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(*set), set), 0);
	CPU_ZERO(some);
	for (int cpu = 0; cpu < CPU_SETSIZE && have < n; cpu++)
		if (CPU_ISSET(cpu, set)) {
			CPU_SET(cpu, some);
			have++;
		}
	return have;
}

/* Catches: a default that takes the machine's CPUs and not those that the process may use. */
static void go_TestCgroupGOMAXPROCS_affinity(void **state)
{
	cpu_set_t all, some;

	(void)state;
	for (int n = 1; n <= 2; n++) {
		int have = first_cpus(n, &all, &some);

		assert_int_equal(sched_setaffinity(0, sizeof(some), &some), 0);
		start(0, 0);
		assert_true(procs_in_force() >= 1 && procs_in_force() <= (unsigned)have);
		stop();
		assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	}
}

/* Catches: settings that do not override the CPUs, or not in their order: environment before program before default. */
static void go_TestCgroupGOMAXPROCS_environment(void **state)
{
	(void)state;
	start(7, 0);
	assert_int_equal(procs_in_force(), 7);
	stop();
	setenv("GRDEBUG", "procs=5", 1);
	start(7, 0);
	assert_int_equal(procs_in_force(), 5);
	stop();
	start(0, 0);
	assert_int_equal(procs_in_force(), 5);
	stop();
	unsetenv("GRDEBUG");
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(90);
	close(fd);
}

/* The path of this process in the unified hierarchy; false where there is none. */
static bool own_group(char *path, size_t cap)
{
	char line[1024];
	FILE *f = fopen("/proc/self/cgroup", "re");
	bool found = false;

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::/", 4))
			found = snprintf(path, cap, "%s", line + 3) < (int)cap;
	}
	if (f)
		fclose(f);
	return found;
}

/* Into mount namespaces of one's own, in which what is mounted is seen by nobody else. */
static bool alone(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1", (unsigned)getuid());
	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			return false;
		write_text("/proc/self/uid_map", map);
	}
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) && !mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL);
}

/*
 * In a child process that sees another /sys/fs/cgroup, with the texts as cpu.max of its group and of the root. Exits with
 * the number of Ps; 80: that is not allowed here.
 */
static void count_under(const char *own, const char *root)
{
	char group[512], path[1024] = "/sys/fs/cgroup";

	if (!own_group(group, sizeof(group)) || !alone())
		_exit(80);
	/* Each directory on the way, the limit in the last one. */
	for (char *dir = strtok(group, "/"); dir; dir = strtok(NULL, "/")) {
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", dir);
		if (mkdir(path, 0755))
			_exit(91);
	}
	if (root)
		write_text("/sys/fs/cgroup/cpu.max", root);
	strcat(path, "/cpu.max");
	if (own)
		write_text(path, own);
	if (gr_start(&(struct gr_config){0}))
		_exit(92);
	_exit((int)procs_in_force());
}

static int procs_under(const char *own, const char *root)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		count_under(own, root);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Catches: a quota that is not found, rounded down, or to 0; a limit above the CPUs that is believed. */
static void go_TestCgroupGOMAXPROCS(void **state)
{
	char group[512];
	cpu_set_t all, some;
	const int cpus = first_cpus(1024, &all, &some);
	const int free_of_limits = procs_under("max 100000\n", NULL);

	(void)state;
	/* A sanitizer's own thread forbids new namespaces; so do many machines. */
	if (free_of_limits == 80)
		skip();
	assert_true(free_of_limits <= cpus);
	assert_int_equal(procs_under("100000 100000\n", NULL), 1);
	assert_int_equal(procs_under("50000 100000\n", NULL), 1);
	assert_int_equal(procs_under("1000 100000\n", NULL), 1);
	assert_int_equal(procs_under("150000 100000\n", NULL), free_of_limits < 2 ? free_of_limits : 2);
	assert_int_equal(procs_under("10000000 100000\n", NULL), free_of_limits);
	assert_int_equal(procs_under("nonsense\n", NULL), free_of_limits);
	/* The root's limit holds for all below it. */
	if (own_group(group, sizeof(group)) && strcmp(group, "/") != 0)
		assert_int_equal(procs_under("max 100000\n", "50000 100000\n"), 1);
}

/* ---- TestStopTheWorldDeadlock, TestPreemptionAfterSyscall: the end of the runtime needs every P -------------------------- */

static void respawn(void *arg)
{
	gr_go(respawn, arg);
}

static void start_respawning(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		spawn(respawn, NULL);
	let_others_run();
}

/* Catches: a stop that is not heard by a P whose Gs never wait but only start others (hangs). */
static void go_TestStopTheWorldDeadlock(void **state)
{
	(void)state;
	for (int i = 0; i < TIMES(100); i++) {
		start(1 + (unsigned)i % 4, 0);
		gr_run(start_respawning, NULL);
		stop();
	}
}

static void call_for(void *arg)
{
	const struct timespec t = {0, (long)(uintptr_t)arg};

	for (;;) {
		gr_syscall_enter();
		nanosleep(&t, NULL);
		gr_syscall_exit();
		gr_yield();
	}
}

static void start_calling(void *arg)
{
	for (int i = 0; i < 3; i++)
		spawn(call_for, arg);
	let_others_run();
}

static void stop_amid_calls(uintptr_t ns)
{
	for (int i = 0; i < TIMES(60); i++) {
		start(1 + (unsigned)i % 4, 0);
		gr_run(start_calling, (void *)ns);
		stop();
	}
}

/* Catches: a P in a call, or just back from one, that is forgotten by a stop (hangs). */
static void go_TestPreemptionAfterSyscall_10us(void **state)
{
	(void)state;
	stop_amid_calls(10 * 1000);
}

static void go_TestPreemptionAfterSyscall_100us(void **state)
{
	(void)state;
	stop_amid_calls(100 * 1000);
}

static void go_TestPreemptionAfterSyscall_1ms(void **state)
{
	(void)state;
	stop_amid_calls(1000 * 1000);
}

/* ---- hand-off: a call that lasts takes no P away ---------------------------------------------------------------------------- */

struct blocked {
	int fds[2];
	gr_wg done;
	_Atomic int returned;
};

static void read_in_call(void *arg)
{
	struct blocked *b = arg;
	char byte;

	CHECK(gr_read_blocking(b->fds[0], &byte, 1) == 1);
	atomic_fetch_add(&b->returned, 1);
	gr_wg_done(&b->done);
}

static void write_what_they_read(void *arg)
{
	enum { BLOCKED = 16 };
	struct blocked b = {.returned = 0};

	(void)arg;
	CHECK(pipe(b.fds) == 0);
	gr_wg_add(&b.done, BLOCKED);
	for (int i = 0; i < BLOCKED; i++)
		spawn(read_in_call, &b);
	let_others_run();
	for (int i = 0; i < BLOCKED; i++) {
		CHECK(write(b.fds[1], "x", 1) == 1);
		await_int(&b.returned, i + 1);
	}
	gr_wg_wait(&b.done);
	close(b.fds[0]);
	close(b.fds[1]);
}

/* Catches: more blocked calls than Ps, and nobody left to run the G that could end them (hangs). */
static void go_SyscallHandoff(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 4; procs *= 2) {
		struct gr_stats s;

		start(procs, 0);
		gr_run(write_what_they_read, NULL);
		gr_stats_read(&s);
		stop();
		assert_true(s.handoffs >= 1);
		assert_int_equal(s.syscalls, 16);
	}
}

/* ---- ThreadExhaustion: here a cap delays only -------------------------------------------------------------------------------- */

static void nap_in_call(void *arg)
{
	gr_syscall_enter();
	poll(NULL, 0, 2);
	gr_syscall_exit();
	gr_wg_done(arg);
}

static void nap_often_in_calls(void *arg)
{
	gr_wg done = {0};

	(void)arg;
	gr_wg_add(&done, 20);
	for (int i = 0; i < 20; i++)
		spawn(nap_in_call, &done);
	gr_wg_wait(&done);
}

/* Catches: threads beyond the cap; work that is lost because no thread may be made for it (hangs). */
static void go_TestThreadExhaustion(void **state)
{
	(void)state;
	for (unsigned max = 1; max <= 4; max++) {
		struct gr_stats s;

		start(4, max);
		gr_run(nap_often_in_calls, NULL);
		gr_stats_read(&s);
		stop();
		assert_true(s.m_created - s.m_reaped <= max);
	}
}

/* ---- SchedMetrics: what is counted ------------------------------------------------------------------------------------------------ */

static void count_some(void *arg)
{
	gr_wg done = {0};
	gr_chan *c = chan_of_ints(0);

	(void)arg;
	gr_wg_add(&done, 100);
	for (int i = 0; i < 100; i++)
		spawn(yield_and_done, &done);
	gr_wg_wait(&done);
	for (int i = 0; i < 5; i++)
		gr_sleep_ns(1000);
	gr_chan_free(c);
}

/* Catches: counters that lose counts of a P or an M, or go on from the last run of the runtime. */
static void go_TestSchedMetrics(void **state)
{
	(void)state;
	for (unsigned procs = 1; procs <= 4; procs *= 2) {
		struct gr_stats s;

		start(procs, 0);
		gr_stats_read(&s);
		assert_int_equal(s.spawns, 0);
		gr_run(count_some, NULL);
		/* Who has fired a timer may count it after the sleeper has long been running elsewhere. */
		do {
			nanosleep(&(struct timespec){0, 100000}, NULL);
			gr_stats_read(&s);
		} while (s.timers_fired < 5);
		stop();
		assert_int_equal(s.spawns, 101);
		assert_true(s.switches >= 101);
		assert_true(s.parks >= 5 && s.readies >= 5); /* the sleeps, and the wait unless all had ended */
		assert_int_equal(s.timers_fired, 5);
		assert_true(s.m_created >= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_TestMainGoroutineID),
		cmocka_unit_test(go_TestBigGOMAXPROCS),
		cmocka_unit_test(go_TestCgroupGOMAXPROCS_affinity),
		cmocka_unit_test(go_TestCgroupGOMAXPROCS_environment),
		cmocka_unit_test(go_TestCgroupGOMAXPROCS),
		cmocka_unit_test(go_TestStopTheWorldDeadlock),
		cmocka_unit_test(go_TestPreemptionAfterSyscall_10us),
		cmocka_unit_test(go_TestPreemptionAfterSyscall_100us),
		cmocka_unit_test(go_TestPreemptionAfterSyscall_1ms),
		cmocka_unit_test(go_SyscallHandoff),
		cmocka_unit_test(go_TestThreadExhaustion),
		cmocka_unit_test(go_TestSchedMetrics),
	};

	sync_test_begin();
	return cmocka_run_group_tests_name("gmp/go_procs", tests, NULL, NULL);
}
