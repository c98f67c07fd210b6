/*
 * The template workload does what docs/add-a-workload.md says: its body in one style (TEMPLATE_BODY) runs, calls begin
 * and end once each, and gives the certificate of its own expect(), which is compared with a sum made here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/template_run.h"

/* ---- bench.h, for one process without a harness ------------------------------------------------------ */

static int begins, ends; /* of the run under way; the body's context is the only one that runs */

int64_t bench_param(const struct bench *b, const char *name)
{
	for (size_t i = 0; i < b->workload->n_params; i++)
		if (strcmp(b->workload->params[i].name, name) == 0)
			return b->param[i];
	abort();
}

void bench_begin(struct bench *b)
{
	(void)b;
	begins++;
}

void bench_end(struct bench *b)
{
	(void)b;
	ends += begins; /* an end before its begin does not count */
}

int bench_fail(struct bench *b, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof b->why, fmt, ap);
	va_end(ap);
	return status;
}

void bench_done(struct bench *b, int status)
{
	template_done(b, status);
}

/* ---- the tests ------------------------------------------------------------------------------------ */

static void check_run(uint64_t ops, int64_t batch)
{
	struct bench b = {.workload = &template_example_workload, .param = {batch}, .ops = ops, .workers = 2};
	struct bench_cert expected;
	uint64_t sum = 0;
	int status;

	begins = ends = 0;
	status = template_run(&b, &TEMPLATE_BODY);
	if (status < 0)
		fail_msg("the body failed with %d: %s", status, b.why);
	assert_int_equal(begins, 1);
	assert_int_equal(ends, 1);
	b.workload->expect(&b, &expected);
	assert_memory_equal(&b.cert, &expected, sizeof expected);
	for (uint64_t i = 0; i < ops; i++)
		sum += template_work(i);
	assert_int_equal(expected.checksum, sum);
	assert_int_equal(expected.ops, ops);
}

static void test_smoke_values(void **state)
{
	(void)state;
	check_run(template_example_workload.smoke_ops, template_example_workload.params[0].smoke);
}

static void test_no_operations(void **state)
{
	(void)state;
	check_run(0, 8);
}

static void test_incomplete_last_batch(void **state)
{
	(void)state;
	check_run(10, 4);
}

static void test_fewer_operations_than_a_batch(void **state)
{
	(void)state;
	check_run(3, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smoke_values),
		cmocka_unit_test(test_no_operations),
		cmocka_unit_test(test_incomplete_last_batch),
		cmocka_unit_test(test_fewer_operations_than_a_batch),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
