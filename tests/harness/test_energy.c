/*
 * RAPL on made-up machines: two packages with memory, one that is for root only, one without.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/measure/energy.h"
#include "harness/measure/measure.h"
#include "harness/measure/sysfile.h"
#include "harness/plan/jsonx.h"
#include "tests/harness/fakes.h"

static char folder[256];

static void put(const char *zone, const char *file, const char *text)
{
	char *dir = xformat("%s/sys/class/powercap/%s", folder, zone), *path = xformat("%s/%s", dir, file);
	char *command = xformat("mkdir -p '%s'", dir);
	FILE *f;

	assert_int_equal(system(command), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", text);
	fclose(f);
	free(command);
	free(path);
	free(dir);
}

static void put_zone(const char *zone, const char *name, const char *energy)
{
	put(zone, "name", name);
	put(zone, "energy_uj", energy);
	put(zone, "max_energy_range_uj", "1000");
}

static int make(void **state)
{
	(void)state;
	fakes_folder(folder, sizeof folder);
	sysfile_root(folder);
	put_zone("intel-rapl:0", "package-0", "100");
	put_zone("intel-rapl:0:0", "core", "50");
	put_zone("intel-rapl:0:1", "dram", "7");
	put_zone("intel-rapl:1", "package-1", "900");
	put_zone("intel-rapl:1:0", "dram", "8");
	put_zone("intel-rapl:2", "psys", "1");
	return 0;
}

static int drop(void **state)
{
	(void)state;
	sysfile_root("");
	session_remove_tree(folder);
	return 0;
}

/* One region: `between` changes the machine in it. The counter as a sample would have it. */
static json_t *measure(const char *name, void (*between)(void), uint64_t ops)
{
	struct err err = {{0}};
	struct counters *c;
	json_t *all, *one;

	assert_int_equal(counters_new(&name, 1, &c, &err), 0);
	counters_open(c, getpid());
	counters_begin(c);
	between();
	counters_end(c);
	all = counters_result(c, ops);
	counters_free(c);
	one = json_incref(json_array_get(all, 0));
	json_decref(all);
	return one;
}

static void work(void)
{
	put("intel-rapl:0", "energy_uj", "300");
	put("intel-rapl:1", "energy_uj", "50"); /* it has wrapped */
	put("intel-rapl:0:1", "energy_uj", "9");
	put("intel-rapl:1:0", "energy_uj", "12");
}

static void lose(void)
{
	char *path = xformat("%s/sys/class/powercap/intel-rapl:1/energy_uj", folder);

	assert_int_equal(unlink(path), 0);
	free(path);
}

static void domains_are_summed(void **state)
{
	json_t *package = measure("energy:package", work, 10), *dram;

	(void)state;
	assert_int_equal(jsonx_int(package, "value", -1), 200 + 150);
	assert_true(jsonx_real(package, "per_op", -1) > 34.99 && jsonx_real(package, "per_op", -1) < 35.01);
	assert_string_equal(jsonx_str(package, "scope"), "machine");
	assert_null(jsonx_str(package, "why"));
	json_decref(package);
	put("intel-rapl:0:1", "energy_uj", "7");
	put("intel-rapl:1:0", "energy_uj", "8");
	dram = measure("energy:dram", work, 0);
	assert_int_equal(jsonx_int(dram, "value", -1), 2 + 4);
	assert_true(json_is_null(json_object_get(dram, "per_op"))); /* operations unknown: no division */
	json_decref(dram);
}

static void assert_unknown(const char *name, void (*between)(void), const char *why)
{
	json_t *counter = measure(name, between, 10);

	assert_true(json_is_null(json_object_get(counter, "value")));
	assert_true(json_is_null(json_object_get(counter, "per_op")));
	if (!jsonx_str(counter, "why") || !strstr(jsonx_str(counter, "why"), why))
		fail_msg("says '%s', not '%s'", jsonx_str(counter, "why"), why);
	json_decref(counter);
}

static void half_of_a_sum_is_none(void **state)
{
	(void)state;
	assert_unknown("energy:package", lose, "intel-rapl:1/energy_uj cannot be read: No such file");
}

static void nothing(void)
{
}

static void back(void)
{
	put("intel-rapl:2", "energy_uj", "0");
	put("intel-rapl:2", "max_energy_range_uj", "0");
}

static void what_is_unknown_is_null(void **state)
{
	char *path = xformat("%s/sys/class/powercap/intel-rapl:0/energy_uj", folder);

	(void)state;
	assert_unknown("energy:uncore", nothing, "this machine's RAPL has no domain uncore");
	put("intel-rapl:2", "max_energy_range_uj", "0");
	assert_unknown("energy:psys", back, "the counter went back");
	if (geteuid() != 0) { /* root may read everything */
		assert_int_equal(chmod(path, 0), 0);
		assert_unknown("energy:package", nothing, "is for root only");
	}
	free(path);
	sysfile_root("/nonexistent");
	assert_unknown("energy:package", nothing, "this machine offers no RAPL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(domains_are_summed, make, drop),
		cmocka_unit_test_setup_teardown(half_of_a_sum_is_none, make, drop),
		cmocka_unit_test_setup_teardown(what_is_unknown_is_null, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
