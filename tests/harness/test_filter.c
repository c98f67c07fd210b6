/* The filter language: what matches, and what each wrong input is told. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/filter.h"
#include "harness/plan/jsonx.h"

static const struct filter_key keys[] = {{"tasks", true}, {"ws_kib", true}, {"mode", false}};

static bool matches(const char *text)
{
	struct err err = {{0}};
	struct filter *f;
	json_t *params = json_pack("{s:i, s:i, s:s}", "tasks", 64, "ws_kib", 0, "mode", "warm");
	struct filter_item item = {"switch/ring", "gmp", "same", "timed", "ring group", 2, params};
	bool m;

	if (filter_parse(text, keys, 3, &f, &err) != 0)
		fail_msg("'%s' does not parse: %s", text, ERR_TEXT(err));
	m = filter_match(f, &item);
	filter_free(f);
	json_decref(params);
	return m;
}

static void test_matches(void **state)
{
	static const char *const yes[] = {
		"workload:ring",
		"workload:switch/ring",
		"family:switch",
		"subject:gmp",
		"subject:pthread,gmp",
		"workload:ring subject:gmp",
		"placement:same",
		"kind:timed",
		"group:\"ring group\"",
		"workers:2",
		"workers:>=2",
		"workers:<=2",
		"tasks:64",
		"tasks:=64",
		"tasks:>63",
		"tasks:<65",
		"tasks:>=64",
		"tasks:2,64",
		"mode:warm",
		"mode:/^w.*m$/",
		"workload:/ri/",
		"tasks:/^6/",
		"workload:fib OR workload:ring",
		"workload:fib|workload:ring",
		"workload:fib | subject:gmp tasks:64",
		"-workload:fib",
		"NOT workload:fib",
		"-(workload:fib OR tasks:2)",
		"NOT (workload:fib)",
		"NOT NOT workload:ring",
		"subject:(go OR gmp)",
		"subject:(go|gmp)",
		"subject:( go , gmp )",
		"workload:ring subject:gmp,pthread",
		"(workload:ring)",
		"((tasks:64))",
		"  workload:ring  ",
		"workload:/ring|fib/",
		"workload:/switch\\/ring/",
		"tasks:(<3 OR >60)",
		"tasks:<3,>60",
		"-ws_kib:>0",
		"workload:ring (subject:gmp OR subject:pthread) -tasks:2",
	};
	static const char *const no[] = {
		"workload:rin",
		"workload:RING",
		"family:ring",
		"subject:pthread",
		"workload:ring subject:pthread",
		"tasks:<64",
		"tasks:>64",
		"tasks:2",
		"-workload:ring",
		"mode:cold",
		"mode:/^c/",
		"workers:1",
		"kind:counted",
		"group:ring",
		"workload:fib OR workload:mutex",
		"NOT (workload:ring OR workload:fib)",
		"workload:fib subject:gmp | tasks:2",
		"placement:cross,free",
	};

	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		if (!matches(yes[i]))
			fail_msg("'%s' should match", yes[i]);
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (matches(no[i]))
			fail_msg("'%s' should not match", no[i]);
}

/* AND binds closer than OR; NOT closest. */
static void test_precedence(void **state)
{
	(void)state;
	assert_true(matches("tasks:64 OR tasks:2 subject:pthread"));
	assert_false(matches("(tasks:64 OR tasks:2) subject:pthread"));
	assert_false(matches("-tasks:64 OR subject:pthread"));
	assert_true(matches("-tasks:2 subject:gmp"));
}

