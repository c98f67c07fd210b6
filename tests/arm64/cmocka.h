/*
 * cmocka.h - the part of cmocka's interface that tests/gmp uses, for the cross build: no library, one header.
 *
 * Why not cmocka itself. The distribution has it for arm64 only as a package of a foreign architecture, and
 * `dpkg --add-architecture` changes what apt does on the user's machine from then on, for all packages; building it from
 * source would need either its source here or the network in `make test`. Only its frame is wanted anyhow: a list of
 * functions, each of which ends at its first assertion that does not hold.
 *
 * Two things are not cmocka's. TEST_SKIP in the environment, "name name ...", leaves cases out, and says so: see
 * tests/arm64/skip. And where cmocka catches signals to go on with the next case, here the process ends.
 */
#ifndef TESTS_ARM64_CMOCKA_H
#define TESTS_ARM64_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*CMUnitTestFunction)(void **state);
typedef int (*CMFixtureFunction)(void **state);

struct CMUnitTest {
	const char *name;
	CMUnitTestFunction test_func;
	CMFixtureFunction setup_func;
	CMFixtureFunction teardown_func;
	void *initial_state;
};

enum { CMOCKA__FAILED = 1, CMOCKA__LEFT_OUT = 2 };

static jmp_buf cmocka__failed;

/* For a case that finds out that it cannot be run here. */
static inline void __attribute__((noreturn)) skip(void)
{
	longjmp(cmocka__failed, CMOCKA__LEFT_OUT);
}

static inline void __attribute__((noreturn, format(printf, 3, 4)))
cmocka__fail(const char *file, int line, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: error: ", file, line);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	longjmp(cmocka__failed, CMOCKA__FAILED);
}

static inline void cmocka__compare(uintmax_t a, uintmax_t b, bool want, const char *text, const char *file, int line)
{
	if ((a == b) != want)
		cmocka__fail(file, line, "%s: %#jx, %#jx", text, a, b);
}

#define cmocka__value(x) ((uintmax_t)(x))
#define cmocka__pointer(x) ((uintmax_t)(uintptr_t)(x))

#define fail_msg(...) cmocka__fail(__FILE__, __LINE__, __VA_ARGS__)
#define assert_true(c) cmocka__compare(!!(c), 0, false, "not true: " #c, __FILE__, __LINE__)
#define assert_false(c) cmocka__compare(!!(c), 0, true, "not false: " #c, __FILE__, __LINE__)
#define assert_null(p) cmocka__compare(cmocka__pointer(p), 0, true, "not NULL: " #p, __FILE__, __LINE__)
#define assert_non_null(p) cmocka__compare(cmocka__pointer(p), 0, false, "NULL: " #p, __FILE__, __LINE__)
#define assert_int_equal(a, b)                                                                                         \
	cmocka__compare(cmocka__value(a), cmocka__value(b), true, #a " != " #b, __FILE__, __LINE__)
#define assert_ptr_equal(a, b)                                                                                         \
	cmocka__compare(cmocka__pointer(a), cmocka__pointer(b), true, #a " != " #b, __FILE__, __LINE__)

/* clang-format off */
#define assert_string_equal(a, b)                                                                                      \
	cmocka__compare(strcmp((a), (b)) == 0, 0, false, "differ: " #a ", " #b, __FILE__, __LINE__)
#define assert_memory_equal(a, b, n)                                                                                   \
	cmocka__compare(memcmp((a), (b), (n)) == 0, 0, false, "differ: " #a ", " #b, __FILE__, __LINE__)

#define cmocka_unit_test(f) {#f, f, NULL, NULL, NULL}
#define cmocka_unit_test_setup_teardown(f, setup, teardown) {#f, f, setup, teardown, NULL}
/* clang-format on */

/* Whether the words of TEST_SKIP contain name. */
static inline bool cmocka__is_skipped(const char *name)
{
	const char *at = getenv("TEST_SKIP");
	size_t n = strlen(name);

	while (at && *at) {
		size_t word = strcspn(at, " ");

		if (word == n && !memcmp(at, name, n))
			return true;
		at += word;
		at += strspn(at, " ");
	}
	return false;
}

/* 0, or what it ended with. */
static inline int cmocka__run_one(const struct CMUnitTest *t)
{
	void *state = t->initial_state;
	int how = setjmp(cmocka__failed);

	if (how)
		return how;
	if (t->setup_func && t->setup_func(&state))
		cmocka__fail(t->name, 0, "the set-up failed");
	t->test_func(&state);
	if (t->teardown_func && t->teardown_func(&state))
		cmocka__fail(t->name, 0, "the tear-down failed");
	return 0;
}

static inline int cmocka__run(const char *group, const struct CMUnitTest *tests, size_t n, CMFixtureFunction setup,
			      CMFixtureFunction teardown)
{
	int failed = 0, skipped = 0;
	void *state = NULL;

	if (setup && setup(&state)) {
		fprintf(stderr, "%s: the set-up failed\n", group);
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		const char *verdict = "OK";

		fprintf(stderr, "[ RUN      ] %s\n", tests[i].name);
		int how = cmocka__is_skipped(tests[i].name) ? CMOCKA__LEFT_OUT : cmocka__run_one(&tests[i]);

		if (how == CMOCKA__LEFT_OUT) {
			verdict = "SKIPPED";
			skipped++;
		} else if (how) {
			verdict = "FAILED";
			failed++;
		}
		fprintf(stderr, "[ %8s ] %s\n", verdict, tests[i].name);
	}
	if (teardown && teardown(&state))
		failed++;
	fprintf(stderr, "%s: %zu cases, %d failed, %d skipped\n", group, n, failed, skipped);
	return failed;
}

#define cmocka_run_group_tests_name(group, tests, setup, teardown)                                                     \
	cmocka__run(group, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define cmocka_run_group_tests(tests, setup, teardown) cmocka_run_group_tests_name(#tests, tests, setup, teardown)

#endif
