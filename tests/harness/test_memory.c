/*
 * Memory per task of a child that takes a known amount per task. It is this program, called as `test child KIND TASKS`.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/measure/internal.h"
#include "tests/harness/fake_machine.h"

#define LONG_NS INT64_C(20000000000)
#define TASK_BYTES 65536

static void release(struct process *p)
{
	json_t *ack = json_pack("{s:s}", "cmd", "ack");
	struct err err = {""};

	assert_int_equal(process_send(p, ack, &err), 0);
	json_decref(ack);
}

static json_t *snapshot_at(struct process *p, int64_t max_wait_ns)
{
	json_t *message, *snapshot;
	struct err err = {""};
	uint64_t tasks;

	if (process_receive(p, LONG_NS, &message, &err) != 0)
		fail_msg("%s", err.why);
	tasks = (uint64_t)json_integer_value(json_object_get(message, "live_tasks"));
	json_decref(message);
	snapshot = memory_snapshot(process_pid(p), tasks, max_wait_ns);
	assert_non_null(snapshot);
	return snapshot;
}

/* The per-task object of a child of that kind; the live snapshot in *live. */
static json_t *measure(const char *kind, const char *tasks, int64_t max_wait_ns, json_t **live)
{
	const char *const argv[] = {"test", "child", kind, tasks, NULL};
	struct process_spec spec = {.path = "/proc/self/exe", .argv = argv};
	struct process_exit end;
	struct process *p;
	struct err err = {""};
	json_t *base, *per_task;

	if (process_start(&spec, &p, &err) != 0)
		fail_msg("%s", err.why);
	base = snapshot_at(p, max_wait_ns);
	release(p);
	*live = snapshot_at(p, max_wait_ns);
	release(p);
	process_finish(p, LONG_NS, &end);
	assert_int_equal(end.code, 0);
	per_task = memory_per_task(base, *live);
	json_decref(base);
	assert_non_null(per_task);
	return per_task;
}

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_number(value))
		fail_msg("%s is not a number", key);
	return json_number_value(value);
}

/* 64 KiB of touched memory per task, and the 128 bytes of page tables that it takes. */
static void test_known_memory(void **state)
{
	json_t *live, *per_task = measure("touch", "500", LONG_NS / 20, &live);
	double rss = number(per_task, "rss_bytes");

	(void)state;
	/* In a sanitised build the shadow of the memory is the process's too: up to four times as much. */
	assert_true(rss >= TASK_BYTES);
	assert_true(rss <= TASK_BYTES * 8.0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(rss <= TASK_BYTES * 1.02);
	/* The first and the last table page may have been there already, half used. */
	assert_true(number(per_task, "pagetable_bytes") >= TASK_BYTES / 4096 * 8 - 2 * 4096.0 / 500);
	assert_true(number(per_task, "pagetable_bytes") < 2000);
#endif
	assert_true(number(per_task, "kstack_computed_bytes") == 0);
	assert_true(number(per_task, "total_bytes") ==
		    rss + number(per_task, "pagetable_bytes") + number(per_task, "slab_bytes"));
	assert_int_equal(json_integer_value(json_object_get(live, "live_tasks")), 500);
	json_decref(live);
	json_decref(per_task);
}

/* A thread per task: kernel stacks appear, and measured and computed ones agree unless others interfere. */
static void test_threads(void **state)
{
	json_t *live, *per_task;
	double computed, measured = 0;
	bool agrees = false;

	(void)state;
	for (int i = 0; i < 2 && !agrees; i++) {
		per_task = measure("threads", "200", LONG_NS / 20, &live);
		computed = number(per_task, "kstack_computed_bytes");
		measured = number(per_task, "kstack_bytes");
		assert_true(computed >= 8192 && computed <= 65536);
		assert_int_equal(json_integer_value(json_object_get(live, "threads")) >= 201, 1);
		agrees = measured > computed * 0.8 && measured < computed * 1.2;
		json_decref(live);
		json_decref(per_task);
	}
	if (!agrees)
		print_message(
			"skipped: kernel stacks of the machine moved by themselves (measured %.0f, computed %.0f)\n",
			measured, computed);
}

/* A wait that is too short says so, and the numbers are there all the same. */
static void test_not_settled(void **state)
{
	json_t *live, *per_task = measure("touch", "10", 0, &live);

	(void)state;
	assert_true(json_is_false(json_object_get(live, "settled")));
	assert_true(json_is_string(json_object_get(json_object_get(live, "why"), "settled")));
	assert_true(json_is_integer(json_object_get(live, "rss_bytes")));
	json_decref(live);
	json_decref(per_task);
}

static void test_settles(void **state)
{
	json_t *snapshot = memory_snapshot(getpid(), 0, LONG_NS / 10);

	(void)state;
	if (json_is_true(json_object_get(snapshot, "settled")))
		assert_true(json_integer_value(json_object_get(snapshot, "settle_ns")) >= 200000000);
	else
		print_message("skipped: this machine's memory did not come to rest within 2 s\n");
	assert_true(json_integer_value(json_object_get(snapshot, "rss_bytes")) > 0);
	json_decref(snapshot);
}

/* What was not read is null with a reason, never 0. */
static void test_unknown(void **state)
{
	json_t *gone = memory_snapshot(999999999, 10, 0), *base = memory_snapshot(getpid(), 0, 0);
	json_t *per_task = memory_per_task(base, gone), *same = memory_per_task(base, base);

	(void)state;
	assert_true(json_is_null(json_object_get(gone, "rss_bytes")));
	assert_true(json_is_string(json_object_get(json_object_get(gone, "why"), "rss_bytes")));
	assert_true(json_is_null(json_object_get(per_task, "rss_bytes")));
	assert_true(json_is_null(json_object_get(per_task, "total_bytes")));
	assert_true(json_is_string(json_object_get(json_object_get(per_task, "why"), "total_bytes")));
	assert_true(json_is_null(json_object_get(same, "rss_bytes"))); /* no tasks to divide by */
	json_decref(gone);
	json_decref(base);
	json_decref(per_task);
	json_decref(same);
}

static void test_arithmetic(void **state)
{
	json_t *base =
		json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "rss_bytes", 1000, "vmpte_bytes", 100, "threads", 1,
			  "kstack_bytes", 5000, "slab_bytes", 700, "kstack_size_bytes", 16384, "live_tasks", 0);
	json_t *live =
		json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "rss_bytes", 9000, "vmpte_bytes", 140, "threads", 5,
			  "kstack_bytes", 70536, "slab_bytes", 500, "kstack_size_bytes", 16384, "live_tasks", 4);
	json_t *per_task = memory_per_task(base, live);

	(void)state;
	assert_true(number(per_task, "rss_bytes") == 2000);
	assert_true(number(per_task, "pagetable_bytes") == 10);
	assert_true(number(per_task, "kstack_bytes") == 16384);
	assert_true(number(per_task, "kstack_computed_bytes") == 16384);
	assert_true(number(per_task, "slab_bytes") == -50); /* as it came out */
	assert_true(number(per_task, "total_bytes") == 2000 + 10 + 16384 - 50);
	json_decref(base);
	json_decref(live);
	json_decref(per_task);
}

