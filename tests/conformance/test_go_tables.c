/*
 * test_go_tables.c - what the Go subject says of its workloads is what the C subjects say, so that no cell means two things.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/conformance/cells.h"
#include "tests/conformance/peer.h"

static bool has_choice(const json_t *choices, const json_t *name)
{
	const json_t *choice;
	size_t i;

	json_array_foreach (choices, i, choice)
		if (json_equal(choice, name))
			return true;
	return false;
}

static bool is_listed_lack(const char *workload, const char *param, const char *choice)
{
	char text[128];

	snprintf(text, sizeof text, "\"%s\":\"%s\"", param, choice);
	for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++)
		if (strcmp(lacks[i].model, "go") == 0 && strcmp(lacks[i].workload, workload) == 0 &&
		    strcmp(lacks[i].params, text) == 0)
			return true;
	return false;
}

static void check_same(const char *workload, const char *param, const json_t *go, const json_t *c, const char *key)
{
	const json_t *mine = json_object_get(go, key), *theirs = json_object_get(c, key);

	if (mine == theirs || json_equal(mine, theirs)) /* NULL: of numbers choices, of choices bounds */
		return;
	fail_msg("%s %s: %s is %s in Go and %s in C", workload, param, key, json_dumps(mine, JSON_ENCODE_ANY),
		 json_dumps(theirs, JSON_ENCODE_ANY));
}

/* Go may lack choices, if the table says so, and has none that C has not. */
static void check_choices(const char *workload, const json_t *go, const json_t *c)
{
	const json_t *mine = json_object_get(go, "choices"), *theirs = json_object_get(c, "choices"), *choice;
	size_t i, found = 0;

	json_array_foreach (theirs, i, choice) {
		if (has_choice(mine, choice))
			found++;
		else if (!is_listed_lack(workload, name_of(c), json_string_value(choice)))
			fail_msg("%s: Go does not know %s=%s", workload, name_of(c), json_string_value(choice));
	}
	assert_int_equal(found, json_array_size(mine));
}

static void check_params(const char *workload, const json_t *go, const json_t *c)
{
	static const char *const keys[] = {"name", "kind", "default", "min", "max", "smoke"};
	const json_t *mine = json_object_get(go, "params"), *theirs = json_object_get(c, "params");

	assert_int_equal(json_array_size(mine), json_array_size(theirs));
	for (size_t i = 0; i < json_array_size(theirs); i++) {
		const json_t *p = json_array_get(theirs, i);

		for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
			check_same(workload, name_of(p), json_array_get(mine, i), p, keys[k]);
		check_choices(workload, json_array_get(mine, i), p);
	}
}

/* What each body took to write is told, and is plausible. */
static void test_sources(void **state)
{
	const json_t *workload;
	json_t *go;
	size_t i;

	(void)state;
	if (!has_go())
		skip();
	go = describe("go");
	json_array_foreach (json_object_get(go, "workloads"), i, workload) {
		const json_t *source = json_object_get(workload, "source");
		json_int_t lines = json_integer_value(json_object_get(source, "lines"));
		json_int_t calls = json_integer_value(json_object_get(source, "calls"));

		assert_string_equal(json_string_value(json_object_get(source, "style")), "go");
		assert_true(lines + json_integer_value(json_object_get(source, "shared_lines")) >= 10);
		assert_true(calls >= (json_int_t)json_array_size(json_object_get(source, "primitives")));
		assert_true(json_array_size(json_object_get(source, "primitives")) > 0);
	}
	assert_true(i > 40);
	json_decref(go);
}

static void test_tables(void **state)
{
	static const char *const keys[] = {"version", "scaling", "metric", "smoke_ops", "ops_quantum", "quantum_param"};
	json_t *go, *c, *workload;
	size_t i, without = 0;

	(void)state;
	if (!has_go())
		skip();
	go = describe("go");
	c = describe("serial");
	json_array_foreach (json_object_get(c, "workloads"), i, workload) {
		const json_t *mine = find_workload(go, name_of(workload));

		if (!mine) {
			assert_non_null(strstr(GO_WITHOUT, name_of(workload)));
			without++;
			continue;
		}
		for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
			check_same(name_of(workload), "", mine, workload, keys[k]);
		check_params(name_of(workload), mine, workload);
	}
	assert_int_equal(json_array_size(json_object_get(go, "workloads")) + without, i);
	json_decref(go);
	json_decref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_sources)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
