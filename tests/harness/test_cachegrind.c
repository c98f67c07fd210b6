/*
 * What is given to cachegrind and what is read of it: sizes that it can take, its files whole and torn; how much work a simulated
 * sample does. Whole runs under valgrind are in test_simulate.sh.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/measure/cachegrind.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/simulate.h"
#include "tests/harness/fakes.h"

static const struct cache_shape usual = {.bytes = 32768, .ways = 8, .line_bytes = 64};

static bool is_power_of_two(int64_t v)
{
	return v > 0 && (v & (v - 1)) == 0;
}

static void sizes_are_rounded(void **state)
{
	static const struct {
		struct cache_shape machine, simulated;
	} cases[] = {
		{{32768, 8, 64}, {32768, 8, 64}},
		{{49152, 12, 64}, {49152, 12, 64}}, /* 48 KiB of 12 ways: 64 sets */
		{{37486592, 11, 64}, {35651584, 17, 64}}, /* 53248 sets: the largest power of two below has 17 ways */
		{{36 << 20, 18, 64}, {36 << 20, 18, 64}},
		{{30 << 20, 20, 64}, {30 << 20, 30, 64}}, /* 24576 sets */
		{{32768, 0, 64}, {32768, 8, 64}}, /* hwloc does not know the ways */
		{{65536, -1, 128}, {65536, 8, 128}}, /* fully associative */
		{{32768, 8, 0}, {32768, 8, 64}},
		{{32768, 8, 48}, {32768, 8, 64}},
		{{0, 0, 0}, {32768, 8, 64}},
		{{128, 8, 64}, {32768, 8, 64}}, /* less than one set */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cache_shape s = cachegrind_round(cases[i].machine, usual);

		assert_int_equal(s.bytes, cases[i].simulated.bytes);
		assert_int_equal(s.ways, cases[i].simulated.ways);
		assert_int_equal(s.line_bytes, cases[i].simulated.line_bytes);
	}
	/* Whatever a machine has: what cachegrind demands holds, and no more than a way is lost. */
	for (int64_t kib = 4; kib < 100000; kib += 1 + kib / 7)
		for (int ways = 1; ways <= 20; ways++) {
			struct cache_shape s = cachegrind_round((struct cache_shape){kib * 1024, ways, 64}, usual);
			int64_t sets = s.bytes / s.ways / s.line_bytes;

			assert_true(is_power_of_two(sets));
			assert_int_equal(sets * s.ways * s.line_bytes, s.bytes);
			assert_true(s.bytes <= kib * 1024 && s.bytes + s.bytes / s.ways > kib * 1024);
		}
}

/* The caches above a CPU, and not those of another kind of core. */
static void caches_come_from_the_topology(void **state)
{
	struct topology *t;
	struct cache_shape s;
	struct err err;

	(void)state;
	assert_int_equal(topology_synthetic("pack:2 l3:1(size=12582912) l2:2(size=1048576) l1d:1(size=49152) "
					    "l1i:1(size=32768) core:1 pu:2",
					    &t, &err),
			 0);
	assert_true(topology_cache(t, 7, CACHE_LL, &s));
	assert_int_equal(s.bytes, 12582912);
	assert_true(topology_cache(t, 7, CACHE_D1, &s));
	assert_int_equal(s.bytes, 49152);
	assert_true(topology_cache(t, 7, CACHE_I1, &s));
	assert_int_equal(s.bytes, 32768);
	assert_false(topology_cache(t, 8, CACHE_D1, &s)); /* there is no such CPU */
	topology_free(t);
	assert_int_equal(topology_synthetic("pack:1 core:2 pu:1", &t, &err), 0);
	assert_false(topology_cache(t, 0, CACHE_LL, &s));
	topology_free(t);
}

static void missing_valgrind_is_said(void **state)
{
	struct topology *t;
	struct cachegrind c;
	struct err err = {{0}};
	char *path = xstrdup(getenv("PATH") ? getenv("PATH") : "");
	int rc;

	(void)state;
	assert_int_equal(topology_synthetic("pack:1 core:2 pu:1", &t, &err), 0);
	setenv("PATH", "/nonexistent:/dev", 1);
	rc = cachegrind_new(t, 0, &c, &err);
	setenv("PATH", path, 1);
	free(path);
	topology_free(t);
	if (rc == -ENOTSUP) /* a build with sanitizers: they do not go together */
		assert_non_null(strstr(ERR_TEXT(err), "valgrind cannot run its subjects"));
	else {
		assert_int_equal(rc, -ENOENT);
		assert_non_null(strstr(ERR_TEXT(err), "not on the PATH (apt-get install valgrind)"));
	}
}

