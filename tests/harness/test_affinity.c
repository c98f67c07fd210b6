/* Threads that may run where they should not, and which of them did. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "tests/harness/fake_machine.h"

/* Ours, and a set that has none of them. */
static void make_sets(cpu_set_t *ours, cpu_set_t *others, int *other)
{
	assert_int_equal(sched_getaffinity(0, sizeof *ours, ours), 0);
	for (*other = CPU_SETSIZE - 1; CPU_ISSET(*other, ours); (*other)--)
		;
	CPU_ZERO(others);
	CPU_SET(*other, others);
}

static void test_within(void **state)
{
	cpu_set_t ours, others;
	json_t *list;
	int other;

	(void)state;
	make_sets(&ours, &others, &other);
	CPU_OR(&others, &others, &ours); /* more than ours: within it */
	list = affinity_outside(getpid(), &others);
	assert_true(json_is_array(list));
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	list = affinity_outside(999999999, &ours);
	assert_true(json_is_null(list));
	json_decref(list);
}

static void put_stat(int cpu)
{
	char path[80], text[400];
	int used = snprintf(text, sizeof text, "7 (a ) b) S");

	for (int field = 4; field < 39; field++)
		used += snprintf(text + used, sizeof text - (size_t)used, " %d", field);
	snprintf(text + used, sizeof text - (size_t)used, " %d 40 41\n", cpu);
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", getpid(), getpid());
	put(path, text);
	snprintf(path, sizeof path, "/proc/%d/task/%d/comm", getpid(), getpid());
	put(path, "iou-wrk-7\n");
}

static void expect_one(const cpu_set_t *set, const cpu_set_t *ours, bool ran_outside)
{
	json_t *list = affinity_outside(getpid(), set), *entry = json_array_get(list, 0), *may = cpuset_json(ours);

	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(entry, "name")), "iou-wrk-7");
	assert_true(json_equal(json_object_get(entry, "cpus"), may));
	assert_int_equal(json_is_true(json_object_get(entry, "ran_outside")), ran_outside);
	json_decref(may);
	json_decref(list);
}

/* What it did is told by the CPU that it ran on last; where that is not known it is not said to have strayed. */
static void test_outside(void **state)
{
	cpu_set_t ours, others;
	int other;

	(void)state;
	make_sets(&ours, &others, &other);
	put_stat(other);
	expect_one(&others, &ours, false);
	put_stat(other - 1);
	expect_one(&others, &ours, true);
	put_stat(-1);
	expect_one(&others, &ours, false);
}

static void *wait_for_lock(void *lock)
{
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return NULL;
}

/* Threads of one name and one set are one entry. */
static void test_groups(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	cpu_set_t ours, others;
	pthread_t threads[3];
	json_int_t of_helpers = 0;
	json_t *list;
	int other;

	(void)state;
	make_sets(&ours, &others, &other);
	pthread_mutex_lock(&lock);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, wait_for_lock, &lock), 0);
		assert_int_equal(pthread_setname_np(threads[i], "helper"), 0);
	}
	list = affinity_outside(getpid(), &others);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *entry = json_array_get(list, i);

		if (strcmp(json_string_value(json_object_get(entry, "name")), "helper") == 0)
			of_helpers = json_integer_value(json_object_get(entry, "threads"));
	}
	assert_int_equal(of_helpers, 3);
	json_decref(list);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within),
		WITH_FAKE(test_outside),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, make_fake, remove_fake);
}