static void test_param_that_a_workload_lacks(void **state)
{
	struct filter_item item = {.workload = "cpu/fib", .subject = "gmp", .params = NULL};
	struct filter *f;

	(void)state;
	assert_int_equal(filter_parse("tasks:>0", keys, 3, &f, NULL), 0);
	assert_false(filter_match(f, &item));
	filter_free(f);
	assert_int_equal(filter_parse("-tasks:>0", keys, 3, &f, NULL), 0);
	assert_true(filter_match(f, &item));
	filter_free(f);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"colour:red", "unknown key 'colour'"},
		{"colour:red",
		 "known are workload, family, subject, placement, kind, group, workers, tasks, ws_kib, mode"},
		{"tasks:many", "'many' is not a whole number (key 'tasks')"},
		{"tasks:>=x", "'x' is not a whole number"},
		{"tasks:99999999999999999999", "not a whole number"},
		{"subject:>3", "'subject' is not a number"},
		{"mode:<2", "'mode' is not a number"},
		{"workload:/(/", "bad regular expression /(/"},
		{"workload:/ring", "no closing '/'"},
		{"workload:/(a{1,255}){1,255}/", "/(a{1,255}){1,255}/ is too large"},
		{"workload:/((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+/", "is too large"},
		{"workload:/(a{9,}){9,}{9,}{9,}/", "is too large"},
		{"workload:/(a|b{,30}){150}/", "is too large"},
		{"ring", "'ring' is not of the form key:value (perhaps workload:ring)"},
		{"workload:", "a value is missing"},
		{"workload:a,", "a value is missing"},
		{"(workload:ring", "')' is missing"},
		{"workload:ring)", "unexpected text"},
		{"workload:ring OR", "ends where a term is missing"},
		{"", "ends where a term is missing"},
		{"|", "a term is missing"},
		{"NOT", "ends where a term is missing"},
		{"subject:(gmp pthread)", "'OR' or ')' is missing in the list"},
		{"group:\"a", "the quote is not closed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = {{0}};
		struct filter *f;

		if (filter_parse(bad[i].text, keys, 3, &f, &err) == 0)
			fail_msg("'%s' should not parse", bad[i].text);
		assert_null(f);
		if (!strstr(ERR_TEXT(err), bad[i].says))
			fail_msg("'%s' is told '%s', not '%s'", bad[i].text, ERR_TEXT(err), bad[i].says);
	}
}

static void test_depth_is_bounded(void **state)
{
	char text[4001];
	struct err err = {{0}};
	struct filter *f;

	(void)state;
	memset(text, '(', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_not_equal(filter_parse(text, keys, 3, &f, &err), 0);
	assert_non_null(strstr(ERR_TEXT(err), "nested too deeply"));
	memset(text, '-', sizeof text - 1);
	assert_int_not_equal(filter_parse(text, keys, 3, &f, &err), 0);
}

static bool names(const char *text)
{
	struct filter *f;
	bool n;

	assert_int_equal(filter_parse(text, keys, 3, &f, NULL), 0);
	n = filter_names_workloads(f);
	filter_free(f);
	return n;
}

static void test_names_workloads(void **state)
{
	(void)state;
	assert_true(names("workload:ring"));
	assert_true(names("tasks:2 (family:switch OR subject:gmp)"));
	assert_false(names("-workload:ring"));
	assert_false(names("tasks:2 subject:gmp"));
	assert_false(filter_names_workloads(NULL));
}

/* What can be told of a workload and a group alone; all else is open, and open matches. */
static void test_may_match(void **state)
{
	static const struct {
		const char *text;
		bool may;
	} cases[] = {
		{"workload:ring", true},
		{"workload:fib", false},
		{"family:switch", true},
		{"-family:switch", false},
		{"group:g", true},
		{"group:h", false},
		{"subject:gmp", true},
		{"-subject:gmp", true},
		{"workload:fib OR tasks:8", true},
		{"workload:fib tasks:8", false},
		{"-(workload:ring OR tasks:8)", false},
		{"-(workload:ring tasks:8)", true},
		{"workload:/^(r|x{1,255})+[i]ng$/", true},
		{"workload:/ri[n{5000}]g|\\{5000\\}/", true},
		{"workload:/[]{5000}[]*ring/", true},
	};
	struct filter_item item = {.workload = "switch/ring", .group = "g"};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static const struct filter_key keys[] = {{"tasks", true}};
		struct filter *f;
		struct err err = {{0}};

		if (filter_parse(cases[i].text, keys, 1, &f, &err) != 0)
			fail_msg("%s: %s", cases[i].text, err.why);
		if (filter_may_match(f, &item) != cases[i].may)
			fail_msg("%s", cases[i].text);
		filter_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_param_that_a_workload_lacks),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_names_workloads),
		cmocka_unit_test(test_may_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