/* PSS is RSS by shares, and part of what sockets hold is slab: neither is in the sum, both are told. */
static void test_apart(void **state)
{
	json_t *base = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "rss_bytes", 1000, "vmpte_bytes", 100,
				 "threads", 1, "kstack_bytes", 5000, "slab_bytes", 700, "kstack_size_bytes", 16384,
				 "live_tasks", 0, "pss_bytes", 900, "sockets_bytes", 4096);
	json_t *live = json_deep_copy(base), *per_task;

	(void)state;
	json_object_set_new(live, "live_tasks", json_integer(2));
	json_object_set_new(live, "pss_bytes", json_integer(1000));
	json_object_set_new(live, "sockets_bytes", json_integer(12288));
	per_task = memory_per_task(base, live);
	assert_true(number(per_task, "pss_bytes") == 50);
	assert_true(number(per_task, "sockets_bytes") == 4096);
	assert_true(number(per_task, "total_bytes") == 0);
	json_decref(base);
	json_decref(live);
	json_decref(per_task);
}

/* TCP's and UDP's pages together, of a made-up machine; without the file null and why. */
static void test_sockets(void **state)
{
	json_t *snapshot = memory_snapshot(getpid(), 0, 0);

	(void)state;
	assert_true(json_is_null(json_object_get(snapshot, "sockets_bytes")));
	assert_true(json_is_string(json_object_get(json_object_get(snapshot, "why"), "sockets_bytes")));
	json_decref(snapshot);
	put("/proc/net/sockstat", "sockets: used 16\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 88\nUDP: inuse 0 mem 132\n"
				  "RAW: inuse 0\nFRAG: inuse 0 memory 0\n");
	snapshot = memory_snapshot(getpid(), 0, 0);
	assert_int_equal(json_integer_value(json_object_get(snapshot, "sockets_bytes")),
			 (88 + 132) * sysconf(_SC_PAGESIZE));
	json_decref(snapshot);
}

static void test_kstack_size(void **state)
{
	int64_t size = machine_kstack_bytes();

	(void)state;
	assert_true(size >= 8192 && size <= 65536);
	assert_int_equal(size & (size - 1), 0);
}

/* ---- the child ----------------------------------------------------------------------------------------- */

static void say(const char *name, long tasks)
{
	char line[64];

	printf("{\"msg\":\"snapshot\",\"name\":\"%s\",\"live_tasks\":%ld}\n", name, tasks);
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		exit(1);
}

static sem_t leave;

static void *wait_for_leave(void *arg)
{
	sem_wait(&leave);
	return arg;
}

static int child_touch(long tasks)
{
	size_t size = (size_t)tasks * TASK_BYTES;
	char *p;

	say("base", 0);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || madvise(p, size, MADV_NOHUGEPAGE) != 0)
		return 1;
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	say("live", tasks);
	return munmap(p, size) == 0 ? 0 : 1;
}

static int child_threads(long tasks)
{
	pthread_t *threads = calloc((size_t)tasks, sizeof *threads);
	pthread_attr_t attr;

	if (!threads || sem_init(&leave, 0, 0) != 0 || pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, 262144) != 0)
		return 1;
	say("base", 0);
	for (long i = 0; i < tasks; i++)
		if (pthread_create(&threads[i], &attr, wait_for_leave, NULL) != 0)
			return 1;
	say("live", tasks);
	for (long i = 0; i < tasks; i++)
		sem_post(&leave);
	for (long i = 0; i < tasks; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_memory), cmocka_unit_test(test_threads), cmocka_unit_test(test_not_settled),
		cmocka_unit_test(test_settles),      cmocka_unit_test(test_unknown), cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_kstack_size),  cmocka_unit_test(test_apart),   WITH_FAKE(test_sockets),
	};

	if (argc == 4 && strcmp(argv[2], "touch") == 0)
		return child_touch(atol(argv[3]));
	if (argc == 4 && strcmp(argv[2], "threads") == 0)
		return child_threads(atol(argv[3]));
	return cmocka_run_group_tests(tests, make_fake, remove_fake);
}