static int read_text(const char *text, json_t **out, struct err *err)
{
	char folder[256], *path;
	FILE *f;
	int rc;

	fakes_folder(folder, sizeof folder);
	path = xformat("%s/out", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	rc = cachegrind_read(path, out, err);
	free(path);
	session_remove_tree(folder);
	return rc;
}

#define HEAD                                                                                                           \
	"desc: I1 cache: 32768 B\ncmd: a summary: of lies\nevents: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw "            \
	"\nfl=x\nfn=y\n1 2 3\n"

static void files_are_read(void **state)
{
	static const char *const torn[] = {"",
					   "desc: x\n",
					   HEAD,
					   HEAD "summary: 1 2 3\n",
					   HEAD "summary: x\n",
					   "events: Ir\nsummary: 5\n",
					   "summary: 1 2 3 4 5 6 7 8 9\n",
					   HEAD "summary: 1 2 3 9223372036854775807 5 6 1 8 9\n"};
	struct err err = {{0}};
	json_t *counts;

	(void)state;
	assert_int_equal(read_text(HEAD "summary: 1000 20 3 400 50 6 700 80 9\n", &counts, &err), 0);
	assert_int_equal(jsonx_int(counts, "instructions", -1), 1000);
	assert_int_equal(jsonx_int(counts, "data_refs", -1), 1100);
	assert_int_equal(jsonx_int(counts, "i1_misses", -1), 20);
	assert_int_equal(jsonx_int(counts, "d1_misses", -1), 130);
	assert_int_equal(jsonx_int(counts, "ll_misses", -1), 18);
	json_decref(counts);
	/* The order is the file's own, and numbers may be large. */
	assert_int_equal(read_text("events:  Dr Dw Ir D1mr  D1mw I1mr ILmr DLmr DLmw\n"
				   "summary: 1 2 9007199254740993 4 5 6 7 8 9",
				   &counts, &err),
			 0);
	assert_int_equal(jsonx_int(counts, "instructions", -1), INT64_C(9007199254740993));
	assert_int_equal(jsonx_int(counts, "data_refs", -1), 3);
	json_decref(counts);
	for (size_t i = 0; i < sizeof torn / sizeof *torn; i++) {
		assert_int_equal(read_text(torn[i], &counts, &err), -EBADMSG);
		assert_null(counts);
	}
	assert_int_equal(cachegrind_read("/nonexistent/out", &counts, &err), -ENOENT);
}

static void work_is_enough_and_little(void **state)
{
	struct workload_def w = {
		.scaling = SCALING_LINEAR, .smoke_ops = 100, .ops_quantum = 10, .quantum_param = "tasks"};
	struct cell cell = {.workload = &w, .params = json_pack("{s:i}", "tasks", 3)};

	(void)state;
	assert_int_equal(simulate_ops(&cell), 780); /* eight smoke samples, in whole quanta of 30 */
	json_object_set_new(cell.params, "tasks", json_integer(1000));
	assert_int_equal(simulate_ops(&cell), 40000); /* four times around */
	w.quantum_param = NULL;
	w.ops_quantum = 1;
	assert_int_equal(simulate_ops(&cell), 4000);
	assert_null(simulate_refused(&w));
	assert_int_equal(simulate_samples(&w) % 2, 0);
	w.scaling = SCALING_FINITE;
	assert_int_equal(simulate_samples(&w), 2);
	w.scaling = SCALING_SERVER;
	assert_non_null(simulate_refused(&w));
	assert_int_equal(simulate_samples(&w), 0);
	w.scaling = SCALING_STATE;
	assert_int_equal(simulate_samples(&w), 0);
	json_decref(cell.params);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_rounded),         cmocka_unit_test(caches_come_from_the_topology),
		cmocka_unit_test(missing_valgrind_is_said),  cmocka_unit_test(files_are_read),
		cmocka_unit_test(work_is_enough_and_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
