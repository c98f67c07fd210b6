/* siblings.c: the judgement, and that the probe tells one CPU's two threads of execution from nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sched.h>

#include "harness/measure/siblings.h"

static void test_judge(void **state)
{
	(void)state;
	assert_int_equal(siblings_judge(1.0), SIBLINGS_NO);
	assert_int_equal(siblings_judge(0.97), SIBLINGS_NO);
	assert_int_equal(siblings_judge(1.2), SIBLINGS_UNKNOWN);
	assert_int_equal(siblings_judge(1.6), SIBLINGS_YES);
	assert_int_equal(siblings_judge(-22), SIBLINGS_UNKNOWN);
}

static int allowed_cpu(int after)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
	for (int cpu = after + 1; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			return cpu;
	return -1;
}

/* A ratio, whatever this machine is; and the caller's affinity is as it was. */
static void test_probe(void **state)
{
	cpu_set_t before, after;
	int first = allowed_cpu(-1), second = allowed_cpu(first);
	double ratio;

	(void)state;
	if (second < 0)
		skip();
	assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
	ratio = siblings_ratio(first, second);
	assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
	if (!(ratio > 0.2 && ratio < 20))
		fail_msg("a ratio of %g", ratio);
	print_message("ratio %.2f\n", ratio);
}

static void test_refused(void **state)
{
	(void)state;
	assert_true(siblings_ratio(CPU_SETSIZE - 1, 0) < 0); /* no machine here has that CPU */
	assert_true(siblings_ratio(allowed_cpu(-1), CPU_SETSIZE - 1) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
